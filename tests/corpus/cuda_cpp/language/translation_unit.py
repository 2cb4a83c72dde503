"""What surrounds kernels: macros, options, namespaces, functions, layout, assertions, output."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.corpus.cuda_cpp.case import Case, Launch
from tests.corpus.cuda_cpp.language.inputs import (
    LINES,
    Generator,
    by_element,
    count,
    eighths,
    f32,
    f64,
    i32,
    i64,
    ints,
    quot,
    rows,
    u32,
)

FILE = "language/translation_unit.cu"


def _macros(factor: int) -> Any:
    def row(x: int, i: int) -> list[int]:
        failures = (x <= 0) + 20 * (x >= 50)
        return [quot(x + 4, 4) * factor + failures * 100 + 50000]

    return by_element(row)


def _make_options(dtype: Any) -> Any:
    def make(rng: Generator, launch: Launch) -> tuple[Any, ...]:
        n = count(launch)
        return eighths(rng, n, dtype), np.zeros(n, dtype), np.zeros(1, i32), i32(n)

    return make


def _namespaces(x: int, i: int) -> list[int]:
    return [abs(x) + 2 + 41 + 3 * x - 4 + x - 5]


def _make_functions(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return ints(rng, n), np.zeros(n, f32), np.zeros(n, i64), i32(n)


def _functions(launch: Launch, x: Any, *_: Any) -> list[Any]:
    x = x.astype(i64)
    total = 2 * x + 10 * x + x / 2 + (5 * x & 255)
    return [total, 2 * x + (x ^ 0x55) + np.trunc(x + 2.5).astype(i64)]


LAYOUT = (1 + 20 + 400 + 8000, 4 + 80 + 800 + 1000, 2401, 1616, 1200 + 16 + 16, 5, 88, 84)


def _dimensions(launch: Launch, out: Any) -> list[Any]:
    grid, block = launch.grid, launch.block
    extent = [g * b for g, b in zip(grid, block, strict=True)]
    z, y, x = np.indices(extent[::-1])
    value = x + extent[0] * (y + extent[1] * z) + 100000 * 33
    # Axes z, y, x are each (block, thread): blocks first, then threads.
    pairs = [n for axis in (2, 1, 0) for n in (grid[axis], block[axis])]
    return [value.reshape(pairs).transpose(0, 2, 4, 1, 3, 5).ravel()]


def _make_hints(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return eighths(rng, n), np.zeros(n, f32), i32(n)


def _hints(launch: Launch, x: Any, *_: Any) -> list[Any]:
    x = x.astype(f64)
    return [sum(np.roll(x, -k) for k in range(10)) + x[:3].sum() - x]


def _side_effects(x: int, i: int) -> list[int]:
    value = x
    for _ in range(10):
        value = int(np.fmod(value * 3, 1001))
    return [value]


OPTIONS = "options"

CASES = (
    Case("macros", FILE, "macros", rows(1), LINES, _macros(1), (1,)),
    Case("macros_with_options", FILE, "macros", rows(1), LINES, _macros(7), (1,),
         options=("-DFACTOR=7",)),
    Case("options_none", FILE, OPTIONS, _make_options(f32), LINES,
         lambda launch, x, *_: [x, [4]], (1, 2)),
    Case("options_some", FILE, OPTIONS, _make_options(f64), LINES,
         lambda launch, x, *_: [-x / 4, [8]], (1, 2),
         options=("-DFACTOR=4", "-DUSE_DOUBLE=1", "-DNEGATE", "--std=c++17")),
    Case("options_spelled_long", FILE, OPTIONS, _make_options(f64), LINES,
         lambda launch, x, *_: [x / 2, [8]], (1, 2),
         options=("--define-macro=FACTOR=(1 + 1)", "-D", "USE_DOUBLE=1", "-UNEGATE")),
    Case("namespaces", FILE, "namespaces", rows(1), LINES, by_element(_namespaces), (1,)),
    Case("functions", FILE, "functions", _make_functions, LINES, _functions, (1, 2)),
    Case("layout", FILE, "layout", lambda rng, launch: (np.zeros(8, u32),), (Launch(1, 1),),
         lambda launch, out: [LAYOUT]),
    Case("dimensions", FILE, "dimensions",
         lambda rng, launch: (np.zeros(launch.blocks * launch.threads, i32),),
         (Launch((2, 3, 2), (4, 2, 3)), Launch((1, 1, 3), (8, 4, 1))), _dimensions),
    Case("hints", FILE, "hints", _make_hints, LINES, _hints, (1,)),
    Case("side_effects", FILE, "side_effects", rows(1), LINES, by_element(_side_effects), (1,)),
)  # fmt: skip
