"""lgamma and tgamma.

Arguments up to 8 are shifted by whole numbers to y about 2, where a polynomial gives
lgamma(y)/(y - 2) or Γ(y); another one gives lgamma(y)/(y - 1) about 1. Beyond, Stirling's series;
below 0, reflection. float32 goes through float64, so that it keeps its accuracy even next to the
zeros of lgamma on the negative axis.
"""

from __future__ import annotations

from collections.abc import Callable

from accelerx import dtypes
from accelerx.compiler.llvm import math_exp, math_log, math_pow, math_trig
from accelerx.compiler.llvm.math_lanes import Lanes, Value

# lgamma(1+w)/w for -0.3 ≤ w ≤ 0.4, lgamma(2+w)/w for -0.6 ≤ w ≤ ½: 2**-54.
LGAMMA_1 = (
    -0.5772156649015329, 0.8224670334241132, -0.40068563438653404, 0.2705808084277788,
    -0.20738555102781306, 0.16955717699755163, -0.14404989687999875, 0.12550966962866872,
    -0.11133425862006287, 0.10009944499996777, -0.09095428477885253, 0.08335448450875044,
    -0.0769266977004497, 0.0714148335641955, -0.06674113059373032, 0.06279728905345111,
    -0.058394188051427806, 0.05278466727849359, -0.052512527202849, 0.06306892025715485,
    -0.06179512117600925, 0.028316463107497584,
)  # fmt: skip
LGAMMA_2 = (
    0.42278433509846713, 0.3224670334241132, -0.06735230105319764, 0.02058080842778871,
    -0.0073855510287208865, 0.0028905103304541326, -0.0011927539098669931, 0.0005096695338666167,
    -0.00022315479395657655, 9.945735441664266e-05, -4.492585985039692e-05, 2.0508841116844944e-05,
    -9.441739258771352e-06, 4.364659198075108e-06, -2.032148451713589e-06, 9.936123670334023e-07,
    -4.571836919885187e-07, 1.309944994134879e-07, -1.1063119512643745e-07, 1.2501053224861031e-07,
)  # fmt: skip
# Γ(2+w) for |w| ≤ ½: 2**-56.
GAMMA = (
    1.0, 0.42278433509846713, 0.4118403304264406, 0.08157691924708074, 0.07424901075339417,
    -0.000266982068324406, 0.01115404572430329, -0.0028526458358680965, 0.0021039331796463166,
    -0.0009195735555502988, 0.0004903908557897301, -0.00024094471339824325, 0.00012165204286934015,
    -6.076918217166115e-05, 3.057461819451899e-05, -1.5342563027806425e-05, 7.219928114480131e-06,
    -3.51666099092298e-06, 2.6227916529470425e-06, -1.3913927475411153e-06,
)  # fmt: skip
# x·(lgamma(x) - (x-½)log(x) + x - log(2π)/2) in 1/x² for x ≥ 8: 2**-67.
STIRLING = (
    0.08333333333333333, -0.0027777777777667264, 0.0007936507860028386, -0.0005952357542912444,
    0.0008413806987248614, -0.0018857627543101532, 0.004974048966246832,
)  # fmt: skip
HALF_LOG_2PI = 0.9189385332046728
PI = (3.141592653589793, 1.2246467991473532e-16)


def _through_double(m: Lanes, x: Value, function: Callable[[Lanes, Value], Value]) -> Value:
    d = Lanes(m.b, dtypes.float64, m.count)
    wide = d.value(x.cast("fpext", d.dtype).text)
    return m.value(function(d, wide).cast("fptrunc", m.dtype).text)


def lgamma(m: Lanes, x: Value) -> Value:
    return lgamma_double(m, x) if m.double else _through_double(m, x, lgamma_double)


def tgamma(m: Lanes, x: Value) -> Value:
    return tgamma_double(m, x) if m.double else _through_double(m, x, tgamma_double)


def _shift(m: Lanes, a: Value, least: float) -> tuple[Value, Value, Value, Value]:
    """For 0 < a < 8.5: (w, up, product, below) with a ± whole numbers = 2 + w, w below ½.

    Γ(a) = Γ(2+w)·product where a ≥ ``least`` (between 1 and 1.5); else Γ(a) = Γ(2+w)/below.
    """
    steps = m.greatest(0.0, m.call("llvm.rint", a) - 2.0)
    product = m.const(1.0)
    for i in range(1, 7):
        product = (steps >= float(i)).where(product * (a - float(i)), product)
    lowest, low = a < 0.5, a < least
    below = lowest.where(a * (a + 1.0), a)
    w = low.where(lowest.where(a, a - 1.0), (a - steps) - 2.0)
    return w, ~low, product, below


def _stirling(m: Lanes, a: Value) -> Value:
    inverse = 1.0 / a
    return inverse * m.poly_split(inverse * inverse, STIRLING)


def _sine_of_pi(m: Lanes, a: Value) -> Value:
    """|sin(π·a)| for a ≥ 0, exactly 0 for whole numbers."""
    fraction = m.abs(a - m.call("llvm.rint", a))
    # sin(π·f) for f ≤ ¼, else cos(π·(½ - f)).
    steep = fraction > 0.25
    turned = steep.where(0.5 - fraction, fraction)
    angle, error = m.two_product(turned, m.const(PI[0]))
    sine, cosine = math_trig.kernel(m, angle, m.fma(turned, PI[1], error))
    return steep.where(cosine, sine)


def lgamma_double(m: Lanes, x: Value) -> Value:
    a = m.abs(x)
    infinity = m.const(float("inf"))
    w, up, product, below = _shift(m, a, 1.4)
    # lgamma(2+w) by its polynomial, then the logarithm of what it was shifted by.
    near = w * m.poly_split(w, LGAMMA_2)
    logarithm = math_log.log(m, up.where(product, below))
    near = near + up.where(logarithm, -logarithm)
    from_one = a - 1.0
    around_one = (a > 0.7) & ~up
    # Adding a zero makes lgamma(1) the positive one.
    there = m.fma(from_one, m.poly_split(from_one, LGAMMA_1), 0.0)
    near = around_one.where(there, near)
    log_a = math_log.log(m, a)
    far = m.fma(a - 0.5, log_a - 1.0, (HALF_LOG_2PI - 0.5) + _stirling(m, a))
    positive = (a < 8.0).where(near, far)
    # Γ(-a) = -π / (a·sin(πa)·Γ(a))
    sine = _sine_of_pi(m, a)
    reflected = math_log.log(m, PI[0] / (a * sine)) - positive
    tiny = a < 2.0**-60
    result = (x < 0.0).where(tiny.where(-log_a, reflected), positive)
    result = ((x <= 0.0) & m.call("llvm.trunc", a).equals(a)).where(infinity, result)
    return a.equals(infinity).where(infinity, result)


def tgamma_double(m: Lanes, x: Value) -> Value:
    modulus = m.abs(x)
    a = m.least(190.0, modulus)
    w, up, product, below = _shift(m, a, 1.5)
    near = m.poly_split(w, GAMMA)
    near = up.where(near * product, near / below)
    # Γ(a) = exp((a - ½)·log(a) - a + …), with the exponent as a sum of two.
    log_high, log_low = math_pow.log_double(m, a)
    power = a - 0.5
    high, low = m.two_product(power, log_high)
    low = m.fma(power, log_low, low)
    high, error = m.two_sum(high, -a)
    high, low = m.fast_two_sum(high, (low + error) + (_stirling(m, a) + HALF_LOG_2PI))
    negative = x < 0.0
    # Below 0 the exponential of the negative exponent: Γ(a) itself may overflow there.
    sign = negative.where(-1.0, 1.0)
    reduced = math_exp.reduce(m, high * sign, low * sign)
    far = (reduced.tail(m) + reduced.r) + 1.0
    is_near = a < 8.0
    zero = m.const(0, m.integer)
    scale = is_near.where(zero, reduced.n)
    magnitude = is_near.where(negative.where(1.0 / near, near), far)
    factor = negative.where(PI[0] / (modulus * _sine_of_pi(m, modulus)), 1.0)
    result = m.scale(magnitude * factor, scale)
    # The sign below 0 alternates: negative where floor(x) is odd.
    half = m.call("llvm.floor", x) * 0.5
    odd = negative & m.call("llvm.floor", half).differs(half)
    result = odd.where(-result, result)
    tiny = modulus < 2.0**-60
    result = tiny.where(1.0 / x, result)
    whole = m.call("llvm.trunc", x).equals(x)
    result = (negative & whole).where(float("nan"), result)
    return x.equals(float("inf")).where(x, result)
