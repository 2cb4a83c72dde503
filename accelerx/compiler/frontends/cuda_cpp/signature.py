"""What a launch must know of a CUDA C++ kernel: plain data, which the disk cache keeps beside the code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from accelerx.dtypes import DType


@dataclass(frozen=True, slots=True)
class Argument:
    """One flattened kernel argument: scalars and pointers inside records are arguments of their own.

    Attributes:
        parameter: Index of the C++ parameter it is, or is a part of.
        path: Field names (array elements: their numbers) that lead to it; empty for a plain one.
        kind: Whether it is a number or a pointer.
        dtype: A scalar's dtype; a pointer's pointee's, if that is a scalar.
        offset: Bytes from the start of its parameter.
        spelling: Its C++ type.
        pointee_size: Bytes that a pointer's pointee takes, 1 for void; 0 for a scalar.
        const: Whether it points to const.
    """

    parameter: int
    path: tuple[str, ...]
    kind: Literal["scalar", "pointer"]
    dtype: DType | None
    offset: int
    spelling: str
    pointee_size: int = 0
    const: bool = False


@dataclass(frozen=True, slots=True)
class CParameter:
    """A parameter of a kernel, and which flattened arguments it consists of."""

    name: str
    spelling: str
    size: int
    leaves: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class GlobalVariable:
    """A ``__device__`` or ``__constant__`` variable of a translation unit.

    Attributes:
        name: Its name.
        dtype: Its numbers' dtype, if all are of one; else an unsigned one of its alignment.
        size: Bytes.
        constant: Whether it is ``__constant__``.
        initial: Its first contents; None: zeros.
    """

    name: str
    dtype: DType
    size: int
    constant: bool
    initial: bytes | None


@dataclass(frozen=True, slots=True)
class CudaSignature:
    """What a launch must know of a kernel.

    Attributes:
        name: The function's name.
        parameters: Its parameters.
        arguments: The flattened ones.
        globals: Variables of the translation unit, in order.
        max_threads: From ``__launch_bounds__``.
        text: The declaration, for messages.
    """

    name: str
    parameters: tuple[CParameter, ...]
    arguments: tuple[Argument, ...]
    globals: tuple[GlobalVariable, ...]
    max_threads: int | None
    text: str
