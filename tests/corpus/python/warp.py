"""Operations between the lanes of a warp."""

from __future__ import annotations

from typing import Any

import numpy as np

from accelerx import cuda
from tests.corpus.python.case import Case, Launch, grids

f32, i32, u32 = np.float32, np.int32, np.uint32


def warp_sum(out, x):
    """Butterfly by shfl_down; lane 0 of each warp writes."""
    i = cuda.grid(1)
    value = x[i]
    offset = 16
    while offset > 0:
        value += cuda.shfl_down_sync(0xFFFFFFFF, value, offset)
        offset //= 2
    if cuda.laneid == 0:
        out[i // 32] = value


def block_sum_shuffle(total, x):
    """Shuffles inside warps, shared memory between them."""
    sums = cuda.shared.array(32, np.float32)
    tid = cuda.threadIdx.x
    lane = tid % 32
    warp = tid // 32
    value = np.float32(0)
    for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        value += x[i]
    for shift in (16, 8, 4, 2, 1):
        value += cuda.shfl_xor_sync(0xFFFFFFFF, value, shift)
    if lane == 0:
        sums[warp] = value
    cuda.syncthreads()
    if warp == 0:
        value = sums[lane] if lane < cuda.blockDim.x // 32 else np.float32(0)
        for shift in (16, 8, 4, 2, 1):
            value += cuda.shfl_xor_sync(0xFFFFFFFF, value, shift)
        if lane == 0:
            cuda.atomic.add(total, 0, value)


def warp_scan(out, x):
    """Inclusive scan of each warp by shfl_up."""
    i = cuda.grid(1)
    lane = i % 32
    value = x[i]
    step = 1
    while step < 32:
        other = cuda.shfl_up_sync(0xFFFFFFFF, value, step)
        if lane >= step:
            value += other
        step *= 2
    out[i] = value


def broadcast_last(out, x):
    i = cuda.grid(1)
    out[i] = cuda.shfl_sync(0xFFFFFFFF, x[i], 31)


def votes(out, x):
    """Ballot, any and all, and the lowest voting lane."""
    i = cuda.grid(1)
    ballot = cuda.ballot_sync(0xFFFFFFFF, x[i] > 0)
    some = cuda.any_sync(0xFFFFFFFF, x[i] > 90)
    every = cuda.all_sync(0xFFFFFFFF, x[i] > -90)
    out[i, 0] = np.uint32(ballot)
    out[i, 1] = 1 if some else 0
    out[i, 2] = 1 if every else 0
    out[i, 3] = cuda.ffs(ballot)


def warp_compact(out, count, x):
    """Compaction with one atomic a warp: popc of the lanes below gives the place."""
    i = cuda.grid(1)
    keep = x[i] % 3 == 0
    ballot = cuda.ballot_sync(0xFFFFFFFF, keep)
    lane = cuda.laneid
    base = 0
    if lane == 0:
        base = cuda.atomic.add(count, 0, cuda.popc(ballot))
    base = cuda.shfl_sync(0xFFFFFFFF, base, 0)
    if keep:
        below = ballot & ((1 << lane) - 1)
        out[base + cuda.popc(below)] = x[i]


def _n(launch: Launch) -> int:
    return launch.blocks * launch.threads


def _vote_reference(launch: Launch, out: Any, x: Any) -> list[Any]:
    lanes = x.reshape(-1, 32)
    ballot = ((lanes > 0).astype(np.int64) << np.arange(32)).sum(1)
    first = np.where((lanes > 0).any(1), (lanes > 0).argmax(1) + 1, 0)
    rows = np.stack([ballot, (lanes > 90).any(1), (lanes > -90).all(1), first], axis=1)
    return [np.repeat(rows, 32, axis=0)]


def _compact_reference(launch: Launch, out: Any, count: Any, x: Any) -> list[Any]:
    kept = x[x % 3 == 0]
    out[: len(kept)] = kept
    return [out, [len(kept)]]


def _ints(rng: np.random.Generator, launch: Launch) -> Any:
    return rng.integers(-100, 100, _n(launch)).astype(i32)


CASES = (
    Case("warp_sum", warp_sum,
         lambda rng, launch: (np.zeros(_n(launch) // 32, f32), rng.random(_n(launch), f32)),
         grids((2, 64), (1, 32)), lambda launch, out, x: [x.reshape(-1, 32).sum(1)]),
    Case("block_sum_shuffle", block_sum_shuffle,
         lambda rng, launch: (np.zeros(1, f32), rng.random(1500, f32)),
         grids((2, 128), (1, 256), (3, 32)), lambda launch, total, x: [[x.astype(np.float64).sum()]]),
    Case("warp_scan", warp_scan, lambda rng, launch: (np.zeros(_n(launch), i32), _ints(rng, launch)),
         grids((2, 64)), lambda launch, out, x: [np.cumsum(x.reshape(-1, 32), axis=1).ravel()], rtol=0),
    Case("broadcast_last", broadcast_last,
         lambda rng, launch: (np.zeros(_n(launch), np.float64), rng.random(_n(launch))),
         grids((1, 96)), lambda launch, out, x: [np.repeat(x[31::32], 32)], rtol=0, typings=("numba",)),
    Case("votes", votes, lambda rng, launch: (np.zeros((_n(launch), 4), np.int64), _ints(rng, launch)),
         grids((2, 64)), _vote_reference, rtol=0),
    Case("warp_compact", warp_compact,
         lambda rng, launch: (np.zeros(_n(launch), i32), np.zeros(1, i32), _ints(rng, launch)),
         grids((3, 64)), _compact_reference, outputs=(0, 1), rtol=0,
         normalise=lambda o: [np.sort(o[0]), o[1]]),
)  # fmt: skip
