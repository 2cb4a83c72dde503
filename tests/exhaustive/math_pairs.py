"""Largest error of pow, hypot and atan2 in float32 on many random pairs and an edge grid, by hand.

``python -m tests.exhaustive.math_pairs [--count N] [functions]``; the default of 2e8 pairs a
function takes some minutes of one core.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np

from accelerx import dtypes
from accelerx.compiler.intrinsics import INTRINSICS
from tests.exhaustive.harness import compile_function
from tests.exhaustive.inputs import edges, pairs
from tests.exhaustive.reference import Array, reference, ulp_error

CHUNK = 1 << 18
FUNCTIONS = ("pow", "hypot", "atan2")


def _batches(name: str, count: int) -> Iterator[tuple[Array, Array]]:
    grid = edges(dtypes.float32)
    first, second = np.meshgrid(grid, grid)
    yield first.ravel(), second.ravel()
    rng = np.random.default_rng(1)
    for _ in range(-(-count // CHUNK)):
        yield pairs(rng, name, dtypes.float32, CHUNK)


def measure(name: str, count: int) -> str:
    """One line about one function."""
    function = compile_function(name, dtypes.float32, 16)
    worst, at, done = 0.0, "", 0
    for x, y in _batches(name, count):
        error = ulp_error(function(x, y), reference(name, x, y))
        where = int(error.argmax())
        done += x.size
        if error[where] > worst:
            worst, at = float(error[where]), f"({x[where]!r}, {y[where]!r})"
    return f"{name:8} {worst:7.4f} ulp (bound {INTRINSICS[name].ulp[0]}) at {at}; {done} pairs"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("functions", nargs="*", default=list(FUNCTIONS))
    parser.add_argument("--count", type=int, default=200_000_000)
    options = parser.parse_args()
    for name in options.functions:
        print(measure(name, options.count), flush=True)


if __name__ == "__main__":
    main()
