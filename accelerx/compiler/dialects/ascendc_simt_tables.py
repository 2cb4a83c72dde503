"""AscendC's SIMT language as tables: spellings, atomics, warp operations, and what it has not.

A template's ``{name}`` is the function's name, ``{T}`` its element type, ``{U}`` and ``{W}`` the
unsigned integers of the element's and of an atomic word's width, ``{Q}`` the address space of the
pointer it takes.
"""

from __future__ import annotations

from collections.abc import Mapping

from accelerx.compiler.dialects.c_text import Helper
from accelerx.compiler.dialects.cuda_tables import RESERVED as CUDA_RESERVED

MAX_BLOCKS = 65535  # of a launch
STATIC_SHARED_BYTES = 216 * 1024  # of a block, dynamic shared memory with it

FLOAT16 = Helper(
    """struct ax_f16 {{  // IEEE half precision; arithmetic is float, rounded after every operation
    union {{
        unsigned short bits;
        half value;
    }};
    {function}operator float() const {{ return __half2float(value); }}
}};"""
)
TO_FLOAT16 = Helper(
    """ax_f16 {name}(float x) {{
    ax_f16 y;
    y.value = __float2half_rn(x);
    return y;
}}"""
)
BFLOAT16 = Helper(
    """struct ax_bf16 {{  // the upper half of a float; arithmetic is float, rounded every time
    unsigned short bits;
    {function}operator float() const {{ return __uint_as_float((unsigned int)bits << 16); }}
}};"""
)
TO_BFLOAT16 = Helper(
    """ax_bf16 {name}(float x) {{
    const unsigned int u = __float_as_uint(x);
    ax_bf16 y;
    y.bits = x != x ? 0x7fff : (unsigned short)((u + 0x7fffU + (u >> 16 & 1U)) >> 16);
    return y;
}}"""
)
#: Where the product of two 16-bit floats, exact in float, meets a third: once to odd, once rounded.
FMA_TO_ODD = Helper(
    """float {name}(float x, float y, float z) {{
    const float product = x * y;
    const float sum = product + z;
    const float of_z = sum - product;
    const float rest = (product - (sum - of_z)) + (z - of_z);
    const unsigned int bits = __float_as_uint(sum);
    if (rest == 0.0f || rest != rest || (bits & 1U) != 0U) return sum;
    return __uint_as_float((rest > 0.0f) == (sum > 0.0f) ? bits + 1U : bits - 1U);
}}"""
)

#: Conversions that saturate, where C's are undefined; NaN gives 0.
SATURATE = Helper(
    """{T} {name}(float x) {{
    if (x != x) return 0;
    return x <= {low} ? {lowest} : x >= {high} ? {highest} : ({T})x;
}}"""
)

NATIVE_ATOMICS: Mapping[tuple[str, str], str] = {
    **{(op, t): f"asc_atomic_{op}({{p}}, {{v}})"
       for t in ("int32", "uint32")
       for op in ("add", "sub", "min", "max", "and", "or", "xor", "exch")},
    **{(op, t): f"asc_atomic_{op}({{p}}, ({t}_t)({{v}}))"
       for t in ("int64", "uint64")
       for op in ("add", "sub", "min", "max", "and", "or", "xor", "exch")},
    **{("cas", t): "asc_atomic_cas({p}, {c}, {v})" for t in ("int32", "uint32")},
    **{("cas", t): f"asc_atomic_cas({{p}}, ({t}_t)({{c}}), ({t}_t)({{v}}))"
       for t in ("int64", "uint64")},
    **{(op, "uint32"): f"asc_atomic_{op}({{p}}, {{v}})" for op in ("inc", "dec")},
    ("add", "float32"): "asc_atomic_add({p}, {v})",
    ("sub", "float32"): "asc_atomic_sub({p}, {v})",
    ("exch", "float32"): "asc_atomic_exch({p}, {v})",
}  # fmt: skip

ATOMIC_LOOP = Helper(
    """{T} {name}({Q}{A} *address, {parameters}) {{
    {Q}{W} *const word = ({Q}{W} *)address;
    {W} assumed, seen = *(volatile {Q}{W} *)word;
    do {{
        assumed = seen;
        const {T} old = {from_bits};
        const {T} updated = {update};
        seen = asc_atomic_cas(word, assumed, {to_bits});
    }} while (seen != assumed);
    return {result};
}}"""
)
NARROW_ATOMIC_LOOP = Helper(
    """{T} {name}({Q}{A} *address, {parameters}) {{  // on the 32-bit word around the element
    const unsigned long long at = (unsigned long long)address;
    {Q}unsigned int *const word = ({Q}unsigned int *)(at & ~3ULL);
    const unsigned int shift = (unsigned int)(at & 3ULL) * 8U;
    unsigned int assumed, seen = *(volatile {Q}unsigned int *)word;
    {T} old;
    do {{
        assumed = seen;
        const {U} element = ({U})(assumed >> shift);
        old = {from_bits};
        const {T} updated = {update};
        const unsigned int others = assumed & ~({mask}U << shift);
        seen = asc_atomic_cas(word, assumed, others | (unsigned int)({to_bits}) << shift);
    }} while (seen != assumed);
    return old;
}}"""
)

SHUFFLES: Mapping[str, str] = {
    "shfl_idx": "asc_shfl", "shfl_up": "asc_shfl_up", "shfl_down": "asc_shfl_down",
    "shfl_xor": "asc_shfl_xor",
}  # fmt: skip
VOTES: Mapping[str, str] = {"ballot": "asc_ballot", "any": "asc_any", "all": "asc_all"}
#: The language has no barrier of a warp: a vote brings the active lanes together.
SYNC_WARP = Helper("void {name}() {{\n    asc_all(true);\n    asc_threadfence_block();\n}}")
UNI = Helper(
    "bool {name}(bool predicate) {{\n    return asc_all(predicate) || !asc_any(predicate);\n}}"
)
#: Lane by lane in increasing order, which all active lanes do together.
REDUCE = Helper(
    """{T} {name}({T} x) {{
    const unsigned int active = asc_activemask();
    unsigned int rest = active & (active - 1U);
    int lane = __ffs((int)active) - 1;
    {T} value = {shuffled};
    for (; rest != 0U; rest &= rest - 1U) {{
        lane = __ffs((int)rest) - 1;
        const {T} other = {shuffled};
        value = {update};
    }}
    return value;
}}"""
)
MATCH = Helper(
    """unsigned int {name}({T} x) {{
    unsigned int same = 0;
    for (unsigned int rest = asc_activemask(); rest != 0U; rest &= rest - 1U) {{
        const int lane = __ffs((int)rest) - 1;
        if ({shuffled} == x) same |= 1U << lane;
    }}
    return same;
}}"""
)

FENCES: Mapping[str, str] = {
    "block": "asc_threadfence_block", "device": "asc_threadfence", "system": "asc_threadfence",
}  # fmt: skip

RESERVED = CUDA_RESERVED | frozenset(
    [
        "half",
        "bfloat16_t",
        "AscendC",
        "GetBlockIdx",
        "GetBlockNum",
        "DataCopy",
        "PipeBarrier",
        "GM_ADDR",
        "event_t",
        "trap",
        "asc_vf_call",
        "asc_syncthreads",
        "laneid",
    ]
)
