"""Intrinsics: bits, integers, fast and accurate mathematics, rounding."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from tests.corpus.cuda_cpp.case import Case, Launch, Tolerance
from tests.corpus.cuda_cpp.language.inputs import (
    LINES,
    Generator,
    count,
    f32,
    f64,
    i32,
    longs,
    u32,
    words,
    wrap,
)

FILE = "language/intrinsics.cu"
U32 = (1 << 32) - 1

ACCURATE = {"float32": Tolerance(1e-6, 1e-7, "a few units in the last place, as CUDA documents")}
FAST = {"float32": Tolerance(2e-5, 2e-6, "absolute errors of 2^-21 on small arguments")}
APPROXIMATE = {"float32": Tolerance(1e-3, 1e-3, "hardware's tanh has 11 bits")}


def _make_bits(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    x, y = words(rng, n), longs(rng, n)
    x[:2], y[:2] = [0, U32], [0, 1 << 63]
    return x, y, np.zeros((n, 10), i32), i32(n)


def _first(v: int) -> int:
    return (v & -v).bit_length()


def _reversed(v: int, bits: int) -> int:
    return int(f"{v:0{bits}b}"[::-1], 2)


def _bits(launch: Launch, x: Any, y: Any, out: Any, n: Any) -> list[Any]:
    for i, (a, b) in enumerate(zip(x.tolist(), y.tolist(), strict=True)):
        out[i] = [
            a.bit_count(), 32 - a.bit_length(), _first(a), wrap(_reversed(a, 32)), b.bit_count(),
            64 - b.bit_length(), _first(b), wrap(_reversed(b, 64) >> 32), (a | 1).bit_length() - 1,
            (a & (a - 1)).bit_count(),
        ]  # fmt: skip
    return [out]


def _make_integers(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return words(rng, n).view(i32), words(rng, n), np.zeros((n, 16), u32), i32(n)


def _perm(a: int, b: int, selector: int) -> int:
    pool = (b << 32 | a).to_bytes(8, "little")
    return int.from_bytes(bytes(pool[selector >> 4 * k & 7] for k in range(4)), "little")


def _dot(a: int, b: int, signed: bool) -> int:
    parts = (wrap(a >> s & 255, 8, signed=signed) * wrap(b >> s & 255, 8, signed=signed)
             for s in (0, 8, 16, 24))  # fmt: skip
    return sum(parts)


def _integers(launch: Launch, x: Any, y: Any, out: Any, n: Any) -> list[Any]:
    for i, (sa, b) in enumerate(zip(x.tolist(), y.tolist(), strict=True)):
        a, sb = sa & U32, wrap(b)
        both, s, clamped = b << 32 | a, i & 31, min(i, 32)
        row = [
            _perm(a, b, 0x5140), _perm(a, b, b & 0x7777), both << s >> 32, both >> s,
            both << clamped >> 32, both >> clamped, int(np.fmod(sa, 4000)) * (i - 20),
            (a & 0xFFF) * (b & 0xFFF), sa * sb >> 32, a * b >> 32, abs(sa - i) + (b & 0xFF),
            abs(a - b) + 7, _dot(a, b, True) + 5, _dot(a, b, False) + 5,
            (sa + sb >> 1) ^ (sa + 3 + 1 >> 1), (a << 20) * (b << 21) >> 64,
        ]  # fmt: skip
        out[i] = [v & U32 for v in row]
    return [out]


def _make_fast(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return rng.uniform(0.25, 3, n).astype(f32), np.zeros((n, 12), f32), i32(n)


def _fast(launch: Launch, x: Any, *_: Any) -> list[Any]:
    v = x.astype(f64)
    out = [np.exp(v), np.log(v), np.log2(v), np.log10(v), np.cos(v), np.cos(v), np.tan(v / 2),
           v**1.5, v / 3, np.clip(v - 0.5, 0, 1), 10 ** (v / 4), np.sin(v)]  # fmt: skip
    return [np.stack(out, 1)]


def _make_two(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    x, y = rng.uniform(0.1, 5, n), rng.uniform(-1.4, 1.4, n)
    return x.astype(f32), y.astype(f32), np.zeros((n, 24), f32), i32(n)


def _two(launch: Launch, x: Any, y: Any, *_: Any) -> list[Any]:
    v, w = x.astype(f64), y.astype(f64)
    out = [np.exp(v), np.exp2(v), np.expm1(v), np.log(v), np.log2(v), np.log10(v), np.log1p(v),
           v**w, np.sin(w), np.cos(w), np.tan(w), np.arcsin(w / 2), np.arccos(w / 2), np.arctan(w),
           np.arctan2(w, v), np.sinh(w), np.cosh(w), np.tanh(w), 1 / np.sqrt(v), np.cbrt(w),
           np.hypot(v, w), special.erf(w), special.erfc(w), np.sin(w) * np.cos(w)]  # fmt: skip
    return [np.stack(out, 1)]


def _make_double(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return rng.uniform(0.1, 5, n), np.zeros((n, 12)), i32(n)


def _double(launch: Launch, v: Any, *_: Any) -> list[Any]:
    out = [np.exp(v), np.log(v), v**-0.75, np.sin(v), np.cos(v), np.tanh(v), 1 / np.sqrt(v),
           special.erf(v), v * v - 1, np.arctan2(v, 0.5), special.gammaln(v), np.cbrt(v)]  # fmt: skip
    return [np.stack(out, 1)]


def _make_overloads(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return (rng.integers(1, 40, n) / 8).astype(f32), np.zeros((n, 5)), i32(n)


def _overloads(launch: Launch, x: Any, *_: Any) -> list[Any]:
    v, i = x.astype(f64), np.arange(len(x))
    ones = np.ones(len(x))
    out = [ones * 48, v + abs(v - 1) + 5.5, np.floor(v * 8) + np.minimum(v, 1) + np.maximum(2, i),
           v + 8, ones * 6]  # fmt: skip
    return [np.stack(out, 1)]


def _make_rounding(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    x = (rng.integers(-4000, 4000, n) / 8).astype(f32)
    x[:4] = [0.5, 1.5, -0.5, -2.5]  # ties
    return x, np.zeros((n, 8), i32), np.zeros((n, 3), f32), i32(n)


def _rounding(launch: Launch, x: Any, *_: Any) -> list[Any]:
    v, i = x.astype(f64), np.arange(len(x))
    away = np.copysign(np.floor(abs(v) + 0.5), v)
    whole = [np.rint(v), np.trunc(v), np.floor(v), np.ceil(v), np.rint(abs(v)), np.rint(v * 3),
             np.rint(v) + away * 1000, np.rint(v * 2)]  # fmt: skip
    back = [(16777217 + i).astype(f32), (U32 - i).astype(f32),
            (1 / (i + 3)).astype(f32) + np.rint(x)]  # fmt: skip
    return [np.stack(whole, 1), np.stack(back, 1)]


CASES = (
    Case("bit_intrinsics", FILE, "bit_intrinsics", _make_bits, LINES, _bits, (2,)),
    Case("integer_intrinsics", FILE, "integer_intrinsics", _make_integers, LINES, _integers, (2,)),
    Case("fast_math", FILE, "fast_math", _make_fast, LINES, _fast, (1,), tolerances=FAST),
    Case("math_float", FILE, "math_functions", _make_two, LINES, _two, (2,), tolerances=ACCURATE),
    Case("math_fast_option", FILE, "math_functions", _make_two, LINES, _two, (2,),
         options=("--use_fast_math",), tolerances=APPROXIMATE),
    Case("math_double", FILE, "math_double", _make_double, LINES, _double, (1,)),
    Case("math_overloads", FILE, "overloaded_math", _make_overloads, LINES, _overloads, (1,)),
    Case("rounding", FILE, "rounding", _make_rounding, LINES, _rounding, (1, 2)),
)  # fmt: skip
