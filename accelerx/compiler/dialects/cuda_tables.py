"""CUDA C++ as tables: spellings, atomics, warp operations, and the functions CUDA has not.

A template's ``{name}`` is the function's name, ``{T}`` its element type, ``{U}`` and ``{W}`` the
unsigned integers of the element's and of an atomic word's width.
"""

from __future__ import annotations

from collections.abc import Mapping

from accelerx.compiler.dialects.c_text import ADD, POSTFIX, UNARY, Helper
from accelerx.compiler.intrinsics import ATOMICS, INTRINSICS

FULL_MASK = "0xffffffffU"
CONSTANT_BYTES = 64 * 1024  # of constant memory; larger tables go to global memory
STATIC_SHARED_BYTES = 48 * 1024  # of a block, on every device; more must be dynamic

FLOAT16 = Helper(
    """struct ax_f16 {{  // IEEE half precision; arithmetic is float, rounded after every operation
    unsigned short bits;
    __device__ __forceinline__ operator float() const {{
        float x;
        asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(bits));
        return x;
    }}
}};"""
)
TO_FLOAT16 = Helper(
    """ax_f16 {name}(float x) {{
    ax_f16 y;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
    return y;
}}"""
)
DOUBLE_TO_FLOAT16 = Helper(
    """ax_f16 {name}(double x) {{
    ax_f16 y;
    asm("cvt.rn.f16.f64 %0, %1;" : "=h"(y.bits) : "d"(x));
    return y;
}}"""
)
BFLOAT16 = Helper(
    """struct ax_bf16 {{  // the upper half of a float; arithmetic is float, rounded every time
    unsigned short bits;
    __device__ __forceinline__ operator float() const {{
        return __uint_as_float((unsigned int)bits << 16);
    }}
}};"""
)
TO_BFLOAT16 = Helper(
    """ax_bf16 {name}(float x) {{
    ax_bf16 y;
#if __CUDA_ARCH__ >= 800
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
#else
    const unsigned int u = __float_as_uint(x);
    y.bits = x != x ? 0x7fff : (unsigned short)((u + 0x7fffU + (u >> 16 & 1U)) >> 16);
#endif
    return y;
}}"""
)
DOUBLE_TO_BFLOAT16 = Helper(
    """ax_bf16 {name}(double x) {{  // to odd first, so that the second rounding is the only one
    float y = __double2float_rz(x);
    if (x == x && (double)y != x) y = __uint_as_float(__float_as_uint(y) | 1U);
    return ax_to_bf16(y);
}}"""
)

NARROW_NEXTAFTER = Helper(
    """{T} {name}({T} x, {T} y) {{
    if (x != x || y != y) return {quiet};
    if (x == y) return y;
    if (x == 0.0f) return {T}{{(unsigned short)(y > 0.0f ? 0x0001 : 0x8001)}};
    return {T}{{(unsigned short)((x < y) == (x > 0.0f) ? x.bits + 1 : x.bits - 1)}};
}}"""
)

#: Conversions from float to integer: CUDA's saturate; NaN gives 0 only between 32-bit types.
FLOAT_TO_INTEGER: Mapping[tuple[int, str], str] = {
    (32, "int32"): "__float2int_rz", (32, "uint32"): "__float2uint_rz",
    (32, "int64"): "__float2ll_rz", (32, "uint64"): "__float2ull_rz",
    (64, "int32"): "__double2int_rz", (64, "uint32"): "__double2uint_rz",
    (64, "int64"): "__double2ll_rz", (64, "uint64"): "__double2ull_rz",
}  # fmt: skip
NAN_TO_ZERO = Helper("{T} {name}({F} x) {{ return x == x ? {convert}(x) : 0; }}")
NARROW_INTEGER = Helper(
    "{T} {name}({F} x) {{\n"
    "    return ({T})(x == x ? min(max({convert}(x), {low}), {high}) : 0);\n}}"
)

BITCASTS: Mapping[tuple[str, str], str] = {
    ("float32", "int32"): "__float_as_int({0})",
    ("float32", "uint32"): "__float_as_uint({0})",
    ("int32", "float32"): "__int_as_float({0})",
    ("uint32", "float32"): "__uint_as_float({0})",
    ("float64", "int64"): "__double_as_longlong({0})",
    ("float64", "uint64"): "(unsigned long long)__double_as_longlong({0})",
    ("int64", "float64"): "__longlong_as_double({0})",
    ("uint64", "float64"): "__longlong_as_double((long long){0})",
    ("float16", "uint16"): "{0}.bits",
    ("float16", "int16"): "(short){0}.bits",
    ("bfloat16", "uint16"): "{0}.bits",
    ("bfloat16", "int16"): "(short){0}.bits",
    ("uint16", "float16"): "ax_f16{{{0}}}",
    ("int16", "float16"): "ax_f16{{(unsigned short){0}}}",
    ("uint16", "bfloat16"): "ax_bf16{{{0}}}",
    ("int16", "bfloat16"): "ax_bf16{{(unsigned short){0}}}",
    ("float16", "bfloat16"): "ax_bf16{{{0}.bits}}",
    ("bfloat16", "float16"): "ax_f16{{{0}.bits}}",
}

#: Integer intrinsics by name and type; ``{n}`` is an argument, ``{Un}`` it as an unsigned narrow one.
INTEGER_CALLS: Mapping[tuple[str, str], str] = {
    ("brev", "int32"): "(int)__brev({0})",
    ("brev", "int64"): "(long long)__brevll({0})",
    ("mulhi", "int32"): "__mulhi({0}, {1})",
    ("mulhi", "uint32"): "__umulhi({0}, {1})",
    ("mulhi", "int64"): "__mul64hi({0}, {1})",
    ("mulhi", "uint64"): "__umul64hi({0}, {1})",
}
NARROW_CALLS: Mapping[str, tuple[str, int]] = {
    "popc": ("__popc({U0})", POSTFIX),
    "ffs": ("__ffs({U0})", POSTFIX),
    "clz": ("__clz({U0}) - {spare}", ADD),
    "brev": ("({T})(__brev({U0}) >> {spare})", UNARY),
    "mulhi": ("({T})({0} * {1} >> {bits})", UNARY),
}
NARROW_UNSIGNED_MULHI = "({T})((unsigned int){0} * {1} >> {bits})"

_U64 = "(unsigned long long *){p}"
_V64 = "(unsigned long long){v}"
_C64 = "(unsigned long long){c}"

#: Atomics that CUDA has, by operation and type: address ``{p}``, value ``{v}``, comparand ``{c}``.
NATIVE_ATOMICS: Mapping[tuple[str, str], str] = {
    **{(op, t): ATOMICS[op].cuda + "({p}, {v})"
       for t in ("int32", "uint32", "uint64")
       for op in ("add", "min", "max", "and", "or", "xor", "exch")},
    **{("sub", t): "atomicSub({p}, {v})" for t in ("int32", "uint32")},
    **{("cas", t): "atomicCAS({p}, {c}, {v})" for t in ("int32", "uint32", "uint64")},
    **{(op, "uint32"): ATOMICS[op].cuda + "({p}, {v})" for op in ("inc", "dec")},
    **{(op, "int64"): f"(long long){ATOMICS[op].cuda}({_U64}, {_V64})"
       for op in ("add", "and", "or", "xor", "exch")},
    **{(op, "int64"): ATOMICS[op].cuda + "({p}, {v})" for op in ("min", "max")},
    ("cas", "int64"): f"(long long)atomicCAS({_U64}, {_C64}, {_V64})",
    ("sub", "int64"): f"(long long)atomicAdd({_U64}, 0ULL - {_V64})",
    ("sub", "uint64"): "atomicAdd({p}, 0ULL - {v})",
    **{("add", t): "atomicAdd({p}, {v})" for t in ("float32", "float64")},
    **{("sub", t): "atomicAdd({p}, -{v})" for t in ("float32", "float64")},
    ("exch", "float32"): "atomicExch({p}, {v})",
    ("exch", "float64"):
        f"__longlong_as_double((long long)atomicExch({_U64}, "
        "(unsigned long long)__double_as_longlong({v})))",
}  # fmt: skip

#: The new element of an atomic that takes a loop; ``fmin`` and ``fmax`` get their suffix.
UPDATES: Mapping[str, str] = {
    "add": "old + value", "sub": "old - value",
    "min": "value < old ? value : old", "max": "old < value ? value : old",
    "nanmin": "value < old ? value : old", "nanmax": "old < value ? value : old",
    "and": "old & value", "or": "old | value", "xor": "old ^ value",
    "inc": "old >= value ? 0 : old + 1", "dec": "old == 0 || old > value ? value : old - 1",
    "exch": "value", "cas": "old == compare ? value : old",
}  # fmt: skip
FLOAT_UPDATES: Mapping[str, str] = {
    op: f"f{op[-3:]}{{f}}(old, value)" for op in ("min", "max", "nanmin", "nanmax")
}

ATOMIC_LOOP = Helper(
    """{T} {name}({T} *address, {parameters}) {{
    {W} *const word = ({W} *)address;
    {W} assumed, seen = *(volatile {W} *)word;
    do {{
        assumed = seen;
        const {T} old = {from_bits};
        const {T} updated = {update};
        seen = atomicCAS(word, assumed, {to_bits});
    }} while (seen != assumed);
    return {result};
}}"""
)
NARROW_ATOMIC_LOOP = Helper(
    """{T} {name}({T} *address, {parameters}) {{  // on the 32-bit word around the element
    const unsigned long long at = (unsigned long long)address;
    unsigned int *const word = (unsigned int *)(at & ~3ULL);
    const unsigned int shift = (unsigned int)(at & 3ULL) * 8U;
    unsigned int assumed, seen = *(volatile unsigned int *)word;
    {T} old;
    do {{
        assumed = seen;
        const {U} element = ({U})(assumed >> shift);
        old = {from_bits};
        const {T} updated = {update};
        const unsigned int others = assumed & ~({mask}U << shift);
        seen = atomicCAS(word, assumed, others | (unsigned int)({to_bits}) << shift);
    }} while (seen != assumed);
    return old;
}}"""
)

UNI = Helper(
    "bool {name}(unsigned int mask, bool predicate) {{\n"
    "    return __all_sync(mask, predicate) || !__any_sync(mask, predicate);\n}}"
)
#: Lane by lane in increasing order, which every lane of the mask does together.
REDUCE = Helper(
    """{T} {name}(unsigned int mask, {T} x) {{
{native}    unsigned int rest = mask & (mask - 1U);
    int lane = __ffs(mask) - 1;
    {T} value = {shuffled};
    for (; rest != 0U; rest &= rest - 1U) {{
        lane = __ffs(rest) - 1;
        const {T} other = {shuffled};
        value = {update};
    }}
    return value;
}}"""
)
REDUCTIONS: Mapping[str, str] = {
    "add": "value + other", "min": "other < value ? other : value",
    "max": "value < other ? other : value", "and": "value & other", "or": "value | other",
    "xor": "value ^ other",
}  # fmt: skip

LINEAR_THREAD = Helper(
    "unsigned int {name}() {{  // x fastest\n"
    "    return threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);\n}}"
)

GLOBAL_TIMER = Helper(
    """long long {name}() {{  // nanoseconds
    long long now;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
    return now;
}}"""
)

BARRIERS: Mapping[str, str] = {
    "sync": "__syncthreads({})", "count": "__syncthreads_count({})", "and": "__syncthreads_and({})",
    "or": "__syncthreads_or({})", "warp": "__syncwarp({})",
    "grid": "cooperative_groups::this_grid().sync({})",
}  # fmt: skip
FENCES: Mapping[str, str] = {
    "block": "__threadfence_block", "device": "__threadfence", "system": "__threadfence_system",
}  # fmt: skip

#: Names CUDA's own headers declare and a kernel or a variable must not take.
_RESERVED_TEXT = """
threadIdx blockIdx blockDim gridDim warpSize printf assert malloc free memcpy memset min max abs
labs llabs fabs fabsf sqrt sqrtf main clock clock64 half uint uchar ushort ulong size_t ptrdiff_t
int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t float2 float3 float4 double2
int2 int3 int4 uint2 uint3 uint4 dim3 cooperative_groups mul24 umul24 saturate sincos sinpi cospi
norm normf rnorm rhypot fdim fmod fmodf remainder modf frexp logb ilogb scalbn lrint lround llrint
nearbyint erfinv erfcinv normcdf normcdfinv erfcx rcbrt j0 j1 jn y0 y1 yn nan fmin fmax fminf
fmaxf div std NAN INFINITY
"""
RESERVED = frozenset(_RESERVED_TEXT.split()) | {
    name for row in INTRINSICS.values() for name in (row.name, *row.cuda)
}
