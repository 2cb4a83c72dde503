"""C++ expressions: each becomes a value or a place, and the statements of its effects."""

from __future__ import annotations

import ast
import functools
import struct
from collections.abc import Callable
from typing import Any, cast

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.diagnostics import Loc
from accelerx.compiler.frontends.cuda_cpp import types as ctypes
from accelerx.compiler.frontends.cuda_cpp.clang import (
    Cursor,
    binary_operator,
    children,
    evaluate,
    expressions,
    kind,
    unary_operator,
)
from accelerx.compiler.frontends.cuda_cpp.memory import Either, MemoryAccess, scalar, type_of
from accelerx.compiler.frontends.cuda_cpp.state import coordinate, disturbs
from accelerx.compiler.frontends.cuda_cpp.values import (
    Bits,
    Closure,
    Function,
    Memory,
    Nothing,
    Object,
    Place,
    PlaceRoot,
    Pointer,
    PointerVariable,
    Root,
    Temporary,
    Value,
    Variable,
    const,
)
from accelerx.compiler.passes.fold import fold_root as fold
from accelerx.dtypes import DType, bool_, int32, int64, uint32, uint64

COORDINATES: dict[str, ir.SpecialKind] = {
    "threadIdx": "thread",
    "blockIdx": "block",
    "blockDim": "block_dim",
    "gridDim": "grid_dim",
}
MAX_NESTING = 1500  # stack.py has room for as many
SPILL_EVERY = 50
_COMPARISONS: dict[str, ir.CompareOp] = {
    "==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge",
}  # fmt: skip
_ARITHMETIC: dict[str, ir.BinaryOp] = {
    "+": "add", "-": "sub", "*": "mul", "&": "and", "|": "or", "^": "xor", "<<": "shl", ">>": "shr",
}  # fmt: skip
_PLACES = (Variable, Object, Memory, PointerVariable, Temporary, Closure, Bits)


def is_lvalue(x: Place | Value) -> bool:
    return isinstance(x, _PLACES)


class Expressions(MemoryAccess):
    """The part of the lifter that evaluates expressions."""

    # ------------------------------------------------------------------------------ entrances

    def value(self, c: Cursor) -> Value:
        """The value of an expression; a record's is a place to copy from."""
        x = self.expression(c)
        return self.load(cast(Place, x), None) if is_lvalue(x) else cast(Value, x)

    def scalar(self, c: Cursor, dtype: DType | None = None) -> ir.Expr:
        """The value of a scalar expression, converted to ``dtype``."""
        value = self.value(c)
        if isinstance(value, Pointer):
            value = self.address(value) if dtype is not bool_ else self.not_null(value)
        if not isinstance(value, ir.Expr):
            raise self.unsupported(c, f"a number is needed here, this is '{c.type.spelling}'")
        return value if dtype is None else self.cast(value, dtype)

    def condition(self, c: Cursor) -> ir.Expr:
        """A scalar or pointer as a condition."""
        value = self.as_pointer(self.value(c))
        if isinstance(value, Pointer):
            return self.not_null(value)
        return self.truth(scalar(value))

    def pointer(self, c: Cursor) -> Pointer:
        """The value of a pointer expression."""
        x = self.expression(c)
        value = self.decayed(x)
        if isinstance(value, ir.Const) and not value.value:
            type_ = self.type(c)
            pointee = type_.pointee if isinstance(type_, ctypes.Pointer) else ctypes.Void()
            return self.null(pointee)
        if not isinstance(value, Pointer):
            raise self.unsupported(c, f"a pointer is needed here, this is '{c.type.spelling}'")
        return value

    def decayed(self, x: Place | Value) -> Value:
        """The value, an array as a pointer to its first element."""
        if isinstance(x, (Memory, Object)) and isinstance(x.type, ctypes.Array):
            pointer = self.address_of(x)
            if isinstance(x, Object) and x.parts:
                pointer = self.address_of(x.parts["0"])
            return self.retyped(pointer, x.type.element)
        return self.load(cast(Place, x)) if is_lvalue(x) else cast(Value, x)

    def place(self, c: Cursor) -> Place:
        """The object that an expression names; a value gets a place of its own."""
        x = self.expression(c)
        return cast(Place, x) if is_lvalue(x) else self.materialised(cast(Value, x), c)

    def materialised(self, value: Value, c: Cursor) -> Place:
        """A place that holds a value for as long as anything refers to it."""
        if isinstance(value, (Object, Memory, Closure, Bits)):
            return value
        if isinstance(value, (Function, Nothing)):
            raise self.unsupported(c, "an object is needed here")
        place = self.declare((*self.frame.chain, c.hash, "value"), self.value_type(value), "t")
        self.assign(place, value, self.loc(c))
        return place

    def value_type(self, value: ir.Expr | Pointer) -> ctypes.CType:
        if isinstance(value, ir.Expr):
            return ctypes.Scalar(value.type)
        return ctypes.pointer_to(value.pointee)

    def constant(self, c: Cursor) -> int | float | None:
        """The value of an expression that is a constant for the compiler."""
        found = evaluate(c)
        return None if isinstance(found, str) else found

    def string(self, c: Cursor) -> str:
        """The text of a string literal."""
        while c._kind_id != kind("STRING_LITERAL"):
            inner = children(c)
            if len(inner) != 1:
                raise self.unsupported(c, "a string literal is needed here")
            c = inner[0]
        found = evaluate(c)
        return found if isinstance(found, str) else unquoted(c.spelling)

    def expression(self, c: Cursor) -> Place | Value:
        """The place or value of an expression."""
        around, self.here = self.here, c
        self.nesting += 1
        self.depth += 1
        if self.nesting > MAX_NESTING:
            raise self.internal(f"more than {MAX_NESTING} expressions and statements in each other")
        handler = self._handlers.get(c._kind_id)
        x = self._other(c) if handler is None else handler(self, c)
        if self.depth % SPILL_EVERY == 0 and isinstance(x, ir.Expr):
            x = self.spill(x, "t", x.loc)  # later passes recurse over expressions, with less stack
        self.depth -= 1
        self.nesting -= 1
        self.here = around
        return x

    def effect(self, c: Cursor) -> None:
        """Evaluates an expression for its effects; ``x++`` then need not keep the old value."""
        if c._kind_id == kind("UNARY_OPERATOR"):
            op = unary_operator(c)
            if op in ("x++", "x--"):
                self._stepped(c, op[1:], children(c)[0])
                return
        parts: list[Cursor] = []
        while c._kind_id == kind("BINARY_OPERATOR") and binary_operator(c) == ",":
            c, last = children(c)
            parts.append(last)
        if not parts:
            self.expression(c)
            return
        for part in (c, *reversed(parts)):
            self.effect(part)

    # -------------------------------------------------------------------------------- literals

    def _literal(self, c: Cursor) -> Value:
        value = evaluate(c)
        dtype = self.scalar_type(c)
        if value is None or isinstance(value, str):
            value = literal_text(c)
        return self.constant_of(value, dtype, c)

    def constant_of(self, value: float, dtype: DType, c: Cursor) -> ir.Const:
        """A constant of ``dtype``, wrapped or rounded as C++ does."""
        if dtype.is_bool:
            return ir.Const(bool(value), dtype)
        if dtype.is_float:
            return ir.Const(rounded(float(value), dtype), dtype)
        bits = int(value) & ((1 << dtype.bits) - 1)
        if dtype.is_signed and bits >> (dtype.bits - 1):
            bits -= 1 << dtype.bits
        return ir.Const(bits, dtype)

    def _null_pointer(self, c: Cursor) -> Value:
        return self.null(ctypes.Void())

    def _parenthesised(self, c: Cursor) -> Place | Value:
        return self.expression(children(c)[-1])

    def _other(self, c: Cursor) -> Place | Value:
        """An expression that libclang has no kind for: a constant, or a wrapper around one."""
        value = evaluate(c)
        if value is not None and not isinstance(value, str):
            return self.constant_of(value, self.scalar_type(c), c)
        inner = expressions(c)
        if len(inner) == 1:
            return self.expression(inner[0])
        raise self.unsupported(c, f"kernels have no such expression ({c.kind.name.lower()})")

    # ----------------------------------------------------------------------------------- names

    def _name(self, c: Cursor) -> Place | Value:
        target = c.referenced
        if target is None:
            return self._substituted(c)
        found = self.frame.bindings.get(target.hash)
        if found is not None:
            return found
        number = target._kind_id
        if number == kind("VAR_DECL") and not target.spelling:  # an anonymous union in a function
            found = self.declare((*self.frame.chain, target.hash), self.type(target), "union")
            self.frame.bindings[target.hash] = found
            return found
        if number == kind("VAR_DECL"):
            return self.global_name(target, c)
        if number == kind("ENUM_CONSTANT_DECL"):
            return self.constant_of(target.enum_value, self.scalar_type(c), c)
        if number in (kind("FUNCTION_DECL"), kind("CXX_METHOD")):
            return self.function_value(target)
        if number == kind("PARM_DECL"):
            raise self.unsupported(c, f"'{c.spelling}' is used outside of its function")
        return self._substituted(c)

    def _substituted(self, c: Cursor) -> Place | Value:
        """A template parameter's value, or a constant behind a name."""
        value = evaluate(c)
        if value is not None and not isinstance(value, str):
            return self.constant_of(value, self.scalar_type(c), c)
        inner = expressions(c)
        if len(inner) == 1:
            return self.expression(inner[0])
        raise self.unsupported(c, f"'{c.spelling}' cannot be used in a kernel")

    def global_name(self, target: Cursor, c: Cursor) -> Place | Value:
        """A variable that belongs to no function, or a static one."""
        if target.spelling == "warpSize":
            return const(32, int32)
        raise NotImplementedError

    def _member(self, c: Cursor) -> Place | Value:
        target = c.referenced
        inner = expressions(c)
        if target is not None and target._kind_id == kind("VAR_DECL"):  # a static member
            return self._static_member(target, c)
        if target is not None and target._kind_id in (kind("CXX_METHOD"), kind("FUNCTION_DECL")):
            return self.function_value(target)
        if target is not None and target._kind_id == kind("ENUM_CONSTANT_DECL"):
            return self.constant_of(target.enum_value, self.scalar_type(c), c)
        if inner and inner[0]._kind_id == kind("DECL_REF_EXPR"):
            special = COORDINATES.get(inner[0].spelling)
            if special is not None and c.spelling in ("x", "y", "z"):
                e = ir.Special(special, "xyz".index(c.spelling))
                return ir.Cast(e, uint32)
        if not inner:
            base = self.this(c)
        else:
            x = self.expression(inner[0])
            if not is_lvalue(x) and isinstance(x, Pointer):
                base = self.dereference(x, x.pointee)
            elif isinstance(self._type_or_none(inner[0]), ctypes.Pointer):
                pointer = self.decayed(x)
                assert isinstance(pointer, Pointer)
                base = self.dereference(pointer, pointer.pointee)
            else:
                base = cast(Place, x) if is_lvalue(x) else self.materialised(cast(Value, x), c)
        name = c.spelling or (target.spelling if target is not None else "")
        return self.found_member(base, target, name, c)

    def _type_or_none(self, c: Cursor) -> ctypes.CType | None:
        try:
            return self.types.of(c.type)
        except ctypes.UnknownTypeError:
            return None

    def _static_member(self, target: Cursor, c: Cursor) -> Place | Value:
        found = self.frame.bindings.get(target.hash)
        return found if found is not None else self.global_name(target, c)

    def found_member(self, base: Place, target: Cursor | None, name: str, c: Cursor) -> Place:
        """A member by name, looked for in the record's bases and anonymous members too."""
        if isinstance(base, Closure):
            raise self.unsupported(c, "a lambda has no members")
        record = type_of(base)
        if not isinstance(record, ctypes.Record):
            raise self.unsupported(c, f"'{record}' has no member {name!r}")
        if not name and target is not None:
            name = self._anonymous(record, target)
        paths = member_paths(record, name)
        if len(paths) > 1 and target is not None:
            owner = self._type_or_none(target.semantic_parent)
            paths = [p for p in paths if owner is None or ctypes.same(owner_of(record, p), owner)]
        for path in paths:
            place: Place = base
            for step in path:
                place = self.member(place, step)
            return self.bound_reference(place, c)
        raise self.unsupported(c, f"'{record}' has no member {name!r}")

    def bound_reference(self, place: Place, c: Cursor) -> Place:
        return place

    def _anonymous(self, record: ctypes.Record, target: Cursor) -> str:
        names = [f.name for f in record.fields if f.name.startswith("<anonymous>")]
        return names[0] if names else target.spelling

    def this(self, c: Cursor) -> Place:
        """The object a member function works on."""
        if self.frame.this is None:
            raise self.unsupported(c, "'this' is used outside of a member function")
        return self.frame.this

    def _this(self, c: Cursor) -> Value:
        return self.address_of(self.this(c))

    def _subscript(self, c: Cursor) -> Place | Value:
        left, right = children(c)
        if isinstance(self._type_or_none(left), ctypes.Scalar):
            left, right = right, left  # 2[x]
        base = self._array_behind(left)
        if base is not None:
            array = self.expression(base)
            if (
                is_lvalue(array)
                and isinstance(array, (Memory, Object))
                and isinstance(array.type, ctypes.Array)
            ):
                return self.element(cast(Place, array), self.scalar(right))
        pointer, index = self.in_order([lambda: self.pointer(left), lambda: self.scalar(right)])
        assert isinstance(pointer, Pointer)
        return self.followed(self.moved(pointer, scalar(index)), pointer.pointee, c)

    def _array_behind(self, c: Cursor) -> Cursor | None:
        """The array expression that decays to the pointer ``c``."""
        while c._kind_id == kind("UNEXPOSED_EXPR"):
            inner = children(c)
            if len(inner) != 1:
                return None
            c = inner[0]
        return c

    def followed(self, pointer: Pointer, type_: ctypes.CType, c: Cursor) -> Place:
        """``*pointer``; a thread that follows a null pointer fails there."""
        if all(target is None for target in pointer.targets):
            return self.beyond_null(type_, self.loc(c))
        return self.dereference(pointer, type_)

    # -------------------------------------------------------------------------------- operators

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

    # ------------------------------------------------------------------------------------ casts

    def _cast_expression(self, c: Cursor) -> Place | Value:
        """An explicit or implicit conversion."""
        inner, target = expressions(c), self._type_or_none(c)
        if not inner or (len(inner) > 1 and c._kind_id == kind("UNEXPOSED_EXPR")):
            last = children(c)[-1:]
            if last and last[0]._kind_id == kind("BUILTIN_BIT_CAST_EXPR") and target is not None:
                return self._bits_as(last[0], target)
            return self._other(c)
        source = inner[-1]  # before it: the arguments of the type, if that is a template
        if isinstance(target, ctypes.Void):
            self.expression(source)
            return Nothing()
        own = self._type_or_none(source) if isinstance(target, ctypes.Pointer) else None
        if isinstance(own, ctypes.Scalar) and self._holds_address(source):
            assert isinstance(target, ctypes.Pointer)
            return self.retyped(self._addressed(source), target.pointee)
        x = self.expression(source)
        unread = kind("UNEXPOSED_EXPR") not in (c._kind_id, source._kind_id)
        if unread and target is not None and is_lvalue(x):
            return self._reinterpreted(cast(Place, x), target, source, c)
        return self.converted(x, target, source, c)

    def _reinterpreted(
        self, x: Place, target: ctypes.CType, source: Cursor, c: Cursor
    ) -> Place | Value:
        """``(T &)x``: an object read as another type.

        A cast to a reference is told by its operand: that of any other is read first, which is an
        expression without a kind of its own.
        """
        own = None if isinstance(x, Closure) else type_of(x)
        whole = (ctypes.Scalar, ctypes.Record, ctypes.Array)
        if not isinstance(own, whole) or not isinstance(target, whole) or ctypes.same(own, target):
            return self.converted(x, target, source, c)
        related = isinstance(own, ctypes.Record) and isinstance(target, ctypes.Record)
        if related and c._kind_id != kind("CXX_REINTERPRET_CAST_EXPR"):
            return self.converted(x, target, source, c)
        pointer = self.address_of(self.addressable(x, source))
        return self.dereference(self.retyped(pointer, target), target)

    def _holds_address(self, c: Cursor) -> bool:
        """Whether an integer is a pointer's address, or a sum with one."""
        c = self._without_casts(c)
        if isinstance(self._type_or_none(c), (ctypes.Pointer, ctypes.Array)):
            return True
        if c._kind_id != kind("BINARY_OPERATOR") or binary_operator(c) not in ("+", "-"):
            return False
        left, right = children(c)
        in_right = binary_operator(c) == "+" and self._holds_address(right)
        return self._holds_address(left) != in_right

    def _without_casts(self, c: Cursor) -> Cursor:
        """An integer expression without parentheses and conversions around it."""
        casts = _CASTS()
        while c._kind_id in casts:
            inner, type_ = expressions(c), self._type_or_none(c)
            narrow = isinstance(type_, ctypes.Scalar) and type_.size < ctypes.POINTER_SIZE
            if not inner or narrow or isinstance(type_, (ctypes.Pointer, ctypes.Record)):
                break
            c = inner[-1]
        return c

    def _addressed(self, c: Cursor) -> Pointer:
        """The pointer that an integer is the address of, moved by the bytes added to it."""
        c = self._without_casts(c)
        if isinstance(self._type_or_none(c), (ctypes.Pointer, ctypes.Array)):
            return self.pointer(c)
        left, right = children(c)
        if not self._holds_address(left):
            left, right = right, left
        pointer, offset = self.in_order([lambda: self._addressed(left), lambda: self.scalar(right)])
        assert isinstance(pointer, Pointer)
        bytes_ = self.cast(scalar(offset), int64)
        if binary_operator(c) == "-":
            bytes_ = fold(ir.Unary("neg", bytes_, int64))
        return self.moved_bytes(pointer, bytes_, 1)

    def _bits_as(self, c: Cursor, target: ctypes.CType) -> Place | Value:
        """``__builtin_bit_cast``, whose type libclang does not tell: it is that of a cast around it."""
        x = self.expression(expressions(c)[-1])
        if isinstance(target, ctypes.Scalar):
            value = self.decayed(x)
            if isinstance(value, ir.Expr):
                return self.bitcast(value, target.dtype, self.loc(c))
        place = cast(Place, x) if is_lvalue(x) else self.materialised(cast(Value, x), c)
        return self.dereference(self.retyped(self.address_of(place), target), target)

    def converted(
        self, x: Place | Value, target: ctypes.CType | None, source: Cursor, c: Cursor
    ) -> Place | Value:
        """``x`` as ``target``; what stays the same object stays a place."""
        if isinstance(x, (Closure, Nothing)) or target is None:
            return x
        if isinstance(x, Function) and not isinstance(target, ctypes.Scalar):
            return x
        if isinstance(target, ctypes.Reference):
            return self._rebound(x, target.referee, c)
        if isinstance(target, ctypes.Scalar):
            return self._to_scalar(x, target.dtype, source, c)
        if isinstance(target, ctypes.Pointer):
            return self._to_pointer(x, target, c)
        if isinstance(target, ctypes.Record):
            return self._to_record(x, target, c)
        return x

    def _to_scalar(
        self, x: Place | Value, dtype: DType, source: Cursor, c: Cursor
    ) -> Place | Value:
        if is_lvalue(x) and isinstance(x, (Variable, Memory, Bits, Temporary)):
            type_ = x.type
            if isinstance(type_, ctypes.Scalar) and type_.dtype is dtype:
                return x
        value = self.as_pointer(self.decayed(x))
        if isinstance(value, Pointer):
            return self.not_null(value) if dtype.is_bool else self.cast(self.address(value), dtype)
        if not isinstance(value, ir.Expr):
            raise self.unsupported(c, f"'{source.type.spelling}' cannot become a number here")
        if isinstance(value, ir.Const) and not dtype.is_bool and not value.type.is_float:
            return self.constant_of(value.value, dtype, c)
        return self.cast(value, dtype)

    def _to_pointer(self, x: Place | Value, target: ctypes.Pointer, c: Cursor) -> Place | Value:
        if isinstance(x, PointerVariable) and ctypes.same(x.type.pointee, target.pointee):
            return x
        value = self.decayed(x)
        if isinstance(value, Function):
            return value
        if isinstance(value, ir.Const) and not value.value:
            return self.null(target.pointee)
        if not isinstance(value, Pointer):
            raise self.unsupported(
                c, "a number becomes a pointer here; kernels follow pointers to known arrays only"
            )
        pointee = target.pointee
        if isinstance(pointee, ctypes.Record) and isinstance(value.pointee, ctypes.Record):
            return self._related(value, pointee)
        return self.retyped(value, pointee)

    def _related(self, pointer: Pointer, record: ctypes.Record) -> Pointer:
        """A pointer to a record as one to its base, or to what it is a base of."""
        own = pointer.pointee
        assert isinstance(own, ctypes.Record)
        if own.name == record.name:
            return pointer
        up = base_path(own, record.name)
        place = self._only_place(pointer)
        if up is not None:
            if place is not None:
                for name in up:
                    place = self.member(place, name)
                return self.address_of(place)
            for name in up:
                assert isinstance(pointer.pointee, ctypes.Record)
                pointer = self.field(pointer, pointer.pointee.by_name[name])
            return pointer
        if base_path(record, own.name) is not None and place is not None:
            return self.address_of(self._derived(place, record))
        return self.retyped(pointer, record)

    def _only_place(self, pointer: Pointer) -> Place | None:
        if len(pointer.targets) == 1 and isinstance(pointer.targets[0], PlaceRoot):
            return pointer.targets[0].place
        return None

    def _derived(self, place: Place, record: ctypes.Record) -> Place:
        """The object that ``place`` is the base of."""
        while id(place) in self.inside:
            place = self.inside[id(place)][0]
            if not isinstance(place, Closure) and ctypes.same(type_of(place), record):
                return place
        raise self.internal(f"this object is no base of a '{record}'")

    def _rebound(self, x: Place | Value, type_: ctypes.CType, c: Cursor) -> Place | Value:
        if isinstance(type_, ctypes.Record) and is_lvalue(x):
            return self._to_record(x, type_, c)
        if is_lvalue(x) and not isinstance(x, Temporary) and isinstance(type_, ctypes.Scalar):
            place = cast(Place, x)
            if not isinstance(place, Closure) and not ctypes.same(type_of(place), type_):
                return self.dereference(self.retyped(self.address_of(place), type_), type_)
        return x

    def _to_record(self, x: Place | Value, record: ctypes.Record, c: Cursor) -> Place | Value:
        if not is_lvalue(x) or isinstance(x, (Closure, Temporary)):
            return x
        place = cast(Place, x)
        own = type_of(place)
        if isinstance(own, ctypes.Array) and record.name.startswith("std::initializer_list<"):
            return self._initializer_list(place, own, record)
        if not isinstance(own, ctypes.Record) or own.name == record.name:
            return place
        up = base_path(own, record.name)
        if up is not None:
            for name in up:
                place = self.member(place, name)
            return place
        if base_path(record, own.name) is not None:
            if isinstance(place, Memory):
                return Memory(record, self.retyped(place.pointer, record))
            return self._derived(place, record)
        return self.dereference(self.retyped(self.address_of(place), record), record)

    def _initializer_list(self, array: Place, type_: ctypes.Array, record: ctypes.Record) -> Object:
        """Braces as a ``std::initializer_list``: where their array begins, and its length."""
        first, count = (part.name for part in record.fields)
        size: Value = const(type_.count, uint64)
        return self.record(record, {first: self.decayed(array), count: size})

    def _size_of(self, c: Cursor) -> Value:
        value = evaluate(c)
        if value is None or isinstance(value, str):
            raise self.unsupported(c, "the size of this is not known")
        return self.constant_of(value, self.scalar_type(c), c)

    def record(
        self, type_: ctypes.Record, parts: dict[str, Value], loc: Loc | None = None
    ) -> Object:
        """A new record with the given parts."""
        self.counter += 1
        place = self.declare(("record", type_.name, self.counter), type_, "r")
        assert isinstance(place, Object)
        for name, value in parts.items():
            self.assign(place.parts[name], value, loc)
        return place

    # ------------------------------------------------------------------------- for calls.py

    def _text(self, c: Cursor) -> Place | Value:
        """A string literal: a table of characters."""
        raise NotImplementedError

    def _call(self, c: Cursor) -> Place | Value:
        raise NotImplementedError

    def _init_list(self, c: Cursor) -> Place | Value:
        raise NotImplementedError

    def _lambda(self, c: Cursor) -> Place | Value:
        raise NotImplementedError

    def _new(self, c: Cursor) -> Place | Value:
        raise NotImplementedError

    def _statement_expression(self, c: Cursor) -> Place | Value:
        raise NotImplementedError

    _handlers: dict[int, Callable[[Any, Cursor], Place | Value]] = {}


def handlers(cls: type[Expressions]) -> dict[int, Callable[[Any, Cursor], Place | Value]]:
    """The methods of ``cls`` for each kind of expression."""
    methods: dict[str, Callable[[Any, Cursor], Place | Value]] = {
        "INTEGER_LITERAL": cls._literal,
        "FLOATING_LITERAL": cls._literal,
        "CHARACTER_LITERAL": cls._literal,
        "CXX_BOOL_LITERAL_EXPR": cls._literal,
        "STRING_LITERAL": cls._text,
        "CXX_NULL_PTR_LITERAL_EXPR": cls._null_pointer,
        "GNU_NULL_EXPR": cls._null_pointer,
        "PAREN_EXPR": cls._parenthesised,
        "DECL_REF_EXPR": cls._name,
        "MEMBER_REF_EXPR": cls._member,
        "CXX_THIS_EXPR": cls._this,
        "ARRAY_SUBSCRIPT_EXPR": cls._subscript,
        "UNARY_OPERATOR": cls._unary,
        "BINARY_OPERATOR": cls._binary,
        "COMPOUND_ASSIGNMENT_OPERATOR": cls._compound,
        "CONDITIONAL_OPERATOR": cls._conditional,
        "UNEXPOSED_EXPR": cls._cast_expression,
        "CSTYLE_CAST_EXPR": cls._cast_expression,
        "CXX_STATIC_CAST_EXPR": cls._cast_expression,
        "CXX_REINTERPRET_CAST_EXPR": cls._cast_expression,
        "CXX_CONST_CAST_EXPR": cls._cast_expression,
        "CXX_FUNCTIONAL_CAST_EXPR": cls._cast_expression,
        "CXX_UNARY_EXPR": cls._size_of,
        "CALL_EXPR": cls._call,
        "INIT_LIST_EXPR": cls._init_list,
        "LAMBDA_EXPR": cls._lambda,
        "StmtExpr": cls._statement_expression,
        "CXX_NEW_EXPR": cls._new,
    }
    return {kind(name): method for name, method in methods.items()}


# -------------------------------------------------------------------------------------- helpers


def has_load(e: ir.Expr) -> bool:
    return any(isinstance(x, ir.Load) for x in ir.walk(e))


def promoted(a: DType, b: DType) -> DType:
    """The usual arithmetic conversions."""
    if a.is_float or b.is_float:
        floats = [t for t in (a, b) if t.is_float]
        return max(floats, key=lambda t: t.bits)
    a, b = (int32 if t.bits < 32 or t.is_bool else t for t in (a, b))
    if a is b:
        return a
    if a.bits != b.bits:
        return a if a.bits > b.bits else b
    return a if not a.is_signed else b


def rounded(value: float, dtype: DType) -> float:
    """A Python float rounded to ``dtype``."""
    if dtype is dtypes.float64 or value != value:
        return value
    folded = fold(ir.Cast(ir.Const(value, dtypes.float64), dtype))
    return float(folded.value) if isinstance(folded, ir.Const) else _single(value)


def _single(value: float) -> float:
    try:
        return float(struct.unpack("f", struct.pack("f", value))[0])
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def literal_text(c: Cursor) -> float:
    """The value of a literal that libclang does not evaluate, from its text."""
    text = "".join(token.spelling for token in c.get_tokens()).rstrip("fFlLuU")
    return float.fromhex(text) if "p" in text.lower() and "0x" in text.lower() else float(text)


def unquoted(text: str) -> str:
    """The text of a string literal, which clang spells with escapes."""
    return ast.literal_eval(f"b{text}").decode(errors="replace") if text[:1] == '"' else text


def unparenthesised(c: Cursor) -> Cursor:
    """An expression without the parentheses around it."""
    while c._kind_id == kind("PAREN_EXPR"):
        c = children(c)[-1]
    return c


def is_choice(c: Cursor) -> bool:
    """Whether an expression is an object that a condition chooses, or a member of one.

    Where values are chosen, the two are read first, which is an expression without a kind.
    """
    c = unparenthesised(c)
    if c._kind_id == kind("MEMBER_REF_EXPR"):
        inner = expressions(c)
        is_record = len(inner) == 1 and inner[0].type.get_canonical().kind.name == "RECORD"
        return is_record and is_choice(inner[0])
    if c._kind_id != kind("CONDITIONAL_OPERATOR"):
        return False
    _, *arms = children(c)
    return all(x._kind_id in _OBJECTS() or is_choice(x) for x in map(unparenthesised, arms))


@functools.cache
def _CASTS() -> frozenset[int]:
    names = ("STATIC", "REINTERPRET", "FUNCTIONAL")
    explicit = [f"CXX_{name}_CAST_EXPR" for name in names]
    return frozenset(map(kind, ("UNEXPOSED_EXPR", "PAREN_EXPR", "CSTYLE_CAST_EXPR", *explicit)))


@functools.cache
def _OBJECTS() -> frozenset[int]:
    names = (
        "DECL_REF_EXPR",
        "MEMBER_REF_EXPR",
        "ARRAY_SUBSCRIPT_EXPR",
        "UNARY_OPERATOR",
        "CALL_EXPR",
    )
    return frozenset(map(kind, names))


def points_to_functions(value: Value) -> bool:
    """Whether a value is a pointer that points to functions, or to nothing."""
    if not isinstance(value, Pointer):
        return False
    known = [target for target in value.targets if target is not None]
    return bool(known) and all(isinstance(target, Function) for target in known)


def member_paths(record: ctypes.Record, name: str) -> list[list[str]]:
    """The ways to a member: its own first, then through anonymous members and bases."""
    found = [[name]] if name in record.by_name else []
    for part in record.fields:
        if part.name.startswith("<") and isinstance(part.type, ctypes.Record):
            found += [[part.name, *path] for path in member_paths(part.type, name)]
    return found


def owner_of(record: ctypes.Record, path: list[str]) -> ctypes.CType:
    """The record whose member a path ends at; anonymous ones belong to the one around them."""
    owner: ctypes.CType = record
    type_: ctypes.CType = record
    for name in path[:-1]:
        assert isinstance(type_, ctypes.Record)
        type_ = type_.by_name[name].type
        if name.startswith("<base>"):
            owner = type_
    return owner


def base_path(record: ctypes.Record, name: str) -> list[str] | None:
    """The bases to go through from a record to its base called ``name``."""
    for part in record.bases:
        assert isinstance(part.type, ctypes.Record)
        if part.type.name == name:
            return [part.name]
        deeper = base_path(part.type, name)
        if deeper is not None:
            return [part.name, *deeper]
    return None


__all__ = ["Expressions", "handlers", "has_load", "is_lvalue", "promoted", "uint32"]
