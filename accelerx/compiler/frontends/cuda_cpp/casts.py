"""Conversions: of numbers, pointers, references and records."""

from __future__ import annotations

from typing import cast

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
)
from accelerx.compiler.frontends.cuda_cpp.evaluation import Evaluation
from accelerx.compiler.frontends.cuda_cpp.memory import scalar, type_of
from accelerx.compiler.frontends.cuda_cpp.operands import (
    base_path,
    cast_kinds,
    is_lvalue,
)
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
    Temporary,
    Value,
    Variable,
    const,
)
from accelerx.compiler.passes.fold import fold_root as fold
from accelerx.dtypes import DType, int64, uint64


class Casts(Evaluation):
    """Casts, written or implied."""

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
        casts = cast_kinds()
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
