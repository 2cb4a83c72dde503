"""Constant folding of integer and bool expressions; floats are left to the dialects' compilers."""

from __future__ import annotations

from collections.abc import Mapping

from accelerx.compiler import ir
from accelerx.compiler.ir import Const, Expr
from accelerx.dtypes import DType

Constants = Mapping[str, Const]


def wrap(value: int, dtype: DType) -> int:
    """``value`` reduced to the range of an integer type."""
    value &= (1 << dtype.bits) - 1
    return value - (1 << dtype.bits) if dtype.is_signed and value >> (dtype.bits - 1) else value


def fold(e: Expr, known: Constants | None = None) -> Expr:
    """``e`` with locals in ``known`` replaced and constant parts evaluated."""
    if isinstance(e, ir.Local):
        return known.get(e.name, e) if known else e
    return fold_root(ir.map_operands(e, lambda x: fold(x, known)))


def fold_root(e: Expr) -> Expr:
    """``e`` evaluated if it is constant, its operands being folded already."""
    match e:
        case ir.Binary():
            return _fold_binary(e)
        case ir.Compare(op, Const(a), Const(b)) if not e.left.type.is_float:
            return Const(_COMPARE[op](a, b), e.type, e.loc)
        case ir.Logical():
            return _fold_logical(e)
        case ir.Unary("not", Const(a)):
            return Const(not a, e.type, e.loc)
        case ir.Unary("neg", Const(a)) if e.type.is_integer:
            return Const(wrap(-int(a), e.type), e.type, e.loc)
        case ir.Unary("invert", Const(a)) if e.type.is_integer:
            return Const(wrap(~int(a), e.type), e.type, e.loc)
        case ir.Select(Const(c)):
            return e.if_true if c else e.if_false
        case ir.Cast():
            return _fold_cast(e)
        case ir.Bitcast(Const(a)) if e.type.is_integer and e.operand.type.is_integer:
            return Const(wrap(int(a), e.type), e.type, e.loc)
        case _:
            return e


_COMPARE = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
}


def _fold_cast(e: ir.Cast) -> Expr:
    if e.operand.type is e.type:
        return e.operand
    if isinstance(e.operand, Const) and not e.operand.type.is_float:
        if e.type.is_integer:
            return Const(wrap(int(e.operand.value), e.type), e.type, e.loc)
        if e.type.is_bool:
            return Const(bool(e.operand.value), e.type, e.loc)
    return e


def _fold_logical(e: ir.Logical) -> Expr:
    for a, b in ((e.left, e.right), (e.right, e.left)):
        if isinstance(a, Const):
            match e.op:
                case "and":
                    return b if a.value else Const(False, e.type, e.loc)
                case "or":
                    return Const(True, e.type, e.loc) if a.value else b
                case _:
                    return fold(ir.Unary("not", b, e.type, e.loc)) if a.value else b
    return e


def _fold_binary(e: ir.Binary) -> Expr:
    if not e.type.is_integer:
        return e
    if isinstance(e.left, Const) and isinstance(e.right, Const):
        value = integer_binary(e.op, int(e.left.value), int(e.right.value), e.type)
        return e if value is None else Const(value, e.type, e.loc)
    match e.op, e.left, e.right:
        case (("add" | "or" | "xor"), Const(0), x):
            return x
        case (("add" | "sub" | "or" | "xor" | "shl" | "shr"), x, Const(0)):
            return x
        case "mul", Const(1), x:
            return x
        case (("mul" | "quot" | "floordiv"), x, Const(1)):
            return x
        case "mul", Const(0) as zero, _:
            return zero
        case "mul", _, Const(0) as zero:
            return zero
        case _:
            return e


def integer_binary(op: str, a: int, b: int, dtype: DType) -> int | None:
    """The value of an integer operation by KIR's rules, or None if ``op`` is not one."""
    match op:
        case "add":
            value = a + b
        case "sub":
            value = a - b
        case "mul":
            value = a * b
        case "and":
            value = a & b
        case "or":
            value = a | b
        case "xor":
            value = a ^ b
        case "min":
            value = min(a, b)
        case "max":
            value = max(a, b)
        case "shl":
            value = _shift_left(a, b, dtype)
        case "shr":
            value = _shift_right(a, b, dtype)
        case "quot" | "rem" | "floordiv" | "mod":
            value = _divide(op, a, b)
        case _:
            return None
    return wrap(value, dtype)


def _shift_left(a: int, b: int, dtype: DType) -> int:
    count = b & ((1 << dtype.bits) - 1)
    return a << count if count < dtype.bits else 0


def _shift_right(a: int, b: int, dtype: DType) -> int:
    return a >> min(b & ((1 << dtype.bits) - 1), dtype.bits)


def _divide(op: str, a: int, b: int) -> int:
    if b == 0:
        return 0
    if op in ("floordiv", "mod"):
        return a // b if op == "floordiv" else a % b
    quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    return quotient if op == "quot" else a - b * quotient
