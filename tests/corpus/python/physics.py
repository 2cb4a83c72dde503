"""Simulations: stencils, particles, fields."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from accelerx import cuda
from tests.corpus.python.case import Case, Launch, grids

f32 = np.float32


def jacobi(after, before):
    """The 5-point stencil."""
    j, i = cuda.grid(2)
    ny, nx = before.shape
    if 1 <= i < ny - 1 and 1 <= j < nx - 1:
        after[i, j] = 0.25 * (
            before[i, j + 1] + before[i, j - 1] + before[i + 1, j] + before[i - 1, j]
        )


def heat_shared(after, before, alpha):
    """1-D diffusion, a block's cells and two neighbours in shared memory."""
    cells = cuda.shared.array(130, np.float32)
    tid = cuda.threadIdx.x
    i = cuda.grid(1)
    n = before.size
    if i < n:
        cells[tid + 1] = before[i]
        if tid == 0:
            cells[0] = before[i - 1] if i > 0 else before[i]
        if tid == cuda.blockDim.x - 1 or i == n - 1:
            cells[tid + 2] = before[i + 1] if i < n - 1 else before[i]
    cuda.syncthreads()
    if i < n:
        after[i] = cells[tid + 1] + alpha * (cells[tid] - 2.0 * cells[tid + 1] + cells[tid + 2])


@cuda.jit(device=True)
def interaction(dx, dy, dz, mass, softening):
    square = dx * dx + dy * dy + dz * dz + softening
    inverse = 1.0 / math.sqrt(square)
    return mass * inverse * inverse * inverse


def n_body(acceleration, bodies, softening):
    """All pairs, 32 bodies at a time through shared memory; bodies are (x, y, z, mass)."""
    tile = cuda.shared.array((32, 4), np.float32)
    tid = cuda.threadIdx.x
    i = cuda.grid(1)
    n = bodies.shape[0]
    me = min(i, n - 1)
    x, y, z = bodies[me, 0], bodies[me, 1], bodies[me, 2]
    ax = ay = az = np.float32(0)
    for first in range(0, n, 32):
        if first + tid < n:
            for c in range(4):
                tile[tid, c] = bodies[first + tid, c]
        cuda.syncthreads()
        for k in range(min(32, n - first)):
            dx, dy, dz = tile[k, 0] - x, tile[k, 1] - y, tile[k, 2] - z
            s = interaction(dx, dy, dz, tile[k, 3], softening)
            ax += dx * s
            ay += dy * s
            az += dz * s
        cuda.syncthreads()
    if i < n:
        acceleration[i, 0] = ax
        acceleration[i, 1] = ay
        acceleration[i, 2] = az


def wave_3d(after, now, before, c):
    """7-point stencil of the wave equation."""
    x, y, z = cuda.grid(3)
    nx, ny, nz = now.shape
    if x < 1 or y < 1 or z < 1 or x >= nx - 1 or y >= ny - 1 or z >= nz - 1:
        return
    laplace = (
        now[x - 1, y, z] + now[x + 1, y, z] + now[x, y - 1, z] + now[x, y + 1, z]
        + now[x, y, z - 1] + now[x, y, z + 1] - 6 * now[x, y, z]
    )  # fmt: skip
    after[x, y, z] = 2 * now[x, y, z] - before[x, y, z] + c * laplace


def leapfrog(position, velocity, steps, dt):
    """Many steps of independent oscillators; the loop count is an argument."""
    i = cuda.grid(1)
    if i >= position.size:
        return
    x, v = position[i], velocity[i]
    for _ in range(steps):
        v -= x * dt * np.float32(0.5)
        x += v * dt
        v -= x * dt * np.float32(0.5)
    position[i], velocity[i] = x, v


def pair_histogram(bins, points, width):
    """Distances of all pairs, counted with atomics; rows of the upper triangle."""
    i, j = cuda.grid(2)
    n = points.shape[0]
    if i < n and j < n and j > i:
        d = 0.0
        for k in range(points.shape[1]):
            d += (points[i, k] - points[j, k]) ** 2
        b = int(math.sqrt(d) / width)
        if b < bins.shape[0]:
            cuda.atomic.add(bins, b, 1)


def _jacobi_reference(launch: Launch, after: Any, before: Any) -> list[Any]:
    b = before
    after[1:-1, 1:-1] = (b[1:-1, 2:] + b[1:-1, :-2] + b[2:, 1:-1] + b[:-2, 1:-1]) / 4
    return [after]


def _heat_reference(launch: Launch, after: Any, before: Any, alpha: Any) -> list[Any]:
    p = np.pad(before.astype(np.float64), 1, mode="edge")
    return [before + alpha * (p[:-2] - 2 * p[1:-1] + p[2:])]


def _n_body_reference(launch: Launch, acceleration: Any, bodies: Any, softening: Any) -> list[Any]:
    place = bodies[:, :3].astype(np.float64)
    d = place[None] - place[:, None]
    s = bodies[None, :, 3] * ((d**2).sum(2) + softening) ** -1.5
    return [(d * s[:, :, None]).sum(1)]


def _wave_reference(launch: Launch, after: Any, now: Any, before: Any, c: Any) -> list[Any]:
    inside = (slice(1, -1),) * 3
    laplace = sum(np.roll(now, s, a) for s in (-1, 1) for a in range(3)) - 6 * now
    after[inside] = (2 * now - before + c * laplace)[inside]
    return [after]


def _leapfrog_reference(launch: Launch, x: Any, v: Any, steps: int, dt: Any) -> list[Any]:
    x, v = x.astype(np.float64), v.astype(np.float64)
    step = np.array([[1 - dt**2 / 2, dt], [-dt * (1 - dt**2 / 4), 1 - dt**2 / 2]], np.float64)
    x, v = np.linalg.matrix_power(step, steps) @ np.stack([x, v])
    return [x, v]


def _pair_reference(launch: Launch, bins: Any, points: Any, width: Any) -> list[Any]:
    d = np.sqrt(((points[:, None].astype(np.float64) - points[None]) ** 2).sum(2))
    d = d[np.triu_indices(len(points), 1)]
    return [np.histogram(d, np.arange(len(bins) + 1) * width)[0]]


CASES = (
    Case("jacobi", jacobi, lambda rng, launch: (np.zeros((22, 35), f32), rng.random((22, 35), f32)),
         grids(((5, 3), (8, 8)), ((2, 6), (32, 4))), _jacobi_reference),
    Case("heat_shared", heat_shared,
         lambda rng, launch: (np.zeros(500, f32), rng.random(500, f32), f32(0.1)),
         grids((4, 128), (10, 50)), _heat_reference),
    Case("n_body", n_body,
         lambda rng, launch: (np.zeros((75, 3), f32), rng.random((75, 4), f32), f32(0.01)),
         grids((3, 32)), _n_body_reference, rtol=1e-4, atol=1e-3),
    Case("wave_3d", wave_3d,
         lambda rng, launch: (np.zeros((7, 9, 11), f32), rng.random((7, 9, 11), f32), rng.random((7, 9, 11), f32), f32(0.2)),
         grids(((2, 3, 3), (4, 4, 4)), ((1, 2, 11), (8, 8, 1))), _wave_reference),
    Case("leapfrog", leapfrog,
         lambda rng, launch: (rng.random(130, f32), rng.random(130, f32), 25, f32(0.05)),
         grids((2, 96)), _leapfrog_reference, outputs=(0, 1), rtol=1e-4, atol=1e-5),
    Case("pair_histogram", pair_histogram,
         lambda rng, launch: (np.zeros(8, np.int32), rng.random((40, 3), f32), f32(0.25)),
         grids(((5, 5), (8, 8))), _pair_reference, rtol=0),
)  # fmt: skip
