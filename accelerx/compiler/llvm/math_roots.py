"""Reciprocal square root, cube root and hypot."""

from __future__ import annotations

from accelerx.compiler.llvm.math_lanes import Lanes, Value


def rsqrt(m: Lanes, x: Value) -> Value:
    """1/sqrt(x); in float64 corrected by the remainders of the root and of the quotient."""
    if not m.double:
        return 1.0 / m.sqrt(x)
    tiny = x < 2.0**-900
    scaled = tiny.where(x * 2.0**200, x)
    root = m.sqrt(scaled)
    inverse = 1.0 / root
    left = m.fma(-root, root, scaled)
    error = m.fma(-inverse, root, 1.0) - (left * inverse) * (inverse * 0.5)
    refined = m.fma(inverse, error, inverse)
    refined = tiny.where(refined * 2.0**100, refined)
    # At 0 and infinity the remainders are NaN and the plain quotient is right.
    return error.is_nan().where(1.0 / m.sqrt(x), refined)


def cbrt(m: Lanes, x: Value) -> Value:
    """x·y² for y = x**(-1/3), with y from its exponent bits and Newton-like steps of order 3.

    With e = 1 - x·y³, y·(1 + e/3 + 2e²/9 + …) = y·(1 - e)**(-1/3). The last step corrects the
    result by the remainder x - c³, so that only its own rounding is left.
    """
    a = m.abs(x)
    # Small numbers are scaled, so that the remainder below is no subnormal.
    shift = 162 if m.double else 48
    tiny = a < m.pick(2.0**-96, 2.0**-900)
    scaled = tiny.where(a * 2.0**shift, a)
    back = tiny.where(2.0 ** (-shift // 3), 1.0)
    bits = scaled.bits()
    y = (m.pick(0x54A1F800, 0x553EE96000000000) - _third(m, bits)).as_float()
    for _ in range(3 if m.double else 2):
        e = m.fma(-scaled * y, y * y, 1.0)
        y = m.fma(y * e, m.fma(e, m.fma(e, 14.0 / 81.0, 2.0 / 9.0), 1.0 / 3.0), y)
    square = y * y
    c = scaled * square
    c2, c2_low = m.two_product(c, c)
    left = m.fma(-c2, c, scaled) - c2_low * c
    c = m.fma(left * (1.0 / 3.0), square, c) * back
    return (a < float("inf")).where(a.equals(0.0).where(x, m.copysign(c, x)), x)


def _third(m: Lanes, bits: Value) -> Value:
    """About bits/3, from a float product: an integer division has no vector instruction."""
    if not m.double:
        return (bits.cast("sitofp", m.dtype) * (1.0 / 3.0)).cast("fptosi", m.integer)
    high = bits.lshr(32)
    # 2**32/3 rounded: the product of two 32-bit numbers in 64 bits.
    return high * 0x55555555


def hypot(m: Lanes, x: Value, y: Value) -> Value:
    """sqrt(a² + b²) with both scaled by the power of two that brings the larger one near 1."""
    a, b = m.abs(x), m.abs(y)
    large, small = (a < b).where(b, a), (a < b).where(a, b)
    exponent = large.bits() & m.infinity_bits
    # Exponent fields 1 … 2·bias-1 both ways: 2**e and 2**-e must be normal.
    low, high = 2 << m.mantissa, (2 * m.bias - 2) << m.mantissa
    exponent = (exponent < low).where(m.const(low, m.integer), exponent)
    exponent = (exponent > high).where(m.const(high, m.integer), exponent)
    down = (2 * m.one_bits - exponent).as_float()
    up = exponent.as_float()
    p, q = large * down, small * down
    result = m.sqrt(m.fma(p, p, q * q)) * up
    infinity = m.const(float("inf"))
    endless = a.equals(infinity) | b.equals(infinity)
    nan = x + y
    result = nan.is_nan().where(nan, result)
    return endless.where(infinity, result)
