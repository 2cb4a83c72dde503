"""The interpreter's atomics: read-modify-write in increasing lane order, exact to the bit.

Lanes that hit one element are served one after the other. Two ways lead to that order: rounds (the
first lane of every element, then the second of every element, ...), which work for every operation,
and NumPy's accumulate along all lanes of one element, which is quick where few elements are hit by
many lanes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from accelerx.dtypes import DType
from accelerx.runtime.interpreter_lanes import Mask
from accelerx.runtime.interpreter_math import Value, binary, from_memory, to_memory
from accelerx.runtime.interpreter_memory import Array

_ACCUMULATE: dict[str, tuple[np.ufunc, np.ufunc]] = {  # for integers, for floats
    "add": (np.add, np.add),
    "min": (np.minimum, np.fmin),
    "max": (np.maximum, np.fmax),
    "and": (np.bitwise_and, np.bitwise_and),
    "or": (np.bitwise_or, np.bitwise_or),
    "xor": (np.bitwise_xor, np.bitwise_xor),
}
_SAME = {"nanmin": "min", "nanmax": "max"}


def atomic(
    op: str,
    array: Array,
    indices: Sequence[Value],
    value: Value,
    compare: Value | None,
    mask: Mask,
) -> Value:
    """Runs one Atomic statement and returns the old values (0 in lanes outside ``mask``)."""
    count = mask.bits.size
    where = np.broadcast_to(array.locate(indices, mask), (mask.count,))
    values = np.broadcast_to(value, (count,))[mask.lanes]
    compares = None if compare is None else np.broadcast_to(compare, (count,))[mask.lanes]
    order = np.argsort(where, kind="stable")
    sorted_where = where[order]
    starts = np.flatnonzero(np.concatenate(([True], sorted_where[1:] != sorted_where[:-1])))
    sizes = np.diff(np.append(starts, where.size))
    before = array.data[sorted_where[starts]].copy() if not array.changed else None
    groups = _Groups(array, sorted_where, starts, sizes)
    op = _SAME.get(op, op)
    olds = _serve(op, groups, values[order], None if compares is None else compares[order])
    if before is not None:
        array.changed = not np.array_equal(before, array.data[sorted_where[starts]])
    result = np.zeros(count, olds.dtype)
    result[mask.lanes[order]] = olds
    return result


class _Groups:
    """Lanes sorted by element: group ``g`` is ``sizes[g]`` lanes from ``starts[g]`` on."""

    def __init__(self, array: Array, where: Any, starts: Any, sizes: Any) -> None:
        self.array, self.where, self.starts, self.sizes = array, where, starts, sizes

    @property
    def crowded(self) -> bool:
        """Whether going group by group takes fewer steps than going round by round."""
        return bool(self.sizes.max() > 2 * self.sizes.size)


def _serve(op: str, groups: _Groups, values: Value, compares: Value | None) -> Value:
    dtype = groups.array.dtype
    if op == "sub":
        # a - b is a + (-b) to the bit, for wrapping integers and for IEEE floats.
        op, values = "add", np.negative(values)
    if op in _ACCUMULATE and groups.crowded and dtype.name != "bfloat16":
        return _accumulate(_ACCUMULATE[op][dtype.is_float], groups, values)
    return _rounds(_update(op, dtype), groups, values, compares)


def _accumulate(ufunc: np.ufunc, groups: _Groups, values: Value) -> Value:
    olds = np.empty_like(values)
    data = groups.array.data
    for start, size in zip(groups.starts.tolist(), groups.sizes.tolist(), strict=True):
        where = groups.where[start]
        chain = np.concatenate((data[where : where + 1], values[start : start + size]))
        steps = ufunc.accumulate(chain, dtype=chain.dtype)
        olds[start : start + size] = steps[:-1]
        data[where] = steps[-1]
    return olds


def _rounds(
    update: Callable[[Value, Value, Value | None], Value],
    groups: _Groups,
    values: Value,
    compares: Value | None,
) -> Value:
    olds = np.empty_like(values)
    array, starts, sizes = groups.array, groups.starts, groups.sizes
    for turn in range(int(sizes.max())):
        starts, sizes = starts[sizes > turn], sizes[sizes > turn]
        at = starts + turn
        where = groups.where[at]
        old = from_memory(array.data[where], array.dtype)
        new = update(old, values[at], None if compares is None else compares[at])
        olds[at] = old
        array.data[where] = to_memory(new, array.dtype)
    return olds


def _update(op: str, dtype: DType) -> Callable[[Value, Value, Value | None], Value]:
    match op:
        case "exch":
            return lambda old, value, compare: value
        case "cas":
            return lambda old, value, compare: np.where(_equal(old, compare), value, old)
        case "inc":
            return lambda old, value, compare: np.where(
                old >= value, old.dtype.type(0), old + old.dtype.type(1)
            )
        case "dec":
            return lambda old, value, compare: np.where(
                (old == 0) | (old > value), value, old - old.dtype.type(1)
            )
        case _:
            return lambda old, value, compare: binary(op, old, value, dtype)


def _equal(old: Value, compare: Value | None) -> Value:
    """Whether the bits are equal: hardware compares words, also where floats lie in them."""
    word = np.dtype(f"u{old.dtype.itemsize}")
    return old.view(word) == np.asarray(compare).view(word)
