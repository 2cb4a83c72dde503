"""numba's device array module: the array class, and scalars and host arrays made into such arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from accelerx.ndarray import StreamLike, asarray
from accelerx.ndarray import ndarray as DeviceNDArray


def is_cuda_ndarray(obj: Any) -> bool:
    """Whether an object is an array on a device."""
    return isinstance(obj, DeviceNDArray)


def auto_device(
    obj: Any, stream: StreamLike = 0, copy: bool = True, user_explicit: bool = False
) -> tuple[DeviceNDArray, bool]:
    """A device array of ``obj``, and whether it is new."""
    if isinstance(obj, DeviceNDArray):
        return obj, False
    return asarray(np.asarray(obj), stream=stream), True


__all__ = ["DeviceNDArray", "auto_device", "is_cuda_ndarray"]
