"""Constructors and destructors: what runs when an object begins and ends."""

from __future__ import annotations

from typing import cast

from accelerx.compiler import ir
from accelerx.compiler.frontends.cuda_cpp import types as ctypes
from accelerx.compiler.frontends.cuda_cpp.clang import (
    Cursor,
    children,
    hides,
    is_expression,
    kind,
    members,
)
from accelerx.compiler.frontends.cuda_cpp.functions import (
    body_of,
    default_of,
    defined,
    destructor_of,
    initialiser_of,
    is_closure,
    is_implicit,
    is_trivial,
    plain,
    plain_name,
    structured,
)
from accelerx.compiler.frontends.cuda_cpp.inlining import Inlining
from accelerx.compiler.frontends.cuda_cpp.memory import type_of
from accelerx.compiler.frontends.cuda_cpp.state import Key
from accelerx.compiler.frontends.cuda_cpp.values import (
    Place,
    Value,
    const,
)
from accelerx.dtypes import int32


class Constructors(Inlining):
    """Objects of class types."""

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

    # --------------------------------------------------------------------- for initialisers.py

    def initialise(self, place: Place, c: Cursor, extra: Key = ()) -> None:
        raise NotImplementedError

    def bind_member(self, place: Place, part: ctypes.Field, value: Cursor) -> None:
        raise NotImplementedError

    def _has_defaults(self, type_: ctypes.CType) -> bool:
        raise NotImplementedError
