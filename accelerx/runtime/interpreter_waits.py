"""Which loops of a kernel may wait for other threads, and what decides when such a wait ends.

In lock-step, lanes that left a loop stand still until all others have left it. A lane that spins
until one of them does something later never leaves. The interpreter finds that out at run time: if
a turn of a loop changes neither memory nor a local that control flow depends on, no turn ever will.
A wait for another block ends if blocks run one after the other, so kernels that may hold one do.
"""

from __future__ import annotations

from collections.abc import Iterator

from accelerx.compiler import ir


def loops(kernel: ir.Kernel) -> dict[int, frozenset[str]]:
    """For each While (by id), the locals on which control flow and memory effects in it depend."""
    return {
        id(s): frozenset(_deciding(s))
        for s in ir.statements(kernel.body)
        if isinstance(s, ir.While)
    }


def may_wait_for_blocks(kernel: ir.Kernel) -> bool:
    """Whether a While may end because of what another block writes to global memory."""
    shared = {p.name for p in kernel.params if p.kind == "buffer" and p.written}
    shared &= {m.name for m in kernel.mems.values() if m.space == "global"}
    return any(
        _watches(s, _deciding(s), shared)
        for s in ir.statements(kernel.body)
        if isinstance(s, ir.While)
    )


def _inside(loop: ir.While) -> Iterator[ir.Stmt]:
    yield loop
    for block in ir.blocks(loop):
        yield from ir.statements(block)


def _deciding(loop: ir.While) -> set[str]:
    deciding: set[str] = set()
    plain: list[tuple[str, set[str]]] = []
    for s in _inside(loop):
        if isinstance(s, ir.Assign):
            plain.append((s.target, set(ir.reads(s))))
        elif not isinstance(s, ir.Print):
            deciding.update(ir.reads(s))
    while True:
        more = [reads for target, reads in plain if target in deciding and not reads <= deciding]
        if not more:
            return deciding
        deciding.update(*more)


def _watches(loop: ir.While, deciding: set[str], shared: set[str]) -> bool:
    for s in _inside(loop):
        if isinstance(s, ir.Atomic) and s.mem in shared and s.result in deciding:
            return True
        controls = isinstance(s, (ir.If, ir.While, ir.For))
        if not controls and not (isinstance(s, ir.Assign) and s.target in deciding):
            continue
        for e in ir.expressions(s):
            if any(isinstance(x, ir.Load) and x.mem in shared for x in ir.walk(e)):
                return True
    return False
