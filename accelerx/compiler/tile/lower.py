"""From a kernel to a tile program: every statement is run for the whole block before the next.

Barriers vanish, because no lane is ahead of another. A value that differs between lanes becomes a
tensor, a condition that does becomes a shorter count (``thread < bound``), scalar code for one lane
(``thread == k``) or a mask. What has no vector form becomes a scalar loop over lanes, statement by
statement, with its reason.

The parts: ``kinds`` (what differs between lanes, and how), ``expressions`` (values, masks, loads),
``scalar_loops`` (one lane's code).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.diagnostics import unsupported
from accelerx.compiler.ir import Const, Expr, Kernel, Stmt
from accelerx.compiler.passes import flow
from accelerx.compiler.passes.inline import inline_coordinates
from accelerx.compiler.passes.normalise import normalise
from accelerx.compiler.passes.scalars import scalarise
from accelerx.compiler.passes.unroll import propagate
from accelerx.compiler.passes.webs import split_webs
from accelerx.compiler.tile import ir as tile
from accelerx.compiler.tile.expressions import Active, Builder, Scalar, clamped, distance
from accelerx.compiler.tile.kinds import BlockAnalysis, add, cast, number
from accelerx.compiler.tile.scalar_loops import LaneCode, Pin
from accelerx.compiler.tile.warps import WarpCode
from accelerx.errors import UnsupportedError

_SWAPPED = {"lt": "gt", "gt": "lt", "le": "ge", "ge": "le", "eq": "eq", "ne": "ne"}


class Target(Protocol):
    """What lowering asks of a target."""

    @property
    def name(self) -> str:
        """What the user calls it."""


def lower(kernel: Kernel, target: Target, *, shared_bytes: int = 0) -> tile.Program:
    """A kernel as a tile program.

    Args:
        kernel: Verified, with a block shape.
        target: The machine the program is for.
        shared_bytes: Dynamic shared memory of the launches it is for.

    Raises:
        UnsupportedError: if the kernel has no block shape, or does what tiles cannot.
    """
    if kernel.block is None:
        raise UnsupportedError(
            f"kernel {kernel.name} has no block shape; code for {target.name} is made for one "
            "(Kernel.block)"
        )
    kernel = _sized(prepare(kernel, kernel.block), shared_bytes)
    pinned: set[str] = set()
    while True:
        try:
            return _Lowering(kernel, target, pinned).run()
        except Pin as pin:
            pinned.add(pin.name)


def prepare(kernel: Kernel, block: tuple[int, int, int]) -> Kernel:
    """The passes before lowering; a kernel's return becomes the exit of a scope around it."""
    kernel = split_webs(normalise(kernel, block))
    kernel = split_webs(scalarise(propagate(inline_coordinates(kernel))))
    kernel = inline_coordinates(kernel)
    if ir.contains(kernel.body, ir.Return):
        body = _ended(kernel.body)
        kernel = kernel.with_body([ir.Scope("kernel", body, kernel.loc)])
    return kernel


def _sized(kernel: Kernel, shared_bytes: int) -> Kernel:
    """The kernel with its dynamic shared array as a static one of the launch's bytes."""
    dynamic = [m for m in kernel.mems.values() if m.space == "shared" and m.shape == (None,)]
    roots = [m for m in dynamic if m.of is None]
    if not roots:
        return kernel
    if len(roots) > 1:
        names = " and ".join(m.name for m in roots)
        raise unsupported(
            roots[1].loc or kernel.loc,
            f"dynamic shared arrays {names} lie at one address, which tensors on chip cannot",
            "declare one, and take the others as views of it",
        )
    root = roots[0]
    if shared_bytes < root.dtype.itemsize:
        raise unsupported(
            root.loc or kernel.loc,
            f"dynamic shared array {root.name} has no elements: the launch gives it {shared_bytes} "
            "bytes",
            "give the bytes of dynamic shared memory at launch",
        )
    kernel = kernel.with_body(kernel.body)
    kernel.mems[root.name] = replace(root, shape=(shared_bytes // root.dtype.itemsize,))
    return kernel


def _ended(body: Sequence[Stmt]) -> list[Stmt]:
    return [
        ir.Exit("kernel", s.loc) if isinstance(s, ir.Return) else ir.map_blocks(s, _ended)
        for s in body
    ]


class _Lowering:
    """One attempt, with a set of locals that are taken to vary."""

    def __init__(self, kernel: Kernel, target: Target, pinned: set[str]) -> None:
        assert kernel.block is not None
        self.kernel, self.target = kernel, target
        self.analysis = BlockAnalysis(kernel, pinned)
        self.kinds = self.analysis.run()
        self.threads = self.kinds.geometry.threads
        everyone = Active(number(self.threads))
        self.b = Builder(kernel, self.kinds, self.threads, {}, {}, [], everyone)
        self.program = tile.Program(kernel, 1, self.threads, self.b.tensors, self.b.scalars, [])
        self.b.scalars[tile.ACTIVE_LANES] = dtypes.int32

    def run(self) -> tile.Program:
        self._arrays()
        for name, dtype in self.kernel.locals.items():
            if self.kinds.kinds[name].lane.stride is not None:
                self.b.scalars[name] = dtype
        self.body(self.kernel.body)
        self.program.body = self.b.out
        return self.program

    def _arrays(self) -> None:
        """The user's arrays that lie on chip."""
        for m in self.kernel.mems.values():
            if m.space not in ("shared", "local") or m.of is not None:
                continue
            assert m.size is not None, f"{m.name} has no size"
            size = m.size * (self.threads if m.space == "local" else 1)
            self.b.tensors[m.name] = tile.Tensor(
                m.name,
                m.dtype,
                max(size, 1),
                "shared" if m.space == "shared" else "local",
                shown=m.name,
                loc=m.loc,
            )

    # ---- statements

    def body(self, body: Sequence[Stmt]) -> None:
        for s in body:
            self.statement(s)

    def nested(self, body: Sequence[Stmt], active: Active | None = None) -> list[tile.Stmt]:
        """A list lowered on its own, for the lanes of ``active``."""
        out, before = self.b.out, self.b.active
        self.b.out, self.b.active = [], active or before
        try:
            self.body(body)
            return self.b.out
        finally:
            self.b.out, self.b.active = out, before

    def statement(self, s: Stmt) -> None:
        """Emits one statement: as vectors, or else as a scalar loop over lanes."""
        b = self.b
        before, mark, active = b.out, len(b.out), b.active
        b.loc, b.gathers = s.loc, False
        try:
            self._vector(s)
            self._note(s, self._class(s))
        except Scalar as reason:
            b.out, b.active = before, active
            del b.out[mark:]
            if flow.construct_leaves(s):
                raise
            b.loc = s.loc
            self._lane_loop(s, str(reason))

    def _class(self, s: Stmt) -> tile.LineClass:
        if self.b.gathers:
            return "gather"
        if self.b.active.mask is not None:
            return "masked"
        if not isinstance(self.b.active.count, Const):
            return "prefix"
        return "uniform" if all(self.b.forms.uniform(e) for e in ir.expressions(s)) else "vector"

    def _note(self, s: Stmt, kind: tile.LineClass) -> None:
        if s.loc is not None:
            old = self.program.lines.get(s.loc.line, kind)
            self.program.lines[s.loc.line] = max(old, kind, key=tile.SEVERITY.index)

    def _vector(self, s: Stmt) -> None:
        match s:
            case ir.Assign():
                self._assign(s)
            case ir.Store():
                self._store(s)
            case ir.If():
                self._if(s)
            case ir.For():
                self._for(s)
            case ir.While():
                self._while(s)
            case ir.Scope():
                self._together(s)
                self.b.emit(ir.Scope(s.label, self._inner(s.body), s.loc))
            case ir.Break() | ir.Continue() | ir.Exit():
                self.b.emit(s)
            case ir.Barrier():
                self._barrier(s)
            case ir.Fence():
                self.b.emit(s)
            case ir.Warp():
                self._warp(s)
            case ir.Atomic():
                raise Scalar("atomics are done lane by lane")
            case ir.Clock():
                raise Scalar("clocks are read lane by lane")
            case _:
                raise Scalar("prints and assertions are done lane by lane")

    def _inner(self, body: Sequence[Stmt], active: Active | None = None) -> list[Stmt]:
        """A nested list, as the scalar statements around it take it."""
        return self.nested(body, active)  # type: ignore[return-value]

    def _together(self, s: Stmt) -> None:
        """Makes sure that lanes take the same way through a construct."""
        if id(s) in self.kinds.masked:
            raise Scalar("lanes leave it or go on with it differently")

    # ---- assignments and stores

    def _assign(self, s: ir.Assign) -> None:
        b = self.b
        kind = self.kinds.kinds[s.target]
        if kind.uniform:
            b.emit(s)
            return
        if kind.lane.stride is not None:
            form = b.forms.of(s.value)
            if form is None:
                raise Pin(s.target)
            b.emit(ir.Assign(s.target, form.base, s.loc))
            return
        target = tile.Slice(b.tensor_of(s.target), number(0))
        value = b.value(s.value)
        keep = b.active.mask is not None and id(s) not in self.kinds.unblended
        self._put(target, value, s.value.type, keep)

    def _put(
        self, target: tile.Slice, value: tile.Operand, dtype: dtypes.DType, keep: bool
    ) -> None:
        """Sets the active lanes of a slice; with ``keep`` the others keep what they have."""
        b = self.b
        if keep:
            assert b.active.mask is not None
            chosen = tile.Select(target, b.active.mask, value, target, b.active.count, b.loc)
            b.emit(chosen)
        elif isinstance(value, tile.Slice):
            if value.tensor == target.tensor and value is not target:
                between = b.temp(dtype)
                b.emit(tile.Elementwise("copy", between, (value,), b.active.count, b.loc))
                value = between
            b.emit(tile.Elementwise("copy", target, (value,), b.active.count, b.loc))
        else:
            b.emit(tile.Fill(target, value, b.active.count, b.loc))

    def _store(self, s: ir.Store) -> None:
        b = self.b
        m = self.kernel.mems[s.mem]
        if m.of is not None:
            raise Scalar(f"{m.name} is a view of {m.of}")
        if m.space == "local":
            self._put(b.own_row(s.mem, s.indices[0]), b.value(s.value), s.value.type,
                      b.active.mask is not None)  # fmt: skip
            return
        form = b.forms.of(s.indices[0])
        run = None if form is None else form.run(b.block)
        if form is None or run not in (0, 1):
            raise Scalar(f"lanes store to scattered elements of {s.mem}")
        value = b.value(s.value)
        if run == 0:
            if isinstance(value, tile.Slice):
                if b.active.mask is not None:
                    raise Scalar(f"one of several lanes stores to an element of {s.mem}")
                value = ir.Load(value.tensor, (value.start,), s.value.type, s.loc)
            b.emit(ir.Store(s.mem, s.indices, value, s.loc))
            return
        if m.space == "shared":
            if not b.inside(s.mem, form.base):
                raise Scalar(f"lanes that are masked off may lie outside of {s.mem}")
            at = tile.Slice(s.mem, cast(form.base, dtypes.int32))
            self._put(at, value, s.value.type, b.active.mask is not None)
            return
        if b.active.mask is not None:
            raise Scalar(f"lanes that are masked off must not store to {s.mem}")
        source = b.as_slice(value, s.value.type)
        b.emit(tile.Store(s.mem, form.base, source, b.active.count, loc=s.loc))

    # ---- control flow

    def _if(self, s: ir.If) -> None:
        b = self.b
        if b.forms.uniform(s.condition):
            self.b.emit(ir.If(s.condition, self._inner(s.then), self._inner(s.orelse), s.loc))
            return
        self._no_barrier(s)
        if flow.construct_leaves(s):
            raise Scalar("lanes leave a construct differently")
        if not s.orelse and self._one_lane(s):
            return
        count = None if s.orelse else self._prefix(s.condition)
        if count is not None:
            active = replace(b.active, count=count)
            some = ir.Compare("gt", count, number(0))
            b.emit(ir.If(some, self._inner(s.then, active), [], s.loc))
            return
        mask = b.mask(s.condition)
        self._masked(s, s.then, b.combine(mask))
        if s.orelse:
            b.loc = s.loc
            self._masked(s, s.orelse, b.combine(mask, negated=True))

    def _masked(self, s: Stmt, body: Sequence[Stmt], mask: str) -> None:
        """A list for the lanes of a mask, skipped if there are none."""
        b = self.b
        some = b.scalar("some", dtypes.int32)
        b.emit(tile.CountMask(some, mask, b.active.count, s.loc))
        active = replace(b.active, mask=mask)
        condition = ir.Compare("gt", ir.Local(some, dtypes.int32), number(0))
        b.emit(ir.If(condition, self._inner(body, active), [], s.loc))

    def _bound(self, e: Expr) -> tuple[str, Expr] | None:
        """``lane op bound`` for a comparison that says so, the bound in 64 bits."""
        if not isinstance(e, ir.Compare) or not e.left.type.is_integer:
            return None
        a, c = self.b.forms.of(e.left), self.b.forms.of(e.right)
        if a is None or c is None or a.uniform == c.uniform:
            return None
        op, form, bound = (e.op, a, c.base) if c.uniform else (_SWAPPED[e.op], c, a.base)
        if form.run(self.b.block) != 1:
            return None
        return op, distance(bound, form.base)

    def _prefix(self, e: Expr) -> Expr | None:
        """The number of active lanes for which a condition holds, if they are the first ones."""
        b = self.b
        if isinstance(e, ir.Logical) and e.op == "and":
            counts = [
                ir.Select(x, b.active.count, number(0), dtypes.int32)
                if b.forms.uniform(x)
                else self._prefix(x)
                for x in (e.left, e.right)
            ]
            if counts[0] is None or counts[1] is None:
                return None
            least = ir.Binary("min", counts[0], counts[1], dtypes.int32)
            return b.set_scalar("count", least)
        found = self._bound(e)
        if found is None or found[0] not in ("lt", "le"):
            return None
        op, bound = found
        if op == "le":
            bound = add(bound, number(1, dtypes.int64))
        within = cast(clamped(bound, 0, self.threads), dtypes.int32)
        if not isinstance(b.active.count, Const):
            within = ir.Binary("min", within, b.active.count, dtypes.int32)
        return b.set_scalar("count", within)

    def _one_lane(self, s: ir.If) -> bool:
        """Emits ``if (thread == k)`` as scalar code for that lane, if it is such an if."""
        found = self._bound(s.condition)
        if found is None or found[0] != "eq" or self.b.active.mask is not None:
            return False
        self._no_barrier(s)
        b = self.b
        lane = b.set_scalar("lane", found[1])
        below = ir.Compare("lt", lane, cast(b.active.count, dtypes.int64))
        exists = ir.Logical("and", ir.Compare("ge", lane, number(0, dtypes.int64)), below)
        code = self._lane_code(s, cast(lane, dtypes.int32))
        b.emit(ir.If(exists, code.body(s.then), [], s.loc))
        return True

    def _for(self, s: ir.For) -> None:
        b = self.b
        if id(s) not in self.kinds.masked:
            b.emit(replace(s, body=self._inner(s.body)))
            return
        self._no_barrier(s)
        start = b.forms.of(s.start)
        if (
            start is None or start.run(b.block) != 1 or b.active.mask is not None
            or not b.forms.uniform(s.stop) or not b.forms.uniform(s.step)
            or not _positive(s.step) or next(flow.own_exits(s), None) is not None
            or self.kinds.kinds[s.target].lane.stride is None
        ):  # fmt: skip
            raise Scalar("lanes take different numbers of turns")
        target = ir.Local(s.target, s.start.type)
        before = b.out
        b.out = []
        count = self._prefix(ir.Compare("lt", target, s.stop))
        head, b.out = b.out, before
        if count is None:
            raise Scalar("lanes take different numbers of turns")
        body = self._inner(s.body, replace(b.active, count=count))
        stop = s.stop
        b.emit(ir.For(s.target, start.base, stop, s.step, [*head, *body], loc=s.loc))  # type: ignore[list-item]

    def _while(self, s: ir.While) -> None:
        self._together(s)
        self.b.emit(ir.While(s.condition, self._inner(s.body), self._inner(s.post), s.loc))

    def _barrier(self, s: ir.Barrier) -> None:
        b = self.b
        if s.kind == "grid":
            self.program.cooperative = True
            b.emit(tile.GridSync(s.loc))
        if s.predicate is None or s.result is None:
            return
        on = b.scalar("on", dtypes.int32)
        b.emit(tile.CountMask(on, b.mask(s.predicate), b.active.count, s.loc))
        value: Expr = ir.Local(on, dtypes.int32)
        if s.kind == "and":
            value = cast(ir.Compare("eq", value, b.active.count), dtypes.int32)
        elif s.kind == "or":
            value = cast(ir.Compare("gt", value, number(0)), dtypes.int32)
        b.emit(ir.Assign(s.result, value, s.loc))

    def _warp(self, s: ir.Warp) -> None:
        b = self.b
        values, on = "", None
        if s.arguments:
            seen = b.slice(s.arguments[0])
            copy = b.temp(s.arguments[0].type)
            b.emit(tile.Elementwise("copy", copy, (seen,), b.active.count, s.loc))
            values = copy.tensor
        if b.active.mask is not None:
            flags = b.temp(dtypes.int32)
            b.emit(tile.FromMask(flags, b.active.mask, b.active.count, s.loc))
            on = flags.tensor
        lane = b.scalar("lane", dtypes.int32)
        code = self._lane_code(s, ir.Local(lane, dtypes.int32))
        code.private.clear()
        warp = WarpCode(code, values, on, b.active.count, self.threads)
        reason = f"warp operations ({s.op}) are done lane by lane"
        b.emit(
            tile.LaneLoop(lane, b.active.count, warp.statements(s), reason, b.active.mask, s.loc)
        )
        if s.loc is not None:
            self.program.reasons.setdefault(s.loc.line, reason)
        self._note(s, "scalar loop")

    # ---- scalar loops

    def _no_barrier(self, s: Stmt) -> None:
        if flow.has_block_barrier([s]):
            at = next(x for x in ir.statements([s]) if flow.is_block_barrier(x))
            raise unsupported(
                at.loc,
                "this barrier is not proven to be reached by all threads of the block",
                "put it where the conditions around it are the same for all threads",
            )

    def _lane_loop(self, s: Stmt, reason: str) -> None:
        self._no_barrier(s)
        b = self.b
        lane = b.scalar("lane", dtypes.int32)
        body = self._lane_code(s, ir.Local(lane, dtypes.int32)).statement(s)
        b.emit(tile.LaneLoop(lane, b.active.count, body, reason, b.active.mask, s.loc))
        for x in ir.statements([s]):
            self._note(x, "scalar loop")
            if x.loc is not None:
                self.program.reasons.setdefault(x.loc.line, reason)

    def _lane_code(self, s: Stmt, lane: Expr) -> LaneCode:
        mems = self.kernel.mems.values()
        private = {name: self.b.scalar(name, self.kernel.locals[name]) for name in self._private(s)}
        return LaneCode(
            lane, self.b.block, self.threads, lambda name: self.kinds.kinds[name],
            self.b.tensor_of, private, {m.name for m in mems if m.space == "local"},
            {m.name for m in mems if m.space in ("shared", "local")}, self.b.scalar,
        )  # fmt: skip

    def _private(self, s: Stmt) -> list[str]:
        """Locals that only a statement sees, and that do not live from one run of it to the next."""
        names = dict.fromkeys(t for x in ir.statements([s]) if (t := ir.target(x)) is not None)
        inside = {id(x) for x in ir.statements([s])}
        loops = any(isinstance(c, ir.For | ir.While) for c in self.analysis.chains[id(s)])
        return [name for name in names if self._is_private(name, inside, loops)]

    def _is_private(self, name: str, inside: set[int], loops: bool) -> bool:
        writes, reads = self.analysis.writes[name], self.analysis.reads.get(name, [])
        if any(id(a.statement) not in inside for a in (*writes, *reads)):
            return False
        first = min(writes, key=lambda a: a.position)
        if isinstance(first.statement, ir.For) and len(writes) == 1:
            return True
        if not loops:
            return True
        early = any(r.position <= first.position for r in reads)
        depth = len(first.chain)
        return not early and all(r.chain[:depth] == first.chain for r in reads)


def _positive(e: Expr) -> bool:
    """Whether a loop's step is surely above 0."""
    match e:
        case Const():
            return e.value > 0
        case ir.Special("grid_dim" | "block_dim"):
            return True
        case ir.Binary("mul" | "add"):
            return _positive(e.left) and _positive(e.right)
        case ir.Cast():
            return e.operand.type.is_integer and _positive(e.operand)
        case _:
            return False
