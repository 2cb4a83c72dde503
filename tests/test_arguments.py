from __future__ import annotations

from collections import namedtuple

import numpy as np
import pytest

import accelerx as ax
from accelerx import dtypes
from accelerx.arguments import Packing, View, leaves, normalise, to_scalar, type_of
from accelerx.arguments import parameters as short
from accelerx.compiler import ir
from accelerx.compiler.layout import pack_layout
from accelerx.compiler.types import ArrayType, ScalarType, TupleType, flatten, parameters
from accelerx.errors import ArgumentTypeError
from accelerx.runtime.device import Device

Pair = namedtuple("Pair", "first second")


@pytest.mark.parametrize(
    ("value", "numba", "weak"),
    [
        (True, ScalarType(dtypes.bool_), ScalarType(dtypes.bool_)),
        (3, ScalarType(dtypes.int64), ScalarType(dtypes.int32, True)),
        (2**31, ScalarType(dtypes.int64), ScalarType(dtypes.int64, True)),
        (2**63, ScalarType(dtypes.uint64), ScalarType(dtypes.uint64, True)),
        (1.5, ScalarType(dtypes.float64), ScalarType(dtypes.float32, True)),
        (np.float32(1), ScalarType(dtypes.float32), ScalarType(dtypes.float32)),
        (np.float64(1), ScalarType(dtypes.float64), ScalarType(dtypes.float64)),
        (np.uint8(1), ScalarType(dtypes.uint8), ScalarType(dtypes.uint8)),
        (np.bool_(1), ScalarType(dtypes.bool_), ScalarType(dtypes.bool_)),
    ],
)
def test_scalars_have_the_typing_of_their_mode(value: object, numba: object, weak: object) -> None:
    assert type_of(value, "x", weak=False) == numba
    assert type_of(value, "x", weak=True) == weak


def test_an_integer_beyond_64_bits_is_refused() -> None:
    with pytest.raises(ArgumentTypeError, match=r"'n' = .* does not fit 64 bits"):
        type_of(2**64, "n", weak=True)


def test_arrays_are_typed_by_dtype_axes_layout_and_writability(device: Device) -> None:
    host = np.zeros((2, 3), np.int16)
    host.flags.writeable = False
    assert type_of(host, "x", False) == ArrayType(dtypes.int16, 2, "C", False)
    assert type_of(host.T, "x", False).layout == "F"
    assert type_of(host[:, ::2], "x", False).layout == "A"
    assert type_of(ax.asarray(host), "x", False) == ArrayType(dtypes.int16, 2, "C", True)


def test_tuples_are_typed_by_item() -> None:
    expected = TupleType((ScalarType(dtypes.int64), ScalarType(dtypes.float64)))
    assert type_of((1, 2.0), "x", False) == expected
    assert type_of(Pair(1, 2.0), "x", False) == TupleType(expected.items, Pair._fields)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.zeros(2, "M8[D]"), "datetime64"),
        (np.zeros(2, ">f4"), "byte order"),
        (np.zeros(2, "U3"), "no element type"),
    ],
)
def test_arrays_no_kernel_can_take_are_named(value: object, words: str) -> None:
    with pytest.raises(ArgumentTypeError, match=f"'x'.*{words}"):
        type_of(value, "x", False)


@pytest.mark.parametrize(
    "value", ["text", None, [1, 2], {1: 2}, object()], ids=lambda value: type(value).__name__
)
def test_objects_no_kernel_can_take_are_named(value: object) -> None:
    with pytest.raises(ArgumentTypeError, match="argument 'x' is a"):
        normalise(value, "x")


def test_leaves_open_tuples() -> None:
    assert list(leaves((1, (2, (3, 4)), 5))) == [1, 2, 3, 4, 5]


def packing(*types: object) -> tuple[list[ir.Param], Packing]:
    params = [p for i, t in enumerate(flatten(types)) for p in parameters(f"a{i}", t, i)]
    offsets, size = pack_layout(params)
    return params, Packing(short(params), offsets, size, [f"a{i}" for i in range(len(types))])


def test_packing_lays_out_arrays_and_scalars() -> None:
    _, packed = packing(
        ArrayType(dtypes.float32, 2, "C"), ScalarType(dtypes.uint8), ScalarType(dtypes.float64)
    )
    data = packed.pack([View(0x1000, (2, 3), (3, 1), None), 7, 1.5])
    assert len(data) == packed.size
    assert np.frombuffer(data, np.int64, 4).tolist() == [0x1000, 2, 3, 3]
    assert data[32] == 7
    assert np.frombuffer(data, np.float64, 1, 40)[0] == 1.5


@pytest.mark.parametrize("row", dtypes.DTYPES, ids=lambda row: row.name)
def test_packing_spells_every_dtype_as_numpy_does(row: dtypes.DType) -> None:
    _, packed = packing(ScalarType(row))
    value = True if row.is_bool else 3
    assert packed.pack([value])[: row.itemsize] == np.array(value).astype(row.numpy).tobytes()


def test_floats_beyond_the_dtype_become_infinite() -> None:
    _, packed = packing(ScalarType(dtypes.float32), ScalarType(dtypes.float16))
    data = packed.pack([1e300, -1e300])
    assert np.frombuffer(data, np.float32, 1)[0] == np.inf
    assert np.frombuffer(data, np.float16, 1, 4)[0] == -np.inf


def test_integers_beyond_the_dtype_are_refused_by_name() -> None:
    _, packed = packing(ScalarType(dtypes.uint8))
    with pytest.raises(ArgumentTypeError, match="'a0' = 256 is not a uint8"):
        packed.pack([256])


def test_bfloat16_rounds_to_even() -> None:
    import ml_dtypes

    rng = np.random.default_rng(0)
    for value in rng.standard_normal(200).astype(np.float32):
        expected = np.array(value).astype(ml_dtypes.bfloat16).view(np.uint16)
        assert to_scalar(value, dtypes.bfloat16) == expected
