"""What the language's kernels are mostly given: integers in, rows of results out, a size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tests.corpus.cuda_cpp.case import Launch

Generator = np.random.Generator
f32, f64, i8, i16, i32, i64 = np.float32, np.float64, np.int8, np.int16, np.int32, np.int64
u8, u16, u32, u64 = np.uint8, np.uint16, np.uint32, np.uint64

LINES = (Launch(2, 64, size=(100,)), Launch(1, 32, size=(17,)))
"""Launches of a thread an element, the last block not full."""

WHOLE = (Launch(2, 64), Launch(1, 96))
"""Launches whose every thread has an element."""


def count(launch: Launch) -> int:
    """How many elements a launch is for."""
    return launch.size[0] if launch.size else launch.blocks * launch.threads


def ints(rng: Generator, n: int, low: int = -100, high: int = 100) -> Any:
    return rng.integers(low, high, n).astype(i32)


def words(rng: Generator, n: int) -> Any:
    """Any 32 bits; some of them small."""
    return (rng.integers(0, 1 << 32, n, u64) >> rng.integers(0, 32, n, u64)).astype(u32)


def longs(rng: Generator, n: int) -> Any:
    """Any 64 bits; some of them small."""
    return rng.integers(0, 1 << 64, n, u64) >> rng.integers(0, 64, n, u64)


def eighths(rng: Generator, n: int, dtype: Any = f32) -> Any:
    """Numbers whose sums, products by small ones and halves are exact."""
    return (rng.integers(-400, 400, n) / 8).astype(dtype)


def rows(*widths: int, low: int = -100, high: int = 100) -> Callable[..., tuple[Any, ...]]:
    """``make``: integers, an integer output of each width, and the size if the launch has one."""

    def make(rng: Generator, launch: Launch) -> tuple[Any, ...]:
        n = count(launch)
        outputs = (np.zeros((n, width), i32) for width in widths)
        return ints(rng, n, low, high), *outputs, *((i32(n),) if launch.size else ())

    return make


def by_element(function: Callable[[int, int], Sequence[Any]]) -> Callable[..., list[Any]]:
    """``reference`` of such a kernel with one output: a row for each value and its index."""

    def reference(launch: Launch, x: Any, *_: Any) -> list[Any]:
        return [np.array([function(int(v), i) for i, v in enumerate(x)], dtype=object).astype(i64)]

    return reference


def quot(a: int, b: int) -> int:
    """C's division."""
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def rem(a: int, b: int) -> int:
    """C's remainder."""
    return a - quot(a, b) * b


def wrap(value: int, bits: int = 32, *, signed: bool = True) -> int:
    """The value that the low bits of an integer say."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if signed and value >> (bits - 1) else value


def plain(results: list[Any]) -> list[Any]:
    """``normalise``: records as rows of numbers, so that they can be compared."""
    return [_columns(r) if r.dtype.names else r for r in map(np.asarray, results)]


def _columns(records: Any) -> Any:
    """All fields of a one-dimensional array of records side by side, nested ones too."""
    parts = []
    for name in records.dtype.names:
        field = records[name]
        inner = _columns(field.reshape(-1)) if field.dtype.names else field
        parts.append(inner.reshape(len(records), -1).astype(f64))
    return np.hstack(parts)
