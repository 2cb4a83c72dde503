"""Matrix products: naive, tiled, blocked in registers, vectorised, split, batched, narrow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np

from tests.corpus.cuda_cpp.case import EXACT, Arguments, Case, Launch, Tolerance, blocks, record

f16, f32, f64, i32, i64 = np.float16, np.float32, np.float64, np.int32, np.int64
bf16 = ml_dtypes.bfloat16
Make = Callable[[np.random.Generator, Launch], Arguments]


def _normal(rng: np.random.Generator, *shape: int, dtype: Any = f32) -> Any:
    return rng.standard_normal(shape).astype(dtype)


def _make_sgemm(rng: np.random.Generator, launch: Launch) -> Arguments:
    m, n, k = launch.size
    a, b, c = _normal(rng, m, k), _normal(rng, k, n), _normal(rng, m, n)
    return a, b, c, i32(m), i32(n), i32(k), f32(0.75), f32(-0.5)


def _sgemm(launch: Launch, a: Any, b: Any, c: Any, *rest: Any) -> list[Any]:
    alpha, beta = rest[3:]
    return [alpha * (a.astype(f64) @ b) + beta * c.astype(f64)]


def _make_product(dtype: Any, *more: Any) -> Make:
    def make(rng: np.random.Generator, launch: Launch) -> Arguments:
        m, n, k = launch.size[:3]
        a, b = _normal(rng, m, k, dtype=dtype), _normal(rng, k, n, dtype=dtype)
        return a, b, np.zeros((m, n), dtype), i32(m), i32(n), i32(k), *more

    return make


def _product(launch: Launch, a: Any, b: Any, *_: Any) -> list[Any]:
    return [a.astype(f64) @ b.astype(f64)]


def _epilogue(launch: Launch, a: Any, b: Any, *rest: Any) -> list[Any]:
    m, n, _ = launch.size
    p = rest[-1]
    shift = 0.25 * (np.arange(m)[:, None] - np.arange(n))
    return [np.clip(a.astype(f64) @ b * p["scale"] + shift, p["low"], p["high"])]


def _make_op(dtype: Any, transposed_a: bool, transposed_b: bool, beta: float) -> Make:
    def make(rng: np.random.Generator, launch: Launch) -> Arguments:
        m, n, k, padding = launch.size
        rows_a, lda = (k, m + padding) if transposed_a else (m, k + padding)
        rows_b, ldb = (n, k + padding) if transposed_b else (k, n + padding)
        a, b = _normal(rng, rows_a, lda, dtype=dtype), _normal(rng, rows_b, ldb, dtype=dtype)
        c = _normal(rng, m, n, dtype=dtype)
        return (
            i32(m), i32(n), i32(k), dtype(1.5), a, i32(lda), b, i32(ldb), dtype(beta), c, i32(n),
        )  # fmt: skip

    return make


def _op(transposed_a: bool, transposed_b: bool) -> Callable[..., list[Any]]:
    def reference(launch: Launch, *arguments: Any) -> list[Any]:
        m, n, k, alpha, a, _, b, _, beta, c, _ = arguments
        a = (a[:, :m].T if transposed_a else a[:, :k]).astype(f64)
        b = (b[:, :k].T if transposed_b else b[:, :n]).astype(f64)
        return [alpha * (a @ b) + beta * c.astype(f64)]

    return reference


def _make_batched(rng: np.random.Generator, launch: Launch) -> Arguments:
    batch, m, n, k = launch.size
    a, b, c = _normal(rng, batch, m, k), _normal(rng, batch, k, n), np.zeros((batch, m, n), f32)
    return a, b, c, i32(m), i32(n), i32(k), i64(m * k), i64(k * n), i64(m * n)


def _make_split(rng: np.random.Generator, launch: Launch) -> Arguments:
    m, n, k, step = launch.size
    a, b = _normal(rng, m, k, dtype=f64), _normal(rng, k, n, dtype=f64)
    return a, b, np.zeros((m, n)), i32(m), i32(n), i32(k), i32(step)


def _make_gemv(rng: np.random.Generator, launch: Launch) -> Arguments:
    rows, cols, biased = launch.size
    bias = _normal(rng, rows) if biased else None
    w, x = _normal(rng, rows, cols), _normal(rng, cols)
    return w, x, bias, np.zeros(rows, f32), i32(rows), i32(cols)


def _gemv(launch: Launch, w: Any, x: Any, bias: Any, *_: Any) -> list[Any]:
    return [np.maximum(w.astype(f64) @ x + (0 if bias is None else bias), 0)]


def _make_transpose(rng: np.random.Generator, launch: Launch) -> Arguments:
    height, width = launch.size
    return _normal(rng, height, width), np.zeros((width, height), f32), i32(width), i32(height)


def _make_nt(rng: np.random.Generator, launch: Launch) -> Arguments:
    m, n, k = launch.size
    a, b = _normal(rng, m, k, dtype=f16), _normal(rng, n, k, dtype=f16)
    return a, b, np.zeros((m, n), f16), i32(m), i32(n), i32(k)


def _nt(launch: Launch, a: Any, b: Any, *_: Any) -> list[Any]:
    return [a.astype(f64) @ b.astype(f64).T]


def _make_dp4a(rng: np.random.Generator, launch: Launch) -> Arguments:
    m, n, k = launch.size
    a, b = (rng.integers(-128, 128, s).astype(np.int8) for s in ((m, k), (n, k)))
    scales = rng.uniform(0.01, 0.1, m).astype(f32), rng.uniform(0.01, 0.1, n).astype(f32)
    return a, b, np.zeros((m, n), f32), *scales, i32(m), i32(n), i32(k)


def _dp4a(launch: Launch, a: Any, b: Any, c: Any, row: Any, col: Any, *_: Any) -> list[Any]:
    return [(a.astype(i64) @ b.T.astype(i64)) * row[:, None].astype(f64) * col]


def _tiles(tile: int, threads: Any, *sizes: tuple[int, ...]) -> tuple[Launch, ...]:
    """Blocks of ``tile`` squared over (m, n, ...), columns in x."""
    return tuple(Launch((blocks(s[1], tile), blocks(s[0], tile)), threads, size=s) for s in sizes)


SGEMM, VARIANTS, LOW = "matmul/sgemm.cu", "matmul/variants.cu", "matmul/low_precision.cu"
HALF_SUMS = Tolerance(1e-3, 1e-3, "rounded once to 11 bits after float sums")
EDGE = (17, 20, 23)

CASES = (
    Case(
        "sgemm_naive", SGEMM, "sgemm_naive", _make_sgemm,
        (Launch((2, 3), (16, 8), size=EDGE), Launch((1, 1), (8, 8), size=(5, 7, 40))), _sgemm, (2,),
    ),
    Case(
        "sgemm_tiled_8", SGEMM, "sgemm_tiled<8>", _make_product(f32), _tiles(8, (8, 8), EDGE, (8,
        3, 5)),
        _product, (2,),
    ),
    Case(
        "sgemm_tiled_16", SGEMM, "sgemm_tiled<16>", _make_product(f32),
        _tiles(16, (16, 16), (33, 18, 20), (16, 16, 16)), _product, (2,),
    ),
    Case(
        "sgemm_column_strip", SGEMM, "sgemm_column_strip<32, 32, 4, 8>", _make_sgemm,
        _tiles(32, 128, (32, 64, 12), (64, 32, 4)), _sgemm, (2,),
    ),
    Case(
        "sgemm_vectorised", SGEMM, "sgemm_vectorised<32, 32, 8, 4, 4>", _make_sgemm,
        _tiles(32, 64, (64, 32, 16), (32, 64, 8)), _sgemm, (2,),
    ),
    Case(
        "sgemm_register_blocked", "matmul/register_blocked.cu", "gemm_blocked<16, 2>",
        _make_product(f32, record(empty=np.uint8(0))), _tiles(16, (8, 8), (17, 35, 20), (9, 16,
        33)),
        _product, (2,),
    ),
    Case(
        "sgemm_epilogue", "matmul/register_blocked.cu", "gemm_blocked<16, 4, ScaleClamp>",
        _make_product(f32, record(scale=f32(0.5), low=f32(-2), high=f32(3))),
        _tiles(16, (4, 4), (17, 35, 20), (30, 7, 9)), _epilogue, (2,),
    ),
    *(
        Case(
            f"gemm_{name}_{'t' if ta else 'n'}{'t' if tb else 'n'}", VARIANTS,
            f"gemm_op<{name}, {str(ta).lower()}, {str(tb).lower()}>", _make_op(dtype, ta, tb, beta),
            _tiles(8, (8, 8), (9, 13, 11, 0), (6, 5, 20, 3)), _op(ta, tb), (9,),
        )
        for name, dtype, ta, tb, beta in (
            ("float", f32, True, False, 0.5), ("float", f32, False, True, 0.0),
            ("double", f64, True, True, 2.0),
        )
    ),
    Case(
        "bmm", VARIANTS, "bmm", _make_batched,
        (Launch((2, 2, 3), (8, 8), size=(3, 9, 12, 20)), Launch((1, 1, 2), (8, 8), size=(2, 8, 5,
        3))),
        _product, (2,), options=("-DTILE=8",),
    ),
    Case(
        "gemm_split_k", VARIANTS, "gemm_split_k", _make_split,
        (
            Launch((2, 2, 4), (8, 8), size=(10, 12, 50, 13)),
            Launch((1, 1, 2), (16, 4), size=(4, 9, 30, 20)),
        ),
        _product, (2,),
    ),
    Case(
        "gemv_warp", VARIANTS, "gemv_warp", _make_gemv,
        tuple(Launch(blocks(s[0], 2), 64, size=s) for s in ((7, 64, 1), (5, 37, 1), (3, 200, 0))),
        _gemv, (3,),
    ),
    Case(
        "transpose_padded", VARIANTS, "transpose_padded", _make_transpose,
        tuple(
            Launch((blocks(w, 32), blocks(h, 32)), (32, 8), size=(h, w))
            for h, w in ((32, 32), (40, 70), (5, 33))
        ),
        lambda launch, a, *_: [a.T], (1,), tolerances={"float32": EXACT},
    ),
    Case(
        "hgemm_nt_half2", LOW, "hgemm_nt", _make_nt,
        (Launch((2, 3), (16, 8), size=(20, 30, 24)), Launch((1, 1), (8, 8), size=(7, 5, 64))),
        _nt, (2,), tolerances={"float16": HALF_SUMS},
    ),
    *(
        Case(
            f"gemm_pairs_{name}", LOW, f"gemm_pairs<{spelling}, 8>", _make_product(dtype),
            tuple(
                Launch((blocks(n, 32), blocks(m, 16)), (16, 16), size=(m, n, k))
                for m, n, k in ((17, 34, 20), (9, 10, 33))
            ),
            _product, (2,),
        )
        for name, spelling, dtype in (("half", "half", f16), ("bfloat16", "__nv_bfloat16", bf16))
    ),
    Case(
        "igemm_dp4a", LOW, "igemm_dp4a", _make_dp4a,
        (Launch((2, 6), 32, size=(6, 40, 32)), Launch((1, 3), 64, size=(3, 64, 100))), _dp4a, (2,),
    ),
)  # fmt: skip
