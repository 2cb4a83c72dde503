"""Makes a failing program small: drops statements and simplifies expressions while it still fails.

What would make a good program racy or undefined is left alone: exchanges between threads are
dropped whole or not at all, and so are the indices of writes, and guards around NaN and -0.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from accelerx.compiler import ir
from accelerx.compiler.printer import print_kernel, print_stmt
from accelerx.compiler.verify import VerifyError, verify
from tests.fuzz.setting import Program, zero

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
                break
            if _valid(candidate) and fails(candidate):
                # What came before did not help, so it is tried again only at the very end.
                program, start = candidate, n
                break
        else:
            if start == 0:
                break
            start = 0
    pruned = _pruned(program)
    return pruned if fails(pruned) else program


def _valid(program: Program) -> bool:
    """Whether it obeys KIR's rules and reads no local that may be undefined."""
    try:
        verify(program.kernel)
        _assigned(program.kernel.body, frozenset())
    except (VerifyError, _Undefined):
        return False
    return _memory_is_initialised(program.kernel)


def _memory_is_initialised(kernel: ir.Kernel) -> bool:
    """Whether shared and local arrays that are used still get their first values."""
    body = [s for s in kernel.body if not _is_init(s)]
    inits = {s.label for s in kernel.body if isinstance(s, ir.Scope) and _is_init(s)}
    words = set(re.findall(r"[\w.]+", "\n".join(map(print_stmt, body))))
    own = [m for m in kernel.mems.values() if m.space in ("shared", "local")]
    return all(f"init.{m.storage}" in inits for m in own if m.name in words)


def _is_init(s: ir.Stmt) -> bool:
    return isinstance(s, ir.Scope) and s.label.startswith("init.")


class _Undefined(Exception):
    """A local may be read before it is assigned."""


def _assigned(body: Sequence[ir.Stmt], known: frozenset[str]) -> frozenset[str]:
    """The locals that surely have a value at the end of a list."""
    for s in body:
        if not known.issuperset(ir.reads(s)):
            raise _Undefined
        target = ir.target(s)
        inside = known if target is None else known | {target}
        ends = [_assigned(block, inside) for block in ir.blocks(s)]
        if isinstance(s, ir.If):
            known = ends[0] & ends[1]
        elif not isinstance(s, ir.For):
            known = inside
        if isinstance(s, (ir.Return, ir.Break, ir.Continue, ir.Exit)):
            return _EVERYTHING
    return known


class _Everything(frozenset[str]):
    """What is assigned where control never comes."""

    def __and__(self, other: object) -> frozenset[str]:
        return other  # type: ignore[return-value]

    __rand__ = __and__


_EVERYTHING = _Everything()


def _pruned(program: Program) -> Program:
    """The program without declarations that nothing uses."""
    kernel = program.kernel
    text = print_kernel(replace(kernel, locals={}, mems={}, params=[]))
    words = set(re.findall(r"[\w.]+", text))
    words |= {m.storage for m in kernel.mems.values() if m.name in words}
    mems = {name: m for name, m in kernel.mems.items() if name in words}
    declared = print_kernel(replace(kernel, body=[], locals={}, mems=mems, params=[]))
    words |= set(re.findall(r"[\w.]+", declared))
    pruned = replace(
        kernel,
        locals={name: t for name, t in kernel.locals.items() if name in words},
        mems=mems,
        params=[p for p in kernel.params if p.name in words],
    )
    return replace(program, kernel=pruned)


def _candidates(program: Program) -> Iterator[Program]:
    """Simpler programs, those that drop most first."""
    body = program.kernel.body
    size = len(body)
    while size >= 1:
        for at in range(0, len(body), size):
            # Barriers stay: between what threads exchange, they keep a program free of races.
            kept = [s for s in body[at : at + size] if isinstance(s, ir.Barrier)]
            if len(kept) < len(body[at : at + size]):
                yield program.with_body([*body[:at], *kept, *body[at + size :]])
        size //= 2
    for smaller in _lists(body):
        yield program.with_body(smaller)
    if program.grid != (1, 1, 1):
        yield replace(program, grid=(1, 1, 1))


def _lists(body: Sequence[ir.Stmt]) -> Iterator[list[ir.Stmt]]:
    """Lists with one statement dropped, replaced by its parts, or made simpler inside."""
    for n, s in enumerate(body):
        before, after = list(body[:n]), list(body[n + 1 :])
        if isinstance(s, ir.Assign) and s.target in ("g", "t"):
            continue  # all slots of a thread are found with these
        if not isinstance(s, ir.Barrier):
            yield [*before, *after]
        if _is_whole(s):
            continue
        for block in ir.blocks(s):
            if block:
                yield [*before, *block, *after]
        for simpler in _statements(s):
            yield [*before, simpler, *after]


def _is_whole(s: ir.Stmt) -> bool:
    """Whether the statement stays as it is or goes."""
    return isinstance(s, ir.Scope) and s.label.startswith(("exchange", "init"))


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
            if isinstance(s, ir.For) and not isinstance(s.stop, ir.Const):
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
