"""How builtins write KIR: expressions of one call, and the reading of its arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.diagnostics import Loc
from accelerx.compiler.frontends.cuda_cpp import types as ctypes
from accelerx.compiler.frontends.cuda_cpp.clang import Cursor
from accelerx.compiler.frontends.cuda_cpp.expressions import Expressions
from accelerx.compiler.frontends.cuda_cpp.operands import rounded
from accelerx.compiler.frontends.cuda_cpp.values import Place, Pointer, Value
from accelerx.compiler.passes.fold import fold_root as fold
from accelerx.dtypes import DType, bool_

Lifter = Expressions
Handler = Callable[[Lifter, Cursor, list[Cursor]], Value]
Number = ir.Expr | int | float | bool
BITS = {16: dtypes.int16, 32: dtypes.int32, 64: dtypes.int64}
UNSIGNED = {8: dtypes.uint8, 16: dtypes.uint16, 32: dtypes.uint32, 64: dtypes.uint64}


@dataclass(frozen=True, slots=True)
class Build:
    """Makes expressions for one call; a Python number takes the type of what it is combined with.

    Attributes:
        lifter: Takes the statements.
        loc: The call's place.
    """

    lifter: Lifter
    loc: Loc

    def const(self, value: Number, dtype: DType) -> ir.Expr:
        """A number as an expression of ``dtype``; an expression stays."""
        if isinstance(value, int | float):
            exact = rounded(float(value), dtype) if dtype.is_float else int(value)
            return ir.Const(bool(value) if dtype.is_bool else exact, dtype, self.loc)
        return value

    def binary(self, op: ir.BinaryOp, a: Number, b: Number) -> ir.Expr:
        a, b = self._paired(a, b)
        return fold(ir.Binary(op, a, b, a.type, False, self.loc))

    def add(self, a: Number, b: Number) -> ir.Expr:
        return self.binary("add", a, b)

    def sub(self, a: Number, b: Number) -> ir.Expr:
        return self.binary("sub", a, b)

    def mul(self, a: Number, b: Number) -> ir.Expr:
        return self.binary("mul", a, b)

    def div(self, a: Number, b: Number) -> ir.Expr:
        return self.binary("div", a, b)

    def fma(self, a: Number, b: Number, c: Number) -> ir.Expr:
        dtype = next(x.type for x in (a, b, c) if not isinstance(x, int | float))
        return self.call("fma", *(self.const(x, dtype) for x in (a, b, c)))

    def neg(self, a: ir.Expr) -> ir.Expr:
        return fold(ir.Unary("neg", a, a.type, self.loc))

    def invert(self, a: ir.Expr) -> ir.Expr:
        return fold(ir.Unary("invert", a, a.type, self.loc))

    def negated(self, a: ir.Expr) -> ir.Expr:
        """The opposite of a condition."""
        return fold(ir.Unary("not", a, bool_, self.loc))

    def compare(self, op: ir.CompareOp, a: Number, b: Number) -> ir.Expr:
        a, b = self._paired(a, b)
        return fold(ir.Compare(op, a, b, self.loc))

    def both(self, a: ir.Expr, b: ir.Expr) -> ir.Expr:
        return fold(ir.Logical("and", a, b, self.loc))

    def either(self, a: ir.Expr, b: ir.Expr) -> ir.Expr:
        return fold(ir.Logical("or", a, b, self.loc))

    def select(self, condition: ir.Expr, a: Number, b: Number) -> ir.Expr:
        a, b = self._paired(a, b)
        return fold(ir.Select(condition, a, b, a.type, self.loc))

    def call(self, function: str, *arguments: ir.Expr, result: DType | None = None) -> ir.Expr:
        """An intrinsic; its value has the first argument's type unless ``result`` says otherwise."""
        return ir.Call(function, arguments, result or arguments[0].type, self.loc)

    def test(self, function: str, a: ir.Expr) -> ir.Expr:
        """An intrinsic that gives a bool."""
        return self.call(function, a, result=bool_)

    def cast(self, a: ir.Expr, dtype: DType) -> ir.Expr:
        return self.lifter.cast(a, dtype, self.loc)

    def bits(self, a: ir.Expr, dtype: DType) -> ir.Expr:
        """The same bits as another type."""
        return self.lifter.bitcast(a, dtype, self.loc)

    def keep(self, a: ir.Expr, stem: str = "t") -> ir.Expr:
        """``a`` computed once, so that it may be used several times."""
        return a if isinstance(a, ir.Local) else self.lifter.spill(a, stem, self.loc)

    def polynomial(self, coefficients: Sequence[float], x: ir.Expr) -> ir.Expr:
        """A polynomial by Horner's rule, highest power first."""
        total = self.const(coefficients[0], x.type)
        for coefficient in coefficients[1:]:
            total = self.fma(total, x, coefficient)
        return total

    def _paired(self, a: Number, b: Number) -> tuple[ir.Expr, ir.Expr]:
        if isinstance(a, int | float):
            assert not isinstance(b, int | float)
            return self.const(a, b.type), b
        return a, self.const(b, a.type)


def result_dtype(lifter: Lifter, call: Cursor) -> DType:
    """The dtype of a call that gives a number."""
    return lifter.scalar_type(call)


def scalars(lifter: Lifter, arguments: Sequence[Cursor], *types: DType | None) -> list[ir.Expr]:
    """The arguments as numbers, each converted to its type; the last type serves all others."""
    wanted = [types[min(i, len(types) - 1)] if types else None for i in range(len(arguments))]

    def one(argument: Cursor, dtype: DType | None) -> Callable[[], Value]:
        return lambda: lifter.scalar(argument, dtype)

    values = lifter.in_order([one(a, t) for a, t in zip(arguments, wanted, strict=True)])
    return [value for value in values if isinstance(value, ir.Expr)]


def kept(
    lifter: Lifter, call: Cursor, arguments: Sequence[Cursor], *types: DType | None
) -> list[ir.Expr]:
    """The arguments as numbers that may be used several times."""
    build = Build(lifter, lifter.loc(call))
    return [build.keep(x, "x") for x in scalars(lifter, arguments, *types)]


def target(lifter: Lifter, argument: Cursor) -> Place:
    """What a pointer argument points to, to write a result to."""
    pointer = lifter.pointer(argument)
    return lifter.dereference(pointer, pointer.pointee)


def typed(lifter: Lifter, pointer: Pointer, dtype: DType) -> Place:
    """The scalar at a pointer."""
    return lifter.dereference(pointer, ctypes.Scalar(dtype))


def is_given(arguments: Sequence[Cursor], number: int) -> bool:
    """Whether a call gives an argument, rather than leave it to the parameter's default."""
    from_text = arguments[number : number + 1]
    return bool(from_text) and any(True for _ in from_text[0].get_tokens())
