"""Launch arguments: their types, the views a kernel gets of them, and how they are packed.

A launch flattens tuples to leaves; a leaf is an array or a scalar. ``type_of`` names a leaf's type
(what a kernel is specialised on), ``Packing`` turns leaves into the packed argument buffer.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from accelerx import dtypes
from accelerx.compiler.types import ArrayType, ScalarType, TupleType
from accelerx.dtypes import DType
from accelerx.errors import ArgumentTypeError, LaunchError, UnsupportedError
from accelerx.interop import host_array
from accelerx.ndarray import ArrayKey, ndarray
from accelerx.runtime.backend import (
    ADDRESS,
    BUFFER,
    EXTENT,
    SCALAR,
    STRIDE,
    VALUE,
    Dim3,
    PlanRow,
)
from accelerx.runtime.device import Device, current_device
from accelerx.runtime.stream import Stream

if TYPE_CHECKING:
    from accelerx.compiler import ir

Type = ArrayType | ScalarType | TupleType

INT32, INT64, UINT64 = range(-(2**31), 2**31), range(-(2**63), 2**63), range(2**64)
_PLAN_KIND = {"buffer": ADDRESS, "scalar": VALUE, "extent": EXTENT, "stride": STRIDE}
_FORMATS = {
    "bool": "?", "int8": "b", "int16": "h", "int32": "i", "int64": "q", "uint8": "B", "uint16": "H",
    "uint32": "I", "uint64": "Q", "float16": "e", "bfloat16": "H", "float32": "f", "float64": "d",
}  # fmt: skip


class View:
    """An array as a kernel gets it: address, shape, strides in elements."""

    __slots__ = ("owner", "ptr", "shape", "strides")

    def __init__(
        self, ptr: int, shape: tuple[int, ...], strides: tuple[int, ...], owner: object
    ) -> None:
        self.ptr = ptr
        self.shape = shape
        self.strides = strides
        self.owner = owner


# ------------------------------------------------------------------------------- configuration


@dataclass(frozen=True, slots=True)
class Configuration:
    """A launch's grid, block, stream and dynamic shared memory, checked and complete."""

    grid: Dim3
    block: Dim3
    stream: Stream | None
    shared_bytes: int


def configured(name: str, configuration: Any) -> Configuration:
    """Checks what stands in a launch's square brackets.

    Raises:
        LaunchError: for anything but grid, block, stream and shared bytes.
    """
    if not isinstance(configuration, tuple) or not 2 <= len(configuration) <= 4:
        raise LaunchError(
            f"{name}[...] takes grid, block and at most stream and shared bytes; it was given "
            f"{configuration!r}"
        )
    grid, block, stream, shared = (
        (*configuration, 0, 0)[:4] if len(configuration) < 4 else configuration
    )
    if not (stream is None or isinstance(stream, Stream) or stream == 0):
        raise LaunchError(f"{name}: {stream!r} is not a stream; make one with cuda.stream()")
    if isinstance(shared, bool) or not isinstance(shared, (int, np.integer)) or shared < 0:
        raise LaunchError(f"{name}: shared bytes must be an integer of at least 0, not {shared!r}")
    return Configuration(
        dim3(name, "grid", grid),
        dim3(name, "block", block),
        stream if isinstance(stream, Stream) else None,
        int(shared),
    )


def dim3(name: str, what: str, given: Any) -> Dim3:
    """A grid or block as three integers.

    Raises:
        LaunchError: unless ``given`` is one to three positive integers.
    """
    parts = tuple(given) if isinstance(given, (tuple, list, np.ndarray)) else (given,)
    if not 1 <= len(parts) <= 3:
        raise LaunchError(
            f"{name}: {what}dim must be a sequence of 1, 2 or 3 integers, got {list(parts)}"
        )
    for part in parts:
        if isinstance(part, bool) or not isinstance(part, (int, np.integer)):
            raise ArgumentTypeError(
                f"{name}: {what}dim must be a sequence of integers, got {list(parts)}"
            )
        if part < 1:
            raise LaunchError(f"{name}: {what} {given!r} must be at least 1 in each dimension")
    x, y, z = (*(int(p) for p in parts), 1, 1)[:3]
    return x, y, z


def device_of(
    kernel: str, names: Sequence[str], values: Sequence[Any], stream: Stream | None
) -> Device:
    """Where a launch's arrays live; the stream's device or the current one if there are none.

    Raises:
        LaunchError: if they live on several devices, or the stream is another device's.
    """
    device: Device | None = None
    first = ""
    for name, value in zip(names, values, strict=True):
        for leaf in leaves((value,)) if isinstance(value, tuple) else (value,):
            if not isinstance(leaf, ndarray):
                continue
            if device is None:
                device, first = leaf.device, name
            elif leaf.device is not device:
                raise LaunchError(
                    f"{kernel}: {first} is on {device}, {name} on {leaf.device}; move "
                    f"one with {name}.to({device.name!r})"
                )
    if stream is not None and device is not None and stream.device is not device:
        raise LaunchError(
            f"{kernel}: the stream belongs to {stream.device}, {first} is on {device}; "
            f"make the stream under accelerx.device({device.name!r})"
        )
    return device or (stream.device if stream is not None else current_device())


# ------------------------------------------------------------------------------------- hints


class Hint:
    """How an array argument travels, as numba's ``In``, ``Out`` and ``InOut`` say it."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def argument(self) -> Any:
        """What the kernel gets."""
        return self.value


class In(Hint):
    """An array the kernel reads; what it writes there is dropped."""

    def argument(self) -> Any:
        return np.array(self.value) if isinstance(self.value, np.ndarray) else self.value


class Out(Hint):
    """An array the kernel writes."""


class InOut(Hint):
    """An array the kernel reads and writes; what every array argument is without a hint."""


def wrap_arg(value: Any, default: type[Hint] = InOut) -> Hint:
    """``value`` with a hint: the one it has, else ``default``."""
    return value if isinstance(value, Hint) else default(value)


# ------------------------------------------------------------------------------------- leaves


def normalise(value: Any, name: str) -> Any:
    """The argument as something ``type_of`` knows: foreign host arrays become NumPy's.

    Raises:
        ArgumentTypeError: if a kernel cannot take it.
    """
    if isinstance(value, np.void) and value.dtype.names:
        return np.asarray(value)  # a record: kernels write to it, as to an array without axes
    if isinstance(value, (ndarray, np.ndarray, np.generic, bool, int, float)):
        return value
    if isinstance(value, Hint):
        return normalise(value.argument(), name)
    if isinstance(value, enum.Enum):
        return normalise(value.value, name)
    if isinstance(value, tuple):
        items = [normalise(item, f"{name}[{i}]") for i, item in enumerate(value)]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    array = host_array(value)
    if array is None:
        raise ArgumentTypeError(
            f"argument {name!r} is a {type(value).__module__}.{type(value).__qualname__}; a kernel "
            "takes arrays (accelerx, NumPy), numbers, NumPy scalars and tuples of these"
        )
    return array


def leaves(arguments: Sequence[Any]) -> Iterator[Any]:
    """The arguments with tuples opened, in order."""
    for argument in arguments:
        if isinstance(argument, tuple):
            yield from leaves(argument)
        else:
            yield argument


def converted(values: tuple[Any, ...], types: tuple[Type, ...]) -> tuple[Any, ...]:
    """The arguments as explicit types want them: integers wrap, as numba's conversions do."""
    return tuple(_converted(value, type_) for value, type_ in zip(values, types, strict=True))


def _converted(value: Any, type_: Type) -> Any:
    if isinstance(type_, TupleType):
        return tuple(_converted(v, t) for v, t in zip(value, type_.items, strict=True))
    if isinstance(type_, ScalarType) and type_.dtype.is_integer:
        number = int(value) & ((1 << type_.dtype.bits) - 1)
        top = 1 << (type_.dtype.bits - 1)
        return number - 2 * top if type_.dtype.is_signed and number >= top else number
    return value


def type_of(value: Any, name: str, weak: bool) -> Type:
    """The type of an argument; ``weak`` picks ``ax.jit``'s typing of Python numbers.

    Raises:
        ArgumentTypeError: naming the argument.
    """
    if isinstance(value, ndarray):
        return cast(ArrayKey, value.key).type
    if isinstance(value, np.ndarray):
        return _array_type(value, name)
    if isinstance(value, (bool, np.bool_)):
        return ScalarType(dtypes.bool_)
    if isinstance(value, np.generic):
        return ScalarType(_row(value.dtype, name))
    if isinstance(value, int):
        return _int_type(value, name, weak)
    if isinstance(value, float):
        return ScalarType(dtypes.float32, True) if weak else ScalarType(dtypes.float64)
    if isinstance(value, tuple):
        items = tuple(type_of(v, f"{name}[{i}]", weak) for i, v in enumerate(value))
        return TupleType(items, getattr(type(value), "_fields", ()))
    raise ArgumentTypeError(f"argument {name!r} of {type(value).__qualname__} has no kernel type")


_array_types: dict[tuple[Any, ...], ArrayType] = {}


def _array_type(array: np.ndarray[Any, Any], name: str) -> ArrayType:
    flags = array.flags
    layout = "C" if flags.c_contiguous else "F" if flags.f_contiguous else "A"
    parts = (array.dtype, array.ndim, layout, flags.writeable)
    found = _array_types.get(parts)
    if found is None:
        row = _row(array.dtype, name, elements=True)
        found = ArrayType(row, array.ndim, cast(Any, layout), flags.writeable)
        _array_types[parts] = found
    return found


def _row(dtype: np.dtype[Any], name: str, elements: bool = False) -> DType:
    """The row of a scalar's type, or of an array's elements."""
    if not dtype.isnative:
        raise ArgumentTypeError(
            f"argument {name!r} has byte order {dtype.str!r}; convert it with "
            f".astype({dtype.newbyteorder('=').name!r})"
        )
    try:
        return (dtypes.of_array if elements else dtypes.from_numpy)(dtype)
    except UnsupportedError as e:
        raise ArgumentTypeError(f"argument {name!r}: {e}") from e


def _int_type(value: int, name: str, weak: bool) -> ScalarType:
    if weak and value in INT32:
        return ScalarType(dtypes.int32, True)
    if value in INT64:
        return ScalarType(dtypes.int64, weak)
    if value in UINT64:
        return ScalarType(dtypes.uint64, weak)
    raise ArgumentTypeError(f"argument {name!r} = {value} does not fit 64 bits")


# ------------------------------------------------------------------------------------ packing


class Parameter(NamedTuple):
    """What a launch needs to know of an ``ir.Param``."""

    kind: str
    dtype: DType
    argument: int
    axis: int
    written: bool


def parameters(params: Iterable[ir.Param]) -> tuple[Parameter, ...]:
    """A kernel's parameters in short."""
    return tuple(Parameter(p.kind, p.dtype, p.argument, p.axis, p.written) for p in params)


class Packing:
    """The packed argument buffer of one kernel: what goes where."""

    def __init__(
        self, params: Sequence[Parameter], offsets: Sequence[int], size: int, names: Sequence[str]
    ) -> None:
        """``names`` are the leaves', for messages."""
        self.size = size
        self._names = names
        self._params = tuple(params)
        self.table = tuple(
            (BUFFER if p.kind == "buffer" else SCALAR, _size(p), _size(p), offset)
            for p, offset in zip(params, offsets, strict=True)
        )
        self.plan: tuple[PlanRow, ...] = tuple(
            (_PLAN_KIND[p.kind], p.argument, p.axis, _code(p.dtype), offset)
            for p, offset in zip(params, offsets, strict=True)
        )
        self._struct = struct.Struct(_format(params, offsets, size))

    def pack(self, values: Sequence[Any]) -> bytes:
        """The buffer for leaves given as Views and scalars."""
        fields: list[Any] = []
        for param in self._params:
            value = values[param.argument]
            match param.kind:
                case "buffer":
                    fields.append(value.ptr)
                case "extent":
                    fields.append(value.shape[param.axis])
                case "stride":
                    fields.append(value.strides[param.axis])
                case _:
                    fields.append(self._scalar(value, param))
        return self._struct.pack(*fields)

    def _scalar(self, value: Any, param: Parameter) -> bool | int | float:
        try:
            return to_scalar(value, param.dtype)
        except (OverflowError, ValueError) as e:
            raise ArgumentTypeError(
                f"argument {self._names[param.argument]!r} = {value} is not a {param.dtype.name}"
            ) from e


def to_scalar(value: Any, dtype: DType) -> bool | int | float:
    """A number as ``struct`` takes it for ``dtype``.

    Raises:
        OverflowError, ValueError: if an integer dtype cannot hold it.
    """
    if dtype.is_bool:
        return bool(value)
    if dtype.name == "bfloat16":
        return _bfloat16_bits(float(value))
    if dtype.is_float:
        return _narrowed(float(value), dtype)
    number = int(value)
    low, high = (
        (-(1 << dtype.bits - 1), 1 << dtype.bits - 1) if dtype.is_signed else (0, 1 << dtype.bits)
    )
    if not low <= number < high:
        raise OverflowError(number)
    return number


def number_at(data: bytes, offset: int, dtype: DType) -> bool | int | float:
    """The number of a dtype that lies at an offset in bytes."""
    (number,) = struct.unpack_from("<" + _FORMATS[dtype.name], data, offset)
    if dtype.name == "bfloat16":
        (number,) = struct.unpack("<f", struct.pack("<I", number << 16))
    return cast("bool | int | float", number)


def _narrowed(value: float, dtype: DType) -> float:
    """``struct`` refuses what rounds to infinity; IEEE and NumPy do not."""
    if dtype.bits == 64 or -65000.0 < value < 65000.0:
        return value
    with np.errstate(over="ignore"):
        return float(dtype.numpy.type(value))


def _bfloat16_bits(value: float) -> int:
    """Rounds to nearest even, as hardware does."""
    (bits,) = struct.unpack("<I", np.float32(value).tobytes())
    if value != value:
        return int(bits >> 16) | 0x40
    return int((bits + 0x7FFF + (bits >> 16 & 1)) >> 16) & 0xFFFF


def _size(param: Parameter) -> int:
    return 8 if param.kind != "scalar" else param.dtype.itemsize


def _code(dtype: DType) -> int:
    kind, bits = dtype.dlpack
    return kind * 256 + bits


def _format(params: Sequence[Parameter], offsets: Sequence[int], size: int) -> str:
    """``struct``'s format; parameters lie in increasing offset order."""
    out, at = ["<"], 0
    for param, offset in zip(params, offsets, strict=True):
        code = {"buffer": "Q", "extent": "q", "stride": "q"}.get(param.kind)
        out.append(f"{offset - at}x" + (code or _FORMATS[param.dtype.name]))
        at = offset + _size(param)
    return "".join([*out, f"{size - at}x"])
