"""Constant folding follows KIR's integer rules."""

from __future__ import annotations

import pytest

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.ir import Const
from accelerx.compiler.passes.fold import fold, integer_binary, wrap

I32, U8, I8 = dtypes.int32, dtypes.uint8, dtypes.int8


@pytest.mark.parametrize(
    ("op", "a", "b", "dtype", "expected"),
    [
        ("add", 2**31 - 1, 1, I32, -(2**31)),
        ("mul", 200, 2, U8, 144),
        ("quot", -7, 2, I32, -3),
        ("rem", -7, 2, I32, -1),
        ("floordiv", -7, 2, I32, -4),
        ("mod", -7, 2, I32, 1),
        ("quot", 5, 0, I32, 0),
        ("mod", 5, 0, I32, 0),
        ("quot", -128, -1, I8, -128),
        ("shl", 1, 40, I32, 0),
        ("shl", 1, -1, I32, 0),
        ("shr", -5, 99, I32, -1),
        ("shr", 200, 3, U8, 25),
        ("min", -1, 3, I32, -1),
    ],
)
def test_integer_operations(op: str, a: int, b: int, dtype: dtypes.DType, expected: int) -> None:
    assert integer_binary(op, a, b, dtype) == expected


def test_wrap_keeps_low_bits() -> None:
    assert (wrap(300, U8), wrap(200, I8)) == (44, -56)


def test_known_locals_are_replaced() -> None:
    e = ir.Binary("add", ir.Local("s", I32), Const(1, I32), I32)
    folded = fold(e, {"s": Const(4, I32)})
    assert isinstance(folded, Const)
    assert folded.value == 5


def test_floats_are_left_alone() -> None:
    e = ir.Binary("add", Const(1.0, dtypes.float32), Const(2.0, dtypes.float32), dtypes.float32)
    assert fold(e) is e


def test_a_decided_select_is_its_branch() -> None:
    one, two = Const(1, I32), Const(2, I32)
    condition = ir.Compare("lt", Const(1, I32), Const(2, I32))
    assert fold(ir.Select(condition, one, two, I32)) is one


def test_bits_of_an_integer_constant_are_a_constant() -> None:
    folded = fold(ir.Bitcast(ir.Const(-1, dtypes.int32), dtypes.uint32))
    assert isinstance(folded, ir.Const)
    assert (folded.value, folded.type) == (2**32 - 1, dtypes.uint32)
