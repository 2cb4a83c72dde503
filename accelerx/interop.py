"""Arrays of other libraries in and out: DLPack, ``__array__``, ``__cuda_array_interface__``.

Host memory is taken without a copy wherever its owner allows it. Pointers of a CUDA device are only
meaningful to a CUDA device, so ``as_cuda_array`` refuses them elsewhere.
"""

from __future__ import annotations

import sys
from math import gcd, prod
from typing import Any

import numpy as np

from accelerx.dtypes import of_array
from accelerx.errors import HostAccessError, UnsupportedError
from accelerx.ndarray import (
    WIDE_ELEMENTS,
    ArrayKey,
    array_key,
    asarray,
    contiguous_strides,
    make,
    ndarray,
)
from accelerx.runtime.buffer import Buffer
from accelerx.runtime.device import Device, current_device
from accelerx.runtime.device import device as device_named

DL_CPU = 1


def host_array(obj: Any) -> np.ndarray[Any, Any] | None:
    """A NumPy array over another library's host array (torch's on the CPU, ...), else None.

    Raises:
        HostAccessError: if the array lives on a device.
    """
    if isinstance(obj, np.ndarray):
        return obj
    if hasattr(obj, "__dlpack_device__"):
        kind, _ = obj.__dlpack_device__()
        if int(kind) != DL_CPU:
            raise HostAccessError(
                f"a {type(obj).__module__}.{type(obj).__qualname__} on DLPack device type "
                f"{int(kind)} is not host memory; move it to the CPU first"
            )
        return np.from_dlpack(obj)
    if hasattr(obj, "__array_interface__"):
        return np.asarray(obj)
    return None


_lent_keys: dict[tuple[Any, ...], ArrayKey] = {}


def lend(array: np.ndarray[Any, Any], device: Device) -> ndarray | None:
    """A NumPy array's own memory as an array of a device; its owner is the NumPy array.

    None where kernels of the device cannot be given it: its memory is not the host's, or elements
    lie at odd addresses.
    """
    flags = array.flags
    layout = "C" if flags.c_contiguous else "F" if flags.f_contiguous else "A"
    wide = array.size >= WIDE_ELEMENTS
    parts = (device, array.dtype, array.ndim, layout, flags.writeable, wide)
    key = _lent_keys.get(parts)
    if key is None:
        if not (device.backend.takes_host_pointers and array.dtype.isnative):
            return None
        try:
            row = of_array(array.dtype)
        except UnsupportedError:
            return None  # whoever types the argument says so, with its name
        key = _lent_keys[parts] = array_key(device, row, array.ndim, layout, flags.writeable, wide)
    itemsize = array.itemsize
    strides = array.strides
    if not flags.aligned or (layout == "A" and any(s % itemsize for s in strides)):
        return None
    ptr = array.__array_interface__["data"][0]
    if array.dtype.names and ptr % _alignment(array):
        return None
    return ndarray(key, ptr, array.shape, tuple([s // itemsize for s in strides]), array)


def _alignment(records: np.ndarray[Any, Any]) -> int:
    """What the address of records must be a multiple of.

    NumPy asks nothing of packed records; kernels take a field's place in its record for its alignment.
    """
    return gcd(8, records.itemsize) if records.ndim else 8


def from_host(array: np.ndarray[Any, Any], device: Device) -> ndarray:
    """An array over a NumPy array's own memory where the device allows it, else a copy."""
    lent = lend(array, device)
    if lent is None:
        return asarray(array, device)
    buffer = Buffer.over_host(device, array)
    return ndarray(lent.key, lent.ptr, lent.shape, lent.element_strides, buffer)


def from_dlpack(obj: Any, device: str | Device | None = None) -> ndarray:
    """An array that shares memory with a DLPack exporter where the device allows it, else a copy.

    Raises:
        HostAccessError: if the exporter's memory is not the host's.
    """
    if isinstance(obj, ndarray):
        return obj if device is None else obj.to(device)
    array = host_array(obj)
    if array is None:
        raise TypeError(f"from_dlpack: {type(obj).__qualname__} has no __dlpack__ method")
    return from_host(array, current_device() if device is None else device_named(device))


def is_cuda_array(obj: Any) -> bool:
    """Whether ``as_cuda_array`` could take it."""
    return isinstance(obj, ndarray) or hasattr(obj, "__cuda_array_interface__")


def as_cuda_array(obj: Any, sync: bool = True) -> ndarray:
    """An accelerx array over a CUDA array's memory; an accelerx array comes back as it is.

    Raises:
        UnsupportedError: if the current device is not the CUDA device the memory belongs to.
    """
    if isinstance(obj, ndarray):
        return obj
    interface = getattr(obj, "__cuda_array_interface__", None)
    if interface is None:
        raise TypeError(f"as_cuda_array: {type(obj).__qualname__} has no __cuda_array_interface__")
    device = current_device()
    if device.dialect != "cuda":
        raise UnsupportedError(
            f"as_cuda_array: the memory belongs to a CUDA device and the current device is {device}; "
            "copy it through the host, e.g. cuda.to_device(cupy.asnumpy(x))"
        )
    return _over_interface(interface, obj, device)


def _over_interface(interface: dict[str, Any], owner: object, device: Device) -> ndarray:
    dtype = np.dtype(interface["typestr"])
    row = of_array(dtype)
    shape = tuple(int(n) for n in interface["shape"])
    ptr, is_read_only = interface["data"]
    given = interface.get("strides")
    strides = (
        contiguous_strides(shape) if given is None else tuple(int(s) // row.itemsize for s in given)
    )
    buffer = Buffer(device, int(ptr), prod(shape) * row.itemsize, owner)
    return make(device, row, shape, strides, int(ptr), buffer, not is_read_only)


def get_array_module(*arrays: Any) -> Any:
    """NumPy if no argument is an accelerx array, else accelerx."""
    return sys.modules["accelerx"] if any(isinstance(a, ndarray) for a in arrays) else np
