"""Inline PTX as real kernels have it."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.corpus.cuda_cpp.case import Case, Launch
from tests.corpus.cuda_cpp.language.inputs import (
    LINES,
    WHOLE,
    Generator,
    count,
    eighths,
    f32,
    f64,
    i32,
    ints,
    rows,
    u32,
    u64,
    words,
    wrap,
)

FILE = "language/ptx.cu"
U32 = (1 << 32) - 1


def _registers(launch: Launch, out: Any) -> list[Any]:
    n = count(launch)
    lane = np.arange(n) % launch.threads % 32
    return [np.stack([lane, (1 << lane) - 1, np.arange(n)], 1)]


def _make_bits(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return words(rng, n), np.zeros((n, 7), u32), i32(n)


def _bits(launch: Launch, x: Any, out: Any, n: Any) -> list[Any]:
    for i, v in enumerate(x.tolist()):
        inverse = v ^ U32
        pool = (0x44332211 << 32 | v).to_bytes(8, "little")
        permuted = bytes(pool[k] for k in (0, 6, 1, 3))
        row = [
            v >> 4 & 0x1FF,
            v & ~0xFF00 | 0x5A00,
            wrap(v >> 3 & 31, 5),
            v ^ 0x0F0F0F0F ^ inverse >> 1,
            v & 0x12345678 | inverse & 0x9ABCDEF0,
            int.from_bytes(permuted, "little"),
            int(f"{v:032b}"[::-1], 2) ^ v.bit_count(),
        ]
        out[i] = [w & U32 for w in row]
    return [out]


def _make_arithmetic(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return (eighths(rng, n), ints(rng, n), np.zeros((n, 2), f32), np.zeros((n, 2), i32),
            np.zeros(n, u64), i32(n))  # fmt: skip


def _arithmetic(launch: Launch, x: Any, y: Any, *_: Any) -> list[Any]:
    x, y = x.astype(f64), y.astype(np.int64)
    fused = 3 * x + 0.5
    wide = (y & U32).astype(u64) * u64(0xFFFFFFF1)
    return [np.stack([fused, fused + x], 1), np.stack([7 * y - 2, (y + 5) * 4], 1), wide]


def _make_memory(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return (
        eighths(rng, n),
        ints(rng, 4 * n).reshape(n, 4),
        np.zeros(n, f32),
        np.zeros(n, i32),
        i32(n),
    )


def _shuffle(launch: Launch, x: Any, out: Any) -> list[Any]:
    warps, lane = x.reshape(-1, 32), np.arange(32)
    down = warps[:, np.where(lane < 28, lane + 4, lane)]
    return [np.stack([down, warps[:, lane ^ 3]], -1).reshape(-1, 2)]


CASES = (
    Case("ptx_registers", FILE, "ptx_registers",
         lambda rng, launch: (np.zeros((count(launch), 3), u32),), WHOLE, _registers),
    Case("ptx_bits", FILE, "ptx_bits", _make_bits, LINES, _bits, (1,)),
    Case("ptx_arithmetic", FILE, "ptx_arithmetic", _make_arithmetic, LINES, _arithmetic, (2, 3, 4)),
    Case("ptx_memory", FILE, "ptx_memory", _make_memory, LINES,
         lambda launch, x, y, *_: [x * 2, y @ [1, 2, 3, 4]], (2, 3)),
    Case("ptx_shuffle", FILE, "ptx_shuffle", rows(2), WHOLE, _shuffle, (1,)),
)  # fmt: skip
