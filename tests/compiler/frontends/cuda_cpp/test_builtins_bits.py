"""Integer functions, against Python's integers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("clang.cindex")

from tests.support.cuda_functions import evaluate

Array = np.ndarray[Any, Any]
rng = np.random.default_rng(3)
EDGES = [0, 1, 2, 3, 0x7F, 0x80, 0xFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
MASK = 0xFFFFFFFF


def words(seed: int) -> Array:
    """32-bit patterns: edges in some order, then random ones."""
    order = np.random.default_rng(seed)
    return np.concatenate([order.permutation(EDGES), order.integers(0, 1 << 32, 40)]).astype(
        np.uint32
    )


def signed(x: int, bits: int = 32) -> int:
    x &= (1 << bits) - 1
    return x - (1 << bits) if x >> (bits - 1) else x


def byte_perm(x: int, y: int, s: int) -> int:
    joined = x | y << 32
    return sum((joined >> 8 * (s >> 4 * i & 7) & 255) << 8 * i for i in range(4))


def funnel_left(low: int, high: int, n: int) -> int:
    return ((low | high << 32) << n) >> 32 & MASK


def funnel_right(low: int, high: int, n: int) -> int:
    return (low | high << 32) >> n & MASK


def find_nth(mask: int, base: int, offset: int) -> int:
    """CUDA's definition of __fns, bit by bit."""
    base, offset = base & 31, signed(offset)
    if offset == 0:
        return base if mask >> base & 1 else MASK
    step = 1 if offset > 0 else -1
    left = abs(offset)
    while 0 <= base < 32:
        left -= mask >> base & 1
        if left == 0:
            return base
        base += step
    return MASK


def dot(parts: int, shift: int, width: int, sign: bool) -> Callable[[int, int, int], int]:
    def lane(x: int, i: int, bits: int) -> int:
        x = x >> bits * i & ((1 << bits) - 1)
        return signed(x, bits) if sign else x

    return lambda a, b, c: c + sum(lane(a, i, width) * lane(b, i + shift, 8) for i in range(parts))


UNSIGNED: dict[str, Callable[..., int]] = {
    "__popc(a)": lambda a, b, c: a.bit_count(),
    "__clz((int)a)": lambda a, b, c: 32 - a.bit_length(),
    "__ffs((int)a)": lambda a, b, c: (a & -a).bit_length(),
    "__brev(a)": lambda a, b, c: int(f"{a:032b}"[::-1], 2),
    "__byte_perm(a, b, c)": byte_perm,
    "__funnelshift_l(a, b, c)": lambda a, b, c: funnel_left(a, b, c & 31),
    "__funnelshift_r(a, b, c)": lambda a, b, c: funnel_right(a, b, c & 31),
    "__funnelshift_lc(a, b, c)": lambda a, b, c: funnel_left(a, b, min(c, 32)),
    "__funnelshift_rc(a, b, c)": lambda a, b, c: funnel_right(a, b, min(c, 32)),
    "__funnelshift_l(a, b, c & 63)": lambda a, b, c: funnel_left(a, b, c & 31),
    "__funnelshift_rc(a, b, c & 63)": lambda a, b, c: funnel_right(a, b, min(c & 63, 32)),
    "__umul24(a, b)": lambda a, b, c: (a & 0xFFFFFF) * (b & 0xFFFFFF),
    "__mul24(a, b)": lambda a, b, c: signed(a, 24) * signed(b, 24),
    "__umulhi(a, b)": lambda a, b, c: a * b >> 32,
    "__mulhi(a, b)": lambda a, b, c: signed(a) * signed(b) >> 32,
    "__usad(a, b, c)": lambda a, b, c: abs(a - b) + c,
    "__sad(a, b, c)": lambda a, b, c: abs(signed(a) - signed(b)) + c,
    "__hadd((int)a, (int)b)": lambda a, b, c: signed(a) + signed(b) >> 1,
    "__rhadd(a, b)": lambda a, b, c: signed(a) + signed(b) + 1 >> 1,
    "__uhadd(a, b)": lambda a, b, c: a + b >> 1,
    "__urhadd(a, b)": lambda a, b, c: a + b + 1 >> 1,
    "__dp4a(a, b, c)": dot(4, 0, 8, False),
    "__dp4a((int)a, (int)b, (int)c)": dot(4, 0, 8, True),
    "__dp2a_lo(a, b, c)": dot(2, 0, 16, False),
    "__dp2a_hi(a, b, c)": dot(2, 2, 16, False),
    "__dp2a_lo((int)a, (int)b, (int)c)": dot(2, 0, 16, True),
    "__dp2a_hi((int)a, (int)b, (int)c)": dot(2, 2, 16, True),
    "__fns(a, b & 31, (int)(c % 67) - 33)": lambda a, b, c: find_nth(a, b & 31, c % 67 - 33),
}


def test_words() -> None:
    a, b, c = words(1), words(2), words(3)
    for out in evaluate(list(UNSIGNED), np.uint32, a, b, c):
        for row, call in zip(out, UNSIGNED, strict=True):
            want = [UNSIGNED[call](*map(int, v)) & MASK for v in zip(a, b, c, strict=True)]
            assert row.tolist() == want, call


def test_long_words() -> None:
    edges = np.array([0, 1, 1 << 63, (1 << 64) - 1], np.uint64)
    a = np.concatenate([edges, rng.integers(0, 1 << 63, 30).astype(np.uint64)])
    b = rng.permutation(a)
    rows: dict[str, Callable[[int, int], int]] = {
        "__popcll(a)": lambda a, b: a.bit_count(),
        "__clzll(a)": lambda a, b: 64 - a.bit_length(),
        "__ffsll(a)": lambda a, b: (a & -a).bit_length(),
        "__brevll(a)": lambda a, b: int(f"{a:064b}"[::-1], 2),
        "__umul64hi(a, b)": lambda a, b: a * b >> 64,
        "__mul64hi(a, b)": lambda a, b: signed(a, 64) * signed(b, 64) >> 64,
    }
    for out in evaluate(list(rows), np.uint64, a, b):
        for row, call in zip(out, rows, strict=True):
            want = [rows[call](int(x), int(y)) % (1 << 64) for x, y in zip(a, b, strict=True)]
            assert row.tolist() == want, call


def test_dot_products_of_vectors() -> None:
    calls = [
        "__dp4a(make_char4(1, -2, 3, -4), make_char4(5, 6, -7, 8), a)",
        "__dp4a(make_uchar4(1, 2, 3, 250), make_uchar4(5, 6, 7, 255), (unsigned)a)",
        "__dp2a_hi(make_short2(-300, 4), make_char4(1, 2, -3, 4), a)",
        "__dp2a_lo(make_ushort2(60000, 4), make_uchar4(1, 2, 3, 4), (unsigned)a)",
    ]
    want = [5 - 12 - 21 - 32, 5 + 12 + 21 + 250 * 255, 900 + 16, 60000 + 8]
    for out in evaluate(calls, np.int32, np.array([0, 10], np.int32)):
        assert out.tolist() == [[v, v + 10] for v in want]


@pytest.mark.parametrize("name", ["char", "uchar", "short", "ushort", "int", "uint", "long", "ulong",
                                  "longlong", "ulonglong", "float", "double"])  # fmt: skip
def test_vectors_are_made(name: str) -> None:
    """make_* of every type and size, with the arguments converted as in any call."""
    parts = "xyzw"
    calls = [
        f"(int)make_{name}{n}({', '.join(f'a + {k}' for k in range(n))}).{parts[k]}"
        for n in (1, 2, 3, 4)
        for k in range(n)
    ]
    want = [k + 2 for n in (1, 2, 3, 4) for k in range(n)]
    for out in evaluate(calls, np.int32, np.array([2.75], np.float32)):
        assert out[:, 0].tolist() == want
