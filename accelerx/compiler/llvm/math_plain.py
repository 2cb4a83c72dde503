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
    """The bits of a float, read as sign and magnitude, are in the order of the floats."""
    bits = x.bits()
    away = (x < y).where(bits < 0, ~(bits < 0)).where(bits - 1, bits + 1)
    zero = m.copysign(m.const(1, m.integer).as_float(), y)
    stepped = x.equals(0.0).where(zero, away.as_float())
    stepped = x.equals(y).where(y, stepped)
    return (x.is_nan() | y.is_nan()).where(x + y, stepped)


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
