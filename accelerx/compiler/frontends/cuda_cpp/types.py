"""C++ types as the lifter sees them: sizes and layout as on the device (LP64, C layout)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from accelerx import dtypes
from accelerx.compiler.frontends.cuda_cpp.clang import ClangType, Cursor, bases, cindex, hides
from accelerx.dtypes import DType

POINTER_SIZE = 8


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number, bool or enumeration."""

    dtype: DType

    @property
    def size(self) -> int:
        return self.dtype.itemsize

    def __str__(self) -> str:
        return self.dtype.cuda


@dataclass(frozen=True, slots=True, eq=False)
class Pointer:
    """A pointer; what it points to is looked up when asked, since records point to themselves."""

    clang: ClangType
    types: Types | None
    to: CType | None = None
    to_const: bool = False
    size: int = POINTER_SIZE

    @property
    def pointee(self) -> CType:
        if self.to is not None:
            return self.to
        assert self.types is not None
        return self.types.of(self.clang.get_pointee())

    @property
    def is_const(self) -> bool:
        return self.to_const if self.to is not None else is_const(self.clang.get_pointee())

    def __str__(self) -> str:
        return f"{self.to} *" if self.to is not None else str(self.clang.spelling)


@dataclass(frozen=True, slots=True)
class Reference:
    """An lvalue or rvalue reference."""

    referee: CType
    size: int = POINTER_SIZE


@dataclass(frozen=True, slots=True)
class Array:
    """An array of known length; 0 for one of unknown length (``extern __shared__ T x[]``)."""

    element: CType
    count: int

    @property
    def size(self) -> int:
        return self.element.size * self.count

    def __str__(self) -> str:
        return f"{self.element}[{self.count or ''}]"


@dataclass(frozen=True, slots=True)
class Field:
    """A member, or a base class, of a record.

    Attributes:
        name: The member's name; of a base class ``"<base>"`` and its name.
        type: Its type.
        offset: Bytes from the record's start.
    """

    name: str
    type: CType
    offset: int


@dataclass(slots=True, eq=False)
class Record:
    """A struct, class, union or closure type.

    Attributes:
        name: Its canonical spelling.
        cursor: Its declaration.
        size: Bytes.
        fields: Bases first, then members, in order.
        is_union: Whether all members begin at offset 0.
    """

    name: str
    cursor: Cursor
    size: int
    fields: tuple[Field, ...] = ()
    is_union: bool = False
    by_name: dict[str, Field] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name

    @property
    def bases(self) -> Iterator[Field]:
        return (f for f in self.fields if f.name.startswith("<base>"))


@dataclass(frozen=True, slots=True)
class Void:
    """``void``, and what kernels never hold: functions and the like."""

    spelling: str = "void"
    size: int = 1

    def __str__(self) -> str:
        return self.spelling


def pointer_to(type_: CType, *, to_const: bool = False) -> Pointer:
    """The type of pointers to ``type_``."""
    return Pointer(None, None, type_, to_const)


def is_const(clang: ClangType) -> bool:
    """Whether a type, or an array's element type, is const."""
    canonical = clang.get_canonical()
    while canonical.kind.name in ("CONSTANTARRAY", "INCOMPLETEARRAY"):
        if canonical.is_const_qualified():  # libclang puts it on the array or on the element
            return True
        canonical = canonical.element_type
    return bool(canonical.is_const_qualified())


CType = Scalar | Pointer | Reference | Array | Record | Void


@dataclass(frozen=True, slots=True)
class Leaf:
    """A scalar or pointer inside a type: where it lies and how it is reached."""

    path: tuple[str, ...]
    type: Scalar | Pointer
    offset: int


def leaves(type_: CType, path: tuple[str, ...] = (), offset: int = 0) -> Iterator[Leaf]:
    """All scalars and pointers inside a type, in memory order (of a union: of all its members)."""
    match type_:
        case Scalar() | Pointer():
            yield Leaf(path, type_, offset)
        case Reference():
            yield from ()
        case Array():
            for i in range(type_.count):
                at = offset + i * type_.element.size
                yield from leaves(type_.element, (*path, str(i)), at)
        case Record():
            for part in type_.fields:
                yield from leaves(part.type, (*path, part.name), offset + part.offset)


def overlapping(
    type_: CType, start: int, stop: int, path: tuple[str, ...] = (), offset: int = 0
) -> Iterator[Leaf]:
    """The leaves of a type that have a byte between ``start`` and ``stop``."""
    if offset >= stop or offset + type_.size <= start:
        return
    match type_:
        case Array():
            size = max(type_.element.size, 1)
            first = max(start - offset, 0) // size
            last = min(-(-(stop - offset) // size), type_.count)
            for i in range(first, last):
                yield from overlapping(
                    type_.element, start, stop, (*path, str(i)), offset + i * size
                )
        case Record():
            for part in type_.fields:
                at = offset + part.offset
                yield from overlapping(part.type, start, stop, (*path, part.name), at)
        case _:
            yield from leaves(type_, path, offset)


def unit_of(type_: CType) -> int:
    """The largest number of bytes that divides every scalar's place and size in a type."""
    match type_:
        case Scalar() | Pointer():
            return type_.size
        case Array():
            return unit_of(type_.element)
        case Record():
            parts = [math.gcd(part.offset, unit_of(part.type)) for part in type_.fields]
            return math.gcd(type_.size, *parts) if parts else 1
        case _:
            return 1


def scalar_in(type_: CType) -> DType | None:
    """The dtype if all leaves are scalars of one dtype, as in ``float4``; else None."""
    found = kinds_in(type_)
    return next(iter(found)) if len(found) == 1 else None


def holds_pointers(type_: CType) -> bool:
    """Whether an object of a type holds a pointer."""
    return None in kinds_in(type_)


def kinds_in(type_: CType) -> set[DType | None]:
    """The dtypes of all leaves of a type; None stands for pointers."""
    match type_:
        case Scalar():
            return {type_.dtype}
        case Pointer():
            return {None}
        case Array():
            return kinds_in(type_.element) if type_.count else set()
        case Record():
            return {kind for part in type_.fields for kind in kinds_in(part.type)}
        case _:
            return set()


def count_of(type_: CType) -> int:
    """How many leaves a type has."""
    match type_:
        case Scalar() | Pointer():
            return 1
        case Array():
            return type_.count * count_of(type_.element)
        case Record():
            return sum(count_of(part.type) for part in type_.fields)
        case _:
            return 0


def same(a: CType, b: CType) -> bool:
    """Whether two types are one, ``const`` aside."""
    match a, b:
        case Record(), Record():
            return a.name == b.name
        case Array(), Array():
            return a.count == b.count and same(a.element, b.element)
        case Pointer(), Pointer():
            return same(a.pointee, b.pointee)
        case Scalar(), Scalar():
            return a.dtype is b.dtype
        case _:
            return type(a) is type(b)


_SCALARS = {
    "BOOL": dtypes.bool_,
    "CHAR_U": dtypes.uint8,
    "UCHAR": dtypes.uint8,
    "CHAR_S": dtypes.int8,
    "SCHAR": dtypes.int8,
    "USHORT": dtypes.uint16,
    "CHAR16": dtypes.uint16,
    "SHORT": dtypes.int16,
    "UINT": dtypes.uint32,
    "CHAR32": dtypes.uint32,
    "INT": dtypes.int32,
    "WCHAR": dtypes.int32,
    "ULONG": dtypes.uint64,
    "ULONGLONG": dtypes.uint64,
    "LONG": dtypes.int64,
    "LONGLONG": dtypes.int64,
    "HALF": dtypes.float16,
    "FLOAT16": dtypes.float16,
    "BFLOAT16": dtypes.bfloat16,
    "FLOAT": dtypes.float32,
    "DOUBLE": dtypes.float64,
}


def start_of(record: Record) -> int:
    """The byte at which the first member of a record begins; its size if it has none."""
    sized = record.size if record.size > 1 else 0
    return min((part.offset for part in record.fields), default=sized)


class UnknownTypeError(Exception):
    """A type that kernels cannot hold; the text is its spelling."""


class Types:
    """Translates libclang's types, each once."""

    def __init__(self) -> None:
        self._known: dict[Any, CType] = {}
        kinds = cindex().TypeKind
        self._scalars = {
            getattr(kinds, name).value: Scalar(row)
            for name, row in _SCALARS.items()
            if hasattr(kinds, name)
        }
        self._arrays = {kinds.CONSTANTARRAY.value, kinds.INCOMPLETEARRAY.value}
        self._references = {kinds.LVALUEREFERENCE.value, kinds.RVALUEREFERENCE.value}
        self._pointer = kinds.POINTER.value
        self._unexposed = kinds.UNEXPOSED.value
        self._record = kinds.RECORD.value
        self._enum = kinds.ENUM.value
        self._nothing = {kinds.VOID.value, kinds.FUNCTIONPROTO.value, kinds.FUNCTIONNOPROTO.value}
        self._nullptr = kinds.NULLPTR.value

    def of(self, clang: ClangType) -> CType:
        """The type for libclang's.

        Raises:
            UnknownTypeError: if kernels cannot hold such a value.
        """
        scalar = self._scalars.get(clang._kind_id)
        if scalar is not None:
            return scalar
        canonical = clang.get_canonical()
        number = canonical._kind_id
        scalar = self._scalars.get(number)
        if scalar is not None:
            return scalar
        if number == self._unexposed and canonical.spelling.endswith("__bf16"):
            return Scalar(dtypes.bfloat16)  # libclang has no kind for it
        if number == self._pointer:
            return Pointer(canonical, self)
        if number == self._nullptr:
            return pointer_to(Void("void"))
        if number in self._references:
            return Reference(self.of(canonical.get_pointee()))
        if number in self._arrays:
            count = canonical.element_count if number != self._incomplete() else 0
            return Array(self.of(canonical.element_type), max(count, 0))
        if number == self._record:
            return self._of_record(canonical)
        if number == self._enum:
            return self.of(canonical.get_declaration().enum_type)
        if number in self._nothing:
            return Void(canonical.spelling)
        raise UnknownTypeError(canonical.spelling)

    def _incomplete(self) -> int:
        return int(cindex().TypeKind.INCOMPLETEARRAY.value)

    def _of_record(self, clang: ClangType) -> Record:
        cursor = clang.get_declaration()
        key = (cursor.hash, clang.spelling.removeprefix("const ").removeprefix("volatile "))
        found = self._known.get(key)
        if isinstance(found, Record):
            return found
        size = clang.get_size()
        if size < 0:
            raise UnknownTypeError(clang.spelling)
        record = Record(key[1], cursor, size)
        self._known[key] = record
        is_union = cursor._kind_id == cindex().CursorKind.UNION_DECL.value
        record.is_union = is_union
        record.fields = (*self._bases(cursor), *self._members(clang))
        if hides(cursor, "CXX_BASE_SPECIFIER") and start_of(record) > 0:
            raise UnknownTypeError(f"{key[1]} (its base classes need libclang 20 or newer)")
        record.by_name = {part.name: part for part in record.fields}
        return record

    def _bases(self, cursor: Cursor) -> Iterator[Field]:
        end = 0
        for specifier in bases(cursor):
            base = self.of(specifier.type)
            assert isinstance(base, Record)
            if not base.fields:  # an empty base takes no room
                yield Field(f"<base>{base.name}", base, 0)
                continue
            align = max(specifier.type.get_canonical().get_align(), 1)
            start = -(-end // align) * align
            if hasattr(specifier, "get_base_offsetof"):
                start = specifier.get_base_offsetof(cursor) // 8
            yield Field(f"<base>{base.name}", base, start)
            end = start + base.size

    def _members(self, clang: ClangType) -> Iterator[Field]:
        for number, member in enumerate(clang.get_fields()):
            if member.is_bitfield():
                raise UnknownTypeError(
                    f"{clang.spelling} (its member {member.spelling} is a bit-field)"
                )
            name = member.spelling if member.spelling.isidentifier() else f"<anonymous>{number}"
            offset = member.get_field_offsetof()
            if offset < 0:
                raise UnknownTypeError(clang.spelling)
            yield Field(name, self.of(member.type), offset // 8)
