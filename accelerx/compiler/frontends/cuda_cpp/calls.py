"""Calls: of functions, methods, function pointers and builtins."""

from __future__ import annotations

from typing import cast

from accelerx.compiler import ir
from accelerx.compiler.frontends.cuda_cpp import types as ctypes
from accelerx.compiler.frontends.cuda_cpp.builtins import BUILTINS
from accelerx.compiler.frontends.cuda_cpp.clang import (
    Cursor,
    children,
    evaluate,
    expressions,
    kind,
)
from accelerx.compiler.frontends.cuda_cpp.functions import (
    defined,
    is_callee,
    is_implicit,
)
from accelerx.compiler.frontends.cuda_cpp.initialisers import Initialisers
from accelerx.compiler.frontends.cuda_cpp.lambdas import Lambdas
from accelerx.compiler.frontends.cuda_cpp.operands import is_choice, is_lvalue, points_to_functions
from accelerx.compiler.frontends.cuda_cpp.values import (
    Closure,
    Function,
    Nothing,
    Place,
    Pointer,
    Temporary,
    Value,
    const,
)
from accelerx.dtypes import int32

_SAME = frozenset({"move", "forward", "as_const", "move_if_noexcept"})  # clang knows them itself


def _callable() -> tuple[int, ...]:
    return tuple(
        map(kind, ("FUNCTION_DECL", "CXX_METHOD", "CONVERSION_FUNCTION", "FUNCTION_TEMPLATE"))
    )


class Calls(Initialisers, Lambdas):
    """Which function a call runs, and on what object."""

    def _call(self, c: Cursor) -> Place | Value:
        target = c.referenced
        if target is None:
            return self._indirect(c)
        number = target._kind_id
        if number == kind("CONSTRUCTOR"):
            return self._constructed(c, target)
        if number not in _callable():
            return self._indirect(c)
        arguments = list(c.get_arguments())
        if number == kind("FUNCTION_DECL"):
            return self._function(c, target, arguments)
        if number == kind("CXX_METHOD") and target.is_static_method():
            parameters = len(list(target.get_arguments()))
            operator = target.spelling == "operator()" and len(arguments) > parameters
            return self._function(c, target, arguments[1:] if operator else arguments)
        return self._method(c, target, arguments)

    def _called(self, c: Cursor, function: Function, arguments: list[Cursor]) -> Place | Value:
        """A call of a function that is known as a value."""
        if function.closure is None:
            return self._function(c, function.cursor, arguments)
        parameters = [x for x in children(function.cursor) if x._kind_id == kind("PARM_DECL")]
        return self._lambda_body(c, function.closure, function.cursor, parameters, arguments)

    def _function(self, c: Cursor, target: Cursor, arguments: list[Cursor]) -> Place | Value:
        definition = defined(target)
        if target.spelling in _SAME and len(arguments) == 1:
            return self.expression(arguments[0])
        if definition is None:
            builtin = BUILTINS.get(target.spelling)
            if builtin is not None:
                return builtin(self, c, arguments)
            value = evaluate(c)  # clang's own builtins, such as __builtin_inff
            if value is None or isinstance(value, str):
                raise self._undefined(c, target)
            return self.constant_of(value, self.scalar_type(c), c)
        return self.inlined(c, definition, arguments, None)

    def _undefined(self, c: Cursor, target: Cursor) -> Exception:
        return self.unsupported(
            c,
            f"'{target.spelling}' has no definition that a kernel could call",
            "a device function must be defined in the same text",
        )

    def _indirect(self, c: Cursor) -> Place | Value:
        """A call through a function pointer, a functor passed as such, or a lambda."""
        first, *arguments = children(c)
        callee = self.expression(first)
        if is_lvalue(callee):
            callee = self.load(cast(Place, callee))
        if isinstance(callee, Function):
            return self._called(c, callee, arguments)
        if points_to_functions(cast(Value, callee)):
            return self._one_of(c, cast(Pointer, callee), arguments)
        raise self.unsupported(
            c,
            "which function is called here cannot be found out",
            "assign functions of this text to the pointer, or make it a template's argument",
        )

    def _one_of(self, c: Cursor, callee: Pointer, arguments: list[Cursor]) -> Place | Value:
        """A call of one of several functions: each is inlined into a branch of its own."""
        known = [(i, t) for i, t in enumerate(callee.targets) if isinstance(t, Function)]
        if len(known) == 1:
            return self._called(c, known[0][1], arguments)
        type_, loc = self.type(c), self.loc(c)
        if isinstance(type_, ctypes.Reference):
            raise self.unsupported(c, "one of several functions that return references is called")
        assert callee.tag is not None
        tag = self.spill(callee.tag, "tag", loc)
        place = (
            None
            if isinstance(type_, ctypes.Void)
            else self.declare((*self.frame.chain, c.hash, "called"), type_, "called")
        )
        branches: list[tuple[int, list[ir.Stmt]]] = []
        for number, function in known:
            with self.collected() as body:
                x = self._called(c, function, arguments)
                if place is not None:
                    value = self.load(cast(Place, x)) if is_lvalue(x) else cast(Value, x)
                    self.assign(place, value, loc)
            branches.append((number, body))
        out = branches[-1][1]
        for number, body in reversed(branches[:-1]):
            out = [ir.If(ir.Compare("eq", tag, const(number, int32), loc), body, out, loc)]
        self.out += out
        return Nothing() if place is None else self._returned(place)

    def _method(self, c: Cursor, target: Cursor, arguments: list[Cursor]) -> Place | Value:
        parameters = len(list(target.get_arguments()))
        inner = children(c)
        if target.is_virtual_method():
            raise self.unsupported(c, "kernels have no virtual functions")
        if inner and is_callee(inner[0]):
            this = self._object_of(inner[0])
        elif target._kind_id == kind("CONVERSION_FUNCTION"):
            this = self.place(inner[0])
        else:  # an operator: the object is its first argument
            this = self.place(arguments[0] if len(arguments) > parameters else inner[0])
            arguments = arguments[1:] if len(arguments) > parameters else arguments
        if isinstance(this, Closure) and target._kind_id == kind("CONVERSION_FUNCTION"):
            function = self.function_value(this.cursor)  # a lambda as a function pointer
            function.closure = this
            return function
        if isinstance(this, Closure):
            return self._lambda_call(c, this, target, arguments)
        definition = defined(target)
        if definition is None or is_implicit(definition):
            return self._implicit(c, target, this, arguments)
        return self.inlined(c, definition, arguments, this)

    def _object_of(self, reference: Cursor) -> Place:
        """The object left of ``.`` or ``->``."""
        inner = expressions(reference)
        if not inner:
            return self.this(reference)
        x = self.located(inner[0]) if is_choice(inner[0]) else self.expression(inner[0])
        if isinstance(self._type_or_none(inner[0]), ctypes.Pointer):
            pointer = self.decayed(x)
            if not isinstance(pointer, Pointer):
                raise self.unsupported(reference, "only a pointer can be followed")
            return self.followed(pointer, pointer.pointee, reference)
        place = cast(Place, x) if is_lvalue(x) else self.materialised(cast(Value, x), inner[0])
        return cast(Place, self.load(place)) if isinstance(place, Temporary) else place

    def _implicit(
        self, c: Cursor, target: Cursor, this: Place, arguments: list[Cursor]
    ) -> Place | Value:
        """A member function without a body: the compiler's own assignment, or a builtin."""
        if target.spelling == "operator=" and len(arguments) == 1:
            value = self.value(arguments[0])
            self.assign(this, value, self.loc(c))
            return this
        if target.spelling.startswith("~"):
            return Nothing()
        builtin = BUILTINS.get(target.spelling)
        if builtin is not None:
            return builtin(self, c, arguments)
        raise self._undefined(c, target)
