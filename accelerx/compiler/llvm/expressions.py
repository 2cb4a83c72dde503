"""Evaluates KIR expressions for the active slots."""

from __future__ import annotations

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.ir import Expr
from accelerx.compiler.llvm import values
from accelerx.compiler.llvm.arithmetic import Arithmetic
from accelerx.compiler.llvm.code import Code
from accelerx.compiler.llvm.memory import Memory
from accelerx.compiler.llvm.values import Value, Values
from accelerx.compiler.llvm.variables import Variables
from accelerx.compiler.passes.lanes import PROMISED, SAME, WARP, Lane
from accelerx.dtypes import int32, int64


class Expressions:
    """Evaluates expressions, with the locals and the arrays they read."""

    def __init__(self, code: Code, variables: Variables, memory: Memory) -> None:
        self.code = code
        self.variables = variables
        self.memory = memory
        self.ready: dict[int, Values] = {}  # of Loads, by id, done already for the active slots

    def evaluate(self, e: Expr) -> Values:
        """One value for each slot, or a single one if all slots share it."""
        math = self.code.math
        match e:
            case ir.Const():
                return (values.constant(e.value, e.type),)
            case ir.Local():
                return self.variables.read(e.name)
            case ir.ParamRef():
                return (values.uniform(f'%"p.{e.name}"', e.type),)
            case ir.Special():
                return self._special(e)
            case ir.Load():
                if (ready := self.ready.get(id(e))) is not None:
                    return ready
                return self.memory.load(self.code.kernel.mems[e.mem], self.evaluate(e.indices[0]))
        parts = [self.evaluate(x) for x in ir.operands(e)]
        return self.code.lift(lambda *v: _apply(math, e, v), *parts)

    # ---- coordinates

    def _special(self, e: ir.Special) -> Values:
        axis = "xyz"[e.axis]
        match e.kind:
            case "block":
                return (values.uniform(f"%block.{axis}", int32),)
            case "grid_dim":
                return (values.uniform(f"%grid.{axis}", int32),)
            case "block_dim":
                return (self.code.literal(self.code.geometry.block[e.axis]),)
            case "thread" if self.code.geometry.block[e.axis] == 1:
                return (self.code.literal(0),)
        return tuple(self._coordinate(e, slot) for slot in self.code.slots)

    def linear(self, slot: int) -> Value:
        """The number of a slot's threads in the block, x fastest."""
        code = self.code
        first = code.math.binary("mul", code.chunk, code.literal(code.width, int64), int64, True)
        base = code.math.cast(first, int32)
        if code.width == 1:
            return Value(base.text, int32, SAME, base.const)
        lane = Lane(1, PROMISED, code.width, True)
        return Value(base.text, int32, lane, base.const, slot * code.width)

    def _coordinate(self, e: ir.Special, slot: int) -> Value:
        geometry, linear = self.code.geometry, self.linear(slot)
        if e.kind == "warp":
            return self._row_quotient(linear, WARP)
        if e.kind == "lane":
            return self._row_remainder(linear, WARP)
        x, y, _ = geometry.block
        if geometry.linear:
            return linear
        if e.axis == 0:
            return self._row_remainder(linear, x)
        row = self._row_quotient(linear, x)
        if e.axis == 1:
            return row if geometry.block[2] == 1 else self._divide("rem", row, y)
        return self._divide("quot", row, y)

    def _divide(self, op: str, a: Value, by: int) -> Value:
        if a.known is not None and a.lane.stride == 1:
            first = int(a.known)
            lanes = [(first + i) // by if op == "quot" else (first + i) % by
                     for i in range(self.code.width)]  # fmt: skip
            items = ", ".join(f"i32 {x}" for x in lanes)
            return values.vector(f"<{items}>", int32)
        a32 = self.code.math.cast(a, dtypes.uint32)
        result = self.code.math.binary(op, a32, self.code.literal(by, dtypes.uint32), dtypes.uint32)
        return self.code.math.cast(result, int32)

    def _base(self, linear: Value) -> Value:
        """A vector's first thread, as a scalar."""
        return Value(self.code.math.base(linear), int32, const=linear.known)

    def _row_remainder(self, linear: Value, length: int) -> Value:
        """``linear % length``; affine if each vector lies in one row."""
        if length % self.code.width:
            return self._divide("rem", linear, length)
        base = self._divide("rem", self._base(linear), length)
        if self.code.width == 1:
            return base
        return Value(base.text, int32, Lane(1, PROMISED, self.code.width), base.const)

    def _row_quotient(self, linear: Value, length: int) -> Value:
        if length % self.code.width:
            return self._divide("quot", linear, length)
        return self._divide("quot", self._base(linear), length)


def _apply(math: Arithmetic, e: Expr, v: tuple[Value, ...]) -> Value:
    match e:
        case ir.Binary():
            return math.binary(e.op, v[0], v[1], e.type, e.nowrap)
        case ir.Unary():
            return math.unary(e.op, v[0], e.type)
        case ir.Compare():
            return math.compare(e.op, v[0], v[1])
        case ir.Logical():
            return math.logical(e.op, v[0], v[1])
        case ir.Select():
            return math.select(v[0], v[1], v[2], e.type)
        case ir.Cast():
            return math.cast(v[0], e.type)
        case ir.Bitcast():
            return math.bitcast(v[0], e.type)
        case ir.Call():
            return math.call(e.function, v, e.type)
        case _:
            raise AssertionError(f"{type(e).__name__} is not an operation")
