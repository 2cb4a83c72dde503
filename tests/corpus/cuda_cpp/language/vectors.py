"""Vector types: members, wide loads and stores, operators of one's own."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.corpus.cuda_cpp.case import EXACT, Case, Launch
from tests.corpus.cuda_cpp.language.inputs import (
    LINES,
    Generator,
    count,
    eighths,
    f32,
    f64,
    i8,
    i16,
    i32,
    i64,
    ints,
    longs,
    u8,
    u16,
    words,
)

FILE = "language/vectors.cu"

RAY = np.dtype([("origin", f32, 3), ("direction", f32, 3), ("range", f32, 2)], align=True)


def _make_members(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return (eighths(rng, 4 * n).reshape(n, 4), ints(rng, 2 * n).reshape(n, 2),
            rng.integers(0, 256, (n, 4)).astype(u8), eighths(rng, 2 * n, f64).reshape(n, 2),
            np.zeros((n, 5), f32), i32(n))  # fmt: skip


def _members(launch: Launch, a: Any, b: Any, c: Any, d: Any, *_: Any) -> list[Any]:
    v, c = a.astype(f64), c.astype(i32)
    v[:, 0] += b[:, 1]
    v[:, 3] = v[:, 2] * 2
    index = np.arange(len(a))
    parts = np.where(index[:, None] & 1, [1.0, 2, 3, 4], v)
    c[:, 0] = 255 - c[:, 0]
    out = [v.sum(1), b[:, 1] * 10 + b[:, 0], c @ [1, 2, 4, 8], d.prod(1),
           parts[:, 1] + parts[index, index & 3]]  # fmt: skip
    return [np.stack(out, 1)]


def _make_copy(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    return rng.random(n, f32), np.zeros(n, f32), i32(n)


def _make_unpack(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return words(rng, 4 * n).reshape(n, 4), np.zeros(n, i32), np.zeros(n, u8), i32(n)


def _make_operators(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    a, b = (rng.integers(-9, 9, (2, n, 3)) / 4).astype(f32)
    return a, b, np.zeros((n, 3), f32), np.zeros((n, 2), i32), i32(n)


def _operators(launch: Launch, a: Any, b: Any, *_: Any) -> list[Any]:
    a, b, i = a.astype(f64), b.astype(f64), np.arange(len(a))
    scaled = np.cross(a, b) * (a * b).sum(1)[:, None]
    return [scaled, np.stack([2 * i + 1, 2 - 2 * i], 1)]


def _make_others(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    rays = np.zeros(n, RAY)
    rays["origin"], rays["direction"] = rng.uniform(-1, 1, (2, n, 3))
    rays["direction"][:, 2] = rng.choice([-1, -0.5, 0.5, 1], n)  # where a ray ends is exact
    rays["range"] = 0, 2
    return (rng.integers(-200, 200, (n, 2)).astype(i16), rng.integers(0, 1 << 16, (n, 4)).astype(u16),
            longs(rng, 2 * n).view(i64).reshape(n, 2), rng.integers(-128, 128, (n, 4)).astype(i8),
            rays, np.zeros((n, 3), i64), np.zeros(n, f32), i32(n))  # fmt: skip


def _others(launch: Launch, s: Any, u: Any, l: Any, c: Any, rays: Any, *_: Any) -> list[Any]:  # noqa: E741
    s, u, c = s.astype(i64), u.astype(i64), c.astype(i64)
    whole = [
        s.prod(1) + (u[:, 0] ^ u[:, 3]),
        l[:, 0] - l[:, 1],
        c[:, 0] + c[:, 1] * c[:, 2] - c[:, 3],
    ]
    t = -rays["origin"][:, 2].astype(f64) / rays["direction"][:, 2]
    x = rays["origin"][:, 0] + t * rays["direction"][:, 0]
    return [np.stack(whole, 1), np.where((t > 0) & (t < 2), x, -1)]


CASES = (
    Case("vector_members", FILE, "vector_members", _make_members, LINES, _members, (4,),
         tolerances={"float32": EXACT}),
    Case("vector_copy", FILE, "copy_vectorised", _make_copy,
         (Launch(2, 32, size=(301,)), Launch(1, 32, size=(64,)), Launch(1, 32, size=(3,))),
         lambda launch, x, *_: [x * 2], (1,), tolerances={"float32": EXACT}),
    Case("vector_unpack", FILE, "unpack_bytes", _make_unpack, LINES,
         lambda launch, x, *_: [x.view(u8).sum(1, dtype=i32), x.view(u8).max(1)], (1, 2)),
    Case("vector_operators", FILE, "vector_operators", _make_operators, LINES, _operators, (2, 3),
         tolerances={"float32": EXACT}),
    Case("vector_others", FILE, "other_vectors", _make_others, LINES, _others, (5, 6)),
)  # fmt: skip
