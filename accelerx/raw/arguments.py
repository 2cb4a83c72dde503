"""Arguments of CUDA C++ kernels: held against the C++ declaration, and flattened to its leaves.

A leaf is a scalar or a pointer: a parameter, or a member of a struct passed by value. What does not fit
is refused with the declaration and a caret, because a launch on a GPU would read other bytes than were
meant.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from accelerx import dtypes
from accelerx.arguments import View, number_at
from accelerx.compiler.frontends.cuda_cpp.signature import Argument, CParameter, CudaSignature
from accelerx.dtypes import DType
from accelerx.errors import ArgumentTypeError
from accelerx.interop import as_cuda_array, host_array
from accelerx.ndarray import ndarray

FIRST_ADDRESS = 1 << 16  # below it no system maps memory: a number given for a pointer
UNKNOWN_UNITS = 1 << 60  # the extent of memory that is known by its address only


@dataclass(frozen=True, slots=True)
class Bound:
    """A launch's arguments as leaves.

    Attributes:
        values: A value for each leaf: an array, a View, a number; None for a null pointer.
        nulls: The leaves that are null pointers.
        protected: Leaves whose array is read-only though the pointer is not to const.
        repeats: Whether other arguments of the same types would be bound as these: unchanged.
    """

    values: tuple[Any, ...]
    nulls: frozenset[int]
    protected: frozenset[int]
    repeats: bool


class Binder:
    """Binds launch arguments to one kernel's declaration.

    Attributes:
        plain: Whether every parameter is one leaf.
        names: What messages call the leaves.
    """

    def __init__(self, signature: CudaSignature) -> None:
        self.signature = signature
        self.plain = all(_single(signature, p) for p in signature.parameters)
        self.names = tuple(_leaf_name(signature, leaf) for leaf in signature.arguments)

    def bind(self, arguments: Sequence[Any]) -> Bound:
        """The leaves of a launch's arguments.

        Raises:
            ArgumentTypeError: for a wrong number, kind or size, pointing at the parameter.
        """
        parameters = self.signature.parameters
        if len(arguments) != len(parameters):
            raise ArgumentTypeError(
                f"{self.signature.name} takes {len(parameters)} arguments; {len(arguments)} were "
                f"given\n  {self.signature.text}"
            )
        binding = _Binding(self.signature)
        for index, value in enumerate(arguments):
            binding.parameter(index, value)
        return binding.bound()

    def of_leaves(self, values: tuple[Any, ...]) -> Bound:
        """Leaves that ``bind`` gave, as it gave them."""
        rows = self.signature.arguments
        nulls = (k for k, v in enumerate(values) if v is None and rows[k].kind == "pointer")
        protected = (k for k, v in enumerate(values) if not rows[k].const and _is_read_only(v))
        return Bound(values, frozenset(nulls), frozenset(protected), True)


class _Binding:
    """One launch's arguments on their way to leaves."""

    def __init__(self, signature: CudaSignature) -> None:
        self.signature = signature
        self.values: list[Any] = [None] * len(signature.arguments)
        self.nulls: set[int] = set()
        self.protected: set[int] = set()
        self.repeats = True
        self.at = 0  # the parameter that is being bound

    def bound(self) -> Bound:
        return Bound(
            tuple(self.values), frozenset(self.nulls), frozenset(self.protected), self.repeats
        )

    def parameter(self, index: int, value: Any) -> None:
        """Binds one argument."""
        self.at = index
        parameter = self.signature.parameters[index]
        leaves = [(k, self.signature.arguments[k]) for k in parameter.leaves]
        whole = isinstance(value, (tuple, bytes, bytearray, memoryview, np.void))
        if _single(self.signature, parameter) and not (leaves[0][1].path and whole):
            self.leaf(*leaves[0], value)
        else:
            self.repeats = False
            self.record(parameter, leaves, value)

    def leaf(self, number: int, leaf: Argument, value: Any) -> None:
        if leaf.kind == "pointer":
            self.values[number] = self.pointer(number, leaf, value)
        else:
            self.values[number] = self.scalar(leaf, value)

    # ------------------------------------------------------------------------------ scalars

    def scalar(self, leaf: Argument, value: Any) -> Any:
        """A number for a scalar leaf."""
        assert leaf.dtype is not None
        if isinstance(value, np.ndarray) and value.ndim == 0:
            value, self.repeats = value[()], False
        if isinstance(value, np.generic):
            return self._numpy_scalar(leaf, leaf.dtype, value)
        if isinstance(value, (bool, int)):
            return self._integer(leaf.dtype, value)
        if isinstance(value, float) and leaf.dtype.is_float:
            return value
        raise self.refusal(
            f"is {_described(value)}; the parameter is '{leaf.spelling}'", _advice(value)
        )

    def _integer(self, dtype: DType, value: int) -> int:
        if dtype.is_integer:
            low = -(1 << dtype.bits - 1) if dtype.is_signed else 0
            if not low <= value < low + (1 << dtype.bits):
                raise self.refusal(
                    f"= {value} does not fit the parameter, which holds {dtype.name}"
                )
        return value

    def _numpy_scalar(self, leaf: Argument, dtype: DType, value: np.generic) -> Any:
        name = value.dtype.name
        if name == dtype.name:
            return value
        kinds = value.dtype.kind + _kind(dtype)
        if value.dtype.itemsize != dtype.itemsize or not (
            kinds in _SAME_BITS or value.dtype.kind == "V" or _is_storage(name, dtype)
        ):
            numpy_name = "the same" if dtype.name == "bfloat16" else f"numpy.{dtype.name}"
            raise self.refusal(
                f"is a NumPy {name} of {value.dtype.itemsize} bytes; the parameter is "
                f"'{leaf.spelling}' of {dtype.itemsize} bytes",
                f"pass {numpy_name}(x), or a Python number",
            )
        self.repeats = self.repeats and kinds in _SAME_BITS
        return number_at(value.tobytes(), 0, dtype)

    # ------------------------------------------------------------------------------ pointers

    def pointer(self, number: int, leaf: Argument, value: Any) -> Any:
        """What lies behind a pointer leaf: an array, or a bare address; None for null."""
        if isinstance(value, ndarray):
            self._check_elements(leaf, value.dtype)
            return self._guarded(number, leaf, value)
        if value is None or isinstance(value, (int, np.integer)):
            return self._address(number, value)
        address = getattr(value, "ptr", None)
        if isinstance(address, int):
            self.repeats = False
            return self._address(number, address, value)
        if hasattr(value, "__cuda_array_interface__"):
            return self.pointer(number, leaf, as_cuda_array(value))
        return self._host_array(number, leaf, value)

    def _address(self, number: int, value: Any, owner: object = None) -> View | None:
        """A null pointer, or memory of unknown extent."""
        if isinstance(value, bool):
            raise self.refusal(
                "is a bool; the parameter is a pointer", "pass an array, or None for null"
            )
        if value is None or value == 0:
            self.nulls.add(number)
            self.repeats = self.repeats and value is None
            return None
        if not FIRST_ADDRESS <= value < 1 << 64:
            raise self.refusal(
                f"= {value}, which is no address; the parameter is a pointer",
                "pass an array, or None for null",
            )
        self.repeats = False
        return View(int(value), (UNKNOWN_UNITS,), (1,), owner)

    def _host_array(self, number: int, leaf: Argument, value: Any) -> Any:
        self.repeats = False
        array = None if isinstance(value, np.generic) else host_array(value)
        if array is None:
            raise self.refusal(
                f"is {_described(value)}; the parameter is '{leaf.spelling}'",
                "pass an array, or None for null",
            )
        self._check_elements(leaf, array.dtype)
        if not array.dtype.isnative:
            raise self.refusal(
                f"has byte order {array.dtype.str!r}, not this machine's",
                f"convert it with x.astype({array.dtype.newbyteorder('=').str!r})",
            )
        if not (array.flags.c_contiguous or array.flags.f_contiguous):
            raise self.refusal(
                f"is a NumPy array with strides {array.strides}; a kernel gets a pointer and would "
                "read other elements",
                "pass numpy.ascontiguousarray(x)",
            )
        if array.dtype.kind in "SUMm":
            array = array.ravel(order="K").view(np.uint8)
        return self._guarded(number, leaf, array)

    def _guarded(self, number: int, leaf: Argument, array: Any) -> Any:
        if not leaf.const and _is_read_only(array):
            self.protected.add(number)
        return array

    def _check_elements(self, leaf: Argument, dtype: np.dtype[Any]) -> None:
        if not _points_to(leaf, dtype):
            name = dtype.name if dtype.names is None else f"structured ({dtype.itemsize} bytes)"
            raise self.refusal(
                f"is an array of {name}; the parameter is '{leaf.spelling}' of "
                f"{leaf.pointee_size}-byte elements",
                _array_advice(leaf, dtype),
            )

    # ------------------------------------------------------------------------------ records

    def record(
        self, parameter: CParameter, leaves: Sequence[tuple[int, Argument]], value: Any
    ) -> None:
        """A struct passed by value: bytes, a NumPy record, a complex number, or a tuple of leaves."""
        if isinstance(value, tuple):
            flat = list(_flat(value))
            if len(flat) != len(leaves):
                raise self.refusal(
                    f"has {len(flat)} items; '{parameter.spelling}' has {len(leaves)} members"
                )
            for (number, leaf), item in zip(leaves, flat, strict=True):
                self.leaf(number, leaf, item)
            return
        data = self._record_bytes(parameter, leaves, value)
        objects = _object_members(value)
        for number, leaf in leaves:
            if leaf.kind == "scalar":
                assert leaf.dtype is not None
                self.values[number] = number_at(data, leaf.offset, leaf.dtype)
            elif leaf.offset in objects:
                self.leaf(number, leaf, objects[leaf.offset])
            else:
                address = number_at(data, leaf.offset, dtypes.uint64)
                self.values[number] = self._address(number, address, value)

    def _record_bytes(
        self, parameter: CParameter, leaves: Sequence[tuple[int, Argument]], value: Any
    ) -> bytes:
        size = parameter.size
        if isinstance(value, complex) and not isinstance(value, np.generic):
            value = self._complex(parameter, leaves, value)
        if isinstance(value, (bytes, bytearray, memoryview)):
            data = bytes(value)
        elif isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
            if value.dtype.kind not in "Vc":
                raise self.refusal(
                    f"is a NumPy {value.dtype.name}; the parameter is a struct", _STRUCT
                )
            data = value.tobytes()
        else:
            raise self.refusal(
                f"is {_described(value)}; the parameter is '{parameter.spelling}'", _STRUCT
            )
        if len(data) != size:
            raise self.refusal(
                f"has {len(data)} bytes; '{parameter.spelling}' has {size}",
                "make the NumPy dtype with align=True, in the members' order",
            )
        return data

    def _complex(
        self, parameter: CParameter, leaves: Sequence[tuple[int, Argument]], value: complex
    ) -> Any:
        """A Python number for a struct of two floats of one type, which is what complex types are."""
        dtype = leaves[0][1].dtype if leaves else None
        if len(leaves) != 2 or dtype is None or not dtype.is_float or leaves[1][1].dtype != dtype:
            raise self.refusal(
                f"is {_described(value)}; '{parameter.spelling}' is not complex", _STRUCT
            )
        return np.array([value.real, value.imag]).astype(dtype.numpy).tobytes()

    # ------------------------------------------------------------------------------ errors

    def refusal(self, said: str, hint: str = "") -> ArgumentTypeError:
        """An error with the declaration and a caret under the parameter."""
        signature = self.signature
        parts = [_declared(p) for p in signature.parameters]
        head = f"  void {signature.name}("
        column = len(head) + sum(len(part) + 2 for part in parts[: self.at])
        name = signature.parameters[self.at].name
        lines = [
            f"{signature.name}: argument {self.at + 1}{f' ({name})' if name else ''} {said}",
            f"{head}{', '.join(parts)})",
            " " * column + "^" + "~" * (len(parts[self.at]) - 1),
        ]
        return ArgumentTypeError("\n".join([*lines, *([f"  hint: {hint}"] if hint else [])]))


_STRUCT = "pass a NumPy record of a structured dtype, its bytes, or a tuple of its members"
_SAME_BITS = ("iu", "ui", "ib", "ub", "bi", "bu", "ii", "uu")  # NumPy's kinds: value's, parameter's


def _single(signature: CudaSignature, parameter: CParameter) -> bool:
    """Whether a parameter is a number or a pointer, or a class around one, such as ``__half``."""
    if len(parameter.leaves) != 1:
        return False
    leaf = signature.arguments[parameter.leaves[0]]
    return (8 if leaf.dtype is None or leaf.kind == "pointer" else leaf.dtype.itemsize) == (
        parameter.size
    )


def _is_read_only(value: Any) -> bool:
    if isinstance(value, ndarray):
        return not value.writable
    return isinstance(value, np.ndarray) and not value.flags.writeable


def _kind(dtype: DType) -> str:
    return {"int": "i", "uint": "u", "bool": "b", "float": "f"}.get(dtype.kind, "V")


def _is_storage(name: str, dtype: DType) -> bool:
    """Whether 16-bit integers stand for the bits of a 16-bit float, or the other way round."""
    halves, words = ("float16", "bfloat16"), ("uint16", "int16")
    return (name in words and dtype.name in halves) or (name in halves and dtype.name in words)


def _points_to(leaf: Argument, dtype: np.dtype[Any]) -> bool:
    """Whether a pointer leaf may point to elements of a dtype."""
    size = leaf.pointee_size
    if dtype.hasobject or dtype.itemsize == 0:
        return False
    if size == 1 or dtype.name in ("uint8", "int8"):
        return True  # void, char, or an array that holds bytes
    if leaf.dtype is None:
        return dtype.itemsize == size or (dtype.names is None and size % dtype.itemsize == 0)
    if dtype.name == leaf.dtype.name:
        return True
    if dtype.itemsize != size:
        return False
    return dtype.kind + _kind(leaf.dtype) in _SAME_BITS or _is_storage(dtype.name, leaf.dtype)


def _array_advice(leaf: Argument, dtype: np.dtype[Any]) -> str:
    if leaf.dtype is None:
        return (
            f"its elements must have {leaf.pointee_size} bytes, as the struct; or pass x.view('u1')"
        )
    name = leaf.dtype.name
    if dtype.itemsize == leaf.pointee_size:
        return f"convert it with x.astype({name!r}), or pass the same bits with x.view({name!r})"
    return f"convert it with x.astype({name!r}), or pass its bytes with x.view('u1')"


def _described(value: Any) -> str:
    if isinstance(value, (bool, int, float, complex, str)):
        return f"a Python {type(value).__name__} ({value!r})"
    if isinstance(value, (np.ndarray, ndarray)):
        return f"an array of {value.dtype} of shape {value.shape}"
    return f"a {type(value).__module__}.{type(value).__qualname__}"


def _advice(value: Any) -> str:
    if isinstance(value, float):
        return "pass an integer, e.g. int(x)"
    return "pass a number" if not isinstance(value, complex) else "pass its real part"


def _flat(items: tuple[Any, ...]) -> Iterator[Any]:
    for item in items:
        if isinstance(item, tuple):
            yield from _flat(item)
        else:
            yield item


def _object_members(value: Any) -> dict[int, Any]:
    """Members of a NumPy record that are Python objects (arrays, say), by byte offset."""
    if not isinstance(value, (np.void, np.ndarray)) or value.dtype.names is None:
        return {}
    found: dict[int, Any] = {}
    for name in value.dtype.names:
        dtype, offset = value.dtype.fields[name][:2]  # type: ignore[index]
        if dtype.names is not None:
            inner = _object_members(value[name])
            found.update((offset + at, item) for at, item in inner.items())
        elif dtype.kind == "O":
            member = value[name]
            found[offset] = member[()] if isinstance(member, np.ndarray) else member
    return found


def _declared(parameter: CParameter) -> str:
    space = "" if parameter.spelling.endswith(("*", "&")) or not parameter.name else " "
    return f"{parameter.spelling}{space}{parameter.name}"


def _leaf_name(signature: CudaSignature, leaf: Argument) -> str:
    name = signature.parameters[leaf.parameter].name or f"argument {leaf.parameter + 1}"
    return name + "".join(f"[{p}]" if p.isdecimal() else f".{p}" for p in leaf.path)
