"""Pooling and resizing of feature maps, and their gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.corpus.cuda_cpp.case import EXACT, Arguments, Case, Launch, Tolerance, blocks, record

f32, f64, i32, i64, u8 = np.float32, np.float64, np.int32, np.int64, np.uint8
Make = Callable[[np.random.Generator, Launch], Arguments]


def _normal(rng: np.random.Generator, shape: Any, dtype: Any = f32) -> Any:
    return rng.standard_normal(shape).astype(dtype)


# --------------------------------------------------------------------------------------- windows

# sizes are planes, H, W, kernel, stride, pad
WINDOWS = (Launch(2, 64, size=(3, 8, 9, 3, 2, 1)), Launch(1, 96, size=(2, 7, 10, 2, 2, 0)))


def _shape(launch: Launch) -> tuple[np.void, int, int]:
    _, h, w, kernel, stride, pad = launch.size
    out_h, out_w = ((v + 2 * pad - kernel) // stride + 1 for v in (h, w))
    shape = record(
        height=i32(h), width=i32(w), out_h=i32(out_h), out_w=i32(out_w), kernel_h=i32(kernel),
        kernel_w=i32(kernel), stride_h=i32(stride), stride_w=i32(stride), pad_h=i32(pad),
        pad_w=i32(pad),
    )  # fmt: skip
    return shape, out_h, out_w


def _window_views(launch: Launch, x: Any, fill: float) -> Any:
    """(planes, H, W) as (planes, out_h, out_w, kernel, kernel)."""
    _, _, _, kernel, stride, pad = launch.size
    x = np.pad(x.astype(f64), ((0, 0), (pad, pad), (pad, pad)), constant_values=fill)
    windows = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), (1, 2))
    return windows[:, ::stride, ::stride]


def _make_max(dtype: Any, indexed: bool) -> Make:
    def make(rng: np.random.Generator, launch: Launch) -> Arguments:
        planes, h, w = launch.size[:3]
        shape, out_h, out_w = _shape(launch)
        x = rng.permutation(planes * h * w).reshape(planes, h, w).astype(dtype)
        y = np.zeros((planes, out_h, out_w), dtype)
        return x, y, np.zeros(y.shape, i64) if indexed else None, i32(y.size), shape

    return make


def _max(launch: Launch, x: Any, y: Any, indices: Any, *_: Any) -> list[Any]:
    top = _window_views(launch, x, -np.inf).max((3, 4))
    if indices is None:
        return [top]
    where = [
        [int(np.flatnonzero(plane == v)[0]) for v in t.ravel()]
        for plane, t in zip(x, top, strict=True)
    ]
    return [top, np.array(where)]


def _make_max_backward(rng: np.random.Generator, launch: Launch) -> Arguments:
    planes, pooled, plane = launch.size
    indices = rng.integers(0, plane, (planes, pooled))
    dout, din = _normal(rng, (planes, pooled)), np.zeros((planes, plane), f32)
    return i32(dout.size), dout, indices, din, i32(pooled), i32(plane)


def _max_backward(launch: Launch, n: Any, dout: Any, indices: Any, din: Any, *_: Any) -> list[Any]:
    din = din.astype(f64)
    np.add.at(din, (np.arange(len(din))[:, None], indices), dout)
    return [din]


def _make_average(include: bool) -> Make:
    def make(rng: np.random.Generator, launch: Launch) -> Arguments:
        shape, out_h, out_w = _shape(launch)
        x = _normal(rng, launch.size[:3])
        y = np.zeros((len(x), out_h, out_w), f32)
        return x, y, i32(y.size), shape, np.bool_(include)

    return make


def _average(launch: Launch, x: Any, y: Any, n: Any, shape: Any, include: Any) -> list[Any]:
    if include:
        return [_window_views(launch, x, 0).mean((3, 4))]
    return [np.nanmean(_window_views(launch, x, np.nan), (3, 4))]


def _make_adaptive(dtype: Any) -> Make:
    def make(rng: np.random.Generator, launch: Launch) -> Arguments:
        planes, h, w, out_h, out_w = launch.size
        x = _normal(rng, (planes, h, w), dtype)
        return x, np.zeros((planes, out_h, out_w), dtype), i32(h), i32(w), i32(out_h), i32(out_w)

    return make


def _adaptive(launch: Launch, x: Any, *_: Any) -> list[Any]:
    planes, h, w, out_h, out_w = launch.size
    y = np.zeros((planes, out_h, out_w))
    for i in range(out_h):
        for j in range(out_w):
            rows = slice(i * h // out_h, -(-(i + 1) * h // out_h))
            cols = slice(j * w // out_w, -(-(j + 1) * w // out_w))
            y[:, i, j] = x[:, rows, cols].astype(f64).mean((1, 2))
    return [y]


def _make_global(rng: np.random.Generator, launch: Launch) -> Arguments:
    planes, size = launch.size
    return _normal(rng, launch.size), np.zeros((planes, 2), f32), i32(planes), i32(size)


def _global(launch: Launch, x: Any, *_: Any) -> list[Any]:
    return [np.stack([x.astype(f64).mean(1), x.max(1)], 1)]


# -------------------------------------------------------------------------------------- resizing


def _make_nearest(rng: np.random.Generator, launch: Launch) -> Arguments:
    planes, h, w, out_h, out_w = launch.size
    x = rng.integers(0, 256, (planes, h, w)).astype(u8)
    scales = f32(h / out_h), f32(w / out_w)
    sizes = map(i32, launch.size)
    return x, np.zeros((planes, out_h, out_w), u8), *sizes, *scales


def _nearest(launch: Launch, x: Any, y: Any, planes: Any, *rest: Any) -> list[Any]:
    h, w, out_h, out_w, scale_h, scale_w = rest

    def source(out: int, size: int, scale: Any) -> Any:
        at = np.arange(out)
        return (
            at
            if out == size
            else np.minimum(np.floor(at.astype(f32) * scale), size - 1).astype(int)
        )

    return [x[:, source(out_h, h, scale_h)][:, :, source(out_w, w, scale_w)]]


def _interpolation(size: int, out: int, align: bool) -> Any:
    """The matrix (out, size) of linear interpolation."""
    if align:
        at = np.arange(out) * (size - 1) / max(out - 1, 1)
    else:
        at = np.maximum((np.arange(out) + 0.5) * size / out - 0.5, 0)
    low = np.minimum(at.astype(int), size - 1)
    share = at - low
    matrix = np.zeros((out, size))
    matrix[np.arange(out), low] = 1 - share
    matrix[np.arange(out), np.minimum(low + 1, size - 1)] += share
    return matrix


def _make_bilinear(rng: np.random.Generator, launch: Launch) -> Arguments:
    planes, h, w, out_h, out_w = launch.size
    x = _normal(rng, (planes, h, w))
    return x, np.zeros((planes, out_h, out_w), f32), i32(h), i32(w), i32(out_h), i32(out_w)


def _bilinear(align: bool) -> Callable[..., list[Any]]:
    def reference(launch: Launch, x: Any, *_: Any) -> list[Any]:
        _, h, w, out_h, out_w = launch.size
        vertical, horizontal = _interpolation(h, out_h, align), _interpolation(w, out_w, align)
        return [vertical @ x.astype(f64) @ horizontal.T]

    return reference


def _make_bilinear_backward(rng: np.random.Generator, launch: Launch) -> Arguments:
    planes, h, w, out_h, out_w = launch.size
    dy = _normal(rng, (planes, out_h, out_w))
    return dy, np.zeros((planes, h, w), f32), i32(h), i32(w), i32(out_h), i32(out_w)


def _bilinear_backward(align: bool) -> Callable[..., list[Any]]:
    def reference(launch: Launch, dy: Any, *_: Any) -> list[Any]:
        _, h, w, out_h, out_w = launch.size
        vertical, horizontal = _interpolation(h, out_h, align), _interpolation(w, out_w, align)
        return [vertical.T @ dy.astype(f64) @ horizontal]

    return reference


def _make_shuffle(dtype: Any) -> Make:
    def make(rng: np.random.Generator, launch: Launch) -> Arguments:
        n, c, h, w, r = launch.size
        x = rng.integers(0, 1000, (n, c * r * r, h, w)).astype(dtype)
        y = np.zeros((n, c, h * r, w * r), dtype)
        return y, x, i32(y.size), i32(c), i32(h), i32(w), i32(r)

    return make


def _shuffle(launch: Launch, y: Any, x: Any, *_: Any) -> list[Any]:
    n, c, h, w, r = launch.size
    return [x.reshape(n, c, r, r, h, w).transpose(0, 1, 4, 2, 5, 3)]


def _make_sampler(rng: np.random.Generator, launch: Launch) -> Arguments:
    n, c, h, w, points = launch.size
    x = _normal(rng, (n, c, h, w))
    grid = rng.uniform(-1.2, 1.2, (n, points, 2)).astype(f32)
    return x, grid, np.zeros((n, c, points), f32), i32(c), i32(h), i32(w), i32(points), i32(n)


def _sampler(border: bool) -> Callable[..., list[Any]]:
    def reference(launch: Launch, x: Any, grid: Any, *_: Any) -> list[Any]:
        n, c, h, w, points = launch.size
        at = ((grid.astype(f64) + 1) * (w, h) - 1) / 2
        if border:
            at = np.clip(at, 0, (w - 1, h - 1))
        # a rim of zeros on each side takes what lies outside
        padded = np.pad(x.astype(f64), ((0, 0), (0, 0), (2, 2), (2, 2)))
        low = np.floor(at).astype(int)
        result = np.zeros((n, c, points))
        batch = np.arange(n)[:, None]
        for dy in (0, 1):
            for dx in (0, 1):
                corner = low + np.array([dx, dy])
                weight = (1 - np.abs(at - corner)).prod(-1)
                values = padded[batch, :, corner[..., 1] + 2, corner[..., 0] + 2]
                result += (weight[..., None] * values).swapaxes(1, 2)
        return [result]

    return reference


def _planes(*sizes: tuple[int, ...], depth: int = 0) -> tuple[Launch, ...]:
    """Blocks of 8 x 4 over the output (the last two sizes), planes in z."""
    return tuple(
        Launch((blocks(s[4], 8), blocks(s[3], 4), depth or s[0]), (8, 4), size=s) for s in sizes
    )


RESIZED = ((2, 5, 6, 9, 13), (1, 8, 7, 4, 3), (3, 1, 4, 5, 1))
POOL, UPSAMPLE = "pooling/pool.cu", "pooling/upsample.cu"
PLACES = Tolerance(1e-4, 1e-4, "the error of a place multiplies the difference of its neighbours")

CASES = (
    Case(
        "max_pool_indices", POOL, "max_pool<float>", _make_max(f32, True), WINDOWS, _max, (1, 2),
        tolerances={"float32": EXACT},
    ),
    Case("max_pool_double", POOL, "max_pool<double>", _make_max(f64, False), WINDOWS, _max, (1,)),
    Case(
        "max_pool_backward", POOL, "max_pool_backward", _make_max_backward,
        (Launch(2, 64, size=(3, 50, 30)), Launch(1, 32, size=(2, 9, 4))), _max_backward, (3,),
    ),
    Case("avg_pool_padded", POOL, "avg_pool", _make_average(True), WINDOWS, _average, (1,)),
    Case("avg_pool_inside", POOL, "avg_pool", _make_average(False), WINDOWS, _average, (1,)),
    Case(
        "adaptive_avg_pool", POOL, "adaptive_avg_pool<float>", _make_adaptive(f32),
        (Launch((3, 2), (8, 4), size=(3, 13, 17, 5, 7)), Launch((2, 1), (4, 2), size=(2, 6, 5, 3,
        9))),
        _adaptive, (1,),
    ),
    Case(
        "adaptive_avg_pool_double", POOL, "adaptive_avg_pool<double>", _make_adaptive(f64),
        (Launch((2, 3), (3, 2), size=(2, 10, 7, 7, 4)),), _adaptive, (1,),
    ),
    Case(
        "global_pool", POOL, "global_pool", _make_global,
        (Launch(2, (32, 4), size=(7, 49)), Launch(3, (32, 1), size=(3, 100))), _global, (1,),
    ),
    Case(
        "upsample_nearest", UPSAMPLE, "upsample_nearest", _make_nearest,
        _planes(*RESIZED, (3, 4, 4, 8, 4), depth=2), _nearest, (1,),
    ),
    *(
        Case(
            f"upsample_bilinear_{name}{suffix}", UPSAMPLE,
            f"upsample_bilinear{suffix}<{str(align).lower()}>", make, _planes(*RESIZED),
            reference(align), (1,), tolerances={"float32": PLACES},
        )
        for name, align in (("aligned", True), ("centres", False))
        for suffix, make, reference in (
            ("", _make_bilinear, _bilinear), ("_backward", _make_bilinear_backward,
            _bilinear_backward),
        )
    ),
    *(
        Case(
            f"pixel_shuffle_{name}", UPSAMPLE, f"pixel_shuffle<{name}>", _make_shuffle(dtype),
            tuple(Launch(blocks(int(np.prod(s)) * s[4], 64), 64, size=s) for s in ((2, 3, 4, 5, 2),
            (1, 1, 3, 4, 3))),
            _shuffle, tolerances={"float32": EXACT},
        )
        for name, dtype in (("float", f32), ("short", np.int16))
    ),
    *(
        Case(
            f"grid_sample_{name.lower()}", UPSAMPLE, f"grid_sampler_2d<Padding::{name}>",
            _make_sampler,
            (Launch(2, 64, size=(2, 3, 6, 7, 50)), Launch(1, 32, size=(1, 1, 4, 3, 20))),
            _sampler(border), (2,), tolerances={"float32": PLACES},
        )
        for name, border in (("Zeros", False), ("Border", True))
    ),
)  # fmt: skip
