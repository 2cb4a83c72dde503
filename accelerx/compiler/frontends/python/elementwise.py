"""Work on whole arrays inside a kernel: storing to slices, ufuncs with an output array.

Each thread that gets there does all of it, in loops over the array's axes, as numba.cuda does.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

import numpy as np

from accelerx.compiler import ir
from accelerx.compiler.frontends.python.calls import Call
from accelerx.compiler.frontends.python.cuda import Cuda
from accelerx.compiler.frontends.python.values import Choice, Object, Scalar, Value, View

Make = Callable[[list[Value]], Value]


class Elementwise(Cuda):
    """Lifts assignments to parts of arrays."""

    def store_part(self, part: View | Choice, value: Value, node: ast.AST) -> None:
        """``part = value``: a number everywhere, or an array of the same shape."""

        def work(one: View) -> None:
            self.for_elements(one, [value], lambda items: items[0], node)

        self.each(part, work, self.loc(node))

    def for_elements(self, part: View, sources: Sequence[Value], make: Make, node: ast.AST) -> None:
        """Sets each element of ``part`` to what ``make`` gives for the sources' elements there.

        Sources with fewer axes are broadcast along the leading ones; extents must match otherwise.
        """
        self.check_writable(part, node)
        loc = self.loc(node)
        for source in sources:
            if isinstance(source, View | Choice) and len(source.axes) > len(part.axes):
                raise self.type_error(node, f"cannot store {source} into {part}")
        held = [self.stable(s, loc) if isinstance(s, Scalar) else s for s in sources]
        self._elements(part, held, make, node)

    def _elements(self, part: View, sources: list[Value], make: Make, node: ast.AST) -> None:
        loc = self.loc(node)
        if not part.axes:
            items = [self.load(s, loc) if isinstance(s, View | Choice) else s for s in sources]
            self.store(part, make(items), node)
            return
        length = self.length(part, 0, node)
        dtype = length.dtype
        name = self.temporary("k", dtype)
        k = self.expression_of(ir.Local(name, dtype, loc), form=self.bounds.fresh(0))

        def at(view: View | Choice) -> View | Choice:
            if isinstance(view, Choice):
                return Choice(view.which, tuple(inside(v) for v in view.views))
            return inside(view)

        def inside(view: View) -> View:
            axis = view.axes[0]
            fixed = {**view.fixed, axis.axis: self._at(axis, k, loc)}
            return View(view.mem, fixed, view.axes[1:], view.writable)

        def work() -> None:
            depth = len(part.axes)
            inner = [
                at(s) if isinstance(s, View | Choice) and len(s.axes) == depth else s
                for s in sources
            ]
            self._elements(inside(part), inner, make, node)

        zero, one = ir.Const(0, dtype, loc), ir.Const(1, dtype, loc)
        stop = self.code(length, dtype, loc)
        self.emit(ir.For(name, zero, stop, one, self.collect(work), False, loc))

    def array_ufunc(self, function: np.ufunc, call: Call) -> Value:
        """A ufunc called on arrays, with the array that takes the result."""
        sources = call.arguments[: function.nin]
        outputs = call.arguments[function.nin :]
        if list(call.keywords) == ["out"]:
            outputs = [*outputs, call.keywords["out"]]
        elif call.keywords:
            name = next(iter(call.keywords))
            raise self.unsupported(call.node, f"{call.name}() takes no {name!r} in kernels")
        if function.nout != 1 or len(outputs) != 1 or not isinstance(outputs[0], View):
            raise self.unsupported(
                call.node,
                f"{call.name}() of an array needs an array for its result in kernels",
                f"pass one as the last argument, or call {call.name}() on elements",
            )
        target = outputs[0]

        def make(items: list[Value]) -> Value:
            inner = Call(call.node, call.name, list(items), {}, call.loc)
            value = self.pure_call(function, inner)
            if value is None:
                raise self.unsupported(
                    call.node, f"function numpy.{call.name} cannot be called in kernels"
                )
            return value

        self.for_elements(target, sources, make, call.node)
        return Object(None)
