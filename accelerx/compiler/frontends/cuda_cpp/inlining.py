"""Inlining: a call becomes the statements of its body, with the parameters bound to the arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from accelerx.compiler import ir
from accelerx.compiler.diagnostics import render
from accelerx.compiler.frontends.cuda_cpp import types as ctypes
from accelerx.compiler.frontends.cuda_cpp.clang import (
    ClangType,
    Cursor,
    evaluate,
    kind,
)
from accelerx.compiler.frontends.cuda_cpp.expressions import Expressions
from accelerx.compiler.frontends.cuda_cpp.functions import (
    body_of,
    default_of,
    is_closure,
    is_default,
    plain,
    structured,
)
from accelerx.compiler.frontends.cuda_cpp.operands import is_choice, is_lvalue
from accelerx.compiler.frontends.cuda_cpp.state import Frame, Key
from accelerx.compiler.frontends.cuda_cpp.values import (
    Binding,
    Bits,
    Closure,
    Function,
    Memory,
    Nothing,
    Object,
    Place,
    Pointer,
    PointerVariable,
    Temporary,
    Value,
)
from accelerx.errors import UnsupportedKernelError

MAX_DEPTH = 200
MAX_RECURSION = 8
MAX_CALLS = 20_000


class RecursiveError(UnsupportedKernelError):
    """A function calls itself."""


class Inlining(Expressions):
    """How a function's body is walked in place of a call."""

    def inlined(
        self, c: Cursor, function: Cursor, arguments: Sequence[Cursor], this: Place | None
    ) -> Place | Value:
        """The body of a function in place of a call to it."""
        if any(frame.function == function for frame in self.callers):
            return self._inlined(c, function, arguments, this)
        end, kept = len(self.out), (self.here, self.depth, self.nesting, self.blocks)
        try:
            return self._inlined(c, function, arguments, this)
        except RecursiveError:
            self.here, self.depth, self.nesting, self.blocks = kept
            value = evaluate(c)  # a constexpr function may call itself for constants
            if value is None or isinstance(value, str):
                raise
            del self.out[end:]
            return self.constant_of(value, self.scalar_type(c), c)

    def _inlined(
        self, c: Cursor, function: Cursor, arguments: Sequence[Cursor], this: Place | None
    ) -> Place | Value:
        chain = (*self.frame.chain, c.hash)
        parameters = list(function.get_arguments())
        bindings: dict[int, Binding] = {}
        self._check_depth(c, function)
        passed = self._passed(c, parameters, arguments, chain)
        for parameter, binding in zip(parameters, passed, strict=True):
            bindings[parameter.hash] = binding
        frame = self._frame(c, function, chain, bindings)
        frame.this = this
        return self._run(c, frame, function)

    def _check_depth(self, c: Cursor, function: Cursor) -> None:
        own = [frame for frame in self.callers if frame.function == function]
        if len(own) > MAX_RECURSION:
            first = own[0]
            raise RecursiveError(
                render(
                    self.unit.loc(c, first.parent, first.name),
                    f"'{function.spelling}' calls itself; kernels have no recursion",
                    "write it as a loop, or with the depth as a template argument",
                )
            )
        self.inlined_calls += 1
        if self.inlined_calls > MAX_CALLS:
            raise self.unsupported(c, f"more than {MAX_CALLS} calls are inlined into this kernel")
        if len(self.callers) > MAX_DEPTH:
            raise self.unsupported(
                c, f"more than {MAX_DEPTH} functions call each other here, and all are inlined"
            )

    def _frame(
        self, c: Cursor, function: Cursor, chain: Key, bindings: dict[int, Binding]
    ) -> Frame:
        return Frame(chain, function, bindings, parent=self.loc(c), name=function.spelling)

    def _run(
        self, c: Cursor, frame: Frame, function: Cursor, body: Cursor | None = None
    ) -> Place | Value:
        """Lifts a function's body in its frame; what it returns."""
        result = self._result_place(function, frame, c)
        frame.result = result
        frame.label = self.label("return")
        statements = self.within(frame, body or body_of(function))
        statements, leaves = structured(statements, frame.label)
        if leaves:
            self.emit(ir.Scope(frame.label, statements, frame.parent))
        else:
            self.out += statements
        if frame.by_reference and isinstance(result, PointerVariable):
            return self.dereference(self.load_pointer(result), result.type.pointee)
        if frame.by_reference:
            if frame.returned is None:
                raise self.unsupported(
                    c, f"'{function.spelling}' returns no reference on some path"
                )
            return frame.returned
        return Nothing() if result is None else self._returned(result)

    def _returned(self, result: Place) -> Place | Value:
        return self.load(result) if not isinstance(result, (Object, Memory)) else result

    def within(self, frame: Frame, body: Cursor | None) -> list[ir.Stmt]:
        """The statements of a body, lifted in another frame."""
        saved = self.frame
        self.callers.append(frame)
        self.frame = frame
        try:
            with self.collected() as statements:
                if body is not None:
                    self.statement(body)
            return statements
        finally:
            self.frame = saved
            self.callers.pop()

    def _result_place(self, function: Cursor, frame: Frame, c: Cursor) -> Place | None:
        is_lambda = function._kind_id == kind("LAMBDA_EXPR")
        clang = c.type if is_lambda else function.result_type
        type_ = self.type_of(clang, c)
        if isinstance(type_, ctypes.Void):
            return None
        if isinstance(type_, ctypes.Reference):
            return self._result_reference(type_, clang.get_pointee(), frame, function)
        if isinstance(type_, ctypes.Record) and is_closure(type_):
            frame.by_reference = True
            return None
        return self.declare((*frame.chain, "result"), type_, f"{plain(function.spelling)}.value")

    def _result_reference(
        self, type_: ctypes.Reference, referee: ClangType, frame: Frame, function: Cursor
    ) -> Place | None:
        """Where a returned reference goes, if it is not always to one object.

        One to a constant number is its value (as of ``max``), any other a pointer to the object.
        """
        key = (*frame.chain, "returned")
        stem = f"{plain(function.spelling)}.value"
        frame.by_reference = key not in self.facts.several
        if frame.by_reference:
            return None
        if isinstance(type_.referee, ctypes.Scalar) and referee.is_const_qualified():
            return self.declare(key, type_.referee, stem)
        frame.by_reference = True
        return self.declare(key, ctypes.pointer_to(type_.referee), stem)

    def _passed(
        self, c: Cursor, parameters: list[Cursor], arguments: Sequence[Cursor], chain: Key
    ) -> list[Binding]:
        """What the parameters stand for: arguments by value get places of their own."""
        bindings: list[Binding] = []
        for i, parameter in enumerate(parameters):
            given = arguments[i] if i < len(arguments) else None
            if given is None or is_default(given):
                given = default_of(parameter)
                if given is None:
                    raise self.unsupported(c, f"argument {i + 1} of this call is missing")
            bindings.append(self._passed_one(parameter, given, chain))
        return bindings

    def _passed_one(self, parameter: Cursor, given: Cursor, chain: Key) -> Binding:
        type_ = self.parameter_type(parameter, given)
        if isinstance(type_, ctypes.Reference):
            return self.bound(given, type_.referee, parameter.type)
        x = self.expression(given)
        if isinstance(x, Function):
            return x
        if isinstance(x, Closure):
            return self.closure_copy(x, (*chain, parameter.hash), given)
        return self.copied((*chain, parameter.hash), type_, parameter.spelling, x, given)

    def bound(
        self, given: Cursor, type_: ctypes.CType, reference: ClangType | None = None
    ) -> Binding:
        """What a reference refers to; of a constant number that a condition chooses, its value."""
        value_only = (
            reference is not None
            and isinstance(type_, ctypes.Scalar)
            and ctypes.is_const(reference.get_canonical().get_pointee())
        )
        by_place = is_choice(given) and not value_only
        x = self.located(given) if by_place else self.expression(given)
        if isinstance(x, Function):
            return x
        if not is_lvalue(x):
            value = cast(Value, x)
            if isinstance(value, ir.Expr):
                value = self.spill(value, "ref", self.loc(given))
                if not isinstance(value, ir.Const | ir.ParamRef | ir.Special):
                    return self.materialised(value, given)
                return Temporary(ctypes.Scalar(value.type), value)
            return self.materialised(value, given)
        return self.pinned(cast(Place, x))

    def pinned(self, place: Place) -> Place:
        """A place whose address is computed here, so that later changes do not move it."""
        if isinstance(place, Memory):
            pointer = place.pointer
            if any(isinstance(x, (ir.Local, ir.Load)) for x in ir.walk(pointer.index)) or (
                pointer.tag is not None
            ):
                return Memory(place.type, self.kept_pointer(pointer))
        return place

    def copied(
        self, key: Key, type_: ctypes.CType, stem: str, x: Place | Value, c: Cursor
    ) -> Binding:
        """A new object with the value of ``x``; a constant stays itself until it is assigned to."""
        if isinstance(x, Closure):
            return self.closure_copy(x, key, c)
        if isinstance(type_, ctypes.Pointer):
            value = self.decayed(x)
            if isinstance(value, Function) and not self.is_mutable(key):
                return Constant(type_, value, key)
            value = self.as_pointer(value)
            if isinstance(value, ir.Const):
                value = self.null(type_.pointee)
            if isinstance(value, Pointer):
                value = self.retyped(value, type_.pointee)
                settled = isinstance(value.index, ir.Const) and value.tag is None
                if settled and not self.is_mutable(key):
                    return Constant(type_, value, key)
            place = self.declare(key, type_, stem)
            self.assign(place, value, self.loc(c))
            return place
        if isinstance(type_, ctypes.Scalar):
            value = self.decayed(x)
            if isinstance(value, ir.Expr):
                value = self.cast(value, type_.dtype)
                settled = all(
                    isinstance(e, (ir.Const, ir.ParamRef, ir.Special, ir.Cast))
                    for e in ir.walk(value)
                )
                if settled and not self.is_mutable(key):
                    return Constant(type_, value, key)
            place = self.declare(key, type_, stem)
            self.assign(place, value, self.loc(c))
            return place
        place = self.declare(key, type_, stem)
        whole = isinstance(x, Object | Memory | Bits) or not is_lvalue(x)
        self.assign(place, cast(Value, x) if whole else self.load(cast(Place, x)), self.loc(c))
        return place

    def writable_temporary(self, x: Place | Value, c: Cursor) -> Place:
        if isinstance(x, Constant):
            self.make_mutable(x.key)
            raise self.again
        return super().writable_temporary(x, c)

    def addressable(self, x: Place | Value, c: Cursor) -> Place:
        if isinstance(x, Constant):
            self.make_mutable(x.key)
            raise self.again
        return super().addressable(x, c)

    # ------------------------------------------------------------ for lambdas.py, statements.py

    callers: list[Frame]
    again: Exception

    def statement(self, c: Cursor) -> None:
        raise NotImplementedError

    def closure_copy(self, closure: Closure, key: Key, c: Cursor) -> Closure:
        raise NotImplementedError

    def is_static(self, c: Cursor) -> bool:
        raise NotImplementedError


class Constant(Temporary):
    """A parameter or variable that stands for its value until something assigns to it."""

    __slots__ = ("key",)

    def __init__(self, type_: ctypes.CType, value: Value, key: Key) -> None:
        super().__init__(type_, value)
        self.key = key
