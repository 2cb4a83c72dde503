"""Prefix sums, sorting networks, compaction."""

from __future__ import annotations

from typing import Any

import numpy as np

from accelerx import cuda
from tests.corpus.python.case import Arguments, Case, Launch, grids

f32, i32 = np.float32, np.int32


def hillis_steele(out, x):
    """Inclusive scan of one block with two buffers."""
    buffers = cuda.shared.array((2, 128), np.int32)
    tid = cuda.threadIdx.x
    n = x.size
    buffers[0, tid] = x[tid] if tid < n else 0
    cuda.syncthreads()
    source = 0
    offset = 1
    while offset < cuda.blockDim.x:
        target = 1 - source
        if tid >= offset:
            buffers[target, tid] = buffers[source, tid] + buffers[source, tid - offset]
        else:
            buffers[target, tid] = buffers[source, tid]
        source = target
        offset *= 2
        cuda.syncthreads()
    if tid < n:
        out[tid] = buffers[source, tid]


def blelloch(out, x):
    """Exclusive scan: up-sweep and down-sweep over 2 * blockDim elements in dynamic shared memory."""
    temp = cuda.shared.array(0, np.float32)
    tid = cuda.threadIdx.x
    n = 2 * cuda.blockDim.x
    temp[2 * tid] = x[2 * tid]
    temp[2 * tid + 1] = x[2 * tid + 1]
    offset = 1
    d = n >> 1
    while d > 0:
        cuda.syncthreads()
        if tid < d:
            a = offset * (2 * tid + 1) - 1
            b = offset * (2 * tid + 2) - 1
            temp[b] += temp[a]
        offset *= 2
        d >>= 1
    if tid == 0:
        temp[n - 1] = 0
    d = 1
    while d < n:
        offset >>= 1
        cuda.syncthreads()
        if tid < d:
            a = offset * (2 * tid + 1) - 1
            b = offset * (2 * tid + 2) - 1
            t = temp[a]
            temp[a] = temp[b]
            temp[b] += t
        d *= 2
    cuda.syncthreads()
    out[2 * tid] = temp[2 * tid]
    out[2 * tid + 1] = temp[2 * tid + 1]


def bitonic_step(values, j, k):
    """One compare-exchange step of a bitonic sort over global memory."""
    i = cuda.grid(1)
    partner = i ^ j
    if partner > i and partner < values.size:
        ascending = (i & k) == 0
        a, b = values[i], values[partner]
        if (a > b) == ascending:
            values[i], values[partner] = b, a


def bitonic_block(values):
    """A whole sort of one block's elements in shared memory."""
    shared = cuda.shared.array(256, np.float32)
    tid = cuda.threadIdx.x
    n = cuda.blockDim.x
    base = cuda.blockIdx.x * n
    shared[tid] = values[base + tid]
    k = 2
    while k <= n:
        j = k // 2
        while j > 0:
            cuda.syncthreads()
            other = tid ^ j
            if other > tid:
                a, b = shared[tid], shared[other]
                if (a > b) if tid & k == 0 else (a < b):
                    shared[tid] = b
                    shared[other] = a
            j //= 2
        k *= 2
    cuda.syncthreads()
    values[base + tid] = shared[tid]


def odd_even(values):
    """Odd-even transposition sort of a short array in one block."""
    n = values.size
    i = cuda.threadIdx.x
    for phase in range(n):
        left = 2 * i + phase % 2
        if left + 1 < n and values[left] > values[left + 1]:
            values[left], values[left + 1] = values[left + 1], values[left]
        cuda.syncthreads()


def compact(out, count, x, threshold):
    """Keeps what passes: the atomic's old value is the place."""
    i = cuda.grid(1)
    if i < x.size and x[i] > threshold:
        place = cuda.atomic.add(count, 0, 1)
        out[place] = x[i]


def rank_sort(out, x):
    """Each thread counts the elements before its own."""
    i = cuda.grid(1)
    if i >= x.shape[0]:
        return
    rank = 0
    for j in range(x.shape[0]):
        if x[j] < x[i] or (x[j] == x[i] and j < i):
            rank += 1
    out[rank] = x[i]


def lower_bound(out, keys, queries):
    """Binary search."""
    i = cuda.grid(1)
    if i < queries.size:
        low, high = 0, keys.size
        while low < high:
            middle = (low + high) // 2
            if keys[middle] < queries[i]:
                low = middle + 1
            else:
                high = middle
        out[i] = low


def _compact_inputs(rng: np.random.Generator, launch: Launch) -> Arguments:
    return np.zeros(500, f32), np.zeros(1, i32), rng.random(500, f32), f32(0.6)


def _compact_reference(launch: Launch, out: Any, count: Any, x: Any, threshold: Any) -> list[Any]:
    kept = x[x > threshold]
    out[: len(kept)] = kept
    return [out, [len(kept)]]


def _bitonic_step_reference(launch: Launch, values: Any, j: int, k: int) -> list[Any]:
    i = np.arange(len(values))
    partner = i ^ j
    first = i[partner > i]
    a, b = values[first], values[first ^ j]
    low, high = np.minimum(a, b), np.maximum(a, b)
    ascending = (first & k) == 0
    values[first] = np.where(ascending, low, high)
    values[first ^ j] = np.where(ascending, high, low)
    return [values]


CASES = (
    Case("hillis_steele", hillis_steele,
         lambda rng, launch: (np.zeros(100, i32), rng.integers(-9, 9, 100).astype(i32)),
         grids((1, 128), (1, 100)), lambda launch, out, x: [np.cumsum(x)], rtol=0),
    Case("blelloch", blelloch,
         lambda rng, launch: (np.zeros(2 * launch.threads, f32), rng.random(2 * launch.threads, f32)),
         (Launch(1, 64, 512), Launch(1, 16, 128)),
         lambda launch, out, x: [np.cumsum(np.append(0.0, x[:-1]))]),
    Case("bitonic_step", bitonic_step,
         lambda rng, launch: (rng.random(256, f32), 4, 16), grids((2, 128), (8, 32)),
         _bitonic_step_reference, rtol=0),
    Case("bitonic_block", bitonic_block,
         lambda rng, launch: (rng.random(launch.blocks * launch.threads, f32),),
         grids((2, 64), (1, 256)),
         lambda launch, v: [np.sort(v.reshape(launch.blocks, -1), axis=1).ravel()], rtol=0),
    Case("odd_even", odd_even, lambda rng, launch: (rng.integers(0, 99, 40).astype(i32),),
         grids((1, 32), (1, 20)), lambda launch, v: [np.sort(v)], rtol=0),
    Case("compact", compact, _compact_inputs, grids((4, 128), (16, 32)), _compact_reference,
         outputs=(0, 1), rtol=0, normalise=lambda outputs: [np.sort(outputs[0]), outputs[1]]),
    Case("rank_sort", rank_sort,
         lambda rng, launch: (np.zeros(150, i32), rng.integers(0, 40, 150).astype(i32)),
         grids((2, 96)), lambda launch, out, x: [np.sort(x)], rtol=0),
    Case("lower_bound", lower_bound,
         lambda rng, launch: (np.zeros(200, i32), np.sort(rng.random(77, f32)), rng.random(200, f32)),
         grids((2, 128)), lambda launch, out, keys, q: [np.searchsorted(keys, q)], rtol=0),
)  # fmt: skip
