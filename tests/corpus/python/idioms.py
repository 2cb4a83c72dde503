"""Python as kernels use it: slices, tuples, iteration over things, device functions with results."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from accelerx import cuda
from tests.corpus.python.case import Arguments, Case, Launch, grids

f32, i32 = np.float32, np.int32

OFFSETS = ((-1, 0), (1, 0), (0, -1), (0, 1))


@cuda.jit(device=True)
def dot(a, b):
    total = np.float32(0)
    for k in range(len(a)):
        total += a[k] * b[k]
    return total


def row_products(out, a, b):
    """Slices passed to a device function."""
    i, j = cuda.grid(2)
    if i < a.shape[0] and j < b.shape[0]:
        out[i, j] = dot(a[i, :], b[j])


@cuda.jit(device=True)
def polar(x, y):
    """Two results."""
    if x == 0 and y == 0:
        return np.float32(0), np.float32(0)
    return math.hypot(x, y), math.atan2(y, x)


def to_polar(radius, angle, points):
    i = cuda.grid(1)
    if i < len(points):
        radius[i], angle[i] = polar(points[i][0], points[i][1])


@cuda.jit(device=True)
def clamp(v, low=0, high=7):
    if v < low:
        return low
    if v > high:
        return high
    return v


def neighbours(out, image):
    """Iteration over a tuple of tuples that stands outside, default arguments."""
    row, column = cuda.grid(2)
    rows, columns = image.shape
    if row >= rows or column >= columns:
        return
    total = 0
    for dr, dc in OFFSETS:
        r, c = row + dr, column + dc
        if 0 <= r < rows and 0 <= c < columns:
            total += image[r, c]
    out[row, column] = clamp(total)


def ends(out, x):
    """Negative indices count from the end; chained comparisons and indices."""
    i = cuda.grid(1)
    if i < x.shape[0]:
        row = x[i]
        out[i, 0] = row[0]
        out[i, 1] = row[-1]
        out[i, 2] = x[i, -2] - x[-1, 0]


def weighted(out, x, weights):
    """enumerate, zip, and a loop over an array's elements."""
    i = cuda.grid(1)
    if i < x.shape[0]:
        first = 0.0
        for k, w in enumerate(weights):
            first += w * x[i, k]
        second = 0.0
        for w, v in zip(weights, x[i]):  # noqa: B905
            second += w * v * v
        out[i, 0] = first
        out[i, 1] = second


def powers(out, x, n):
    """The ** operator, divmod and round, and names that C has taken."""
    i = cuda.grid(1)
    if i < x.size:
        double = x[i] ** 2
        float_ = x[i] ** n
        switch, case = divmod(i, 7)
        out[i, 0] = double + x[i] ** 0.5
        out[i, 1] = float_
        out[i, 2] = switch * 10 + case
        out[i, 3] = round(x[i] * 10)


def first_match(index, table, keys):
    """Nested loops left by return, after a found element."""
    i = cuda.grid(1)
    if i >= keys.size:
        return
    index[i] = -1
    for r in range(table.shape[0]):
        for c in range(table.shape[1]):
            if table[r, c] == keys[i]:
                index[i] = r * table.shape[1] + c
                return


@cuda.jit(device=True)
def find_root(x, low, high):
    """A loop left by return from inside, in an inlined function."""
    for _ in range(60):
        middle = 0.5 * (low + high)
        value = middle * middle * middle - x
        if abs(value) < 1e-9:
            return middle
        if value > 0:
            high = middle
        else:
            low = middle
    return 0.5 * (low + high)


def cube_roots(out, x):
    i = cuda.grid(1)
    if i < x.size:
        out[i] = find_root(x[i], 0.0, max(x[i], 1.0))


def reversed_copy(out, x):
    """A range that counts down, in one thread a row."""
    i = cuda.grid(1)
    if i < x.shape[0]:
        n = x.shape[1]
        k = 0
        for j in range(n - 1, -1, -2):
            out[i, k] = x[i, j]
            k += 1  # noqa: SIM113


def _weighted_inputs(rng: np.random.Generator, launch: Launch) -> Arguments:
    return np.zeros((60, 2), f32), rng.random((60, 5), f32), rng.random(5, f32)


def _neighbours_reference(launch: Launch, out: Any, image: Any) -> list[Any]:
    p = np.pad(image, 1)
    return [np.clip(p[:-2, 1:-1] + p[2:, 1:-1] + p[1:-1, :-2] + p[1:-1, 2:], 0, 7)]


def _powers_reference(launch: Launch, out: Any, x: Any, n: int) -> list[Any]:
    i = np.arange(len(x))
    return [np.stack([x**2 + np.sqrt(x), x**n, i // 7 * 10 + i % 7, np.rint(x * f32(10))], axis=1)]


def _match_reference(launch: Launch, index: Any, table: Any, keys: Any) -> list[Any]:
    places = [np.flatnonzero(table.ravel() == k) for k in keys]
    return [[p[0] if len(p) else -1 for p in places]]


CASES = (
    Case("row_products", row_products,
         lambda rng, launch: (np.zeros((20, 15), f32), rng.random((20, 6), f32), rng.random((15, 6), f32)),
         grids(((3, 2), (8, 8))), lambda launch, out, a, b: [a @ b.T]),
    Case("to_polar", to_polar,
         lambda rng, launch: (np.zeros(90, f32), np.zeros(90, f32), (rng.integers(-2, 3, (90, 2))).astype(f32)),
         grids((3, 32)), lambda launch, r, angle, p: [np.hypot(*p.T), np.arctan2(p[:, 1], p[:, 0])],
         outputs=(0, 1)),
    Case("neighbours", neighbours,
         lambda rng, launch: (np.zeros((14, 19), i32), rng.integers(-2, 5, (14, 19)).astype(i32)),
         grids(((2, 3), (8, 8))), _neighbours_reference, rtol=0),
    Case("ends", ends, lambda rng, launch: (np.zeros((40, 3), f32), rng.random((40, 8), f32)),
         grids((2, 32)),
         lambda launch, out, x: [np.stack([x[:, 0], x[:, -1], x[:, -2] - x[-1, 0]], axis=1)], rtol=1e-6),
    Case("weighted", weighted, _weighted_inputs, grids((2, 32)),
         lambda launch, out, x, w: [np.stack([x @ w, x**2 @ w], axis=1)]),
    Case("powers", powers,
         lambda rng, launch: (np.zeros((70, 4), f32), rng.uniform(0.1, 3, 70).astype(f32), 3),
         grids((3, 32)), _powers_reference),
    Case("first_match", first_match,
         lambda rng, launch: (np.zeros(50, i32), rng.integers(0, 60, (6, 7)).astype(i32), rng.integers(0, 60, 50).astype(i32)),
         grids((2, 32)), _match_reference, rtol=0),
    Case("cube_roots", cube_roots,
         lambda rng, launch: (np.zeros(80), rng.uniform(0.1, 30, 80)), grids((3, 32)),
         lambda launch, out, x: [np.cbrt(x)], rtol=1e-8, typings=("numba",)),
    Case("reversed_copy", reversed_copy,
         lambda rng, launch: (np.zeros((33, 5), f32), rng.random((33, 10), f32)), grids((2, 32)),
         lambda launch, out, x: [x[:, ::-2]], rtol=0),
)  # fmt: skip
