"""Rounding, parts and classification: functions that are exact, most of them LLVM's own."""

from __future__ import annotations

from accelerx.compiler.llvm.math_lanes import Lanes, Value


def isnan(m: Lanes, x: Value) -> Value:
    return x.is_nan()


def isinf(m: Lanes, x: Value) -> Value:
    return m.abs(x).equals(float("inf"))


def isfinite(m: Lanes, x: Value) -> Value:
    return m.abs(x) < float("inf")


def signbit(m: Lanes, x: Value) -> Value:
    return x.bits() < 0


def round_half_away(m: Lanes, x: Value) -> Value:
    """C's round: trunc(|x| + ½), where ½'s predecessor keeps 0.49999… and large odd numbers."""
    half = 0.5 - 2.0 ** -(m.mantissa + 2)
    return m.copysign(m.call("llvm.trunc", m.abs(x) + half), x)


def nextafter(m: Lanes, x: Value, y: Value) -> Value:
    """The next float after x toward y, as an integer of sign and magnitude.

    Integers throughout: 16-bit floats have no comparisons of their own everywhere.
    """
    a, b = x.bits(), y.bits()
    size_a, size_b = a & ~m.sign_bit, b & ~m.sign_bit
    # In the floats' order: magnitudes, negated below 0.
    order_a, order_b = (a < 0).where(-size_a, size_a), (b < 0).where(-size_b, size_b)
    grows = (order_a < order_b) ^ (a < 0)
    stepped = grows.where(a + 1, a - 1)
    stepped = size_a.equals(0).where((b & m.sign_bit) | 1, stepped)
    stepped = order_a.equals(order_b).where(b, stepped)
    stepped = (size_b > m.infinity_bits).where(b, stepped)
    return (size_a > m.infinity_bits).where(a, stepped).as_float()


def ldexp(m: Lanes, x: Value, n: Value) -> Value:
    """x·2**n by three products with normal powers of two, of which at most one rounds.

    A number that the first steps down make subnormal ends as 0 whatever they rounded, because these
    steps are shorter than the exponent's range by more than the significand.
    """
    if m.double:
        n = n.cast("sext", m.integer)
    n = _between(m, n, -4 * m.bias, 4 * m.bias)
    for _ in range(2):
        down, up = m.mantissa + 2 - m.bias, m.bias
        zero = m.const(0, m.integer)
        step = (n < 1 - m.bias).where(m.const(down, m.integer), (n > up).where(up, zero))
        x = x * m.power_of_two(step)
        n = n - step
    return x * m.power_of_two(_between(m, n, 1 - m.bias, m.bias))


def _between(m: Lanes, n: Value, low: int, high: int) -> Value:
    return m.least(m.const(high, n.dtype), m.greatest(m.const(low, n.dtype), n))


def fma_odd(m: Lanes, x: Value, y: Value, z: Value) -> Value:
    """x·y + z of 16-bit floats in float32, rounded to odd: rounding that again is rounding once.

    The product of two such numbers is exact in float32, and the sum's error is known; a sum that is
    not exact gets an odd last bit, so that it never looks like a tie to the second rounding
    (Boldo and Melquiond, "Emulation of a FMA and correctly-rounded sums", 2008).
    """
    sum_, error = m.two_sum(x * y, z)
    bits = sum_.bits()
    # Toward the true value: the neighbour on the error's side if the last bit is even.
    outward = (error.bits() ^ bits) >= 0
    step = outward.where(m.const(1, m.integer), m.const(-1, m.integer))
    inexact = (error < 0.0) | (error > 0.0)
    even = (bits & 1).equals(0)
    return (inexact & even).where((bits + step).as_float(), sum_)
