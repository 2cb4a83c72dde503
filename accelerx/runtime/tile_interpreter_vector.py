"""The tile interpreter's vector statements: what each does to on-chip tensors.

Reductions combine in a tree, as vector units do; ``fma`` rounds twice, as the KIR it stems from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from accelerx.compiler import ir
from accelerx.compiler.tile import ir as tile
from accelerx.dtypes import DType
from accelerx.runtime import interpreter_math as arithmetic
from accelerx.runtime.interpreter_intrinsics import intrinsic
from accelerx.runtime.interpreter_math import Value, from_memory, to_memory
from accelerx.runtime.tile_interpreter_memory import Chip, Flat, Wrong, overlap


@dataclass(slots=True)
class Vectors:
    """Runs vector statements that hold no others.

    Attributes:
        chip: The core's memory.
        globals: Arrays outside of it, by the name of their Mem.
        eval: Value of a scalar expression.
        set: Assigns a scalar.
    """

    chip: Chip
    globals: Mapping[str, Flat]
    eval: Callable[[ir.Expr], Value]
    set: Callable[[str, Value], None]

    def run(self, s: Any) -> None:
        """Executes a vector statement (any but LaneLoop and GridSync)."""
        count = 1 if isinstance(s, tile.Contract) else int(self.eval(s.count))
        if count > 0:
            _RUN[type(s)](self, s, count)
        elif isinstance(s, tile.Reduce):
            raise Wrong(f"a reduction of {count} lanes has no value")

    # ---- operands

    def _place(self, s: tile.Slice, count: int) -> tuple[Any, DType]:
        return self.chip.elements(s, int(self.eval(s.start)), count)

    def _read(self, operand: tile.Operand, count: int, target: Any = None) -> tuple[Value, DType]:
        """Value and type of an operand, which may not overlap ``target`` but by being it."""
        if not isinstance(operand, tile.Slice):
            return self.eval(operand), operand.type
        part, dtype = self._place(operand, count)
        if target is not None and overlap(target, part):
            raise Wrong(f"the target overlaps {operand.tensor}, a source, without being it")
        return from_memory(part, dtype), dtype

    def _sources(
        self, operands: tuple[tile.Operand, ...], count: int, target: Any, dtype: DType
    ) -> list[Value]:
        values = []
        for operand in operands:
            value, own = self._read(operand, count, target)
            if own is not dtype:
                raise Wrong(f"an operand is {own!r}, the target {dtype!r}")
            values.append(value)
        return values

    # ---- statements

    def elementwise(self, s: tile.Elementwise, count: int) -> None:
        target, dtype = self._place(s.target, count)
        values = self._sources(s.operands, count, target, dtype)
        if s.op in ("shl", "shr") and np.ndim(values[1]) == 0:
            values[1] = np.broadcast_to(values[1], count)
        target[:] = to_memory(_whole(_compute(s.op, values, dtype), count), dtype)

    def fill(self, s: tile.Fill, count: int) -> None:
        target, dtype = self._place(s.target, count)
        value, own = self._read(s.value, count)
        if own is not dtype:
            raise Wrong(f"the value is {own!r}, the target {dtype!r}")
        target[:] = to_memory(value, dtype)

    def iota(self, s: tile.Iota, count: int) -> None:
        target, dtype = self._place(s.target, count)
        start, step = self._sources((s.start, s.step), count, None, dtype)
        number = np.arange(count).astype(arithmetic.register_type(dtype))
        steps = arithmetic.binary("mul", step, number, dtype)
        target[:] = to_memory(arithmetic.binary("add", start, steps, dtype), dtype)

    def convert(self, s: tile.Convert, count: int) -> None:
        target, dtype = self._place(s.target, count)
        value, own = self._read(s.source, count, target)
        target[:] = to_memory(arithmetic.cast(value, own, dtype), dtype)

    def compare(self, s: tile.Compare, count: int) -> None:
        (left, own), (right, other) = self._read(s.left, count), self._read(s.right, count)
        if own is not other:
            raise Wrong(f"{own!r} is compared with {other!r}")
        self.chip.mask(s.mask, count)[:] = arithmetic.COMPARISONS[s.op](left, right)

    def mask_range(self, s: tile.MaskRange, count: int) -> None:
        lane = np.arange(count)
        inside = (lane >= int(self.eval(s.start))) & (lane < int(self.eval(s.stop)))
        self.chip.mask(s.mask, count)[:] = inside

    def mask_logic(self, s: tile.MaskLogic, count: int) -> None:
        masks = [self.chip.mask(name, count) for name in s.operands]
        self.chip.mask(s.target, count)[:] = _MASK[s.op](*masks)

    def from_mask(self, s: tile.FromMask, count: int) -> None:
        target, dtype = self._place(s.target, count)
        ones = self.chip.mask(s.mask, count).astype(arithmetic.register_type(dtype))
        target[:] = to_memory(ones, dtype)

    def select(self, s: tile.Select, count: int) -> None:
        target, dtype = self._place(s.target, count)
        yes, no = self._sources((s.if_true, s.if_false), count, target, dtype)
        chosen = np.where(
            self.chip.mask(s.mask, count), to_memory(yes, dtype), to_memory(no, dtype)
        )
        target[:] = chosen

    def gather(self, s: tile.Gather, count: int) -> None:
        target, dtype = self._place(s.target, count)
        table, index = self._table(s.table, s.index, count)
        if np.shares_memory(target, table):
            raise Wrong(f"the target overlaps {s.table.tensor}, the table")
        self._read(s.index, count, target)
        target[:] = table.view(arithmetic.memory_type(dtype))[index]

    def scatter(self, s: tile.Scatter, count: int) -> None:
        table, index = self._table(s.table, s.index, count)
        source, _ = self._place(s.source, count)
        if np.shares_memory(source, table):
            raise Wrong(f"the table {s.table.tensor} overlaps the source")
        table[index] = source.view(table.dtype)

    def _table(self, table: tile.Slice, index: tile.Slice, count: int) -> tuple[Any, Any]:
        """The elements from a slice's start to its tensor's end, and where in it lanes look."""
        start = int(self.eval(table.start))
        size = self.chip.arrays[table.tensor].data.size if table.tensor in self.chip.arrays else 0
        elements, _ = self.chip.elements(table, start, max(0, size - start))
        where, _ = self._place(index, count)
        outside = (where < 0) | (where >= elements.size)
        if outside.any():
            lane = int(np.argmax(outside))
            raise Wrong(
                f"lane {lane} looks up element {int(where[lane])} of {table.tensor}, which has "
                f"{elements.size} from {start} on"
            )
        return elements, where

    def reduce(self, s: tile.Reduce, count: int) -> None:
        value, dtype = self._read(s.source, count)
        self.set(s.result, combine(s.op, value, dtype))

    def count_mask(self, s: tile.CountMask, count: int) -> None:
        self.set(s.result, np.int32(np.count_nonzero(self.chip.mask(s.mask, count))))

    # ---- memory outside

    def load(self, s: tile.Load, count: int) -> None:
        array = self._global(s.mem)
        for outer, inner in self._rows(s, s.target_stride, count):
            start = int(self.eval(s.target.start)) + inner
            target, dtype = self.chip.elements(s.target, start, count)
            self._same(dtype, array, s.mem)
            target[:] = array.data[array.at(int(self.eval(s.start)) + outer, count)]

    def store(self, s: tile.Store, count: int) -> None:
        array = self._global(s.mem)
        for outer, inner in self._rows(s, s.source_stride, count):
            start = int(self.eval(s.source.start)) + inner
            source, dtype = self.chip.elements(s.source, start, count)
            self._same(dtype, array, s.mem)
            where = array.at(int(self.eval(s.start)) + outer, count)
            if s.atomic is not None:
                old = from_memory(array.data[where], dtype)
                new = arithmetic.binary(s.atomic, old, from_memory(source, dtype), dtype)
                source = to_memory(new, dtype)
            array.data[where] = source

    def _global(self, mem: str) -> Flat:
        if mem not in self.globals:
            raise Wrong(f"{mem} is no array outside of the chip")
        return self.globals[mem]

    def _same(self, dtype: DType, array: Flat, mem: str) -> None:
        if dtype is not array.dtype:
            raise Wrong(f"elements of {mem}, {array.dtype!r}, move as {dtype!r}")

    def _rows(
        self, s: tile.Load | tile.Store, chip_stride: ir.Expr | None, count: int
    ) -> list[tuple[int, int]]:
        """For each row its first element, counted from that of row 0, outside and on the chip."""
        rows = 1 if s.rows is None else int(self.eval(s.rows))
        if rows <= 1:
            return [(0, 0)] * rows
        if s.row_stride is None or chip_stride is None:
            raise Wrong(f"a copy of {rows} rows needs both strides")
        outside, inside = int(self.eval(s.row_stride)), int(self.eval(chip_stride))
        if inside < count:
            raise Wrong(f"rows of {count} elements overlap on the chip, {inside} apart")
        return [(r * outside, r * inside) for r in range(rows)]

    def contract(self, s: tile.Contract, _: int) -> None:
        target, dtype = self._matrix(s.target, s.m, s.n, s.target_stride)
        left, _left = self._matrix(s.left, s.m, s.k, s.left_stride)
        right, _right = self._matrix(s.right, s.k, s.n, s.right_stride)
        if np.shares_memory(target, left) or np.shares_memory(target, right):
            raise Wrong("the target of a contraction overlaps an operand")
        total = from_memory(target, dtype)
        a, b = from_memory(left, dtype), from_memory(right, dtype)
        for k in range(s.k):
            product = arithmetic.binary("mul", a[:, k, None], b[None, k, :], dtype)
            total = arithmetic.binary("add", total, product, dtype)
        target[:] = to_memory(total, dtype)

    def _matrix(self, s: tile.Slice, rows: int, columns: int, stride: int) -> tuple[Any, DType]:
        whole = (rows - 1) * stride + columns
        part, dtype = self._place(s, whole)
        strides = (stride * part.itemsize, part.itemsize)
        return np.lib.stride_tricks.as_strided(part, (rows, columns), strides), dtype


def combine(op: str, value: Value, dtype: DType) -> Value:
    """``value[0] op value[1] op ...``, in a tree."""
    while value.size > 1:
        half = value.size // 2
        pairs = arithmetic.binary(op, value[:half], value[half : 2 * half], dtype)
        value = np.concatenate((pairs, value[2 * half :]))
    return value[0]


def _whole(value: Value, count: int) -> Value:
    """A value as a contiguous array of its own."""
    return np.ascontiguousarray(np.broadcast_to(value, (count,)))


def _compute(op: str, values: list[Value], dtype: DType) -> Value:
    match op:
        case "copy":
            return values[0]
        case "neg" | "invert":
            return arithmetic.unary(op, values[0])
        case "reciprocal":
            one = arithmetic.constant(1.0, dtype)
            return arithmetic.binary("div", one, values[0], dtype)
        case "fma":
            product = arithmetic.binary("mul", values[0], values[1], dtype)
            return arithmetic.binary("add", product, values[2], dtype)
        case _ if tile.ARITY[op] == 2:
            if dtype.is_bool:
                return arithmetic.CONNECTIVES[op](*values)
            return arithmetic.binary(op, values[0], values[1], dtype)
        case _:
            return intrinsic(op, values, dtype)


_MASK: dict[str, Callable[..., Any]] = {
    "and": np.logical_and,
    "or": np.logical_or,
    "xor": np.logical_xor,
    "andnot": lambda a, b: a & ~b,
    "not": np.logical_not,
    "copy": lambda a: a,
}

_RUN: dict[type, Callable[[Vectors, Any, int], None]] = {
    tile.Elementwise: Vectors.elementwise,
    tile.Fill: Vectors.fill,
    tile.Iota: Vectors.iota,
    tile.Convert: Vectors.convert,
    tile.Compare: Vectors.compare,
    tile.MaskRange: Vectors.mask_range,
    tile.MaskLogic: Vectors.mask_logic,
    tile.FromMask: Vectors.from_mask,
    tile.Select: Vectors.select,
    tile.Gather: Vectors.gather,
    tile.Scatter: Vectors.scatter,
    tile.Reduce: Vectors.reduce,
    tile.CountMask: Vectors.count_mask,
    tile.Load: Vectors.load,
    tile.Store: Vectors.store,
    tile.Contract: Vectors.contract,
}
