"""What expressions are while a kernel is lifted: places, pointers, records, functions.

A C++ object either lives in KIR locals (a Variable for a scalar, a PointerVariable for a pointer, an
Object for a record) or in a KIR array (Memory). Everything is inlined, so each pointer's targets are
known: it is a set of roots, an index, and, if there are several roots, a tag that says which.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from accelerx.compiler import ir
from accelerx.compiler.frontends.cuda_cpp import types as ctypes
from accelerx.compiler.frontends.cuda_cpp.clang import Cursor
from accelerx.dtypes import DType


@dataclass(slots=True, eq=False)
class Root:
    """A KIR array that pointers may point into.

    Attributes:
        mem: The root Mem's name.
        space: Where it lies.
        unit: Bytes that an index counts: the root Mem's item size. A pass that needs a finer one
            refines it and is repeated.
    """

    mem: str
    space: ir.Space
    unit: int


@dataclass(slots=True, eq=False)
class Variable:
    """A scalar in a KIR local."""

    type: ctypes.Scalar
    name: str


@dataclass(slots=True, eq=False)
class Object:
    """A record, or a small array inside one, in KIR locals: its parts by field name or number."""

    type: ctypes.Record | ctypes.Array
    parts: dict[str, Place]


@dataclass(slots=True, eq=False)
class Memory:
    """An object of any type in a KIR array: at ``index`` units of the pointer's root.

    ``pointer`` says which root, or which of several.
    """

    type: ctypes.CType
    pointer: Pointer


@dataclass(slots=True, eq=False)
class Temporary:
    """A scalar or pointer value where a place is wanted: a constant reference's target."""

    type: ctypes.CType
    value: Value


@dataclass(frozen=True, slots=True, eq=False)
class PlaceRoot:
    """An object in KIR locals that a pointer points to; such a pointer's index counts bytes."""

    place: Place


@dataclass(slots=True, eq=False)
class Bits:
    """Bytes of an object in KIR locals, read or written as another type.

    Attributes:
        type: What they are read as.
        place: The object.
        offset: The first byte.
    """

    type: ctypes.CType
    place: Place
    offset: int


@dataclass(slots=True, eq=False)
class Function:
    """A function as a value: a callee, or what a function pointer points to; or a lambda as one."""

    cursor: Cursor
    closure: Closure | None = None


Target = Root | PlaceRoot | Function | None  # None: the null pointer


@dataclass(slots=True, eq=False)
class Pointer:
    """A pointer's value.

    Attributes:
        pointee: What it points to.
        targets: What it may point into; index i for tag i.
        index: Units from the root's element 0, an integer expression (units of all roots agree).
        tag: Which target (i32); None if there is one.
    """

    pointee: ctypes.CType
    targets: tuple[Target, ...]
    index: ir.Expr
    tag: ir.Expr | None = None


@dataclass(slots=True, eq=False)
class PointerVariable:
    """A pointer in KIR locals.

    Attributes:
        type: Its type.
        key: Names it across passes: what it may point to is found by repeated passes.
        name: Stem of the locals ``name`` (index) and ``name.tag``.
    """

    type: ctypes.Pointer
    key: tuple[object, ...]
    name: str


@dataclass(slots=True, eq=False)
class Closure:
    """A lambda: its expression and what its captures stand for.

    Attributes:
        cursor: The LAMBDA_EXPR.
        bindings: Places of the captured variables, by declaration.
        this: The captured object, if any.
        changing: What a mutable lambda has copies of, by declaration, with a name for a further one.
    """

    cursor: Cursor
    bindings: dict[int, Binding]
    this: Place | None
    changing: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Nothing:
    """The value of a call to a function that returns nothing."""


Place = Variable | Object | Memory | PointerVariable | Temporary | Closure | Bits
Value = ir.Expr | Pointer | Object | Memory | Bits | Closure | Function | Nothing
Binding = Place | Function


def place_type(place: Place) -> ctypes.CType | None:
    """The C type of a place; None for a lambda's."""
    return None if isinstance(place, Closure) else place.type


def const(value: int | float | bool, dtype: DType) -> ir.Const:
    """A constant."""
    return ir.Const(value, dtype)
