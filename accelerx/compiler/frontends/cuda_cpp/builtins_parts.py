"""Builtins that take floats apart: exponents, fractions, whole parts, exact remainders."""

from __future__ import annotations

from accelerx.compiler import ir
from accelerx.compiler.frontends.cuda_cpp.build import (
    BITS,
    Build,
    Handler,
    Lifter,
    kept,
    result_dtype,
    scalars,
    target,
)
from accelerx.compiler.frontends.cuda_cpp.clang import Cursor
from accelerx.compiler.frontends.cuda_cpp.values import Value
from accelerx.dtypes import int32, int64

_EXPONENT = {32: (23, 127, 24), 64: (52, 1023, 54)}  # fraction bits, bias, scale of subnormals


def logb(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    build = Build(lifter, lifter.loc(call))
    (x,) = kept(lifter, call, arguments, result_dtype(lifter, call))
    exponent = build.cast(exponent_of(build, x), x.type)
    magnitude = build.call("abs", x)
    special = build.select(build.compare("eq", x, 0.0), float("-inf"), magnitude)
    ordinary = build.both(build.test("isfinite", x), build.compare("ne", x, 0.0))
    return build.select(ordinary, exponent, special)


def exponent_of(build: Build, x: ir.Expr) -> ir.Expr:
    """The i32 ``e`` for which a finite ``x``, which is not 0, is ``m * 2**e`` with 1 <= m < 2."""
    fraction, bias, lift = _EXPONENT[x.type.bits]
    word = BITS[x.type.bits]
    magnitude = build.keep(build.call("abs", x))
    tiny = build.keep(build.compare("lt", magnitude, 2.0 ** (1 - bias)))
    scaled = build.select(tiny, build.mul(magnitude, 2.0**lift), magnitude)
    field = build.cast(build.binary("shr", build.bits(scaled, word), fraction), int32)
    return build.keep(build.sub(field, build.select(tiny, build.const(bias + lift, int32), bias)))


def ilogb(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    (x,) = kept(lifter, call, arguments)
    build = Build(lifter, lifter.loc(call))
    lowest, highest = -(2**31), 2**31 - 1
    special = build.select(build.test("isinf", x), build.const(highest, int32), lowest)
    ordinary = build.both(build.test("isfinite", x), build.compare("ne", x, 0.0))
    return build.select(ordinary, exponent_of(build, x), special)


def scaled(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    """ldexp, scalbn, scalbln: a long exponent is clamped to what makes any number 0 or infinite."""
    x, n = scalars(lifter, arguments, result_dtype(lifter, call), None)
    build = Build(lifter, lifter.loc(call))
    if n.type.bits > 32:
        n = build.binary("min", build.binary("max", build.cast(n, int64), -5000), 5000)
    return build.call("ldexp", x, build.cast(n, int32))


def store(lifter: Lifter, call: Cursor, pointer: Cursor, value: ir.Expr) -> None:
    lifter.assign(target(lifter, pointer), value, lifter.loc(call))


def modf(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    build = Build(lifter, lifter.loc(call))
    x = lifter.spill(lifter.scalar(arguments[0], result_dtype(lifter, call)), "x", build.loc)
    whole = lifter.spill(build.call("trunc", x), "whole", build.loc)
    rest = build.select(build.test("isinf", x), 0.0, build.sub(x, whole))
    part = lifter.spill(build.call("copysign", rest, x), "part", build.loc)
    store(lifter, call, arguments[1], whole)
    return part


def frexp(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    build = Build(lifter, lifter.loc(call))
    x = lifter.spill(lifter.scalar(arguments[0], result_dtype(lifter, call)), "x", build.loc)
    ordinary = build.keep(
        build.both(build.test("isfinite", x), build.compare("ne", x, 0.0)), "ordinary"
    )
    found = build.add(exponent_of(build, x), 1)
    exponent = lifter.spill(build.select(ordinary, found, 0), "e", build.loc)
    # Down in two steps, since 2**-exponent alone may overflow.
    half = build.keep(build.binary("shr", exponent, 1))
    scaled = build.call("ldexp", x, build.neg(half))
    scaled = build.call("ldexp", scaled, build.sub(half, exponent))
    fraction = lifter.spill(build.select(ordinary, scaled, x), "m", build.loc)
    store(lifter, call, arguments[1], exponent)
    return fraction


def remainder_of(build: Build, x: ir.Expr, y: ir.Expr) -> tuple[ir.Expr, ir.Expr]:
    """IEEE's remainder, exact, and the quotient's last three bits with its sign (i32).

    ``fmod`` by 8y is exact; from there on, y is subtracted as often as it fits. Where 8y overflows,
    |x| is less than 8y in any case.
    """
    size = build.keep(build.call("abs", y))
    eight = build.mul(size, 8.0)
    whole = build.call("abs", x)
    fits = build.test("isfinite", eight)
    r = build.keep(build.select(fits, build.binary("rem", whole, eight), whole), "r")
    quotient: ir.Expr = build.const(0, int32)
    for power in (4, 2):
        step = build.mul(size, float(power))
        takes = build.keep(build.compare("ge", r, step))
        r = build.keep(build.select(takes, build.sub(r, step), r), "r")
        quotient = build.keep(
            build.add(quotient, build.select(takes, build.const(power, int32), 0))
        )
    # Two more steps of y, the second one to the nearer, even multiple. 2r overflows for no r < y.
    for first in (True, False):
        half = build.sub(r, build.mul(size, 0.5))
        tiny = build.compare("lt", size, 2.0 ** (2 - _EXPONENT[x.type.bits][1]))
        excess = build.keep(build.select(tiny, build.sub(build.add(r, r), size), half))
        odd = build.compare("ne", build.binary("and", quotient, 1), 0)
        over = build.compare("gt", excess, 0.0)
        tie = build.both(build.compare("eq", excess, 0.0), odd)
        takes = build.keep(over if first else build.either(over, tie))
        r = build.keep(build.select(takes, build.sub(r, size), r), "r")
        quotient = build.keep(build.add(quotient, build.select(takes, build.const(1, int32), 0)))
    negative = build.test("signbit", x)
    signed = build.select(negative, build.neg(r), r)
    opposite = build.compare("ne", *(build.cast(build.test("signbit", v), int32) for v in (x, y)))
    undefined = build.either(
        build.either(build.test("isnan", y), build.compare("eq", y, 0.0)),
        build.negated(build.test("isfinite", x)),
    )
    result = build.select(undefined, float("nan"), signed)
    masked = build.binary("and", quotient, 7)
    return result, build.select(opposite, build.neg(masked), masked)


def remquo(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    build = Build(lifter, lifter.loc(call))
    dtype = result_dtype(lifter, call)
    x, y = (lifter.spill(v, "x") for v in scalars(lifter, arguments[:2], dtype))
    result, quotient = remainder_of(build, x, y)
    result = lifter.spill(result, "r", build.loc)
    store(lifter, call, arguments[2], lifter.spill(quotient, "q", build.loc))
    return result


def remainder(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    """IEEE's remainder."""
    build = Build(lifter, lifter.loc(call))
    return remainder_of(build, *kept(lifter, call, arguments, result_dtype(lifter, call)))[0]


# Of both precisions.
PARTS: dict[str, Handler] = {
    "ilogb": ilogb,
    "logb": logb,
    "ldexp": scaled,
    "scalbn": scaled,
    "scalbln": scaled,
    "frexp": frexp,
    "modf": modf,
    "remainder": remainder,
    "remquo": remquo,
}
