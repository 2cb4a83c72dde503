"""The interpreter's lanes: which block and thread each is, and masks of those that execute.

A lane is one thread of one block of the chunk that runs in lock-step; lanes are numbered block by
block, and within a block as CUDA numbers threads, x fastest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Dim3 = tuple[int, int, int]
Bits = np.ndarray[Any, np.dtype[np.bool_]]


class Mask:
    """A set of lanes; never changed once made."""

    __slots__ = ("_lanes", "bits", "count")

    def __init__(self, bits: Bits) -> None:
        self.bits = bits
        self.count = int(np.count_nonzero(bits))
        self._lanes: np.ndarray[Any, np.dtype[np.intp]] | None = None

    @property
    def full(self) -> bool:
        """Whether all lanes are in it."""
        return self.count == self.bits.size

    @property
    def lanes(self) -> np.ndarray[Any, np.dtype[np.intp]]:
        """The lanes in it, in increasing order."""
        if self._lanes is None:
            self._lanes = np.flatnonzero(self.bits)
        return self._lanes

    def where(self, condition: Any) -> Mask:
        """Those of the lanes for which ``condition`` (a value of lanes or one of all) holds."""
        if np.ndim(condition) == 0:
            return self if condition else Mask(np.zeros_like(self.bits))
        return self._subset(self.bits & condition)

    def minus(self, other: Mask) -> Mask:
        """Those of the lanes that are not in ``other``."""
        return self._subset(self.bits & ~other.bits) if other.count else self

    def union(self, other: Mask | None) -> Mask:
        """The lanes in either."""
        if other is None or not other.count:
            return self
        return Mask(self.bits | other.bits) if self.count else other

    def _subset(self, bits: Bits) -> Mask:
        mask = Mask(bits)
        return self if mask.count == self.count else mask


class Lanes:
    """Coordinates of the lanes of blocks ``first`` .. ``last`` (linear numbers, x fastest)."""

    def __init__(self, grid: Dim3, block: Dim3, first: int, last: int) -> None:
        self.grid, self.block = grid, block
        self.first, self.blocks = first, last - first
        self.threads = block[0] * block[1] * block[2]
        self.count = self.blocks * self.threads
        self.thread_in_block = np.tile(np.arange(self.threads, dtype=np.int32), self.blocks)
        self.block_in_chunk = np.repeat(np.arange(self.blocks, dtype=np.int64), self.threads)
        self._special: dict[tuple[str, int], Any] = {}

    def special(self, kind: str, axis: int) -> Any:
        """Value of a KIR Special in every lane, an int32."""
        key = (kind, axis)
        if key not in self._special:
            self._special[key] = self._make_special(kind, axis)
        return self._special[key]

    def _make_special(self, kind: str, axis: int) -> Any:
        match kind:
            case "block_dim":
                return np.int32(self.block[axis])
            case "grid_dim":
                return np.int32(self.grid[axis])
            case "thread":
                return _axis(self.thread_in_block, self.block, axis)
            case "block":
                linear = self.block_in_chunk + self.first
                if self.blocks == 1:
                    return np.int32(_axis(linear[:1], self.grid, axis)[0])
                return _axis(linear, self.grid, axis).astype(np.int32)
            case "lane":
                return self.thread_in_block & np.int32(31)
            case _:
                return self.thread_in_block >> np.int32(5)

    def where(self, lane: int) -> tuple[Dim3, Dim3]:
        """Block and thread index of a lane."""
        block, thread = divmod(lane, self.threads)
        return _index(self.first + block, self.grid), _index(thread, self.block)

    def by_block(self, bits: Bits) -> Bits:
        """``bits`` as one row a block."""
        return bits.reshape(self.blocks, self.threads)


def _axis(linear: Any, shape: Sequence[int], axis: int) -> Any:
    inner = 1
    for extent in shape[:axis]:
        inner *= extent
    return linear // linear.dtype.type(inner) % linear.dtype.type(shape[axis])


def _index(linear: int, shape: Dim3) -> Dim3:
    rest, x = divmod(linear, shape[0])
    z, y = divmod(rest, shape[1])
    return x, y, z
