"""The error function and its complement.

erf(x) = x + x·P(x²) for |x| < 1. Beyond, in float32, erf(x) = 1 - 2**-Q(x) with a polynomial Q; in
float64 from erfc. erfc(x) = exp(-x²)·G(t)/(1 + 2x), where G is a polynomial in t = (x-K)/(x+K), which
maps the half line to an interval (Shepherd and Laframboise, "Chebyshev approximation of
(1+2x)exp(x²)erfc x in 0 ≤ x < ∞", 1981); its coefficients here are minimax on the range where the
result is not 0.
"""

from __future__ import annotations

from accelerx.compiler.llvm import math_exp
from accelerx.compiler.llvm.math_lanes import Lanes, Value

# 2**-29.5 and 2**-56.
ERF_F32 = (
    0.12837917, -0.3761263, 0.11283618, -0.026855126, 0.0051907334, -0.00080307503, 7.920303e-05,
)  # fmt: skip
ERF_F64 = (
    0.1283791670955126, -0.3761263890318375, 0.11283791670954885, -0.026866170645077823,
    0.005223977624827905, -0.0008548326981393706, 0.00012055331131738689, -1.492559574165119e-05,
    1.6461007968459027e-06, -1.6350390624991793e-07, 1.4660289800414611e-08,
    -1.1374800605825065e-09, 5.960415365014176e-11,
)  # fmt: skip
# -log2(erfc(x)) on [1, 3.95]: 2**-29.6 of erf.
ERF_LARGE_F32 = (
    0.0005103097, 1.625975, 0.9207652, 0.14865124, -0.031458266, 0.0042409096, -0.00026772122,
)  # fmt: skip
# (2**x - 1) / x for |x| ≤ ½: 2**-27.
EXP2_F32 = (0.6931472, 0.24022652, 0.055503104, 0.009617693, 0.0013406643, 0.00015594659)

ERFC_CENTRE = (2.5, 4.0)
ERFC_F32 = (
    1.2648382, -0.1223567, -0.099024184, 0.15762788, -0.102973714, 0.032777067, 0.0009798862,
    -0.004419896, 0.00034293268, 0.0006142583, 7.950815e-05,
)  # fmt: skip
ERFC_F64 = (
    1.2329951186255526, -0.13962111684056253, 0.01537965210261966, 0.06809705425469545,
    -0.10103906603629999, 0.0937328349982505, -0.06633036581230947, 0.03716751553910044,
    -0.016197734056764394, 0.005031969963478679, -0.0007577732959246694, -0.0001992566160945702,
    0.00015062171280011278, -2.4399480925662854e-05, -1.1222168539486829e-05,
    5.710294199881119e-06, 2.941748624316559e-07, -8.261106986266976e-07, 7.403051179625979e-08,
    1.104415328131463e-07, -1.7370823574063584e-08, -1.40908168113855e-08, 1.6314954180899292e-09,
    1.1850207941504508e-09,
)  # fmt: skip


def erf(m: Lanes, x: Value) -> Value:
    a = m.abs(x)
    z = a * a
    if m.double:
        small = m.fma(a, m.poly_split(z, ERF_F64), a)
        large = 1.0 - _erfc_positive(m, m.least(6.0, a))
    else:
        small = m.fma(a, m.poly_split(z, ERF_F32), a)
        large = _erf_large(m, a)
    return m.copysign((a < 1.0).where(small, large), x)


def _erf_large(m: Lanes, a: Value) -> Value:
    """erf(a) for a ≥ 1 in float32: 1 - 2**-Q."""
    q = m.poly_split(m.least(3.95, a), ERF_LARGE_F32)
    k, n = m.round_magic(-q, 1.0)
    r = -q - k
    power = m.power_of_two(n)
    return m.fma(-r * power, m.poly_split(r, EXP2_F32), 1.0 - power)


def _erfc_positive(m: Lanes, a: Value) -> Value:
    """erfc(a) for 0 ≤ a ≤ where it vanishes."""
    centre = m.pick(*ERFC_CENTRE)
    t = (a - centre) / (a + centre)
    g = m.poly_split(t, ERFC_F64 if m.double else ERFC_F32)
    # g/(1 + 2a), corrected by its remainder and what the sum lost.
    below = m.fma(a, 2.0, 1.0)
    lost = m.fma(a, 2.0, 1.0 - below)
    inverse = 1.0 / below
    quotient = g * inverse
    left = m.fma(-quotient, below, g) - quotient * lost
    g = m.fma(left, inverse, quotient)
    square, error = m.two_product(a, a)
    reduced = math_exp.reduce(m, -square, -error)
    return m.scale(m.fma(g, reduced.tail(m) + reduced.r, g), reduced.n)


def erfc(m: Lanes, x: Value) -> Value:
    a = m.abs(x)
    positive = _erfc_positive(m, m.least(m.pick(10.2, 27.3), a))
    result = (x < 0.0).where(2.0 - positive, positive)
    small = 1.0 - m.fma(x, m.poly_split(x * x, ERF_F64 if m.double else ERF_F32), x)
    return (a < 0.7).where(small, result)
