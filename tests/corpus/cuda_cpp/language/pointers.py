"""Pointers: arithmetic, choice between arrays, pointers to pointers, per-thread arrays."""

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
    rows,
    wrap,
)

FILE = "language/pointers.cu"

NODE = np.dtype([("value", i32), ("left", i32), ("right", i32)], align=True)


def _arithmetic(launch: Launch, x: Any, out: Any, n: Any) -> list[Any]:
    for i in range(len(x)):
        begin = i // 2
        p = min(begin + 4, len(x))
        taken = p - begin
        total = x[begin:p].sum()
        p -= 1
        pair = x[p] + x[p - (p > 0)]
        p -= 1
        out[i] = [total, taken, pair, x[p] + 20 * x[p + 1], 1, 4 * (len(x) - p)]
    return [out]


def _make_choice(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    a, b = rng.random((2, n), f32)
    return a, b, ints(rng, n, 0, 12), np.zeros((n, 2), f32), i32(n)


def _choice(launch: Launch, a: Any, b: Any, which: Any, *_: Any) -> list[Any]:
    return [np.stack([np.where(which & 1, a, b), np.choose(which % 3, [a, b, -b])], 1)]


def _make_ping_pong(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n, steps = launch.size
    return eighths(rng, n), np.zeros(n, f32), i32(n), i32(steps)


def _ping_pong(launch: Launch, first: Any, second: Any, n: Any, steps: Any) -> list[Any]:
    fields = [first.astype(f64), second.astype(f64)]
    for _ in range(int(steps)):
        padded = np.pad(fields[0], 1)
        fields = [(padded[:-2] + padded[2:]) / 2, fields[0]]
    return fields if steps % 2 == 0 else fields[::-1]


def _make_two(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return ints(rng, n, 0, 100), ints(rng, n), np.zeros((n, 6), i32), i32(n)


def _two(launch: Launch, x: Any, y: Any, out: Any, n: Any) -> list[Any]:
    for i, v in enumerate(x.tolist()):
        grid = v + np.arange(3)[:, None] * 10 + np.arange(4)
        low = v * v % 10 + 1000 * (v * v // 10)
        out[i] = [(x, y)[i & 1][i], v, y[i], np.trace(grid) + grid[2, 3], grid.flat[i % 12], low]
    return [out]


def _make_parameters(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return ints(rng, n), eighths(rng, n), np.zeros((n, 4), f32), i32(n)


def _parameters(launch: Launch, x: Any, f: Any, out: Any, n: Any) -> list[Any]:
    for i in range(len(x)):
        slot = [x[(i + k) % len(x)] for k in range(4)]
        middle = np.median([x[(i + 7 * k) % len(x)] for k in range(5)])
        # Elements lie 4 bytes apart: the offset of the last result, modulo 16.
        out[i] = [middle, min(slot) * 100 + max(slot), x[i] if i % 2 else f[i], 4 * i % 16]
    return [out]


def _locals(launch: Launch, x: Any, out: Any, n: Any) -> list[Any]:
    for i, v in enumerate(x.tolist()):
        packed = int(np.base_repr(v & 255, 3))
        ring = [1, 1, 0, 0, 0, 0, 0, 0]
        for k in range(2, 20 + i % 5):
            ring[k & 7] = ring[k - 1 & 7] + ring[k - 2 & 7]
        out[i] = [packed, wrap(ring[i & 7], 16), b"0123456789abcdef"[v & 15] * 256 + b"xyz"[i % 3]]
    return [out]


def _make_tree(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n, size = launch.size
    nodes = np.full(size, -1, NODE)
    nodes["value"] = ints(rng, size)
    for child in range(1, size):  # below some earlier node that has a free side
        parent = child
        while parent >= child or (nodes["left"][parent] >= 0 and nodes["right"][parent] >= 0):
            parent = int(rng.integers(0, child))
        side = "left" if nodes["left"][parent] < 0 else "right"
        nodes[side][parent] = child
    return nodes, ints(rng, n, 0, size), np.zeros(n, i32), np.zeros(n, i32), i32(n)


def _tree(launch: Launch, nodes: Any, roots: Any, *_: Any) -> list[Any]:
    sums, depths = nodes["value"].copy(), np.ones(len(nodes), int)
    for node in range(len(nodes) - 1, -1, -1):  # children come after their parents
        for side in ("left", "right"):
            child = nodes[side][node]
            if child >= 0:
                sums[node] += sums[child]
                depths[node] = max(depths[node], depths[child] + 1)
    return [sums[roots], depths[roots]]


CASES = (
    Case("pointer_arithmetic", FILE, "pointer_arithmetic", rows(6), LINES, _arithmetic, (1,)),
    Case("pointer_choice", FILE, "pointer_choice", _make_choice, LINES, _choice, (3,)),
    Case("pointer_ping_pong", FILE, "ping_pong", _make_ping_pong,
         (Launch(1, 32, size=(75, 3)), Launch(1, 64, size=(64, 4))), _ping_pong, (0, 1)),
    Case("pointers_to_pointers", FILE, "pointers_to_pointers", _make_two, LINES, _two, (2,)),
    Case("pointer_parameters", FILE, "pointer_parameters", _make_parameters,
         (Launch(4, 32, size=(100,)), Launch(1, 32, size=(17,))), _parameters, (2,)),
    Case("local_arrays", FILE, "local_arrays", rows(3), LINES, _locals, (1,)),
    Case("tree_walk", FILE, "tree_walk", _make_tree,
         (Launch(2, 32, size=(45, 60)), Launch(1, 32, size=(5, 9))), _tree, (2, 3)),
)  # fmt: skip
