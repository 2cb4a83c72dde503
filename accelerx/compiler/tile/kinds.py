"""Lane kinds over a whole block: which locals are scalars, which are affine in the thread, which tensors.

The analysis is that of vector code (``passes.lanes``), run on one vector that is the block. A thread
has up to three coordinates, so that a stride is a number in a mixed radix: its digits are what a value
grows by from thread to thread along x, y and z. Sums and multiples of strides are those of the digits,
and the rules for one coordinate hold as they are.

A *form* is an affine value taken apart: a scalar ``base`` plus, for each axis, a scalar ``step`` times
the thread's coordinate. Steps may be known at launch only, such as a row's pitch.
"""

from __future__ import annotations

from dataclasses import dataclass

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.ir import Const, Expr
from accelerx.compiler.passes import lanes
from accelerx.compiler.passes.fold import fold_root
from accelerx.dtypes import DType

RADIX = 1 << 40
HALF = RADIX // 2


class BlockGeometry(lanes.Geometry):
    """A block as one vector; strides hold one digit an axis."""

    def special(self, e: ir.Special) -> lanes.Kind:
        """The kind of a coordinate."""
        if e.kind not in ("thread", "lane", "warp"):
            return lanes.UNIFORM
        if e.kind == "thread":
            if self.block[e.axis] == 1:
                return lanes.UNIFORM
            return lanes.Kind(False, lanes.Lane(RADIX**e.axis, lanes.PROMISED))
        return lanes.Kind(False, lanes.VARYING)


def digits(stride: int) -> tuple[int, int, int]:
    """A stride's steps along x, y and z."""
    out = []
    for _ in range(3):
        digit = (stride + HALF) % RADIX - HALF
        out.append(digit)
        stride = (stride - digit) // RADIX
    return out[0], out[1], out[2]


@dataclass(frozen=True, slots=True)
class Form:
    """``base + steps[0] * thread.x + steps[1] * thread.y + steps[2] * thread.z``."""

    base: Expr
    steps: tuple[Expr, Expr, Expr]

    @property
    def type(self) -> DType:
        return self.base.type

    @property
    def uniform(self) -> bool:
        return all(is_const(s, 0) for s in self.steps)

    def run(self, block: tuple[int, int, int]) -> int | None:
        """The constant step from lane to lane, if threads counted linearly have one."""
        step, pitch = None, 1
        for extent, s in zip(block, self.steps, strict=True):
            if extent == 1:
                continue
            if not isinstance(s, Const):
                return None
            if step is None:
                if int(s.value) % pitch:
                    return None
                step = int(s.value) // pitch
            elif int(s.value) != step * pitch:
                return None
            pitch *= extent
        return 0 if step is None else step


def is_const(e: Expr, value: int) -> bool:
    """Whether an expression is the integer constant ``value``."""
    return isinstance(e, Const) and e.value == value


def number(value: int, dtype: DType = dtypes.int32) -> Const:
    """An integer constant."""
    return Const(value, dtype)


def add(a: Expr, b: Expr) -> Expr:
    """``a + b``, folded; the sum is one of indices, which do not wrap."""
    return fold_root(ir.Binary("add", a, b, a.type, a.type.is_signed, a.loc))


def sub(a: Expr, b: Expr) -> Expr:
    """``a - b``, folded."""
    return fold_root(ir.Binary("sub", a, b, a.type, a.type.is_signed, a.loc))


def mul(a: Expr, b: Expr) -> Expr:
    """``a * b``, folded."""
    return fold_root(ir.Binary("mul", a, b, a.type, a.type.is_signed, a.loc))


def cast(e: Expr, dtype: DType) -> Expr:
    """``e`` as ``dtype``, folded."""
    return fold_root(ir.Cast(e, dtype, e.loc))


class Forms:
    """Takes affine expressions apart.

    Args:
        kinds: The result of the analysis.
    """

    def __init__(self, kinds: lanes.Lanes) -> None:
        self.kinds = kinds

    def uniform(self, e: Expr) -> bool:
        """Whether all threads of the block agree on a value."""
        return self.kinds.kind(e).uniform

    def of(self, e: Expr) -> Form | None:
        """The form of an integer expression, if it has one."""
        if not e.type.is_integer:
            return None
        zero = number(0, e.type)
        if self.uniform(e):
            return Form(e, (zero, zero, zero))
        match e:
            case ir.Special("thread"):
                x, y, z = (number(int(axis == e.axis)) for axis in range(3))
                return Form(number(0), (x, y, z))
            case ir.Local():
                return self._local(e)
            case ir.Binary("add" | "sub" | "mul") if e.nowrap:
                return self._sum(e)
            case ir.Cast():
                return self._cast(e)
        return None

    def _local(self, e: ir.Local) -> Form | None:
        lane = self.kinds.kind(e).lane
        if lane.stride is None or lane.exact == lanes.WRAPS:
            return None
        x, y, z = (number(d, e.type) for d in digits(lane.stride))
        return Form(e, (x, y, z))

    def _sum(self, e: ir.Binary) -> Form | None:
        a, b = self.of(e.left), self.of(e.right)
        if a is None or b is None:
            return None
        if e.op == "mul":
            if not b.uniform:
                a, b = b, a
            if not b.uniform:
                return None
            x, y, z = (mul(s, b.base) for s in a.steps)
            return Form(mul(a.base, b.base), (x, y, z))
        combine = add if e.op == "add" else sub
        x, y, z = (combine(s, t) for s, t in zip(a.steps, b.steps, strict=True))
        return Form(combine(a.base, b.base), (x, y, z))

    def _cast(self, e: ir.Cast) -> Form | None:
        source = e.operand.type
        if not source.is_integer or e.type.bits < source.bits:
            return None
        inner = self.of(e.operand)
        if inner is None:
            return None
        x, y, z = (cast(s, e.type) for s in inner.steps)
        return Form(cast(inner.base, e.type), (x, y, z))


class BlockAnalysis(lanes.Analysis):
    """The kinds of a kernel's locals over a block.

    Args:
        kernel: In normal form, with a block shape.
        varying: Locals that are to be tensors whatever they hold.
    """

    def __init__(self, kernel: ir.Kernel, varying: set[str]) -> None:
        assert kernel.block is not None
        self.varying = varying
        geometry = BlockGeometry(kernel.block, lanes.MAX_ALIGN)
        super().__init__(kernel, geometry, single=False, block_level=set(), pinned=set())

    def _assigned_kind(self, s: ir.Stmt) -> lanes.Kind:
        kind = super()._assigned_kind(s)
        differs = not kind.uniform and kind.lane.stride == 0  # the same in a warp, not in a block
        if differs or ir.target(s) in self.varying:
            return lanes.Kind(False, lanes.VARYING)
        return kind
