"""KIR's arithmetic on NumPy arrays: what every operator and cast gives, for every dtype.

A value in a "register" is an array (one element a lane) or a NumPy scalar (the same in all lanes).
bfloat16 registers are float32 arrays rounded to bfloat16 after every operation, so that no package
beyond NumPy is needed; every other dtype is NumPy's own. Callers silence NumPy's warnings.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from accelerx import dtypes
from accelerx.dtypes import DType

Value = Any  # np.ndarray, or an np.generic for a value that all lanes share


def register_type(dtype: DType) -> np.dtype[Any]:
    """The NumPy dtype in which values of ``dtype`` are computed."""
    return np.dtype(np.float32) if dtype is dtypes.bfloat16 else dtype.numpy


def memory_type(dtype: DType) -> np.dtype[Any]:
    """The NumPy dtype through which memory of ``dtype`` is read and written."""
    if dtype is dtypes.bfloat16:
        return np.dtype(np.uint16)
    return np.dtype(np.uint8) if dtype.is_bool else dtype.numpy


def from_memory(stored: Value, dtype: DType) -> Value:
    """The register value of what lies in memory."""
    if dtype is dtypes.bfloat16:
        return (stored.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return stored != 0 if dtype.is_bool else stored


def to_memory(value: Value, dtype: DType) -> Value:
    """What is written to memory for a register value."""
    if dtype is dtypes.bfloat16:
        return (value.view(np.uint32) >> np.uint32(16)).astype(np.uint16)
    return value.view(np.uint8) if dtype.is_bool else value


def constant(value: float | bool, dtype: DType) -> Value:
    """The register scalar of a Python value that is exactly representable."""
    return register_type(dtype).type(value)


# ------------------------------------------------------------------------------------ rounding


def round_bfloat16(x: Value) -> Value:
    """float32 rounded to the nearest bfloat16, ties to even, still as float32."""
    bits = x.view(np.uint32)
    odd = (bits >> np.uint32(16)) & np.uint32(1)
    rounded = (bits + np.uint32(0x7FFF) + odd) & np.uint32(0xFFFF0000)
    # A NaN must stay one: rounding could carry out of its payload.
    quiet = (bits & np.uint32(0xFFFF0000)) | np.uint32(0x00400000)
    return np.where(np.isnan(x), quiet, rounded).view(np.float32)[()]


def round_to_odd(total: Value, error: Value) -> Value:
    """float64 ``total`` + tiny ``error``, rounded to odd: rounding that again rounds only once."""
    bits = total.view(np.int64)
    inexact = (error != 0) & np.isfinite(total) & ((bits & 1) == 0)
    toward = np.where((error > 0) == (total > 0), 1, -1)
    # total == 0 would have no direction in its bits; its error is then 0 as well.
    return np.where(inexact, bits + toward, bits).view(np.float64)[()]


def _narrow_to_odd(x: Value) -> Value:
    """float64 to float32, rounded to odd."""
    near = x.astype(np.float32)
    bits = near.view(np.int32)
    wide = near.astype(np.float64)
    inexact = (wide != x) & np.isfinite(x) & ((bits & 1) == 0)
    # Away from zero where rounding went toward it. Infinity (even bits) steps back to the maximum.
    step = np.where(np.abs(x) > np.abs(wide), 1, -1).astype(np.int32)
    return np.where(inexact, bits + step, bits).view(np.float32)[()]


def from_double(x: Value, dtype: DType) -> Value:
    """float64 rounded once to the register of a float ``dtype``."""
    if dtype is dtypes.bfloat16:
        return round_bfloat16(_narrow_to_odd(x))
    return x.astype(register_type(dtype))


# ---------------------------------------------------------------------------------- conversion


def cast(x: Value, source: DType, dtype: DType) -> Value:
    """KIR's Cast."""
    if source is dtype:
        return x
    if dtype.is_bool:
        return x != 0
    if source.is_float:
        return from_double(x.astype(np.float64), dtype) if dtype.is_float else _truncate(x, dtype)
    if not dtype.is_float:
        return x.astype(register_type(dtype))
    if dtype is dtypes.bfloat16:
        return from_double(_sticky(x).astype(np.float64), dtype)
    return x.astype(register_type(dtype))


def _sticky(x: Value) -> Value:
    """64-bit integers shortened to 53 significant bits, rounded to odd; others as they are."""
    if x.dtype.itemsize < 8:
        return x
    eleven, one = x.dtype.type(11), x.dtype.type(1)
    low = (x & x.dtype.type(0x7FF)) != 0
    short = ((x >> eleven) | low.astype(x.dtype)) << eleven
    big = x >= x.dtype.type(1 << 53)
    if x.dtype.kind == "i":
        big = big | (x <= -x.dtype.type(1 << 53) - one)
    return np.where(big, short, x)


def _truncate(x: Value, dtype: DType) -> Value:
    """Float to integer: toward zero, saturating, NaN to 0."""
    info = np.iinfo(register_type(dtype))
    wide = np.trunc(x.astype(np.float64))
    # The first doubles outside the range; both are exact.
    above, below = float(info.max // 2 + 1) * 2.0, float(info.min) - (0.0 if info.min else 1.0)
    high = wide >= above
    low = wide < below if info.min else wide <= below
    inside = ~(high | low | np.isnan(wide))
    whole = np.where(inside, wide, 0.0).astype(register_type(dtype))
    limits = np.where(
        high, register_type(dtype).type(info.max), register_type(dtype).type(info.min)
    )
    return np.where(high | low, limits, whole)


def bitcast(x: Value, source: DType, dtype: DType) -> Value:
    """KIR's Bitcast."""
    return from_memory(to_memory(x, source).view(memory_type(dtype)), dtype)


# ----------------------------------------------------------------------------------- operators

_FLOAT_OPS: dict[str, Callable[[Value, Value], Value]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "rem": np.fmod,
    "mod": np.remainder,
    "min": np.fmin,
    "max": np.fmax,
}


def binary(op: str, a: Value, b: Value, dtype: DType) -> Value:
    """KIR's Binary."""
    if not dtype.is_float:
        return _INTEGER_OPS[op](a, b)
    result = _FLOAT_OPS[op](a, b)
    return round_bfloat16(result) if dtype is dtypes.bfloat16 else result


def unary(op: str, a: Value) -> Value:
    """KIR's Unary."""
    if op == "not":
        return np.logical_not(a)
    return np.negative(a) if op == "neg" else np.invert(a)


COMPARISONS: dict[str, Callable[[Value, Value], Value]] = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
}
CONNECTIVES: dict[str, Callable[[Value, Value], Value]] = {
    "and": np.logical_and,
    "or": np.logical_or,
    "xor": np.logical_xor,
}


def _divisor(a: Value, b: Value) -> tuple[Value, Value, Value]:
    """A divisor that cannot trap, where ``b`` is zero, and where it is -1 (of a signed type)."""
    zero = b == 0
    minus = b == -1 if a.dtype.kind == "i" else np.False_
    return np.where(zero | minus, b.dtype.type(1), b), zero, minus


def _divide(a: Value, b: Value, floor: bool) -> tuple[Value, Value]:
    """Quotient and remainder, floored or truncated."""
    safe, zero, minus = _divisor(a, b)
    none = a.dtype.type(0)
    quotient = np.floor_divide(a, safe)
    remainder = a - quotient * safe
    if not floor and a.dtype.kind == "i":
        up = (remainder != 0) & (a < 0) != (remainder != 0) & (safe < 0)
        quotient = quotient + up.astype(a.dtype)
        remainder = np.where(up, remainder - safe, remainder)
    if a.dtype.kind == "i":
        quotient = np.where(minus, np.negative(a), quotient)
    exact = zero | minus
    return np.where(zero, none, quotient)[()], np.where(exact, none, remainder)[()]


def _shift(a: Value, b: Value, left: bool) -> Value:
    width = a.dtype.itemsize * 8
    count = b.view(np.dtype(f"u{a.dtype.itemsize}"))
    far = count >= count.dtype.type(width)
    near = np.where(far, a.dtype.type(0), b)
    if left:
        return np.where(far, a.dtype.type(0), np.left_shift(a, near))[()]
    spill = np.where(a < 0, a.dtype.type(-1), a.dtype.type(0)) if a.dtype.kind == "i" else 0
    return np.where(far, spill, np.right_shift(a, near)).astype(a.dtype)[()]


_INTEGER_OPS: dict[str, Callable[[Value, Value], Value]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "quot": lambda a, b: _divide(a, b, floor=False)[0],
    "rem": lambda a, b: _divide(a, b, floor=False)[1],
    "floordiv": lambda a, b: _divide(a, b, floor=True)[0],
    "mod": lambda a, b: _divide(a, b, floor=True)[1],
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "shl": lambda a, b: _shift(a, b, left=True),
    "shr": lambda a, b: _shift(a, b, left=False),
    "min": np.minimum,
    "max": np.maximum,
}
