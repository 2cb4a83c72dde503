"""The packed argument buffer: where each parameter of a kernel lies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accelerx.compiler.ir import Param

ADDRESS_BYTES = 8


def param_size(param: Param) -> int:
    """Bytes of a parameter in the buffer, which is also its alignment."""
    return ADDRESS_BYTES if param.kind == "buffer" else param.dtype.itemsize


def pack_layout(params: Sequence[Param]) -> tuple[tuple[int, ...], int]:
    """Offsets of the parameters, in order, each at its natural alignment, and the buffer's size."""
    offsets: list[int] = []
    end = 0
    for param in params:
        size = param_size(param)
        start = (end + size - 1) // size * size
        offsets.append(start)
        end = start + size
    return tuple(offsets), (end + ADDRESS_BYTES - 1) // ADDRESS_BYTES * ADDRESS_BYTES
