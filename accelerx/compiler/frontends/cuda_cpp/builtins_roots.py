"""Builtins of math.h that are composed: sines of half turns, norms, reciprocal roots."""

from __future__ import annotations

import math
from collections.abc import Sequence

from accelerx.compiler import ir
from accelerx.compiler.frontends.cuda_cpp.build import Build, Handler
from accelerx.compiler.frontends.cuda_cpp.builtins_math import Rule, function, pair
from accelerx.compiler.frontends.cuda_cpp.builtins_parts import exponent_of

# ----------------------------------------------------------------------------- sin and cos of pi x

_TERMS = {32: 6, 64: 10}  # of the series on an eighth of a turn
_PI_LOW = {32: -8.742278000372485e-08, 64: 1.2246467991473532e-16}  # pi less its rounding


def _quarter_turns(build: Build, x: ir.Expr) -> tuple[ir.Expr, ir.Expr, ir.Expr]:
    """Quarter turns in pi x (0 to 3), and sin and cos of the rest, which is at most an eighth."""
    bits = x.type.bits
    # Beyond 2**24 (2**53) numbers are even; there 2x may overflow.
    small = build.compare("lt", build.call("abs", x), 2.0 ** (24 if bits == 32 else 53))
    x = build.keep(build.select(small, x, 0.0))
    turns = build.keep(build.call("rint", build.add(x, x)))
    rest = build.keep(build.fma(turns, -0.5, x))
    square = build.keep(build.mul(rest, rest))
    terms = range(_TERMS[bits] - 1, 0, -1)
    odd = [(-1.0) ** k * math.pi ** (2 * k + 1) / math.factorial(2 * k + 1) for k in terms]
    even = [(-1.0) ** k * math.pi ** (2 * k) / math.factorial(2 * k) for k in terms]
    low = build.fma(build.polynomial(odd, square), square, _PI_LOW[bits])
    sine = build.keep(build.fma(rest, build.const(math.pi, x.type), build.mul(rest, low)))
    cosine = build.keep(build.fma(build.polynomial(even, square), square, 1.0))
    whole = build.call("floor", build.mul(turns, 0.25))
    return build.keep(build.fma(whole, -4.0, turns)), sine, cosine


def _sinpi(build: Build, x: ir.Expr) -> ir.Expr:
    quarter, sine, cosine = _quarter_turns(build, x)
    swapped = build.keep(build.select(_odd(build, quarter), cosine, sine))
    signed = build.select(build.compare("ge", quarter, 2.0), build.neg(swapped), swapped)
    zero = build.call("copysign", build.const(0.0, x.type), x)
    value = build.select(build.compare("eq", swapped, 0.0), zero, signed)
    return build.select(build.test("isfinite", x), value, float("nan"))


def _cospi(build: Build, x: ir.Expr) -> ir.Expr:
    quarter, sine, cosine = _quarter_turns(build, x)
    swapped = build.keep(build.select(_odd(build, quarter), sine, cosine))
    middle = build.compare("le", build.call("abs", build.sub(quarter, 1.5)), 0.5)
    signed = build.select(middle, build.neg(swapped), swapped)
    value = build.select(build.compare("eq", swapped, 0.0), 0.0, signed)
    return build.select(build.test("isfinite", x), value, float("nan"))


def _odd(build: Build, quarter: ir.Expr) -> ir.Expr:
    one, three = (build.compare("eq", quarter, n) for n in (1.0, 3.0))
    return build.either(one, three)


# --------------------------------------------------------------------------------- roots and norms


def _sum_of_squares(build: Build, values: Sequence[ir.Expr]) -> tuple[ir.Expr, ir.Expr]:
    """The sum in two parts, the second one the rounding errors of the first."""
    high: ir.Expr = build.const(0.0, values[0].type)
    low: ir.Expr = high
    for x in values:
        square = build.keep(build.fma(x, x, -0.0))
        low = build.add(low, build.fma(x, x, build.neg(square)))
        total = build.keep(build.fma(high, 1.0, square))
        second = build.keep(build.fma(total, 1.0, build.neg(high)))
        first = build.fma(total, 1.0, build.neg(second))
        error = build.add(build.fma(first, -1.0, high), build.fma(second, -1.0, square))
        low = build.keep(build.add(low, error))
        high = total
    return high, low


def _norm(inverse: bool) -> Rule:
    """The length of a vector, or 1 over it: scaled by a power of two, so that nothing overflows."""

    def rule(build: Build, *values: ir.Expr) -> ir.Expr:
        sizes = [build.keep(build.call("abs", v)) for v in values]
        largest, unknown = sizes[0], build.test("isnan", sizes[0])
        for size in sizes[1:]:
            largest = build.keep(build.binary("max", largest, size))
            unknown = build.either(unknown, build.test("isnan", size))
        exponent = exponent_of(build, largest)
        down = build.neg(exponent)
        scaled = [build.keep(build.call("ldexp", size, down)) for size in sizes]
        high, low = _sum_of_squares(build, scaled)
        value = _inverse_root(build, high, low) if inverse else _root(build, high, low)
        value = build.call("ldexp", value, down if inverse else exponent)
        ordinary = build.both(build.test("isfinite", largest), build.compare("gt", largest, 0.0))
        special = build.div(1.0, largest) if inverse else largest
        lost = build.both(unknown, build.negated(build.test("isinf", largest)))
        return build.select(lost, float("nan"), build.select(ordinary, value, special))

    return rule


def _root(build: Build, high: ir.Expr, low: ir.Expr) -> ir.Expr:
    root = build.keep(build.call("sqrt", high))
    missing = build.add(build.fma(build.neg(root), root, high), low)
    return build.fma(build.div(missing, root), 0.5, root)


def _inverse_root(build: Build, high: ir.Expr, low: ir.Expr) -> ir.Expr:
    """1 / sqrt(high + low): one step of Newton, its residual nearly exact."""
    near = build.keep(build.div(1.0, build.call("sqrt", high)))
    product = build.keep(build.fma(high, near, -0.0))
    error = build.fma(low, near, build.fma(high, near, build.neg(product)))
    residual = build.fma(build.neg(product), near, 1.0)
    residual = build.fma(build.neg(error), near, residual)
    return build.fma(build.mul(near, 0.5), residual, near)


def _rcbrt(build: Build, x: ir.Expr) -> ir.Expr:
    third = build.keep(build.binary("floordiv", exponent_of(build, x), 3))
    scaled = build.keep(build.call("ldexp", x, build.mul(third, -3)))
    near = build.keep(build.div(1.0, build.call("cbrt", scaled)))
    square = build.keep(build.fma(near, near, -0.0))
    square_low = build.fma(near, near, build.neg(square))
    cube = build.keep(build.fma(square, near, -0.0))
    cube_low = build.fma(square_low, near, build.fma(square, near, build.neg(cube)))
    residual = build.fma(build.neg(scaled), cube, 1.0)
    residual = build.fma(build.neg(scaled), cube_low, residual)
    refined = build.fma(build.mul(near, 1 / 3), residual, near)
    refined = build.call("ldexp", refined, build.neg(third))
    ordinary = build.both(build.test("isfinite", x), build.compare("ne", x, 0.0))
    return build.select(ordinary, refined, build.div(1.0, x))


_RULES: dict[str, Rule] = {
    "sinpi": _sinpi,
    "cospi": _cospi,
    "rcbrt": _rcbrt,
    "rhypot": _norm(inverse=True),
    "norm3d": _norm(inverse=False),
    "norm4d": _norm(inverse=False),
    "rnorm3d": _norm(inverse=True),
    "rnorm4d": _norm(inverse=True),
}


def _table() -> dict[str, Handler]:
    rows = {name: function(rule) for name, rule in _RULES.items()}
    rows["sincospi"] = pair(_sinpi, _cospi)
    return {**rows, **{f"{name}f": row for name, row in rows.items()}}


ROOTS: dict[str, Handler] = _table()
