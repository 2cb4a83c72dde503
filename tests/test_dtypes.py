from __future__ import annotations

import pickle

import numpy as np
import pytest

from accelerx import dtypes
from accelerx.errors import UnsupportedError

RECORD = np.dtype([("n", "i4"), ("x", "f8", 3)], align=True)


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128, RECORD, "V3"], ids=str)
def test_elements_that_kir_does_not_know_are_opaque(dtype: object) -> None:
    row = dtypes.of_array(dtype)
    assert row.is_opaque
    assert row.numpy == np.dtype(dtype)
    assert row.itemsize == np.dtype(dtype).itemsize
    assert dtypes.of_array(dtype) is row
    assert pickle.loads(pickle.dumps(row)) is row
    with pytest.raises(UnsupportedError, match="no element type for NumPy dtype"):
        dtypes.from_numpy(np.dtype(dtype))


@pytest.mark.parametrize("row", dtypes.DTYPES, ids=str)
def test_elements_that_kir_knows_have_their_row(row: dtypes.DType) -> None:
    if row.name == "bfloat16":
        pytest.importorskip("ml_dtypes")
    assert dtypes.of_array(row.numpy) is row
    assert not row.is_opaque


def test_records_of_other_layouts_are_other_types() -> None:
    packed = np.dtype([("n", "i4"), ("x", "f8", 3)])
    assert dtypes.of_array(packed) is not dtypes.of_array(RECORD)


@pytest.mark.parametrize("dtype", ["O", "U3", "S3", "M8[s]", [("x", "O")], [("x", ">f4")]], ids=str)
def test_what_is_no_plain_memory_is_refused(dtype: object) -> None:
    with pytest.raises(UnsupportedError, match="no element type"):
        dtypes.of_array(dtype)
