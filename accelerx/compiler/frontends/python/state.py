"""The lifter's state and its smallest steps: emitting code, locals, casts, binding and merging names.

One pass walks the kernel once. What a loop's head must know about its back edges (a variable's type,
whether it stays non-negative) is assumed first and corrected from the memo of the pass before, until
a pass contradicts nothing. Variables are typed per assignment, as numba's SSA does it: a name keeps
one KIR local per type it takes, and paths that meet convert to the joined type.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from types import FunctionType

from accelerx.compiler import ir
from accelerx.compiler.diagnostics import Loc, type_error, unsupported
from accelerx.compiler.frontends.python.bounds import Bounds, Form
from accelerx.compiler.frontends.python.promotion import Number, Rules, Typing, convert
from accelerx.compiler.frontends.python.source import FunctionSource
from accelerx.compiler.frontends.python.values import (
    Axis,
    Binding,
    Choice,
    ChoiceVariable,
    Conflict,
    Environment,
    Group,
    GroupVariable,
    Index,
    Jump,
    Merge,
    Object,
    Scalar,
    Value,
    Variable,
    View,
)
from accelerx.dtypes import DType, int32
from accelerx.errors import KernelTypeError, UnsupportedKernelError


@dataclass(slots=True, eq=False)
class Loop:
    """A loop being lifted.

    Attributes:
        key: What its entries in the memo begin with.
        assigned: Names its body assigns.
        head: The bindings at its head.
        brk: Where ``break`` leads.
        next: Where ``continue`` leads, in an opened loop; None: to the loop's head.
        base: The bindings before it.
        early: Bindings at each ``continue``.
        last: Bindings at the ends of trips, for names that the head does not have.
    """

    key: tuple[object, ...]
    assigned: frozenset[str]
    head: Environment
    brk: Jump
    next: Jump | None = None
    base: Environment = field(default_factory=dict)
    early: list[Environment] = field(default_factory=list)
    last: list[Environment] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Frame:
    """A function being lifted: the kernel, or one inlined call.

    Attributes:
        key: The call sites that lead here.
        path: Copies of opened loops that lead to the current place.
        prefix: What its locals' names begin with.
        parent: The place of the call.
        exit: Where ``return`` leads; None for the kernel.
        result: The value of the return at the end, if there is no other.
    """

    source: FunctionSource
    key: tuple[object, ...]
    prefix: str
    parent: Loc | None
    env: Environment = field(default_factory=dict)
    loops: list[Loop] = field(default_factory=list)
    path: tuple[int, ...] = ()
    exit: Jump | None = None
    result: Value | None = None


@dataclass(slots=True, eq=False)
class Branch:
    """The end of one of the paths that meet: its bindings, its code, its facts.

    A settled one has converted its scalars already, and takes no more code.
    """

    env: Environment
    out: list[ir.Stmt]
    facts: list[Form]
    settled: bool = False


class State:
    """State and helpers shared by the parts of the lifter."""

    rules: Rules
    frame: Frame

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.memo: dict[tuple[object, ...], Merge] = {}
        self.sources: dict[FunctionType, FunctionSource] = {}
        self.reset()

    def reset(self) -> None:
        """Forgets one pass but its memo."""
        self.params: list[ir.Param] = []
        self.mems: dict[str, ir.Mem] = {}
        self.locals: dict[str, DType] = {}
        self.taken: set[str] = set()
        self.named: dict[tuple[object, ...], str] = {}
        self.arrays: dict[tuple[object, ...], View] = {}
        self.wholes: dict[str, View] = {}
        self.parts: dict[tuple[object, ...], ir.Mem] = {}
        self.written: set[str] = set()
        self.bounds = Bounds()
        self.callers: list[Frame] = []
        self.out: list[ir.Stmt] = []
        self.dead = False
        self.dirty = False

    # ------------------------------------------------------------------------------- errors

    def loc(self, node: ast.AST) -> Loc:
        """The place of a node of the function being lifted."""
        return self.frame.source.loc(node, self.frame.parent)

    def type_error(self, node: ast.AST, message: str, hint: str = "") -> KernelTypeError:
        """An error about types, to raise."""
        return type_error(self.loc(node), message, hint)

    def unsupported(self, node: ast.AST, message: str, hint: str = "") -> UnsupportedKernelError:
        """An error about what kernels do not have, to raise."""
        return unsupported(self.loc(node), message, hint)

    # --------------------------------------------------------------------------------- code

    def emit(self, statement: ir.Stmt) -> None:
        self.out.append(statement)

    def collect(self, work: Callable[[], None]) -> list[ir.Stmt]:
        """The statements that ``work`` emits."""
        saved, self.out = self.out, []
        work()
        collected, self.out = self.out, saved
        return collected

    def fresh_name(self, stem: str) -> str:
        """A name that no parameter, array or local has yet."""
        name, n = stem, 1
        while name in self.taken:
            name, n = f"{stem}.{n}", n + 1
        self.taken.add(name)
        return name

    def temporary(self, stem: str, dtype: DType) -> str:
        """Declares a new local."""
        name = self.fresh_name(self.frame.prefix + stem)
        self.locals[name] = dtype
        return name

    def local(self, name: str, dtype: DType) -> str:
        """The KIR local that holds the user's variable ``name`` while it is a ``dtype``."""
        key = (self.frame.key, name, dtype)
        found = self.named.get(key)
        if found is None:
            plain = self.frame.prefix + name
            found = self.fresh_name(plain if plain not in self.taken else f"{plain}.{dtype.short}")
            self.locals[found] = dtype
            self.named[key] = found
        return found

    # ------------------------------------------------------------------------------ scalars

    def literal(self, value: Number) -> Scalar:
        """A Python number as a scalar."""
        dtype, weak = self.rules.literal(value)
        return self.constant(value, dtype, weak)

    def constant(self, value: Number, dtype: DType, weak: bool = False) -> Scalar:
        """A compile-time constant; a weak one keeps its full precision until it is used."""
        if not weak:
            value = convert(value, dtype)
        if isinstance(value, int) and not isinstance(value, bool):
            index = Index() if abs(value) < 1 << 20 else None
            return Scalar(None, dtype, weak, value, Form(value), index)
        return Scalar(None, dtype, weak, value)

    def code(self, scalar: Scalar, dtype: DType | None = None, loc: Loc | None = None) -> ir.Expr:
        """The expression of a scalar, converted to ``dtype``."""
        dtype = scalar.dtype if dtype is None else dtype
        if scalar.constant is not None:
            return ir.Const(convert(scalar.constant, dtype), dtype, loc)
        expr = scalar.expr
        assert expr is not None
        return expr if expr.type is dtype else ir.Cast(expr, dtype, loc)

    def cast(self, scalar: Scalar, dtype: DType, loc: Loc | None, weak: bool = False) -> Scalar:
        """A scalar converted to ``dtype``; what is known about its value stays known."""
        if scalar.dtype is dtype and scalar.weak == weak:
            return scalar
        if scalar.constant is not None:
            return self.constant(scalar.constant, dtype, weak)
        form = self._cast_form(scalar, dtype)
        if form is None and dtype.is_integer:
            form = self.bounds.fresh(0 if dtype.kind == "uint" else None)
        index = scalar.index if dtype.is_integer else None
        return Scalar(self.code(scalar, dtype, loc), dtype, weak, None, form, index)

    def _cast_form(self, scalar: Scalar, dtype: DType) -> Form | None:
        if not dtype.is_integer or scalar.form is None:
            return None
        old = scalar.dtype
        if dtype.is_signed and old.is_signed:
            keeps = dtype.bits >= old.bits or scalar.index is not None
        elif dtype.is_signed:
            keeps = dtype.bits > old.bits
        else:
            keeps = dtype.bits >= old.bits and self.bounds.nonnegative(scalar.form)
        return scalar.form if keeps else None

    def expression_of(
        self,
        expr: ir.Expr,
        typing: Typing | None = None,
        form: Form | None = None,
        index: Index | None = None,
    ) -> Scalar:
        """A scalar computed by ``expr``; an integer always gets a form."""
        dtype, weak = typing or (expr.type, False)
        if form is None and dtype.is_integer:
            form = self.bounds.fresh(0 if dtype.kind == "uint" else None)
        return Scalar(expr, dtype, weak, None, form, index)

    def spill(
        self, scalar: Scalar, loc: Loc | None, stem: str = "t", at: int | None = None
    ) -> Scalar:
        """The value put into a new local, so that it is computed once, here."""
        name = self.temporary(stem, scalar.dtype)
        assign = ir.Assign(name, self.code(scalar, loc=loc), loc)
        self.out.insert(len(self.out) if at is None else at, assign)
        expr = ir.Local(name, scalar.dtype, loc)
        return Scalar(
            expr,
            scalar.dtype,
            scalar.weak,
            None,
            scalar.form,
            scalar.index,
            scalar.when_true,
            scalar.when_false,
        )

    def once(self, scalar: Scalar, loc: Loc | None) -> Scalar:
        """The scalar in a form that may be used several times."""
        if scalar.constant is not None or isinstance(
            scalar.expr, ir.Local | ir.ParamRef | ir.Special | ir.Const
        ):
            return scalar
        return self.spill(scalar, loc)

    def stable(self, scalar: Scalar, loc: Loc | None, stem: str = "t") -> Scalar:
        """The scalar in a form that later assignments and stores do not change."""
        if scalar.expr is None or not any(
            isinstance(e, ir.Local | ir.Load) for e in ir.walk(scalar.expr)
        ):
            return scalar
        return self.spill(scalar, loc, stem)

    def size(self, extent: int | ir.Expr | None) -> Scalar | None:
        """An extent or a stride of an array as a scalar."""
        if extent is None:
            return None
        if isinstance(extent, int):
            return self.literal(extent)
        form = self.bounds.atom(extent.name, 0) if isinstance(extent, ir.ParamRef) else None
        return self.expression_of(extent, form=form, index=Index())

    # ------------------------------------------------------------------------------ binding

    def bind(self, name: str, value: Value, loc: Loc | None) -> None:
        """Makes ``name`` stand for ``value`` from here on."""
        env = self.frame.env
        match value:
            case Scalar():
                local = self.local(name, value.dtype)
                self.emit(ir.Assign(local, self.code(value, loc=loc), loc))
                env[name] = self.variable(local, value, loc)
            case Group():
                items = [
                    self.stable(item, loc) if isinstance(item, Scalar) else item
                    for item in value.items
                ]
                for k, item in enumerate(items):
                    self.bind(f"{name}.{k}", item, loc)
                env[name] = GroupVariable(len(items), value)
            case View():
                env[name] = self.freeze(value, loc, name)
            case Choice():
                views = tuple(self.freeze(v, loc, name) for v in value.views)
                local = self.local(f"{name}.which", int32)
                self.emit(ir.Assign(local, self.code(value.which, int32, loc), loc))
                env[name] = ChoiceVariable(local, views)
            case _:
                env[name] = value

    def variable(self, local: str, value: Scalar, loc: Loc | None) -> Variable:
        """A variable that just received ``value`` in ``local``."""
        form = value.form
        if form is None and value.dtype.is_integer:
            form = self.bounds.fresh(0 if value.dtype.kind == "uint" else None)
        return Variable(local, value.dtype, value.weak, value.constant, form, value.index, loc)

    def freeze(self, view: View, loc: Loc | None, stem: str) -> View:
        """A view whose indices later assignments do not change."""

        def fix(part: Scalar | None) -> Scalar | None:
            return None if part is None else self.stable(part, loc, f"{stem}.at")

        fixed = {axis: self.stable(index, loc, f"{stem}.at") for axis, index in view.fixed.items()}
        axes = tuple(Axis(a.axis, fix(a.start), fix(a.step), fix(a.extent)) for a in view.axes)
        return View(view.mem, fixed, axes, view.writable)

    def read(self, name: str, loc: Loc | None) -> Value | Conflict | None:
        """What ``name`` stands for here; None if it is not a variable with a value."""
        binding = self.frame.env.get(name)
        match binding:
            case Variable():
                return self._read_variable(binding, loc)
            case GroupVariable():
                items = [self.read(f"{name}.{k}", loc) for k in range(binding.length)]
                for item in items:
                    if isinstance(item, Conflict):
                        return item
                known = tuple(i for i in items if i is not None and not isinstance(i, Conflict))
                return binding.like.with_items(known)
            case ChoiceVariable():
                which = Scalar(ir.Local(binding.local, int32, loc), int32)
                return Choice(which, binding.views)
            case _:
                return binding

    @staticmethod
    def _read_variable(v: Variable, loc: Loc | None) -> Scalar:
        if v.constant is not None:
            return Scalar(None, v.dtype, v.weak, v.constant, v.form, v.index)
        expr = ir.Local(v.local, v.dtype, loc)
        return Scalar(expr, v.dtype, v.weak, None, v.form, v.index)

    # ------------------------------------------------------------------------------ merging

    def merge(self, branches: Sequence[Branch], loc: Loc | None) -> Environment:
        """The bindings after paths have met; code that converts goes to the ends of the paths."""
        if len(branches) == 1:
            return branches[0].env
        merged: Environment = {}
        names: Iterable[str] = dict.fromkeys(n for b in branches for n in b.env)
        for name in names:
            bindings = [b.env.get(name) for b in branches]
            first = bindings[0]
            if first is not None and all(b is first for b in bindings):
                merged[name] = first
            else:
                merged[name] = self._merge_name(name, branches, bindings, loc)
        return merged

    def _merge_name(
        self,
        name: str,
        branches: Sequence[Branch],
        bindings: Sequence[Binding | None],
        loc: Loc | None,
    ) -> Binding:
        present = [(b, x) for b, x in zip(branches, bindings, strict=True) if x is not None]
        scalars = [(b, x) for b, x in present if isinstance(x, Variable | Scalar)]
        if len(scalars) == len(present):
            whole = len(present) == len(branches)
            return self._merge_scalars(name, scalars, whole, loc)
        first = present[0][1]
        if all(same_binding(first, x) for _, x in present):
            return first
        choice = self._merge_arrays(name, present, loc)
        if choice is not None:
            return choice
        known = list(dict.fromkeys(describe(x) for _, x in present))
        kinds = " and ".join(known) if len(known) > 1 else f"{known[0]} and another"
        return Conflict(f"variable {name!r} is {kinds} on different paths")

    def _merge_arrays(
        self, name: str, present: Sequence[tuple[Branch, Binding]], loc: Loc | None
    ) -> ChoiceVariable | None:
        """One of several arrays of one kind; None if they are not, or the paths take no code."""
        views: list[View] = []
        for branch, x in present:
            if branch.settled or not isinstance(x, View | Choice | ChoiceVariable):
                return None
            for view in views_of(x):
                if not any(same_binding(view, v) for v in views):
                    views.append(view)
        if any(v.dtype is not views[0].dtype or len(v.axes) != len(views[0].axes) for v in views):
            return None
        choice = ChoiceVariable(self.local(f"{name}.which", int32), tuple(views))
        for branch, x in present:
            self.convert_choice(choice, x, branch.out, loc)
        return choice

    def convert_choice(
        self, target: ChoiceVariable, x: Binding, out: list[ir.Stmt], loc: Loc | None
    ) -> None:
        """Appends code that sets ``target`` to the array that ``x`` is."""
        places = [
            next(k for k, v in enumerate(target.views) if same_binding(v, view))
            for view in views_of(x)
        ]
        code: ir.Expr = ir.Const(places[-1], int32, loc)
        if isinstance(x, ChoiceVariable | Choice):
            if isinstance(x, ChoiceVariable):
                if x.local == target.local and places == list(range(len(places))):
                    return
                which: ir.Expr = ir.Local(x.local, int32, loc)
            else:
                which = self.code(x.which, int32, loc)
            for k in range(len(places) - 2, -1, -1):
                here = ir.Compare("eq", which, ir.Const(k, int32, loc), loc)
                code = ir.Select(here, ir.Const(places[k], int32, loc), code, int32, loc)
        out.append(ir.Assign(target.local, code, loc))

    def _merge_scalars(
        self,
        name: str,
        scalars: Sequence[tuple[Branch, Variable | Scalar]],
        whole: bool,
        loc: Loc | None,
    ) -> Variable:
        typing = scalars[0][1].typing
        for _, x in scalars[1:]:
            typing = self.rules.join(typing, x.typing)
        local = self.local(name, typing[0])
        nonnegative = True
        for branch, x in scalars:
            self.convert_into(local, x, typing[0], branch.out, loc)
            if typing[0].is_integer:
                nonnegative = nonnegative and self.proven(x.form, branch.facts)
        values = [x for _, x in scalars]
        constants = {(type(x.constant), x.constant) for x in values}
        constant = values[0].constant if whole and len(constants) == 1 else None
        form = None
        if typing[0].is_integer:
            form = (
                Form(int(constant))
                if constant is not None
                else self.bounds.fresh(0 if nonnegative else None)
            )
        index = None
        if all(x.index is not None for x in values):
            index = Index(True, max(x.index.carried for x in values if x.index))
        at = values[0].loc if isinstance(values[0], Variable) else loc
        return Variable(local, typing[0], typing[1], constant, form, index, at)

    def convert_into(
        self,
        local: str,
        x: Variable | Scalar,
        dtype: DType,
        out: list[ir.Stmt],
        loc: Loc | None,
    ) -> None:
        """Appends code that brings a variable into ``local``, unless it is there already."""
        if isinstance(x, Variable) and x.local == local:
            return
        scalar = x if isinstance(x, Scalar) else self._read_variable(x, loc)
        out.append(ir.Assign(local, self.code(scalar, dtype, loc), loc))

    def proven(self, form: Form | None, facts: list[Form]) -> bool:
        """Whether a form is >= 0 under the given facts."""
        saved, self.bounds.facts = self.bounds.facts, facts
        result = self.bounds.nonnegative(form)
        self.bounds.facts = saved
        return result

    def merge_entry(self, key: tuple[object, ...]) -> Merge:
        """The memo's entry for a variable at a place, made on first use."""
        return self.memo.setdefault(key, Merge())


def same_binding(a: Binding, b: Binding) -> bool:
    """Whether two compile-time bindings stand for the same thing."""
    if a is b:
        return True
    if isinstance(a, Object) and isinstance(b, Object):
        return a.value is b.value
    if isinstance(a, GroupVariable) and isinstance(b, GroupVariable):
        return a.length == b.length and type(a.like) is type(b.like)
    return isinstance(a, View) and isinstance(b, View) and a.mem is b.mem and whole(a) and whole(b)


def views_of(x: Binding) -> tuple[View, ...]:
    """The arrays that a binding may be."""
    if isinstance(x, Choice | ChoiceVariable):
        return x.views
    return (x,) if isinstance(x, View) else ()


def whole(view: View) -> bool:
    """Whether a view is its array as it stands."""
    axes = [axis.axis for axis in view.axes if axis.start is None]
    return axes == list(range(len(view.mem.shape)))


def describe(binding: Binding) -> str:
    """A binding in an error message."""
    match binding:
        case Variable():
            return f"a {binding.dtype.name}"
        case GroupVariable():
            return str(binding.like)
        case Conflict():
            return "of unclear type"
        case _:
            return str(binding)
