"""Particles: gravitation by tiles and by structs, Lennard-Jones forces."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.corpus.cuda_cpp.case import Case, Launch, Tolerance

f32, f64, i32 = np.float32, np.float64, np.int32
Generator = np.random.Generator

PARTICLE = np.dtype(
    [("position", f64, 3), ("velocity", f64, 3), ("mass", f32), ("alive", i32)], align=True
)
PULLS = {
    "float32": Tolerance(1e-4, 1e-4, "large forces that nearly cancel"),
    "float64": Tolerance(1e-6, 1e-6, "distances are computed in float"),
}


def _make_forces(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    return rng.random((n, 4), f32), np.zeros((n, 4), f32), i32(n)


def _forces(launch: Launch, bodies: Any, out: Any, n: Any) -> list[Any]:
    x, mass = bodies[:, :3].astype(f64), bodies[:, 3].astype(f64)
    r = x[None] - x[:, None]
    s = mass / ((r**2).sum(-1) + 0.01) ** 1.5
    return [np.pad((r * s[..., None]).sum(1), ((0, 0), (0, 1)))]


def _make_leapfrog(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    now = np.zeros(n, PARTICLE)
    now["position"], now["velocity"] = rng.random((n, 3)), rng.standard_normal((n, 3))
    now["mass"], now["alive"] = rng.random(n), rng.random(n) < 0.8
    return now, np.zeros(n, PARTICLE), i32(n), f64(0.01)


def _leapfrog(launch: Launch, now: Any, nxt: Any, n: Any, dt: Any) -> list[Any]:
    x, alive = now["position"], now["alive"] != 0
    r = x[None] - x[:, None]
    pull = np.where(alive, now["mass"].astype(f64), 0) / ((r**2).sum(-1) + 0.05) ** 1.5
    moved = now.copy()
    moved["velocity"][alive] += dt * (r * pull[..., None]).sum(1)[alive]
    moved["position"][alive] += dt * moved["velocity"][alive]
    return [_flat(moved)]


def _flat(particles: Any) -> Any:
    """Fields side by side, so that one comparison sees them all."""
    if particles.dtype.names is None:
        return particles
    columns = [particles[name].reshape(len(particles), -1) for name in particles.dtype.names]
    return np.hstack([column.astype(f64) for column in columns])


def _make_lennard_jones(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    lattice = np.stack(np.unravel_index(np.arange(n), (4, 4, -(-n // 16))), 1)
    # Sixty-fourths: squared distances are exact, and none is the cut-off's.
    x = ((80 * lattice + rng.integers(0, 7, (n, 3))) / 64).astype(f32)
    distance = np.linalg.norm(x[:, None] - x[None], axis=-1)
    near = (distance < 3.0) & (distance > 0)
    capacity = int(near.sum(1).max())
    neighbours = np.argsort(~near, axis=1, kind="stable")[:, :capacity].astype(i32)
    return (x, neighbours, near.sum(1).astype(i32), i32(capacity), f32(6.2501), np.zeros((n, 3), f32),
            np.zeros(launch.blocks), i32(n))  # fmt: skip


def _lennard_jones(launch: Launch, x: Any, *rest: Any) -> list[Any]:
    cutoff2 = rest[3]
    d = x.astype(f64)[:, None] - x.astype(f64)[None]
    r2 = (d**2).sum(-1)
    near = (r2 > 0) & (r2 < cutoff2)
    inverse2 = np.where(near, 1 / np.where(near, r2, 1), 0)
    inverse6 = inverse2**3
    scale = 24 * inverse6 * (2 * inverse6 - 1) * inverse2
    energy = (2 * inverse6 * (inverse6 - 1)).sum(1)
    padded = np.pad(energy, (0, launch.blocks * launch.threads - len(energy)))
    return [(d * scale[..., None]).sum(1), padded.reshape(launch.blocks, -1).sum(1)]


CASES = (
    Case("nbody_tiles", "nbody/nbody.cu", "forces", _make_forces,
         (Launch(3, 32, 512, (75,)), Launch(1, 64, 1024, (64,))), _forces, (1,), tolerances=PULLS),
    Case("nbody_leapfrog", "nbody/nbody.cu", "leapfrog", _make_leapfrog,
         (Launch(2, 32, size=(50,)),), _leapfrog, (1,),
         normalise=lambda results: [_flat(results[0])]),
    Case("lennard_jones", "nbody/nbody.cu", "lennard_jones", _make_lennard_jones,
         (Launch(2, 64, size=(90,)),), _lennard_jones, (5, 6),
         tolerances=PULLS),
)  # fmt: skip
