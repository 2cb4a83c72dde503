"""Classes: constructors, operators, inheritance, lambdas, and records in C layout."""

from __future__ import annotations

from fractions import Fraction
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
    i16,
    i32,
    i64,
    ints,
    plain,
    rows,
    u8,
)

FILE = "language/classes.cu"

INNER = np.dtype([("xyz", f32, 3), ("stamp", i64)], align=True)
SAMPLE = np.dtype(
    [("tag", "i1"), ("code", i16), ("flags", u8, 3), ("weight", f64), ("inner", INNER, 2),
     ("valid", "?"), ("count", i32)], align=True,
)  # fmt: skip
BOX = np.dtype([("low", i32, 2), ("high", i32, 2)], align=True)
CONFIG = np.dtype([("box", BOX), ("gain", f32), ("mode", u8), ("bias", f64, 2)], align=True)


def _make_fractions(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    pairs = np.stack([ints(rng, n), ints(rng, n) | 1], 1)
    pairs[:2] = [[1, 3], [-1, 3]]  # equal to a third, and a sum of nothing
    return pairs, np.zeros((n, 4), i64), np.zeros(n), i32(n)


def _fractions(launch: Launch, pairs: Any, out: Any, real: Any, n: Any) -> list[Any]:
    third = Fraction(1, 3)
    for i, (p, q) in enumerate(pairs.tolist()):
        a = Fraction(p, q)
        total = a + third * 2 - Fraction(1, 6)
        flags = (a < third) + 2 * (a == third) + 4 + 8 * bool(total)
        out[i] = total.numerator, total.denominator, flags, (a * third).denominator
        real[i] = float(total)
    return [out, real]


def _operators(x: int, i: int) -> list[int]:
    fibonacci = [0, 1]
    for _ in range(12):
        fibonacci.append(sum(fibonacci[-2:]))
    return [x, x + 2, x + 1, fibonacci[i % 12], x + 1, 5]


def _make_inheritance(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return eighths(rng, n), np.zeros((n, 3), f32), np.zeros((n, 3), i32), i32(n)


def _inheritance(launch: Launch, x: Any, *_: Any) -> list[Any]:
    x = x.astype(f64)
    i = np.arange(len(x))
    doubled = 31 * i  # five steps of v = 2 v + i
    return [np.stack([x * x + 0.5, 2 * x + 0.5 + 4, np.full(len(x), 8.0)], 1),
            np.stack([np.full(len(x), 18), 3 * i, doubled], 1)]  # fmt: skip


def _make_records(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    samples = np.zeros(n, SAMPLE)
    samples["tag"] = rng.integers(65, 91, n)
    samples["code"] = rng.integers(-300, 300, n)
    samples["flags"] = rng.integers(0, 256, (n, 3))
    samples["weight"] = eighths(rng, n, f64)
    samples["inner"]["xyz"] = eighths(rng, n * 6).reshape(n, 2, 3)
    samples["inner"]["stamp"] = rng.integers(-(1 << 50), 1 << 50, (n, 2))
    samples["valid"] = rng.random(n) < 0.5
    samples["count"] = ints(rng, n)
    return samples, np.zeros(n), i32(n)


def _records(launch: Launch, samples: Any, out: Any, n: Any) -> list[Any]:
    for i, s in enumerate(samples):
        out[i] = s["weight"] * s["code"] + s["tag"] + s["inner"]["xyz"][i & 1].sum(dtype=f64)
        if s["valid"]:
            s["count"] += i
            s["flags"][i % 3] |= 0x80
            s["inner"]["stamp"][1] *= -1
            s["inner"]["xyz"][1, 2] = s["inner"]["xyz"][0, i % 3]
        s["inner"][0] = s["inner"][1]
        s["valid"] = not s["valid"]
        s["tag"] ^= 0x20
    return [samples, out]


def _make_structs(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    config = np.array(((([-1, 2], [3, 5])), 0.25, 200, [1.5, -2.5]), CONFIG)[()]
    return config, ints(rng, n, 0, 4), np.zeros(n, BOX), np.zeros(n), i32(n)


def _structs(launch: Launch, config: Any, x: Any, boxes: Any, out: Any, n: Any) -> list[Any]:
    low, high = config["box"]["low"].astype(int), config["box"]["high"].astype(int)
    for i, by in enumerate(x.tolist()):
        local = [(low, high), (low - by, high + by), (low - by - 1, high + by + 1)]
        chosen = local[0] if np.prod(local[1][1] - local[1][0]) > 40 else local[2]
        boxes[i] = chosen
        lows = [b[0][0] for b in local]
        lows[i % 3] = 1000
        out[i] = sum(lows) + 0.25 * 200 + config["bias"][i & 1]
    return [boxes, out]


def _lambdas(launch: Launch, x: Any, out: Any, n: Any) -> list[Any]:
    values = x.tolist()
    for i, v in enumerate(values):
        out[i] = [4 * v + 6, 3 * (v + 100) + 3, max(v, i) + int(max(1.5, i)),
                  (i + 2) * 100 + i + 4, v + 5, np.sign(v), 3 * sum(values)]  # fmt: skip
    return [out]


def _destructors(launch: Launch, out: Any, n: Any) -> list[Any]:
    """Digits in order: 1 made, twice (2 made, 3 made and gone unless skipped, 2 gone), 1 gone."""
    return [[12623765 if i % 2 == 0 else 12376265 for i in range(len(out))]]


def _nested(x: int, i: int) -> list[int]:
    key = x & 63
    keys, uses = [-1] * 4, [0] * 4
    for touched, times in ((key, 2), (3, 1)):
        keys[touched & 3], uses[touched & 3] = touched, uses[touched & 3] + times
    # The reading through the const reference stands before the entry's next use.
    first = uses[key & 3]
    packed = 0
    for k in keys:
        packed = packed * 100 + k + 1
    return [first * 10 + uses[3] + 1, packed]


CASES = (
    Case("class_fractions", FILE, "fractions", _make_fractions, LINES, _fractions, (1, 2)),
    Case("class_operators", FILE, "operators", rows(6), LINES, by_element(_operators), (1,)),
    Case("class_inheritance", FILE, "inheritance", _make_inheritance, LINES, _inheritance, (1, 2)),
    Case("class_records", FILE, "records", _make_records, LINES, _records, (0, 1),
         normalise=plain),
    Case("class_structs_by_value", FILE, "structs_by_value", _make_structs, LINES, _structs, (2, 3),
         normalise=plain),
    Case("class_lambdas", FILE, "lambdas", rows(7), LINES, _lambdas, (1,)),
    Case("class_destructors", FILE, "destructors",
         lambda rng, launch: (np.zeros(count(launch), i32), i32(count(launch))), LINES,
         _destructors),
    Case("class_nested", FILE, "nested_classes", rows(2), LINES, by_element(_nested), (1,)),
)  # fmt: skip
