"""Stencils: diffusion, waves, relaxation, cellular automata, lattice Boltzmann."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.corpus.cuda_cpp.case import Case, Launch

f32, f64, i32, u8, u64 = np.float32, np.float64, np.int32, np.uint8, np.uint64
Generator = np.random.Generator

PLANES = (
    Launch((3, 3), (16, 8), size=(20, 37)),  # height, width
    Launch((1, 2), (16, 8), size=(16, 16)),
)


def _extents(launch: Launch) -> tuple[Any, ...]:
    return tuple(i32(extent) for extent in reversed(launch.size))


def _interior(*shape: int) -> tuple[slice, ...]:
    return (slice(1, -1),) * len(shape)


def _around(u: Any) -> Any:
    """The sum of the interior's nearest neighbours along each axis."""
    inner = _interior(*u.shape)
    rolls = [np.roll(u, s, axis) for axis in range(u.ndim) for s in (1, -1)]
    return sum(r[inner] for r in rolls)


def _make_heat2d(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    return rng.random(launch.size, f32), np.zeros(launch.size, f32), *_extents(launch), f32(0.2)


def _make_heat3d(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    return rng.random(launch.size), np.zeros(launch.size), *_extents(launch), f64(0.1)


def _heat2d(launch: Launch, u: Any, nxt: Any, nx: Any, ny: Any, alpha: Any) -> list[Any]:
    u = u.astype(f64)
    inner = _interior(*u.shape)
    result = u.copy()
    result[inner] += f64(alpha) * (_around(u) - 4 * u[inner])
    return [result]


def _heat3d(launch: Launch, u: Any, nxt: Any, *rest: Any) -> list[Any]:
    inner = _interior(*u.shape)
    nxt[inner] = u[inner] + rest[-1] * (_around(u) - 6 * u[inner])
    return [nxt]


def _make_wave(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    now, velocity, before = (rng.random(launch.size, f32) for _ in range(3))
    return now, velocity, before, *_extents(launch), f32(0.4)


def _wave(radius: int) -> Any:
    weights = {1: [-2, 1], 2: [-2.5, 4 / 3, -1 / 12]}[radius]

    def reference(
        launch: Launch, now: Any, velocity: Any, before: Any, w: Any, h: Any, step: Any
    ) -> list[Any]:
        p = now.astype(f64)
        laplace = 2 * weights[0] * p
        for k, weight in enumerate(weights[1:], 1):
            for shift in (k, -k):
                laplace += weight * (np.roll(p, shift, 0) + np.roll(p, shift, 1))
        result = before.astype(f64)
        inner = (slice(radius, -radius),) * 2
        courant = velocity.astype(f64) * f64(step)
        result[inner] = (2 * p - before + courant**2 * laplace)[inner]
        return [result]

    return reference


SWEEPS = 6


def _make_jacobi(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    # Eighths, so that a few sweeps are exact and the count of changes has one answer.
    field, rhs = (rng.integers(-64, 64, launch.size).astype(f32) / 8 for _ in range(2))
    nx, ny = _extents(launch)
    return field, np.zeros(launch.size, f32), rhs, nx, ny, i32(SWEEPS), np.zeros(SWEEPS, i32)


def _jacobi(launch: Launch, a: Any, b: Any, rhs: Any, *rest: Any) -> list[Any]:
    changed = rest[-1]
    fields = [a.astype(f64), b.astype(f64)]
    inner = _interior(*a.shape)
    for sweep in range(SWEEPS):
        now, nxt = fields[sweep % 2], fields[1 - sweep % 2]
        nxt[:] = now
        nxt[inner] = 0.25 * (_around(now) - rhs[inner])
        changed[sweep] = np.count_nonzero(abs(nxt - now) > 1e-3)
    return [*fields, changed]


def _make_sor(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    return rng.random((n + 2, n + 2)), rng.random((n + 2, n + 2)), i32(n), f64(1.5)


def _sor(colour: int) -> Any:
    def reference(launch: Launch, u: Any, rhs: Any, n: Any, omega: Any) -> list[Any]:
        j, i = np.indices(u.shape)[:, 1:-1, 1:-1]
        residual = 0.25 * (_around(u) - rhs[1:-1, 1:-1]) - u[1:-1, 1:-1]
        mine = (i + j) % 2 == 1 - colour
        u[1:-1, 1:-1] += np.where(mine, omega * residual, 0)
        return [u]

    return reference


def _torus(cells: Any) -> Any:
    shifts = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dy or dx]
    alive = sum(np.roll(cells, s, (0, 1)).astype(int) for s in shifts)
    return ((alive == 3) | ((alive == 2) & (cells != 0))).astype(u8)


def _make_life(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    cells = (rng.random(launch.size) < 0.35).astype(u8)
    return cells, np.zeros(launch.size, u8), *_extents(launch)


def _make_life_bits(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    height, words = launch.size
    packed = rng.integers(0, 1 << 64, launch.size, u64) & rng.integers(0, 1 << 64, launch.size, u64)
    return packed, np.zeros_like(packed), i32(words), i32(height)


def _life_bits(launch: Launch, now: Any, *_: Any) -> list[Any]:
    cells = np.unpackbits(now.view(u8), axis=1, bitorder="little")
    return [np.packbits(_torus(cells), 1, bitorder="little").view(u64)]


E9 = np.array([[0, 0], [1, 0], [0, 1], [-1, 0], [0, -1], [1, 1], [-1, 1], [-1, -1], [1, -1]])
W9 = np.array([16, 4, 4, 4, 4, 1, 1, 1, 1]) / 36


def _make_lbm(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    f = (W9[:, None, None] * (1 + 0.2 * rng.random((9, *launch.size)))).astype(f32)
    solid = rng.random(launch.size) < 0.1
    velocity = np.zeros((*launch.size, 2), f32)
    return f, np.zeros_like(f), solid, velocity, *_extents(launch), f32(1.2)


def _lbm(launch: Launch, f: Any, f_out: Any, solid: Any, velocity: Any, *rest: Any) -> list[Any]:
    streamed = np.stack([np.roll(f[q].astype(f64), E9[q], (1, 0)) for q in range(9)])
    rho = streamed.sum(0)
    u = np.einsum("qyx,qd->yxd", streamed, E9) / rho[..., None]
    eu = np.einsum("qd,yxd->qyx", E9, u)
    equilibrium = W9[:, None, None] * rho * (1 + 3 * eu + 4.5 * eu**2 - 1.5 * (u**2).sum(-1))
    collided = streamed + f64(rest[-1]) * (equilibrium - streamed)
    bounced = streamed[[0, 3, 4, 1, 2, 7, 8, 5, 6]]
    return [np.where(solid, bounced, collided), np.where(solid[..., None], 0, u)]


CASES = (
    Case("heat2d", "stencil/heat.cu", "heat2d", _make_heat2d, PLANES, _heat2d, (1,)),
    Case("heat3d", "stencil/heat.cu", "heat3d", _make_heat3d,
         (Launch((2, 2), (8, 8), size=(6, 11, 14)), Launch((1, 1), (8, 4), size=(3, 4, 8))),
         _heat3d, (1,)),
    Case("wave2d_order2", "stencil/wave.cu", "wave2d<1>", _make_wave, PLANES, _wave(1), (2,)),
    Case("wave2d_order4", "stencil/wave.cu", "wave2d<2>", _make_wave, PLANES, _wave(2), (2,)),
    Case("jacobi_grid_sync", "stencil/jacobi.cu", "jacobi", _make_jacobi,
         (Launch(3, 64, size=(13, 17)), Launch(1, 32, size=(5, 9))), _jacobi, (0, 1, 6),
         cooperative=True),
    Case("sor_red", "stencil/relaxation.cu", "sor<Colour::Red>", _make_sor,
         (Launch((2, 3), (8, 8), size=(21,)),), _sor(0)),
    Case("sor_black", "stencil/relaxation.cu", "sor<Colour::Black>", _make_sor,
         (Launch((2, 3), (8, 8), size=(22,)),), _sor(1)),
    Case("life", "stencil/life.cu", "life", _make_life,
         (Launch(3, 64, size=(13, 29)), Launch(1, 32, size=(3, 3))),
         lambda launch, now, *_: [_torus(now)], (1,)),
    Case("life_bits", "stencil/life.cu", "life_bits", _make_life_bits,
         (Launch((1, 2), (4, 8), size=(11, 3)), Launch((1, 1), (1, 8), size=(5, 1))),
         _life_bits, (1,)),
    Case("lbm_d2q9", "stencil/lattice_boltzmann.cu", "lbm_step", _make_lbm,
         (Launch((2, 2), (16, 8), size=(13, 21)),), _lbm, (1, 3)),
)  # fmt: skip
