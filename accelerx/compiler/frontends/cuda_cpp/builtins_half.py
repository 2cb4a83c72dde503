"""Builtins of cuda_fp16.h and cuda_bf16.h: what their functions without a body mean.

Each works on the numbers inside its arguments, in order: one of a half, two of a half2, one of a
float. KIR rounds every operation on a 16-bit float once, which is what CUDA's functions do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from accelerx.compiler import ir
from accelerx.compiler.frontends.cuda_cpp import types as ctypes
from accelerx.compiler.frontends.cuda_cpp.build import Build, Handler, Lifter
from accelerx.compiler.frontends.cuda_cpp.builtins_bits import BITS
from accelerx.compiler.frontends.cuda_cpp.clang import Cursor
from accelerx.compiler.frontends.cuda_cpp.values import Value
from accelerx.dtypes import DType, float64, int32, int64, uint16, uint32, uint64

Rule = Callable[
    ..., ir.Expr
]  # of a Build and of numbers of one type, in one place of each argument

# ------------------------------------------------------------------------- arguments and results


def numbers(lifter: Lifter, arguments: Sequence[Cursor]) -> list[list[ir.Expr]]:
    """The numbers inside each argument; the arguments are evaluated left to right."""
    counts = [len(list(ctypes.leaves(lifter.type(c)))) for c in arguments]
    inside: dict[int, list[ir.Expr]] = {}

    def number(i: int, k: int) -> ir.Expr:
        if k == 0:
            inside[i] = _inside(lifter, arguments[i])
        return inside[i][k]

    def work(i: int, k: int) -> Callable[[], Value]:
        return lambda: number(i, k)

    works = [work(i, k) for i, count in enumerate(counts) for k in range(count)]
    flat: Iterator[Value] = iter(lifter.in_order(works))
    return [[_expression(next(flat)) for _ in range(count)] for count in counts]


def _inside(lifter: Lifter, argument: Cursor) -> list[ir.Expr]:
    value, type_ = lifter.value(argument), lifter.type(argument)
    if isinstance(value, ir.Expr):
        return [value]
    return [_expression(lifter.load_leaf(value, leaf)) for leaf in ctypes.leaves(type_)]


def _expression(value: Value) -> ir.Expr:
    assert isinstance(value, ir.Expr)
    return value


def result(lifter: Lifter, call: Cursor, parts: Sequence[ir.Expr]) -> Value:
    """What a call gives: a number, or a record whose numbers are ``parts``; each is converted."""
    type_, loc = lifter.type(call), lifter.loc(call)
    if isinstance(type_, ctypes.Scalar):
        return lifter.cast(parts[0], type_.dtype, loc)
    assert isinstance(type_, ctypes.Record)
    place = lifter.record(type_, {}, loc)
    for leaf, part in zip(ctypes.leaves(type_), parts, strict=True):
        assert isinstance(leaf.type, ctypes.Scalar)
        lifter.assign(lifter.leaf(place, leaf), lifter.cast(part, leaf.type.dtype, loc), loc)
    return place


def only_dtype(lifter: Lifter, call: Cursor) -> DType:
    """The dtype of the only number in what a call gives."""
    (leaf,) = ctypes.leaves(lifter.type(call))
    assert isinstance(leaf.type, ctypes.Scalar)
    return leaf.type.dtype


# --------------------------------------------------------------------------------------- handlers


def pick(*indices: int, through: Rule | None = None) -> Handler:
    """Some of the arguments' numbers, counted through all arguments, each perhaps changed first."""

    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        flat = [e for parts in numbers(lifter, arguments) for e in parts]
        chosen = [flat[i] for i in indices]
        if through is not None:
            build = Build(lifter, lifter.loc(call))
            chosen = [through(build, e) for e in chosen]
        return result(lifter, call, chosen)

    return handler


def each(rule: Rule) -> Handler:
    """``rule`` of the arguments' first numbers, then of their second ones."""

    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        return result(lifter, call, _applied(rule, lifter, call, arguments))

    return handler


def _applied(
    rule: Rule, lifter: Lifter, call: Cursor, arguments: Sequence[Cursor]
) -> list[ir.Expr]:
    build = Build(lifter, lifter.loc(call))
    return [rule(build, *row) for row in zip(*numbers(lifter, arguments), strict=True)]


def every(rule: Rule) -> Handler:
    """Whether ``rule`` holds in all places."""

    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        first, *rest = _applied(rule, lifter, call, arguments)
        return Build(lifter, lifter.loc(call)).both(first, rest[0]) if rest else first

    return handler


def mask(rule: Rule) -> Handler:
    """16 one bits for each place in which ``rule`` holds, the first place lowest."""

    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        low, high = _applied(rule, lifter, call, arguments)
        build, none = Build(lifter, lifter.loc(call)), ir.Const(0, uint32)
        upper = build.select(high, 0xFFFF0000, none)
        return build.binary("or", build.select(low, 0xFFFF, none), upper)

    return handler


# ------------------------------------------------------------------------------------------ rules


def intrinsic(name: str) -> Rule:
    return lambda build, *operands: build.call(name, *operands)


def binary(op: ir.BinaryOp) -> Rule:
    return lambda build, a, b: build.binary(op, a, b)


def compare(op: ir.CompareOp) -> Rule:
    return lambda build, a, b: build.compare(op, a, b)


def not_compare(op: ir.CompareOp) -> Rule:
    """The opposite of a comparison, which holds if an operand is not a number."""
    return lambda build, a, b: build.negated(build.compare(op, a, b))


def differ(build: Build, a: ir.Expr, b: ir.Expr) -> ir.Expr:
    """Whether one is less than the other, which not a number never is."""
    return build.either(build.compare("lt", a, b), build.compare("gt", a, b))


def not_differ(build: Build, a: ir.Expr, b: ir.Expr) -> ir.Expr:
    return build.negated(differ(build, a, b))


def is_nan(build: Build, a: ir.Expr) -> ir.Expr:
    return build.test("isnan", a)


def which_infinity(build: Build, a: ir.Expr) -> ir.Expr:
    """1 for infinity, -1 for its opposite, else 0."""
    sign = build.select(build.compare("gt", a, 0.0), ir.Const(1, int32), -1)
    return build.select(build.test("isinf", a), sign, 0)


def negate(build: Build, a: ir.Expr) -> ir.Expr:
    return build.neg(a)


def same(build: Build, a: ir.Expr) -> ir.Expr:
    return a


def reciprocal(build: Build, a: ir.Expr) -> ir.Expr:
    return build.div(1.0, a)


def fma(build: Build, a: ir.Expr, b: ir.Expr, c: ir.Expr) -> ir.Expr:
    return build.fma(a, b, c)


# Sum, difference and product that no backend fuses with a neighbour, being fused already.


def whole_add(build: Build, a: ir.Expr, b: ir.Expr) -> ir.Expr:
    return build.fma(a, 1.0, b)


def whole_sub(build: Build, a: ir.Expr, b: ir.Expr) -> ir.Expr:
    return build.fma(a, 1.0, build.neg(b))


def whole_mul(build: Build, a: ir.Expr, b: ir.Expr) -> ir.Expr:
    return build.fma(a, b, -0.0)


def saturated(rule: Rule) -> Rule:
    """``rule`` clamped to [0, 1]; not a number becomes 0."""

    def clamped(build: Build, *operands: ir.Expr) -> ir.Expr:
        e = build.keep(rule(build, *operands))
        below = build.select(build.compare("lt", e, 1.0), e, 1.0)
        return build.select(build.compare("gt", e, 0.0), below, 0.0)

    return clamped


def rectified(rule: Rule) -> Rule:
    """``rule``, but 0 where it is negative; not a number stays."""

    def relu(build: Build, *operands: ir.Expr) -> ir.Expr:
        e = build.keep(rule(build, *operands))
        return build.select(build.compare("le", e, 0.0), 0.0, e)

    return relu


def or_nan(rule: Rule) -> Rule:
    """``rule``, but not a number if an operand is none."""

    def strict(build: Build, a: ir.Expr, b: ir.Expr) -> ir.Expr:
        a, b = build.keep(a), build.keep(b)
        nan = build.bits(ir.Const(0x7FFF, uint16), a.type)
        return build.select(
            build.either(is_nan(build, a), is_nan(build, b)), nan, rule(build, a, b)
        )

    return strict


def _complex_fma(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    """A * b + c of complex numbers."""
    build = Build(lifter, lifter.loc(call))
    (a, ai), (b, bi), (s, si) = numbers(lifter, arguments)
    real = build.fma(build.neg(ai), bi, build.fma(a, b, s))
    imaginary = build.fma(ai, b, build.fma(a, bi, si))
    return result(lifter, call, [real, imaginary])


# ------------------------------------------------------------------------------------ conversions


def _bitcast(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    """The bits of the only number in the argument, as the only number in the result."""
    ((e,),) = numbers(lifter, arguments)
    dtype = only_dtype(lifter, call)
    return result(lifter, call, [lifter.bitcast(e, dtype, lifter.loc(call))])


def _directed(mode: str) -> Handler:
    """A number rounded toward zero, down or up: the nearest one, or its neighbour."""

    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        build, dtype = Build(lifter, lifter.loc(call)), only_dtype(lifter, call)
        ((e,),) = numbers(lifter, arguments)
        exact = build.keep(_as_double(build, e))
        near = build.keep(build.cast(exact, dtype))
        back = build.keep(build.cast(near, float64))
        above, below = build.compare("gt", back, exact), build.compare("lt", back, exact)
        wrong = above if mode == "rd" else below
        if mode == "rz":
            larger = build.both(build.compare("gt", exact, 0.0), above)
            wrong = build.either(larger, build.both(build.compare("lt", exact, 0.0), below))
        moved = build.bits(_neighbour(build, build.keep(build.bits(near, uint16)), mode), dtype)
        return result(lifter, call, [build.select(wrong, moved, near)])

    return handler


def _neighbour(build: Build, bits: ir.Expr, mode: str) -> ir.Expr:
    """Bits of the next number toward zero, down or up."""
    smaller = build.sub(bits, 1)
    if mode == "rz":
        return smaller
    larger, negative = build.add(bits, 1), build.compare("ge", bits, 0x8000)
    down, up = (larger, smaller) if mode == "rd" else (smaller, larger)
    return build.select(negative, down, up)


def _as_double(build: Build, e: ir.Expr) -> ir.Expr:
    """A number as a double; 64-bit integers beyond 2**53 are rounded to odd.

    Rounding to odd keeps on which side of every 16-bit float the integer lies.
    """
    if e.type not in (int64, uint64):
        return build.cast(e, float64)
    e, low = build.keep(e), (1 << 11) - 1
    large = build.compare("ge", e, 1 << 53)
    if e.type is int64:
        large = build.either(large, build.compare("le", e, -(1 << 53)))
    some = build.compare("ne", build.binary("and", e, low), 0)
    high = -1 - low if e.type is int64 else (1 << 64) - 1 - low
    odd = build.binary("or", build.binary("and", e, high), low + 1)
    return build.cast(build.select(build.both(large, some), odd, e), float64)


# ----------------------------------------------------------------------------------------- tables

_MATH = (
    "sqrt", "rsqrt", "exp", "exp2", "exp10", "log", "log2", "log10", "sin", "cos", "tanh",
    "floor", "ceil", "trunc", "rint",
)  # fmt: skip
_INTEGERS = ("short", "ushort", "int", "uint", "ll", "ull")
_MODES: dict[str, Rule | None] = {
    "rn": intrinsic("rint"), "rz": None, "rd": intrinsic("floor"), "ru": intrinsic("ceil"),
}  # fmt: skip
_ARITHMETIC = {
    "add": (binary("add"), whole_add),
    "sub": (binary("sub"), whole_sub),
    "mul": (binary("mul"), whole_mul),
}
# What does not hold, and what holds, if an operand is not a number.
_COMPARISONS: dict[str, tuple[Rule, Rule]] = {
    "eq": (compare("eq"), not_differ),
    "ne": (differ, compare("ne")),
    "lt": (compare("lt"), not_compare("ge")),
    "le": (compare("le"), not_compare("gt")),
    "gt": (compare("gt"), not_compare("le")),
    "ge": (compare("ge"), not_compare("lt")),
}
_OPERATORS: dict[str, ir.CompareOp] = {
    "==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge",
}  # fmt: skip


def _of_type(one: str) -> dict[str, Handler]:
    """Rows with the type in their names: ``half`` or ``bfloat16``."""
    two = f"{one}2"
    rows: dict[str, Handler] = {
        f"__float2{one}": pick(0), f"__double2{one}": pick(0), f"__float2{one}_rn": pick(0),
        f"__{one}2float": pick(0), f"__{one}2char_rz": pick(0), f"__{one}2uchar_rz": pick(0),
        f"__float2{two}_rn": pick(0, 0), f"__floats2{two}_rn": pick(0, 1),
        f"__float22{two}_rn": pick(0, 1), f"__{two}2float2": pick(0, 1),
        f"__low2{one}": pick(0), f"__high2{one}": pick(1),
        f"__low2{two}": pick(0, 0), f"__high2{two}": pick(1, 1),
        f"__lows2{two}": pick(0, 2), f"__highs2{two}": pick(1, 3),
        f"__halves2{two}": pick(0, 1), f"make_{two}": pick(0, 1), f"__{two}{two}": pick(0, 0),
        f"__{one}_as_short": _bitcast, f"__{one}_as_ushort": _bitcast,
        f"__short_as_{one}": _bitcast, f"__ushort_as_{one}": _bitcast,
    }  # fmt: skip
    for name in _INTEGERS:
        rows[f"__{name}2{one}_rn"] = pick(0)
        for mode, rule in _MODES.items():
            rows[f"__{one}2{name}_{mode}"] = pick(0, through=rule)
    for name in ("float", *_INTEGERS):
        for mode in ("rz", "rd", "ru"):
            rows[f"__{name}2{one}_{mode}"] = _directed(mode)
    return rows


def _arithmetic() -> dict[str, Handler]:
    """Rows for one number, and, with a 2 in their names, for two."""
    rows: dict[str, Handler] = {
        "__hdiv": each(binary("div")), "__h2div": each(binary("div")), "__hcmadd": _complex_fma,
        "hrcp": each(reciprocal), "h2rcp": each(reciprocal),
        "htanh_approx": each(intrinsic("tanh")), "h2tanh_approx": each(intrinsic("tanh")),
    }  # fmt: skip
    for pair in ("", "2"):
        for name, (plain, whole) in _ARITHMETIC.items():
            rows[f"__h{name}{pair}"] = each(plain)
            rows[f"__h{name}{pair}_rn"] = each(whole)
            rows[f"__h{name}{pair}_sat"] = each(saturated(plain))
        rows[f"__hneg{pair}"], rows[f"__habs{pair}"] = each(negate), each(intrinsic("abs"))
        rows[f"__hfma{pair}"] = each(fma)
        rows[f"__hfma{pair}_sat"] = each(saturated(fma))
        rows[f"__hfma{pair}_relu"] = each(rectified(fma))
        rows[f"__hmax{pair}"], rows[f"__hmin{pair}"] = each(binary("max")), each(binary("min"))
        rows[f"__hmax{pair}_nan"] = each(or_nan(binary("max")))
        rows[f"__hmin{pair}_nan"] = each(or_nan(binary("min")))
        rows[f"__hisnan{pair}"] = each(is_nan)
    for name in _MATH:
        rows[f"h{name}"] = rows[f"h2{name}"] = each(intrinsic(name))
    return rows


def _comparisons() -> dict[str, Handler]:
    rows: dict[str, Handler] = {}
    for name, rules in _COMPARISONS.items():
        for suffix, rule in zip(("", "u"), rules, strict=True):
            rows[f"__h{name}{suffix}"] = rows[f"__h{name}{suffix}2"] = each(rule)
            rows[f"__hb{name}{suffix}2"] = every(rule)
            rows[f"__h{name}{suffix}2_mask"] = mask(rule)
    for spelling, op in _OPERATORS.items():
        rows[f"operator{spelling}"] = every(compare(op))
    return rows


def _signed(alone: Rule, op: ir.BinaryOp) -> Handler:
    """An operator that has a form with one operand."""
    one, two = each(alone), each(binary(op))
    return lambda lifter, call, arguments: (one if len(arguments) == 1 else two)(
        lifter, call, arguments
    )


def _add(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    """``__hadd``: of halves their sum, of integers, "halving", their mean."""
    is_mean = isinstance(lifter.type(call), ctypes.Scalar)
    return (BITS["__hadd"] if is_mean else each(binary("add")))(lifter, call, arguments)


HALF: dict[str, Handler] = {
    **_of_type("half"),
    **_of_type("bfloat16"),
    **_arithmetic(),
    **_comparisons(),
    "__hadd": _add,
    "__hisinf": each(which_infinity),
    "__low2float": pick(0),
    "__high2float": pick(1),
    "__lowhigh2highlow": pick(1, 0),
    "operator+": _signed(same, "add"),
    "operator-": _signed(negate, "sub"),
    "operator*": each(binary("mul")),
    "operator/": each(binary("div")),
    "__ax_bits": _bitcast,
    "__ax_float16": _bitcast,
    "__ax_bfloat16": _bitcast,
}
