"""Explicit signatures: ``"void(float32[:, ::1], int32)"``, tuples of types, numba's type objects.

Types are read by what they are called: any object that numba would take as a type (its own
``float32[:]``, a NumPy dtype, ours) names the same kernel type here, and numba itself is not needed.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from accelerx import dtypes
from accelerx.compiler.types import ArrayType, ScalarType, TupleType
from accelerx.dtypes import DType
from accelerx.errors import ArgumentTypeError, UnsupportedError

Type = ArrayType | ScalarType | TupleType

_ALIASES: dict[str, str] = {
    "boolean": "bool", "bool": "bool", "bool_": "bool", "b1": "bool", "byte": "uint8",
    "char": "int8", "uchar": "uint8", "short": "int16", "ushort": "uint16", "int_": "int64",
    "uint": "uint64", "intc": "int32", "uintc": "uint32", "long": "int64", "ulong": "uint64",
    "long_": "int64", "longlong": "int64", "ulonglong": "uint64", "intp": "int64",
    "uintp": "uint64", "ssize_t": "int64", "size_t": "uint64", "int": "int64", "float": "float64",
    "float_": "float32", "double": "float64", "half": "float16",
    "i1": "int8", "i2": "int16", "i4": "int32", "i8": "int64", "u1": "uint8", "u2": "uint16",
    "u4": "uint32", "u8": "uint64", "f2": "float16", "f4": "float32", "f8": "float64",
}  # fmt: skip
_NOTHING = frozenset({"void", "none", "None"})


@dataclass(frozen=True, slots=True)
class NamedType:
    """A dtype's name for use in signatures and kernels: ``float32``, ``float32[:, ::1]``.

    In a kernel, ``float32(x)`` converts; on the host it makes a NumPy scalar, or, given types, a
    signature.
    """

    row: DType

    @property
    def kernel_type(self) -> DType:
        """What the front end takes the name for, inside a kernel."""
        return self.row

    @property
    def dtype(self) -> DType:
        return self.row

    @property
    def __name__(self) -> str:
        return self.row.name

    def __getitem__(self, axes: Any) -> ArrayType:
        return array_type(self.row, axes)

    def __call__(self, *values: Any) -> Any:
        if not values or any(is_type(value) for value in values):
            return Signature(tuple(as_type(value) for value in values), self.row)
        (value,) = values
        return self.row.numpy.type(value)

    def __str__(self) -> str:
        return self.row.name

    def __repr__(self) -> str:
        return self.row.name


@dataclass(frozen=True, slots=True)
class Signature:
    """Argument types of a kernel, and the type a device function gives back."""

    args: tuple[Type, ...]
    return_type: DType | None = None

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.args))})"


class Void:
    """The return type of kernels in signatures: ``void(float32[:], int32)``."""

    def __call__(self, *types: Any) -> Signature:
        return Signature(tuple(as_type(t) for t in types))

    def __repr__(self) -> str:
        return "void"


void = Void()


def is_type(obj: Any) -> bool:
    """Whether an object names a kernel type."""
    if isinstance(obj, (ArrayType, ScalarType, TupleType, NamedType, DType, np.dtype)):
        return True
    if isinstance(obj, type):
        return issubclass(obj, np.generic) or obj in (bool, int, float)
    return type(obj).__module__.startswith("numba.")


def as_type(spec: Any) -> Type:
    """The kernel type that an object or a string names.

    Raises:
        UnsupportedError: if it names none that accelerx has.
    """
    if isinstance(spec, (ArrayType, ScalarType, TupleType)):
        return spec
    if isinstance(spec, NamedType):
        return ScalarType(spec.row)
    if isinstance(spec, str):
        return _Reader(spec).type(_parse(spec))
    if isinstance(spec, tuple):
        return TupleType(tuple(as_type(item) for item in spec))
    if isinstance(spec, DType):
        return ScalarType(spec)
    if all(hasattr(spec, name) for name in ("ndim", "layout", "dtype")) and not _is_numpy(spec):
        row = _row(str(spec.dtype))
        return ArrayType(row, spec.ndim, spec.layout, bool(getattr(spec, "mutable", True)))
    if _is_numpy(spec) or spec in (bool, int, float):
        return ScalarType(dtypes.from_numpy(spec))
    if hasattr(spec, "types"):  # numba's tuple types
        return TupleType(tuple(as_type(item) for item in spec.types))
    if hasattr(spec, "dtype") and hasattr(spec, "count"):
        return TupleType((as_type(spec.dtype),) * spec.count)
    return ScalarType(_row(str(spec)))


def signatures(spec: Any) -> tuple[Signature, ...]:
    """All signatures that ``jit``'s first argument names: one, or a list of them.

    Raises:
        UnsupportedError: if a part of it names no type.
    """
    if isinstance(spec, list):
        return tuple(one for part in spec for one in signatures(part))
    if isinstance(spec, Signature):
        return (spec,)
    if isinstance(spec, str):
        return (_Reader(spec).signature(_parse(spec)),)
    if isinstance(spec, tuple):
        return (Signature(tuple(as_type(item) for item in spec)),)
    if hasattr(spec, "args") and hasattr(spec, "return_type"):  # numba's signature object
        return (Signature(tuple(as_type(item) for item in spec.args)),)
    raise UnsupportedError(
        f"{spec!r} is not a signature; write a string such as 'void(float32[:], int32)', a tuple of "
        "types, or a list of these"
    )


def array_type(row: DType, axes: Any) -> ArrayType:
    """The type that ``dtype[axes]`` means: a slice for each axis, ``::1`` for contiguous ones."""
    parts: Sequence[Any] = axes if isinstance(axes, tuple) else (axes,)
    if not parts or not all(isinstance(part, slice) for part in parts):
        raise UnsupportedError(f"{row.name}[...] takes one slice for each axis, as in [:, ::1]")
    layout = "C" if parts[-1].step == 1 else "F" if parts[0].step == 1 else "A"
    return ArrayType(row, len(parts), cast(Any, layout))


def _is_numpy(spec: Any) -> bool:
    return isinstance(spec, np.dtype) or (isinstance(spec, type) and issubclass(spec, np.generic))


def _row(name: str) -> DType:
    full = _ALIASES.get(name, name)
    try:
        return dtypes.from_numpy(full)
    except TypeError as e:
        raise UnsupportedError(f"{name!r} is not the name of a type accelerx has") from e


def _parse(text: str) -> ast.expr:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except SyntaxError as e:
        raise UnsupportedError(f"cannot read the signature {text!r}: {e.msg}") from e


class _Reader:
    """Reads the syntax tree of one signature string."""

    def __init__(self, text: str) -> None:
        self.text = text

    def signature(self, node: ast.expr) -> Signature:
        match node:
            case ast.Call(func=result, args=args):
                name = getattr(result, "attr", getattr(result, "id", ""))
                returned = None if name in _NOTHING else _row(name)
                return Signature(tuple(self.type(a) for a in args), returned)
            case ast.Tuple(elts=items):
                return Signature(tuple(self.type(item) for item in items))
            case _:
                return Signature((self.type(node),))

    def type(self, node: ast.expr) -> Type:
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                return ScalarType(_row(name))
            case ast.Constant(value=str(text)):
                return as_type(text)
            case ast.Subscript(value=element, slice=axes):
                inner = self.type(element)
                if isinstance(inner, ScalarType):
                    return array_type(inner.dtype, self.axes(axes))
            case ast.Tuple(elts=items):
                return TupleType(tuple(self.type(item) for item in items))
            case ast.Call(func=ast.Name(id="Tuple"), args=[ast.Tuple() | ast.List() as items]):
                return TupleType(tuple(self.type(item) for item in items.elts))
            case ast.Call(
                func=ast.Name(id="UniTuple"), args=[item, ast.Constant(value=int(count))]
            ):
                return TupleType((self.type(item),) * count)
            case _:
                pass
        raise UnsupportedError(
            f"the signature {self.text!r} holds {ast.unparse(node)!r}, which names no type; write "
            "types as float32, int64, float32[:, ::1]"
        )

    def axes(self, node: ast.expr) -> tuple[slice, ...]:
        parts = node.elts if isinstance(node, ast.Tuple) else [node]
        return tuple(self.axis(part) for part in parts)

    def axis(self, node: ast.expr) -> slice:
        match node:
            case ast.Slice(lower=None, upper=None, step=None):
                return slice(None)
            case ast.Slice(lower=None, upper=None, step=ast.Constant(value=1)):
                return slice(None, None, 1)
        raise UnsupportedError(
            f"the signature {self.text!r} has an axis {ast.unparse(node)!r}; axes are : or ::1"
        )


# --------------------------------------------------------------------------------- resolution

_EXACT, _PROMOTED, _SAFE, _LOSSY = range(4)


def resolve(name: str, declared: Sequence[Signature], given: tuple[Type, ...]) -> tuple[Type, ...]:
    """The types to compile for: those of the declared signature that suits the given types best.

    Raises:
        ArgumentTypeError: if none suits, or two suit alike.
    """
    costs = [(cost, s) for s in declared if (cost := _cost(given, s.args)) is not None]
    if not costs:
        wanted = " or ".join(map(str, declared))
        raise ArgumentTypeError(
            f"{name} is declared for {wanted}; it was given ({', '.join(map(str, given))})"
        )
    best = min(cost for cost, _ in costs)
    chosen = [signature for cost, signature in costs if cost == best]
    if len(chosen) > 1:
        raise ArgumentTypeError(
            f"Ambiguous overloading for {name} ({', '.join(map(str, given))}):\n"
            + "\n".join(map(str, chosen))
            + "\nconvert an argument, e.g. with numpy.float32(x)"
        )
    pairs = zip(given, chosen[0].args, strict=True)
    return tuple(_adapted(g, d) for g, d in pairs)


def _cost(given: tuple[Type, ...], declared: tuple[Type, ...]) -> tuple[int, int] | None:
    """The worst conversion and how many there are of it; None if one is impossible."""
    if len(given) != len(declared):
        return None
    costs = [_conversion(g, d) for g, d in zip(given, declared, strict=True)]
    if any(cost is None for cost in costs):
        return None
    worst = max((cost for cost in costs if cost is not None), default=_EXACT)
    return worst, costs.count(worst)


def _conversion(given: Type, declared: Type) -> int | None:
    match given, declared:
        case ArrayType(), ArrayType():
            same = given.dtype is declared.dtype and given.ndim == declared.ndim
            fits = declared.layout in ("A", given.layout) or given.ndim == 0
            return _EXACT if same and fits else None
        case ScalarType(), ScalarType():
            if given.dtype is declared.dtype:
                return _EXACT
            if given.dtype.is_float and not declared.dtype.is_float:
                return None
            if not np.can_cast(_numpy_name(given.dtype), _numpy_name(declared.dtype), "safe"):
                return _LOSSY
            return _PROMOTED if given.dtype.kind == declared.dtype.kind else _SAFE
        case TupleType(), TupleType():
            inner = _cost(given.items, declared.items)
            return None if inner is None else inner[0]
    return None


def _numpy_name(row: DType) -> str:
    """bfloat16 converts as float32 does, and NumPy need not know it."""
    return "float32" if row is dtypes.bfloat16 else row.name


def _adapted(given: Type, declared: Type) -> Type:
    """The declared type with what only the argument knows: an array's layout and writability."""
    if isinstance(given, TupleType) and isinstance(declared, TupleType):
        pairs = zip(given.items, declared.items, strict=True)
        return TupleType(tuple(_adapted(g, d) for g, d in pairs), given.names)
    return given if isinstance(given, ArrayType) else declared
