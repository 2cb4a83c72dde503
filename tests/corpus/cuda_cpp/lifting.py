"""From a corpus entry to KIR, and the arguments of a launch as KIR's parameters."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from accelerx.compiler import ir
from accelerx.compiler.frontends.cuda_cpp import lifter
from accelerx.compiler.frontends.cuda_cpp.source import CudaSource
from accelerx.raw.options import parse
from tests.corpus.cuda_cpp.case import Case
from tests.support.cuda_cpp import leaves


@cache
def source(case: Case) -> CudaSource:
    """The entry's text with its options."""
    return CudaSource(case.source, parse(case.options, None, ()).cuda)


@cache
def lifted(case: Case, nulls: frozenset[int] = frozenset()) -> ir.Kernel:
    """The entry's verified KIR, with the flattened arguments that are null pointers."""
    return lifter.lift(source(case), case.entry, nulls)


def bind(case: Case, arguments: Sequence[Any]) -> tuple[ir.Kernel, dict[str, Any]]:
    """The KIR for arguments, and the value of each of its parameters; arrays share memory."""
    signature = lifter.signature(source(case), case.entry)
    values = list(leaves(signature, arguments))
    kernel = lifted(case, frozenset(i for i, v in enumerate(values) if v is None))
    for variable in signature.globals:
        values.append(np.frombuffer(variable.initial or bytes(variable.size), np.uint8).copy())
    return kernel, {p.name: _bound(p, values[p.argument]) for p in kernel.params}


def _bound(param: ir.Param, value: Any) -> Any:
    """An array as elements of the parameter's type, where it is one."""
    if param.kind != "buffer":
        return value
    raw = value.reshape(-1).view(np.uint8)
    size = param.dtype.itemsize
    return raw[: raw.size // size * size].view(param.dtype.numpy)
