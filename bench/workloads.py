"""The kernels that are measured: sizes, inputs and what NumPy says comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Inputs = Mapping[str, Any]

THREADS = 256  # of a one-dimensional block
RUN = 2048  # elements that one block of `reduce` sums
COLUMNS = 1024  # of a softmax row
LIMIT = 100  # Mandelbrot iterations
SCALE = np.float32(2)  # saxpy's factor; the peers update y in place


@dataclass(frozen=True, slots=True)
class Workload:
    """One kernel to measure.

    Attributes:
        name: The kernel; every peer has a function of this name.
        sizes: Elements (side length for two-dimensional ones) by size name.
        make: Inputs for a size.
        reference: The expected output for inputs.
        agrees: Whether an output is right.
        work: What one launch does, as (amount, unit), for a size.
    """

    name: str
    sizes: Mapping[str, int]
    make: Callable[[int], Inputs]
    reference: Callable[[Inputs], Array]
    agrees: Callable[[Array, Array], bool]
    work: Callable[[int], tuple[float, str]]


def close(relative: float, absolute: float) -> Callable[[Array, Array], bool]:
    return lambda actual, expected: np.allclose(actual, expected, rtol=relative, atol=absolute)


def _uniform(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def _mandelbrot(inputs: Inputs) -> Array:
    n = inputs["n"]
    step = np.float32(3.0 / n)
    cx = np.broadcast_to(np.float32(-2) + step * np.arange(n, dtype=np.float32), (n, n))
    cy = (np.float32(-1.5) + step * np.arange(n, dtype=np.float32))[:, None]
    x, y = np.zeros((n, n), np.float32), np.zeros((n, n), np.float32)
    count, inside = np.zeros((n, n), np.int32), np.ones((n, n), bool)
    for _ in range(LIMIT):
        inside &= x * x + y * y <= 4
        count += inside
        x, y = np.where(inside, x * x - y * y + cx, x), np.where(inside, 2 * x * y + cy, y)
    return count


def _few_differ(actual: Array, expected: Array) -> bool:
    """Pixels at the border of the set depend on the last bit; one in a hundred may differ."""
    return float(np.mean(actual != expected)) <= 0.01


def _softmax(inputs: Inputs) -> Array:
    e = np.exp(inputs["a"] - inputs["a"].max(1, keepdims=True))
    result: Array = e / e.sum(1, keepdims=True)
    return result


ELEMENTS = {"small": 1 << 12, "mid": 1 << 20, "large": 1 << 24}

WORKLOADS = {
    row.name: row
    for row in (
        Workload(
            "empty32",  # one block of 32: what a launch costs
            {"one": 32},
            lambda n: {"a": _uniform(1, n)},
            lambda d: d["a"] + np.float32(1),
            close(0, 0),
            lambda n: (n, "element"),
        ),
        Workload(
            "saxpy",
            ELEMENTS,
            lambda n: {"x": _uniform(1, n), "y": _uniform(2, n)},
            lambda d: SCALE * d["x"] + d["y"],
            close(1e-5, 1e-6),
            lambda n: (12 * n, "B"),
        ),
        Workload(
            "mandelbrot",
            {"small": 64, "mid": 1024, "large": 4096},
            lambda n: {"n": n},
            _mandelbrot,
            _few_differ,
            lambda n: (n * n, "pixel"),
        ),
        Workload(
            "reduce",
            ELEMENTS,
            lambda n: {"a": _uniform(1, n)},
            lambda d: d["a"].reshape(-1, RUN).sum(1),
            close(1e-4, 1e-3),
            lambda n: (4 * n, "B"),
        ),
        Workload(
            "matmul",
            {"small": 256, "mid": 512, "large": 1024},
            lambda n: {"a": _uniform(1, n, n) - 0.5, "b": _uniform(2, n, n) - 0.5},
            lambda d: d["a"] @ d["b"],
            close(1e-2, 1e-2),
            lambda n: (2.0 * n**3, "FLOP"),
        ),
        Workload(
            "softmax",
            ELEMENTS,
            lambda n: {"a": _uniform(1, n // COLUMNS, COLUMNS) * 8 - 4},
            _softmax,
            close(1e-3, 1e-7),
            lambda n: (8 * n, "B"),
        ),
    )
}
