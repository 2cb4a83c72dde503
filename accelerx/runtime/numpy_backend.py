"""The fallback backend: kernels run by the interpreter on NumPy arrays of this process.

It needs neither the compiled core nor llvmlite, so it works wherever NumPy does, slowly. Everything
is synchronous: when a call returns, its work is done. Streams and events exist so that programs
written for devices run unchanged.
"""

from __future__ import annotations

import importlib
import json
import struct
import threading
import time
import weakref
from bisect import bisect_right, insort
from typing import TYPE_CHECKING, Any

import numpy as np

from accelerx import dtypes
from accelerx.errors import DeviceError, OutOfMemoryError
from accelerx.runtime.backend import Dim3, Image, SiteCallback

if TYPE_CHECKING:
    from accelerx.compiler import ir

ALIGN = 256


class NumpyMemory:
    """A block of host memory, known by its address while it lives."""

    __slots__ = ("__weakref__", "_base", "bytes", "nbytes", "ptr")

    def __init__(self, nbytes: int) -> None:
        self._base = np.empty(max(nbytes, 1) + ALIGN, np.uint8)
        address = self._base.__array_interface__["data"][0]
        start = -address % ALIGN
        self.bytes = self._base[start : start + max(nbytes, 1)]
        self.ptr: int = address + start
        self.nbytes = nbytes


class _Heap:
    """Live blocks by address: the interpreter needs the NumPy array behind a pointer."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._starts: list[int] = []
        self._blocks: dict[int, weakref.ref[NumpyMemory]] = {}
        self.used = self.peak = self.limit = 0

    def alloc(self, nbytes: int) -> NumpyMemory:
        with self._lock:
            if self.limit and self.used + nbytes > self.limit:
                raise OutOfMemoryError(
                    f"numpy: {nbytes} bytes wanted, {self.used} of the limit of {self.limit} "
                    "bytes in use; free arrays or raise the limit"
                )
            try:
                memory = NumpyMemory(nbytes)
            except MemoryError as e:
                raise OutOfMemoryError(
                    f"numpy: the host has no {nbytes} bytes left ({self.used} bytes in use)"
                ) from e
            insort(self._starts, memory.ptr)
            self._blocks[memory.ptr] = weakref.ref(memory)
            self.used += nbytes
            self.peak = max(self.peak, self.used)
            weakref.finalize(memory, self._free, memory.ptr, nbytes).atexit = False
            return memory

    def _free(self, start: int, nbytes: int) -> None:
        with self._lock:
            self.used -= nbytes
            self._blocks.pop(start, None)
            at = bisect_right(self._starts, start) - 1
            if at >= 0 and self._starts[at] == start:
                del self._starts[at]

    def find(self, ptr: int) -> tuple[NumpyMemory, int]:
        """The live block that holds ``ptr`` and the offset in it."""
        with self._lock:
            at = bisect_right(self._starts, ptr) - 1
            memory = self._blocks[self._starts[at]]() if at >= 0 else None
        if memory is None or ptr - memory.ptr > max(memory.nbytes, 1):
            raise DeviceError(f"numpy: {ptr:#x} is not an address of live memory of this device")
        return memory, ptr - memory.ptr


class NumpyStream:
    """A stream whose work is always done."""

    __slots__ = ("__weakref__", "handle")

    def __init__(self, handle: int) -> None:
        self.handle = handle

    def synchronize(self) -> None:
        """Returns at once."""

    def query(self) -> bool:
        return True

    def wait(self, event: NumpyEvent) -> None:
        """Returns at once: the event has happened."""


class NumpyEvent:
    """A point in time."""

    __slots__ = ("time",)

    def __init__(self) -> None:
        self.time: float | None = None

    def record(self, stream: NumpyStream) -> None:
        self.time = time.perf_counter()

    def synchronize(self) -> None:
        """Returns at once."""

    def query(self) -> bool:
        return True

    def elapsed(self, end: NumpyEvent) -> float:
        if self.time is None or end.time is None:
            raise DeviceError("elapsed time between events of which one was never recorded")
        return (end.time - self.time) * 1e3


class NumpyFunction:
    """A kernel that the interpreter runs."""

    __slots__ = ("_heap", "_image", "_kernel", "on_site")

    def __init__(self, heap: _Heap, image: Image) -> None:
        self._heap = heap
        self._image = image
        self._kernel: ir.Kernel = image.code
        self.on_site: SiteCallback | None = None

    def launch(
        self,
        grid: Dim3,
        shared_bytes: int,
        packed: bytes,
        keep_alive: object,
        stream: NumpyStream | None,
    ) -> None:
        arguments = {
            param.name: self._value(param, packed, offset)
            for param, (_, _, _, offset) in zip(
                self._kernel.params, self._image.params, strict=True
            )
        }
        interpreter = importlib.import_module("accelerx.runtime.interpreter")
        running = interpreter.Interpreter(self._kernel, on_site=self.on_site)
        running.run(grid, self._image.block, shared_bytes, arguments)

    def _value(self, param: ir.Param, packed: bytes, offset: int) -> Any:
        if param.kind != "buffer":
            word = np.frombuffer(packed, _memory_type(param.dtype), 1, offset)[0]
            return _widened(word) if param.dtype is dtypes.bfloat16 else word
        (ptr,) = struct.unpack_from("<Q", packed, offset)
        memory, start = self._heap.find(ptr)
        itemsize = param.dtype.itemsize
        usable = memory.bytes[start % itemsize :]
        flat = usable[: len(usable) // itemsize * itemsize].view(_memory_type(param.dtype))
        return flat, start // itemsize


def _memory_type(dtype: dtypes.DType) -> np.dtype[Any]:
    """The NumPy dtype of memory as the interpreter wants it; bfloat16 needs no package this way."""
    return np.dtype(np.uint16) if dtype is dtypes.bfloat16 else dtype.numpy


def _widened(bits: np.uint16) -> np.float32:
    return np.float32(np.array(int(bits) << 16, np.uint32).view(np.float32))


class NumpyDevice:
    """The fallback's only device."""

    index = 0

    def __init__(self) -> None:
        self._heap = _Heap()
        self._streams = 0
        self.default_stream = NumpyStream(0)
        self._current = threading.local()

    def model(self) -> str:
        names = [row.name for row in dtypes.DTYPES]
        return json.dumps(
            {
                "name": "numpy",
                "kind": "interpreter",
                "dialect": "kir",
                "dtypes": names,
                "multiprocessors": 1,
            }
        )

    def alloc(self, nbytes: int) -> NumpyMemory:
        return self._heap.alloc(nbytes)

    def memory_stats(self) -> dict[str, int]:
        heap = self._heap
        return {
            "allocated": heap.used,
            "reserved": heap.used,
            "cached": 0,
            "peak": heap.peak,
            "limit": heap.limit,
        }

    def set_memory_limit(self, nbytes: int) -> None:
        self._heap.limit = nbytes

    def trim(self) -> None:
        """Nothing is kept, so there is nothing to give back."""

    def create_stream(self) -> NumpyStream:
        self._streams += 1
        return NumpyStream(self._streams)

    def create_event(self, timing: bool = True) -> NumpyEvent:
        return NumpyEvent()

    def copy_from_host(self, dst: int, src: Any, stream: NumpyStream | None) -> None:
        source = _bytes_of(src)
        self._bytes(dst, source.nbytes)[:] = source

    def copy_to_host(self, dst: Any, src: int, stream: NumpyStream | None) -> None:
        target = _bytes_of(dst)
        target[:] = self._bytes(src, target.nbytes)

    def copy_on_device(self, dst: int, src: int, nbytes: int, stream: NumpyStream | None) -> None:
        self._bytes(dst, nbytes)[:] = self._bytes(src, nbytes)

    def fill(self, dst: int, value: int, nbytes: int, stream: NumpyStream | None) -> None:
        self._bytes(dst, nbytes)[:] = value

    def load(self, image: Image) -> NumpyFunction:
        if image.format != "kir":
            raise DeviceError(f"numpy: takes kernels as kir, not as {image.format}")
        return NumpyFunction(self._heap, image)

    def synchronize(self) -> None:
        """Returns at once."""

    def current_stream(self) -> NumpyStream:
        current: NumpyStream = getattr(self._current, "stream", self.default_stream)
        return current

    def set_current_stream(self, stream: NumpyStream | None) -> None:
        self._current.stream = self.default_stream if stream is None else stream

    def _bytes(self, ptr: int, nbytes: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
        memory, start = self._heap.find(ptr)
        if start + nbytes > max(memory.nbytes, 1):
            raise DeviceError(
                f"numpy: {nbytes} bytes at offset {start} leave a block of {memory.nbytes} bytes"
            )
        return memory.bytes[start : start + nbytes]


def _bytes_of(host: Any) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The bytes of a C-contiguous host buffer, without a copy."""
    array = host if isinstance(host, np.ndarray) else np.asarray(host)
    if not array.flags.c_contiguous:
        raise DeviceError("numpy: host buffers of a copy must be C-contiguous")
    return array.reshape(-1).view(np.uint8)


class NumpyBackend:
    """The backend that is always there."""

    name = "numpy"
    dialect = "kir"
    source = "accelerx.runtime.numpy_backend"
    host_memory = True
    dispatchable = False
    takes_host_pointers = False  # the interpreter knows only blocks it gave out

    def __init__(self) -> None:
        self._device = NumpyDevice()

    def device_count(self) -> int:
        return 1

    def device(self, index: int) -> NumpyDevice:
        if index != 0:
            raise DeviceError(f"numpy: has one device, numbered 0; there is no device {index}")
        return self._device
