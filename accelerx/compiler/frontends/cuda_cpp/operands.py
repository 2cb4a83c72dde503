"""What can be told of operands: places or values, their types, the literals they are written as."""

from __future__ import annotations

import ast
import functools
import struct

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.frontends.cuda_cpp import types as ctypes
from accelerx.compiler.frontends.cuda_cpp.clang import (
    Cursor,
    children,
    expressions,
    kind,
)
from accelerx.compiler.frontends.cuda_cpp.values import (
    Bits,
    Closure,
    Function,
    Memory,
    Object,
    Place,
    Pointer,
    PointerVariable,
    Temporary,
    Value,
    Variable,
)
from accelerx.compiler.passes.fold import fold_root as fold
from accelerx.dtypes import DType, int32

_PLACES = (Variable, Object, Memory, PointerVariable, Temporary, Closure, Bits)


def is_lvalue(x: Place | Value) -> bool:
    return isinstance(x, _PLACES)


def has_load(e: ir.Expr) -> bool:
    return any(isinstance(x, ir.Load) for x in ir.walk(e))


def promoted(a: DType, b: DType) -> DType:
    """The usual arithmetic conversions."""
    if a.is_float or b.is_float:
        floats = [t for t in (a, b) if t.is_float]
        return max(floats, key=lambda t: t.bits)
    a, b = (int32 if t.bits < 32 or t.is_bool else t for t in (a, b))
    if a is b:
        return a
    if a.bits != b.bits:
        return a if a.bits > b.bits else b
    return a if not a.is_signed else b


def rounded(value: float, dtype: DType) -> float:
    """A Python float rounded to ``dtype``."""
    if dtype is dtypes.float64 or value != value:
        return value
    folded = fold(ir.Cast(ir.Const(value, dtypes.float64), dtype))
    return float(folded.value) if isinstance(folded, ir.Const) else _single(value)


def _single(value: float) -> float:
    try:
        return float(struct.unpack("f", struct.pack("f", value))[0])
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def literal_text(c: Cursor) -> float:
    """The value of a literal that libclang does not evaluate, from its text."""
    text = "".join(token.spelling for token in c.get_tokens()).rstrip("fFlLuU")
    return float.fromhex(text) if "p" in text.lower() and "0x" in text.lower() else float(text)


def unquoted(text: str) -> str:
    """The text of a string literal, which clang spells with escapes."""
    return ast.literal_eval(f"b{text}").decode(errors="replace") if text[:1] == '"' else text


def unparenthesised(c: Cursor) -> Cursor:
    """An expression without the parentheses around it."""
    while c._kind_id == kind("PAREN_EXPR"):
        c = children(c)[-1]
    return c


def is_choice(c: Cursor) -> bool:
    """Whether an expression is an object that a condition chooses, or a member of one.

    Where values are chosen, the two are read first, which is an expression without a kind.
    """
    c = unparenthesised(c)
    if c._kind_id == kind("MEMBER_REF_EXPR"):
        inner = expressions(c)
        is_record = len(inner) == 1 and inner[0].type.get_canonical().kind.name == "RECORD"
        return is_record and is_choice(inner[0])
    if c._kind_id != kind("CONDITIONAL_OPERATOR"):
        return False
    _, *arms = children(c)
    return all(x._kind_id in _object_kinds() or is_choice(x) for x in map(unparenthesised, arms))


@functools.cache
def cast_kinds() -> frozenset[int]:
    names = ("STATIC", "REINTERPRET", "FUNCTIONAL")
    explicit = [f"CXX_{name}_CAST_EXPR" for name in names]
    return frozenset(map(kind, ("UNEXPOSED_EXPR", "PAREN_EXPR", "CSTYLE_CAST_EXPR", *explicit)))


@functools.cache
def _object_kinds() -> frozenset[int]:
    names = (
        "DECL_REF_EXPR",
        "MEMBER_REF_EXPR",
        "ARRAY_SUBSCRIPT_EXPR",
        "UNARY_OPERATOR",
        "CALL_EXPR",
    )
    return frozenset(map(kind, names))


def points_to_functions(value: Value) -> bool:
    """Whether a value is a pointer that points to functions, or to nothing."""
    if not isinstance(value, Pointer):
        return False
    known = [target for target in value.targets if target is not None]
    return bool(known) and all(isinstance(target, Function) for target in known)


def member_paths(record: ctypes.Record, name: str) -> list[list[str]]:
    """The ways to a member: its own first, then through anonymous members and bases."""
    found = [[name]] if name in record.by_name else []
    for part in record.fields:
        if part.name.startswith("<") and isinstance(part.type, ctypes.Record):
            found += [[part.name, *path] for path in member_paths(part.type, name)]
    return found


def owner_of(record: ctypes.Record, path: list[str]) -> ctypes.CType:
    """The record whose member a path ends at; anonymous ones belong to the one around them."""
    owner: ctypes.CType = record
    type_: ctypes.CType = record
    for name in path[:-1]:
        assert isinstance(type_, ctypes.Record)
        type_ = type_.by_name[name].type
        if name.startswith("<base>"):
            owner = type_
    return owner


def base_path(record: ctypes.Record, name: str) -> list[str] | None:
    """The bases to go through from a record to its base called ``name``."""
    for part in record.bases:
        assert isinstance(part.type, ctypes.Record)
        if part.type.name == name:
            return [part.name]
        deeper = base_path(part.type, name)
        if deeper is not None:
            return [part.name, *deeper]
    return None
