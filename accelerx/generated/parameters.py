"""Parameters of generated kernels: CuPy's ``"T x, raw S y, float32 z"``, and what its letters stand for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from accelerx import dtypes
from accelerx.errors import ArgumentTypeError, UnsupportedError
from accelerx.interop import host_array
from accelerx.ndarray import asarray, ndarray

Scalar = bool | int | float | complex | np.generic


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter.

    Attributes:
        name: Its name in the kernel.
        letter: The placeholder that stands for its type; empty if the type is given.
        dtype: The type, if it is given.
        raw: Whether the kernel indexes it by itself instead of getting one element a turn.
        const: Whether it is only read.
    """

    name: str
    letter: str
    dtype: np.dtype[Any] | None
    raw: bool
    const: bool


def parse(text: str, const: bool, reserved: Sequence[str] = ()) -> tuple[Parameter, ...]:
    """The parameters that a text lists; ``reserved`` names have another meaning in the kernel.

    Raises:
        ValueError: for a name or a type that cannot be.
    """
    parts = [part for part in text.split(",") if part.strip()]
    return tuple(_parameter(part, const, reserved) for part in parts)


def _parameter(text: str, const: bool, reserved: Sequence[str]) -> Parameter:
    words = text.split()
    if len(words) < 2 or not set(words[:-2]) <= {"raw", "_non_const"}:
        raise ValueError(f"parameter {text.strip()!r}: write '[raw] type name'")
    *flags, type_, name = words
    if not name.isidentifier() or name.startswith("_") or name in reserved:
        others = "".join(f", {other}" for other in reserved)
        raise ValueError(
            f"parameter {text.strip()!r}: {name!r} cannot be a name; names beginning with _"
            f"{others} have a meaning of their own"
        )
    reads = const and "_non_const" not in flags
    if re.fullmatch("[A-Za-z]", type_):
        return Parameter(name, type_, None, "raw" in flags, reads)
    return Parameter(name, "", _dtype(text.strip(), type_), "raw" in flags, reads)


def _dtype(text: str, type_: str) -> np.dtype[Any]:
    try:
        return dtypes.of_array(type_).numpy
    except (TypeError, UnsupportedError) as e:
        raise ValueError(
            f"parameter {text!r}: {type_!r} is no dtype; write a NumPy dtype's name, or one letter "
            "for a type that the arguments decide"
        ) from e


# ----------------------------------------------------------------------------------- arguments


def as_arguments(kernel: str, values: Iterable[Any]) -> list[ndarray | Scalar]:
    """Arguments as device arrays and numbers; NumPy arrays are copied to the current device.

    Raises:
        ArgumentTypeError: for anything else.
    """
    found: list[ndarray | Scalar] = []
    for number, value in enumerate(values, 1):
        if isinstance(value, (ndarray, bool, int, float, complex, np.generic)):
            found.append(value)
            continue
        array = host_array(value)
        if array is None:
            raise ArgumentTypeError(
                f"{kernel}: argument {number} is a "
                f"{type(value).__module__}.{type(value).__qualname__}; it takes arrays and numbers"
            )
        found.append(asarray(array))
    return found


def looped(parameters: Sequence[Parameter], values: Sequence[ndarray | Scalar]) -> list[ndarray]:
    """The arrays that a kernel takes element by element."""
    pairs = zip(parameters, values, strict=True)
    return [value for p, value in pairs if isinstance(value, ndarray) and not p.raw]


class Types:
    """The types of one call: what each letter stands for, and each parameter's dtype."""

    def __init__(self, kernel: str) -> None:
        self.kernel = kernel
        self.letters: dict[str, np.dtype[Any]] = {}

    def learn(self, parameters: Sequence[Parameter], values: Sequence[ndarray | Scalar]) -> None:
        """Takes the types of array arguments in.

        Raises:
            ArgumentTypeError: if an array's dtype is not its parameter's.
        """
        for parameter, value in zip(parameters, values, strict=True):
            if not isinstance(value, ndarray):
                continue
            wanted = parameter.dtype or self.letters.setdefault(parameter.letter, value.dtype)
            if value.dtype != wanted:
                said = f"{parameter.letter or 'the parameter'} is {wanted}"
                raise ArgumentTypeError(
                    f"{self.kernel}: {parameter.name} is an array of {value.dtype}, and {said}; "
                    f"convert it with .astype({wanted.name!r})"
                )

    def settle(self, parameters: Sequence[Parameter], values: Sequence[ndarray | Scalar]) -> None:
        """Lets numbers decide the letters that no array does."""
        for parameter, value in zip(parameters, values, strict=True):
            if parameter.letter and not isinstance(value, ndarray):
                self.letters.setdefault(parameter.letter, np.asarray(value).dtype)

    def of(self, parameter: Parameter) -> np.dtype[Any]:
        """A parameter's dtype.

        Raises:
            ArgumentTypeError: if no argument decides it.
        """
        found = parameter.dtype or self.letters.get(parameter.letter)
        if found is None:
            raise ArgumentTypeError(
                f"{self.kernel}: no argument tells what {parameter.letter} is, the type of "
                f"{parameter.name}; pass {parameter.name}, too"
            )
        return found
