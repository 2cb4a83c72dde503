"""Small KIR kernels made by hand, for tests of what comes after the front ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.diagnostics import Loc, SourceFile
from accelerx.dtypes import DType

SOURCE = SourceFile("k.py", "")
THREAD = ir.Special("thread", 0)


def const(value: int | float | bool, dtype: DType = dtypes.int32) -> ir.Const:
    return ir.Const(value, dtype)


def load(name: str, dtype: DType, index: ir.Expr | int = THREAD) -> ir.Load:
    return ir.Load(name, (const(index) if isinstance(index, int) else index,), dtype)


def store(name: str, value: ir.Expr, index: ir.Expr | int = THREAD) -> ir.Store:
    return ir.Store(name, (const(index) if isinstance(index, int) else index,), value)


def kernel(
    body: Sequence[ir.Stmt],
    buffers: Mapping[str, DType],
    locals: Mapping[str, DType] | None = None,
    scalars: Mapping[str, DType] | None = None,
    name: str = "k",
) -> ir.Kernel:
    """A kernel over flat global buffers, one argument each, then scalars."""
    params = [ir.Param(n, "buffer", t, i, written=True) for i, (n, t) in enumerate(buffers.items())]
    for n, t in (scalars or {}).items():
        params.append(ir.Param(n, "scalar", t, len(params)))
    mems = {n: ir.Mem(n, t, "global", (None,), (1,)) for n, t in buffers.items()}
    return ir.Kernel(name, params, mems, dict(locals or {}), list(body))


def on_line(line: int, *stmts: ir.Stmt) -> list[ir.Stmt]:
    """The statements, nested ones too, as if all stemmed from one line of one source."""
    loc = Loc(SOURCE, line, 1)
    return [ir.map_blocks(replace(s, loc=loc), lambda b: on_line(line, *b)) for s in stmts]
