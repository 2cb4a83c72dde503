"""The lifter's state and smallest steps: code, locals, places, casts, errors.

A kernel is lifted in passes. What a pass must know before it can see it (which arrays a pointer may
point into, how fine an array's index must be, which variables need an address) is assumed first, and
learnt when it turns out wrong; a pass that learns something that its code depends on is repeated.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from ctypes import ArgumentError
from dataclasses import dataclass, field

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.diagnostics import Loc, compile_error, unsupported
from accelerx.compiler.frontends.cuda_cpp import types as ctypes
from accelerx.compiler.frontends.cuda_cpp.clang import ClangType, Cursor, Unit
from accelerx.compiler.frontends.cuda_cpp.values import (
    Binding,
    Function,
    Memory,
    Nothing,
    Object,
    Place,
    Pointer,
    PointerVariable,
    Root,
    Target,
    Temporary,
    Value,
    Variable,
)
from accelerx.compiler.passes.fold import fold_root as fold
from accelerx.dtypes import DType, bool_, int32, int64, uint32
from accelerx.errors import AccelerxError, CompileError, UnsupportedKernelError

Key = tuple[object, ...]
MAX_PASSES = 300  # each learns something, and there is only so much to learn
MAX_LOCAL_BYTES = 512 * 1024  # CUDA's limit


class Again(Exception):
    """The pass learnt something; the next one will know it from its start."""


@dataclass(slots=True, eq=False)
class Frame:
    """A function being lifted: the kernel, or one inlined call.

    Attributes:
        chain: The call sites that lead here.
        function: The function's cursor.
        bindings: What declarations stand for, by cursor hash.
        this: The object a member function works on.
        parent: The place of the call.
        label: Label of the scope that ``return`` leaves; None in the kernel.
        result: Where a returned value goes.
        returned: What a function returning a reference gave back.
        breaks: What ``break`` leaves, innermost last: a loop (None) or a switch's label, and how
            many scopes enclose it.
        scopes: Objects with destructors, by the block that they live in, innermost last.
    """

    chain: Key
    function: Cursor
    bindings: dict[int, Binding]
    this: Place | None = None
    parent: Loc | None = None
    name: str = ""
    label: str | None = None
    result: Place | None = None
    by_reference: bool = False
    returned: Place | None = None
    breaks: list[tuple[str | None, int]] = field(default_factory=list)
    scopes: list[list[tuple[Place, ctypes.CType, Cursor]]] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Facts:
    """What passes have learnt.

    Attributes:
        targets: What each pointer variable may point into.
        indices: The index of each pointer variable that always has the same; None: it varies.
        resident: Variables that live in an array because a pointer moves through them.
        mutable: Parameters that are assigned to or whose address is taken.
        several: Calls that return references to different objects.
    """

    targets: dict[Key, list[Target]] = field(default_factory=dict)
    indices: dict[Key, int | None] = field(default_factory=dict)
    resident: set[Key] = field(default_factory=set)
    mutable: set[Key] = field(default_factory=set)
    several: set[Key] = field(default_factory=set)


class State:
    """State and helpers shared by the parts of the lifter."""

    frame: Frame

    def __init__(self, unit: Unit, *, wide: bool = False) -> None:
        self.unit = unit
        self.wide = wide
        self.types = ctypes.Types()
        self.facts = Facts()
        self.names: dict[Key, str] = {}  # of locals and arrays, the same in every pass
        self.taken: set[str] = set()
        self.suffixes: dict[str, int] = {}  # the next number for a name, by its stem
        self.roots: dict[str, Root] = {}
        self.places: dict[Key, Place] = {}
        self.functions: dict[int, Function] = {}
        self.reset()

    def reset(self) -> None:
        """Forgets one pass, but not its facts."""
        self.params: list[ir.Param] = []
        self.mems: dict[str, ir.Mem] = {}
        self.locals: dict[str, DType] = {}
        self.written: set[str] = set()
        self.out: list[ir.Stmt] = []
        self.counter = 0
        self.learnt = False
        self.inside: dict[int, tuple[Place, str, Key]] = {}
        self.inlined_calls = 0
        self.nesting = 0  # expressions and statements around what is being lifted
        self.depth = 0  # expressions around it in its statement
        self.blocks = 0  # ifs, loops and switches around it
        self.here: Cursor | None = None  # the innermost expression or statement

    # ------------------------------------------------------------------------------- errors

    def loc(self, cursor: Cursor) -> Loc:
        """The place of a cursor, with the calls it was inlined through."""
        frame = self.frame
        return self.unit.loc(cursor, frame.parent, frame.name)

    def error(self, cursor: Cursor, message: str, hint: str = "") -> CompileError:
        """An error in the user's text, to raise."""
        return compile_error(self.loc(cursor), message, hint)

    def unsupported(self, cursor: Cursor, message: str, hint: str = "") -> UnsupportedKernelError:
        """An error about what kernels do not have, to raise."""
        return unsupported(self.loc(cursor), message, hint)

    def internal(self, message: str, hint: str = "") -> UnsupportedKernelError:
        """An error about the expression or statement being lifted."""
        return self.unsupported(self.here or self.frame.function, message, hint)

    @contextlib.contextmanager
    def foreseen(self) -> Iterator[None]:
        """Gives an error of the front end itself the place at which it happened."""
        try:
            yield
        except (AccelerxError, Again, RecursionError, ArgumentError):
            raise  # ArgumentError is what ctypes makes of a RecursionError
        except ctypes.UnknownTypeError as e:  # a pointer's, which is looked at when it is followed
            raise self.internal(f"kernels cannot hold a value of type '{e}'") from e
        except Exception as e:
            what = f"{type(e).__name__}: {e}" if str(e) else type(e).__name__
            raise self.internal(
                f"the front end fails here ({what})",
                "please report it with the kernel; written in another way it may work",
            ) from e

    # ------------------------------------------------------------------------------- types

    def type_of(self, clang: ClangType, cursor: Cursor) -> ctypes.CType:
        """The C type for libclang's; an error at ``cursor`` if kernels have no such type."""
        try:
            return self.types.of(clang)
        except ctypes.UnknownTypeError as e:
            raise self.unsupported(cursor, f"kernels cannot hold a value of type '{e}'") from e

    def type(self, cursor: Cursor) -> ctypes.CType:
        """The C type of an expression or declaration."""
        return self.type_of(cursor.type, cursor)

    def parameter_type(self, parameter: Cursor, given: Cursor | None = None) -> ctypes.CType:
        """The type of a function's parameter: an array there is a pointer to its first element."""
        type_ = self.type_of(parameter.type, given or parameter)
        if not isinstance(type_, ctypes.Array):
            return type_
        return ctypes.pointer_to(type_.element, to_const=ctypes.is_const(parameter.type))

    def scalar_type(self, cursor: Cursor) -> DType:
        """The dtype of a scalar expression."""
        type_ = self.type(cursor)
        if not isinstance(type_, ctypes.Scalar):
            raise self.unsupported(cursor, f"a number is needed here, this is '{type_}'")
        return type_.dtype

    # --------------------------------------------------------------------------------- code

    def emit(self, statement: ir.Stmt) -> None:
        self.out.append(statement)

    def collect(self, work: Callable[[], None]) -> list[ir.Stmt]:
        """The statements that ``work`` emits."""
        saved, self.out = self.out, []
        try:
            work()
            return self.out
        finally:
            self.out = saved

    @contextlib.contextmanager
    def collected(self) -> Iterator[list[ir.Stmt]]:
        """Within it, statements go to the list that it gives."""
        saved, self.out = self.out, []
        try:
            yield self.out
        finally:
            self.out = saved

    def name(self, key: Key, stem: str) -> str:
        """A name of its own for ``key``, the same in every pass."""
        found = self.names.get(key)
        if found is None:
            stem = stem or "t"
            found, n = stem, self.suffixes.get(stem, 1)
            while found in self.taken:
                found, n = f"{stem}.{n}", n + 1
            self.suffixes[stem] = n
            self.taken.add(found)
            self.names[key] = found
        return found

    def temporary(self, stem: str, dtype: DType) -> str:
        """Declares a new local."""
        self.counter += 1
        name = self.name(("temporary", self.counter, stem), stem)
        self.locals[name] = dtype
        return name

    def label(self, stem: str) -> str:
        """A new label."""
        self.counter += 1
        return f"{stem}{self.counter}"

    def spill(self, value: ir.Expr, stem: str = "t", loc: Loc | None = None) -> ir.Expr:
        """The value in a new local, so that it is computed once, here; constants stay."""
        if isinstance(value, (ir.Const, ir.ParamRef, ir.Special)):
            return value
        name = self.temporary(stem, value.type)
        self.emit(ir.Assign(name, value, loc))
        return ir.Local(name, value.type, loc)

    # ------------------------------------------------------------------------------ scalars

    def cast(self, e: ir.Expr, dtype: DType, loc: Loc | None = None) -> ir.Expr:
        """``e`` converted to ``dtype``."""
        if e.type is dtype:
            return e
        if isinstance(e, ir.Const):
            return fold(ir.Cast(e, dtype, loc))
        if isinstance(e, ir.Cast) and e.operand.type.is_integer and dtype.is_integer:
            inner, through = e.operand, e.type
            if inner.type is dtype and through.is_integer and through.bits >= dtype.bits:
                return inner
            if dtype.bits > through.bits and is_coordinate(e):
                return ir.Cast(inner, dtype, loc)  # it is not negative, so either way extends it
        if dtype is int32 and e.type is uint32:
            signed = self.signed_form(e)
            if signed is not None:
                return signed
        return ir.Cast(e, dtype, loc)

    def signed_form(self, e: ir.Expr) -> ir.Expr | None:
        """The i32 expression of a u32 one that mixes ints with thread coordinates.

        ``int i = first + threadIdx.x`` is unsigned arithmetic in C++ and meant as signed: it stays
        affine in the thread's number only if it does not wrap, which launches over arrays of less
        than 2**31 bytes cannot tell apart.
        """
        if self.wide or not any(isinstance(x, ir.Special) for x in ir.walk(e)):
            return None
        return _signed(e)

    def truth(self, e: ir.Expr, loc: Loc | None = None) -> ir.Expr:
        """A scalar as a condition."""
        return self.cast(e, bool_, loc)

    def arithmetic(
        self, op: ir.BinaryOp, a: ir.Expr, b: ir.Expr, loc: Loc | None = None
    ) -> ir.Expr:
        """An operation on two scalars of one type.

        Overflow of a signed one is undefined in C++. Unsigned arithmetic on thread coordinates
        and small constants is done on signed numbers, which keeps it affine, unless the launch is
        ``wide``.
        """
        dtype = a.type
        if dtype is uint32 and op in ("add", "mul") and not self.wide:
            x, y = coordinate(a), coordinate(b)
            if x is not None and y is not None and not (is_const(x) and is_const(y)):
                return ir.Cast(ir.Binary(op, x, y, int32, True, loc), uint32, loc)
        nowrap = dtype.is_signed and op in ("add", "sub", "mul", "shl") and dtype.bits >= 32
        return fold(ir.Binary(op, a, b, dtype, nowrap, loc))

    def index_add(self, a: ir.Expr, b: ir.Expr) -> ir.Expr:
        """The sum of two indices."""
        if isinstance(a, ir.Const) and a.value == 0:
            return self.cast(b, a.type)
        if isinstance(b, ir.Const) and b.value == 0:
            return a
        dtype = int64 if int64 in (a.type, b.type) else int32
        left, right = self.cast(a, dtype), self.cast(b, dtype)
        return fold(ir.Binary("add", left, right, dtype, True))

    def index_scale(self, e: ir.Expr, by: int) -> ir.Expr:
        """An index times a constant."""
        if by == 1:
            return e
        return fold(ir.Binary("mul", e, ir.Const(by, e.type), e.type, True))

    # ---------------------------------------------------------------------------- functions

    def make_mutable(self, key: Key) -> None:
        """Gives a parameter or variable a place, here and wherever its function is inlined."""
        self.facts.mutable |= {key, key[-1:]}

    def is_mutable(self, key: Key) -> bool:
        """Whether a parameter or variable needs a place."""
        return key in self.facts.mutable or key[-1:] in self.facts.mutable

    def function_value(self, cursor: Cursor) -> Function:
        """A function as a value, always the same."""
        return self.functions.setdefault(cursor.canonical.hash, Function(cursor))

    def as_pointer(self, value: Value) -> Value:
        """A function as the pointer to it; any other value as it is."""
        if isinstance(value, Function):
            return Pointer(ctypes.Void(), (value,), ir.Const(0, int32))
        return value

    # ------------------------------------------------------------------------ order of effects

    def in_order(self, works: Sequence[Callable[[], Value]]) -> list[Value]:
        """Values of expressions evaluated left to right: one is kept if a later one disturbs it."""
        values: list[Value] = []
        ends: list[int] = []
        for work in works:
            values.append(work())
            ends.append(len(self.out))
        for i in reversed(range(len(values) - 1)):
            later = self.out[ends[i] :]
            if later:
                values[i] = self._kept(values[i], later, ends[i])
        return values

    def _kept(self, value: Value, later: Sequence[ir.Stmt], at: int) -> Value:
        if isinstance(value, Pointer):
            index = self._kept_scalar(value.index, later, at)
            tag = None if value.tag is None else self._kept_scalar(value.tag, later, at)
            return Pointer(value.pointee, value.targets, index, tag)
        return self._kept_scalar(value, later, at) if isinstance(value, ir.Expr) else value

    def _kept_scalar(self, e: ir.Expr, later: Sequence[ir.Stmt], at: int) -> ir.Expr:
        if not disturbs(later, e):
            return e
        name = self.temporary("t", e.type)
        self.out.insert(at, ir.Assign(name, e, e.loc))
        return ir.Local(name, e.type, e.loc)

    # ---------------------------------------------------------------------------- declaring

    def declare(self, key: Key, type_: ctypes.CType, stem: str, owner: Key | None = None) -> Place:
        """The place of a new object in KIR locals, the same in every pass."""
        found = self.places.get(key)
        if found is None:
            found = self._new_place(key, type_, stem)
            self.places[key] = found
        self._declare_locals(found, owner or key)
        return found

    def _new_place(self, key: Key, type_: ctypes.CType, stem: str) -> Place:
        if type_.size > MAX_LOCAL_BYTES:
            raise self.internal(
                f"an object of {type_.size} bytes; a thread has at most {MAX_LOCAL_BYTES} of its own",
                "put it into global memory: pass it as an argument",
            )
        match type_:
            case ctypes.Scalar() if key not in self.facts.resident:
                return Variable(type_, self.name(key, stem))
            case ctypes.Scalar():
                return self.array_place(key, type_, stem)
            case ctypes.Pointer():
                return PointerVariable(type_, key, self.name(key, stem))
            case ctypes.Record() if not type_.is_union and key not in self.facts.resident:
                parts = {
                    part.name: self._new_place((*key, part.name), part.type, f"{stem}.{part.name}")
                    for part in type_.fields
                }
                return Object(type_, parts)
            case ctypes.Array() if ctypes.holds_pointers(type_):
                numbers = map(str, range(type_.count))
                parts = {
                    n: self._new_place((*key, n), type_.element, f"{stem}.{n}") for n in numbers
                }
                return Object(type_, parts)
            case ctypes.Record() | ctypes.Array():
                return self.array_place(key, type_, stem)
            case ctypes.Reference():
                return Temporary(type_, Nothing())  # until it is bound
        raise self.internal(f"an object of type '{type_}' cannot be declared here")

    def array_place(self, key: Key, type_: ctypes.CType, stem: str) -> Memory:
        """An object that lives in a KIR array of the thread's own."""
        name = self.name(key, stem)
        root = self.roots.setdefault(name, Root(name, "local", ctypes.unit_of(type_)))
        return Memory(type_, Pointer(type_, (root,), ir.Const(0, int32)))

    def _declare_locals(self, place: Place, owner: Key) -> None:
        match place:
            case Variable():
                self.locals[place.name] = place.type.dtype
            case PointerVariable():
                self.declare_pointer(place)
            case Memory(pointer=Pointer(targets=(Root() as root,))):
                self._declare_array(root, place.type)
            case Object():
                for name, part in place.parts.items():
                    self.inside[id(part)] = (place, name, owner)
                    self._declare_locals(part, owner)

    def _declare_array(self, root: Root, type_: ctypes.CType) -> None:
        """The Mem of a root whose size is known."""
        self.mems[root.mem] = ir.Mem(
            root.mem, cell_type(root, type_), root.space, (type_.size // root.unit,), (1,)
        )

    def declare_pointer(self, place: PointerVariable) -> None:
        targets = self.targets(place)
        if self.facts.indices.get(place.key, 0) is None:
            self.locals[place.name] = index_type(targets)
        if len(targets) > 1:
            self.locals[f"{place.name}.tag"] = int32

    def targets(self, place: PointerVariable) -> list[Target]:
        """What a pointer variable may point into, as known so far."""
        return self.facts.targets.setdefault(place.key, [])


# --------------------------------------------------------------------------------------- helpers


def index_type(targets: Sequence[Target]) -> DType:
    """The type of indices into these: on-chip arrays are small."""
    wide = any(isinstance(t, Root) and t.space == "global" for t in targets)
    return int64 if wide else int32


def is_const(e: ir.Expr) -> bool:
    return isinstance(e, ir.Const)


def coordinate(e: ir.Expr) -> ir.Expr | None:
    """The signed form of a non-negative u32 made of thread coordinates and small constants."""
    if isinstance(e, ir.Const) and e.type is uint32 and 0 <= int(e.value) < 1 << 16:
        return ir.Const(e.value, int32, e.loc)
    return e.operand if isinstance(e, ir.Cast) and is_coordinate(e) else None


def is_coordinate(e: ir.Expr) -> bool:
    """Whether ``e`` is a cast to u32 of sums and products of coordinates and small constants."""
    return (
        isinstance(e, ir.Cast)
        and e.type is uint32
        and e.operand.type is int32
        and all(
            isinstance(x, (ir.Special, ir.Const))
            or (isinstance(x, ir.Binary) and x.op in ("add", "mul") and x.nowrap)
            for x in ir.walk(e.operand)
        )
    )


def _signed(e: ir.Expr) -> ir.Expr | None:
    if isinstance(e, ir.Cast) and e.operand.type is int32:
        return e.operand
    if isinstance(e, ir.Const) and 0 <= int(e.value) < 1 << 16:
        return ir.Const(e.value, int32, e.loc)
    if isinstance(e, ir.Binary) and e.op in ("add", "sub", "mul"):
        left, right = _signed(e.left), _signed(e.right)
        if left is not None and right is not None:
            return ir.Binary(e.op, left, right, int32, True, e.loc)
    return None


def disturbs(statements: Sequence[ir.Stmt], e: ir.Expr) -> bool:
    """Whether running ``statements`` may change the value of ``e``."""
    names = {x.name for x in ir.walk(e) if isinstance(x, ir.Local)}
    loads = any(isinstance(x, ir.Load) for x in ir.walk(e))
    if not names and not loads:
        return False
    for s in ir.statements(statements):
        if ir.target(s) in names:
            return True
        if loads and isinstance(s, (ir.Store, ir.Atomic, ir.Barrier)):
            return True
    return False


def cell_type(root: Root, type_: ctypes.CType) -> DType:
    """The element type of a root's Mem: the program's own where all of it is of one dtype."""
    own = ctypes.scalar_in(type_)
    return own if own is not None and own.itemsize == root.unit else BITS[root.unit]


BITS = {1: dtypes.uint8, 2: dtypes.uint16, 4: dtypes.uint32, 8: dtypes.uint64}
