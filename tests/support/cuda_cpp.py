"""Runs CUDA C++ kernels through the front end and the interpreter, on NumPy arguments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from accelerx.compiler import ir
from accelerx.compiler.frontends.cuda_cpp.lifter import CudaSignature, lift, signature
from accelerx.compiler.frontends.cuda_cpp.source import CudaOptions, CudaSource
from accelerx.runtime.interpreter import Interpreter


@dataclass(frozen=True)
class Pointers:
    """A record whose pointer members point into arrays, which are given by name."""

    record: np.ndarray[Any, Any]
    arrays: dict[str, np.ndarray[Any, Any]]

    def __init__(self, record: np.ndarray[Any, Any], **arrays: np.ndarray[Any, Any]) -> None:
        object.__setattr__(self, "record", record)
        object.__setattr__(self, "arrays", arrays)


def source(text: str, **options: Any) -> CudaSource:
    """A text with options."""
    return CudaSource(text, CudaOptions(**options))


def run(
    text: str | CudaSource,
    name: str,
    grid: Any,
    block: Any,
    *arguments: Any,
    shared_bytes: int = 0,
    module: dict[str, np.ndarray[Any, Any]] | None = None,
) -> ir.Kernel:
    """Lifts a kernel and runs it in the interpreter; arrays are changed in place.

    Args:
        text: The source.
        name: The kernel's name or name expression.
        grid, block: The launch's shape.
        arguments: Arrays, numbers, records (0-d structured arrays) and None for null pointers.
        shared_bytes: Dynamic shared memory.
        module: Receives the module's variables as arrays, and may hold some.
    """
    unit = text if isinstance(text, CudaSource) else source(text)
    parsed = signature(unit, name)
    values = list(leaves(parsed, arguments))
    kernel = lift(unit, name, frozenset(i for i, v in enumerate(values) if v is None))
    variables = {} if module is None else module
    for g in parsed.globals:
        initial = np.frombuffer(g.initial or bytes(g.size), np.uint8).copy()
        variables.setdefault(g.name, initial.view(g.dtype.numpy))
        values.append(variables[g.name])
    bound = {p.name: _bound(p, values[p.argument]) for p in kernel.params}
    Interpreter(kernel).run(_dims(grid), _dims(block), shared_bytes, bound)
    return kernel


def leaves(parsed: CudaSignature, arguments: Sequence[Any]) -> Iterator[Any]:
    """The flattened arguments, records taken apart by their bytes."""
    assert len(parsed.parameters) == len(arguments), parsed.text
    for parameter, value in zip(parsed.parameters, arguments, strict=True):
        for number in parameter.leaves:
            leaf = parsed.arguments[number]
            if not leaf.path:
                yield value
            elif leaf.kind == "scalar":
                assert leaf.dtype is not None
                record = value.record if isinstance(value, Pointers) else value
                data = np.asarray(record).tobytes()[leaf.offset :]
                yield np.frombuffer(data[: leaf.dtype.itemsize], leaf.dtype.numpy)[0]
            else:
                yield value.arrays[leaf.path[-1]]


def _bound(p: ir.Param, value: Any) -> Any:
    if p.kind != "buffer":
        return value
    flat = value.reshape(-1)
    assert flat.base is not None or flat is value, "the array must be contiguous"
    bytes_ = flat.view(np.uint8)
    whole = bytes_[: bytes_.size // p.dtype.itemsize * p.dtype.itemsize]
    return whole.view(p.dtype.numpy), 0


def _dims(shape: Any) -> tuple[int, ...]:
    return (shape,) if isinstance(shape, int) else tuple(shape)
