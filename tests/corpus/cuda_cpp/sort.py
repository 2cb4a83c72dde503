"""Sorting: networks, transposition, ranks, radix passes, merge path."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.corpus.cuda_cpp.case import Case, Launch

f32, f64, i32, u32 = np.float32, np.float64, np.int32, np.uint32
Generator = np.random.Generator


def _words(rng: Generator, *shape: int) -> Any:
    return rng.integers(0, 1 << 32, shape, np.uint64).astype(u32)


def _make_pairs(direction: int) -> Any:
    def make(rng: Generator, launch: Launch) -> tuple[Any, ...]:
        n = 2 * launch.threads * launch.blocks
        keys = rng.permutation(n * 1000)[:n].astype(u32)  # distinct: the network is not stable
        return keys, np.arange(n, dtype=u32), u32(direction)

    return make


def _pairs(launch: Launch, keys: Any, values: Any, direction: Any) -> list[Any]:
    rows = keys.reshape(launch.blocks, -1)
    order = rows.argsort(1) if direction else rows.argsort(1)[:, ::-1]
    values = values.reshape(rows.shape)
    return [np.take_along_axis(a, order, 1).ravel() for a in (rows, values)]


def _make_step(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    return rng.random(launch.threads * launch.blocks, f32), *map(i32, launch.size)


def _step(launch: Launch, data: Any, j: Any, k: Any) -> list[Any]:
    low = np.flatnonzero((np.arange(len(data)) & j) == 0)
    small, large = np.minimum(data[low], data[low | j]), np.maximum(data[low], data[low | j])
    ascending = (low & k) == 0
    data[low], data[low | j] = np.where(ascending, [small, large], [large, small])
    return [data]


def _make_warps(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    return rng.integers(-1000, 1000, n).astype(i32), i32(n)


def _warps(launch: Launch, data: Any, n: Any) -> list[Any]:
    return [np.concatenate([np.sort(data[i : i + 32]) for i in range(0, len(data), 32)])]


def _make_odd_even(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    return rng.integers(-50, 50, n).astype(i32), i32(n), np.zeros(1, i32)


def _odd_even(launch: Launch, data: Any, n: Any, rounds: Any) -> list[Any]:
    work, count, swapped = data.copy(), 0, True
    while swapped:
        before = work.copy()
        for phase in (0, 1):
            pairs = work[phase : phase + (len(work) - phase) // 2 * 2].reshape(-1, 2)
            pairs.sort(1)
        swapped, count = bool((work != before).any()), count + 1
    return [np.sort(data), [count]]


def _make_rank(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    return rng.integers(0, 40, n) / 8, np.zeros(n), i32(n)


def _make_top(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    height, width = launch.size
    rows = rng.permuted(np.tile(np.arange(width, dtype=f32), (height, 1)), axis=1)
    return rows, np.zeros((height, 4), f32), np.zeros((height, 4), i32), i32(height), i32(width)


def _top(launch: Launch, rows: Any, *_: Any) -> list[Any]:
    order = rows.argsort(1)[:, :-5:-1]
    values = np.full((len(rows), 4), -np.inf)
    indices = np.full((len(rows), 4), -1)
    values[:, : order.shape[1]] = np.take_along_axis(rows, order, 1)
    indices[:, : order.shape[1]] = order
    return [values, indices]


SHIFT = 8


def _digit_counts(launch: Launch, keys: Any) -> Any:
    """Counts by digit and block."""
    digit, block = keys >> SHIFT & 15, np.arange(len(keys)) // launch.threads
    return np.bincount(digit * launch.blocks + block, minlength=16 * launch.blocks)


def _make_count(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    return _words(rng, n), np.zeros(16 * launch.blocks, u32), i32(n), i32(SHIFT)


def _make_scatter(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    keys = _words(rng, n)
    counts = _digit_counts(launch, keys)
    offsets = (counts.cumsum() - counts).astype(u32)
    return (
        keys,
        np.arange(n, dtype=i32),
        np.zeros(n, u32),
        np.zeros(n, i32),
        offsets,
        i32(n),
        i32(SHIFT),
    )


def _scatter(launch: Launch, keys: Any, values: Any, *_: Any) -> list[Any]:
    order = np.argsort(keys >> SHIFT & 15, kind="stable")
    return [keys[order], values[order]]


def _make_radix_block(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    return (_words(rng, launch.blocks * launch.threads).view(i32),)


def _make_merge(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    counts = launch.size
    a, b = (np.sort(rng.integers(0, 100, count)).astype(i32) for count in counts)
    return a, i32(len(a)), b, i32(len(b)), np.zeros(sum(counts), i32)


CASES = (
    Case("bitonic_shared", "sort/bitonic.cu", "bitonic_shared<128>", _make_pairs(1),
         (Launch(3, 64),), _pairs, (0, 1)),
    Case("bitonic_descending", "sort/bitonic.cu", "bitonic_shared<64>", _make_pairs(0),
         (Launch(1, 32),), _pairs, (0, 1)),
    Case("bitonic_step", "sort/bitonic.cu", "bitonic_step", _make_step,
         (Launch(4, 64, size=(16, 64)), Launch(2, 64, size=(64, 64)), Launch(2, 32, size=(1, 2))),
         _step),
    Case("bitonic_warp", "sort/bitonic.cu", "bitonic_warp", _make_warps,
         (Launch(2, 64, size=(128,)), Launch(1, 64, size=(50,))), _warps),
    Case("odd_even_sort", "sort/simple.cu", "odd_even_sort", _make_odd_even,
         (Launch(1, 32, 4 * 75, (75,)), Launch(1, 64, 4 * 64, (64,))), _odd_even, (0, 2)),
    Case("rank_sort", "sort/simple.cu", "rank_sort", _make_rank,
         (Launch(3, 64, size=(170,)),), lambda launch, data, *_: [np.sort(data)], (1,)),
    Case("top_k", "sort/simple.cu", "top_k<4>", _make_top,
         (Launch(2, 32, size=(45, 30)), Launch(1, 32, size=(7, 3))), _top, (1, 2)),
    Case("radix_count", "sort/radix.cu", "radix_count", _make_count,
         (Launch(3, 96, size=(250,)),),
         lambda launch, keys, *_: [_digit_counts(launch, keys)], (1,)),
    Case("radix_scatter", "sort/radix.cu", "radix_scatter", _make_scatter,
         (Launch(3, 96, 96, (250,)),), _scatter, (2, 3)),
    Case("radix_block", "sort/radix.cu", "radix_block", _make_radix_block,
         (Launch(2, 128), Launch(1, 256)),
         lambda launch, keys: [np.sort(keys.reshape(launch.blocks, -1), 1).ravel()]),
    Case("merge_sorted", "sort/merge.cu", "merge_sorted<5>", _make_merge,
         (Launch(2, 32, size=(130, 99)), Launch(1, 32, size=(3, 60)), Launch(1, 32, size=(40, 1))),
         lambda launch, a, na, b, nb, out: [np.sort(np.concatenate([a, b]))], (4,)),
)  # fmt: skip
