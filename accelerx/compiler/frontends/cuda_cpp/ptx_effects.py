"""PTX instructions with effects: memory, atomics, warps, barriers."""

from __future__ import annotations

from accelerx.compiler import ir
from accelerx.compiler.frontends.cuda_cpp import types as ctypes
from accelerx.compiler.frontends.cuda_cpp.builtins_threads import warp
from accelerx.compiler.frontends.cuda_cpp.ptx_assembly import (
    Assembly,
    Instruction,
    Refusal,
    Rule,
    parts,
    widened,
)
from accelerx.dtypes import bool_, int32, uint32


def _vector(i: Instruction) -> int:
    return next((int(m[1:]) for m in i.modifiers if m in ("v2", "v4", "v8")), 1)


def _load(a: Assembly, i: Instruction) -> None:
    dtype, count = i.dtype(), _vector(i)
    names = parts(i.operands[0]) if count > 1 else [i.operands[0]]
    pointer = a.pointer(i.operands[1], dtype)
    type_ = ctypes.Scalar(dtype)
    loaded = []
    for number in range(count):
        place = a.lifter.dereference(a.lifter.moved(pointer, ir.Const(number, int32)), type_)
        value = a.lifter.load(place, a.build.loc)
        assert isinstance(value, ir.Expr)
        loaded.append(a.lifter.spill(value, "v", a.build.loc))
    for name, value in zip(names, loaded, strict=True):
        a.assign(name, widened(a, value, name))


def _store(a: Assembly, i: Instruction) -> None:
    dtype, count = i.dtype(), _vector(i)
    names = parts(i.operands[1]) if count > 1 else [i.operands[1]]
    pointer = a.pointer(i.operands[0], dtype)
    for number, name in enumerate(names):
        there = a.lifter.moved(pointer, ir.Const(number, int32))
        place = a.lifter.dereference(there, ctypes.Scalar(dtype))
        a.lifter.assign(place, a.value(name, dtype), a.build.loc)


def _atomic(a: Assembly, i: Instruction) -> None:
    """atom, and red, which gives no result."""
    result = [] if i.opcode == "red" else [i.operands[0]]
    address, *values = i.operands[len(result) :]
    ops = ("add", "min", "max", "and", "or", "xor", "exch", "cas", "inc", "dec")
    op = next((m for m in i.modifiers if m in ops), None)
    dtype = i.dtype()
    if op is None or _vector(i) > 1:
        raise Refusal("its operation")
    operands = [a.value(name, dtype) for name in values]
    compare = operands[0] if op == "cas" else None
    pointer = a.pointer(address, dtype)
    old = a.lifter.atomic(op, pointer, dtype, operands[-1], compare, a.build.loc)
    for name in result:
        a.assign(name, old)


# ------------------------------------------------------------------------------------ threads

_SHUFFLES = {"idx": "shfl_idx", "up": "shfl_up", "down": "shfl_down", "bfly": "shfl_xor"}


def _shuffle(a: Assembly, i: Instruction) -> None:
    op = next((_SHUFFLES[m] for m in i.modifiers if m in _SHUFFLES), None)
    if op is None or "|" in i.operands[0]:
        raise Refusal("its predicate")
    clamp = a.value(i.operands[3], uint32)
    lowest = 0 if op == "shfl_up" else 31
    if not isinstance(clamp, ir.Const) or int(clamp.value) & 31 != lowest:
        raise Refusal("its segments")
    width = 32 - (int(clamp.value) >> 8 & 31)
    mask = a.value(i.operands[4], uint32) if len(i.operands) > 4 else None
    values = (a.value(i.operands[1], uint32), a.value(i.operands[2], uint32))
    divided = None if width == 32 else a.build.const(width, int32)
    a.assign(i.operands[0], warp(a.lifter, a.cursor, op, values, uint32, mask, divided))


def _vote(a: Assembly, i: Instruction) -> None:
    op = next(m for m in i.modifiers if m in ("ballot", "any", "all", "uni"))
    value, mask = a.value(i.operands[1], bool_), a.value(i.operands[2], uint32)
    result = uint32 if op == "ballot" else bool_
    a.assign(i.operands[0], warp(a.lifter, a.cursor, op, (value,), result, mask))


def _match(a: Assembly, i: Instruction) -> None:
    if not i.has("any"):
        raise Refusal("its mode")
    value, mask = a.value(i.operands[1], i.dtype()), a.value(i.operands[2], uint32)
    a.assign(i.operands[0], warp(a.lifter, a.cursor, "match_any", (value,), uint32, mask))


def _reduce(a: Assembly, i: Instruction) -> None:
    op = next(m for m in i.modifiers if m in ("add", "min", "max", "and", "or", "xor"))
    dtype = i.dtype()
    value, mask = a.value(i.operands[1], dtype), a.value(i.operands[2], uint32)
    a.assign(i.operands[0], warp(a.lifter, a.cursor, f"reduce_{op}", (value,), dtype, mask))


def _active(a: Assembly, i: Instruction) -> None:
    a.assign(i.operands[0], warp(a.lifter, a.cursor, "activemask", (), uint32, None))


def _barrier(a: Assembly, i: Instruction) -> None:
    """bar.sync 0, barrier.sync 0, bar.warp.sync: all threads of the block, or of the warp."""
    if i.has("warp"):
        a.lifter.emit(ir.Barrier("warp", None, None, a.build.loc))
        return
    if not i.has("sync") or i.operands != ["0"]:
        raise Refusal("a barrier of some of the threads")
    a.lifter.emit(ir.Barrier("sync", None, None, a.build.loc))


def _fence(a: Assembly, i: Instruction) -> None:
    if i.has("proxy", "mbarrier_init"):
        raise Refusal("its kind")
    scope: ir.FenceScope = "device"
    if i.has("sys"):
        scope = "system"
    elif i.has("cta"):
        scope = "block"
    a.lifter.emit(ir.Fence(scope, a.build.loc))


def _trap(a: Assembly, i: Instruction) -> None:
    never = ir.Const(False, bool_, a.build.loc)
    a.lifter.emit(ir.Assert(never, "inline PTX 'trap'", (), "assert", a.build.loc))


def _nothing(a: Assembly, i: Instruction) -> None:
    """A hint."""


EFFECTS: dict[str, Rule] = {
    "ld": _load,
    "ldu": _load,
    "st": _store,
    "atom": _atomic,
    "red": _atomic,
    "shfl": _shuffle,
    "vote": _vote,
    "match": _match,
    "redux": _reduce,
    "activemask": _active,
    "bar": _barrier,
    "barrier": _barrier,
    "membar": _fence,
    "fence": _fence,
    "trap": _trap,
    "nanosleep": _nothing,
    "prefetch": _nothing,
    "prefetchu": _nothing,
}
