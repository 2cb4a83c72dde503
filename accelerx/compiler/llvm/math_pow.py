"""pow: float32 in float64 arithmetic, float64 with the logarithm as a sum of two floats.

The relative error of x**y is y·log(x) times the one of the logarithm, which is why the logarithm
needs the bits of the largest exponent more than the result has.
"""

from __future__ import annotations

from accelerx import dtypes
from accelerx.compiler.llvm import math_exp, math_log
from accelerx.compiler.llvm.math_lanes import Lanes, Value
from accelerx.compiler.llvm.math_log import LN2_HIGH, LN2_LOW, ROOT_HALF, split, to_float

# log2(1+f) / s in s² for s = f/(2+f): 2**-37.6, enough for float32.
LOG2_SHORT = (
    2.8853900817779268, 0.9617966790747065, 0.5770828813763113, 0.4117043372097116,
    0.34025888584693725,
)  # fmt: skip
# 2**x for |x| ≤ ½: 2**-28.5.
EXP2_SHORT = (
    1.0, 0.6931472149681642, 0.24022652782881787, 0.05550310550859996, 0.00961769297594959,
    0.001340664323273448, 0.00015594658924877143,
)  # fmt: skip
# (log(1+f) - 2s) / s³ = 2/3 + s²·U(s²): 2**-73 of the logarithm.
LOG_LONG = (
    0.39999999999999974, 0.28571428571447044, 0.22222222217070103, 0.1818181892711648,
    0.15384553024280023, 0.13336464323553698, 0.11671858503968571, 0.12013481080816243,
)  # fmt: skip
TWO_THIRDS = (0.6666666666666666, 3.700743415417188e-17)


def pow(m: Lanes, x: Value, y: Value, *, fast: bool = False) -> Value:
    """C's pow with all its special cases; ``fast``: float32 as exp2(y·log2(x)) in float32."""
    a = m.abs(x)
    if m.double:
        magnitude = _pow_double(m, a, y)
    elif fast:
        magnitude = math_exp.exp2(m, y * math_log.log2(m, a))
    else:
        magnitude = _pow_single(m, a, y)
    magnitude = a.equals(1.0).where(1.0, magnitude)
    rounded = m.call("llvm.rint", y)
    half = y * 0.5
    whole = rounded.equals(y)
    odd = whole & m.call("llvm.rint", half).differs(half)
    sign = x.bits() & odd.where(m.const(m.sign_bit, m.integer), m.const(0, m.integer))
    result = (magnitude.bits() ^ sign).as_float()
    # A finite negative number has no power that is no whole number.
    lost = (x < 0.0) & ~whole & x.differs(-float("inf"))
    result = lost.where(float("nan"), result)
    return (x.equals(1.0) | y.equals(0.0)).where(1.0, result)


def _pow_single(m: Lanes, a: Value, y: Value) -> Value:
    """a**y for a ≥ 0: 2**(y·log2(a)) in float64, whose range needs no care with the exponent."""
    d = Lanes(m.b, dtypes.float64, m.count)
    x, wide_y = (d.value(v.cast("fpext", d.dtype).text) for v in (a, y))
    bits = x.bits()
    e = (bits - ROOT_HALF) >> d.mantissa
    f = (bits - (e << d.mantissa)).as_float() - 1.0
    s = f / (f + 2.0)
    log2 = d.fma(s, d.poly(s * s, LOG2_SHORT), to_float(d, e))
    infinity = d.const(float("inf"))
    log2 = x.equals(0.0).where(-infinity, (x < infinity).where(log2, x))
    product = math_exp.clamp(d, log2 * wide_y, -300.0, 300.0)
    k, n = d.round_magic(product, 1.0)
    r = product - k
    power = d.poly(r, EXP2_SHORT) * d.power_of_two(n)
    return m.value(power.cast("fptrunc", m.dtype).text)


def log_double(m: Lanes, x: Value) -> tuple[Value, Value]:
    """log(x) for x > 0 as a sum of two floats, to about 2**-67 of itself (float64)."""
    _, e, f = split(m, x)
    below = f + 2.0
    below_low = f - (below - 2.0)
    s = f / below
    s_low = (m.fma(-s, below, f) - s * below_low) / below
    z, z_low = m.two_product(s, s)
    z_low = m.fma(s + s, s_low, z_low)
    # v = 2/3·z + z²·U(z), in two parts, and log(1 + f) = 2s + s·v.
    factor, factor_low = m.fast_two_sum(
        m.const(TWO_THIRDS[0]), m.fma(z, m.poly_split(z, LOG_LONG), TWO_THIRDS[1])
    )
    v, v_low = m.two_product(z, factor)
    v_low = v_low + m.fma(z_low, factor, z * factor_low)
    bend, bend_low = m.two_product(s, v)
    bend_low = bend_low + m.fma(s_low, v, s * v_low)
    high, low = m.fast_two_sum(s + s, bend)
    low = low + (bend_low + (s_low + s_low))
    sum_, rest = m.fast_two_sum(e * LN2_HIGH, high)
    return m.fast_two_sum(sum_, m.fma(e, LN2_LOW, low + rest))


def exp_double(m: Lanes, high: Value, low: Value) -> Value:
    """exp(high + low), float64; the sum may be out of range."""
    bounded = math_exp.clamp(m, high, -760.0, 760.0)
    low = high.equals(bounded).where(low, 0.0)
    return math_exp.finish(m, math_exp.reduce(m, bounded, low))


def _pow_double(m: Lanes, a: Value, y: Value) -> Value:
    high, low = log_double(m, a)
    infinity = m.const(float("inf"))
    ends = a.equals(0.0) | a.equals(infinity)
    high = a.equals(0.0).where(-infinity, (a < infinity).where(high, a))
    low = ends.where(0.0, low)
    product, error = m.two_product(high, y)
    return exp_double(m, product, m.fma(low, y, error))
