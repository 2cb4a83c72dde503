"""Expressions over a whole block: from KIR's trees to vector statements over temporaries.

A value on which all lanes agree stays an expression of the scalar core; any other becomes a slice of
a tensor. Truth values are masks while they are computed, and bytes in variables.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.diagnostics import Loc
from accelerx.compiler.ir import Const, Expr, Kernel
from accelerx.compiler.passes import lanes
from accelerx.compiler.passes.fold import fold_root
from accelerx.compiler.tile import ir as tile
from accelerx.compiler.tile.kinds import Form, Forms, add, cast, mul, number, sub
from accelerx.dtypes import DType

_CALLS: dict[str, tile.ElementwiseOp] = {
    "sqrt": "sqrt", "rsqrt": "rsqrt", "exp": "exp", "log": "log", "floor": "floor", "ceil": "ceil",
    "trunc": "trunc", "rint": "rint", "abs": "abs", "fma": "fma",
}  # fmt: skip
_SWAPPED: dict[ir.CompareOp, ir.CompareOp] = {
    "eq": "eq", "ne": "ne", "lt": "gt", "le": "ge", "gt": "lt", "ge": "le",
}  # fmt: skip
_LIMIT = 1 << 30


class Scalar(Exception):
    """A statement has no vector form; the message says why, for the user."""


@dataclass(frozen=True, slots=True)
class Active:
    """Which lanes take part: those below ``count``, and of these those that ``mask`` names."""

    count: Expr
    mask: str | None = None


@dataclass(slots=True)
class Builder:
    """What expressions and statements emit to: the program as far as it is made.

    Attributes:
        kernel: The kernel, in normal form.
        kinds: Lane kinds of its locals.
        lanes: Lanes of the tile.
        tensors: Declared tensors.
        scalars: Declared scalars.
        out: The list that statements are appended to.
        active: Lanes that take part at present.
        loc: Place of the statement being lowered.
        gathers: Whether the statement looked something up.
    """

    kernel: Kernel
    kinds: lanes.Lanes
    lanes: int
    tensors: dict[str, tile.Tensor]
    scalars: dict[str, DType]
    out: list[tile.Stmt]
    active: Active
    loc: Loc | None = None
    gathers: bool = False
    forms: Forms = field(init=False)

    def __post_init__(self) -> None:
        self.forms = Forms(self.kinds)

    @property
    def block(self) -> tuple[int, int, int]:
        assert self.kernel.block is not None
        return self.kernel.block

    def emit(self, s: tile.Stmt) -> None:
        self.out.append(s)

    # ---- declarations

    def fresh(self, stem: str) -> str:
        """A name that nothing has."""
        name, n = stem, 1
        taken = (self.tensors, self.scalars, self.kernel.mems, self.kernel.locals)
        while any(name in names for names in taken):
            name, n = f"{stem}.{n}", n + 1
        return name

    def temp(self, dtype: DType) -> tile.Slice:
        """A new tensor of one element a lane."""
        name = self.fresh("t")
        self.tensors[name] = tile.Tensor(name, dtype, self.lanes, "temp")
        return tile.Slice(name, number(0))

    def new_mask(self) -> str:
        name = self.fresh("m")
        self.tensors[name] = tile.Tensor(name, dtypes.bool_, self.lanes, "temp", mask=True)
        return name

    def scalar(self, stem: str, dtype: DType) -> str:
        """A new scalar variable."""
        name = self.fresh(stem)
        self.scalars[name] = dtype
        return name

    def tensor_of(self, local: str) -> str:
        """The tensor of a varying local, declared when first needed."""
        name = f"{local}.v" if local in self.kernel.mems else local
        if name not in self.tensors:
            dtype = self.kernel.locals[local]
            shown = local.partition(".")[0]
            self.tensors[name] = tile.Tensor(name, dtype, self.lanes, "local", shown=shown)
        return name

    def set_scalar(self, stem: str, e: Expr) -> Expr:
        """A scalar that holds a value, or the value itself where it is as simple."""
        if isinstance(e, Const | ir.Local | ir.ParamRef):
            return e
        name = self.scalar(stem, e.type)
        self.emit(ir.Assign(name, e, self.loc))
        return ir.Local(name, e.type)

    # ---- values

    def value(self, e: Expr) -> tile.Operand:
        """The value of an expression in all active lanes."""
        if self.forms.uniform(e):
            return e
        if e.type.is_bool:
            return self._bytes(e)
        if isinstance(e, ir.Local) and self.kinds.kind(e).lane.stride is None:
            return tile.Slice(self.tensor_of(e.name), number(0))
        form = self.forms.of(e)
        if form is not None:
            return self._iota(form)
        match e:
            case ir.Binary():
                return self._binary(e)
            case ir.Unary():
                return self._elementwise(e.op, (e.operand,), e.type)  # type: ignore[arg-type]
            case ir.Select():
                return self._select(e)
            case ir.Cast():
                return self._cast(e)
            case ir.Bitcast():
                inner = self.slice(e.operand)
                return tile.Slice(inner.tensor, inner.start, e.type)
            case ir.Call():
                return self._call(e)
            case ir.Load():
                return self.load(e)
            case ir.Special():
                return self._linear(e)
        raise Scalar(f"{type(e).__name__} has no vector form")

    def slice(self, e: Expr) -> tile.Slice:
        """The value of an expression as a tensor."""
        return self.as_slice(self.value(e), e.type)

    def as_slice(self, value: tile.Operand, dtype: DType) -> tile.Slice:
        """An operand as a tensor."""
        if isinstance(value, tile.Slice):
            return value
        target = self.temp(dtype)
        self.emit(tile.Fill(target, value, self.active.count, self.loc))
        return target

    def _vector_type(self, dtype: DType) -> None:
        if dtype.bits == 64:
            raise Scalar(f"vectors have no {dtype.name} arithmetic")

    def _elementwise(
        self, op: tile.ElementwiseOp, operands: tuple[Expr, ...], dtype: DType
    ) -> tile.Slice:
        self._vector_type(dtype)
        values = tuple(self.value(x) for x in operands)
        target = self.temp(dtype)
        self.emit(tile.Elementwise(op, target, values, self.active.count, self.loc))
        return target

    def _binary(self, e: ir.Binary) -> tile.Slice:
        return self._elementwise(e.op, (e.left, e.right), e.type)

    def _iota(self, form: Form) -> tile.Slice:
        self._vector_type(form.type)
        target = self.temp(form.type)
        run = form.run(self.block)
        if run is not None:
            step = number(run, form.type)
            self.emit(tile.Iota(target, form.base, step, self.active.count, self.loc))
            return target
        x, y, _ = self.block
        for z in range(self.block[2]):
            row = self.scalar("row", dtypes.int32)
            at = ir.Local(row, dtypes.int32)
            start = add(add(form.base, mul(form.steps[1], cast(at, form.type))),
                        mul(form.steps[2], number(z, form.type)))  # fmt: skip
            place = tile.Slice(target.tensor, add(mul(at, number(x)), number(z * x * y)))
            fill = tile.Iota(place, start, form.steps[0], number(x), self.loc)
            self.emit(ir.For(row, number(0), number(y), number(1), [fill], loc=self.loc))  # type: ignore[list-item]
        return target

    def _linear(self, e: ir.Special) -> tile.Slice:
        """The thread's number in its warp, or its warp's."""
        target = self.temp(dtypes.int32)
        self.emit(tile.Iota(target, number(0), number(1), self.active.count, self.loc))
        op: tile.ElementwiseOp = "and" if e.kind == "lane" else "shr"
        by = number(lanes.WARP - 1 if e.kind == "lane" else 5)
        self.emit(tile.Elementwise(op, target, (target, by), self.active.count, self.loc))
        return target

    def _select(self, e: ir.Select) -> tile.Slice:
        self._vector_type(e.type)
        mask = self.mask(e.condition)
        yes, no = self.value(e.if_true), self.value(e.if_false)
        target = self.temp(e.type)
        self.emit(tile.Select(target, mask, yes, no, self.active.count, self.loc))
        return target

    def _cast(self, e: ir.Cast) -> tile.Slice:
        self._vector_type(e.type)
        target = self.temp(e.type)
        if e.operand.type.is_bool:
            self.emit(tile.FromMask(target, self.mask(e.operand), self.active.count, self.loc))
            return target
        self._vector_type(e.operand.type)
        source = self.slice(e.operand)
        self.emit(tile.Convert(target, source, self.active.count, self.loc))
        return target

    def _call(self, e: ir.Call) -> tile.Slice:
        op = _CALLS.get(e.function)
        if op is None:
            raise Scalar(f"{e.function} has no vector form")
        return self._elementwise(op, e.arguments, e.type)

    # ---- truth values

    def _bytes(self, e: Expr) -> tile.Slice:
        """Truth values as bytes."""
        if isinstance(e, ir.Local):
            return tile.Slice(self.tensor_of(e.name), number(0))
        if isinstance(e, ir.Load):
            return self.load(e)
        target = self.temp(dtypes.bool_)
        self.emit(tile.FromMask(target, self.mask(e), self.active.count, self.loc))
        return target

    def mask(self, e: Expr) -> str:
        """The truth values of an expression as a mask of its own."""
        match e:
            case _ if self.forms.uniform(e):
                mask = self.new_mask()
                stop = ir.Select(e, self.active.count, number(0), dtypes.int32)
                self.emit(tile.MaskRange(mask, number(0), stop, self.active.count, self.loc))
                return mask
            case ir.Compare():
                return self._compare(e)
            case ir.Logical():
                return self._logic(e.op, self.mask(e.left), self.mask(e.right))
            case ir.Unary("not"):
                return self._logic("not", self.mask(e.operand))
            case ir.Select():
                return self._choice(e)
            case ir.Cast():
                return self._comparison("ne", e.operand, _zero(e.operand.type))
            case ir.Call("isnan"):
                return self._comparison("ne", e.arguments[0], e.arguments[0])
            case ir.Local() | ir.Load():
                return self._comparison("ne", e, Const(False, dtypes.bool_))
        raise Scalar(f"{getattr(e, 'function', type(e).__name__)} has no vector form")

    def _logic(self, op: tile.MaskOp, *operands: str) -> str:
        mask = self.new_mask()
        self.emit(tile.MaskLogic(op, mask, operands, self.active.count, self.loc))
        return mask

    def _choice(self, e: ir.Select) -> str:
        condition, yes, no = (self.mask(x) for x in (e.condition, e.if_true, e.if_false))
        return self._logic(
            "or", self._logic("and", condition, yes), self._logic("andnot", no, condition)
        )

    def combine(self, mask: str, *, negated: bool = False) -> str:
        """A mask, or its opposite, within the lanes that are active."""
        if self.active.mask is not None:
            return self._logic("andnot" if negated else "and", self.active.mask, mask)
        return self._logic("not", mask) if negated else mask

    def _comparison(self, op: ir.CompareOp, left: Expr, right: Expr) -> str:
        self._vector_type(left.type)
        a, b = self.value(left), self.value(right)
        mask = self.new_mask()
        self.emit(tile.Compare(op, mask, a, b, self.active.count, self.loc))
        return mask

    def _compare(self, e: ir.Compare) -> str:
        if e.left.type.is_integer:
            a, b = self.forms.of(e.left), self.forms.of(e.right)
            if a is not None and b is not None and (a.uniform or b.uniform):
                op, form, bound = (e.op, a, b.base) if b.uniform else (_SWAPPED[e.op], b, a.base)
                if all(isinstance(s, Const) for s in form.steps):
                    return self._affine_compare(op, form, bound)
        return self._comparison(e.op, e.left, e.right)

    def _affine_compare(self, op: ir.CompareOp, form: Form, bound: Expr) -> str:
        """Compares the part of a value that differs between lanes, which is small."""
        away = clamped(distance(bound, form.base), -_LIMIT, _LIMIT)
        limit = self.set_scalar("bound", cast(away, dtypes.int32))
        x, y, z = (number(int(s.value)) for s in form.steps if isinstance(s, Const))
        part = self._iota(Form(number(0), (x, y, z)))
        mask = self.new_mask()
        self.emit(tile.Compare(op, mask, part, limit, self.active.count, self.loc))
        return mask

    # ---- memory

    def load(self, e: ir.Load) -> tile.Slice:
        """Elements of an array, one a lane."""
        m = self.kernel.mems[e.mem]
        if m.of is not None and m.space != "global":
            raise Scalar(f"{m.name} is a view of {m.of}")
        if m.space == "local":
            return self.own_row(e.mem, e.indices[0])
        form = self.forms.of(e.indices[0])
        run = None if form is None else form.run(self.block)
        if m.space == "shared":
            if form is not None and run == 1 and self.inside(e.mem, form.base):
                return tile.Slice(e.mem, cast(form.base, dtypes.int32))
            return self._gather(e)
        if form is not None and run == 1 and self.active.mask is None and m.of is None:
            target = self.temp(e.type)
            self.emit(tile.Load(target, e.mem, form.base, self.active.count, loc=self.loc))
            return target
        raise Scalar(f"lanes load from scattered elements of {e.mem}")

    def inside(self, mem: str, start: Expr) -> bool:
        """Whether a slice of an on-chip array is sure to lie in it, lanes that are off included."""
        if self.active.mask is None:
            return True
        last = self.tensors[mem].size - self.lanes
        return isinstance(start, Const) and 0 <= start.value <= last

    def own_row(self, mem: str, index: Expr) -> tile.Slice:
        """One element of each lane's own array."""
        if not self.forms.uniform(index):
            raise Scalar(f"lanes index {mem}, an array of their own, differently")
        return tile.Slice(mem, mul(cast(index, dtypes.int32), number(self.lanes)))

    def _gather(self, e: ir.Load) -> tile.Slice:
        index = self.slice(narrow(e.indices[0]))
        if self.active.mask is not None:
            safe = self.temp(dtypes.int32)
            self.emit(
                tile.Select(safe, self.active.mask, index, number(0), self.active.count, self.loc)
            )
            index = safe
        target = self.temp(e.type)
        table = tile.Slice(e.mem, number(0))
        self.emit(tile.Gather(target, table, index, self.active.count, self.loc))
        self.gathers = True
        return target


def narrow(e: Expr) -> Expr:
    """An index of an on-chip array in 32 bits, which it fits: the same tree, narrower."""
    if e.type is dtypes.int32:
        return e
    if isinstance(e, ir.Cast) and e.operand.type.is_integer:
        return narrow(e.operand)
    if isinstance(e, ir.Binary) and e.op in ("add", "sub", "mul", "and", "or", "xor"):
        left, right = narrow(e.left), narrow(e.right)
        return fold_root(ir.Binary(e.op, left, right, dtypes.int32, False, e.loc))
    return cast(e, dtypes.int32)


def distance(a: Expr, b: Expr) -> Expr:
    """``a - b`` in 64 bits, where it does not wrap."""
    return sub(cast(a, dtypes.int64), cast(b, dtypes.int64))


def clamped(e: Expr, low: int, high: int) -> Expr:
    """``e`` limited to a range."""
    least = fold_root(ir.Binary("max", e, number(low, e.type), e.type))
    return fold_root(ir.Binary("min", least, number(high, e.type), e.type))


def _zero(dtype: DType) -> Const:
    value: float | bool = False if dtype.is_bool else 0.0 if dtype.is_float else 0
    return Const(value, dtype)
