"""Questions about structured control flow that several passes ask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from accelerx.compiler import ir
from accelerx.compiler.ir import Stmt


def leaving(body: Sequence[Stmt]) -> Iterator[Stmt]:
    """The statements of a list (at any depth) that leave it: break, continue, exit, return."""
    yield from _leaving(body, 0, ())


def _leaving(body: Sequence[Stmt], loops: int, labels: tuple[str, ...]) -> Iterator[Stmt]:
    for s in body:
        match s:
            case ir.Return():
                yield s
            case ir.Break() | ir.Continue() if loops == 0:
                yield s
            case ir.Exit() if s.label not in labels:
                yield s
            case ir.For() | ir.While():
                for block in ir.blocks(s):
                    yield from _leaving(block, loops + 1, labels)
            case ir.Scope():
                yield from _leaving(s.body, loops, (*labels, s.label))
            case ir.If():
                yield from _leaving(s.then, loops, labels)
                yield from _leaving(s.orelse, loops, labels)


def leaves(body: Sequence[Stmt]) -> bool:
    """Whether control may leave a list other than past its end."""
    return next(leaving(body), None) is not None


def own_exits(s: Stmt) -> Iterator[Stmt]:
    """The breaks, continues and exits in a loop's or scope's body that target that construct."""
    match s:
        case ir.For() | ir.While():
            for block in ir.blocks(s):
                yield from (x for x in leaving(block) if isinstance(x, ir.Break | ir.Continue))
        case ir.Scope():
            for x in leaving(s.body):
                if isinstance(x, ir.Exit) and x.label == s.label:
                    yield x


def construct_leaves(s: Stmt) -> bool:
    """Whether control may leave a construct other than past its end."""
    return next(leaving([s]), None) is not None


def is_block_barrier(s: Stmt) -> bool:
    """Whether a whole block waits at a statement."""
    return isinstance(s, ir.Barrier) and s.kind != "warp"


def waits_for_grid(body: Sequence[Stmt]) -> bool:
    """Whether blocks wait for each other."""
    return any(isinstance(s, ir.Barrier) and s.kind == "grid" for s in ir.statements(body))


def has_block_barrier(body: Sequence[Stmt]) -> bool:
    return any(is_block_barrier(s) for s in ir.statements(body))


CALL_SIZE = 20  # of an intrinsic, most of which are polynomials
LANE_LOOP_SIZE = 80  # of a statement that takes one lane after the other


def size(body: Sequence[Stmt]) -> int:
    """Number of statements and expression nodes: a measure of the code they become."""
    total = 0
    for s in ir.statements(body):
        total += LANE_LOOP_SIZE if isinstance(s, ir.Atomic | ir.Print | ir.Assert) else 1
        for e in ir.expressions(s):
            total += sum(CALL_SIZE if isinstance(x, ir.Call) else 1 for x in ir.walk(e))
    return total
