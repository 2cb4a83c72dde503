"""Gives statements back the form the user wrote, where C has it and KIR has not.

Front ends take a line of source apart: what need not be evaluated becomes an If, a Load before an
effect a temporary, a loop's test a break. C evaluates in the user's order by itself, so that the
line can be put together again. Only what stems from one line of source is.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from accelerx.compiler import ir
from accelerx.compiler.dialects.c_structure import negated


def with_idioms(body: list[ir.Stmt]) -> list[ir.Stmt]:
    """``body`` with conditional expressions, nested expressions and loop tests as in the source."""
    body = [_with_conditional(s) for s in body]
    mentions: Counter[str] = Counter()
    for s in ir.statements(body):
        mentions.update(ir.reads(s))
        target = ir.target(s)
        if target is not None:
            mentions[target] += 1
    return _nested(body, mentions)


# --------------------------------------------------------------------------- conditional expressions


def _with_conditional(s: ir.Stmt) -> ir.Stmt:
    """An If that only chooses the value of one local is an ``and``, an ``or``, or ``?:`` again."""
    s = ir.map_blocks(s, lambda block: [_with_conditional(x) for x in block])
    match s:
        case ir.If(condition, [ir.Assign(x, then) as a], [ir.Assign(y, orelse) as b]) if x == y:
            if _same_line(s, a) and _same_line(s, b):
                return ir.Assign(x, _chosen(condition, then, orelse), s.loc)
    return s


def _chosen(condition: ir.Expr, then: ir.Expr, orelse: ir.Expr) -> ir.Expr:
    if _same_local(condition, orelse):
        return ir.Logical("and", condition, then, condition.loc)
    if _same_local(condition, then):
        return ir.Logical("or", condition, orelse, condition.loc)
    return ir.Select(condition, then, orelse, then.type, condition.loc)


def _same_local(a: ir.Expr, b: ir.Expr) -> bool:
    return isinstance(a, ir.Local) and isinstance(b, ir.Local) and a.name == b.name


def _same_line(a: ir.Stmt, b: ir.Stmt) -> bool:
    """Whether two statements stem from the same line of the same function."""
    if a.loc is None or b.loc is None:
        return False
    return (a.loc.source, a.loc.line) == (b.loc.source, b.loc.line)


# ------------------------------------------------------------------------------------- temporaries


def _nested(body: list[ir.Stmt], mentions: Counter[str]) -> list[ir.Stmt]:
    """``body`` with temporaries put where they are used: once, in the statement that follows."""
    out: list[ir.Stmt] = []
    for s in body:
        s = ir.map_blocks(s, lambda block: _nested(block, mentions))
        while out and _feeds(out[-1], s, mentions):
            temporary = out.pop()
            assert isinstance(temporary, ir.Assign)
            s = _replaced(s, temporary)
        out.append(_with_test(s))
    return out


def _feeds(temporary: ir.Stmt, s: ir.Stmt, mentions: Counter[str]) -> bool:
    if not isinstance(temporary, ir.Assign) or isinstance(s, (ir.While, ir.For)):
        return False  # a loop would evaluate it again and again
    used_once = mentions[temporary.target] == 2 and temporary.target in set(ir.reads(s))
    return used_once and _same_line(temporary, s)


def _replaced(s: ir.Stmt, temporary: ir.Assign) -> ir.Stmt:
    def replaced(e: ir.Expr) -> ir.Expr:
        if isinstance(e, ir.Local) and e.name == temporary.target:
            return temporary.value
        return ir.map_operands(e, replaced)

    return ir.map_expressions(s, replaced)


def _with_test(s: ir.Stmt) -> ir.Stmt:
    """An endless loop that begins with a break from the loop's own line tests there again."""
    match s:
        case ir.While(ir.Const(True), [ir.If(leave, [ir.Break()], []) as first, *rest]):
            if _same_line(s, first):
                return replace(s, condition=negated(leave), body=rest)
    return s
