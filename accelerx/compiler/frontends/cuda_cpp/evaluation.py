"""Evaluation: the entrances to expressions, and the simplest of these, literals and names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from accelerx.compiler import ir
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
from accelerx.compiler.frontends.cuda_cpp.memory import MemoryAccess, scalar, type_of
from accelerx.compiler.frontends.cuda_cpp.operands import (
    is_lvalue,
    literal_text,
    member_paths,
    owner_of,
    rounded,
    unquoted,
)
from accelerx.compiler.frontends.cuda_cpp.values import (
    Bits,
    Closure,
    Function,
    Memory,
    Nothing,
    Object,
    Place,
    Pointer,
    Value,
    const,
)
from accelerx.dtypes import DType, bool_, int32, uint32

COORDINATES: dict[str, ir.SpecialKind] = {
    "threadIdx": "thread",
    "blockIdx": "block",
    "blockDim": "block_dim",
    "gridDim": "grid_dim",
}
MAX_NESTING = 1500  # stack.py has room for as many
SPILL_EVERY = 50


class Evaluation(MemoryAccess):
    """Evaluates an expression to a place or a value."""

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

    # ---------------------------------------------------- for operators.py, casts.py, calls.py

    def address(self, pointer: Pointer) -> ir.Expr:
        raise NotImplementedError

    def not_null(self, pointer: Pointer) -> ir.Expr:
        raise NotImplementedError

    def addressable(self, x: Place | Value, c: Cursor) -> Place:
        raise NotImplementedError

    def _stepped(self, c: Cursor, op: str, inner: Cursor) -> Place | Value:
        raise NotImplementedError

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
