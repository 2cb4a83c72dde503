"""Builtins of cooperative_groups.h: the grid's barrier, lanes, and shuffles of values of any type."""

from __future__ import annotations

from accelerx.compiler import ir
from accelerx.compiler.frontends.cuda_cpp.build import Build, Handler, Lifter
from accelerx.compiler.frontends.cuda_cpp.builtins_half import numbers, result
from accelerx.compiler.frontends.cuda_cpp.builtins_threads import warp
from accelerx.compiler.frontends.cuda_cpp.clang import Cursor
from accelerx.compiler.frontends.cuda_cpp.values import Nothing, Value
from accelerx.dtypes import uint8, uint32


def _sync_grid(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    lifter.emit(ir.Barrier("grid", None, None, lifter.loc(call)))
    return Nothing()


def _lane(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    """The calling thread's place in its warp."""
    loc = lifter.loc(call)
    return lifter.cast(ir.Special("lane", 0, loc), uint32, loc)


def _shuffle(op: str) -> Handler:
    """A value from another lane: each number inside it by itself."""

    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        build = Build(lifter, lifter.loc(call))
        (mask,), parts, (lane,), (width,) = numbers(lifter, arguments)
        lane = build.keep(lane)
        return result(lifter, call, [_moved(build, call, op, e, lane, mask, width) for e in parts])

    return handler


def _moved(
    build: Build,
    call: Cursor,
    op: str,
    e: ir.Expr,
    lane: ir.Expr,
    mask: ir.Expr,
    width: ir.Expr,
) -> ir.Expr:
    dtype = uint8 if e.type.is_bool else e.type
    whole = isinstance(width, ir.Const) and width.value == 32
    value = build.cast(e, dtype)
    return warp(build.lifter, call, op, (value, lane), dtype, mask, None if whole else width)


GROUPS: dict[str, Handler] = {
    "__ax_sync_grid": _sync_grid,
    "__ax_lane": _lane,
    "__ax_shfl": _shuffle("shfl_idx"),
    "__ax_shfl_up": _shuffle("shfl_up"),
    "__ax_shfl_down": _shuffle("shfl_down"),
    "__ax_shfl_xor": _shuffle("shfl_xor"),
}
