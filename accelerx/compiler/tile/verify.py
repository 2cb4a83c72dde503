"""Checks that a tile program obeys its rules; lowering and every pass must hand on one that does.

The scalar half of the language is KIR's, so KIR's own verifier checks it: on a *skeleton* of the
program, a kernel in which tensors are shared arrays and vector statements are only the scalar
expressions they evaluate and the scalars they set. What is left for this module is what the vector
statements do with their tensors and masks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.diagnostics import render
from accelerx.compiler.printer import print_expr
from accelerx.compiler.tile import ir as tile
from accelerx.compiler.tile.printer import head
from accelerx.compiler.verify import VerifyError
from accelerx.compiler.verify import verify as verify_kernel
from accelerx.dtypes import DType

_SCALAR = (
    ir.Assign, ir.Store, ir.If, ir.For, ir.While, ir.Break, ir.Continue, ir.Scope, ir.Exit, ir.Atomic,
    ir.Print, ir.Assert, ir.Fence,
)  # fmt: skip
_VECTOR = (
    tile.Elementwise, tile.Fill, tile.Iota, tile.Convert, tile.Compare, tile.MaskRange,
    tile.MaskLogic, tile.FromMask, tile.Select, tile.Gather, tile.Scatter, tile.Reduce,
    tile.CountMask, tile.Load, tile.Store, tile.Contract, tile.LaneLoop, tile.GridSync,
)  # fmt: skip
_FLOATS = frozenset(
    {"div", "sqrt", "rsqrt", "reciprocal", "exp", "log", "floor", "ceil", "trunc", "rint", "fma"}
)
_INTEGERS = frozenset({"quot", "rem", "floordiv", "mod", "shl", "shr", "invert"})
_BITS = frozenset({"and", "or", "xor", "copy"})  # bools too
_MASK_ARITY = {"and": 2, "or": 2, "xor": 2, "andnot": 2, "not": 1, "copy": 1}


def verify(program: tile.Program) -> None:
    """Checks every rule of tile programs.

    Raises:
        VerifyError: at the first broken rule.
    """
    _Verifier(program).run()


class _Verifier:
    def __init__(self, program: tile.Program) -> None:
        self.program, self.kernel = program, program.kernel
        self.params = {p.name: p for p in self.kernel.params}
        self.statement: tile.Stmt | None = None
        self.waits = False

    def run(self) -> None:
        for name, t in self.program.tensors.items():
            self._tensor(name, t)
        self._list(self.program.body)
        self.statement = None
        flag = f"cooperative is {self.program.cooperative}, a wait for the grid says {self.waits}"
        self.need(self.program.cooperative == self.waits, "cooperative", flag)
        self._specials()
        verify_kernel(_skeleton(self.program), constant_bounds=False)

    # ---- reporting

    def fail(self, rule: str, message: str) -> NoReturn:
        context, loc = "", self.kernel.loc
        if self.statement is not None:
            context = f" in '{_safe_head(self.statement)}'"
            loc = self.statement.loc or loc
        text = f"program {self.kernel.name} breaks a rule of tile programs ({rule}): {message}{context}"
        raise VerifyError(render(loc, text, severity="internal error"), rule)

    def need(self, condition: bool, rule: str, message: str) -> None:
        if not condition:
            self.fail(rule, message)

    def same(self, actual: DType, wanted: DType, what: str) -> None:
        self.need(actual is wanted, "types match", f"{what} is {actual!r}, must be {wanted!r}")

    # ---- declarations

    def _tensor(self, name: str, t: tile.Tensor) -> None:
        self.need(t.name == name, "names", f"tensor {t.name} is filed under {name}")
        mem = self.kernel.mems.get(name)
        taken = name in self.program.scalars or (
            mem is not None and mem.space not in ("shared", "local")
        )
        self.need(not taken, "names", f"tensor {name} has the name of something else")
        self.need(t.size > 0, "tensors", f"tensor {name} has {t.size} elements")
        self.need(not t.mask or t.dtype.is_bool, "tensors", f"mask {name} is of {t.dtype!r}")
        self.need(t.copies in (1, 2), "tensors", f"tensor {name} has {t.copies} copies")
        self.need(
            0 <= t.phase < t.size, "tensors", f"tensor {name} of {t.size} has phase {t.phase}"
        )

    def _specials(self) -> None:
        for s in tile.statements(self.program.body):
            self.statement = s
            for e in expressions(s):
                for x in ir.walk(e):
                    differs = isinstance(x, ir.Special) and x.kind in ("thread", "lane", "warp")
                    self.need(
                        not differs, "specials", f"'{print_expr(x)}' differs between the lanes"
                    )

    # ---- operands

    def slice(self, s: tile.Slice) -> DType:
        """Checks a slice and returns the type of its elements."""
        t = self.program.tensors.get(s.tensor)
        if t is None:
            self.fail("tensors are declared", f"tensor {s.tensor} is not declared")
        self.need(not t.mask, "masks", f"mask {t.name} is used as a tensor of numbers")
        self.integer(s.start, f"start of a slice of {t.name}")
        if s.dtype is None:
            return t.dtype
        width = f"{t.name} of {t.dtype!r} is read as {s.dtype!r}"
        self.need(s.dtype.bits == t.dtype.bits, "slice types", width)
        return s.dtype

    def operand(self, x: tile.Operand) -> DType:
        return self.slice(x) if isinstance(x, tile.Slice) else x.type

    def mask(self, name: str) -> None:
        t = self.program.tensors.get(name)
        if t is None:
            self.fail("tensors are declared", f"mask {name} is not declared")
        self.need(t.mask, "masks", f"{name} is used as a mask and is none")

    def integer(self, e: ir.Expr, what: str) -> None:
        self.need(e.type.is_integer, "scalar integers", f"{what} is {e.type!r}, must be an integer")

    def some_slice(self, *operands: tile.Operand) -> None:
        vector = any(isinstance(x, tile.Slice) for x in operands)
        self.need(vector, "operands", "no operand is a slice")

    def result(self, name: str, dtype: DType) -> None:
        declared = self.program.scalars.get(name)
        if declared is None:
            self.fail("scalars are declared", f"scalar {name} is not declared")
        self.same(dtype, declared, f"value for scalar {name}")

    # ---- statements

    def _list(self, body: Sequence[tile.Stmt]) -> None:
        for s in body:
            self.statement = s
            known = isinstance(s, _SCALAR + _VECTOR)
            self.need(known, "node classes", f"{type(s).__name__} is no statement of tile programs")
            if isinstance(s, _VECTOR):
                if not isinstance(s, (tile.Contract, tile.GridSync)):
                    self.integer(s.count, "the count")
                _VECTOR_STMT[type(s)](self, s)
            for block in tile.blocks(s):
                self._list(block)

    def elementwise(self, s: tile.Elementwise) -> None:
        arity = tile.ARITY.get(s.op)
        self.need(arity is not None, "operators", f"no operation {s.op!r}")
        count = f"{s.op} takes {arity} operands, has {len(s.operands)}"
        self.need(len(s.operands) == arity, "operators", count)
        t = self.slice(s.target)
        legal = (
            s.op in _BITS if t.is_bool else t.is_float if s.op in _FLOATS
            else t.is_integer if s.op in _INTEGERS | (_BITS - {"copy"}) else True
        )  # fmt: skip
        # rem and mod are defined on floats as well.
        legal |= t.is_float and s.op in ("rem", "mod")
        self.need(legal, "operator domains", f"{s.op} is not defined on {t!r}")
        self.some_slice(*s.operands)
        for n, x in enumerate(s.operands, 1):
            self.same(self.operand(x), t, f"operand {n} of {s.op}")

    def fill(self, s: tile.Fill) -> None:
        self.same(s.value.type, self.slice(s.target), "value of a fill")

    def iota(self, s: tile.Iota) -> None:
        t = self.slice(s.target)
        self.need(not t.is_bool, "operator domains", "iota is not defined on b")
        self.same(s.start.type, t, "start of iota")
        self.same(s.step.type, t, "step of iota")

    def convert(self, s: tile.Convert) -> None:
        self.slice(s.target)
        self.slice(s.source)

    def compare(self, s: tile.Compare) -> None:
        self.mask(s.mask)
        self.some_slice(s.left, s.right)
        t = self.operand(s.left)
        self.same(self.operand(s.right), t, f"right operand of {s.op} (as its left)")
        ordered = s.op not in ("eq", "ne")
        self.need(
            not (t.is_bool and ordered), "operator domains", f"{s.op} is not defined on {t!r}"
        )

    def mask_range(self, s: tile.MaskRange) -> None:
        self.mask(s.mask)
        self.integer(s.start, "the range's start")
        self.integer(s.stop, "the range's stop")

    def mask_logic(self, s: tile.MaskLogic) -> None:
        arity = _MASK_ARITY.get(s.op)
        count = f"{s.op} takes {arity} masks, has {len(s.operands)}"
        self.need(arity == len(s.operands), "operators", count)
        for name in (s.target, *s.operands):
            self.mask(name)

    def from_mask(self, s: tile.FromMask) -> None:
        self.slice(s.target)
        self.mask(s.mask)

    def select(self, s: tile.Select) -> None:
        self.mask(s.mask)
        t = self.slice(s.target)
        self.same(self.operand(s.if_true), t, "first value of select")
        self.same(self.operand(s.if_false), t, "second value of select")

    def gather(self, s: tile.Gather) -> None:
        self.same(self.slice(s.table), self.slice(s.target), "the table")
        self.same(self.slice(s.index), dtypes.int32, "the index")

    def scatter(self, s: tile.Scatter) -> None:
        self.same(self.slice(s.table), self.slice(s.source), "the table")
        self.same(self.slice(s.index), dtypes.int32, "the index")

    def reduce(self, s: tile.Reduce) -> None:
        self.need(s.op in ("add", "min", "max"), "operators", f"no reduction {s.op!r}")
        t = self.slice(s.source)
        self.need(not t.is_bool, "operator domains", f"reduce {s.op} is not defined on b")
        self.result(s.result, t)

    def count_mask(self, s: tile.CountMask) -> None:
        self.mask(s.mask)
        self.result(s.result, dtypes.int32)

    def load(self, s: tile.Load) -> None:
        m = self._outside(s.mem)
        self.same(self.slice(s.target), m.dtype, f"target of a load of {s.mem}")
        self._rows(s, s.target_stride)

    def store(self, s: tile.Store) -> None:
        m = self._outside(s.mem)
        self.need(m.space == "global", "writes", f"store to {m.space} {s.mem}")
        written = self.params[m.storage].written
        self.need(written, "writes", f"store to {m.storage}, whose parameter is not 'written'")
        self.need(s.atomic in (None, "add", "min", "max"), "operators", f"no atomic {s.atomic!r}")
        self.same(self.slice(s.source), m.dtype, f"source of a store to {s.mem}")
        self._rows(s, s.source_stride)

    def _outside(self, name: str) -> ir.Mem:
        m = self.kernel.mems.get(name)
        if m is None or m.space not in ("global", "const"):
            self.fail("mems are declared", f"{name} is no array outside of the chip")
        return m

    def _rows(self, s: tile.Load | tile.Store, inside: ir.Expr | None) -> None:
        self.integer(s.start, f"start in {s.mem}")
        given = [x for x in (s.rows, s.row_stride, inside) if x is not None]
        whole = len(given) in (0, 3)
        self.need(whole, "rows", "rows, their stride outside and the one on the chip go together")
        for x in given:
            self.integer(x, "the number of rows, or a stride,")

    def contract(self, s: tile.Contract) -> None:
        self.need(min(s.m, s.n, s.k) > 0, "contractions", f"shape {s.m} x {s.n} x {s.k}")
        t = self.slice(s.target)
        self.need(not t.is_bool, "operator domains", "a contraction is not defined on b")
        self.same(self.slice(s.left), t, "left operand")
        self.same(self.slice(s.right), t, "right operand")
        wide = s.target_stride >= s.n and s.left_stride >= s.k and s.right_stride >= s.n
        self.need(wide, "contractions", "a row stride is shorter than its row")

    def lane_loop(self, s: tile.LaneLoop) -> None:
        self.result(s.lane, dtypes.int32)
        self.need(bool(s.reason), "lane loops", "a scalar loop has no reason")
        if s.mask is not None:
            self.mask(s.mask)
        for inner in tile.statements(s.body):
            scalar = isinstance(inner, _SCALAR)
            self.need(scalar, "lane loops", f"a scalar loop holds a {type(inner).__name__}")
        self._jumps(s.body, loops=0, labels=())

    def _jumps(self, body: Sequence[ir.Stmt], loops: int, labels: tuple[str, ...]) -> None:
        """Checks that no jump of a scalar loop's body leaves it."""
        for s in body:
            if isinstance(s, (ir.Break, ir.Continue)):
                self.need(loops > 0, "jumps", f"{head(s)} leaves the scalar loop over lanes")
            if isinstance(s, ir.Exit):
                self.need(s.label in labels, "jumps", f"no scope {s.label} encloses its exit")
            deeper = loops + isinstance(s, (ir.For, ir.While))
            inner = (*labels, s.label) if isinstance(s, ir.Scope) else labels
            for block in ir.blocks(s):
                self._jumps(block, deeper, inner)

    def grid_sync(self, s: tile.GridSync) -> None:
        self.waits = True


# ------------------------------------------------------------------------------------ skeleton


def expressions(s: tile.Stmt) -> Iterator[ir.Expr]:
    """The scalar expressions a statement evaluates itself, starts of slices among them."""
    if not isinstance(s, _VECTOR):
        yield from ir.expressions(s)
        return
    for name in type(s).__dataclass_fields__:
        value = getattr(s, name)
        for x in value if isinstance(value, tuple) else (value,):
            if isinstance(x, tile.Slice):
                yield x.start
            elif isinstance(x, _EXPRESSION):
                yield x


_EXPRESSION = (
    ir.Const, ir.Local, ir.ParamRef, ir.Special, ir.Binary, ir.Unary, ir.Compare, ir.Logical,
    ir.Select, ir.Cast, ir.Bitcast, ir.Call, ir.Load,
)  # fmt: skip


def _skeleton(program: tile.Program) -> ir.Kernel:
    kernel = program.kernel
    mems = {
        name: m
        for name, m in kernel.mems.items()
        if m.space in ("global", "const") or m.of in program.tensors
    }
    for t in program.tensors.values():
        if not t.mask:
            mems[t.name] = ir.Mem(t.name, t.dtype, "shared", (t.size,), (1,), loc=t.loc)
    scalars = {tile.ACTIVE_LANES: dtypes.int32, **program.scalars}
    lanes = ir.Assign(tile.ACTIVE_LANES, ir.Const(0, dtypes.int32))
    body: list[ir.Stmt] = [lanes, *_bones(program, program.body)]
    return replace(kernel, mems=mems, locals=scalars, body=body)


def _bones(program: tile.Program, body: Sequence[tile.Stmt]) -> Iterator[ir.Stmt]:
    """The scalar statements that stand for a list."""
    for s in body:
        if not isinstance(s, _VECTOR):
            yield ir.map_blocks(s, lambda b: list(_bones(program, b)))
            continue
        yield ir.Print(tuple(expressions(s)), loc=s.loc)
        if isinstance(s, tile.LaneLoop):
            zero, one = ir.Const(0, dtypes.int32), ir.Const(1, dtypes.int32)
            count = ir.Cast(s.count, dtypes.int32)
            yield ir.For(s.lane, zero, count, one, list(_bones(program, s.body)), loc=s.loc)
        elif isinstance(s, (tile.Reduce, tile.CountMask)):
            t = program.scalars[s.result]
            value = False if t.is_bool else 0.0 if t.is_float else 0
            yield ir.Assign(s.result, ir.Const(value, t), loc=s.loc)


def _safe_head(s: tile.Stmt) -> str:
    """The statement's first line, or its class if it is too broken to be printed."""
    try:
        return head(s)
    except (LookupError, AttributeError, TypeError):
        return type(s).__name__


_VECTOR_STMT: dict[type, Callable[[_Verifier, Any], None]] = {
    tile.Elementwise: _Verifier.elementwise,
    tile.Fill: _Verifier.fill,
    tile.Iota: _Verifier.iota,
    tile.Convert: _Verifier.convert,
    tile.Compare: _Verifier.compare,
    tile.MaskRange: _Verifier.mask_range,
    tile.MaskLogic: _Verifier.mask_logic,
    tile.FromMask: _Verifier.from_mask,
    tile.Select: _Verifier.select,
    tile.Gather: _Verifier.gather,
    tile.Scatter: _Verifier.scatter,
    tile.Reduce: _Verifier.reduce,
    tile.CountMask: _Verifier.count_mask,
    tile.Load: _Verifier.load,
    tile.Store: _Verifier.store,
    tile.Contract: _Verifier.contract,
    tile.LaneLoop: _Verifier.lane_loop,
    tile.GridSync: _Verifier.grid_sync,
}
