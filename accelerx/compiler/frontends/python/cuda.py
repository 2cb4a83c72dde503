"""The CUDA part of the kernel language: indices, arrays on chip, barriers, atomics, warp operations.

Handlers go by the markers' names; ``accelerx.lang`` defines the markers.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from accelerx import dtypes
from accelerx.compiler import intrinsics, ir
from accelerx.compiler.frontends.python.calls import Call, Calls, dtype_argument
from accelerx.compiler.frontends.python.markers import Marker
from accelerx.compiler.frontends.python.values import (
    Choice,
    Index,
    Object,
    Scalar,
    Tuple,
    Value,
    View,
)
from accelerx.dtypes import DType, bool_, int32, int64, uint32

_AXES = "xyz"
_WARP = 32
_KINDS: dict[str, ir.SpecialKind] = {
    "threadIdx": "thread",
    "blockIdx": "block",
    "blockDim": "block_dim",
    "gridDim": "grid_dim",
}
_SPECIALS: dict[str, tuple[ir.SpecialKind, int]] = {
    f"{name}.{axis}": (kind, k) for name, kind in _KINDS.items() for k, axis in enumerate(_AXES)
}
_GRID: tuple[ir.SpecialKind, ...] = ("block", "block_dim", "thread")


class Cuda(Calls):
    """Lifts the kernel language's own names."""

    # ------------------------------------------------------------------------------ values

    def marker_value(self, marker: Marker) -> Scalar | None:
        """The number a marker stands for; None if it is a function or a namespace."""
        if marker.name in _SPECIALS:
            return self.special(*_SPECIALS[marker.name])
        if marker.name == "laneid":
            return self.special("lane")
        if marker.name == "warpsize":
            return self.constant(_WARP, int32)
        return None

    def special(self, kind: ir.SpecialKind, axis: int = 0) -> Scalar:
        """threadIdx.x and the like."""
        low = 1 if kind in ("block_dim", "grid_dim") else 0
        high = _WARP - 1 if kind == "lane" else None
        form = self.bounds.atom(f"{kind}.{axis}", low, high)
        index = Index(varying=kind in ("thread", "lane", "warp"))
        return self.expression_of(ir.Special(kind, axis), form=form, index=index)

    # --------------------------------------------------------------------------- functions

    def marker_call(self, marker: Marker, call: Call) -> Value | None:
        """The value of calling a marker; None if it cannot be called."""
        handler = marker_handlers().get(marker.name)
        if handler is not None:
            return handler(self, call)
        row = _marker_intrinsics().get(marker.name)
        return None if row is None else self.intrinsic(row, call, False)

    def _per_axis(self, call: Call, axis_value: Callable[[int], Scalar]) -> Value:
        self.count_arguments(call, 1)
        ndim = self.scalars(call)[0].constant
        if ndim not in (1, 2, 3):
            shown = "a value known only at run time" if ndim is None else repr(ndim)
            raise self.type_error(
                call.node, f"{call.name}() takes the constant 1, 2 or 3, not {shown}"
            )
        parts = tuple(axis_value(axis) for axis in range(int(ndim)))
        return parts[0] if len(parts) == 1 else Tuple(parts)

    def call_grid(self, call: Call) -> Value:
        dtype = self.rules.index()[0]

        def position(axis: int) -> Scalar:
            block, size, thread = (
                self.cast(self.special(kind, axis), dtype, call.loc) for kind in _GRID
            )
            start = self.binary("*", block, size, call.loc)
            return self.binary("+", start, thread, call.loc)

        return self._per_axis(call, position)

    def call_gridsize(self, call: Call) -> Value:
        dtype = self.rules.index()[0]

        def size(axis: int) -> Scalar:
            blocks = self.cast(self.special("grid_dim", axis), dtype, call.loc)
            return self.binary(
                "*", blocks, self.cast(self.special("block_dim", axis), dtype, call.loc), call.loc
            )

        return self._per_axis(call, size)

    # --------------------------------------------------------------------- arrays on chip

    def call_array(self, space: ir.Space, call: Call) -> Value:
        """shared.array(shape, dtype) and local.array(shape, dtype)."""
        names = ("shape", "dtype")
        given = dict(zip(names, call.arguments, strict=False))
        for name, value in call.keywords.items():
            if name not in (*names, "alignment"):
                raise self.type_error(
                    call.node, f"{call.name}() takes shape and dtype, not {name!r}"
                )
            given[name] = value
        if len(call.arguments) > 2 or "shape" not in given or "dtype" not in given:
            raise self.type_error(call.node, f"{call.name}() takes a shape and a dtype")
        dtype = dtype_argument(given["dtype"])
        if dtype is None:
            raise self.type_error(
                call.node,
                f"{call.name}(): {given['dtype']} is not an element type",
                "use numpy.float32, accelerx.float32 or 'float32'",
            )
        shape = self._static_shape(given["shape"], call)
        owner: tuple[object, ...] = (self.frame.source,) if space == "shared" else self.frame.key
        key = (space, *owner, id(call.node), shape, dtype)
        if key not in self.arrays:
            self.arrays[key] = self._declare(space, shape, dtype, call)
        return self.arrays[key]

    def _static_shape(self, shape: Value, call: Call) -> tuple[int, ...]:
        items = shape.items if isinstance(shape, Tuple) else (shape,)
        out = []
        for item in items:
            extent = item.constant if isinstance(item, Scalar) else None
            if extent is None or not isinstance(item, Scalar) or not item.dtype.is_integer:
                raise self.type_error(
                    call.node,
                    f"the shape of {call.name}() must be made of integer constants",
                    "use a literal, a global or a closure variable; for a size chosen at launch, "
                    "use dynamic shared memory: shape 0",
                )
            out.append(int(extent))
        if any(e < 0 for e in out) or not out:
            raise self.type_error(call.node, f"{call.name}() of shape {tuple(out)}")
        return tuple(out)

    def _declare(self, space: ir.Space, shape: tuple[int, ...], dtype: DType, call: Call) -> View:
        name = self.array_name or space
        return self.whole(self.declare(name, dtype, space, shape, call.loc))

    array_name: str = ""

    def call_const(self, call: Call) -> Value:
        self.count_arguments(call, 1)
        value = call.arguments[0]
        if not isinstance(value, View) or value.mem.space != "const":
            raise self.type_error(
                call.node, f"{call.name}() takes a NumPy array from outside the kernel, not {value}"
            )
        return value

    # ----------------------------------------------------------------- barriers and fences

    def call_barrier(self, kind: ir.BarrierKind, call: Call) -> Value:
        """syncthreads, syncwarp and the grid group's sync."""
        self.count_arguments(call, 0, 1 if kind == "warp" else 0)
        self.emit(ir.Barrier(kind, None, None, call.loc))
        return Object(None)

    def call_counting_barrier(self, kind: ir.BarrierKind, call: Call) -> Value:
        self.count_arguments(call, 1)
        predicate = self.code(self.truth(self.scalars(call)[0], call.loc), loc=call.loc)
        result = self.temporary(kind, int32)
        self.emit(ir.Barrier(kind, predicate, result, call.loc))
        form = self.bounds.fresh(0)
        return self.expression_of(ir.Local(result, int32, call.loc), form=form)

    def call_fence(self, scope: ir.FenceScope, call: Call) -> Value:
        self.count_arguments(call, 0)
        self.emit(ir.Fence(scope, call.loc))
        return Object(None)

    def call_nothing(self, call: Call) -> Value:
        """nanosleep: waiting has no meaning where all threads advance together."""
        self.count_arguments(call, 1)
        return Object(None)

    def call_grid_group(self, call: Call) -> Value:
        self.count_arguments(call, 0)
        return Object(Marker("grid_group", "sync"))

    # ------------------------------------------------------------------------------ atomics

    def call_atomic(self, op: str, call: Call) -> Value:
        self.count_arguments(call, 3)
        return self._atomic(op, call, call.arguments[1], call.arguments[2], None)

    def call_cas(self, call: Call) -> Value:
        self.count_arguments(call, 4)
        return self._atomic("cas", call, call.arguments[1], call.arguments[3], call.arguments[2])

    def call_compare_and_swap(self, call: Call) -> Value:
        self.count_arguments(call, 3)
        return self._atomic("cas", call, None, call.arguments[2], call.arguments[1])

    def _atomic(
        self, op: str, call: Call, index: Value | None, value: Value, compare: Value | None
    ) -> Value:
        view = call.arguments[0]
        if not isinstance(view, View | Choice):
            raise self.type_error(call.node, f"{call.name}() takes an array first, not {view}")
        element = self._atomic_element(view, index, call)
        self.check_writable(element, call.node)
        dtype = element.dtype
        row = intrinsics.ATOMICS[op]
        if dtype.is_opaque or not _in_domain(row.domain, dtype):
            raise self.type_error(call.node, f"{call.name}() does not work on {dtype.name}")
        stored = self.scalar(value, call.node, f"the value of {call.name}()")
        expected = None
        if compare is not None:
            old = self.scalar(compare, call.node, f"the old value of {call.name}()")
            expected = self.code(old, dtype, call.loc)
        result = self.temporary("old", dtype)
        code = self.code(self.once(stored, call.loc), dtype, call.loc)

        def work(one: View) -> None:
            place = self.place(one, call.loc)
            self.check_inside(one, call.loc)
            self.emit(ir.Atomic(op, place.mem, place.indices, code, expected, result, call.loc))

        self.each(element, work, call.loc)
        return self.expression_of(ir.Local(result, dtype, call.loc))

    def _atomic_element(
        self, view: View | Choice, index: Value | None, call: Call
    ) -> View | Choice:
        items: tuple[Value, ...]
        if index is None:
            items = tuple(self.literal(0) for _ in view.axes)
        else:
            items = index.items if isinstance(index, Tuple) else (index,)
        numbers = [self.scalar(i, call.node, f"the index of {call.name}()") for i in items]
        element = self.indexed(view, numbers, call.node)
        if element.axes:
            raise self.type_error(
                call.node,
                f"{call.name}() needs {len(view.axes)} indices, in a tuple, {len(numbers)} given",
            )
        return element

    # -------------------------------------------------------------------------------- warps

    def call_warp(self, op: str, call: Call) -> Value:
        """Operations whose first argument is the mask of member lanes."""
        row = intrinsics.WARP_OPS[op]
        self.count_arguments(call, 1 + row.arity)
        mask, *operands = self.scalars(call)
        codes = []
        result = {"bool": bool_, "uint32": uint32}.get(row.result, int32)
        for k, operand in enumerate(operands):
            if k == 1:
                dtype = int32
            elif op in ("ballot", "any", "all", "uni"):
                operand, dtype = self.truth(operand, call.loc), bool_
            else:
                dtype = self._warp_type(operand)
                result = dtype if row.result == "same" else result
            codes.append(self.code(operand, dtype, call.loc))
        return self._warp(op, tuple(codes), result, mask, call)

    def _warp_type(self, operand: Scalar) -> DType:
        """Shuffles move 32 or 64 bits; numba passes unsigned values as signed ones."""
        dtype = operand.dtype
        if dtype.is_float:
            return dtype if dtype.bits >= 32 or self.rules.name == "weak" else dtypes.float32
        if dtype.bits < 32:
            return int32
        return int64 if self.rules.name == "numba" and dtype.kind == "uint" else dtype

    def _warp(
        self,
        op: str,
        codes: tuple[ir.Expr, ...],
        dtype: DType,
        mask: Scalar | None,
        call: Call,
    ) -> Scalar:
        result = self.temporary(op, dtype)
        member = None if mask is None else self.code(mask, uint32, call.loc)
        self.emit(ir.Warp(op, codes, result, None, member, call.loc))
        value = self.expression_of(ir.Local(result, dtype, call.loc))
        if self.rules.name == "numba" and op in ("ballot", "match_any"):
            return self.cast(value, int32, call.loc)
        return value

    def call_activemask(self, call: Call) -> Value:
        self.count_arguments(call, 0)
        return self._warp("activemask", (), uint32, None, call)

    def call_match_all(self, call: Call) -> Value:
        """(mask, True) if all lanes have one value, else (0, False)."""
        self.count_arguments(call, 2)
        mask, value = self.scalars(call)
        code = self.code(value, self._warp_type(value), call.loc)
        same = self._warp("match_any", (code,), uint32, mask, call)
        active = self._warp("activemask", (), uint32, None, call)
        equal = self.compare("eq", self.cast(same, uint32, call.loc), active, call.loc)
        everywhere = self._warp("all", (self.code(equal, loc=call.loc),), bool_, mask, call)
        zero = self.constant(0, uint32)
        found = self.select(everywhere, active, zero, call.loc)
        if self.rules.name == "numba":
            found = self.cast(found, int32, call.loc)
        return Tuple((found, everywhere))

    def call_lanemask_lt(self, call: Call) -> Value:
        """The mask of the lanes before this one."""
        self.count_arguments(call, 0)
        one = self.constant(1, uint32)
        lane = self.code(self.special("lane"), uint32, call.loc)
        bit = ir.Binary("shl", self.code(one, loc=call.loc), lane, uint32, False, call.loc)
        expr = ir.Binary("sub", bit, self.code(one, loc=call.loc), uint32, False, call.loc)
        return self.expression_of(expr)

    # -------------------------------------------------------------------------------- other

    def call_selp(self, call: Call) -> Value:
        self.count_arguments(call, 3)
        condition, a, b = self.scalars(call)
        return self.select(self.truth(condition, call.loc), a, b, call.loc)


def _in_domain(domain: str, dtype: DType) -> bool:
    match domain:
        case "int":
            return dtype.is_integer
        case "uint":
            return dtype.kind == "uint"
        case "number":
            return not dtype.is_bool
        case _:
            return True


MarkerHandler = Callable[[Cuda, Call], Value]


@functools.cache
def marker_handlers() -> dict[str, MarkerHandler]:
    """What to do for each marker that can be called and is not simply an intrinsic."""
    table: dict[str, MarkerHandler] = {
        "grid": Cuda.call_grid,
        "gridsize": Cuda.call_gridsize,
        "const.array_like": Cuda.call_const,
        "atomic.compare_and_swap": Cuda.call_compare_and_swap,
        "atomic.cas": Cuda.call_cas,
        "activemask": Cuda.call_activemask,
        "match_all_sync": Cuda.call_match_all,
        "lanemask_lt": Cuda.call_lanemask_lt,
        "selp": Cuda.call_selp,
        "nanosleep": Cuda.call_nothing,
        "cg.this_grid": Cuda.call_grid_group,
    }

    def add(name: str, method: Callable[..., Value], bound: Any) -> None:
        table[name] = lambda self, call: method(self, bound, call)

    add("shared.array", Cuda.call_array, "shared")
    add("local.array", Cuda.call_array, "local")
    for name, kind in (("syncthreads", "sync"), ("syncwarp", "warp"), ("grid_group.sync", "grid")):
        add(name, Cuda.call_barrier, kind)
    for kind in ("count", "and", "or"):
        add(f"syncthreads_{kind}", Cuda.call_counting_barrier, kind)
    for name, scope in (
        ("threadfence", "device"),
        ("threadfence_block", "block"),
        ("threadfence_system", "system"),
    ):
        add(name, Cuda.call_fence, scope)
    for op, row in intrinsics.ATOMICS.items():
        if op != "cas":
            for python in row.python:
                add(f"atomic.{python}", Cuda.call_atomic, op)
    for op, warp in intrinsics.WARP_OPS.items():
        if op != "activemask":
            for python in warp.python:
                add(python, Cuda.call_warp, op)
    return table


@functools.cache
def _marker_intrinsics() -> dict[str, intrinsics.Intrinsic]:
    table = {}
    for name, row in intrinsics.BY_PYTHON_NAME.items():
        for prefix in ("numba.cuda.", "accelerx."):
            if name.startswith(prefix):
                table[name.removeprefix(prefix)] = row
    return table


@functools.cache
def marker_names() -> frozenset[str]:
    """Every dotted name of the kernel language, namespaces included."""
    names = {*_SPECIALS, "laneid", "warpsize", *marker_handlers(), *_marker_intrinsics()}
    names -= {"grid_group.sync"}
    spaces = {name.rpartition(".")[0] for name in names if "." in name}
    return frozenset(names | spaces)


def marker_of(module_name: str, attribute: str) -> Marker | None:
    """The marker that numba's own ``cuda.attribute`` corresponds to, for kernels that import it."""
    known = module_name == "numba.cuda" and attribute in marker_names()
    return Marker(attribute) if known else None
