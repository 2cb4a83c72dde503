"""Many elements to few: trees in shared memory, atomics, histograms."""

from __future__ import annotations

from typing import Any

import numpy as np

from accelerx import cuda
from tests.corpus.python.case import Arguments, Case, Launch, grids

f32, i32, u32 = np.float32, np.int32, np.uint32


def block_sum(partial, x):
    """The tree everybody writes: one partial sum a block, 128 threads."""
    shared = cuda.shared.array(128, np.float32)
    tid = cuda.threadIdx.x
    i = cuda.grid(1)
    shared[tid] = x[i] if i < x.size else 0.0
    cuda.syncthreads()
    s = cuda.blockDim.x // 2
    while s > 0:
        if tid < s:
            shared[tid] += shared[tid + s]
        cuda.syncthreads()
        s //= 2
    if tid == 0:
        partial[cuda.blockIdx.x] = shared[0]


def dot_dynamic(result, x, y):
    """Grid-stride dot product, a tree in dynamic shared memory, one atomic a block."""
    cache = cuda.shared.array(0, np.float32)
    tid = cuda.threadIdx.x
    total = np.float32(0)
    for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        total += x[i] * y[i]
    cache[tid] = total
    cuda.syncthreads()
    half = cuda.blockDim.x >> 1
    while half != 0:
        if tid < half:
            cache[tid] += cache[tid + half]
        cuda.syncthreads()
        half >>= 1
    if tid == 0:
        cuda.atomic.add(result, 0, cache[0])


def histogram_global(bins, values):
    for i in range(cuda.grid(1), values.size, cuda.gridsize(1)):
        cuda.atomic.add(bins, values[i], 1)


def histogram_shared(bins, x, low, width):
    """Counts in shared memory first, then one atomic a bin and block."""
    local = cuda.shared.array(32, np.int32)
    tid = cuda.threadIdx.x
    for b in range(tid, 32, cuda.blockDim.x):
        local[b] = 0
    cuda.syncthreads()
    i = cuda.grid(1)
    if i < x.shape[0]:
        b = int((x[i] - low) / width)
        if 0 <= b < 32:
            cuda.atomic.add(local, b, 1)
    cuda.syncthreads()
    for b in range(tid, 32, cuda.blockDim.x):
        cuda.atomic.add(bins, b, local[b])


def argmax_rows(index, x):
    """One block of 64 threads a row; ties go to the lowest column."""
    best_value = cuda.shared.array(64, np.float32)
    best_index = cuda.shared.array(64, np.int32)
    row, tid = cuda.blockIdx.x, cuda.threadIdx.x
    columns = x.shape[1]
    value, where = x[row, 0], 0
    for c in range(tid, columns, 64):
        if x[row, c] > value or (x[row, c] == value and c < where):
            value, where = x[row, c], c
    best_value[tid] = value
    best_index[tid] = where
    cuda.syncthreads()
    step = 32
    while step:
        if tid < step:
            v, w = best_value[tid + step], best_index[tid + step]
            if v > best_value[tid] or (v == best_value[tid] and w < best_index[tid]):
                best_value[tid] = v
                best_index[tid] = w
        cuda.syncthreads()
        step //= 2
    if tid == 0:
        index[row] = best_index[0]


def extremes(out, x):
    """Atomic minimum and maximum, of floats too."""
    i = cuda.grid(1)
    if i < x.size:
        cuda.atomic.min(out, 0, x[i])
        cuda.atomic.max(out, 1, x[i])
        cuda.atomic.add(out, (2,), x[i])


def count_positive(counts, x):
    """A barrier that counts."""
    i = cuda.grid(1)
    positive = i < x.size and x[i] > 0
    n = cuda.syncthreads_count(positive)
    some = cuda.syncthreads_or(positive)
    every = cuda.syncthreads_and(positive)
    if cuda.threadIdx.x == 0:
        counts[cuda.blockIdx.x, 0] = n
        counts[cuda.blockIdx.x, 1] = 1 if some else 0
        counts[cuda.blockIdx.x, 2] = 1 if every else 0


def column_means(mean, x):
    """Blocks of 8 by 16 threads; each column of threads sums one column of the matrix."""
    tile = cuda.shared.array((8, 16), np.float32)
    tx, ty = cuda.threadIdx.x, cuda.threadIdx.y
    column = cuda.blockIdx.x * 16 + tx
    total = 0.0
    if column < x.shape[1]:
        for row in range(ty, x.shape[0], 8):
            total += x[row, column]
    tile[ty, tx] = total
    cuda.syncthreads()
    if ty == 0 and column < x.shape[1]:
        for k in range(1, 8):
            total += tile[k, tx]
        mean[column] = total / x.shape[0]


def _block_sum_inputs(rng: np.random.Generator, launch: Launch) -> Arguments:
    return np.zeros(launch.blocks, f32), rng.random(launch.blocks * 128 - 20, f32)


def _block_sum_reference(launch: Launch, partial: Any, x: Any) -> list[Any]:
    padded = np.append(x, np.zeros(20, f32)).reshape(launch.blocks, 128)
    return [padded.astype(np.float64).sum(axis=1)]


def _shared_histogram_reference(
    launch: Launch, bins: Any, x: Any, low: Any, width: Any
) -> list[Any]:
    b = ((x - low) / width).astype(int)
    inside = (b >= 0) & (b < 32)
    return [np.bincount(b[inside], minlength=32)]


def _count_inputs(rng: np.random.Generator, launch: Launch) -> Arguments:
    x = rng.standard_normal(launch.blocks * launch.threads - 3).astype(f32)
    x[: launch.threads] = 1.0
    x[launch.threads : 2 * launch.threads] = -1.0
    return np.zeros((launch.blocks, 3), i32), x


def _count_reference(launch: Launch, counts: Any, x: Any) -> list[Any]:
    positive = np.append(x > 0, [False] * 3).reshape(launch.blocks, launch.threads)
    return [np.stack([positive.sum(1), positive.any(1), positive.all(1)], axis=1)]


CASES = (
    Case("block_sum", block_sum, _block_sum_inputs, grids((5, 128), (1, 128)), _block_sum_reference),
    Case("dot_dynamic", dot_dynamic,
         lambda rng, launch: (np.zeros(1, f32), rng.random(3000, f32), rng.random(3000, f32)),
         (Launch(4, 64, 256), Launch(2, 128, 512), Launch(1, 32, 128)),
         lambda launch, result, x, y: [[x.astype(np.float64) @ y]], rtol=2e-5),
    Case("histogram_global", histogram_global,
         lambda rng, launch: (np.zeros(10, i32), rng.integers(0, 10, 2000).astype(i32)),
         grids((2, 64), (8, 32)), lambda launch, bins, values: [np.bincount(values, minlength=10)], rtol=0),
    Case("histogram_shared", histogram_shared,
         lambda rng, launch: (np.zeros(32, i32), rng.standard_normal(1500).astype(f32), f32(-2), f32(0.125)),
         grids((12, 128), (48, 32), (3, 512)), _shared_histogram_reference, rtol=0),
    Case("argmax_rows", argmax_rows,
         lambda rng, launch: (np.zeros(launch.blocks, i32), rng.integers(0, 50, (launch.blocks, 150)).astype(f32)),
         grids((6, 64)), lambda launch, index, x: [x.argmax(axis=1)], rtol=0),
    Case("extremes", extremes,
         lambda rng, launch: (np.array([1e30, -1e30, 0], f32), rng.standard_normal(700).astype(f32)),
         grids((6, 128), (3, 256)), lambda launch, out, x: [[x.min(), x.max(), x.astype(np.float64).sum()]],
         rtol=1e-4, atol=1e-4),
    Case("extremes_int", extremes,
         lambda rng, launch: (np.array([2**31 - 1, -(2**31), 0], i32), rng.integers(-1000, 1000, 700).astype(i32)),
         grids((6, 128)), lambda launch, out, x: [[x.min(), x.max(), x.sum()]], rtol=0),
    Case("count_positive", count_positive, _count_inputs, grids((4, 64), (3, 100)), _count_reference, rtol=0),
    Case("column_means", column_means,
         lambda rng, launch: (np.zeros(45, f32), rng.random((70, 45), f32)),
         grids((3, (16, 8))), lambda launch, mean, x: [x.mean(axis=0)]),
)  # fmt: skip
