"""Inverse trigonometric functions.

atan: the angle of (x, y) in the first quadrant is 0, π/4 or π/2 plus atan(t), |t| ≤ √2 - 1, with t a
quotient of sums of the two; one division serves all three. asin: x + x³·P(x²) up to ½, and beyond
it π/2 - 2·asin(sqrt((1 - x)/2)).
"""

from __future__ import annotations

from accelerx.compiler.llvm.math_lanes import Lanes, Value

# atan(t) = t + t³·P(t²): relative errors 2**-30 and 2**-59.
ATAN_F32 = (-0.33333316, 0.1999853, -0.14244422, 0.10599357, -0.06090355)
ATAN_F64 = (
    -0.333333333333332, 0.1999999999995377, -0.1428571428021246, 0.11111110784166096,
    -0.0909089777580042, 0.07692060498840406, -0.06663106856448346, 0.05847906679890299,
    -0.05039369364032773, 0.038065864007106404, -0.01790827450416424,
)  # fmt: skip
# asin(x) = x + x³·P(x²) for |x| ≤ ½: 2**-27.5 and 2**-59.8.
ASIN_F32 = (0.16666754, 0.07495249, 0.04547666, 0.024148121, 0.04221983)
ASIN_F64 = (
    0.16666666666666763, 0.07499999999970118, 0.04464285717527144, 0.030381942675867624,
    0.02237221589137665, 0.017351595736427174, 0.013981015911706224, 0.01139731323344418,
    0.010789213703605853, 0.003672573208280116, 0.02178973951271628, -0.02111548001463121,
    0.03270141194135996,
)  # fmt: skip

PI = (3.141592653589793, 1.2246467991473532e-16)
PI_F32 = (3.1415927410125732, -8.742278000372485e-08)
TAN_PI_8 = 0.4142135623730951
TAN_3PI_8 = 2.414213562373095


def _pi(m: Lanes, fraction: float) -> tuple[float, float]:
    """A power of two times π in two parts."""
    high, low = PI if m.double else PI_F32
    return high * fraction, low * fraction


def _first_quadrant(m: Lanes, y: Value, x: Value, *, exact: bool) -> tuple[Value, Value]:
    """The angle of (x, y), both ≥ 0 and of moderate size, as a high part and a correction.

    ``exact``: keep the errors of y - x and y + x; they are zero if x is 1 and y has no small bits.
    """
    steep, shallow = y > x * TAN_3PI_8, y < x * TAN_PI_8
    difference, sum_ = y - x, y + x
    over = shallow.where(y, steep.where(-x, difference))
    under = shallow.where(x, steep.where(y, sum_))
    quotient = over / under
    left = m.fma(-quotient, under, over)
    if exact:
        lost = m.two_sum(y, -x)[1] - quotient * m.two_sum(y, x)[1]
        left = left + (shallow | steep).where(0.0, lost)
    correction = left / under
    z = quotient * quotient
    bend = (quotient * z) * m.poly_split(z, ATAN_F64 if m.double else ATAN_F32)
    quarter, half = _pi(m, 0.25), _pi(m, 0.5)
    base = shallow.where(0.0, steep.where(half[0], quarter[0]))
    base_low = shallow.where(0.0, steep.where(half[1], quarter[1]))
    high, low = m.fast_two_sum(base, quotient)
    return high, low + (bend + (base_low + correction))


def atan(m: Lanes, x: Value) -> Value:
    a = m.abs(x)
    # Beyond 2**60 the angle is π/2 to the last bit; infinity would make the quotient NaN.
    high, low = _first_quadrant(m, m.least(2.0**60, a), m.const(1.0), exact=m.double)
    result = m.copysign(high + low, x)
    return (a < m.pick(2.0**-13, 2.0**-27)).where(x, result)


def atan2(m: Lanes, y: Value, x: Value) -> Value:
    """C's atan2 with all its signed zeros and infinities."""
    a, b = m.abs(y), m.abs(x)
    infinity = m.const(float("inf"))
    # Two infinities are at 45 degrees, two zeros at 0; one infinity outweighs any number.
    far_up, far_out = a.equals(infinity), b.equals(infinity)
    a = far_up.where(1.0, far_out.where(0.0, a))
    b = far_out.where(1.0, far_up.where(0.0, b))
    b = (a.equals(0.0) & b.equals(0.0)).where(1.0, b)
    # Scale by a power of two so that neither sums overflow nor remainders vanish.
    large = (a < b).where(b, a)
    big, tiny = large > 2.0 ** (m.bias - 4), large < 2.0 ** (2 * m.mantissa + 4 - m.bias)
    grow = 2.0 ** (2 * m.mantissa + 4)
    factor = big.where(0.0625, tiny.where(grow, 1.0))
    a, b = a * factor, b * factor
    high, low = _first_quadrant(m, a, b, exact=True)
    pi, pi_low = _pi(m, 1.0)
    left = x.bits() < 0
    turned, error = m.fast_two_sum(m.const(pi), -high)
    high = left.where(turned, high)
    low = left.where(error + (pi_low - low), low)
    result = m.copysign(high + low, y)
    return (x.is_nan() | y.is_nan()).where(x + y, result)


def _asin_parts(m: Lanes, a: Value) -> tuple[Value, Value, Value, Value]:
    """For 0 ≤ a ≤ 1: whether a is past ½; then asin(s) = s + tail of s = a or sqrt((1-a)/2).

    The fourth is the rounding error of s.
    """
    past = a > 0.5
    z = past.where(m.fma(a, -0.5, 0.5), a * a)
    root = m.sqrt(z)
    s = past.where(root, a)
    tail = (s * z) * m.poly_split(z, ASIN_F64 if m.double else ASIN_F32)
    error = m.const(0.0)
    if m.double:
        left = m.fma(-root, root, z)
        error = (past & (z > 0.0)).where(left / (root + root), 0.0)
    return past, s, tail, error


def asin(m: Lanes, x: Value) -> Value:
    a = m.abs(x)
    past, s, tail, error = _asin_parts(m, a)
    high, low = _pi(m, 0.5)
    top, rest = m.fast_two_sum(m.const(high), s * -2.0)
    rest = rest + m.fma(tail + error, -2.0, low)
    result = m.copysign(past.where(top + rest, s + tail), x)
    result = (a < m.pick(2.0**-13, 2.0**-27)).where(x, result)
    return (a <= 1.0).where(result, float("nan"))


def acos(m: Lanes, x: Value) -> Value:
    """2·asin(sqrt((1-x)/2)) for x > ½, π minus that of -x for x < -½, else π/2 - asin(x)."""
    a = m.abs(x)
    past, s, tail, error = _asin_parts(m, a)
    negative = x < 0.0
    small = (s + (tail + error)) * 2.0
    pi, pi_low = _pi(m, 1.0)
    high, rest = m.fast_two_sum(m.const(pi), s * -2.0)
    obtuse = high + (rest + m.fma(tail + error, -2.0, pi_low))
    outer = negative.where(obtuse, small)
    half, half_low = _pi(m, 0.5)
    s, tail = m.copysign(s, x), m.copysign(tail, x)
    high, rest = m.fast_two_sum(m.const(half), -s)
    inner = high + (rest + (half_low - tail))
    return (a <= 1.0).where(past.where(outer, inner), float("nan"))
