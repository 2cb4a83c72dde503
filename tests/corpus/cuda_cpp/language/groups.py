"""Cooperative groups: ranks, tiles, scans, coalesced groups, generic functions, the grid."""

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
    ints,
    rows,
    u32,
)

FILE = "language/groups.cu"


def _ranks(launch: Launch, out: Any) -> list[Any]:
    width, height = launch.block
    rank = np.arange(width * height)
    columns = [rank, np.full(len(rank), len(rank)), rank // width * 100 + rank % width,
               rank % 32 * 100 + rank // 32, rank % 16 * 100 + 16,
               rank % 4 * 1000 + rank // 4 * 10 + 4, np.full(len(rank), len(rank) // 4)]  # fmt: skip
    return [np.tile(np.stack(columns, 1), (launch.blocks, 1))]


def _make_tiles(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return ints(rng, n), np.zeros((n, 6), i32), np.zeros((n, 4), u32)


def _tiles(launch: Launch, x: Any, out: Any, votes: Any) -> list[Any]:
    tiles, lane = x.reshape(-1, 16), np.arange(16)
    ones = np.ones_like(tiles)
    columns = [tiles[:, 3:4] * ones, tiles[:, np.where(lane >= 2, lane - 2, lane)],
               tiles[:, np.where(lane < 11, lane + 5, lane)], tiles[:, lane ^ 8],
               tiles.sum(1)[:, None] * ones, tiles.max(1)[:, None] * ones]  # fmt: skip
    odd = tiles & 1
    words = [((tiles > 0) << lane).sum(1)[:, None] * ones, (tiles > 90).any(1)[:, None] * ones,
             (tiles > -95).all(1)[:, None] * ones,
             ((odd[:, :, None] == odd[:, None]) << lane).sum(-1)]  # fmt: skip
    return [np.stack(c, -1).reshape(len(x), -1) for c in (columns, words)]


def _scans(launch: Launch, x: Any, out: Any) -> list[Any]:
    inclusive = x.reshape(-1, 32).cumsum(1).ravel()
    return [np.stack([inclusive, inclusive - x], 1)]


def _make_coalesced(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return ints(rng, n), np.full(n, 1000, i32), np.zeros(1, i32), i32(n)


def _coalesced(launch: Launch, x: Any, kept: Any, *_: Any) -> list[Any]:
    even = x[x % 2 == 0]
    kept[: len(even)] = even
    return [kept, [len(even)]]


def _make_generic(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return ints(rng, n), np.zeros(launch.blocks, i32), np.zeros(n // 8, i32)


def _generic(launch: Launch, x: Any, *_: Any) -> list[Any]:
    return [x.reshape(launch.blocks, -1).sum(1), x.reshape(-1, 8).sum(1)]


def _make_grid(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return rng.random(n, f32), np.zeros(launch.blocks, f32), i32(n)


def _grid(launch: Launch, x: Any, partial: Any, n: Any) -> list[Any]:
    width = launch.blocks * launch.threads
    padded = np.pad(x.astype(f64), (0, -len(x) % width)).reshape(-1, launch.blocks, launch.threads)
    return [x / x.sum(dtype=f64), padded.sum((0, 2))]


CASES = (
    Case("cg_ranks", FILE, "group_ranks",
         lambda rng, launch: (np.zeros((count(launch), 7), i32),),
         (Launch(2, (16, 4)), Launch(1, (8, 4))), _ranks),
    Case("cg_tile_operations", FILE, "tile_operations", _make_tiles, WHOLE, _tiles, (1, 2)),
    Case("cg_tile_scans", FILE, "tile_scans", rows(2), WHOLE, _scans, (1,)),
    Case("cg_coalesced", FILE, "coalesced", _make_coalesced, LINES, _coalesced, (1, 2),
         normalise=lambda results: [np.sort(results[0]), results[1]]),
    Case("cg_generic", FILE, "generic_groups", _make_generic,
         (Launch(2, 64, 256), Launch(1, 32, 128)), _generic, (1, 2)),
    Case("cg_grid_sync", FILE, "grid_normalise", _make_grid,
         (Launch(3, 64, size=(500,)), Launch(1, 32, size=(20,))), _grid, (0, 1), cooperative=True),
)  # fmt: skip
