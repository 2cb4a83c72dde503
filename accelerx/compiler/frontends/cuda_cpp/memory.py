"""Reading, writing and pointing at objects: in KIR locals, in KIR arrays, and as other types.

In an array, an object of any type is bytes with C's layout. A scalar is accessed through the root
Mem if that has its type, else through a view of it. In arrays of a thread's own, which have no views,
it is put together from, or split into, the array's cells. The same is done with objects in locals
that are read as another type (unions, ``*(int *)&x``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import cast

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.diagnostics import Loc
from accelerx.compiler.frontends.cuda_cpp import types as ctypes
from accelerx.compiler.frontends.cuda_cpp.state import BITS, Again, State, index_type
from accelerx.compiler.frontends.cuda_cpp.values import (
    Bits,
    Closure,
    Function,
    Memory,
    Object,
    Place,
    PlaceRoot,
    Pointer,
    PointerVariable,
    Root,
    Target,
    Temporary,
    Value,
    Variable,
    const,
)
from accelerx.compiler.passes.fold import fold_root as fold
from accelerx.dtypes import DType, bool_, int32

MAX_TARGETS = 100
MAX_SPLIT = 64  # elements of an array that is copied element by element


class MemoryAccess(State):
    """The part of the lifter that knows where objects live."""

    # ------------------------------------------------------------------------------ pointing

    def address_of(self, place: Place) -> Pointer:
        """A pointer to an object."""
        if isinstance(place, Memory):
            return Pointer(
                place.type, place.pointer.targets, place.pointer.index, place.pointer.tag
            )
        if isinstance(place, Bits):
            return Pointer(place.type, (self._root_of(place.place),), const(place.offset, int32))
        if isinstance(place, Closure):
            raise self.internal("the address of a lambda cannot be taken")
        return Pointer(place.type, (self._root_of(place),), const(0, int32))

    def _root_of(self, place: Place) -> PlaceRoot:
        return self.place_roots.setdefault(id(place), PlaceRoot(place))

    def reset(self) -> None:
        super().reset()
        if not hasattr(self, "place_roots"):
            self.place_roots: dict[int, PlaceRoot] = {}

    def null(self, pointee: ctypes.CType) -> Pointer:
        """The null pointer."""
        return Pointer(pointee, (None,), const(0, int32))

    def moved(self, pointer: Pointer, elements: ir.Expr) -> Pointer:
        """``pointer + elements``."""
        return self.moved_bytes(pointer, elements, pointer.pointee.size)

    def moved_bytes(self, pointer: Pointer, count: ir.Expr, size: int) -> Pointer:
        """A pointer moved by ``count`` times ``size`` bytes."""
        unit = self._unit(pointer, size)
        dtype = index_type(pointer.targets)
        scaled = self.index_scale(self.cast(count, dtype), size // unit)
        index = self.index_add(self.cast(pointer.index, dtype), scaled)
        return Pointer(pointer.pointee, pointer.targets, index, pointer.tag)

    def _unit(self, pointer: Pointer, size: int) -> int:
        """Bytes that the pointer's index counts, made fine enough for steps of ``size``."""
        roots = [t for t in pointer.targets if isinstance(t, Root)]
        if not roots:
            return 1
        unit = math.gcd(size, *(root.unit for root in roots))
        self.refine(roots, unit)
        return unit

    def refine(self, roots: Sequence[Root], unit: int) -> None:
        """Makes the indices of all ``roots`` count ``unit`` bytes; the pass is repeated if new."""
        coarse = [root for root in roots if root.unit != unit]
        for root in coarse:
            root.unit = unit
        if coarse:
            self.facts.indices.clear()  # they counted other units
            raise Again

    def retyped(self, pointer: Pointer, pointee: ctypes.CType) -> Pointer:
        """The same address as a pointer to another type."""
        return Pointer(pointee, pointer.targets, pointer.index, pointer.tag)

    def field(self, pointer: Pointer, part: ctypes.Field) -> Pointer:
        """A pointer to a member of the record that ``pointer`` points to."""
        moved = pointer
        if part.offset:
            moved = self.moved_bytes(pointer, const(1, int32), part.offset)
        return self.retyped(moved, part.type)

    def merged(self, condition: ir.Expr, a: Pointer, b: Pointer, loc: Loc | None = None) -> Pointer:
        """``condition ? a : b`` for pointers."""
        targets: list[Target] = list(a.targets)
        targets += [t for t in b.targets if t not in targets]
        self._agree(targets)
        dtype = index_type(targets)
        index: ir.Expr = ir.Select(
            condition, self.cast(a.index, dtype), self.cast(b.index, dtype), dtype, loc
        )
        tag: ir.Expr | None = None
        if len(targets) > 1:
            tags = [self._renumbered(p, targets) for p in (a, b)]
            tag = fold(ir.Select(condition, tags[0], tags[1], int32, loc))
        return Pointer(a.pointee, tuple(targets), fold(index), tag)

    def _agree(self, targets: Sequence[Target]) -> None:
        """Lets several targets share an index: one unit, and no objects in locals among them."""
        if sum(t is not None for t in targets) < 2:
            return
        for target in targets:
            if isinstance(target, PlaceRoot):
                self.make_resident(target.place)
        roots = [t for t in targets if isinstance(t, Root)]
        self.refine(roots, math.gcd(*(root.unit for root in roots)))

    def make_resident(self, place: Place) -> None:
        """Moves the variable that ``place`` is a part of into an array, in the next pass."""
        key = self.key_of(place)
        if key is None:
            raise self.internal(
                "a pointer into this object cannot be followed; give the object a name first"
            )
        kept = self.places.get(key)
        if kept is not None and has_pointers(kept):
            raise self.internal(
                "a pointer moves through an object that holds pointers, which kernels keep apart"
            )
        self.facts.resident.add(key)
        for targets in self.facts.targets.values():  # they will point into the array instead
            targets[:] = [
                t for t in targets if not (isinstance(t, PlaceRoot) and self.key_of(t.place) == key)
            ]
        self.places.pop(key, None)
        raise Again

    def key_of(self, place: Place) -> tuple[object, ...] | None:
        """The key of the variable that a place is, or is a part of."""
        if id(place) in self.inside:
            return self.inside[id(place)][2]
        return next((key for key, known in self.places.items() if known is place), None)

    def _renumbered(self, pointer: Pointer, targets: Sequence[Target]) -> ir.Expr:
        """The tag of a pointer among more targets."""
        numbers = [targets.index(t) for t in pointer.targets]
        if pointer.tag is None:
            return const(numbers[0], int32)
        if numbers == list(range(len(numbers))):
            return pointer.tag
        tag: ir.Expr = const(numbers[-1], int32)
        for old, new in list(enumerate(numbers))[:-1]:
            same = ir.Compare("eq", pointer.tag, const(old, int32))
            tag = ir.Select(same, const(new, int32), tag, int32)
        return tag

    # ---------------------------------------------------------------- pointers in variables

    def load_pointer(self, place: PointerVariable, loc: Loc | None = None) -> Pointer:
        """The value of a pointer variable."""
        targets = self.targets(place)
        pointee = place.type.pointee
        if not targets:
            return self.null(pointee)
        fixed = self.facts.indices.get(place.key, 0)
        dtype = index_type(targets)
        index = const(fixed, dtype) if fixed is not None else ir.Local(place.name, dtype, loc)
        tag = ir.Local(f"{place.name}.tag", int32, loc) if len(targets) > 1 else None
        return Pointer(pointee, tuple(targets), index, tag)

    def store_pointer(self, place: PointerVariable, value: Pointer, loc: Loc | None) -> None:
        """Assigns to a pointer variable; new targets become known to it."""
        targets = self.targets(place)
        new = [t for t in value.targets if t not in targets]
        if new:
            targets += new
            self.learnt = True
            if len(targets) > MAX_TARGETS:
                raise self.internal(f"a pointer that may point to more than {MAX_TARGETS} objects")
            self._agree(targets)
            self.declare_pointer(place)
        self._learn_index(place, value)
        tag = self._renumbered(value, targets) if len(targets) > 1 else None
        if self.facts.indices[place.key] is None:
            index = self.cast(value.index, self.locals[place.name])
            if tag is not None and disturbed(tag, place.name):
                tag = self.spill(tag, "tag", loc)
            self.emit(ir.Assign(place.name, index, loc))
        if tag is not None:
            self.emit(ir.Assign(f"{place.name}.tag", tag, loc))

    def _learn_index(self, place: PointerVariable, value: Pointer) -> None:
        """Notes whether a pointer variable always has the same index, as one that never moves."""
        indices = self.facts.indices
        if value.targets == (None,):
            indices.setdefault(place.key, 0)
            return
        new = int(value.index.value) if isinstance(value.index, ir.Const) else None
        if place.key not in indices:
            indices[place.key] = new
        elif indices[place.key] is not None and indices[place.key] != new:
            indices[place.key] = None
            self.learnt = True
        self.declare_pointer(place)

    # -------------------------------------------------------------------------- dereferencing

    def dereference(self, pointer: Pointer, type_: ctypes.CType) -> Place:
        """``*pointer``, read as ``type_``."""
        targets = [t for t in pointer.targets if t is not None]
        if not targets:
            return self.beyond_null(type_, self.loc(self.frame.function))
        if len(targets) == 1 and isinstance(targets[0], PlaceRoot):
            return self._inside_place(targets[0].place, pointer.index, type_)
        for target in targets:
            if isinstance(target, PlaceRoot):
                self.make_resident(target.place)
        return Memory(type_, pointer)

    def beyond_null(self, type_: ctypes.CType, loc: Loc) -> Place:
        """What a null pointer points to: the thread fails, if it ever comes here."""
        self.emit(
            ir.Assert(
                const(False, bool_), "a null pointer is followed (None or 0 was given)", (), loc=loc
            )
        )
        self.counter += 1
        place = self.declare(("null", self.counter, str(type_)), type_, "null")
        if ctypes.count_of(type_) > MAX_SPLIT:
            self.zero(place, loc)
            return place
        for leaf in copied_leaves(type_):
            if isinstance(leaf.type, ctypes.Scalar):
                self.assign(self.leaf(place, leaf), zero_of(leaf.type.dtype), loc)
        return place

    def _inside_place(self, place: Place, index: ir.Expr, type_: ctypes.CType) -> Place:
        """The object of ``type_`` that lies ``index`` bytes into an object in locals."""
        if not isinstance(index, ir.Const):
            self.make_resident(place)
        assert isinstance(index, ir.Const)
        found = self._part_at(place, int(index.value), type_)
        if found is not None:
            return found
        outer, offset = self._outermost(place)
        size = type_of(outer).size
        at = offset + int(index.value)
        found = self._part_at(outer, at, type_) if outer is not place else None
        if found is not None:
            return found
        if not 0 <= at <= size - type_.size:
            raise self.internal(
                f"this reads {type_.size} bytes at byte {at} of an object of {size} bytes"
            )
        return Bits(type_, outer, at)

    def _outermost(self, place: Place) -> tuple[Place, int]:
        """The whole object that a place is a part of, and the part's offset in it."""
        offset = 0
        while id(place) in self.inside:
            outer, name, _ = self.inside[id(place)]
            assert isinstance(outer, Object)
            offset += part_offset(outer.type, name)
            place = outer
        return place, offset

    def _part_at(self, place: Place, offset: int, type_: ctypes.CType) -> Place | None:
        """The part of ``place`` at a byte offset that is of ``type_``."""
        if isinstance(place, Closure):
            return place if offset == 0 else None
        if offset == 0 and ctypes.same(type_of(place), type_):
            return place
        match place:
            case Object():
                for name, part in place.parts.items():
                    start = part_offset(place.type, name)
                    if start <= offset < start + max(type_of(part).size, 1):
                        found = self._part_at(part, offset - start, type_)
                        if found is not None:
                            return found
            case Memory() if 0 <= offset <= place.type.size - type_.size:
                moved = place.pointer
                if offset:
                    moved = self.moved_bytes(moved, const(1, int32), offset)
                return Memory(type_, self.retyped(moved, type_))
        return None

    def member(self, place: Place, name: str) -> Place:
        """The member or base of a record called ``name``."""
        match place:
            case Object():
                return place.parts[name]
            case Memory(type=ctypes.Record() as record):
                part = record.by_name[name]
                return Memory(part.type, self.field(place.pointer, part))
            case Bits(type=ctypes.Record() as record):
                part = record.by_name[name]
                return self._inside_place(
                    place.place, const(place.offset + part.offset, int32), part.type
                )
        raise self.internal(f"this object has no member {name!r}")

    def element(self, place: Place, index: ir.Expr, loc: Loc | None = None) -> Place:
        """An element of an array."""
        type_ = type_of(place)
        assert isinstance(type_, ctypes.Array)
        if isinstance(place, Object):
            if isinstance(index, ir.Const):
                return self._numbered(place, int(index.value))
            return self._chosen(place, index, loc)
        pointer = self.address_of(place)
        pointer = self.moved(self.retyped(pointer, type_.element), index)
        return self.dereference(pointer, type_.element)

    def _numbered(self, place: Object, number: int) -> Place:
        found = place.parts.get(str(number))
        if found is None:
            raise self.internal(f"element {number} of an array of {len(place.parts)}")
        return found

    def _chosen(self, place: Object, index: ir.Expr, loc: Loc | None) -> Place:
        """An element of an array in locals at an index that is not constant: its value."""
        parts = list(place.parts.values())
        if not all(isinstance(part, PointerVariable) for part in parts):
            self.make_resident(place)
        at = self.spill(index, "at", loc)
        value = self.load(parts[-1])
        assert isinstance(value, Pointer)
        for number in reversed(range(len(parts) - 1)):
            here = ir.Compare("eq", at, const(number, at.type), loc)
            other = self.load(parts[number])
            assert isinstance(other, Pointer)
            value = self.merged(here, other, value, loc)
        return Chosen(type_of(parts[0]), value, tuple(parts), at)

    # -------------------------------------------------------------------------------- loading

    def load(self, place: Place, loc: Loc | None = None) -> Value:
        """The value of an object; a record stays a place, which is copied when it is assigned."""
        match place:
            case Variable():
                return ir.Local(place.name, place.type.dtype, loc)
            case PointerVariable():
                return self.load_pointer(place, loc)
            case Temporary():
                return place.value
            case Memory(type=ctypes.Scalar() as scalar):
                return self.load_scalar(place.pointer, scalar.dtype, loc)
            case Bits(type=ctypes.Scalar() as scalar):
                return self._load_bits(place, scalar.dtype, loc)
            case Memory(type=ctypes.Pointer()) | Bits(type=ctypes.Pointer()):
                raise self.internal(
                    "a pointer is read from memory; kernels follow pointers that are arguments, "
                    "members of arguments, or locals"
                )
            case Memory(type=ctypes.Array() as array):
                return self.retyped(self.address_of(place), array.element)
            case _:
                return place

    def load_scalar(self, pointer: Pointer, dtype: DType, loc: Loc | None = None) -> ir.Expr:
        """The scalar that ``pointer`` points to."""
        found = self._single(pointer)
        if found is not None:
            return self._load_at(found, pointer.index, dtype, loc)
        value = self.temporary("v", dtype)

        def read(root: Root, index: ir.Expr) -> None:
            self.emit(ir.Assign(value, self._load_at(root, index, dtype, loc), loc))

        self.on_each(pointer, read, loc)
        return ir.Local(value, dtype, loc)

    def _single(self, pointer: Pointer) -> Root | None:
        """The only root a pointer can be followed to, if it is one."""
        targets = [t for t in pointer.targets if t is not None]
        if len(targets) == 1 and isinstance(targets[0], Root):
            return targets[0]
        if not targets:
            raise self.internal("a null pointer is followed here")
        return None

    def on_each(
        self, pointer: Pointer, work: Callable[[Root, ir.Expr], None], loc: Loc | None
    ) -> None:
        """Emits ``work`` for each root of a pointer, in the branch of its tag."""
        roots = [(i, t) for i, t in enumerate(pointer.targets) if t is not None]
        for _, target in roots:
            if isinstance(target, PlaceRoot):
                self.make_resident(target.place)
        assert pointer.tag is not None
        tag = self.spill(pointer.tag, "tag", loc)
        index = self.spill(pointer.index, "at", loc)
        self._branches(roots, tag, lambda root: work(root, index), loc)

    def _branches(
        self,
        roots: Sequence[tuple[int, Target]],
        tag: ir.Expr,
        work: Callable[[Root], None],
        loc: Loc | None,
    ) -> None:
        (number, root), *rest = roots
        assert isinstance(root, Root)
        if not rest:
            work(root)
            return
        then = self.collect(lambda: work(root))
        orelse = self.collect(lambda: self._branches(rest, tag, work, loc))
        here = ir.Compare("eq", tag, const(number, int32), loc)
        self.emit(ir.If(here, then, orelse, loc))

    def _load_at(self, root: Root, index: ir.Expr, dtype: DType, loc: Loc | None) -> ir.Expr:
        mem = self.mem_for(root, dtype)
        if self._is_outside(root, index, dtype, loc):
            return zero_of(dtype)
        if mem is not None:
            return ir.Load(mem, (index,), dtype, loc)
        cell = self.mems[root.mem].dtype
        if dtype.itemsize == cell.itemsize:
            return self.bitcast(ir.Load(root.mem, (index,), cell, loc), dtype, loc)
        count = self._cells(root, dtype)
        parts = [
            (i * root.unit, ir.Load(root.mem, (self.index_add(index, const(i, int32)),), cell, loc))
            for i in range(count)
        ]
        return self.assembled(parts, dtype, loc)

    def _is_outside(self, root: Root, index: ir.Expr, dtype: DType, loc: Loc | None) -> bool:
        """Whether a constant index lies outside of an array; a thread that comes there fails."""
        extent = self.mems[root.mem].shape[0]
        if not isinstance(index, ir.Const) or not isinstance(extent, int):
            return False
        size = max(dtype.itemsize // root.unit, 1)
        if 0 <= int(index.value) <= extent - size:
            return False
        first = int(index.value) * root.unit
        self.emit(
            ir.Assert(
                const(False, bool_),
                f"bytes {first} to {first + dtype.itemsize - 1} of '{root.mem}', which has "
                f"{extent * root.unit}, are accessed",
                (),
                loc=loc,
            )
        )
        return True

    def _cells(self, root: Root, dtype: DType) -> int:
        if dtype.itemsize % root.unit:
            self.refine([root], math.gcd(dtype.itemsize, root.unit))
        return dtype.itemsize // root.unit

    def mem_for(self, root: Root, dtype: DType) -> str | None:
        """The Mem through which a root's elements are of ``dtype``; None if there can be none."""
        mem = self.mems[root.mem]
        if mem.dtype is dtype:
            return root.mem
        if root.space not in ("global", "shared"):
            return None
        if dtype.itemsize % root.unit:
            self.refine([root], math.gcd(dtype.itemsize, root.unit))
        name = f"{root.mem}.{dtype.short}"
        if name not in self.mems:
            self.taken.add(name)
            self.mems[name] = ir.Mem(
                name, dtype, root.space, mem.shape, (1,), loc=mem.loc, of=root.mem, unit=root.unit
            )
        return name

    # ------------------------------------------------------------------------------- storing

    def assign(self, place: Place, value: Value, loc: Loc | None = None) -> None:
        """``place = value``; a record is copied part by part."""
        match place:
            case Variable():
                self.emit(
                    ir.Assign(place.name, self.cast(scalar(value), place.type.dtype, loc), loc)
                )
            case PointerVariable():
                value = self.as_pointer(value)
                assert isinstance(value, Pointer)
                self.store_pointer(place, value, loc)
            case Chosen():
                self._assign_chosen(place, value, loc)
            case Either():
                value = self.spill(value, "v", loc) if isinstance(value, ir.Expr) else value
                then = self.collect(lambda: self.assign(place.yes, value, loc))
                orelse = self.collect(lambda: self.assign(place.no, value, loc))
                self.emit(ir.If(place.condition, then, orelse, loc))
            case Memory(type=ctypes.Scalar() as type_):
                self.store_scalar(place.pointer, self.cast(scalar(value), type_.dtype, loc), loc)
            case Bits(type=ctypes.Scalar() as type_):
                self._store_bits(place, self.cast(scalar(value), type_.dtype, loc), loc)
            case Temporary():
                raise self.internal("a constant cannot be assigned to")
            case Closure():
                pass  # a lambda's captures do not change
            case _:
                self._copy(place, value, loc)

    def zero(self, place: Place, loc: Loc | None = None) -> None:
        """Sets an object to zero."""
        type_ = type_of(place)
        if isinstance(type_, ctypes.Array):
            self.zero_rest(place, type_, 0, loc)
            return
        if isinstance(type_, ctypes.Record) and ctypes.count_of(type_) > MAX_SPLIT:
            for part in copied_parts(type_):
                self.zero(self.member(place, part.name), loc)
            return
        for leaf in copied_leaves(type_):
            value: Value
            if isinstance(leaf.type, ctypes.Pointer):
                value = self.null(leaf.type.pointee)
            else:
                value = zero_of(leaf.type.dtype)
            self.assign(self.leaf(place, leaf), value, loc)

    def zero_rest(self, place: Place, type_: ctypes.Array, start: int, loc: Loc | None) -> None:
        """Sets the elements of an array from number ``start`` on to zero."""
        if isinstance(place, Object) or type_.count - start <= 8:
            for i in range(start, type_.count):
                self.zero(self.element(place, const(i, int32)), loc)
            return
        counter = self.temporary("i", int32)
        with self.collected() as body:
            self.zero(self.element(place, ir.Local(counter, int32)), loc)
        bounds = (const(start, int32), const(type_.count, int32), const(1, int32))
        self.emit(ir.For(counter, *bounds, body, unroll=type_.count <= 64, loc=loc))

    def _assign_chosen(self, place: Chosen, value: Value, loc: Loc | None) -> None:
        for number, part in enumerate(place.parts):
            body = self.collect(lambda part=part: self.assign(part, value, loc))  # type: ignore[misc]
            here = ir.Compare("eq", place.index, const(number, place.index.type), loc)
            self.emit(ir.If(here, body, [], loc))

    def _copy(self, place: Place, value: Value, loc: Loc | None) -> None:
        """Copies a record or an array."""
        if not isinstance(value, (Object, Memory, Bits)):
            if isinstance(self.as_pointer(value), Pointer):
                raise self.internal(
                    "a pointer is stored in memory; kernels keep pointers in locals and arguments only",
                    "store an index instead",
                )
            raise self.internal("this cannot be assigned")
        type_ = type_of(place)
        if isinstance(place, Object) and isinstance(value, Object):
            self._copy_references(place, value)
        if isinstance(type_, ctypes.Array) and type_.count > MAX_SPLIT:
            self._copy_loop(place, value, type_, loc)
            return
        if isinstance(type_, ctypes.Record) and ctypes.count_of(type_) > MAX_SPLIT:
            for part in copied_parts(type_):
                given: Value = self.member(value, part.name)  # type: ignore[assignment]
                if not isinstance(part.type, ctypes.Array | ctypes.Record):
                    given = self.load(cast(Place, given), loc)
                self.assign(self.member(place, part.name), given, loc)
            return
        pairs = [(self.load_leaf(value, leaf), leaf) for leaf in copied_leaves(type_)]
        loaded = (
            [(self.spill(v, "c", loc) if isinstance(v, ir.Expr) else v, leaf) for v, leaf in pairs]
            if len(pairs) > 1 and not isinstance(place, Object)
            else pairs
        )
        if isinstance(place, Object) and isinstance(value, Object):
            loaded = self._untangled(place, pairs, loc)
        for v, leaf in loaded:
            self.assign(self.leaf(place, leaf), v, loc)

    def _copy_references(self, place: Object, value: Object) -> None:
        for name, part in value.parts.items():
            own = place.parts[name]
            if isinstance(part, Object) and isinstance(own, Object):
                self._copy_references(own, part)
            elif is_reference(place.type, name):
                place.parts[name] = part

    def _untangled(
        self, place: Object, pairs: list[tuple[Value, ctypes.Leaf]], loc: Loc | None
    ) -> list[tuple[Value, ctypes.Leaf]]:
        """Values spilled if the parts that are assigned before them would change them."""
        names = set(locals_of(place))
        return [
            (
                self.spill(v, "c", loc)
                if isinstance(v, ir.Expr)
                and len(pairs) > 1
                and any(isinstance(x, ir.Local) and x.name in names for x in ir.walk(v))
                else v,
                leaf,
            )
            for v, leaf in pairs
        ]

    def _copy_loop(self, place: Place, value: Place, type_: ctypes.Array, loc: Loc | None) -> None:
        counter = self.temporary("i", int32)
        at = ir.Local(counter, int32, loc)

        def one() -> None:
            self.assign(self.element(place, at, loc), self.load(self.element(value, at, loc)), loc)

        body = self.collect(one)
        self.emit(
            ir.For(
                counter, const(0, int32), const(type_.count, int32), const(1, int32), body, loc=loc
            )
        )

    def leaf(self, place: Place, leaf: ctypes.Leaf) -> Place:
        """The scalar or pointer of an object that a Leaf names."""
        for name in leaf.path:
            if isinstance(place, Closure):
                return place
            if isinstance(type_of(place), ctypes.Array):
                place = self.element(place, const(int(name), int32))
            else:
                place = self.member(place, name)
        return place

    def load_leaf(self, value: Value, leaf: ctypes.Leaf) -> Value:
        """The value of a scalar or pointer in a record."""
        assert isinstance(value, (Object, Memory, Bits))
        return self.load(self.leaf(value, leaf))

    def store_scalar(self, pointer: Pointer, value: ir.Expr, loc: Loc | None = None) -> None:
        """Stores a scalar where ``pointer`` points to."""
        found = self._single(pointer)
        if found is not None:
            self._store_at(found, pointer.index, value, loc)
            return
        value = self.spill(value, "v", loc)
        self.on_each(pointer, lambda root, at: self._store_at(root, at, value, loc), loc)

    def _store_at(self, root: Root, index: ir.Expr, value: ir.Expr, loc: Loc | None) -> None:
        self.written.add(root.mem)
        mem = self.mem_for(root, value.type)
        if self._is_outside(root, index, value.type, loc):
            return
        if mem is not None:
            self.emit(ir.Store(mem, (index,), value, loc))
            return
        if root.space == "const":
            raise self.internal(f"{root.mem} is constant and cannot be written to")
        cell = self.mems[root.mem].dtype
        if value.type.itemsize == cell.itemsize:
            self.emit(ir.Store(root.mem, (index,), self.bitcast(value, cell, loc), loc))
            return
        count = self._cells(root, value.type)
        value, index = self.spill(value, "v", loc), self.spill(index, "at", loc)
        for i in range(count):
            part = self.piece(value, i * root.unit, cell, loc)
            at = self.index_add(index, const(i, int32))
            self.emit(ir.Store(root.mem, (at,), part, loc))

    # ---------------------------------------------------------------------------------- atomics

    def atomic(
        self,
        op: str,
        pointer: Pointer,
        dtype: DType,
        value: ir.Expr,
        compare: ir.Expr | None = None,
        loc: Loc | None = None,
    ) -> ir.Expr:
        """An atomic read-modify-write; the old value."""
        result = self.temporary("old", dtype)
        if len(pointer.targets) > 1:
            value = self.spill(value, "v", loc)
            compare = None if compare is None else self.spill(compare, "v", loc)

        def one(root: Root, index: ir.Expr) -> None:
            if root.space == "local":
                raise self.internal(
                    "an atomic operation on a thread's own variable; it takes shared or global memory"
                )
            self.written.add(root.mem)
            mem = self.mem_for(root, dtype)
            if self._is_outside(root, index, dtype, loc):
                self.emit(ir.Assign(result, zero_of(dtype), loc))
                return
            if mem is None:
                raise self.internal(f"an atomic operation on '{root.mem}', which is constant")
            self.emit(ir.Atomic(op, mem, (index,), value, compare, result, loc))

        if all(target is None for target in pointer.targets):
            place = self.beyond_null(ctypes.Scalar(dtype), loc or self.loc(self.frame.function))
            return scalar(self.load(place))
        found = self._single(pointer)
        if found is not None:
            one(found, pointer.index)
        else:
            self.on_each(pointer, one, loc)
        return ir.Local(result, dtype, loc)

    # ------------------------------------------------------------------------------------- bits

    def bitcast(self, e: ir.Expr, dtype: DType, loc: Loc | None = None) -> ir.Expr:
        """The same bits as another dtype of the same size; a bool is the byte 0 or 1."""
        if e.type is dtype:
            return e
        if e.type.is_bool:
            return self.bitcast(ir.Cast(e, dtypes.uint8, loc), dtype, loc)
        if dtype.is_bool:
            byte = self.bitcast(e, dtypes.uint8, loc)
            return ir.Compare("ne", byte, const(0, dtypes.uint8), loc)
        if isinstance(e, ir.Bitcast):
            return self.bitcast(e.operand, dtype, loc)
        return fold(ir.Bitcast(e, dtype, loc))

    def assembled(
        self, parts: Sequence[tuple[int, ir.Expr]], dtype: DType, loc: Loc | None
    ) -> ir.Expr:
        """A scalar from pieces of its bytes, each given with its offset."""
        whole = BITS[dtype.itemsize]
        total: ir.Expr | None = None
        for offset, piece in parts:
            bits = self.bitcast(piece, BITS[piece.type.itemsize], loc)
            if offset < 0:  # the piece begins before the scalar
                count = const(-8 * offset, bits.type)
                bits = fold(ir.Binary("shr", bits, count, bits.type, loc=loc))
            bits = self.cast(bits, whole, loc)
            if offset > 0:
                bits = fold(ir.Binary("shl", bits, const(8 * offset, whole), whole, loc=loc))
            total = bits if total is None else ir.Binary("or", total, bits, whole, loc=loc)
        assert total is not None
        return self.bitcast(total, dtype, loc)

    def piece(self, value: ir.Expr, offset: int, dtype: DType, loc: Loc | None) -> ir.Expr:
        """The ``dtype`` that begins ``offset`` bytes into a wider scalar."""
        whole = BITS[value.type.itemsize]
        bits = self.bitcast(value, whole, loc)
        if offset:
            bits = fold(ir.Binary("shr", bits, const(8 * offset, whole), whole, loc=loc))
        return self.bitcast(self.cast(bits, BITS[dtype.itemsize], loc), dtype, loc)

    def _load_bits(self, place: Bits, dtype: DType, loc: Loc | None) -> ir.Expr:
        """A scalar put together from the leaves of an object in locals that overlap it."""
        end = place.offset + dtype.itemsize
        parts: list[tuple[int, ir.Expr]] = []
        for leaf in ctypes.overlapping(type_of(place.place), place.offset, end):
            value = self.load(self.leaf(place.place, leaf))
            if not isinstance(value, ir.Expr):
                raise self.internal("the bytes of a pointer cannot be read as a number")
            parts.append((leaf.offset - place.offset, value))
        if not parts:
            return zero_of(dtype)
        if len(parts) == 1 and parts[0][0] == 0 and parts[0][1].type.itemsize == dtype.itemsize:
            return self.bitcast(parts[0][1], dtype, loc)
        return self.assembled(parts, dtype, loc)

    def _store_bits(self, place: Bits, value: ir.Expr, loc: Loc | None) -> None:
        """Splits a scalar into the leaves of an object in locals that it covers."""
        value = self.spill(value, "v", loc)
        end = place.offset + value.type.itemsize
        for leaf in ctypes.overlapping(type_of(place.place), place.offset, end):
            start, stop = leaf.offset, leaf.offset + leaf.type.size
            target = self.leaf(place.place, leaf)
            if not isinstance(leaf.type, ctypes.Scalar):
                raise self.internal("a pointer cannot be written to as a number")
            dtype = leaf.type.dtype
            if start >= place.offset and stop <= end:
                new = self.piece(value, start - place.offset, dtype, loc)
            else:
                new = self._patched(scalar(self.load(target)), place.offset - start, value, loc)
            self.assign(target, new, loc)

    def _patched(self, old: ir.Expr, offset: int, value: ir.Expr, loc: Loc | None) -> ir.Expr:
        """``old`` with the bytes of a narrower ``value`` put at ``offset``."""
        if offset < 0 or value.type.itemsize + offset > old.type.itemsize:
            raise self.internal("a write across the members of an object in registers")
        whole = BITS[old.type.itemsize]
        mask = ((1 << value.type.bits) - 1) << (8 * offset)
        full = (1 << whole.bits) - 1
        kept = ir.Binary(
            "and", self.bitcast(old, whole), const(full & ~mask, whole), whole, loc=loc
        )
        bits: ir.Expr = self.cast(self.bitcast(value, BITS[value.type.itemsize]), whole)
        if offset:
            bits = ir.Binary("shl", bits, const(8 * offset, whole), whole, loc=loc)
        return self.bitcast(ir.Binary("or", kept, bits, whole, loc=loc), old.type, loc)


class Chosen(Temporary):
    """An element, at a varying index, of an array of pointers in locals."""

    __slots__ = ("index", "parts")

    def __init__(
        self, type_: ctypes.CType, value: Value, parts: tuple[Place, ...], index: ir.Expr
    ) -> None:
        super().__init__(type_, value)
        self.parts = parts
        self.index = index


class Either(Temporary):
    """``condition ? a : b`` as something to assign to."""

    __slots__ = ("condition", "no", "parts", "yes")

    def __init__(self, value: Value, condition: ir.Expr, yes: Place, no: Place) -> None:
        super().__init__(type_of(yes), value)
        self.condition = condition
        self.yes = yes
        self.no = no
        self.parts = (yes, no)


# ------------------------------------------------------------------------------------- helpers


def scalar(value: Value) -> ir.Expr:
    """A value that must be a scalar."""
    assert isinstance(value, ir.Expr), f"a number is needed, not {value}"
    return value


def type_of(place: Place) -> ctypes.CType:
    """The C type of a place that is no lambda."""
    assert not isinstance(place, Closure)
    return place.type


def is_reference(type_: ctypes.Record | ctypes.Array, name: str) -> bool:
    """Whether a record's member is a reference."""
    return isinstance(type_, ctypes.Record) and isinstance(
        type_.by_name[name].type, ctypes.Reference
    )


def part_offset(type_: ctypes.Record | ctypes.Array, name: str) -> int:
    """Byte offset of an object's part."""
    if isinstance(type_, ctypes.Array):
        return int(name) * type_.element.size
    return type_.by_name[name].offset


def zero_of(dtype: DType) -> ir.Const:
    """The zero of a dtype."""
    return const(False if dtype.is_bool else 0.0 if dtype.is_float else 0, dtype)


def copied_parts(type_: ctypes.Record) -> list[ctypes.Field]:
    """The members that are copied with a record: of a union, its widest."""
    if type_.is_union:
        return [max(type_.fields, key=lambda part: part.type.size)] if type_.fields else []
    return [part for part in type_.fields if not isinstance(part.type, ctypes.Reference)]


def copied_leaves(type_: ctypes.CType) -> list[ctypes.Leaf]:
    """What is copied with an object: of a union, its bytes as the widest scalars that cover it."""
    return list(_copied(type_, (), 0))


def _copied(type_: ctypes.CType, path: tuple[str, ...], offset: int) -> list[ctypes.Leaf]:
    match type_:
        case ctypes.Record():
            return [
                leaf
                for part in copied_parts(type_)
                for leaf in _copied(part.type, (*path, part.name), offset + part.offset)
            ]
        case ctypes.Array():
            return [
                leaf
                for i in range(type_.count)
                for leaf in _copied(type_.element, (*path, str(i)), offset + i * type_.element.size)
            ]
        case _:
            return list(ctypes.leaves(type_, path, offset))


def locals_of(place: Place) -> list[str]:
    """Names of the KIR locals an object consists of."""
    match place:
        case Variable() | PointerVariable():
            return [place.name]
        case Object():
            return [name for part in place.parts.values() for name in locals_of(part)]
        case _:
            return []


def has_pointers(place: Place) -> bool:
    """Whether an object in locals holds a pointer or a lambda."""
    if isinstance(place, Object):
        return any(has_pointers(part) for part in place.parts.values())
    return isinstance(place, (PointerVariable, Closure))


def disturbed(e: ir.Expr, name: str) -> bool:
    return any(isinstance(x, ir.Local) and x.name == name for x in ir.walk(e))


__all__ = ["Chosen", "Either", "Function", "MemoryAccess", "copied_leaves", "scalar", "type_of"]
