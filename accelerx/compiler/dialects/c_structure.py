"""What C asks of a kernel's structure and KIR leaves open: names, places of declarations, exits.

KIR's locals live in the whole kernel; readable C declares a variable where it is first assigned.
KIR leaves a scope with a labelled exit; readable C does with if and else, and goto is what remains.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterator
from dataclasses import dataclass, field, replace

from accelerx.compiler import ir

_C_KEYWORDS_TEXT = """
alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t
char32_t class compl concept const consteval constexpr constinit const_cast continue co_await
co_return co_yield decltype default delete do double dynamic_cast else enum explicit export extern
false float for friend goto if inline int long mutable namespace new noexcept not not_eq nullptr
operator or or_eq private protected public register reinterpret_cast requires return short signed
sizeof static static_assert static_cast struct switch template this thread_local throw true try
typedef typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq
restrict NULL
"""
C_KEYWORDS = frozenset(_C_KEYWORDS_TEXT.split())


class Names:
    """C identifiers for a kernel's names, each taken once: the user's own wherever C allows it."""

    def __init__(self, reserved: Container[str]) -> None:
        self._reserved = reserved
        self._taken: set[str] = set()
        self._of: dict[tuple[str, str], str] = {}

    def get(self, kind: str, name: str) -> str:
        """The identifier of ``name`` in KIR's name space ``kind`` (local, param, mem, ...)."""
        if (kind, name) not in self._of:
            self._of[kind, name] = self.fresh(name)
        return self._of[kind, name]

    def alias(self, kind: str, name: str, other_kind: str) -> None:
        """Lets ``name`` of one name space be the identifier it already is in another."""
        self._of[kind, name] = self.get(other_kind, name)

    def fresh(self, stem: str) -> str:
        """An identifier like ``stem`` that nothing else has."""
        base = identifier(stem)
        if base in C_KEYWORDS or base in self._reserved or base.startswith(("__", "ax_")):
            base = f"{base}_" if not base.startswith(("__", "ax_")) else f"u_{base.lstrip('_')}"
        name, n = base, 1
        while name in self._taken or name in self._reserved:
            name, n = f"{base}_{n}", n + 1
        self._taken.add(name)
        return name


def identifier(name: str) -> str:
    """``name`` with everything C does not allow in an identifier replaced."""
    text = "".join(c if c.isascii() else f"u{ord(c):x}" for c in name)
    text = re.sub(r"[^A-Za-z0-9_]+", "_", text)
    return f"_{text}" if not text or text[0].isdigit() else text


# ---------------------------------------------------------------------------------------- exits


def without_exits(body: list[ir.Stmt]) -> list[ir.Stmt]:
    """``body`` with every exit that ``if`` and ``else`` can express expressed so.

    An exit in tail position of its scope does nothing. ``if c: A; exit`` followed by ``B`` is
    ``if c: A else: B``. What is left are exits out of loops.
    """
    return [_without_exits(s) for s in body]


def _without_exits(s: ir.Stmt) -> ir.Stmt:
    s = ir.map_blocks(s, without_exits)
    if isinstance(s, ir.Scope):
        return replace(s, body=_tail(s.body, s.label))
    return s


def _tail(body: list[ir.Stmt], label: str) -> list[ir.Stmt]:
    """``body``, a list after whose end the scope ``label`` ends, without exits to that end."""
    for n, s in enumerate(body):
        if isinstance(s, ir.Exit) and s.label == label:
            return body[:n]
        if isinstance(s, ir.If):
            rest = body[n + 1 :]
            if _exits(s.then, label):
                s = replace(s, then=_tail(s.then, label), orelse=_tail(s.orelse + rest, label))
                return body[:n] + _kept(s)
            if _exits(s.orelse, label):
                s = replace(s, then=_tail(s.then + rest, label), orelse=_tail(s.orelse, label))
                return body[:n] + _kept(s)
            if not rest:
                s = replace(s, then=_tail(s.then, label), orelse=_tail(s.orelse, label))
                return [*body[:n], s]
        elif isinstance(s, ir.Scope) and n == len(body) - 1:
            return [*body[:n], replace(s, body=_tail(s.body, label))]
    return body


def _kept(s: ir.If) -> list[ir.Stmt]:
    """``s``, turned round if only its else branch does something."""
    if s.then:
        return [s]
    if s.orelse:
        return [replace(s, condition=negated(s.condition), then=s.orelse, orelse=[])]
    return []


def _exits(body: list[ir.Stmt], label: str) -> bool:
    return bool(body) and isinstance(body[-1], ir.Exit) and body[-1].label == label


_OPPOSITE: dict[ir.CompareOp, ir.CompareOp] = {
    "eq": "ne", "ne": "eq", "lt": "ge", "ge": "lt", "gt": "le", "le": "gt",
}  # fmt: skip


def negated(condition: ir.Expr) -> ir.Expr:
    """The opposite of a bool expression (floats keep ``not``, for NaN's sake)."""
    match condition:
        case ir.Compare(op, left, right) if not left.type.is_float:
            return ir.Compare(_OPPOSITE[op], left, right, condition.loc)
        case ir.Unary("not", operand):
            return operand
        case _:
            return ir.Unary("not", condition, condition.type, condition.loc)


# --------------------------------------------------------------------------------- declarations


@dataclass(slots=True)
class Declarations:
    """Where each local is declared.

    Attributes:
        top: Names declared at the head of the kernel, in order of first mention.
        at: Identities of the statements whose assignment is the declaration.
        loops: Names that are declared by the For loops that count with them.
    """

    top: list[str] = field(default_factory=list)
    at: set[int] = field(default_factory=set)
    loops: set[str] = field(default_factory=set)


def declarations(body: list[ir.Stmt]) -> Declarations:
    """The innermost place for each local's declaration that C's scoping allows.

    A local is declared by an assignment if that comes first in the innermost list that holds all
    its mentions; then it is assigned on every path to a use, in every turn of a loop around it.
    """
    result = Declarations()
    total: Counter[str] = Counter()
    free: set[str] = set()
    _count(body, frozenset(), total, free)
    result.loops = {s.target for s in ir.statements(body) if isinstance(s, ir.For)} - free
    placed = set(result.loops)

    def visit(stmts: list[ir.Stmt]) -> Counter[str]:
        here: Counter[str] = Counter()
        first: dict[str, ir.Stmt] = {}
        for s in stmts:
            inner = Counter(_own_mentions(s))
            for block in ir.blocks(s):
                inner += visit(block)
            for name in inner:
                first.setdefault(name, s)
            here += inner
        for name, count in here.items():
            if name not in placed and count == total[name]:
                placed.add(name)
                s = first[name]
                if _assigns(s, name):
                    result.at.add(id(s))
                else:
                    result.top.append(name)
        return here

    visit(body)
    return result


def _own_mentions(s: ir.Stmt) -> Iterator[str]:
    target = ir.target(s)
    if target is not None:
        yield target
    yield from ir.reads(s)


def _count(
    body: list[ir.Stmt], counters: frozenset[str], total: Counter[str], free: set[str]
) -> None:
    """Counts mentions; ``free`` collects names mentioned outside every loop that counts with them."""
    for s in body:
        target = ir.target(s)
        if target is not None:
            total[target] += 1
            if not isinstance(s, ir.For) and target not in counters:
                free.add(target)
        for name in ir.reads(s):
            total[name] += 1
            if name not in counters:
                free.add(name)
        inner = counters | {s.target} if isinstance(s, ir.For) else counters
        for block in ir.blocks(s):
            _count(block, inner, total, free)


def _assigns(s: ir.Stmt, name: str) -> bool:
    """Whether ``s`` assigns ``name`` and neither reads it nor is a loop."""
    is_loop = isinstance(s, ir.For)
    return not is_loop and ir.target(s) == name and name not in set(ir.reads(s))
