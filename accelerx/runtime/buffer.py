"""A buffer: an owned stretch of one device's memory, and copies in and out of it.

Copies take C-contiguous host arrays and whole runs of device memory; which elements an array means
is the array's own business.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from accelerx.errors import HostAccessError
from accelerx.runtime.device import Device


class Buffer:
    """Memory on a device; it lives as long as any array over it."""

    __slots__ = ("_owner", "device", "nbytes", "ptr")

    def __init__(self, device: Device, ptr: int, nbytes: int, owner: object) -> None:
        self.device = device
        self.ptr = ptr
        self.nbytes = nbytes
        self._owner = owner

    @staticmethod
    def allocate(device: Device, nbytes: int) -> Buffer:
        """New memory from the device's pool.

        Raises:
            OutOfMemoryError: with the pool's state.
        """
        memory = device.handle.alloc(nbytes)
        return Buffer(device, memory.ptr, nbytes, memory)

    @staticmethod
    def over_host(device: Device, array: np.ndarray[Any, Any]) -> Buffer:
        """The memory of a NumPy array, for devices whose memory is the host's."""
        return Buffer(device, array.__array_interface__["data"][0], array.nbytes, array)

    @property
    def owner(self) -> object:
        """What keeps the memory alive: the pool's block, or a foreign object."""
        return self._owner

    def read(self, ptr: int, target: np.ndarray[Any, Any], stream: Any | None = None) -> None:
        """Fills a C-contiguous host array from device memory at ``ptr``; done on return."""
        if target.nbytes:
            self.device.handle.copy_to_host(target, ptr, stream)

    def write(self, ptr: int, source: np.ndarray[Any, Any], stream: Any | None = None) -> None:
        """Copies a C-contiguous host array to device memory at ``ptr``."""
        if source.nbytes:
            self.device.handle.copy_from_host(ptr, source, stream)

    def copy(self, ptr: int, source: int, nbytes: int, stream: Any | None = None) -> None:
        """Copies within the device."""
        if nbytes:
            self.device.handle.copy_on_device(ptr, source, nbytes, stream)

    def fill(self, ptr: int, value: int, nbytes: int, stream: Any | None = None) -> None:
        """Sets each byte to ``value``."""
        if nbytes:
            self.device.handle.fill(ptr, value, nbytes, stream)

    def host_view(
        self, ptr: int, dtype: np.dtype[Any], shape: tuple[int, ...], strides: tuple[int, ...]
    ) -> np.ndarray[Any, Any]:
        """A NumPy array over the memory itself (strides in bytes).

        Raises:
            HostAccessError: if the memory is not the host's.
        """
        if not self.device.host_memory:
            raise HostAccessError(
                f"this array lives on {self.device}, whose memory the host cannot read; "
                "copy it with accelerx.asnumpy(x) or x.copy_to_host()"
            )
        self.device.synchronize()
        return _HostMemory(self, ptr, shape, strides, dtype.itemsize).array(dtype)


class _HostMemory:
    """Hands memory to NumPy and keeps the buffer alive as the view's base."""

    def __init__(
        self,
        buffer: Buffer,
        ptr: int,
        shape: tuple[int, ...],
        strides: tuple[int, ...],
        itemsize: int,
    ) -> None:
        self.buffer = buffer
        self.__array_interface__ = {
            "version": 3,
            "data": (ptr, False),
            "shape": shape,
            "strides": strides,
            "typestr": f"|V{itemsize}",
        }

    def array(self, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
        return np.asarray(self).view(dtype)
