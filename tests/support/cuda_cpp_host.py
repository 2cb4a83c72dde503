"""Runs CUDA C++ kernels in the interpreter and compiled for the host.

Where CUDA's own headers are installed, every text must be valid for NVRTC too, so that what our
headers offer is what CUDA has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from accelerx.compiler.dialects.base import EmitOptions
from accelerx.compiler.frontends.cuda_cpp.lifter import lift, signature
from tests.support import nvrtc
from tests.support.cuda_cpp import run, source
from tests.support.host import HostKernel

Array = np.ndarray[Any, Any]


def on_host(
    text: str,
    name: str,
    grid: int,
    block: int,
    *arguments: Any,
    options: EmitOptions | None = None,
    **flags: Any,
) -> None:
    """Runs a kernel, compiled, on arrays and numbers; arrays are changed in place."""
    pytest.importorskip("llvmlite", reason="compiling for the CPU needs llvmlite")
    unit = source(text, **flags)
    kernel = lift(unit, name)
    values: list[Any] = list(arguments)
    for g in signature(unit, name).globals:
        values.append(np.frombuffer(g.initial or bytes(g.size), np.uint8).copy())
    bound = {p.name: values[p.argument] for p in kernel.params}
    for p in kernel.params:
        if p.kind == "buffer":
            bound[p.name] = bound[p.name].reshape(-1).view(p.dtype.numpy)
    HostKernel(kernel, block, options).run(grid, bound)


def both(
    text: str,
    name: str,
    grid: int,
    block: int,
    *arguments: Any,
    is_for_nvrtc: bool = False,
    **flags: Any,
) -> tuple[list[Array], list[Array]]:
    """The arrays among the arguments after a run in the interpreter, and after one on the host.

    Args:
        text: The source.
        name: The kernel's name.
        grid, block: The launch's shape.
        arguments: Arrays, which stay as they are, and numbers.
        is_for_nvrtc: Whether NVRTC, which knows less than nvcc, must take the text too.
        flags: Options of the text.
    """

    if is_for_nvrtc:
        _check_with_nvrtc(text, name, **flags)

    def copied(values: Sequence[Any]) -> list[Any]:
        return [v.copy() if isinstance(v, np.ndarray) else v for v in values]

    interpreted, compiled = copied(arguments), copied(arguments)
    run(source(text, **flags), name, grid, block, *interpreted)
    on_host(text, name, grid, block, *compiled, **flags)
    return (
        [v for v in interpreted if isinstance(v, np.ndarray)],
        [v for v in compiled if isinstance(v, np.ndarray)],
    )


def _check_with_nvrtc(
    text: str, name: str, standard: str = "c++17", defines: tuple[tuple[str, str], ...] = ()
) -> None:
    folders = nvrtc.headers()
    if not folders:
        return
    options = [f"--std={standard}", *(f"-I{folder}" for folder in folders)]
    options += [f"-D{key}={value}" for key, value in defines]
    entries = () if name.isidentifier() else (name,)
    nvrtc.compile_cuda(text, "sm_90", tuple(options), entries)
