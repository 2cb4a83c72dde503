"""Puts coordinates in place of the locals that hold them.

``t = threadIdx.x`` and what is computed from coordinates, parameters and constants by a few integer
operations never changes. Written out at each use it is known while code is generated (guards such as
``t < 128`` are then decided at once), and no local has to survive a barrier.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from accelerx.compiler import ir
from accelerx.compiler.ir import Expr, Kernel, Stmt

MAX_SIZE = 12  # nodes


def inline_coordinates(kernel: Kernel) -> Kernel:
    """``kernel`` with unchanging integer locals replaced by their values (webs are split)."""
    count = Counter(t for s in ir.statements(kernel.body) if (t := ir.target(s)) is not None)
    known: dict[str, Expr] = {}
    for s in ir.statements(kernel.body):
        if isinstance(s, ir.Assign) and count[s.target] == 1 and s.value.type.is_integer:
            value = _substituted(s.value, known)
            if _unchanging(value) and sum(1 for _ in ir.walk(value)) <= MAX_SIZE:
                known[s.target] = value
    return kernel.with_body(_block(kernel.body, known)) if known else kernel


def _unchanging(e: Expr) -> bool:
    if isinstance(e, ir.Const | ir.ParamRef | ir.Special):
        return True
    cheap = isinstance(e, ir.Cast) or (
        isinstance(e, ir.Binary)
        and e.op in ("add", "sub", "mul", "shl", "shr", "and", "quot", "rem")
    )
    return cheap and e.type.is_integer and all(_unchanging(x) for x in ir.operands(e))


def _substituted(e: Expr, known: dict[str, Expr]) -> Expr:
    if isinstance(e, ir.Local):
        return known.get(e.name, e)
    return ir.map_operands(e, lambda x: _substituted(x, known))


def _block(body: Sequence[Stmt], known: dict[str, Expr]) -> list[Stmt]:
    out = []
    for s in body:
        if isinstance(s, ir.Assign) and s.target in known:
            continue
        s = ir.map_expressions(s, lambda e: _substituted(e, known))
        out.append(ir.map_blocks(s, lambda b: _block(b, known)))
    return out
