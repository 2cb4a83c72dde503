"""Builtins of atomic functions: one row of the atomic table each, whatever their scope."""

from __future__ import annotations

from accelerx.compiler import ir
from accelerx.compiler.frontends.cuda_cpp import types as ctypes
from accelerx.compiler.frontends.cuda_cpp.build import Handler, Lifter
from accelerx.compiler.frontends.cuda_cpp.clang import Cursor
from accelerx.compiler.frontends.cuda_cpp.values import Pointer, Value
from accelerx.compiler.intrinsics import ATOMICS as ROWS
from accelerx.dtypes import DType

_SCOPES = ("", "_block", "_system")


def atomic(op: str) -> Handler:
    """A handler for f(pointer, value), and for f(pointer, compare, value) of a ``cas``."""

    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        loc = lifter.loc(call)
        values = lifter.in_order(
            [
                lambda: lifter.pointer(arguments[0]),
                *(lambda c=c: lifter.value(c) for c in arguments[1:]),
            ]
        )
        pointer = values[0]
        assert isinstance(pointer, Pointer)
        type_ = lifter.type(call)
        if isinstance(type_, ctypes.Record):
            return _by_parts(lifter, call, op, pointer, type_, values[1])
        assert isinstance(type_, ctypes.Scalar)
        operands = [lifter.cast(v, type_.dtype, loc) for v in values[1:] if isinstance(v, ir.Expr)]
        compare = operands[0] if op == "cas" else None
        return lifter.atomic(op, pointer, type_.dtype, operands[-1], compare, loc)

    return handler


def _by_parts(
    lifter: Lifter, call: Cursor, op: str, pointer: Pointer, type_: ctypes.Record, value: Value
) -> Value:
    """float2 and float4: each part by itself, as CUDA has it."""
    loc = lifter.loc(call)
    old: dict[str, Value] = {}
    for part, leaf in zip(type_.fields, ctypes.leaves(type_), strict=True):
        operand = lifter.load_leaf(value, leaf)
        assert isinstance(part.type, ctypes.Scalar)
        assert isinstance(operand, ir.Expr)
        dtype: DType = part.type.dtype
        there = lifter.field(pointer, part)
        old[part.name] = lifter.atomic(op, there, dtype, operand, None, loc)
    return lifter.record(type_, old, loc)


ATOMICS: dict[str, Handler] = {
    f"{row.cuda}{scope}": atomic(row.name)
    for row in ROWS.values()
    if not row.name.startswith("nan")
    for scope in _SCOPES
}
