"""From a corpus entry to KIR, and KIR run by the interpreter."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from accelerx.arguments import type_of
from accelerx.compiler import ir
from accelerx.compiler.frontends.python import lift
from accelerx.compiler.verify import verify
from accelerx.runtime.interpreter import Interpreter
from tests.corpus.python import CASES
from tests.corpus.python.case import Case, Launch, Typing

PAIRS: tuple[tuple[Case, Typing], ...] = tuple((c, t) for c in CASES for t in c.typings)
IDS = tuple(f"{case.name}-{typing}" for case, typing in PAIRS)


@cache
def lifted(case: Case, typing: Typing) -> ir.Kernel:
    """The entry's verified KIR for the argument types of its first launch."""
    arguments = case.arguments(case.launches[0])
    names = inspect.signature(case.kernel).parameters
    types = [type_of(a, n, typing == "weak") for a, n in zip(arguments, names, strict=True)]
    kernel = lift(case.kernel, tuple(types), literals=typing)
    verify(kernel)
    return kernel


def interpret(kernel: ir.Kernel, launch: Launch, arguments: Sequence[Any]) -> None:
    """Runs KIR in the interpreter; arrays are changed in place."""
    bound: dict[str, Any] = {}
    copies: list[tuple[Any, Any]] = []
    for p in kernel.params:
        a = arguments[p.argument]
        if p.kind == "buffer":
            flat, view = _flat(a)
            copies.append((a, view))
            bound[p.name] = (flat, 0)
        elif p.kind == "extent":
            bound[p.name] = a.shape[p.axis]
        elif p.kind == "stride":
            bound[p.name] = a.strides[p.axis] // a.itemsize
        else:
            bound[p.name] = a
    Interpreter(kernel).run(_three(launch.grid), _three(launch.block), launch.shared_bytes, bound)
    for array, view in copies:
        array[...] = view


def _flat(array: Any) -> tuple[Any, Any]:
    """Flat memory that holds ``array`` at its own strides from element 0, and a view of it so."""
    reach = (
        1
        + sum((n - 1) * s for n, s in zip(array.shape, array.strides, strict=True))
        // array.itemsize
    )
    flat = np.zeros(reach, array.dtype)
    view = np.lib.stride_tricks.as_strided(flat, array.shape, array.strides)
    view[...] = array
    return flat, view


def _three(dim: int | tuple[int, ...]) -> tuple[int, int, int]:
    x, y, z = (*((dim,) if isinstance(dim, int) else dim), 1, 1)[:3]
    return x, y, z
