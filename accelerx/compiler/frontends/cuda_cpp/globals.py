"""Variables that outlive a thread: shared, constant and device ones, and tables of constants."""

from __future__ import annotations

import ast
import struct
from collections.abc import Iterator

import numpy as np

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.frontends.cuda_cpp import types as ctypes
from accelerx.compiler.frontends.cuda_cpp.clang import (
    Cursor,
    children,
    evaluate,
    expressions,
    is_expression,
    kind,
    members,
)
from accelerx.compiler.frontends.cuda_cpp.evaluation import COORDINATES
from accelerx.compiler.frontends.cuda_cpp.functions import (
    body_of,
    default_of,
    defined,
    designated,
    designations,
    initialiser_of,
    is_const_type,
    is_default,
    is_trivial,
)
from accelerx.compiler.frontends.cuda_cpp.inlining import Constant
from accelerx.compiler.frontends.cuda_cpp.operands import rounded
from accelerx.compiler.frontends.cuda_cpp.state import cell_type
from accelerx.compiler.frontends.cuda_cpp.statements import Statements
from accelerx.compiler.frontends.cuda_cpp.values import (
    Binding,
    Memory,
    Place,
    Pointer,
    Root,
    Value,
    const,
)
from accelerx.dtypes import DType, int32, uint32

DEVICE_ATTRIBUTES = ("CUDADEVICE_ATTR", "CUDACONSTANT_ATTR", "UNEXPOSED_ATTR")


class Globals(Statements):
    """The part of the lifter that knows variables outside of a thread's own."""

    def is_static(self, c: Cursor) -> bool:
        """Whether a variable declared in a function outlives a call."""
        return (
            has_attribute(c, "CUDASHARED_ATTR")
            or is_module_variable(c)
            or (c.storage_class.name == "STATIC" and not is_const_type(c))
        )

    def static_variable(self, c: Cursor) -> Binding:
        if has_attribute(c, "CUDASHARED_ATTR"):
            return self.shared_variable(c)
        if is_module_variable(c):
            return self.module_variable(c)
        raise self.unsupported(
            c, "kernels have no static variables", "declare it __device__ outside of the function"
        )

    def _coordinates(self, special: ir.SpecialKind, c: Cursor) -> Value:
        """``threadIdx`` and its kin as whole objects."""
        type_ = self.type(c)
        assert isinstance(type_, ctypes.Record)
        parts: dict[str, Value] = {
            axis: ir.Cast(ir.Special(special, number), uint32) for number, axis in enumerate("xyz")
        }
        return self.record(type_, parts, self.loc(c))

    def global_name(self, target: Cursor, c: Cursor) -> Place | Value:
        """A variable at namespace scope, or a class's static member."""
        if target.spelling == "warpSize":
            return const(32, int32)
        if target.spelling in COORDINATES:
            return self._coordinates(COORDINATES[target.spelling], c)
        definition = target.get_definition() or target
        if has_attribute(definition, "CUDASHARED_ATTR"):
            return self.shared_variable(definition)
        type_ = self.type(definition)
        if is_module_variable(definition):
            return self.module_variable(definition)
        constant = is_const_type(definition) or is_constexpr(definition)
        if isinstance(type_, ctypes.Scalar) and constant:
            value = evaluate(c)  # of a template's specialisation, its definition may be another
            value = evaluate(definition) if value is None else value
            if value is not None and not isinstance(value, str):
                return self.constant_of(value, type_.dtype, c)
        if isinstance(type_, ctypes.Array) and constant:
            value_cursor = initialiser_of(definition)
            table = (
                None
                if value_cursor is None
                else self.constant_table(definition, type_, value_cursor)
            )
            if table is not None:
                return table
        if isinstance(type_, ctypes.Record) and constant:
            return self._constant_record(definition, type_)
        raise self.unsupported(
            c,
            f"'{target.spelling}' is a variable of the host",
            "declare it __device__ or __constant__, or pass it as an argument",
        )

    def _constant_record(self, definition: Cursor, type_: ctypes.Record) -> Place:
        """A constant record: made anew where it is used."""
        key = (*self.frame.chain, definition.hash)
        place = self.declare(key, type_, definition.spelling)
        value = initialiser_of(definition)
        if value is not None:
            self.initialise(place, value)
        return place

    # ----------------------------------------------------------------------------------- shared

    def shared_variable(self, c: Cursor) -> Memory:
        """A ``__shared__`` variable: one a block, whoever calls the function it is declared in."""
        type_ = self.type(c)
        dynamic = isinstance(type_, ctypes.Array) and type_.count == 0
        name = self.name(("shared", c.hash), c.spelling)
        root = self.roots.setdefault(name, Root(name, "shared", ctypes.unit_of(type_)))
        if name not in self.mems:
            size = None if dynamic else max(type_.size, 1) // root.unit
            dtype = cell_type(root, type_.element if dynamic else type_)  # type: ignore[union-attr]
            self.mems[name] = ir.Mem(name, dtype, "shared", (size,), (1,), loc=self.unit.loc(c))
        return Memory(type_, Pointer(type_, (root,), const(0, int32)))

    # ---------------------------------------------------------------------------------- modules

    def module_variable(self, c: Cursor) -> Memory:
        """A ``__device__`` or ``__constant__`` variable: a buffer that the module owns."""
        type_ = self.type(c)
        name = self.name(("module", c.hash), c.spelling)
        root = self.roots.setdefault(name, Root(name, "global", ctypes.unit_of(type_)))
        if name not in self.mems:
            value = initialiser_of(c)
            if value is not None and initial_bytes(type_, value) is None:
                raise self.unsupported(c, f"the initialiser of '{c.spelling}' is not constant")
            dtype = cell_type(root, type_)
            size = max(type_.size // root.unit, 1)
            self.mems[name] = ir.Mem(name, dtype, "global", (size,), (1,), loc=self.unit.loc(c))
            self.used_globals[name] = c
        return Memory(type_, Pointer(type_, (root,), const(0, root_index(root))))

    used_globals: dict[str, Cursor]

    # ----------------------------------------------------------------------------------- tables

    def constant_table(self, c: Cursor, type_: ctypes.CType, value: Cursor) -> Memory | None:
        """A constant array with constant elements of one type; None if it is none."""
        dtype = ctypes.scalar_in(type_)
        if dtype is None:
            return None
        data = initial_bytes(type_, value)
        if data is None:
            return None
        name = self.name(("table", c.hash), c.spelling if c.spelling.isidentifier() else "text")
        root = self.roots.setdefault(name, Root(name, "const", dtype.itemsize))
        values = tuple(from_bytes(data, dtype))
        self.mems[name] = ir.Mem(
            name, dtype, "const", (len(values),), (1,), values, loc=self.unit.loc(c)
        )
        return Memory(type_, Pointer(type_, (root,), const(0, int32)))

    def _text(self, c: Cursor) -> Memory:
        """A string literal as a constant array of char."""
        type_ = self.type(c)
        assert isinstance(type_, ctypes.Array)
        table = self.constant_table(c, type_, c)
        assert table is not None
        return table


# -------------------------------------------------------------------------------------- helpers


def root_index(root: Root) -> DType:
    return dtypes.int64 if root.space == "global" else int32


def has_attribute(c: Cursor, name: str) -> bool:
    wanted = kind(name)
    return any(child._kind_id == wanted for child in children(c))


def is_module_variable(c: Cursor) -> bool:
    """Whether a variable is ``__device__`` or ``__constant__``, and not a compile-time constant."""
    if c._kind_id != kind("VAR_DECL") or has_attribute(c, "CUDASHARED_ATTR"):
        return False
    return has_attribute(c, "CUDADEVICE_ATTR") or has_attribute(c, "CUDACONSTANT_ATTR")


def is_constexpr(c: Cursor) -> bool:
    return any(token.spelling == "constexpr" for token in c.get_tokens())


def initial_bytes(type_: ctypes.CType, value: Cursor | None) -> bytes | None:
    """An object's bytes from its initialiser; None if that is not constant."""
    data = bytearray(type_.size)
    if value is not None and not _write(data, 0, type_, value):
        return None
    return bytes(data)


def _write(data: bytearray, offset: int, type_: ctypes.CType, value: Cursor) -> bool:
    while value._kind_id == kind("UNEXPOSED_EXPR") and isinstance(
        type_, (ctypes.Array, ctypes.Record)
    ):
        inner = children(value)
        if len(inner) != 1:
            return False
        value = inner[0]
    if isinstance(type_, ctypes.Scalar):
        return _write_scalar(data, offset, type_.dtype, value)
    if isinstance(type_, ctypes.Array) and value._kind_id == kind("STRING_LITERAL"):
        raw = literal_bytes(value)
        data[offset : offset + min(len(raw), type_.size)] = raw[: type_.size]
        return True
    if value._kind_id == kind("CALL_EXPR"):
        return _write_constructed(data, offset, type_, value)
    if value._kind_id != kind("INIT_LIST_EXPR"):
        return False
    items = expressions(value)
    if not _write_defaults(data, offset, type_):
        return False
    if any(designated(x) is not None for x in items):
        return all(
            path is not None and _write_at(data, offset, type_, path, x)
            for path, x in designations(type_, items)
        )
    slots = list(_slots(type_))
    if any(
        isinstance(part, (ctypes.Array, ctypes.Record)) and x._kind_id != kind("INIT_LIST_EXPR")
        for (_, part), x in zip(slots, items, strict=False)
    ):
        slots = [(leaf.offset, leaf.type) for leaf in ctypes.leaves(type_)]  # braces left out
    return len(items) <= len(slots) and all(
        _write(data, offset + at, part, x) for (at, part), x in zip(slots, items, strict=False)
    )


def _write_defaults(data: bytearray, offset: int, type_: ctypes.CType) -> bool:
    """Writes the default values of a record's members, and those of the elements of an array."""
    if isinstance(type_, ctypes.Array):
        return _write_defaults(data, offset, type_.element) and _repeat(data, offset, type_)
    if not isinstance(type_, ctypes.Record) or type_.is_union:
        return True
    values = {x.spelling: initialiser_of(x) for x in members(type_.cursor)}
    for part in type_.fields:
        value = values.get(part.name)
        at = offset + part.offset
        if not _write_defaults(data, at, part.type):
            return False
        if value is not None and not _write(data, at, part.type, value):
            return False
    return True


def _repeat(data: bytearray, offset: int, type_: ctypes.Array) -> bool:
    """Copies an array's first element to the others."""
    size = type_.element.size
    data[offset : offset + type_.size] = data[offset : offset + size] * type_.count
    return True


def _write_constructed(data: bytearray, offset: int, type_: ctypes.CType, call: Cursor) -> bool:
    """Writes what a constructor gives, if its members' initialisers are constants or arguments."""
    if isinstance(type_, ctypes.Array):
        element = type_.element
        return _write_constructed(data, offset, element, call) and _repeat(data, offset, type_)
    constructor = call.referenced
    if constructor is None or not isinstance(type_, ctypes.Record):
        return False
    if not _write_defaults(data, offset, type_):
        return False
    definition, arguments = defined(constructor), list(call.get_arguments())
    if definition is None or is_trivial(constructor):
        return not arguments
    if children(body_of(definition)) or list(type_.bases):
        return False
    given: dict[int, Cursor | None] = {}
    for i, parameter in enumerate(definition.get_arguments()):
        written = arguments[i] if i < len(arguments) and not is_default(arguments[i]) else None
        given[parameter.hash] = written or default_of(parameter)
    name = ""
    for x in children(definition):
        if x._kind_id == kind("MEMBER_REF"):
            name = x.spelling
        elif name and is_expression(x):
            part, value = type_.by_name[name], _argument(x, given)
            if value is None or not _write(data, offset + part.offset, part.type, value):
                return False
            name = ""
    return True


def _argument(value: Cursor, given: dict[int, Cursor | None]) -> Cursor | None:
    """An expression, or the argument that it is the parameter of."""
    inner = value
    while inner._kind_id == kind("UNEXPOSED_EXPR") and len(children(inner)) == 1:
        inner = children(inner)[0]
    if inner._kind_id != kind("DECL_REF_EXPR") or inner.referenced is None:
        return value
    return given.get(inner.referenced.hash, value)


def _write_at(
    data: bytearray, offset: int, type_: ctypes.CType, path: tuple[str, ...], value: Cursor
) -> bool:
    """Writes a part of an object, which designators name."""
    for name in path:
        if isinstance(type_, ctypes.Array):
            offset, type_ = offset + int(name) * type_.element.size, type_.element
        elif isinstance(type_, ctypes.Record) and name in type_.by_name:
            part = type_.by_name[name]
            offset, type_ = offset + part.offset, part.type
        else:
            return False
    return _write(data, offset, type_, value)


def _slots(type_: ctypes.CType) -> Iterator[tuple[int, ctypes.CType]]:
    if isinstance(type_, ctypes.Array):
        for i in range(type_.count):
            yield i * type_.element.size, type_.element
    elif isinstance(type_, ctypes.Record):
        for part in type_.fields:
            yield part.offset, part.type


def _write_scalar(data: bytearray, offset: int, dtype: DType, value: Cursor) -> bool:
    while value._kind_id == kind("INIT_LIST_EXPR"):
        inner = children(value)
        if not inner:
            return True
        value = inner[0]
    number = evaluate(value)
    if number is None or isinstance(number, str):
        return False
    data[offset : offset + dtype.itemsize] = to_bytes(number, dtype)
    return True


def literal_bytes(c: Cursor) -> bytes:
    """The characters of a string literal."""
    try:
        found = ast.literal_eval("b" + c.spelling)
    except (SyntaxError, ValueError):
        text = evaluate(c)
        return text.encode() if isinstance(text, str) else b""
    return bytes(found)


def to_bytes(number: float, dtype: DType) -> bytes:
    """A number's bytes as ``dtype``."""
    if dtype is dtypes.bfloat16:
        bits = struct.unpack("<I", struct.pack("<f", rounded(float(number), dtype)))[0]
        return struct.pack("<H", bits >> 16)
    if dtype.is_float:
        return np.array(float(number), dtype.name).tobytes()
    if dtype.is_bool:
        return bytes([bool(number)])
    return (int(number) & ((1 << dtype.bits) - 1)).to_bytes(dtype.itemsize, "little")


def from_bytes(data: bytes, dtype: DType) -> Iterator[int | float | bool]:
    """The numbers of ``dtype`` in bytes."""
    if dtype is dtypes.bfloat16:
        wide = np.frombuffer(data, np.uint16).astype(np.uint32) << 16
        yield from wide.view(np.float32).tolist()
    else:
        yield from np.frombuffer(data, dtype.name).tolist()


__all__ = ["Constant", "Globals", "has_attribute", "initial_bytes", "is_module_variable"]
