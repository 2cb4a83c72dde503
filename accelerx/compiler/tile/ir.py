"""Tile programs: what one core of a vector machine does for a *tile* of consecutive blocks.

A machine without threads runs a kernel statement by statement over a whole tile: a value that
differs between threads is a *tensor* in on-chip memory, one element a lane; a value on which all
lanes agree is a scalar variable; barriers vanish. A tile program is therefore two languages in one
list of statements:

* **Scalar statements** are KIR's own (``Assign``, ``Store``, ``If``, ``For``, ``While``, ``Break``,
  ``Continue``, ``Scope``, ``Exit``, ``Atomic``, ``Print``, ``Assert``, ``Fence``), run once by the
  core. Their expressions are KIR's, without ``Special("thread" | "lane" | "warp")``:
  ``Special("block")`` is the tile's first block, ``Local`` a scalar of ``Program.scalars``, and a
  ``Load``/``Store`` whose ``mem`` names a tensor accesses one element of it on chip.
* **Vector statements** are the classes below. Each works on ``count`` lanes, a scalar expression;
  with a count of zero or less it does nothing. Elements past the count keep their values.

Operands of vector statements are *slices*, which start at an element of a tensor and go on with
stride 1, or scalar expressions, the same for all lanes. The target may be one of the sources (the
statement then works in place) but may not overlap one in any other way.

The meaning of every operation is KIR's (``accelerx.compiler.ir``): integers wrap, casts saturate,
minima ignore a NaN. Two things are looser, as vector units are: ``fma`` may round once or twice, and
a float reduction sums in any order.

Masks have one truth value a lane; how a target keeps them (a bit a lane, a float a lane) is its own
affair, so that a mask is neither loaded nor stored but converted (``FromMask``, ``Compare``).

``lower`` makes programs in this language, ``legalise`` rewrites what a target lacks, ``allocate``
gives tensors their addresses; a dialect prints what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from accelerx.compiler import ir
from accelerx.compiler.diagnostics import Loc
from accelerx.dtypes import DType

# ------------------------------------------------------------------------------------- operands


@dataclass(slots=True, eq=False)
class Tensor:
    """An array in on-chip memory.

    Attributes:
        name: Unique among tensors, scalars and the kernel's arrays; a shared array keeps its name.
        dtype: Element type; ``bool`` for a mask.
        size: Elements.
        role: ``shared`` (the user's shared array), ``local`` (the user's variable or own array, one
            element or row a lane), ``staged`` (a copy of global memory), ``temp``.
        mask: Whether it holds one truth value a lane in the target's own form.
        shown: The user's name for it, for reports.
        phase: Element that must lie on the target's alignment (of a shared array that is stored at
            ``s[thread + 1]``: 1); it is 0 as a rule.
        address: Byte offset in on-chip memory, once allocated.
        copies: 2 if it is double-buffered: the second copy lies behind the first.
        loc: Where the user declared it.
    """

    name: str
    dtype: DType
    size: int
    role: Literal["shared", "local", "staged", "temp"]
    mask: bool = False
    shown: str = ""
    phase: int = 0
    address: int | None = None
    copies: int = 1
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class Slice:
    """Elements of a tensor from ``start`` (a scalar integer expression) on, one a lane.

    With ``dtype`` the same bits are read as another type of one width.
    """

    tensor: str
    start: ir.Expr
    dtype: DType | None = None


Operand = Slice | ir.Expr

ElementwiseOp = Literal[
    "add", "sub", "mul", "div", "min", "max",  # numbers; div: floats
    "quot", "rem", "floordiv", "mod",          # integers as KIR's; legalised where missing
    "and", "or", "xor", "shl", "shr",          # integers; shr of a signed one keeps the sign
    "neg", "abs", "invert",
    "sqrt", "rsqrt", "reciprocal", "exp", "log",  # floats
    "floor", "ceil", "trunc", "rint",
    "fma",                                     # a * b + c, rounded once or twice
    "copy",
]  # fmt: skip
CompareOp = ir.CompareOp
MaskOp = Literal["and", "or", "xor", "andnot", "not", "copy"]  # andnot: a and not b
ReduceOp = Literal["add", "min", "max"]

ARITY: dict[str, int] = {
    **dict.fromkeys(
        ("add", "sub", "mul", "div", "min", "max", "quot", "rem", "floordiv", "mod", "and", "or",
         "xor", "shl", "shr"), 2),
    **dict.fromkeys(
        ("neg", "abs", "invert", "sqrt", "rsqrt", "reciprocal", "exp", "log", "floor", "ceil",
         "trunc", "rint", "copy"), 1),
    "fma": 3,
}  # fmt: skip

# ----------------------------------------------------------------------------------- statements


@dataclass(slots=True, eq=False)
class Elementwise:
    """``target[i] = op(operands[i]...)``; all operands have the target's type.

    At least one operand is a slice (otherwise it is a ``Fill``).
    """

    op: ElementwiseOp
    target: Slice
    operands: tuple[Operand, ...]
    count: ir.Expr
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class Fill:
    """``target[i] = value``."""

    target: Slice
    value: ir.Expr
    count: ir.Expr
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class Iota:
    """``target[i] = start + step * i``; integers wrap."""

    target: Slice
    start: ir.Expr
    step: ir.Expr
    count: ir.Expr
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class Convert:
    """``target[i] = (type of target) source[i]``, as KIR's Cast; neither is a mask."""

    target: Slice
    source: Slice
    count: ir.Expr
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class Compare:
    """``mask[i] = left[i] op right[i]``; at least one side is a slice."""

    op: CompareOp
    mask: str
    left: Operand
    right: Operand
    count: ir.Expr
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class MaskRange:
    """``mask[i] = start <= i < stop`` for all lanes below ``count``."""

    mask: str
    start: ir.Expr
    stop: ir.Expr
    count: ir.Expr
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class MaskLogic:
    """``target[i] = op(operands[i]...)`` on masks."""

    op: MaskOp
    target: str
    operands: tuple[str, ...]
    count: ir.Expr
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class FromMask:
    """``target[i] = 1 if mask[i] else 0`` in the target's type."""

    target: Slice
    mask: str
    count: ir.Expr
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class Select:
    """``target[i] = if_true[i] if mask[i] else if_false[i]``; bits are kept, NaN or not."""

    target: Slice
    mask: str
    if_true: Operand
    if_false: Operand
    count: ir.Expr
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class Gather:
    """``target[i] = table[index[i]]``; ``index`` is i32, counts elements from the table's start.

    Every index lies in the table: lanes that are masked off must have been given a harmless one.
    """

    target: Slice
    table: Slice
    index: Slice
    count: ir.Expr
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class Scatter:
    """``table[index[i]] = source[i]`` on chip, lanes in increasing order; few targets have it."""

    table: Slice
    index: Slice
    source: Slice
    count: ir.Expr
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class Reduce:
    """The scalar ``result = source[0] op source[1] op ...``; count is at least 1."""

    op: ReduceOp
    result: str
    source: Slice
    count: ir.Expr
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class CountMask:
    """The scalar ``result`` (i32) = how many of the first ``count`` lanes are on."""

    result: str
    mask: str
    count: ir.Expr
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class Load:
    """Global memory to chip: ``rows`` runs of ``count`` elements each.

    Row r is read from element ``start + r * row_stride`` of ``mem`` and goes to ``target`` from its
    element ``r * target_stride`` on.
    """

    target: Slice
    mem: str
    start: ir.Expr
    count: ir.Expr
    rows: ir.Expr | None = None
    row_stride: ir.Expr | None = None
    target_stride: ir.Expr | None = None
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class Store:
    """Chip to global memory, exactly the elements named, as ``Load`` the other way round.

    With ``atomic`` each element is combined with what is there, atomically, without a result.
    """

    mem: str
    start: ir.Expr
    source: Slice
    count: ir.Expr
    rows: ir.Expr | None = None
    row_stride: ir.Expr | None = None
    source_stride: ir.Expr | None = None
    atomic: ReduceOp | None = None
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class Contract:
    """``target[m][n] += left[m][k] * right[k][n]``: a small matrix product of tensors on chip.

    Matrices are row-major with the given row strides, in elements.
    """

    target: Slice
    left: Slice
    right: Slice
    m: int
    n: int
    k: int
    target_stride: int
    left_stride: int
    right_stride: int
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class LaneLoop:
    """The scalar fallback: ``body`` (scalar statements) for ``lane`` = 0, 1, ... ``count`` - 1.

    ``lane`` is an i32 scalar. With ``mask`` only lanes that are on are taken. ``reason`` is a
    sentence for the user: why the statements at ``loc`` are not vectors.
    """

    lane: str
    count: ir.Expr
    body: list[ir.Stmt]
    reason: str
    mask: str | None = None
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class GridSync:
    """Waits for all cores; every core has at most one tile then."""

    loc: Loc | None = None


VectorStmt = (
    Elementwise | Fill | Iota | Convert | Compare | MaskRange | MaskLogic | FromMask | Select
    | Gather | Scatter | Reduce | CountMask | Load | Store | Contract | LaneLoop | GridSync
)  # fmt: skip
Stmt = ir.Stmt | VectorStmt

# -------------------------------------------------------------------------------------- program

LineClass = Literal["uniform", "vector", "prefix", "masked", "gather", "scalar loop"]
SEVERITY: tuple[LineClass, ...] = (
    "uniform", "vector", "prefix", "masked", "gather", "scalar loop",
)  # fmt: skip


@dataclass(slots=True, eq=False)
class Program:
    """A kernel for a vector machine.

    The grid is walked in tiles of ``blocks`` blocks, consecutive along x. In ``body``,
    ``Special("block", 0)`` is the first of them, and the scalar ``ACTIVE_LANES`` (i32) is the lanes
    that exist: fewer than ``lanes`` in the last tile of a row. Lane l belongs to block
    ``l // threads`` of the tile, thread ``l % threads`` of it, x fastest.

    Attributes:
        kernel: The KIR it was made of: parameters, arrays, name, source.
        blocks: Blocks of a tile.
        threads: Threads of a block.
        tensors: On-chip arrays by name, the user's shared arrays among them.
        scalars: Scalar variables of the core.
        body: What is run for each tile.
        lines: The worst class of each source line, by line number.
        reasons: Why lines are scalar loops, by line number.
        notes: Sentences for ``explain`` (fused blocks, recognised reductions, ...).
        cooperative: Whether it has a GridSync.
    """

    kernel: ir.Kernel
    blocks: int
    threads: int
    tensors: dict[str, Tensor]
    scalars: dict[str, DType]
    body: list[Stmt]
    lines: dict[int, LineClass] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    cooperative: bool = False

    @property
    def lanes(self) -> int:
        """Lanes of a full tile."""
        return self.blocks * self.threads


ACTIVE_LANES = "lanes"

# -------------------------------------------------------------------------------------- walking


def blocks(s: Stmt) -> tuple[list[Stmt], ...]:
    """The nested statement lists of a statement, of either language."""
    return (s.body,) if isinstance(s, LaneLoop) else ir.blocks(s)  # type: ignore[arg-type,return-value]


def map_blocks(s: Stmt, f: Callable[[list[Stmt]], list[Stmt]]) -> Stmt:
    """``s`` with ``f`` applied to each nested statement list."""
    if isinstance(s, LaneLoop):
        return replace(s, body=f(s.body))  # type: ignore[arg-type]
    return ir.map_blocks(s, f)  # type: ignore[arg-type]


def statements(body: Sequence[Stmt]) -> Iterator[Stmt]:
    """All statements of a list, nested ones included, in order."""
    for s in body:
        yield s
        for block in blocks(s):
            yield from statements(block)
