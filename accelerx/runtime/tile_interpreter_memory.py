"""The tile interpreter's memories: on-chip tensors and masks full of garbage, global arrays by element.

Uninitialised memory is made to show: before each tile floats are NaN, and other elements and masks
random (of a seed). Once tensors have addresses they share one memory, so that two that were given
the same bytes while both are in use disturb each other here as they would on the chip.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from accelerx.compiler.tile import ir as tile
from accelerx.dtypes import DType
from accelerx.runtime.interpreter_lanes import Mask
from accelerx.runtime.interpreter_math import memory_type
from accelerx.runtime.interpreter_memory import Array, View

ONE_LANE = Mask(np.ones(1, np.bool_))


class Wrong(Exception):
    """A statement does what no program may do; the interpreter adds the place to the message."""


class Chip:
    """On-chip memory of one core.

    Attributes:
        arrays: Each tensor that is no mask, with its elements as ``memory_type``.
        masks: The truth values of each mask.
    """

    def __init__(self, tensors: Mapping[str, tile.Tensor], seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._tensors = tensors
        plain = [t for t in tensors.values() if not t.mask]
        addresses = _addresses(plain)
        size = max((addresses[t.name] + t.size * t.dtype.itemsize for t in plain), default=0)
        self._bytes = np.zeros(size, np.uint8)
        self.arrays = {t.name: self._array(t, addresses[t.name]) for t in plain}
        self.masks = {t.name: np.zeros(t.size, np.bool_) for t in tensors.values() if t.mask}

    def spoil(self) -> None:
        """Fills everything with garbage."""
        self._bytes[:] = self._random.integers(0, 256, self._bytes.size, np.uint8)
        for array in self.arrays.values():
            if array.dtype.is_float:
                array.data.view(np.uint8)[:] = 0xFF  # a NaN in every float format
        for mask in self.masks.values():
            mask[:] = self._random.integers(0, 2, mask.size, np.uint8)

    def elements(self, s: tile.Slice, start: int, count: int) -> tuple[Any, DType]:
        """The memory of ``count`` elements of a slice, and the type to read it as."""
        array = self.arrays.get(s.tensor)
        if array is None:
            raise Wrong(f"{s.tensor} is no tensor that holds elements")
        if start < 0 or start + count > array.data.size:
            raise Wrong(
                f"elements {start} to {start + count - 1} of {s.tensor}, which has {array.data.size}"
            )
        part = array.data[start : start + count]
        if s.dtype is None or s.dtype is array.dtype:
            return part, array.dtype
        if s.dtype.bits != array.dtype.bits:
            raise Wrong(f"{s.tensor} of {array.dtype!r} is read as {s.dtype!r} of another width")
        return part.view(memory_type(s.dtype)), s.dtype

    def mask(self, name: str, count: int) -> Any:
        """The first ``count`` truth values of a mask."""
        values = self.masks.get(name)
        if values is None:
            raise Wrong(f"{name} is no mask")
        if count > values.size:
            raise Wrong(f"{count} lanes of mask {name}, which has {values.size}")
        return values[:count]

    def _array(self, t: tile.Tensor, address: int) -> Array:
        data = self._bytes[address : address + t.size * t.dtype.itemsize]
        return Array(t.name, t.dtype, data.view(memory_type(t.dtype)), (1,), (t.size,))


def _addresses(tensors: list[tile.Tensor]) -> dict[str, int]:
    """Where each tensor lies: as allocated, or one after the other before that."""
    if tensors and all(t.address is not None for t in tensors):
        return {t.name: t.address or 0 for t in tensors}
    addresses, free = {}, 0
    for t in tensors:
        addresses[t.name] = free
        free += -(-t.size * t.dtype.itemsize // 16) * 16
    return addresses


def overlap(target: Any, source: Any) -> bool:
    """Whether two runs of elements share bytes in any way but by being the same ones."""
    (a, b), (c, d) = (_span(target), _span(source))
    same = a == c and target.itemsize == source.itemsize
    return not same and a < d and c < b


def _span(part: Any) -> tuple[int, int]:
    start = part.__array_interface__["data"][0]
    return start, start + part.nbytes


class Flat:
    """A global or const array by element number, whatever its axes."""

    def __init__(self, array: Array) -> None:
        self._array = (
            array
            if isinstance(array, View)
            else Array(
                array.name,
                array.dtype,
                array.data,
                (1,),
                array.extents,
                base=array.base,
                low=array.low,
                high=array.high,
            )
        )
        self.dtype = array.dtype

    def at(self, start: int, count: int) -> Any:
        """Positions in ``data`` of ``count`` elements from ``start`` on.

        Raises:
            BadAccess: if the array does not have them.
        """
        everyone = ONE_LANE if count == 1 else Mask(np.ones(count, np.bool_))
        index = np.arange(start, start + count, dtype=np.int64)
        return self._array.locate([index], everyone)

    @property
    def data(self) -> Any:
        """The memory, as ``memory_type``."""
        return self._array.data
