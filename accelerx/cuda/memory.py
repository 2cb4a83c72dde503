"""numba.cuda's arrays: creation, transfers, pinned and mapped host memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from accelerx.interop import as_cuda_array
from accelerx.ndarray import (
    StreamLike,
    as_shape,
    asarray,
    empty,
    empty_like,
    ndarray,
)


def to_device(
    obj: Any, stream: StreamLike = 0, copy: bool = True, to: ndarray | None = None
) -> ndarray:
    """Copies a host array to the current device, into ``to`` if it is given."""
    if to is None and not copy:
        return empty_like(np.asarray(obj))
    if to is None:
        host = obj.copy_to_host() if isinstance(obj, ndarray) else np.asarray(obj)
        return asarray(host, stream=stream)
    if copy:
        to.copy_to_device(obj, stream)
    return to


def device_array(
    shape: int | Sequence[int],
    dtype: Any = np.float64,
    strides: Sequence[int] | None = None,
    order: str = "C",
    stream: StreamLike = 0,
) -> ndarray:
    """A new device array of undefined values."""
    array = empty(shape, dtype, order=order)
    if strides is not None and tuple(strides) != array.strides:
        probe = np.lib.stride_tricks.as_strided(
            np.empty(0, array.dtype), as_shape(shape), tuple(strides)
        )
        span = sum((n - 1) * s for n, s in zip(probe.shape, probe.strides, strict=True))
        flat = empty(span // array.itemsize + 1, dtype)
        elements = tuple(s // array.itemsize for s in probe.strides)
        return flat._view(probe.shape, elements)
    return array


def device_array_like(ary: Any, stream: StreamLike = 0) -> ndarray:
    """A new device array with the shape, dtype and layout of another array."""
    return empty_like(ary)


def pinned_array(
    shape: int | Sequence[int],
    dtype: Any = np.float64,
    strides: Sequence[int] | None = None,
    order: Any = "C",
) -> np.ndarray[Any, Any]:
    """A host array for fast copies; on devices without pinned memory, an ordinary one."""
    return np.ndarray(as_shape(shape), dtype, None, 0, strides, order)


def pinned_array_like(ary: Any) -> np.ndarray[Any, Any]:
    """A host array for fast copies, with the shape, dtype and layout of another array."""
    order: Any = "F" if ary.flags.fnc else "C"
    return np.empty(ary.shape, ary.dtype, order)


@contextmanager
def pinned(*arrays: np.ndarray[Any, Any]) -> Iterator[None]:
    """Pins host arrays for a block; of no effect on devices without pinned memory."""
    yield


def mapped_array(
    shape: int | Sequence[int],
    dtype: Any = np.float64,
    strides: Sequence[int] | None = None,
    order: Any = "C",
    stream: StreamLike = 0,
    portable: bool = False,
    wc: bool = False,
) -> np.ndarray[Any, Any]:
    """A host array that kernels take: in place where they can, else copied in and back."""
    return pinned_array(shape, dtype, strides, order)


def mapped_array_like(ary: Any, **_: Any) -> np.ndarray[Any, Any]:
    """A host array that kernels take, with the shape, dtype and layout of another array."""
    return pinned_array_like(ary)


def managed_array(
    shape: int | Sequence[int],
    dtype: Any = np.float64,
    strides: Sequence[int] | None = None,
    order: Any = "C",
    stream: StreamLike = 0,
    attach_global: bool = True,
) -> np.ndarray[Any, Any]:
    """A host array that kernels take: in place where they can, else copied in and back."""
    return pinned_array(shape, dtype, strides, order)


@contextmanager
def defer_cleanup() -> Iterator[None]:
    """Of no effect: freed memory goes back to a pool, which never waits."""
    yield


def is_device_array(obj: Any) -> bool:
    """Whether an object is an array on a device."""
    return isinstance(obj, ndarray)


__all__ = [
    "as_cuda_array", "defer_cleanup", "device_array", "device_array_like", "is_device_array",
    "managed_array", "mapped_array", "mapped_array_like", "pinned", "pinned_array",
    "pinned_array_like", "to_device",
]  # fmt: skip
