"""Initialisers: first values of objects, braced lists among them."""

from __future__ import annotations

from collections.abc import Sequence

from accelerx.compiler.frontends.cuda_cpp import types as ctypes
from accelerx.compiler.frontends.cuda_cpp.clang import (
    Cursor,
    children,
    evaluate,
    expressions,
    is_expression,
    kind,
    members,
)
from accelerx.compiler.frontends.cuda_cpp.constructors import Constructors
from accelerx.compiler.frontends.cuda_cpp.functions import (
    defined,
    designated,
    designations,
    initialiser_of,
    is_closure,
    is_implicit,
    is_trivial,
    is_value_init,
    is_whole,
)
from accelerx.compiler.frontends.cuda_cpp.memory import type_of, zero_of
from accelerx.compiler.frontends.cuda_cpp.state import Key
from accelerx.compiler.frontends.cuda_cpp.values import (
    Closure,
    Function,
    Memory,
    Object,
    Place,
    Value,
    const,
)
from accelerx.dtypes import int32


class Initialisers(Constructors):
    """How an object gets its first value."""

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


def iter_of(cursors: Sequence[Cursor]) -> Rest:
    return Rest([x for x in cursors if is_expression(x)])
