"""Control flow: switches, loops, state machines, short circuits, early returns."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.corpus.cuda_cpp.case import Case, Launch
from tests.corpus.cuda_cpp.language.inputs import (
    LINES,
    Generator,
    by_element,
    count,
    i8,
    i32,
    ints,
    quot,
    rem,
    rows,
)

FILE = "language/control.cu"


def _switches(x: int, i: int) -> list[int]:
    value = {0: 11, 1: 10, 2: 10, 4: 3, -3: -1}.get(x, 2003)
    loops = collected = k = 0
    while k < 10:
        loops += 1
        match rem(x + k, 5):
            case 0:
                k += 1
                continue
            case 1:
                collected += 1
            case 3:
                if k > 6:
                    k = 100
                else:
                    collected += 100
            case _:
                collected += 10000 * (k % 2 == 0)
        collected += 1000000
        k += 1
    return [value, loops, collected]


def _loops(launch: Launch, x: Any, out: Any, n: Any) -> list[Any]:
    values = x.tolist()
    for i, v in enumerate(values):
        steps, c = 0, v & 31
        while True:
            c, steps = 3 * c + 1 if c % 2 else c // 2, steps + 1
            if c <= 1:
                break
        total = 0
        for r in range(8):
            if r == i & 3:
                continue
            for column in range(r % 2, r + 1, 2):
                total += r * column
                if total > 60:
                    break
            if total > 80:
                break
        pairs = [j * 100 + k for j in range(len(x)) for k in range(j + 1, len(x))
                 if values[j] + values[k] == v]  # fmt: skip
        budget = 5
        while budget > 0:
            budget -= 1
            if values[(i + budget) % len(x)] < 0:
                break
        else:
            budget = -1
        out[i] = [steps, sum(20 - 3 * k for k in range(7)), total, (pairs or [-1])[0], budget, 49]
    return [out]


TEXTS = [b"a12b-7 3.5", b"", b"--4.25x-10.", b"99 bottles, 98", b"-", b"0.1.2.3", b"7-8-9", b"x.5"]


def _make_texts(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    chosen = rng.integers(0, len(TEXTS), n)
    lengths = np.array([len(t) + 1 for t in TEXTS])
    text = np.frombuffer(b"\0".join(TEXTS) + b"\0", i8).copy()
    starts = (lengths.cumsum() - lengths)[chosen].astype(i32)
    return text, starts, np.zeros(n, i32), np.zeros(n, i32), i32(n)


def _texts(launch: Launch, text: Any, starts: Any, *_: Any) -> list[Any]:
    expected = {b"a12b-7 3.5": (8, 1), b"": (0, 0), b"--4.25x-10.": (-6, 2),
                b"99 bottles, 98": (197, 0), b"-": (0, 0), b"0.1.2.3": (2, 2),
                b"7-8-9": (24, 0), b"x.5": (5, 0)}  # fmt: skip
    found = [expected[text.tobytes()[s:].split(b"\0")[0]] for s in starts]
    return [[f[0] for f in found], [f[1] for f in found]]


def _expressions(launch: Launch, x: Any, out: Any, n: Any) -> list[Any]:
    values = x.tolist()
    for i, v in enumerate(values):
        both, either = v > 5, v > 0 or v < -5
        a, b = v, v - 2 * v
        a += b
        slots = [11, 6, 3, 4]
        slots[2 if v & 1 else 3] = 77
        half = quot(v, 2)
        out[i] = [
            both + 2 * either + 10,  # one of the two conditions calls, whatever v is
            1 if v < -5 else 2 if v < 0 else 3 if v > 5 else 4,
            (a + 1) * 3 + b + 1,
            slots[0] * 1000 + slots[1] * 100 + slots[2] + slots[3],
            quot(100, half) if half else -1,
            quot(v, 3) * 10 + rem(v, 3),
            sum(slots) - 4,
            max(values[i - 1], v) if i else v,
        ]
    return [out]


def _early(launch: Launch, x: Any, out: Any, n: Any) -> list[Any]:
    shared = np.zeros(launch.blocks * launch.threads, int)
    shared[: len(x)] = x
    following = np.roll(shared.reshape(launch.blocks, -1), -1, 1).ravel()
    for i, v in enumerate(x.tolist()):
        divides = [k for k in range(4) if following[i] % (k + 2) == 0]
        out[i] = (-2 if v < 0 else -1) if following[i] < 0 else (divides or [9])[0]
    return [out]


def _make_early(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return ints(rng, n), np.zeros(n, i32), i32(n)


CASES = (
    Case("control_switches", FILE, "switches", rows(3, low=-4, high=7), LINES,
         by_element(_switches), (1,)),
    Case("control_loops", FILE, "loops", rows(6), LINES, _loops, (1,)),
    Case("control_state_machine", FILE, "parse_numbers", _make_texts, LINES, _texts, (2, 3)),
    Case("control_expressions", FILE, "expressions", rows(8), LINES, _expressions, (1,)),
    Case("control_early_returns", FILE, "early_returns", _make_early, LINES, _early, (1,)),
)  # fmt: skip
