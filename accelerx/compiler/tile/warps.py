"""Operations between the lanes of a warp, lane by lane: what a lane gets from the others' values.

The values lie in a tensor, so that a shuffle is a read of another element and a vote a loop over the
warp's elements that are on.
"""

from __future__ import annotations

from dataclasses import dataclass

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.ir import Const, Expr, Stmt
from accelerx.compiler.passes.lanes import WARP
from accelerx.compiler.tile.kinds import add, cast, number, sub
from accelerx.compiler.tile.scalar_loops import LaneCode

_I32 = dtypes.int32


@dataclass(slots=True)
class WarpCode:
    """The code of one warp operation for one lane.

    Attributes:
        code: The lane's code.
        values: Tensor of the first argument, one element a lane; "" for activemask.
        on: Tensor (i32) that is 1 in lanes that take part; None if all below ``count`` do.
        count: Lanes that take part.
        threads: Lanes of the block.
    """

    code: LaneCode
    values: str
    on: str | None
    count: Expr
    threads: int

    def statements(self, s: ir.Warp) -> list[Stmt]:
        """What the lane executes."""
        if s.op.startswith("shfl"):
            value = ir.Load(self.values, (self._source(s),), s.arguments[0].type, s.loc)
            return [self.code.assign(s.result, value, s)]
        return self._vote(s)

    # ---- shuffles

    def _source(self, s: ir.Warp) -> Expr:
        lane = self.code.lane
        width = number(WARP) if s.width is None else cast(self.code.expr(s.width), _I32)
        by = cast(self.code.expr(s.arguments[1]), _I32)
        place = ir.Binary("rem", lane, width, _I32)
        first = sub(lane, place)
        end = ir.Binary("min", add(first, width), number(self.threads), _I32)
        if s.op == "shfl_idx":
            wrapped = ir.Binary("and", by, sub(width, number(1)), _I32)
            source: Expr = add(first, wrapped)
            first = number(0)
        elif s.op == "shfl_xor":
            warp = ir.Binary("rem", lane, number(WARP), _I32)
            source = add(sub(lane, warp), ir.Binary("xor", warp, by, _I32))
            first = number(0)
        else:
            source = add(lane, by) if s.op == "shfl_down" else sub(lane, by)
        inside = ir.Logical("and", ir.Compare("ge", source, first), ir.Compare("lt", source, end))
        return ir.Select(inside, source, lane, _I32)

    # ---- votes and reductions

    def _vote(self, s: ir.Warp) -> list[Stmt]:
        code = self.code
        of = s.arguments[0].type if s.arguments else dtypes.bool_
        start, result = self._start(s, of)
        total = code.fresh("total", result)
        other = code.fresh("other", _I32)
        j, sofar = ir.Local(other, _I32), ir.Local(total, result)
        first = sub(code.lane, ir.Binary("rem", code.lane, number(WARP), _I32))
        end = ir.Binary("min", add(first, number(WARP)), self.count, _I32)
        seen = ir.Load(self.values, (j,), of) if s.arguments else Const(True, dtypes.bool_)
        own = ir.Load(self.values, (code.lane,), of) if s.arguments else seen
        bit = ir.Binary(
            "shl", Const(1, dtypes.uint32), cast(sub(j, first), dtypes.uint32), dtypes.uint32
        )
        step: list[Stmt] = [ir.Assign(total, _step(s.op, sofar, seen, own, bit), s.loc)]
        if self.on is not None:
            takes_part = ir.Compare("ne", ir.Load(self.on, (j,), _I32), number(0))
            step = [ir.If(takes_part, step, [], s.loc)]
        return [
            ir.Assign(total, start, s.loc),
            ir.For(other, first, end, number(1), step, loc=s.loc),
            code.assign(s.result, sofar, s),
        ]

    def _start(self, s: ir.Warp, of: dtypes.DType) -> tuple[Expr, dtypes.DType]:
        """What a vote begins with, and its type; min, max, and, or with the lane's own value."""
        if s.op in ("ballot", "match_any", "activemask"):
            return Const(0, dtypes.uint32), dtypes.uint32
        if s.op in ("any", "all", "uni"):
            return Const(s.op != "any", dtypes.bool_), dtypes.bool_
        if s.op in ("reduce_add", "reduce_xor"):
            return Const(0.0 if of.is_float else 0, of), of
        return ir.Load(self.values, (self.code.lane,), of), of


def _step(op: str, sofar: Expr, seen: Expr, own: Expr, bit: Expr) -> Expr:
    """A vote after one more lane."""
    u32 = dtypes.uint32
    match op:
        case "ballot" | "activemask":
            return ir.Binary("or", sofar, ir.Select(seen, bit, Const(0, u32), u32), u32)
        case "match_any":
            same = ir.Compare("eq", seen, own)
            return ir.Binary("or", sofar, ir.Select(same, bit, Const(0, u32), u32), u32)
        case "any":
            return ir.Logical("or", sofar, seen)
        case "all":
            return ir.Logical("and", sofar, seen)
        case "uni":
            return ir.Logical("and", sofar, _equal(seen, own))
        case _:
            return ir.Binary(op.removeprefix("reduce_"), sofar, seen, sofar.type)  # type: ignore[arg-type]


def _equal(a: Expr, b: Expr) -> Expr:
    if not a.type.is_bool:
        return ir.Compare("eq", a, b)
    return ir.Unary("not", ir.Logical("xor", a, b), dtypes.bool_)
