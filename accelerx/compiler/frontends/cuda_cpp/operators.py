"""Operators: arithmetic, comparisons, assignments, choices, on numbers and on pointers."""

from __future__ import annotations

from typing import Any, cast

from accelerx.compiler import ir
from accelerx.compiler.frontends.cuda_cpp import types as ctypes
from accelerx.compiler.frontends.cuda_cpp.clang import (
    Cursor,
    binary_operator,
    children,
    expressions,
    kind,
    unary_operator,
)
from accelerx.compiler.frontends.cuda_cpp.evaluation import Evaluation
from accelerx.compiler.frontends.cuda_cpp.memory import Either, scalar, type_of
from accelerx.compiler.frontends.cuda_cpp.operands import (
    has_load,
    is_choice,
    is_lvalue,
    points_to_functions,
    promoted,
    unparenthesised,
)
from accelerx.compiler.frontends.cuda_cpp.state import coordinate, disturbs
from accelerx.compiler.frontends.cuda_cpp.values import (
    Closure,
    Function,
    Memory,
    Nothing,
    Object,
    Place,
    Pointer,
    PointerVariable,
    Root,
    Temporary,
    Value,
    Variable,
    const,
)
from accelerx.compiler.passes.fold import fold_root as fold
from accelerx.dtypes import bool_, int32, int64, uint32, uint64

_COMPARISONS: dict[str, ir.CompareOp] = {
    "==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge",
}  # fmt: skip
_ARITHMETIC: dict[str, ir.BinaryOp] = {
    "+": "add", "-": "sub", "*": "mul", "&": "and", "|": "or", "^": "xor", "<<": "shl", ">>": "shr",
}  # fmt: skip


class Operators(Evaluation):
    """Unary, binary and conditional operators."""

    def _unary(self, c: Cursor) -> Place | Value:
        op, inner = unary_operator(c), children(c)[0]
        if op == "*":
            pointer = self.decayed(self.expression(inner))
            if isinstance(pointer, Function) or points_to_functions(pointer):
                return pointer
            if not isinstance(pointer, Pointer):
                raise self.unsupported(c, "only a pointer can be followed")
            return self.followed(pointer, pointer.pointee, c)
        if op == "&":
            x = self.located(inner) if is_choice(inner) else self.expression(inner)
            if isinstance(x, Function):
                return x
            return self.address_of(self.addressable(x, inner))
        if "++" in op or "--" in op:
            return self._stepped(c, op, inner)
        if op == "!":
            return fold(ir.Unary("not", self.condition(inner), bool_, self.loc(c)))
        if op == "+" and isinstance(self._type_or_none(c), ctypes.Pointer):
            return self.expression(inner)
        operand = self.scalar(inner, self.scalar_type(c))
        dtype = operand.type
        if op == "-":
            if isinstance(operand, ir.Const):
                return self.constant_of(-operand.value, dtype, c)
            return ir.Unary("neg", operand, dtype)
        if op == "~":
            return fold(ir.Unary("invert", operand, dtype))
        if op in ("+", "ext"):
            return operand
        raise self.unsupported(c, f"kernels have no operator {op}")

    def addressable(self, x: Place | Value, c: Cursor) -> Place:
        """A place whose address may be kept."""
        return cast(Place, x) if is_lvalue(x) else self.materialised(cast(Value, x), c)

    def _stepped(self, c: Cursor, op: str, inner: Cursor) -> Place | Value:
        place = self.writable(inner)
        old = self.load(place)
        one = 1 if "++" in op else -1
        loc = self.loc(c)
        if isinstance(old, Pointer):
            if op[0] == "x":
                old = self.kept_pointer(old)
            self.assign(place, self.moved(old, const(one, int32)), loc)
        else:
            e = scalar(old)
            if op[0] == "x":
                e = old = self.spill(e, "t", loc)
            if e.type.bits < 32 and not e.type.is_float:
                new = self.arithmetic("add", self.cast(e, int32), const(one, int32), loc)
            elif e.type.is_float:
                new = ir.Binary("add", e, const(float(one), e.type), e.type, loc=loc)
            elif one > 0:
                new = self.arithmetic("add", e, const(1, e.type), loc)
            else:
                new = self.arithmetic("sub", e, const(1, e.type), loc)
            self.assign(place, new, loc)
        return old if op[0] == "x" else place

    def kept_pointer(self, pointer: Pointer) -> Pointer:
        """A pointer whose index and tag are computed here."""
        index = self.spill(pointer.index, "p")
        tag = None if pointer.tag is None else self.spill(pointer.tag, "tag")
        return Pointer(pointer.pointee, pointer.targets, index, tag)

    def writable(self, c: Cursor) -> Place:
        """The object that is assigned to."""
        if is_choice(c):
            return self.located(c, for_now=True)
        x = self.expression(c)
        if isinstance(x, Temporary) or not is_lvalue(x):
            return self.writable_temporary(x, c)
        return cast(Place, x)

    def located(self, c: Cursor, *, for_now: bool = False) -> Place:
        """The object itself that an expression names, also where a condition chooses it.

        Args:
            c: The expression.
            for_now: Whether the place is only used now: then variables may stay in locals.
        """
        inner = unparenthesised(c)
        if inner._kind_id == kind("CONDITIONAL_OPERATOR") and is_choice(inner):
            return self._chosen_place(inner, for_now)
        if inner._kind_id == kind("MEMBER_REF_EXPR") and is_choice(inner):
            base = self.located(expressions(inner)[0], for_now=for_now)
            return self.found_member(base, inner.referenced, inner.spelling, inner)
        return self.place(inner)

    def _chosen_place(self, c: Cursor, for_now: bool) -> Place:
        """``condition ? a : b`` as an object: a pointer to one of the two, which are moved for it."""
        test, yes, no = children(c)
        condition, loc = self.condition(test), self.loc(c)
        if isinstance(condition, ir.Const):
            return self.located(yes if condition.value else no, for_now=for_now)
        condition = self.spill(condition, "c", loc)
        with self.collected() as then:
            a = self.located(yes, for_now=for_now)
        with self.collected() as orelse:
            b = self.located(no, for_now=for_now)
        if then or orelse:
            self.emit(ir.If(condition, then, orelse, loc))
        if for_now and isinstance(a, Variable) and isinstance(b, Variable):
            x, y = scalar(self.load(a)), scalar(self.load(b))
            return Either(fold(ir.Select(condition, x, y, x.type, loc)), condition, a, b)
        if for_now and isinstance(a, PointerVariable) and isinstance(b, PointerVariable):
            value = self.merged(condition, self.load_pointer(a), self.load_pointer(b), loc)
            return Either(value, condition, a, b)
        first = self.address_of(self.addressable(a, yes))
        second = self.address_of(self.addressable(b, no))
        return self.dereference(self.merged(condition, first, second, loc), type_of(a))

    def writable_temporary(self, x: Place | Value, c: Cursor) -> Place:
        if isinstance(x, Temporary) and hasattr(x, "parts"):
            return x
        raise self.unsupported(c, "this cannot be assigned to")

    def _binary(self, c: Cursor) -> Place | Value:
        op = binary_operator(c)
        left, right = children(c)
        if op == "=":
            return self._assignment(left, right, c)
        if op == ",":
            self.effect(left)
            return self.expression(right)
        if op in ("&&", "||"):
            return self._connective(op, left, right, c)
        a, b = self.in_order([lambda: self._operand(left), lambda: self._operand(right)])
        return self.operated(op, a, b, c)

    def _operand(self, c: Cursor) -> Value:
        return self.decayed(self.expression(c))

    def _assignment(self, left: Cursor, right: Cursor, c: Cursor) -> Place:
        value = self._operand(right) if not self._is_record(left) else self.value(right)
        end = len(self.out)
        place = self.writable(left)
        if isinstance(value, ir.Expr) and disturbs(self.out[end:], value):
            name = self.temporary("t", value.type)
            self.out.insert(end, ir.Assign(name, value))
            value = ir.Local(name, value.type)
        self.assign(place, self.as_type_of(place, value), self.loc(c))
        return place

    def _is_record(self, c: Cursor) -> bool:
        return isinstance(self._type_or_none(c), (ctypes.Record, ctypes.Array))

    def as_type_of(self, place: Place, value: Value) -> Value:
        """A value ready to be assigned: 0 for a pointer is the null pointer."""
        if isinstance(value, ir.Const) and isinstance(place, PointerVariable):
            return self.null(place.type.pointee)
        return value

    def operated(self, op: str, a: Value, b: Value, c: Cursor) -> Value:
        """A binary operator on two values."""
        a, b = self.as_pointer(a), self.as_pointer(b)
        if isinstance(a, Pointer) or isinstance(b, Pointer):
            return self._on_pointers(op, a, b, c)
        if not isinstance(a, ir.Expr) or not isinstance(b, ir.Expr):
            raise self.unsupported(c, f"operator {op} needs numbers here")
        loc = self.loc(c)
        if op in _COMPARISONS:
            return self.compared(op, a, b, c)
        dtype = self.scalar_type(c)
        a = self.cast(a, dtype)
        if op in ("<<", ">>"):
            return self._shifted(op, a, b, loc)
        return self.computed(op, a, self.cast(b, dtype), c)

    def compared(self, op: str, a: ir.Expr, b: ir.Expr, c: Cursor) -> ir.Expr:
        """A comparison; thread coordinates are compared as the non-negative numbers they are."""
        if a.type is not b.type:
            common = promoted(a.type, b.type)
            a, b = self.cast(a, common), self.cast(b, common)
        if a.type.is_bool:
            a, b = self.cast(a, int32), self.cast(b, int32)
        x, y = coordinate(a), coordinate(b)
        if a.type is uint32 and x is not None and y is not None:
            a, b = x, y
        return fold(ir.Compare(_COMPARISONS[op], a, b, self.loc(c)))

    def computed(self, op: str, a: ir.Expr, b: ir.Expr, c: Cursor) -> ir.Expr:
        """An arithmetic operation on two scalars of its result's type."""
        dtype, loc = a.type, self.loc(c)
        if dtype.is_bool:
            if op in ("&", "|", "^"):
                logical = cast(ir.LogicalOp, _ARITHMETIC[op])
                return fold(ir.Logical(logical, a, b, loc))
            return self.cast(self.computed(op, self.cast(a, int32), self.cast(b, int32), c), bool_)
        if op == "/":
            return fold(ir.Binary("div" if dtype.is_float else "quot", a, b, dtype, loc=loc))
        if op == "%":
            return fold(ir.Binary("rem", a, b, dtype, loc=loc))
        if op not in _ARITHMETIC:
            raise self.unsupported(c, f"kernels have no operator {op}")
        if dtype.is_float:
            return fold(ir.Binary(_ARITHMETIC[op], a, b, dtype, loc=loc))
        return self.arithmetic(_ARITHMETIC[op], a, b, loc)

    def _shifted(self, op: str, a: ir.Expr, b: ir.Expr, loc: Any) -> ir.Expr:
        return self.arithmetic(_ARITHMETIC[op], a, self.cast(b, a.type), loc)

    def _on_pointers(self, op: str, a: Value, b: Value, c: Cursor) -> Value:
        if isinstance(a, Pointer) and isinstance(b, Pointer):
            if op == "-":
                return self.difference(a, b, c)
            return self._compared_pointers(op, a, b, c)
        pointer, other = (a, b) if isinstance(a, Pointer) else (b, a)
        assert isinstance(pointer, Pointer)
        if op in ("==", "!=") and isinstance(other, ir.Const):
            e = self.not_null(pointer)
            return e if op == "!=" else fold(ir.Unary("not", e, bool_))
        if op not in ("+", "-") or not isinstance(other, ir.Expr):
            raise self.unsupported(c, f"operator {op} is not defined on a pointer")
        if op == "-":
            wide = self.cast(other, int64)
            other = fold(ir.Unary("neg", wide, int64))
        return self.moved(pointer, other)

    def difference(self, a: Pointer, b: Pointer, c: Cursor) -> ir.Expr:
        """``a - b`` in elements."""
        if set(a.targets) != set(b.targets) or len(a.targets) != 1:
            raise self.unsupported(c, "the difference of pointers into different arrays")
        unit = self._unit(a, a.pointee.size)
        left, right = self.cast(a.index, int64), self.cast(b.index, int64)
        units = fold(ir.Binary("sub", left, right, int64, True))
        step = a.pointee.size // unit
        return fold(ir.Binary("quot", units, const(step, int64), int64)) if step > 1 else units

    def _compared_pointers(self, op: str, a: Pointer, b: Pointer, c: Cursor) -> ir.Expr:
        if a.targets == (None,) or b.targets == (None,):
            e = self.not_null(b if a.targets == (None,) else a)
            return e if op == "!=" else fold(ir.Unary("not", e, bool_))
        same = self._same_target(a, b)
        index = ir.Compare(
            _COMPARISONS[op], self.cast(a.index, int64), self.cast(b.index, int64), self.loc(c)
        )
        if isinstance(same, ir.Const):
            if same.value:
                return fold(index)
            if op in ("==", "!="):
                return const(op == "!=", bool_)
        if op == "==":
            return fold(ir.Logical("and", same, index))
        if op == "!=":
            return fold(ir.Logical("or", fold(ir.Unary("not", same, bool_)), index))
        if isinstance(same, ir.Const):
            raise self.unsupported(c, "pointers into different arrays are compared")
        return fold(index)

    def _same_target(self, a: Pointer, b: Pointer) -> ir.Expr:
        """Whether two pointers point into the same array."""
        if a.tag is None and b.tag is None:
            return const(a.targets[0] is b.targets[0], bool_)
        targets = [*a.targets, *(t for t in b.targets if t not in a.targets)]
        left, right = self._renumbered(a, targets), self._renumbered(b, targets)
        return fold(ir.Compare("eq", left, right))

    def not_null(self, pointer: Pointer) -> ir.Expr:
        """Whether a pointer is not null."""
        nulls = [i for i, target in enumerate(pointer.targets) if target is None]
        if not nulls:
            return const(True, bool_)
        if pointer.tag is None:
            return const(False, bool_)
        return ir.Compare("ne", pointer.tag, const(nulls[0], int32))

    def address(self, pointer: Pointer) -> ir.Expr:
        """A pointer as a number: bytes from the start of its array, which is aligned."""
        roots = [t for t in pointer.targets if isinstance(t, Root)]
        unit = roots[0].unit if roots else 1
        return self.cast(self.index_scale(self.cast(pointer.index, int64), unit), uint64)

    def _connective(self, op: str, left: Cursor, right: Cursor, c: Cursor) -> Value:
        """``&&`` and ``||``: the right side is evaluated only where the left leaves it open."""
        a = self.condition(left)
        if isinstance(a, ir.Const):
            return self.condition(right) if bool(a.value) == (op == "&&") else a
        with self.collected() as emitted:
            b = self.condition(right)
        if not emitted and not has_load(b):
            return fold(ir.Logical("and" if op == "&&" else "or", a, b, self.loc(c)))
        loc = self.loc(c)
        name = self.temporary("both" if op == "&&" else "either", bool_)
        self.emit(ir.Assign(name, a, loc))
        result = ir.Local(name, bool_, loc)
        if op == "||":
            wanted: ir.Expr = ir.Unary("not", result, bool_, loc)
        else:
            wanted = result
        self.emit(ir.If(wanted, [*emitted, ir.Assign(name, b, loc)], [], loc))
        return result

    def _compound(self, c: Cursor) -> Place:
        op = binary_operator(c).removesuffix("=")
        left, right = children(c)
        value = self._operand(right)
        end = len(self.out)
        place = self.writable(left)
        if isinstance(value, ir.Expr) and disturbs(self.out[end:], value):
            name = self.temporary("t", value.type)
            self.out.insert(end, ir.Assign(name, value))
            value = ir.Local(name, value.type)
        if isinstance(place, Memory) and not isinstance(place.pointer.index, ir.Const):
            pointer = place.pointer
            if has_load(pointer.index):
                place = Memory(place.type, self.kept_pointer(pointer))
        old = self.load(place)
        if isinstance(old, Pointer):
            self.assign(place, self._on_pointers(op, old, value, c), self.loc(c))
            return place
        a, b = scalar(old), scalar(value)
        if op in ("<<", ">>"):
            a = self.cast(a, promoted(a.type, a.type))
            new = self._shifted(op, a, b, self.loc(c))
        else:
            dtype = promoted(a.type, b.type)
            new = self.computed(op, self.cast(a, dtype), self.cast(b, dtype), c)
        self.assign(place, new, self.loc(c))
        return place

    def _conditional(self, c: Cursor) -> Place | Value:
        test, yes, no = children(c)
        condition = self.condition(test)
        if isinstance(condition, ir.Const):
            return self.expression(yes if condition.value else no)
        with self.collected() as then:
            a = self._operand_or_record(yes)
        with self.collected() as orelse:
            b = self._operand_or_record(no)
        a, b = self._paired(a, b, c)
        loc = self.loc(c)
        if isinstance(a, Pointer) and isinstance(b, Pointer):
            if then or orelse:
                condition = self._branched(condition, then, orelse, loc)
            return self.merged(condition, a, b, loc)
        if isinstance(a, Nothing) or isinstance(b, Nothing):
            self.emit(ir.If(condition, then, orelse, loc))
            return Nothing()
        if isinstance(a, ir.Expr) and isinstance(b, ir.Expr):
            dtype = self.scalar_type(c)
            a, b = self.cast(a, dtype), self.cast(b, dtype)
            if not then and not orelse and not has_load(a) and not has_load(b):
                return fold(ir.Select(condition, a, b, dtype, loc))
            name = self.temporary("v", dtype)
            then.append(ir.Assign(name, a, loc))
            orelse.append(ir.Assign(name, b, loc))
            self.emit(ir.If(condition, then, orelse, loc))
            return ir.Local(name, dtype, loc)
        return self._chosen_record(condition, (then, a), (orelse, b), c)

    def _operand_or_record(self, c: Cursor) -> Value:
        x = self.expression(c)
        if is_lvalue(x) and not isinstance(x, (Variable, PointerVariable, Temporary)):
            type_ = None if isinstance(x, Closure) else type_of(cast(Place, x))
            if isinstance(type_, ctypes.Record):
                return cast("Object", x)
        return self.decayed(x)

    def _paired(self, a: Value, b: Value, c: Cursor) -> tuple[Value, Value]:
        a, b = self.as_pointer(a), self.as_pointer(b)
        if isinstance(a, Pointer) and isinstance(b, ir.Const):
            return a, self.null(a.pointee)
        if isinstance(b, Pointer) and isinstance(a, ir.Const):
            return self.null(b.pointee), b
        return a, b

    def _branched(
        self, condition: ir.Expr, then: list[ir.Stmt], orelse: list[ir.Stmt], loc: Any
    ) -> ir.Expr:
        condition = self.spill(condition, "c", loc)
        self.emit(ir.If(condition, then, orelse, loc))
        return condition

    def _chosen_record(
        self,
        condition: ir.Expr,
        yes: tuple[list[ir.Stmt], Value],
        no: tuple[list[ir.Stmt], Value],
        c: Cursor,
    ) -> Place:
        type_ = self.type(c)
        place = self.declare((*self.frame.chain, c.hash), type_, "v")
        loc = self.loc(c)
        branches: list[list[ir.Stmt]] = []
        for emitted, value in (yes, no):
            with self.collected() as assigned:
                self.assign(place, value, loc)
            branches.append([*emitted, *assigned])
        self.emit(ir.If(condition, branches[0], branches[1], loc))
        return place
