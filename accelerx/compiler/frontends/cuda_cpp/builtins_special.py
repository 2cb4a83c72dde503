"""Builtins of math.h: the relatives of the error function, and what no device but CUDA's has.

The coefficients are this project's own fits (Chebyshev interpolation in 50 digits); the bounds are
those that CUDA documents.
"""

from __future__ import annotations

import math

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.frontends.cuda_cpp.build import Build, Handler
from accelerx.compiler.frontends.cuda_cpp.builtins_math import Rule, function
from accelerx.compiler.frontends.cuda_cpp.builtins_refused import refused

# (1 + 2x) erfcx(x) for x >= 0, in t = (x - 4) / (x + 4)
_SCALED_SINGLE = (
    0.00011660799658166694, -0.0002486322974476492, -0.0007163394718890914, 0.005082809154341805,
    -0.016222274556440326, 0.037139916895707926, -0.06632325953594628, 0.09374044379277174,
    -0.10103995084812757, 0.06809613205416176, 0.015379683653270457, -0.13962108431457343,
    1.2329951186255526,
)  # fmt: skip
_SCALED_DOUBLE = (
    -1.4311318470928162e-10, -2.655726616312575e-10, 1.825695118953907e-09,
    3.1672611119361695e-09, -1.4806988146925795e-08, -2.05545313698593e-08,
    1.1025271999000152e-07, 7.74606863568198e-08, -8.25078338681245e-07, 2.9198219084548256e-07,
    5.709314113532492e-06, -1.1221292615314274e-05, -2.43989944557621e-05,
    0.00015062149237837335, -0.00019925676026410458, -0.000757773262030915,
    0.0050319699895242515, -0.01619773405968329, 0.03716751553632399, -0.06633036581219905,
    0.0937328349984105, -0.1010390660362999, 0.0680970542546913, 0.01537965210261959,
    -0.1396211168405625, 1.2329951186255526,
)  # fmt: skip
# erfinv(x) / x in pieces: of w = -log(1 - x*x) below 1.5, sqrt(pi) / 2 and w times _CENTRE; from
# there on in w - 3.25; then in sqrt(w) less a middle.
_CENTRE = (
    8.593035989907442e-08, -8.401533434460104e-07, -2.4388700263537065e-06,
    4.559400465344321e-05, 1.4502631183635212e-05, -0.0024622396461274503, 0.007911005440500577,
    0.23932320477434327,
)  # fmt: skip
_MIDDLE = (
    -2.6623807230599094e-08, 3.7075142662871554e-07, -1.0226393336934803e-06,
    -1.472007803543919e-05, 0.00017777818358837832, -0.0006495981009335167,
    -0.006294206648329731, 0.23861649604106397, 1.6835786578550347,
)  # fmt: skip
_NEAR = (
    -3.469249670755093e-05, 0.00010659959616115335, -4.9720624379417924e-05,
    -0.00035110477658044956, 0.0011369530790715642, -0.0021303106332894403, 0.003159873620471847,
    -0.004543201747391954, 0.006243746504407652, 1.0044430898482328, 3.0131301142790483,
)  # fmt: skip
_FAR = (
    -1.874089774908236e-09, 1.2657672891668994e-08, -3.663465958732752e-08,
    2.0825453036216238e-07, -1.3899942714920242e-06, 5.143207124404001e-06,
    9.610871578520864e-06, -0.0005093192154405166, 1.0084423193132062, 7.020297535832431,
)  # fmt: skip
_FARTHEST = (
    -1.3672389133636255e-14, -1.3298874552829649e-14, 8.840959974616779e-12,
    -2.381449029155503e-10, 5.8983640557187185e-09, -1.5215601636317968e-07,
    3.849932519795692e-06, -9.721588586365252e-05, 1.0025348175507507, 18.92561426295876,
)  # fmt: skip
_CENTRE_MIDDLE = 0.75
_PIECES = ((5.0, _NEAR, 3.179586801558725), (16.5, _FAR, 7.15), (105.0, _FARTHEST, 19.0))
_SQRT_PI = math.sqrt(math.pi)
_HALF_SQRT_PI_LOW = {32: -2.662320023830404e-08, 64: -3.8332932499128993e-17}
_SQRT_HALF = math.sqrt(0.5)
_SQRT_HALF_LOW = {32: 1.210161710447897e-08, 64: -4.833646656726457e-17}


def _erfcx_positive(build: Build, x: ir.Expr) -> ir.Expr:
    t = build.keep(build.sub(1.0, build.div(8.0, build.add(x, 4.0))))
    table = _SCALED_SINGLE if x.type is dtypes.float32 else _SCALED_DOUBLE
    # Over 0.5 + x instead of 1 + 2x, which may overflow.
    return build.div(build.mul(build.polynomial(table, t), 0.5), build.add(x, 0.5))


def _exp_of_square(build: Build, x: ir.Expr, sign: float) -> ir.Expr:
    """exp(x*x), or exp(-x*x), the square's rounding made good."""
    square = build.keep(build.fma(x, x, -0.0))
    error = build.fma(x, x, build.neg(square))
    value = build.keep(build.call("exp", build.mul(square, sign)))
    corrected = build.fma(value, build.mul(error, sign), value)
    ordinary = build.both(build.test("isfinite", value), build.test("isfinite", square))
    return build.select(ordinary, corrected, value)


def _erfcx(build: Build, x: ir.Expr) -> ir.Expr:
    positive = build.keep(_erfcx_positive(build, build.call("abs", x)))
    rise = build.keep(_exp_of_square(build, x, 1.0))
    mirrored = build.fma(rise, 2.0, build.neg(positive))
    value = build.select(build.compare("lt", x, 0.0), mirrored, positive)
    central = build.compare("lt", build.call("abs", x), 1.0)
    return build.select(central, build.mul(rise, build.call("erfc", x)), value)


def _first_inverse(build: Build, x: ir.Expr, w: ir.Expr, reach: float) -> ir.Expr:
    """erfinv(x), nearly, from w = -log(1 - x*x), which is at most ``reach``."""
    root = build.keep(build.call("sqrt", w))
    ratio = build.polynomial(_MIDDLE, build.keep(build.sub(w, 3.25)))
    for start, table, middle in _PIECES:
        if start < reach:
            further = build.polynomial(table, build.keep(build.sub(root, middle)))
            ratio = build.select(build.compare("ge", w, start), further, ratio)
    centre = build.polynomial(_CENTRE, build.keep(build.sub(w, _CENTRE_MIDDLE)))
    low = build.fma(centre, w, _HALF_SQRT_PI_LOW[x.type.bits])
    central = build.fma(x, build.const(_SQRT_PI / 2, x.type), build.mul(x, low))
    return build.select(build.compare("lt", w, 1.5), central, build.mul(x, ratio))


def _erfinv(build: Build, x: ir.Expr) -> ir.Expr:
    w = build.keep(build.neg(build.call("log", build.fma(build.neg(x), x, 1.0))))
    y = build.keep(_first_inverse(build, x, w, 17.0 if x.type is dtypes.float32 else 40.0))
    size = build.keep(build.call("abs", x))
    if x.type is dtypes.float64:
        complement = build.call("erfc", build.call("abs", y))
        outer = build.sub(build.sub(1.0, size), complement)
        outer = build.mul(outer, build.call("copysign", build.const(1.0, x.type), x))
        inner = build.sub(build.call("erf", y), x)
        residual = build.select(build.compare("le", size, 0.5), inner, outer)
        better = _improved(build, y, residual)
        y = build.select(build.compare("lt", size, 1e-9), build.mul(x, _SQRT_PI / 2), better)
    y = build.select(build.compare("eq", size, 0.0), x, y)
    return build.select(build.compare("eq", size, 1.0), build.div(x, 0.0), y)


def _improved(build: Build, y: ir.Expr, residual: ir.Expr) -> ir.Expr:
    """A zero of erf less a constant, by one step of Halley from y."""
    slope = build.mul(_exp_of_square(build, y, -1.0), 2 / _SQRT_PI)
    step = build.keep(build.div(residual, slope))
    return build.sub(y, build.div(step, build.fma(y, step, 1.0)))


def _erfcinv(build: Build, x: ir.Expr) -> ir.Expr:
    """Near 1 it is erfinv(1 - x), which is exact there; else from log(erfc)."""
    middle = build.keep(_erfinv(build, build.keep(build.sub(1.0, x))))
    small = build.compare("lt", x, 1.0)
    q = build.keep(build.select(small, x, build.sub(2.0, x)))
    w = build.keep(build.neg(build.call("log", build.mul(q, build.sub(2.0, q)))))
    reach = 104.0 if x.type is dtypes.float32 else 800.0
    y = build.keep(_first_inverse(build, build.sub(1.0, q), w, reach))
    if x.type is dtypes.float64:
        y = _improved_tail(build, y, q)
    y = build.keep(build.select(build.compare("eq", q, 0.0), float("inf"), y))
    tail = build.select(small, y, build.neg(y))
    central = build.compare("le", build.call("abs", build.sub(x, 1.0)), 0.5)
    return build.select(central, middle, tail)


def _improved_tail(build: Build, y: ir.Expr, q: ir.Expr) -> ir.Expr:
    """A zero of log(erfcx(y)) - y*y - log(q), by one step of Halley."""
    scaled = build.keep(_erfcx_positive(build, y))
    square = build.keep(build.fma(y, y, -0.0))
    error = build.fma(y, y, build.neg(square))
    known = build.sub(build.call("log", scaled), build.call("log", q))
    off = build.sub(build.sub(known, square), error)
    step = build.keep(build.mul(build.mul(off, scaled), _SQRT_PI / 2))
    bend = build.sub(build.div(1 / _SQRT_PI, scaled), y)
    return build.add(y, build.div(step, build.fma(bend, step, 1.0)))


def _normcdf(build: Build, x: ir.Expr) -> ir.Expr:
    """Half of erfc(-x / sqrt(2)), the quotient's rounding made good."""
    near = build.compare("lt", build.call("abs", x), 40.0)
    edge = build.call("copysign", build.const(40.0, x.type), x)
    inside = build.keep(build.select(near, x, edge))
    z = build.keep(build.fma(inside, -_SQRT_HALF, -0.0))
    low = build.fma(inside, -_SQRT_HALF, build.neg(z))
    low = build.fma(inside, -_SQRT_HALF_LOW[x.type.bits], low)
    value = build.keep(build.call("erfc", z))
    corrected = build.fma(build.mul(build.mul(z, -2.0), low), value, value)
    value = build.select(build.compare("gt", z, 1.0), corrected, value)
    return build.select(build.test("isnan", x), x, build.mul(value, 0.5))


def _normcdfinv(build: Build, x: ir.Expr) -> ir.Expr:
    return build.mul(_erfcinv(build, build.keep(build.add(x, x))), -2 * _SQRT_HALF)


# ----------------------------------------------------------------------------------------- the table

_RULES: dict[str, Rule] = {
    "erfcx": _erfcx,
    "erfinv": _erfinv,
    "erfcinv": _erfcinv,
    "normcdf": _normcdf,
    "normcdfinv": _normcdfinv,
}
_ABSENT = ("j0", "j1", "jn", "y0", "y1", "yn", "cyl_bessel_i0", "cyl_bessel_i1", "norm", "rnorm")


def _table() -> dict[str, Handler]:
    rows = {name: function(rule) for name, rule in _RULES.items()}
    hint = "write it out: other devices have the elementary functions, erf and gamma"
    rows |= {name: refused("such functions", hint) for name in _ABSENT}
    return {**rows, **{f"{name}f": row for name, row in rows.items()}}


SPECIAL: dict[str, Handler] = _table()
