"""What an expression's own text proves: its sign, and which conversions C does by itself."""

from __future__ import annotations

from collections.abc import Callable

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.dtypes import DType


class Facts:
    """What is known of the sign of integer expressions, from the kernel's text alone."""

    def __init__(self, body: list[ir.Stmt]) -> None:
        self._single: dict[str, ir.Assign | ir.For | None] = {}
        for s in ir.statements(body):
            name = ir.target(s)
            if name is not None:
                first = name not in self._single and isinstance(s, (ir.Assign, ir.For))
                self._single[name] = s if first and isinstance(s, (ir.Assign, ir.For)) else None
        self._known: dict[tuple[str, str], bool] = {}

    def natural(self, e: ir.Expr) -> bool:
        """Whether ``e`` is surely not negative."""
        return self._holds("natural", e, 0)

    def positive(self, e: ir.Expr) -> bool:
        """Whether ``e`` is surely greater than zero."""
        return self._holds("positive", e, 1)

    def _holds(self, fact: str, e: ir.Expr, least: int) -> bool:
        again: Callable[[ir.Expr], bool] = lambda x: self._holds(fact, x, least)  # noqa: E731
        match e:
            case ir.Const(value):
                return value >= least
            case ir.Special(kind):
                return least == 0 or kind in ("block_dim", "grid_dim")
            case ir.Cast(operand, t) if widens(operand.type, t):
                return again(operand)
            case ir.Binary("mul", left, right, nowrap=True):
                return again(left) and again(right)
            case ir.Binary("add", left, right, nowrap=True):
                others = self.natural(left) and self.natural(right)
                return others and (least == 0 or again(left) or again(right))
            case ir.Binary("quot" | "rem" | "floordiv" | "mod", left, right) if least == 0:
                return self.natural(left) and self.natural(right)
            case ir.Local(name):
                source = self._single.get(name)
                if source is None:
                    return False
                if (fact, name) not in self._known:
                    self._known[fact, name] = False  # what depends on itself proves nothing
                    self._known[fact, name] = self._assigned(source, again)
                return self._known[fact, name]
        return e.type.kind == "uint" and least == 0

    def _assigned(self, source: ir.Assign | ir.For, holds: Callable[[ir.Expr], bool]) -> bool:
        """Whether a fact holds of the only value, or of every value, a local gets."""
        if isinstance(source, ir.Assign):
            return holds(source.value)
        return holds(source.start) and self.positive(source.step)


def widens(source: DType, target: DType) -> bool:
    """Whether every value of an integer (or bool) type ``source`` is one of ``target``."""
    if not target.is_integer or source.is_float:
        return False
    if source.is_bool:
        return True
    if source.is_signed == target.is_signed:
        return source.bits <= target.bits
    return target.is_signed and source.bits < target.bits


def is_widening(e: ir.Expr) -> bool:
    """Whether ``e`` is a cast of an integer that C does by itself beside an operand of that type."""
    if not isinstance(e, ir.Cast) or e.type.bits < 32:
        return False
    return widens(e.operand.type, e.type) and e.operand.type.bits < e.type.bits


def compares_unwidened(e: ir.Expr, constant: ir.Expr) -> bool:
    """Whether C compares ``e``, a widening cast, with a constant just as well without the cast."""
    if not isinstance(e, ir.Cast) or not isinstance(constant, ir.Const) or not is_widening(e):
        return False
    low = 0 if e.operand.type.kind == "uint" else -(2**31) + 1
    return low <= constant.value < 2**31


def is_index(e: ir.Expr) -> bool:
    """Whether ``e`` compares the same signed and unsigned: a special value or a natural constant."""
    return isinstance(e, ir.Special) or (isinstance(e, ir.Const) and e.value >= 0)


def at_least_32(t: DType) -> DType:
    if t.bits >= 32:
        return t
    return dtypes.float32 if t.is_float else dtypes.int32


def shift_in_range(count: ir.Expr, bits: int) -> bool:
    match count:
        case ir.Const(value):
            return 0 <= value < bits
        case ir.Binary("and", _, ir.Const(value)) | ir.Binary("and", ir.Const(value), _):
            return 0 <= value < bits
    return False


def contiguous(mem: ir.Mem) -> bool:
    """Whether the strides are those of a C array of the same shape."""
    expected = 1
    for extent, stride in zip(reversed(mem.shape), reversed(mem.strides), strict=True):
        if stride != expected:
            return False
        expected *= extent if isinstance(extent, int) else 0
    return True
