"""Arrays in kernels: indexing, slicing, attributes, loads and stores.

A view is a compile-time value: fixed indices on some axes of an array, strided ranges on others. It
becomes code only where an element is read or written.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.diagnostics import Loc
from accelerx.compiler.frontends.python.elements import (
    Packed,
    field_names,
    is_complex,
    is_record,
)
from accelerx.compiler.frontends.python.storage import Storage
from accelerx.compiler.frontends.python.values import (
    Axis,
    Choice,
    Complex,
    Group,
    Object,
    Scalar,
    Tuple,
    Value,
    View,
)
from accelerx.dtypes import DType, int32
from accelerx.errors import UnsupportedError


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """``start:stop:step`` in an index; a part left out is None."""

    start: Scalar | None
    stop: Scalar | None
    step: int


Item = Scalar | Slice


class Views(Storage):
    """Builds views and elements."""

    def scalar(self, value: Value, node: ast.AST, what: str = "this") -> Scalar:
        """A value that must be a number."""
        if isinstance(value, Scalar):
            return value
        if isinstance(value, Object) and isinstance(value.value, str):
            raise self.unsupported(
                node, f"strings are not values in kernels: {value}", "only print() takes strings"
            )
        if isinstance(value, View | Choice):
            raise self.type_error(node, f"{what} must be a number, not {value}; index it first")
        raise self.type_error(node, f"{what} must be a number, not {value}")

    def whole(self, mem: ir.Mem, writable: bool = True, ndim: int | None = None) -> View:
        """The view of a whole array; one of no axes (``ndim`` 0) is an element in memory."""
        if ndim == 0:
            return View(mem, {0: self.literal(0)}, (), writable)
        axes = tuple(
            Axis(axis, None, None, self.size(extent)) for axis, extent in enumerate(mem.shape)
        )
        view = self.wholes[mem.name] = View(mem, {}, axes, writable)
        return view

    # ---------------------------------------------------------------------- one of several

    def each(self, array: View | Choice, work: Callable[[View], None], loc: Loc | None) -> None:
        """Emits ``work`` for an array; for one of several, behind a test of which it is."""
        if isinstance(array, View):
            work(array)
            return
        which = self.once(array.which, loc)
        rest = self.collect(lambda: work(array.views[-1]))
        for k in range(len(array.views) - 2, -1, -1):
            out = self.collect(functools.partial(work, array.views[k]))
            test = self.compare("eq", which, self.constant(k, int32), loc)
            rest = [ir.If(self.code(test, loc=loc), out, rest, loc)]
        self.out.extend(rest)

    def among(self, choice: Choice, values: Sequence[Value], node: ast.AST) -> Value:
        """Of one value for each array the one for the array that it is."""
        loc, first = self.loc(node), values[0]
        if isinstance(first, Group):
            groups = [v for v in values if isinstance(v, Group)]
            columns = zip(*(t.items for t in groups), strict=True)
            return first.with_items([self.among(choice, column, node) for column in columns])
        if isinstance(first, View):
            return Choice(choice.which, tuple(v for v in values if isinstance(v, View)))
        numbers = [v for v in values if isinstance(v, Scalar)]
        if len(numbers) != len(values):
            return first
        result = numbers[-1]
        for k in range(len(numbers) - 2, -1, -1):
            test = self.compare("eq", choice.which, self.constant(k, int32), loc)
            low = self.nonnegative(numbers[k]) and self.nonnegative(result)
            result = self.select(test, numbers[k], result, loc)
            result.form = self.bounds.fresh(0) if low else result.form
        return result

    # ----------------------------------------------------------------------------- indexing

    def indexed(self, array: View | Choice, items: Sequence[Item], node: ast.AST) -> View | Choice:
        """``array[items]``; an element if no axis is left."""
        if isinstance(array, View):
            return self.index(array, items, node)
        loc = self.loc(node)
        held = [self.once(i, loc) if isinstance(i, Scalar) else i for i in items]
        return Choice(array.which, tuple(self.index(v, held, node) for v in array.views))

    def index(self, view: View, items: Sequence[Item], node: ast.AST) -> View:
        """``view[items]``; an element if no axis is left."""
        if len(items) > len(view.axes):
            raise self.type_error(
                node,
                f"too many indices: array {view.mem.name!r} has {len(view.axes)} "
                f"{'axis' if len(view.axes) == 1 else 'axes'} here, {len(items)} indices given",
            )
        fixed, axes = dict(view.fixed), []
        for k, axis in enumerate(view.axes):
            item = items[k] if k < len(items) else None
            if item is None:
                axes.append(axis)
            elif isinstance(item, Slice):
                axes.append(self._slice(view, axis, item, node))
            else:
                fixed[axis.axis] = self._position(view, axis, item, node)
        return View(view.mem, fixed, tuple(axes), view.writable)

    def _position(self, view: View, axis: Axis, item: Scalar, node: ast.AST) -> Scalar:
        """Where element ``item`` of a view's axis is on the array's axis."""
        loc = self.loc(node)
        if not item.dtype.is_integer:
            raise self.type_error(
                node,
                f"array index must be an integer, not {item.dtype.name}",
                "convert it with int()" if item.dtype.is_float else "",
            )
        item = self._wrapped(view, axis, item, node)
        return self._at(axis, item, loc)

    def _at(self, axis: Axis, item: Scalar, loc: Loc | None) -> Scalar:
        if axis.step is not None:
            item = self.binary("*", item, axis.step, loc)
        return item if axis.start is None else self.binary("+", axis.start, item, loc)

    def _wrapped(self, view: View, axis: Axis, item: Scalar, node: ast.AST) -> Scalar:
        """A negative index counted from the end, where the typing mode asks for it."""
        loc = self.loc(node)
        extent = axis.extent
        if item.constant is not None:
            return self._constant_index(view, axis, item, node)
        if extent is None or self.rules.name == "weak" or self.nonnegative(item):
            return item
        item = self.once(item, loc)
        below = self.compare("lt", item, self.literal(0), loc)
        wrapped = self.binary("+", item, extent, loc)
        result = self.select(below, wrapped, item, loc)
        result.form = self.bounds.fresh(0)
        result.index = item.index
        return result

    def _constant_index(self, view: View, axis: Axis, item: Scalar, node: ast.AST) -> Scalar:
        assert item.constant is not None
        value, extent = int(item.constant), axis.extent
        if extent is None:
            if value < 0:
                raise self.type_error(
                    node, f"array {view.mem.name!r} has no known length to count {value} back from"
                )
            return item
        if extent.constant is not None:
            size = int(extent.constant)
            if not -size <= value < size:
                raise self.type_error(
                    node,
                    f"index {value} is out of range for axis {axis.axis} of array "
                    f"{view.mem.name!r}, which has {size} elements",
                )
        return item if value >= 0 else self.binary("+", extent, item, self.loc(node))

    def _slice(self, view: View, axis: Axis, item: Slice, node: ast.AST) -> Axis:
        """The axis that a slice leaves, Python's clamping included."""
        loc, extent = self.loc(node), axis.extent
        if item.start is None and item.stop is None and item.step == 1:
            return axis
        if extent is None:
            self._need_bounds(view, item, node)
        length: Scalar | None = None
        if item.step > 0:
            start = self._bound(item.start, extent, extent, 0, loc) or self.literal(0)
            stop = extent if item.stop is None else self._bound(item.stop, extent, extent, 0, loc)
            length = None if stop is None else self.binary("-", stop, start, loc)
        else:
            last = None if extent is None else self.binary("-", extent, self.literal(1), loc)
            first = last if item.start is None else self._bound(item.start, last, extent, -1, loc)
            before = self.literal(-1)
            stop = self._bound(item.stop, last, extent, -1, loc) or before
            start = first or before
            length = self.binary("-", start, stop, loc)
        step = abs(item.step)
        if length is not None and step != 1:
            length = self.binary("+", length, self.literal(step - 1), loc)
            length = self.binary("//", length, self.literal(step), loc)
        if length is not None:
            length = self.extremum("max", length, self.literal(0), loc)
        return self._stepped(axis, start, item.step, length, loc)

    def _need_bounds(self, view: View, item: Slice, node: ast.AST) -> None:
        """Refuses slices of dynamic shared memory that count from its end."""
        counted = any(b is not None and not self.nonnegative(b) for b in (item.start, item.stop))
        if counted or (item.step < 0 and item.start is None):
            raise self.type_error(
                node,
                f"array {view.mem.name!r} is dynamic shared memory, whose length is not known here; "
                "a slice of it cannot count from the end",
                "give bounds that are not negative",
            )

    def _bound(
        self,
        bound: Scalar | None,
        limit: Scalar | None,
        extent: Scalar | None,
        least: int,
        loc: Loc | None,
    ) -> Scalar | None:
        """One bound of a slice: negative ones count from the end; clamped to least .. limit."""
        if bound is None or extent is None or limit is None:
            return bound
        if not self.nonnegative(bound):
            bound = self.once(bound, loc)
            below = self.compare("lt", bound, self.literal(0), loc)
            wrapped = self.binary("+", bound, extent, loc)
            wrapped = self.extremum("max", wrapped, self.literal(least), loc)
            bound = self.select(below, wrapped, bound, loc)
        if bound.form and limit.form and self.bounds.nonnegative(limit.form - bound.form):
            return bound
        return self.extremum("min", bound, limit, loc)

    def _stepped(
        self, axis: Axis, start: Scalar, step: int, length: Scalar | None, loc: Loc | None
    ) -> Axis:
        if length is not None:
            length = self.once(length, loc)
        start = self.once(self._at(axis, start, loc), loc)
        zero = start.constant == 0 and start.expr is None
        by = axis.step
        if step != 1:
            by = self.literal(step) if by is None else self.binary("*", by, self.literal(step), loc)
        return Axis(axis.axis, None if zero else start, by, length)

    # ----------------------------------------------------------------------------- elements

    def load(self, element: View | Choice, loc: Loc | None) -> Value:
        """The value of an element; a record stands for itself."""
        if isinstance(element, View):
            return self.load_element(element, loc)
        if is_record(element.dtype):
            return element
        if is_complex(element.dtype):
            parts = [self.load(self.chosen_part(element, k), loc) for k in (False, True)]
            return Complex(tuple(parts))
        name = self.temporary("t", element.dtype)

        def work(view: View) -> None:
            value = self.load_element(view, loc)
            assert isinstance(value, Scalar)
            self.emit(ir.Assign(name, self.code(value, loc=loc), loc))

        self.each(element, work, loc)
        return self.expression_of(ir.Local(name, element.dtype, loc))

    def chosen_part(self, array: View | Choice, imaginary: bool) -> View | Choice:
        """The real or the imaginary parts of an array of complex numbers, or of one of several."""
        if isinstance(array, View):
            return self.part(array, imaginary)
        return Choice(array.which, tuple(self.part(v, imaginary) for v in array.views))

    def chosen_field(self, array: View | Choice, name: str, loc: Loc | None) -> View | Choice:
        """A field of records, or of one of several arrays of them."""
        if isinstance(array, View):
            return self.field(array, name, loc)
        return Choice(array.which, tuple(self.field(v, name, loc) for v in array.views))

    def store(self, element: View | Choice, value: Value, node: ast.AST) -> None:
        """``element = value``; a record is copied field by field."""
        loc = self.loc(node)
        self.check_writable(element, node)
        if is_record(element.dtype):
            self._store_record(element, value, node)
            return
        value = self._storable(element.dtype, value, node)
        if isinstance(element, Choice) and isinstance(value, Scalar):
            value = self.once(value, loc)
        stored = value
        self.each(element, lambda view: self.store_element(view, stored, loc), loc)

    def _storable(self, dtype: DType, value: Value, node: ast.AST) -> Value:
        if isinstance(value, Complex) and is_complex(dtype):
            return value
        if isinstance(value, Complex):
            raise self.type_error(
                node,
                f"{value} cannot be stored as a {dtype.name}",
                "store its .real or its abs()",
            )
        return self.scalar(value, node, "a stored value")

    def _store_record(self, element: View | Choice, value: Value, node: ast.AST) -> None:
        loc = self.loc(node)
        if not isinstance(value, View | Choice) or not is_record(value.dtype) or value.axes:
            raise self.type_error(node, f"{value} cannot be stored as {element}")
        names = field_names(element.dtype)
        if names != field_names(value.dtype):
            raise self.type_error(node, f"{value} and {element} have different fields")
        for name in names:
            target = self.chosen_field(element, name, loc)
            source = self.chosen_field(value, name, loc)
            if target.axes:
                self.store_part(target, source, node)
            else:
                self.store(target, self.load(source, loc), node)

    def store_part(self, part: View | Choice, value: Value, node: ast.AST) -> None:
        """``part = value`` for a part of an array."""
        raise NotImplementedError

    def check_writable(self, view: View | Choice, node: ast.AST) -> None:
        """Refuses to write to a read-only array; notes that the array is written."""
        if isinstance(view, Choice):
            for one in view.views:
                self.check_writable(one, node)
            return
        if view.mem.space == "const":
            raise self.type_error(node, f"constant array {view.mem.name!r} cannot be written to")
        if not view.writable:
            raise self.type_error(
                node,
                f"array {view.mem.name!r} is read-only and cannot be written to",
                "pass a writable array",
            )
        self.written.add(view.mem.root if isinstance(view.mem, Packed) else view.mem.name)

    def element(self, view: View | Choice, k: Scalar, node: ast.AST) -> Value:
        """Item ``k`` of an array, which is known to be in range."""
        loc = self.loc(node)
        if isinstance(view, Choice):
            parts = self.indexed(view, [k], node)
            return parts if parts.axes else self.load(parts, loc)
        first = view.axes[0]
        fixed = {**view.fixed, first.axis: self._at(first, k, loc)}
        part = View(view.mem, fixed, view.axes[1:], view.writable)
        return part if part.axes else self.load(part, loc)

    # --------------------------------------------------------------------------- attributes

    def array_attribute(self, view: View | Choice, name: str, node: ast.AST) -> Value:
        """``array.name``."""
        loc = self.loc(node)
        if isinstance(view, Choice):
            values = [self.array_attribute(v, name, node) for v in view.views]
            return self.among(view, values, node)
        if is_record(view.dtype) and (not view.axes or name in field_names(view.dtype)):
            part = self.field(view, name, loc)
            return part if part.axes else self.load(part, loc)
        match name:
            case "real" | "imag" if is_complex(view.dtype):
                return self.part(view, name == "imag")
            case "shape":
                return Tuple(tuple(self.length(view, k, node) for k in range(len(view.axes))))
            case "ndim":
                return self.literal(len(view.axes))
            case "size":
                return self.count(view, node)
            case "nbytes":
                return self.binary(
                    "*", self.count(view, node), self.literal(view.dtype.itemsize), loc
                )
            case "itemsize":
                return self.literal(view.dtype.itemsize)
            case "dtype":
                return Object(view.dtype)
            case "T":
                return View(view.mem, view.fixed, view.axes[::-1], view.writable)
            case "strides":
                return Tuple(tuple(self._stride(view, axis, loc) for axis in view.axes))
            case _:
                raise self.unsupported(
                    node,
                    f"arrays have no attribute {name!r} in kernels",
                    "known: shape, size, ndim, dtype, T, strides, itemsize, nbytes",
                )

    def length(self, view: View | Choice, k: int, node: ast.AST) -> Scalar:
        """The extent of axis ``k`` of an array."""
        if isinstance(view, Choice):
            value = self.among(view, [self.length(v, k, node) for v in view.views], node)
            return self.scalar(value, node)
        extent = view.axes[k].extent
        if extent is None:
            raise self.unsupported(
                node,
                f"the length of {view.mem.name!r}, dynamic shared memory, is not known in the kernel",
                "pass it as an argument",
            )
        return extent

    def count(self, view: View, node: ast.AST) -> Scalar:
        """The number of elements of a view."""
        total = self.literal(1)
        for k in range(len(view.axes)):
            total = (
                self.binary("*", total, self.length(view, k, node), self.loc(node))
                if k
                else self.length(view, k, node)
            )
        return total

    def _stride(self, view: View, axis: Axis, loc: Loc | None) -> Scalar:
        stride = self.size(view.mem.strides[axis.axis])
        assert stride is not None
        size = self.binary("*", stride, self.literal(view.dtype.itemsize), loc)
        return size if axis.step is None else self.binary("*", size, axis.step, loc)

    # ------------------------------------------------------------------------ constant arrays

    def constant_array(self, array: np.ndarray[Any, Any], name: str, node: ast.AST) -> View:
        """A NumPy array from outside the kernel, as read-only memory."""
        key = ("const", id(array))
        found = self.arrays.get(key)
        if found is not None:
            return found
        try:
            dtype = dtypes.of_array(array.dtype)
        except UnsupportedError as e:
            raise self.unsupported(
                node, f"constant arrays of {array.dtype} are not supported in kernels"
            ) from e
        shaped = array.reshape(array.shape or (1,))
        mem = self.declare(name, dtype, "const", shaped.shape, self.loc(node), shaped)
        view = self.arrays[key] = self.whole(mem, False, array.ndim)
        return view
