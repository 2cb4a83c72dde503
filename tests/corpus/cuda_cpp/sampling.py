"""Choosing tokens: argmax, top-k, random draws, penalties, experts, beams."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from tests.corpus.cuda_cpp.case import EXACT, Arguments, Case, Launch, blocks

f32, f64, i32, u32 = np.float32, np.float64, np.int32, np.uint32
SOURCE = "sampling/argmax.cu"
ROWS = (Launch(3, 64, size=(3, 200)), Launch(4, 96, size=(4, 31)), Launch(2, 32, size=(2, 64)))


def _coarse(rng: np.random.Generator, shape: Any) -> Any:
    """Logits with ties."""
    return (rng.integers(-20, 20, shape) / 4).astype(f32)


def _make_argmax(rng: np.random.Generator, launch: Launch) -> Arguments:
    rows, cols = launch.size
    return _coarse(rng, launch.size), np.zeros(rows, np.int64), i32(cols)


def _argmax(launch: Launch, x: Any, *_: Any) -> list[Any]:
    return [x.argmax(1)]


def _make_topk(rng: np.random.Generator, launch: Launch) -> Arguments:
    rows, cols, k = launch.size
    outputs = np.zeros((rows, k), f32), np.zeros((rows, k), i32)
    return _coarse(rng, (rows, cols)), *outputs, i32(cols)


def _topk(launch: Launch, x: Any, values: Any, indices: Any, cols: Any) -> list[Any]:
    order = np.argsort(-x, 1, kind="stable")[:, : launch.size[2]]
    return [np.take_along_axis(x, order, 1), order]


def _make_draw(rng: np.random.Generator, launch: Launch) -> Arguments:
    rows, n = launch.size
    probabilities = special.softmax(rng.standard_normal(launch.size), 1).astype(f32)
    coins = rng.random(rows).astype(f32)
    coins[0] = 1  # beyond every sum
    return probabilities, coins, np.zeros(rows, i32), i32(rows), i32(n)


def _draw(launch: Launch, probabilities: Any, coins: Any, out: Any, rows: Any, n: Any) -> list[Any]:
    below = coins[:, None] < np.cumsum(probabilities, 1, dtype=f32)
    return [np.where(below.any(1), below.argmax(1), n - 1)]


def _pcg(x: Any) -> Any:
    state = x * u32(747796405) + u32(2891336453)
    word = ((state >> ((state >> u32(28)) + u32(4))) ^ state) * u32(277803737)
    return (word >> u32(22)) ^ word


def _make_gumbel(rng: np.random.Generator, launch: Launch) -> Arguments:
    rows, cols = launch.size
    logits = rng.standard_normal(launch.size).astype(f32)
    outputs = np.zeros(rows, i32), np.zeros(rows, f32)
    return logits, *outputs, i32(cols), f32(0.8), u32(rng.integers(1 << 32))


def _gumbel(launch: Launch, logits: Any, *rest: Any) -> list[Any]:
    _, _, _, temperature, seed = rest
    counter = np.arange(logits.size, dtype=u32).reshape(logits.shape)
    u = ((_pcg(seed ^ counter) >> u32(9)) + 0.5) / 2.0**23
    noisy = logits / f64(temperature) - np.log(-np.log(u))
    return [noisy.argmax(1), noisy.max(1)]


def _make_penalty(rng: np.random.Generator, launch: Launch) -> Arguments:
    rows, vocabulary, longest = launch.size
    tokens = rng.integers(0, vocabulary, (rows, longest)).astype(i32)
    lengths = rng.integers(0, longest + 1, rows).astype(i32)
    logits = rng.standard_normal((rows, vocabulary)).astype(f32)
    return logits, tokens, lengths, f32(1.25), i32(vocabulary), i32(longest)


def _penalty(
    launch: Launch, logits: Any, tokens: Any, lengths: Any, penalty: Any, *_: Any
) -> list[Any]:
    for row, used, n in zip(logits, tokens, lengths, strict=True):
        seen = np.unique(used[:n])
        row[seen] = np.where(row[seen] < 0, row[seen] * penalty, row[seen] / penalty)
    return [logits]


def _make_gating(rng: np.random.Generator, launch: Launch) -> Arguments:
    tokens, experts = launch.size
    ids, weights = np.zeros((tokens, 2), i32), np.zeros((tokens, 2), f32)
    gates = rng.standard_normal(launch.size).astype(f32)
    return gates, ids, weights, np.zeros(experts, i32), i32(tokens)


def _gating(launch: Launch, gates: Any, *_: Any) -> list[Any]:
    best = np.argsort(-gates, 1, kind="stable")[:, :2]
    weights = special.softmax(np.take_along_axis(gates, best, 1).astype(f64), 1)
    return [best, weights, np.bincount(best.ravel(), minlength=launch.size[1])]


def _make_beams(rng: np.random.Generator, launch: Launch) -> Arguments:
    batch, beams, length, longest, width = launch.size
    cache = rng.integers(-1000, 1000, (batch, beams, longest, width, 4)).astype(i32)
    parents = rng.integers(0, beams, (batch, beams)).astype(i32)
    return cache, np.zeros_like(cache), parents, i32(beams), i32(length), i32(longest), i32(width)


def _beams(
    launch: Launch, cache: Any, out: Any, parents: Any, beams: Any, length: Any, *_: Any
) -> list[Any]:
    out[:, :, :length] = np.take_along_axis(cache, parents[..., None, None, None], 1)[:, :, :length]
    return [out]


CASES = (
    Case("argmax_rows", SOURCE, "argmax_rows", _make_argmax, ROWS, _argmax, (1,)),
    Case(
        "topk_rows", SOURCE, "topk_rows<4>", _make_topk,
        (Launch(3, 64, size=(3, 100, 4)), Launch(2, 32, size=(2, 9, 4))), _topk, (1, 2),
        tolerances={"float32": EXACT},
    ),
    Case(
        "sample_multinomial", SOURCE, "sample_mult", _make_draw,
        (Launch(2, 32, size=(50, 20)), Launch(1, 64, size=(10, 100))), _draw, (2,),
    ),
    Case("gumbel_sample", SOURCE, "gumbel_sample", _make_gumbel, ROWS, _gumbel, (1, 2)),
    Case(
        "repetition_penalty", SOURCE, "repetition_penalty", _make_penalty,
        (Launch(3, 64, 4 * 7, (3, 200, 30)), Launch(2, 32, 4, (2, 20, 10))), _penalty,
        tolerances={"float32": EXACT},
    ),
    *(
        Case(
            f"moe_top2_of_{experts}", SOURCE, f"moe_gating_top2<{experts}>", _make_gating,
            tuple(Launch(blocks(n, w), (32, w), size=(n, experts)) for n, w in ((9, 4), (5, 1))),
            _gating, (1, 2, 3),
        )
        for experts in (8, 32)
    ),
    Case(
        "beam_gather", SOURCE, "beam_gather", _make_beams,
        (Launch((2, 6), 32, size=(2, 3, 5, 8, 9)), Launch((1, 4), 64, size=(1, 4, 2, 2, 3))),
        _beams, (1,),
    ),
)  # fmt: skip
