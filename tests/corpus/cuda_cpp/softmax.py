"""Softmax and log-softmax over rows: a thread, a warp, a tile, a block a row; gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from tests.corpus.cuda_cpp.case import Arguments, Case, Launch, Tolerance, blocks

f16, f32, f64, i32 = np.float16, np.float32, np.float64, np.int32

PER_THREAD = (
    Launch(2, 32, size=(40, 17)),
    Launch(1, 64, size=(64, 33)),
    Launch(3, 48, size=(130, 1)),
)
PER_BLOCK = (
    Launch(3, 128, size=(3, 200)),
    Launch(5, 128, size=(5, 37)),
    Launch(1, 128, size=(1, 600)),
)


def _logits(rng: np.random.Generator, launch: Launch, dtype: Any = f32) -> Any:
    return (3 * rng.standard_normal(launch.size)).astype(dtype)


def _out_in_rows_cols(rng: np.random.Generator, launch: Launch) -> Arguments:
    x = _logits(rng, launch)
    return np.zeros_like(x), x, *map(i32, launch.size)


def _in_out_rows_cols(rng: np.random.Generator, launch: Launch) -> Arguments:
    x = _logits(rng, launch)
    return x, np.zeros_like(x), *map(i32, launch.size)


def _in_out_cols(dtype: Any) -> Callable[[np.random.Generator, Launch], Arguments]:
    def make(rng: np.random.Generator, launch: Launch) -> Arguments:
        x = _logits(rng, launch, dtype)
        return x, np.zeros_like(x), i32(launch.size[1])

    return make


def _softmax_of(position: int) -> Callable[..., list[Any]]:
    return lambda launch, *a: [special.softmax(a[position].astype(f64), -1)]


def _log_softmax(launch: Launch, x: Any, *_: Any) -> list[Any]:
    return [special.log_softmax(x.astype(f64), -1)]


def _make_temperature(rng: np.random.Generator, launch: Launch) -> Arguments:
    x = _logits(rng, launch)
    return x, np.zeros_like(x), i32(launch.size[1]), f32(rng.uniform(0.5, 2))


def _temperature(launch: Launch, x: Any, out: Any, n: Any, temperature: Any) -> list[Any]:
    return [special.softmax(x.astype(f64) / f64(temperature), -1)]


def _make_backward(rng: np.random.Generator, launch: Launch) -> Arguments:
    y = special.softmax(_logits(rng, launch, f64), -1).astype(f32)
    dy = rng.standard_normal(launch.size).astype(f32)
    return dy, y, np.zeros_like(y), i32(launch.size[1]), f32(0.125)


def _backward(launch: Launch, dy: Any, y: Any, dx: Any, cols: Any, scale: Any) -> list[Any]:
    dy, y = dy.astype(f64), y.astype(f64)
    return [scale * y * (dy - (dy * y).sum(-1, keepdims=True))]


def _make_log_backward(rng: np.random.Generator, launch: Launch) -> Arguments:
    y = special.log_softmax(_logits(rng, launch, f64), -1)
    return rng.standard_normal(launch.size), y, np.zeros_like(y), i32(launch.size[1])


def _log_backward(launch: Launch, dy: Any, y: Any, dx: Any, cols: Any) -> list[Any]:
    return [dy - np.exp(y) * dy.sum(-1, keepdims=True)]


def _warps(rows: int, cols: int, grid: int, warps: int) -> Launch:
    return Launch(grid, (32, warps), size=(rows, cols))


TILES = tuple(Launch(blocks(n, t // 32), t, size=(n, c)) for n, c, t in ((7, 65, 64), (4, 20, 96)))

CASES = (
    Case(
        "softmax_naive", "softmax/naive.cu", "softmax_naive", _out_in_rows_cols, PER_THREAD,
        _softmax_of(1),
    ),
    Case(
        "softmax_online", "softmax/naive.cu", "softmax_online", _out_in_rows_cols, PER_THREAD,
        _softmax_of(1),
    ),
    Case(
        "softmax_block_float", "softmax/block.cu", "softmax<float, 128>", _in_out_cols(f32),
        PER_BLOCK, _softmax_of(0), (1,),
    ),
    Case(
        "softmax_block_half", "softmax/block.cu", "softmax<__half, 64>", _in_out_cols(f16),
        (Launch(3, 64, size=(3, 150)), Launch(2, 64, size=(2, 31))), _softmax_of(0), (1,),
    ),
    Case(
        "softmax_warp", "softmax/warp.cu", "warp_softmax<2, false>", _in_out_rows_cols,
        (_warps(9, 64, 3, 4), _warps(5, 41, 1, 2), _warps(3, 7, 2, 1)), _softmax_of(0), (1,),
    ),
    Case(
        "log_softmax_warp", "softmax/warp.cu", "warp_softmax<3, true>", _in_out_rows_cols,
        (_warps(6, 96, 2, 3), _warps(5, 70, 1, 2)), _log_softmax, (1,),
    ),
    Case(
        "softmax_tile_online", "softmax/groups.cu", "softmax_online_tile", _out_in_rows_cols,
        TILES, _softmax_of(1),
    ),
    Case(
        "softmax_temperature", "softmax/groups.cu", "softmax_temperature", _make_temperature,
        (Launch(3, 64, size=(3, 100)), Launch(2, 128, size=(2, 31))), _temperature, (1,),
    ),
    Case(
        "softmax_backward", "softmax/backward.cu", "softmax_backward", _make_backward,
        (Launch(4, 96, 12, size=(4, 130)), Launch(2, 32, 4, size=(2, 19))), _backward, (2,),
    ),
    Case(
        "log_softmax_backward", "softmax/backward.cu", "log_softmax_backward", _make_log_backward,
        (Launch(3, 64, 512, size=(3, 100)), Launch(2, 32, 256, size=(2, 10))),
        _log_backward, (2,), options=("-DWARP_SIZE=32",),
        tolerances={"float64": Tolerance(1e-9, 1e-12, "a difference of nearly equal numbers")},
    ),
)  # fmt: skip
