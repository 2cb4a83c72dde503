"""Runs Python kernels through the front end and the interpreter, on NumPy arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.frontends.python import lift
from accelerx.compiler.types import ArgumentType, ArrayType, ScalarType, TupleType, flatten
from accelerx.compiler.verify import verify
from accelerx.runtime.interpreter import Interpreter

Literals = Literal["weak", "numba"]


def type_of(value: Any, literals: Literals) -> ArgumentType:
    """The argument type a launch would give a value."""
    if isinstance(value, tuple):
        items = tuple(type_of(v, literals) for v in value)
        return TupleType(items, getattr(value, "_fields", ()))
    if isinstance(value, np.ndarray):
        flags = value.flags
        layout: Literal["C", "F", "A"] = (
            "C" if flags.c_contiguous else "F" if flags.f_contiguous else "A"
        )
        return ArrayType(dtypes.from_numpy(value.dtype), value.ndim, layout, flags.writeable)
    if isinstance(value, np.generic):
        return ScalarType(dtypes.from_numpy(value.dtype))
    weak = literals == "weak"
    if isinstance(value, bool):
        return ScalarType(dtypes.bool_)
    if isinstance(value, float):
        return ScalarType(dtypes.float32 if weak else dtypes.float64, weak)
    return ScalarType(dtypes.int32 if weak else dtypes.int64, weak)


def lifted(
    function: Callable[..., None], *arguments: Any, literals: Literals = "weak"
) -> ir.Kernel:
    """The verified kernel for some arguments."""
    kernel = lift(function, [type_of(a, literals) for a in arguments], literals=literals)
    verify(kernel)
    return kernel


def run(
    function: Callable[..., None],
    grid: Sequence[int] | int,
    block: Sequence[int] | int,
    *arguments: Any,
    literals: Literals = "weak",
    shared_bytes: int = 0,
) -> ir.Kernel:
    """Lifts a kernel and runs it in the interpreter; arrays are changed in place."""
    kernel = lifted(function, *arguments, literals=literals)
    launch(kernel, grid, block, arguments, shared_bytes)
    return kernel


def launch(
    kernel: ir.Kernel,
    grid: Sequence[int] | int,
    block: Sequence[int] | int,
    arguments: Sequence[Any],
    shared_bytes: int = 0,
) -> None:
    """Runs a lifted kernel in the interpreter."""
    grid = (grid,) if isinstance(grid, int) else grid
    block = (block,) if isinstance(block, int) else block
    Interpreter(kernel).run(grid, block, shared_bytes, bound(kernel, arguments))


def bound(kernel: ir.Kernel, arguments: Sequence[Any]) -> dict[str, Any]:
    """The value of each of a kernel's parameters for a launch's arguments."""
    return _bind(kernel, list(_flat(arguments)))


def _flat(arguments: Sequence[Any]) -> Any:
    for argument in arguments:
        if isinstance(argument, tuple):
            yield from _flat(argument)
        else:
            yield argument


def _bind(kernel: ir.Kernel, arguments: list[Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for param in kernel.params:
        argument = arguments[param.argument]
        match param.kind:
            case "buffer":
                values[param.name] = _storage(argument)
            case "scalar":
                values[param.name] = argument
            case "extent":
                values[param.name] = argument.shape[param.axis]
            case "stride":
                values[param.name] = argument.strides[param.axis] // argument.itemsize
    return values


def _storage(array: np.ndarray) -> tuple[np.ndarray, int]:
    """The flat memory an array lives in, and the index of its first element there."""
    base = array
    while isinstance(base.base, np.ndarray):
        base = base.base
    flat = base.reshape(-1, order="A")
    offset = (array.ctypes.data - flat.ctypes.data) // array.itemsize
    return flat, offset


__all__ = ["Literals", "bound", "flatten", "launch", "lifted", "run", "type_of"]
