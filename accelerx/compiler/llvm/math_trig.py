"""Sine, cosine and tangent, for every argument.

|x| = k·π/2 + r. Up to a bound (2**17 in float32, 2**30 in float64) π/2 in three parts and fma give r
(Cody and Waite): the first step is exact, and the parts reach far beyond the closest that a float
comes to a multiple of π/2. Beyond the bound x is reduced by integer arithmetic with the bits of 2/π
that matter (Payne and Hanek, 1983); that happens in an outlined function, called where some lane is
that large. So the code of these functions has a branch, which ``fast`` leaves out (then they are
right up to the bound only). On |r| ≤ π/4 both sine and cosine are minimax polynomials.
"""

from __future__ import annotations

from accelerx import dtypes
from accelerx.compiler.llvm.builder import Builder
from accelerx.compiler.llvm.math_lanes import Lanes, Value

# sin(r) = r + r³·S(r²), cos(r) = 1 - r²/2 + r⁴·C(r²): relative errors 2**-28, 2**-33; 2**-58, 2**-64.
SIN_F32 = (-0.16666655, 0.00833219, -0.00019518405)
COS_F32 = (0.041666646, -0.0013887301, 2.443067e-05)
SIN_F64 = (
    -0.16666666666666632, 0.008333333333322455, -0.00019841269829813416, 2.7557313687572487e-06,
    -2.5050756714176265e-08, 1.5896681835467453e-10,
)  # fmt: skip
COS_F64 = (
    0.0416666666666666, -0.0013888888888874441, 2.480158728963631e-05, -2.755731438746744e-07,
    2.087572705841972e-09, -1.135980243058346e-11,
)  # fmt: skip

TWO_OVER_PI = 0.6366197723675814
# π/2 in parts, each cut (not rounded) so that all are positive: then a zero keeps its sign.
PIO2_F32 = (1.570796251296997, 7.549789415861596e-08, 5.390302529957765e-15)
PIO2_F64 = (1.5707963267948966, 6.123233995736765e-17, 1.0828566739219139e-32)
# A zero word, then the first 1280 bits of 2/π.
TWO_OVER_PI_WORDS = (
    0x0,
    0xA2F9836E4E441529, 0xFC2757D1F534DDC0, 0xDB6295993C439041, 0xFE5163ABDEBBC561,
    0xB7246E3A424DD2E0, 0x06492EEA09D1921C, 0xFE1DEB1CB129A73E, 0xE88235F52EBB4484,
    0xE99C7026B45F7E41, 0x3991D639835339F4, 0x9C845F8BBDF9283B, 0x1FF897FFDE05980F,
    0xEF2F118B5A0A6D1F, 0x6D367ECF27CB09B7, 0x4F463F669E5FEA2D, 0x7527BAC7EBE5F17B,
    0x3D0739F78A5292EA, 0x6BFB5FB11F8D5D08, 0x56033046FC7B6BAB, 0xF0CFBC209AF4361D,
)  # fmt: skip


class Angle:
    """|x| = q·π/2 + r + low (modulo 2π); q in the low bits of an integer; low only in float64."""

    __slots__ = ("low", "q", "r")

    def __init__(self, q: Value, r: Value, low: Value | None) -> None:
        self.q, self.r, self.low = q, r, low


def sin(m: Lanes, x: Value, *, fast: bool = False) -> Value:
    a = m.abs(x)
    angle = reduce(m, a, fast=fast)
    sine, cosine = kernel(m, angle.r, angle.low)
    result = _odd(m, angle.q).where(cosine, sine)
    sign = (x.bits() & m.sign_bit) ^ _second_bit_as_sign(m, angle.q)
    return (result.bits() ^ sign).as_float()


def cos(m: Lanes, x: Value, *, fast: bool = False) -> Value:
    angle = reduce(m, m.abs(x), fast=fast)
    sine, cosine = kernel(m, angle.r, angle.low)
    result = _odd(m, angle.q).where(sine, cosine)
    # cos(a) = sin(a + π/2): the sign turns where q + 1 has its second bit.
    return (result.bits() ^ _second_bit_as_sign(m, angle.q + 1)).as_float()


def tan(m: Lanes, x: Value, *, fast: bool = False) -> Value:
    angle = reduce(m, m.abs(x), fast=fast)
    (sine, sine_low), (cosine, cosine_low) = kernel_parts(m, angle.r, angle.low)
    odd = _odd(m, angle.q)
    over, under = odd.where(cosine, sine), odd.where(sine, cosine)
    over_low, under_low = odd.where(cosine_low, sine_low), odd.where(sine_low, cosine_low)
    # The quotient, corrected by its remainder.
    inverse = 1.0 / under
    quotient = over * inverse
    left = m.fma(-quotient, under, over) + m.fma(-quotient, under_low, over_low)
    quotient = m.fma(left, inverse, quotient)
    turned = angle.q << (m.dtype.bits - 1)
    sign = (x.bits() & m.sign_bit) ^ turned
    return (quotient.bits() ^ sign).as_float()


def _odd(m: Lanes, q: Value) -> Value:
    return (q & 1).differs(0)


def _second_bit_as_sign(m: Lanes, q: Value) -> Value:
    return (q << (m.dtype.bits - 2)) & m.sign_bit


def kernel(m: Lanes, r: Value, low: Value | None) -> tuple[Value, Value]:
    """sin(r + low) and cos(r + low) for |r| ≤ π/4."""
    if low is None:
        z = r * r
        return r + _sine_tail(m, r, z), m.fma(z, -0.5, 1.0) + _cosine_tail(m, z)
    sine, cosine = kernel_parts(m, r, low)
    return sine[0], cosine[0]


def kernel_parts(
    m: Lanes, r: Value, low: Value | None
) -> tuple[tuple[Value, Value], tuple[Value, Value]]:
    """The same, each with its rounding error."""
    z = r * r
    half = z * 0.5
    s, c = _sine_tail(m, r, z), _cosine_tail(m, z)
    if low is not None:
        s = s + m.fma(-half, low, low)
        c = m.fma(-r, low, c)
    near_one = 1.0 - half
    cosine = m.fast_two_sum(near_one, ((1.0 - near_one) - half) + c)
    return m.fast_two_sum(r, s), cosine


def _sine_tail(m: Lanes, r: Value, z: Value) -> Value:
    return (z * r) * m.poly_split(z, SIN_F64 if m.double else SIN_F32)


def _cosine_tail(m: Lanes, z: Value) -> Value:
    return (z * z) * m.poly_split(z, COS_F64 if m.double else COS_F32)


def reduce(m: Lanes, a: Value, *, fast: bool = False) -> Angle:
    """Reduces a ≥ 0 (NaN and infinity give NaN)."""
    angle = _reduce_moderate(m, a)
    return angle if fast else _reduce_large(m, a, angle)


def _reduce_moderate(m: Lanes, a: Value) -> Angle:
    k, q = m.round_magic(a, TWO_OVER_PI)
    if not m.double:
        r = a
        for part in PIO2_F32:
            r = m.fma(k, -part, r)
        return Angle(q, r, None)
    high, middle, lowest = PIO2_F64
    first = m.fma(k, -high, a)
    product, product_low = m.two_product(k, m.const(middle))
    r, low = m.two_sum(first, -product)
    low = m.fma(k, -lowest, low - product_low)
    r, low = m.fast_two_sum(r, low)
    return Angle(q, r, low)


def _reduce_large(m: Lanes, a: Value, angle: Angle) -> Angle:
    """Replaces the lanes beyond the bound, where there are any, by calling the outlined function."""
    bound = m.pick(2.0**17, 2.0**30)
    _declare_scalar(m.b)
    name = _declare_lanes(m, bound)
    b = m.b
    start, slow, join = b.label("angle"), b.label("large"), b.label("reduced")
    b.branch(start)
    b.place(start)
    b.branch_if(m.any(a >= bound), slow, join)
    b.place(slow)
    parts = [a, angle.q, angle.r] + ([angle.low] if angle.low is not None else [])
    kinds = [m.type(p.dtype) for p in parts]
    passed = ", ".join(f"{kind} {p.text}" for kind, p in zip(kinds, parts, strict=True))
    record = "{ " + ", ".join(kinds[1:]) + " }"
    replaced = b.value(f"call {record} @{name}({passed})", pure=False)
    fields = [
        b.value(f"extractvalue {record} {replaced}, {i}", pure=False) for i in range(len(parts) - 1)
    ]
    b.branch(join)
    b.place(join)
    chosen = [
        m.value(
            b.value(f"phi {m.type(p.dtype)} [ {p.text}, %{start} ], [ {f}, %{slow} ]", pure=False),
            p.dtype,
        )
        for p, f in zip(parts[1:], fields, strict=True)
    ]
    return Angle(chosen[0], chosen[1], chosen[2] if angle.low is not None else None)


def _declare_lanes(m: Lanes, bound: float) -> str:
    """Defines the function that replaces a vector's large lanes, one by one; gives its name."""
    inner = Builder()
    n = Lanes(inner, m.dtype, 1)
    name = f"ax.large_angle.{m.suffix()}"
    integer = m.integer
    kinds = [(integer, "q"), (m.dtype, "r")] + ([(m.dtype, "low")] if m.double else [])
    record = "{ " + ", ".join(m.type(k) for k, _ in kinds) + " }"
    inner.effect("br label %head")
    inner.place("head")
    inner.effect("%i = phi i64 [ 0, %entry ], [ %next, %tail ]")
    for kind, field in kinds:
        both = f"[ %{field}0, %entry ], [ %{field}2, %tail ]"
        inner.effect(f"%{field} = phi {m.type(kind)} {both}")
    if m.count == 1:
        x = n.value("%a")
    else:
        x = n.value(inner.value(f"extractelement {m.type()} %a, i64 %i"))
    infinity = n.const(float("inf"))
    inner.branch_if(((x >= bound) & (x < infinity)).text, "large", "tail")
    inner.place("large")
    wide = x.text if m.double else x.cast("fpext", dtypes.float64).text
    answer = inner.value(f"call {{ i64, double, double }} @ax.large_angle(double {wide})")
    for position, (kind, field) in enumerate(kinds):
        item = inner.value(f"extractvalue {{ i64, double, double }} {answer}, {position}")
        if not m.double:
            opcode = "trunc i64" if kind is integer else "fptrunc double"
            item = inner.value(f"{opcode} {item} to {kind.llvm}")
        if m.count == 1:
            inner.effect(f"%{field}1 = select i1 true, {kind.llvm} {item}, {kind.llvm} {item}")
        else:
            into = f"insertelement {m.type(kind)} %{field}, {kind.llvm} {item}, i64 %i"
            inner.effect(f"%{field}1 = {into}")
    inner.branch("tail")
    inner.place("tail")
    for kind, field in kinds:
        both = f"[ %{field}, %head ], [ %{field}1, %large ]"
        inner.effect(f"%{field}2 = phi {m.type(kind)} {both}")
    inner.effect("%next = add i64 %i, 1")
    more = inner.value(f"icmp ult i64 %next, {m.count}")
    inner.branch_if(more, "head", "exit")
    inner.place("exit")
    result = "poison"
    for position, (kind, field) in enumerate(kinds):
        result = inner.value(f"insertvalue {record} {result}, {m.type(kind)} %{field}2, {position}")
    inner.effect(f"ret {record} {result}")
    parameters = ", ".join([f"{m.type()} %a"] + [f"{m.type(k)} %{f}0" for k, f in kinds])
    head = f"define internal {record} @{name}({parameters}) cold noinline {{\nentry:"
    m.b.declare("\n".join([head, *inner.lines, "}"]))
    return name


def _declare_scalar(b: Builder) -> None:
    """Defines ``ax.large_angle(double x) -> {quadrant, r, low}`` for 2**-1 ≤ x < infinity.

    x = mantissa·2**E with a 53-bit integer. Bits of 2/π worth 4·2**-E and more give whole turns, so
    the product with the 192 bits from there on, modulo 2**128, is x·2/π modulo 4 in units of
    2**-126; no float64 comes closer to a multiple of π/2 than 2**-62 of it.
    """
    words = ", ".join(f"i64 {w - (1 << 64) if w >> 63 else w}" for w in TWO_OVER_PI_WORDS)
    b.declare(
        f"@ax.two_over_pi = internal constant [{len(TWO_OVER_PI_WORDS)} x i64] [{words}], align 8"
    )
    inner = Builder()
    m = Lanes(inner, dtypes.float64, 1)
    long = dtypes.int64
    bits = m.value("%x").bits()
    mantissa = (bits & ((1 << 52) - 1)) | (1 << 52)
    # E = exponent - 1075; the window begins at bit E - 1 of 2/π, which is bit E + 62 of the table.
    offset = bits.lshr(52) - 1013
    index, shift = offset.lshr(6), offset & 63
    loaded = []
    for i in range(4):
        at = inner.value(f"getelementptr i64, ptr @ax.two_over_pi, i64 {(index + i).text}")
        loaded.append(inner.value(f"load i64, ptr {at}, align 8"))
    window = [
        inner.intrinsic("llvm.fshl", [loaded[i], loaded[i + 1], shift.text], long) for i in range(3)
    ]
    big = [inner.value(f"zext i64 {w} to i128") for w in [mantissa.text, *window]]
    top = inner.value(f"mul i128 {big[0]}, {big[1]}")
    top = inner.value(f"shl i128 {top}, 64")
    middle = inner.value(f"mul i128 {big[0]}, {big[2]}")
    bottom = inner.value(f"mul i128 {big[0]}, {big[3]}")
    bottom = inner.value(f"lshr i128 {bottom}, 64")
    total = inner.value(f"add i128 {top}, {middle}")
    total = inner.value(f"add i128 {total}, {bottom}")
    high = m.value(inner.value(f"lshr i128 {total}, 64"), long)
    high = m.value(inner.value(f"trunc i128 {high.text} to i64"), long)
    low = m.value(inner.value(f"trunc i128 {total} to i64"), long)
    quadrant = (high + (1 << 61)).lshr(62)
    fraction = high - (quadrant << 62)
    # The fraction in three floats without a rounding: its 53 bits from the top, the next, the rest.
    a = (fraction & ~0x7FF).cast("sitofp", m.dtype) * 2.0**-62
    second = ((fraction & 0x7FF) << 42) | low.lshr(22)
    c = second.cast("sitofp", m.dtype) * 2.0**-104
    d = (low & ((1 << 22) - 1)).cast("sitofp", m.dtype) * 2.0**-126
    h, rest = m.fast_two_sum(a, c)
    h, rest = m.fast_two_sum(h, rest + d)
    pio2, pio2_low, _ = PIO2_F64
    product, error = m.two_product(h, m.const(pio2))
    error = error + m.fma(h, pio2_low, rest * pio2)
    r, r_low = m.fast_two_sum(product, error)
    record = "{ i64, double, double }"
    result = inner.value(f"insertvalue {record} poison, i64 {quadrant.text}, 0")
    result = inner.value(f"insertvalue {record} {result}, double {r.text}, 1")
    result = inner.value(f"insertvalue {record} {result}, double {r_low.text}, 2")
    inner.effect(f"ret {record} {result}")
    for line in inner.declarations:
        b.declare(line)
    b.declare(
        "\n".join(
            [
                f"define internal {record} @ax.large_angle(double %x) cold noinline {{",
                *inner.lines,
                "}",
            ]
        )
    )
