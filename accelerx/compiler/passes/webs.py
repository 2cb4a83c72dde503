"""Splits each local into its def-use webs: independent uses of one name become different locals.

Python reuses ``i`` for loop after loop; were it one variable, one varying use would make all of them
varying. Reaching definitions over structured control flow, joined by union-find.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from accelerx.compiler import ir
from accelerx.compiler.ir import Expr, Kernel, Stmt

Definition = tuple[int, str]  # (id of the defining statement, 0 for none; the local's name)
Reaching = dict[str, frozenset[Definition]]


def split_webs(kernel: Kernel) -> Kernel:
    """``kernel`` with one local for each web."""
    kernel = kernel.with_body(_distinct(kernel.body))
    webs = _Webs()
    webs.block(kernel.body, {}, _Targets())
    return _Renamer(kernel, webs).run()


def _distinct(body: Sequence[Stmt]) -> list[Stmt]:
    """Copies of all statements, so that identity tells two uses of one node apart."""
    return [ir.map_blocks(replace(s), _distinct) for s in body]


def _merge(states: Iterable[Reaching | None]) -> Reaching | None:
    """What reaches a join; None is an unreachable path."""
    out: Reaching | None = None
    for state in states:
        if state is None:
            continue
        if out is None:
            out = dict(state)
            continue
        for name, definitions in state.items():
            out[name] = out.get(name, frozenset()) | definitions
    return out


@dataclass(slots=True)
class _Targets:
    """Where exits of the enclosing constructs leave their states."""

    breaks: list[Reaching] = field(default_factory=list)
    continues: list[Reaching] = field(default_factory=list)
    labels: dict[str, list[Reaching]] = field(default_factory=dict)


class _Webs:
    def __init__(self) -> None:
        self._parent: dict[Definition, Definition] = {}
        self.uses: dict[Definition, Definition] = {}  # (id of the reading statement, name) -> web

    def find(self, x: Definition) -> Definition:
        root = x
        while self._parent.setdefault(root, root) != root:
            root = self._parent[root]
        while self._parent[x] != root:
            self._parent[x], x = root, self._parent[x]
        return root

    def _union(self, a: Definition, b: Definition) -> None:
        self._parent[self.find(a)] = self.find(b)

    def _use(self, s: Stmt, e: Expr, state: Reaching) -> None:
        for x in ir.walk(e):
            if isinstance(x, ir.Local):
                definitions = state.get(x.name) or frozenset([(0, x.name)])
                first = self.uses.setdefault((id(s), x.name), next(iter(definitions)))
                for d in definitions:
                    self._union(d, first)

    def _define(self, s: Stmt, name: str, state: Reaching) -> Reaching:
        definition = (id(s), name)
        self.find(definition)
        return {**state, name: frozenset([definition])}

    def block(
        self, body: Sequence[Stmt], state: Reaching | None, targets: _Targets
    ) -> Reaching | None:
        for s in body:
            state = self._statement(s, {} if state is None else state, targets)
        return state

    def _statement(self, s: Stmt, state: Reaching, targets: _Targets) -> Reaching | None:
        match s:
            case ir.If():
                self._use(s, s.condition, state)
                return _merge(self.block(b, state, targets) for b in (s.then, s.orelse))
            case ir.For() | ir.While():
                return self._loop(s, state, targets)
            case ir.Scope():
                leaves: list[Reaching] = []
                labels = {**targets.labels, s.label: leaves}
                end = self.block(s.body, state, replace(targets, labels=labels))
                return _merge([end, *leaves])
        for e in ir.expressions(s):
            self._use(s, e, state)
        match s:
            case ir.Break():
                targets.breaks.append(state)
                return None
            case ir.Continue():
                targets.continues.append(state)
                return None
            case ir.Exit():
                targets.labels[s.label].append(state)
                return None
            case ir.Return():
                return None
        name = ir.target(s)
        return state if name is None else self._define(s, name, state)

    def _loop(self, s: ir.For | ir.While, state: Reaching, targets: _Targets) -> Reaching | None:
        if isinstance(s, ir.For):
            self._use(s, s.start, state)
            state = self._define(s, s.target, state)
        head = state
        while True:
            inner = _Targets(labels=targets.labels)
            for e in (s.stop, s.step) if isinstance(s, ir.For) else (s.condition,):
                self._use(s, e, head)
            end = _merge([self.block(s.body, head, inner), *inner.continues])
            if isinstance(s, ir.While) and end is not None:
                end = self.block(s.post, end, targets)
            after = _merge([head, end])
            assert after is not None
            if after == head:
                return _merge([head, *inner.breaks])
            head = after


class _Renamer:
    def __init__(self, kernel: Kernel, webs: _Webs) -> None:
        self.kernel, self.webs = kernel, webs
        self.types = dict(kernel.locals)
        self.names: dict[Definition, str] = {}
        kernel.locals = {}

    def run(self) -> Kernel:
        self.kernel.body = self._block(self.kernel.body)
        return self.kernel

    def _name(self, definition: Definition) -> str:
        root = self.webs.find(definition)
        if root not in self.names:
            name = definition[1]
            self.names[root] = self.kernel.fresh(name, self.types[name])
        return self.names[root]

    def _block(self, body: Sequence[Stmt]) -> list[Stmt]:
        return [self._statement(s) for s in body]

    def _statement(self, s: Stmt) -> Stmt:
        def rename(e: Expr) -> Expr:
            if isinstance(e, ir.Local):
                web = self.webs.uses.get((id(s), e.name), (0, e.name))
                return ir.Local(self._name(web), e.type, e.loc)
            return ir.map_operands(e, rename)

        new = ir.map_expressions(s, rename)
        if isinstance(new, ir.Assign | ir.For):
            new = replace(new, target=self._name((id(s), new.target)))
        elif (
            isinstance(new, ir.Warp | ir.Barrier | ir.Atomic | ir.Clock) and new.result is not None
        ):
            new = replace(new, result=self._name((id(s), new.result)))
        return ir.map_blocks(new, self._block)
