"""The typing rules: numba's as numba.cuda infers them, the weak ones, and what they do to kernels.

The tables were written down from numba 0.68's CUDA typing; "-" is what it refuses.
"""

from __future__ import annotations

import numpy as np
import pytest

from accelerx import dtypes
from accelerx import lang as cuda
from accelerx.compiler import ir
from accelerx.compiler.frontends.python.promotion import Numba, Rules, Weak, convert, ufunc_type
from accelerx.dtypes import BY_SHORT
from tests.support.lifted import lifted, run

TYPES = ["b", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f16", "f32", "f64"]
NUMBA = {
    "+": """
        i64 i64 i64 i64 i64 i64 i64 i64 i64 f16 f32 f64
        i64 i64 i64 i64 i64 i64 i64 i64 i64 f16 f32 f64
        i64 i64 i64 i64 i64 i64 i64 i64 i64 f32 f32 f64
        i64 i64 i64 i64 i64 i64 i64 i64 i64 f64 f64 f64
        i64 i64 i64 i64 i64 i64 i64 i64 i64 f64 f64 f64
        i64 i64 i64 i64 i64 u64 u64 u64 u64 f32 f32 f64
        i64 i64 i64 i64 i64 u64 u64 u64 u64 f64 f64 f64
        i64 i64 i64 i64 i64 u64 u64 u64 u64 f64 f64 f64
        i64 i64 i64 i64 i64 u64 u64 u64 u64 f64 f64 f64
        f16 f16 f32 f64 f64 f32 f64 f64 f64 f16 f32 f64
        f32 f32 f32 f64 f64 f32 f64 f64 f64 f32 f32 f64
        f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64
    """,
    "/": """
        f64 f64 f64 f64 f64 f64 f64 f64 f64 f16 f32 f64
        f64 f64 f64 f64 f64 f64 f64 f64 f64 f16 f32 f64
        f64 f64 f64 f64 f64 f64 f64 f64 f64 f32 f32 f64
        f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64
        f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64
        f64 f64 f64 f64 f64 f64 f64 f64 f64 f32 f32 f64
        f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64
        f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64
        f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64
        f16 f16 f32 f64 f64 f32 f64 f64 f64 f16 f32 f64
        f32 f32 f32 f64 f64 f32 f64 f64 f64 f32 f32 f64
        f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64
    """,
    "//": """
        i64 i64 i64 i64 i64 i64 i64 i64 i64 f32 f32 f64
        i64 i64 i64 i64 i64 i64 i64 i64 i64 f32 f32 f64
        i64 i64 i64 i64 i64 i64 i64 i64 i64 f32 f32 f64
        i64 i64 i64 i64 i64 i64 i64 i64 i64 f64 f64 f64
        i64 i64 i64 i64 i64 i64 i64 i64 i64 f64 f64 f64
        i64 i64 i64 i64 i64 u64 u64 u64 u64 f32 f32 f64
        i64 i64 i64 i64 i64 u64 u64 u64 u64 f64 f64 f64
        i64 i64 i64 i64 i64 u64 u64 u64 u64 f64 f64 f64
        i64 i64 i64 i64 i64 u64 u64 u64 u64 f64 f64 f64
        f32 f32 f32 f64 f64 f32 f64 f64 f64 f32 f32 f64
        f32 f32 f32 f64 f64 f32 f64 f64 f64 f32 f32 f64
        f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64
    """,
    "%": """
        i64 i64 i64 i64 i64 i64 i64 i64 i64 f32 f32 f64
        i64 i64 i64 i64 i64 i64 i64 i64 i64 f32 f32 f64
        i64 i64 i64 i64 i64 i64 i64 i64 i64 f32 f32 f64
        i64 i64 i64 i64 i64 i64 i64 i64 i64 f64 f64 f64
        i64 i64 i64 i64 i64 i64 i64 i64 i64 f64 f64 f64
        i64 i64 i64 i64 i64 u64 u64 u64 u64 f32 f32 f64
        i64 i64 i64 i64 i64 u64 u64 u64 u64 f64 f64 f64
        i64 i64 i64 i64 i64 u64 u64 u64 u64 f64 f64 f64
        i64 i64 i64 i64 i64 u64 u64 u64 u64 f64 f64 f64
        f32 f32 f32 f64 f64 f32 f64 f64 f64 f32 f32 f64
        f32 f32 f32 f64 f64 f32 f64 f64 f64 f32 f32 f64
        f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64
    """,
    "<<": """
        i64 i64 i64 i64 i64 i64 i64 i64 i64 - - -
        i64 i64 i64 i64 i64 i64 i64 i64 i64 - - -
        i64 i64 i64 i64 i64 i64 i64 i64 i64 - - -
        i64 i64 i64 i64 i64 i64 i64 i64 i64 - - -
        i64 i64 i64 i64 i64 i64 i64 i64 i64 - - -
        u64 u64 u64 u64 u64 u64 u64 u64 u64 - - -
        u64 u64 u64 u64 u64 u64 u64 u64 u64 - - -
        u64 u64 u64 u64 u64 u64 u64 u64 u64 - - -
        u64 u64 u64 u64 u64 u64 u64 u64 u64 - - -
        - - - - - - - - - - - -
        - - - - - - - - - - - -
        - - - - - - - - - - - -
    """,
    "&": """
        b i64 i64 i64 i64 i64 i64 i64 i64 - - -
        i64 i64 i64 i64 i64 i64 i64 i64 i64 - - -
        i64 i64 i64 i64 i64 i64 i64 i64 i64 - - -
        i64 i64 i64 i64 i64 i64 i64 i64 i64 - - -
        i64 i64 i64 i64 i64 i64 i64 i64 i64 - - -
        i64 i64 i64 i64 i64 u64 u64 u64 u64 - - -
        i64 i64 i64 i64 i64 u64 u64 u64 u64 - - -
        i64 i64 i64 i64 i64 u64 u64 u64 u64 - - -
        i64 i64 i64 i64 i64 u64 u64 u64 u64 - - -
        - - - - - - - - - - - -
        - - - - - - - - - - - -
        - - - - - - - - - - - -
    """,
    "<": """
        b i8 i16 i32 i64 u8 u16 u32 u64 f16 f32 f64
        i8 i8 i16 i32 i64 i16 i32 i64 f64 f16 f32 f64
        i16 i16 i16 i32 i64 i16 i32 i64 f64 f32 f32 f64
        i32 i32 i32 i32 i64 i32 i32 i64 f64 f64 f64 f64
        i64 i64 i64 i64 i64 i64 i64 i64 f64 f64 f64 f64
        u8 i16 i16 i32 i64 u8 u16 u32 u64 f32 f32 f64
        u16 i32 i32 i32 i64 u16 u16 u32 u64 f64 f64 f64
        u32 i64 i64 i64 i64 u32 u32 u32 u64 f64 f64 f64
        u64 f64 f64 f64 f64 u64 u64 u64 u64 f64 f64 f64
        f16 f16 f32 f64 f64 f32 f64 f64 f64 f16 f32 f64
        f32 f32 f32 f64 f64 f32 f64 f64 f64 f32 f32 f64
        f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64
    """,
    "join": """
        b i8 i16 i32 i64 u8 u16 u32 u64 f16 f32 f64
        i8 i8 i16 i32 i64 i16 i32 i64 f64 f16 f32 f64
        i16 i16 i16 i32 i64 i16 i32 i64 f64 f32 f32 f64
        i32 i32 i32 i32 i64 i32 i32 i64 f64 f64 f64 f64
        i64 i64 i64 i64 i64 i64 i64 i64 f64 f64 f64 f64
        u8 i16 i16 i32 i64 u8 u16 u32 u64 f16 f32 f64
        u16 i32 i32 i32 i64 u16 u16 u32 u64 f32 f32 f64
        u32 i64 i64 i64 i64 u32 u32 u32 u64 f64 f64 f64
        u64 f64 f64 f64 f64 u64 u64 u64 u64 f64 f64 f64
        f16 f16 f32 f64 f64 f16 f32 f64 f64 f16 f32 f64
        f32 f32 f32 f64 f64 f32 f32 f64 f64 f32 f32 f64
        f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64
    """,
    "min": """
        b i8 i16 i32 i64 u8 u16 u32 u64 - f32 f64
        i8 i8 i16 i32 i64 i16 i32 i64 f64 - f32 f64
        i16 i16 i16 i32 i64 i16 i32 i64 f64 - f32 f64
        i32 i32 i32 i32 i64 i32 i32 i64 f64 - f64 f64
        i64 i64 i64 i64 i64 i64 i64 i64 f64 - f64 f64
        u8 i16 i16 i32 i64 u8 u16 u32 u64 - f32 f64
        u16 i32 i32 i32 i64 u16 u16 u32 u64 - f32 f64
        u32 i64 i64 i64 i64 u32 u32 u32 u64 - f64 f64
        u64 f64 f64 f64 f64 u64 u64 u64 u64 - f64 f64
        - - - - - - - - - - - -
        f32 f32 f32 f64 f64 f32 f32 f64 f64 - f32 f64
        f64 f64 f64 f64 f64 f64 f64 f64 f64 - f64 f64
    """,
    "maximum": """
        b i8 i16 i32 i64 u8 u16 u32 u64 f32 f32 f64
        i8 i8 i16 i32 i64 i16 i32 i64 f64 f32 f32 f64
        i16 i16 i16 i32 i64 i16 i32 i64 f64 f32 f32 f64
        i32 i32 i32 i32 i64 i32 i32 i64 f64 f32 f32 f64
        i64 i64 i64 i64 i64 i64 i64 i64 f64 f32 f32 f64
        u8 i16 i16 i32 i64 u8 u16 u32 u64 f32 f32 f64
        u16 i32 i32 i32 i64 u16 u16 u32 u64 f32 f32 f64
        u32 i64 i64 i64 i64 u32 u32 u32 u64 f32 f32 f64
        u64 f64 f64 f64 f64 u64 u64 u64 u64 f32 f32 f64
        f32 f32 f32 f32 f32 f32 f32 f32 f32 f32 f32 f64
        f32 f32 f32 f32 f32 f32 f32 f32 f32 f32 f32 f64
        f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64
    """,
}
INTEGERS = ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"]


def numba_type(op: str, a: str, b: str) -> str:
    rules: Rules = Numba()
    x, y = (BY_SHORT[a], False), (BY_SHORT[b], False)
    if op == "<":
        return rules.compare(x, y).short
    if op == "join":
        return rules.join(x, y)[0].short
    if op == "min":
        return rules.extremum(x, y)[0].short
    if op == "maximum":
        return ufunc_type(rules, x, y)[0].short
    return rules.arithmetic(op, x, y)[0].short


@pytest.mark.parametrize("op", NUMBA)
def test_numba_types_are_numbas(op):
    table = [line.split() for line in NUMBA[op].strip().splitlines()]
    for a, row in zip(TYPES, table, strict=True):
        for b, wanted in zip(TYPES, row, strict=True):
            if wanted != "-":
                assert numba_type(op, a, b) == wanted, f"{a} {op} {b}"


def weak_type(op: str, a: tuple[str, bool], b: tuple[str, bool]) -> tuple[str, bool]:
    x, y = (BY_SHORT[a[0]], a[1]), (BY_SHORT[b[0]], b[1])
    dtype, weak = Weak().arithmetic(op, x, y)
    return dtype.short, weak


@pytest.mark.parametrize("short", ["f16", "bf16", "f32", "f64"])
def test_weak_numbers_take_a_floats_type(short):
    assert weak_type("*", (short, False), ("f32", True)) == (short, False)
    assert weak_type("*", ("i32", True), (short, False)) == (short, False)
    assert weak_type("*", ("i64", False), (short, False)) == (short, False)


@pytest.mark.parametrize("short", INTEGERS)
def test_weak_integers_take_an_integers_type_but_no_less_than_32_bits(short):
    wanted = short if BY_SHORT[short].bits >= 32 else "i32"
    assert weak_type("+", (short, False), ("i32", True)) == (wanted, False)
    assert weak_type("/", (short, False), ("i32", True)) == ("f32", False)
    assert weak_type("*", (short, False), ("f32", True)) == ("f32", False)


def test_weak_numbers_alone():
    assert weak_type("+", ("i32", True), ("i32", True)) == ("i32", True)
    assert weak_type("*", ("i32", True), ("f32", True)) == ("f32", True)
    assert weak_type("/", ("i32", True), ("i32", True)) == ("f32", True)
    assert weak_type("+", ("i32", False), ("i64", True)) == ("i64", False)


def test_weak_mixed_signs():
    assert weak_type("+", ("i32", False), ("u32", False)) == ("u32", False)
    assert weak_type("+", ("u32", False), ("i64", False)) == ("i64", False)
    assert Weak().compare((dtypes.int32, False), (dtypes.uint32, False)) is dtypes.int64


@pytest.mark.parametrize(
    ("value", "short", "wanted"),
    [
        (300, "u8", 44),
        (-1, "u32", 2**32 - 1),
        (2**31, "i32", -(2**31)),
        (3.9, "i32", 3),
        (-3.9, "i32", -3),
        (1e20, "i32", 2**31 - 1),
        (float("nan"), "i64", 0),
        (float("-inf"), "i8", -128),
        (0.1, "f32", float(np.float32(0.1))),
        (0.1, "f16", float(np.float16(0.1))),
        (1.00390625, "bf16", 1.0),
        (2, "b", True),
    ],
)
def test_constants_convert_as_casts_do(value, short, wanted):
    assert convert(value, BY_SHORT[short]) == wanted


def types_of(kernel: ir.Kernel) -> set[str]:
    """The types of all operators in a kernel."""
    return {
        x.type.short
        for s in ir.statements(kernel.body)
        for e in ir.expressions(s)
        for x in ir.walk(e)
        if isinstance(x, ir.Binary | ir.Call)
    }


def test_weak_kernels_stay_in_32_bits():
    def kernel(a, x, y, n):
        i = cuda.grid(1)
        if i < n:
            t = 2.0 * x[i] + i / 3
            for k in range(n):
                t += k * 0.5
            y[i] = t**2 + a

    x = np.zeros(4, np.float32)
    assert types_of(lifted(kernel, 1.5, x, x, 4)) <= {"f32", "i32"}


def test_numba_kernels_use_64_bits():
    def kernel(x, y):
        i = cuda.grid(1)
        y[i] = x[i] * 2.0

    x = np.zeros(4, np.float32)
    assert types_of(lifted(kernel, x, x, literals="numba")) == {"i64", "f64"}


def test_numba_keeps_float32_among_themselves():
    def kernel(x, y):
        i = cuda.threadIdx.x
        y[i] = x[i] * x[i] + np.float32(2.0)

    x = np.zeros(4, np.float32)
    assert types_of(lifted(kernel, x, x, literals="numba")) == {"f32"}


def test_weak_constants_keep_their_precision():
    def kernel(x, y):
        c = 0.1
        y[0] = c * x[0]

    x, y = np.ones(1), np.zeros(1)
    run(kernel, 1, 1, x, y)
    assert y[0] == 0.1


def test_numba_types_variables_per_assignment():
    def kernel(x, y):
        t = x[0]
        y[0] = t * t
        t = x[0] * 1.0
        y[1] = t * t

    x, y = np.array([0.1], np.float32), np.zeros(2)
    run(kernel, 1, 1, x, y, literals="numba")
    single = np.float32(0.1)
    np.testing.assert_array_equal(y, [single * single, float(single) ** 2])


def test_numba_integer_arithmetic_does_not_overflow_32_bits():
    def kernel(x, y):
        y[0] = x[0] * x[0]
        y[1] = x[0] / x[0]

    x, y = np.array([100000], np.int32), np.zeros(2)
    run(kernel, 1, 1, x, y, literals="numba")
    np.testing.assert_array_equal(y, [1e10, 1])


def test_weak_hashes_wrap_as_unsigned():
    def kernel(x, y):
        h = x[0]
        for _ in range(3):
            h = (h ^ 61) * 2654435761
            h ^= h >> 15
        y[0] = h

    x, y = np.array([12345], np.uint32), np.zeros(1, np.uint32)
    run(kernel, 1, 1, x, y)
    h = 12345
    for _ in range(3):
        h = (h ^ 61) * 2654435761 & 0xFFFFFFFF
        h ^= h >> 15
    assert y[0] == h


def test_loop_counters_have_numbas_types():
    def kernel(n, m, out):
        for i in range(n):
            out[i] = 1
        for j in range(m):
            out[j] = 1

    out = np.zeros(4, np.int32)
    kernel = lifted(kernel, np.int32(3), np.int64(3), out, literals="numba")
    assert kernel.locals["i"] is dtypes.int32
    assert kernel.locals["j"] is dtypes.int64
