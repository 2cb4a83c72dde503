"""Builtins of math.h: the intrinsic table's functions, and what is composed of a few of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from accelerx import dtypes
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
from accelerx.compiler.frontends.cuda_cpp.values import Nothing, Value
from accelerx.dtypes import DType, int32, int64

# KIR's name: the names of CUDA, without the f of single precision.
_SAME = (
    "sqrt", "rsqrt", "cbrt", "exp", "exp2", "exp10", "expm1", "log", "log2", "log10", "log1p",
    "pow", "hypot", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh",
    "asinh", "acosh", "atanh", "erf", "erfc", "lgamma", "tgamma", "floor", "ceil", "trunc", "rint",
    "round", "copysign", "nextafter", "fma",
)  # fmt: skip
_FAST = ("sin", "cos", "tan", "tanh", "exp", "exp10", "log", "log2", "log10", "pow")
_EXPONENT = {32: (23, 127, 24), 64: (52, 1023, 54)}  # fraction bits, bias, scale of subnormals

Rule = Callable[..., ir.Expr]


def function(rule: Rule) -> Handler:
    """A handler for a pure function: ``rule`` gets the arguments, which it may use several times."""

    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        dtype = result_dtype(lifter, call)
        values = kept(lifter, call, arguments, dtype)
        return rule(Build(lifter, lifter.loc(call)), *values)

    return handler


def intrinsic(name: str) -> Handler:
    """A handler that calls an intrinsic on the arguments, converted to the result's type."""

    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        values = scalars(lifter, arguments, result_dtype(lifter, call))
        return Build(lifter, lifter.loc(call)).call(name, *values)

    return handler


def operator(op: ir.BinaryOp) -> Handler:
    """A handler for a binary operator that is spelled as a function."""

    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        a, b = scalars(lifter, arguments, result_dtype(lifter, call))
        return Build(lifter, lifter.loc(call)).binary(op, a, b)

    return handler


def classifier(name: str) -> Handler:
    """Isnan and its kin: the argument keeps its type."""

    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        (x,) = scalars(lifter, arguments)
        return Build(lifter, lifter.loc(call)).test(name, x)

    return handler


def to_integer(rounding: str) -> Handler:
    """Rounds a float to an integer of the result's type."""

    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        (x,) = scalars(lifter, arguments)
        build = Build(lifter, lifter.loc(call))
        return build.cast(build.call(rounding, x), result_dtype(lifter, call))

    return handler


# ------------------------------------------------------------------------------- small functions


def _fdim(build: Build, x: ir.Expr, y: ir.Expr) -> ir.Expr:
    return build.select(build.compare("le", x, y), 0.0, build.sub(x, y))


def _saturate(build: Build, x: ir.Expr) -> ir.Expr:
    return build.binary("min", build.binary("max", x, 0.0), 1.0)  # a NaN becomes 0


def _logb(build: Build, x: ir.Expr) -> ir.Expr:
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


def _ilogb(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    (x,) = kept(lifter, call, arguments)
    build = Build(lifter, lifter.loc(call))
    lowest, highest = -(2**31), 2**31 - 1
    special = build.select(build.test("isinf", x), build.const(highest, int32), lowest)
    ordinary = build.both(build.test("isfinite", x), build.compare("ne", x, 0.0))
    return build.select(ordinary, exponent_of(build, x), special)


def _scaled(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    """ldexp, scalbn, scalbln: a long exponent is clamped to what makes any number 0 or infinite."""
    x, n = scalars(lifter, arguments, result_dtype(lifter, call), None)
    build = Build(lifter, lifter.loc(call))
    if n.type.bits > 32:
        n = build.binary("min", build.binary("max", build.cast(n, int64), -5000), 5000)
    return build.call("ldexp", x, build.cast(n, int32))


def _pow(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    """pow; a square is a product, as every compiler has it."""
    dtype = result_dtype(lifter, call)
    build = Build(lifter, lifter.loc(call))
    if lifter.constant(arguments[1]) == 2:
        x = build.keep(lifter.scalar(arguments[0], dtype))
        return build.mul(x, x)
    return build.call("pow", *scalars(lifter, arguments, dtype))


# ------------------------------------------------------------------------------- several results


def _store(lifter: Lifter, call: Cursor, pointer: Cursor, value: ir.Expr) -> None:
    lifter.assign(target(lifter, pointer), value, lifter.loc(call))


def pair(first: Rule, second: Rule) -> Handler:
    """Sincos and its kin: f(x, *first, *second)."""

    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        build = Build(lifter, lifter.loc(call))
        x = lifter.spill(lifter.scalar(arguments[0]), "x", build.loc)
        one = lifter.spill(first(build, x), "s", build.loc)
        two = lifter.spill(second(build, x), "c", build.loc)
        _store(lifter, call, arguments[1], one)
        _store(lifter, call, arguments[2], two)
        return Nothing()

    return handler


def called(name: str) -> Rule:
    """An intrinsic as a rule."""
    return lambda build, *values: build.call(name, *values)


def _modf(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    build = Build(lifter, lifter.loc(call))
    x = lifter.spill(lifter.scalar(arguments[0], result_dtype(lifter, call)), "x", build.loc)
    whole = lifter.spill(build.call("trunc", x), "whole", build.loc)
    rest = build.select(build.test("isinf", x), 0.0, build.sub(x, whole))
    part = lifter.spill(build.call("copysign", rest, x), "part", build.loc)
    _store(lifter, call, arguments[1], whole)
    return part


def _frexp(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
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
    _store(lifter, call, arguments[1], exponent)
    return fraction


def _remainder(build: Build, x: ir.Expr, y: ir.Expr) -> tuple[ir.Expr, ir.Expr]:
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


def _remquo(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    build = Build(lifter, lifter.loc(call))
    dtype = result_dtype(lifter, call)
    x, y = (lifter.spill(v, "x") for v in scalars(lifter, arguments[:2], dtype))
    result, quotient = _remainder(build, x, y)
    result = lifter.spill(result, "r", build.loc)
    _store(lifter, call, arguments[2], lifter.spill(quotient, "q", build.loc))
    return result


def _nan(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    return ir.Const(float("nan"), result_dtype(lifter, call), lifter.loc(call))


def _sad(dtype: DType) -> Handler:
    """|x - y| + z, the difference without a sign."""

    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        build = Build(lifter, lifter.loc(call))
        x, y, z = kept(lifter, call, arguments, dtype, dtype, dtypes.uint32)
        spread = build.sub(build.binary("max", x, y), build.binary("min", x, y))
        return build.add(build.cast(spread, dtypes.uint32), z)

    return handler


def _both_precisions(rows: dict[str, Handler]) -> dict[str, Handler]:
    return {**rows, **{f"{name}f": row for name, row in rows.items()}}


def _table() -> dict[str, Any]:
    both: dict[str, Handler] = {name: intrinsic(name) for name in _SAME}
    both |= {
        "pow": _pow,
        "fabs": intrinsic("abs"),
        "nearbyint": intrinsic("rint"),
        "fmod": operator("rem"),
        "fmax": operator("max"),
        "fmin": operator("min"),
        "fdim": function(_fdim),
        "logb": function(_logb),
        "ilogb": _ilogb,
        "remainder": function(lambda build, x, y: _remainder(build, x, y)[0]),
        "remquo": _remquo,
        "ldexp": _scaled,
        "scalbn": _scaled,
        "scalbln": _scaled,
        "frexp": _frexp,
        "modf": _modf,
        "nan": _nan,
        "sincos": pair(called("sin"), called("cos")),
        "lrint": to_integer("rint"),
        "llrint": to_integer("rint"),
        "lround": to_integer("round"),
        "llround": to_integer("round"),
    }
    rows = _both_precisions(both)
    rows |= {f"__{name}f": intrinsic(name) for name in _FAST}
    rows |= {name: classifier(name) for name in ("isnan", "isinf", "isfinite", "signbit")}
    rows |= {name: intrinsic("abs") for name in ("abs", "labs", "llabs")}
    rows |= {f"{prefix}min": operator("min") for prefix in ("", "u", "ll", "ull")}
    rows |= {f"{prefix}max": operator("max") for prefix in ("", "u", "ll", "ull")}
    rows |= {name: operator("div") for name in ("fdividef", "__fdividef", "fdivide")}
    rows |= {
        "__sincosf": rows["sincos"],
        "__saturatef": function(_saturate),
        "__sad": _sad(int32),
        "__usad": _sad(dtypes.uint32),
    }
    return rows


MATH: dict[str, Handler] = _table()
