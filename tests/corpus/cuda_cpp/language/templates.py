"""Templates: parameters, specialisation, packs, constant evaluation."""

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
    rem,
    rows,
)

FILE = "language/templates.cu"


def _make_repeat(repeats: int) -> Any:
    def make(rng: Generator, launch: Launch) -> tuple[Any, ...]:
        n = count(launch)
        return ints(rng, n), np.zeros((n, repeats), i32), i32(n)

    return make


def _make_specialised(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return ints(rng, n), eighths(rng, n), np.zeros((n, 5), i32), np.zeros(n, f32), i32(n)


def _specialised(launch: Launch, x: Any, f: Any, *_: Any) -> list[Any]:
    ones = np.ones(len(x), i32)
    columns = [2 * x, 2 * x, ones * 10212, ones * 7, ones * 1007]
    return [np.stack(columns, 1), 2 * (2 * f + 0.5)]


def _make_sum(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return np.zeros(n), i32(n), ints(rng, n), eighths(rng, n), rng.random(n)


def _variadic(x: int, i: int) -> list[int]:
    weights = x * 4 + 2 * 3 + 3 * 2 + x
    return [weights, x + 30, int(x > 0), x, int(x * 1.5), ord("a")]


def _make_if_constexpr(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return ints(rng, n), np.zeros(n, i32), np.zeros(n, i64), np.zeros(n, f32), i32(n)


def _if_constexpr(launch: Launch, x: Any, *_: Any) -> list[Any]:
    return [x >> 1, x.astype(i64) * (1 << 19) + 1, x / 2]


PRIMES = (2, 3, 5, 7, 11, 13, 17, 19)


def _constant_expressions(x: int, i: int) -> list[int]:
    return [PRIMES[i % 8] * (x + 7), 144, 720, (i % 8) ** 2, 8]


def _unrolled(launch: Launch, x: Any, out: Any, n: Any) -> list[Any]:
    sums = sum(np.roll(x, -k) * (k + 1) for k in range(5))
    x = x.astype(i64)
    return [np.stack([sums, 7 - 3 * x + 2 * x**2 + x**3], 1)]


def _make_arguments(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return ints(rng, n), np.zeros((n, 3), i32), np.zeros(n, f32), i32(n)


def _arguments(launch: Launch, x: Any, *_: Any) -> list[Any]:
    whole = [[(v + 2) * 1000 + rem(v, 6) ** 4, 3 * v + 8, 3] for v in x.tolist()]
    return [whole, x * 0.25]


def _make_dependent(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    return ints(rng, n), np.zeros(2, i64), i32(n)


CASES = (
    Case("template_defaults", FILE, "repeat<>", _make_repeat(3), LINES,
         lambda launch, x, *_: [x[:, None].repeat(3, 1)], (1,)),
    Case("template_values", FILE, "repeat<int, 2, true>", _make_repeat(2), LINES,
         lambda launch, x, *_: [x[::-1, None].repeat(2, 1)], (1,)),
    Case("template_specialisations", FILE, "specialisations", _make_specialised, LINES,
         _specialised, (2, 3)),
    Case("template_overloads", FILE, "overloads", lambda rng, launch: (np.zeros(7, i32),),
         (Launch(1, 1), Launch(2, 32)), lambda launch, out: [[1, 2, 3, 4, 107, 1, 1]]),
    Case("template_pack_of_pointers", FILE, "sum_arrays<int, float, double>", _make_sum, LINES,
         lambda launch, out, n, a, b, c: [a.astype(f64) + b + c]),
    Case("template_variadic", FILE, "variadic", rows(6), LINES, by_element(_variadic), (1,)),
    Case("if_constexpr", FILE, "if_constexpr", _make_if_constexpr, LINES, _if_constexpr, (1, 2, 3)),
    Case("constant_expressions", FILE, "constant_expressions", rows(5), LINES,
         by_element(_constant_expressions), (1,)),
    Case("template_unrolled", FILE, "unrolled", rows(2), LINES, _unrolled, (1,)),
    Case("template_arguments", FILE, "template_arguments", _make_arguments, LINES,
         _arguments, (1, 2)),
    Case("template_dependent_names", FILE, "dependent_names<WidePolicy>", _make_dependent,
         (Launch(1, 2, size=(31,)), Launch(2, 1, size=(8,))),
         lambda launch, x, *_: [[int(x[s::2].sum()) << 32 for s in (0, 1)]], (1,)),
)  # fmt: skip
