"""The two sets of typing rules: which types operands are brought to, and what comes out.

``Weak`` lets Python numbers adapt: ``2.0 * x[i]`` keeps float32, integers work in at least 32 bits
as in C. ``Numba`` gives the types that numba.cuda's typing gives for the same expressions: integer
arithmetic in 64 bits, literals int64 and float64.
"""

from __future__ import annotations

import math
from typing import Literal, Protocol

import numpy as np

from accelerx import dtypes
from accelerx.dtypes import DType, bfloat16, bool_, float16, float32, float64, int32, int64, uint64

Number = int | float | bool
Typing = tuple[DType, bool]  # a type, and whether it is weak

# Where a float meets one of these on two paths, numba takes it for the smaller signed type.
_JOINED = {dtypes.uint16: dtypes.int16, dtypes.uint8: dtypes.int8}
_SMALL = frozenset({bool_, dtypes.int8, dtypes.int16, dtypes.uint8})


class Rules(Protocol):
    """What both modes answer. A weak operand is one that adapts; ``Numba`` knows none."""

    name: Literal["weak", "numba"]

    def literal(self, value: Number) -> Typing:
        """Type of a Python number."""

    def arithmetic(self, op: str, a: Typing, b: Typing) -> Typing:
        """Type in which ``a op b`` is computed, for + - * / // % and the bit operations."""

    def compare(self, a: Typing, b: Typing) -> DType:
        """Type in which ``a`` and ``b`` are compared."""

    def join(self, a: Typing, b: Typing) -> Typing:
        """Type of a variable, or a conditional expression, that is an ``a`` or a ``b``."""

    def extremum(self, a: Typing, b: Typing) -> Typing:
        """Type of min and max."""

    def negate(self, a: Typing) -> Typing:
        """Type of ``-a``, ``+a`` and ``~a``."""

    def floating(self, a: Typing) -> Typing:
        """Type in which a function of the math module takes ``a``."""

    def ufunc_floating(self, a: Typing) -> Typing:
        """Type in which a NumPy function of real numbers takes ``a``."""

    def to_int(self, a: Typing) -> DType:
        """Type of ``int(a)`` and ``round(a)``."""

    def range_of(self, parts: list[Typing]) -> Typing:
        """Type of the numbers in ``range(*parts)``."""

    def index(self) -> Typing:
        """Type of ``grid()``."""


def fits(value: int, dtype: DType) -> bool:
    """Whether an integer has a place in ``dtype``."""
    if dtype.is_bool:
        return value in (0, 1)
    if not dtype.is_integer:
        return True
    low = -(1 << (dtype.bits - 1)) if dtype.is_signed else 0
    return low <= value < low + (1 << dtype.bits)


def convert(value: Number, dtype: DType) -> Number:
    """``value`` as KIR's Cast to ``dtype`` gives it."""
    if dtype.is_bool:
        return bool(value)
    if dtype.is_float:
        return _round(float(value), dtype)
    if isinstance(value, float):
        if math.isnan(value):
            return 0
        low = -(1 << (dtype.bits - 1)) if dtype.is_signed else 0
        high = low + (1 << dtype.bits) - 1
        return (
            (low if value < 0 else high) if math.isinf(value) else min(max(int(value), low), high)
        )
    value = int(value) & ((1 << dtype.bits) - 1)
    return value - (1 << dtype.bits) if dtype.is_signed and value >> (dtype.bits - 1) else value


def _round(value: float, dtype: DType) -> float:
    if dtype is float64 or not math.isfinite(value):
        return value
    with np.errstate(over="ignore"):
        if dtype is bfloat16:
            bits = int(np.float32(value).view(np.uint32))
            bits = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
            return float(np.uint32(bits).view(np.float32))
        return float(dtype.numpy.type(value))


def _wider(a: DType, b: DType) -> DType:
    return a if a.bits >= b.bits else b


class Weak:
    """Literals adapt to the other operand; nothing becomes 64 bits wide that need not."""

    name: Literal["weak", "numba"] = "weak"

    def literal(self, value: Number) -> Typing:
        if isinstance(value, bool):
            return bool_, False
        if isinstance(value, float):
            return float32, True
        if not fits(value, int64):
            return uint64, True
        narrow = next((d for d in (int32, dtypes.uint32) if fits(value, d)), int64)
        return narrow, True

    def arithmetic(self, op: str, a: Typing, b: Typing) -> Typing:
        dtype, weak = self._common(a, b)
        if op == "/" and not dtype.is_float:
            return float32, weak
        if op in ("&", "|", "^") and dtype.is_bool:
            return bool_, False
        if op in ("<<", ">>"):
            return self._at_least_int(a)
        return self._at_least_int((dtype, weak))

    def compare(self, a: Typing, b: Typing) -> DType:
        dtype, _ = self._common(a, b)
        if dtype.kind == "uint" and a[0].is_signed != b[0].is_signed and not (a[1] or b[1]):
            return int64
        return dtype

    def join(self, a: Typing, b: Typing) -> Typing:
        return a if a == b else self._common(a, b)

    def extremum(self, a: Typing, b: Typing) -> Typing:
        return self._at_least_int(self._common(a, b))

    def negate(self, a: Typing) -> Typing:
        return self._at_least_int(a)

    def floating(self, a: Typing) -> Typing:
        return a if a[0].is_float else (float32, a[1])

    def ufunc_floating(self, a: Typing) -> Typing:
        return self.floating(a)

    def to_int(self, a: Typing) -> DType:
        if a[0].is_integer:
            return a[0]
        return int64 if a[0] is float64 else int32

    def range_of(self, parts: list[Typing]) -> Typing:
        result = parts[0]
        for part in parts[1:]:
            result = self._common(result, part)
        return self._at_least_int(result)

    def index(self) -> Typing:
        return int32, False

    def _at_least_int(self, a: Typing) -> Typing:
        if not a[0].is_float and a[0].bits < 32:
            return int32, a[1]
        return a

    def _common(self, a: Typing, b: Typing) -> Typing:
        (x, x_weak), (y, y_weak) = a, b
        if x is y:
            return x, x_weak and y_weak
        if x.is_bool or y.is_bool:
            return b if x.is_bool else a
        if x_weak != y_weak:
            return self._adapt(a, b) if x_weak else self._adapt(b, a)
        weak = x_weak and y_weak
        if x.is_float != y.is_float:
            return (x if x.is_float else y), weak
        if x.is_float:
            return (float32 if x.bits == y.bits else _wider(x, y)), weak
        if x.bits == y.bits:
            return (x if x.kind == "uint" else y), weak
        return _wider(x, y), weak

    def _adapt(self, weak: Typing, strong: Typing) -> Typing:
        if weak[0].is_float and not strong[0].is_float:
            return float32, False
        if weak[0].is_integer and strong[0].is_integer:
            if weak[0].kind == "uint" and strong[0].is_signed and strong[0].bits <= weak[0].bits:
                return int64, False
            if weak[0].bits > strong[0].bits:
                return weak[0], False
        return strong[0], False


class Numba:
    """The types numba.cuda infers."""

    name: Literal["weak", "numba"] = "numba"

    def literal(self, value: Number) -> Typing:
        if isinstance(value, bool):
            return bool_, False
        if isinstance(value, float):
            return float64, False
        return (int64 if fits(value, int64) else uint64), False

    def arithmetic(self, op: str, a: Typing, b: Typing) -> Typing:
        x, y = a[0], b[0]
        if x.is_float or y.is_float:
            dtype = self._with_float(x, y)
            if op in ("//", "%") and dtype.bits == 16:
                return float32, False
            return dtype, False
        if op == "/":
            return float64, False
        if op in ("&", "|", "^") and x.is_bool and y.is_bool:
            return bool_, False
        if op in ("<<", ">>"):
            return (uint64 if x.kind == "uint" else int64), False
        return (uint64 if x.kind == "uint" and y.kind == "uint" else int64), False

    def compare(self, a: Typing, b: Typing) -> DType:
        x, y = a[0], b[0]
        if x.is_float or y.is_float:
            return self._with_float(x, y)
        return self._integers(x, y)

    def join(self, a: Typing, b: Typing) -> Typing:
        x, y = (_JOINED.get(d, d) if o.is_float else d for d, o in ((a[0], b[0]), (b[0], a[0])))
        return self._unify(x, y), False

    def extremum(self, a: Typing, b: Typing) -> Typing:
        return self.join(a, b)

    def negate(self, a: Typing) -> Typing:
        if a[0].is_float:
            return a
        return (uint64 if a[0].kind == "uint" else int64), False

    def floating(self, a: Typing) -> Typing:
        return a if a[0].is_float else (float64, False)

    def ufunc_floating(self, a: Typing) -> Typing:
        if a[0].is_float:
            return a
        return (float32 if a[0].bits <= 16 else float64), False

    def to_int(self, a: Typing) -> DType:
        return a[0] if a[0].is_integer else int64

    def range_of(self, parts: list[Typing]) -> Typing:
        kinds = [p[0] for p in parts]
        if all(d.kind == "uint" for d in kinds):
            return uint64, False
        narrow = all(d.bits < 32 or d is int32 for d in kinds)
        return (int32 if narrow else int64), False

    def index(self) -> Typing:
        return int64, False

    def _unify(self, x: DType, y: DType) -> DType:
        if x.is_float or y.is_float:
            return self._with_float(x, y)
        return self._integers(x, y)

    def _integers(self, x: DType, y: DType) -> DType:
        if x is y or y.is_bool:
            return x
        if x.is_bool:
            return y
        if x.kind == y.kind:
            return _wider(x, y)
        signed, other = (x, y) if x.is_signed else (y, x)
        if other.bits < signed.bits:
            return signed
        return {8: dtypes.int16, 16: int32, 32: int64, 64: float64}[other.bits]

    def _with_float(self, x: DType, y: DType) -> DType:
        if x.is_float and y.is_float:
            if x is y:
                return x
            return float32 if x.bits == y.bits else _wider(x, y)
        real, integer = (x, y) if x.is_float else (y, x)
        if real is float64 or integer not in _SMALL:
            return float64
        if real is float16 and integer in (bool_, dtypes.int8):
            return float16
        return float32


def ufunc_type(rules: Rules, a: Typing, b: Typing) -> Typing:
    """Type in which NumPy's two-argument functions (``np.minimum``) work."""
    if rules.name == "weak":
        return rules.extremum(a, b)
    x, y = a[0], b[0]
    if x.is_float and y.is_float:
        real = rules.extremum(a, b)[0]
    elif x.is_float or y.is_float:
        real = x if x.is_float else y
    else:
        return rules.join(a, b)
    return (float32 if real.bits == 16 else real), False
