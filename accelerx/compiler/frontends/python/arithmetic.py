"""Operators on scalars: typing, constant folding, and what stays known about integers."""

from __future__ import annotations

import ast
from collections.abc import Callable

from accelerx.compiler import ir
from accelerx.compiler.diagnostics import Loc, type_error
from accelerx.compiler.frontends.python.bounds import Form
from accelerx.compiler.frontends.python.promotion import Number, Typing, fits
from accelerx.compiler.frontends.python.state import State
from accelerx.compiler.frontends.python.values import Index, Scalar
from accelerx.dtypes import DType, bool_, float32, int32, int64

OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.LShift: "<<",
    ast.RShift: ">>",
}
COMPARISONS: dict[type[ast.cmpop], ir.CompareOp] = {
    ast.Eq: "eq",
    ast.NotEq: "ne",
    ast.Lt: "lt",
    ast.LtE: "le",
    ast.Gt: "gt",
    ast.GtE: "ge",
}
_KIR: dict[str, ir.BinaryOp] = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "div",
    "//": "floordiv",
    "%": "mod",
    "&": "and",
    "|": "or",
    "^": "xor",
    "<<": "shl",
    ">>": "shr",
}
_FOLD: dict[str, Callable[[Number, Number], Number]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "&": lambda a, b: int(a) & int(b),
    "|": lambda a, b: int(a) | int(b),
    "^": lambda a, b: int(a) ^ int(b),
    "<<": lambda a, b: int(a) << int(b),
    ">>": lambda a, b: int(a) >> int(b),
}
_FOLD_COMPARE: dict[ir.CompareOp, Callable[[Number, Number], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
}
_LOGICAL: dict[str, ir.LogicalOp] = {"&": "and", "|": "or", "^": "xor"}
_LARGEST_POWER = 64


class Arithmetic(State):
    """Builds the scalars that operators give."""

    # ------------------------------------------------------------------------------- binary

    def binary(self, op: str, a: Scalar, b: Scalar, loc: Loc | None) -> Scalar:
        """``a op b``."""
        if op == "**":
            return self.power(a, b, loc)
        if op in ("&", "|", "^", "<<", ">>") and (a.dtype.is_float or b.dtype.is_float):
            raise type_error(
                loc, f"operator {op} needs integers, not {a.dtype.name} and {b.dtype.name}"
            )
        typing = self.rules.arithmetic(op, a.typing, b.typing)
        folded = self._fold(op, a, b, typing)
        if folded is not None:
            return folded
        dtype = typing[0]
        if op == "//" and dtype.is_float:
            return self._float_floordiv(a, b, typing, loc)
        x, y = self.code(a, dtype, loc), self.code(b, dtype, loc)
        if dtype.is_bool:
            return self.expression_of(ir.Logical(_LOGICAL[op], x, y, loc))
        if not dtype.is_integer:
            return self.expression_of(ir.Binary(_KIR[op], x, y, dtype, False, loc), typing)
        index = self._index(op, a, b)
        form = self._form(op, a, b, dtype, index)
        nowrap = index is not None and dtype.is_signed and op in ("+", "-", "*")
        kir = _KIR[op]
        if op in ("//", "%") and self._both_nonnegative(a, b):
            kir = "quot" if op == "//" else "rem"
        expr = ir.Binary(kir, x, y, dtype, nowrap, loc)
        return self.expression_of(expr, typing, form, index)

    def _fold(self, op: str, a: Scalar, b: Scalar, typing: Typing) -> Scalar | None:
        x, y = a.constant, b.constant
        if x is None or y is None:
            return None
        dtype, weak = typing
        if op in ("/", "//", "%") and y == 0:
            return None
        if op in ("<<", ">>") and not 0 <= int(y) < dtype.bits:
            return None
        try:
            value = _FOLD[op](x, y)
        except OverflowError:
            return None
        if dtype.is_bool:
            return self.constant(bool(value), dtype)
        if weak and isinstance(value, int) and not fits(value, dtype):
            return self.literal(value)
        return self.constant(value, dtype, weak)

    def _float_floordiv(self, a: Scalar, b: Scalar, typing: Typing, loc: Loc | None) -> Scalar:
        """Python's: the quotient of what the remainder leaves, so that 1.0 // 0.1 is 9."""
        dtype = typing[0]
        x = self.code(self.once(self.cast(a, dtype, loc), loc), loc=loc)
        y = self.code(self.once(self.cast(b, dtype, loc), loc), loc=loc)

        def make(op: ir.BinaryOp, left: ir.Expr, right: ir.Expr) -> ir.Expr:
            return ir.Binary(op, left, right, dtype, False, loc)

        exact = make("div", make("sub", x, make("mod", x, y)), y)
        zero = ir.Compare("eq", y, ir.Const(0.0, dtype, loc), loc)
        whole = ir.Call("rint", (exact,), dtype, loc)
        return self.expression_of(ir.Select(zero, make("div", x, y), whole, dtype, loc), typing)

    def _both_nonnegative(self, a: Scalar, b: Scalar) -> bool:
        return self.nonnegative(a) and self.nonnegative(b)

    def nonnegative(self, a: Scalar) -> bool:
        """Whether an integer is proven to be >= 0."""
        if a.constant is not None:
            return a.constant >= 0
        return a.dtype.kind in ("uint", "bool") or self.bounds.nonnegative(a.form)

    # -------------------------------------------------------------- what is known of integers

    def _index(self, op: str, a: Scalar, b: Scalar) -> Index | None:
        x, y = a.index, b.index
        if x is None or y is None:
            return None
        varying, carried = x.varying or y.varying, max(x.carried, y.carried)
        if op in ("*", "<<"):
            if (x.varying and y.varying) or (op == "<<" and not _small_shift(b)):
                return None
            return Index(varying, 2 if carried else 0)
        if op in ("|", "^"):
            return Index(True, carried) if self._both_nonnegative(a, b) else None
        return Index(varying, carried)

    def _form(
        self, op: str, a: Scalar, b: Scalar, dtype: DType, index: Index | None
    ) -> Form | None:
        x, y = a.form, b.form
        if x is None or y is None or dtype.kind == "uint":
            return None
        bounds = self.bounds
        if op in ("+", "-") and (index is not None or dtype is int64):
            return x + y if op == "+" else x - y
        if op in ("*", "<<") and index is not None and self._scalable(a, b):
            if op == "*":
                return bounds.product(x, y)
            return x.scale(1 << int(b.constant or 0))
        if op == "//" and self.nonnegative(a) and self.nonnegative(b):
            quotient = bounds.fresh(0)
            if b.constant:
                bounds.assume([x - quotient.scale(int(b.constant))])
            return quotient
        if op == "%" and self.nonnegative(b):
            remainder = bounds.fresh(0, int(b.constant) - 1 if b.constant else None)
            if not b.constant and bounds.low(y) not in (None, 0):
                bounds.assume([(y - remainder).shift(-1)])
            return remainder
        if op == "&" and (self.nonnegative(a) or self.nonnegative(b)):
            return bounds.fresh(0, _least_constant(a, b))
        if op == ">>" and self.nonnegative(a):
            return bounds.fresh(0)
        if op in ("|", "^") and self._both_nonnegative(a, b):
            return bounds.fresh(0)
        return None

    def _scalable(self, a: Scalar, b: Scalar) -> bool:
        """Whether a product of indices cannot have grown out of bounds in a loop."""
        return all(
            s.index is None
            or not s.index.carried
            or s.form is None
            or self.bounds.bounded_above(s.form)
            for s in (a, b)
        )

    # ------------------------------------------------------------------------------- powers

    def power(self, a: Scalar, b: Scalar, loc: Loc | None) -> Scalar:
        """``a ** b``: products for small constant exponents, else pow, or a loop for integers."""
        exponent = b.constant
        if exponent is not None and not b.dtype.is_float and abs(exponent) <= _LARGEST_POWER:
            return self._constant_power(a, int(exponent), loc)
        if not a.dtype.is_float and not b.dtype.is_float:
            return self._integer_power(a, b, loc)
        typing = a.typing
        if b.dtype.is_float:
            typing = self.rules.arithmetic("*", a.typing, b.typing)
        return self.apply("pow", (a, b), self.rules.floating(typing), loc)

    def _constant_power(self, a: Scalar, n: int, loc: Loc | None) -> Scalar:
        typing = a.typing if a.dtype.is_float else self.rules.arithmetic("*", a.typing, a.typing)
        if n < 0 and not a.dtype.is_float:
            typing = self.rules.floating(typing)
        base = self.cast(a, typing[0], loc, typing[1])
        if a.constant is not None and not (n < 0 and a.constant == 0):
            return self.constant(a.constant**n, *typing)
        if abs(n) > 1:
            base = self.once(base, loc)
        result: Scalar | None = None
        square, left = base, abs(n)
        while left:
            if left & 1:
                result = square if result is None else self.binary("*", result, square, loc)
            left >>= 1
            if left:
                square = self.binary("*", square, square, loc)
                square = self.once(square, loc) if left > 1 else square
        if result is None:
            return self.constant(1, *typing)
        if n < 0:
            return self.binary("/", self.constant(1, *typing), result, loc)
        return result

    def _integer_power(self, a: Scalar, b: Scalar, loc: Loc | None) -> Scalar:
        """An integer to an integer power known at run time."""
        dtype = self.rules.arithmetic("*", a.typing, b.typing)[0]
        return self.power_by_squaring(a, self.cast(b, dtype, loc), dtype, loc)

    def power_by_squaring(self, a: Scalar, b: Scalar, dtype: DType, loc: Loc | None) -> Scalar:
        """``a ** b`` in ``dtype`` for an integer b; 0, the integer nearest, for negative ones."""
        base, n = self.temporary("base", dtype), self.temporary("exponent", b.dtype)
        result = self.temporary("power", dtype)
        none, one = ir.Const(0, b.dtype, loc), ir.Const(1, b.dtype, loc)
        self.emit(ir.Assign(base, self.code(a, dtype, loc), loc))
        self.emit(ir.Assign(n, self.code(b, loc=loc), loc))
        read = ir.Local(n, b.dtype, loc)
        start = self.code(self.constant(1, dtype), loc=loc)
        if b.dtype.is_signed:
            zero = self.code(self.constant(0, dtype), loc=loc)
            start = ir.Select(ir.Compare("lt", read, none, loc), zero, start, dtype, loc)
        self.emit(ir.Assign(result, start, loc))

        def times(target: str, factor: str) -> ir.Assign:
            product = ir.Binary(
                "mul", ir.Local(target, dtype, loc), ir.Local(factor, dtype, loc), dtype, False, loc
            )
            return ir.Assign(target, product, loc)

        odd = ir.Compare("ne", ir.Binary("and", read, one, b.dtype, False, loc), none, loc)
        body: list[ir.Stmt] = [
            ir.If(odd, [times(result, base)], [], loc),
            times(base, base),
            ir.Assign(n, ir.Binary("shr", read, one, b.dtype, False, loc), loc),
        ]
        self.emit(ir.While(ir.Compare("gt", read, none, loc), body, [], loc))
        return self.expression_of(ir.Local(result, dtype, loc))

    # -------------------------------------------------------------------------------- unary

    def negate(self, a: Scalar, loc: Loc | None) -> Scalar:
        """``-a``."""
        typing = self.rules.negate(a.typing)
        if a.constant is not None:
            value = -a.constant
            if typing[1] and isinstance(value, int):
                return self.literal(value)
            return self.constant(value, *typing)
        expr = ir.Unary("neg", self.code(a, typing[0], loc), typing[0], loc)
        form = a.form.scale(-1) if a.form is not None and a.index is not None else None
        return self.expression_of(expr, typing, form, a.index if form is not None else None)

    def positive(self, a: Scalar, loc: Loc | None) -> Scalar:
        """``+a``."""
        return self.cast(a, self.rules.negate(a.typing)[0], loc, a.weak)

    def invert(self, a: Scalar, loc: Loc | None) -> Scalar:
        """``~a``."""
        if a.dtype.is_float:
            raise type_error(loc, f"operator ~ needs an integer, not {a.dtype.name}")
        if a.dtype.is_bool:
            return self.negation(a, loc)
        typing = self.rules.negate(a.typing)
        if a.constant is not None:
            return self.constant(~int(a.constant), *typing)
        return self.expression_of(
            ir.Unary("invert", self.code(a, typing[0], loc), typing[0], loc), typing
        )

    # --------------------------------------------------------------------------- conditions

    def truth(self, a: Scalar, loc: Loc | None) -> Scalar:
        """``bool(a)``."""
        if a.dtype.is_bool:
            return a
        if a.constant is not None:
            return self.constant(bool(a.constant), bool_)
        zero = ir.Const(0.0 if a.dtype.is_float else 0, a.dtype, loc)
        return self.expression_of(ir.Compare("ne", self.code(a, loc=loc), zero, loc))

    def negation(self, a: Scalar, loc: Loc | None) -> Scalar:
        """``not a``."""
        a = self.truth(a, loc)
        if a.constant is not None:
            return self.constant(not a.constant, bool_)
        result = self.expression_of(ir.Unary("not", self.code(a, loc=loc), bool_, loc))
        result.when_true, result.when_false = a.when_false, a.when_true
        return result

    def compare(self, op: ir.CompareOp, a: Scalar, b: Scalar, loc: Loc | None) -> Scalar:
        """``a op b`` as a bool, with the facts that follow from it."""
        if a.constant is not None and b.constant is not None:
            return self.constant(_FOLD_COMPARE[op](a.constant, b.constant), bool_)
        dtype = self.rules.compare(a.typing, b.typing)
        if dtype.kind == "uint" and any(s.constant is not None and s.constant < 0 for s in (a, b)):
            dtype = int64
        if dtype.is_bool and op in ("eq", "ne"):
            xor = ir.Logical("xor", self.code(a, bool_, loc), self.code(b, bool_, loc), loc)
            return self.expression_of(xor if op == "ne" else ir.Unary("not", xor, bool_, loc))
        dtype = int32 if dtype.is_bool else dtype
        expr = ir.Compare(op, self.code(a, dtype, loc), self.code(b, dtype, loc), loc)
        result = self.expression_of(expr)
        if a.form is not None and b.form is not None and not dtype.is_float:
            result.when_true, result.when_false = _facts(op, a.form, b.form)
        return result

    def both(self, a: Scalar, b: Scalar, loc: Loc | None) -> Scalar:
        """``a and b`` of two bools that are both safe to evaluate."""
        if a.constant is not None or b.constant is not None:
            known, other = (a, b) if a.constant is not None else (b, a)
            return other if known.constant else known
        result = self.expression_of(
            ir.Logical("and", self.code(a, loc=loc), self.code(b, loc=loc), loc)
        )
        result.when_true = a.when_true + b.when_true
        return result

    def either(self, a: Scalar, b: Scalar, loc: Loc | None) -> Scalar:
        """``a or b`` of two bools that are both safe to evaluate."""
        if a.constant is not None or b.constant is not None:
            known, other = (a, b) if a.constant is not None else (b, a)
            return known if known.constant else other
        result = self.expression_of(
            ir.Logical("or", self.code(a, loc=loc), self.code(b, loc=loc), loc)
        )
        result.when_false = a.when_false + b.when_false
        return result

    # ------------------------------------------------------------------- selection, functions

    def select(self, condition: Scalar, a: Scalar, b: Scalar, loc: Loc | None) -> Scalar:
        """``a if condition else b`` where both may be evaluated."""
        if condition.constant is not None:
            return a if condition.constant else b
        typing = self.rules.join(a.typing, b.typing)
        x, y = self.code(a, typing[0], loc), self.code(b, typing[0], loc)
        expr = ir.Select(self.code(condition, loc=loc), x, y, typing[0], loc)
        form = None
        if typing[0].is_signed:
            facts = self.bounds.facts
            low = self.proven(a.form, [*facts, *condition.when_true]) and self.proven(
                b.form, [*facts, *condition.when_false]
            )
            form = self.bounds.fresh(0 if low else None)
        index = None
        if a.index is not None and b.index is not None and typing[0].is_integer:
            index = Index(True, max(a.index.carried, b.index.carried))
        return self.expression_of(expr, typing, form, index)

    def extremum(
        self, op: ir.BinaryOp, a: Scalar, b: Scalar, loc: Loc | None, typing: Typing | None = None
    ) -> Scalar:
        """``min(a, b)`` or ``max(a, b)``."""
        typing = typing or self.rules.extremum(a.typing, b.typing)
        if a.constant is not None and b.constant is not None:
            pick = min if op == "min" else max
            return self.constant(pick(a.constant, b.constant), *typing)
        dtype = typing[0]
        expr = ir.Binary(op, self.code(a, dtype, loc), self.code(b, dtype, loc), dtype, False, loc)
        result = self.expression_of(expr, typing)
        if a.form is None or b.form is None or result.form is None:
            return result
        if a.index is not None and b.index is not None:
            result.index = Index(
                a.index.varying or b.index.varying, max(a.index.carried, b.index.carried)
            )
        if op == "min":
            low = 0 if self._both_nonnegative(a, b) else None
            result.form = self.bounds.fresh(low)
            self.bounds.assume([a.form - result.form, b.form - result.form])
        else:
            low = 0 if self.nonnegative(a) or self.nonnegative(b) else None
            result.form = self.bounds.fresh(low)
            self.bounds.assume([result.form - a.form, result.form - b.form])
        return result

    def apply(
        self, function: str, arguments: tuple[Scalar, ...], typing: Typing, loc: Loc | None
    ) -> Scalar:
        """An intrinsic that takes and gives ``typing``; half floats compute in float32."""
        dtype = typing[0]
        work = float32 if dtype.is_float and dtype.bits == 16 else dtype
        codes = tuple(self.code(a, work, loc) for a in arguments)
        expr: ir.Expr = ir.Call(function, codes, work, loc)
        if work is not dtype:
            expr = ir.Cast(expr, dtype, loc)
        return self.expression_of(expr, typing)

    def absolute(self, a: Scalar, loc: Loc | None) -> Scalar:
        """``abs(a)``."""
        if a.constant is not None:
            return self.constant(abs(a.constant), *a.typing)
        if a.dtype.kind in ("uint", "bool"):
            return a
        typing = self.rules.negate(a.typing) if self.rules.name == "weak" else a.typing
        expr = ir.Call("abs", (self.code(a, typing[0], loc),), typing[0], loc)
        form = self.bounds.fresh(0) if typing[0].is_integer and a.index else None
        return self.expression_of(expr, typing, form, a.index)


def _small_shift(b: Scalar) -> bool:
    return b.constant is not None and 0 <= b.constant <= 20


def _least_constant(a: Scalar, b: Scalar) -> int | None:
    known = [int(s.constant) for s in (a, b) if s.constant is not None and s.constant >= 0]
    return min(known, default=None)


def _facts(op: ir.CompareOp, a: Form, b: Form) -> tuple[tuple[Form, ...], tuple[Form, ...]]:
    """Forms that are >= 0 if ``a op b`` holds, and if it does not."""
    less, greater = b - a, a - b
    match op:
        case "lt":
            return (less.shift(-1),), (greater,)
        case "le":
            return (less,), (greater.shift(-1),)
        case "gt":
            return (greater.shift(-1),), (less,)
        case "ge":
            return (greater,), (less.shift(-1),)
        case "eq":
            return (less, greater), ()
        case _:
            return (), (less, greater)
