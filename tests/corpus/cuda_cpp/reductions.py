"""Reductions in every style: trees, shuffles, atomics, structs, compensation, cooperative groups."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.corpus.cuda_cpp.case import Case, Launch

f32, f64, i32, u32, u64 = np.float32, np.float64, np.int32, np.uint32, np.uint64
Generator = np.random.Generator

MOMENTS = np.dtype([("sum", f64), ("squares", f64), ("count", np.int64)], align=True)
CLASSIC, MODERN, GROUPS = (f"reductions/{name}.cu" for name in ("classic", "modern", "groups"))


def _ints(rng: Generator, *shape: int) -> Any:
    return rng.integers(-100, 100, shape).astype(i32)


def _per_block(values: Any, launch: Launch, span: int) -> Any:
    """The data cut for a grid whose blocks take ``span`` elements in turn."""
    width = launch.blocks * span
    padded = np.pad(values, (0, -len(values) % width))
    return padded.reshape(-1, launch.blocks, span).sum((0, 2))


def _make_even(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    return _ints(rng, launch.blocks * launch.threads), np.zeros(launch.blocks, i32)


def _even(launch: Launch, data: Any, out: Any) -> list[Any]:
    return [data.reshape(launch.blocks, -1).sum(1)]


def _make_ragged(dtype: Any) -> Any:
    def make(rng: Generator, launch: Launch) -> tuple[Any, ...]:
        (n,) = launch.size
        return rng.random(n).astype(dtype), np.zeros(launch.blocks, dtype), u32(n)

    return make


def _ragged(launch: Launch, data: Any, out: Any, n: Any) -> list[Any]:
    return [_per_block(data.astype(f64), launch, 2 * launch.threads)]


def _make_atomic(dtype: Any) -> Any:
    def make(rng: Generator, launch: Launch) -> tuple[Any, ...]:
        (n,) = launch.size
        data = rng.random(n) if np.dtype(dtype).kind == "f" else rng.integers(0, 1 << 40, n)
        return data.astype(dtype), np.zeros(1, dtype), u64(n)

    return make


def _make_moments(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    return rng.standard_normal(n, f32), i32(n), np.zeros(launch.blocks, MOMENTS)


def _moments(launch: Launch, x: Any, n: Any, out: Any) -> list[Any]:
    rows = (x.astype(f64), x.astype(f64) ** 2, np.ones(len(x)))
    return [np.stack([_per_block(row, launch, launch.threads) for row in rows], 1)]


def _moments_flat(results: list[Any]) -> list[Any]:
    (m,) = results
    return [m if m.dtype.names is None else np.stack([m[k].astype(f64) for k in m.dtype.names], 1)]


def _make_arg_max(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    return (rng.integers(-40, 40, n) / 4).astype(f32), i32(n), np.zeros(1, u64)


def _arg_max(launch: Launch, x: Any, n: Any, best: Any) -> list[Any]:
    index = int(x.argmax())
    bits = int(x[index].view(u32))
    bits = ~bits & 0xFFFFFFFF if bits >> 31 else bits | 1 << 31
    return [np.array([bits << 32 | 0xFFFFFFFF - index], u64)]


def _make_arg_min(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    height, width = launch.size
    rows = (rng.integers(-40, 40, launch.size) / 4).astype(f32)
    return rows, np.zeros(height, i32), np.zeros(height, f32), i32(height), i32(width)


def _make_kahan(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    x = rng.random(n, f32)
    x[::9] *= 1e6
    return x, i32(n), np.zeros(1, f32)


def _make_single_pass(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    return rng.random(n), i32(n), np.zeros(launch.blocks), np.zeros(1)


def _single_pass(launch: Launch, x: Any, n: Any, *_: Any) -> list[Any]:
    return [_per_block(x, launch, launch.threads), [x.sum()]]


def _make_sync(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = launch.blocks * launch.threads
    bits = rng.integers(0, 1 << 32, n, u64).astype(u32)
    bits[:32] |= u32(0x0F0)
    return _ints(rng, n), bits, np.zeros((n // 32, 3), i32), np.zeros((n // 32, 3), u32)


def _sync(launch: Launch, x: Any, bits: Any, *_: Any) -> list[Any]:
    x, bits = x.reshape(-1, 32), bits.reshape(-1, 32)
    logic = (np.bitwise_and, np.bitwise_or, np.bitwise_xor)
    return [
        np.stack([x.sum(1), x.min(1), x.max(1)], 1),
        np.stack([f.reduce(bits, axis=1) for f in logic], 1),
    ]


def _make_votes(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    x = rng.integers(-60, 50, n).astype(i32)
    x[: launch.threads] = abs(x[: launch.threads]) % 48
    return x, i32(n), np.zeros((launch.blocks, 3), i32)


def _votes(launch: Launch, x: Any, *_: Any) -> list[Any]:
    blocks = np.split(x, range(launch.threads, len(x), launch.threads))
    return [[[(b > 0).sum(), (b > -50).all(), (b > 48).any()] for b in blocks]]


def _make_product(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    return rng.uniform(0.9, 1.1, n), np.zeros(1), i32(n)


def _make_magnitude(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    return rng.standard_normal(n, f32), np.zeros(1, f32), i32(n)


def _make_columns(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    rows, columns = launch.size
    return rng.random((rows, columns), f32), np.zeros(columns, f32), i32(rows), i32(columns)


def _make_tiles(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    return _ints(rng, n), np.zeros(1, i32), i32(n)


def _make_maxima(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = launch.blocks * launch.threads
    return _ints(rng, n), *(np.zeros(n // k, i32) for k in (8, 32, 1, 1))


def _maxima(launch: Launch, x: Any, *_: Any) -> list[Any]:
    by8, by32 = x.reshape(-1, 8), x.reshape(-1, 32)
    return [by8.max(1), by32.max(1), by32.min(1).repeat(32), by8.max(1).repeat(8)]


def _sum(launch: Launch, x: Any, *_: Any) -> list[Any]:
    return [[x.astype(f64).sum() if x.dtype.kind == "f" else x.sum(dtype=x.dtype)]]


CASES = (
    Case("reduce0_interleaved", CLASSIC, "reduce0", _make_even,
         (Launch(3, 64, 256), Launch(1, 128, 512)), _even, (1,)),
    Case("reduce1_strided", CLASSIC, "reduce1", _make_even,
         (Launch(3, 64, 256), Launch(1, 128, 512)), _even, (1,)),
    Case("reduce3_float", CLASSIC, "reduce3<float>", _make_ragged(f32),
         (Launch(3, 64, 256, (300,)),), _ragged, (1,)),
    Case("reduce3_double", CLASSIC, "reduce3<double>", _make_ragged(f64),
         (Launch(2, 32, 256, (99,)),), _ragged, (1,)),
    Case("reduce6_unrolled", CLASSIC, "reduce6<128>", _make_ragged(f32),
         (Launch(2, 128, size=(1000,)), Launch(1, 128, size=(50,))), _ragged, (1,)),
    Case("sum_atomic_float", MODERN, "sum_atomic<float>", _make_atomic(f32),
         (Launch(3, 96, size=(500,)),), _sum, (1,)),
    Case("sum_atomic_u64", MODERN, "sum_atomic<unsigned long long>", _make_atomic(u64),
         (Launch(2, 64, size=(500,)),), _sum, (1,)),
    Case("mean_variance", MODERN, "mean_variance", _make_moments,
         (Launch(2, 64, size=(300,)),), _moments, (2,), normalise=_moments_flat),
    Case("arg_max_packed", MODERN, "arg_max", _make_arg_max,
         (Launch(3, 64, size=(300,)), Launch(1, 32, size=(5,))), _arg_max, (2,)),
    Case("arg_min_rows", MODERN, "arg_min_rows", _make_arg_min,
         (Launch(3, (32, 4), size=(10, 50)),),
         lambda launch, rows, *_: [rows.argmin(1), rows.min(1)], (1, 2)),
    Case("kahan_sum", MODERN, "kahan_sum", _make_kahan, (Launch(1, 64, size=(1000,)),), _sum, (2,)),
    Case("single_pass_sum", MODERN, "single_pass_sum", _make_single_pass,
         (Launch(3, 64, size=(500,)), Launch(1, 64, size=(40,))), _single_pass, (2, 3)),
    Case("reduce_sync", MODERN, "reduce_sync", _make_sync, (Launch(2, 64),), _sync, (2, 3)),
    Case("block_votes", MODERN, "block_votes", _make_votes,
         (Launch(3, 64, size=(170,)),), _votes, (2,)),
    Case("reduce_with_product", MODERN, "reduce_with<Product, double>", _make_product,
         (Launch(1, 50, 400, (130,)),), lambda launch, x, *_: [[x.prod()]], (1,)),
    Case("reduce_with_magnitude", MODERN, "reduce_with<LargestMagnitude, float>", _make_magnitude,
         (Launch(1, 96, 384, (130,)),), lambda launch, x, *_: [[x[abs(x).argmax()]]], (1,)),
    Case("column_sums", MODERN, "column_sums", _make_columns,
         (Launch(2, (32, 8), size=(45, 50)),),
         lambda launch, a, *_: [a.sum(0, dtype=f64)], (1,)),
    Case("cg_tile_sums", GROUPS, "tile_sums<int, 16>", _make_tiles,
         (Launch(2, 64, size=(300,)),), _sum, (1,)),
    Case("cg_tile_maxima", GROUPS, "tile_maxima", _make_maxima,
         (Launch(2, 64),), _maxima, (1, 2, 3, 4)),
)  # fmt: skip
