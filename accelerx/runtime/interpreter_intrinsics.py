"""The interpreter's intrinsics: what each row of the intrinsic table gives, for every dtype.

float16, bfloat16 and float32 functions are computed in float64 and rounded once, which makes them
correctly rounded in all but very rare cases.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from accelerx import dtypes
from accelerx.dtypes import DType
from accelerx.runtime.interpreter_math import (
    Value,
    from_double,
    from_memory,
    memory_type,
    round_to_odd,
    to_memory,
)

# ---------------------------------------------------------------------------- float intrinsics


def _per_lane(f: Callable[[float], float]) -> Callable[[Value], Value]:
    """A function of Python floats as one of float64 arrays."""
    whole = np.frompyfunc(f, 1, 1)
    return lambda x: np.asarray(whole(x)).astype(np.float64)[()]


def _tgamma(x: float) -> float:
    if x == 0:
        return math.copysign(math.inf, x)
    if x == -math.inf or (x < 0 and x == math.floor(x)):
        return math.nan
    try:
        return math.gamma(x)
    except OverflowError:
        # Negative arguments this large are integers or underflow; the rest grows without bound.
        return math.inf


def _lgamma(x: float) -> float:
    if math.isinf(x) or (x <= 0 and x == math.floor(x)):
        return math.inf
    try:
        return math.lgamma(x)
    except OverflowError:
        return math.inf


def _half_away(x: Value) -> Value:
    whole = np.trunc(x)
    up = np.abs(x - whole) >= 0.5
    return np.where(up, whole + np.copysign(1.0, x), whole)


_DOUBLE: dict[str, Callable[..., Value]] = {
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1.0 / np.sqrt(x),
    "cbrt": np.cbrt,
    "exp": np.exp,
    "exp2": np.exp2,
    "exp10": lambda x: np.power(10.0, x),
    "expm1": np.expm1,
    "log": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "log1p": np.log1p,
    "pow": np.power,
    "hypot": np.hypot,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "atan2": np.arctan2,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "erf": _per_lane(math.erf),
    "erfc": _per_lane(math.erfc),
    "lgamma": _per_lane(_lgamma),
    "tgamma": _per_lane(_tgamma),
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "rint": np.rint,
    "round": _half_away,
}
# These look at the value as it is and are exact, so they never go through float64.
_DIRECT: dict[str, Callable[..., Value]] = {
    "copysign": np.copysign,
    "isnan": np.isnan,
    "isinf": np.isinf,
    "isfinite": np.isfinite,
    "signbit": np.signbit,
    "abs": np.abs,
}


def _nextafter(x: Value, y: Value, dtype: DType) -> Value:
    if dtype.bits > 16:
        return np.nextafter(x, y)
    # NumPy has no bfloat16, and its float16 misses the sign of a zero: step the bits, which are
    # sign and magnitude.
    word = np.dtype(np.uint16)
    bits = to_memory(x, dtype).view(word).astype(np.int32)
    away = (np.abs(y) > np.abs(x)) & (np.signbit(x) == np.signbit(y))
    smallest = np.where(np.signbit(y), 0x8001, 0x0001)
    stepped = np.where(x == 0, smallest, np.where(away, bits + 1, bits - 1))
    stepped = np.where(x == y, to_memory(y, dtype).view(word).astype(np.int32), stepped)
    result = from_memory(stepped.astype(word).view(memory_type(dtype)), dtype)
    return np.where(np.isnan(x) | np.isnan(y), result.dtype.type(np.nan), result)


def _ldexp(x: Value, n: Value, dtype: DType) -> Value:
    # float64 holds any narrower x * 2**n exactly for |n| below 700; beyond that both ends saturate.
    if dtype is dtypes.float64:
        return np.ldexp(x, n)
    return from_double(np.ldexp(x.astype(np.float64), np.clip(n, -700, 700)), dtype)


# ----------------------------------------------------------------------------------------- fma


def _two_sum(a: Value, b: Value) -> tuple[Value, Value]:
    """Sum and its exact rounding error."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _split(a: Value) -> tuple[Value, Value]:
    scaled = a * 134217729.0  # 2**27 + 1
    high = scaled - (scaled - a)
    return high, a - high


def _two_product(a: Value, b: Value) -> tuple[Value, Value]:
    """Product and its exact rounding error."""
    product = a * b
    (ah, al), (bh, bl) = _split(a), _split(b)
    return product, ((ah * bh - product) + ah * bl + al * bh) + al * bl


def fma(x: Value, y: Value, z: Value, dtype: DType) -> Value:
    """x*y + z, rounded once."""
    if dtype is dtypes.float64:
        return _fma_double(x, y, z)
    # The product of two narrow numbers is exact in float64, so is the sum's error.
    total, error = _two_sum(x.astype(np.float64) * y.astype(np.float64), z.astype(np.float64))
    return from_double(round_to_odd(total, error), dtype)


def _fma_double(x: Value, y: Value, z: Value) -> Value:
    """Boldo and Melquiond's algorithm where no step can over- or underflow, fractions elsewhere."""
    product, low = _two_product(x, y)
    zhigh, zlow = _two_sum(z, low)
    high, rest = _two_sum(product, zhigh)
    result = np.asarray(high + round_to_odd(*_two_sum(zlow, rest)))
    safe = np.True_
    for a, margin in ((x, 400), (y, 400), (z, 800)):
        size = np.abs(a)
        safe = safe & (size > 2.0**-margin) & (size < 2.0**margin)
    odd = np.flatnonzero(~np.broadcast_to(safe, result.shape))
    if odd.size:
        flat = result.reshape(-1).copy()
        xs, ys, zs = (np.broadcast_to(a, result.shape).reshape(-1) for a in (x, y, z))
        for i in odd.tolist():
            flat[i] = _fma_exact(float(xs[i]), float(ys[i]), float(zs[i]))
        result = flat.reshape(result.shape)
    return result[()]


def _fma_exact(x: float, y: float, z: float) -> float:
    if not (math.isfinite(x) and math.isfinite(y)):
        return x * y + z
    if not math.isfinite(z):
        return z
    exact = Fraction(x) * Fraction(y) + Fraction(z)
    if exact == 0:
        # Zero has a sign only IEEE arithmetic knows; a product that underflows is not zero.
        sign = math.copysign(1.0, x) * math.copysign(1.0, y)
        return math.copysign(0.0, sign) + z if x == 0 or y == 0 else 0.0
    try:
        return float(exact)
    except OverflowError:
        return math.inf if exact > 0 else -math.inf


# -------------------------------------------------------------------------- integer intrinsics


def _bits(x: Value) -> Value:
    """The bits of an integer, zero-extended to 64."""
    return x.view(np.dtype(f"u{x.dtype.itemsize}")).astype(np.uint64)


def _u64(value: int) -> np.uint64:
    return np.uint64(value)


def _popcount(x: Value) -> Value:
    """Number of one bits of each uint64."""
    x = x - ((x >> _u64(1)) & _u64(0x5555555555555555))
    x = (x & _u64(0x3333333333333333)) + ((x >> _u64(2)) & _u64(0x3333333333333333))
    x = (x + (x >> _u64(4))) & _u64(0x0F0F0F0F0F0F0F0F)
    return ((x * _u64(0x0101010101010101)) >> _u64(56)).astype(np.int32)


def _clz(x: Value) -> Value:
    bits = _bits(x)
    for shift in (1, 2, 4, 8, 16, 32):
        bits = bits | (bits >> _u64(shift))
    return np.int32(x.dtype.itemsize * 8) - _popcount(bits)


def _ffs(x: Value) -> Value:
    bits = _bits(x)
    below = _popcount(~bits & (bits - _u64(1)))
    return np.where(bits == 0, np.int32(0), below + np.int32(1))


_SWAPS = (
    (1, 0x5555555555555555),
    (2, 0x3333333333333333),
    (4, 0x0F0F0F0F0F0F0F0F),
    (8, 0x00FF00FF00FF00FF),
    (16, 0x0000FFFF0000FFFF),
    (32, 0x00000000FFFFFFFF),
)


def _brev(x: Value) -> Value:
    bits = _bits(x)
    for shift, mask in _SWAPS:
        bits = ((bits >> _u64(shift)) & _u64(mask)) | ((bits & _u64(mask)) << _u64(shift))
    return (bits >> _u64(64 - x.dtype.itemsize * 8)).astype(x.dtype)


def _mulhi(a: Value, b: Value) -> Value:
    width = a.dtype.itemsize * 8
    if width < 64:
        wide = np.dtype(f"{a.dtype.kind}8")
        return ((a.astype(wide) * b.astype(wide)) >> wide.type(width)).astype(a.dtype)
    ua, ub, half, low = _bits(a), _bits(b), _u64(32), _u64(0xFFFFFFFF)
    ah, al, bh, bl = ua >> half, ua & low, ub >> half, ub & low
    middle = ah * bl + ((al * bl) >> half)
    carry = al * bh + (middle & low)
    high = ah * bh + (middle >> half) + (carry >> half)
    if a.dtype.kind == "i":
        # As two's complement, a negative factor counted 2**64 too much of the other one.
        none = _u64(0)
        high = high - np.where(a < 0, ub, none) - np.where(b < 0, ua, none)
    return high.view(a.dtype)


_INTEGER: dict[str, Callable[..., Value]] = {
    "abs": np.abs,
    "popc": lambda x: _popcount(_bits(x)),
    "clz": _clz,
    "ffs": _ffs,
    "brev": _brev,
    "mulhi": _mulhi,
}


def intrinsic(name: str, arguments: list[Value], dtype: DType) -> Value:
    """A row of the intrinsic table applied to arguments whose first has type ``dtype``."""
    if not dtype.is_float:
        return _INTEGER[name](*arguments)
    if name in _DIRECT:
        return _DIRECT[name](*arguments)
    if name == "nextafter":
        return _nextafter(arguments[0], arguments[1], dtype)
    if name == "ldexp":
        return _ldexp(arguments[0], arguments[1], dtype)
    if name == "fma":
        return fma(arguments[0], arguments[1], arguments[2], dtype)
    if dtype is dtypes.float64:
        return _DOUBLE[name](*arguments)
    wide = [a.astype(np.float64) for a in arguments]
    return from_double(_DOUBLE[name](*wide), dtype)
