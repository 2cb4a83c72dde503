"""Histograms: global, privatised, aggregated in warps, weighted in two dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.corpus.cuda_cpp.case import Case, Launch

f32, f64, i32, u8, u32, u64 = np.float32, np.float64, np.int32, np.uint8, np.uint32, np.uint64
Generator = np.random.Generator

AXIS = np.dtype([("low", f32), ("high", f32), ("bins", i32)], align=True)


def _bytes(rng: Generator, *shape: int) -> Any:
    return rng.integers(0, 256, shape).astype(u8)


def _counts(values: Any, bins: int) -> Any:
    return np.bincount(values.ravel(), minlength=bins)


def _make_global(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    return _bytes(rng, n), np.zeros(256, u32), i32(n)


def _make_shared(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n4, bins = launch.size
    return _bytes(rng, n4, 4), i32(n4), np.ones(bins, u32), i32(bins), i32(8 - int(np.log2(bins)))


def _shared(launch: Launch, data: Any, n4: Any, bins: Any, n_bins: Any, shift: Any) -> list[Any]:
    return [1 + _counts(data >> shift, int(n_bins))]


def _make_per_thread(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (per_thread,) = launch.size
    n = launch.blocks * 32 * per_thread
    return _bytes(rng, n), np.zeros((launch.blocks, 64), u32), i32(per_thread)


def _per_thread(launch: Launch, data: Any, *_: Any) -> list[Any]:
    return [np.stack([_counts(row >> 2, 64) for row in data.reshape(launch.blocks, -1)])]


def _make_match(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    return rng.integers(0, 6, n).astype(i32), np.zeros(6, i32), i32(n)


def _make_filter(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    return rng.random(n, f32), np.full(n, n, i32), np.zeros(1, i32), i32(n), f32(0.6)


def _filter(launch: Launch, x: Any, kept: Any, count: Any, n: Any, threshold: Any) -> list[Any]:
    places = np.flatnonzero(x > threshold)
    kept[: len(places)] = places
    return [kept, [len(places)]]


def _make_2d(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    # Odd sixteenths: never on an edge between bins, whichever way the kernel's arithmetic rounds.
    points = ((2 * rng.integers(-32, 32, (n, 2)) + 1) / 16).astype(f32)
    weights = rng.random(n, f32)
    axes = [np.array(row, AXIS)[()] for row in ((-3, 3, 6), (-2, 3, 5))]
    return points, weights, np.zeros((5, 6), f32), np.zeros(1, u64), i32(n), *axes


def _2d(launch: Launch, points: Any, weights: Any, *_: Any) -> list[Any]:
    edges = [np.arange(-2, 4), np.arange(-3, 4)]
    sums, *_ = np.histogram2d(points[:, 1], points[:, 0], edges, weights=weights.astype(f64))
    counts, *_ = np.histogram2d(points[:, 1], points[:, 0], edges)
    return [sums, [len(points) - counts.sum()]]


CASES = (
    Case("histogram_global", "histogram/histogram.cu", "histogram_global", _make_global,
         (Launch(2, 64, size=(500,)), Launch(1, 32, size=(5,))),
         lambda launch, data, *_: [_counts(data, 256)], (1,)),
    Case("histogram_shared", "histogram/histogram.cu", "histogram_shared", _make_shared,
         (Launch(3, 64, 64, (333, 16)), Launch(1, 96, 1024, (50, 256))), _shared, (2,)),
    Case("histogram_per_thread", "histogram/histogram.cu", "histogram_per_thread", _make_per_thread,
         (Launch(2, 32, size=(21,)),), _per_thread, (1,)),
    Case("histogram_match", "histogram/histogram.cu", "histogram_match", _make_match,
         (Launch(3, 64, size=(173,)), Launch(1, 32, size=(9,))),
         lambda launch, keys, bins, n: [_counts(keys, 6)], (1,)),
    Case("filter_indices", "histogram/histogram.cu", "filter_indices", _make_filter,
         (Launch(3, 64, size=(173,)),), _filter, (1, 2),
         normalise=lambda results: [np.sort(results[0]), results[1]]),
    Case("histogram_2d", "histogram/histogram.cu", "histogram_2d", _make_2d,
         (Launch(3, 96, size=(250,)),), _2d, (2, 3)),
)  # fmt: skip
