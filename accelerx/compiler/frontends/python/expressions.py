"""Expressions: names, operators, short circuits, conditional values, subscripts, attributes, calls."""

from __future__ import annotations

import ast
import builtins
import difflib
import enum
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from accelerx.compiler import ir
from accelerx.compiler.frontends.python.arithmetic import COMPARISONS, OPERATORS
from accelerx.compiler.frontends.python.bounds import Form
from accelerx.compiler.frontends.python.calls import Call, function_of, type_object
from accelerx.compiler.frontends.python.cuda import marker_names, marker_of
from accelerx.compiler.frontends.python.elements import is_record
from accelerx.compiler.frontends.python.elementwise import Elementwise
from accelerx.compiler.frontends.python.markers import Marker
from accelerx.compiler.frontends.python.values import (
    Choice,
    Conflict,
    Group,
    Object,
    Scalar,
    Tuple,
    Value,
    View,
)
from accelerx.compiler.frontends.python.views import Item, Slice
from accelerx.compiler.intrinsics import INTRINSICS
from accelerx.dtypes import bool_, int32
from accelerx.errors import CompileError, KernelTypeError

_REFUSED: dict[type[ast.expr], tuple[str, str]] = {
    ast.Lambda: ("lambda is not supported in kernels", "define the function outside the kernel"),
    ast.List: ("lists are not supported in kernels", "use a tuple, or cuda.local.array"),
    ast.Dict: ("dicts are not supported in kernels", "use arrays"),
    ast.Set: ("sets are not supported in kernels", "use arrays"),
    ast.ListComp: ("comprehensions are not supported in kernels", "write a for loop"),
    ast.SetComp: ("comprehensions are not supported in kernels", "write a for loop"),
    ast.DictComp: ("comprehensions are not supported in kernels", "write a for loop"),
    ast.GeneratorExp: ("generators are not supported in kernels", "write a for loop"),
    ast.JoinedStr: ("f-strings are not supported in kernels", "print() takes several arguments"),
    ast.NamedExpr: (":= is not supported in kernels", "assign on a line of its own"),
    ast.Await: ("await is not supported in kernels", ""),
    ast.Yield: ("yield is not supported in kernels", ""),
    ast.YieldFrom: ("yield is not supported in kernels", ""),
    ast.Starred: ("* is not supported here in kernels", ""),
}


@dataclass(slots=True, eq=False)
class Attempt:
    """A value that is only computed on one path: what it needs first, and what is known there."""

    value: Value
    out: list[ir.Stmt]
    facts: list[Form]

    @property
    def guarded(self) -> bool:
        """Whether it may only be computed on its path: it runs statements or reads memory."""
        return bool(self.out) or reads_memory(self.value)


@dataclass(slots=True, eq=False)
class _Link:
    """A comparison of a chain: ``left op comparator``."""

    op: ast.cmpop
    comparator: ast.expr
    left: Value


@dataclass(slots=True, eq=False)
class Method:
    """``bit_count`` of a number, not called yet."""

    owner: Scalar


class Expressions(Elementwise):
    """Lifts expressions to values."""

    def inline(self, function: FunctionType, call: Call) -> Value:
        """The value of calling a Python function."""
        raise NotImplementedError

    def expression(self, node: ast.expr) -> Value:
        """The value of an expression; statements it needs are emitted."""
        method = _EXPRESSIONS.get(type(node))
        if method is not None:
            return method(self, node)
        message, hint = _REFUSED.get(
            type(node), (f"{type(node).__name__} is not supported in kernels", "")
        )
        raise self.unsupported(node, message, hint)

    def number(self, node: ast.expr, what: str = "this") -> Scalar:
        """The value of an expression that must be a number."""
        return self.scalar(self.expression(node), node, what)

    def operands(self, nodes: Sequence[ast.expr]) -> list[Value]:
        """Several values in Python's order: a read stays before the effects of a later operand."""
        values: list[Value] = []
        marks: list[int] = []
        for node in nodes:
            values.append(self.expression(node))
            marks.append(len(self.out))
        for k in range(len(values) - 2, -1, -1):
            if len(self.out) > marks[k]:
                values[k] = self._hold(values[k], marks[k], nodes[k])
        return values

    def _hold(self, value: Value, at: int, node: ast.expr) -> Value:
        if isinstance(value, Group):
            return value.with_items([self._hold(item, at, node) for item in value.items])
        if isinstance(value, Scalar) and reads_memory(value):
            return self.spill(value, self.loc(node), at=at)
        return value

    # ------------------------------------------------------------------------- names, objects

    def _name(self, node: ast.Name) -> Value:
        value = self.read(node.id, self.loc(node))
        if isinstance(value, Conflict):
            raise self.type_error(node, value.reason, "use another name for one of them")
        if value is not None:
            return value
        source = self.frame.source
        if node.id in source.locals:
            return self._unassigned(node)
        try:
            found = source.lookup(node.id)
        except KeyError:
            raise self._undefined(node) from None
        return self.from_object(found, node.id, node)

    def _unassigned(self, node: ast.Name) -> Value:
        """A variable without a value: one that a trip of a loop before may have assigned, or none."""
        for loop in reversed(self.frame.loops):
            if node.id in loop.assigned:
                entry = self.merge_entry((*loop.key, node.id))
                if not entry.needed:
                    entry.needed = self.dirty = True
                return self.constant(False, bool_)
        message = f"variable {node.id!r} is used before it is assigned"
        if self.rules.name == "weak":
            raise self.type_error(node, message)
        loc = self.loc(node)  # as in Python, and in programs that numba takes, an error when run
        self.emit(ir.Assert(ir.Const(False, bool_, loc), message, (), "assert", loc))
        return self.constant(False, bool_)

    def _undefined(self, node: ast.Name) -> KernelTypeError:
        source = self.frame.source
        known = [*self.frame.env, *source.names, *source.function.__globals__, *vars(builtins)]
        close = difflib.get_close_matches(node.id, [k for k in known if "." not in k], 1, 0.75)
        return self.type_error(
            node,
            f"name {node.id!r} is not defined",
            f"did you mean {close[0]!r}?" if close else "",
        )

    def from_object(self, value: object, name: str, node: ast.AST) -> Value:
        """A Python object from outside the kernel."""
        match value:
            case bool() | int() | float() if not isinstance(value, np.generic | enum.Enum):
                return self.literal(value)
            case np.bool_() | np.integer() | np.floating():
                dtype = type_object(np.dtype(type(value)))
                if dtype is None:
                    raise self.unsupported(
                        node, f"{name}: {type(value).__name__} is not a kernel type"
                    )
                return self.constant(value.item(), dtype)
            case tuple():
                names = getattr(type(value), "_fields", ())
                return Tuple(tuple(self.from_object(v, name, node) for v in value), names)
            case np.ndarray():
                return self.constant_array(value, name, node)
            case enum.Enum() if isinstance(value.value, int | float):
                return self.from_object(value.value, name, node)
            case complex():
                raise self.unsupported(node, "complex numbers are not supported in kernels")
            case Marker():
                number = self.marker_value(value)
                return Object(value) if number is None else number
            case _:
                return Object(value)

    def _constant(self, node: ast.Constant) -> Value:
        if node.value is Ellipsis:
            raise self.unsupported(
                node, "... is not supported in kernels", "write ':' for each axis"
            )
        if isinstance(node.value, bytes):
            raise self.unsupported(node, "bytes are not supported in kernels")
        return self.from_object(node.value, "", node)

    def _tuple(self, node: ast.Tuple) -> Value:
        return Tuple(tuple(self.spread(node.elts)))

    def spread(self, nodes: Sequence[ast.expr]) -> list[Value]:
        """Values of a list of expressions, ``*tuple`` opened."""
        plain = [n.value if isinstance(n, ast.Starred) else n for n in nodes]
        out: list[Value] = []
        for node, value in zip(nodes, self.operands(plain), strict=True):
            if not isinstance(node, ast.Starred):
                out.append(value)
            elif isinstance(value, Tuple):
                out.extend(value.items)
            else:
                raise self.type_error(node, f"* needs a tuple, not {value}")
        return out

    # ---------------------------------------------------------------------------- operators

    def _binary(self, node: ast.BinOp) -> Value:
        op = OPERATORS.get(type(node.op))
        if op is None:
            raise self.unsupported(node, "operator @ is not supported in kernels", "write the loop")
        left, right = self.operands([node.left, node.right])
        if op == "+" and isinstance(left, Tuple) and isinstance(right, Tuple):
            return Tuple(left.items + right.items)
        what = f"an operand of {op}"
        a, b = self.scalar(left, node.left, what), self.scalar(right, node.right, what)
        return self.binary(op, a, b, self.loc(node))

    def _unary(self, node: ast.UnaryOp) -> Value:
        loc = self.loc(node)
        if isinstance(node.op, ast.Not):
            return self.negation(self.condition(node.operand), loc)
        a = self.number(node.operand, "the operand")
        match node.op:
            case ast.USub():
                return self.negate(a, loc)
            case ast.Invert():
                return self.invert(a, loc)
            case _:
                return self.positive(a, loc)

    def _compare(self, node: ast.Compare) -> Value:
        left, right = self.operands([node.left, node.comparators[0]])
        if len(node.ops) == 1:
            return self._comparison(node.ops[0], left, right, node)
        right = self._compared_twice(right, node.comparators[0])
        result = self._comparison(node.ops[0], left, right, node)
        for op, comparator in zip(node.ops[1:], node.comparators[1:], strict=True):
            link = _Link(op, comparator, right)
            attempt = self.attempt(functools.partial(self._linked, link, node), result.when_true)
            result = self._connect("and", result, attempt, node)
            right = link.left
        return result

    def _compared_twice(self, value: Value, node: ast.expr) -> Value:
        return self.once(value, self.loc(node)) if isinstance(value, Scalar) else value

    def _linked(self, link: _Link, node: ast.Compare) -> Scalar:
        """One more comparison of a chain; its right side is the left one of the next."""
        right = self.expression(link.comparator)
        if link.comparator is not node.comparators[-1]:
            right = self._compared_twice(right, link.comparator)
        test = self._comparison(link.op, link.left, right, node)
        link.left = right
        return test

    def _comparison(self, op: ast.cmpop, left: Value, right: Value, node: ast.Compare) -> Scalar:
        match op:
            case ast.Is() | ast.IsNot() if _bools(left, right):
                op = ast.Eq() if isinstance(op, ast.Is) else ast.NotEq()
            case ast.Is() | ast.IsNot():
                identical = self._identical(left, right, node)
                return self.constant(identical != isinstance(op, ast.IsNot), bool_)
            case ast.In() | ast.NotIn():
                found = self._contains(left, right, node)
                return self.negation(found, self.loc(node)) if isinstance(op, ast.NotIn) else found
            case ast.Eq() | ast.NotEq() if isinstance(left, Object) and isinstance(right, Object):
                equal = same_object(left.value, right.value)
                return self.constant(equal != isinstance(op, ast.NotEq), bool_)
            case ast.Eq() | ast.NotEq() if isinstance(left, Tuple) and isinstance(right, Tuple):
                same = self._equal_tuples(left, right, node)
                return self.negation(same, self.loc(node)) if isinstance(op, ast.NotEq) else same
        what = "a compared value"
        a, b = self.scalar(left, node.left, what), self.scalar(right, node, what)
        return self.compare(COMPARISONS[type(op)], a, b, self.loc(node))

    def _identical(self, left: Value, right: Value, node: ast.AST) -> bool:
        if isinstance(left, Object) and isinstance(right, Object):
            return left.value is right.value
        if isinstance(left, Object) != isinstance(right, Object):
            return False
        raise self.unsupported(node, "'is' compares with None, True and False in kernels", "use ==")

    def _contains(self, left: Value, right: Value, node: ast.Compare) -> Scalar:
        if not isinstance(right, Tuple):
            raise self.unsupported(node, f"'in' needs a tuple in kernels, not {right}")
        loc = self.loc(node)
        a = self.once(self.scalar(left, node.left, "the value before 'in'"), loc)
        found = self.constant(False, bool_)
        for item in right.items:
            equal = self.compare("eq", a, self.scalar(item, node, "an item after 'in'"), loc)
            found = self.either(found, equal, loc)
        return found

    def _equal_tuples(self, left: Tuple, right: Tuple, node: ast.AST) -> Scalar:
        loc = self.loc(node)
        equal = self.constant(len(left.items) == len(right.items), bool_)
        if not equal.constant:
            return equal
        for x, y in zip(left.items, right.items, strict=True):
            a, b = self.scalar(x, node, "a tuple's item"), self.scalar(y, node, "a tuple's item")
            equal = self.both(equal, self.compare("eq", a, b, loc), loc)
        return equal

    # ------------------------------------------------------------- conditions, short circuits

    def condition(self, node: ast.expr) -> Scalar:
        """The truth of an expression, as a bool."""
        if isinstance(node, ast.BoolOp):
            return self._bool_op(node, conditional=True)
        return self._truth_of(self.expression(node), node)

    def _truth_of(self, value: Value, node: ast.AST) -> Scalar:
        match value:
            case Scalar():
                return self.truth(value, self.loc(node))
            case Tuple():
                return self.constant(bool(value.items), bool_)
            case Object():
                return self.constant(bool(value.value), bool_)
            case _:
                raise self.type_error(
                    node, f"{value} has no truth value; index it, or compare a number"
                )

    def _bool(self, node: ast.BoolOp) -> Value:
        return self._bool_op(node, conditional=False)

    def _bool_op(self, node: ast.BoolOp, conditional: bool) -> Scalar:
        op: ir.LogicalOp = "and" if isinstance(node.op, ast.And) else "or"

        def operand(n: ast.expr) -> Scalar:
            return self.condition(n) if conditional else self.number(n, f"an operand of {op}")

        result = operand(node.values[0])
        for n in node.values[1:]:
            known = self.truth(result, self.loc(node)) if result.constant is not None else result
            if known.constant is not None:
                if bool(known.constant) == (op == "or"):
                    return result
                result = operand(n)
                continue
            facts = result.when_true if op == "and" else result.when_false
            right = self.attempt(functools.partial(operand, n), facts)
            result = self._connect(op, result, right, node)
        return result

    def attempt(self, work: Callable[[], Value], facts: Sequence[Form] = ()) -> Attempt:
        """Lifts something that only one path computes."""
        saved, known = self.out, len(self.bounds.facts)
        self.out = []
        self.bounds.assume(facts)
        value = work()
        attempt = Attempt(value, self.out, list(self.bounds.facts))
        self.out = saved
        del self.bounds.facts[known:]
        return attempt

    def _connect(self, op: ir.LogicalOp, left: Scalar, right: Attempt, node: ast.AST) -> Scalar:
        """``left and right`` or ``left or right``; a right side that needs a guard gets an If."""
        loc = self.loc(node)
        value = self.scalar(right.value, node)
        plain = left.dtype.is_bool and value.dtype.is_bool
        if plain and not right.guarded:
            return (self.both if op == "and" else self.either)(left, value, loc)
        left = self.once(left, loc)
        test = self.truth(left, loc)
        keep = Attempt(left, [], self.bounds.facts)
        first, second = (right, keep) if op == "and" else (keep, right)
        result = self._choose(test, first, second, node)
        assert isinstance(result, Scalar)
        if plain and op == "and":
            result.when_true = left.when_true + value.when_true
        elif plain:
            result.when_false = left.when_false + value.when_false
        return result

    def _conditional(self, node: ast.IfExp) -> Value:
        test = self.condition(node.test)
        if test.constant is not None:
            return self.expression(node.body if test.constant else node.orelse)
        first = self.attempt(lambda: self.expression(node.body), test.when_true)
        second = self.attempt(lambda: self.expression(node.orelse), test.when_false)
        return self._choose(test, first, second, node)

    def _choose(self, test: Scalar, first: Attempt, second: Attempt, node: ast.AST) -> Value:
        """One of two attempts: a Select if both are safe, else an If that sets a local."""
        loc = self.loc(node)
        a, b = first.value, second.value
        if isinstance(a, Group) and type(a) is type(b) and len(a.items) == len(b.items):
            return self._choose_group(test, first, second, node)
        if isinstance(a, View) and isinstance(b, View) and not first.out and not second.out:
            return self._choose_view(test, a, b, node)
        if not isinstance(a, Scalar) or not isinstance(b, Scalar):
            if isinstance(a, Object) and isinstance(b, Object) and a.value is b.value:
                return a
            raise self.type_error(
                node, f"a conditional value must be a number on both sides: {a}, {b}"
            )
        if not first.guarded and not second.guarded:
            return self.select(test, a, b, loc)
        typing = self.rules.join(a.typing, b.typing)
        name = self.temporary("t", typing[0])
        for attempt, value in ((first, a), (second, b)):
            attempt.out.append(ir.Assign(name, self.code(value, typing[0], loc), loc))
        self.emit(ir.If(self.code(test, loc=loc), first.out, second.out, loc))
        form = None
        if typing[0].is_signed:
            known = self.proven(a.form, first.facts) and self.proven(b.form, second.facts)
            form = self.bounds.fresh(0 if known else None)
        return self.expression_of(ir.Local(name, typing[0], loc), typing, form)

    def _choose_view(self, test: Scalar, a: View, b: View, node: ast.AST) -> Value:
        loc = self.loc(node)
        if a.dtype is not b.dtype or len(a.axes) != len(b.axes):
            raise self.type_error(node, f"a conditional value cannot be {a} or {b}")
        which = self.select(test, self.constant(0, int32), self.constant(1, int32), loc)
        return Choice(self.once(which, loc), (a, b))

    def _choose_group(self, test: Scalar, first: Attempt, second: Attempt, node: ast.AST) -> Value:
        assert isinstance(first.value, Group)
        assert isinstance(second.value, Group)
        loc = self.loc(node)
        test = self.once(test, loc)
        items = []
        for k, (x, y) in enumerate(zip(first.value.items, second.value.items, strict=True)):
            outs = (first.out, second.out) if k == 0 else ([], [])
            a, b = Attempt(x, outs[0], first.facts), Attempt(y, outs[1], second.facts)
            items.append(self._choose(test, a, b, node))
        return first.value.with_items(items)

    # --------------------------------------------------------------------------- subscripts

    def _subscript(self, node: ast.Subscript) -> Value:
        value = self.subscripted(node)
        if isinstance(value, View | Choice) and not value.axes:
            return self.load(value, self.loc(node))
        return value

    def subscripted(self, node: ast.Subscript) -> Value:
        """``value[slice]``; an element of an array is left as a view, to be read or written."""
        base = self.expression(node.value)
        if isinstance(base, View | Choice):
            name = self._field_name(base, node.slice)
            if name is not None:
                return self.chosen_field(base, name, self.loc(node))
            return self.indexed(base, self._items(node.slice), node)
        if isinstance(base, Tuple):
            if isinstance(node.slice, ast.Slice):
                return self._tuple_slice(base, node.slice)
            return self.tuple_item(base, self.number(node.slice, "a tuple's index"), node)
        if isinstance(base, Object) and isinstance(base.value, enum.EnumMeta):
            return self._enum_member(base.value, node)
        if isinstance(base, Object) and isinstance(base.value, list | dict):
            raise self.unsupported(
                node,
                f"a {type(base.value).__name__} from outside the kernel cannot be used in it",
                "make it a tuple or a NumPy array",
            )
        raise self.type_error(node.value, f"{base} cannot be indexed")

    def _field_name(self, base: View | Choice, node: ast.expr) -> str | None:
        """The field that ``records["x"]`` names; None for any other index."""
        if not is_record(base.dtype) or isinstance(node, ast.Slice | ast.Tuple):
            return None
        key = self.expression(node)
        return key.value if isinstance(key, Object) and isinstance(key.value, str) else None

    def attribute_target(self, node: ast.Attribute) -> View | Choice:
        """The field that ``record.x = ...`` assigns."""
        base = self.expression(node.value)
        if not isinstance(base, View | Choice) or not is_record(base.dtype):
            raise self.unsupported(
                node, "only the fields of records can be assigned as attributes in kernels"
            )
        return self.chosen_field(base, node.attr, self.loc(node))

    def _enum_member(self, members: enum.EnumMeta, node: ast.Subscript) -> Value:
        key = self.expression(node.slice)
        name = key.value if isinstance(key, Object) else None
        if not isinstance(name, str) or name not in members.__members__:
            raise self.type_error(node, f"{members.__name__} has no member {key}")
        return self.from_object(members.__members__[name], name, node)

    def _items(self, node: ast.expr) -> list[Item]:
        """The indices and slices between brackets."""
        nodes = node.elts if isinstance(node, ast.Tuple) else [node]
        plain = [n for n in nodes if not isinstance(n, ast.Slice)]
        values = iter(self.spread(plain)) if len(plain) == len(nodes) else None
        items: list[Item] = []
        if values is None:
            for n in nodes:
                items.extend(
                    [self._slice_item(n)]
                    if isinstance(n, ast.Slice)
                    else self._as_items(self.expression(n), n)
                )
            return items
        for value in values:
            items.extend(self._as_items(value, node))
        return items

    def _as_items(self, value: Value, node: ast.AST) -> list[Item]:
        if isinstance(value, Tuple):
            return [self.scalar(v, node, "an array index") for v in value.items]
        if isinstance(value, Object) and value.value is None:
            raise self.unsupported(
                node, "None as an index (a new axis) is not supported in kernels"
            )
        return [self.scalar(value, node, "an array index")]

    def _slice_item(self, node: ast.Slice) -> Slice:
        def part(n: ast.expr | None) -> Scalar | None:
            value = Object(None) if n is None else self.expression(n)
            if n is None or (isinstance(value, Object) and value.value is None):
                return None
            bound = self.scalar(value, n, "a slice bound")
            if not bound.dtype.is_integer:
                raise self.type_error(
                    n, f"a slice bound must be an integer, not {bound.dtype.name}"
                )
            return bound

        step = part(node.step)
        if step is None:
            return Slice(part(node.lower), part(node.upper), 1)
        if step.constant is None:
            raise self.unsupported(
                node.step or node, "the step of a slice must be a constant in kernels"
            )
        if step.constant == 0:
            raise self.type_error(node.step or node, "the step of a slice must not be zero")
        return Slice(part(node.lower), part(node.upper), int(step.constant))

    def tuple_item(self, base: Tuple, index: Scalar, node: ast.AST) -> Value:
        """An item of a tuple; a variable index selects among numbers."""
        size = len(base.items)
        if index.constant is not None:
            k = int(index.constant)
            if not index.dtype.is_integer or not -size <= k < size:
                raise self.type_error(
                    node, f"index {index.constant} is out of range for a tuple of {size}"
                )
            return base.items[k]
        loc = self.loc(node)
        if not index.dtype.is_integer or not base.items:
            raise self.type_error(node, f"cannot index a tuple of {size} with {index}")
        index = self.once(index, loc)
        result = self.scalar(base.items[-1], node, "an item of a tuple with a variable index")
        for k in range(size - 2, -1, -1):
            item = self.scalar(base.items[k], node, "an item of a tuple with a variable index")
            here = self.compare("eq", index, self.literal(k), loc)
            if not self.nonnegative(index):
                here = self.either(
                    here, self.compare("eq", index, self.literal(k - size), loc), loc
                )
            result = self.select(here, item, result, loc)
        return result

    def _tuple_slice(self, base: Tuple, node: ast.Slice) -> Value:
        def part(n: ast.expr | None) -> int | None:
            if n is None:
                return None
            bound = self.number(n, "a slice bound")
            if bound.constant is None or not bound.dtype.is_integer:
                raise self.unsupported(n, "a slice of a tuple needs constant bounds in kernels")
            return int(bound.constant)

        return Tuple(base.items[part(node.lower) : part(node.upper) : part(node.step)])

    # --------------------------------------------------------------------- attributes, calls

    def _attribute(self, node: ast.Attribute) -> Value:
        base = self.expression(node.value)
        if isinstance(base, View | Choice):
            return self.array_attribute(base, node.attr, node)
        if isinstance(base, Group) and node.attr in base.names:
            return base.items[base.names.index(node.attr)]
        if isinstance(base, Scalar) and node.attr == "bit_count" and base.dtype.is_integer:
            return Object(Method(base))
        if not isinstance(base, Object):
            raise self.type_error(node, f"{base} has no attribute {node.attr!r} in kernels")
        owner = base.value
        if isinstance(owner, Marker):
            name = f"{owner.name}.{node.attr}"
            if name not in marker_names() and not hasattr(owner, node.attr):
                raise self.type_error(node, f"the kernel language has no {name}")
            return self.from_object(Marker(name), name, node)
        if isinstance(owner, ModuleType):
            marker = marker_of(owner.__name__, node.attr)
            if marker is not None:
                return self.from_object(marker, node.attr, node)
        return self._object_attribute(owner, node)

    def _object_attribute(self, owner: object, node: ast.Attribute) -> Value:
        try:
            found: Any = getattr(owner, node.attr)
        except AttributeError as e:
            what = str(Object(owner))
            if isinstance(owner, ModuleType):
                what = f"module {owner.__name__!r}"
            close = difflib.get_close_matches(node.attr, dir(owner), 1, 0.75)
            hint = f"did you mean {close[0]!r}?" if close else ""
            message = f"{what} has no attribute {node.attr!r}"
            raise self.type_error(node, message, hint) from e
        return self.from_object(found, node.attr, node)

    def _call(self, node: ast.Call) -> Value:
        function = self.expression(node.func)
        if not isinstance(function, Object):
            raise self.type_error(node.func, f"{function} cannot be called")
        target = function.value
        if isinstance(node.func, ast.Name | ast.Attribute):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        else:
            name = getattr(target, "__name__", "this")
        if target is print:
            return self._print(node)
        call = self._evaluated(node, name)
        value: Value | None
        if isinstance(target, Marker):
            call.name = f"cuda.{target.name}"
            value = self.marker_call(target, call)
        elif isinstance(target, Method):
            value = self._method_call(target, call)
        elif isinstance(target, np.ufunc) and any(
            isinstance(a, View | Choice) for a in call.arguments
        ):
            value = self.array_ufunc(target, call)
        else:
            value = self.pure_call(target, call)
        if value is not None:
            return value
        inner = function_of(target)
        if inner is not None:
            return self.inline(inner, call)
        if isinstance(target, type) and issubclass(target, tuple) and hasattr(target, "_fields"):
            return self._named_tuple(target._fields, call)
        raise self._uncallable(target, node)

    def _named_tuple(self, fields: tuple[str, ...], call: Call) -> Value:
        given = dict(zip(fields, call.arguments, strict=False)) | call.keywords
        if set(given) != set(fields) or len(call.arguments) + len(call.keywords) != len(fields):
            raise self.type_error(call.node, f"{call.name}() takes the fields {', '.join(fields)}")
        return Tuple(tuple(given[name] for name in fields), fields)

    def _method_call(self, method: Method, call: Call) -> Value:
        """``number.bit_count()``."""
        self.count_arguments(call, 0)
        counted = Call(call.node, "bit_count", [method.owner], {}, call.loc)
        return self.intrinsic(INTRINSICS["popc"], counted, False)

    def _evaluated(self, node: ast.Call, name: str) -> Call:
        keywords = [k for k in node.keywords if k.arg is not None]
        if len(keywords) != len(node.keywords):
            raise self.unsupported(
                node, "** is not supported in calls in kernels", "name the arguments"
            )
        positional = self.spread([*node.args, *(k.value for k in keywords)])
        count = len(positional) - len(keywords)
        named = {k.arg or "": v for k, v in zip(keywords, positional[count:], strict=True)}
        return Call(node, name, positional[:count], named, self.loc(node))

    def _uncallable(self, target: object, node: ast.Call) -> CompileError:
        module = getattr(target, "__module__", None) or ""
        qualified = getattr(target, "__qualname__", None) or getattr(target, "__name__", None)
        if isinstance(target, Marker) or not callable(target):
            shown = f"cuda.{target.name}" if isinstance(target, Marker) else str(Object(target))
            return self.type_error(node.func, f"{shown} cannot be called")
        where = f"{module}.{qualified}" if module and module != "builtins" else str(qualified)
        kind = "class" if isinstance(target, type) else "function"
        return self.unsupported(
            node,
            f"{kind} {where} cannot be called in kernels",
            "kernels call Python functions, math.*, most NumPy element functions and cuda.*",
        )

    def _print(self, node: ast.Call) -> Value:
        if node.keywords:
            raise self.unsupported(node, f"print() takes no {node.keywords[0].arg!r} in kernels")
        loc = self.loc(node)
        parts: list[str | ir.Expr] = []
        for n, value in zip(node.args, self.operands(node.args), strict=True):
            for item in value.items if isinstance(value, Tuple) else (value,):
                if isinstance(item, Object) and isinstance(item.value, str):
                    parts.append(item.value)
                else:
                    parts.append(self.code(self.scalar(item, n, "a printed value"), loc=loc))
        self.emit(ir.Print(tuple(parts), None, loc))
        return Object(None)


def same_object(a: object, b: object) -> bool:
    """Whether two objects outside the kernel are equal; all spellings of a dtype are."""
    x, y = type_object(a), type_object(b)
    return x is y if x is not None and y is not None else bool(a == b)


def _bools(*values: Value) -> bool:
    """Whether all values are bools, which ``is`` compares as == does."""
    return all(isinstance(v, Scalar) and v.dtype.is_bool for v in values)


def reads_memory(value: Value) -> bool:
    """Whether a value's expression loads from an array."""
    if isinstance(value, Group):
        return any(reads_memory(item) for item in value.items)
    if not isinstance(value, Scalar) or value.expr is None:
        return False
    return any(isinstance(e, ir.Load) for e in ir.walk(value.expr))


_EXPRESSIONS: dict[type[ast.expr], Callable[[Expressions, Any], Value]] = {
    ast.Name: Expressions._name,
    ast.Constant: Expressions._constant,
    ast.Tuple: Expressions._tuple,
    ast.BinOp: Expressions._binary,
    ast.UnaryOp: Expressions._unary,
    ast.Compare: Expressions._compare,
    ast.BoolOp: Expressions._bool,
    ast.IfExp: Expressions._conditional,
    ast.Subscript: Expressions._subscript,
    ast.Attribute: Expressions._attribute,
    ast.Call: Expressions._call,
}
