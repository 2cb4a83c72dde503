"""Functions of two or four integers in a word, lane by lane, and of three integers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("clang.cindex")

from tests.support.cuda_functions import evaluate

Array = np.ndarray[Any, Any]
Lane = Callable[[int, int, int], int]  # width, x, y


def saturated(work: Lane, sign: bool) -> Lane:
    def lane(bits: int, x: int, y: int) -> int:
        low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if sign else (0, (1 << bits) - 1)
        return min(max(work(bits, x, y), low), high)

    return lane


def add(bits: int, x: int, y: int) -> int:
    return x + y


def sub(bits: int, x: int, y: int) -> int:
    return x - y


def mean(bits: int, x: int, y: int) -> int:
    """Half the sum, a tie away from zero."""
    return x + y + (x + y >= 0) >> 1


def compared(test: Callable[[int, int], bool], true: int) -> Lane:
    return lambda bits, x, y: true if test(x, y) else 0


TESTS: dict[str, Callable[[int, int], bool]] = {
    "eq": lambda x, y: x == y, "ne": lambda x, y: x != y, "ge": lambda x, y: x >= y,
    "gt": lambda x, y: x > y, "le": lambda x, y: x <= y, "lt": lambda x, y: x < y,
}  # fmt: skip
# name: arguments, whether lanes are signed, one lane
ROWS: dict[str, tuple[int, bool, Lane]] = {
    "vabs": (1, True, lambda bits, x, y: abs(x)),
    "vabsss": (1, True, saturated(lambda bits, x, y: abs(x), True)),
    "vneg": (1, True, lambda bits, x, y: -x),
    "vnegss": (1, True, saturated(lambda bits, x, y: -x, True)),
    "vadd": (2, False, add),
    "vaddss": (2, True, saturated(add, True)),
    "vaddus": (2, False, saturated(add, False)),
    "vsub": (2, False, sub),
    "vsubss": (2, True, saturated(sub, True)),
    "vsubus": (2, False, saturated(sub, False)),
    "vavgs": (2, True, mean),
    "vavgu": (2, False, lambda bits, x, y: x + y + 1 >> 1),
    "vhaddu": (2, False, lambda bits, x, y: x + y >> 1),
    "vabsdiffs": (2, True, lambda bits, x, y: abs(x - y)),
    "vabsdiffu": (2, False, lambda bits, x, y: abs(x - y)),
    "vmaxs": (2, True, lambda bits, x, y: max(x, y)),
    "vmaxu": (2, False, lambda bits, x, y: max(x, y)),
    "vmins": (2, True, lambda bits, x, y: min(x, y)),
    "vminu": (2, False, lambda bits, x, y: min(x, y)),
    **{
        f"{prefix}{op}{letter}": (2, letter == "s", compared(test, true))
        for prefix, true in (("vcmp", -1), ("vset", 1))
        for op, test in TESTS.items()
        for letter in (("",) if op in ("eq", "ne") else ("s", "u"))
    },
}


def words(seed: int) -> Array:
    order = np.random.default_rng(seed)
    edges = order.choice([0, 1, 0x7F, 0x80, 0x81, 0xFF], (60, 4)).astype(np.uint8).view(np.uint32)
    return np.concatenate([edges[:, 0], order.integers(0, 1 << 32, 40).astype(np.uint32)])


def lanes(word: int, bits: int, sign: bool) -> list[int]:
    found = [word >> bits * i & ((1 << bits) - 1) for i in range(32 // bits)]
    return [x - (1 << bits) if sign and x >> (bits - 1) else x for x in found]


@pytest.mark.parametrize("count", [2, 4])
def test_lanes(count: int) -> None:
    bits = 32 // count
    a, b = words(1), words(2)
    calls = [f"__{name}{count}({'a, b'[: 3 * ROWS[name][0] - 2]})" for name in ROWS]
    for out in evaluate(calls, np.uint32, a, b):
        for got, (name, (_, sign, work)) in zip(out, ROWS.items(), strict=True):
            want = [
                sum(
                    (work(bits, x, y) & ((1 << bits) - 1)) << bits * i
                    for i, (x, y) in enumerate(
                        zip(lanes(v, bits, sign), lanes(w, bits, sign), strict=True)
                    )
                )
                for v, w in zip(map(int, a), map(int, b), strict=True)
            ]
            assert got.tolist() == want, name


def test_sums_of_differences() -> None:
    a, b = words(3), words(4)
    calls = [f"__vsad{letter}{n}(a, b)" for letter in "su" for n in (2, 4)]
    for out in evaluate(calls, np.uint32, a, b):
        for got, call in zip(out, calls, strict=True):
            sign, bits = call[6] == "s", 32 // int(call[7])
            want = [
                sum(
                    abs(x - y)
                    for x, y in zip(lanes(v, bits, sign), lanes(w, bits, sign), strict=True)
                )
                for v, w in zip(map(int, a), map(int, b), strict=True)
            ]
            assert got.tolist() == want, call


def test_three_integers() -> None:
    order = np.random.default_rng(5)
    a, b, c = (order.integers(-50, 50, 60).astype(np.int32) for _ in range(3))
    calls = {
        "__vimax3_s32(a, b, c)": np.maximum(np.maximum(a, b), c),
        "__vimin3_s32(a, b, c)": np.minimum(np.minimum(a, b), c),
        "__vimax3_s32_relu(a, b, c)": np.maximum(np.maximum(np.maximum(a, b), c), 0),
        "__vimin3_s32_relu(a, b, c)": np.maximum(np.minimum(np.minimum(a, b), c), 0),
        "__viaddmax_s32(a, b, c)": np.maximum(a + b, c),
        "__viaddmin_s32_relu(a, b, c)": np.maximum(np.minimum(a + b, c), 0),
        "__vimax_s32_relu(a, b)": np.maximum(np.maximum(a, b), 0),
        "(int)__vimax3_u32(a, b, c)": np.maximum(
            np.maximum(a.view(np.uint32), b.view(np.uint32)), c.view(np.uint32)
        ).view(np.int32),
        "(int)__viaddmin_u32(a, b, c)": np.minimum((a + b).view(np.uint32), c.view(np.uint32)).view(
            np.int32
        ),
    }
    for out in evaluate(list(calls), np.int32, a, b, c):
        for got, (call, want) in zip(out, calls.items(), strict=True):
            np.testing.assert_array_equal(got, want, err_msg=call)
