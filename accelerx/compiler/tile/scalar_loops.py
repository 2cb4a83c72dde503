"""Statements as the one thread of a lane executes them: the inside of a scalar loop over lanes.

A coordinate becomes arithmetic on the lane's number, a tensor's element takes the place of a varying
local, and a base plus steps that of an affine one. Locals that nothing outside of the loop sees are
scalars of the core.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.ir import Expr, Stmt
from accelerx.compiler.passes import lanes
from accelerx.compiler.passes.fold import fold_root, wrap
from accelerx.compiler.tile.kinds import add, cast, digits, mul, number


class Pin(Exception):
    """A local must be varying after all; lowering starts again with that known."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass(slots=True)
class LaneCode:
    """Rewrites statements for one lane.

    Attributes:
        lane: The lane's number, an i32 scalar expression.
        block: Threads along x, y and z.
        count: Lanes of a tensor.
        kind: Kind of a local.
        tensor: Name of the tensor that holds a varying local.
        private: Locals that only this code sees.
        shared: Names of arrays that lie on chip.
        fresh: Declares a scalar.
    """

    lane: Expr
    block: tuple[int, int, int]
    count: int
    kind: Callable[[str], lanes.Kind]
    tensor: Callable[[str], str]
    private: dict[str, str]
    own: set[str]
    shared: set[str]
    fresh: Callable[[str, dtypes.DType], str]

    def coordinate(self, axis: int) -> Expr:
        """The lane's thread coordinate along an axis."""
        inner = 1
        for extent in self.block[:axis]:
            inner *= extent
        e = self.lane
        if inner > 1:
            e = fold_root(ir.Binary("quot", e, number(inner), dtypes.int32))
        if any(extent > 1 for extent in self.block[axis + 1 :]):
            e = fold_root(ir.Binary("rem", e, number(self.block[axis]), dtypes.int32))
        return e

    def expr(self, e: Expr) -> Expr:
        """The value of an expression for the lane."""
        match e:
            case ir.Special("thread"):
                return self.coordinate(e.axis)
            case ir.Special("lane"):
                return fold_root(ir.Binary("rem", self.lane, number(lanes.WARP), dtypes.int32))
            case ir.Special("warp"):
                return fold_root(ir.Binary("quot", self.lane, number(lanes.WARP), dtypes.int32))
            case ir.Local():
                return self._local(e)
            case ir.Load() if e.mem in self.own:
                return replace(e, indices=(self._row(self.expr(e.indices[0])),))
        return ir.map_operands(e, self.expr)

    def _row(self, index: Expr) -> Expr:
        """Where an element of a lane's own array lies: equal elements of all lanes side by side."""
        return add(mul(cast(index, dtypes.int32), number(self.count)), self.lane)

    def _local(self, e: ir.Local) -> Expr:
        if e.name in self.private:
            return ir.Local(self.private[e.name], e.type, e.loc)
        kind = self.kind(e.name)
        if kind.uniform:
            return e
        if kind.lane.stride is None:
            return ir.Load(self.tensor(e.name), (self.lane,), e.type, e.loc)
        total: Expr = e
        for axis, step in enumerate(digits(kind.lane.stride)):
            if step:
                term = mul(cast(self.coordinate(axis), e.type), number(wrap(step, e.type), e.type))
                total = add(total, term)
        return total

    def body(self, body: Sequence[Stmt]) -> list[Stmt]:
        """Statements for the lane."""
        return [new for s in body for new in self.statement(s)]

    def statement(self, s: Stmt) -> list[Stmt]:
        """One statement for the lane."""
        name = ir.target(s)
        if isinstance(s, ir.Atomic) and s.mem in self.shared:
            return self._atomic(s)
        if isinstance(s, ir.For):
            if s.target not in self.private:
                raise Pin(s.target)
            s = replace(s, target=self.private[s.target])
        new = ir.map_blocks(ir.map_expressions(s, self.expr), self.body)
        if isinstance(new, ir.Store) and new.mem in self.own:
            new = replace(new, indices=(self._row(new.indices[0]),))
        if name is None or isinstance(s, ir.For):
            return [new]
        if isinstance(new, ir.Assign):
            return [self.assign(name, new.value, new)]
        assert isinstance(new, ir.Atomic | ir.Clock)
        result = self.fresh(name, self._type(s))
        value = ir.Local(result, self._type(s))
        return [replace(new, result=result), self.assign(name, value, new)]

    def _type(self, s: Stmt) -> dtypes.DType:
        return dtypes.int64 if isinstance(s, ir.Clock) else s.value.type  # type: ignore[union-attr]

    def assign(self, name: str, value: Expr, s: Stmt) -> Stmt:
        """Sets a local of the lane."""
        if name in self.private:
            return ir.Assign(self.private[name], value, s.loc)
        if self.kind(name).lane.stride is not None:
            raise Pin(name)
        return ir.Store(self.tensor(name), (self.lane,), value, s.loc)

    def _atomic(self, s: ir.Atomic) -> list[Stmt]:
        """An atomic on an on-chip array, which one core owns: a read, then a write."""
        index = self.expr(s.indices[0])
        if s.mem in self.own:
            index = self._row(index)
        operand, dtype = self.expr(s.value), s.value.type
        at, by = self.fresh("at", index.type), self.fresh("by", dtype)
        old_name = self.fresh("old", dtype)
        old, value = ir.Local(old_name, dtype), ir.Local(by, dtype)
        where = ir.Local(at, index.type)
        out: list[Stmt] = [
            ir.Assign(at, index, s.loc),
            ir.Assign(by, operand, s.loc),
            ir.Assign(old_name, ir.Load(s.mem, (where,), dtype, s.loc), s.loc),
        ]
        store = ir.Store(s.mem, (where,), combined(s.op, old, value), s.loc)
        if s.op == "cas":
            assert s.compare is not None
            same = ir.Compare("eq", bits(old), bits(self.expr(s.compare)), s.loc)
            out.append(ir.If(same, [ir.Store(s.mem, (where,), value, s.loc)], [], s.loc))
        else:
            out.append(store)
        if s.result is not None:
            out.append(self.assign(s.result, old, s))
        return out


def bits(e: Expr) -> Expr:
    """A value as an integer of the same bits."""
    return ir.Bitcast(e, dtypes.unsigned(e.type)) if e.type.is_float else e


def combined(op: str, old: Expr, value: Expr) -> Expr:
    """What an atomic leaves in its element (``cas``: where it matches)."""
    dtype = value.type
    one, zero = ir.Const(1, dtype), ir.Const(0, dtype)
    match op:
        case "exch" | "cas":
            return value
        case "nanmin" | "nanmax":
            return ir.Binary(op[3:], old, value, dtype)  # type: ignore[arg-type]
        case "inc":
            more = ir.Binary("add", old, one, dtype)
            return ir.Select(ir.Compare("ge", old, value), zero, more, dtype)
        case "dec":
            restart = ir.Logical("or", ir.Compare("eq", old, zero), ir.Compare("gt", old, value))
            return ir.Select(restart, value, ir.Binary("sub", old, one, dtype), dtype)
        case _:
            return ir.Binary(op, old, value, dtype)  # type: ignore[arg-type]
