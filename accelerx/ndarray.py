"""The device array: dtype, shape, strides and device over a Buffer; views and host copies.

An array's class is the core's ArrayBase, so that a launch reads its fields without calling Python.
Its ``key`` stands for (device, dtype, ndim, layout, writable) and is one object per combination:
what a kernel is specialised on is compared by identity.

Copies between host and device move whole runs of memory. Arrays that are not contiguous are copied
run by run, or as the stretch of memory they cover.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, cast

import numpy as np
from numpy.lib.stride_tricks import as_strided

from accelerx import dtypes
from accelerx.compiler.types import ArrayType
from accelerx.dtypes import DType
from accelerx.errors import AccelerxError, HostAccessError, UnsupportedError
from accelerx.runtime.arraybase import ArrayBase
from accelerx.runtime.buffer import Buffer
from accelerx.runtime.device import Device, current_device
from accelerx.runtime.device import device as device_named
from accelerx.runtime.stream import raw_stream

Shape = tuple[int, ...]
MAX_RUNS = 64  # of contiguous elements that are copied one by one
StreamLike = Any  # a Stream, a backend's own stream, or 0 (numba's) or None for the current one


class ReadOnlyError(AccelerxError, ValueError):
    """A write to an array that is read-only."""


@dataclass(frozen=True, slots=True, eq=False)
class ArrayKey:
    """What launches compare: one object per device and array type.

    Attributes:
        device: Where the array lives.
        type: Its type.
        wide: Whether it has so many elements that a 32-bit index may not reach them.
    """

    device: Device
    type: ArrayType
    wide: bool = False


_keys: dict[tuple[Device, DType, int, str, bool, bool], ArrayKey] = {}
WIDE_ELEMENTS = 1 << 31


def array_key(
    device: Device, dtype: DType, ndim: int, layout: str, writable: bool, wide: bool = False
) -> ArrayKey:
    """The one ArrayKey of these properties."""
    parts = (device, dtype, ndim, layout, writable, wide)
    key = _keys.get(parts)
    if key is None:
        made = ArrayKey(device, ArrayType(dtype, ndim, cast(Any, layout), writable), wide)
        key = _keys.setdefault(parts, made)
    return key


def layout_of(shape: Shape, strides: Shape) -> str:
    """``"C"``, ``"F"`` or ``"A"``, for strides in elements (axes of extent 1 do not matter)."""
    if _is_contiguous(shape, strides):
        return "C"
    return "F" if _is_contiguous(shape[::-1], strides[::-1]) else "A"


def _is_contiguous(shape: Shape, strides: Shape) -> bool:
    expected = 1
    for extent, stride in zip(reversed(shape), reversed(strides), strict=True):
        if extent == 0:
            return True
        if extent != 1 and stride != expected:
            return False
        expected *= extent
    return True


def contiguous_strides(shape: Shape, order: str = "C") -> Shape:
    """Strides in elements of a new array."""
    axes = shape if order == "C" else shape[::-1]
    strides = tuple(prod(axes[i + 1 :]) for i in range(len(axes)))
    return strides if order == "C" else strides[::-1]


def as_shape(shape: int | Sequence[int]) -> Shape:
    """A shape from an integer or a sequence of them.

    Raises:
        ValueError: for a negative extent.
    """
    extents = (
        tuple(operator.index(n) for n in shape)
        if isinstance(shape, (tuple, list, np.ndarray))
        else (operator.index(cast(Any, shape)),)
    )
    if any(n < 0 for n in extents):
        raise ValueError(f"shape {extents} has a negative extent")
    return extents


@dataclass(frozen=True, slots=True)
class MemoryPointer:
    """An address on a device and the memory it belongs to, which it keeps alive."""

    ptr: int
    mem: Buffer

    @property
    def device(self) -> Device:
        return self.mem.device


class ndarray(ArrayBase):
    """An array on a device.

    ``numpy.asarray`` reads it without a copy where the device's memory is the host's, and raises
    HostAccessError where it is not; ``copy_to_host`` works everywhere.
    """

    __slots__ = ()
    __array_priority__ = 100.0

    # ------------------------------------------------------------------------------ properties

    @property
    def device(self) -> Device:
        """Where it lives."""
        return cast(ArrayKey, self.key).device

    @property
    def row(self) -> DType:
        """Its dtype as a row of the dtype table."""
        return cast(ArrayKey, self.key).type.dtype

    @property
    def dtype(self) -> np.dtype[Any]:
        """Its dtype as NumPy's."""
        return self.row.numpy

    @property
    def layout(self) -> str:
        """``"C"``, ``"F"``, or ``"A"`` for any other strides."""
        return cast(ArrayKey, self.key).type.layout

    @property
    def writable(self) -> bool:
        return cast(ArrayKey, self.key).type.writable

    @property
    def buffer(self) -> Buffer:
        """The memory it looks at."""
        return cast(Buffer, self.owner)

    @property
    def element_strides(self) -> Shape:
        """Strides in elements."""
        return _element_strides(self)

    @property
    def strides(self) -> Shape:
        """Strides in bytes, as NumPy's."""
        itemsize = self.itemsize
        return tuple(s * itemsize for s in _element_strides(self))

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def itemsize(self) -> int:
        return self.row.itemsize

    @property
    def nbytes(self) -> int:
        return self.size * self.itemsize

    @property
    def flags(self) -> Any:
        """Its layout as NumPy's flags: ``flags["C_CONTIGUOUS"]`` and so on."""
        return self._shadow().flags

    @property
    def alloc_size(self) -> int:
        """Bytes of the memory under it."""
        return self.buffer.nbytes

    @property
    def data(self) -> MemoryPointer:
        """Where its first element lies, under the names CuPy gives it: ``x.data.ptr``."""
        return MemoryPointer(self.ptr, self.buffer)

    @property
    def reach(self) -> int:
        """Bytes from its first element to the end of the one at the highest address."""
        high = _extremes(self.shape, self.element_strides)[1]
        return (high + 1) * self.itemsize if self.size else 0

    @property
    def is_contiguous(self) -> bool:
        return self.layout != "A"

    def is_c_contiguous(self) -> bool:
        """Whether its elements follow each other in row-major order."""
        return self.layout == "C"

    def is_f_contiguous(self) -> bool:
        """Whether its elements follow each other in column-major order."""
        return self.layout == "F" or self._view(self.shape[::-1], self._reversed()).layout == "C"

    # ------------------------------------------------------------------------------ host copies

    def numpy(self) -> np.ndarray[Any, Any]:
        """The elements on the host: the memory itself where the host can read it, else a copy."""
        return self._host_view() if self.device.host_memory else self.copy_to_host()

    def copy_to_host(
        self, ary: np.ndarray[Any, Any] | None = None, stream: StreamLike = 0
    ) -> np.ndarray[Any, Any]:
        """Copies to a NumPy array (a new one if none is given) and returns it."""
        if ary is None:
            order: Any = "F" if self.layout == "F" else "C"
            ary = np.empty(self.shape, self.dtype, order)
        self._check_partner(ary.shape, ary.dtype, "copy_to_host")
        raw = raw_stream(stream)
        if _same_layout(self, ary):
            self.buffer.read(self.ptr, ary if ary.flags.c_contiguous else ary.T, raw)
        else:
            ary[...] = self._span(raw)[1]
        return ary

    def copy_to_device(self, ary: Any, stream: StreamLike = 0) -> ndarray:
        """Copies ``ary`` (a host array, or an array of any device) into this array."""
        self._check_writable("copy_to_device")
        raw = raw_stream(stream)
        if isinstance(ary, ndarray):
            self._check_partner(ary.shape, ary.dtype, "copy_to_device")
            if ary.device is self.device and ary.layout == self.layout != "A":
                self.buffer.copy(self.ptr, ary.ptr, self.nbytes, raw)
                return self
            ary = ary.copy_to_host(stream=stream if ary.device is self.device else None)
        host = np.asarray(ary)
        self._check_partner(host.shape, host.dtype, "copy_to_device")
        self._write(host, raw)
        return self

    def get(self, stream: StreamLike = None, order: str = "C") -> np.ndarray[Any, Any]:
        """``copy_to_host`` under CuPy's name."""
        return np.asarray(self.copy_to_host(stream=stream), order=cast(Any, order))

    def set(self, arr: Any, stream: StreamLike = None) -> None:
        """``copy_to_device`` under CuPy's name."""
        self.copy_to_device(arr, stream)

    def to(self, device: str | Device) -> ndarray:
        """The array on another device: itself if it is there already, else a copy."""
        target = device_named(device)
        return self if target is self.device else asarray(self.copy_to_host(), device=target)

    def copy(self) -> ndarray:
        """A copy on the same device."""
        return empty_like(self).copy_to_device(self)

    def item(self) -> Any:
        """The only element, as a Python scalar."""
        return self.copy_to_host().item()

    def tolist(self) -> Any:
        return self.copy_to_host().tolist()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        view = self._host_view()
        if dtype is not None and np.dtype(dtype) != view.dtype:
            if copy is False:
                raise ValueError(f"{self.dtype} as {np.dtype(dtype)} needs a copy")
            return view.astype(dtype)
        return view.copy() if copy else view

    def __buffer__(self, flags: int) -> memoryview:
        return self._host_view().data

    def __dlpack_device__(self) -> tuple[int, int]:
        self._refuse_host_access("CPU DLPack")
        return (1, 0)

    def __dlpack__(self, **options: Any) -> Any:
        self._refuse_host_access("CPU DLPack")
        options.pop("stream", None)
        return self._host_view().__dlpack__(**options)

    def _refuse_host_access(self, what: str) -> None:
        if not self.device.host_memory:
            raise HostAccessError(
                f"{what} of an array on {self.device}, whose memory the host cannot read; "
                "copy it with accelerx.asnumpy(x) or x.copy_to_host()"
            )

    def _host_view(self) -> np.ndarray[Any, Any]:
        view = self.buffer.host_view(self.ptr, self.dtype, self.shape, self.strides)
        view.flags.writeable = self.writable
        return view

    # ------------------------------------------------------------------------------ views

    @property
    def T(self) -> ndarray:
        return self.transpose()

    def transpose(self, *axes: Any) -> ndarray:
        """A view with its axes permuted (reversed by default)."""
        order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
        return self._from_shadow(np.transpose(self._shadow(), tuple(order or ()) or None))

    def reshape(self, *shape: Any, order: str = "C") -> ndarray:
        """The same elements under another shape; one extent may be -1.

        A view where the layout allows it, else a copy.
        """
        order = ("F" if self.layout == "F" else "C") if order in ("A", "K") else order
        wanted = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
        new = _resolve(tuple(operator.index(n) for n in wanted), self.size)
        if self.layout == order or (self.size and self._contiguous_as(order)):
            return self._view(new, contiguous_strides(new, order))
        copied = asarray(np.asarray(self.copy_to_host(), order=cast(Any, order)), self.device)
        return copied.reshape(new, order=order)

    def ravel(self, order: str = "C", stream: StreamLike = 0) -> ndarray:
        """All elements along one axis; a view where the layout allows it."""
        return self.reshape((self.size,), order=order)

    def squeeze(self, axis: int | Sequence[int] | None = None) -> ndarray:
        """A view without the axes of extent 1."""
        axes = range(self.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
        chosen = {a % self.ndim for a in axes}
        if axis is not None and any(self.shape[a] != 1 for a in chosen):
            raise ValueError(f"squeeze: an axis of {tuple(axes)} of {self.shape} is not 1 long")
        keep = [i for i, n in enumerate(self.shape) if n != 1 or i not in chosen]
        strides = self.element_strides
        return self._view(tuple(self.shape[i] for i in keep), tuple(strides[i] for i in keep))

    def view(self, dtype: Any) -> ndarray:
        """The same memory read as another dtype, as NumPy's ``view``."""
        probe = self._shadow().view(dtypes.of_array(dtype).numpy)
        return self._from_shadow(probe)

    def split(self, section: int, stream: StreamLike = 0) -> Iterator[ndarray]:
        """Yields views of ``section`` elements each along the only axis."""
        if self.ndim != 1:
            raise ValueError(f"split: the array has {self.ndim} axes; it takes one")
        for start in range(0, self.size, section):
            yield self[start : start + section]

    def get_ipc_handle(self) -> Any:
        """Refused: memory is not shared between processes."""
        raise UnsupportedError(f"{self.device} does not share memory between processes")

    def __getitem__(self, index: Any) -> Any:
        """A view; an element, as a NumPy scalar, when every axis has an integer."""
        chosen = self._chosen(index)
        whole = chosen.ndim == 0 and not any(part is Ellipsis for part in _as_tuple(index))
        return chosen.copy_to_host()[()] if whole else chosen

    def __setitem__(self, index: Any, value: Any) -> None:
        """Copies a value, broadcast as NumPy does, into the chosen elements."""
        self._check_writable("assignment")
        target = self._chosen(index)
        host = value.copy_to_host() if isinstance(value, ndarray) else np.asarray(value)
        target._write(np.broadcast_to(host.astype(self.dtype, copy=False), target.shape), None)

    def setitem(self, index: Any, value: Any, stream: StreamLike = 0) -> None:
        """Assignment under numba's name."""
        self[index] = value

    def getitem(self, index: Any, stream: StreamLike = 0) -> Any:
        """Indexing under numba's name."""
        return self[index]

    def _chosen(self, index: Any) -> ndarray:
        """The view that an index of integers, slices, None and Ellipsis means."""
        parts = _as_tuple(index)
        for part in parts:
            if not _is_basic(part):
                raise UnsupportedError(
                    f"an array on {self.device} indexed with {type(part).__name__}; it takes "
                    "integers, slices, None and Ellipsis; use copy_to_host() for the rest"
                )
        if not any(part is Ellipsis for part in parts):
            parts = (*parts, ...)  # keeps NumPy from reading an element
        return self._from_shadow(self._shadow()[parts])

    # ------------------------------------------------------------------------------ protocol

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of an array without axes")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        return bool(self.copy_to_host())

    def __int__(self) -> int:
        return int(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __index__(self) -> int:
        return operator.index(self.copy_to_host()[()])

    def __repr__(self) -> str:
        values = np.array2string(
            self.copy_to_host(), separator=", ", prefix="array(", threshold=100
        )
        return f"array({values}, dtype={self.row.name}, device={self.device.name!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.copy_to_host(), self.device.name, self.writable)

    # ------------------------------------------------------------------------------ inside

    def _view(self, shape: Shape, strides: Shape, offset: int = 0) -> ndarray:
        """Another look at the same memory, ``offset`` in elements."""
        ptr = self.ptr + offset * self.itemsize
        return make(self.device, self.row, shape, strides, ptr, self.buffer, self.writable)

    def _reversed(self) -> Shape:
        return self.element_strides[::-1]

    def _contiguous_as(self, order: str) -> bool:
        shape, strides = self.shape, self.element_strides
        if order == "C":
            return _is_contiguous(shape, strides)
        return _is_contiguous(shape[::-1], strides[::-1])

    def _shadow(self) -> np.ndarray[Any, Any]:
        """A NumPy array of equal shape and strides over no memory of ours.

        NumPy works out what an index means; only its address arithmetic is used, never its
        elements.
        """
        interface = {
            "version": 3,
            "data": (self.ptr, False),
            "shape": self.shape,
            "strides": self.strides,
            "typestr": f"|V{self.itemsize}",
        }
        return np.asarray(_Shadow(interface)).view(self.dtype)

    def _from_shadow(self, shadow: np.ndarray[Any, Any]) -> ndarray:
        row = dtypes.of_array(shadow.dtype)
        if any(s % row.itemsize for s in shadow.strides):
            raise UnsupportedError(
                f"a view as {shadow.dtype} of an array on {self.device} with strides "
                f"{self.strides}: its elements would not lie whole elements apart; copy it first"
            )
        strides = tuple(s // row.itemsize for s in shadow.strides)
        ptr = shadow.__array_interface__["data"][0] if shadow.size else self.ptr
        return make(self.device, row, shadow.shape, strides, ptr, self.buffer, self.writable)

    def _span(self, raw: Any | None) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], int]:
        """A host copy of the stretch of memory it covers.

        The flat copy, the array's elements in it as a view, and the stretch's address.
        """
        low, high = _extremes(self.shape, self.element_strides)
        flat = np.empty(high - low + 1 if self.size else 0, self.dtype)
        start = self.ptr + low * self.itemsize
        self.buffer.read(start, flat, raw)
        own = as_strided(flat[-low:] if self.size else flat, self.shape, self.strides)
        return flat, own, start

    def _write(self, host: np.ndarray[Any, Any], raw: Any | None) -> None:
        """Copies a host array of equal shape and dtype in."""
        if self.size == 0:
            return
        if self.device.host_memory and self.layout == "A":
            self._host_view()[...] = host
        elif self.layout == "F":
            self.buffer.write(self.ptr, np.ascontiguousarray(host.T), raw)
        else:
            self._write_runs(host, raw)

    def _write_runs(self, host: np.ndarray[Any, Any], raw: Any | None) -> None:
        """Copies run by run; many short runs go as one stretch, read, changed and written back.

        Work of other streams on elements between the runs must not go on meanwhile, so it is waited
        for.
        """
        strides = self.element_strides
        run = _run_axes(self.shape, strides)
        if prod(self.shape[:run]) > MAX_RUNS:
            self.device.synchronize()
            flat, own, start = self._span(raw)
            own[...] = host
            self.buffer.write(start, flat, raw)
            return
        for outer in np.ndindex(*self.shape[:run]):
            at = sum(i * s for i, s in zip(outer, strides, strict=False))
            part = np.ascontiguousarray(host[outer])
            self.buffer.write(self.ptr + at * self.itemsize, part, raw)

    def _check_writable(self, what: str) -> None:
        if not self.writable:
            raise ReadOnlyError(f"{what}: the array on {self.device} is read-only")

    def _check_partner(self, shape: Shape, dtype: np.dtype[Any], what: str) -> None:
        if tuple(shape) != self.shape:
            raise ValueError(
                f"{what}: shapes differ: this array has {self.shape}, the other {tuple(shape)}"
            )
        if dtype != self.dtype:
            raise ValueError(
                f"{what}: dtypes differ: this array has {self.dtype}, the other {dtype}; convert "
                f"it with .astype({str(self.dtype)!r})"
            )


class _Shadow:
    """Carries an ``__array_interface__``."""

    def __init__(self, interface: dict[str, Any]) -> None:
        self.__array_interface__ = interface


def _element_strides(array: ndarray) -> Shape:
    strides: Shape = ArrayBase.strides.__get__(array)
    return strides


def _as_tuple(index: Any) -> tuple[Any, ...]:
    return index if isinstance(index, tuple) else (index,)


def _is_basic(part: Any) -> bool:
    if part is None or part is Ellipsis or isinstance(part, slice):
        return True
    return hasattr(part, "__index__") and not isinstance(part, (bool, np.bool_, np.ndarray))


def _same_layout(a: ndarray, host: np.ndarray[Any, Any]) -> bool:
    if not host.flags.writeable:
        raise ReadOnlyError("copy_to_host: the host array is read-only")
    return (a.layout == "C" and host.flags.c_contiguous) or (
        a.layout == "F" and host.flags.f_contiguous
    )


def _run_axes(shape: Shape, strides: Shape) -> int:
    """The first axis from which on the elements are contiguous (row-major)."""
    axis = len(shape)
    while axis > 0 and _is_contiguous(shape[axis - 1 :], strides[axis - 1 :]):
        axis -= 1
    return axis


def _extremes(shape: Shape, strides: Shape) -> tuple[int, int]:
    """Offsets, in elements, of the lowest and the highest element."""
    reach = [(n - 1) * s for n, s in zip(shape, strides, strict=True)]
    return sum(r for r in reach if r < 0), sum(r for r in reach if r > 0)


def _resolve(shape: Shape, size: int) -> Shape:
    """A shape with its one -1 worked out."""
    known = prod(n for n in shape if n != -1)
    if shape.count(-1) == 1 and known and size % known == 0:
        shape = tuple(size // known if n == -1 else n for n in shape)
    if -1 in shape or prod(shape) != size:
        raise ValueError(f"reshape: {size} elements do not fill the shape {shape}")
    return shape


def _rebuild(host: np.ndarray[Any, Any], device: str, writable: bool) -> ndarray:
    array = asarray(host, device)
    return array if writable else read_only(array)


# ---------------------------------------------------------------------------------- creation


def make(
    device: Device,
    row: DType,
    shape: Shape,
    strides: Shape,
    ptr: int,
    buffer: Buffer,
    writable: bool = True,
) -> ndarray:
    """An array over existing memory; strides in elements."""
    wide = prod(shape) >= WIDE_ELEMENTS
    key = array_key(device, row, len(shape), layout_of(shape, strides), writable, wide)
    return ndarray(key, ptr, shape, strides, buffer)


def read_only(array: ndarray) -> ndarray:
    """The same array, not to be written to."""
    return make(
        array.device, array.row, array.shape, array.element_strides, array.ptr, array.buffer, False
    )


def empty(
    shape: int | Sequence[int],
    dtype: Any = np.float32,
    device: str | Device | None = None,
    order: str = "C",
) -> ndarray:
    """A new array of undefined values on a device (the current one)."""
    target = current_device() if device is None else device_named(device)
    row, extents = dtypes.of_array(dtype), as_shape(shape)
    buffer = Buffer.allocate(target, prod(extents) * row.itemsize)
    return make(target, row, extents, contiguous_strides(extents, order), buffer.ptr, buffer)


def empty_like(array: Any, dtype: Any = None, device: str | Device | None = None) -> ndarray:
    """A new array of undefined values with the shape, dtype and layout of another."""
    where = array.device if device is None and isinstance(array, ndarray) else device
    if isinstance(array, ndarray):
        order = "F" if array.layout == "F" else "C"
    else:
        array = np.asarray(array)
        order = "F" if array.flags.fnc else "C"
    return empty(array.shape, array.dtype if dtype is None else dtype, where, order)


def zeros(
    shape: int | Sequence[int],
    dtype: Any = np.float32,
    device: str | Device | None = None,
    order: str = "C",
) -> ndarray:
    """A new array of zeros on a device (the current one)."""
    array = empty(shape, dtype, device, order)
    array.buffer.fill(array.ptr, 0, array.nbytes)
    return array


def zeros_like(array: Any, dtype: Any = None, device: str | Device | None = None) -> ndarray:
    """A new array of zeros with the shape, dtype and layout of another."""
    made = empty_like(array, dtype, device)
    made.buffer.fill(made.ptr, 0, made.nbytes)
    return made


def ones(
    shape: int | Sequence[int], dtype: Any = np.float32, device: str | Device | None = None
) -> ndarray:
    """A new array of ones on a device (the current one)."""
    return full(shape, 1, dtype, device)


def full(
    shape: int | Sequence[int],
    value: Any,
    dtype: Any = None,
    device: str | Device | None = None,
) -> ndarray:
    """A new array that holds ``value`` everywhere, of the value's dtype if none is given."""
    wanted = None if dtype is None else dtypes.of_array(dtype).numpy
    return asarray(np.full(as_shape(shape), value, wanted), device)


def arange(*limits: Any, dtype: Any = None, device: str | Device | None = None) -> ndarray:
    """``numpy.arange`` on a device (the current one)."""
    wanted = None if dtype is None else dtypes.of_array(dtype).numpy
    return asarray(np.arange(*limits, dtype=wanted), device)


def array(
    obj: Any, dtype: Any = None, copy: bool = True, device: str | Device | None = None
) -> ndarray:
    """``asarray``, but a copy of an array that is on the device already."""
    made = asarray(obj, device, dtype)
    return made.copy() if made is obj and copy else made


def asarray(
    obj: Any, device: str | Device | None = None, dtype: Any = None, stream: StreamLike = 0
) -> ndarray:
    """An array on a device: itself if it is one there, else a copy of what NumPy makes of it."""
    if isinstance(obj, ndarray) and dtype is None:
        return obj if device is None else obj.to(device)
    host = np.asarray(obj.copy_to_host() if isinstance(obj, ndarray) else obj, dtype)
    where = obj.device if isinstance(obj, ndarray) and device is None else device
    order = "F" if host.flags.fnc else "C"
    array = empty(host.shape, host.dtype, where, order)
    array._write(host, raw_stream(stream))
    return array


def asnumpy(obj: Any) -> np.ndarray[Any, Any]:
    """A NumPy copy of an array of any device; a NumPy array comes back as it is."""
    return obj.copy_to_host() if isinstance(obj, ndarray) else np.asarray(obj)
