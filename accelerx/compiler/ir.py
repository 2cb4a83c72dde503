"""KIR, the kernel IR: typed, structured, AST-like, with mutable locals.

Both front ends produce it, every backend consumes it. It is neither SSA nor a graph: loops, guards
and affine indices stay as the user wrote them, because machines without threads need to see them.

Grammar::

    kernel = "kernel" name "(" param ("," param)* ")" mem* stmt*
    param  = buffer | scalar | extent (of a buffer's axis) | stride (of a buffer's axis, in elements)
    mem    = name ":" dtype "[" shape "]" space          space in {global, shared, local, const}
           | name ":" dtype "[" shape "]" space "view" "of" mem "unit" bytes
    stmt   = local "=" expr                                             Assign
           | mem "[" expr ("," expr)* "]" "=" expr                      Store
           | "if" expr stmt* ["else" stmt*]                             If
           | "for" local "in" expr ".." expr "by" expr stmt*            For (canonical)
           | "while" expr stmt* ["post" stmt*]                          While (continue goes to post)
           | "break" | "continue" | "return"
           | "scope" label stmt* | "exit" label                         Scope, Exit (forward only)
           | [local "="] "barrier" kind [expr]                          Barrier
           | "fence" scope
           | [local "="] "atomic" op mem "[" ... "]" expr [expr]        Atomic
           | local "=" "warp" op ...                                    Warp
           | local "=" "clock" kind                                     Clock
           | "print" ... | "assert" expr message
    expr   = Const | Local | Param | Special | Binary | Unary | Compare | Logical | Select | Cast
           | Bitcast | Call(intrinsic) | Load            (pure trees; Load is the only memory read)

Meaning. Execution and memory model are CUDA's. What CUDA leaves open, KIR fixes, so that every
backend can be compared with the interpreter bit by bit:

* Integer add, sub, mul and shl wrap. ``nowrap`` on a signed Binary asserts that it does not, and
  lets a backend treat thread-index arithmetic as affine; the result of a wrapping one is undefined.
* ``quot``/``rem`` truncate (C), ``floordiv``/``mod`` floor (Python). Integer division by zero gives
  0, and remainder by zero gives 0; INT_MIN by -1 gives INT_MIN and remainder 0. Nothing traps.
* Shift counts are read as unsigned; a count of the width or more gives 0, or the sign for a signed
  ``shr``.
* Float to integer casts truncate toward zero and saturate; NaN gives 0. Integer to integer casts
  keep the low bits. Float to bool is ``!= 0``; integer to bool is ``!= 0``.
* ``min``/``max`` of floats return the other operand if one is NaN (C's fmin and fmax).
* Float ``mod`` has the divisor's sign (Python), float ``rem`` is C's fmod. ``div`` is IEEE.
* Float arithmetic is IEEE; a backend may contract a multiply feeding an add if
  ``Kernel.contract``. f16 and bf16 round after every operation.
* All of ``Select``, ``Logical`` and ``Call`` evaluate all operands; none has an effect. A Load under
  them must be safe to execute: front ends turn a guarded load into an If.
* ``cas`` compares bits. All dynamic shared arrays of a kernel start at the same address.
* A Load or Store outside its Mem is undefined (checked only in instrumented builds).
* A Mem with ``of`` is a view: it reads and writes the storage of another Mem, its root, as elements
  of its own dtype. ``view[i]`` is the ``dtype.itemsize`` bytes that start ``i * unit`` bytes after
  the root's element 0, little-endian. The program guarantees that this address is a multiple of
  the itemsize. Roots are global or shared; accesses to a root and to its views may alias, accesses
  to two roots alias only if the launch passed one memory twice (or both are dynamic shared arrays).
* A clock does not go back within a thread. Clock statements neither merge nor change places, and
  none is left out whose result is read; arithmetic around them may move, as on CUDA.
* A local is undefined until assigned. A variable assigned on one path only keeps its old value on
  the others.
* A For evaluates start, stop and step once, its variable is not assigned in the body, and step is
  never zero; it runs while ``var < stop`` (step > 0) or ``var > stop`` (step < 0). The variable's
  value after the loop is undefined.
* Return ends the thread. A barrier waits for the block's threads that have not returned. One of the
  grid waits for all blocks; it is an error if the threads of one have all returned.

Nodes are made once and then only replaced, never changed: passes build new nodes. Equality is
identity. Every node carries the place in the user's source it came from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from accelerx import dtypes
from accelerx.compiler.diagnostics import Loc, SourceFile
from accelerx.dtypes import DType, bool_

Space = Literal["global", "shared", "local", "const"]
BinaryOp = Literal[
    "add", "sub", "mul", "div", "quot", "rem", "floordiv", "mod",
    "and", "or", "xor", "shl", "shr", "min", "max",
]  # fmt: skip
CompareOp = Literal["eq", "ne", "lt", "le", "gt", "ge"]
LogicalOp = Literal["and", "or", "xor"]
UnaryOp = Literal["neg", "not", "invert"]  # not: bool -> bool; invert: integer bits
SpecialKind = Literal["thread", "block", "block_dim", "grid_dim", "lane", "warp"]
BarrierKind = Literal["sync", "count", "and", "or", "warp", "grid"]
FenceScope = Literal["block", "device", "system"]
ClockKind = Literal["cycles", "nanoseconds"]

# --------------------------------------------------------------------------------- expressions


@dataclass(slots=True, eq=False)
class Const:
    """A literal: Python int, float or bool, exactly representable in ``type``."""

    value: int | float | bool
    type: DType
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class Local:
    """Read of a per-thread local variable (its dtype is ``Kernel.locals[name]``)."""

    name: str
    type: DType
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class ParamRef:
    """Value of a scalar, extent or stride parameter: the same for all threads of a launch."""

    name: str
    type: DType
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class Special:
    """threadIdx, blockIdx, blockDim, gridDim (axis 0, 1, 2 = x, y, z); lane and warp in the block.

    All are i32. ``lane`` and ``warp`` count the block's threads linearly, x fastest, 32 a warp.
    """

    kind: SpecialKind
    axis: int = 0
    loc: Loc | None = None

    @property
    def type(self) -> DType:
        return dtypes.int32


@dataclass(slots=True, eq=False)
class Binary:
    """Arithmetic on two operands of type ``type``, giving ``type``."""

    op: BinaryOp
    left: Expr
    right: Expr
    type: DType
    nowrap: bool = False
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class Unary:
    """Negation, logical not (of a bool) or inversion of an integer's bits."""

    op: UnaryOp
    operand: Expr
    type: DType
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class Compare:
    """Comparison of two operands of one type, giving bool; NaN compares unequal to everything."""

    op: CompareOp
    left: Expr
    right: Expr
    loc: Loc | None = None

    @property
    def type(self) -> DType:
        return bool_


@dataclass(slots=True, eq=False)
class Logical:
    """Bool connective; both sides are always evaluated."""

    op: LogicalOp
    left: Expr
    right: Expr
    loc: Loc | None = None

    @property
    def type(self) -> DType:
        return bool_


@dataclass(slots=True, eq=False)
class Select:
    """``if_true if condition else if_false``; both are evaluated."""

    condition: Expr
    if_true: Expr
    if_false: Expr
    type: DType
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class Cast:
    """Conversion of a value to ``type``."""

    operand: Expr
    type: DType
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class Bitcast:
    """The same bits read as ``type``; both types have one width."""

    operand: Expr
    type: DType
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class Call:
    """A pure intrinsic of ``accelerx.compiler.intrinsics`` applied to its arguments."""

    function: str
    arguments: tuple[Expr, ...]
    type: DType
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class Load:
    """Element of ``mem`` at ``indices``: one index per axis, integers, in elements."""

    mem: str
    indices: tuple[Expr, ...]
    type: DType
    loc: Loc | None = None


Expr = (
    Const | Local | ParamRef | Special | Binary | Unary | Compare | Logical | Select | Cast | Bitcast
    | Call | Load
)  # fmt: skip

# ---------------------------------------------------------------------------------- statements


@dataclass(slots=True, eq=False)
class Assign:
    """Sets a local of the executing threads."""

    target: str
    value: Expr
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class Store:
    """Sets the element of ``mem`` at ``indices``; of threads that store to one, any one wins."""

    mem: str
    indices: tuple[Expr, ...]
    value: Expr
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class If:
    """Runs ``then`` where ``condition`` holds, ``orelse`` elsewhere."""

    condition: Expr
    then: list[Stmt]
    orelse: list[Stmt] = field(default_factory=list)
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class For:
    """Counted loop; see the module's docstring for what makes it canonical."""

    target: str
    start: Expr
    stop: Expr
    step: Expr
    body: list[Stmt]
    unroll: bool = False
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class While:
    """Loop while ``condition``; ``post`` runs after the body and after continue."""

    condition: Expr
    body: list[Stmt]
    post: list[Stmt] = field(default_factory=list)
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class Break:
    """Ends the innermost loop for the executing threads."""

    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class Continue:
    """Goes on with the innermost loop's next turn."""

    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class Return:
    """Ends the thread."""

    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class Scope:
    """A list that ``Exit(label)`` leaves forward: the body of an inlined function, a switch."""

    label: str
    body: list[Stmt]
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class Exit:
    """Goes on after the enclosing Scope of that label."""

    label: str
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class Barrier:
    """Block barrier; ``count``/``and``/``or`` also combine ``predicate`` (bool) into ``result`` (i32).

    Kind ``warp`` orders memory within a warp, ``grid`` waits for the whole grid.
    """

    kind: BarrierKind = "sync"
    predicate: Expr | None = None
    result: str | None = None
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class Fence:
    """Orders the thread's memory accesses before it and after it, as ``scope`` sees them."""

    scope: FenceScope = "device"
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class Atomic:
    """Read-modify-write of one element; ``result`` receives the old value.

    ``op`` is a row of ``intrinsics.ATOMICS``. ``cas`` stores ``value`` where the element equals
    ``compare``. Lanes of one warp are served in increasing lane order.
    """

    op: str
    mem: str
    indices: tuple[Expr, ...]
    value: Expr
    compare: Expr | None = None
    result: str | None = None
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class Warp:
    """An operation between the 32 lanes of a warp; ``op`` is a row of ``intrinsics.WARP_OPS``.

    Arguments by op (``width`` divides the warp into segments of 1, 2, 4, ... 32 lanes):
    ``shfl_idx`` value, source lane; ``shfl_up``/``shfl_down`` value, delta; ``shfl_xor`` value, lane
    mask; ``ballot``/``any``/``all``/``uni`` predicate (bool); ``match_any`` value; ``activemask``
    none; ``reduce_add/min/max/and/or/xor`` value.
    As on CUDA, ``shfl_idx`` takes its source modulo the width; ``shfl_xor`` may read earlier
    segments; any other source out of the lane's segment gives the lane's own value. Only lanes
    executing the statement take part; reading a lane that does not execute it is undefined. ``mask`` is the user's member
    mask: checked, not obeyed.
    """

    op: str
    arguments: tuple[Expr, ...]
    result: str
    width: Expr | None = None
    mask: Expr | None = None
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class Clock:
    """Gives ``result`` (i64) a counter's present value: of the processor, or of nanoseconds.

    Where the counters start and how fast cycles go is the device's choice.
    """

    result: str
    kind: ClockKind = "cycles"
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class Print:
    """Writes ``parts``, strings and values, separated by spaces and ended by a newline.

    With ``format`` set, ``parts`` are values for that C format string instead.
    """

    parts: tuple[str | Expr, ...]
    format: str | None = None
    loc: Loc | None = None


@dataclass(slots=True, eq=False)
class Assert:
    """Stops the launch with ``message`` if ``condition`` is false in an executing thread.

    ``values`` are integers or floats shown in the message's ``{0}``, ``{1}`` places. ``kind`` tells
    who asked: the user's ``assert``, or an instrumentation pass.
    """

    condition: Expr
    message: str
    values: tuple[Expr, ...] = ()
    kind: Literal["assert", "bounds", "barrier", "race", "uninit"] = "assert"
    loc: Loc | None = None


Stmt = (
    Assign | Store | If | For | While | Break | Continue | Return | Scope | Exit | Barrier | Fence
    | Atomic | Warp | Clock | Print | Assert
)  # fmt: skip

# -------------------------------------------------------------------------------------- kernel


@dataclass(slots=True, eq=False)
class Param:
    """One value passed at launch.

    Attributes:
        name: Unique in the kernel; ``x`` for a buffer or scalar, ``x.shape0``, ``x.stride0``.
        kind: ``buffer`` (an address), ``scalar``, ``extent`` or ``stride`` (i64, of ``axis``).
        dtype: Element type of a buffer, type of the value otherwise.
        argument: Index of the user's (flattened) launch argument it comes from.
        axis: For an extent or a stride.
        written: For a buffer, whether the kernel may write to it.
    """

    name: str
    kind: Literal["buffer", "scalar", "extent", "stride"]
    dtype: DType
    argument: int
    axis: int = 0
    written: bool = False


@dataclass(slots=True, eq=False)
class Mem:
    """An array. Global ones belong to the buffer parameter of the same name.

    ``shape`` and ``strides`` (in elements) have one entry per axis: an int, or an i64 expression of
    parameters. ``shape == (None,)`` is a pointer of unknown extent; a shared array whose first extent
    is None takes the launch's dynamic shared memory. ``data`` holds a const array's values, flat.

    A *view* gives the storage of its root ``of`` another type (C's pointer casts, the fields of an
    array of structs, typed arrays carved from one block of bytes). It has one axis, of stride 1,
    and an index counts ``unit`` bytes, not elements: an access is within the view if
    ``0 <= i`` and ``i * unit + dtype.itemsize <= extent * unit``. It needs no parameter of its own.
    """

    name: str
    dtype: DType
    space: Space
    shape: tuple[int | ParamRef | Expr | None, ...]
    strides: tuple[int | ParamRef | Expr, ...]
    data: tuple[int | float | bool, ...] | None = None
    loc: Loc | None = None
    of: str | None = None
    unit: int | None = None

    @property
    def storage(self) -> str:
        """The Mem that owns the bytes: the root of a view, otherwise this one."""
        return self.name if self.of is None else self.of

    @property
    def step(self) -> int:
        """Bytes between index ``i`` and ``i + 1``."""
        return self.dtype.itemsize if self.unit is None else self.unit

    @property
    def overhang(self) -> int:
        """How many of the last indices of an axis of a view leave no room for an element."""
        return -(-self.dtype.itemsize // self.step) - 1

    @property
    def size(self) -> int | None:
        """Elements (a view: units), when every extent is known at compile time."""
        total = 1
        for extent in self.shape:
            if not isinstance(extent, int):
                return None
            total *= extent
        return total


@dataclass(slots=True, eq=False)
class Kernel:
    """A lifted kernel, specialised on argument types.

    ``block`` is set once the kernel is specialised on a block shape. ``contract`` allows a multiply
    to fuse with an add; ``fastmath`` allows reassociation and approximate functions.
    """

    name: str
    params: list[Param]
    mems: dict[str, Mem]
    locals: dict[str, DType]
    body: list[Stmt]
    source: SourceFile | None = None
    loc: Loc | None = None
    block: tuple[int, int, int] | None = None
    contract: bool = True
    fastmath: bool = False
    max_threads: int | None = None

    def fresh(self, stem: str, dtype: DType) -> str:
        """Declares a new local named after ``stem`` and returns its name."""
        name, n = stem, 1
        while name in self.locals:
            name, n = f"{stem}.{n}", n + 1
        self.locals[name] = dtype
        return name

    def with_body(self, body: list[Stmt]) -> Kernel:
        """The same kernel with another body (declarations are copied, not shared)."""
        return replace(self, body=body, locals=dict(self.locals), mems=dict(self.mems))

    @property
    def static_shared_bytes(self) -> int:
        """Bytes of all static shared arrays, each aligned to 16."""
        total = 0
        for mem in self.mems.values():
            if mem.space == "shared" and mem.of is None and mem.size is not None:
                total = (total + 15) // 16 * 16 + mem.size * mem.dtype.itemsize
        return total


# ------------------------------------------------------------------------------------- walking


def operands(e: Expr) -> tuple[Expr, ...]:
    """The direct operands of an expression."""
    match e:
        case Binary() | Compare() | Logical():
            return (e.left, e.right)
        case Unary() | Cast() | Bitcast():
            return (e.operand,)
        case Select():
            return (e.condition, e.if_true, e.if_false)
        case Call():
            return e.arguments
        case Load():
            return e.indices
        case _:
            return ()


def walk(e: Expr) -> Iterator[Expr]:
    """``e`` and everything below it, parents first."""
    yield e
    for operand in operands(e):
        yield from walk(operand)


def map_operands(e: Expr, f: Callable[[Expr], Expr]) -> Expr:
    """``e`` with ``f`` applied to its direct operands (the same node if none changed)."""
    old = operands(e)
    new = tuple(f(x) for x in old)
    if all(a is b for a, b in zip(old, new, strict=True)):
        return e
    match e:
        case Binary():
            return Binary(e.op, new[0], new[1], e.type, e.nowrap, e.loc)
        case Compare():
            return Compare(e.op, new[0], new[1], e.loc)
        case Logical():
            return Logical(e.op, new[0], new[1], e.loc)
        case Unary():
            return Unary(e.op, new[0], e.type, e.loc)
        case Cast():
            return Cast(new[0], e.type, e.loc)
        case Bitcast():
            return Bitcast(new[0], e.type, e.loc)
        case Select():
            return Select(new[0], new[1], new[2], e.type, e.loc)
        case Call():
            return Call(e.function, new, e.type, e.loc)
        case Load():
            return Load(e.mem, new, e.type, e.loc)
        case _:
            raise AssertionError(f"{type(e).__name__} has no operands")


def expressions(s: Stmt) -> tuple[Expr, ...]:
    """The expressions a statement evaluates itself, not those of nested statements."""
    match s:
        case Assign():
            return (s.value,)
        case Store():
            return (*s.indices, s.value)
        case If() | While():
            return (s.condition,)
        case For():
            return (s.start, s.stop, s.step)
        case Barrier():
            return () if s.predicate is None else (s.predicate,)
        case Atomic():
            return (*s.indices, s.value, *(() if s.compare is None else (s.compare,)))
        case Warp():
            return (*s.arguments, *(x for x in (s.width, s.mask) if x is not None))
        case Print():
            return tuple(p for p in s.parts if not isinstance(p, str))
        case Assert():
            return (s.condition, *s.values)
        case _:
            return ()


def map_expressions(s: Stmt, f: Callable[[Expr], Expr]) -> Stmt:
    """``s`` with ``f`` applied to each expression it evaluates itself."""

    def maybe(e: Expr | None) -> Expr | None:
        return None if e is None else f(e)

    match s:
        case Assign():
            return replace(s, value=f(s.value))
        case Store():
            return replace(s, indices=tuple(f(i) for i in s.indices), value=f(s.value))
        case If() | While():
            return replace(s, condition=f(s.condition))
        case For():
            return replace(s, start=f(s.start), stop=f(s.stop), step=f(s.step))
        case Barrier():
            return replace(s, predicate=maybe(s.predicate))
        case Atomic():
            return replace(
                s,
                indices=tuple(f(i) for i in s.indices),
                value=f(s.value),
                compare=maybe(s.compare),
            )
        case Warp():
            return replace(
                s,
                arguments=tuple(f(a) for a in s.arguments),
                width=maybe(s.width),
                mask=maybe(s.mask),
            )
        case Print():
            return replace(s, parts=tuple(p if isinstance(p, str) else f(p) for p in s.parts))
        case Assert():
            return replace(s, condition=f(s.condition), values=tuple(f(v) for v in s.values))
        case _:
            return s


def blocks(s: Stmt) -> tuple[list[Stmt], ...]:
    """The nested statement lists of a statement."""
    match s:
        case If():
            return (s.then, s.orelse)
        case For() | Scope():
            return (s.body,)
        case While():
            return (s.body, s.post)
        case _:
            return ()


def map_blocks(s: Stmt, f: Callable[[list[Stmt]], list[Stmt]]) -> Stmt:
    """``s`` with ``f`` applied to each nested statement list."""
    match s:
        case If():
            return replace(s, then=f(s.then), orelse=f(s.orelse))
        case For() | Scope():
            return replace(s, body=f(s.body))
        case While():
            return replace(s, body=f(s.body), post=f(s.post))
        case _:
            return s


def statements(body: Sequence[Stmt]) -> Iterator[Stmt]:
    """All statements of a list, nested ones included, in source order."""
    for s in body:
        yield s
        for block in blocks(s):
            yield from statements(block)


def target(s: Stmt) -> str | None:
    """The local a statement assigns, if any."""
    match s:
        case Assign() | For():
            return s.target
        case Barrier() | Atomic() | Warp() | Clock():
            return s.result
        case _:
            return None


def reads(s: Stmt) -> Iterator[str]:
    """Names of the locals a statement itself reads (not those of nested statements)."""
    for e in expressions(s):
        for x in walk(e):
            if isinstance(x, Local):
                yield x.name


def contains(body: Sequence[Stmt], *kinds: type) -> bool:
    """Whether a list holds a statement of one of the given classes, at any depth."""
    return any(isinstance(s, kinds) for s in statements(body))
