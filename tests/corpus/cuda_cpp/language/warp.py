"""Warps: shuffles of every kind and width, votes, matches, partial masks, votes of blocks."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.corpus.cuda_cpp.case import Case, Launch
from tests.corpus.cuda_cpp.language.inputs import (
    LINES,
    WHOLE,
    Generator,
    count,
    f32,
    f64,
    i32,
    i64,
    ints,
    rows,
    u32,
)

FILE = "language/warp.cu"


def _bits(predicates: Any) -> Any:
    """A word for each row of lanes."""
    return (predicates.astype(i64) << np.arange(predicates.shape[-1])).sum(-1)


def _shuffles(launch: Launch, x: Any, out: Any) -> list[Any]:
    lane = np.arange(32)
    sources = [
        np.full(32, 5), lane * 7 % 32, lane // 8 * 8 + (lane + 3) % 8,
        np.where(lane >= 3, lane - 3, lane), np.where(lane % 16 >= 2, lane - 2, lane),
        np.where(lane + 9 < 32, lane + 9, lane), np.where(lane % 4 < 3, lane + 1, lane), 31 - lane,
        lane ^ 1,
    ]  # fmt: skip
    warps = x.reshape(-1, 32)
    columns = [warps[:, s] for s in sources]
    columns.append(np.take_along_axis(warps, warps & 31, 1))
    return [np.stack(columns, -1).reshape(out.shape)]


def _make_types(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    d, long, f = rng.random(n), rng.integers(0, 1 << 62, n), rng.random(n, f32)
    return d, long, f, np.zeros(n), np.zeros(n, i64), np.zeros(n, f32), np.zeros(n, u32)


def _types(launch: Launch, d: Any, long: Any, f: Any, *_: Any) -> list[Any]:
    lane = np.arange(32)
    d, long, f = (a.reshape(-1, 32) for a in (d, long, f))
    words = (long[:, 31:] & 0xFFFFFFFF) + long[:, :1] % 7
    return [d[:, np.minimum(lane + 1, 31)], long[:, lane ^ 16],
            f[:, np.where(lane >= 4, lane - 4, lane)], (words & 0xFFFFFFFF).repeat(32, 1)]  # fmt: skip


def _make_votes(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    x = ints(rng, n)
    x[32:64] //= 2  # a warp where the extremes do not occur
    x[3] = 1200  # and one that does not agree
    return x, np.zeros((n, 6), u32)


def _votes(launch: Launch, x: Any, out: Any) -> list[Any]:
    warps = x.reshape(-1, 32)
    below = (1 << np.arange(32)) - 1
    keys, thousands = warps & 3, np.trunc(warps / 1000)
    agree = (thousands == thousands[:, :1]).all(1)
    shape = warps.shape
    columns = [
        np.broadcast_to(_bits(warps > 0)[:, None], shape),
        np.broadcast_to((warps > 95).any(1)[:, None], shape),
        np.broadcast_to((warps > -98).all(1)[:, None], shape),
        _bits(warps != 0)[:, None] & below,
        _bits(keys[:, :, None] == keys[:, None]),
        np.broadcast_to(np.where(agree, 0xFFFFFFFE, 0)[:, None], shape),
    ]
    return [np.stack([c.astype(i64) for c in columns], -1).reshape(out.shape)]


def _masks(launch: Launch, x: Any, out: Any, n: Any) -> list[Any]:
    for start in range(0, len(x), 32):
        warp = x[start : start + 32]
        low, high = warp[:16], warp[16:]
        sums = np.full(32, warp.sum()) if len(warp) == 32 else warp.cumsum()
        middle = np.concatenate([np.full(len(low), _bits(low & 1)), np.repeat(high[:1], len(high))])
        out[start : start + 32] = np.stack([sums, middle, np.full(len(warp), np.ptp(warp))], 1)
    return [out]


def _make_shared(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return rng.random(n, f32), np.zeros(n, f32)


def _shared(launch: Launch, x: Any, out: Any) -> list[Any]:
    """The sum of the lanes from this one on."""
    return [x.reshape(-1, 32)[:, ::-1].cumsum(1, dtype=f64)[:, ::-1]]


def _make_count(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return ints(rng, n), np.zeros(1, i32), i32(n)


def _make_predicates(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return ints(rng, n, 1, 40), np.zeros(n, i32), i32(7)


def _predicates(launch: Launch, x: Any, out: Any, limit: Any) -> list[Any]:
    blocks = x.reshape(launch.blocks, -1)
    turns = -(-blocks.max(1) // limit)
    exact = (blocks % limit == 0).sum(1)
    return [(turns * 10000 + exact * 10 + 1).repeat(launch.threads)]


def _lanes(launch: Launch, out: Any, x: Any) -> list[Any]:
    first = x + np.where(np.arange(32) < 24, np.roll(x, -8), x)
    return [first + np.where(np.arange(32) < 16, np.roll(first, -16), first)]


CASES = (
    Case("warp_shuffles", FILE, "shuffles", rows(10, low=0), WHOLE, _shuffles, (1,)),
    Case("warp_shuffle_types", FILE, "shuffle_types", _make_types, WHOLE, _types, (3, 4, 5, 6)),
    Case("warp_votes", FILE, "votes", _make_votes, WHOLE, _votes, (1,)),
    Case("warp_partial_masks", FILE, "partial_masks", rows(3), LINES, _masks, (1,)),
    Case("warp_shared", FILE, "warp_shared", _make_shared, (Launch(2, 64), Launch(1, 32)), _shared,
         (1,)),
    Case("warp_converged_count", FILE, "converged_count", _make_count, LINES,
         lambda launch, x, *_: [[np.count_nonzero(np.fmod(x, 3))]], (1,)),
    Case("block_predicates", FILE, "block_predicates", _make_predicates, WHOLE, _predicates, (1,)),
    Case("warp_of_2d_block", FILE, "lanes_of_2d",
         lambda rng, launch: (np.zeros(32, i32), ints(rng, 32)), (Launch(1, (8, 4)),), _lanes),
)  # fmt: skip
