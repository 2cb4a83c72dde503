"""Builtins on two or four integers packed in a word, and on three integers at once.

A row says what happens to one lane, as 32-bit integers; the word is taken apart and put together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from accelerx.compiler import ir
from accelerx.compiler.frontends.cuda_cpp.build import Build, Handler, Lifter, kept, result_dtype
from accelerx.compiler.frontends.cuda_cpp.builtins_bits import lane
from accelerx.compiler.frontends.cuda_cpp.clang import Cursor
from accelerx.compiler.frontends.cuda_cpp.values import Value
from accelerx.dtypes import int32, uint32

Lane = Callable[..., ir.Expr]  # build, lane width, the lanes (i32), the lane's new value


@dataclass(frozen=True, slots=True)
class Packed:
    """A function of packed words.

    Attributes:
        work: What it does to a lane.
        signed: Whether lanes are signed.
        adds: Whether the lanes' values are added up, instead of packed.
    """

    work: Lane
    signed: bool
    adds: bool = False

    def handler(self, bits: int) -> Handler:
        """The function for lanes of ``bits`` bits."""

        def handle(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
            build = Build(lifter, lifter.loc(call))
            words = kept(lifter, call, arguments, int32 if self.signed else uint32)
            total: ir.Expr | None = None
            for i in range(32 // bits):
                lanes = [build.keep(build.cast(lane(build, w, i, bits), int32)) for w in words]
                value = build.cast(self.work(build, bits, *lanes), uint32)
                if not self.adds:
                    value = build.binary("and", value, (1 << bits) - 1)
                    value = build.binary("shl", value, bits * i)
                if total is None:
                    total = value
                else:
                    total = build.binary("add" if self.adds else "or", total, value)
            assert total is not None
            return total

        return handle


def _clamped(build: Build, value: ir.Expr, low: int, high: int) -> ir.Expr:
    return build.binary("min", build.binary("max", value, low), high)


def _signed(work: Callable[..., ir.Expr]) -> Lane:
    """``work`` saturated to the signed range."""
    return lambda build, bits, *x: _clamped(
        build, work(build, bits, *x), -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    )


def _unsigned(work: Callable[..., ir.Expr]) -> Lane:
    """``work`` saturated to the unsigned range."""
    return lambda build, bits, *x: _clamped(build, work(build, bits, *x), 0, (1 << bits) - 1)


def _abs(build: Build, bits: int, x: ir.Expr) -> ir.Expr:
    return build.call("abs", x)


def _neg(build: Build, bits: int, x: ir.Expr) -> ir.Expr:
    return build.neg(x)


def _add(build: Build, bits: int, x: ir.Expr, y: ir.Expr) -> ir.Expr:
    return build.add(x, y)


def _sub(build: Build, bits: int, x: ir.Expr, y: ir.Expr) -> ir.Expr:
    return build.sub(x, y)


def _max(build: Build, bits: int, x: ir.Expr, y: ir.Expr) -> ir.Expr:
    return build.binary("max", x, y)


def _min(build: Build, bits: int, x: ir.Expr, y: ir.Expr) -> ir.Expr:
    return build.binary("min", x, y)


def _difference(build: Build, bits: int, x: ir.Expr, y: ir.Expr) -> ir.Expr:
    return build.call("abs", build.sub(x, y))


def _average_signed(build: Build, bits: int, x: ir.Expr, y: ir.Expr) -> ir.Expr:
    """Half of the sum; a tie goes away from zero."""
    total = build.keep(build.add(x, y))
    up = build.cast(build.compare("ge", total, 0), int32)
    return build.binary("shr", build.add(total, up), 1)


def _average_unsigned(build: Build, bits: int, x: ir.Expr, y: ir.Expr) -> ir.Expr:
    return build.binary("shr", build.add(build.add(x, y), 1), 1)


def _half_sum(build: Build, bits: int, x: ir.Expr, y: ir.Expr) -> ir.Expr:
    return build.binary("shr", build.add(x, y), 1)


def _comparison(op: ir.CompareOp, true: int) -> Lane:
    return lambda build, bits, x, y: build.select(
        build.compare(op, x, y), build.const(true, int32), 0
    )


_ROWS: dict[str, Packed] = {
    "__vabs": Packed(_abs, True),
    "__vabsss": Packed(_signed(_abs), True),
    "__vneg": Packed(_neg, True),
    "__vnegss": Packed(_signed(_neg), True),
    "__vadd": Packed(_add, False),
    "__vaddss": Packed(_signed(_add), True),
    "__vaddus": Packed(_unsigned(_add), False),
    "__vsub": Packed(_sub, False),
    "__vsubss": Packed(_signed(_sub), True),
    "__vsubus": Packed(_unsigned(_sub), False),
    "__vavgs": Packed(_average_signed, True),
    "__vavgu": Packed(_average_unsigned, False),
    "__vhaddu": Packed(_half_sum, False),
    "__vabsdiffs": Packed(_difference, True),
    "__vabsdiffu": Packed(_difference, False),
    "__vmaxs": Packed(_max, True),
    "__vmaxu": Packed(_max, False),
    "__vmins": Packed(_min, True),
    "__vminu": Packed(_min, False),
    "__vsads": Packed(_difference, True, adds=True),
    "__vsadu": Packed(_difference, False, adds=True),
}
_COMPARISONS: tuple[ir.CompareOp, ...] = ("ge", "gt", "le", "lt")


def _three(work: Callable[..., ir.Expr], relu: bool) -> Handler:
    """A function of integers of the result's type, perhaps with negative results made 0."""

    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        build = Build(lifter, lifter.loc(call))
        value = work(build, *kept(lifter, call, arguments, result_dtype(lifter, call)))
        return build.binary("max", value, 0) if relu else value

    return handler


def _extremes(op: ir.BinaryOp) -> dict[str, Callable[..., ir.Expr]]:
    return {
        f"__vi{op}": lambda build, a, b: build.binary(op, a, b),
        f"__vi{op}3": lambda build, a, b, c: build.binary(op, build.binary(op, a, b), c),
        f"__viadd{op}": lambda build, a, b, c: build.binary(op, build.add(a, b), c),
    }


def _table() -> dict[str, Handler]:
    packed = dict(_ROWS)
    for prefix, true in (("__vcmp", -1), ("__vset", 1)):
        packed |= {f"{prefix}{op}": Packed(_comparison(op, true), False) for op in ("eq", "ne")}
        for op in _COMPARISONS:
            packed[f"{prefix}{op}s"] = Packed(_comparison(op, true), True)
            packed[f"{prefix}{op}u"] = Packed(_comparison(op, true), False)
    rows = {f"{name}2": row.handler(16) for name, row in packed.items()}
    rows |= {f"{name}4": row.handler(8) for name, row in packed.items()}
    for name, work in (_extremes("max") | _extremes("min")).items():
        rows |= {f"{name}_s32": _three(work, False), f"{name}_u32": _three(work, False)}
        rows[f"{name}_s32_relu"] = _three(work, True)
    return rows


PACKED: dict[str, Handler] = _table()
