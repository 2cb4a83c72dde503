"""Partial evaluation: constants are propagated, short loops around barriers or own arrays unrolled.

A tree reduction (``s = 128; while s > 0: if t < s: ...; barrier; s //= 2``) or a shuffle ladder then
has a constant in each copy of its body: guards are decided while code is generated, and shuffles
become fixed permutations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from accelerx.compiler import ir
from accelerx.compiler.ir import Const, Expr, Kernel, Stmt
from accelerx.compiler.passes import flow
from accelerx.compiler.passes.fold import fold

MAX_TRIPS = 64
MAX_SIZE_AROUND_WARP = 2000
MAX_SIZE_WANTED = 1000  # of a loop whose author asks for it
MAX_SIZE = 500
MAX_SIZE_PLAIN = 64

Known = dict[str, Const]


def propagate(kernel: Kernel) -> Kernel:
    """``kernel`` with constants propagated, loops unrolled and unread locals removed."""
    own = {mem.name for mem in kernel.mems.values() if mem.space == "local"}
    body = _Propagation(own).block(kernel.body, {})
    return _without_unread(kernel.with_body(body))


def _assigned(body: Sequence[Stmt]) -> set[str]:
    return {name for s in ir.statements(body) if (name := ir.target(s)) is not None}


def _forget(known: Known, body: Sequence[Stmt]) -> None:
    for name in _assigned(body):
        known.pop(name, None)


def _same(a: Const, b: Const | None) -> bool:
    return b is not None and (a.type, repr(a.value)) == (b.type, repr(b.value))


class _Propagation:
    """One walk through a kernel; ``own`` names its local arrays."""

    def __init__(self, own: set[str]) -> None:
        self.own = own

    def block(self, body: Sequence[Stmt], known: Known) -> list[Stmt]:
        """``body`` evaluated as far as ``known`` allows; ``known`` becomes what holds after it."""
        out: list[Stmt] = []
        for s in body:
            out += self._statement(s, known)
        return out

    def _statement(self, s: Stmt, known: Known) -> list[Stmt]:
        match s:
            case ir.Assign():
                value = fold(s.value, known)
                known.pop(s.target, None)
                if isinstance(value, Const):
                    known[s.target] = Const(value.value, value.type)
                return [replace(s, value=value)]
            case ir.If():
                return self._if(s, known)
            case ir.While():
                return self._while(s, known)
            case ir.For():
                return self._for(s, known)
            case ir.Scope():
                inside = dict(known)
                body = self.block(s.body, inside)
                _forget(known, s.body)
                return [replace(s, body=body)]
            case _:
                new = ir.map_expressions(s, lambda e: fold(e, known))
                if (name := ir.target(s)) is not None:
                    known.pop(name, None)
                return [new]

    def _if(self, s: ir.If, known: Known) -> list[Stmt]:
        condition = fold(s.condition, known)
        if isinstance(condition, Const):
            return self.block(s.then if condition.value else s.orelse, known)
        in_then, in_else = dict(known), dict(known)
        then, orelse = self.block(s.then, in_then), self.block(s.orelse, in_else)
        known.clear()
        known.update({n: c for n, c in in_then.items() if _same(c, in_else.get(n))})
        return [replace(s, condition=condition, then=then, orelse=orelse)]

    def _while(self, s: ir.While, known: Known) -> list[Stmt]:
        unrolled = self._unrolled_while(s, known)
        if unrolled is not None:
            return unrolled
        _forget(known, [s])
        body, post = self.block(s.body, dict(known)), self.block(s.post, dict(known))
        return [replace(s, condition=fold(s.condition, known), body=body, post=post)]

    def _for(self, s: ir.For, known: Known) -> list[Stmt]:
        start, stop, step = (fold(e, known) for e in (s.start, s.stop, s.step))
        unrolled = self._unrolled_for(s, (start, stop, step), known)
        if unrolled is not None:
            return unrolled
        _forget(known, [s])
        body = self.block(s.body, dict(known))
        return [replace(s, start=start, stop=stop, step=step, body=body)]

    # ---- unrolling

    def _limit(self, s: ir.For | ir.While) -> int:
        """The size up to which a loop is worth unrolling; 0 if it is not."""
        if next(flow.own_exits(s), None) is not None:
            return 0
        if ir.contains(s.body, ir.Warp):
            return MAX_SIZE_AROUND_WARP
        wanted = isinstance(s, ir.For) and s.unroll
        if wanted:
            return MAX_SIZE_WANTED
        if flow.has_block_barrier(s.body) or self._touches_own(s.body):
            return MAX_SIZE
        return MAX_SIZE_PLAIN if isinstance(s, ir.For) else 0

    def _touches_own(self, body: Sequence[Stmt]) -> bool:
        """Whether a list accesses a thread's own array, which known indices let be registers."""
        for s in ir.statements(body):
            if isinstance(s, ir.Store | ir.Atomic) and s.mem in self.own:
                return True
            for e in ir.expressions(s):
                if any(isinstance(x, ir.Load) and x.mem in self.own for x in ir.walk(e)):
                    return True
        return False

    def _unrolled_while(self, s: ir.While, known: Known) -> list[Stmt] | None:
        limit = self._limit(s)
        out: list[Stmt] = []
        after = dict(known)
        for _ in range(MAX_TRIPS if limit else 0):
            condition = fold(s.condition, after)
            if not isinstance(condition, Const):
                return None
            if not condition.value:
                known.clear()
                known.update(after)
                return out
            out += self.block(s.body, after)
            out += self.block(s.post, after)
            if flow.size(out) > limit:
                return None
        return None

    def _unrolled_for(
        self, s: ir.For, bounds: tuple[Expr, Expr, Expr], known: Known
    ) -> list[Stmt] | None:
        limit = self._limit(s)
        values = [int(e.value) for e in bounds if isinstance(e, Const)]
        if not limit or len(values) != 3:
            return None
        trips = range(*values)
        if len(trips) > MAX_TRIPS or len(trips) * flow.size(s.body) > limit:
            return None
        out: list[Stmt] = []
        after = dict(known)
        for value in trips:
            after[s.target] = Const(value, s.start.type)
            out += self.block(s.body, after)
        after.pop(s.target, None)
        known.clear()
        known.update(after)
        return out


# ---------------------------------------------------------------------------------- unread locals


def _without_unread(kernel: Kernel) -> Kernel:
    """Removes assignments of locals that nothing reads (expressions have no effects)."""
    while True:
        read = {name for s in ir.statements(kernel.body) for name in ir.reads(s)}
        body = _drop(kernel.body, read)
        if flow.size(body) == flow.size(kernel.body):
            return kernel
        kernel = kernel.with_body(body)


def _drop(body: Sequence[Stmt], read: set[str]) -> list[Stmt]:
    return [
        ir.map_blocks(s, lambda block: _drop(block, read))
        for s in body
        if not (isinstance(s, ir.Assign) and s.target not in read)
    ]
