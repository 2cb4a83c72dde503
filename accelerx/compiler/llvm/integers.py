"""Integer operations that never trap: guarded division, clamped shifts, bit functions."""

from __future__ import annotations

from accelerx import dtypes
from accelerx.compiler.llvm.builder import Builder, type_name
from accelerx.dtypes import DType


def divide(
    b: Builder, op: str, x: str, y: str, dtype: DType, lanes: int, by: int | None = None
) -> str:
    """quot, rem, floordiv, mod; ``by`` is the divisor if it is a constant."""
    if by == 0:
        return b.constant(0, dtype, lanes)
    division = _Division(b, dtype, lanes)
    quotient, rest = division.truncated(x, y, by, op)
    if op == "quot" or (op == "floordiv" and not dtype.is_signed):
        return quotient
    if op == "rem" or not dtype.is_signed:
        return rest
    return division.floored(op, y, quotient, rest)


class _Division:
    def __init__(self, b: Builder, dtype: DType, lanes: int) -> None:
        self.b, self.dtype, self.lanes = b, dtype, lanes
        self.kind = type_name(dtype, lanes)
        self.flag = type_name(dtypes.bool_, lanes)
        self.zero = b.constant(0, dtype, lanes)

    def _choose(self, condition: str, then: str, orelse: str) -> str:
        return self.b.value(
            f"select {self.flag} {condition}, {self.kind} {then}, {self.kind} {orelse}"
        )

    def truncated(self, x: str, y: str, by: int | None, op: str) -> tuple[str, str]:
        """Quotient and remainder; the one that ``op`` does not need may be left out."""
        if by is not None and by != -1:
            return self._native(x, y, op)
        b, kind = self.b, self.kind
        none = b.value(f"icmp eq {kind} {y}, {self.zero}")
        one = b.constant(1, self.dtype, self.lanes)
        if self.lanes > 1 and self.dtype.bits <= 32:
            safe = self._choose(none, one, y)
            quotient = self._by_float(x, safe)
        else:
            safe = self._choose(self._overflows(x, y, none), one, y)
            opcode = "sdiv" if self.dtype.is_signed else "udiv"
            quotient = b.value(f"{opcode} {kind} {x}, {safe}")
        product = b.value(f"mul {kind} {quotient}, {safe}")
        rest = b.value(f"sub {kind} {x}, {product}")
        return self._choose(none, self.zero, quotient), self._choose(none, self.zero, rest)

    def _native(self, x: str, y: str, op: str) -> tuple[str, str]:
        sign = "s" if self.dtype.is_signed else "u"
        quotient = rest = ""
        if op != "rem" and not (op == "mod" and sign == "u"):
            quotient = self.b.value(f"{sign}div {self.kind} {x}, {y}")
        if op != "quot" and not (op == "floordiv" and sign == "u"):
            rest = self.b.value(f"{sign}rem {self.kind} {x}, {y}")
        return quotient, rest

    def _overflows(self, x: str, y: str, none: str) -> str:
        """Zero divisors, and INT_MIN by -1, whose quotient by 1 is the wanted INT_MIN."""
        if not self.dtype.is_signed:
            return none
        b, kind = self.b, self.kind
        least = b.constant(-(1 << (self.dtype.bits - 1)), self.dtype, self.lanes)
        low = b.value(f"icmp eq {kind} {x}, {least}")
        minus = b.value(f"icmp eq {kind} {y}, {b.constant(-1, self.dtype, self.lanes)}")
        both = b.value(f"and {self.flag} {low}, {minus}")
        return b.value(f"or {self.flag} {none}, {both}")

    def _by_float(self, x: str, y: str) -> str:
        """Vectors have no integer division; the truncated f64 quotient of 32-bit integers is exact."""
        b, dtype, lanes = self.b, self.dtype, self.lanes
        wide = dtypes.float32 if dtype.bits <= 16 else dtypes.float64
        double = type_name(wide, lanes)
        to, back = ("sitofp", "fptosi") if dtype.is_signed else ("uitofp", "fptoui")
        dividend = b.value(f"{to} {self.kind} {x} to {double}")
        divisor = b.value(f"{to} {self.kind} {y} to {double}")
        quotient = b.value(f"fdiv {double} {dividend}, {divisor}")
        # one size up, so that INT_MIN by -1 wraps instead of being undefined
        middle = type_name(dtypes.int64 if dtype.bits == 32 else dtypes.int32, lanes)
        whole = b.value(f"{back} {double} {quotient} to {middle}")
        return b.value(f"trunc {middle} {whole} to {self.kind}")

    def floored(self, op: str, y: str, quotient: str, rest: str) -> str:
        """Python's results from C's: one less, or the divisor more, where the signs differ."""
        b, kind = self.b, self.kind
        some = b.value(f"icmp ne {kind} {rest}, {self.zero}")
        signs = b.value(f"xor {kind} {rest}, {y}")
        differ = b.value(f"icmp slt {kind} {signs}, {self.zero}")
        differ = b.value(f"and {self.flag} {some}, {differ}")
        if op == "mod":
            return self._choose(differ, b.value(f"add {kind} {rest}, {y}"), rest)
        less = b.value(f"sub {kind} {quotient}, {b.constant(1, self.dtype, self.lanes)}")
        return self._choose(differ, less, quotient)


def shift(
    b: Builder, op: str, x: str, y: str, dtype: DType, lanes: int, by: int | None = None
) -> str:
    """Shifts (shl, shr) whose counts of the width or more give 0 or the sign."""
    kind, flag = type_name(dtype, lanes), type_name(dtypes.bool_, lanes)
    opcode = "shl" if op == "shl" else ("ashr" if dtype.is_signed else "lshr")
    if by is not None and 0 <= by < dtype.bits:
        return b.value(f"{opcode} {kind} {x}, {y}")
    width, last = b.constant(dtype.bits, dtype, lanes), b.constant(dtype.bits - 1, dtype, lanes)
    fits = b.value(f"icmp ult {kind} {y}, {width}")
    count = b.value(f"select {flag} {fits}, {kind} {y}, {kind} {last}")
    shifted = b.value(f"{opcode} {kind} {x}, {count}")
    if opcode == "ashr":
        return shifted
    zero = b.constant(0, dtype, lanes)
    return b.value(f"select {flag} {fits}, {kind} {shifted}, {kind} {zero}")


def resize(b: Builder, x: str, source: DType, target: DType, lanes: int) -> str:
    """An integer or bool as an integer of another width."""
    if source.llvm == target.llvm:
        return x
    if not source.is_bool and target.bits < source.bits:
        opcode = "trunc"
    else:
        opcode = "sext" if source.is_signed else "zext"
    return b.value(f"{opcode} {type_name(source, lanes)} {x} to {type_name(target, lanes)}")


def bit_function(b: Builder, name: str, args: list[str], dtype: DType, lanes: int) -> str:
    """The integer intrinsics of KIR; counts come as i32."""
    x = args[0]
    kind = type_name(dtype, lanes)
    match name:
        case "abs":
            return _flagged(b, "llvm.abs", x, dtype, lanes) if dtype.is_signed else x
        case "brev":
            return b.intrinsic("llvm.bitreverse", [x], dtype, lanes)
        case "mulhi":
            return _high_product(b, x, args[1], dtype, lanes)
        case "popc":
            count = b.intrinsic("llvm.ctpop", [x], dtype, lanes)
        case "clz":
            count = _flagged(b, "llvm.ctlz", x, dtype, lanes)
        case "ffs":
            low = _flagged(b, "llvm.cttz", x, dtype, lanes)
            low = b.value(f"add {kind} {low}, {b.constant(1, dtype, lanes)}")
            zero = b.constant(0, dtype, lanes)
            none = b.value(f"icmp eq {kind} {x}, {zero}")
            flag = type_name(dtypes.bool_, lanes)
            count = b.value(f"select {flag} {none}, {kind} {zero}, {kind} {low}")
        case _:
            raise AssertionError(f"no integer function {name}")
    return resize(b, count, dtypes.unsigned(dtype), dtypes.int32, lanes)


def _flagged(b: Builder, name: str, x: str, dtype: DType, lanes: int) -> str:
    """An LLVM intrinsic whose second operand says whether an edge case is undefined: it is not."""
    kind = type_name(dtype, lanes)
    full = f"@{name}.{kind if lanes == 1 else f'v{lanes}{dtype.llvm}'}"
    b.declare(f"declare {kind} {full}({kind}, i1)")
    return b.value(f"call {kind} {full}({kind} {x}, i1 false)")


def _high_product(b: Builder, x: str, y: str, dtype: DType, lanes: int) -> str:
    word = f"i{2 * dtype.bits}"
    wide = word if lanes == 1 else f"<{lanes} x {word}>"
    kind, extend = type_name(dtype, lanes), "sext" if dtype.is_signed else "zext"
    a = b.value(f"{extend} {kind} {x} to {wide}")
    c = b.value(f"{extend} {kind} {y} to {wide}")
    count = str(dtype.bits) if lanes == 1 else f"splat ({word} {dtype.bits})"
    high = b.value(f"lshr {wide} {b.value(f'mul {wide} {a}, {c}')}, {count}")
    return b.value(f"trunc {wide} {high} to {kind}")
