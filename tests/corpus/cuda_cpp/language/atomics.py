"""Atomic operations of every kind and type, what they return, and loops of compare-and-swap."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.corpus.cuda_cpp.case import Case, Launch
from tests.corpus.cuda_cpp.language.inputs import (
    LINES,
    WHOLE,
    Generator,
    count,
    f32,
    f64,
    i32,
    ints,
    plain,
    u32,
    u64,
)

FILE = "language/atomics.cu"

STATS = np.dtype([("count", i32), ("low", f32), ("sum", f64)], align=True)


def _make_int(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    x = ints(rng, n)
    x[n // 2] = 77
    return x, np.array([7, 7, 1000, -1000, 0xFFFF, 0, 0, 5, 5], i32), i32(n)


def _int(launch: Launch, x: Any, cells: Any, n: Any) -> list[Any]:
    masks = np.bitwise_and.reduce(x | 0xFF00) & 0xFFFF
    return [[7 + x.sum(), 7 - x.sum(), x.min(), x.max(), masks, np.bitwise_or.reduce(x & 0xFF),
             np.bitwise_xor.reduce(x), 77, 6]]  # fmt: skip


def _make_unsigned(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    x = rng.integers(0, 1 << 32, n, u64).astype(u32)
    wide = np.array([1 << 40, 0, (1 << 64) - 1, 0, (1 << 64) - 1, 0], u64)
    return x, np.array([5, 1 << 31, 0, 3, 20], u32), wide, i32(n)


def _unsigned(launch: Launch, x: Any, *_: Any) -> list[Any]:
    long, n = x.astype(u64), len(x)
    bits = np.bitwise_or.reduce(u64(1) << (long & u64(63)))
    # Inc wraps to 0 after 6, from 3; Dec starts above its limit 9, so that the first one gives 9.
    cells = [5 + x.sum(dtype=u32), min(x.min(), 1 << 31), x.max(), (3 + n) % 7, 9 - (n - 1) % 10]
    wide = [(1 << 40) + (long << u64(8)).sum(), (long * long).max(), (~long).min(), bits, ~bits,
            np.bitwise_xor.reduce(long << u64(16))]  # fmt: skip
    return [np.array(cells, u32), np.array(wide, u64)]


def _make_returns(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return np.full(1, 10, i32), np.zeros(n, i32), np.full(1, -1, i32), np.zeros(n, i32), i32(n)


def _returns(
    launch: Launch, ticket: Any, order: Any, chain: Any, received: Any, n: Any
) -> list[Any]:
    """As if in order; any order hands on -1 and every index, and leaves one at the end."""
    return [ticket + 2 * n, 10 + 2 * np.arange(n), [n - 1], np.arange(-1, n - 1)]


def _in_order(results: list[Any]) -> list[Any]:
    ticket, order, chain, received = map(np.asarray, results)
    handed = np.sort(np.concatenate([chain, received]))
    return [ticket, np.sort(order), handed[-1:], handed[:-1]]


def _make_loops(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    x = rng.integers(-400, 400, n) / 8
    return x, np.ones(1), np.array([-1e30, -1000], f32), np.array([3], u32), i32(n)


def _loops(launch: Launch, x: Any, *_: Any) -> list[Any]:
    product = 3
    for i in range(len(x)):
        product = product * (2 * i + 1) % (1 << 32)
    return [[1 + x.sum()], [x.max()] * 2, [product]]


def _make_float(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    x = (rng.integers(1, 400, n) / 8).astype(f32)
    return x, np.array([(3, 1e30, 0.5)], STATS), np.zeros(1, f32), i32(n)


def _float(launch: Launch, x: Any, stats: Any, total: Any, n: Any) -> list[Any]:
    stats[0] = 3 + len(x), x.min(), 0.5 + x.sum(dtype=f64)
    return [stats, [x.sum(dtype=f64)]]


def _make_shared(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    x = ints(rng, count(launch), 0, 50)
    return x, np.zeros((launch.blocks, 4), i32), np.zeros(launch.blocks, u64)


def _shared(launch: Launch, x: Any, *_: Any) -> list[Any]:
    blocks = x.reshape(launch.blocks, -1)
    sums = [[b[b & 3 == k].sum() for k in range(4)] for b in blocks]
    return [sums, [int(b.min()) << 32 | int(b.argmin()) for b in blocks]]


CASES = (
    Case("atomics_int", FILE, "atomics_int", _make_int, LINES, _int, (1,)),
    Case("atomics_unsigned", FILE, "atomics_unsigned", _make_unsigned, LINES, _unsigned, (1, 2)),
    Case("atomic_returns", FILE, "atomic_returns", _make_returns, LINES, _returns, (0, 1, 2, 3),
         normalise=_in_order),
    Case("atomic_cas_loops", FILE, "cas_loops", _make_loops, LINES, _loops, (1, 2, 3)),
    Case("atomics_float", FILE, "atomics_float", _make_float, LINES, _float, (1, 2),
         normalise=plain),
    Case("atomics_shared", FILE, "atomics_shared", _make_shared, WHOLE, _shared, (1, 2)),
)  # fmt: skip
