"""Arithmetic on values in lanes: Python operators that write LLVM instructions through a Builder.

The math files read as formulas because of it. No instruction it writes carries a fast-math flag and
every fused operation is an explicit ``llvm.fma``, so the value of a function does not depend on the
options a module is compiled with.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from accelerx import dtypes
from accelerx.compiler.llvm.builder import Builder, suffix, type_name
from accelerx.dtypes import DType

Operand: TypeAlias = "Value | float | int"


class Value:
    """A value in every lane: its text and type, with operators. Comparisons give bool values."""

    __slots__ = ("dtype", "lanes", "text")

    def __init__(self, lanes: Lanes, text: str, dtype: DType) -> None:
        self.lanes = lanes
        self.text = text
        self.dtype = dtype

    def _op(self, opcode: str, left: Operand, right: Operand) -> Value:
        m = self.lanes
        a, b = m.const(left, self.dtype), m.const(right, self.dtype)
        return Value(m, m.b.binary(opcode, a.text, b.text, self.dtype, m.count), self.dtype)

    def _arithmetic(self, opcode: str, left: Operand, right: Operand) -> Value:
        return self._op("f" + opcode if self.dtype.is_float else opcode, left, right)

    def __add__(self, other: Operand) -> Value:
        return self._arithmetic("add", self, other)

    def __radd__(self, other: Operand) -> Value:
        return self._arithmetic("add", other, self)

    def __sub__(self, other: Operand) -> Value:
        return self._arithmetic("sub", self, other)

    def __rsub__(self, other: Operand) -> Value:
        return self._arithmetic("sub", other, self)

    def __mul__(self, other: Operand) -> Value:
        return self._arithmetic("mul", self, other)

    def __rmul__(self, other: Operand) -> Value:
        return self._arithmetic("mul", other, self)

    def __truediv__(self, other: Operand) -> Value:
        return self._op("fdiv", self, other)

    def __rtruediv__(self, other: Operand) -> Value:
        return self._op("fdiv", other, self)

    def __neg__(self) -> Value:
        m = self.lanes
        if not self.dtype.is_float:
            return self._op("sub", 0, self)
        text = m.b.value(f"fneg {type_name(self.dtype, m.count)} {self.text}")
        return Value(m, text, self.dtype)

    def __and__(self, other: Operand) -> Value:
        return self._op("and", self, other)

    def __or__(self, other: Operand) -> Value:
        return self._op("or", self, other)

    def __xor__(self, other: Operand) -> Value:
        return self._op("xor", self, other)

    def __invert__(self) -> Value:
        return self._op("xor", self, 1 if self.dtype.is_bool else -1)

    def __lshift__(self, other: Operand) -> Value:
        return self._op("shl", self, other)

    def __rshift__(self, other: Operand) -> Value:
        """Shift right that copies the sign."""
        return self._op("ashr", self, other)

    def lshr(self, other: Operand) -> Value:
        """Shift right that brings in zeros."""
        return self._op("lshr", self, other)

    def _compare(self, condition: str, other: Operand) -> Value:
        m = self.lanes
        opcode = f"fcmp {'u' if condition == 'ne' else 'o'}" if self.dtype.is_float else "icmp "
        if not self.dtype.is_float and condition not in ("eq", "ne") and condition[0] != "u":
            opcode += "s"
        kind = type_name(self.dtype, m.count)
        right = m.const(other, self.dtype).text
        text = m.b.value(f"{opcode}{condition} {kind} {self.text}, {right}")
        return Value(m, text, dtypes.bool_)

    def __lt__(self, other: Operand) -> Value:
        return self._compare("lt", other)

    def __le__(self, other: Operand) -> Value:
        return self._compare("le", other)

    def __gt__(self, other: Operand) -> Value:
        return self._compare("gt", other)

    def __ge__(self, other: Operand) -> Value:
        return self._compare("ge", other)

    def equals(self, other: Operand) -> Value:
        return self._compare("eq", other)

    def differs(self, other: Operand) -> Value:
        """True too where either side is NaN."""
        return self._compare("ne", other)

    def below(self, other: Operand) -> Value:
        """Unsigned integer comparison."""
        return self._compare("ult", other)

    def is_nan(self) -> Value:
        m = self.lanes
        kind = type_name(self.dtype, m.count)
        return Value(m, m.b.value(f"fcmp uno {kind} {self.text}, {self.text}"), dtypes.bool_)

    def where(self, then: Operand, orelse: Operand) -> Value:
        """This bool chooses: ``then`` where true, ``orelse`` where false."""
        m = self.lanes
        dtype = next((v.dtype for v in (then, orelse) if isinstance(v, Value)), m.dtype)
        kind = type_name(dtype, m.count)
        a, b = m.const(then, dtype).text, m.const(orelse, dtype).text
        condition = f"{type_name(dtypes.bool_, m.count)} {self.text}"
        return Value(m, m.b.value(f"select {condition}, {kind} {a}, {kind} {b}"), dtype)

    def bits(self) -> Value:
        """The float's bits as a signed integer."""
        m = self.lanes
        target = m.integer
        return Value(m, m.b.bitcast(self.text, self.dtype, target, m.count), target)

    def as_float(self) -> Value:
        """The float with this integer's bits."""
        m = self.lanes
        target = m.dtype
        return Value(m, m.b.bitcast(self.text, self.dtype, target, m.count), target)

    def cast(self, opcode: str, target: DType) -> Value:
        """Conversion by an LLVM opcode, such as ``sitofp`` or ``fpext``."""
        m = self.lanes
        source, kind = type_name(self.dtype, m.count), type_name(target, m.count)
        return Value(m, m.b.value(f"{opcode} {source} {self.text} to {kind}"), target)


class Lanes:
    """What a function is written for: a Builder, a float type and a number of lanes.

    Attributes:
        b: The writer.
        dtype: float32 or float64.
        count: Number of lanes.
        double: Whether dtype is float64.
        integer: The signed integer of the same width.
        mantissa: Stored bits of the significand: 23 or 52.
        bias: The exponent's bias.
        one_bits: Bits of 1.0.
        sign_bit: The integer with only the sign bit set.
        huge: Infinity.
    """

    def __init__(self, b: Builder, dtype: DType, count: int) -> None:
        self.b = b
        self.dtype = dtype
        self.count = count
        self.double = dtype.bits == 64
        self.integer = dtypes.signed(dtype)
        self.mantissa = {64: 52, 32: 23, 16: 10 if dtype.short == "f16" else 7}[dtype.bits]
        self.bias = (1 << (dtype.bits - 2 - self.mantissa)) - 1
        self.one_bits = self.bias << self.mantissa
        self.sign_bit = -1 << (dtype.bits - 1)
        self.infinity_bits = (2 * self.bias + 1) << self.mantissa

    def value(self, text: str, dtype: DType | None = None) -> Value:
        return Value(self, text, dtype or self.dtype)

    def const(self, operand: Operand, dtype: DType | None = None) -> Value:
        """A Python number as a value of ``dtype`` (default: the float type); a Value passes."""
        if isinstance(operand, Value):
            return operand
        dtype = dtype or self.dtype
        if dtype.is_integer:
            wrap = 1 << dtype.bits
            operand = (int(operand) + wrap // 2) % wrap - wrap // 2
        return Value(self, self.b.constant(operand, dtype, self.count), dtype)

    def pick(self, single: float, double: float) -> float:
        """The float32 or the float64 variant of a constant."""
        return double if self.double else single

    def call(self, name: str, *arguments: Operand) -> Value:
        """A float intrinsic of LLVM's: ``call("llvm.sqrt", x)``."""
        first = next(a for a in arguments if isinstance(a, Value))
        texts = [self.const(a, first.dtype).text for a in arguments]
        return Value(self, self.b.intrinsic(name, texts, first.dtype, self.count), first.dtype)

    def fma(self, a: Operand, b: Operand, c: Operand) -> Value:
        """a*b + c, rounded once."""
        return self.call("llvm.fma", a, b, c)

    def sqrt(self, x: Value) -> Value:
        return self.call("llvm.sqrt", x)

    def abs(self, x: Value) -> Value:
        return self.call("llvm.fabs", x)

    def copysign(self, magnitude: Value, sign: Value) -> Value:
        return self.call("llvm.copysign", magnitude, sign)

    def least(self, bound: Operand, x: Value) -> Value:
        """The smaller of the two; a NaN in x stays (one ``minps``)."""
        bound = self.const(bound, x.dtype)
        return (bound < x).where(bound, x)

    def greatest(self, bound: Operand, x: Value) -> Value:
        """The larger of the two; a NaN in x stays."""
        bound = self.const(bound, x.dtype)
        return (bound > x).where(bound, x)

    def poly(self, x: Value, coefficients: Sequence[float]) -> Value:
        """c0 + c1 x + c2 x² + … by Horner's rule with fma."""
        result = self.const(coefficients[-1], x.dtype)
        for c in reversed(coefficients[:-1]):
            result = self.fma(result, x, c)
        return result

    def poly_split(self, x: Value, coefficients: Sequence[float]) -> Value:
        """The same as two chains in x²: half the latency for one more operation."""
        if len(coefficients) < 4:
            return self.poly(x, coefficients)
        square = x * x
        odd = self.poly(square, coefficients[1::2])
        return self.fma(odd, x, self.poly(square, coefficients[0::2]))

    def power_of_two(self, n: Value) -> Value:
        """2**n for an integer n whose low bits count; the result must be a normal number."""
        return ((n << self.mantissa) + self.one_bits).as_float()

    def scale(self, x: Value, n: Value) -> Value:
        """Gives x * 2**n in two steps, so that subnormal results and n up to 2·bias come out right."""
        half = n >> 1
        return x * self.power_of_two(half) * self.power_of_two(n - half)

    def round_magic(self, x: Value, factor: Operand) -> tuple[Value, Value]:
        """x*factor rounded to an integer (ties to even): as a float, and as low bits of an integer.

        Adding 1.5·2**mantissa leaves no room for a fraction: the sum's low bits are the integer.
        Valid for |x*factor| below 2**(mantissa-1); unlike ``fptosi`` it is defined for every input.
        """
        magic = 1.5 * 2.0**self.mantissa
        shifted = self.fma(x, factor, magic)
        return shifted - magic, shifted.bits()

    def two_sum(self, a: Value, b: Value) -> tuple[Value, Value]:
        """a+b as a rounded sum and its exact error (Knuth)."""
        s = a + b
        t = s - a
        return s, (a - (s - t)) + (b - t)

    def fast_two_sum(self, a: Value, b: Value) -> tuple[Value, Value]:
        """The same for |a| ≥ |b| or a = 0 (Dekker)."""
        s = a + b
        return s, b - (s - a)

    def two_product(self, a: Value, b: Value) -> tuple[Value, Value]:
        """a*b as a rounded product and its exact error."""
        p = a * b
        return p, self.fma(a, b, -p)

    def any(self, condition: Value) -> str:
        """A scalar i1: true in some lane."""
        if self.count == 1:
            return condition.text
        word = f"i{self.count}"
        mask = self.b.value(f"bitcast <{self.count} x i1> {condition.text} to {word}")
        return self.b.value(f"icmp ne {word} {mask}, 0")

    def type(self, dtype: DType | None = None) -> str:
        return type_name(dtype or self.dtype, self.count)

    def suffix(self, dtype: DType | None = None) -> str:
        return suffix(dtype or self.dtype, self.count)
