"""Builtins of math.h: the intrinsic table's functions, and what is composed of a few of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.frontends.cuda_cpp.build import (
    Build,
    Handler,
    Lifter,
    kept,
    result_dtype,
    scalars,
)
from accelerx.compiler.frontends.cuda_cpp.builtins_parts import PARTS, store
from accelerx.compiler.frontends.cuda_cpp.clang import Cursor
from accelerx.compiler.frontends.cuda_cpp.values import Nothing, Value
from accelerx.dtypes import DType, int32

# KIR's name: the names of CUDA, without the f of single precision.
_SAME = (
    "sqrt", "rsqrt", "cbrt", "exp", "exp2", "exp10", "expm1", "log", "log2", "log10", "log1p",
    "pow", "hypot", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh",
    "asinh", "acosh", "atanh", "erf", "erfc", "lgamma", "tgamma", "floor", "ceil", "trunc", "rint",
    "round", "copysign", "nextafter", "fma",
)  # fmt: skip
_FAST = ("sin", "cos", "tan", "tanh", "exp", "exp10", "log", "log2", "log10", "pow")

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


def _pow(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    """pow; a square is a product, as every compiler has it."""
    dtype = result_dtype(lifter, call)
    build = Build(lifter, lifter.loc(call))
    if lifter.constant(arguments[1]) == 2:
        x = build.keep(lifter.scalar(arguments[0], dtype))
        return build.mul(x, x)
    return build.call("pow", *scalars(lifter, arguments, dtype))


# ------------------------------------------------------------------------------- several results


def pair(first: Rule, second: Rule) -> Handler:
    """Sincos and its kin: f(x, *first, *second)."""

    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        build = Build(lifter, lifter.loc(call))
        x = lifter.spill(lifter.scalar(arguments[0]), "x", build.loc)
        one = lifter.spill(first(build, x), "s", build.loc)
        two = lifter.spill(second(build, x), "c", build.loc)
        store(lifter, call, arguments[1], one)
        store(lifter, call, arguments[2], two)
        return Nothing()

    return handler


def called(name: str) -> Rule:
    """An intrinsic as a rule."""
    return lambda build, *values: build.call(name, *values)


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
    both |= PARTS | {
        "pow": _pow,
        "fabs": intrinsic("abs"),
        "nearbyint": intrinsic("rint"),
        "fmod": operator("rem"),
        "fmax": operator("max"),
        "fmin": operator("min"),
        "fdim": function(_fdim),
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
