"""Random typed expression trees whose value KIR defines to the bit, whatever their operands are."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.dtypes import DType

i32, i64, u32, b = dtypes.int32, dtypes.int64, dtypes.uint32, dtypes.bool_
INTEGERS = (
    dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64,
    dtypes.uint8, dtypes.uint16, dtypes.uint32, dtypes.uint64,
)  # fmt: skip
FLOATS = (dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64)

_INT_OPS: tuple[ir.BinaryOp, ...] = (
    "add", "sub", "mul", "add", "sub", "mul", "and", "or", "xor", "min", "max",
    "shl", "shr", "quot", "rem", "floordiv", "mod",
)  # fmt: skip
_FLOAT_OPS: tuple[ir.BinaryOp, ...] = (
    "add", "sub", "mul", "add", "sub", "mul", "div", "min", "max", "rem", "mod",
)  # fmt: skip
_COMPARE: tuple[ir.CompareOp, ...] = ("eq", "ne", "lt", "le", "gt", "ge")
_INT_CALLS = ("abs", "popc", "clz", "ffs", "brev", "mulhi")
# Exact functions: any correct implementation gives these bits.
_FLOAT_CALLS = (
    "abs", "sqrt", "floor", "ceil", "trunc", "rint", "round", "copysign", "nextafter", "ldexp", "fma",
)  # fmt: skip


def const(value: float | bool, dtype: DType) -> ir.Const:
    """A Const node."""
    return ir.Const(value, dtype)


def binary(op: ir.BinaryOp, left: ir.Expr, right: ir.Expr, nowrap: bool = False) -> ir.Binary:
    """A Binary node of its left operand's type."""
    return ir.Binary(op, left, right, left.type, nowrap)


def masked(index: ir.Expr, size: int) -> ir.Expr:
    """An index brought into an array of a power of two elements."""
    return binary("and", index, const(size - 1, index.type))


def random_value(rng: random.Random, dtype: DType) -> float | bool:
    """A value of a dtype, often one of those where code goes wrong."""
    if dtype.is_bool:
        return rng.random() < 0.5
    if dtype.is_integer:
        low = -(1 << (dtype.bits - 1)) if dtype.is_signed else 0
        high = low + (1 << dtype.bits) - 1
        r = rng.random()
        if r < 0.6:
            return rng.randint(max(low, -8), min(high, 12))
        if r < 0.8:
            return rng.choice((low, high, low + 1, high - 1, high // 2, 1 << (dtype.bits // 2)))
        return rng.randint(low, high)
    r = rng.random()
    if r < 0.55:
        return rng.randint(-32, 32) / 4
    if r < 0.85:
        return round_float(rng.uniform(-100, 100), dtype)
    special = (0.0, -0.0, float("inf"), float("-inf"), float("nan"), 1e-40, 6e4, 3e38, 1e-7)
    return round_float(rng.choice(special), dtype)


def round_float(value: float, dtype: DType) -> float:
    """``value`` made exactly representable in ``dtype``."""
    code = {"float16": "<e", "float64": "<d"}.get(dtype.name, "<f")
    try:
        packed = struct.pack(code, value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
    if dtype is dtypes.bfloat16 and value == value:
        packed = b"\0\0" + packed[2:]
    return float(struct.unpack(code, packed)[0])


AFFINE_ROOM = 64
LOOP_MOST = 8  # a counted loop's variable is at most this, and not negative


@dataclass(frozen=True, slots=True)
class Readable:
    """An array that any thread may read at any time.

    Attributes:
        mem: Its Mem.
        extents: Powers of two, one an axis; for an affine one, the threads of the launch.
        per_thread: Whether it differs between threads (a local array).
        affine: Whether it is read at steps of the thread's number: it has twice as many elements as
            the launch has threads, and AFFINE_ROOM more.
        scale: What an index counts for an element (of a view; 1 otherwise).
    """

    mem: str
    dtype: DType
    extents: tuple[int, ...]
    per_thread: bool = False
    affine: bool = False
    scale: int = 1


@dataclass(slots=True)
class Scope:
    """What expressions may read at a point of the program."""

    varying: dict[str, DType] = field(default_factory=dict)
    uniform: dict[str, DType] = field(default_factory=dict)
    params: dict[str, DType] = field(default_factory=dict)
    arrays: list[Readable] = field(default_factory=list)


def scaled(index: ir.Expr, by: int) -> ir.Expr:
    """``index * by``, of which a program promises that it does not wrap."""
    if by == 1:
        return index
    return binary("mul", index, const(by, index.type), nowrap=index.type.is_signed)


class Expressions:
    """Makes expressions; ``uniform`` ones have one value in all threads of a block."""

    def __init__(self, rng: random.Random, scope: Scope, types: Sequence[DType]) -> None:
        self.rng, self.scope, self.types = rng, scope, types

    def make(self, dtype: DType, depth: int = 3, uniform: bool = False) -> ir.Expr:
        """A random tree of type ``dtype``."""
        if depth <= 0 or self.rng.random() < 0.3:
            return self.leaf(dtype, uniform)
        if dtype.is_bool:
            return self._bool(depth, uniform)
        r = self.rng.random()
        if r < 0.08:
            return ir.Select(
                self.make(b, depth - 1, uniform),
                self.make(dtype, depth - 1, uniform),
                self.make(dtype, depth - 1, uniform),
                dtype,
            )
        if r < 0.2:
            return self._convert(dtype, depth, uniform)
        if r < 0.3:
            return self._load(dtype, depth, uniform) or self.leaf(dtype, uniform)
        return (
            self._float(dtype, depth, uniform)
            if dtype.is_float
            else self._int(dtype, depth, uniform)
        )

    def leaf(self, dtype: DType, uniform: bool = False) -> ir.Expr:
        """A constant, local, parameter or coordinate."""
        scope, rng = self.scope, self.rng
        names = [n for n, t in scope.uniform.items() if t is dtype]
        if not uniform:
            names += 2 * [n for n, t in scope.varying.items() if t is dtype]
        params = [n for n, t in scope.params.items() if t is dtype]
        choices: list[Callable[[], ir.Expr]] = [lambda: const(random_value(rng, dtype), dtype)]
        if names:
            choices += 3 * [lambda: ir.Local(rng.choice(names), dtype)]
        if params:
            choices.append(lambda: ir.ParamRef(rng.choice(params), dtype))
        if dtype is i32:
            choices.append(lambda: self._special(uniform))
        return rng.choice(choices)()

    def condition(self, uniform: bool = False) -> ir.Expr:
        """A bool that is true about as often as not, also after wild arithmetic."""
        rng = self.rng
        if not uniform and rng.random() < 0.25:
            limit = const(rng.choice((1, 7, 16, 31, 32, 40)), i32)
            thread = ir.Special(rng.choice(("thread", "lane")), 0)
            return ir.Compare(rng.choice(_COMPARE), thread, limit)
        if rng.random() < 0.3:
            return self.make(b, 2, uniform)
        left = masked(self.make(i32, 2, uniform), 8)
        test = ir.Compare(rng.choice(_COMPARE), left, const(rng.randint(0, 6), i32))
        if rng.random() < 0.25:
            return ir.Logical(rng.choice(("and", "or", "xor")), test, self.make(b, 1, uniform))
        return test

    # ---- by type

    def _special(self, uniform: bool) -> ir.Expr:
        kinds: list[ir.SpecialKind] = ["block", "block_dim", "grid_dim"]
        if not uniform:
            kinds += ["thread", "thread", "thread", "lane", "warp"]
        kind = self.rng.choice(kinds)
        return ir.Special(kind, 0 if kind in ("lane", "warp") else self.rng.choice((0, 0, 1, 2)))

    def _bool(self, depth: int, uniform: bool) -> ir.Expr:
        rng = self.rng
        r = rng.random()
        if r < 0.6:
            t = rng.choice([t for t in self.types if not t.is_bool])
            left, right = self.make(t, depth - 1, uniform), self.make(t, depth - 1, uniform)
            return ir.Compare(rng.choice(_COMPARE), left, right)
        if r < 0.75:
            op: ir.LogicalOp = rng.choice(("and", "or", "xor"))
            return ir.Logical(
                op, self.make(b, depth - 1, uniform), self.make(b, depth - 1, uniform)
            )
        if r < 0.85:
            return ir.Unary("not", self.make(b, depth - 1, uniform), b)
        t = rng.choice(self.types)
        operand = self.make(t, depth - 1, uniform)
        if t.is_float and r < 0.93:
            name = rng.choice(("isnan", "isinf", "isfinite"))
            return ir.Call(name, (operand,), b)
        return operand if t.is_bool else ir.Cast(operand, b)

    def _int(self, t: DType, depth: int, uniform: bool) -> ir.Expr:
        rng = self.rng
        r = rng.random()
        if r < 0.1:
            return ir.Unary(rng.choice(("neg", "invert")), self.make(t, depth - 1, uniform), t)
        if r < 0.22:
            name = rng.choice(_INT_CALLS)
            count = 2 if name == "mulhi" else 1
            counts = name in ("popc", "clz", "ffs")
            operands = tuple(self.make(t, depth - 1, uniform) for _ in range(count))
            call = ir.Call(name, operands, i32 if counts else t)
            return ir.Cast(call, t) if call.type is not t else call
        left, right = self.make(t, depth - 1, uniform), self.make(t, depth - 1, uniform)
        op = rng.choice(_INT_OPS)
        if op in ("shl", "shr") and rng.random() < 0.7:
            right = masked(right, t.bits)
        return binary(op, left, right)

    def _float(self, t: DType, depth: int, uniform: bool) -> ir.Expr:
        rng = self.rng
        r = rng.random()
        if r < 0.06:
            return ir.Unary("neg", self.make(t, depth - 1, uniform), t)
        if r < 0.25:
            return self._exact_call(t, depth, uniform)
        left, right = self.make(t, depth - 1, uniform), self.make(t, depth - 1, uniform)
        op = rng.choice(_FLOAT_OPS)
        if op in ("min", "max"):
            # Which zero fmin gives for -0 and +0 is open, so no -0 may reach it: -0 + 0 is +0.
            zero = const(0.0, t)
            left, right = binary("add", left, zero), binary("add", right, zero)
        return binary(op, left, right)

    def _exact_call(self, t: DType, depth: int, uniform: bool) -> ir.Expr:
        name = self.rng.choice(_FLOAT_CALLS)
        count = {"fma": 3, "copysign": 2, "nextafter": 2}.get(name, 1)
        operands = [self.make(t, depth - 1, uniform) for _ in range(count)]
        if name == "copysign":
            operands[1] = self.number(operands[1])
        if name == "ldexp":
            shift = masked(self.make(i32, 1, uniform), 32)
            operands.append(binary("sub", shift, const(16, i32)))
        return ir.Call(name, tuple(operands), t)

    def number(self, e: ir.Expr) -> ir.Expr:
        """A float with NaN, whose bits and sign KIR leaves open, replaced by 1."""
        return ir.Select(ir.Call("isnan", (e,), b), const(1.0, e.type), e, e.type)

    def _convert(self, t: DType, depth: int, uniform: bool) -> ir.Expr:
        source = self.rng.choice(self.types)
        operand = self.make(source, depth - 1, uniform)
        same_width = source.bits == t.bits and not source.is_bool and source is not t
        if same_width and self.rng.random() < 0.4:
            return ir.Bitcast(self.number(operand) if source.is_float else operand, t)
        return ir.Cast(operand, t)

    def _load(self, t: DType, depth: int, uniform: bool) -> ir.Expr | None:
        arrays = [a for a in self.scope.arrays if a.dtype is t]
        if uniform:
            arrays = [a for a in arrays if not (a.per_thread or a.affine)]
        if not arrays:
            return None
        array = self.rng.choice(arrays)
        return ir.Load(array.mem, self.index(array, depth - 1, uniform), t)

    def index(self, array: Readable, depth: int, uniform: bool = False) -> tuple[ir.Expr, ...]:
        """Indices inside an array."""
        if array.affine:
            return (scaled(self._affine(array.extents[0]), array.scale),)
        types = [t for t in self.types if t.is_integer and t.bits >= 16]
        indices = (
            masked(self.make(self.rng.choice(types or [i32]), min(depth, 2), uniform), extent)
            for extent in array.extents
        )
        return tuple(scaled(index, array.scale) for index in indices)

    def _affine(self, threads: int) -> ir.Expr:
        """Start plus a step times the thread's number, now and then plus a loop's variable."""
        rng = self.rng
        thread: ir.Expr = ir.Local(rng.choice("ggt"), i32)
        r = rng.random()
        if r < 0.2:
            thread = binary("mul", thread, const(2, i32), nowrap=True)
        elif r < 0.35:
            thread = binary("sub", const(threads - 1, i32), thread, nowrap=True)
        loops = [n for n in (*self.scope.varying, *self.scope.uniform) if n.startswith("n.")]
        loops = [n for n in loops if {**self.scope.varying, **self.scope.uniform}[n] is i32]
        if loops and rng.random() < 0.6:
            thread = binary("add", thread, ir.Local(rng.choice(loops), i32), nowrap=True)
        if rng.random() < 0.5:
            start = const(rng.randint(0, AFFINE_ROOM - LOOP_MOST - 1), i32)
            thread = binary("add", thread, start, nowrap=True)
        return ir.Cast(thread, i64) if rng.random() < 0.3 else thread
