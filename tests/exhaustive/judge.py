"""``ulp_error`` for float32 against float64 as compiled code: a tenth of NumPy's time."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache

import numpy as np

from accelerx import dtypes
from accelerx.compiler.llvm.builder import Builder
from accelerx.compiler.llvm.math_lanes import Lanes
from tests.exhaustive.harness import engine
from tests.exhaustive.reference import Array

_WIDTH = 16


def _body(b: Builder) -> str:
    """Errors of ``%a`` (float32) against ``%r`` (float64), as float32."""
    wide, narrow = Lanes(b, dtypes.float64, _WIDTH), Lanes(b, dtypes.float32, _WIDTH)
    actual, expected = narrow.value("%a"), wide.value("%r")
    rounded = narrow.value(expected.cast("fptrunc", dtypes.float32).text)
    exact = wide.value(actual.cast("fpext", dtypes.float64).text)
    field = expected.bits().lshr(52) & 0x7FF
    least = 1023 - 126
    field = (field < least).where(wide.const(least, dtypes.int64), field)
    unit = ((field - 23) << 52).as_float()
    error = wide.abs(exact - expected) / unit
    infinity = float("inf")
    finite = (wide.abs(exact) < infinity) & (wide.abs(expected) < infinity)
    same = actual.equals(rounded) | (actual.is_nan() & rounded.is_nan())
    error = finite.where(error, same.where(wide.const(0.0), infinity))
    zeros = actual.equals(0.0) & rounded.equals(0.0)
    error = (zeros & ((actual.bits() ^ rounded.bits()) < 0)).where(infinity, error)
    return error.cast("fptrunc", dtypes.float32).text


@cache
def _compiled() -> tuple[Callable[..., None], object]:
    b = Builder()
    error = _body(b)
    text = "\n".join(
        [
            *b.declarations,
            "define void @loop(ptr noalias %out, ptr noalias %actual, ptr noalias %expected, i64 %n) {",
            "entry:",
            "  br label %body",
            "body:",
            "  %i = phi i64 [ 0, %entry ], [ %next, %body ]",
            "  %ap = getelementptr float, ptr %actual, i64 %i",
            f"  %a = load <{_WIDTH} x float>, ptr %ap, align 4",
            "  %rp = getelementptr double, ptr %expected, i64 %i",
            f"  %r = load <{_WIDTH} x double>, ptr %rp, align 8",
            *b.lines,
            "  %op = getelementptr float, ptr %out, i64 %i",
            f"  store <{_WIDTH} x float> {error}, ptr %op, align 4",
            f"  %next = add i64 %i, {_WIDTH}",
            "  %more = icmp ult i64 %next, %n",
            "  br i1 %more, label %body, label %exit",
            "exit:",
            "  ret void",
            "}",
        ]
    )
    compiled, _ = engine(text)
    kinds = [ctypes.c_void_p] * 3
    loop = ctypes.CFUNCTYPE(None, *kinds, ctypes.c_int64)(compiled.get_function_address("loop"))
    return loop, compiled


def errors(actual: Array, expected: Array) -> Array:
    """``ulp_error(actual, expected)`` for contiguous arrays of a multiple of 16 elements."""
    assert actual.dtype == np.float32
    assert expected.dtype == np.float64
    assert actual.size == expected.size
    assert actual.size % _WIDTH == 0
    out = np.empty(actual.size, np.float32)
    pointers = [x.ctypes.data for x in (out, actual, expected)]
    _compiled()[0](*pointers, out.size)
    return out
