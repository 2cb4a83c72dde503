"""Barrier fission: which code runs chunk by chunk, and what survives from one chunk loop to the next.

A block's threads are worked through in chunks of some vectors. A list of statements splits into
*runs* without a barrier, each a loop over chunks, and *block-level* statements that the whole block
takes together: barriers, constructs that hold one, and jumps to such constructs. Locals that outlive
a run live in context arrays, one element a vector. A uniform local that outlives a run is assigned at
block level, once a block; where that is impossible it is pinned: each chunk keeps its own copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from accelerx.compiler import ir
from accelerx.compiler.ir import Kernel, Stmt
from accelerx.compiler.passes import flow
from accelerx.compiler.passes.lanes import Analysis, Geometry, Lanes

IsBarrier = Callable[[Stmt], bool]


@dataclass(slots=True)
class Run:
    """A maximal list of statements without block-level ones.

    Attributes:
        exposed: Locals it may read before writing them itself.
        written: Locals it may write.
        settled: Locals it writes on every path through it.
    """

    body: list[Stmt]
    exposed: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    settled: set[str] = field(default_factory=set)

    @property
    def touched(self) -> set[str]:
        return self.exposed | self.written


@dataclass(slots=True)
class Regions:
    """A kernel cut into runs.

    Attributes:
        kernel: With block-level For loops turned into While loops.
        lanes: The kinds that the cut relies on.
        block_level: Ids of block-level statements.
        context: Locals that live in context arrays.
        agreed: Uniform locals that outlive a run.
    """

    kernel: Kernel
    lanes: Lanes
    block_level: set[int]
    context: set[str]
    agreed: set[str] = field(default_factory=set)

    def parts(self, body: Sequence[Stmt]) -> Iterator[Run | Stmt]:
        """A block-level list as runs and block-level statements, in order."""
        return parts(body, self.block_level)


def cut(kernel: Kernel, geometry: Geometry, *, single: bool, is_barrier: IsBarrier) -> Regions:
    """Cuts a kernel at its barriers and settles the kinds of its locals."""
    split = any(is_barrier(s) for s in ir.statements(kernel.body))
    if split:
        kernel = _while_loops(kernel, _block_level(kernel.body, is_barrier))
    structure = _block_level(kernel.body, is_barrier)
    pinned: set[str] = set()
    hoisted: set[str] = set()
    while True:
        lanes = Analysis(
            kernel, geometry, single=single, block_level=structure, pinned=pinned
        ).run()
        if not split:
            return Regions(kernel, lanes, structure, set())
        block_level = structure | _assignments(kernel, hoisted)
        outliving = _outliving(kernel.body, block_level)
        new = {v for v in outliving if lanes.kinds[v].uniform} - hoisted - pinned
        unhoistable = {v for v in hoisted if not _hoistable(kernel, lanes, structure, v)}
        if not new and not unhoistable:
            context = {v for v in outliving if not lanes.kinds[v].uniform}
            return Regions(kernel, lanes, block_level, context, outliving - context)
        hoisted -= unhoistable
        pinned |= unhoistable
        for v in new:
            (hoisted if _hoistable(kernel, lanes, structure, v) else pinned).add(v)


def parts(body: Sequence[Stmt], block_level: set[int]) -> Iterator[Run | Stmt]:
    run: list[Stmt] = []
    for s in body:
        if id(s) in block_level:
            if run:
                yield measured(run)
                run = []
            yield s
        else:
            run.append(s)
    if run:
        yield measured(run)


# ------------------------------------------------------------------------------------- structure


def _while_loops(kernel: Kernel, block_level: set[int]) -> Kernel:
    """Turns each For at block level into a While, so that block level knows one loop only."""
    kernel = kernel.with_body(kernel.body)

    def convert(body: Sequence[Stmt]) -> list[Stmt]:
        out: list[Stmt] = []
        for s in body:
            wanted = id(s) in block_level
            s = ir.map_blocks(s, convert)
            if isinstance(s, ir.For) and wanted:
                target = ir.Local(s.target, s.start.type, s.loc)
                post = ir.Binary("add", target, s.step, target.type, True, s.loc)
                out.append(ir.Assign(s.target, s.start, s.loc))
                s = ir.While(continues(s), s.body, [ir.Assign(s.target, post, s.loc)], s.loc)
            out.append(s)
        return out

    kernel.body = convert(kernel.body)
    return kernel


def continues(s: ir.For) -> ir.Expr:
    """The condition under which a For goes on."""
    target = ir.Local(s.target, s.start.type, s.loc)
    up = ir.Compare("lt", target, s.stop, s.loc)
    down = ir.Compare("gt", target, s.stop, s.loc)
    if isinstance(s.step, ir.Const):
        return up if s.step.value > 0 else down
    if not s.step.type.is_signed:
        return up
    zero = ir.Const(0, s.step.type)
    rising = ir.Compare("gt", s.step, zero, s.loc)
    falling = ir.Compare("lt", s.step, zero, s.loc)
    return ir.Logical(
        "or",
        ir.Logical("and", rising, up, s.loc),
        ir.Logical("and", falling, down, s.loc),
        s.loc,
    )


def _block_level(body: Sequence[Stmt], is_barrier: IsBarrier) -> set[int]:
    """Barriers, constructs that hold one, jumps to those, and what holds such a jump."""
    level: set[int] = set()

    def holds(s: Stmt) -> bool:
        return any(is_barrier(x) or id(x) in level for x in ir.statements([s]))

    while True:
        before = len(level)
        for s in ir.statements(body):
            if id(s) not in level and holds(s):
                level.add(id(s))
        for s in ir.statements(body):
            if id(s) in level:
                level.update(id(x) for x in flow.own_exits(s))
        if len(level) == before:
            return level


def _assignments(kernel: Kernel, names: set[str]) -> set[int]:
    return {
        id(s) for s in ir.statements(kernel.body) if isinstance(s, ir.Assign) and s.target in names
    }


def _hoistable(kernel: Kernel, lanes: Lanes, structure: set[int], name: str) -> bool:
    """Whether every assignment of a uniform local stands in a block-level list."""
    if not lanes.kinds[name].uniform:
        return False
    for s, parents in _with_parents(kernel.body, ()):
        if ir.target(s) != name or isinstance(s, ir.Barrier):
            continue
        if not isinstance(s, ir.Assign) or any(id(p) not in structure for p in parents):
            return False
    return True


def _with_parents(
    body: Sequence[Stmt], parents: tuple[Stmt, ...]
) -> Iterator[tuple[Stmt, tuple[Stmt, ...]]]:
    for s in body:
        yield s, parents
        for block in ir.blocks(s):
            yield from _with_parents(block, (*parents, s))


# -------------------------------------------------------------------------------------- liveness


def measured(body: list[Stmt]) -> Run:
    """A run with its exposed and written locals."""
    run = Run(body)
    run.settled = _walk(body, set(), run) or set()
    return run


def _walk(body: Sequence[Stmt], settled: set[str], run: Run) -> set[str] | None:
    """Follows a list; gives what is surely written after it, None if its end is not reached."""
    now: set[str] | None = set(settled)
    for s in body:
        inside = run.written if now is None else now  # unreachable code exposes little
        run.exposed.update(name for name in ir.reads(s) if name not in inside)
        name = ir.target(s)
        if name is not None:
            run.written.add(name)
        match s:
            case ir.If():
                then, orelse = _walk(s.then, inside, run), _walk(s.orelse, inside, run)
                ends = [x for x in (then, orelse) if x is not None]
                now = set.intersection(*ends) if ends else None
            case ir.For():
                _walk(s.body, inside | {s.target}, run)
            case ir.While():
                # continue may skip part of the body, so post relies on what holds before it
                skips = any(isinstance(x, ir.Continue) for x in flow.own_exits(s))
                end = _walk(s.body, inside, run)
                _walk(s.post, inside if skips or end is None else end, run)
            case ir.Scope():
                end = _walk(s.body, inside, run)
                if end is not None and next(flow.own_exits(s), None) is None:
                    now = end
            case ir.Break() | ir.Continue() | ir.Exit() | ir.Return():
                now = None
            case _:
                if name is not None and now is not None:
                    now = now | {name}
    return now


def _outliving(body: Sequence[Stmt], block_level: set[int]) -> set[str]:
    """Locals that more than one run, or block-level code, or a later turn of a run may see."""
    seen: set[str] = set()
    out: set[str] = set()

    def touch(names: set[str]) -> None:
        out.update(names & seen)
        seen.update(names)

    def visit(body: Sequence[Stmt]) -> None:
        for part in parts(body, block_level):
            if isinstance(part, Run):
                out.update(part.exposed)
                touch(part.touched)
                continue
            own = set(ir.reads(part))
            if (name := ir.target(part)) is not None:
                own.add(name)
            out.update(own)
            seen.update(own)
            for block in ir.blocks(part):
                visit(block)

    visit(body)
    return out
