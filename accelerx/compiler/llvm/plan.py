"""Chooses how a kernel is laid onto vectors: lanes, jam, and code that must run one thread at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from accelerx.compiler import ir
from accelerx.compiler.dialects.base import EmitOptions
from accelerx.compiler.ir import Expr, Kernel, Stmt
from accelerx.compiler.passes import flow
from accelerx.compiler.passes.lanes import WARP, Geometry

LANES_32, LANES_64 = 16, 8


@dataclass(frozen=True, slots=True)
class Plan:
    """The choices for one kernel.

    Attributes:
        geometry: The block in vectors.
        warps: Whether chunks hold whole warps, so that warp operations stay in runs.
        barriers: Whether the kernel is cut into runs.
        reasons: Sentences for ``explain``.
    """

    geometry: Geometry
    options: EmitOptions
    warps: bool
    barriers: bool
    reasons: tuple[str, ...]

    @property
    def single(self) -> bool:
        """Whether code surely runs on one vector at a time."""
        one = self.options.jam == 1 and self.options.mode != "lockstep" and not self.warps
        return self.geometry.width == 1 or self.geometry.vectors == 1 or one

    def is_barrier(self, s: Stmt) -> bool:
        """Whether a statement cuts runs apart."""
        if flow.is_block_barrier(s):
            return True
        between_lanes = isinstance(s, ir.Warp) or (isinstance(s, ir.Barrier) and s.kind == "warp")
        return between_lanes and not self.warps

    def jam(self, body: Sequence[Stmt]) -> int:
        """Vectors that a run takes together."""
        vectors, width = self.geometry.vectors, self.geometry.width
        if width == 1:
            return 1
        if self.options.mode == "lockstep":
            return vectors
        jam = self.options.jam or _suited(body, vectors, whole_block=self.barriers)
        if self.warps and _between_lanes(body):
            per_warp = max(1, WARP // width)
            jam = -(-jam // per_warp) * per_warp
        return min(jam, vectors)


def plan(kernel: Kernel, block: tuple[int, int, int], options: EmitOptions) -> Plan:
    """Decides for a kernel in normal form."""
    threads = block[0] * block[1] * block[2]
    reasons = []
    lanes = options.lanes
    spin = spinning(kernel.body)
    if spin is not None:
        place = f" at {spin.loc}" if spin.loc is not None else ""
        reasons.append(f"scalar code: the loop{place} waits for other threads of its block")
        lanes = 1
    if lanes is None:
        lanes = _lanes(kernel, block)
    while lanes > 1 and lanes // 2 >= threads:
        lanes //= 2
    geometry = Geometry(block, lanes)
    reasons.append(f"{lanes} threads a vector, {geometry.vectors} vectors a block")
    barriers = flow.has_block_barrier(kernel.body)
    return Plan(geometry, options, lanes > 1, barriers, tuple(reasons))


def _lanes(kernel: Kernel, block: tuple[int, int, int]) -> int:
    lanes = LANES_64 if _mostly_double(kernel) else LANES_32
    if block[1] * block[2] > 1 and block[0] in (4, 8) and block[0] < lanes:
        return block[0]  # a vector is a row: its addresses are contiguous
    return lanes


def _mostly_double(kernel: Kernel) -> bool:
    double = single = 0
    for s in ir.statements(kernel.body):
        for e in ir.expressions(s):
            for x in ir.walk(e):
                if x.type.is_float and isinstance(x, ir.Binary | ir.Call | ir.Load):
                    double += x.type.bits == 64
                    single += x.type.bits != 64
    return double > single


def _between_lanes(body: Sequence[Stmt]) -> bool:
    return any(
        isinstance(s, ir.Warp) or (isinstance(s, ir.Barrier) and s.kind == "warp")
        for s in ir.statements(body)
    )


# Sizes (nodes times vectors) up to which a run is jammed. A loop by the block's size walks through
# memory in order only if all vectors take each turn together.
_SMALL, _JAM_LIMIT = 1000, 1500
_REGISTERS = 28  # vectors that a loop may carry from turn to turn without spilling them


def _suited(body: Sequence[Stmt], vectors: int, *, whole_block: bool) -> int:
    """The jam that suits a run: all vectors if it is small, else what hides latencies."""
    size = flow.size(body)
    if whole_block and vectors <= 16 and size * vectors <= _SMALL:
        return vectors
    jam, carried = 4, _carried(body)
    while jam > 1 and (size * jam > _JAM_LIMIT or carried * jam > _REGISTERS):
        jam //= 2
    return jam


def _carried(body: Sequence[Stmt]) -> int:
    """The most locals that one loop of a run carries from turn to turn: reads, and sets later."""
    most = 0
    for s in ir.statements(body):
        if isinstance(s, ir.For | ir.While):
            exposed: set[str] = set()
            written: set[str] = set()
            for x in (x for block in ir.blocks(s) for x in ir.statements(block)):
                exposed.update(name for name in ir.reads(x) if name not in written)
                if (target := ir.target(x)) is not None:
                    written.add(target)
            most = max(most, len(exposed & written))
    return most


# ------------------------------------------------------------------------------------- spin waits

_TESTS = ("cas", "exch", "or", "and", "add", "sub", "max", "min")


def spinning(body: Sequence[Stmt]) -> Stmt | None:
    """A loop that repeats an unchanging atomic until its result lets it go on: a spin lock.

    In lock-step the thread that holds the lock would wait for those that spin. A loop whose atomic
    takes operands computed anew each time (a compare-and-swap retry) is none.
    """
    for s in ir.statements(body):
        if isinstance(s, ir.While) and _spins(s):
            return s
    return None


def _spins(loop: ir.While) -> bool:
    inside = [*loop.body, *loop.post]
    changed = {t for s in ir.statements(inside) if (t := ir.target(s)) is not None}
    results = {
        s.result
        for s in ir.statements(inside)
        if isinstance(s, ir.Atomic)
        and s.op in _TESTS
        and s.result is not None
        and not any(_reads(e, changed) for e in ir.expressions(s))
    }
    tainted = _closure(inside, {r for r in results if r is not None})
    return bool(tainted) and any(_reads(e, tainted) for e in _exit_conditions(loop))


def _reads(e: Expr, names: set[str]) -> bool:
    return any(isinstance(x, ir.Local) and x.name in names for x in ir.walk(e))


def _closure(body: Sequence[Stmt], names: set[str]) -> set[str]:
    """``names`` and every local computed from them."""
    while True:
        more = {
            s.target
            for s in ir.statements(body)
            if isinstance(s, ir.Assign) and s.target not in names and _reads(s.value, names)
        }
        if not more:
            return names
        names = names | more


def _exit_conditions(loop: ir.While) -> list[Expr]:
    """Conditions that decide whether the loop goes on."""
    out = [loop.condition]
    for s in ir.statements(loop.body):
        if isinstance(s, ir.If) and (flow.leaves(s.then) or flow.leaves(s.orelse)):
            out.append(s.condition)
    return out
