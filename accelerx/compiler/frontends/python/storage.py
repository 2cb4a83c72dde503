"""Where elements lie: declaring arrays of any element type, loads and stores of single elements."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.diagnostics import Loc, unsupported
from accelerx.compiler.frontends.python.arithmetic import Arithmetic
from accelerx.compiler.frontends.python.elements import (
    Columns,
    Field,
    Packed,
    Pair,
    contiguous,
    field_names,
    field_of,
    is_complex,
    is_record,
    packed_field,
    packed_part,
    part_of,
    scaled,
)
from accelerx.compiler.frontends.python.values import Axis, Complex, Scalar, Value, View
from accelerx.dtypes import DType, int64, uint8
from accelerx.errors import UnsupportedError


class Place(NamedTuple):
    """An element of an array of KIR's."""

    mem: str
    indices: tuple[ir.Expr, ...]
    dtype: DType


class Storage(Arithmetic):
    """Declares arrays, and reads and writes their elements."""

    check_bounds: bool = False

    # -------------------------------------------------------------------------- declaring

    def declare(
        self,
        name: str,
        dtype: DType,
        space: ir.Space,
        shape: tuple[int, ...],
        loc: Loc | None,
        data: np.ndarray[Any, Any] | None = None,
    ) -> ir.Mem:
        """A new array of the kernel's own, with the values of ``data`` if it is a constant one.

        A shared one whose shape is (0,) takes the launch's dynamic shared memory.
        """
        dynamic = space == "shared" and shape == (0,)
        extents: tuple[int | None, ...] = (None,) if dynamic else shape
        strides = contiguous(shape)
        if is_complex(dtype):
            part = part_of(dtype)
            parts = None if data is None else data[..., None].view(part.numpy)
            real = self._own(name, part, space, (*extents, 2), parts, loc)
            return Pair(name, dtype, space, extents, strides, None, loc, parts=real)
        if not is_record(dtype):
            return self._own(name, dtype, space, extents, data, loc)
        if dynamic:
            root = self._own(name, uint8, space, extents, None, loc)
            scales = (dtype.itemsize,)
            return Packed(
                f"{root.name}.records", dtype, space, extents, strides, None, loc,
                root=root.name, offset=0, scales=scales,
            )  # fmt: skip
        columns = {}
        for key in field_names(dtype):
            try:
                field = field_of(dtype, key)
            except UnsupportedError:
                continue  # whoever uses the field is told
            values = None if data is None else data[key]
            whole = (*shape, *field.shape)
            columns[key] = self.declare(f"{name}.{key}", field.dtype, space, whole, loc, values)
        return Columns(name, dtype, space, extents, strides, None, loc, columns=columns)

    def _own(
        self,
        stem: str,
        dtype: DType,
        space: ir.Space,
        extents: tuple[int | None, ...],
        data: np.ndarray[Any, Any] | None,
        loc: Loc | None,
    ) -> ir.Mem:
        """An array of KIR's elements, declared."""
        name = self.fresh_name(stem)
        strides = contiguous(tuple(n or 0 for n in extents))
        values = None if data is None else tuple(data.ravel(order="C").tolist())
        mem = self.mems[name] = ir.Mem(name, dtype, space, extents, strides, values, loc)
        return mem

    # ------------------------------------------------------------------------------ fields

    def field(self, view: View, name: str, loc: Loc | None) -> View:
        """A field of a record, or of each record of an array."""
        mem = view.mem
        names = field_names(mem.dtype)
        if name not in names:
            raise unsupported(
                loc, f"records of {mem.name!r} have no field {name!r}", f"known: {', '.join(names)}"
            )
        try:
            field = field_of(mem.dtype, name)
        except UnsupportedError as e:
            raise unsupported(loc, str(e)) from e
        part = self._field_array(mem, name, field)
        first = len(mem.shape)
        own = tuple(Axis(first + k, None, None, self.literal(n)) for k, n in enumerate(field.shape))
        return View(part, view.fixed, (*view.axes, *own), view.writable)

    def _field_array(self, mem: ir.Mem, name: str, field: Field) -> ir.Mem:
        if isinstance(mem, Columns):
            return mem.columns[name]
        assert isinstance(mem, Packed)
        return self._derived(packed_field(mem, name, field))

    def part(self, view: View, imaginary: bool) -> View:
        """The real or the imaginary part of a complex element, or of each of an array."""
        mem = view.mem
        if isinstance(mem, Pair):
            fixed = {**view.fixed, len(mem.shape): self.literal(int(imaginary))}
            return View(mem.parts, fixed, view.axes, view.writable)
        assert isinstance(mem, Packed)
        return View(
            self._derived(packed_part(mem, imaginary)), view.fixed, view.axes, view.writable
        )

    def _derived(self, made: Packed) -> ir.Mem:
        """One object for each part of an array, as views are compared by what they look at."""
        known = self.parts.setdefault((made.root, made.name, made.dtype), made)
        axes = tuple(Axis(k, None, None, self.size(n)) for k, n in enumerate(known.shape))
        self.wholes.setdefault(known.name, View(known, {}, axes))
        return known

    # ---------------------------------------------------------------------- single elements

    def place(self, element: View, loc: Loc | None) -> Place:
        """Where an element of a type of KIR's lies, for one access.

        Raises:
            UnsupportedKernelError: if its address is not a multiple of its size.
        """
        mem = element.mem
        if not isinstance(mem, Packed):
            axes = range(len(mem.shape))
            indices = tuple(self.code(element.fixed[axis], loc=loc) for axis in axes)
            return Place(mem.name, indices, mem.dtype)
        size = mem.dtype.itemsize
        if mem.grain(size, mem.offset) != size:
            raise unsupported(
                loc,
                f"{mem.name!r} is not aligned to its {size} bytes, which this operation needs",
                "make the record's type with align=True",
            )
        return self._packed(element, mem.dtype, mem.offset, loc)

    def _packed(self, element: View, dtype: DType, offset: int, loc: Loc | None) -> Place:
        """A value in the bytes of a root; ``dtype``'s size divides its address."""
        mem = element.mem
        assert isinstance(mem, Packed)
        size = dtype.itemsize
        index: Scalar | None = None
        for axis, (stride, scale) in enumerate(zip(mem.strides, mem.scales, strict=True)):
            by = self.size(scaled(stride, scale // size))
            assert by is not None
            step = self.binary("*", element.fixed[axis], by, loc)
            index = step if index is None else self.binary("+", index, step, loc)
        start = self.literal(offset // size)
        if index is None:
            index = start
        elif offset:
            index = self.binary("+", index, start, loc)
        view = self._view_of(mem, dtype)
        return Place(view.name, (self.code(index, loc=loc),), dtype)

    def _view_of(self, mem: Packed, dtype: DType) -> ir.Mem:
        """The view of a root's bytes as elements of a type."""
        key = (mem.root, "view", dtype)
        found = self.parts.get(key)
        if found is None:
            name = self.fresh_name(f"{mem.root}.{dtype.short}")
            found = self.parts[key] = self.mems[name] = ir.Mem(
                name, dtype, mem.space, (None,), (1,), None, mem.loc, mem.root, dtype.itemsize
            )
        return found

    def load_element(self, element: View, loc: Loc | None) -> Value:
        """The value of an element; a record stands for itself."""
        mem = element.mem
        if is_complex(mem.dtype):
            return Complex(tuple(self._number(self.part(element, k), loc) for k in (False, True)))
        return element if mem.dtype.is_opaque else self._number(element, loc)

    def _number(self, element: View, loc: Loc | None) -> Scalar:
        dtype = element.dtype
        self.check_inside(element, loc)
        expr = self._split_load(element, loc)
        if expr is None:
            place = self.place(element, loc)
            expr = ir.Load(place.mem, place.indices, dtype, loc)
        form = self.bounds.fresh(0, (1 << dtype.bits) - 1) if dtype.kind == "uint" else None
        return self.expression_of(expr, form=form)

    def store_element(self, element: View, value: Value, loc: Loc | None) -> None:
        """``element = value`` for a number, or for a complex number."""
        if is_complex(element.dtype):
            whole = self.as_complex(value, part_of(element.dtype), loc)
            for k, item in enumerate((whole.real, whole.imag)):
                self.store_element(self.part(element, bool(k)), item, loc)
            return
        assert isinstance(value, Scalar)
        self.check_inside(element, loc)
        code = self.code(value, element.dtype, loc)
        if not self._split_store(element, code, loc):
            place = self.place(element, loc)
            self.emit(ir.Store(place.mem, place.indices, code, loc))

    def as_complex(self, value: Value, part: DType, loc: Loc | None) -> Complex:
        """A number as a complex one with parts of a type."""
        if isinstance(value, Complex):
            return Complex(tuple(self.cast(v, part, loc) for v in (value.real, value.imag)))
        assert isinstance(value, Scalar)
        return Complex((self.cast(value, part, loc), self.constant(0.0, part)))

    # ------------------------------------------------------- elements at any byte of a record

    def _pieces(self, element: View) -> tuple[DType, int] | None:
        """The unsigned type that an element at an odd place is moved in, and how many; else None."""
        mem = element.mem
        size = mem.dtype.itemsize
        grain = mem.grain(size, mem.offset) if isinstance(mem, Packed) else size
        if grain == size:
            return None
        return dtypes.from_numpy(f"uint{8 * grain}"), size // grain

    def _split_load(self, element: View, loc: Loc | None) -> ir.Expr | None:
        pieces = self._pieces(element)
        if pieces is None:
            return None
        mem, (small, count) = element.mem, pieces
        assert isinstance(mem, Packed)
        wide = dtypes.from_numpy(f"uint{mem.dtype.bits}")
        whole: ir.Expr | None = None
        for k in range(count):
            place = self._packed(element, small, mem.offset + k * small.itemsize, loc)
            piece: ir.Expr = ir.Cast(ir.Load(place.mem, place.indices, small, loc), wide, loc)
            shift = ir.Const(k * small.bits, wide, loc)
            piece = ir.Binary("shl", piece, shift, wide, False, loc) if k else piece
            whole = piece if whole is None else ir.Binary("or", whole, piece, wide, False, loc)
        assert whole is not None
        return whole if wide is mem.dtype else ir.Bitcast(whole, mem.dtype, loc)

    def _split_store(self, element: View, code: ir.Expr, loc: Loc | None) -> bool:
        pieces = self._pieces(element)
        if pieces is None:
            return False
        mem, (small, count) = element.mem, pieces
        assert isinstance(mem, Packed)
        wide = dtypes.from_numpy(f"uint{mem.dtype.bits}")
        bits = code if code.type is wide else ir.Bitcast(code, wide, loc)
        word = self.code(self.once(self.expression_of(bits), loc), loc=loc)
        for k in range(count):
            place = self._packed(element, small, mem.offset + k * small.itemsize, loc)
            shift = ir.Const(k * small.bits, wide, loc)
            piece = ir.Binary("shr", word, shift, wide, False, loc) if k else word
            self.emit(ir.Store(place.mem, place.indices, ir.Cast(piece, small, loc), loc))
        return True

    # ------------------------------------------------------------------------------- bounds

    def check_inside(self, element: View, loc: Loc | None) -> None:
        """Asserts, where bounds are checked, that an element of packed records exists.

        Views have no extents, so that the checks of KIR's accesses do not see them.
        """
        mem = element.mem
        if not self.check_bounds or not isinstance(mem, Packed):
            return
        for axis, extent in enumerate(mem.shape):
            limit, index = self.size(extent), element.fixed[axis]
            if limit is None or (index.constant is not None and limit.constant is not None):
                continue
            at, end = self.code(index, int64, loc), self.code(limit, int64, loc)
            inside = ir.Logical(
                "and",
                ir.Compare("ge", at, ir.Const(0, int64, loc), loc),
                ir.Compare("lt", at, end, loc),
                loc,
            )
            where = f"axis {axis} of {mem.name}" if len(mem.shape) > 1 else mem.name
            message = f"index {{0}} is out of bounds: {where} has extent {{1}}"
            self.emit(ir.Assert(inside, message, (at, end), "bounds", loc))
