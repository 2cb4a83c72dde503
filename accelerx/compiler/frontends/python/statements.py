"""Statements: assignments, branches, returns, asserts, and inlined calls of Python functions."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

from accelerx.compiler import ir
from accelerx.compiler.diagnostics import Loc
from accelerx.compiler.frontends.python.arithmetic import OPERATORS
from accelerx.compiler.frontends.python.calls import Call
from accelerx.compiler.frontends.python.expressions import reads_memory
from accelerx.compiler.frontends.python.loops import Loops
from accelerx.compiler.frontends.python.source import FunctionSource, read
from accelerx.compiler.frontends.python.state import Branch, Frame
from accelerx.compiler.frontends.python.values import (
    Choice,
    Conflict,
    Environment,
    Group,
    Jump,
    Object,
    Scalar,
    Tuple,
    Value,
    Variable,
    View,
)
from accelerx.dtypes import bool_
from accelerx.errors import KernelTypeError

_REFUSED: dict[type[ast.stmt], tuple[str, str]] = {
    ast.Try: ("try is not supported in kernels", "kernels cannot catch exceptions; test instead"),
    ast.TryStar: (
        "try is not supported in kernels",
        "kernels cannot catch exceptions; test instead",
    ),
    ast.With: ("with is not supported in kernels", ""),
    ast.FunctionDef: (
        "a function cannot be defined inside a kernel",
        "define it outside; kernels call plain Python functions",
    ),
    ast.ClassDef: ("a class cannot be defined inside a kernel", ""),
    ast.Import: ("import is not supported in kernels", "import the module outside"),
    ast.ImportFrom: ("import is not supported in kernels", "import the module outside"),
    ast.Global: ("global is not supported in kernels", "kernels write to arrays only"),
    ast.Nonlocal: ("nonlocal is not supported in kernels", "kernels write to arrays only"),
    ast.Delete: ("del is not supported in kernels", ""),
    ast.Match: ("match is not supported in kernels", "use if and elif"),
    ast.AsyncFor: ("async is not supported in kernels", ""),
    ast.AsyncWith: ("async is not supported in kernels", ""),
}


class Statements(Loops):
    """Lifts statements and function bodies."""

    def block(self, nodes: Sequence[ast.stmt]) -> None:
        saved = self.out
        for node in nodes:
            if self.dead:
                break
            self.statement(node)
        self.out = saved

    def statement(self, node: ast.stmt) -> None:
        method = _STATEMENTS.get(type(node))
        if method is None:
            message, hint = _REFUSED.get(
                type(node), (f"{type(node).__name__} is not supported in kernels", "")
            )
            raise self.unsupported(node, message, hint)
        method(self, node)

    # ------------------------------------------------------------------------- assignments

    def _assign(self, node: ast.Assign) -> None:
        first = node.targets[0]
        self.array_name = self.frame.prefix + first.id if isinstance(first, ast.Name) else ""
        value = self.expression(node.value)
        self.array_name = ""
        if len(node.targets) > 1 and isinstance(value, Scalar):
            value = self.once(value, self.loc(node.value))
        for target in node.targets:
            self.assign(target, value)

    def _annotated(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.assign(node.target, self.expression(node.value))

    def assign(self, target: ast.expr, value: Value) -> None:
        match target:
            case ast.Name():
                self._bindable(target, value)
                self.bind(target.id, value, self.loc(target))
            case ast.Subscript():
                self._store(target, self.subscripted(target), value)
            case ast.Attribute():
                self._store(target, self.attribute_target(target), value)
            case ast.Tuple() | ast.List():
                self._unpack(target, value)
            case _:
                raise self.unsupported(target, "* is not supported in assignments in kernels")

    def _bindable(self, target: ast.Name, value: Value) -> None:
        if isinstance(value, Object) and isinstance(value.value, str):
            raise self.unsupported(
                target, f"strings are not values in kernels: {value}", "only print() takes strings"
            )

    def _unpack(self, target: ast.Tuple | ast.List, value: Value) -> None:
        if not isinstance(value, Tuple):
            raise self.type_error(
                target, f"cannot unpack {value} into {len(target.elts)} variables"
            )
        if len(value.items) != len(target.elts):
            raise self.type_error(
                target,
                f"cannot unpack {value} into {len(target.elts)} variable"
                + ("" if len(target.elts) == 1 else "s"),
            )
        items = self._parallel(target, value.items)
        for part, item in zip(target.elts, items, strict=True):
            self.assign(part, item)

    def _parallel(self, target: ast.Tuple | ast.List, items: tuple[Value, ...]) -> list[Value]:
        """Items that assigning the ones before does not change, as ``a, b = b, a`` needs."""
        stores = any(not isinstance(t, ast.Name) for t in target.elts)
        out: list[Value] = []
        before: set[str] = set()
        for part, item in zip(target.elts, items, strict=True):
            out.append(self._kept(item, before, stores, self.loc(part)))
            if isinstance(part, ast.Name):
                before.update(self.locals_of(part.id))
        return out

    def _kept(self, item: Value, before: set[str], stores: bool, loc: Loc) -> Value:
        if isinstance(item, Group):
            return item.with_items([self._kept(i, before, stores, loc) for i in item.items])
        if isinstance(item, Choice):
            which = self._kept(item.which, before, stores, loc)
            return Choice(self.scalar(which, self.frame.source.node), item.views)
        if not isinstance(item, Scalar) or item.expr is None:
            return item
        touched = any(isinstance(e, ir.Local) and e.name in before for e in ir.walk(item.expr))
        return self.spill(item, loc) if touched or (stores and reads_memory(item)) else item

    def locals_of(self, name: str) -> set[str]:
        """The KIR locals that hold a user's variable, or the items of one that is a tuple."""
        key = self.frame.key
        return {
            local
            for (owner, other, _), local in self.named.items()
            if owner == key and (other == name or str(other).startswith(f"{name}."))
        }

    def _store(self, target: ast.expr, element: Value, value: Value) -> None:
        if not isinstance(element, View | Choice):
            raise self.type_error(target, "tuples cannot be changed")
        if element.axes:
            self.store_part(element, value, target)
            return
        if isinstance(value, View | Choice) and value.axes:
            raise self.type_error(target, f"an element cannot be set to {value}")
        self.store(element, value, target)

    def _augmented(self, node: ast.AugAssign) -> None:
        op = OPERATORS.get(type(node.op))
        loc = self.loc(node)
        if op is None:
            raise self.unsupported(node, "operator @ is not supported in kernels", "write the loop")
        if isinstance(node.target, ast.Name):
            name = ast.copy_location(ast.Name(node.target.id, ast.Load()), node.target)
            old, new = self.operands([name, node.value])
            a = self.scalar(old, node.target, f"the left side of {op}=")
            b = self.scalar(new, node.value, f"the right side of {op}=")
            self.bind(node.target.id, self.binary(op, a, b, loc), loc)
            return
        element = (
            self.attribute_target(node.target)
            if isinstance(node.target, ast.Attribute)
            else self.subscripted(node.target)
        )
        if not isinstance(element, View | Choice) or element.axes:
            raise self.type_error(node.target, f"{op}= needs an element, not {element}")
        self.check_writable(element, node.target)
        if isinstance(element, View):
            element = self._read_indices_once(element, loc)
        current = self.scalar(self.load(element, loc), node.target, f"the left side of {op}=")
        mark = len(self.out)
        value = self.number(node.value, f"the right side of {op}=")
        if len(self.out) > mark:
            current = self.spill(current, loc, at=mark)
        self.store(element, self.binary(op, current, value, loc), node.target)

    def _read_indices_once(self, element: View, loc: Loc) -> View:
        """The element with indices that come from memory in locals: it is read and written."""
        fixed = {
            axis: self.spill(index, loc) if reads_memory(index) else index
            for axis, index in element.fixed.items()
        }
        return View(element.mem, fixed, (), element.writable)

    # ---------------------------------------------------------------------------- branches

    def _if(self, node: ast.If) -> None:
        test = self.condition(node.test)
        if test.constant is not None:
            self.block(node.body if test.constant else node.orelse)
            return
        loc, base = self.loc(node), self.frame.env
        first, first_dead = self._branch(node.body, test.when_true, base)
        second, second_dead = self._branch(node.orelse, test.when_false, base)
        branch = ir.If(self.code(test, loc=loc), first.out, second.out, loc)
        self.emit(branch)
        self.dead = first_dead and second_dead
        if self.dead:
            return
        if first_dead or second_dead:
            live = second if first_dead else first
            self.frame.env = live.env
            self.bounds.facts = live.facts
            if self.frame.exit is not None:
                self.out = live.out  # what follows belongs to the path that goes on
            return
        self.frame.env = self.merge([first, second], loc)
        if not first.out and not second.out:
            self.out.remove(branch)

    def _branch(
        self, nodes: Sequence[ast.stmt], facts: Sequence[Any], base: Environment
    ) -> tuple[Branch, bool]:
        known = list(self.bounds.facts)
        self.frame.env = dict(base)
        self.bounds.facts = list(known)
        self.bounds.assume(facts)
        out = self.collect(lambda: self.block(nodes))
        branch = Branch(self.frame.env, out, self.bounds.facts)
        dead, self.dead = self.dead, False
        self.bounds.facts = known
        return branch, dead

    # ------------------------------------------------------------------- the small statements

    def _expression_statement(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):
            self.expression(node.value)

    def _pass(self, node: ast.Pass) -> None:
        """Nothing to do."""

    def _assert(self, node: ast.Assert) -> None:
        loc = self.loc(node)
        test = self.condition(node.test)
        message = "assertion failed"
        if node.msg is not None:
            said = self.expression(node.msg)
            if not isinstance(said, Object) or not isinstance(said.value, str):
                raise self.unsupported(
                    node.msg, "an assert message must be a constant string in kernels"
                )
            message = said.value
        self.emit(ir.Assert(self.code(test, loc=loc), message, (), "assert", loc))
        self.bounds.assume(test.when_true)

    def _raise(self, node: ast.Raise) -> None:
        loc = self.loc(node)
        message = "exception raised" if node.exc is None else self._exception(node.exc)
        self.emit(ir.Assert(ir.Const(False, bool_, loc), message, (), "assert", loc))
        self.emit(ir.Return(loc))
        self.dead = True

    def _exception(self, node: ast.expr) -> str:
        """``ValueError: message`` for ``raise ValueError("message")``."""
        call = node if isinstance(node, ast.Call) else None
        kind = self.expression(call.func if call else node)
        raised = kind.value if isinstance(kind, Object) else None
        if not isinstance(raised, type) or not issubclass(raised, BaseException):
            raise self.type_error(node, f"raise needs an exception, not {kind}")
        parts = []
        for argument in call.args if call else ():
            value = self.expression(argument)
            known = value.value if isinstance(value, Object) else getattr(value, "constant", None)
            if known is None:
                raise self.unsupported(
                    argument, "arguments of exceptions must be constants in kernels"
                )
            parts.append(str(known))
        return ": ".join([raised.__name__, ", ".join(parts)]) if parts else raised.__name__

    # ------------------------------------------------------------------------------ returns

    def _return(self, node: ast.Return) -> None:
        loc, frame = self.loc(node), self.frame
        value: Value = Object(None) if node.value is None else self.expression(node.value)
        if frame.exit is None:
            if not (isinstance(value, Object) and value.value is None):
                raise self.type_error(
                    node, "a kernel cannot return a value", "write the result to an array"
                )
            self.emit(ir.Return(loc))
        elif node is frame.source.body[-1] and not frame.exit.environments:
            frame.result = value
        else:
            self._return_early(value, loc)
        self.dead = True

    def _return_early(self, value: Value, loc: Loc) -> None:
        frame = self.frame
        assert frame.exit is not None
        frame.env = dict(frame.env)
        self.bind("return", value, loc)
        for name, current in list(frame.env.items()):
            returned = name == "return" or name.startswith("return.")
            if returned and isinstance(current, Variable):
                self._settle(self.merge_entry((*frame.key, "exit", name)), name, current, loc)
        frame.exit.environments.append(frame.env)
        self.emit(ir.Exit(frame.exit.label or "", loc))

    # ----------------------------------------------------------------------------- inlining

    def source_of(self, function: FunctionType) -> FunctionSource:
        """The source of a function, read once per kernel."""
        found = self.sources.get(function)
        if found is None:
            found = self.sources[function] = read(function)
        return found

    def inline(self, function: FunctionType, call: Call) -> Value:
        self._refuse_recursion(function, call)
        source = self.source_of(function)
        label = self.fresh_name(f"{source.name}.end")
        frame = Frame(
            source,
            self.key(call.node),
            f"{source.name.strip('<>')}.",
            call.loc,
            exit=Jump(label),
        )
        arguments = self._arguments(source, call)
        caller, self.frame = self.frame, frame
        self.callers.append(caller)
        out = self.collect(lambda: self._function_body(arguments, call.loc))
        result = self._result(frame, call)
        self.callers.pop()
        self.frame = caller
        if strip_tail(out, label):
            self.out.extend(out)
        else:
            self.emit(ir.Scope(label, out, call.loc))
        return result

    def _function_body(self, arguments: dict[str, Value], loc: Loc) -> None:
        for name, value in arguments.items():
            self._bind_argument(name, value, loc)
        known = self.bounds.facts
        self.bounds.facts = list(known)
        self.block(self.frame.source.body)
        if not self.dead and self.frame.exit and self.frame.exit.environments:
            self.bind("return", Object(None), loc)
            self.frame.exit.environments.append(self.frame.env)
        self.bounds.facts = known

    def _bind_argument(self, name: str, value: Value, loc: Loc) -> None:
        """Arguments that are cheap to repeat stand for themselves; others are computed once."""
        env = self.frame.env
        match value:
            case Scalar() if value.constant is None and not isinstance(
                value.expr, ir.ParamRef | ir.Special | ir.Local
            ):
                self.bind(name, value, loc)
            case Scalar():
                env[name] = value
            case Group():
                held = [self.once(i, loc) if isinstance(i, Scalar) else i for i in value.items]
                env[name] = value.with_items(held)
            case View():
                env[name] = self._argument_view(value, loc)
            case _:
                env[name] = value

    def _argument_view(self, view: View, loc: Loc) -> View:
        fixed = {axis: self.once(index, loc) for axis, index in view.fixed.items()}
        return View(view.mem, fixed, view.axes, view.writable)

    def _result(self, frame: Frame, call: Call) -> Value:
        """What the inlined call gave, and whether control comes back from it."""
        assert frame.exit is not None
        environments = frame.exit.environments
        if frame.result is not None and not environments:
            self.dead = False
            return frame.result
        if not environments:
            result: Value = Object(None)
            return result
        if frame.result is not None:
            raise AssertionError("a last return follows early ones")
        self.dead = False
        branches = [Branch(e, [], self.bounds.facts, True) for e in environments]
        frame.env = self.merge(branches, call.loc)
        value = self.read("return", call.loc)
        if isinstance(value, Conflict):
            raise self.type_error(
                call.node,
                f"{frame.source.name}() returns values of different kinds: "
                + value.reason.replace("variable 'return' is ", "").replace(
                    " on different paths", ""
                ),
            )
        return Object(None) if value is None else value

    def _refuse_recursion(self, function: FunctionType, call: Call) -> None:
        frames = [*self.callers, self.frame]
        names = [f.source.name for f in frames]
        for k, frame in enumerate(frames):
            if frame.source.function.__code__ is function.__code__:
                chain = " -> ".join([*names[k:], function.__name__])
                raise self.unsupported(
                    call.node, f"recursion is not supported in kernels: {chain}", "use a loop"
                )

    def _arguments(self, source: FunctionSource, call: Call) -> dict[str, Value]:
        """Arguments by parameter name, as Python binds them."""
        spec = source.node.args
        names = [a.arg for a in (*spec.posonlyargs, *spec.args)]
        positional_only = {a.arg for a in spec.posonlyargs}
        given = call.arguments
        if len(given) > len(names) and spec.vararg is None:
            raise self._wrong_count(source, call, f"takes {count(len(names))}, {len(given)} given")
        bound: dict[str, Value] = dict(zip(names, given, strict=False))
        allowed = {*names, *(a.arg for a in spec.kwonlyargs)} - positional_only
        for name, value in call.keywords.items():
            if name in bound:
                raise self._wrong_count(source, call, f"got argument {name!r} twice")
            if name not in allowed:
                raise self._wrong_count(source, call, f"has no parameter {name!r}")
            bound[name] = value
        self._defaults(source, bound, call)
        wanted = [*names, *(a.arg for a in spec.kwonlyargs)]
        missing = [n for n in wanted if n not in bound]
        if missing:
            listed = ", ".join(map(repr, missing))
            raise self._wrong_count(
                source,
                call,
                f"takes {count(len(wanted))}, {len(given) + len(call.keywords)} given; missing {listed}",
            )
        ordered = {n: bound[n] for n in wanted}
        if spec.vararg is not None:
            ordered[spec.vararg.arg] = Tuple(tuple(given[len(names) :]))
        if spec.kwarg is not None:
            raise self.unsupported(
                call.node, f"{source.name}() takes **{spec.kwarg.arg}; kernels cannot"
            )
        return ordered

    def _defaults(self, source: FunctionSource, bound: dict[str, Value], call: Call) -> None:
        function, spec = source.function, source.node.args
        names = [a.arg for a in (*spec.posonlyargs, *spec.args)]
        defaults = function.__defaults__ or ()
        for name, value in zip(names[len(names) - len(defaults) :], defaults, strict=True):
            if name not in bound:
                bound[name] = self.from_object(value, name, call.node)
        for name, value in (function.__kwdefaults__ or {}).items():
            if name not in bound:
                bound[name] = self.from_object(value, name, call.node)

    def _wrong_count(self, source: FunctionSource, call: Call, what: str) -> KernelTypeError:
        place = f"{source.file.name}:{source.node.lineno + source.shift}"
        return self.type_error(call.node, f"{source.name}() {what}", f"it is defined at {place}")


def count(n: int) -> str:
    """``1 argument``, ``2 arguments``."""
    return f"{n} argument{'' if n == 1 else 's'}"


def strip_tail(out: list[ir.Stmt], label: str) -> bool:
    """Removes exits to ``label`` that end the list anyway; whether no other is left."""
    _strip(out, label)
    return not any(isinstance(s, ir.Exit) and s.label == label for s in ir.statements(out))


def _strip(out: list[ir.Stmt], label: str) -> None:
    if not out:
        return
    last = out[-1]
    if isinstance(last, ir.Exit) and last.label == label:
        out.pop()
        _strip(out, label)
    elif isinstance(last, ir.If):
        _strip(last.then, label)
        _strip(last.orelse, label)
        if not last.then and not last.orelse:
            out.pop()
            _strip(out, label)


_STATEMENTS: dict[type[ast.stmt], Callable[[Statements, Any], None]] = {
    ast.Assign: Statements._assign,
    ast.AnnAssign: Statements._annotated,
    ast.AugAssign: Statements._augmented,
    ast.Expr: Statements._expression_statement,
    ast.If: Statements._if,
    ast.For: Statements.lift_for,
    ast.While: Statements.lift_while,
    ast.Break: Statements.lift_break,
    ast.Continue: Statements.lift_continue,
    ast.Return: Statements._return,
    ast.Pass: Statements._pass,
    ast.Assert: Statements._assert,
    ast.Raise: Statements._raise,
}
