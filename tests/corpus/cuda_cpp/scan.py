"""Prefix sums: of blocks, of warps, segmented, chained, and compaction by them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.corpus.cuda_cpp.case import Case, Launch

f32, f64, i32, u32 = np.float32, np.float64, np.int32, np.uint32
Generator = np.random.Generator


def _ints(rng: Generator, n: int) -> Any:
    return rng.integers(-100, 100, n).astype(i32)


def _make_naive(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = launch.threads
    return np.zeros(n, f32), rng.random(n, f32), i32(n)


def _make_blelloch(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    return np.zeros(n, i32), _ints(rng, n), np.zeros(launch.blocks, i32), i32(n)


def _blelloch(launch: Launch, out: Any, data: Any, sums: Any, n: Any) -> list[Any]:
    span = 2 * launch.threads
    padded = np.pad(data, (0, launch.blocks * span - len(data))).reshape(-1, span)
    inclusive = padded.cumsum(1)
    return [(inclusive - padded).ravel()[: len(data)], inclusive[:, -1]]


def _make_uniform(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    return _ints(rng, n), _ints(rng, launch.blocks), i32(n)


def _uniform(launch: Launch, data: Any, sums: Any, n: Any) -> list[Any]:
    return [data + sums.repeat(2 * launch.threads)[: len(data)]]


def _make_add(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    return rng.random(n), np.zeros(n), i32(n), f64(0), np.zeros((), np.dtype([("op", "u1")]))[()]


def _make_maximum(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    empty = np.zeros((), np.dtype([("op", "u1")]))[()]
    return _ints(rng, n), np.zeros(n, i32), i32(n), i32(-(1 << 31)), empty


def _make_segmented(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    flags = (rng.random(n) < 0.15).astype(i32)
    return rng.random(n, f32), flags, np.zeros(n, f32), i32(n)


def _segmented(launch: Launch, values: Any, flags: Any, out: Any, n: Any) -> list[Any]:
    parts = np.split(values.astype(f64), np.flatnonzero(flags))
    return [np.concatenate([p.cumsum() for p in parts])]


def _make_compact(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    return _ints(rng, n), np.zeros(n, i32), np.zeros(1, i32), i32(n)


def _compact(launch: Launch, data: Any, out: Any, count: Any, n: Any) -> list[Any]:
    kept = data[data > 0]
    out[: len(kept)] = kept
    return [out, [len(kept)]]


def _make_chained(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    blocks = launch.blocks
    data = rng.integers(0, 1 << 32, n, np.uint64).astype(u32)
    return (
        data,
        np.zeros(n, u32),
        i32(n),
        np.zeros(1, u32),
        np.zeros(blocks, u32),
        np.zeros(blocks, i32),
    )


def _chained(launch: Launch, data: Any, out: Any, n: Any, *_: Any) -> list[Any]:
    total = data.cumsum(dtype=u32)
    ends = np.minimum(np.arange(1, launch.blocks + 1) * launch.threads, len(data)) - 1
    return [total, [launch.blocks], total[ends], np.ones(launch.blocks)]


CASES = (
    Case("scan_naive", "scan/block.cu", "scan_naive", _make_naive,
         (Launch(1, 128, 1024), Launch(1, 50, 400)),
         lambda launch, out, data, n: [data.cumsum(dtype=f64) - data]),
    Case("scan_blelloch", "scan/block.cu", "scan_blelloch", _make_blelloch,
         (Launch(2, 64, 4 * 132, (250,)), Launch(3, 32, 4 * 66, (140,))), _blelloch, (0, 2)),
    Case("scan_uniform_add", "scan/block.cu", "uniform_add", _make_uniform,
         (Launch(3, 32, size=(150,)),), _uniform),
    Case("scan_block_add", "scan/warp.cu", "block_scan<128, double, Add>", _make_add,
         (Launch(1, 128, size=(300,)), Launch(1, 128, size=(77,))),
         lambda launch, data, *_: [data.cumsum()], (1,)),
    Case("scan_block_maximum", "scan/warp.cu", "block_scan<64, int, Maximum>", _make_maximum,
         (Launch(1, 64, size=(200,)),),
         lambda launch, data, *_: [np.maximum.accumulate(data)], (1,)),
    Case("scan_segmented", "scan/warp.cu", "segmented_scan", _make_segmented,
         (Launch(1, 128, size=(117,)), Launch(1, 256, size=(256,))), _segmented, (2,)),
    Case("compact_positive", "scan/warp.cu", "compact_positive", _make_compact,
         (Launch(3, 96, size=(250,)), Launch(1, 64, size=(40,))), _compact, (1, 2),
         normalise=lambda results: [np.sort(results[0]), results[1]]),
    Case("scan_chained", "scan/chained.cu", "chained_scan", _make_chained,
         (Launch(4, 64, size=(230,)), Launch(1, 32, size=(32,))), _chained, (1, 3, 4, 5)),
)  # fmt: skip
