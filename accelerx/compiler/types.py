"""Types of launch arguments: what a kernel is specialised on, and the parameters they become."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from accelerx import dtypes
from accelerx.dtypes import DType

if TYPE_CHECKING:
    from accelerx.compiler import ir

Layout = Literal["C", "F", "A"]


@dataclass(frozen=True, slots=True)
class ArrayType:
    """An array argument.

    Attributes:
        dtype: Element type.
        ndim: Number of axes; the extents stay dynamic.
        layout: ``C``: the last axis has stride 1, ``F``: the first has, ``A``: any strides.
        writable: Whether the kernel may store to it.
    """

    dtype: DType
    ndim: int
    layout: Layout = "C"
    writable: bool = True

    def __str__(self) -> str:
        const = "" if self.writable else ", readonly"
        return f"array({self.dtype.name}, {self.ndim}d, {self.layout}{const})"

    @property
    def fixed_axis(self) -> int:
        """The axis whose stride the layout fixes to 1; -1 if none."""
        if self.ndim == 0 or self.layout == "A":
            return -1
        return self.ndim - 1 if self.layout == "C" else 0


@dataclass(frozen=True, slots=True)
class ScalarType:
    """A number argument; ``weak`` if it was a Python number, which adapts to other operands."""

    dtype: DType
    weak: bool = False

    def __str__(self) -> str:
        return ("weak " if self.weak else "") + self.dtype.name


@dataclass(frozen=True, slots=True)
class TupleType:
    """A tuple of arguments; it reaches the kernel as its items. ``names`` are a named one's fields."""

    items: tuple[ArgumentType, ...]
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "(" + ", ".join(map(str, self.items)) + ("," if len(self.items) == 1 else "") + ")"


ArgumentType = ArrayType | ScalarType | TupleType


def flatten(types: Sequence[ArgumentType]) -> Iterator[ArrayType | ScalarType]:
    """The arrays and scalars in ``types``, tuples opened, in launch order."""
    for type_ in types:
        if isinstance(type_, TupleType):
            yield from flatten(type_.items)
        else:
            yield type_


def _ir() -> Any:
    """KIR's many classes, imported when a kernel is lifted and not with ``import accelerx``."""
    return importlib.import_module("accelerx.compiler.ir")


def stored(dtype: DType) -> DType:
    """The KIR type an array is declared with: complex numbers are floats, records bytes."""
    if not dtype.is_opaque:
        return dtype
    if dtype.numpy.kind == "c":
        return dtypes.float32 if dtype.itemsize == 8 else dtypes.float64
    return dtypes.uint8


def parameters(name: str, type_: ArrayType | ScalarType, argument: int) -> list[ir.Param]:
    """The KIR parameters of one flattened argument: the buffer, its extents, its open strides."""
    param = _ir().Param
    if isinstance(type_, ScalarType):
        return [param(name, "scalar", type_.dtype, argument)]
    params: list[ir.Param] = [param(name, "buffer", stored(type_.dtype), argument)]
    for axis in range(type_.ndim):
        params.append(param(f"{name}.shape{axis}", "extent", dtypes.int64, argument, axis))
    for axis in range(type_.ndim):
        if axis != type_.fixed_axis:
            params.append(param(f"{name}.stride{axis}", "stride", dtypes.int64, argument, axis))
    return params


def memory(name: str, type_: ArrayType) -> ir.Mem:
    """The global array of an array argument named ``name``; one without axes gets one of extent 1."""
    make = _ir().Mem
    if type_.ndim == 0:
        single: ir.Mem = make(name, type_.dtype, "global", (1,), (1,))
        return single

    def ref(part: str) -> Any:
        return _ir().ParamRef(f"{name}.{part}", dtypes.int64)

    axes = range(type_.ndim)
    shape = tuple(ref(f"shape{axis}") for axis in axes)
    strides = tuple(1 if axis == type_.fixed_axis else ref(f"stride{axis}") for axis in axes)
    mem: ir.Mem = make(name, type_.dtype, "global", shape, strides)
    return mem
