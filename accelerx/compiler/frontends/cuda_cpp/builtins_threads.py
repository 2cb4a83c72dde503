"""Builtins between threads: barriers, fences, clocks, votes, shuffles and reductions of a warp."""

from __future__ import annotations

from accelerx.compiler import ir
from accelerx.compiler.frontends.cuda_cpp.build import (
    Build,
    Handler,
    Lifter,
    is_given,
    result_dtype,
    scalars,
)
from accelerx.compiler.frontends.cuda_cpp.clang import Cursor
from accelerx.compiler.frontends.cuda_cpp.values import Nothing, Value
from accelerx.dtypes import DType, bool_, int32, int64, uint32

_WARP = 32


def _barrier(kind: ir.BarrierKind) -> Handler:
    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        lifter.emit(ir.Barrier(kind, None, None, lifter.loc(call)))
        return Nothing()

    return handler


def _counting_barrier(kind: ir.BarrierKind) -> Handler:
    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        loc = lifter.loc(call)
        predicate = lifter.condition(arguments[0])
        result = lifter.temporary(kind, int32)
        lifter.emit(ir.Barrier(kind, predicate, result, loc))
        return ir.Local(result, int32, loc)

    return handler


def _fence(scope: ir.FenceScope) -> Handler:
    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        lifter.emit(ir.Fence(scope, lifter.loc(call)))
        return Nothing()

    return handler


def clock(lifter: Lifter, call: Cursor, kind: ir.ClockKind, dtype: DType) -> ir.Expr:
    """A counter's present value."""
    loc = lifter.loc(call)
    result = lifter.temporary("clock", int64)
    lifter.emit(ir.Clock(result, kind, loc))
    return lifter.cast(ir.Local(result, int64, loc), dtype, loc)


def _clock(kind: ir.ClockKind) -> Handler:
    return lambda lifter, call, arguments: clock(lifter, call, kind, result_dtype(lifter, call))


def _wait(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    """__nanosleep: a hint, which need not wait."""
    lifter.effect(arguments[0])
    return Nothing()


def _stop(message: str) -> Handler:
    """Ends the launch with an error."""

    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        loc = lifter.loc(call)
        lifter.emit(ir.Assert(ir.Const(False, bool_, loc), message, (), "assert", loc))
        return Nothing()

    return handler


# ------------------------------------------------------------------------------------------ warps


def warp(
    lifter: Lifter,
    call: Cursor,
    op: str,
    values: tuple[ir.Expr, ...],
    result: DType,
    mask: ir.Expr | None,
    width: ir.Expr | None = None,
) -> ir.Expr:
    """An operation between the lanes of a warp; its result as KIR gives it."""
    loc = lifter.loc(call)
    name = lifter.temporary(op, result)
    lifter.emit(ir.Warp(op, values, name, width, mask, loc))
    return ir.Local(name, result, loc)


def _member_mask(lifter: Lifter, arguments: list[Cursor], has_mask: bool) -> ir.Expr | None:
    return lifter.scalar(arguments[0], uint32) if has_mask else None


def _vote(op: str, result: DType, has_mask: bool) -> Handler:
    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        mask = _member_mask(lifter, arguments, has_mask)
        values = () if op == "activemask" else (lifter.condition(arguments[-1]),)
        found = warp(lifter, call, op, values, result, mask)
        return lifter.cast(found, result_dtype(lifter, call), lifter.loc(call))

    return handler


def _shuffle(op: str, has_mask: bool) -> Handler:
    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        first = int(has_mask)
        dtype = result_dtype(lifter, call)
        mask = _member_mask(lifter, arguments, has_mask)
        given = arguments[first : first + (3 if is_given(arguments, first + 2) else 2)]
        value, lane, *width = scalars(lifter, given, dtype, None, int32)
        lane = lifter.cast(lane, int32 if lane.type.is_signed else uint32)
        return warp(lifter, call, op, (value, lane), dtype, mask, _divided(width))

    return handler


def _divided(width: list[ir.Expr]) -> ir.Expr | None:
    """A width that divides the warp; None for the whole of it."""
    if not width or (isinstance(width[0], ir.Const) and width[0].value == _WARP):
        return None
    return width[0]


def match(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> ir.Expr:
    """The lanes whose value has the same bits."""
    mask, value = scalars(lifter, arguments[:2], uint32, None)
    return warp(lifter, call, "match_any", (value,), uint32, mask)


def _match_all(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    """The members if all have one value, and 0 otherwise; which of both goes to *predicate."""
    build = Build(lifter, lifter.loc(call))
    same = match(lifter, call, arguments)
    active = warp(lifter, call, "activemask", (), uint32, None)
    holds = build.compare("eq", same, active)
    found = lifter.spill(build.select(holds, active, 0), "match_all", build.loc)
    pointer = lifter.pointer(arguments[2])
    flag = build.cast(build.compare("ne", found, 0), int32)
    lifter.assign(lifter.dereference(pointer, pointer.pointee), flag, build.loc)
    return found


def _reduce(op: str) -> Handler:
    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        dtype = result_dtype(lifter, call)
        mask, value = scalars(lifter, arguments, uint32, dtype)
        return warp(lifter, call, op, (value,), dtype, mask)

    return handler


_SHUFFLES = {"": "shfl_idx", "_up": "shfl_up", "_down": "shfl_down", "_xor": "shfl_xor"}
_VOTES: dict[str, tuple[str, DType]] = {
    "__any": ("any", bool_),
    "__all": ("all", bool_),
    "__uni": ("uni", bool_),
    "__ballot": ("ballot", uint32),
}


def _table() -> dict[str, Handler]:
    rows: dict[str, Handler] = {
        "__syncthreads": _barrier("sync"),
        "__syncwarp": _barrier("warp"),
        "__syncthreads_count": _counting_barrier("count"),
        "__syncthreads_and": _counting_barrier("and"),
        "__syncthreads_or": _counting_barrier("or"),
        "__threadfence": _fence("device"),
        "__threadfence_block": _fence("block"),
        "__threadfence_system": _fence("system"),
        "clock": _clock("cycles"),
        "clock64": _clock("cycles"),
        "__nanosleep": _wait,
        "__trap": _stop("__trap()"),
        "__brkpt": _stop("__brkpt(), without a debugger,"),
        "__activemask": _vote("activemask", uint32, False),
        "__match_any_sync": match,
        "__match_all_sync": _match_all,
    }
    for name, (op, result) in _VOTES.items():
        rows[f"{name}_sync"] = _vote(op, result, True)
        rows[name] = _vote(op, result, False)
    for suffix, op in _SHUFFLES.items():
        rows[f"__shfl{suffix}_sync"] = _shuffle(op, True)
        rows[f"__shfl{suffix}"] = _shuffle(op, False)
    for op in ("add", "min", "max", "and", "or", "xor"):
        rows[f"__reduce_{op}_sync"] = _reduce(f"reduce_{op}")
    return rows


THREADS: dict[str, Handler] = _table()
