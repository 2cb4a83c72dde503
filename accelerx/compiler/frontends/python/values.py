"""What an expression can be while lifting: a scalar with code, or something known at compile time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from accelerx.compiler import ir
from accelerx.compiler.diagnostics import Loc
from accelerx.compiler.frontends.python.bounds import Form
from accelerx.compiler.frontends.python.promotion import Number, Typing
from accelerx.dtypes import DType


@dataclass(slots=True, eq=False)
class Index:
    """How an integer descends from indices, which decides what may carry ``nowrap``.

    Attributes:
        varying: It differs between the threads of a block.
        carried: A loop hands it from one trip to the next: 1 as it is, 2 scaled.
    """

    varying: bool = False
    carried: int = 0


@dataclass(slots=True, eq=False)
class Scalar:
    """A number. A compile-time constant has ``constant`` and no ``expr``.

    Attributes:
        form: Its linear form, for an integer.
        index: Set if it is index arithmetic.
        when_true: For a bool, forms that are >= 0 if it holds.
        when_false: The same if it does not hold.
    """

    expr: ir.Expr | None
    dtype: DType
    weak: bool = False
    constant: Number | None = None
    form: Form | None = None
    index: Index | None = None
    when_true: tuple[Form, ...] = ()
    when_false: tuple[Form, ...] = ()

    @property
    def typing(self) -> Typing:
        return self.dtype, self.weak

    def __str__(self) -> str:
        return f"a {self.dtype.name}"


@dataclass(slots=True, eq=False)
class Group:
    """Several values under one name. Merging and holding go by the items, whatever the group means."""

    items: tuple[Value, ...]
    names: tuple[str, ...] = ()

    def with_items(self, items: Sequence[Value]) -> Group:
        """The same kind of group, of other items."""
        return type(self)(tuple(items), self.names)


@dataclass(slots=True, eq=False)
class Tuple(Group):
    """A tuple; ``names`` are a named one's fields."""

    def __str__(self) -> str:
        return f"a tuple of {len(self.items)}"


@dataclass(slots=True, eq=False)
class Complex(Group):
    """A complex number: its real and its imaginary part, two scalars of one type."""

    names: tuple[str, ...] = ("real", "imag")

    @property
    def real(self) -> Scalar:
        return self._part(0)

    @property
    def imag(self) -> Scalar:
        return self._part(1)

    def _part(self, k: int) -> Scalar:
        part = self.items[k]
        assert isinstance(part, Scalar)
        return part

    @property
    def typing(self) -> Typing:
        """Type of the parts."""
        return self.real.typing

    def __str__(self) -> str:
        return f"a complex{2 * self.real.dtype.bits}"


@dataclass(slots=True, eq=False)
class Axis:
    """One axis of a view: element ``k`` is at ``start + k * step`` of the array's axis ``axis``.

    ``extent`` is None for dynamic shared memory, whose length the kernel does not know.
    """

    axis: int
    start: Scalar | None
    step: Scalar | None
    extent: Scalar | None


@dataclass(slots=True, eq=False)
class View:
    """An array, or a part of one: fixed indices on some axes, ranges on the others."""

    mem: ir.Mem
    fixed: dict[int, Scalar]
    axes: tuple[Axis, ...]
    writable: bool = True

    @property
    def dtype(self) -> DType:
        return self.mem.dtype

    def __str__(self) -> str:
        if not self.axes and self.dtype.is_opaque:
            return f"a record {self.dtype.name}"
        return f"a {len(self.axes)}-d array of {self.dtype.name}"


@dataclass(slots=True, eq=False)
class Choice:
    """One of several arrays, by a number that only the running thread knows.

    What a variable is once paths on which it stood for different arrays have met.
    """

    which: Scalar
    views: tuple[View, ...]

    @property
    def axes(self) -> tuple[Axis, ...]:
        return self.views[0].axes

    @property
    def dtype(self) -> DType:
        return self.views[0].dtype

    def __str__(self) -> str:
        return str(self.views[0])


@dataclass(slots=True, eq=False)
class Object:
    """Any other Python object: a module, a function, a dtype, a string, None, a slice."""

    value: object

    def __str__(self) -> str:
        if self.value is None or isinstance(self.value, str):
            return repr(self.value)
        name = getattr(self.value, "__name__", None)
        return f"{type(self.value).__name__} {name}" if name else f"a {type(self.value).__name__}"


@dataclass(slots=True, eq=False)
class Range:
    """The numbers of ``range(start, stop, step)``; all three have one type."""

    start: Scalar
    stop: Scalar
    step: Scalar

    def __str__(self) -> str:
        return "a range"


@dataclass(slots=True, eq=False)
class Zip:
    """Several iterables in step; ``enumerate`` is a zip of a counter and an iterable.

    A ``strict`` one stops the launch if their lengths differ.
    """

    parts: tuple[Value, ...]
    strict: bool = False

    def __str__(self) -> str:
        return "a zip"


@dataclass(slots=True, eq=False)
class Counter:
    """``start, start + 1, ...`` without end."""

    start: Scalar

    def __str__(self) -> str:
        return "a counter"


Value = Scalar | Group | View | Choice | Object | Range | Zip | Counter

# ------------------------------------------------------------------ what a variable's name stands for


@dataclass(slots=True, eq=False)
class Variable:
    """A scalar variable at a point of the program; it lives in the KIR local ``local``.

    A variable whose type changes has one local per type; at any point one of them is current.
    """

    local: str
    dtype: DType
    weak: bool = False
    constant: Number | None = None
    form: Form | None = None
    index: Index | None = None
    loc: Loc | None = None

    @property
    def typing(self) -> Typing:
        return self.dtype, self.weak


@dataclass(slots=True, eq=False)
class GroupVariable:
    """A variable holding a group; its items are the variables ``name.0``, ``name.1``, ...

    ``like`` is the group it was bound to, for its kind and its names.
    """

    length: int
    like: Group


@dataclass(slots=True, eq=False)
class ChoiceVariable:
    """A variable that is one of several arrays; the KIR local ``local`` holds which."""

    local: str
    views: tuple[View, ...]

    def __str__(self) -> str:
        return str(self.views[0])


@dataclass(slots=True, eq=False)
class Conflict:
    """A variable that stands for different things on the paths that lead here."""

    reason: str


Binding = Variable | GroupVariable | ChoiceVariable | Conflict | Value
Environment = dict[str, Binding]


@dataclass(slots=True, eq=False)
class Merge:
    """What earlier passes found out about a variable at a loop's head or a function's exit."""

    typing: Typing | None = None
    conflict: str = ""
    nonnegative: bool = True
    index: bool = True
    varying: bool = False
    needed: bool = False
    arrays: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Jump:
    """A place that control leaves for: the end of a loop, of a trip, or of an inlined function.

    ``label`` names the Scope to leave; None: Break or Continue does. ``key`` begins the entries in
    the memo of a place that several paths lead to.
    """

    label: str | None
    key: tuple[object, ...] = ()
    environments: list[Environment] = field(default_factory=list)
