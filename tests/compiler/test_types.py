"""Argument types and the KIR parameters they become."""

from __future__ import annotations

import pytest

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.types import ArrayType, ScalarType, TupleType, flatten, memory, parameters

F32 = dtypes.float32


def test_types_are_values():
    assert ArrayType(F32, 2) == ArrayType(F32, 2, "C", True)
    assert hash(ArrayType(F32, 2)) == hash(ArrayType(F32, 2))
    assert ArrayType(F32, 2) != ArrayType(F32, 2, "F")
    assert len({ScalarType(F32), ScalarType(F32, True), ScalarType(F32)}) == 2


def test_types_print_themselves():
    assert str(ArrayType(F32, 2)) == "array(float32, 2d, C)"
    assert str(ArrayType(F32, 1, "A", writable=False)) == "array(float32, 1d, A, readonly)"
    assert str(TupleType((ScalarType(F32, True),))) == "(weak float32,)"


@pytest.mark.parametrize(
    ("layout", "names"),
    [
        ("C", ["x", "x.shape0", "x.shape1", "x.stride0"]),
        ("F", ["x", "x.shape0", "x.shape1", "x.stride1"]),
        ("A", ["x", "x.shape0", "x.shape1", "x.stride0", "x.stride1"]),
    ],
)
def test_parameters_of_arrays(layout, names):
    params = parameters("x", ArrayType(F32, 2, layout), 3)
    assert [p.name for p in params] == names
    assert all(p.argument == 3 for p in params)
    assert params[0].dtype is F32
    assert params[1].dtype is dtypes.int64


def test_memory_of_arrays():
    mem = memory("x", ArrayType(F32, 2, "F"))
    assert mem.space == "global"
    assert mem.strides[0] == 1
    assert isinstance(mem.strides[1], ir.ParamRef)
    assert mem.strides[1].name == "x.stride1"
    assert [e.name for e in mem.shape if isinstance(e, ir.ParamRef)] == ["x.shape0", "x.shape1"]


def test_array_without_axes_is_one_element():
    assert [p.name for p in parameters("x", ArrayType(F32, 0), 0)] == ["x"]
    assert memory("x", ArrayType(F32, 0)).shape == (1,)


def test_flatten_opens_tuples():
    inner = TupleType((ScalarType(F32), ArrayType(F32, 1)))
    types = [inner, ScalarType(dtypes.int32), TupleType((inner,))]
    assert [type(t).__name__ for t in flatten(types)] == [
        "ScalarType", "ArrayType", "ScalarType", "ScalarType", "ArrayType",
    ]  # fmt: skip
