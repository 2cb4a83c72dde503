"""Lock-step execution of one chunk of blocks: statements under masks, expressions for all lanes.

Each statement takes the mask of the lanes that reach it and returns the mask of those that go on to
the next one. Lanes that jump are kept with the loop or scope that they jump out of.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np

from accelerx.compiler import ir
from accelerx.compiler.diagnostics import Loc, render
from accelerx.dtypes import DType
from accelerx.errors import KernelAssertionError
from accelerx.runtime import interpreter_math as arithmetic
from accelerx.runtime.interpreter_atomic import atomic
from accelerx.runtime.interpreter_intrinsics import intrinsic
from accelerx.runtime.interpreter_lanes import Dim3, Lanes, Mask
from accelerx.runtime.interpreter_math import Value
from accelerx.runtime.interpreter_memory import Array, BadAccess, Misaligned
from accelerx.runtime.interpreter_warp import Warps, warp

TURNS = 1 << 25  # of one While; more would take an hour, so something is wrong with it
FIRST_WATCH = 256  # turns after which a While is first looked at for progress


@dataclass(slots=True)
class Visit:
    """A Print or a failed Assert of one thread.

    Attributes:
        statement: The Print or Assert.
        block, thread: Indices of the thread.
        order: Sorts visits by block, then thread.
        values: The statement's values, as Python numbers.
    """

    statement: ir.Print | ir.Assert
    block: Dim3
    thread: Dim3
    order: int
    values: tuple[int | float | bool, ...]


@dataclass(slots=True)
class _Loop:
    """Lanes that left the body of the running loop by a jump."""

    broken: Mask | None = None
    continued: Mask | None = None


@dataclass(slots=True)
class Chunk:
    """Everything a run of some blocks needs.

    Attributes:
        kernel: The kernel.
        lanes: The blocks' lanes.
        params: Values of scalar, extent and stride parameters, as registers.
        bind: Makes a Mem's Array, given a function that evaluates extents and strides, and the
            root's Array if it is a view.
        waits: ``interpreter_waits.loops`` of the kernel.
        on_assert: Called for each failed assertion, in lane order; what it raises stops the run.
        prints: Receives what Print statements wrote.
    """

    kernel: ir.Kernel
    lanes: Lanes
    params: dict[str, Value]
    bind: Callable[[ir.Mem, Lanes, Callable[[ir.Expr], int], Array | None], Array]
    waits: dict[int, frozenset[str]]
    on_assert: Callable[[Visit], None]
    prints: list[Visit] = field(default_factory=list)


class Lockstep:
    """Runs one chunk, once."""

    def __init__(self, chunk: Chunk) -> None:
        self.chunk = chunk
        self.lanes = chunk.lanes
        self.alive = Mask(np.ones(self.lanes.count, np.bool_))
        self.nobody = Mask(np.zeros(self.lanes.count, np.bool_))
        self.locals: dict[str, Value] = {}
        self.constants: dict[int, Value] = {}
        self.loops: list[_Loop] = []
        self.exited: dict[str, Mask] = {}
        self.statement: ir.Stmt | None = None
        self._warps: Warps | None = None
        self.arrays: dict[str, Array] = {}
        # Roots first (False sorts before True): views are made of their memory.
        for mem in sorted(chunk.kernel.mems.values(), key=lambda m: m.of is not None):
            root = None if mem.of is None else self.arrays[mem.of]
            self.arrays[mem.name] = chunk.bind(mem, self.lanes, self._launch_constant, root)

    def run(self) -> None:
        """Executes the kernel's body for all lanes."""
        self.body(self.chunk.kernel.body, self.alive)

    def body(self, statements: Sequence[ir.Stmt], mask: Mask) -> Mask:
        """Executes a list and returns the lanes that reach its end."""
        for s in statements:
            if not mask.count:
                break
            self.statement = s
            mask = _STMT[type(s)](self, s, mask)
        return mask

    # ---- failures

    def fail(self, message: str, lane: int, loc: Loc | None, hint: str = "") -> NoReturn:
        """Raises for something a thread of the kernel did."""
        if loc is None and self.statement is not None:
            loc = self.statement.loc
        block, thread = self.lanes.where(lane)
        text = f"{message} (kernel {self.chunk.kernel.name}, block {block}, thread {thread})"
        raise KernelAssertionError(render(loc or self.chunk.kernel.loc, text, hint))

    def refuse(self, array: Array, error: BadAccess, loc: Loc | None) -> NoReturn:
        """Raises for an access that an array does not allow."""
        index = ", ".join(map(str, error.index))
        if isinstance(error, Misaligned):
            self.fail(
                f"{array.name}[{index}] is misaligned: its address is no multiple of the "
                f"{array.dtype.itemsize} bytes of a {array.dtype.name}",
                error.lane,
                loc,
                "a pointer cast must leave every access at a multiple of the element's size",
            )
        shape = ", ".join("?" if n is None else str(n) for n in array.extents)
        held = f"elements {array.low} to {array.high - 1}" if array.high > array.low else "nothing"
        self.fail(
            f"{array.name}[{index}] is out of bounds: {array.name} has shape ({shape}); "
            f"this would be element {error.flat} of memory that holds {held}",
            error.lane,
            loc,
        )

    # ---- expressions

    def eval(self, e: ir.Expr, mask: Mask) -> Value:
        """Value of a tree; meaningful in the lanes of ``mask`` only."""
        return _EXPR[type(e)](self, e, mask)

    def _launch_constant(self, e: ir.Expr) -> int:
        return int(self.eval(e, self.alive))

    def const(self, e: ir.Const, mask: Mask) -> Value:
        value = self.constants.get(id(e))
        if value is None:
            value = self.constants[id(e)] = arithmetic.constant(e.value, e.type)
        return value

    def local(self, e: ir.Local, mask: Mask) -> Value:
        value = self.locals.get(e.name)
        return _zero(e.type) if value is None else value

    def param(self, e: ir.ParamRef, mask: Mask) -> Value:
        return self.chunk.params[e.name]

    def special(self, e: ir.Special, mask: Mask) -> Value:
        return self.lanes.special(e.kind, e.axis)

    def binary(self, e: ir.Binary, mask: Mask) -> Value:
        left, right = self.eval(e.left, mask), self.eval(e.right, mask)
        return arithmetic.binary(e.op, left, right, e.type)

    def unary(self, e: ir.Unary, mask: Mask) -> Value:
        return arithmetic.unary(e.op, self.eval(e.operand, mask))

    def compare(self, e: ir.Compare, mask: Mask) -> Value:
        return arithmetic.COMPARISONS[e.op](self.eval(e.left, mask), self.eval(e.right, mask))

    def logical(self, e: ir.Logical, mask: Mask) -> Value:
        return arithmetic.CONNECTIVES[e.op](self.eval(e.left, mask), self.eval(e.right, mask))

    def select(self, e: ir.Select, mask: Mask) -> Value:
        condition = self.eval(e.condition, mask)
        chosen: Value = np.where(condition, self.eval(e.if_true, mask), self.eval(e.if_false, mask))
        return chosen[()]

    def cast(self, e: ir.Cast, mask: Mask) -> Value:
        return arithmetic.cast(self.eval(e.operand, mask), e.operand.type, e.type)

    def bitcast(self, e: ir.Bitcast, mask: Mask) -> Value:
        return arithmetic.bitcast(self.eval(e.operand, mask), e.operand.type, e.type)

    def call(self, e: ir.Call, mask: Mask) -> Value:
        arguments = [self.eval(a, mask) for a in e.arguments]
        return intrinsic(e.function, arguments, e.arguments[0].type)

    def load(self, e: ir.Load, mask: Mask) -> Value:
        array = self.arrays[e.mem]
        indices = [self.eval(i, mask) for i in e.indices]
        try:
            return array.load(indices, mask)
        except BadAccess as error:
            self.refuse(array, error, e.loc)

    # ---- locals and memory

    def set(self, name: str, value: Value, mask: Mask) -> None:
        """Assigns a local in the lanes of ``mask``."""
        if mask.count != self.alive.count:  # lanes that have returned read nothing any more
            old = self.locals.get(name)
            value = np.where(mask.bits, value, value.dtype.type(0) if old is None else old)
        self.locals[name] = value

    def assign(self, s: ir.Assign, mask: Mask) -> Mask:
        self.set(s.target, self.eval(s.value, mask), mask)
        return mask

    def store(self, s: ir.Store, mask: Mask) -> Mask:
        array = self.arrays[s.mem]
        indices = [self.eval(i, mask) for i in s.indices]
        value = self.eval(s.value, mask)
        try:
            array.store(indices, value, mask)
        except BadAccess as error:
            self.refuse(array, error, s.loc)
        return mask

    def atomic(self, s: ir.Atomic, mask: Mask) -> Mask:
        array = self.arrays[s.mem]
        indices = [self.eval(i, mask) for i in s.indices]
        value = self.eval(s.value, mask)
        compare = None if s.compare is None else self.eval(s.compare, mask)
        try:
            old = atomic(s.op, array, indices, value, compare, mask)
        except BadAccess as error:
            self.refuse(array, error, s.loc)
        if s.result is not None:
            self.set(s.result, old, mask)
        return mask

    # ---- control flow

    def if_(self, s: ir.If, mask: Mask) -> Mask:
        then = mask.where(self.eval(s.condition, mask))
        orelse = mask.minus(then)
        reached = self.body(s.then, then)
        return reached.union(self.body(s.orelse, orelse) if s.orelse else orelse)

    def for_(self, s: ir.For, mask: Mask) -> Mask:
        value, stop, step = (self.eval(e, mask) for e in (s.start, s.stop, s.step))
        if zero := mask.where(step == 0).count:
            lane = int(mask.where(step == 0).lanes[0])
            self.fail(f"step of the loop is 0 in {zero} threads", lane, s.loc)
        upward = step > 0
        everyone = mask.count == self.alive.count
        live = mask.where(_before(value, stop, upward))
        done = mask.minus(live)
        while live.count:
            # Lanes that are through with the loop have no use for its variable.
            self.set(s.target, value, self.alive if everyone else live)
            live, broken = self._turn(s.body, live)
            done = done.union(broken)
            following = value + step
            # A step beyond the type's range would be beyond stop as well.
            wrapped = (following > value) != upward
            goes_on = live.where(_before(following, stop, upward) & ~wrapped)
            done = done.union(live.minus(goes_on))
            live, value = goes_on, following
        return done

    def while_(self, s: ir.While, mask: Mask) -> Mask:
        done, turn, live = self.nobody, 0, mask
        while True:
            self.statement = s
            goes_on = live.where(self.eval(s.condition, live))
            done = done.union(live.minus(goes_on))
            live = goes_on
            if not live.count:
                return done
            turn += 1
            watched = turn >= FIRST_WATCH and turn & (turn - 1) == 0
            before = self._look(s) if watched else None
            entered = live
            live, broken = self._turn(s.body, live)
            done = done.union(broken)
            if s.post:
                live = self.body(s.post, live)
            if before is not None:
                self._need_progress(s, before, entered, live)
            if turn == TURNS:
                self.fail(f"a while loop has made {turn} turns", int(live.lanes[0]), s.loc)

    def _turn(self, body: Sequence[ir.Stmt], live: Mask) -> tuple[Mask, Mask | None]:
        """One turn of a loop: the lanes that end it or continue, and those that break."""
        frame = _Loop()
        self.loops.append(frame)
        live = self.body(body, live).union(frame.continued)
        self.loops.pop()
        return live, frame.broken

    def break_(self, s: ir.Break, mask: Mask) -> Mask:
        frame = self.loops[-1]
        frame.broken = mask.union(frame.broken)
        return self.nobody

    def continue_(self, s: ir.Continue, mask: Mask) -> Mask:
        frame = self.loops[-1]
        frame.continued = mask.union(frame.continued)
        return self.nobody

    def return_(self, s: ir.Return, mask: Mask) -> Mask:
        self.alive = self.alive.minus(mask)
        return self.nobody

    def scope(self, s: ir.Scope, mask: Mask) -> Mask:
        self.exited[s.label] = self.nobody
        reached = self.body(s.body, mask)
        return reached.union(self.exited.pop(s.label))

    def exit(self, s: ir.Exit, mask: Mask) -> Mask:
        self.exited[s.label] = mask.union(self.exited[s.label])
        return self.nobody

    # ---- waits without end

    def _look(self, s: ir.While) -> tuple[dict[str, Value], list[bool]]:
        state = {name: self.locals.get(name) for name in self.chunk.waits[id(s)]}
        changed = [a.changed for a in self.arrays.values()]
        for array in self.arrays.values():
            array.changed = False
        return state, changed

    def _need_progress(
        self,
        s: ir.While,
        before: tuple[dict[str, Value], list[bool]],
        entered: Mask,
        live: Mask,
    ) -> None:
        state, changed = before
        moved = any(a.changed for a in self.arrays.values())
        for array, earlier in zip(self.arrays.values(), changed, strict=True):
            array.changed |= earlier
        moved |= live.count != entered.count
        if moved or not all(_same(old, self.locals.get(name)) for name, old in state.items()):
            return
        if live.where(self.eval(s.condition, live)).count != live.count:
            return
        self.fail(
            f"{live.count} threads wait in a loop that can never end: a turn of it changes nothing",
            int(live.lanes[0]),
            s.loc,
            "threads run in lock-step here, so one cannot wait for what another of its block does "
            "after the loop (a spin lock); let the thread that gets the lock do its work inside",
        )

    # ---- threads together

    def barrier(self, s: ir.Barrier, mask: Mask) -> Mask:
        if s.kind == "warp":
            return mask
        if mask.count != self.alive.count or s.kind == "grid":
            self._need_all(s, mask)
        if s.predicate is None:
            return mask
        holds = mask.bits & self.eval(s.predicate, mask)
        if s.result is not None:
            by_block = self.lanes.by_block(holds)
            if s.kind == "count":
                votes = by_block.sum(axis=1, dtype=np.int32)
            elif s.kind == "and":
                votes = (self.lanes.by_block(mask.bits) == by_block).all(axis=1).astype(np.int32)
            else:
                votes = by_block.any(axis=1).astype(np.int32)
            self.set(s.result, np.repeat(votes, self.lanes.threads), mask)
        return mask

    def _need_all(self, s: ir.Barrier, mask: Mask) -> None:
        """A barrier needs every thread of the block that has not returned; the grid's, every block."""
        missing = self.lanes.by_block(self.alive.bits & ~mask.bits)
        arrives = self.lanes.by_block(mask.bits).any(axis=1, keepdims=True)
        missing = missing | ~arrives if s.kind == "grid" else missing & arrives
        if not missing.any():
            return
        lane = int(np.argmax(missing.reshape(-1)))
        if s.kind == "grid":
            self.fail(
                "barrier of the whole grid: others wait at it, this thread has ended or is elsewhere",
                lane,
                s.loc,
                "all threads of all blocks must reach it; guard the work between such barriers instead",
            )
        arrived = int(np.count_nonzero(self.lanes.by_block(mask.bits)[lane // self.lanes.threads]))
        self.fail(
            f"barrier in divergent flow: {arrived} threads of the block arrived, this one did not",
            lane,
            s.loc,
            "all threads of a block that have not returned must reach the same barrier; "
            "move it out of the branch or loop",
        )

    def clock(self, s: ir.Clock, mask: Mask) -> Mask:
        """Cycles are nanoseconds here: NumPy has no use for the processor's own counter."""
        self.set(s.result, np.int64(time.perf_counter_ns()), mask)
        return mask

    def warp(self, s: ir.Warp, mask: Mask) -> Mask:
        if self._warps is None:
            self._warps = Warps(self.lanes)
        arguments = [self.eval(a, mask) for a in s.arguments]
        width = None if s.width is None else self.eval(s.width, mask)
        if s.mask is not None:
            self._need_members(s, self.eval(s.mask, mask), mask)
        self.set(s.result, warp(s.op, arguments, width, self._warps, mask), mask)
        return mask

    def _need_members(self, s: ir.Warp, members: Value, mask: Mask) -> None:
        """A member mask must name the caller, and only lanes that execute or have ended."""
        assert self._warps is not None
        named = np.broadcast_to(members, (self.lanes.count,)).astype(np.uint32)
        waiting = self._warps.ballot(self.alive.bits & ~mask.bits)
        bit = np.uint32(1) << self._warps.lane.astype(np.uint32)
        bad = mask.where(((named & waiting) != 0) | ((named & bit) == 0))
        if bad.count:
            lane = int(bad.lanes[0])
            executing = int(self._warps.ballot(mask.bits)[lane])
            self.fail(
                f"{s.op} with member mask {int(named[lane]):#x}, "
                f"but the lanes of the warp that execute it are {executing:#x}",
                lane,
                s.loc,
                "the mask must name the calling lane and no lane that is elsewhere in the kernel",
            )

    # ---- prints and asserts

    def print_(self, s: ir.Print, mask: Mask) -> Mask:
        parts = [self.eval(p, mask) for p in s.parts if not isinstance(p, str)]
        self.chunk.prints += self._visits(s, parts, mask)
        return mask

    def assert_(self, s: ir.Assert, mask: Mask) -> Mask:
        failed = mask.minus(mask.where(self.eval(s.condition, mask)))
        if failed.count:
            for visit in self._visits(s, [self.eval(v, mask) for v in s.values], failed):
                self.chunk.on_assert(visit)
        return mask

    def _visits(self, s: ir.Print | ir.Assert, values: list[Value], mask: Mask) -> list[Visit]:
        columns = [np.broadcast_to(v, (self.lanes.count,))[mask.lanes].tolist() for v in values]
        rows = zip(*columns, strict=True) if columns else [()] * mask.count
        visits = []
        for lane, row in zip(mask.lanes.tolist(), rows, strict=True):
            block, thread = self.lanes.where(lane)
            visits.append(Visit(s, block, thread, lane, tuple(row)))
        return visits

    def fence(self, s: ir.Fence, mask: Mask) -> Mask:
        return mask


def _zero(dtype: DType) -> Value:
    return arithmetic.register_type(dtype).type(0)


def _before(value: Value, stop: Value, upward: Value) -> Value:
    if np.ndim(upward) == 0:
        return value < stop if upward else value > stop
    return np.where(upward, value < stop, value > stop)


def _same(a: Value, b: Value) -> bool:
    if a is b:
        return True
    return a is not None and b is not None and np.array_equal(a, b, equal_nan=True)


_EXPR: dict[type, Callable[[Lockstep, Any, Mask], Value]] = {
    ir.Const: Lockstep.const,
    ir.Local: Lockstep.local,
    ir.ParamRef: Lockstep.param,
    ir.Special: Lockstep.special,
    ir.Binary: Lockstep.binary,
    ir.Unary: Lockstep.unary,
    ir.Compare: Lockstep.compare,
    ir.Logical: Lockstep.logical,
    ir.Select: Lockstep.select,
    ir.Cast: Lockstep.cast,
    ir.Bitcast: Lockstep.bitcast,
    ir.Call: Lockstep.call,
    ir.Load: Lockstep.load,
}

_STMT: dict[type, Callable[[Lockstep, Any, Mask], Mask]] = {
    ir.Assign: Lockstep.assign,
    ir.Store: Lockstep.store,
    ir.If: Lockstep.if_,
    ir.For: Lockstep.for_,
    ir.While: Lockstep.while_,
    ir.Break: Lockstep.break_,
    ir.Continue: Lockstep.continue_,
    ir.Return: Lockstep.return_,
    ir.Scope: Lockstep.scope,
    ir.Exit: Lockstep.exit,
    ir.Barrier: Lockstep.barrier,
    ir.Fence: Lockstep.fence,
    ir.Atomic: Lockstep.atomic,
    ir.Warp: Lockstep.warp,
    ir.Clock: Lockstep.clock,
    ir.Print: Lockstep.print_,
    ir.Assert: Lockstep.assert_,
}
