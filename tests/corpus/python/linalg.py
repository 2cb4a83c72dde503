"""Matrices: tiles in shared memory, transposes, sparse rows, steps of factorisations."""

from __future__ import annotations

from typing import Any

import numpy as np

from accelerx import cuda
from tests.corpus.python.case import Arguments, Case, Launch, grids

f32, i32 = np.float32, np.int32
TILE = 16


def matmul(c, a, b):
    """One thread an element, straight from global memory."""
    row, column = cuda.grid(2)
    if row < c.shape[0] and column < c.shape[1]:
        total = 0.0
        for k in range(a.shape[1]):
            total += a[row, k] * b[k, column]
        c[row, column] = total


def matmul_tiled(c, a, b):
    """numba's documentation's way: 16 by 16 tiles, any shape."""
    sa = cuda.shared.array((TILE, TILE), dtype=np.float32)
    sb = cuda.shared.array((TILE, TILE), dtype=np.float32)
    x, y = cuda.grid(2)
    tx = cuda.threadIdx.x
    ty = cuda.threadIdx.y
    tiles = (a.shape[1] + TILE - 1) // TILE
    total = np.float32(0.0)
    for t in range(tiles):
        sa[ty, tx] = 0
        sb[ty, tx] = 0
        if y < a.shape[0] and tx + t * TILE < a.shape[1]:
            sa[ty, tx] = a[y, tx + t * TILE]
        if x < b.shape[1] and ty + t * TILE < b.shape[0]:
            sb[ty, tx] = b[ty + t * TILE, x]
        cuda.syncthreads()
        for k in range(TILE):
            total += sa[ty, k] * sb[k, tx]
        cuda.syncthreads()
    if y < c.shape[0] and x < c.shape[1]:
        c[y, x] = total


def make_matmul(tile):
    """The same with the tile's edge as a free variable."""

    def matmul_any(c, a, b):
        sa = cuda.shared.array((tile, tile + 1), np.float32)
        sb = cuda.shared.array((tile, tile + 1), np.float32)
        tx, ty = cuda.threadIdx.x, cuda.threadIdx.y
        row = cuda.blockIdx.y * tile + ty
        column = cuda.blockIdx.x * tile + tx
        total = np.float32(0)
        n = a.shape[1]
        for first in range(0, n, tile):
            sa[ty, tx] = (
                a[row, first + tx] if row < a.shape[0] and first + tx < n else np.float32(0)
            )
            sb[ty, tx] = (
                b[first + ty, column] if first + ty < n and column < b.shape[1] else np.float32(0)
            )
            cuda.syncthreads()
            for k in range(tile):
                total += sa[ty, k] * sb[k, tx]
            cuda.syncthreads()
        if row < c.shape[0] and column < c.shape[1]:
            c[row, column] = total

    return matmul_any


def transpose_tiled(out, x):
    """Through a padded tile, so that reads and writes are both contiguous; 16 by 4 threads."""
    tile = cuda.shared.array((16, 17), np.float32)
    column = cuda.blockIdx.x * 16 + cuda.threadIdx.x
    row = cuda.blockIdx.y * 16 + cuda.threadIdx.y
    for j in range(0, 16, 4):
        if row + j < x.shape[0] and column < x.shape[1]:
            tile[cuda.threadIdx.y + j, cuda.threadIdx.x] = x[row + j, column]
    cuda.syncthreads()
    column = cuda.blockIdx.y * 16 + cuda.threadIdx.x
    row = cuda.blockIdx.x * 16 + cuda.threadIdx.y
    for j in range(0, 16, 4):
        if row + j < out.shape[0] and column < out.shape[1]:
            out[row + j, column] = tile[cuda.threadIdx.x, cuda.threadIdx.y + j]


@cuda.jit(device=True)
def row_dot(matrix, row, vector):
    total = 0.0
    for k in range(vector.shape[0]):
        total += matrix[row, k] * vector[k]
    return total


@cuda.jit(device=True)
def axpby(alpha, x, beta, y):
    return alpha * x + beta * y


def gemv(y, a, x, alpha, beta):
    """A matrix-vector product made of device functions."""
    i = cuda.grid(1)
    if i < y.shape[0]:
        y[i] = axpby(alpha, row_dot(a, i, x), beta, y[i])


def spmv_csr(y, values, columns, row_start, x):
    row = cuda.grid(1)
    if row >= y.size:
        return
    total = 0.0
    for k in range(row_start[row], row_start[row + 1]):
        total += values[k] * x[columns[k]]
    y[row] = total


def lu_step(a, k):
    """One step of elimination without pivoting, in one block: barriers inside a loop."""
    tid = cuda.threadIdx.x
    n = a.shape[0]
    for row in range(k + 1 + tid, n, cuda.blockDim.x):
        a[row, k] /= a[k, k]
    cuda.syncthreads()
    for row in range(k + 1, n):
        for column in range(k + 1 + tid, n, cuda.blockDim.x):
            a[row, column] -= a[row, k] * a[k, column]


def lu_block(a):
    """All steps of a small factorisation in one block."""
    tid = cuda.threadIdx.x
    n = a.shape[0]
    for k in range(n - 1):
        if tid > k and tid < n:
            a[tid, k] /= a[k, k]
        cuda.syncthreads()
        if tid > k and tid < n:
            factor = a[tid, k]
            for column in range(k + 1, n):
                a[tid, column] -= factor * a[k, column]
        cuda.syncthreads()


def forward_substitution(x, lower, b):
    """Solves a lower-triangular system, one thread a row, a barrier a column."""
    i = cuda.threadIdx.x
    n = b.shape[0]
    rest = b[i] if i < n else 0.0
    for k in range(n):
        if i == k:
            x[k] = rest / lower[k, k]
        cuda.syncthreads()
        if k < i < n:
            rest -= lower[i, k] * x[k]
    cuda.syncthreads()


def batched_3x3(inverse, matrices):
    """Each thread inverts one 3 by 3 matrix held in local memory."""
    i = cuda.grid(1)
    if i >= matrices.shape[0]:
        return
    m = cuda.local.array((3, 3), np.float32)
    for r in range(3):
        for c in range(3):
            m[r, c] = matrices[i, r, c]
    det = np.float32(0)
    for c in range(3):
        det += m[0, c] * (
            m[1, (c + 1) % 3] * m[2, (c + 2) % 3] - m[1, (c + 2) % 3] * m[2, (c + 1) % 3]
        )
    for r in range(3):
        for c in range(3):
            r1, r2 = (r + 1) % 3, (r + 2) % 3
            c1, c2 = (c + 1) % 3, (c + 2) % 3
            inverse[i, c, r] = (m[r1, c1] * m[r2, c2] - m[r1, c2] * m[r2, c1]) / det


def _matrices(rows: int, inner: int, columns: int) -> Any:
    def inputs(rng: np.random.Generator, launch: Launch) -> Arguments:
        return (
            np.zeros((rows, columns), f32),
            rng.random((rows, inner), f32),
            rng.random((inner, columns), f32),
        )

    return inputs


def _product(launch: Launch, c: Any, a: Any, b: Any) -> list[Any]:
    return [a.astype(np.float64) @ b]


def _csr_inputs(rng: np.random.Generator, launch: Launch) -> Arguments:
    counts = rng.integers(0, 9, 150)
    row_start = np.concatenate([[0], np.cumsum(counts)]).astype(i32)
    columns = rng.integers(0, 90, row_start[-1]).astype(i32)
    return (
        np.zeros(150, f32),
        rng.random(len(columns), f32),
        columns,
        row_start,
        rng.random(90, f32),
    )


def _csr_reference(
    launch: Launch, y: Any, values: Any, columns: Any, row_start: Any, x: Any
) -> list[Any]:
    dense = np.zeros((len(y), len(x)))
    rows = np.repeat(np.arange(len(y)), np.diff(row_start))
    np.add.at(dense, (rows, columns), values)
    return [dense @ x]


def _dominant(rng: np.random.Generator, n: int) -> Any:
    return (rng.random((n, n)) + n * np.eye(n)).astype(f32)


def _lu_step_reference(launch: Launch, a: Any, k: int) -> list[Any]:
    a = a.astype(np.float64)
    a[k + 1 :, k] /= a[k, k]
    a[k + 1 :, k + 1 :] -= np.outer(a[k + 1 :, k], a[k, k + 1 :])
    return [a]


def _lu_reference(launch: Launch, a: Any) -> list[Any]:
    for k in range(len(a) - 1):
        (a,) = _lu_step_reference(launch, a, k)
    return [a]


def _triangular_inputs(rng: np.random.Generator, launch: Launch) -> Arguments:
    return np.zeros(40, f32), np.tril(_dominant(rng, 40)), rng.random(40, f32)


CASES = (
    Case("matmul", matmul, _matrices(20, 30, 25), grids(((3, 4), (8, 8)), ((1, 25), (32, 1))), _product),
    Case("matmul_tiled_16", matmul_tiled, _matrices(40, 35, 50), grids(((4, 3), (16, 16))), _product),
    Case("matmul_tiled_32", make_matmul(32), _matrices(40, 70, 50), grids(((2, 2), (32, 32))), _product),
    Case("matmul_tiled_8", make_matmul(8), _matrices(20, 19, 18), grids(((3, 3), (8, 8))), _product),
    Case("transpose_tiled", transpose_tiled,
         lambda rng, launch: (np.zeros((50, 37), f32), rng.random((37, 50), f32)),
         grids(((4, 3), (16, 4))), lambda launch, out, x: [x.T], rtol=0),
    Case("gemv", gemv,
         lambda rng, launch: (rng.random(60, f32), rng.random((60, 45), f32), rng.random(45, f32), f32(2), f32(0.5)),
         grids((2, 32), (1, 64)), lambda launch, y, a, x, alpha, beta: [alpha * (a @ x) + beta * y]),
    Case("spmv_csr", spmv_csr, _csr_inputs, grids((2, 128), (5, 32)), _csr_reference),
    Case("lu_step", lu_step, lambda rng, launch: (_dominant(rng, 24), 3),
         grids((1, 32), (1, 8)), _lu_step_reference),
    Case("lu_block", lu_block, lambda rng, launch: (_dominant(rng, 20),),
         grids((1, 32), (1, 20)), _lu_reference, rtol=1e-4),
    Case("forward_substitution", forward_substitution, _triangular_inputs, grids((1, 64)),
         lambda launch, x, lower, b: [np.linalg.solve(lower.astype(np.float64), b)], rtol=1e-4),
    Case("batched_3x3", batched_3x3,
         lambda rng, launch: (np.zeros((70, 3, 3), f32), rng.random((70, 3, 3), f32) + 3 * np.eye(3, dtype=f32)),
         grids((3, 32)), lambda launch, inverse, m: [np.linalg.inv(m.astype(np.float64))], rtol=1e-3, atol=1e-4),
)  # fmt: skip
