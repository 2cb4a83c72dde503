"""Builtins with a stated rounding: arithmetic that never fuses, directed rounding, conversions.

A result rounded to nearest is corrected by one step where it lies on the wrong side of the exact
value. Which side that is, is known without error: float operations are done in double, and what
double itself rounds off is found by a sum's or a product's exact error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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
from accelerx.compiler.frontends.cuda_cpp.clang import Cursor
from accelerx.compiler.frontends.cuda_cpp.values import Value
from accelerx.dtypes import DType, float32, float64, int32, uint64

MODES = ("rz", "ru", "rd")
_TO_INTEGER = {"rn": "rint", "rz": "trunc", "ru": "ceil", "rd": "floor"}
_INTEGERS: dict[str, DType] = {
    "int": dtypes.int32, "uint": dtypes.uint32, "ll": dtypes.int64, "ull": dtypes.uint64,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Exact:
    """An exact value as ``head + rest``, rest being smaller than head can show.

    Attributes:
        head: The value rounded to nearest.
        rest: What rounding left; not a number where the head is infinite.
        overflow: Whether the head is infinite though the exact value is not.
        negative_zero: Whether an exact 0 that is rounded down is -0.
    """

    head: ir.Expr
    rest: ir.Expr
    overflow: ir.Expr | None = None
    negative_zero: ir.Expr | None = None


def exact_sum(build: Build, a: ir.Expr, b: ir.Expr) -> Exact:
    """``a + b`` and its rounding error (Knuth)."""
    a, b = build.keep(a), build.keep(b)
    total = build.keep(build.fma(a, 1.0, b))
    second = build.keep(build.fma(total, 1.0, build.neg(a)))
    first = build.fma(total, 1.0, build.neg(second))
    error_a = build.fma(a, 1.0, build.neg(first))
    error_b = build.fma(b, 1.0, build.neg(second))
    finite = build.both(build.test("isfinite", a), build.test("isfinite", b))
    return Exact(
        total,
        build.keep(build.fma(error_a, 1.0, error_b)),
        build.both(build.test("isinf", total), finite),
        build.either(build.test("signbit", a), build.test("signbit", b)),
    )


def _exact_quotient(build: Build, a: ir.Expr, b: ir.Expr) -> Exact:
    head = build.keep(build.div(a, b))
    rest = build.keep(build.fma(build.neg(head), b, a))
    return Exact(head, build.select(build.test("signbit", b), build.neg(rest), rest))


def _exact_root(build: Build, a: ir.Expr) -> Exact:
    head = build.keep(build.call("sqrt", a))
    return Exact(head, build.fma(build.neg(head), head, a))


def _whole(build: Build, a: ir.Expr) -> Exact:
    return Exact(a, build.const(0.0, a.type))


def exact_integer(build: Build, a: ir.Expr) -> Exact:
    """A 64-bit integer as the sum of two doubles."""
    if a.type.bits < 64:
        return _whole(build, build.keep(build.cast(a, float64)))
    high = build.cast(build.binary("shr", a, 32), float64)
    low = build.cast(build.binary("and", a, 0xFFFFFFFF), float64)
    return exact_sum(build, build.mul(high, 2.0**32), low)


# In double, on arguments that are floats: the products are exact.
_FLOAT: dict[str, Callable[..., Exact]] = {
    "add": exact_sum,
    "sub": lambda build, a, b: exact_sum(build, a, build.neg(b)),
    "mul": lambda build, a, b: _whole(build, build.keep(build.mul(a, b))),
    "maf": lambda build, a, b, c: exact_sum(build, build.mul(a, b), c),
    "div": _exact_quotient,
    "rcp": lambda build, a: _exact_quotient(build, build.const(1.0, float64), a),
    "sqrt": _exact_root,
}
_DOUBLE: dict[str, Callable[..., Exact]] = {"add": _FLOAT["add"], "sub": _FLOAT["sub"]}

# To nearest: as one rounded operation that no compiler fuses with another.
NEAREST: dict[str, Callable[..., ir.Expr]] = {
    "add": lambda build, a, b: build.fma(a, 1.0, b),
    "sub": lambda build, a, b: build.fma(b, -1.0, a),
    "mul": lambda build, a, b: build.fma(a, b, -0.0),
    "div": lambda build, a, b: build.div(a, b),
    "rcp": lambda build, a: build.div(1.0, a),
    "sqrt": lambda build, a: build.call("sqrt", a),
    "maf": lambda build, a, b, c: build.fma(a, b, c),
}


def directed(build: Build, exact: Exact, dtype: DType, mode: str) -> ir.Expr:
    """An exact value rounded to ``dtype`` toward zero (rz), up (ru) or down (rd)."""
    near = build.keep(build.cast(exact.head, dtype))
    wide = build.keep(build.cast(near, exact.head.type))
    same = build.compare("eq", wide, exact.head)

    def off(side: ir.CompareOp, other: ir.CompareOp) -> ir.Expr:
        by_rest = build.both(same, build.compare(other, exact.rest, 0.0))
        found = build.either(build.compare(side, wide, exact.head), by_rest)
        if exact.overflow is None:
            return found
        return build.either(found, build.both(exact.overflow, build.compare(side, wide, 0.0)))

    def stepped(condition: ir.Expr, toward: float) -> ir.Expr:
        return build.select(
            condition, build.call("nextafter", near, build.const(toward, dtype)), near
        )

    if mode == "ru":
        return stepped(off("lt", "gt"), float("inf"))
    if mode == "rd":
        down = stepped(off("gt", "lt"), float("-inf"))
        if exact.negative_zero is None:
            return down
        nothing = build.both(
            build.compare("eq", exact.head, 0.0), build.compare("eq", exact.rest, 0.0)
        )
        return build.select(build.both(nothing, exact.negative_zero), -0.0, down)
    high = build.both(build.compare("gt", near, 0.0), off("gt", "lt"))
    low = build.both(build.compare("lt", near, 0.0), off("lt", "gt"))
    return stepped(build.either(high, low), 0.0)


def _nearest(rule: Callable[..., ir.Expr]) -> Handler:
    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        values = scalars(lifter, arguments, result_dtype(lifter, call))
        return rule(Build(lifter, lifter.loc(call)), *values)

    return handler


def _directed(rule: Callable[..., Exact], mode: str) -> Handler:
    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        build = Build(lifter, lifter.loc(call))
        values = kept(lifter, call, arguments, float64)
        return directed(build, rule(build, *values), result_dtype(lifter, call), mode)

    return handler


def _refused(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    raise lifter.unsupported(
        call,
        f"'{call.spelling}' runs on CUDA devices only",
        "double products, quotients and roots round to nearest on other devices: use its _rn form",
    )


def _from_integer(mode: str) -> Handler:
    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        build = Build(lifter, lifter.loc(call))
        (a,) = kept(lifter, call, arguments)
        return directed(build, exact_integer(build, a), result_dtype(lifter, call), mode)

    return handler


def _to_integer(rounding: str, source: DType) -> Handler:
    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        build = Build(lifter, lifter.loc(call))
        (a,) = scalars(lifter, arguments, source)
        return build.cast(build.call(rounding, a), result_dtype(lifter, call))

    return handler


def _cast(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    (a,) = scalars(lifter, arguments)
    return lifter.cast(a, result_dtype(lifter, call), lifter.loc(call))


def _bits(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    (a,) = scalars(lifter, arguments)
    return Build(lifter, lifter.loc(call)).bits(a, result_dtype(lifter, call))


def _frsqrt(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    """Computed in double, 1/sqrt(x) is never so near a tie of floats that it rounds wrongly."""
    build = Build(lifter, lifter.loc(call))
    (a,) = scalars(lifter, arguments, float64)
    return build.cast(build.div(1.0, build.call("sqrt", a)), float32)


def _half_of_double(shift: int) -> Handler:
    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        build = Build(lifter, lifter.loc(call))
        (a,) = scalars(lifter, arguments, float64)
        return build.cast(build.binary("shr", build.bits(a, uint64), shift), int32)

    return handler


def _hiloint2double(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    build = Build(lifter, lifter.loc(call))
    high, low = scalars(lifter, arguments, dtypes.uint32)
    word = build.binary("shl", build.cast(high, uint64), 32)
    return build.bits(build.binary("or", word, build.cast(low, uint64)), float64)


def _table() -> dict[str, Handler]:
    rows: dict[str, Handler] = {}
    for name, rule in NEAREST.items():
        double = {"maf": "__fma", "add": "__dadd", "sub": "__dsub", "mul": "__dmul"}
        double_name = double.get(name, f"__d{name}")
        rows[f"__f{name}_rn"] = rows[f"{double_name}_rn"] = _nearest(rule)
        for mode in MODES:
            rows[f"__f{name}_{mode}"] = _directed(_FLOAT[name], mode)
            by_error = _DOUBLE.get(name)
            rows[f"{double_name}_{mode}"] = _directed(by_error, mode) if by_error else _refused
    rows |= {f"__fmaf_ieee_{mode}": rows[f"__fmaf_{mode}"] for mode in ("rn", *MODES)}
    for name in _INTEGERS:
        for mode, rounding in _TO_INTEGER.items():
            rows[f"__float2{name}_{mode}"] = _to_integer(rounding, float32)
            rows[f"__double2{name}_{mode}"] = _to_integer(rounding, float64)
            for target in ("float", "double"):
                converts = _cast if mode == "rn" else _from_integer(mode)
                rows[f"__{name}2{target}_{mode}"] = converts
    rows |= {f"__double2float_{mode}": _directed(_whole, mode) for mode in MODES}
    rows |= {
        "__double2float_rn": _cast,
        "__frsqrt_rn": _frsqrt,
        "__double2hiint": _half_of_double(32),
        "__double2loint": _half_of_double(0),
        "__hiloint2double": _hiloint2double,
    }
    casts = ("float_as_int", "float_as_uint", "int_as_float", "uint_as_float")
    rows |= {f"__{name}": _bits for name in (*casts, "double_as_longlong", "longlong_as_double")}
    return rows


ROUNDING: dict[str, Handler] = _table()
