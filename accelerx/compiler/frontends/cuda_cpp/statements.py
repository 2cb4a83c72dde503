"""C++ statements: control flow and declarations."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from accelerx.compiler import ir
from accelerx.compiler.diagnostics import Loc
from accelerx.compiler.frontends.cuda_cpp import types as ctypes
from accelerx.compiler.frontends.cuda_cpp.calls import Calls
from accelerx.compiler.frontends.cuda_cpp.clang import (
    Cursor,
    children,
    evaluate,
    expressions,
    is_declaration,
    is_expression,
    is_statement,
    kind,
)
from accelerx.compiler.frontends.cuda_cpp.functions import (
    initialiser_of,
    is_array,
    is_closure,
    is_const_type,
)
from accelerx.compiler.frontends.cuda_cpp.inlining import Constant
from accelerx.compiler.frontends.cuda_cpp.memory import type_of
from accelerx.compiler.frontends.cuda_cpp.operands import has_load, is_choice, is_lvalue
from accelerx.compiler.frontends.cuda_cpp.ptx import inline_ptx
from accelerx.compiler.frontends.cuda_cpp.values import (
    Binding,
    Closure,
    Function,
    Memory,
    Nothing,
    Place,
    Pointer,
    Temporary,
    Value,
    Variable,
    const,
)
from accelerx.compiler.passes.fold import fold_root as fold
from accelerx.dtypes import bool_, int32

MAX_ARMS = 16  # of an if or switch whose arms become nested ifs
MAX_BLOCKS = 100
_OPPOSITE_STEP: dict[ir.CompareOp, int] = {"lt": 1, "le": 1, "gt": -1, "ge": -1}
_MIRRORED: dict[ir.CompareOp, ir.CompareOp] = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}


# An if statement: what it declares first, condition, branch, else branch
Branch = tuple[list[Cursor], Cursor, Cursor, Cursor | None]


class Statements(Calls):
    """The part of the lifter that lifts statements."""

    def statement(self, c: Cursor) -> None:
        """Lifts a statement.

        Raises:
            UnsupportedKernelError: also where the front end itself fails, at the innermost place.
        """
        around = self.here, self.depth
        self.here, self.depth = c, 0
        self.nesting += 1
        opens = c._kind_id in _BLOCKS()
        self.blocks += opens
        if self.blocks > MAX_BLOCKS:
            raise self.unsupported(
                c, f"more than {MAX_BLOCKS} ifs, loops and switches in each other"
            )
        with self.foreseen():
            self._lifted(c)
        self.blocks -= opens
        self.nesting -= 1
        self.here, self.depth = around

    def _lifted(self, c: Cursor) -> None:
        handler = self._statements.get(c._kind_id)
        if handler is not None:
            handler(self, c)
        elif is_expression(c):
            self.effect(c)
        elif not is_declaration(c):
            self._other_statement(c)

    def _other_statement(self, c: Cursor) -> None:
        name = c.kind.name
        if name in ("CXX_TRY_STMT", "CXX_THROW_EXPR", "CXX_CATCH_STMT"):
            raise self.unsupported(c, "kernels have no exceptions")
        if name in ("GOTO_STMT", "INDIRECT_GOTO_STMT"):
            raise self.unsupported(c, "kernels have no goto", "write a loop with break or continue")
        raise self.unsupported(c, f"kernels have no such statement ({name.lower()})")

    def _block(self, c: Cursor) -> None:
        self.frame.scopes.append([])
        for child in children(c):
            self.statement(child)
        self._leave_scopes(len(self.frame.scopes) - 1)
        self.frame.scopes.pop()

    def _statement_expression(self, c: Cursor) -> Place | Value:
        """``({ ...; value; })``, an extension that macros use."""
        (block,) = children(c)
        *before, last = children(block) or [block]
        self.frame.scopes.append([])
        for child in before:
            self.statement(child)
        value: Value = Nothing()
        if is_expression(last):
            value = self.value(last)
            if isinstance(value, ir.Expr):
                value = self.spill(value, "t", self.loc(last))
        elif last is not block:
            self.statement(last)
        self._leave_scopes(len(self.frame.scopes) - 1)
        self.frame.scopes.pop()
        return value

    def _leave_scopes(self, depth: int) -> None:
        """Runs the destructors of objects in the blocks that are left, the youngest first."""
        for scope in reversed(self.frame.scopes[depth:]):
            for place, record, c in reversed(scope):
                self.destroy(place, record, c)

    def _attributed(self, c: Cursor) -> None:
        """A statement behind an attribute or pragma; ``unroll`` is one."""
        for child in children(c):
            if child._kind_id == kind("FOR_STMT"):
                self._for(child, unroll=self._wants_unrolling(child))
            elif is_statement(child) or is_expression(child):
                self.statement(child)

    def _wants_unrolling(self, c: Cursor) -> bool:
        place = c.location
        line = None
        if place.file is not None:
            line = self.unit.loc(c).source.line(place.line - 1)
        words = (line or "").replace("(", " ").replace(")", " ").split()
        return not (len(words) > 2 and words[1] == "unroll" and words[2] == "1")

    def _label(self, c: Cursor) -> None:
        """A label: without goto it says nothing."""
        for child in children(c):
            self.statement(child)

    # -------------------------------------------------------------------------------- branches

    def _if(self, c: Cursor) -> None:
        chain = self._else_ifs(c)
        if len(chain) > MAX_ARMS:
            self._long_if(chain, self.loc(c))
            return
        before, test, then, orelse = chain[0]
        condition = self._tested(before, test)
        if isinstance(condition, ir.Const):
            chosen = then if condition.value else orelse
            if chosen is not None:
                self.statement(chosen)
            return
        yes = self.collect(lambda: self.statement(then))
        no = [] if orelse is None else self.collect(lambda: self.statement(orelse))
        if yes or no:
            self.emit(ir.If(condition, yes, no, self.loc(c)))

    def _tested(self, before: list[Cursor], test: Cursor) -> ir.Expr:
        """The condition of an if, after what it declares."""
        for x in before:
            if x._kind_id == kind("VAR_DECL"):
                self.declaration(x)
            else:
                self.statement(x)
        return self.condition(test)

    def _long_if(self, chain: list[Branch], loc: Loc) -> None:
        """A chain of else ifs as a list of ifs that leave it, since nested they would be too deep."""
        label = self.label("arms")
        with self.collected() as out:
            for before, test, then, _ in chain:
                condition = self._tested(before, test)
                body = self.collect(lambda then=then: self.statement(then))  # type: ignore[misc]
                self.emit(ir.If(condition, [*body, ir.Exit(label, loc)], [], loc))
            last = chain[-1][-1]
            if last is not None:
                self.statement(last)
        self.emit(ir.Scope(label, out, loc))

    def _else_ifs(self, c: Cursor) -> list[Branch]:
        """An if statement and those that are its else, its else's, and so on."""
        found = [self._branch(c)]
        while found[-1][-1] is not None and found[-1][-1]._kind_id == kind("IF_STMT"):
            found.append(self._branch(found[-1][-1]))
        return found

    def _branch(self, c: Cursor) -> Branch:
        """The parts of an if statement; libclang drops those left out."""
        parts = list(children(c))
        before: list[Cursor] = []
        while not is_expression(parts[0]):  # if (int n = f()), if (int n = f(); n)
            before.append(parts.pop(0))
        if len(parts) > 3 or (
            len(parts) == 3
            and is_expression(parts[1])
            and ";" in self.unit.between(parts[0], parts[1])
        ):  # if (n = f(); n)
            before.append(parts.pop(0))
        return before, parts[0], parts[1], parts[2] if len(parts) > 2 else None

    def _switch(self, c: Cursor) -> None:
        """A switch: each arm runs where its case, or one it falls through from, was met."""
        parts = list(children(c))
        self._without_beginning(c, parts[0])
        if parts[0]._kind_id == kind("VAR_DECL"):  # switch (int n = f())
            self.declaration(parts.pop(0))
        value = self.spill(self.scalar(parts[0]), "switch", self.loc(c))
        arms = self._arms(parts[1])
        label = self.label("switch")
        self.frame.breaks.append((label, len(self.frame.scopes)))
        try:
            body = self._cases(arms, value, label, c)
        finally:
            self.frame.breaks.pop()
        self.out += body

    def _without_beginning(self, c: Cursor, first: Cursor) -> None:
        """Refuses ``switch (n = f(); n)``, of which libclang does not show the beginning."""
        if ";" in self.unit.before(first, c):
            raise self.unsupported(
                c,
                "a statement inside of the parentheses",
                "write it as a statement before this one",
            )

    def _arms(self, body: Cursor) -> list[tuple[list[Cursor | None], list[Cursor]]]:
        """Each arm's case labels (None: default) and statements."""
        arms: list[tuple[list[Cursor | None], list[Cursor]]] = []

        def add(x: Cursor) -> None:
            while x._kind_id in (kind("CASE_STMT"), kind("DEFAULT_STMT")):
                *label, x = children(x)
                start(label[0] if label else None)
            if arms:
                arms[-1][1].append(x)
            elif not is_declaration(x) and x._kind_id != kind("DECL_STMT"):
                raise self.unsupported(x, "a statement before the first case of a switch")

        def start(value: Cursor | None) -> None:
            if not arms or arms[-1][1]:
                arms.append(([], []))
            arms[-1][0].append(value)

        for x in children(body):
            add(x)
        return arms

    def _cases(
        self,
        arms: Sequence[tuple[list[Cursor | None], list[Cursor]]],
        value: ir.Expr,
        label: str,
        c: Cursor,
    ) -> list[ir.Stmt]:
        loc = self.loc(c)
        tests = [[self._case(x, value) for x in labels if x is not None] for labels, _ in arms]
        lifted = [self.collect(lambda b=body: self._arm(b)) for _, body in arms]  # type: ignore[misc]
        last = len(arms) - 1
        closed = [leaves(body, label) or i == last for i, body in enumerate(lifted)]
        bodies = [without_exit(body, label) for body in lifted]
        falls = not all(closed)
        inner = any(
            isinstance(s, ir.Exit) and s.label == label
            for body in bodies
            for s in ir.statements(body)
        )
        conditions: list[ir.Expr | None] = []
        for (labels, _), test in zip(arms, tests, strict=True):
            met = any_of(test)
            if has_default(labels):
                others = any_of([t for row in tests for t in row])
                rest = None if others is None else ir.Unary("not", others, bool_, loc)
                met = (
                    rest
                    if met is None
                    else None
                    if rest is None
                    else ir.Logical("or", met, rest, loc)
                )
            conditions.append(met)
        if not falls and not inner:
            return self._chain(arms, tests, bodies, label, loc)
        out: list[ir.Stmt] = []
        through = self.temporary("through", bool_)
        flag = ir.Local(through, bool_, loc)
        out.append(ir.Assign(through, const(False, bool_), loc))
        for i, condition in enumerate(conditions):
            met = const(True, bool_) if condition is None else condition
            out.append(ir.Assign(through, fold(ir.Logical("or", flag, met, loc)), loc))
            body = bodies[i]
            if closed[i] and i != last and not leaves(body, label):
                body = [*body, ir.Exit(label, loc)]
            out.append(ir.If(flag, body, [], loc))
        return [ir.Scope(label, out, loc)]

    def _chain(
        self,
        arms: Sequence[tuple[list[Cursor | None], list[Cursor]]],
        tests: list[list[ir.Expr]],
        bodies: list[list[ir.Stmt]],
        label: str,
        loc: Loc,
    ) -> list[ir.Stmt]:
        """Arms that do not fall through, as if ... else if ... else."""
        out: list[ir.Stmt] = []
        chosen: list[tuple[ir.Expr, list[ir.Stmt]]] = []
        for (labels, _), test, body in zip(arms, tests, bodies, strict=True):
            condition = any_of(test)
            if has_default(labels):
                out = body
            elif condition is not None:
                chosen.append((condition, body))
        if len(chosen) > MAX_ARMS:
            leave = ir.Exit(label, loc)
            ifs: list[ir.Stmt] = [ir.If(e, [*body, leave], [], loc) for e, body in chosen]
            return [ir.Scope(label, [*ifs, *out], loc)]
        for condition, body in reversed(chosen):
            out = [ir.If(condition, body, out, loc)]
        return out

    def _case(self, x: Cursor, value: ir.Expr) -> ir.Expr:
        number = evaluate(x)
        if not isinstance(number, int):
            raise self.error(x, "a case needs a constant")
        return ir.Compare("eq", value, self.constant_of(number, value.type, x), self.loc(x))

    def _arm(self, body: list[Cursor]) -> None:
        for x in body:
            self.statement(x)

    # ----------------------------------------------------------------------------------- loops

    def _while(self, c: Cursor) -> None:
        *before, test, body = children(c)
        self._loop(c, test, body, None, before[0] if before else None)

    def _loop(
        self,
        c: Cursor,
        test: Cursor | None,
        body: Cursor | None,
        step: Cursor | None,
        declared: Cursor | None = None,
    ) -> None:
        """A While; a condition with effects of its own is tested inside."""
        loc = self.loc(c)
        with self.collected() as before:
            if declared is not None:
                self.declaration(declared)
            condition = const(True, bool_) if test is None else self.condition(test)
        inside = self._loop_body(body)
        post = [] if step is None else self.collect(lambda: self.effect(step))
        if before:
            leave = ir.If(fold(ir.Unary("not", condition, bool_, loc)), [ir.Break(loc)], [], loc)
            condition, inside = const(True, bool_), [*before, leave, *inside]
        self.emit(ir.While(condition, inside, post, loc))

    def _loop_body(self, body: Cursor | None) -> list[ir.Stmt]:
        self.frame.breaks.append((None, len(self.frame.scopes)))
        try:
            return [] if body is None else self.collect(lambda: self.statement(body))
        finally:
            self.frame.breaks.pop()

    def _do(self, c: Cursor) -> None:
        body, test = children(c)
        loc = self.loc(c)
        inside = self._loop_body(body)
        with self.collected() as post:
            condition = self.condition(test)
        if isinstance(condition, ir.Const) and not condition.value and not has_jump(inside):
            self.out += inside  # do { } while (0)
            return
        again = self.temporary("again", bool_)
        post.append(ir.Assign(again, condition, loc))
        self.emit(ir.Assign(again, const(True, bool_), loc))
        self.emit(ir.While(ir.Local(again, bool_, loc), inside, post, loc))

    def _plain_for(self, c: Cursor) -> None:
        self._for(c, unroll=False)

    def _for(self, c: Cursor, *, unroll: bool) -> None:
        start, test, step, body = for_parts(c)
        if start is not None:
            self.statement(start)
        if test is None:
            self._loop(c, test, body, step)
            return
        mark = len(self.out)
        with self.collected() as before:
            condition = self.condition(test)
        inside = self._loop_body(body)
        post = [] if step is None else self.collect(lambda: self.effect(step))
        loc = self.loc(c)
        if not before and start is not None and start._kind_id == kind("DECL_STMT"):
            counted = self._counted(start, condition, inside, post, mark, loc, unroll=unroll)
            if counted is not None:
                self.out[mark - 1 :] = [counted]
                return
        if before:
            leave = ir.If(fold(ir.Unary("not", condition, bool_, loc)), [ir.Break(loc)], [], loc)
            condition, inside = const(True, bool_), [*before, leave, *inside]
        self.emit(ir.While(condition, inside, post, loc))

    def _counted(
        self,
        start: Cursor,
        condition: ir.Expr,
        body: list[ir.Stmt],
        post: list[ir.Stmt],
        mark: int,
        loc: Loc,
        *,
        unroll: bool,
    ) -> ir.For | None:
        """The loop as a For, if it counts one variable of its own between bounds that stand still."""
        first = self.out[mark - 1] if mark and len(self.out) == mark else None
        declared = children(start)
        if not isinstance(first, ir.Assign) or len(declared) != 1 or len(post) != 1:
            return None
        place = self.frame.bindings.get(declared[0].hash)
        step = post[0]
        if not isinstance(place, Variable) or first.target != place.name:
            return None
        if not isinstance(step, ir.Assign) or step.target != place.name:
            return None
        stride = stride_of(step.value, place.name)
        bound = bound_of(condition, place.name)
        if stride is None or bound is None or place.name in assigned(body):
            return None
        dtype = place.type.dtype
        op, stop = bound
        changed = assigned(body)
        if not dtype.is_integer or dtype.bits < 32 or not stands(stop, changed):
            return None
        if isinstance(stride, ir.Const):
            if stride.value == 0 or (stride.value > 0) != (_OPPOSITE_STEP[op] > 0):
                return None
        elif not stands(stride, changed) or op not in ("lt", "le"):
            return None
        if op in ("le", "ge"):
            if dtype.kind == "uint" and not isinstance(stop, ir.Const):
                return None
            one = const(1 if op == "le" else -1, dtype) if dtype.is_signed else const(1, dtype)
            if dtype.kind == "uint" and op == "ge":
                return None
            stop = fold(ir.Binary("add", stop, one, dtype, dtype.is_signed, loc))
            if isinstance(stop, ir.Const) and (stop.value > bound_value(bound[1])) != (op == "le"):
                return None  # the bound is the last number there is
        if dtype.kind == "uint" and op == "gt":
            return None
        return ir.For(place.name, first.value, stop, stride, body, unroll, loc)

    def _for_range(self, c: Cursor) -> None:
        """``for (x : array)``: over an array of known length, or what begin() and end() give."""
        parts = list(children(c))
        variable = next(x for x in parts if x._kind_id == kind("VAR_DECL"))
        self._without_beginning(c, variable)
        rest = [x for x in parts if x._kind_id != kind("VAR_DECL")]
        x = self.expression(rest[0])
        if not is_lvalue(x) or isinstance(x, Closure):
            raise self.unsupported(c, "this range has no known length")
        array = self._underlying_array(x)
        if array is None:
            raise self.unsupported(c, "a range is an array of known length here")
        type_ = type_of(array)
        assert isinstance(type_, ctypes.Array)
        counter = self.temporary("i", int32)
        with self.collected() as inside:
            element = self.element(array, ir.Local(counter, int32))
            wanted = self.type(variable)
            if isinstance(wanted, ctypes.Reference):
                self.frame.bindings[variable.hash] = element
            else:
                key = (*self.frame.chain, variable.hash)
                place = self.declare(key, wanted, variable.spelling)
                self.assign(place, self.load(element), self.loc(variable))
                self.frame.bindings[variable.hash] = place
            inside += self._loop_body(rest[-1])
        bounds = (const(0, int32), const(type_.count, int32), const(1, int32))
        self.emit(ir.For(counter, *bounds, inside, unroll=type_.count <= 8, loc=self.loc(c)))

    def _underlying_array(self, place: Any) -> Any:
        """The array itself, or the only member of a record such as std::array."""
        type_ = type_of(place)
        if isinstance(type_, ctypes.Array):
            return place
        if isinstance(type_, ctypes.Record) and len(type_.fields) == 1:
            return self._underlying_array(self.member(place, type_.fields[0].name))
        return None

    # ----------------------------------------------------------------------------------- jumps

    def _break(self, c: Cursor) -> None:
        label, depth = self.frame.breaks[-1]
        loc = self.loc(c)
        self._leave_scopes(depth)
        self.emit(ir.Break(loc) if label is None else ir.Exit(label, loc))

    def _continue(self, c: Cursor) -> None:
        self._leave_scopes(next(d for label, d in reversed(self.frame.breaks) if label is None))
        self.emit(ir.Continue(self.loc(c)))

    def _return(self, c: Cursor) -> None:
        frame, loc = self.frame, self.loc(c)
        inner = expressions(c)
        if frame.label is None:
            if inner:
                self.effect(inner[0])
            self._leave_scopes(0)
            self.emit(ir.Return(loc))
            return
        if inner and frame.by_reference:
            self._return_reference(inner[0])
        elif inner and frame.result is not None:
            self.initialise(frame.result, inner[0], ("return",))
        elif inner:
            self.effect(inner[0])
        self._leave_scopes(0)
        self.emit(ir.Exit(frame.label, loc))

    def _return_reference(self, x: Cursor) -> None:
        frame = self.frame
        if frame.result is None and is_choice(x):
            self.facts.several.add((*frame.chain, "returned"))
            raise self.again
        place = self.located(x) if is_choice(x) else self.place(x)
        if frame.result is not None:
            self.assign(frame.result, self.address_of(self.addressable(place, x)), self.loc(x))
        elif frame.returned is None:
            frame.returned = self.pinned(place)
        elif frame.returned is not place:
            self.facts.several.add((*frame.chain, "returned"))
            raise self.again

    def _asm(self, c: Cursor) -> None:
        inline_ptx(self, c)

    def _nothing(self, c: Cursor) -> None:
        """A statement that does nothing."""

    # ----------------------------------------------------------------------------- declarations

    def _declarations(self, c: Cursor) -> None:
        for child in children(c):
            if child._kind_id == kind("VAR_DECL"):
                self.declaration(child)
            elif child.spelling.startswith("["):
                self._structured_binding(child)

    def _structured_binding(self, c: Cursor) -> None:
        """``auto [a, b] = x``: names for the members of a record or the elements of an array."""
        names = [x for x in children(c) if is_declaration(x)]
        value = next((x for x in children(c) if is_expression(x)), None)
        if value is None:
            raise self.unsupported(c, "this declaration has no initialiser")
        type_ = self.type(c)
        if isinstance(type_, ctypes.Reference):
            whole = self.bound(value, type_.referee)
        else:
            whole = self.declare((*self.frame.chain, c.hash), type_, "bound")
            self.initialise(whole, value)
        if isinstance(whole, (Function, Closure)):
            raise self.unsupported(c, "this has no members to name")
        parts = self._nameable(whole)
        for i, name in enumerate(names):
            if i >= len(parts):
                raise self.unsupported(name, f"'{type_of(whole)}' has no member number {i + 1}")
            self.frame.bindings[name.hash] = parts[i]

    def _nameable(self, whole: Place) -> list[Place]:
        """What structured bindings name: elements, members, or what get<> gives of a std type."""
        own = type_of(whole)
        if isinstance(own, ctypes.Array):
            return [self.element(whole, const(i, int32)) for i in range(own.count)]
        if not isinstance(own, ctypes.Record):
            return []
        parts = [self.member(whole, field.name) for field in own.fields]
        if own.name.startswith("std::array<"):
            return self._nameable(parts[0])
        if own.name.startswith("std::tuple<") and parts:
            return [parts[0], *self._nameable(parts[1])]
        return parts

    def declaration(self, c: Cursor) -> None:
        """A local variable."""
        if self.is_static(c):
            self.frame.bindings[c.hash] = self.static_variable(c)
            return
        type_ = self.type(c)
        value = initialiser_of(c)
        key = (*self.frame.chain, c.hash)
        self.frame.bindings[c.hash] = self._declared(c, key, type_, value)

    def _declared(self, c: Cursor, key: Any, type_: ctypes.CType, value: Cursor | None) -> Binding:
        if isinstance(type_, ctypes.Reference):
            assert value is not None
            return self.bound(value, type_.referee, c.type)
        if isinstance(type_, ctypes.Record) and is_closure(type_):
            assert value is not None
            x = self.expression(value)
            if isinstance(x, Closure):
                return self.closure_copy(x, key, c)
            raise self.unsupported(c, "a lambda is copied from something unknown")
        if isinstance(type_, ctypes.Void):
            raise self.unsupported(c, f"kernels cannot hold a value of type '{type_}'")
        if value is not None and isinstance(type_, ctypes.Pointer):
            x = self._pointer_value(self.expression(value), type_)
            if isinstance(x, Function) and not self.is_mutable(key):
                return Constant(type_, x, key)
            place = self.declare(key, type_, c.spelling)
            self.assign(place, self.as_type_of(place, x), self.loc(c))
            return place
        if value is not None and is_array(c) and is_const_type(c):
            table = self.constant_table(c, type_, value)
            if table is not None:
                return table
        if isinstance(type_, ctypes.Array) and type_.size == 0:
            raise self.unsupported(c, "an array of unknown length")
        place = self.declare(key, type_, c.spelling)
        if value is not None:
            self.initialise(place, value)
        if self.has_destructor(type_):
            self.frame.scopes[-1].append((place, type_, c))
        return place

    def _pointer_value(self, x: Any, type_: ctypes.Pointer) -> Value:
        value = self.decayed(x)
        return self.retyped(value, type_.pointee) if isinstance(value, Pointer) else value

    # ---------------------------------------------------------------------------- for lifter.py

    def is_static(self, c: Cursor) -> bool:
        raise NotImplementedError

    def static_variable(self, c: Cursor) -> Binding:
        raise NotImplementedError

    def constant_table(self, c: Cursor, type_: ctypes.CType, value: Cursor) -> Memory | None:
        raise NotImplementedError

    _statements: dict[int, Callable[[Any, Cursor], None]] = {}


def statement_handlers(cls: type[Statements]) -> dict[int, Callable[[Any, Cursor], None]]:
    """The methods of ``cls`` for each kind of statement."""
    methods: dict[str, Callable[[Any, Cursor], None]] = {
        "COMPOUND_STMT": cls._block,
        "DECL_STMT": cls._declarations,
        "IF_STMT": cls._if,
        "FOR_STMT": cls._plain_for,
        "WHILE_STMT": cls._while,
        "DO_STMT": cls._do,
        "SWITCH_STMT": cls._switch,
        "RETURN_STMT": cls._return,
        "BREAK_STMT": cls._break,
        "CONTINUE_STMT": cls._continue,
        "NULL_STMT": cls._nothing,
        "UNEXPOSED_STMT": cls._attributed,
        "LABEL_STMT": cls._label,
        "ASM_STMT": cls._asm,
        "CXX_FOR_RANGE_STMT": cls._for_range,
    }
    return {kind(name): method for name, method in methods.items()}


# -------------------------------------------------------------------------------------- helpers


@functools.cache
def _BLOCKS() -> frozenset[int]:
    names = ("IF_STMT", "FOR_STMT", "WHILE_STMT", "DO_STMT", "SWITCH_STMT", "CXX_FOR_RANGE_STMT")
    return frozenset(map(kind, names))


def for_parts(c: Cursor) -> tuple[Cursor | None, Cursor | None, Cursor | None, Cursor | None]:
    """A for statement's start, condition, step and body; libclang drops those left out."""
    parts = children(c)
    body = parts[-1] if parts else None
    head = parts[:-1]
    if len(head) == 3:
        return head[0], head[1], head[2], body
    semicolons = _semicolons(c)
    slots: list[Cursor | None] = [None, None, None]
    for part in head:
        at = part.extent.start.offset
        slots[sum(at > place for place in semicolons)] = part
    return slots[0], slots[1], slots[2], body


def _semicolons(c: Cursor) -> list[int]:
    """Offsets of the two semicolons in a for statement's head."""
    found: list[int] = []
    depth = 0
    for token in c.get_tokens():
        text = token.spelling
        if text in ("(", "{", "["):
            depth += 1
        elif text in (")", "}", "]"):
            depth -= 1
        elif text == ";" and depth == 1:
            found.append(token.extent.start.offset)
            if len(found) == 2:
                break
    return found


def assigned(body: Sequence[ir.Stmt]) -> set[str]:
    """Names of the locals that a list assigns."""
    return {name for s in ir.statements(body) if (name := ir.target(s)) is not None}


def stands(e: ir.Expr, changed: set[str]) -> bool:
    """Whether an expression keeps its value while the locals in ``changed`` do not."""
    if has_load(e):
        return False
    return not any(isinstance(x, ir.Local) and x.name in changed for x in ir.walk(e))


def stride_of(e: ir.Expr, name: str) -> ir.Expr | None:
    """``s`` if ``e`` is ``name + s``."""
    if not isinstance(e, ir.Binary) or e.op not in ("add", "sub"):
        return None
    if not (isinstance(e.left, ir.Local) and e.left.name == name):
        if e.op == "add" and isinstance(e.right, ir.Local) and e.right.name == name:
            return e.left
        return None
    if e.op == "add":
        return e.right
    if isinstance(e.right, ir.Const) and e.type.is_signed:
        return const(-int(e.right.value), e.type)
    return None


def bound_of(e: ir.Expr, name: str) -> tuple[ir.CompareOp, ir.Expr] | None:
    """``(op, b)`` if ``e`` is ``name op b``."""
    if not isinstance(e, ir.Compare) or e.op not in _OPPOSITE_STEP:
        return None
    if isinstance(e.left, ir.Local) and e.left.name == name:
        return e.op, e.right
    if isinstance(e.right, ir.Local) and e.right.name == name:
        return _MIRRORED[e.op], e.left
    return None


def bound_value(e: ir.Expr) -> int:
    assert isinstance(e, ir.Const)
    return int(e.value)


def has_default(labels: Sequence[Cursor | None]) -> bool:
    """Whether ``default``, which is None here, is among the labels of a switch's arm."""
    return any(x is None for x in labels)  # libclang 18 compares cursors with cursors only


def any_of(conditions: Sequence[ir.Expr]) -> ir.Expr | None:
    """Whether any condition holds, as a balanced tree; None if there is none."""
    if len(conditions) < 2:
        return conditions[0] if conditions else None
    middle = len(conditions) // 2
    left, right = any_of(conditions[:middle]), any_of(conditions[middle:])
    assert left is not None
    assert right is not None
    return fold(ir.Logical("or", left, right))


def leaves(body: Sequence[ir.Stmt], label: str) -> bool:
    """Whether control never reaches the end of a switch's arm."""
    if not body:
        return False
    last = body[-1]
    if isinstance(last, (ir.Exit, ir.Return, ir.Continue, ir.Break)):
        return True
    return isinstance(last, ir.If) and leaves(last.then, label) and leaves(last.orelse, label)


def without_exit(body: list[ir.Stmt], label: str) -> list[ir.Stmt]:
    """An arm without the break at its end."""
    if body and isinstance(body[-1], ir.Exit) and body[-1].label == label:
        return body[:-1]
    return body


def has_jump(body: Sequence[ir.Stmt]) -> bool:
    """Whether a loop's body breaks or continues that loop itself."""
    for s in body:
        if isinstance(s, (ir.Break, ir.Continue)):
            return True
        if not isinstance(s, (ir.For, ir.While)) and any(has_jump(b) for b in ir.blocks(s)):
            return True
    return False


__all__ = ["Statements", "Temporary", "statement_handlers"]
