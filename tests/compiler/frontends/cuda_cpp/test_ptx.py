"""Inline PTX: each instruction of the table has the meaning that the PTX manual gives it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("clang.cindex")

from accelerx.errors import UnsupportedKernelError
from tests.support import nvrtc
from tests.support.cuda_cpp import run
from tests.support.cuda_cpp_host import both
from tests.support.cuda_functions import evaluate, text_of

pytestmark = pytest.mark.slow

Array = np.ndarray[Any, Any]
rng = np.random.default_rng(9)
MASK = 0xFFFFFFFF
CTYPES = {
    "r": "unsigned",
    "l": "unsigned long long",
    "f": "float",
    "d": "double",
    "h": "unsigned short",
}
EDGES = [0, 1, 5, 31, 32, 0x7F, 0x80, 0x8000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]


def words() -> Array:
    return np.concatenate([rng.permutation(EDGES), rng.integers(0, 1 << 32, 40)]).astype(np.uint32)


def wrapped(instruction: str, operands: str, result: str = "r") -> tuple[str, str]:
    """A device function of one instruction, and its call; ``operands`` are constraints of a, b, ..."""
    names = "abcd"[: len(operands)]
    parameters = ", ".join(f"{CTYPES[o]} {n}" for o, n in zip(operands, names, strict=True))
    inputs = ", ".join(f'"{o}"({n})' for o, n in zip(operands, names, strict=True))
    head = (
        f"__device__ {CTYPES[result]} f({parameters}) {{ {CTYPES[result]} o;"
        f' asm("{instruction};" : "={result}"(o) : {inputs}); return o; }}'
    )
    return head, f"f({', '.join(names)})"


def signed(x: int, bits: int = 32) -> int:
    x &= (1 << bits) - 1
    return x - (1 << bits) if x >> (bits - 1) else x


def extract(x: int, start: int, length: int, sign: bool) -> int:
    """bfe by the manual's own loop."""
    start, length = start & 255, length & 255
    top = min(start + length - 1, 31)
    fill = x >> top & 1 if sign and length else 0
    return sum(
        (x >> start + i & 1 if i < length and start + i <= 31 else fill) << i for i in range(32)
    )


def insert(x: int, y: int, start: int, length: int) -> int:
    start, length = start & 255, length & 255
    for i in range(length):
        if start + i > 31:
            break
        y = y & ~(1 << start + i) | (x >> i & 1) << start + i
    return y


def permute(x: int, y: int, s: int) -> int:
    out = 0
    for i in range(4):
        digit = s >> 4 * i & 15
        byte = (x | y << 32) >> 8 * (digit & 7) & 255
        out |= (255 * (byte >> 7) if digit & 8 else byte) << 8 * i
    return out


def lop3(table: int) -> Callable[..., int]:
    return lambda a, b, c: sum(
        (table >> ((a >> i & 1) * 4 + (b >> i & 1) * 2 + (c >> i & 1)) & 1) << i for i in range(32)
    )


WORDS: dict[str, Callable[..., int]] = {
    "add.u32 %0, %1, %2": lambda a, b: a + b,
    "sub.s32 %0, %1, %2": lambda a, b: a - b,
    "mul.lo.u32 %0, %1, %2": lambda a, b: a * b,
    "mul.hi.u32 %0, %1, %2": lambda a, b: a * b >> 32,
    "mul.hi.s32 %0, %1, %2": lambda a, b: signed(a) * signed(b) >> 32,
    "mad.lo.s32 %0, %1, %2, %3": lambda a, b, c: a * b + c,
    "mad.hi.u32 %0, %1, %2, %3": lambda a, b, c: (a * b >> 32) + c,
    "min.s32 %0, %1, %2": lambda a, b: min(signed(a), signed(b)),
    "max.u32 %0, %1, %2": lambda a, b: max(a, b),
    "and.b32 %0, %1, %2": lambda a, b: a & b,
    "or.b32 %0, %1, %2": lambda a, b: a | b,
    "xor.b32 %0, %1, 0xF0": lambda a: a ^ 0xF0,
    "not.b32 %0, %1": lambda a: ~a,
    "neg.s32 %0, %1": lambda a: -a,
    "abs.s32 %0, %1": lambda a: abs(signed(a)),
    "shl.b32 %0, %1, 5": lambda a: a << 5,
    "shl.b32 %0, %1, %2": lambda a, b: a << b if b < 32 else 0,
    "shr.u32 %0, %1, %2": lambda a, b: a >> b if b < 32 else 0,
    "shr.s32 %0, %1, %2": lambda a, b: signed(a) >> min(b, 31),
    "popc.b32 %0, %1": lambda a: a.bit_count(),
    "clz.b32 %0, %1": lambda a: 32 - a.bit_length(),
    "brev.b32 %0, %1": lambda a: int(f"{a:032b}"[::-1], 2),
    "bfe.u32 %0, %1, %2, %3": lambda a, b, c: extract(a, b, c, False),
    "bfe.s32 %0, %1, %2, %3": lambda a, b, c: extract(a, b, c, True),
    "bfe.u32 %0, %1, 4, 8": lambda a: extract(a, 4, 8, False),
    "bfe.s32 %0, %1, 28, 8": lambda a: extract(a, 28, 8, True),
    "bfi.b32 %0, %1, %2, 3, 9": lambda a, b: insert(a, b, 3, 9),
    "bfi.b32 %0, %1, %2, %3, 12": lambda a, b, c: insert(a, b, c, 12),
    "prmt.b32 %0, %1, %2, 0x5410": lambda a, b: permute(a, b, 0x5410),
    "prmt.b32 %0, %1, %2, %3": permute,
    "lop3.b32 %0, %1, %2, %3, 0x96": lop3(0x96),
    "lop3.b32 %0, %1, %2, %3, 0xEA": lop3(0xEA),
    "shf.l.wrap.b32 %0, %1, %2, %3": lambda a, b, c: ((a | b << 32) << (c & 31)) >> 32,
    "shf.r.clamp.b32 %0, %1, %2, %3": lambda a, b, c: (a | b << 32) >> min(c, 32),
    "cvt.u32.u8 %0, %1": lambda a: a & 255,
    "cvt.s32.s8 %0, %1": lambda a: signed(a, 8),
    "cvt.s32.s16 %0, %1": lambda a: signed(a, 16),
    "cvt.sat.u8.s32 %0, %1": lambda a: min(max(signed(a), 0), 255),
    "mov.b32 %0, %1": lambda a: a,
}


@pytest.mark.parametrize("instruction", WORDS)
def test_words(instruction: str) -> None:
    count = instruction.count("%") - 1
    given = [words() for _ in range(count)]
    head, call = wrapped(instruction, "r" * count)
    for out in evaluate([call], np.uint32, *given, head=head):
        want = [WORDS[instruction](*map(int, row)) & MASK for row in zip(*given, strict=True)]
        assert out[0].tolist() == want


FLOATS: dict[str, Callable[..., Any]] = {
    "add.f32 %0, %1, %2": lambda a, b: a + b,
    "add.rn.ftz.f32 %0, %1, %2": lambda a, b: a + b,
    "sub.rn.f32 %0, %1, %2": lambda a, b: a - b,
    "mul.rn.f32 %0, %1, %2": lambda a, b: a * b,
    "mul.sat.f32 %0, %1, %2": lambda a, b: np.clip(a * b, 0, 1),
    "div.rn.f32 %0, %1, %2": lambda a, b: a / b,
    "fma.rn.f32 %0, %1, %2, %3": lambda a, b, c: a.astype(np.float64) * b + c,
    "min.f32 %0, %1, %2": np.fmin,
    "max.f32 %0, %1, 0f3F800000": lambda a: np.fmax(a, 1),
    "abs.f32 %0, %1": np.abs,
    "neg.f32 %0, %1": np.negative,
    "sqrt.rn.f32 %0, %1": np.sqrt,
    "ex2.approx.ftz.f32 %0, %1": np.exp2,
    "lg2.approx.f32 %0, %1": np.log2,
    "rcp.approx.f32 %0, %1": np.reciprocal,
    "rsqrt.approx.f32 %0, %1": lambda a: 1 / np.sqrt(a),
    "sin.approx.f32 %0, %1": np.sin,
    "cos.approx.ftz.f32 %0, %1": np.cos,
    "tanh.approx.f32 %0, %1": np.tanh,
    "cvt.rni.f32.f32 %0, %1": np.rint,
    "cvt.rzi.f32.f32 %0, %1": np.trunc,
}


@pytest.mark.parametrize("instruction", FLOATS)
def test_floats(instruction: str) -> None:
    count = instruction.count("%") - 1
    given = [rng.uniform(-4, 4, 40).astype(np.float32) for _ in range(count)]
    given[0] = np.abs(given[0]) if instruction.startswith(("sqrt", "rsqrt", "lg2")) else given[0]
    head, call = wrapped(instruction, "f" * count, "f")
    for out in evaluate([call], np.float32, *given, head=head):
        np.testing.assert_allclose(out[0], FLOATS[instruction](*given), rtol=3e-7, atol=1e-7)


WIDE: dict[str, tuple[str, str, Callable[..., int]]] = {
    "mul.wide.u32 %0, %1, %2": ("rr", "l", lambda a, b: a * b),
    "mul.wide.s32 %0, %1, %2": ("rr", "l", lambda a, b: signed(a) * signed(b)),
    "mad.wide.u32 %0, %1, %2, %3": ("rrl", "l", lambda a, b, c: a * b + c),
    "mov.b64 %0, {%1, %2}": ("rr", "l", lambda a, b: a | b << 32),
    "cvt.u64.u32 %0, %1": ("r", "l", lambda a: a),
    "cvt.s64.s32 %0, %1": ("r", "l", lambda a: signed(a)),
    "add.u64 %0, %1, %2": ("ll", "l", lambda a, b: a + b),
    "popc.b64 %0, %1": ("l", "r", lambda a: a.bit_count()),
    "cvt.u32.u64 %0, %1": ("l", "r", lambda a: a & MASK),
}


@pytest.mark.parametrize("instruction", WIDE)
def test_long_words(instruction: str) -> None:
    operands, result, want = WIDE[instruction]
    given = [
        words().astype(np.uint64) * np.uint64(2**31 + 3) if o == "l" else words() for o in operands
    ]
    head, call = wrapped(instruction, operands, result)
    for out in evaluate([call], np.uint64, *given, head=head):
        limit = 1 << (64 if result == "l" else 32)
        assert out[0].tolist() == [want(*map(int, row)) % limit for row in zip(*given, strict=True)]


def test_conversions_of_floats() -> None:
    x = np.array([0.4, -2.5, 2.5, 3e9, -3e9, 1e20, 7.9], np.float32)
    for name, rounding in {
        "rni": np.rint,
        "rzi": np.trunc,
        "rmi": np.floor,
        "rpi": np.ceil,
    }.items():
        head, call = wrapped(f"cvt.{name}.s32.f32 %0, %1", "f")
        want = [int(min(max(v, -(2**31)), 2**31 - 1)) & MASK for v in map(float, rounding(x))]
        for out in evaluate([call], np.uint32, x, head=head):
            assert out[0].tolist() == want
    head, call = wrapped("cvt.rn.f32.u32 %0, %1", "r", "f")
    for out in evaluate([call], np.float32, words(), head=head):
        assert out[0].dtype == np.float32
    head, call = wrapped("cvt.f64.f32 %0, %1", "f", "d")
    for out in evaluate([call], np.float64, x, head=head):
        np.testing.assert_array_equal(out[0], x.astype(np.float64))


def test_packed_halves() -> None:
    """Two halves in a word: packed from floats, computed with, and taken apart."""
    a, b = (rng.uniform(-3, 3, 40).astype(np.float32) for _ in range(2))
    head = (
        'typedef unsigned u; __device__ u pack(float x, float y) { u o; asm("cvt.rn.f16x2.f32 %0, %1, %2;" '
        ': "=r"(o) : "f"(x), "f"(y)); return o; }'
        '__device__ u bf(float x, float y) { u o; asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(o) : "f"(x), '
        '"f"(y)); return o; }'
        '__device__ u fma2(u x, u y, u z) { u o; asm("fma.rn.f16x2 %0, %1, %2, %3;" : "=r"(o) : "r"(x), '
        '"r"(y), "r"(z)); return o; }'
        '__device__ float low(u x) { float o; asm("{.reg .b16 l, h; mov.b32 {l, h}, %1; cvt.f32.f16 %0, l;}" '
        ': "=f"(o) : "r"(x)); return o; }'
        '__device__ u half(float x) { unsigned short h; asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"(x));'
        " return h; }"
    )
    calls = ["pack(a, b)", "bf(a, b)", "fma2(pack(a, b), pack(b, a), pack(a, a))"]
    calls += ["__float_as_uint(low(pack(a, b)))", "half(a)"]
    high, low = a.astype(np.float16), b.astype(np.float16)

    def joined(first: Array, second: Array) -> Array:
        return first.view(np.uint16).astype(np.uint32) << 16 | second.view(np.uint16)

    fused = (high.astype(np.float64) * low + high).astype(np.float16)
    rounded = [((x.view(np.uint32) + 0x7FFF + (x.view(np.uint32) >> 16 & 1)) >> 16) for x in (a, b)]
    want = [joined(high, low), rounded[0] << 16 | rounded[1], joined(fused, fused)]
    want += [low.astype(np.float32).view(np.uint32), high.view(np.uint16).astype(np.uint32)]
    for out in evaluate(calls, np.uint32, a, b, head=head):
        for row, expected, call in zip(out, want, calls, strict=True):
            np.testing.assert_array_equal(row, expected, err_msg=call)


def test_predicates() -> None:
    """setp and selp, predicated instructions, and comparisons with what is not a number."""
    x = np.array([1, 2, np.nan, -1], np.float32)
    head = (
        '__device__ int f(float a, int c) { int r = 0; asm("{.reg .pred p, q;\\n setp.gt.f32 p, %1, 1.5;"'
        '" setp.neu.f32 q, %1, 0f3F800000; @p add.s32 %0, %0, 1; @!p add.s32 %0, %0, 10;"'
        '"@q add.s32 %0, %0, 100; selp.s32 %0, %2, %0, p;}" : "+r"(r) : "f"(a), "r"(c)); return r; }'
        '__device__ int g(int a, int b) { int r; asm("{.reg .pred %%p<2>; setp.lt.s32 %%p0|%%p1, %1, %2;"'
        '" selp.b32 %0, 1, 2, %%p1; }" : "=r"(r) : "r"(a), "r"(b)); return r; }'
    )
    for out in evaluate(["f(a, 7)", "g((int)a, 2)"], np.int32, x, head=head):
        assert out[0].tolist() == [10, 7, 110, 110]
        assert out[1].tolist() == [2, 1, 2, 2]


SPECIALS = {
    "%laneid": lambda t: t % 32, "%warpid": lambda t: t // 32, "%tid.x": lambda t: t,
    "%ntid.x": lambda t: 64, "%ctaid.y": lambda t: 0, "%nctaid.x": lambda t: 1,
    "%lanemask_eq": lambda t: 1 << t % 32, "%lanemask_lt": lambda t: (1 << t % 32) - 1,
    "%lanemask_le": lambda t: (2 << t % 32) - 1, "%lanemask_gt": lambda t: MASK & ~((2 << t % 32) - 1),
    "%lanemask_ge": lambda t: MASK & ~((1 << t % 32) - 1),
}  # fmt: skip


@pytest.mark.parametrize("register", SPECIALS)
def test_special_registers(register: str) -> None:
    text = (
        "__global__ void k(unsigned* o) { unsigned r;"
        f' asm("mov.u32 %0, %{register};" : "=r"(r)); o[threadIdx.x] = r; }}'
    )
    for (o,) in both(text, "k", 1, 64, np.zeros(64, np.uint32)):
        assert o.tolist() == [SPECIALS[register](t) for t in range(64)]


def test_clocks() -> None:
    text = (
        "__global__ void k(long long* o) { unsigned a, s; long long b, c;"
        ' asm volatile("mov.u32 %0, %%clock;" : "=r"(a)); asm volatile("mov.u64 %0, %%clock64;" : "=l"(b));'
        ' asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(c)); asm("mov.u32 %0, %%smid;" : "=r"(s));'
        " o[0] = b; o[1] = c; o[2] = s; }"
    )
    for (o,) in both(text, "k", 1, 1, np.zeros(3, np.int64)):
        assert o[0] > 0
        assert o[1] > 0
        assert o[2] == 0


def test_memory() -> None:
    """Loads and stores of all widths, with offsets, hints, vectors and sign extension."""
    text = r"""
__device__ float4 load(const float4* p) { float4 v;
  asm volatile("ld.global.nc.L1::no_allocate.v4.f32 {%0, %1, %2, %3}, [%4];"
    : "=f"(v.x), "=f"(v.y), "=f"(v.z), "=f"(v.w) : "l"(p)); return v; }
__global__ void k(const float4* x, float4* y, signed char* b, int* o) {
  __shared__ float s[8]; int i = threadIdx.x;
  float4 v = load(x + i);
  asm volatile("st.global.cg.v4.f32 [%0], {%1, %2, %3, %4};" :: "l"(y + i), "f"(v.w), "f"(v.z), "f"(v.y),
    "f"(v.x) : "memory");
  asm volatile("st.shared.v2.f32 [%0+8], {%1, %2};" :: "l"(s + 4 * i), "f"(v.x), "f"(v.y));
  asm volatile("bar.sync 0;");
  int c; unsigned u; float f;
  asm("ld.global.s8 %0, [%1];" : "=r"(c) : "l"(b + i));
  asm("ld.global.ca.u8 %0, [%1+2];" : "=r"(u) : "l"(b + i));
  asm("ld.volatile.shared.f32 %0, [%1];" : "=f"(f) : "l"(&s[6 - 4 * i]));
  asm("membar.gl; fence.acq_rel.cta; prefetch.global.L2 [%0];" :: "l"(x));
  o[3 * i] = c; o[3 * i + 1] = u; o[3 * i + 2] = (int)f;
}
"""
    x = np.arange(8, dtype=np.float32)
    b = np.array([-1, 5, -2, 100], np.int8)
    for _, y, _, o in both(text, "k", 1, 2, x, np.zeros(8, np.float32), b, np.zeros(6, np.int32)):
        assert y.tolist() == [3, 2, 1, 0, 7, 6, 5, 4]
        assert o.tolist() == [-1, 254, 4, 5, 100, 0]


def test_atomics() -> None:
    text = (
        "__global__ void k(unsigned* x, float* f) { unsigned old;"
        ' asm volatile("atom.global.add.u32 %0, [%1], %2;" : "=r"(old) : "l"(x), "r"(2u));'
        ' asm volatile("red.relaxed.gpu.global.add.f32 [%0], %1;" :: "l"(f), "f"(0.5f) : "memory");'
        ' asm volatile("atom.global.max.u32 %0, [%1], %2;" : "=r"(old) : "l"(x + 1), "r"(old));'
        ' asm volatile("atom.global.cas.b32 %0, [%1], %2, %3;" : "=r"(old) : "l"(x + 2), "r"(0), "r"(9)); }'
    )
    for x, f in both(text, "k", 1, 40, np.zeros(3, np.uint32), np.zeros(1, np.float32)):
        assert x.tolist() == [80, 78, 9]
        assert f[0] == 20


WARPS = {
    "shfl.sync.idx.b32 %0, %1, 3, 0x1f, 0xffffffff": lambda t: 3,
    "shfl.sync.up.b32 %0, %1, 2, 0x0, 0xffffffff": lambda t: max(t - 2, t if t < 2 else 0),
    "shfl.sync.down.b32 %0, %1, 1, 0x181f, -1": lambda t: t + 1 if t % 8 < 7 else t,
    "shfl.sync.bfly.b32 %0, %1, 4, 31, -1": lambda t: t ^ 4,
    "redux.sync.add.s32 %0, %1, 0xffffffff": lambda t: 496,
    "match.any.sync.b32 %0, %1, -1": lambda t: 1 << t,
}


@pytest.mark.parametrize("instruction", WARPS)
def test_warps(instruction: str) -> None:
    text = (
        "__global__ void k(unsigned* o) { unsigned r, t = threadIdx.x;"
        f' asm volatile("{instruction};" : "=r"(r) : "r"(t)); o[t] = r; }}'
    )
    for (o,) in both(text, "k", 1, 32, np.zeros(32, np.uint32)):
        assert o.tolist() == [WARPS[instruction](t) for t in range(32)]


def test_votes() -> None:
    text = (
        "__global__ void k(unsigned* o) { unsigned r, s, a; int t = threadIdx.x;"
        ' asm volatile("{.reg .pred p, q; setp.lt.s32 p, %3, 5; vote.sync.ballot.b32 %0, p, -1;"'
        ' "vote.sync.any.pred q, p, -1; selp.u32 %1, 1, 0, q; activemask.b32 %2; bar.warp.sync -1;}"'
        ' : "=r"(r), "=r"(s), "=r"(a) : "r"(t)); o[t] = r + 100 * s + 1000 * (a == ~0u); }'
    )
    for (o,) in both(text, "k", 1, 32, np.zeros(32, np.uint32)):
        assert o.tolist() == [1131] * 32


FORMS = {
    "named operands": 'asm("add.s32 %[out], %[a], %[b];" : [out] "=r"(r) : [a] "r"(x), [b] "r"(3));',
    "read and written": 'r = x; asm("add.s32 %0, %0, 3;" : "+r"(r));',
    "a constant": 'asm("add.s32 %0, %1, %2;" : "=r"(r) : "r"(x), "n"(3));',
    "several lines": 'asm("{\\n\\t.reg .u32 t; // a comment\\n\\t" "mov.u32 t, 3;\\n\\t"\n"add.s32 %0, %1, t;\\n}" : "=r"(r) : "r"(x));',
    "a raw string": 'asm(R"(add.s32 %0, %1, 3;)" : "=r"(r) : "r"(x));',
    "a macro": "ADD(r, x, 3);",
    "a goto-less volatile": '__asm__ __volatile__("add.s32 %0, %1, 3;" : "=r"(r) : "r"(x) : "memory");',
    "nothing": 'r = x + 3; asm volatile("" ::: "memory");',
}


@pytest.mark.parametrize("name", FORMS)
def test_forms_of_the_statement(name: str) -> None:
    head = '#define ADD(o, p, q) asm("add.s32 %0, %1, %2;" : "=r"(o) : "r"(p), "r"(q))\n'
    text = f"{head}__global__ void k(int* o) {{ int r, x = o[1]; {FORMS[name]} o[0] = r; }}"
    for (o,) in both(text, "k", 1, 1, np.array([0, 39], np.int32)):
        assert o[0] == 42


REFUSED = {
    "cp.async.cg.shared.global [%0], [%1], 16": "",
    "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0}, {%0}, {%0}, {%0}": "",
    "add.cc.u32 %2, %2, %2": r"the modifier '\.cc'",
    "add.rz.f32 %3, %3, %3": r"the modifier '\.rz'",
    "ld.global.u32 %2, [%2]": r"the address '\[%2\]'",
    "bar.sync 1, 64": "some of the threads",
    "mov.u32 %2, %pm0": "the operand '%pm0'",
    "shfl.sync.idx.b32 %2, %2, 0, %2, -1": "its segments",
    "bra done": "",
}


@pytest.mark.parametrize("instruction", REFUSED)
def test_the_rest_is_refused_with_its_text(instruction: str) -> None:
    """The error quotes the instruction, says why, and what can run it."""
    text = (
        "__global__ void k(int* o) { __shared__ float s[4]; s[0] = 0; unsigned u = 1; float f = 1;\n"
        f'  asm volatile("{instruction.replace("%pm0", "%%pm0")};" :: "l"(s), "l"(o), "r"(u), "f"(f)); }}'
    )
    with pytest.raises(UnsupportedKernelError) as raised:
        run(text, "k", 1, 1, np.zeros(4, np.int32))
    message = str(raised.value)
    assert f"kernel.cu:2:3: error: inline PTX '{instruction}' runs on CUDA devices only" in message
    assert re.search(REFUSED[instruction], message)


@pytest.mark.skipif(nvrtc.library() is None, reason="needs nvidia-cuda-nvrtc")
def test_nvrtc_takes_the_same_texts() -> None:
    """What these tests call PTX is PTX."""
    columns = [np.zeros(1, np.uint32)] * 3
    for table, letter in ((WORDS, "r"), (FLOATS, "f")):
        for instruction in table:
            count = instruction.count("%") - 1
            head, call = wrapped(instruction, letter * count, letter)
            nvrtc.compile_cuda(text_of([call], np.uint32, columns[:count], head), "sm_90")
