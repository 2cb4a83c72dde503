"""Float conversions and small-float arithmetic whose every rounding is written out.

f16 and bf16 are computed in f32 and rounded after each operation; a conversion from f64 first rounds
to odd, so that the second rounding sees all it needs. No run-time library is called.
"""

from __future__ import annotations

from accelerx import dtypes
from accelerx.compiler.llvm.builder import Builder, suffix, type_name
from accelerx.dtypes import DType, bfloat16, float32, float64, uint32


def computed_in(dtype: DType) -> DType:
    """The float type that operations on ``dtype`` are carried out in."""
    return float32 if dtype.bits == 16 else dtype


def widen(b: Builder, x: str, dtype: DType, lanes: int) -> str:
    """A float as the type it is computed in; exact."""
    wide = computed_in(dtype)
    if wide is dtype:
        return x
    if dtype is bfloat16:
        bits = b.bitcast(x, dtype, dtypes.uint16, lanes)
        word = type_name(uint32, lanes)
        bits = b.value(f"zext {type_name(dtypes.uint16, lanes)} {bits} to {word}")
        bits = b.value(f"shl {word} {bits}, {b.constant(16, uint32, lanes)}")
        return b.bitcast(bits, uint32, float32, lanes)
    return b.value(f"fpext {type_name(dtype, lanes)} {x} to {type_name(wide, lanes)}")


def narrow(b: Builder, x: str, dtype: DType, lanes: int) -> str:
    """A value of ``computed_in(dtype)`` rounded to ``dtype``, half to even."""
    if computed_in(dtype) is dtype:
        return x
    if dtype is bfloat16:
        return _to_bfloat16(b, x, lanes)
    return b.value(f"fptrunc {type_name(float32, lanes)} {x} to {type_name(dtype, lanes)}")


def _to_bfloat16(b: Builder, x: str, lanes: int) -> str:
    """Adds half a unit, less a bit if the upper half is even; a NaN is made quiet."""
    word = type_name(uint32, lanes)
    bits = b.bitcast(x, float32, uint32, lanes)
    high = b.value(f"lshr {word} {bits}, {b.constant(16, uint32, lanes)}")
    odd = b.value(f"and {word} {high}, {b.constant(1, uint32, lanes)}")
    rounded = b.value(f"add {word} {bits}, {b.constant(0x7FFF, uint32, lanes)}")
    rounded = b.value(f"add {word} {rounded}, {odd}")
    quiet = b.value(f"or {word} {bits}, {b.constant(0x400000, uint32, lanes)}")
    nan = b.value(f"fcmp uno {type_name(float32, lanes)} {x}, {x}")
    flag = type_name(dtypes.bool_, lanes)
    kept = b.value(f"select {flag} {nan}, {word} {quiet}, {word} {rounded}")
    kept = b.value(f"lshr {word} {kept}, {b.constant(16, uint32, lanes)}")
    half = type_name(dtypes.uint16, lanes)
    kept = b.value(f"trunc {word} {kept} to {half}")
    return b.bitcast(kept, dtypes.uint16, bfloat16, lanes)


def _round_to_odd(b: Builder, x: str, lanes: int) -> str:
    """f64 to f32: truncated, with the last bit set if anything was lost."""
    double, single = type_name(float64, lanes), type_name(float32, lanes)
    word, flag = type_name(uint32, lanes), type_name(dtypes.bool_, lanes)
    near = b.value(f"fptrunc {double} {x} to {single}")
    back = b.value(f"fpext {single} {near} to {double}")
    away = b.value(
        f"fcmp ogt {double} {b.intrinsic('llvm.fabs', [back], float64, lanes)}, "
        f"{b.intrinsic('llvm.fabs', [x], float64, lanes)}"
    )
    lost = b.value(f"fcmp one {double} {back}, {x}")
    bits = b.bitcast(near, float32, uint32, lanes)
    less = b.value(f"sub {word} {bits}, {b.constant(1, uint32, lanes)}")
    bits = b.value(f"select {flag} {away}, {word} {less}, {word} {bits}")
    odd = b.value(f"or {word} {bits}, {b.constant(1, uint32, lanes)}")
    bits = b.value(f"select {flag} {lost}, {word} {odd}, {word} {bits}")
    return b.bitcast(bits, uint32, float32, lanes)


def convert(b: Builder, x: str, source: DType, target: DType, lanes: int) -> str:
    """A float of one type as another, correctly rounded."""
    if source is target:
        return x
    if target.bits == 16:
        if source is float64:
            return narrow(b, _round_to_odd(b, x, lanes), target, lanes)
        return narrow(b, widen(b, x, source, lanes), target, lanes)
    wide = widen(b, x, source, lanes)
    from_type = computed_in(source)
    if from_type is target:
        return wide
    opcode = "fpext" if target.bits > from_type.bits else "fptrunc"
    return b.value(f"{opcode} {type_name(from_type, lanes)} {wide} to {type_name(target, lanes)}")


def from_integer(b: Builder, x: str, source: DType, target: DType, lanes: int) -> str:
    """An integer or bool as a float, rounded once, half to even.

    A half holds no integer that f32 would have rounded; a bfloat does.
    """
    if target is bfloat16 and source.bits > 16:
        x = _to_53_bits(b, x, source, lanes) if source.bits == 64 else x
        double = from_integer(b, x, source, float64, lanes)
        return convert(b, double, float64, target, lanes)
    wide = computed_in(target)
    opcode = "sitofp" if source.is_signed else "uitofp"
    value = b.value(f"{opcode} {type_name(source, lanes)} {x} to {type_name(wide, lanes)}")
    return narrow(b, value, target, lanes)


def _to_53_bits(b: Builder, x: str, source: DType, lanes: int) -> str:
    """A 64-bit integer that f64 can hold: large ones lose 11 bits, and keep whether any was set."""
    word, flag = type_name(source, lanes), type_name(dtypes.bool_, lanes)

    def const(value: int) -> str:
        return b.constant(value, source, lanes)

    lost = b.value(f"and {word} {x}, {const((1 << 11) - 1)}")
    some = b.value(f"icmp ne {word} {lost}, {const(0)}")
    kept = b.value(f"and {word} {x}, {const(-(1 << 11))}")
    last = b.value(f"or {word} {kept}, {const(1 << 11)}")
    odd = b.value(f"select {flag} {some}, {word} {last}, {word} {kept}")
    limit = 1 << 53
    if source.is_signed:
        above = b.value(f"add {word} {x}, {const(limit)}")
        large = b.value(f"icmp ugt {word} {above}, {const(2 * limit)}")
    else:
        large = b.value(f"icmp ugt {word} {x}, {const(limit)}")
    return b.value(f"select {flag} {large}, {word} {odd}, {word} {x}")


def to_integer(b: Builder, x: str, source: DType, target: DType, lanes: int) -> str:
    """A float truncated toward zero and saturated; NaN gives 0."""
    wide, kind = computed_in(source), "fptosi" if target.is_signed else "fptoui"
    x = widen(b, x, source, lanes)
    result, operand = type_name(target, lanes), type_name(wide, lanes)
    name = f"@llvm.{kind}.sat.{suffix(target, lanes)}.{suffix(wide, lanes)}"
    b.declare(f"declare {result} {name}({operand})")
    return b.value(f"call {result} {name}({operand} {x})")


def remainder(b: Builder, op: str, x: str, y: str, dtype: DType, lanes: int) -> str:
    """``rem`` (C's fmod), ``mod`` or ``floordiv`` (Python's) on f32 or f64."""
    kind, flag = type_name(dtype, lanes), type_name(dtypes.bool_, lanes)
    zero = b.constant(0.0, dtype, lanes)
    rest = b.value(f"frem {kind} {x}, {y}")
    if op == "rem":
        return rest

    def choose(condition: str, then: str, orelse: str) -> str:
        return b.value(f"select {flag} {condition}, {kind} {then}, {kind} {orelse}")

    some = b.value(f"fcmp une {kind} {rest}, {zero}")
    negative = b.value(f"fcmp olt {kind} {rest}, {zero}")
    divisor_negative = b.value(f"fcmp olt {kind} {y}, {zero}")
    differ = b.value(f"xor {flag} {negative}, {divisor_negative}")
    differ = b.value(f"and {flag} {differ}, {some}")
    if op == "mod":
        shifted = b.value(f"fadd {kind} {rest}, {y}")
        nothing = b.intrinsic("llvm.copysign", [zero, y], dtype, lanes)
        return choose(differ, shifted, choose(some, rest, nothing))
    return _floor_quotient(b, x, y, rest, differ, dtype, lanes)


def _floor_quotient(
    b: Builder, x: str, y: str, rest: str, differ: str, dtype: DType, lanes: int
) -> str:
    kind, flag = type_name(dtype, lanes), type_name(dtypes.bool_, lanes)
    zero, one = b.constant(0.0, dtype, lanes), b.constant(1.0, dtype, lanes)

    def choose(condition: str, then: str, orelse: str) -> str:
        return b.value(f"select {flag} {condition}, {kind} {then}, {kind} {orelse}")

    whole = b.value(f"fdiv {kind} {x}, {y}")
    whole_part = b.value(f"fdiv {kind} {b.value(f'fsub {kind} {x}, {rest}')}, {y}")
    part = choose(differ, b.value(f"fsub {kind} {whole_part}, {one}"), whole_part)
    floor = b.intrinsic("llvm.floor", [part], dtype, lanes)
    above = b.value(f"fsub {kind} {part}, {floor}")
    far = b.value(f"fcmp ogt {kind} {above}, {b.constant(0.5, dtype, lanes)}")
    floor = choose(far, b.value(f"fadd {kind} {floor}, {one}"), floor)
    nothing = b.intrinsic("llvm.copysign", [zero, whole], dtype, lanes)
    some = b.value(f"fcmp une {kind} {part}, {zero}")
    by_zero = b.value(f"fcmp oeq {kind} {y}, {zero}")
    return choose(by_zero, whole, choose(some, floor, nothing))


def next_after(b: Builder, x: str, y: str, dtype: DType, lanes: int) -> str:
    """The neighbour of a 16-bit float towards ``y``: its bits, plus or minus one."""
    word, flag = type_name(dtypes.int16, lanes), type_name(dtypes.bool_, lanes)
    single, kind = type_name(float32, lanes), type_name(dtype, lanes)
    wide_x, wide_y = widen(b, x, dtype, lanes), widen(b, y, dtype, lanes)
    zero, one = b.constant(0, dtypes.int16, lanes), b.constant(1, dtypes.int16, lanes)
    bits = b.bitcast(x, dtype, dtypes.int16, lanes)
    up = b.value(f"fcmp olt {single} {wide_x}, {wide_y}")
    negative = b.value(f"icmp slt {word} {bits}, {zero}")
    grows = b.value(f"xor {flag} {up}, {negative}")
    more, less = b.value(f"add {word} {bits}, {one}"), b.value(f"sub {word} {bits}, {one}")
    stepped = b.value(f"select {flag} {grows}, {word} {more}, {word} {less}")
    sign = b.bitcast(y, dtype, dtypes.int16, lanes)
    sign = b.value(f"and {word} {sign}, {b.constant(-(1 << 15), dtypes.int16, lanes)}")
    least = b.value(f"or {word} {sign}, {one}")
    at_zero = b.value(f"fcmp oeq {single} {wide_x}, {b.constant(0.0, float32, lanes)}")
    stepped = b.value(f"select {flag} {at_zero}, {word} {least}, {word} {stepped}")
    stepped = b.bitcast(stepped, dtypes.int16, dtype, lanes)
    equal = b.value(f"fcmp oeq {single} {wide_x}, {wide_y}")
    result = b.value(f"select {flag} {equal}, {kind} {y}, {kind} {stepped}")
    nan = b.value(f"fcmp uno {single} {wide_x}, {wide_y}")
    total = narrow(b, b.value(f"fadd {single} {wide_x}, {wide_y}"), dtype, lanes)
    return b.value(f"select {flag} {nan}, {kind} {total}, {kind} {result}")


def copy_sign(b: Builder, x: str, y: str, dtype: DType, lanes: int) -> str:
    """A 16-bit float with the sign of ``y``, which is chosen rather than masked in.

    LLVM makes its own copysign of two masks, and fails to select that for bfloat.
    """
    word, flag = type_name(dtypes.int16, lanes), type_name(dtypes.bool_, lanes)
    own, other = (b.bitcast(t, dtype, dtypes.int16, lanes) for t in (x, y))
    negative_one = b.value(f"icmp slt {word} {other}, {b.constant(0, dtypes.int16, lanes)}")
    plus = b.value(f"and {word} {own}, {b.constant(0x7FFF, dtypes.int16, lanes)}")
    minus = b.value(f"or {word} {own}, {b.constant(-(1 << 15), dtypes.int16, lanes)}")
    chosen = b.value(f"select {flag} {negative_one}, {word} {minus}, {word} {plus}")
    return b.bitcast(chosen, dtypes.int16, dtype, lanes)


def negative(b: Builder, x: str, dtype: DType, lanes: int) -> str:
    """A 16-bit float with the other sign."""
    word = type_name(dtypes.int16, lanes)
    bits = b.bitcast(x, dtype, dtypes.int16, lanes)
    flipped = b.value(f"xor {word} {bits}, {b.constant(-(1 << 15), dtypes.int16, lanes)}")
    return b.bitcast(flipped, dtypes.int16, dtype, lanes)
