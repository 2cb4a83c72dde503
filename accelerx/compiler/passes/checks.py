"""Instrumentation: turns accesses that KIR leaves undefined into Asserts that name what is wrong.

Because it works on KIR, every front end gets it and every backend runs it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.diagnostics import Loc
from accelerx.compiler.passes.fold import fold
from accelerx.compiler.printer import print_expr


def check_bounds(kernel: ir.Kernel) -> ir.Kernel:
    """The kernel with an Assert before each access for each index that might be outside its axis.

    An index is checked against its own axis, so a negative one and one that only reaches into the
    next row are found as well. Axes of unknown extent (pointers, dynamic shared memory) are left.
    """
    return kernel.with_body(_Bounds(kernel).block(kernel.body))


class _Bounds:
    def __init__(self, kernel: ir.Kernel) -> None:
        self.mems = kernel.mems

    def block(self, body: Sequence[ir.Stmt]) -> list[ir.Stmt]:
        """A list with checks."""
        out: list[ir.Stmt] = []
        for s in body:
            out += self.checks(s)
            out.append(self.nested(s))
        return out

    def nested(self, s: ir.Stmt) -> ir.Stmt:
        """``s`` with checks in its lists."""
        new = ir.map_blocks(s, self.block)
        if isinstance(new, ir.While):
            # The condition is evaluated again after ``post``, which continue goes through as well.
            new.post.extend(self.checks(s))
        return new

    def checks(self, s: ir.Stmt) -> list[ir.Stmt]:
        """Asserts for what ``s`` itself accesses, in the order of evaluation."""
        asserts: dict[str, ir.Stmt] = {}
        for e in ir.expressions(s):
            for load in _loads(e):
                self.access(load.mem, load.indices, load.loc or s.loc, asserts)
        if isinstance(s, (ir.Store, ir.Atomic)):
            self.access(s.mem, s.indices, s.loc, asserts)
        return list(asserts.values())

    def access(
        self,
        name: str,
        indices: Sequence[ir.Expr],
        loc: Loc | None,
        asserts: dict[str, ir.Stmt],
    ) -> None:
        """Adds the Asserts of one access; ``asserts`` keeps one for each different condition."""
        mem = self.mems[name]
        for axis, (index, extent) in enumerate(zip(indices, mem.shape, strict=True)):
            if extent is None or _surely_inside(index, extent, mem.overhang):
                continue
            whole = _i64(extent) if isinstance(extent, int) else extent
            limit = whole if not mem.overhang else fold(_less(whole, mem.overhang))
            wide = index if index.type is dtypes.int64 else ir.Cast(index, dtypes.int64, loc)
            condition = ir.Logical(
                "and",
                ir.Compare("ge", wide, _i64(0), loc),
                ir.Compare("lt", wide, limit, loc),
                loc,
            )
            where = f"axis {axis} of {name}" if len(indices) > 1 else name
            message = f"index {{0}} is out of bounds: {where} has extent {{1}}"
            if mem.step != mem.dtype.itemsize:
                message += f" in steps of {mem.step} bytes, of {mem.dtype.itemsize}-byte elements"
            key = f"{message}: {print_expr(condition)}"
            asserts.setdefault(key, ir.Assert(condition, message, (wide, whole), "bounds", loc))


def _loads(e: ir.Expr) -> Iterator[ir.Load]:
    """The loads of a tree, those inside an index before the one that uses it."""
    for operand in ir.operands(e):
        yield from _loads(operand)
    if isinstance(e, ir.Load):
        yield e


def _surely_inside(index: ir.Expr, extent: int | ir.Expr, overhang: int) -> bool:
    if not isinstance(index, ir.Const) or not isinstance(extent, int):
        return False
    return 0 <= index.value < extent - overhang


def _less(e: ir.Expr, by: int) -> ir.Expr:
    return ir.Binary("sub", e, _i64(by), dtypes.int64, True)


def _i64(value: int) -> ir.Const:
    return ir.Const(value, dtypes.int64)
