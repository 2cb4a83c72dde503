"""Strided groups: accesses of neighbouring elements that together are one wide access and a shuffle.

``a = x[4*i]; b = x[4*i + 1]; ...`` (a float4, a pixel, the fields of a struct) takes a gather for each
statement; its vectors' elements lie side by side, though, so that one wide load and a shuffle for
each statement do as well, five times as fast. Grouped are loads of Assigns that follow each other, of
one Assign or Store, and Stores that follow each other, if what stands between them cannot change what
they access. Records need not be whole, and a load may even be alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from accelerx.compiler import ir
from accelerx.compiler.ir import Expr, Mem, Stmt
from accelerx.compiler.passes.lanes import Lanes
from accelerx.compiler.printer import print_expr

MAX_FACTOR = 8  # elements of a record
MAX_ALONE = 4  # elements of a record of which one is loaded: more are slower than a gather


@dataclass(frozen=True, slots=True)
class Member:
    """An access of a group.

    Attributes:
        access: The Load or Store.
        mem: What it accesses.
        position: Its element's place in the group, in elements: 0 is the lowest.
    """

    access: ir.Load | ir.Store
    mem: Mem
    position: int


@dataclass(frozen=True, slots=True)
class Group:
    """Accesses whose elements, over the lanes of a vector, are neighbours in memory.

    Attributes:
        factor: Elements from one lane to the next.
        members: By position; Loads may share one.
    """

    factor: int
    members: tuple[Member, ...]

    @property
    def positions(self) -> frozenset[int]:
        return frozenset(m.position for m in self.members)

    @property
    def whole(self) -> bool:
        """Whether every element of the records is accessed."""
        return len(self.positions) == self.factor

    @property
    def dense(self) -> bool:
        """Whether half of them are."""
        return 2 * len(self.positions) >= self.factor


@dataclass(slots=True)
class Unit:
    """Statements that are emitted together: all of them Assigns, all of them Stores, or just one.

    Attributes:
        statements: The statements.
        loads: Groups among their loads.
        stores: The group that the Stores are.
    """

    statements: list[Stmt]
    loads: list[Group] = field(default_factory=list)
    stores: Group | None = None


def units(body: Sequence[Stmt], lanes: Lanes) -> Iterator[Unit]:
    """A list of statements as units, in order."""
    if lanes.geometry.width == 1 or not any(_accesses(s) for s in body):
        yield from (Unit([s]) for s in body)
        return
    finder = _Finder(lanes)
    at = 0
    while at < len(body):
        end = at + 1
        while end < len(body) and _goes_on(body[at], body[end], lanes):
            end += 1
        if isinstance(body[at], ir.Store):
            yield from finder.stores([s for s in body[at:end] if isinstance(s, ir.Store)])
        elif _varies(body[at], lanes):
            yield from finder.assigns(body[at:end])
        else:
            yield Unit([body[at]])
        at = end


def _accesses(s: Stmt) -> bool:
    """Whether a statement could belong to a group."""
    return isinstance(s, ir.Store) or (isinstance(s, ir.Assign) and any(_loads(s.value)))


def _varies(s: Stmt, lanes: Lanes) -> bool:
    """Whether a statement is an Assign that vectors can take one after the other."""
    if not isinstance(s, ir.Assign):
        return False
    kind = lanes.kinds[s.target]
    return not kind.lane.even and not kind.uniform


def _goes_on(first: Stmt, s: Stmt, lanes: Lanes) -> bool:
    if isinstance(first, ir.Store):
        return isinstance(s, ir.Store)
    return _varies(first, lanes) and _varies(s, lanes)


def _loads(e: Expr) -> Iterator[ir.Load]:
    return (x for x in ir.walk(e) if isinstance(x, ir.Load))


# ------------------------------------------------------------------------------------- what is one


@dataclass(frozen=True, slots=True)
class _Found:
    """An access at every second, third, ... element.

    Attributes:
        access, mem: The access, and what it accesses.
        statement: The number of its statement.
        key: What accesses have in common whose addresses differ by constants.
        factor: Elements from one lane to the next.
        position: Elements from the address that all of the key are counted from.
    """

    access: ir.Load | ir.Store
    mem: Mem
    statement: int
    key: tuple[object, ...]
    factor: int
    position: int


class _Finder:
    def __init__(self, lanes: Lanes) -> None:
        self.lanes = lanes

    def assigns(self, run: Sequence[Stmt]) -> Iterator[Unit]:
        """Assigns that follow each other, cut into units."""
        found = list(self._loads(run))
        spans: list[tuple[int, int, list[Group]]] = []
        for group, members in _groups(found):
            first, last = (f(m.statement for m in members) for f in (min, max))
            spans.append((first, last, [group]))
        at = 0
        for first, last, groups in _merged(spans):
            yield from (Unit([s]) for s in run[at:first])
            yield from self._unit(run[first : last + 1], groups)
            at = last + 1
        yield from (Unit([s]) for s in run[at:])

    def _unit(self, part: Sequence[Stmt], groups: list[Group]) -> Iterator[Unit]:
        """One unit, if no statement but the last changes an index of the groups."""
        changed = {ir.target(s) for s in part[:-1]}
        for group in groups:
            for m in group.members:
                if any(isinstance(x, ir.Local) and x.name in changed
                       for i in m.access.indices for x in ir.walk(i)):  # fmt: skip
                    yield from (Unit([s]) for s in part)
                    return
        yield Unit(list(part), groups)

    def stores(self, run: Sequence[ir.Store]) -> Iterator[Unit]:
        """Stores that follow each other, cut into units."""
        at = 0
        while at < len(run):
            count, group = self._store_group(run[at : at + MAX_FACTOR])
            part: list[Stmt] = list(run[at : at + count])
            yield Unit(part, [g for g, _ in _groups(list(self._loads(part)))], group)
            at += count

    def _store_group(self, run: Sequence[ir.Store]) -> tuple[int, Group | None]:
        """How many of the first Stores are one group, and which."""
        found: list[_Found] = []
        for n, s in enumerate(run):
            store = self._found(s, n, {})
            if store is None or not self._joins(store, found):
                break
            found.append(store)
        for count in range(len(found), 1, -1):
            for group, members in _groups(found[:count]):
                if len(members) == count:
                    return count, group
        return 1, None

    def _joins(self, new: _Found, earlier: Sequence[_Found]) -> bool:
        """Whether a Store's value may be computed before the earlier ones are done."""
        if not earlier:
            return True
        if new.key != earlier[0].key:
            return False
        stored = {f.position for f in earlier}
        assert isinstance(new.access, ir.Store)
        loads = (x for e in ir.expressions(new.access) for x in _loads(e))
        return new.position not in stored and all(self._apart(x, new, stored) for x in loads)

    def _apart(self, load: ir.Load, store: _Found, stored: set[int]) -> bool:
        """Whether a load surely reads nothing that was stored at the positions ``stored``."""
        if self.lanes.mems[load.mem].space != store.mem.space:
            return True
        found = self._found(load, 0, {})
        return found is not None and found.key == store.key and found.position not in stored

    def _loads(self, run: Sequence[Stmt]) -> Iterator[_Found]:
        versions: dict[str, int] = {}
        for n, s in enumerate(run):
            for e in ir.expressions(s):
                for load in _loads(e):
                    found = self._found(load, n, versions)
                    if found is not None:
                        yield found
            target = ir.target(s)
            if target is not None:
                versions[target] = n

    def _found(
        self, access: ir.Load | ir.Store, statement: int, versions: Mapping[str, int]
    ) -> _Found | None:
        """The access, if a vector's lanes access every second, third, ... element."""
        mem, (index,) = self.lanes.mems[access.mem], access.indices
        stride, size = self.lanes.kind(index).lane.stride, mem.dtype.itemsize
        factor, rest = divmod((stride or 0) * mem.step, size)
        if mem.space == "local" or rest or not 2 <= factor <= MAX_FACTOR:
            return None
        base, constant = split(index)
        names = sorted({x.name for x in ir.walk(base) if isinstance(x, ir.Local)})
        read = tuple((name, versions.get(name)) for name in names)
        position, shift = divmod(constant * mem.step, size)
        # The same text in other units is another address.
        key = (mem.storage, size, mem.step, factor, shift, print_expr(base), read)
        return _Found(access, mem, statement, key, factor, position)


def _groups(found: Sequence[_Found]) -> Iterator[tuple[Group, list[_Found]]]:
    """The groups among accesses: of those with one key, windows as wide as their factor."""
    by_key: dict[tuple[object, ...], list[_Found]] = {}
    for f in found:
        by_key.setdefault(f.key, []).append(f)
    for members in by_key.values():
        rest = sorted(members, key=lambda f: f.position)
        while rest:
            first, factor = rest[0].position, rest[0].factor
            chosen = [f for f in rest if f.position < first + factor]
            rest = rest[len(chosen) :]
            group = Group(
                factor, tuple(Member(f.access, f.mem, f.position - first) for f in chosen)
            )
            if _pays(group):
                yield group, chosen


def _pays(group: Group) -> bool:
    """Whether a group is faster than its members one by one."""
    if group.whole:
        return True
    # Holes take masked accesses, which machines have for words only.
    first = group.members[0]
    near = isinstance(first.access, ir.Load) and group.factor <= MAX_ALONE
    return first.mem.dtype.itemsize >= 4 and (near or len(group.positions) > 1)


def _merged(
    spans: Sequence[tuple[int, int, list[Group]]],
) -> list[tuple[int, int, list[Group]]]:
    """Spans of statements, those that overlap made one, in order."""
    out: list[tuple[int, int, list[Group]]] = []
    for first, last, groups in sorted(spans, key=lambda span: span[:2]):
        if out and first <= out[-1][1]:
            out[-1] = (out[-1][0], max(last, out[-1][1]), out[-1][2] + groups)
        else:
            out.append((first, last, list(groups)))
    return out


# --------------------------------------------------------------------------- constants in indices


def split(e: Expr) -> tuple[Expr, int]:
    """``e`` as an expression plus a constant, for arithmetic that does not wrap.

    In 64 bits it may wrap: addresses do as well.
    """
    match e:
        case ir.Binary("add" | "sub" as op, left, right) if _is_exact(e):
            return _sum(e, op, split(left), split(right))
        case ir.Binary("mul", left, ir.Const(factor)) if _is_exact(e):
            base, constant = split(left)
            return _like(e, base, e.right), constant * int(factor)
        case ir.Cast(operand) if _widens(e):
            base, constant = split(operand)
            return (ir.Cast(base, e.type), constant) if constant else (e, 0)
        case _:
            return e, 0


def _is_exact(e: ir.Binary) -> bool:
    return e.type.is_integer and (e.nowrap or e.type.bits == 64)


def _sum(
    e: ir.Binary, op: str, left: tuple[Expr, int], right: tuple[Expr, int]
) -> tuple[Expr, int]:
    (a, m), (b, n) = left, right
    n = n if op == "add" else -n
    if isinstance(b, ir.Const):
        value = int(b.value)
        return a, m + n + (value if op == "add" else -value)
    if isinstance(a, ir.Const) and op == "add":
        return b, m + n + int(a.value)
    return _like(e, a, b), m + n


def _like(e: ir.Binary, left: Expr, right: Expr) -> Expr:
    return ir.Binary(e.op, left, right, e.type, e.nowrap)


def _widens(e: ir.Cast) -> bool:
    source = e.operand.type
    integers = source.is_integer and e.type.is_integer
    return integers and source.is_signed and source.bits < e.type.bits
