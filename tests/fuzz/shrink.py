"""Makes a failing program small: drops statements and simplifies expressions while it still fails.

What would make a good program racy or undefined is left alone: exchanges between threads are
dropped whole or not at all, and so are the indices of writes, and guards around NaN and -0.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from accelerx.compiler import ir
from accelerx.compiler.verify import VerifyError, verify
from tests.fuzz.programs import Program, zero

_GUARDED = ("copysign", "nextafter", "signbit")


def shrink(program: Program, fails: Callable[[Program], bool], seconds: float = 60.0) -> Program:
    """The smallest program found in the time for which ``fails`` still holds."""
    deadline = time.monotonic() + seconds
    start = 0
    while time.monotonic() < deadline:
        for n, candidate in enumerate(_candidates(program)):
            if n < start:
                continue
            if time.monotonic() > deadline:
                return program
            if _valid(candidate) and fails(candidate):
                # What came before did not help, so it is tried again only at the very end.
                program, start = candidate, n
                break
        else:
            if start == 0:
                return program
            start = 0
    return program


def _valid(program: Program) -> bool:
    try:
        verify(program.kernel)
    except VerifyError:
        return False
    return True


def _candidates(program: Program) -> Iterator[Program]:
    """Simpler programs, those that drop most first."""
    body = program.kernel.body
    size = len(body)
    while size >= 1:
        for at in range(0, len(body), size):
            yield program.with_body([*body[:at], *body[at + size :]])
        size //= 2
    for smaller in _lists(body):
        yield program.with_body(smaller)
    if program.grid != (1, 1, 1):
        yield replace(program, grid=(1, 1, 1))


def _lists(body: Sequence[ir.Stmt]) -> Iterator[list[ir.Stmt]]:
    """Lists with one statement dropped, replaced by its parts, or made simpler inside."""
    for n, s in enumerate(body):
        before, after = list(body[:n]), list(body[n + 1 :])
        if not isinstance(s, ir.Barrier):
            yield [*before, *after]
        if _is_exchange(s):
            continue
        for block in ir.blocks(s):
            if block:
                yield [*before, *block, *after]
        for simpler in _statements(s):
            yield [*before, simpler, *after]


def _is_exchange(s: ir.Stmt) -> bool:
    return isinstance(s, ir.Scope) and s.label.startswith("exchange")


def _statements(s: ir.Stmt) -> Iterator[ir.Stmt]:
    """The statement with something simpler in it."""
    match s:
        case ir.If():
            for then in _lists(s.then):
                yield replace(s, then=then)
            for orelse in _lists(s.orelse):
                yield replace(s, orelse=orelse)
            for condition in _simpler(s.condition):
                yield replace(s, condition=condition)
        case ir.For() | ir.Scope():
            for body in _lists(s.body):
                yield replace(s, body=body)
            if isinstance(s, ir.For):
                yield replace(s, start=ir.Const(0, s.start.type), stop=ir.Const(2, s.stop.type))
        case ir.While():
            # The condition bounds the loop, and ``post`` counts: both stay.
            for body in _lists(s.body):
                yield replace(s, body=body)
        case ir.Assign() | ir.Store():
            for value in _simpler(s.value):
                yield replace(s, value=value)
        case _:
            return


def _simpler(e: ir.Expr) -> Iterator[ir.Expr]:
    """The expression replaced by a constant or an operand, or with a simpler operand."""
    if isinstance(e, ir.Const):
        return
    yield ir.Const(zero(e.type), e.type, e.loc)
    guards = isinstance(e, ir.Bitcast) or (isinstance(e, ir.Call) and e.function in _GUARDED)
    guards |= isinstance(e, ir.Binary) and e.op in ("min", "max") and e.type.is_float
    operands = ir.operands(e)
    for operand in operands:
        if operand.type is e.type:
            yield operand
    if guards or isinstance(e, ir.Load):
        return
    for n, operand in enumerate(operands):
        for simpler in _simpler(operand):
            yield _with_operand(e, n, simpler)


def _with_operand(e: ir.Expr, n: int, new: ir.Expr) -> ir.Expr:
    old = ir.operands(e)
    by_identity = {id(old[n]): new}
    return ir.map_operands(e, lambda o: by_identity.get(id(o), o))
