"""Exponentials and hyperbolic functions.

exp(x) = 2**n · exp(r) with n = rint(x/ln 2) and |r| ≤ ln(2)/2, where exp(r) = 1 + r + r²·Q(r) with
Q the minimax polynomial (Remez, relative error of exp below 2**-28 and 2**-60). The error of
rounding r is kept and added back where the bound asks for it.
"""

from __future__ import annotations

from accelerx.compiler.llvm.math_lanes import Lanes, Value

EXP_F32 = (0.49999994, 0.16666515, 0.041668084, 0.008369349, 0.0013840399)
# One degree more for expm1, which subtracts 1: 2**-33.
EXPM1_F32 = (0.5, 0.16666648, 0.04166648, 0.008337888, 0.0013935296, 0.00017265508)
EXP_F64 = (
    0.5, 0.16666666666666688, 0.04166666666666682, 0.008333333333314012, 0.0013888888888788059,
    0.00019841269902815282, 2.480158752354558e-05, 2.7557229462613556e-06, 2.7557111552533433e-07,
    2.5113658771492034e-08, 2.0961821183047256e-09,
)  # fmt: skip
# sinh(r) = r + r³·S(r²), cosh(r) = 1 + r²·C(r²) for |r| ≤ ln(2)/2.
SINH_F32 = (0.16666667, 0.008333176, 0.00019973006)
COSH_F32 = (0.5, 0.04166646, 0.0013935458)
SINH_F64 = (
    0.16666666666666666, 0.008333333333334423, 0.0001984126983710498, 2.7557326177643263e-06,
    2.504682858507447e-08, 1.756176862835902e-10,
)  # fmt: skip
COSH_F64 = (
    0.5, 0.041666666666666685, 0.001388888888887327, 2.4801587349251306e-05,
    2.755725176040509e-07, 2.0921792885533898e-09,
)  # fmt: skip

# tanh(x) = x + x³·T(x²) for |x| ≤ 0.625: 2**-27.7.
TANH_F32 = (-0.3333328, 0.13331406, -0.053736515, 0.020628167, -0.005692297)

LOG2_E = 1.4426950408889634
LOG2_10 = 3.321928094887362
LN2 = 0.6931471805599453
LN2_LOW = 2.3190468138462996e-17
LN2_F32 = 0.6931471824645996
LN2_LOW_F32 = -1.904654299957768e-09
LN10 = 2.302585092994046
LN10_LOW = -2.1707562233822494e-16
LN10_F32 = 2.3025851249694824
LOG10_2 = 0.3010299956639812
LOG10_2_LOW = -2.8037281277851704e-18
LOG10_2_F32 = 0.3010300099849701
LOG10_2_LOW_F32 = -1.4320988897559699e-08


class Reduced:
    """x = k·ln 2 + r + c: ``n`` holds k in its low bits, c is the error of r (None: not kept)."""

    __slots__ = ("c", "k", "n", "r")

    def __init__(self, k: Value, n: Value, r: Value, c: Value | None) -> None:
        self.k, self.n, self.r, self.c = k, n, r, c

    def tail(self, m: Lanes) -> Value:
        """exp(r + c) - 1 - r."""
        r, c = self.r, self.c
        q = m.poly_split(r, EXP_F64 if m.double else EXP_F32)
        square = r * r
        return square * q if c is None else m.fma(square, q, m.fma(r, c, c))


def reduce(m: Lanes, x: Value, low: Value | None = None, *, keep: bool | None = None) -> Reduced:
    """Reduces x + low for the exponential; x - k·ln2_high is exact, so r has one rounding.

    ``keep``: whether to keep that rounding's error (default: for float64).
    """
    k, n = m.round_magic(x, LOG2_E)
    part = m.fma(k, -m.pick(LN2_F32, LN2), x)
    ln2_low = m.pick(LN2_LOW_F32, LN2_LOW)
    if keep is None:
        keep = m.double
    if low is not None:
        part, rest = m.fast_two_sum(part, low)
        r = m.fma(k, -ln2_low, part)
        return Reduced(k, n, r, m.fma(k, -ln2_low, part - r) + rest)
    r = m.fma(k, -ln2_low, part)
    return Reduced(k, n, r, m.fma(k, -ln2_low, part - r) if keep else None)


def finish(m: Lanes, reduced: Reduced) -> Value:
    """2**n · exp(r)."""
    return m.scale((reduced.tail(m) + reduced.r) + 1.0, reduced.n)


def clamp(m: Lanes, x: Value, low: float, high: float) -> Value:
    """Keeps x between bounds beyond which the result is 0 or infinite anyway; NaN stays."""
    return m.least(high, m.greatest(low, x))


def exp(m: Lanes, x: Value) -> Value:
    x = clamp(m, x, m.pick(-104.0, -746.0), m.pick(89.0, 710.0))
    return finish(m, reduce(m, x))


def exp2(m: Lanes, x: Value) -> Value:
    x = clamp(m, x, m.pick(-151.0, -1076.0), m.pick(128.5, 1024.5))
    k, n = m.round_magic(x, 1.0)
    fraction = x - k
    r = fraction * m.pick(LN2_F32, LN2)
    c = None
    if m.double:
        c = m.fma(fraction, LN2_LOW, m.fma(fraction, LN2, -r))
    return finish(m, Reduced(k, n, r, c))


def exp10(m: Lanes, x: Value) -> Value:
    x = clamp(m, x, m.pick(-46.0, -325.0), m.pick(39.0, 309.0))
    k, n = m.round_magic(x, LOG2_10)
    part = m.fma(k, -m.pick(LOG10_2_F32, LOG10_2), x)
    low = m.pick(LOG10_2_LOW_F32, LOG10_2_LOW)
    rest = m.fma(k, -low, part)
    r = rest * m.pick(LN10_F32, LN10)
    c = None
    if m.double:
        lost = m.fma(k, -low, part - rest)
        c = m.fma(rest, LN10, -r) + m.fma(lost, LN10, rest * LN10_LOW)
    return finish(m, Reduced(k, n, r, c))


def expm1_parts(m: Lanes, x: Value) -> tuple[Value, Value]:
    """Half of expm1(x) as a high part and a correction, for x between -40 and the overflow.

    exp(r) - 1 = v + tail with v = r + r²/2, and 2**n·exp(r) - 1 = (2**n - 1 + 2**n·v) + 2**n·tail,
    where v and the bracket are rounded sums with their errors; all by half, because 2**n alone may
    overflow where the result does not.
    """
    reduced = reduce(m, x, keep=True)
    r = reduced.r
    half = r * 0.5
    v = m.fma(half, r, r)
    tail = m.fma(half, r, r - v)
    if reduced.c is not None:
        tail = tail + m.fma(r, reduced.c, reduced.c)
    cubic = m.poly_split(r, EXP_F64[1:] if m.double else EXPM1_F32[1:])
    tail = m.fma(r * r * r, cubic, tail)
    power = m.power_of_two(reduced.n - 1)
    base = power - 0.5
    error = (power - base) - 0.5
    high = m.fma(power, v, base)
    error = m.fma(power, v, base - high) + error
    return high, m.fma(power, tail, error)


def expm1(m: Lanes, x: Value) -> Value:
    bounded = clamp(m, x, m.pick(-18.0, -38.0), m.pick(89.0, 710.0))
    high, low = expm1_parts(m, bounded)
    half = high + low
    return (m.abs(x) < m.pick(2.0**-25, 2.0**-54)).where(x, half + half)


class _Parts:
    """a = k·ln 2 + r for a ≥ 0: what the addition theorems of sinh and cosh need.

    Attributes:
        s, c: Half of sinh(k ln 2) and cosh(k ln 2); halves, because 2**k overflows too early.
        s_low, c_low: What they lost in rounding.
        r: The remainder.
        sine: sinh(r) - r, with r's own error added.
        cosine: cosh(r) - 1.
    """

    def __init__(self, m: Lanes, a: Value) -> None:
        reduced = reduce(m, m.least(m.pick(89.5, 710.5), a))
        up = m.power_of_two(reduced.n - 2)
        down = (reduced.k < 60.0).where(m.power_of_two(-2 - reduced.n), 0.0)
        self.s, self.c, self.r = up - down, up + down, reduced.r
        self.s_low, self.c_low = (up - self.s) - down, (up - self.c) + down
        square = reduced.r * reduced.r
        self.sine = (reduced.r * square) * m.poly(square, SINH_F64 if m.double else SINH_F32)
        if reduced.c is not None:
            self.sine = self.sine + reduced.c
        self.cosine = square * m.poly(square, COSH_F64 if m.double else COSH_F32)


def sinh(m: Lanes, x: Value) -> Value:
    """From the addition theorem for k·ln 2 + r."""
    a = m.abs(x)
    p = _Parts(m, a)
    high = m.fma(p.c, p.r, p.s)
    low = m.fma(p.c, p.r, p.s - high) + p.s_low
    half = high + m.fma(p.s, p.cosine, m.fma(p.c, p.sine, low))
    return (a < m.pick(2.0**-13, 2.0**-27)).where(x, m.copysign(half + half, x))


def cosh(m: Lanes, x: Value) -> Value:
    """From the addition theorem for k·ln 2 + r."""
    p = _Parts(m, m.abs(x))
    high = m.fma(p.s, p.r, p.c)
    low = m.fma(p.s, p.r, p.c - high) + p.c_low
    half = high + m.fma(p.c, p.cosine, m.fma(p.s, p.sine, low))
    return half + half


def tanh(m: Lanes, x: Value) -> Value:
    a = m.abs(x)
    result = _tanh_double(m, a) if m.double else _tanh_single(m, a)
    return (a < m.pick(2.0**-13, 2.0**-27)).where(x, m.copysign(result, x))


def _tanh_single(m: Lanes, a: Value) -> Value:
    """1 - 2/(exp(2a) + 1), and for a < 0.625 a polynomial."""
    reduced = reduce(m, m.least(20.0, a + a))
    power = m.power_of_two(reduced.n)
    below = m.fma(power, reduced.tail(m) + reduced.r, power + 1.0)
    z = a * a
    small = m.fma(a * z, m.poly(z, TANH_F32), a)
    return (a < 0.625).where(small, 1.0 - 2.0 / below)


def _tanh_double(m: Lanes, a: Value) -> Value:
    """E/(E + 2) with E = expm1(2a), the quotient corrected by its remainder."""
    high, low = expm1_parts(m, m.least(40.0, a + a))
    half = high + low
    rest = (high - half) + low
    below, below_rest = m.two_sum(half, m.const(1.0))
    inverse = 1.0 / below
    quotient = half * inverse
    left = m.fma(-quotient, below, half) + m.fma(-quotient, below_rest + rest, rest)
    return m.fma(left, inverse, quotient)
