"""Whether two results of a program are the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Buffers = Mapping[str, np.ndarray[Any, Any]]


def difference(
    expected: Buffers, actual: Buffers, ulps: Mapping[str, Sequence[int]], slots: int
) -> str | None:
    """The first difference in words, or None. All NaNs are one value.

    Args:
        expected, actual: Buffers by name.
        ulps: For a buffer of approximate results, what each slot may be off by.
        slots: Slots of such a buffer; the elements of a slot are neighbours.
    """
    for name, want in expected.items():
        got = actual[name]
        bad = ~_same_bits(want, got)
        if name in ulps:
            allowed = np.zeros(slots, np.int64)
            allowed[: len(ulps[name])] = ulps[name]
            bad &= distance(want, got) > np.repeat(allowed, want.size // slots)
        if bad.any():
            at = int(np.argmax(bad))
            return (
                f"{name}[{at}] is {got[at]!r}, must be {want[at]!r} "
                f"({np.count_nonzero(bad)} of {bad.size} elements differ)"
            )
    return None


def _same_bits(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    word = np.dtype(f"u{a.dtype.itemsize}")
    same: np.ndarray[Any, Any] = a.view(word) == b.view(word)
    if a.dtype.kind in "fV":
        with np.errstate(invalid="ignore"):
            same |= (a != a) & (b != b)
    return same


def distance(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Floats between two floats; large where only one of them is NaN."""
    word = np.dtype(f"i{a.dtype.itemsize}")
    low = np.int64(np.iinfo(word).min)

    def line(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Floats as integers in their order; -0 and 0 are one."""
        bits = x.view(word).astype(np.int64)
        return np.where(bits < 0, low - bits, bits)

    with np.errstate(over="ignore"):
        apart = np.abs(line(a) - line(b))
    return np.where(np.isnan(a) != np.isnan(b), np.iinfo(np.int64).max, apart)
