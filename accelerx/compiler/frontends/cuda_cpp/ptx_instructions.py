"""THE table of PTX instructions, a rule for each opcode; here those without an effect."""

from __future__ import annotations

from collections.abc import Callable

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.frontends.cuda_cpp.build import UNSIGNED, Build
from accelerx.compiler.frontends.cuda_cpp.ptx_assembly import (
    SIGNED,
    TYPES,
    Assembly,
    Instruction,
    Refusal,
    Rule,
    widened,
)
from accelerx.compiler.frontends.cuda_cpp.ptx_bits import BITS
from accelerx.compiler.frontends.cuda_cpp.ptx_effects import EFFECTS
from accelerx.compiler.frontends.cuda_cpp.values import Pointer
from accelerx.dtypes import DType, bool_, uint32

_PAIRS = {"f16x2": dtypes.float16, "bf16x2": dtypes.bfloat16}
_ROUNDINGS = {"rni": "rint", "rzi": "trunc", "rpi": "ceil", "rmi": "floor"}
_DIRECTED = ("rz", "rp", "rm", "rna", "rs")


# --------------------------------------------------------------------------------- arithmetic


def pure(work: Callable[..., ir.Expr], *allowed: str) -> Rule:
    """An operation on operands of the instruction's type; of packed halves, on each half."""

    def rule(a: Assembly, i: Instruction) -> None:
        _check(i, *allowed)
        pair = _PAIRS.get(i.modifiers[-1])
        if pair is not None:
            halves = [_halves(a, name, pair) for name in i.operands[1:]]
            low, high = (work(a.build, *(h[n] for h in halves)) for n in (0, 1))
            a.assign(i.operands[0], _whole(a, low, high))
            return
        dtype = i.dtype()
        values = [a.build.keep(a.value(name, dtype)) for name in i.operands[1:]]
        value = work(a.build, *values)
        if i.has("sat"):
            value = _saturated(a, value, dtype)
        a.assign(i.operands[0], value)

    return rule


def _check(i: Instruction, *allowed: str) -> None:
    """Refuses modifiers that mean something else than ``allowed`` ones and the type."""
    for modifier in i.modifiers[:-1]:
        if modifier not in (*allowed, "ftz"):
            raise Refusal(f"the modifier '.{modifier}'")


def _saturated(a: Assembly, value: ir.Expr, dtype: DType) -> ir.Expr:
    """A float in [0, 1]; what is not a number becomes 0."""
    if not dtype.is_float:
        raise Refusal("saturation of integers")
    return a.build.binary("min", a.build.binary("max", value, 0.0), 1.0)


def _halves(a: Assembly, name: str, dtype: DType) -> list[ir.Expr]:
    word = a.build.keep(a.value(name, uint32))
    return [
        a.build.keep(
            a.build.bits(a.build.cast(a.build.binary("shr", word, s), dtypes.uint16), dtype)
        )
        for s in (0, 16)
    ]


def _whole(a: Assembly, low: ir.Expr, high: ir.Expr) -> ir.Expr:
    bits = [a.build.cast(a.build.bits(x, dtypes.uint16), uint32) for x in (low, high)]
    return a.build.binary("or", bits[0], a.build.binary("shl", bits[1], 16))


def _rounded(op: ir.BinaryOp) -> Callable[..., ir.Expr]:
    """Sum, difference or product; of floats, never fused with another."""

    def work(build: Build, x: ir.Expr, y: ir.Expr) -> ir.Expr:
        if not x.type.is_float:
            return build.binary(op, x, y)
        if op == "mul":
            return build.fma(x, y, -0.0)
        return build.fma(y, 1.0 if op == "add" else -1.0, x)

    return work


def _multiply(a: Assembly, i: Instruction) -> None:
    """Products (mul, mad): of floats, or the low, high or whole product of integers."""
    last = i.modifiers[-1]
    adds = i.opcode == "mad"
    if last in _PAIRS or i.dtype().is_float:
        pure((lambda b, x, y, z: b.fma(x, y, z)) if adds else _rounded("mul"), "rn", "sat")(a, i)
        return
    dtype = i.dtype()
    x, y = (a.value(name, dtype) for name in i.operands[1:3])
    _check(i, "lo", "hi", "wide")
    if i.has("wide"):
        double = (SIGNED if dtype.is_signed else UNSIGNED)[2 * dtype.bits]
        x, y = a.build.cast(x, double), a.build.cast(y, double)
    product = a.build.call("mulhi", x, y) if i.has("hi") else a.build.mul(x, y)
    if adds:
        product = a.build.add(product, a.value(i.operands[3], product.type))
    a.assign(i.operands[0], product)


def _binary(op: ir.BinaryOp) -> Callable[..., ir.Expr]:
    return lambda build, x, y: build.binary(op, x, y)


def _call(name: str) -> Callable[..., ir.Expr]:
    return lambda build, x: build.call(name, x)


def _divide(build: Build, x: ir.Expr, y: ir.Expr) -> ir.Expr:
    return build.binary("div" if x.type.is_float else "quot", x, y)


def _shift(op: ir.BinaryOp) -> Rule:
    def rule(a: Assembly, i: Instruction) -> None:
        dtype = i.dtype()
        by = a.build.cast(a.value(i.operands[2], uint32), dtype)
        a.assign(i.operands[0], a.build.binary(op, a.value(i.operands[1], dtype), by))

    return rule


# --------------------------------------------------------------------------- moves, conversions


def _move(a: Assembly, i: Instruction) -> None:
    to, source = i.operands
    held = a.registers.get(source)
    if isinstance(held, Pointer):
        a.registers[to] = held
        return
    a.assign(to, a.value(source, i.dtype()))


def _to_address_space(a: Assembly, i: Instruction) -> None:
    """Pointers know their space."""
    held = a.registers.get(i.operands[1])
    if not isinstance(held, Pointer):
        raise Refusal(f"'{i.operands[1]}', which is no pointer operand of the statement")
    a.registers[i.operands[0]] = held


def _convert(a: Assembly, i: Instruction) -> None:
    build = a.build
    to, source = i.modifiers[-2:]
    pair = _PAIRS.get(to)
    if i.has(*_DIRECTED):
        raise Refusal("its rounding")
    if pair is not None:
        high, low = (build.cast(a.value(name, TYPES[source]), pair) for name in i.operands[1:3])
        a.assign(i.operands[0], _whole(a, low, high))
        return
    target, dtype = TYPES.get(to), TYPES.get(source)
    if target is None or dtype is None:
        raise Refusal("its types")
    x = a.value(i.operands[1], dtype)
    for modifier, rounding in _ROUNDINGS.items():
        if i.has(modifier) and dtype.is_float:
            x = build.call(rounding, x)
    if i.has("sat"):
        x = _clamped(a, build.keep(x), target)
    a.assign(i.operands[0], widened(a, build.cast(x, target), i.operands[0]))


def _clamped(a: Assembly, x: ir.Expr, target: DType) -> ir.Expr:
    """A value in the target's range; a float's cast to an integer clamps of itself."""
    if target.is_float:
        return _saturated(a, x, target)
    if x.type.is_float:
        return x
    (low, high), (least, most) = _range(target), _range(x.type)
    if least < low:
        x = a.build.binary("max", x, low)
    return a.build.binary("min", x, high) if most > high else x


def _range(dtype: DType) -> tuple[int, int]:
    sign = int(dtype.is_signed)
    return -sign << (dtype.bits - 1), (1 << (dtype.bits - sign)) - 1


_COMPARISONS: dict[str, ir.CompareOp] = {
    "eq": "eq", "ne": "ne", "lt": "lt", "le": "le", "gt": "gt", "ge": "ge",
    "lo": "lt", "ls": "le", "hi": "gt", "hs": "ge",
}  # fmt: skip


def _compare(a: Assembly, i: Instruction) -> None:
    """setp: an ordered comparison fails where something is not a number, an unordered one holds."""
    name, dtype = i.modifiers[0], i.dtype()
    unordered = dtype.is_float and name[2:] == "u"
    op = _COMPARISONS.get(name[:2] if unordered else name)
    if op is None or len(i.modifiers) - i.has("ftz") != 2:
        raise Refusal("its comparison")
    x, y = (a.build.keep(a.value(name, dtype)) for name in i.operands[1:3])
    holds = a.build.compare(op, x, y)
    if dtype.is_float:
        nan = a.build.either(a.build.test("isnan", x), a.build.test("isnan", y))
        if unordered:
            holds = a.build.either(holds, nan)
        elif op == "ne":
            holds = a.build.both(holds, a.build.negated(nan))
    first, _, second = i.operands[0].partition("|")
    holds = a.lifter.spill(holds, "p")
    a.assign(first, holds)
    if second:
        a.assign(second, a.build.negated(holds))


def _select(a: Assembly, i: Instruction) -> None:
    dtype = i.dtype()
    x, y = (a.value(name, dtype) for name in i.operands[1:3])
    a.assign(i.operands[0], a.build.select(a.value(i.operands[3], bool_), x, y))


_APPROXIMATE = ("approx", "full", "rn", "sat")
INSTRUCTIONS: dict[str, Rule] = {
    **EFFECTS,
    **BITS,
    "add": pure(_rounded("add"), "rn", "sat"),
    "sub": pure(_rounded("sub"), "rn", "sat"),
    "mul": _multiply,
    "mad": _multiply,
    "fma": pure(lambda build, x, y, z: build.fma(x, y, z), "rn", "sat"),
    "div": pure(_divide, *_APPROXIMATE),
    "rem": pure(_binary("rem")),
    "abs": pure(_call("abs")),
    "neg": pure(lambda build, x: build.neg(x)),
    "min": pure(_binary("min")),
    "max": pure(_binary("max")),
    "and": pure(_binary("and")),
    "or": pure(_binary("or")),
    "xor": pure(_binary("xor")),
    "not": pure(lambda build, x: build.invert(x)),
    "shl": _shift("shl"),
    "shr": _shift("shr"),
    "ex2": pure(_call("exp2"), *_APPROXIMATE),
    "lg2": pure(_call("log2"), *_APPROXIMATE),
    "sin": pure(_call("sin"), *_APPROXIMATE),
    "cos": pure(_call("cos"), *_APPROXIMATE),
    "tanh": pure(_call("tanh"), *_APPROXIMATE),
    "sqrt": pure(_call("sqrt"), *_APPROXIMATE),
    "rsqrt": pure(_call("rsqrt"), *_APPROXIMATE),
    "rcp": pure(lambda build, x: build.div(1.0, x), *_APPROXIMATE),
    "brev": pure(_call("brev")),
    "mov": _move,
    "cvt": _convert,
    "cvta": _to_address_space,
    "setp": _compare,
    "selp": _select,
}
