"""A thread's own arrays of which every index is a constant become locals.

Register tiles are written as small arrays (``float sum[8][3]``); once the loops over them are unrolled,
no access needs an address, and each element can live in a register.
"""

from __future__ import annotations

from collections.abc import Iterator

from accelerx.compiler import ir
from accelerx.compiler.ir import Const, Expr, Kernel, Stmt

MAX_ELEMENTS = 128  # of an array; larger ones would only be spilled


def scalarise(kernel: Kernel) -> Kernel:
    """``kernel`` with locals instead of arrays that only constants index."""
    arrays = _candidates(kernel)
    read: dict[str, set[int]] = {name: set() for name in arrays}
    written: dict[str, set[int]] = {name: set() for name in arrays}
    for s in ir.statements(kernel.body):
        for name, indices, stores in _accesses(s):
            if name not in arrays:
                continue
            index = _constant(indices, arrays[name])
            if index is None:
                del arrays[name]
            else:
                (written if stores else read)[name].add(index)
    for name in list(arrays):
        if not read[name] <= written[name]:  # what is never set stays memory, which may be read
            del arrays[name]
    if not arrays:
        return kernel
    kernel = kernel.with_body(kernel.body)
    elements = {
        (name, i): kernel.fresh(f"{name}.{i}", kernel.mems[name].dtype)
        for name, size in arrays.items()
        for i in range(size)
    }
    for name in arrays:
        del kernel.mems[name]
    kernel.body = _block(kernel.body, elements)
    return kernel


def _candidates(kernel: Kernel) -> dict[str, int]:
    """Own arrays with their sizes (nothing is a view of one)."""
    return {
        mem.name: mem.size
        for mem in kernel.mems.values()
        if mem.space == "local" and mem.size is not None and mem.size <= MAX_ELEMENTS
    }


def _accesses(s: Stmt) -> Iterator[tuple[str, tuple[Expr, ...] | None, bool]]:
    """The arrays that a statement itself touches, and whether it stores; no indices: atomics."""
    if isinstance(s, ir.Store):
        yield s.mem, s.indices, True
    elif isinstance(s, ir.Atomic):
        yield s.mem, None, True
    for e in ir.expressions(s):
        for x in ir.walk(e):
            if isinstance(x, ir.Load):
                yield x.mem, x.indices, False


def _constant(indices: tuple[Expr, ...] | None, size: int) -> int | None:
    """The constant index of an access inside the array; None if it is none."""
    if indices is None or len(indices) != 1 or not isinstance(indices[0], Const):
        return None
    index = int(indices[0].value)
    return index if 0 <= index < size else None


def _block(body: list[Stmt], elements: dict[tuple[str, int], str]) -> list[Stmt]:
    def local(e: Expr) -> Expr:
        if isinstance(e, ir.Load) and isinstance(e.indices[0], Const):
            name = elements.get((e.mem, int(e.indices[0].value)))
            if name is not None:
                return ir.Local(name, e.type, loc=e.loc)
        return ir.map_operands(e, local)

    def statement(s: Stmt) -> Stmt:
        s = ir.map_expressions(s, local)
        if isinstance(s, ir.Store) and isinstance(s.indices[0], Const):
            name = elements.get((s.mem, int(s.indices[0].value)))
            if name is not None:
                return ir.Assign(name, s.value, loc=s.loc)
        return ir.map_blocks(s, lambda block: _block(block, elements))

    return [statement(s) for s in body]
