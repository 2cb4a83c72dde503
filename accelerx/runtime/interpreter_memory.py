"""The interpreter's memories: arrays that lanes load from and store to, never outside of them.

Shared arrays have one copy a block of the chunk, local ones one a lane; views have none. Every access
is checked against the memory that is really there, so that no kernel can crash the interpreter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from accelerx.compiler.ir import Mem
from accelerx.dtypes import DType
from accelerx.runtime.interpreter_lanes import Mask
from accelerx.runtime.interpreter_math import Value, from_memory, memory_type, to_memory


class BadAccess(Exception):
    """An access that cannot be made; the interpreter adds names and places to it.

    Attributes:
        lane: The lowest lane at fault.
        index: Its index, one number an axis.
        flat: Its distance from element 0, in elements (of a view: in steps).
    """

    def __init__(self, lane: int, index: tuple[int, ...], flat: int) -> None:
        super().__init__(f"lane {lane}: index {index}")
        self.lane, self.index, self.flat = lane, index, flat


class OutOfBounds(BadAccess):
    """An access outside a memory."""


class Misaligned(BadAccess):
    """An access through a view at an address that is no multiple of the element's size."""


class Array:
    """One KIR Mem bound to memory for a chunk of blocks.

    Attributes:
        name: The Mem's.
        dtype: Its element type.
        data: The memory, flat, as ``memory_type``.
        base: Position of element 0 in ``data``: one number, or one a lane.
        low, high: The flat indices that exist are ``low <= i < high``.
        strides: In elements, one an axis.
        extents: One an axis; None where unknown. Only messages use them.
        changed: Set when a write changes a value. It starts set, because finding out costs; whoever
            wants to know clears it.
    """

    __slots__ = ("base", "changed", "data", "dtype", "extents", "high", "low", "name", "strides")

    def __init__(
        self,
        name: str,
        dtype: DType,
        data: np.ndarray[Any, Any],
        strides: tuple[int, ...],
        extents: tuple[int | None, ...],
        *,
        base: Any = 0,
        low: int = 0,
        high: int | None = None,
    ) -> None:
        self.name, self.dtype = name, dtype
        self.data = data.view(memory_type(dtype))
        self.base, self.low = base, low
        self.high = self.data.size if high is None else high
        self.strides, self.extents = strides, extents
        self.changed = True

    def load(self, indices: Sequence[Value], mask: Mask) -> Value:
        """Elements at ``indices`` in the lanes of ``mask``, 0 in the others."""
        position = self.locate(indices, mask)
        values = from_memory(self.data[position], self.dtype)
        if mask.full or np.ndim(position) == 0:
            return values
        result = np.zeros(mask.bits.size, values.dtype)
        result[mask.lanes] = values
        return result

    def store(self, indices: Sequence[Value], value: Value, mask: Mask) -> None:
        """Writes the lanes of ``mask``; where several write one element, the highest wins."""
        position = self.locate(indices, mask)
        stored = to_memory(value, self.dtype)
        if np.ndim(stored):
            # NumPy assigns in order, which makes the last of equal positions stay.
            stored = stored[mask.lanes[-1]] if np.ndim(position) == 0 else _select(stored, mask)
        if not self.changed:
            self.changed = bool(np.any(self.data[position] != stored))
        self.data[position] = stored

    def locate(self, indices: Sequence[Value], mask: Mask) -> Any:
        """Positions in ``data`` of the lanes of ``mask``; one number if it is the same in all.

        Raises:
            OutOfBounds: if a lane of ``mask`` would leave the memory.
            Misaligned: if it is a view's, and not where an element of that size can be.
        """
        flat: Any = np.int64(0)
        for index, stride in zip(indices, self.strides, strict=True):
            term = _wide(index) if stride == 1 else _wide(index) * np.int64(stride)
            flat = flat + term
        base = self.base
        if np.ndim(flat) == 0 and np.ndim(base) == 0:
            if not self.low <= flat < self.high:
                raise OutOfBounds(*_fault(indices, flat, mask, 0))
            return self._position(int(flat), base, indices, mask)
        flat, base = _select(flat, mask), _select(base, mask)
        outside = (flat < self.low) | (flat >= self.high)
        if outside.any():
            raise OutOfBounds(*_fault(indices, flat, mask, int(np.argmax(outside))))
        return self._position(flat, base, indices, mask)

    def _position(self, flat: Any, base: Any, indices: Sequence[Value], mask: Mask) -> Any:
        """The place in ``data`` of flat indices that exist, in the lanes of ``mask``."""
        return flat + base


class View(Array):
    """The memory of an Array as elements of another type, an index counting ``unit`` bytes.

    ``data`` begins at the memory's first address that is aligned for the type, and ``base`` is the
    byte of element 0 counted from there.
    """

    __slots__ = ("unit",)

    def __init__(self, mem: Mem, root: Array, extents: tuple[int | None, ...]) -> None:
        size, own = mem.dtype.itemsize, root.dtype.itemsize
        raw = root.data.view(np.uint8)
        skipped = -raw.ctypes.data % size
        whole = max(0, raw.size - skipped) // size * size
        super().__init__(
            mem.name,
            mem.dtype,
            raw[skipped : skipped + whole],
            (1,),
            extents,
            base=root.base * own - skipped,
            low=-(-root.low * own // mem.step),
            high=(root.high * own - size) // mem.step + 1,
        )
        self.unit = mem.step

    def _position(self, flat: Any, base: Any, indices: Sequence[Value], mask: Mask) -> Any:
        at = flat * self.unit + base
        position, rest = np.divmod(at, self.dtype.itemsize)
        if np.any(rest):
            raise Misaligned(*_fault(indices, flat, mask, int(np.argmax(rest != 0))))
        return position if np.ndim(position) else int(position)


def _fault(
    indices: Sequence[Value], flat: Any, mask: Mask, nth: int
) -> tuple[int, tuple[int, ...], int]:
    """What a BadAccess tells of the ``nth`` lane of a mask."""
    lane = int(mask.lanes[nth])
    index = tuple(int(i[lane] if np.ndim(i) else i) for i in indices)
    return lane, index, int(flat[nth] if np.ndim(flat) else flat)


def _wide(index: Value) -> Any:
    return index if index.dtype == np.int64 else index.astype(np.int64)


def _select(value: Any, mask: Mask) -> Any:
    """The values of the mask's lanes; a value that all lanes share stays one."""
    return value if mask.full or np.ndim(value) == 0 else value[mask.lanes]
