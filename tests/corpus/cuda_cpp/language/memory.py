"""Memory: shared arrays of every kind, constants, variables of the device."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.corpus.cuda_cpp.case import Case, Launch
from tests.corpus.cuda_cpp.language.inputs import (
    LINES,
    Generator,
    count,
    eighths,
    f32,
    f64,
    i32,
    ints,
    plain,
    rows,
    u8,
)

FILE = "language/memory.cu"

TALLY = np.dtype([("count", i32), ("sum", f32), ("seen", u8, 4)], align=True)


def _shared(launch: Launch, x: Any, out: Any) -> list[Any]:
    result = []
    for block in x.reshape(-1, 64):
        plane, cube = block.reshape(8, 8), block.reshape(4, 4, 4)
        total = np.full(64, block.sum())
        columns = (block[::-1], plane.T.ravel(), cube.transpose(2, 1, 0).ravel(), total)
        result.append(np.stack(columns, 1))
    return [np.concatenate(result)]


def _make_carved(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    return eighths(rng, launch.blocks * n, f64), np.zeros(launch.blocks * n), i32(n)


def _carved(launch: Launch, x: Any, out: Any, n: Any) -> list[Any]:
    values = x.reshape(launch.blocks, -1)
    keys = np.trunc(values)
    marks = (60000 + 1000 * np.arange(int(n))) % 65536
    flags = np.where(values > 0, ord("y"), ord("n"))
    return [values[:, ::-1] + 10 * np.roll(keys, -1, 1) + marks[::-1] + flags / 256]


def _make_structs(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    x = (rng.integers(-24, 25, count(launch)) / 8).astype(f32)
    x[::32] = 2.5
    return x, np.zeros((launch.blocks, 2), TALLY), np.zeros(len(x), i32)


def _structs(launch: Launch, x: Any, tallies: Any, heard: Any) -> list[Any]:
    for b, block in enumerate(x.reshape(launch.blocks, -1)):
        for negative in (0, 1):
            mine = np.flatnonzero((block < 0) == negative)
            seen = [(mine % 4 == k).any() for k in range(4)]
            tallies[b, negative] = len(mine), block[mine].sum(dtype=f64), seen
        large = np.flatnonzero(block > 2)
        heard.reshape(launch.blocks, -1)[b] = (large[-1] - large[0]) * 1000 + 25
    return [tallies, heard]


def _make_constants(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return ints(rng, n), np.zeros(n, f32), np.zeros((n, 4), i32), i32(n)


def _constants(launch: Launch, x: Any, *_: Any) -> list[Any]:
    i = np.arange(len(x))
    density, weights = np.array([1.5, 2.5, 8]), np.array([0.125, 0.25, 0.5, 1])
    offsets, levels = np.array([[1, 2, 3], [-1, -2, -3]]), np.array([[1, 2], [3, 4], [5, 6]])
    whole = [
        offsets[i & 1, x & 1] + np.array([10, 20, 30])[i % 3] + levels[i % 3, i & 1],
        np.array([3, 1, 0, 2])[i & 3] * np.array([5, 4, 3, 2, 1])[i % 5],
        (x << 2) & 7,
        np.array([107, 211, 313])[i % 3],
    ]
    return [x / 2 + density[i % 3] + weights[i & 3], np.stack(whole, 1)]


def _make_globals(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return ints(rng, n), np.full(8, -1, i32), i32(n)


CASES = (
    Case("shared_arrays", FILE, "shared_arrays", rows(4), (Launch(2, 64),), _shared, (1,)),
    Case("shared_carved", FILE, "carved_shared", _make_carved,
         (Launch(2, 32, 30 * 15, (30,)), Launch(1, 64, 64 * 15, (64,))), _carved, (1,)),
    Case("shared_structs", FILE, "shared_structs", _make_structs, (Launch(2, 64), Launch(1, 96)),
         _structs, (1, 2), normalise=plain),
    Case("shared_dynamic_double", FILE, "reverse_dynamic<double>",
         lambda rng, launch: (rng.random(count(launch)),), (Launch(3, 50, 400),),
         lambda launch, x: [x.reshape(launch.blocks, -1)[:, ::-1]]),
    Case("shared_dynamic_char", FILE, "reverse_dynamic<char>",
         lambda rng, launch: (rng.integers(-128, 128, count(launch)).astype(np.int8),),
         (Launch(2, 64, 64),), lambda launch, x: [x.reshape(launch.blocks, -1)[:, ::-1]]),
    Case("constants", FILE, "constants", _make_constants, LINES, _constants, (1, 2)),
    Case("device_globals", FILE, "device_globals", _make_globals,
         (Launch(3, 32, size=(90,)), Launch(1, 64, size=(17,))),
         lambda launch, x, *_: [np.bincount(x & 7, minlength=8)], (1,)),
)  # fmt: skip
