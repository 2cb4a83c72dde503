"""Logarithms and inverse hyperbolic functions.

x = 2**e · (1 + f) with 1 + f between √½ and √2, and log(1 + f) = f + t, where the tail t is small
enough that its rounding hardly counts. In float32 t comes from a minimax polynomial (relative error
2**-26); in float64 from s = f/(2 + f): log(1 + f) = 2s + s·R(s²) as in fdlibm's derivation (Sun
Microsystems, 1993), with coefficients of our own (2**-59).
"""

from __future__ import annotations

from accelerx.compiler.llvm.math_lanes import Lanes, Value

# (log(1+f) - f + f²/2) / f³
LOG_F32 = (
    0.3333333, -0.25000829, 0.20001262, -0.16623077, 0.14200889, -0.13161707, 0.1276293,
    -0.076272935,
)  # fmt: skip
# (log(1+f) - 2s) / s³ in s²
LOG_F64 = (
    0.6666666666666735, 0.3999999999940875, 0.2857142874391048, 0.2222219839897701,
    0.18183574215553086, 0.15313777875027, 0.14798861801677288,
)  # fmt: skip

# Bits of √½.
ROOT_HALF = 0x3FE6A09E667F3BCD
ROOT_HALF_F32 = 0x3F3504F3
# ln 2 with enough zero bits at its end that e·LN2_HIGH is exact.
LN2_HIGH = 0.6931471805598903
LN2_LOW = 5.497923018708371e-14
LN2_HIGH_F32 = 0.693145751953125
LN2_LOW_F32 = 1.4286068203094173e-06
LOG2_E = 1.4426950408889634
LOG2_E_LOW = 2.0355273740931033e-17
LOG2_E_F32 = 1.4426950216293335
LOG2_E_LOW_F32 = 1.9259629911266175e-08
LOG10_E = 0.4342944819032518
LOG10_E_LOW = 1.098319650216765e-17
LOG10_E_F32 = 0.4342944920063019
LOG10_E_LOW_F32 = -1.0103050052231683e-08
LOG10_2_HIGH = 0.30102999566395283
LOG10_2_LOW = 2.8363394551044964e-14
LOG10_2_HIGH_F32 = 0.301025390625
LOG10_2_LOW_F32 = 4.605038981195214e-06


def split(m: Lanes, x: Value) -> tuple[Value, Value, Value]:
    """Exponent and f of a positive number, also subnormal: (e as integer, e as float, f)."""
    smallest = 2.0 ** (1 - m.bias)
    shift = m.mantissa + 2
    tiny = x < smallest
    scaled = tiny.where(x * 2.0**shift, x)
    bits = scaled.bits()
    e = (bits - m.pick(ROOT_HALF_F32, ROOT_HALF)) >> m.mantissa
    f = (bits - (e << m.mantissa)).as_float() - 1.0
    e = e - tiny.where(m.const(shift, m.integer), m.const(0, m.integer))
    return e, to_float(m, e), f


def to_float(m: Lanes, n: Value) -> Value:
    """A small integer as a float; for 64 bits without AVX-512's conversion of i64."""
    if not m.double:
        return n.cast("sitofp", m.dtype)
    magic = 1.5 * 2.0**52
    return (n + 0x4338000000000000).as_float() - magic


def tail(m: Lanes, f: Value) -> Value:
    """log(1 + f) - f."""
    square = f * f
    if m.double:
        s = f / (f + 2.0)
        z = s * s
        half = square * 0.5
        return m.fma(s, m.fma(z, m.poly_split(z, LOG_F64), half), -half)
    return m.fma(square, -0.5, (square * f) * m.poly_split(f, LOG_F32))


def special(m: Lanes, x: Value, result: Value) -> Value:
    """The values of a logarithm at 0, +inf, negative numbers and NaN."""
    infinity = m.const(float("inf"))
    result = (x < infinity).where(result, x)
    result = x.equals(0.0).where(-infinity, result)
    return (x < 0.0).where(float("nan"), result)


def combine(m: Lanes, e: Value, f: Value, t: Value) -> Value:
    """e·ln 2 + f + t, with the rounding of the first sum added back in float64."""
    t = m.fma(e, m.pick(LN2_LOW_F32, LN2_LOW), t)
    if not m.double:
        return m.fma(e, LN2_HIGH_F32, f + t)
    high, low = m.fast_two_sum(e * LN2_HIGH, f)
    return high + (low + t)


def log(m: Lanes, x: Value) -> Value:
    _, e, f = split(m, x)
    return special(m, x, combine(m, e, f, tail(m, f)))


def parts(m: Lanes, f: Value) -> tuple[Value, Value]:
    """log(1 + f) as f - f²/2, rounded, and the rest."""
    half = f * 0.5
    high = m.fma(-half, f, f)
    error = m.fma(-half, f, f - high)
    square = f * f
    if m.double:
        s = f / (f + 2.0)
        z = s * s
        return high, m.fma(s, m.fma(square, 0.5, z * m.poly_split(z, LOG_F64)), error)
    return high, m.fma(square * f, m.poly_split(f, LOG_F32), error)


def log2(m: Lanes, x: Value) -> Value:
    """Adds e and log(1 + f)·log2(e), the product and the sum with their errors."""
    _, e, f = split(m, x)
    factor, factor_low = (LOG2_E, LOG2_E_LOW) if m.double else (LOG2_E_F32, LOG2_E_LOW_F32)
    high, low = parts(m, f)
    product, error = m.two_product(high, m.const(factor))
    error = m.fma(low, factor, m.fma(high, factor_low, error))
    high, low = m.fast_two_sum(e, product)
    return special(m, x, high + (low + error))


def log10(m: Lanes, x: Value) -> Value:
    """Adds e·log10(2) and log(1 + f)·log10(e), likewise."""
    _, e, f = split(m, x)
    factor, factor_low = (LOG10_E, LOG10_E_LOW) if m.double else (LOG10_E_F32, LOG10_E_LOW_F32)
    high, low = parts(m, f)
    product, error = m.two_product(high, m.const(factor))
    error = m.fma(low, factor, m.fma(high, factor_low, error))
    error = m.fma(e, m.pick(LOG10_2_LOW_F32, LOG10_2_LOW), error)
    high, low = m.fast_two_sum(e * m.pick(LOG10_2_HIGH_F32, LOG10_2_HIGH), product)
    return special(m, x, high + (low + error))


def log1p_sum(
    m: Lanes, high: Value, low: Value | None = None, doubled: Value | None = None
) -> Value:
    """log(1 + high + low) for high > -1 and finite; with 2**1 as a factor where ``doubled``.

    u = 1 + high is split as for log; what u lost comes back as c = (high + low) - (u - 1), scaled by
    2**-e: where e = 0, f + c is high again, exactly.
    """
    u = high + 1.0
    # What u lost: exact for either order of magnitudes.
    t = u - high
    lost = (high - (u - t)) + (1.0 - t)
    if low is not None:
        lost = lost + low
    n, e, f = split(m, u)
    c = (u < m.pick(2.0**60, 2.0**120)).where(lost * m.power_of_two(-n), 0.0)
    f, rest = m.fast_two_sum(f, c)
    t = tail(m, f) + m.fma(-f, rest, rest)
    if doubled is not None:
        e = e + doubled.where(1.0, 0.0)
    return combine(m, e, f, t)


def log1p(m: Lanes, x: Value) -> Value:
    result = log1p_sum(m, x)
    result = (m.abs(x) < m.pick(2.0**-25, 2.0**-54)).where(x, result)
    infinity = m.const(float("inf"))
    result = (x < infinity).where(result, x)
    result = x.equals(-1.0).where(-infinity, result)
    return (x < -1.0).where(float("nan"), result)


def asinh(m: Lanes, x: Value) -> Value:
    """As log1p(a + a²/(1 + sqrt(1 + a²))) of a = |x|; beyond 2**30 (2**60) as log(2a)."""
    a = m.abs(x)
    large = a > m.pick(2.0**30, 2.0**60)
    b = large.where(0.0, a)
    square = b * b
    more = square / (m.sqrt(square + 1.0) + 1.0)
    high, low = m.fast_two_sum(b, more)
    high = large.where(a, high)
    result = m.copysign(log1p_sum(m, high, large.where(0.0, low), large), x)
    result = (a < m.pick(2.0**-13, 2.0**-27)).where(x, result)
    return (a < float("inf")).where(result, x)


def acosh(m: Lanes, x: Value) -> Value:
    """As log1p(t + sqrt(2t + t²)) of t = x - 1; beyond 2**30 (2**60) as log(2x)."""
    large = x > m.pick(2.0**30, 2.0**60)
    t = x - 1.0
    root = m.sqrt(m.fma(t, t, t + t))
    high, low = m.two_sum(t, root)
    high = large.where(x, high)
    result = log1p_sum(m, high, large.where(0.0, low), large)
    result = (x < float("inf")).where(result, x)
    return (x < 1.0).where(float("nan"), result)


def atanh(m: Lanes, x: Value) -> Value:
    """As log1p(2a/(1 - a)) / 2 of a = |x|, the quotient with its remainder."""
    a = m.abs(x)
    below = 1.0 - a
    below_low = (1.0 - below) - a
    twice = a + a
    quotient = twice / below
    left = m.fma(-quotient, below, twice) - quotient * below_low
    low = left / below
    result = log1p_sum(m, quotient, low) * 0.5
    result = m.copysign(result, x)
    result = (a < m.pick(2.0**-13, 2.0**-27)).where(x, result)
    pole = m.copysign(m.const(float("inf")), x)
    return (a < 1.0).where(result, a.equals(1.0).where(pole, float("nan")))
