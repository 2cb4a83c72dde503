"""Functions of the math module that no single intrinsic is: rounding to digits, frexp, remainder."""

from __future__ import annotations

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.diagnostics import Loc
from accelerx.compiler.frontends.python.values import Scalar, Tuple
from accelerx.compiler.frontends.python.views import Views
from accelerx.dtypes import bool_, float32, float64, int32, int64

_EXACT_POWERS = 22  # 10**22 is the last power of ten that float64 holds exactly


class Numeric(Views):
    """Builds these functions from operators and intrinsics."""

    def round_digits(self, x: Scalar, digits: Scalar, loc: Loc | None) -> Scalar:
        """``round(x, digits)``: half to even on the scaled value.

        What overflows when scaled is left alone. numba scales in float64, so that rules does too.
        """
        work = (float64, False) if self.rules.name == "numba" else x.typing
        value = self.once(self.cast(x, work[0], loc, work[1]), loc)
        if digits.constant is not None:
            n = int(digits.constant)
            factor = self.constant(10.0 ** abs(n), *work)
            scaled = self.once(self.binary("*" if n >= 0 else "/", value, factor, loc), loc)
            whole = self.apply("rint", (scaled,), work, loc)
            result = self.binary("/" if n >= 0 else "*", whole, factor, loc)
        else:
            scaled, result = self._round_run_time_digits(value, digits, loc)
        finite = self.expression_of(ir.Call("isfinite", (self.code(scaled, loc=loc),), bool_, loc))
        return self.cast(self.select(finite, result, value, loc), x.dtype, loc, x.weak)

    def _round_run_time_digits(
        self, value: Scalar, digits: Scalar, loc: Loc | None
    ) -> tuple[Scalar, Scalar]:
        """The scaled value and the result; two factors keep powers of ten beyond 10**22 exact."""
        typing = value.typing
        n = self.once(self.cast(digits, int64, loc), loc)
        limit = self.constant(_EXACT_POWERS, int64)
        many = self.compare("gt", self.absolute(n, loc), limit, loc)
        big = self.once(
            self.select(many, self.constant(1e22, *typing), self.constant(1.0, *typing), loc),
            loc,
        )
        size = self.absolute(n, loc)
        rest = self.select(many, self.binary("-", size, limit, loc), size, loc)
        small = self.power_by_squaring(self.constant(10.0, *typing), rest, typing[0], loc)
        up = self.once(self.compare("ge", n, self.constant(0, int64), loc), loc)
        larger = self.binary("*", self.binary("*", value, small, loc), big, loc)
        smaller = self.binary("/", value, self.binary("*", small, big, loc), loc)
        scaled = self.once(self.select(up, larger, smaller, loc), loc)
        whole = self.once(self.apply("rint", (scaled,), typing, loc), loc)
        back = self.binary("/", self.binary("/", whole, big, loc), small, loc)
        forth = self.binary("*", whole, self.binary("*", small, big, loc), loc)
        return scaled, self.select(up, back, forth, loc)

    def modf(self, x: Scalar, loc: Loc | None) -> Tuple:
        """The fractional and the whole part, both with the sign of x."""
        x = self.once(x, loc)
        whole = self.once(self.apply("trunc", (x,), x.typing, loc), loc)
        rest = self.binary("-", x, whole, loc)
        none = self.compare("eq", x, whole, loc)
        rest = self.select(none, self.constant(0.0, *x.typing), rest, loc)
        return Tuple((self.apply("copysign", (rest, x), x.typing, loc), whole))

    def frexp(self, x: Scalar, loc: Loc | None) -> Tuple:
        """(m, e) with x == m * 2**e and 0.5 <= abs(m) < 1; (x, 0) for 0, infinity and NaN."""
        dtype = float32 if x.dtype.bits == 16 else x.dtype
        x = self.once(self.cast(x, dtype, loc), loc)
        bits, mantissa, bias = (64, 52, 1022) if dtype is float64 else (32, 23, 126)
        unsigned = dtypes.uint64 if bits == 64 else dtypes.uint32
        magnitude = self.apply("abs", (x,), (dtype, False), loc)
        tiny = self.compare("lt", magnitude, self.constant(2.0**-bias, dtype), loc)
        tiny = self.once(tiny, loc)
        lifted = self.binary("*", x, self.constant(2.0**mantissa, dtype), loc)
        normal = self.code(self.select(tiny, lifted, x, loc), loc=loc)
        word = self.once(self.expression_of(ir.Bitcast(normal, unsigned, loc)), loc)
        field = (1 << (bits - mantissa - 1)) - 1
        shifted = self.binary(">>", word, self.constant(mantissa, unsigned), loc)
        raw = self.binary("&", shifted, self.constant(field, unsigned), loc)
        offset = self.select(
            tiny, self.constant(bias + mantissa, int32), self.constant(bias, int32), loc
        )
        exponent = self.cast(self.binary("-", self.cast(raw, int32, loc), offset, loc), int32, loc)
        kept = self.binary("&", word, self.constant(~(field << mantissa), unsigned), loc)
        kept = self.binary("|", kept, self.constant(bias << mantissa, unsigned), loc)
        half = self.expression_of(ir.Bitcast(self.code(kept, unsigned, loc), dtype, loc))
        finite = self.expression_of(ir.Call("isfinite", (self.code(x, loc=loc),), bool_, loc))
        nonzero = self.compare("ne", x, self.constant(0.0, dtype), loc)
        ordinary = self.once(self.both(finite, nonzero, loc), loc)
        zero = self.constant(0, int32)
        return Tuple(
            (self.select(ordinary, half, x, loc), self.select(ordinary, exponent, zero, loc))
        )

    def remainder(self, x: Scalar, y: Scalar, loc: Loc | None) -> Scalar:
        """IEEE's: x - n * y for the integer n nearest to x / y, ties to even; exact."""
        typing = x.typing
        x, size = self.once(x, loc), self.once(self.apply("abs", (y,), y.typing, loc), loc)
        twice = self.binary("+", size, size, loc)
        a, b = self.code(self.apply("abs", (x,), typing, loc)), self.code(twice)
        r = self.once(self.expression_of(ir.Binary("rem", a, b, typing[0], False, loc)), loc)
        first = self.compare("gt", self.binary("+", r, r, loc), size, loc)
        once = self.once(self.binary("-", r, size, loc), loc)
        second = self.compare("ge", self.binary("+", once, once, loc), size, loc)
        nearer = self.select(second, self.binary("-", once, size, loc), once, loc)
        result = self.once(self.select(first, nearer, r, loc), loc)
        back = self.negate(result, loc)
        sign = self.expression_of(ir.Call("signbit", (self.code(x, loc=loc),), bool_, loc))
        return self.select(sign, back, result, loc)

    def sign(self, x: Scalar, loc: Loc | None) -> Scalar:
        """NumPy's sign: -1, 0 or 1; NaN stays."""
        x = self.once(x, loc)
        one, zero = self.constant(1, *x.typing), self.constant(0, *x.typing)
        if x.dtype.kind == "uint":
            return self.extremum("min", x, one, loc, x.typing)
        negative = self.compare("lt", x, zero, loc)
        below = self.select(negative, self.constant(-1, *x.typing), x, loc)
        return self.select(self.compare("gt", x, zero, loc), one, below, loc)
