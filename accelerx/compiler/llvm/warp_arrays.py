"""Warp operations of scalar code: threads run one after the other, so a warp meets in arrays.

All threads of the block first leave their operands, then each takes its result. Slow, and simple
enough to be the reference for the vector code.
"""

from __future__ import annotations

from collections.abc import Callable

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.llvm import values
from accelerx.compiler.llvm.code import CACHE_LINE, Code
from accelerx.compiler.llvm.expressions import Expressions
from accelerx.compiler.llvm.memory import memory_type
from accelerx.compiler.llvm.values import Value, scalar
from accelerx.compiler.llvm.warps import neutral
from accelerx.compiler.passes.lanes import WARP
from accelerx.dtypes import DType, bool_, int32, uint32


class WarpArrays:
    """One warp operation."""

    def __init__(self, code: Code, expressions: Expressions, s: ir.Warp) -> None:
        self.code, self.b, self.math = code, code.b, code.math
        self.expressions = expressions
        self.s = s
        rows = -(-code.geometry.threads // WARP) * WARP
        self.active = self._room(rows, bool_, zero=True)
        self.value = self._room(rows, s.arguments[0].type) if s.arguments else ""

    def _room(self, count: int, dtype: DType, *, zero: bool = False) -> str:
        kind = memory_type(dtype)
        room = self.code.scratch(count * kind.itemsize, CACHE_LINE)
        if zero:  # places of threads that the block does not have stay so
            self.b.declare("declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
            self.code.entry.append(
                f"  call void @llvm.memset.p0.i64(ptr {room}, i8 0, i64 {count}, i1 false)"
            )
        return room

    # ---- the two turns of a thread

    def leave(self, running: str) -> None:
        """Leaves the thread's operand, and whether it takes part."""
        thread = self.expressions.linear(0)
        self._put(self.active, thread, scalar(running, bool_))
        if self.value:
            value = self.expressions.evaluate(self.s.arguments[0])[0]
            self._put(self.value, thread, value)

    def take(self) -> Value:
        """The thread's result."""
        op = self.s.op
        if op.startswith("shfl"):
            return self._shuffle(op.removeprefix("shfl_"))
        if op.startswith("reduce"):
            return self._reduce(op.removeprefix("reduce_"))
        return self._vote(op)

    # ---- access

    def _at(self, room: str, thread: Value, dtype: DType) -> str:
        return self.b.value(
            f"getelementptr {memory_type(dtype).llvm}, ptr {room}, i32 {thread.text}"
        )

    def _put(self, room: str, thread: Value, value: Value) -> None:
        kind, text = memory_type(value.type).llvm, value.text
        if value.type.is_bool:
            text = self.b.value(f"zext i1 {text} to i8")
        self.b.effect(f"store {kind} {text}, ptr {self._at(room, thread, value.type)}")

    def _get(self, room: str, thread: Value, dtype: DType) -> Value:
        kind = memory_type(dtype).llvm
        text = self.b.value(f"load {kind}, ptr {self._at(room, thread, dtype)}", pure=False)
        return scalar(self.b.value(f"icmp ne i8 {text}, 0") if dtype.is_bool else text, dtype)

    def _first(self) -> Value:
        """Number of the warp's first thread."""
        return self.math.binary("and", self.expressions.linear(0), self.code.literal(-WARP), int32)

    # ---- shuffles

    def _shuffle(self, op: str) -> Value:
        math, literal = self.math, self.code.literal
        own = math.binary("and", self.expressions.linear(0), literal(WARP - 1), int32)
        selector = math.cast(self.expressions.evaluate(self.s.arguments[1])[0], int32)
        segment = literal(WARP)
        if self.s.width is not None:
            segment = math.cast(self.expressions.evaluate(self.s.width)[0], int32)
        low = math.binary("sub", segment, literal(1), int32)
        start = math.binary("sub", own, math.binary("and", own, low, int32), int32)
        match op:
            case "idx":
                wanted = math.binary("add", start, math.binary("and", selector, low, int32), int32)
            case "up":
                wanted = math.binary("sub", own, selector, int32)
            case "down":
                wanted = math.binary("add", own, selector, int32)
            case _:
                wanted = math.binary("xor", own, selector, int32)
        first = literal(0) if op == "xor" else start  # xor may read earlier segments
        above = math.compare("ge", wanted, first)
        below = math.compare("lt", wanted, math.binary("add", start, segment, int32))
        chosen = math.select(math.logical("and", above, below), wanted, own, int32)
        thread = math.binary("add", self._first(), chosen, int32)
        return self._get(self.value, thread, self.s.arguments[0].type)

    # ---- votes and reductions

    def _each(self, total: Value, join: Callable[[Value, Value, Value], Value]) -> Value:
        """Goes through the warp's threads: ``join(total, thread, lane)`` for those that take part."""
        code, b, kind = self.code, self.b, total.type.llvm
        room, lane = code.alloca(kind), code.alloca("i32")
        b.effect(f"store {kind} {total.text}, ptr {room}")
        b.effect(f"store i32 0, ptr {lane}")
        head, out = b.label("lanes"), b.label("end")
        b.branch(head)
        code.place(head)
        number = scalar(b.value(f"load i32, ptr {lane}", pure=False), int32)
        thread = self.math.binary("add", self._first(), number, int32)
        with code.branch_around(self._get(self.active, thread, bool_).text, "lane"):
            before = scalar(b.value(f"load {kind}, ptr {room}", pure=False), total.type)
            after = join(before, thread, number)
            b.effect(f"store {kind} {after.text}, ptr {room}")
        following = b.value(f"add i32 {number.text}, 1")
        b.effect(f"store i32 {following}, ptr {lane}")
        b.branch_if(b.value(f"icmp ult i32 {following}, {WARP}"), head, out)
        code.place(out)
        return scalar(b.value(f"load {kind}, ptr {room}", pure=False), total.type)

    def _bits(self, holds: Callable[[Value], Value] | None) -> Value:
        """A u32 with the bits of the threads that take part and for which ``holds``."""
        math, zero = self.math, values.constant(0, uint32)

        def join(total: Value, thread: Value, lane: Value) -> Value:
            one = values.constant(1, uint32)
            bit = math.binary("shl", one, math.cast(lane, uint32), uint32)
            if holds is not None:
                bit = math.select(holds(thread), bit, zero, uint32)
            return math.binary("or", total, bit, uint32)

        return self._each(zero, join)

    def _vote(self, op: str) -> Value:
        math = self.math
        if op == "activemask":
            return self._bits(None)
        if op == "match_any":
            return self._bits(self._matches())
        yes = self._bits(lambda thread: self._get(self.value, thread, bool_))
        none = math.compare("eq", yes, values.constant(0, uint32))
        if op == "ballot":
            return yes
        if op == "any":
            return math.unary("not", none, bool_)
        every = math.compare("eq", yes, self._bits(None))
        return every if op == "all" else math.logical("or", every, none)

    def _matches(self) -> Callable[[Value], Value]:
        dtype = self.s.arguments[0].type
        word = dtypes.unsigned(dtype) if dtype.is_float else dtype
        own = self._get(self.value, self.expressions.linear(0), word)
        return lambda thread: self.math.compare("eq", self._get(self.value, thread, word), own)

    def _reduce(self, op: str) -> Value:
        dtype = self.s.arguments[0].type
        start = values.constant(neutral(op, dtype), dtype)

        def join(total: Value, thread: Value, lane: Value) -> Value:
            return self.math.binary(op, total, self._get(self.value, thread, dtype), dtype)

        return self._each(start, join)
