"""Emits a run: statements without block barriers, for the active slots, under masks.

Where lanes agree control flow becomes branches; where they may not, masks. A body under a mask is
skipped when no lane runs it, and emitted a second time without the mask for when all lanes do, because
unmasked memory accesses are faster and fold into arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence

from accelerx.compiler import ir
from accelerx.compiler.ir import Stmt
from accelerx.compiler.llvm import clocks
from accelerx.compiler.llvm.atomics import Atomics
from accelerx.compiler.llvm.code import Code, Frame, Mask, MaskStore
from accelerx.compiler.llvm.expressions import Expressions
from accelerx.compiler.llvm.sites import Sites
from accelerx.compiler.llvm.strided import Strided
from accelerx.compiler.llvm.values import Values
from accelerx.compiler.llvm.warps import Warps
from accelerx.compiler.passes import flow, strided
from accelerx.compiler.passes.lanes import Lanes
from accelerx.compiler.passes.regions import continues

JUMPS = (ir.Break, ir.Continue, ir.Exit, ir.Return)
SHORT_LOOP = 4096  # turns
FULL_MASK_SIZE = 400  # nodes times slots up to which a branch is emitted twice
FULL_LOOP_SIZE = 1000  # and a loop's body
SLOTS_INTERLEAVED = 2  # slots whose operations alternate, to hide latencies
SLOTS_TOGETHER = 4  # more slots than this take a guarded memory access one by one


class Statements:
    """The emitter of runs.

    Args:
        code: The code being emitted.
        lanes: Kinds and masked constructs.
        expressions: Evaluates expressions.
        specialise: Whether to emit bodies a second time for full masks.
    """

    def __init__(
        self, code: Code, lanes: Lanes, expressions: Expressions, *, specialise: bool
    ) -> None:
        self.code = code
        self.lanes = lanes
        self.expressions = expressions
        self.variables = expressions.variables
        self.sites = Sites(code, expressions)
        self.atomics = Atomics(code, expressions)
        self.wide = Strided(code, expressions.memory)
        self.warps = Warps(code, expressions)
        self.specialise = specialise
        self._facts: dict[int, tuple[int, bool, bool]] = {}

    def run(self, body: Sequence[Stmt]) -> None:
        """Emits a list; what stands behind a jump is never reached."""
        for unit in strided.units(body, self.lanes):
            s = unit.statements[0]
            if unit.loads or unit.stores is not None:
                self._in_slots(unit, forwards=isinstance(s, ir.Store))
            else:
                self._statement(s)
            if isinstance(s, JUMPS):
                return

    def _masked(self, s: Stmt) -> bool:
        return id(s) in self.lanes.masked

    def _statement(self, s: Stmt) -> None:
        match s:
            case ir.Assign() if self.lanes.kinds[s.target].lane.even:
                self._assign(s.target, self.expressions.evaluate(s.value), s)
            case ir.Assign() | ir.Store():
                self._in_slots(strided.Unit([s]), forwards=isinstance(s, ir.Store))
            case ir.If():
                self._if(s)
            case ir.For() | ir.While():
                self._loop(s)
            case ir.Scope():
                self._scope(s)
            case ir.Break() | ir.Continue() | ir.Exit() | ir.Return():
                self._jump(s)
            case ir.Atomic():
                result = self.atomics.emit(s)
                if s.result is not None and result is not None:
                    self._assign(s.result, result, s)
            case ir.Warp():
                self._assign(s.result, self.warps.emit(s), s)
            case ir.Clock():
                self._assign(s.result, (clocks.read(self.code, s.kind),), s)
            case ir.Print():
                self.sites.print(s)
            case ir.Assert():
                self.sites.check(s)
            case ir.Fence():
                if s.scope != "block":
                    self.code.b.effect("fence seq_cst")
            case ir.Barrier():
                pass  # of a warp: its vectors go through statements together

    def _in_slots(self, unit: strided.Unit, *, forwards: bool) -> None:
        """Emits statements for a few slots at a time, so that few registers are live."""
        code = self.code
        mask, n = code.current(), len(code.slots)
        firsts = range(0, n, SLOTS_INTERLEAVED)
        # The last slots load first: LLVM schedules independent loads in reverse, and the memory
        # prefetchers follow a stream only forwards (a factor of 3 in a reduction). Stores keep
        # their order, in which the last thread wins.
        for first in firsts if forwards else reversed(firsts):
            picked = range(first, min(first + SLOTS_INTERLEAVED, n))
            with code.on_slots(picked, code.simplified(tuple(mask[i] for i in picked))):
                self._together(unit)

    def _together(self, unit: strided.Unit) -> None:
        """Emits a unit for the active slots, its groups by wide accesses where that pays."""
        for group in unit.loads:
            index = self.expressions.evaluate(group.members[0].access.indices[0])
            if self.wide.fits(group, index):
                self.expressions.ready |= self.wide.load(group, index)
        if unit.stores is None or not self._wide_store(unit.stores):
            for s in unit.statements:
                self._store_or_assign(s)
        self.expressions.ready = {}

    def _wide_store(self, group: strided.Group) -> bool:
        """Does the Stores of a group at once, if it turns out to be one."""
        index = self.expressions.evaluate(group.members[0].access.indices[0])
        if not self.wide.fits(group, index):
            return False
        stores = [m.access for m in group.members]
        values = [self.expressions.evaluate(s.value) for s in stores if isinstance(s, ir.Store)]
        self.wide.store(group, index, values)
        return True

    def _store_or_assign(self, s: Stmt) -> None:
        if isinstance(s, ir.Assign):
            self._assign(s.target, self.expressions.evaluate(s.value), s)
            return
        assert isinstance(s, ir.Store)
        index = self.expressions.evaluate(s.indices[0])
        value = self.expressions.evaluate(s.value)
        self.expressions.memory.store(self.code.kernel.mems[s.mem], index, value)

    def _assign(self, name: str, values: Values, s: Stmt) -> None:
        self.variables.write(name, values, blend=id(s) not in self.lanes.unblended)

    # ---- if

    def _if(self, s: ir.If) -> None:
        condition = self.expressions.evaluate(s.condition)
        before = (self.code.mask, self.code.occupied)
        if self._masked(s):
            self._masked_if(s, self.code.mask_of(condition))
        else:
            self._branch(s, condition[0].text)
        self.code.mask, self.code.occupied = before
        if flow.construct_leaves(s):
            self._remask()

    def _branch(self, s: ir.If, condition: str) -> None:
        b, before = self.code.b, (self.code.mask, self.code.occupied)
        then, orelse, end = b.label("then"), b.label("else"), b.label("end")
        b.branch_if(condition, then, orelse)
        for label, body in ((then, s.then), (orelse, s.orelse)):
            self.code.place(label)
            self.code.mask, self.code.occupied = before
            self.run(body)
            b.branch(end)
        self.code.place(end)

    def _masked_if(self, s: ir.If, condition: Mask) -> None:
        code, outer = self.code, self.code.current()
        orelse = code.both(outer, code.opposite(condition)) if s.orelse else ()
        self._part(code.both(outer, condition), s.then)
        if s.orelse:
            self._part(orelse, s.orelse)

    def _part(self, mask: Mask, body: Sequence[Stmt]) -> None:
        """Emits a body for the lanes of a mask."""
        code = self.code
        picked = [i for i, m in enumerate(mask) if m != code.false]
        if not picked or not body:
            return
        _, heavy, divisible = self._measure(body)
        if divisible and len(picked) < len(mask):
            with code.on_slots(picked, tuple(mask[i] for i in picked)):
                self._part(code.current(), body)
            return
        if code.simplified(mask) is None or not heavy:
            with code.under(code.simplified(mask), occupied=False):
                self.run(body)
        elif divisible and len(mask) > SLOTS_TOGETHER and not ir.contains(body, ir.For, ir.While):
            for i, m in enumerate(mask):
                with code.on_slots((i,), (m,)):
                    self._guarded((m,), body)
        else:
            self._guarded(mask, body)

    def under_mask(self, mask: Mask, body: Sequence[Stmt]) -> None:
        """Emits a list for the lanes of a mask that is known only when it runs."""
        if flow.leaves(body):
            with self.code.branch_around(self.code.any(mask), "some"):
                self.code.mask, self.code.occupied = mask, True
                self.run(body)
        else:
            self._guarded(mask, body)

    def _guarded(self, mask: Mask, body: Sequence[Stmt]) -> None:
        """Emits a body behind a test that some lane runs it, and once more for when all do."""
        code, b = self.code, self.code.b
        if code.simplified(mask) is None:
            with code.under(None, occupied=True):
                self.run(body)
            return
        end = b.label("end")
        if self._worth_doubling(body, len(mask), FULL_MASK_SIZE):
            full, partial = b.label("full"), b.label("partial")
            b.branch_if(code.all(mask), full, partial)
            code.place(full)
            with code.under(None, occupied=True):
                self.run(body)
            b.branch(end)
            code.place(partial)
        some = b.label("some")
        b.branch_if(code.any(mask), some, end)
        code.place(some)
        with code.under(mask, occupied=True):
            self.run(body)
        b.branch(end)
        code.place(end)

    def _worth_doubling(self, body: Sequence[Stmt], slots: int, limit: int) -> bool:
        size, _, _ = self._measure(body)
        return (
            self.specialise
            and size * slots <= limit
            and _touches_memory(body)
            and not flow.leaves(body)
        )

    def _measure(self, body: Sequence[Stmt]) -> tuple[int, bool, bool]:
        """Size; whether skipping it pays; whether slots may take it one after the other."""
        if not body:
            return 0, False, True
        known = self._facts.get(id(body[0]))
        if known is None:
            known = (flow.size(body), _heavy(body), self._divisible(body))
            self._facts[id(body[0])] = known
        return known

    def _divisible(self, body: Sequence[Stmt]) -> bool:
        if flow.leaves(body) or ir.contains(body, ir.Warp, ir.Barrier):
            return False
        return not any(
            self.lanes.kinds[name].lane.even
            for s in ir.statements(body)
            if (name := ir.target(s)) is not None and not isinstance(s, ir.For)
        )

    # ---- loops

    def _loop(self, s: ir.For | ir.While) -> None:
        before = (self.code.mask, self.code.occupied)
        if isinstance(s, ir.For):
            self.variables.write(s.target, self.expressions.evaluate(s.start), blend=False)
        if self._masked(s):
            self._masked_loop(s)
        elif self.code.mask is not None and not self.code.occupied:
            with self.code.branch_around(self.code.any(self.code.mask), "some"):
                self.code.occupied = True
                self._plain_loop(s)
        else:
            self._plain_loop(s)
        self.code.mask, self.code.occupied = before
        if flow.construct_leaves(s):
            self._remask()

    def _condition(self, s: ir.For | ir.While) -> Values:
        return self.expressions.evaluate(continues(s) if isinstance(s, ir.For) else s.condition)

    def _advance(self, s: ir.For | ir.While) -> None:
        if isinstance(s, ir.While):
            self.run(s.post)
            return
        step, target = self.expressions.evaluate(s.step), self.variables.read(s.target)
        dtype, math = s.start.type, self.code.math
        values = self.code.lift(lambda a, b: math.binary("add", a, b, dtype, True), target, step)
        self.variables.write(s.target, values, blend=False)

    def _poll(self, s: ir.For | ir.While) -> None:
        if not _is_short(s):
            self.sites.poll()

    def _plain_loop(self, s: ir.For | ir.While) -> None:
        """A loop that all lanes leave together."""
        code, b = self.code, self.code.b
        head, body, again, out = (b.label(x) for x in ("head", "body", "again", "out"))
        code.frames.append(Frame(s, out, again))
        b.branch(head)
        code.place(head)
        self._poll(s)
        condition = self._condition(s)
        b.branch_if(condition[0].text, body, out)
        code.place(body)
        before = (code.mask, code.occupied)
        if flow.construct_leaves(s):
            # Lanes may have returned, or left an outer loop, in an earlier turn.
            self._remask()
            if code.mask is not None:
                some = b.label("some")
                b.branch_if(code.any(code.mask), some, out)
                code.place(some)
                code.occupied = True
        self.run(s.body)
        b.branch(again)
        code.place(again)
        code.mask, code.occupied = before
        self._advance(s)
        b.branch(head)
        code.place(out)
        code.frames.pop()

    def _masked_loop(self, s: ir.For | ir.While) -> None:
        code, b = self.code, self.code.b
        skips = any(isinstance(x, ir.Continue) for x in flow.own_exits(s))
        if (
            code.mask is None
            and not flow.leaves(s.body)
            and self._worth_doubling(s.body, len(code.slots), FULL_LOOP_SIZE)
        ):
            self._full_phase(s)
            some, out = b.label("some"), b.label("out")
            b.branch_if(code.any(code.mask_of(self._condition(s))), some, out)
            code.place(some)
            self._partial_loop(s, skips=skips)
            b.branch(out)
            code.place(out)
        else:
            self._partial_loop(s, skips=skips)

    def _partial_loop(self, s: ir.For | ir.While, *, skips: bool) -> None:
        """Runs the loop under the mask of the lanes that are still in it."""
        code, b = self.code, self.code.b
        live, skipping = MaskStore(code), MaskStore(code) if skips else None
        live.set(code.current())
        code.frames.append(Frame(s, live=live, skipping=skipping))
        head, body, out = b.label("head"), b.label("body"), b.label("out")
        b.branch(head)
        code.place(head)
        self._poll(s)
        code.mask, code.occupied = live.get(), False
        mask = code.both(code.mask, code.mask_of(self._condition(s)))
        live.set(mask)
        b.branch_if(code.any(mask), body, out)
        code.place(body)
        code.mask, code.occupied = mask, True
        if skipping is not None:
            skipping.set((code.false,) * len(code.slots))
        self.run(s.body)
        code.mask, code.occupied = live.get(), False
        self._advance(s)
        b.branch(head)
        code.place(out)
        code.frames.pop()

    def _full_phase(self, s: ir.For | ir.While) -> None:
        """Runs the loop without masks for as long as all lanes stay in it."""
        code, b = self.code, self.code.b
        head, body, out = b.label("head"), b.label("body"), b.label("out")
        b.branch(head)
        code.place(head)
        self._poll(s)
        b.branch_if(code.all(code.mask_of(self._condition(s))), body, out)
        code.place(body)
        self.run(s.body)
        self._advance(s)
        b.branch(head)
        code.place(out)

    def _scope(self, s: ir.Scope) -> None:
        code, before = self.code, (self.code.mask, self.code.occupied)
        if self._masked(s):
            live = MaskStore(code)
            live.set(code.current())
            code.frames.append(Frame(s, live=live))
            self.run(s.body)
        else:
            out = code.b.label("out")
            code.frames.append(Frame(s, out))
            self.run(s.body)
            code.b.branch(out)
            code.place(out)
        code.frames.pop()
        code.mask, code.occupied = before
        if flow.construct_leaves(s):
            self._remask()

    # ---- jumps

    def _jump(self, s: Stmt) -> None:
        code = self.code
        frame = self.target(s)
        if frame is not None and not frame.masked:
            code.b.branch(frame.again if isinstance(s, ir.Continue) else frame.out)
            code.begin_dead()
        elif isinstance(s, ir.Continue):
            assert frame is not None
            self.skip(frame)
        elif frame is None and code.mask is None:
            if code.alive is not None:
                code.alive.set((code.false,) * len(code.slots))
            code.b.branch(code.region_end)
            code.begin_dead()
        else:
            self.kill(frame)

    def target(self, s: Stmt) -> Frame | None:
        """The frame that a jump leaves; None for a return."""
        if isinstance(s, ir.Return):
            return None
        for frame in reversed(self.code.frames):
            c = frame.construct
            if isinstance(s, ir.Exit):
                if isinstance(c, ir.Scope) and c.label == s.label:
                    return frame
            elif isinstance(c, ir.For | ir.While):
                return frame
        raise AssertionError(f"{type(s).__name__} outside of its construct")

    def skip(self, frame: Frame) -> None:
        """Lets the running lanes wait for a loop's next turn, outside of the scopes in it."""
        assert frame.skipping is not None
        waiting = zip(frame.skipping.get(), self.code.current(), strict=True)
        frame.skipping.set(tuple(self.code.mask_or(a, b) for a, b in waiting))
        for inner in reversed(self.code.frames):
            if inner is frame:
                return
            if inner.live is not None:
                inner.live.remove(self.code.current())

    def kill(self, target: Frame | None) -> None:
        """Takes the running lanes out of every construct up to and including ``target``."""
        mask = self.code.current()
        for frame in reversed(self.code.frames):
            if frame.live is not None:
                frame.live.remove(mask)
            if frame is target:
                return
        if self.code.alive is not None:
            self.code.alive.remove(mask)

    def _remask(self) -> None:
        """Recomputes the mask after a construct that lanes may have left by a jump."""
        code = self.code
        mask = code.current()
        for frame in reversed(code.frames):
            if frame.live is not None:
                mask = code.both(mask, frame.live.get())
                if frame.skipping is not None:
                    mask = code.both(mask, code.opposite(frame.skipping.get()))
                break
        if code.alive is not None:
            mask = code.both(mask, code.alive.get())
        code.mask, code.occupied = code.simplified(mask), False


def _is_short(s: ir.For | ir.While) -> bool:
    """Whether a loop surely ends soon, so that it need not ask whether to stop."""
    if isinstance(s, ir.While) or ir.contains(s.body, ir.For, ir.While):
        return False
    bounds = [int(e.value) for e in ir.expressions(s) if isinstance(e, ir.Const)]
    return len(bounds) == 3 and len(range(*bounds)) <= SHORT_LOOP


def _touches_memory(body: Sequence[Stmt]) -> bool:
    for s in ir.statements(body):
        if isinstance(s, ir.Store | ir.For | ir.While):
            return True
        if any(isinstance(x, ir.Load) for e in ir.expressions(s) for x in ir.walk(e)):
            return True
    return False


def _heavy(body: Sequence[Stmt]) -> bool:
    """Whether a body does enough, or things so strange, that it is skipped when no lane runs it."""
    effects = (
        ir.Store, ir.For, ir.While, ir.Atomic, ir.Return, ir.Break, ir.Continue, ir.Exit,
        ir.Print, ir.Assert, ir.Warp, ir.Scope,
    )  # fmt: skip
    for s in ir.statements(body):
        if isinstance(s, effects):
            return True
        for e in ir.expressions(s):
            if any(isinstance(x, ir.Load | ir.Call) for x in ir.walk(e)):
                return True
    return False
