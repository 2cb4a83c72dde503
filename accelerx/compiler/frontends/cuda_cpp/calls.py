"""Calls, which are inlined; constructors, initialisers and lambdas."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from accelerx.compiler import ir
from accelerx.compiler.diagnostics import render
from accelerx.compiler.frontends.cuda_cpp import types as ctypes
from accelerx.compiler.frontends.cuda_cpp.builtins import BUILTINS
from accelerx.compiler.frontends.cuda_cpp.clang import (
    ClangType,
    Cursor,
    children,
    evaluate,
    expressions,
    hides,
    is_expression,
    kind,
    members,
)
from accelerx.compiler.frontends.cuda_cpp.expressions import (
    Expressions,
    is_choice,
    is_lvalue,
    points_to_functions,
)
from accelerx.compiler.frontends.cuda_cpp.memory import type_of, zero_of
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
    Root,
    Temporary,
    Value,
    Variable,
    const,
)
from accelerx.dtypes import int32
from accelerx.errors import UnsupportedKernelError

MAX_DEPTH = 200
MAX_RECURSION = 8
MAX_CALLS = 20_000
MAX_BRANCHES = 16  # in each other, that early returns become
_SAME = frozenset({"move", "forward", "as_const", "move_if_noexcept"})  # clang knows them itself


class RecursiveError(UnsupportedKernelError):
    """A function calls itself."""


class Calls(Expressions):
    """The part of the lifter that calls functions and makes objects."""

    # ------------------------------------------------------------------------------------ calls

    def _call(self, c: Cursor) -> Place | Value:
        target = c.referenced
        if target is None:
            return self._indirect(c)
        number = target._kind_id
        if number == kind("CONSTRUCTOR"):
            return self._constructed(c, target)
        if number not in _CALLABLE():
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

    # --------------------------------------------------------------------------------- inlining

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

    # ------------------------------------------------------------------------------ constructors

    def _constructed(self, c: Cursor, constructor: Cursor) -> Place | Value:
        """A constructor's call: a new object, or, for a copy, the object copied."""
        type_ = self.type(c)
        arguments = list(c.get_arguments())
        if isinstance(type_, ctypes.Record) and is_closure(type_):
            return self.expression(arguments[0])
        copies = constructor.is_copy_constructor() or constructor.is_move_constructor()
        definition = defined(constructor) or constructor
        if copies and is_implicit(definition) and arguments:
            return self.expression(arguments[0])
        if isinstance(type_, ctypes.Array):
            return self._constructed_array(c, type_)
        assert isinstance(type_, ctypes.Record)
        if self.has_destructor(type_):
            raise self.unsupported(
                c, f"a temporary of '{type_}', which has a destructor", "give the object a name"
            )
        place = self.declare(
            (*self.frame.chain, c.hash, "object"), type_, plain(constructor.spelling)
        )
        self.construct(place, c, constructor, arguments)
        return place

    def _constructed_array(self, c: Cursor, type_: ctypes.Array) -> Place:
        return self.declare((*self.frame.chain, c.hash, "object"), type_, "array")

    def construct(
        self, place: Place, c: Cursor, constructor: Cursor, arguments: list[Cursor]
    ) -> None:
        """Runs a constructor on an object: bases, members, body."""
        definition = defined(constructor) or constructor
        record = type_of(place)
        assert isinstance(record, ctypes.Record)
        copies = constructor.is_copy_constructor() or constructor.is_move_constructor()
        if copies and is_implicit(definition):
            self.assign(place, self.value(arguments[0]), self.loc(c))
            return
        if plain_name(constructor) != plain_name(constructor.semantic_parent):
            self._construct_inherited(place, record, c, constructor, arguments)
            return
        self._check_depth(c, definition)
        chain = (*self.frame.chain, c.hash, "construct")
        parameters = list(definition.get_arguments())
        passed = self._passed(c, parameters, arguments, chain)
        bindings = {p.hash: b for p, b in zip(parameters, passed, strict=True)}
        frame = self._frame(c, definition, chain, bindings)
        frame.this = place
        frame.label = self.label("return")
        saved, self.frame = self.frame, frame
        self.callers.append(frame)
        try:
            with self.collected() as statements:
                self._initialise_parts(place, record, definition, c)
                body = body_of(definition)
                if body is not None:
                    self.statement(body)
        finally:
            self.frame = saved
            self.callers.pop()
        statements, leaves = structured(statements, frame.label)
        self.out += [ir.Scope(frame.label, statements, frame.parent)] if leaves else statements

    def _construct_inherited(
        self,
        place: Place,
        record: ctypes.Record,
        c: Cursor,
        constructor: Cursor,
        arguments: list[Cursor],
    ) -> None:
        """Runs a base's constructor that ``using Base::Base`` brought into a record."""
        found = [self._like(part, constructor) for part in record.fields]
        if all(own is None for own in found):
            raise self.unsupported(
                c, f"the constructor of '{record}' that was inherited is not found"
            )
        for part, own in zip(record.fields, found, strict=True):
            if own is not None:
                self.construct(self.member(place, part.name), c, own, arguments)
            else:
                self._default_part(place, record, part, c)

    def _like(self, part: ctypes.Field, constructor: Cursor) -> Cursor | None:
        """The constructor of a base that a record's constructor was inherited from."""
        if not part.name.startswith("<base>") or not isinstance(part.type, ctypes.Record):
            return None
        wanted = [p.type.spelling for p in constructor.get_arguments()]
        for x in members(part.type.cursor):
            is_one = x._kind_id == kind("CONSTRUCTOR") and plain_name(x) == plain_name(constructor)
            if is_one and [p.type.spelling for p in x.get_arguments()] == wanted:
                return x
        return None

    def _initialise_parts(
        self, place: Place, record: ctypes.Record, constructor: Cursor, c: Cursor
    ) -> None:
        """Member initialisers, default member initialisers, default construction of the rest."""
        given: dict[str, Cursor] = {}
        name = ""
        for child in children(constructor):
            number = child._kind_id
            if number == kind("MEMBER_REF"):
                name = child.spelling
            elif number == kind("TYPE_REF"):
                base = self._base_called(record, child)
                name = base or name
            elif name and is_expression(child):
                given[name] = child
                name = ""
        if self._delegates(record, given, place, constructor):
            return
        for part in record.fields:
            value = given.get(part.name)
            if value is not None and isinstance(part.type, ctypes.Reference):
                self.bind_member(place, part, value)
            elif value is not None:
                self.initialise(self.member(place, part.name), value, (part.name,))
            elif not record.is_union:
                self._default_part(place, record, part, c)

    def _base_called(self, record: ctypes.Record, reference: Cursor) -> str | None:
        target = self._type_or_none(reference)
        if not isinstance(target, ctypes.Record):
            return None
        if target.name == record.name:
            return "<self>"
        return next(
            (b.name for b in record.bases if cast(ctypes.Record, b.type).name == target.name), None
        )

    def _delegates(
        self, record: ctypes.Record, given: dict[str, Cursor], place: Place, constructor: Cursor
    ) -> bool:
        value = given.get("<self>")
        if value is None:
            return False
        self.initialise(place, value, ("<self>",))
        return True

    def _default_part(
        self, place: Place, record: ctypes.Record, part: ctypes.Field, c: Cursor
    ) -> None:
        """A member without an initialiser: its default one, or its default constructor."""
        declared = next((x for x in members(record.cursor) if x.spelling == part.name), None)
        value = None if declared is None else initialiser_of(declared)
        if value is not None:
            self.initialise(self.member(place, part.name), value, (part.name,))
            return
        self._default_construct_any(self.member(place, part.name), part.type, c)

    def _default_construct_any(self, place: Place, type_: ctypes.CType, c: Cursor) -> None:
        if isinstance(type_, ctypes.Record):
            self.default_construct(place, type_, c)
        elif isinstance(type_, ctypes.Array) and self._has_constructor(type_.element):
            for i in range(type_.count):
                element = self.element(place, const(i, int32))
                self._default_construct_any(element, type_.element, c)

    def _has_constructor(self, type_: ctypes.CType) -> bool:
        """Whether default construction of a type does anything."""
        if isinstance(type_, ctypes.Array):
            return self._has_constructor(type_.element)
        if not isinstance(type_, ctypes.Record):
            return False
        own = hides(type_.cursor, "CONSTRUCTOR") or any(
            x._kind_id == kind("CONSTRUCTOR") and not is_trivial(x) for x in members(type_.cursor)
        )
        return own or self._has_defaults(type_)

    def default_construct(self, place: Place, record: ctypes.Record, c: Cursor) -> None:
        """Runs the default constructor of a member or base that has one of interest."""
        if hides(record.cursor, "CONSTRUCTOR"):
            raise self.unsupported(
                c, f"the default constructor of '{record}' needs libclang 20 or newer"
            )
        own = [x for x in members(record.cursor) if x._kind_id == kind("CONSTRUCTOR")]
        for constructor in own:
            if all(default_of(p) is not None for p in constructor.get_arguments()):
                self.construct(place, c, constructor, [])
                return
        for part in record.fields:
            if not record.is_union:
                self._default_part(place, record, part, c)

    # ------------------------------------------------------------------------------ destructors

    def has_destructor(self, type_: ctypes.CType) -> bool:
        """Whether objects of a type run code of the program's own when they end."""
        match type_:
            case ctypes.Array():
                return self.has_destructor(type_.element)
            case ctypes.Record() if not is_closure(type_):
                return destructor_of(type_) is not None or any(
                    self.has_destructor(part.type) for part in type_.fields
                )
            case _:
                return False

    def destroy(self, place: Place, type_: ctypes.CType, c: Cursor) -> None:
        """Runs an object's destructor, then those of its members and bases."""
        if isinstance(type_, ctypes.Array):
            for i in reversed(range(type_.count)):
                self.destroy(self.element(place, const(i, int32)), type_.element, c)
            return
        if not isinstance(type_, ctypes.Record):
            return
        record = type_
        function = destructor_of(record)
        if function is not None:
            chain = (*self.frame.chain, c.hash, function.hash, len(self.out))
            frame = self._frame(c, function, chain, {})
            frame.this = place
            self._run(c, frame, function)
        for part in reversed(record.fields):
            if self.has_destructor(part.type):
                self.destroy(self.member(place, part.name), part.type, c)

    # ----------------------------------------------------------------------------- initialisers

    def initialise(self, place: Place, c: Cursor, extra: Key = ()) -> None:
        """Gives a new object its first value."""
        number = c._kind_id
        type_ = None if isinstance(place, Closure) else type_of(place)
        while number in (kind("UNEXPOSED_EXPR"), kind("CXX_FUNCTIONAL_CAST_EXPR")):
            inner = expressions(c)
            same = self._type_or_none(inner[0]) if len(inner) == 1 else None
            if same is None or type_ is None or not ctypes.same(same, type_):
                break
            if isinstance(type_, ctypes.Scalar | ctypes.Pointer):
                break
            c = inner[0]
            number = c._kind_id
        if number == kind("INIT_LIST_EXPR"):
            self.fill(place, c)
            return
        if number == kind("UNEXPOSED_EXPR") and not children(c) and evaluate(c) is None:
            self.zero(place, None)  # a member initialised with ()
            return
        if number == kind("CALL_EXPR") and isinstance(type_, (ctypes.Record, ctypes.Array)):
            target = c.referenced
            if target is not None and target._kind_id == kind("CONSTRUCTOR"):
                self._construct_in_place(place, type_, c, target)
                return
        if number == kind("STRING_LITERAL") and isinstance(type_, ctypes.Array):
            self._fill_text(place, type_, c)
            return
        if isinstance(type_, (ctypes.Record, ctypes.Array)):
            value: Value = self.value(c)
        else:
            value = self.decayed(self.expression(c))
        self.assign(place, self.as_type_of(place, value), self.loc(c))

    def _construct_in_place(
        self, place: Place, type_: ctypes.CType, c: Cursor, constructor: Cursor
    ) -> None:
        arguments = list(c.get_arguments())
        if isinstance(type_, ctypes.Array):
            self._construct_elements(place, type_, c, constructor)
            return
        copies = constructor.is_copy_constructor() or constructor.is_move_constructor()
        if copies and is_implicit(defined(constructor) or constructor) and arguments:
            if arguments[0]._kind_id in (kind("CALL_EXPR"), kind("UNEXPOSED_EXPR")):
                self.initialise(place, arguments[0])
            else:
                self.assign(place, self.value(arguments[0]), self.loc(c))
            return
        if is_trivial(constructor):
            if c.extent.end.offset > c.extent.start.offset and is_value_init(c):
                self.zero(place, self.loc(c))
            assert isinstance(type_, ctypes.Record)
            for part in type_.fields:
                if not type_.is_union:
                    self._default_part(place, type_, part, c)
            return
        self.construct(place, c, constructor, arguments)

    def _construct_elements(
        self, place: Place, type_: ctypes.Array, c: Cursor, constructor: Cursor
    ) -> None:
        if self.is_shared(place):
            return
        if is_trivial(constructor):
            self._default_construct_any(place, type_, c)
            return
        for i in range(type_.count):
            element = self.element(place, const(i, int32))
            if isinstance(type_.element, ctypes.Array):
                self._construct_elements(element, type_.element, c, constructor)
            else:
                self.construct(element, c, constructor, [])

    def is_shared(self, place: Place) -> bool:
        return isinstance(place, Memory) and any(
            getattr(t, "space", "") == "shared" for t in place.pointer.targets
        )

    def _has_defaults(self, type_: ctypes.CType) -> bool:
        if isinstance(type_, ctypes.Array):
            return self._has_defaults(type_.element)
        if not isinstance(type_, ctypes.Record):
            return False
        return any(
            initialiser_of(x) is not None
            for x in members(type_.cursor)
            if x._kind_id == kind("FIELD_DECL")
        ) or any(self._has_defaults(part.type) for part in type_.fields)

    def _fill_text(self, place: Place, type_: ctypes.Array, c: Cursor) -> None:
        data = self.string(c).encode() + b"\0" * type_.count
        assert isinstance(type_.element, ctypes.Scalar)
        for i in range(type_.count):
            value = self.constant_of(data[i], type_.element.dtype, c)
            self.assign(self.element(place, const(i, int32)), value, self.loc(c))

    def fill(self, place: Place, c: Cursor) -> None:
        """Initialises an object from a braced list; what the list leaves out is zero."""
        if any(designated(x) is not None for x in children(c)):
            self._fill_designated(place, c)
            return
        rest = iter_of(children(c))
        self._fill_from(place, rest, c, top=True)

    def _fill_designated(self, place: Place, c: Cursor) -> None:
        """``{.x = 1, .z = 2}``, ``{[3] = 4, 5}``: what is named, and what follows it."""
        type_ = type_of(place)
        self.zero(place, self.loc(c))
        items = list(designations(type_, [x for x in children(c) if is_expression(x)]))
        if any(path is None for path, _ in items):
            raise self.unsupported(c, "this designated initialiser", "write the values in order")
        if isinstance(type_, ctypes.Record) and not type_.is_union:
            named = {path[0] for path, _ in items if path}
            for part in type_.fields:
                if part.name not in named:
                    self._default_part(place, type_, part, c)
        for path, value in items:
            target = place
            for name in path or ():
                if isinstance(type_of(target), ctypes.Array):
                    target = self.element(target, const(int(name), int32))
                else:
                    target = self.found_member(target, None, name, c)
            self.initialise(target, value)

    def _fill_from(self, place: Place, rest: Rest, c: Cursor, *, top: bool) -> None:
        type_ = type_of(place)
        loc = self.loc(c)
        if isinstance(type_, ctypes.Record):
            self._fill_record(place, type_, rest, c)
        elif isinstance(type_, ctypes.Array):
            for i in range(type_.count):
                if not rest.more:
                    self._fill_rest(place, type_, i, c)
                    return
                self._fill_one(self.element(place, const(i, int32)), type_.element, rest, c)
        elif rest.more:
            self.initialise(place, rest.take())
        else:
            self.zero(place, loc)

    def _fill_rest(self, place: Place, type_: ctypes.Array, start: int, c: Cursor) -> None:
        """The elements that a braced list leaves out: zero, or what their constructor makes them."""
        self.zero_rest(place, type_, start, self.loc(c))
        if self._has_constructor(type_.element):
            for i in range(start, type_.count):
                self._default_construct_any(self.element(place, const(i, int32)), type_.element, c)

    def _fill_record(self, place: Place, type_: ctypes.Record, rest: Rest, c: Cursor) -> None:
        parts = type_.fields[:1] if type_.is_union else type_.fields
        if rest.more and is_whole(self._type_or_none(rest.peek()), type_):
            self.initialise(place, rest.take())
            return
        for part in parts:
            if rest.more:
                if isinstance(part.type, ctypes.Record) and not part.type.fields:
                    if is_whole(self._type_or_none(rest.peek()), part.type):
                        rest.take()
                    continue
                if isinstance(part.type, ctypes.Reference):
                    self.bind_member(place, part, rest.take())
                    continue
                self._fill_one(self.member(place, part.name), part.type, rest, c)
            else:
                self.zero(self.member(place, part.name), self.loc(c))
                self._default_part(place, type_, part, c)

    def bind_member(self, place: Place, part: ctypes.Field, value: Cursor) -> None:
        """Binds a member that is a reference."""
        assert isinstance(part.type, ctypes.Reference)
        if not isinstance(place, Object):
            raise self.unsupported(value, "a reference is kept in memory")
        bound = self.bound(value, part.type.referee)
        if isinstance(bound, Function):
            raise self.unsupported(value, "a reference to a function is kept in an object")
        place.parts[part.name] = bound

    def _fill_one(self, place: Place, type_: ctypes.CType, rest: Rest, c: Cursor) -> None:
        """One element: a braced list or a value of its own, or, braces left out, the next ones."""
        first = rest.peek()
        aggregate = isinstance(type_, (ctypes.Record, ctypes.Array))
        if (
            not aggregate
            or first._kind_id == kind("INIT_LIST_EXPR")
            or is_whole(self._type_or_none(first), type_)
            or first._kind_id == kind("STRING_LITERAL")
        ):
            self.initialise(place, rest.take())
        elif isinstance(type_, ctypes.Record) and is_closure(type_):
            rest.take()
        else:
            self._fill_from(place, rest, c, top=False)

    def _init_list(self, c: Cursor) -> Place | Value:
        type_ = self.type(c)
        if isinstance(type_, (ctypes.Scalar, ctypes.Pointer)):
            inner = children(c)
            if inner:
                return self.expression(inner[0])
            if isinstance(type_, ctypes.Pointer):
                return self.null(type_.pointee)
            dtype = type_.dtype
            return zero_of(dtype)
        place = self.declare((*self.frame.chain, c.hash, "list"), type_, "list")
        self.fill(place, c)
        return place

    def _new(self, c: Cursor) -> Place | Value:
        """Placement new: an object made where a pointer points."""
        texts = [token.spelling for token in c.get_tokens()]
        type_ = self.type(c)
        given = expressions(c)
        assert isinstance(type_, ctypes.Pointer)
        if texts[texts.index("new") + 1 :][:1] != ["("] or not given:
            raise self.unsupported(
                c,
                "allocations in kernels run on CUDA devices only",
                "pass an array, or use a local or shared one",
            )
        pointer = self.retyped(self.pointer(given[0]), type_.pointee)
        if len(given) > 1:
            self.initialise(self.followed(pointer, type_.pointee, c), given[-1])
        return pointer

    # ---------------------------------------------------------------------------------- lambdas

    def _lambda(self, c: Cursor) -> Place | Value:
        """A lambda's captures: the variables themselves, or copies of them."""
        captures = Captures.of(self.unit.written(c))
        bindings = dict(self.frame.bindings)
        copies: dict[int, str] = {}
        for target in self._captured_variables(c, captures):
            known = bindings.get(target.hash)
            if known is None:
                value = initialiser_of(target)  # a capture with an initialiser of its own
                if value is not None:
                    bindings[target.hash] = self._init_captured(c, target, value)
                    copies[target.hash] = target.spelling
            elif captures.copies(target.spelling) and not self.is_static(target):
                key = (*self.frame.chain, c.hash, "capture", target.hash)
                bindings[target.hash] = self.duplicate(known, key, target.spelling, c)
                copies[target.hash] = target.spelling
        this = self.frame.this
        if captures.copies_object and this is not None:
            copy = self.duplicate(this, (*self.frame.chain, c.hash, "object"), "object", c)
            assert not isinstance(copy, Function)
            this = copy
        return Closure(c, bindings, this, copies if captures.is_mutable else {})

    def _captured_variables(self, c: Cursor, captures: Captures) -> list[Cursor]:
        """The variables that a lambda names as captures, or that ``[=]`` makes it capture."""
        found: dict[int, Cursor] = {}
        for child in children(c):
            if child._kind_id in (kind("VARIABLE_REF"), kind("DECL_REF_EXPR")):
                target = child.referenced
                if target is not None and target._kind_id in (kind("VAR_DECL"), kind("PARM_DECL")):
                    found[target.hash] = target
        waiting = children(c) if captures.default == "=" else []
        while waiting:
            x, *waiting = waiting
            target = x.referenced if x._kind_id == kind("DECL_REF_EXPR") else None
            if target is not None and target.hash in self.frame.bindings:
                found[target.hash] = target
            waiting = [*children(x), *waiting]
        return list(found.values())

    def _init_captured(self, c: Cursor, variable: Cursor, value: Cursor) -> Binding:
        type_ = self.type(variable)
        if isinstance(type_, ctypes.Reference):
            return self.bound(value, type_.referee)
        key = (*self.frame.chain, c.hash, variable.hash)
        return self.copied(key, type_, variable.spelling, self.expression(value), value)

    def duplicate(self, binding: Binding, key: Key, stem: str, c: Cursor) -> Binding:
        """A copy of an object; what cannot change stays itself."""
        if isinstance(binding, Closure):
            return self.closure_copy(binding, key, c)
        if isinstance(binding, (Function, Temporary)):
            return binding
        if isinstance(binding, Memory) and all(
            isinstance(t, Root) and t.space == "const" for t in binding.pointer.targets
        ):
            return binding
        return self.copied(key, type_of(binding), stem, binding, c)

    def closure_copy(self, closure: Closure, key: Key, c: Cursor) -> Closure:
        """A copy of a lambda: what it changes is then its own."""
        if not closure.changing:
            return closure
        bindings = dict(closure.bindings)
        for number, stem in closure.changing.items():
            bindings[number] = self.duplicate(bindings[number], (*key, number), stem, c)
        return Closure(closure.cursor, bindings, closure.this, closure.changing)

    def _lambda_call(
        self, c: Cursor, closure: Closure, target: Cursor, arguments: list[Cursor]
    ) -> Place | Value:
        definition = defined(target)
        function = target if definition is None else definition
        return self._lambda_body(c, closure, function, list(function.get_arguments()), arguments)

    def _lambda_body(
        self,
        c: Cursor,
        closure: Closure,
        function: Cursor,
        parameters: list[Cursor],
        arguments: list[Cursor],
    ) -> Place | Value:
        """A lambda's body; ``function`` is its call operator, or the lambda itself."""
        self._check_depth(c, function)
        chain = (*self.frame.chain, c.hash)
        passed = self._passed(c, parameters, arguments, chain)
        bindings = dict(closure.bindings)
        written = [x for x in children(closure.cursor) if x._kind_id == kind("PARM_DECL")]
        for i, (parameter, binding) in enumerate(zip(parameters, passed, strict=True)):
            bindings[parameter.hash] = binding
            if i < len(written):
                bindings[written[i].hash] = binding
        frame = self._frame(c, function, chain, bindings)
        frame.this = closure.this
        frame.name = "a lambda"
        return self._run(c, frame, function, body_of(function) or body_of(closure.cursor))

    # ------------------------------------------------------------------------ for statements.py

    callers: list[Frame]
    again: Exception

    def statement(self, c: Cursor) -> None:
        raise NotImplementedError

    def is_static(self, c: Cursor) -> bool:
        raise NotImplementedError


class Constant(Temporary):
    """A parameter or variable that stands for its value until something assigns to it."""

    __slots__ = ("key",)

    def __init__(self, type_: ctypes.CType, value: Value, key: Key) -> None:
        super().__init__(type_, value)
        self.key = key


@dataclass(frozen=True, slots=True)
class Captures:
    """What stands before a lambda's body.

    Attributes:
        default: ``"&"``, ``"="`` or nothing.
        by_reference, by_copy: Names.
        copies_object: Whether ``*this`` is captured.
        is_mutable: Whether it changes its copies.
    """

    default: str
    by_reference: frozenset[str]
    by_copy: frozenset[str]
    copies_object: bool
    is_mutable: bool

    @staticmethod
    def of(text: str) -> Captures:
        """Those of a text that begins with a lambda."""
        items, end = _bracketed(text)
        names = [re.match(r"\s*(&|\*)?\s*(?:\.\.\.)?\s*(\w+|=)?", item) for item in items]
        found = [(m[1] or "", m[2] or "") for m in names if m is not None]
        default = "&" if ("&", "") in found else "=" if ("", "=") in found else ""
        head = text[end:].partition("{")[0]
        return Captures(
            default,
            frozenset(name for sign, name in found if sign == "&" and name),
            frozenset(name for sign, name in found if not sign),
            ("*", "this") in found,
            re.search(r"\bmutable\b", head) is not None,
        )

    def copies(self, name: str) -> bool:
        """Whether a variable is captured by copy."""
        return name not in self.by_reference and (self.default != "&" or name in self.by_copy)


def _bracketed(text: str) -> tuple[list[str], int]:
    """The items between the brackets that a text begins with, and where those end."""
    items, depth = [""], 0
    for i, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if depth == 0:
            return items, i + 1
        if character == "," and depth == 1:
            items.append("")
        elif depth > 1 or character != "[":
            items[-1] += character
    return items, len(text)


class Rest:
    """The initialisers of a braced list that are not yet used."""

    def __init__(self, cursors: Sequence[Cursor]) -> None:
        self.cursors = list(cursors)
        self.at = 0

    @property
    def more(self) -> bool:
        return self.at < len(self.cursors)

    def peek(self) -> Cursor:
        return self.cursors[self.at]

    def take(self) -> Cursor:
        self.at += 1
        return self.cursors[self.at - 1]


# -------------------------------------------------------------------------------------- helpers


def iter_of(cursors: Sequence[Cursor]) -> Rest:
    return Rest([x for x in cursors if is_expression(x)])


def structured(body: list[ir.Stmt], label: str) -> tuple[list[ir.Stmt], bool]:
    """``body`` with exits at the ends of its paths turned into branches; whether others are left."""
    out = _structured(body, label)
    left = any(isinstance(s, ir.Exit) and s.label == label for s in ir.statements(out))
    return out, left


def _structured(body: Sequence[ir.Stmt], label: str, depth: int = 0) -> list[ir.Stmt]:
    """The same for a list ``depth`` branches deep; exits that would nest too deep stay."""
    out: list[ir.Stmt] = []
    if depth > MAX_BRANCHES:
        return list(body)

    def inner(part: Sequence[ir.Stmt]) -> list[ir.Stmt]:
        return _structured(part, label, depth + 1)

    for i, s in enumerate(body):
        rest = body[i + 1 :]
        if isinstance(s, ir.Exit) and s.label == label:
            return out
        if isinstance(s, ir.If):
            if _ends(s.then, label):
                return [*out, ir.If(s.condition, inner(s.then), inner([*s.orelse, *rest]), s.loc)]
            if _ends(s.orelse, label):
                return [*out, ir.If(s.condition, inner([*s.then, *rest]), inner(s.orelse), s.loc)]
            if not rest:
                return [*out, ir.If(s.condition, inner(s.then), inner(s.orelse), s.loc)]
        out.append(s)
    return out


def _ends(body: Sequence[ir.Stmt], label: str) -> bool:
    """Whether every path through ``body`` leaves by the label."""
    if not body:
        return False
    last = body[-1]
    if isinstance(last, ir.Exit):
        return last.label == label
    return isinstance(last, ir.If) and _ends(last.then, label) and _ends(last.orelse, label)


def defined(cursor: Cursor) -> Cursor | None:
    """The definition of a function, if the text has it."""
    if body_of(cursor) is not None:
        return cursor
    definition = cursor.get_definition()
    return definition if definition is not None and body_of(definition) is not None else None


def body_of(function: Cursor) -> Cursor | None:
    wanted = kind("COMPOUND_STMT")
    return next((x for x in children(function) if x._kind_id == wanted), None)


def has_no_body(function: Cursor) -> bool:
    return body_of(function) is None


def is_callee(c: Cursor) -> bool:
    """Whether a call's first child names the member function, and not an object called like one."""
    target = c.referenced if c._kind_id == kind("MEMBER_REF_EXPR") else None
    return target is not None and target._kind_id != kind("FIELD_DECL")


def is_implicit(function: Cursor) -> bool:
    """Whether a member function is the compiler's own, declared or defaulted."""
    if has_no_body(function) or function.is_default_method():
        return True
    return bool(function.location == function.semantic_parent.location)


def designated(c: Cursor) -> tuple[list[Cursor], Cursor] | None:
    """The designators and the value of ``.x = 1`` in a braced list; None if it is another item."""
    if c._kind_id != kind("UNEXPOSED_EXPR") or c.type.kind.name != "VOID":
        return None
    *names, value = children(c) or [None]
    return (names, value) if names else None


def designations(
    type_: ctypes.CType, items: Sequence[Cursor]
) -> Iterator[tuple[tuple[str, ...] | None, Cursor]]:
    """Each item of a braced list with the path to the part that it sets; None if it is unknown."""
    if isinstance(type_, ctypes.Array):
        names = [str(i) for i in range(type_.count)]
    else:
        names = [part.name for part in type_.fields] if isinstance(type_, ctypes.Record) else []
    at = 0
    for item in items:
        found = designated(item)
        if found is None:
            yield (names[at],) if at < len(names) else None, item
        else:
            path = tuple(
                x.spelling if x._kind_id == kind("MEMBER_REF") else str(evaluate(x))
                for x in found[0]
            )
            if path[0] not in names or any(t.spelling == "..." for t in item.get_tokens()):
                yield None, item
                return
            at = names.index(path[0])
            yield path, found[1]
        at += 1


def destructor_of(record: ctypes.Record) -> Cursor | None:
    """A destructor with a body of the program's own.

    Raises:
        UnknownTypeError: if there may be one that libclang does not show.
    """
    if hides(record.cursor, "DESTRUCTOR"):
        raise ctypes.UnknownTypeError(f"{record} (its destructor needs libclang 20 or newer)")
    for member in members(record.cursor):
        if member._kind_id == kind("DESTRUCTOR"):
            definition = defined(member)
            if definition is not None and not definition.is_default_method():
                return definition
    return None


def is_trivial(constructor: Cursor) -> bool:
    """Whether a constructor is the compiler's own."""
    return is_implicit(defined(constructor) or constructor)


def is_value_init(c: Cursor) -> bool:
    """Whether ``T()`` or ``T{}`` was written, which zeroes what has no constructor."""
    text = [token.spelling for token in c.get_tokens()]
    return bool(text) and text[-1] in (")", "}")


def is_closure(record: ctypes.Record) -> bool:
    return "(lambda at " in record.name and record.name.startswith("(lambda")


def is_whole(given: ctypes.CType | None, wanted: ctypes.CType) -> bool:
    """Whether an initialiser is an object of the wanted type, not of its first part's."""
    return given is not None and ctypes.same(given, wanted)


def is_default(c: Cursor) -> bool:
    """Whether a call's argument is the parameter's default, which libclang shows empty."""
    return bool(c._kind_id == kind("UNEXPOSED_EXPR") and not children(c) and evaluate(c) is None)


def default_of(parameter: Cursor) -> Cursor | None:
    """The default argument of a parameter."""
    return last_after_name(parameter)


def last_after_name(variable: Cursor) -> Cursor | None:
    """The last expression in a declaration, if it stands after the name.

    What stands before it belongs to the type: arguments of templates, the operand of ``decltype``.
    """
    found = expressions(variable)
    if not found or found[-1].extent.start.offset < variable.location.offset:
        return None
    return found[-1]


def initialiser_of(variable: Cursor) -> Cursor | None:
    """The initialiser of a variable or member; an array's extents are among its children too."""
    found = last_after_name(variable)
    if found is None or (is_array(variable) and not is_array(found)):
        return None
    return found


def is_array(cursor: Cursor) -> bool:
    return str(cursor.type.get_canonical().kind.name) in ("CONSTANTARRAY", "INCOMPLETEARRAY")


def is_const_type(cursor: Cursor) -> bool:
    """Whether an object, or each element of an array, is const."""
    clang = cursor.type
    return bool(clang.is_const_qualified()) or str(clang.spelling).startswith("const ")


def plain_name(cursor: Cursor) -> str:
    """A name without the arguments of a template."""
    return str(cursor.spelling).partition("<")[0]


def plain(name: str) -> str:
    """A function's name as the stem of a local's."""
    return name if name.isidentifier() else "operator"


def _CALLABLE() -> tuple[int, ...]:
    return tuple(
        map(kind, ("FUNCTION_DECL", "CXX_METHOD", "CONVERSION_FUNCTION", "FUNCTION_TEMPLATE"))
    )


__all__ = ["Calls", "Constant", "Variable", "structured"]
