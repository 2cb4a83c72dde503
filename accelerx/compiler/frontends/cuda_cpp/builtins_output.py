"""Builtins of output and checks: printf, assert, and promises to the compiler."""

from __future__ import annotations

import re
from collections.abc import Callable

from accelerx.compiler import ir
from accelerx.compiler.frontends.cuda_cpp.build import BITS, UNSIGNED, Handler, Lifter
from accelerx.compiler.frontends.cuda_cpp.clang import Cursor
from accelerx.compiler.frontends.cuda_cpp.values import Nothing, Value
from accelerx.dtypes import float64, int32

_SPEC = re.compile(
    r"%(?P<flags>[-+ #0]*(?:\d+|\*)?(?:\.(?:\d+|\*))?)(?P<length>[hlLqjzt]*)(?P<to>.)"
)


def _printf(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    loc = lifter.loc(call)
    text = lifter.string(arguments[0])
    given = arguments[1:]
    values = iter(lifter.in_order([_shown(lifter, c) for c in given if not _is_text(c)]))
    cursors = iter(given)
    parts: list[ir.Expr] = []

    def place(match: re.Match[str]) -> str:
        if match["to"] == "%":
            return match[0]
        if "*" in match["flags"]:
            raise lifter.unsupported(call, f"'{match[0]}': a width must be written in the format")
        cursor = next(cursors, None)
        if cursor is None:
            raise lifter.error(call, f"printf has no value for '{match[0]}'")
        if match["to"] == "s":
            return _text(lifter, cursor, match[0])
        value = next(values, None)
        if not isinstance(value, ir.Expr):
            raise lifter.unsupported(cursor, f"'{match[0]}' shows a number, this is text")
        parts.append(_converted(lifter, value, match["to"]))
        return match[0]

    text = _SPEC.sub(place, text)
    lifter.emit(ir.Print(tuple(parts), text, loc))
    return ir.Const(len(given), int32, loc)


def _is_text(c: Cursor) -> bool:
    return bool(c.type.spelling in ("const char *", "char *"))


def _shown(lifter: Lifter, c: Cursor) -> Callable[[], Value]:
    return lambda: lifter.scalar(c)


def _text(lifter: Lifter, cursor: Cursor, place: str) -> str:
    if not _is_text(cursor):
        raise lifter.error(cursor, f"'{place}' shows text, this is '{cursor.type.spelling}'")
    return (place % lifter.string(cursor)).replace("%", "%%")


def _converted(lifter: Lifter, value: ir.Expr, to: str) -> ir.Expr:
    """A value as C reads it for a conversion."""
    if to in "eEfFgGaA":
        return lifter.cast(value, float64)
    if value.type.is_integer and value.type.bits >= 32:
        word = UNSIGNED[value.type.bits]
        if to in "di":
            return lifter.cast(value, BITS[word.bits])
        return lifter.cast(value, word) if to in "uxXop" else value
    return value


def _assert(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    condition = lifter.condition(arguments[0])
    text = lifter.string(arguments[1]).replace("{", "{{").replace("}", "}}")
    message = f"assertion `{text}` failed"
    lifter.emit(ir.Assert(condition, message, (), "assert", lifter.loc(call)))
    return Nothing()


def _nothing(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    """A promise to the compiler, whose operand is not evaluated."""
    return Nothing()


def _assume_aligned(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    return lifter.pointer(arguments[0])


def _expect(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    return lifter.scalar(arguments[0])


OUTPUT: dict[str, Handler] = {
    "printf": _printf,
    "__ax_assert": _assert,
    "__builtin_assume": _nothing,
    "__builtin_assume_aligned": _assume_aligned,
    "__builtin_unreachable": _nothing,
    "__builtin_expect": _expect,
}
