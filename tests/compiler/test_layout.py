"""The packed argument buffer: natural alignment, in order."""

from __future__ import annotations

from accelerx import dtypes
from accelerx.compiler.ir import Param
from accelerx.compiler.layout import pack_layout


def test_each_parameter_lies_at_its_alignment() -> None:
    params = [
        Param("a", "scalar", dtypes.bool_, 0),
        Param("b", "scalar", dtypes.float64, 1),
        Param("c", "scalar", dtypes.int16, 2),
        Param("x", "buffer", dtypes.int8, 3),
        Param("x.shape0", "extent", dtypes.int64, 3),
        Param("d", "scalar", dtypes.float32, 4),
    ]
    assert pack_layout(params) == ((0, 8, 16, 24, 32, 40), 48)


def test_nothing_takes_no_room() -> None:
    assert pack_layout([]) == ((), 0)
