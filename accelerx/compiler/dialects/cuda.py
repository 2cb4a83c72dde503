"""The dialect ``cuda``: KIR as CUDA C++ for NVRTC, self-contained (it includes no CUDA header).

Mostly tables: how CUDA spells special values, memory spaces, atomics, warp operations and 16-bit
floats. What CUDA lacks for a type (a float minimum, a 16-bit add) is a compare-and-swap loop in the
program's prelude, printed only if the kernel uses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.diagnostics import unsupported
from accelerx.compiler.dialects.base import EmitOptions, Program
from accelerx.compiler.dialects.c_family import CPrinter
from accelerx.compiler.dialects.c_text import (
    ADD,
    EQUALITY,
    MUL,
    POSTFIX,
    UNARY,
    Helper,
    Text,
    c_string,
)
from accelerx.compiler.intrinsics import ATOMICS, INTRINSICS, WARP_OPS
from accelerx.dtypes import DType, unsigned

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
_FLOAT_TO_INTEGER: Mapping[tuple[int, str], str] = {
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

_BITCASTS: Mapping[tuple[str, str], str] = {
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
_INTEGER_CALLS: Mapping[tuple[str, str], str] = {
    ("brev", "int32"): "(int)__brev({0})",
    ("brev", "int64"): "(long long)__brevll({0})",
    ("mulhi", "int32"): "__mulhi({0}, {1})",
    ("mulhi", "uint32"): "__umulhi({0}, {1})",
    ("mulhi", "int64"): "__mul64hi({0}, {1})",
    ("mulhi", "uint64"): "__umul64hi({0}, {1})",
}
_NARROW_CALLS: Mapping[str, tuple[str, int]] = {
    "popc": ("__popc({U0})", POSTFIX),
    "ffs": ("__ffs({U0})", POSTFIX),
    "clz": ("__clz({U0}) - {spare}", ADD),
    "brev": ("({T})(__brev({U0}) >> {spare})", UNARY),
    "mulhi": ("({T})({0} * {1} >> {bits})", UNARY),
}
_NARROW_UNSIGNED_MULHI = "({T})((unsigned int){0} * {1} >> {bits})"

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
_UPDATES: Mapping[str, str] = {
    "add": "old + value", "sub": "old - value",
    "min": "value < old ? value : old", "max": "old < value ? value : old",
    "nanmin": "value < old ? value : old", "nanmax": "old < value ? value : old",
    "and": "old & value", "or": "old | value", "xor": "old ^ value",
    "inc": "old >= value ? 0 : old + 1", "dec": "old == 0 || old > value ? value : old - 1",
    "exch": "value", "cas": "old == compare ? value : old",
}  # fmt: skip
_FLOAT_UPDATES: Mapping[str, str] = {
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
_REDUCTIONS: Mapping[str, str] = {
    "add": "value + other", "min": "other < value ? other : value",
    "max": "value < other ? other : value", "and": "value & other", "or": "value | other",
    "xor": "value ^ other",
}  # fmt: skip

LINEAR_THREAD = Helper(
    "int {name}() {{  // x fastest\n"
    "    return (int)(threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z));\n}}"
)

_BARRIERS: Mapping[str, str] = {
    "sync": "__syncthreads({})", "count": "__syncthreads_count({})", "and": "__syncthreads_and({})",
    "or": "__syncthreads_or({})", "warp": "__syncwarp({})",
    "grid": "cooperative_groups::this_grid().sync({})",
}  # fmt: skip
_FENCES: Mapping[str, str] = {
    "block": "__threadfence_block", "device": "__threadfence", "system": "__threadfence_system",
}  # fmt: skip

#: Names CUDA's own headers declare and a kernel or a variable must not take.
_RESERVED = frozenset(
    [
        "threadIdx",
        "blockIdx",
        "blockDim",
        "gridDim",
        "warpSize",
        "printf",
        "assert",
        "malloc",
        "free",
        "memcpy",
        "memset",
        "min",
        "max",
        "abs",
        "labs",
        "llabs",
        "fabs",
        "fabsf",
        "sqrt",
        "sqrtf",
        "main",
        "clock",
        "clock64",
        "half",
        "uint",
        "uchar",
        "ushort",
        "ulong",
        "size_t",
        "ptrdiff_t",
        "int8_t",
        "int16_t",
        "int32_t",
        "int64_t",
        "uint8_t",
        "uint16_t",
        "uint32_t",
        "uint64_t",
        "float2",
        "float3",
        "float4",
        "double2",
        "int2",
        "int3",
        "int4",
        "uint2",
        "uint3",
        "uint4",
        "dim3",
        "cooperative_groups",
        "mul24",
        "umul24",
        "saturate",
        "sincos",
        "sinpi",
        "cospi",
        "norm",
        "normf",
        "rnorm",
        "rhypot",
        "fdim",
        "fmod",
        "fmodf",
        "remainder",
        "modf",
        "frexp",
        "logb",
        "ilogb",
        "scalbn",
        "lrint",
        "lround",
        "llrint",
        "nearbyint",
        "erfinv",
        "erfcinv",
        "normcdf",
        "normcdfinv",
        "erfcx",
        "rcbrt",
        "j0",
        "j1",
        "jn",
        "y0",
        "y1",
        "yn",
        "nan",
        "fmin",
        "fmax",
        "fminf",
        "fmaxf",
        "div",
        "std",
        "NAN",
        "INFINITY",
    ]
) | {name for row in INTRINSICS.values() for name in (row.name, *row.cuda)}


class CudaPrinter(CPrinter):
    """Prints a kernel as CUDA C++."""

    types = {t.name: t.cuda for t in dtypes.DTYPES} | {"float16": "ax_f16", "bfloat16": "ax_bf16"}
    specials = {
        "thread": "threadIdx.{axis}",
        "block": "blockIdx.{axis}",
        "block_dim": "blockDim.{axis}",
        "grid_dim": "gridDim.{axis}",
    }
    spaces = {"shared": "__shared__ ", "local": "", "const": "__constant__ const "}
    helper_qualifiers = "static __device__ __forceinline__ "
    reserved = _RESERVED | frozenset(row.cuda for row in ATOMICS.values())
    integer_min_max = frozenset({"int32", "uint32", "int64", "uint64"})
    fast_functions = {
        "sin": "__sinf", "cos": "__cosf", "tan": "__tanf", "exp": "__expf", "exp10": "__exp10f",
        "log": "__logf", "log2": "__log2f", "log10": "__log10f", "pow": "__powf",
    }  # fmt: skip

    def __init__(self, kernel: ir.Kernel, lines: bool = True) -> None:
        super().__init__(kernel, lines)
        self._declare_half_types()

    def head(self) -> str:
        shown = [self._parameter(p) for p in self.kernel.params]
        block, most = self.kernel.block, self.kernel.max_threads
        threads = most if block is None else block[0] * block[1] * block[2]
        bounds = "" if threads is None else f"__launch_bounds__({threads}) "
        head = f'extern "C" __global__ void {bounds}{self.entry}('
        if len(head) + len(", ".join(shown)) <= 97:
            return f"{head}{', '.join(shown)})"
        rows: dict[int, list[str]] = {}
        for p, text in zip(self.kernel.params, shown, strict=True):
            rows.setdefault(p.argument, []).append(text)
        return (
            head + "\n    " + ",\n    ".join(_filled([", ".join(r) for r in rows.values()])) + ")"
        )

    def _parameter(self, p: ir.Param) -> str:
        name, t = self.names.get("param", p.name), self.types[p.dtype.name]
        if p.kind != "buffer":
            return f"{t} {name}"
        return f"{t} *{name}" if p.written else f"const {t} *{name}"

    def special(self, e: ir.Special) -> Text:
        if e.kind not in ("lane", "warp"):
            return super().special(e)
        linear = self.call(self.helper("ax_linear_thread", LINEAR_THREAD))
        return self.infix("%" if e.kind == "lane" else "/", MUL, linear, Text("32"))

    # --------------------------------------------------------------------------- 16-bit floats

    def _declare_half_types(self) -> None:
        """Puts the 16-bit types a kernel mentions at the head of the prelude."""
        used = {p.dtype.name for p in self.kernel.params}
        used |= {m.dtype.name for m in self.kernel.mems.values()}
        used |= {t.name for t in self.kernel.locals.values()}
        for s in ir.statements(self.body):
            used |= {x.type.name for e in ir.expressions(s) for x in ir.walk(e)}
        if "float16" in used:
            self.helper("ax_f16", FLOAT16)
        if "bfloat16" in used:
            self.helper("ax_bf16", BFLOAT16)

    def narrow_float(self, x: Text, source: DType, target: DType) -> Text:
        half = target is dtypes.float16
        function = "ax_to_f16" if half else "ax_to_bf16"
        self.helper(function, TO_FLOAT16 if half else TO_BFLOAT16)
        if source.bits == 64:
            function = f"ax_f64_{function[3:]}"
            self.helper(function, DOUBLE_TO_FLOAT16 if half else DOUBLE_TO_BFLOAT16)
        return self.call(function, x)

    def array_value(self, value: float | bool, t: DType) -> str:
        if not (t.is_float and t.bits == 16):
            return super().array_value(value, t)
        return f"{{0x{int(np.array(value, t.numpy).view(np.uint16)[()]):04x}}}"

    # ---------------------------------------------------------------------- values and functions

    def float_arithmetic(self, op: str, left: Text, right: Text, t: DType) -> Text:
        if op == "mul" and not self.kernel.contract:
            return self.call("__fmul_rn" if t.bits == 32 else "__dmul_rn", left, right)
        if op == "div" and self.kernel.fastmath and t.bits == 32:
            return self.call("__fdividef", left, right)
        return super().float_arithmetic(op, left, right, t)

    def narrow_call(self, name: str, arguments: list[Text], t: DType) -> Text | None:
        if name == "nextafter":
            function = f"ax_nextafter_{t.short}"
            quiet = self.narrow_float(Text("x + y"), dtypes.float32, t).text
            fields = {"T": self.types[t.name], "quiet": quiet}
            return self.call(self.helper(function, NARROW_NEXTAFTER, **fields), *arguments)
        if name == "fma":
            # In float64 the product is exact and so, but for a sum of far ends, is the sum.
            return self.narrow_float(self.call("fma", *arguments), dtypes.float64, t)
        return None

    def float_to_integer(self, x: Text, source: DType, target: DType) -> Text:
        wide = dtypes.float64 if source.bits == 64 else dtypes.float32
        if target.bits < 32:
            convert = _FLOAT_TO_INTEGER[wide.bits, "int32"]
            low = -(2 ** (target.bits - 1)) if target.is_signed else 0
            high = 2 ** (target.bits - target.is_signed) - 1
            helper, fields = NARROW_INTEGER, {"low": low, "high": high}
        else:
            convert = _FLOAT_TO_INTEGER[wide.bits, target.name]
            if wide.bits == 32 and target.bits == 32:
                return self.call(convert, x)
            helper, fields = NAN_TO_ZERO, {}
        name = f"ax_{wide.short}_to_{target.short}"
        types = {"T": self.types[target.name], "F": self.types[wide.name]}
        return self.call(self.helper(name, helper, convert=convert, **types, **fields), x)

    def bitcast(self, x: Text, source: DType, target: DType) -> Text:
        template = _BITCASTS.get((source.name, target.name))
        if template is None:
            return self.cast(target.name, x)
        bare = template.endswith("({0})") and not template.startswith("(")
        text = template.format(x.text if bare else x.within(POSTFIX))
        return Text(text, UNARY if template.startswith("(") else POSTFIX)

    def integer_call(self, e: ir.Call) -> Text:
        t, name = e.arguments[0].type, e.function
        values = [self.value(a) for a in e.arguments]
        if t.bits >= 32:
            template = _INTEGER_CALLS.get((name, t.name))
            if template is None:
                return self.call(INTRINSICS[name].cuda[t.bits == 64], *values)
            text = template.format(*(v.text for v in values))
            return Text(text, UNARY if template.startswith("(") else POSTFIX)
        template, precedence = _NARROW_CALLS[name]
        if name == "mulhi" and not t.is_signed:
            template = _NARROW_UNSIGNED_MULHI
        text = template.format(
            *(v.within(UNARY) for v in values),
            U0=self.cast(unsigned(t).name, values[0]).text,
            T=self.types[t.name],
            bits=t.bits,
            spare=32 - t.bits,
        )
        return Text(text, precedence)

    # ------------------------------------------------------------- memory, barriers and atomics

    def dynamic_shared(self, mem: ir.Mem) -> list[str]:
        storage = "extern __shared__ __align__(16) unsigned char ax_dynamic_shared[];"
        self.helper("ax_dynamic_shared", Helper(storage))
        t = self.types[mem.dtype.name]
        return [f"{t} *const {self.names.get('mem', mem.name)} = ({t} *)ax_dynamic_shared;"]

    def qualifier(self, mem: ir.Mem) -> str:
        constants = [m for m in self.kernel.mems.values() if m.space == "const"]
        total = sum((m.size or 0) * m.dtype.itemsize for m in constants)
        if mem.space == "const" and total > CONSTANT_BYTES:
            return "__device__ const "
        return super().qualifier(mem)

    def barrier(self, s: ir.Barrier) -> Text:
        if s.kind == "grid":
            self.helper("cooperative_groups", Helper("#include <cooperative_groups.h>"))
            self.notes.append(
                "waits for the whole grid: needs a cooperative launch, and CUDA's headers"
            )
        predicate = "" if s.predicate is None else self.value(s.predicate).text
        return Text(_BARRIERS[s.kind].format(predicate), POSTFIX)

    def fence(self, s: ir.Fence) -> Text:
        return self.call(_FENCES[s.scope])

    def atomic(self, s: ir.Atomic) -> Text:
        t = self.kernel.mems[s.mem].dtype
        address = Text("&" + self.element(s.mem, s.indices).text, UNARY)
        value = self.value(s.value)
        compare = None if s.compare is None else self.value(s.compare)
        template = NATIVE_ATOMICS.get((s.op, t.name))
        if template is None:
            arguments = [address, value] if compare is None else [address, compare, value]
            return self.call(self._atomic_loop(s.op, t), *arguments)
        tight = "(unsigned" in template or "- {v}" in template or "-{v}" in template
        text = template.format(
            p=address.text,
            v=value.within(POSTFIX) if tight else value.text,
            c="" if compare is None else compare.within(POSTFIX) if tight else compare.text,
        )
        return Text(text, UNARY if template.startswith("(") else POSTFIX)

    def _atomic_loop(self, op: str, t: DType) -> str:
        """Name of the helper that does an atomic with a compare-and-swap loop."""
        template = _FLOAT_UPDATES.get(op) if t.is_float else None
        update = (
            _UPDATES[op] if template is None else template.format(f="" if t.bits == 64 else "f")
        )
        float_result = t.is_float and t.bits == 16 and op not in ("exch", "cas")
        if float_result:
            update = self.narrow_float(Text(update), dtypes.float32, t).text
        elif t.is_integer and t.bits < 32:
            update = f"({self.types[t.name]})({update})"
        word = dtypes.uint64 if t.bits == 64 else dtypes.uint32
        narrow = t.bits < 32
        bits = unsigned(t) if not t.is_bool else dtypes.uint8
        seen = "element" if narrow else "assumed"
        types = {"T": self.types[t.name], "U": self.types[bits.name], "W": self.types[word.name]}
        parameters = f"{types['T']} value"
        if op == "cas":
            parameters = f"{types['T']} compare, {parameters}"
        return self.helper(
            f"ax_atomic_{op}_{t.short}",
            NARROW_ATOMIC_LOOP if narrow else ATOMIC_LOOP,
            parameters=parameters,
            update=update,
            from_bits=self._reinterpret(Text(seen), bits, t),
            to_bits=self._reinterpret(Text("updated"), t, bits),
            result=self._reinterpret(Text("seen"), bits, t),
            mask=hex(2**t.bits - 1),
            **types,
        )

    def _reinterpret(self, x: Text, source: DType, target: DType) -> str:
        if source is target:
            return x.text
        if target.is_bool:
            return self.infix("!=", EQUALITY, x, Text("0")).text
        return self.bitcast(x, source, target).text

    # ----------------------------------------------------------------------------- warps

    def warp(self, s: ir.Warp) -> Text:
        mask = self._members(s) if s.mask is None else self.value(s.mask)
        values = [self.value(a) for a in s.arguments]
        row = WARP_OPS[s.op]
        if s.op == "activemask":
            return self.call(row.cuda)
        if s.op.startswith("shfl"):
            return self._shuffle(s, mask, values)
        if s.op in ("any", "all"):
            call = self.call(row.cuda, mask, values[0])
            return self.infix("!=", EQUALITY, call, Text("0"))
        if s.op == "uni":
            return self.call(self.helper("ax_uni_sync", UNI), mask, values[0])
        if s.op.startswith("reduce_"):
            return self._reduce(s, mask, values[0])
        return self.call(row.cuda, mask, self._lane_value(values[0], s.arguments[0].type))

    def _members(self, s: ir.Warp) -> Text:
        """The member mask of an operation without one: the lanes that execute it."""
        together = any(s is x for x in self.body)  # but for lanes that have ended, which is allowed
        return Text(FULL_MASK) if together else self.call("__activemask")

    def _lane_value(self, x: Text, t: DType) -> Text:
        """A value as the warp functions take it: 16-bit floats as their bits."""
        return Text(f"{x.within(POSTFIX)}.bits", POSTFIX) if t.is_float and t.bits == 16 else x

    def _shuffle(self, s: ir.Warp, mask: Text, values: list[Text]) -> Text:
        arguments = [mask, *values] if s.width is None else [mask, *values, self.value(s.width)]
        return self._shuffled(WARP_OPS[s.op].cuda, arguments, s.arguments[0].type)

    def _shuffled(self, function: str, arguments: list[Text], t: DType) -> Text:
        """A shuffle of the second argument, which is of type ``t``; narrow types travel as int."""
        mask, value, *rest = arguments
        value = self._lane_value(value, t)
        if t.bits < 32:
            value = self.cast("int32", value)
        call = self.call(function, mask, value, *rest)
        if t.is_float and t.bits == 16:
            return Text(f"{self.types[t.name]}{{(unsigned short){call.text}}}", POSTFIX)
        return self.cast(t.name, call) if t.bits < 32 else call

    def _reduce(self, s: ir.Warp, mask: Text, value: Text) -> Text:
        t, op = s.arguments[0].type, s.op.removeprefix("reduce_")
        update = _REDUCTIONS[op]
        if t.is_float and op in ("min", "max"):
            update = f"f{op}{'' if t.bits == 64 else 'f'}(value, other)"
        if t.is_float and t.bits == 16:
            update = self.narrow_float(Text(update), dtypes.float32, t).text
        elif t.bits < 32:
            update = f"({self.types[t.name]})({update})"
        shuffled = self._shuffled("__shfl_sync", [Text("mask"), Text("x"), Text("lane")], t).text
        native = ""
        if t.bits == 32 and t.is_integer:
            native = (
                f"#if __CUDA_ARCH__ >= 800\n    return {WARP_OPS[s.op].cuda}(mask, x);\n#endif\n"
            )
        name = f"ax_{s.op}_{t.short}"
        fields = {"update": update, "shuffled": shuffled, "native": native}
        helper = self.helper(name, REDUCE, T=self.types[t.name], **fields)
        return self.call(helper, mask, value)

    def stop(self, format_text: str, values: list[str]) -> list[str]:
        text = c_string(format_text + "\n  in block (%u, %u, %u), thread (%u, %u, %u)\n")
        places = [f"{place}.{axis}" for place in ("blockIdx", "threadIdx") for axis in "xyz"]
        return [f"printf({', '.join([text, *values, *places])});", "__trap();"]


def _filled(groups: list[str]) -> list[str]:
    """Rows of parameters: as many arguments a row as fit, an argument's parameters together."""
    rows: list[str] = []
    for group in groups:
        if rows and len(rows[-1]) + len(group) < 92:
            rows[-1] += f", {group}"
        else:
            rows.append(group)
    return rows


@dataclass(frozen=True, slots=True)
class CudaDialect:
    """CUDA C++, for NVRTC and nvcc.

    Attributes:
        lines: Whether ``#line`` directives lead compilers and debuggers to the user's source.
    """

    lines: bool = True
    name: ClassVar[str] = "cuda"

    def lower(self, kernel: ir.Kernel) -> ir.Kernel:
        """The kernel itself: CUDA has threads, barriers and every type KIR has.

        Raises:
            UnsupportedError: if the shared arrays are more than a CUDA program may declare.
        """
        if kernel.static_shared_bytes > STATIC_SHARED_BYTES:
            arrays = [m for m in kernel.mems.values() if m.space == "shared" and m.size is not None]
            largest = max(arrays, key=lambda m: (m.size or 0) * m.dtype.itemsize)
            raise unsupported(
                largest.loc or kernel.loc,
                f"the kernel's shared arrays take {kernel.static_shared_bytes} bytes; CUDA allows "
                f"{STATIC_SHARED_BYTES} whose size is fixed in the program, and {largest.name} is "
                "the largest",
                "give it shape 0, which takes the launch's dynamic shared memory",
            )
        return kernel

    def emit(self, kernel: ir.Kernel, options: EmitOptions) -> Program:
        """Prints ``kernel``; its checks and prints are CUDA's own printf, so it has no sites."""
        printer = CudaPrinter(kernel.with_body(kernel.body), lines=self.lines)
        text = printer.print()
        return Program(
            text=text,
            entry=printer.entry,
            params=tuple(kernel.params),
            scratch_bytes=0,
            shared_bytes=kernel.static_shared_bytes,
            sites=(),
            notes=tuple(printer.notes),
        )
