"""The interpreter's warp operations, among the lanes that execute the statement.

Lanes are laid out as rows of 32, one row a warp; the last warp of a block may be partly empty.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from accelerx.runtime.interpreter_lanes import Lanes, Mask
from accelerx.runtime.interpreter_math import Value

WARP = 32
_WEIGHTS = np.uint32(1) << np.arange(WARP, dtype=np.uint32)
_REDUCE: dict[str, np.ufunc] = {
    "reduce_add": np.add,
    "reduce_min": np.minimum,
    "reduce_max": np.maximum,
    "reduce_and": np.bitwise_and,
    "reduce_or": np.bitwise_or,
    "reduce_xor": np.bitwise_xor,
}


class Warps:
    """The warps of a chunk of blocks."""

    def __init__(self, lanes: Lanes) -> None:
        per_block = -(-lanes.threads // WARP)
        self.rows = lanes.blocks * per_block
        self.count = lanes.count
        self.lane = lanes.thread_in_block.astype(np.int64) & (WARP - 1)
        # Slot of each lane in the rows; it is the lane's own number where warps are whole.
        self.slot = lanes.block_in_chunk * (per_block * WARP) + lanes.thread_in_block
        self.whole = lanes.threads % WARP == 0

    def spread(self, value: Value, fill: Any) -> Value:
        """A value of lanes as rows, ``fill`` where there is no lane."""
        value = np.broadcast_to(value, (self.count,))
        if self.whole:
            return value.reshape(self.rows, WARP)
        rows = np.full(self.rows * WARP, fill, value.dtype)
        rows[self.slot] = value
        return rows.reshape(self.rows, WARP)

    def gather(self, per_warp: Value) -> Value:
        """A value of warps as one of lanes."""
        return per_warp[self.slot // WARP]

    def ballot(self, bits: Value) -> Value:
        """uint32 of each lane's warp in which the bits of the lanes in ``bits`` are set."""
        rows = self.spread(bits, False)
        return self.gather((rows * _WEIGHTS).sum(axis=1, dtype=np.uint32))


def warp(
    op: str, arguments: Sequence[Value], width: Value | None, warps: Warps, mask: Mask
) -> Value:
    """Result of a Warp statement in the lanes of ``mask``."""
    if op.startswith("shfl"):
        return _shuffle(op, arguments[0], arguments[1], width, warps, mask)
    if op in _REDUCE:
        return _reduce(_REDUCE[op], arguments[0], warps, mask)
    return _VOTES[op](warps, mask, *arguments)


def _shuffle(
    op: str, value: Value, by: Value, width: Value | None, warps: Warps, mask: Mask
) -> Value:
    lane = warps.lane
    by = np.broadcast_to(by, lane.shape).astype(np.int64)
    size = np.asarray(WARP if width is None else width).astype(np.int64)
    base = lane & ~(size - 1)
    match op:
        case "shfl_idx":  # as CUDA's: modulo the width, so never out of the segment
            source = base + (by & (size - 1))
        case "shfl_up":
            source = lane - by
        case "shfl_down":
            source = lane + by
        case _:
            source = lane ^ by
    first = 0 if op == "shfl_xor" else base  # xor may read earlier segments, as CUDA's
    source = np.where((source < first) | (source >= base + size), lane, source)
    rows = warps.spread(value, 0)
    taken = rows[warps.slot // WARP, source]
    # What a lane that does not execute would have given is undefined; here, the reader's own.
    active = warps.spread(mask.bits, False)[warps.slot // WARP, source]
    return np.where(active, taken, value)


def _reduce(ufunc: np.ufunc, value: Value, warps: Warps, mask: Mask) -> Value:
    value = np.broadcast_to(value, (warps.count,))
    rows, active = warps.spread(value, 0), warps.spread(mask.bits, False)
    # The first executing lane's value begins; the others join it in lane order.
    first = np.argmax(active, axis=1)
    total = rows[np.arange(warps.rows), first]
    for column in range(WARP):
        joins = active[:, column] & (first != column)
        total = np.where(joins, ufunc(total, rows[:, column]), total)
    return warps.gather(total)


def _match_any(warps: Warps, mask: Mask, value: Value) -> Value:
    value = np.broadcast_to(value, (warps.count,))
    bits = np.ascontiguousarray(value).view(np.dtype(f"u{value.dtype.itemsize}"))
    rows, active = warps.spread(bits, 0), warps.spread(mask.bits, False)
    equal = (rows[:, :, None] == rows[:, None, :]) & active[:, None, :]
    found = (equal * _WEIGHTS).sum(axis=2, dtype=np.uint32)
    return found.reshape(-1)[warps.slot]


def _uniform(warps: Warps, mask: Mask, predicate: Value) -> Value:
    yes, no = warps.ballot(mask.bits & predicate), warps.ballot(mask.bits & ~predicate)
    return (yes == 0) | (no == 0)


_VOTES: dict[str, Callable[..., Value]] = {
    "ballot": lambda warps, mask, predicate: warps.ballot(mask.bits & predicate),
    "any": lambda warps, mask, predicate: warps.ballot(mask.bits & predicate) != 0,
    "all": lambda warps, mask, predicate: warps.ballot(mask.bits & ~predicate) == 0,
    "uni": _uniform,
    "match_any": _match_any,
    "activemask": lambda warps, mask: warps.ballot(mask.bits),
}
