"""Convolutions: direct, in tiles, depthwise, causal, as columns, transposed; their gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from tests.corpus.cuda_cpp.case import EXACT, Arguments, Case, Launch, Tolerance, blocks, record

f16, f32, f64, i32 = np.float16, np.float32, np.float64, np.int32
Make = Callable[[np.random.Generator, Launch], Arguments]


def _normal(rng: np.random.Generator, shape: Any, dtype: Any = f32) -> Any:
    return rng.standard_normal(shape).astype(dtype)


def _out(size: int, kernel: int, stride: int, pad: int, dilation: int) -> int:
    return (size + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1


def _patches(x: Any, kernel: tuple[int, int], stride: int, pad: int, dilation: int) -> Any:
    """(N, C, H, W) as (N, C, P, Q, R, S), in float64."""
    x = np.pad(x.astype(f64), ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    reach = tuple(dilation * (k - 1) + 1 for k in kernel)
    windows = np.lib.stride_tricks.sliding_window_view(x, reach, (2, 3))
    return windows[:, :, ::stride, ::stride, ::dilation, ::dilation]


# -------------------------------------------------------------------------------- from definition

NAMES = ("N", "C", "H", "W", "K", "R", "S", "stride", "pad", "dilation", "groups")  # of the sizes
DIRECT = (
    Launch(4, 64, size=(2, 3, 8, 9, 4, 3, 3, 1, 1, 1, 1)),
    Launch(1, 96, size=(1, 4, 7, 10, 6, 3, 2, 2, 1, 2, 2)),
)


def _problem(launch: Launch) -> tuple[dict[str, int], np.void]:
    p = dict(zip(NAMES, launch.size, strict=True))
    p["P"] = _out(p["H"], p["R"], p["stride"], p["pad"], p["dilation"])
    p["Q"] = _out(p["W"], p["S"], p["stride"], p["pad"], p["dilation"])
    return p, record(**{name: i32(v) for name, v in p.items()})


def _make_direct(dtype: Any, biased: bool) -> Make:
    def make(rng: np.random.Generator, launch: Launch) -> Arguments:
        p, packed = _problem(launch)
        x = _normal(rng, (p["N"], p["C"], p["H"], p["W"]), dtype)
        w = _normal(rng, (p["K"], p["C"] // p["groups"], p["R"], p["S"]), dtype)
        bias = _normal(rng, p["K"], dtype) if biased else None
        return x, w, bias, np.zeros((p["N"], p["K"], p["P"], p["Q"]), dtype), packed

    return make


def _direct(launch: Launch, x: Any, w: Any, bias: Any, *_: Any) -> list[Any]:
    p, _ = _problem(launch)
    patches = _patches(x, w.shape[2:], p["stride"], p["pad"], p["dilation"])
    groups = p["groups"]
    patches = patches.reshape(p["N"], groups, -1, *patches.shape[2:])
    weights = w.astype(f64).reshape(groups, -1, *w.shape[1:])
    y = np.einsum("ngcpqrs,gkcrs->ngkpq", patches, weights)
    y = y.reshape(p["N"], p["K"], p["P"], p["Q"])
    return [y if bias is None else y + bias.astype(f64)[:, None, None]]


def _make_weight_grad(rng: np.random.Generator, launch: Launch) -> Arguments:
    p, packed = _problem(launch)
    x, dy = (
        _normal(rng, s)
        for s in ((p["N"], p["C"], p["H"], p["W"]), (p["N"], p["K"], p["P"], p["Q"]))
    )
    return x, dy, np.zeros((p["K"], p["C"], p["R"], p["S"]), f32), packed


def _weight_grad(launch: Launch, x: Any, dy: Any, *_: Any) -> list[Any]:
    p, _ = _problem(launch)
    patches = _patches(x, (p["R"], p["S"]), p["stride"], p["pad"], 1)
    return [np.einsum("ncpqrs,nkpq->kcrs", patches, dy.astype(f64))]


def _make_transposed(rng: np.random.Generator, launch: Launch) -> Arguments:
    p, packed = _problem(launch)
    dy = _normal(rng, (p["N"], p["K"], p["P"], p["Q"]))
    w = _normal(rng, (p["K"], p["C"], p["R"], p["S"]))
    return dy, w, np.zeros((p["N"], p["C"], p["H"], p["W"]), f32), packed


def _transposed(launch: Launch, dy: Any, w: Any, *_: Any) -> list[Any]:
    """Scatters what the kernel gathers."""
    p, _ = _problem(launch)
    full = np.zeros((p["N"], p["C"], p["H"] + 2 * p["pad"], p["W"] + 2 * p["pad"]))
    share = np.einsum("nkpq,kcrs->ncpqrs", dy.astype(f64), w)
    stride = p["stride"]
    for i in range(p["P"]):
        for j in range(p["Q"]):
            at = np.s_[:, :, i * stride : i * stride + p["R"], j * stride : j * stride + p["S"]]
            full[at] += share[:, :, i, j]
    return [full[:, :, p["pad"] : p["pad"] + p["H"], p["pad"] : p["pad"] + p["W"]]]


def _grid_of_images(*sizes: tuple[int, ...]) -> tuple[Launch, ...]:
    """Blocks of 8 x 4 over (H, W), N * C of them in z."""
    return tuple(
        Launch((blocks(s[3], 8), blocks(s[2], 4), s[0] * s[1]), (8, 4), size=s) for s in sizes
    )


# ------------------------------------------------------------------------------------ in tiles


def _make_halo(radius: int) -> Make:
    def make(rng: np.random.Generator, launch: Launch) -> Arguments:
        height, width = launch.size
        image, taps = _normal(rng, launch.size), _normal(rng, (2 * radius + 1,) * 2)
        return image, taps, np.zeros_like(image), i32(width), i32(height)

    return make


def _halo(launch: Launch, image: Any, taps: Any, *_: Any) -> list[Any]:
    patches = _patches(image[None, None], taps.shape, 1, len(taps) // 2, 1)[0, 0]
    return [np.einsum("pqrs,rs->pq", patches, taps.astype(f64))]


def _halo_launches(radius: int) -> tuple[Launch, ...]:
    inner = 16 - 2 * radius
    return tuple(
        Launch((blocks(w, inner), blocks(h, inner)), (16, 16), size=(h, w))
        for h, w in ((20, 30), (9, 13))
    )


def _make_depthwise(rows: int, cols: int) -> Make:
    def make(rng: np.random.Generator, launch: Launch) -> Arguments:
        _, c, h, w = launch.size
        x = _normal(rng, launch.size)
        parameters = _normal(rng, (c, rows, cols)), _normal(rng, c)
        return x, *parameters, np.zeros_like(x), i32(c), i32(h), i32(w)

    return make


def _depthwise(launch: Launch, x: Any, w: Any, bias: Any, *_: Any) -> list[Any]:
    _, rows, cols = w.shape
    x = np.pad(x.astype(f64), ((0, 0), (0, 0), (rows // 2,) * 2, (cols // 2,) * 2))
    patches = np.lib.stride_tricks.sliding_window_view(x, (rows, cols), (2, 3))
    return [np.einsum("ncpqrs,crs->ncpq", patches, w.astype(f64)) + bias[:, None, None]]


# ---------------------------------------------------------------------------------- along time


def _make_causal(width: int, dtype: Any, biased: bool) -> Make:
    def make(rng: np.random.Generator, launch: Launch) -> Arguments:
        _, dim, length = launch.size
        x, w = _normal(rng, launch.size, dtype), _normal(rng, (dim, width), dtype)
        bias = _normal(rng, dim) if biased else None
        return x, w, bias, np.zeros_like(x), i32(dim), i32(length)

    return make


def _causal(silu: bool) -> Callable[..., list[Any]]:
    def reference(launch: Launch, x: Any, w: Any, bias: Any, *_: Any) -> list[Any]:
        width = w.shape[1]
        x = np.pad(x.astype(f64), ((0, 0), (0, 0), (width - 1, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(x, width, 2)
        y = np.einsum("bdtw,dw->bdt", windows, w.astype(f64))
        y = y if bias is None else y + bias[:, None]
        return [y * special.expit(y) if silu else y]

    return reference


def _make_update(rng: np.random.Generator, launch: Launch) -> Arguments:
    channels = launch.size[0]
    state, w = _normal(rng, launch.size), _normal(rng, launch.size)
    return _normal(rng, channels), state, w, np.zeros(channels, f32), i32(channels)


def _update(launch: Launch, x: Any, state: Any, w: Any, *_: Any) -> list[Any]:
    state = np.concatenate([state[:, 1:], x[:, None]], 1)
    return [state, (state.astype(f64) * w).sum(1)]


def _make_scan(rng: np.random.Generator, launch: Launch) -> Arguments:
    batch, length, dim, states = launch.size
    u, delta = _normal(rng, (batch, length, dim)), _normal(rng, (batch, length, dim))
    a = -rng.uniform(0.1, 2, (dim, states)).astype(f32)
    b, c = _normal(rng, (batch, length, states)), _normal(rng, (batch, length, states))
    return u, delta, a, b, c, _normal(rng, dim), np.zeros_like(u), i32(length), i32(dim)


def _scan(launch: Launch, *arguments: Any) -> list[Any]:
    u, delta, a, b, c, d = (v.astype(f64) for v in arguments[:6])
    dt = np.logaddexp(delta, 0)
    h = np.zeros((u.shape[0], *a.shape))
    y = np.zeros(u.shape)
    for t in range(u.shape[1]):
        step = dt[:, t, :, None]
        h = np.exp(step * a) * h + step * b[:, t, None] * u[:, t, :, None]
        y[:, t] = (h * c[:, t, None]).sum(-1) + d * u[:, t]
    return [y]


# -------------------------------------------------------------------------------------- columns

# sizes are C, H, W, kernel, stride, pad, dilation
COLUMNS = (Launch(3, 64, size=(3, 8, 9, 3, 1, 1, 1)), Launch(1, 96, size=(2, 11, 7, 2, 2, 1, 2)))


def _window(launch: Launch) -> tuple[np.void, int, int]:
    _, h, w, kernel, stride, pad, dilation = launch.size
    out_h, out_w = (_out(v, kernel, stride, pad, dilation) for v in (h, w))
    window = record(
        height=i32(h), width=i32(w), kh=i32(kernel), kw=i32(kernel), pad_h=i32(pad),
        pad_w=i32(pad), stride_h=i32(stride), stride_w=i32(stride), dil_h=i32(dilation),
        dil_w=i32(dilation), out_h=i32(out_h), out_w=i32(out_w),
    )  # fmt: skip
    return window, out_h, out_w


def _make_columns(dtype: Any) -> Make:
    def make(rng: np.random.Generator, launch: Launch) -> Arguments:
        c, h, w, kernel = launch.size[:4]
        window, out_h, out_w = _window(launch)
        columns = np.zeros((c, kernel, kernel, out_h, out_w), dtype)
        return i32(c * out_h * out_w), _normal(rng, (c, h, w), dtype), columns, window

    return make


def _columns(launch: Launch, n: Any, image: Any, *_: Any) -> list[Any]:
    kernel, stride, pad, dilation = launch.size[3:]
    patches = _patches(image[None], (kernel, kernel), stride, pad, dilation)[0]
    return [patches.transpose(0, 3, 4, 1, 2)]


def _make_image(rng: np.random.Generator, launch: Launch) -> Arguments:
    c, h, w, kernel = launch.size[:4]
    window, out_h, out_w = _window(launch)
    columns = _normal(rng, (c, kernel, kernel, out_h, out_w), f64)
    return i32(c * h * w), columns, np.zeros((c, h, w)), window


def _image(launch: Launch, n: Any, columns: Any, *_: Any) -> list[Any]:
    c, h, w, kernel, stride, pad, dilation = launch.size
    full = np.zeros((c, h + 2 * pad, w + 2 * pad))
    out_h, out_w = columns.shape[3:]
    for i in range(kernel):
        for j in range(kernel):
            top, left = i * dilation, j * dilation
            rows = slice(top, top + stride * out_h, stride)
            cols = slice(left, left + stride * out_w, stride)
            view = full[:, rows, cols]
            view[:] += columns[:, i, j, : view.shape[1], : view.shape[2]]
    return [full[:, pad : pad + h, pad : pad + w]]


DIRECT_CU, TILED_CU, CAUSAL_CU, COLUMNS_CU = (
    f"convolution/{name}.cu" for name in ("direct", "tiled", "causal1d", "im2col")
)
SUMS = Tolerance(2e-5, 5e-5, "sums of a hundred terms that cancel")

CASES = (
    Case(
        "conv2d_direct", DIRECT_CU, "conv2d_direct<float>", _make_direct(f32, True), DIRECT,
        _direct,
        (3,), tolerances={"float32": SUMS},
    ),
    Case(
        "conv2d_direct_double_sums", DIRECT_CU, "conv2d_direct<float, double>", _make_direct(f32,
        False),
        DIRECT, _direct, (3,),
    ),
    Case(
        "conv2d_weight_grad", DIRECT_CU, "conv2d_weight_grad", _make_weight_grad,
        (
            Launch(4 * 2 * 9, 64, size=(2, 2, 7, 8, 4, 3, 3, 1, 1, 1, 1)),
            Launch(3 * 1 * 4, 32, size=(1, 1, 9, 6, 3, 2, 2, 2, 0, 1, 1)),
        ),
        _weight_grad, (2,), tolerances={"float32": SUMS},
    ),
    Case(
        "conv_transpose2d", DIRECT_CU, "conv_transpose2d", _make_transposed,
        _grid_of_images((2, 2, 9, 10, 3, 3, 3, 1, 1, 1, 1), (1, 3, 9, 7, 2, 3, 3, 2, 1, 1, 1)),
        _transposed, (2,), tolerances={"float32": SUMS},
    ),
    Case(
        "conv2d_halo", TILED_CU, "conv2d_halo", _make_halo(2), _halo_launches(2), _halo, (2,),
        tolerances={"float32": SUMS},
    ),
    Case(
        "conv2d_halo_radius_1", TILED_CU, "conv2d_halo", _make_halo(1), _halo_launches(1), _halo,
        (2,), options=("-D", "RADIUS=1"),
    ),
    Case(
        "depthwise_conv2d", TILED_CU, "depthwise_conv2d<3, 3, 4, 8>", _make_depthwise(3, 3),
        tuple(
            Launch((blocks(w, 8), blocks(h, 4), n * c), (8, 4), 4 * 6 * 10, (n, c, h, w))
            for n, c, h, w in ((2, 3, 9, 10), (1, 2, 4, 17))
        ),
        _depthwise, (3,),
    ),
    Case(
        "depthwise_conv2d_wide", TILED_CU, "depthwise_conv2d<1, 5, 2, 16>", _make_depthwise(1, 5),
        (Launch((2, 3, 4), (16, 2), 4 * 2 * 20, (2, 2, 5, 20)),), _depthwise, (3,),
    ),
    *(
        Case(
            f"causal_conv1d_{name}", CAUSAL_CU,
            f"causal_conv1d_fwd<CausalConv1dTraits<{threads}, {width}, {str(silu).lower()}, "
            f"{spelling}>>",
            _make_causal(width, dtype, biased),
            (Launch((2, 3), threads, size=(2, 3, 70)), Launch((1, 4), threads, size=(1, 4, 9))),
            _causal(silu), (3,),
        )
        for name, threads, width, silu, spelling, dtype, biased in (
            ("silu", 32, 4, True, "float", f32, True),
            ("half", 64, 3, False, "__half", f16, False),
        )
    ),
    Case(
        "causal_conv1d_update", CAUSAL_CU, "causal_conv1d_update<4>", _make_update,
        (Launch(2, 32, size=(50, 4)), Launch(1, 64, size=(7, 4))), _update, (1, 3),
    ),
    Case(
        "selective_scan", CAUSAL_CU, "selective_scan<8>", _make_scan,
        (Launch((2, 2), 32, size=(2, 12, 40, 8)), Launch((1, 1), 16, size=(1, 5, 9, 8))), _scan,
        (6,),
        tolerances={"float32": Tolerance(1e-4, 1e-4, "a recurrence carries its errors along")},
    ),
    Case(
        "im2col", COLUMNS_CU, "im2col<float>", _make_columns(f32), COLUMNS, _columns, (2,),
        tolerances={"float32": EXACT},
    ),
    Case("im2col_bytes", COLUMNS_CU, "im2col<signed char>", _make_columns(np.int8), COLUMNS,
    _columns, (2,)),
    Case("col2im", COLUMNS_CU, "col2im<double>", _make_image, COLUMNS, _image, (2,)),
)  # fmt: skip
