"""Emits what a whole block does together: chunk loops over runs, barriers, and control around them.

Control that all threads agree on is a branch. Where they may not, each vector's mask lies in a context
array, a construct is entered if any thread enters it, and a barrier checks that no thread is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from accelerx.compiler import ir
from accelerx.compiler.ir import Expr, Stmt
from accelerx.compiler.llvm.code import Code, Frame, Mask, MaskStore
from accelerx.compiler.llvm.expressions import Expressions
from accelerx.compiler.llvm.integers import resize
from accelerx.compiler.llvm.memory import bits_type
from accelerx.compiler.llvm.plan import Plan
from accelerx.compiler.llvm.statements import JUMPS, Statements
from accelerx.compiler.llvm.values import Value, scalar, uniform
from accelerx.compiler.llvm.warp_arrays import WarpArrays
from accelerx.compiler.passes import flow
from accelerx.compiler.passes.regions import Regions, Run, measured
from accelerx.dtypes import int32, int64

MASKS_ON_STACK = 64  # vectors
WAITS = 2  # AX_BLOCK_WAITS


class Blocks:
    """Emits a kernel's body, cut into runs, for the block at hand."""

    def __init__(self, code: Code, plan: Plan, regions: Regions, statements: Statements) -> None:
        self.code = code
        self.plan = plan
        self.regions = regions
        self.statements = statements
        self.expressions: Expressions = statements.expressions
        self.variables = statements.variables
        self.entered: MaskStore | None = None  # threads in the innermost masked branch
        self.returns = ir.contains(regions.kernel.body, ir.Return)
        self.split = bool(regions.block_level)
        self.returned = False  # whether some thread may have returned by now
        self.exposed = measured(list(regions.kernel.body)).exposed

    def emit(self) -> None:
        """Emits the kernel's body for the block at hand."""
        self.statements.sites.poll()
        if self.returns:
            self.code.alive = self._store() if self.split else MaskStore(self.code)
        if self.split:
            self._prepare()
        self._list(self.regions.kernel.body)

    def _prepare(self) -> None:
        """Gives the context arrays their first values."""
        for name in sorted(self.exposed):
            if self.variables.lanes.kinds[name].uniform:
                self.variables.clear(name)
        first = sorted(n for n in self.exposed if n in self.variables.context)
        run = Run([], set(), set(first), set(first))

        def clear() -> None:
            if self.code.alive is not None:
                self.code.alive.set(self._threads())
            for name in first:
                self.variables.clear(name)
            self.variables.leave(run)

        if first or self.code.alive is not None:
            self._chunks(self._few(), clear)

    def _store(self) -> MaskStore:
        """Masks for every vector of the block."""
        code, vectors = self.code, self.code.geometry.vectors
        kind, size = f"[{vectors} x {code.flag}]", vectors * max(1, code.width // 8)
        return MaskStore(code, code.kept(kind, size, on_stack=vectors <= MASKS_ON_STACK))

    # ---- chunks

    def _few(self) -> int:
        """Vectors that small block-level work takes together."""
        vectors = self.code.geometry.vectors
        return 1 if self.code.width == 1 else vectors if vectors <= 16 else 4

    def _chunks(self, jam: int, body: Callable[[], None]) -> None:
        """Emits ``body`` so that it runs for every vector of the block, ``jam`` at a time.

        Vectors beyond the last full chunk, and one that the block does not fill, come after the loop.
        """
        code, geometry = self.code, self.code.geometry
        whole = geometry.threads // geometry.width  # vectors without a missing thread
        count = whole // jam if whole >= jam else 0
        rest = geometry.vectors - count * jam
        if count > 1:
            self._chunk_loop(count, jam, body)
        elif count == 1:
            self._chunk(code.literal(0, int64), jam, body)
        if rest:
            self._chunk(code.literal(count * jam, int64), rest, body)
        code.chunk, code.slots, code.mask = code.literal(0, int64), (0,), None

    def _chunk(self, first: Value, vectors: int, body: Callable[[], None]) -> None:
        code = self.code
        code.chunk, code.slots = first, tuple(range(vectors))
        body()

    def _chunk_loop(self, count: int, jam: int, body: Callable[[], None]) -> None:
        code, b = self.code, self.code.b
        counter = code.alloca("i64")
        b.effect(f"store i64 0, ptr {counter}")
        head, out = b.label("chunk"), b.label("end")
        b.branch(head)
        code.place(head)
        number = b.value(f"load i64, ptr {counter}", pure=False)
        first = code.math.binary("mul", scalar(number, int64), code.literal(jam, int64), int64)
        self._chunk(first, jam, body)
        following = b.value(f"add i64 {number}, 1")
        b.effect(f"store i64 {following}, ptr {counter}")
        b.branch_if(b.value(f"icmp ult i64 {following}, {count}"), head, out)
        code.place(out)

    def _threads(self) -> Mask:
        """Which lanes of the slots are threads of the block."""
        code, geometry = self.code, self.code.geometry
        partial = geometry.threads % geometry.width
        last = geometry.vectors - 1
        masks = [code.true] * len(code.slots)
        known = code.chunk.const
        if partial and known is not None and known + code.slots[-1] == last:
            lanes = ", ".join(f"i1 {'true' if i < partial else 'false'}" for i in range(code.width))
            masks[-1] = f"<{lanes}>"
        return tuple(masks)

    def _running(self) -> Mask:
        """Which lanes of the slots run at this place."""
        code = self.code
        mask = self._threads()
        if self.entered is not None:
            mask = code.both(mask, self.entered.get())
        for frame in reversed(code.frames):
            if frame.live is not None:
                mask = code.both(mask, frame.live.get())
                if frame.skipping is not None:
                    mask = code.both(mask, code.opposite(frame.skipping.get()))
                break
        if self.returned and code.alive is not None:
            mask = code.both(mask, code.alive.get())
        return mask

    # ---- runs

    def _list(self, body: Sequence[Stmt]) -> None:
        for part in self.regions.parts(body):
            if isinstance(part, Run):
                self._run(part)
            else:
                self._statement(part)
                if isinstance(part, JUMPS):
                    return

    def _run(self, run: Run) -> None:
        frames = self.code.frames

        def emit() -> None:
            code = self.code
            code.region_end = code.b.label("done")
            running = self._running()
            self.variables.enter(run, partial=not self._static(running))
            if not self.split:
                for name in sorted(self.exposed):
                    self.variables.clear(name)
                if code.alive is not None:
                    code.alive.set(self._threads())
            self._masked_run(run, running)
            code.b.branch(code.region_end)
            code.place(code.region_end)
            self.variables.leave(run)
            code.frames = frames

        self._chunks(self.plan.jam(run.body), emit)
        if ir.contains(run.body, ir.Return) and self.split:
            self.returned = True

    def _masked_run(self, run: Run, running: Mask) -> None:
        code = self.code
        mask = code.simplified(running)
        if mask is None:
            code.mask, code.occupied = None, True
            self.statements.run(run.body)
        elif code.width == 1:
            with code.branch_around(mask[0], "thread"):
                code.mask, code.occupied = None, True
                self.statements.run(run.body)
        elif self._static(mask):
            code.mask, code.occupied = mask, True
            self.statements.run(run.body)
        else:
            self.statements.under_mask(mask, run.body)
        code.mask = None

    def _static(self, mask: Mask) -> bool:
        """Whether only threads that the block does not have are masked off."""
        return all(not m.startswith("%") for m in mask)

    # ---- block-level statements

    def _statement(self, s: Stmt) -> None:
        code = self.code
        code.chunk, code.slots, code.mask = code.literal(0, int64), (0,), None
        match s:
            case ir.Assign():
                self.variables.write(s.target, self.expressions.evaluate(s.value), blend=False)
            case ir.Barrier():
                self._barrier(s)
            case ir.Warp():
                self._warp(s)
            case ir.If():
                self._if(s)
            case ir.While():
                self._while(s)
            case ir.Scope():
                self._scope(s)
            case ir.Break() | ir.Continue() | ir.Exit():
                self._jump(s)
            case _:
                raise AssertionError(f"{type(s).__name__} at block level")

    def _masked(self, s: Stmt) -> bool:
        return id(s) in self.regions.lanes.masked

    def _if(self, s: ir.If) -> None:
        b = self.code.b
        if self._masked(s):
            self._masked_if(s)
            return
        condition = self.expressions.evaluate(s.condition)[0]
        then, orelse, end = b.label("then"), b.label("else"), b.label("end")
        b.branch_if(condition.text, then, orelse)
        for label, body in ((then, s.then), (orelse, s.orelse)):
            self.code.place(label)
            self._list(body)
            b.branch(end)
        self.code.place(end)

    def _masked_if(self, s: ir.If) -> None:
        code = self.code
        stores = [self._store(), self._store()]
        flags = [self._flag(code.scratch(1, 1) if code.suspends else "") for _ in stores]

        def evaluate() -> None:
            running, condition = self._condition(s.condition)
            for store, flag, mask in zip(
                stores, flags, (condition, code.opposite(condition)), strict=True
            ):
                chosen = code.both(running, mask)
                store.set(chosen)
                self._note(flag, code.any(chosen))

        self._chunks(self._few(), evaluate)
        outer = self.entered
        for body, store, flag in zip((s.then, s.orelse), stores, flags, strict=True):
            if not body:
                continue
            with code.branch_around(self._noted(flag), "some"):
                self.entered = store
                self._list(body)
                self.entered = outer

    def _condition(self, e: Expr) -> tuple[Mask, Mask]:
        """The running lanes of the chunk's slots, and an expression's value in them."""
        code = self.code
        names = {x.name for x in ir.walk(e) if isinstance(x, ir.Local)}
        self.variables.enter(Run([], names, set(), set()))
        running = self._running()
        with code.under(code.simplified(running), occupied=False):
            value = code.mask_of(self.expressions.evaluate(e))
        return running, value

    def _flag(self, room: str = "") -> str:
        flag = room or self.code.alloca("i1")
        self.code.b.effect(f"store i1 false, ptr {flag}")
        return flag

    def _note(self, flag: str, condition: str) -> None:
        """Sets a flag if ``condition``."""
        b = self.code.b
        old = b.value(f"load i1, ptr {flag}", pure=False)
        b.effect(f"store i1 {b.value(f'or i1 {old}, {condition}')}, ptr {flag}")

    def _noted(self, flag: str) -> str:
        return self.code.b.value(f"load i1, ptr {flag}", pure=False)

    # ---- loops and scopes

    def _while(self, s: ir.While) -> None:
        if ir.contains(s.body, ir.Return):
            self.returned = True
        if self._masked(s):
            self._masked_while(s)
            return
        code, b = self.code, self.code.b
        head, body, again, out = (b.label(x) for x in ("head", "body", "again", "out"))
        code.frames.append(Frame(s, out, again))
        b.branch(head)
        code.place(head)
        self.statements.sites.poll()
        condition = self.expressions.evaluate(s.condition)[0].text
        if self.returned and ir.contains(s.body, ir.Return):
            condition = b.value(f"and i1 {condition}, {self._anyone()}")
        b.branch_if(condition, body, out)
        code.place(body)
        self._list(s.body)
        b.branch(again)
        code.place(again)
        self._list(s.post)
        b.branch(head)
        code.place(out)
        code.frames.pop()

    def _anyone(self) -> str:
        """An i1: whether some thread still runs."""
        flag = self._flag()
        self._chunks(self._few(), lambda: self._note(flag, self.code.any(self._running())))
        return self._noted(flag)

    def _masked_while(self, s: ir.While) -> None:
        code, b = self.code, self.code.b
        skips = any(isinstance(x, ir.Continue) for x in flow.own_exits(s))
        live, skipping = self._store(), self._store() if skips else None
        self._chunks(self._few(), lambda: live.set(self._running()))
        code.frames.append(Frame(s, live=live, skipping=skipping))
        outer, self.entered = self.entered, None  # live says it all
        flag = code.alloca("i1")
        head, body, out = b.label("head"), b.label("body"), b.label("out")
        if skipping is not None:
            self._clear(skipping)
        b.branch(head)
        code.place(head)
        self.statements.sites.poll()
        b.effect(f"store i1 false, ptr {flag}")

        def test() -> None:
            running, condition = self._condition(s.condition)
            staying = code.both(running, condition)
            live.set(staying)
            self._note(flag, code.any(staying))

        self._chunks(self._few(), test)
        b.branch_if(self._noted(flag), body, out)
        code.place(body)
        self._list(s.body)
        if skipping is not None:
            self._clear(skipping)
        self._list(s.post)
        b.branch(head)
        code.place(out)
        code.frames.pop()
        self.entered = outer

    def _clear(self, store: MaskStore) -> None:
        code = self.code
        self._chunks(self._few(), lambda: store.set((code.false,) * len(code.slots)))

    def _scope(self, s: ir.Scope) -> None:
        code = self.code
        if not self._masked(s):
            out = code.b.label("out")
            code.frames.append(Frame(s, out))
            self._list(s.body)
            code.b.branch(out)
            code.place(out)
            code.frames.pop()
            return
        live = self._store()
        self._chunks(self._few(), lambda: live.set(self._running()))
        code.frames.append(Frame(s, live=live))
        outer, self.entered = self.entered, None
        self._list(s.body)
        code.frames.pop()
        self.entered = outer

    def _jump(self, s: Stmt) -> None:
        code = self.code
        frame = self.statements.target(s)
        assert frame is not None
        if not frame.masked:
            code.b.branch(frame.again if isinstance(s, ir.Continue) else frame.out)
            code.begin_dead()
            return

        def leave() -> None:
            code.mask = self._running()
            if isinstance(s, ir.Continue):
                self.statements.skip(frame)
            else:
                self.statements.kill(frame)
            code.mask = None

        self._chunks(self._few(), leave)

    # ---- warps of scalar code

    def _warp(self, s: ir.Warp) -> None:
        arrays = WarpArrays(self.code, self.expressions, s)
        names = {x.name for e in ir.expressions(s) for x in ir.walk(e) if isinstance(x, ir.Local)}

        def leave() -> None:
            self.variables.enter(Run([], names, set(), set()))
            (running,) = self._running()
            with self.code.under(self.code.simplified((running,)), occupied=False):
                arrays.leave(running)

        def take() -> None:
            run = Run([], names | {s.result}, {s.result}, set())
            self.variables.enter(run)
            with self.code.branch_around(self._running()[0], "thread"):
                self.variables.write(s.result, (arrays.take(),), blend=False)
            self.variables.leave(run)

        self._chunks(1, leave)
        self._chunks(1, take)

    # ---- barriers

    def _barrier(self, s: ir.Barrier) -> None:
        masked = self.entered is not None or any(f.masked for f in self.code.frames)
        if s.kind == "warp" or not (masked or (s.kind == "grid" and self.returned)):
            self._wait(s)
            return
        # Block-level code is walked through even when all threads have left it, or have returned.
        with self.code.branch_around(self._anyone(), "arrived"):
            self._check_arrivals(s)
            self._wait(s)

    def _wait(self, s: ir.Barrier) -> None:
        if s.kind == "grid":
            self._suspend(s)
        elif s.result is not None and s.predicate is not None:
            self._combine(s, s.predicate, s.result)

    def _suspend(self, s: ir.Barrier) -> None:
        """Returns to the host, which calls again when all blocks have come to a barrier of the grid.

        Nothing lives in registers or on the stack here: what a block keeps is in its scratch.
        """
        code, b = self.code, self.code.b
        resume = b.label("resume")
        code.resumptions.append(resume)
        site = self.statements.sites.add("barrier", s)
        b.effect(f"store i32 {len(code.resumptions)}, ptr %scratch")
        at = b.value("getelementptr i8, ptr %scratch, i64 4")
        b.effect(f"store i32 {site}, ptr {at}")
        b.effect(f"ret i32 {WAITS}")
        code.place(resume)

    def _check_arrivals(self, s: ir.Barrier) -> None:
        """Reports the first thread that has not returned and is not here."""
        code, b = self.code, self.code.b
        missing, thread = self._flag(), code.alloca("i32")
        b.effect(f"store i32 0, ptr {thread}")

        def check() -> None:
            expected = self._threads()
            if self.returned and code.alive is not None:
                expected = code.both(expected, code.alive.get())
            absent = code.both(expected, code.opposite(self._running()))
            for slot, mask in zip(code.slots, absent, strict=True):
                if mask != code.false:
                    self._note_first(missing, thread, slot, mask)

        self._chunks(self._few(), check)
        with code.branch_around(self._noted(missing), "missing"):
            site = self.statements.sites.add("barrier", s)
            self.statements.sites.call(site, b.value(f"load i32, ptr {thread}", pure=False))

    def _note_first(self, missing: str, thread: str, slot: int, mask: str) -> None:
        """Stores the linear number of the first lane of ``mask`` if it is the first found."""
        code, b = self.code, self.code.b
        found = code.any([mask])
        old = b.value(f"load i1, ptr {missing}", pure=False)
        fresh = b.value(f"and i1 {found}, {b.value(f'xor i1 {old}, true')}")
        lane = "0"
        if code.width > 1:
            bits = f"i{code.width}"
            b.declare(f"declare {bits} @llvm.cttz.{bits}({bits}, i1)")
            zeros = b.value(f"call {bits} @llvm.cttz.{bits}({bits} {code.bits(mask)}, i1 false)")
            lane = resize(b, zeros, bits_type(code.width), int32, 1)
        number = b.binary("add", code.math.base(self.expressions.linear(slot)), lane, int32)
        kept = b.value(f"load i32, ptr {thread}", pure=False)
        b.effect(
            f"store i32 {b.value(f'select i1 {fresh}, i32 {number}, i32 {kept}')}, ptr {thread}"
        )
        b.effect(f"store i1 {b.value(f'or i1 {old}, {found}')}, ptr {missing}")

    def _combine(self, s: ir.Barrier, predicate: Expr, result: str) -> None:
        code, b = self.code, self.code.b
        total = code.alloca("i32")
        b.effect(f"store i32 0, ptr {total}")

        def count() -> None:
            running, value = self._condition(predicate)
            wanted = code.opposite(value) if s.kind == "and" else value
            for mask in code.both(running, wanted):
                old = b.value(f"load i32, ptr {total}", pure=False)
                b.effect(
                    f"store i32 {b.binary('add', old, self._population(mask), int32)}, ptr {total}"
                )

        self._chunks(self._few(), count)
        seen = b.value(f"load i32, ptr {total}", pure=False)
        if s.kind != "count":
            test = "eq" if s.kind == "and" else "ne"
            seen = b.value(f"zext i1 {b.value(f'icmp {test} i32 {seen}, 0')} to i32")
        self.variables.write(result, (uniform(seen, int32),), blend=False)

    def _population(self, mask: str) -> str:
        """Number of lanes in a mask, as i32."""
        code, b = self.code, self.code.b
        if code.width == 1:
            return b.value(f"zext i1 {mask} to i32")
        bits = f"i{code.width}"
        b.declare(f"declare {bits} @llvm.ctpop.{bits}({bits})")
        ones = b.value(f"call {bits} @llvm.ctpop.{bits}({bits} {code.bits(mask)})")
        return resize(b, ones, bits_type(code.width), int32, 1)
