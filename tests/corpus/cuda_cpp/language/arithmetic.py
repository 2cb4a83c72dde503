"""Arithmetic: promotion, wrap-around, conversions, bits, and the floats that IEEE fixes."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.corpus.cuda_cpp.case import EXACT, Case, Launch
from tests.corpus.cuda_cpp.language.inputs import (
    LINES,
    Generator,
    by_element,
    count,
    eighths,
    f32,
    f64,
    i8,
    i16,
    i32,
    i64,
    ints,
    longs,
    quot,
    rem,
    rows,
    u8,
    u16,
    u32,
    u64,
    words,
    wrap,
)

FILE = "language/arithmetic.cu"
U32, U64 = (1 << 32) - 1, (1 << 64) - 1


def _make_narrow(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    inputs = (rng.integers(np.iinfo(t).min, np.iinfo(t).max + 1, n).astype(t)
              for t in (i8, u8, i16, u16))  # fmt: skip
    return *inputs, np.zeros((n, 10), i32), i32(n)


def _narrow(launch: Launch, *arguments: Any) -> list[Any]:
    *inputs, out, _ = arguments
    for i, (a, b, c, d) in enumerate(zip(*(x.tolist() for x in inputs), strict=True)):
        narrow = (b + 200) % 256 * 2 % 256
        out[i] = [a + b, (a + b) % 256, wrap(3 * b, 8), wrap(c * d, 16), ~b, b << 8 | d >> 8,
                  narrow, 1, ord("A") + i % 26, quot(-d, 7) + rem(a, 5)]  # fmt: skip
    return [out]


def _make_unsigned(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return ints(rng, n), words(rng, n), np.zeros((n, 8), u32), i32(n)


def _unsigned(launch: Launch, x: Any, y: Any, *_: Any) -> list[Any]:
    table = [
        [b * 2654435761 + 12345, b - 0xFFFFFFF0, a + b, (a & U32) < b, 1,
         b // 7 + b % 7 + (b >> 31), (a & U32) >> 4, -b ^ (b & -b)]
        for a, b in zip(x.tolist(), y.tolist(), strict=True)
    ]  # fmt: skip
    return [[[v & U32 for v in row] for row in table]]


def _make_signed(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    x, y = ints(rng, n, -(10**6), 10**6), ints(rng, n)
    y[y == 0] = 13
    return x, y, np.zeros((n, 8), i32), i32(n)


def _signed(launch: Launch, x: Any, y: Any, *_: Any) -> list[Any]:
    table = []
    for a, b in zip(x.tolist(), y.tolist(), strict=True):
        v = ((rem(quot(a * 3 - b, 2), 1000) | 1) & ~4 ^ b) >> 1
        table.append([
            quot(a, b), rem(a, b), a >> 3, quot(a, 4) - (a >> 2),
            abs(a) + abs(b) * (-1 if a < 0 else 1), v, min(a, b) * 2 + max(a, b, -7),
            (a & 0xFF & b) | (0x100 ^ 0x10),
        ])  # fmt: skip
    return [table]


def _make_wide(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    x = longs(rng, n).view(i64) * rng.choice([-1, 1], n)
    return x, longs(rng, n), np.zeros((n, 5), i64), np.zeros((n, 4), u64), i32(n)


def _wide(launch: Launch, x: Any, y: Any, signed: Any, unsigned: Any, n: Any) -> list[Any]:
    for i, (a, b) in enumerate(zip(x.tolist(), y.tolist(), strict=True)):
        low = wrap(a)
        signed[i] = [low * low, quot(a, 1000003) + rem(a, 1000003), wrap((a >> 40) + (1 << i % 63), 64),
                     low + (1 << 32), (a > 0) - (a < 0)]  # fmt: skip
        unsigned[i] = [b * 6364136223846793005 + 1442695040888963407 & U64,
                       b // 10 ^ (b << 13 & U64) ^ b >> 7, (b + U32) & U32, 8 * i + (b % 97 == 0)]  # fmt: skip
    return [signed, unsigned]


def _make_shifts(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return words(rng, n), np.zeros((n, 4), u32), i32(n)


def _shifts(launch: Launch, x: Any, *_: Any) -> list[Any]:
    table = []
    for v in x.tolist():
        s = v & 31
        table.append([v << s, v >> s, v << s | v >> (32 - s), wrap(v) >> s])
    return [[[v & U32 for v in row] for row in table]]


def _make_booleans(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return (
        ints(rng, n, 0, 18),
        rng.random(n) < 0.5,
        np.zeros((n, 5), bool),
        np.zeros(n, i32),
        i32(n),
    )


def _booleans(launch: Launch, x: Any, flags: Any, *_: Any) -> list[Any]:
    bits = (x[:, None] >> np.arange(4)) & 1
    any_, all_ = bits.any(1), bits.all(1)
    out = [any_ & ~all_, bits.sum(1) % 2, x, ~flags, (flags & (x > 3)) ^ (any_ | flags)]
    sums = bits.sum(1) * 100 + flags * 10 + (x > 2) + (x > 5) - (x == 0) + 1
    return [np.stack([o.astype(bool) for o in out], 1), sums]


def _enumerations(x: int, i: int) -> list[int]:
    day = x % 3 + 1
    level, price = (250, 250) if x > 50 else (20, 2) if x > 20 else (10, 1)
    return [day + 30 + 100 * (day == 2), price, 99 if x & 3 == 3 else x & 3,
            (level + 10) % 256 + 1000]  # fmt: skip


def _make_conversions(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    f, d = eighths(rng, n), rng.uniform(-30000, 30000, n)
    f[0] = 0
    return f, d, np.zeros((n, 7), i32), np.zeros((n, 3), f32), np.zeros((n, 4)), i32(n)


def _conversions(launch: Launch, f: Any, d: Any, *_: Any) -> list[Any]:
    whole = np.trunc(f).astype(i64)
    scaled = np.trunc(d * 1e10).astype(i64) >> 20
    out = [
        whole,
        np.trunc(d),
        whole & 255,
        scaled.astype(i32),
        np.zeros(len(f)),
        np.trunc(abs(d)),
        f != 0,
    ]
    floats = [
        np.trunc(d * 65537).astype(i64).astype(f32),
        f32(16777216) + whole.astype(f32),
        d.astype(f32),
    ]
    literals = f.astype(f64) / 2 + (16 + 8 + 5 + 65 + 1000 + 0.125 + 1000 + 0.5)
    big = np.full(len(f), float(0xFFFFFFFFFFFF0000) - 7)
    return [np.stack(out, 1), np.stack(floats, 1), np.stack([literals, f, d, big], 1)]


def _make_bits(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    f = rng.standard_normal(n, f32)
    return (f, rng.standard_normal(n), np.zeros((n, 7), i32), np.zeros((n, 4), f32),
            np.zeros((n, 3), i64), i32(n))  # fmt: skip


def _bits(launch: Launch, f: Any, d: Any, *_: Any) -> list[Any]:
    b, doubled, index = f.view(u32).astype(i64), (2 * f).view(i32), np.arange(len(f))
    out = [
        f.view(i32),
        b >> 23 & 255,
        (b >> 24) * 256 + (b & 255),
        b >> 16,
        doubled,
        f.view(i32),
        doubled,
    ]
    magic = (0x5F3759DF - (abs(f).view(i32).astype(i64) >> 1)).astype(i32).view(f32)
    floats = [-f, magic, (0x3F800000 | index).astype(u32).view(f32), d.view(f32)[1::2]]
    long = d.view(i64)
    parts = (long >> 32) * 16 + (long & 15) + (index > 0)
    return [np.stack(out, 1), np.stack(floats, 1), np.stack([long, long ^ (long << 32), parts], 1)]


def _make_floats(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    x, y = rng.uniform(-50, 50, (2, n)).astype(f32)
    return x, y, np.zeros((n, 12), f32), i32(n)


def _floats(launch: Launch, x: Any, y: Any, *_: Any) -> list[Any]:
    """Every operation rounded to float, as the kernel's are; none is a product that feeds a sum."""
    half_away = np.copysign(np.floor(abs(y * f32(4)) + f32(0.5)), y)
    exact = x.astype(f64) * y - 1  # 48 bits, and a rounding to float that meets no tie
    out = [
        x + y, x / y, np.sqrt(abs(x)), exact.astype(f32),
        np.minimum(x, y) + np.maximum(x, 0),
        np.floor(x) + np.ceil(y) * f32(16) + np.trunc(x) * f32(256),
        np.rint(x * f32(4)) + half_away, np.fmod(x, y),
        np.copysign(y, x) + np.signbit(x), x * y - (x + f32(0.1)),
        np.sqrt(f32(1) / abs(y)), x * f32(8) + np.maximum(x - y, 0),
    ]  # fmt: skip
    return [np.stack(out, 1).astype(f32)]


IEEE = {"float32": EXACT, "float64": EXACT}

CASES = (
    Case("promotions", FILE, "promotions", _make_narrow, LINES, _narrow, (4,)),
    Case("unsigned_arithmetic", FILE, "unsigned_arithmetic", _make_unsigned, LINES, _unsigned, (2,)),
    Case("signed_arithmetic", FILE, "signed_arithmetic", _make_signed, LINES, _signed, (2,)),
    Case("wide_integers", FILE, "wide_integers", _make_wide, LINES, _wide, (2, 3)),
    Case("shifts", FILE, "shifts", _make_shifts, LINES, _shifts, (1,)),
    Case("booleans", FILE, "booleans", _make_booleans, LINES, _booleans, (2, 3)),
    Case("enumerations", FILE, "enumerations", rows(4, low=0), LINES, by_element(_enumerations), (1,)),
    Case("conversions", FILE, "conversions", _make_conversions, LINES, _conversions, (2, 3, 4),
         tolerances=IEEE),
    Case("bit_casts", FILE, "bit_casts", _make_bits, LINES, _bits, (2, 3, 4), tolerances=IEEE),
    Case("float_arithmetic", FILE, "float_arithmetic", _make_floats, LINES, _floats, (2,),
         tolerances=IEEE),
)  # fmt: skip
