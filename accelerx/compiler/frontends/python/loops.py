"""Loops: what their heads assume about variables, counted loops, and loops opened over tuples."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence

from accelerx.compiler import ir
from accelerx.compiler.diagnostics import Loc
from accelerx.compiler.frontends.python.bounds import Form
from accelerx.compiler.frontends.python.expressions import Expressions
from accelerx.compiler.frontends.python.state import (
    Branch,
    Loop,
    describe,
    same_binding,
    views_of,
    whole,
)
from accelerx.compiler.frontends.python.values import (
    Binding,
    Choice,
    ChoiceVariable,
    Conflict,
    Counter,
    Environment,
    Group,
    GroupVariable,
    Index,
    Jump,
    Merge,
    Range,
    Scalar,
    Tuple,
    Value,
    Variable,
    View,
    Zip,
)
from accelerx.dtypes import bool_, int32

_UNROLLED_MOST = 256


class Loops(Expressions):
    """Lifts loops."""

    def block(self, nodes: Sequence[ast.stmt]) -> None:
        """Lifts statements in order."""
        raise NotImplementedError

    def assign(self, target: ast.expr, value: Value) -> None:
        """``target = value``."""
        raise NotImplementedError

    # ---------------------------------------------------------------------------- loop heads

    def key(self, node: ast.AST) -> tuple[object, ...]:
        """What names a place of the program, calls and opened loops on the way included."""
        return (*self.frame.key, *self.frame.path, id(node))

    def _components(self, names: Iterable[str]) -> list[str]:
        """Names together with the items of those that are tuples."""
        out: list[str] = []
        for name in names:
            out.append(name)
            binding = self.frame.env.get(name)
            if isinstance(binding, GroupVariable):
                out.extend(self._components(f"{name}.{k}" for k in range(binding.length)))
        return out

    def enter(self, node: ast.stmt, assigned: frozenset[str], label: str | None) -> Loop:
        """Sets the bindings at a loop's head to what holds on every trip."""
        key = self.key(node)
        env = self.frame.env = dict(self.frame.env)
        for name in self._components(sorted(assigned)):
            head = self._head((*key, name), name, env.get(name), self.loc(node))
            if head is None:
                env.pop(name, None)
            else:
                env[name] = head
        loop = Loop(key, assigned, dict(env), Jump(label, (*key, "break")), base=dict(env))
        self.frame.loops.append(loop)
        return loop

    def _head(
        self, key: tuple[object, ...], name: str, binding: Binding | None, loc: Loc
    ) -> Binding | None:
        entry = self.merge_entry(key)
        if entry.conflict:
            return Conflict(entry.conflict)
        if binding is None:
            return self._carried_only(entry, name, loc) if entry.needed else None
        if entry.arrays and isinstance(binding, View | Choice | ChoiceVariable):
            return self._head_choice(entry, name, binding, loc)
        if not isinstance(binding, Variable | Scalar):
            return binding
        typing = (
            binding.typing
            if entry.typing is None
            else self.rules.join(entry.typing, binding.typing)
        )
        entry.typing = typing
        local = self.local(name, typing[0])
        self.convert_into(local, binding, typing[0], self.out, loc)
        form, index = None, None
        if typing[0].is_integer:
            entry.nonnegative &= self.bounds.nonnegative(binding.form)
            form = self.bounds.fresh(0 if entry.nonnegative else None)
        if entry.index and binding.index is not None and typing[0].is_integer:
            entry.varying |= binding.index.varying
            index = Index(entry.varying, 1)
        at = binding.loc if isinstance(binding, Variable) else loc
        return Variable(local, *typing, None, form, index, at)

    def _head_choice(
        self, entry: Merge, name: str, binding: Binding, loc: Loc
    ) -> ChoiceVariable | Conflict:
        """A variable that different trips find to be different arrays."""
        views = tuple(self.wholes[n] for n in entry.arrays)
        head = ChoiceVariable(self.local(f"{name}.which", int32), views)
        self.convert_choice(head, binding, self.out, loc)
        return head

    def _carry_arrays(
        self, entry: Merge, name: str, head: Binding, current: Binding, loc: Loc
    ) -> bool:
        """Hands an array variable on to the next trip; False if that cannot be done."""
        known, now = views_of(head), views_of(current)
        both = (*known, *now)
        if not known or not now or not all(whole(v) for v in both):
            return False
        if any(v.dtype is not both[0].dtype or len(v.axes) != len(both[0].axes) for v in both):
            return False
        for view in both:
            if view.mem.name not in entry.arrays:
                entry.arrays.append(view.mem.name)
                self.dirty = True
        if isinstance(head, ChoiceVariable) and len(head.views) == len(entry.arrays):
            self.convert_choice(head, current, self.out, loc)
            self.frame.env[name] = head
        return True

    def _carried_only(self, entry: Merge, name: str, loc: Loc) -> Variable:
        """A variable that only earlier trips assign; undefined on the first."""
        typing = entry.typing or (bool_, False)
        form = self.bounds.fresh() if typing[0].is_integer else None
        return Variable(self.local(name, typing[0]), *typing, None, form, None, loc)

    def back_edge(self, loop: Loop, loc: Loc) -> None:
        """Brings variables into the state the loop's head expects, or notes that it must differ."""
        env = self.frame.env
        for name in self._components(sorted(loop.assigned)):
            current, head = env.get(name), loop.head.get(name)
            entry = self.merge_entry((*loop.key, name))
            if current is None or current is head:
                continue
            if isinstance(head, Variable) and isinstance(current, Variable | Scalar):
                self._check_carried(entry, head, current)
                self._settle(entry, name, current, loc)
            elif head is None and entry.needed and isinstance(current, Variable | Scalar):
                self._settle(entry, name, current, loc)
            elif head is None or isinstance(head, Conflict) or same_binding(head, current):
                continue
            elif not self._carry_arrays(entry, name, head, current, loc):
                entry.conflict = (
                    f"variable {name!r} is {describe(head)} when the loop begins "
                    f"and {describe(current)} on its next trip"
                )
                self.dirty = True

    def _check_carried(self, entry: Merge, head: Variable, current: Variable | Scalar) -> None:
        """Checks what the head assumed about an integer against a trip's last value."""
        if head.form is None:
            return
        if entry.nonnegative and not self.bounds.nonnegative(current.form):
            entry.nonnegative, self.dirty = False, True
        if not entry.index or head.index is None:
            return
        index = current.index
        if index is None or (index.carried == 2 and not self.bounds.bounded_above(head.form)):
            entry.index, self.dirty = False, True
        elif index.varying and not entry.varying:
            entry.varying = self.dirty = True

    def _settle(self, entry: Merge, name: str, current: Variable | Scalar, loc: Loc) -> None:
        """Converts a variable to the type that all paths to one place agree on."""
        typing = (
            current.typing
            if entry.typing is None
            else self.rules.join(entry.typing, current.typing)
        )
        if entry.typing is not None and typing != entry.typing:
            self.dirty = True
        entry.typing = typing
        local = self.local(name, typing[0])
        self.convert_into(local, current, typing[0], self.out, loc)
        at = current.loc if isinstance(current, Variable) else loc
        self.frame.env[name] = Variable(
            local, *typing, current.constant, current.form, current.index, at
        )

    def leave(self, jump: Jump, loop: Loop, loc: Loc, only_new: bool = False) -> None:
        """Records the bindings with which control leaves a loop.

        With ``only_new``, those of variables the head does not have: they keep the last trip's value
        when the loop's condition ends it.
        """
        env = self.frame.env = dict(self.frame.env)
        for name in self._components(sorted(loop.assigned)):
            current, head = env.get(name), loop.head.get(name)
            if current is None or current is head:
                continue
            if not isinstance(current, Variable | Scalar):
                if head is not None and not only_new and not same_binding(head, current):
                    self._carry_arrays(
                        self.merge_entry((*loop.key, name)), name, head, current, loc
                    )
                continue
            if isinstance(head, Variable):
                if not only_new:
                    self._settle(self.merge_entry((*loop.key, name)), name, current, loc)
            elif head is None:
                self._settle(self.merge_entry((*loop.key, "exit", name)), name, current, loc)
        left = self.frame.env
        jump.environments.append({**left, **loop.head} if only_new else left)

    def end(self, environments: Sequence[Environment], loc: Loc) -> None:
        """Goes on with the bindings of all paths that left a loop."""
        if not environments:
            self.dead = True
            return
        self.dead = False
        facts = list(self.bounds.facts)
        self.frame.env = self.merge([Branch(e, [], facts, True) for e in environments], loc)

    def body(
        self, loop: Loop, nodes: Sequence[ast.stmt], loc: Loc, before: Callable[[], None]
    ) -> list[ir.Stmt]:
        """The code of a loop's body."""
        known = len(self.bounds.facts)
        trips = Jump(None)

        def work() -> None:
            before()
            self.block(nodes)
            if not self.dead:
                self.back_edge(loop, loc)
                self.leave(trips, loop, loc, only_new=True)

        out = self.collect(work)
        del self.bounds.facts[known:]
        self.frame.loops.pop()
        loop.last = [*loop.early, *trips.environments]
        return out

    # --------------------------------------------------------------------------------- while

    def lift_while(self, node: ast.While) -> None:
        loc = self.loc(node)
        label = self.fresh_name("loop") if node.orelse else None
        assigned = self.frame.source.stored_in(node.body)
        loop = self.enter(node, assigned, label)
        head = self.frame.env
        attempt = self.attempt(lambda: self.condition(node.test))
        test = attempt.value
        assert isinstance(test, Scalar)
        forever = test.constant is not None and bool(test.constant)
        never = test.constant is not None and not test.constant
        self.frame.env = dict(head)
        if never:
            self.frame.loops.pop()
            self.frame.env = head
            self.block(node.orelse)
            return
        out = self.body(loop, node.body, loc, lambda: self.bounds.assume(test.when_true))
        statement: ir.Stmt
        if attempt.out:
            stop = ir.If(
                ir.Unary("not", self.code(test, loc=loc), bool_, loc), [ir.Break(loc)], [], loc
            )
            prelude = attempt.out if forever else [*attempt.out, stop]
            statement = ir.While(ir.Const(True, bool_, loc), [*prelude, *out], [], loc)
        else:
            statement = ir.While(self.code(test, loc=loc), out, [], loc)
        normal = [] if forever else [head, *loop.last]
        self._finish(
            node, loop, statement, normal, loc, () if loop.brk.environments else test.when_false
        )

    def _finish(
        self,
        node: ast.While | ast.For,
        loop: Loop,
        statement: ir.Stmt,
        normal: Sequence[Environment],
        loc: Loc,
        facts: Sequence[Form] = (),
    ) -> None:
        """Emits a loop and its else branch, and goes on behind them."""
        if not node.orelse:
            self.emit(statement)
            self.end([*normal, *loop.brk.environments], loc)
            self.bounds.assume(facts)
            return
        after: list[Environment] = []

        def work() -> None:
            self.emit(statement)
            self.end(normal, loc)
            if not self.dead:
                self.block(node.orelse)
            if not self.dead:
                if loop.brk.environments:
                    self.settle_all(loop.brk.key, loop.base, loc)
                after.append(self.frame.env)

        out = self.collect(work)
        self.emit(ir.Scope(loop.brk.label or "", out, loc))
        self.end([*after, *loop.brk.environments], loc)

    # ----------------------------------------------------------------------------------- for

    def lift_for(self, node: ast.For) -> None:
        value = self.expression(node.iter)
        length = self._static_length(value)
        if length is not None:
            self._unrolled(node, value, length)
        elif isinstance(value, Range) and isinstance(node.target, ast.Name):
            self._counted(node, value, node.target)
        elif isinstance(value, Range | View | Choice | Zip):
            self._over(node, value)
        else:
            raise self.type_error(
                node.iter, f"cannot loop over {value}", "loop over range(), an array or a tuple"
            )

    def _counted(self, node: ast.For, r: Range, target: ast.Name) -> None:
        """``for i in range(...)``; the user's own variable is the counter where it can be."""
        source = self.frame.source
        assigned = source.stored_in(node.body)
        hidden = target.id in assigned or source.read_outside(node, target.id)
        if hidden:
            self._over(node, r)
            return
        self._loop(node, r, assigned, target.id, lambda k: None)

    def _over(self, node: ast.For, value: Value) -> None:
        """A loop with a counter of our own, from which each trip's value is made."""
        loc = self.loc(node)
        r = value if isinstance(value, Range) else None
        held = value
        if r is None:
            held = self._held(value, loc)
            count = self._length(held, node)
            dtype, weak = self.rules.range_of([count.typing])
            zero, one = (self.constant(n, dtype, weak) for n in (0, 1))
            r = Range(zero, self.cast(count, dtype, loc, weak), one)

        def start(k: Scalar) -> None:
            self.assign(node.target, k if held is r else self._item(held, k, node))

        assigned = self.frame.source.stored_in(node.body) | self.frame.source.stored_in(
            [node.target]
        )
        self._loop(node, r, assigned, None, start)

    def _loop(
        self,
        node: ast.For,
        r: Range,
        assigned: frozenset[str],
        target: str | None,
        start: Callable[[Scalar], None],
    ) -> None:
        loc = self.loc(node)
        label = self.fresh_name("loop") if node.orelse else None
        dtype, weak = r.start.typing
        codes = [self.code(part, dtype, loc) for part in (r.start, r.stop, r.step)]
        loop = self.enter(node, assigned, label)
        head = self.frame.env
        counter = self._counter_name(node, target, r)
        form, index = self._counter_facts(r)
        self.frame.env = dict(head)
        if target is not None:
            self.frame.env[target] = Variable(counter, dtype, weak, None, form[0], index, loc)
        k = Scalar(ir.Local(counter, dtype, loc), dtype, weak, None, form[0], index)

        def before() -> None:
            self.bounds.assume(form[1])
            start(k)

        out = self.body(loop, node.body, loc, before)
        if target is not None:
            for env in (head, *loop.last, *loop.brk.environments):
                env.pop(target, None)
        statement = ir.For(counter, codes[0], codes[1], codes[2], out, False, loc)
        self._finish(node, loop, statement, [head, *loop.last], loc)

    def _counter_name(self, node: ast.For, target: str | None, r: Range) -> str:
        if target is not None:
            return self.local(target, r.start.dtype)
        stem = node.target.id if isinstance(node.target, ast.Name) else "k"
        return self.temporary(f"{stem}.k", r.start.dtype)

    def _counter_facts(self, r: Range) -> tuple[tuple[Form, list[Form]], Index]:
        """The counter's form, what is known of it in the body, and its kind of index."""
        start, stop, step = r.start, r.stop, r.step.constant
        low = None
        facts: list[Form] = []
        if step is not None and start.form is not None and stop.form is not None:
            first, last = (
                (start.form, stop.form.shift(-1)) if step > 0 else (stop.form.shift(1), start.form)
            )
            low = self.bounds.low(first)
            if low is None and self.bounds.nonnegative(first):
                low = 0
            form = self.bounds.fresh(low)
            facts = [form - first, last - form]
        else:
            form = self.bounds.fresh()
        uniform = start.index is not None and not start.index.varying
        return (form, facts), Index(varying=not uniform)

    # -------------------------------------------------------------------------- iterables

    def _static_length(self, value: Value) -> int | None:
        """The number of trips of a loop that must be opened because it runs over a tuple."""
        if isinstance(value, Tuple):
            return len(value.items)
        if isinstance(value, Zip):
            known = [n for n in map(self._static_length, value.parts) if n is not None]
            if not known:
                return None
            for part in value.parts:
                if isinstance(part, Range | View):
                    constant = self._constant_length(part)
                    if constant is None:
                        return None
                    known.append(constant)
            if value.strict and len(set(known)) > 1:
                return None
            return min(known)
        return None

    def _constant_length(self, part: Range | View) -> int | None:
        if isinstance(part, View):
            extent = part.axes[0].extent if part.axes else None
            return None if extent is None or extent.constant is None else int(extent.constant)
        values = [s.constant for s in (part.start, part.stop, part.step)]
        if any(v is None for v in values):
            return None
        return len(range(*(int(v) for v in values if v is not None)))

    def _held(self, value: Value, loc: Loc) -> Value:
        """An iterable whose parts are computed once, before the loop."""
        match value:
            case View():
                return self.freeze(value, loc, "view")
            case Choice():
                views = tuple(self.freeze(v, loc, "view") for v in value.views)
                return Choice(self.stable(value.which, loc), views)
            case Scalar():
                return self.stable(value, loc)
            case Group():
                return value.with_items([self._held(item, loc) for item in value.items])
            case Range():
                return Range(*(self.stable(s, loc) for s in (value.start, value.stop, value.step)))
            case Counter():
                return Counter(self.stable(value.start, loc))
            case Zip():
                return Zip(tuple(self._held(part, loc) for part in value.parts), value.strict)
            case _:
                return value

    def _length(self, value: Value, node: ast.For) -> Scalar:
        loc = self.loc(node)
        match value:
            case View() | Choice():
                if not value.axes:
                    raise self.type_error(node.iter, f"cannot loop over {value}")
                return self.length(value, 0, node.iter)
            case Range():
                return self.trips(value, loc)
            case Tuple():
                return self.literal(len(value.items))
            case Zip():
                lengths = [self._length(p, node) for p in value.parts if not isinstance(p, Counter)]
                if not lengths:
                    raise self.type_error(node.iter, f"cannot loop over {value}")
                shortest = lengths[0]
                for length in lengths[1:]:
                    if value.strict:
                        self._same_length(shortest, length, loc)
                    shortest = self.extremum("min", shortest, length, loc)
                return shortest
            case _:
                raise self.type_error(node.iter, f"cannot loop over {value}")

    def _same_length(self, a: Scalar, b: Scalar, loc: Loc) -> None:
        equal = self.code(self.compare("eq", a, b, loc), loc=loc)
        message = "zip(strict=True) of {0} and {1} items"
        values = (self.code(a, loc=loc), self.code(b, loc=loc))
        self.emit(ir.Assert(equal, message, values, "assert", loc))

    def _item(self, value: Value, k: Scalar, node: ast.For) -> Value:
        """Item ``k`` of an iterable."""
        loc = self.loc(node)
        match value:
            case View() | Choice():
                return self.element(value, k, node)
            case Counter():
                if value.start.constant == 0:
                    return k
                return self.binary("+", value.start, k, loc)
            case Range():
                if value.step.constant != 1:
                    scaled = self.binary("*", k, value.step, loc)
                else:
                    scaled = k
                number = self.binary("+", value.start, scaled, loc)
                return self.cast(number, value.start.dtype, loc, value.start.weak)
            case Tuple():
                return self.tuple_item(value, k, node)
            case Zip():
                return Tuple(tuple(self._item(part, k, node) for part in value.parts))
            case _:
                raise self.type_error(node.iter, f"cannot loop over {value}")

    # ----------------------------------------------------------------------- opened loops

    def _unrolled(self, node: ast.For, value: Value, length: int) -> None:
        """A loop over a tuple: one copy of the body per item, as items may differ in type."""
        loc = self.loc(node)
        if length > _UNROLLED_MOST:
            raise self.unsupported(
                node.iter,
                f"a loop over a tuple of {length} items is opened into {length} copies; "
                f"the most is {_UNROLLED_MOST}",
                "make the tuple a NumPy array",
            )
        frame = self.frame
        key = self.key(node)
        brk = Jump(self.fresh_name("loop"), (*key, "break"))
        loop = Loop(key, frozenset(), {}, brk, base=dict(self.frame.env))
        held = self._held(value, loc)
        path = frame.path

        def work() -> None:
            for k in range(length):
                if self.dead:
                    break
                frame.path = (*path, id(node), k)
                self._trip(node, loop, held, k, loc)
            frame.path = path
            if not self.dead:
                self.block(node.orelse)
            if not self.dead and loop.brk.environments:
                self.settle_all(loop.brk.key, loop.base, loc)

        out = self.collect(work)
        label = loop.brk.label
        environments = [] if self.dead else [self.frame.env]
        if loop.brk.environments:
            self.emit(ir.Scope(label or "", out, loc))
        else:
            self.out.extend(out)
        self.end([*environments, *loop.brk.environments], loc)

    def _trip(self, node: ast.For, loop: Loop, value: Value, k: int, loc: Loc) -> None:
        after = loop.next = Jump(self.fresh_name("next"), (*loop.key, k, "next"))

        def work() -> None:
            self.assign(node.target, self._item(value, self.literal(k), node))
            self.frame.loops.append(loop)
            self.block(node.body)
            self.frame.loops.pop()
            if not self.dead and after.environments:
                self.settle_all(after.key, loop.base, loc)

        out = self.collect(work)
        environments = [] if self.dead else [self.frame.env]
        if after.environments:
            self.emit(ir.Scope(after.label or "", out, loc))
        else:
            self.out.extend(out)
        self.end([*environments, *after.environments], loc)

    # -------------------------------------------------------------------- break and continue

    def lift_break(self, node: ast.Break) -> None:
        loc = self.loc(node)
        loop = self.frame.loops[-1]
        self.leave_settled(loop.brk, loop, loc)
        label = loop.brk.label
        self.emit(ir.Break(loc) if label is None else ir.Exit(label, loc))
        self.dead = True

    def lift_continue(self, node: ast.Continue) -> None:
        loc = self.loc(node)
        loop = self.frame.loops[-1]
        if loop.next is not None:
            self.leave_settled(loop.next, loop, loc)
            self.emit(ir.Exit(loop.next.label or "", loc))
        else:
            self.back_edge(loop, loc)
            trips = Jump(None)
            self.leave(trips, loop, loc, only_new=True)
            loop.early.extend(trips.environments)
            self.emit(ir.Continue(loc))
        self.dead = True

    def leave_settled(self, jump: Jump, loop: Loop, loc: Loc) -> None:
        """Leaves a loop for a place that other code than its own leads to as well."""
        if jump.label is None:
            self.leave(jump, loop, loc)
            return
        self.settle_all(jump.key, loop.base, loc)
        jump.environments.append(self.frame.env)

    def settle_all(self, key: tuple[object, ...], base: Environment, loc: Loc) -> None:
        """Converts what paths to the place ``key`` change to the type they all agree on.

        ``base`` holds the bindings before the paths part; what none of them changes stays.
        """
        env = self.frame.env = dict(self.frame.env)
        for name, current in list(env.items()):
            if not isinstance(current, Variable | Scalar):
                continue
            entry = self.merge_entry((*key, name))
            if entry.typing is None:
                if current is base.get(name):
                    continue
                self.dirty = True  # paths lifted before have not converted it
            self._settle(entry, name, current, loc)
