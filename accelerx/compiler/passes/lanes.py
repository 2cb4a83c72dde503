"""Lane kinds: how a value differs between the threads that one vector holds, and where masks rule.

A vector is ``width`` consecutive threads of a block. Of each local we know whether the whole block
agrees on it (``uniform``), and how it runs through a vector (``Lane``): with stride 0 it is one
scalar, with stride s it is a scalar base plus s a lane, otherwise it differs freely. The analysis is
an optimistic fix-point over assignments; a construct whose condition lanes may disagree on is *masked*,
and an assignment under one makes its local varying unless nobody can see the inactive lanes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from accelerx.compiler import ir
from accelerx.compiler.ir import Const, Expr, Kernel, Mem, Stmt
from accelerx.dtypes import DType

MAX_ALIGN = 4096
WARP = 32


class Lane(NamedTuple):
    """How a value runs through a vector, and from vector to vector.

    Attributes:
        stride: Difference between neighbours; None if there is no such number.
        exact: PROMISED if base + stride * lane surely stays in the type's range, ALIGNED if that
            is known within a vector only, WRAPS if not at all.
        align: Power of two that divides the base (at most MAX_ALIGN).
        even: Whether the block's vectors follow each other in the same way: the base of vector n is
            that of vector 0 plus n * width * stride. Of one scalar: whether the block agrees on it.
    """

    stride: int | None
    exact: int = 2
    align: int = 1
    even: bool = False


class Kind(NamedTuple):
    """A lane and whether the whole block agrees on the value."""

    uniform: bool
    lane: Lane


WRAPS, ALIGNED, PROMISED = 0, 1, 2
SAME = Lane(0)
AGREED = Lane(0, even=True)
VARYING = Lane(None, WRAPS)
UNIFORM = Kind(True, AGREED)


@dataclass(frozen=True, slots=True)
class Geometry:
    """A block cut into vectors of ``width`` threads, x fastest; width is a power of two."""

    block: tuple[int, int, int]
    width: int

    @property
    def threads(self) -> int:
        return self.block[0] * self.block[1] * self.block[2]

    @property
    def vectors(self) -> int:
        return -(-self.threads // self.width)

    @property
    def linear(self) -> bool:
        """Whether threadIdx.x alone counts the threads."""
        return self.block[1] == self.block[2] == 1

    @property
    def rows(self) -> bool:
        """Whether each vector lies in one row, so that x runs through it and y, z do not."""
        return self.block[0] % self.width == 0

    def special(self, e: ir.Special) -> Kind:
        """The kind of a coordinate."""
        if e.kind not in ("thread", "lane", "warp"):
            return UNIFORM
        if e.kind == "thread" and self.block[e.axis] == 1:
            return UNIFORM
        if self.width == 1:
            return Kind(False, SAME)
        if e.kind == "warp":
            return Kind(False, SAME)
        along = Lane(1, PROMISED, self.width)
        if e.kind == "lane":
            return Kind(False, along)
        if e.axis == 0 and (self.rows or self.linear):
            return Kind(False, along._replace(even=self.linear))
        return Kind(False, SAME if self.rows else VARYING)


BOTTOM = Kind(True, Lane(0, PROMISED, MAX_ALIGN, True))  # of a local not yet seen

# ---------------------------------------------------------------------------- rules for expressions


def power_of_two_in(value: int) -> int:
    """The largest power of two that divides ``value``, up to MAX_ALIGN."""
    return MAX_ALIGN if value == 0 else min(value & -value, MAX_ALIGN)


def constant_lane(value: int | float | bool) -> Lane:
    align = power_of_two_in(int(value)) if isinstance(value, int) else 1
    return AGREED._replace(align=align)


def _stays(stride: int, align: int, width: int) -> bool:
    """Whether an aligned base keeps a vector from crossing a power-of-two boundary."""
    return stride > 0 and stride & (stride - 1) == 0 and align >= stride * width


def _affine(stride: int, align: int, exact: int, even: bool, width: int) -> Lane:
    if stride == 0:
        return Lane(0, PROMISED, align, even)
    if exact == WRAPS and _stays(stride, align, width):
        exact = ALIGNED
    return Lane(stride, exact, align, even)


def binary_lane(
    op: str, nowrap: bool, a: Lane, b: Lane, ca: int | None, cb: int | None, width: int
) -> Lane:
    """The lane of an integer operation on lanes ``a`` and ``b``; ``ca``, ``cb`` if constant."""
    if a.stride is None or b.stride is None:
        return VARYING
    exact = min(a.exact, b.exact) if nowrap else WRAPS
    even = a.even and b.even
    match op:
        case "add":
            return _affine(a.stride + b.stride, min(a.align, b.align), exact, even, width)
        case "sub":
            return _affine(a.stride - b.stride, min(a.align, b.align), exact, even, width)
        case "mul" if ca is not None or cb is not None:
            factor, lane = (cb, a) if cb is not None else (ca, b)
            assert factor is not None
            assert lane.stride is not None
            align = min(lane.align * power_of_two_in(factor), MAX_ALIGN)
            return _affine(lane.stride * factor, align, exact, even, width)
        case "mul" if a.stride == b.stride == 0:
            return Lane(0, PROMISED, min(a.align * b.align, MAX_ALIGN), even)
        case "shl" if cb is not None and 0 <= cb < 31:
            align = min(a.align << cb, MAX_ALIGN)
            return _affine(a.stride << cb, align, WRAPS, even, width)
    return SAME._replace(even=even) if a.stride == b.stride == 0 else VARYING


def cast_lane(a: Lane, source: DType, target: DType, width: int) -> Lane:
    """The lane of a conversion."""
    integers = source.is_integer and target.is_integer
    if a.stride is None:
        return VARYING
    if a.stride == 0:
        return a if integers else SAME._replace(even=a.even)
    if not integers:
        return VARYING
    aligned = ALIGNED if _stays(a.stride, a.align, width) else WRAPS
    if target.bits <= source.bits:
        return Lane(a.stride, a.exact if source is target else aligned, a.align, a.even)
    if a.exact == WRAPS:
        return VARYING
    keeps = source.kind == target.kind or target.is_signed
    # vectors whose own range is known only one by one no longer follow each other
    even = a.even and a.exact == PROMISED
    return Lane(a.stride, a.exact if keeps else aligned, a.align, even)


def _constant(e: Expr) -> int | None:
    return int(e.value) if isinstance(e, Const) and e.type.is_integer else None


# ------------------------------------------------------------------------------------- the analysis


@dataclass(slots=True)
class Access:
    """One read or write of a local: the statement, its place in the text, its constructs."""

    statement: Stmt
    position: int
    chain: tuple[Stmt, ...]


@dataclass(slots=True)
class Lanes:
    """The result: kinds of locals, masked constructs, assignments that need no blend."""

    geometry: Geometry
    mems: dict[str, Mem]
    kinds: dict[str, Kind] = field(default_factory=dict)
    masked: set[int] = field(default_factory=set)
    unblended: set[int] = field(default_factory=set)

    def kind(self, e: Expr) -> Kind:
        """The kind of an expression (bottom, that is uniform, for locals not yet seen)."""
        match e:
            case Const():
                return Kind(True, constant_lane(e.value))
            case ir.ParamRef():
                return UNIFORM
            case ir.Special():
                return self.geometry.special(e)
            case ir.Local():
                return self.kinds.get(e.name, BOTTOM)
            case ir.Load():
                return self._load(e)
        return self._operation(e)

    def _load(self, e: ir.Load) -> Kind:
        index = self.kind(e.indices[0])
        if self.mems[e.mem].space == "local":
            return Kind(False, SAME if self.geometry.width == 1 else VARYING)
        if index.lane.stride != 0:
            return Kind(False, VARYING)
        return Kind(index.uniform, SAME._replace(even=index.uniform))

    def _operation(self, e: Expr) -> Kind:
        operands = ir.operands(e)
        kinds = [self.kind(x) for x in operands]
        uniform = all(k.uniform for k in kinds)
        width = self.geometry.width
        if isinstance(e, ir.Binary) and e.type.is_integer:
            a, b = kinds
            ca, cb = _constant(e.left), _constant(e.right)
            return Kind(uniform, binary_lane(e.op, e.nowrap, a.lane, b.lane, ca, cb, width))
        if isinstance(e, ir.Cast | ir.Bitcast):
            return Kind(uniform, cast_lane(kinds[0].lane, e.operand.type, e.type, width))
        same = all(k.lane.stride == 0 for k in kinds)
        return Kind(uniform, SAME._replace(even=uniform)) if same else Kind(False, VARYING)


Chain = tuple[Stmt, ...]


class Analysis:
    """Finds the kinds of a kernel's locals.

    Args:
        kernel: In normal form (``passes.normalise``), webs split.
        geometry: The block and the vector width.
        single: Whether code runs on one vector at a time, so that all in it may branch.
        block_level: Ids of constructs that the whole block walks through together.
        pinned: Locals that must not be uniform, because each chunk keeps its own copy.
    """

    def __init__(
        self,
        kernel: Kernel,
        geometry: Geometry,
        *,
        single: bool,
        block_level: set[int],
        pinned: set[str],
    ) -> None:
        self.kernel = kernel
        self.single = single
        self.block_level = block_level
        self.pinned = pinned
        self.result = Lanes(geometry, kernel.mems)
        self.order: list[Stmt] = []
        self.chains: dict[int, Chain] = {}
        self.position: dict[int, int] = {}
        self.reads: dict[str, list[Access]] = {}
        self.writes: dict[str, list[Access]] = {}
        self.exits: list[tuple[Stmt, Chain]] = []
        self._collect(kernel.body, ())

    def run(self) -> Lanes:
        """Iterates to the fix-point."""
        while True:
            before = (dict(self.result.kinds), set(self.result.masked))
            self._mask_constructs()
            for s in self.order:
                self._assign(s)
            if before == (self.result.kinds, self.result.masked):
                break
        for name in self.kernel.locals:  # never assigned: any value will do
            self.result.kinds.setdefault(name, UNIFORM)
        self._find_unblended()
        return self.result

    # ---- facts that do not change

    def _collect(self, body: Sequence[Stmt], chain: Chain) -> None:
        for s in body:
            position = len(self.order)
            self.order.append(s)
            self.chains[id(s)] = chain
            self.position[id(s)] = position
            inside = (*chain, s)
            for name in ir.reads(s):
                at = inside if isinstance(s, ir.While) else chain
                self.reads.setdefault(name, []).append(Access(s, position, at))
            if (name_ := ir.target(s)) is not None:
                at = inside if isinstance(s, ir.For) else chain
                self.writes.setdefault(name_, []).append(Access(s, position, at))
            if isinstance(s, ir.Break | ir.Continue | ir.Exit | ir.Return):
                self.exits.append((s, chain))
            for block in ir.blocks(s):
                self._collect(block, inside)

    # ---- masks

    def _mask_constructs(self) -> None:
        masked = self.result.masked
        for s in self.order:
            if isinstance(s, ir.If | ir.For | ir.While) and self._diverges(s):
                masked.add(id(s))
        for s, chain in self.exits:
            path = self._path(s, chain)
            if any(id(c) in masked for c in path[1:]):
                masked.update(id(c) for c in path if isinstance(c, ir.For | ir.While | ir.Scope))

    def _diverges(self, s: ir.If | ir.For | ir.While) -> bool:
        kinds = [self.result.kind(e) for e in ir.expressions(s)]
        if isinstance(s, ir.For):
            kinds.append(self.result.kinds.get(s.target, UNIFORM))
        if self.single and id(s) not in self.block_level:
            return not all(k.lane.stride == 0 for k in kinds)
        return not all(k.uniform for k in kinds)

    def _path(self, s: Stmt, chain: Chain) -> Chain:
        """The constructs an exit leaves, its target first (for return: a stand-in, then all)."""
        if isinstance(s, ir.Return):
            return (s, *chain)
        for i in range(len(chain) - 1, -1, -1):
            c = chain[i]
            if isinstance(s, ir.Exit):
                if isinstance(c, ir.Scope) and c.label == s.label:
                    return chain[i:]
            elif isinstance(c, ir.For | ir.While):
                return chain[i:]
        raise AssertionError(f"{type(s).__name__} has no target")

    def _innermost(self, chain: Chain) -> Stmt | None:
        return next((c for c in reversed(chain) if id(c) in self.result.masked), None)

    # ---- assignments

    def _assign(self, s: Stmt) -> None:
        name = ir.target(s)
        if name is None:
            return
        kind = self._assigned_kind(s)
        if not isinstance(s, ir.For | ir.Barrier):
            construct = self._innermost(self.chains[id(s)])
            if construct is not None and not self._unseen(name, s, construct):
                kind = Kind(False, VARYING)
        if name in self.pinned:
            kind = Kind(False, kind.lane._replace(even=False))
        if self.result.geometry.width == 1:
            kind = Kind(kind.uniform, SAME._replace(even=kind.uniform))
        old = self.result.kinds.get(name)
        self.result.kinds[name] = kind if old is None else _join(old, kind)

    def _assigned_kind(self, s: Stmt) -> Kind:
        match s:
            case ir.Assign():
                return self.result.kind(s.value)
            case ir.For():
                start, step = self.result.kind(s.start), self.result.kind(s.step)
                if step.lane.stride != 0 or start.lane.stride is None:
                    return Kind(False, VARYING)
                align = min(start.lane.align, step.lane.align)
                even = start.lane.even and step.lane.even
                lane = start.lane._replace(align=align, even=even)
                return Kind(start.uniform and step.uniform, lane)
            case ir.Barrier():
                return UNIFORM
            case ir.Clock():
                return Kind(False, SAME)  # the threads of a vector look at it together
            case ir.Warp():
                return Kind(False, SAME if self._same_in_warp(s) else VARYING)
            case _:
                return Kind(False, VARYING)

    def _same_in_warp(self, s: ir.Warp) -> bool:
        whole = s.width is None or (isinstance(s.width, Const) and s.width.value == WARP)
        if s.op == "shfl_idx":
            source = s.arguments[1]
            return whole and isinstance(source, Const) and 0 <= source.value < WARP
        return whole and not s.op.startswith(("shfl", "match"))

    def _find_unblended(self) -> None:
        for name, writes in self.writes.items():
            for w in writes:
                construct = self._innermost(self.chains[id(w.statement)])
                if (
                    construct is None
                    or isinstance(w.statement, ir.For | ir.Barrier)
                    or self._unseen(name, w.statement, construct)
                ):
                    self.result.unblended.add(id(w.statement))

    def _unseen(self, name: str, s: Stmt, construct: Stmt) -> bool:
        """Whether nobody reads the value that an assignment leaves in inactive lanes.

        ``construct`` is the innermost masked one around the assignment. All reads lie in it, and
        either it is a loop that lanes never re-enter with an old value, or a list that first of all
        assigns the local.
        """
        reads = self.reads.get(name, [])
        if any(construct not in r.chain for r in reads) or ir.contains([construct], ir.Continue):
            return False
        if isinstance(construct, ir.For | ir.While):
            return self._entered_anew(name, construct)
        inside: Sequence[Stmt] = construct.body if isinstance(construct, ir.Scope) else ()
        if isinstance(construct, ir.If):
            inside = next(b for b in ir.blocks(construct) if _holds(b, s))
            if any(not _holds(inside, r.statement) for r in reads):
                return False
        return self._assigned_first(name, inside, construct, reads)

    def _entered_anew(self, name: str, loop: Stmt) -> bool:
        parents = self.chains[id(loop)]
        if not any(isinstance(c, ir.For | ir.While) for c in parents):
            return True
        return any(
            self.chains[id(w.statement)] == parents and w.position < self.position[id(loop)]
            for w in self.writes.get(name, [])
            if not isinstance(w.statement, ir.For)
        )

    def _assigned_first(
        self, name: str, inside: Sequence[Stmt], construct: Stmt, reads: Sequence[Access]
    ) -> bool:
        writes = [w for w in self.writes[name] if construct in w.chain]
        writes = [w for w in writes if _holds(inside, w.statement)]
        first = min(writes, key=lambda w: w.position)
        if first.chain[-1] is not construct or name in ir.reads(first.statement):
            return False
        return all(r.position > first.position for r in reads)


def _holds(body: Sequence[Stmt], s: Stmt) -> bool:
    return any(x is s for x in ir.statements(body))


def _join(a: Kind, b: Kind) -> Kind:
    if a.lane.stride != b.lane.stride or a.lane.stride is None:
        return Kind(False, VARYING)
    lane = Lane(
        a.lane.stride,
        min(a.lane.exact, b.lane.exact),
        min(a.lane.align, b.lane.align),
        a.lane.even and b.lane.even,
    )
    return Kind(a.uniform and b.uniform, lane)


def accesses(body: Sequence[Stmt]) -> Iterator[str]:
    """Names of all locals a list reads or writes."""
    for s in ir.statements(body):
        yield from ir.reads(s)
        if (name := ir.target(s)) is not None:
            yield name
