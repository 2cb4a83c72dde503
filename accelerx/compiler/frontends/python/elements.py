"""Arrays whose elements KIR does not have, complex numbers and records, in terms of those it has.

Such an array keeps its own axes, which indexing goes by; where an element lies is one of three ways:

* ``Pair``: an array of complex numbers is one of floats with an axis of two more.
* ``Packed``: records as NumPy lays them out, in the bytes of an argument or of dynamic shared memory.
  A field is reached through a view of these bytes. So is what ``array.view(dtype)`` gives.
* ``Columns``: records that the kernel declares itself have an array for each field.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd, prod
from typing import Any, NamedTuple

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.dtypes import DType, float32, float64, uint8
from accelerx.errors import UnsupportedError

Strides = tuple["int | ir.Expr", ...]


@dataclass(slots=True, eq=False, kw_only=True)
class Pair(ir.Mem):
    """Complex numbers; ``parts`` is the array of floats, its last axis real and imaginary part."""

    parts: ir.Mem


@dataclass(slots=True, eq=False, kw_only=True)
class Packed(ir.Mem):
    """Elements in the bytes of the array ``root``.

    An element is ``offset + sum(index * stride * scale)`` bytes behind the root's first one, with one
    stride and one scale for each axis.
    """

    root: str
    offset: int
    scales: tuple[int, ...]

    def grain(self, size: int, offset: int) -> int:
        """The largest power of two that divides the size and every address of an element."""
        return gcd(size, offset, *self.scales)


@dataclass(slots=True, eq=False, kw_only=True)
class Columns(ir.Mem):
    """Records; each field is an array of its own, with the field's axes behind the records'."""

    columns: dict[str, ir.Mem]


class Field(NamedTuple):
    """A field of a record: its element type, its own extents, and its place in bytes."""

    dtype: DType
    shape: tuple[int, ...]
    offset: int


def is_complex(dtype: DType) -> bool:
    """Whether elements of a type are complex numbers."""
    return dtype.is_opaque and dtype.numpy.kind == "c"


def is_record(dtype: DType) -> bool:
    """Whether elements of a type are records."""
    return dtype.is_opaque and dtype.numpy.names is not None


def part_of(dtype: DType) -> DType:
    """Type of the parts of a complex one."""
    return float32 if dtype.itemsize == 8 else float64


def field_names(dtype: DType) -> tuple[str, ...]:
    """The fields of a record in order."""
    return dtype.numpy.names or ()


def field_of(dtype: DType, name: str) -> Field:
    """A field of a record.

    Raises:
        UnsupportedError: if kernels have no such elements.
    """
    fields = dtype.numpy.fields
    assert fields is not None
    kind, offset = fields[name][:2]
    base, shape = (kind, ()) if kind.subdtype is None else kind.subdtype
    try:
        return Field(dtypes.of_array(base), tuple(shape), offset)
    except UnsupportedError as e:
        raise UnsupportedError(f"field {name!r} holds {base}, which kernels do not have") from e


def contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Strides, in elements, of rows one behind the other."""
    return tuple(prod(shape[k + 1 :]) for k in range(len(shape)))


def scaled(stride: int | ir.Expr, by: int) -> int | ir.Expr:
    """A stride in smaller elements."""
    if isinstance(stride, int):
        return stride * by
    if by == 1:
        return stride
    return ir.Binary("mul", stride, ir.Const(by, dtypes.int64), dtypes.int64, True)


def argument(mem: ir.Mem, dtype: DType) -> tuple[ir.Mem, ir.Mem]:
    """An array argument of such elements: what KIR declares, and what the program sees.

    ``mem`` has the axes the program sees.
    """
    size = (2,) if is_complex(dtype) else (dtype.itemsize,)
    stored = part_of(dtype) if is_complex(dtype) else uint8
    strides: Strides = (*(scaled(s, size[0]) for s in mem.strides), 1)
    real = ir.Mem(mem.name, stored, mem.space, (*mem.shape, *size), strides, None, mem.loc)
    seen: dict[str, Any] = {
        "name": mem.name, "dtype": dtype, "space": mem.space, "shape": mem.shape,
        "strides": mem.strides, "loc": mem.loc,
    }  # fmt: skip
    if is_complex(dtype):
        return real, Pair(**seen, parts=real)
    scales = (dtype.itemsize,) * len(mem.shape)
    return real, Packed(**seen, root=mem.name, offset=0, scales=scales)


def packed_field(mem: Packed, name: str, field: Field) -> Packed:
    """A field of packed records, as an array with the field's axes behind the records'."""
    return Packed(
        f"{mem.name}.{name}",
        field.dtype,
        mem.space,
        (*mem.shape, *field.shape),
        (*mem.strides, *contiguous(field.shape)),
        None,
        mem.loc,
        root=mem.root,
        offset=mem.offset + field.offset,
        scales=(*mem.scales, *(field.dtype.itemsize for _ in field.shape)),
    )


def packed_part(mem: Packed, imaginary: bool) -> Packed:
    """The real or the imaginary parts of packed complex numbers."""
    part = part_of(mem.dtype)
    name = f"{mem.name}.{'imag' if imaginary else 'real'}"
    offset = mem.offset + (part.itemsize if imaginary else 0)
    return Packed(
        name, part, mem.space, mem.shape, mem.strides, None, mem.loc,
        root=mem.root, offset=offset, scales=mem.scales,
    )  # fmt: skip
