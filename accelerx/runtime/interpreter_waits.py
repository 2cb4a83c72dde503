"""Which loops of a kernel may wait for other threads, and what decides when such a wait ends.

In lock-step, lanes that left a loop stand still until all others have left it. A lane that spins
until one of them does something later never leaves. The interpreter finds that out at run time: if
a turn of a loop changes neither memory nor a local that control flow depends on, no turn ever will.
A wait for another block ends if blocks run one after the other, so kernels that may hold one do.
"""

from __future__ import annotations

from collections.abc import Iterator

from accelerx.compiler import ir

_CONTROL = (ir.If, ir.While, ir.For)


def loops(kernel: ir.Kernel) -> dict[int, frozenset[str]]:
    """For each While (by id), the locals on which control flow and memory effects in it depend."""
    return {id(s): frozenset(_deciding(s, effects=True)) for s in _whiles(kernel)}


def may_wait_for_blocks(kernel: ir.Kernel) -> bool:
    """Whether a While may end because of what another block writes to global memory."""
    written = {p.name for p in kernel.params if p.kind == "buffer" and p.written}
    shared = {m.name for m in kernel.mems.values() if m.storage in written}
    return any(_watches(s, _deciding(s, effects=False), shared) for s in _whiles(kernel))


def _whiles(kernel: ir.Kernel) -> Iterator[ir.While]:
    return (s for s in ir.statements(kernel.body) if isinstance(s, ir.While))


def _inside(loop: ir.While) -> Iterator[ir.Stmt]:
    yield loop
    for block in ir.blocks(loop):
        yield from ir.statements(block)


def _deciding(loop: ir.While, effects: bool) -> set[str]:
    """Locals that conditions in the loop depend on; with ``effects``, that anything depends on."""
    deciding: set[str] = set()
    plain: list[tuple[str, set[str]]] = []
    for s in _inside(loop):
        if isinstance(s, ir.Assign):
            plain.append((s.target, set(ir.reads(s))))
        elif isinstance(s, _CONTROL) or (effects and not isinstance(s, ir.Print)):
            deciding.update(ir.reads(s))
    while True:
        more = [reads for target, reads in plain if target in deciding and not reads <= deciding]
        if not more:
            return deciding
        deciding.update(*more)


def _watches(loop: ir.While, deciding: set[str], shared: set[str]) -> bool:
    """Whether a condition in the loop may see what is read from the arrays ``shared``."""
    for s in _inside(loop):
        if isinstance(s, ir.Atomic) and s.mem in shared and s.result in deciding:
            return True
        if isinstance(s, _CONTROL) or (isinstance(s, ir.Assign) and s.target in deciding):
            loads = (x for e in ir.expressions(s) for x in ir.walk(e) if isinstance(x, ir.Load))
            if any(x.mem in shared for x in loads):
                return True
    return False
