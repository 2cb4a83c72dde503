from __future__ import annotations

import numpy as np
import pytest

from accelerx import dtypes
from accelerx.compiler.types import ArrayType, ScalarType, TupleType
from accelerx.cuda import types
from accelerx.errors import ArgumentTypeError, UnsupportedError
from accelerx.signatures import Signature, as_type, is_type, resolve, signatures

F32, I32 = dtypes.float32, dtypes.int32


@pytest.mark.parametrize(
    ("text", "args"),
    [
        ("void(float32[:], int32)", (ArrayType(F32, 1, "A"), ScalarType(I32))),
        ("void(float32[::1])", (ArrayType(F32, 1, "C"),)),
        ("(float32[:, ::1], int32)", (ArrayType(F32, 2, "C"), ScalarType(I32))),
        ("none(f4[::1, :], i4)", (ArrayType(F32, 2, "F"), ScalarType(I32))),
        ("float32(int32)", (ScalarType(I32),)),
        ("void()", ()),
        ("void(boolean, intp)", (ScalarType(dtypes.bool_), ScalarType(dtypes.int64))),
        ("void(UniTuple(int32, 2))", (TupleType((ScalarType(I32), ScalarType(I32))),)),
        ("void(types.float32[:])", (ArrayType(F32, 1, "A"),)),
    ],
)
def test_strings_are_read(text: str, args: tuple[object, ...]) -> None:
    (signature,) = signatures(text)
    assert signature.args == args


def test_return_types_are_kept() -> None:
    assert signatures("float32(int32)")[0].return_type is F32
    assert signatures("void(int32)")[0].return_type is None


def test_our_names_make_types_and_signatures() -> None:
    assert types.float32[:, ::1] == ArrayType(F32, 2, "C")
    assert types.void(types.float32[:], types.int32) == Signature(
        (ArrayType(F32, 1, "A"), ScalarType(I32))
    )
    assert types.float32(types.int32).return_type is F32
    assert signatures((types.float32[:], types.int32))[0].args[1] == ScalarType(I32)


def test_our_names_convert_on_the_host() -> None:
    assert types.float32(1) == np.float32(1)
    assert isinstance(types.int8(3), np.int8)


def test_lists_hold_several_signatures() -> None:
    assert len(signatures(["void(int32)", "void(int64)"])) == 2


def test_numbas_objects_are_taken_by_name() -> None:
    numba = pytest.importorskip("numba")
    assert as_type(numba.float32) == ScalarType(F32)
    assert as_type(numba.float32[:, ::1]) == ArrayType(F32, 2, "C")
    assert as_type(numba.boolean) == ScalarType(dtypes.bool_)
    assert signatures(numba.void(numba.float32[:], numba.int64))[0].args == (
        ArrayType(F32, 1, "A"),
        ScalarType(dtypes.int64),
    )
    assert as_type(numba.types.UniTuple(numba.int32, 2)) == TupleType((ScalarType(I32),) * 2)
    assert is_type(numba.float32)


@pytest.mark.parametrize("spec", [np.float32, np.dtype("float32"), "float32", F32], ids=repr)
def test_numpy_and_names_are_taken(spec: object) -> None:
    assert as_type(spec) == ScalarType(F32)


@pytest.mark.parametrize(
    "text", ["void(float31)", "void(float32[0])", "void(float32[:2])", "void(", "void(1 + 2)"]
)
def test_bad_strings_are_refused(text: str) -> None:
    with pytest.raises(UnsupportedError):
        signatures(text)


def test_other_objects_are_no_signatures() -> None:
    with pytest.raises(UnsupportedError, match="is not a signature"):
        signatures(3)


def scalars(*names: str) -> tuple[object, ...]:
    return tuple(as_type(name) for name in names)


SIGNATURES = signatures(["(float32, float32)", "(float64, float64)", "(int64, int64)"])


@pytest.mark.parametrize(
    ("given", "chosen"),
    [
        (("float32", "float32"), "float32"),
        (("int64", "float64"), "float64"),
        (("int32", "int8"), "int64"),
    ],
)
def test_the_signature_that_suits_best_is_chosen(given: tuple[str, ...], chosen: str) -> None:
    assert resolve("f", SIGNATURES, scalars(*given)) == scalars(chosen, chosen)


def test_two_that_suit_alike_are_ambiguous() -> None:
    declared = signatures(["(float32, float64)", "(float64, float32)"])
    with pytest.raises(ArgumentTypeError, match="Ambiguous overloading"):
        resolve("f", declared, scalars("float64", "float64"))


def test_floats_do_not_become_integers() -> None:
    with pytest.raises(ArgumentTypeError, match="declared for"):
        resolve("f", signatures("(int32,)"), scalars("float64"))


def test_arrays_keep_their_layout() -> None:
    given = (ArrayType(F32, 2, "F", False),)
    assert resolve("f", signatures("void(float32[:, :])"), given) == given
    with pytest.raises(ArgumentTypeError):
        resolve("f", signatures("void(float32[:, ::1])"), given)
