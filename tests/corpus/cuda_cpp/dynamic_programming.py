"""Dynamic programming: shortest paths, alignments, knapsack, Viterbi."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.corpus.cuda_cpp.case import Case, Launch

f32, f64, i8, i32 = np.float32, np.float64, np.int8, np.int32
Generator = np.random.Generator

BLOCK = 8


def _letters(rng: Generator, n: int) -> Any:
    return rng.choice(np.frombuffer(b"ACGT", i8), n)


def _distances(rng: Generator, n: int) -> Any:
    d = np.where(rng.random((n, n)) < 0.3, rng.integers(1, 50, (n, n)), 10000).astype(i32)
    np.fill_diagonal(d, 0)
    return d


def _make_floyd(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n, pivot = launch.size
    return _distances(rng, n), i32(n), i32(pivot)


def _floyd_pivot(launch: Launch, d: Any, n: Any, pivot: Any) -> list[Any]:
    span = slice(pivot * BLOCK, (pivot + 1) * BLOCK)
    block = d[span, span]
    for k in range(BLOCK):
        block[:] = np.minimum(block, block[:, k : k + 1] + block[k])
    return [d]


def _floyd_rest(launch: Launch, d: Any, n: Any, pivot: Any) -> list[Any]:
    span = slice(pivot * BLOCK, (pivot + 1) * BLOCK)
    through = (d[:, span, None] + d[None, span]).min(1)
    kept = np.arange(n) // BLOCK != pivot
    return [np.where(kept & kept[:, None], np.minimum(d, through), d)]


def _make_step(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n, k = launch.size
    d = _distances(rng, n)
    return d.astype(f32), np.tile(np.arange(n, dtype=i32), (n, 1)), i32(n), i32(k)


def _step(launch: Launch, d: Any, nxt: Any, n: Any, k: Any) -> list[Any]:
    through = d[:, k : k + 1] + d[k]
    shorter = through < d
    return [np.where(shorter, through, d), np.where(shorter, nxt[:, k : k + 1], nxt)]


def _make_lcs(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    m, n = launch.size
    return _letters(rng, m), i32(m), _letters(rng, n), i32(n), np.zeros(1, i32)


def _lcs(launch: Launch, a: Any, m: Any, b: Any, n: Any, length: Any) -> list[Any]:
    table = np.zeros((len(a) + 1, len(b) + 1), int)
    for i, x in enumerate(a, 1):
        for j, y in enumerate(b, 1):
            same = table[i - 1, j - 1] + 1
            table[i, j] = same if x == y else max(table[i - 1, j], table[i, j - 1])
    return [[table[-1, -1]]]


def _align(table: Any, x: Any, y: Any, penalty: int, rows: range, columns: range) -> None:
    for i in rows:
        for j in columns:
            reference = 2 if x[j - 1] == y[i - 1] else -1
            table[i, j] = max(table[i - 1, j - 1] + reference, table[i, j - 1] - penalty,
                              table[i - 1, j] - penalty)  # fmt: skip


def _tile(tile: int, side: int = 8) -> range:
    return range(tile * side + 1, (tile + 1) * side + 1)


def _make_needleman(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n, diagonal, penalty = 24, launch.blocks - 1, 1
    x, y = _letters(rng, n), _letters(rng, n)
    score = np.zeros((n + 1, n + 1), i32)
    score[0] = score[:, 0] = -penalty * np.arange(n + 1)
    for d in range(diagonal):  # what the launches before have computed
        for bx in range(d + 1):
            _align(score, x, y, penalty, _tile(d - bx), _tile(bx))
    return x, y, score, i32(n + 1), i32(penalty), i32(diagonal)


def _needleman(launch: Launch, x: Any, y: Any, score: Any, *rest: Any) -> list[Any]:
    _, penalty, diagonal = map(int, rest)
    for bx in range(diagonal + 1):
        _align(score, x, y, penalty, _tile(diagonal - bx), _tile(bx))
    return [score]


def _make_knapsack(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    items, capacity = launch.size
    weights, values = (rng.integers(1, 20, items).astype(i32) for _ in range(2))
    return weights, values, i32(items), i32(capacity), np.zeros(capacity + 1, i32)


def _knapsack(launch: Launch, weights: Any, values: Any, *rest: Any) -> list[Any]:
    best = rest[-1]
    for weight, value in zip(weights, values, strict=True):
        taken = best[:-weight] + value if weight < len(best) else best[:0]
        best[weight:] = np.maximum(best[weight:], taken)
    return [best]


def _make_viterbi(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    steps, states, symbols = launch.size
    # Multiples of 1/64: sums are exact, so that ties break the same way.
    tables = [(rng.integers(-640, 0, shape) / 64).astype(f32)
              for shape in (states, (states, states), (states, symbols))]  # fmt: skip
    observed = rng.integers(0, symbols, steps).astype(i32)
    return *tables, observed, *map(i32, launch.size), np.zeros(steps, i32)


def _viterbi(
    launch: Launch, start: Any, transition: Any, emission: Any, observed: Any, *rest: Any
) -> list[Any]:
    score, back = start.astype(f64) + emission[:, observed[0]], []
    for symbol in observed[1:]:
        candidates = score[:, None] + transition
        back.append(candidates.argmax(0))
        score = candidates.max(0) + emission[:, symbol]
    path = [score.argmax()]
    for pointers in reversed(back):
        path.insert(0, pointers[path[0]])
    return [path]


TABLES = "dynamic_programming/tables.cu"

CASES = (
    Case("floyd_pivot", TABLES, "floyd_pivot", _make_floyd,
         (Launch(1, (8, 8), size=(24, 1)),), _floyd_pivot),
    Case("floyd_rest", TABLES, "floyd_rest", _make_floyd,
         (Launch((3, 3), (8, 8), size=(24, 1)),), _floyd_rest),
    Case("floyd_step", TABLES, "floyd_step", _make_step,
         (Launch((2, 3), (16, 8), size=(21, 5)),), _step, (0, 1)),
    Case("lcs", TABLES, "lcs", _make_lcs,
         (Launch(1, 64, size=(40, 55)), Launch(1, 32, size=(31, 9))), _lcs, (4,)),
    Case("needleman_wunsch", TABLES, "needleman_wunsch<8>", _make_needleman,
         (Launch(3, 8), Launch(1, 8)), _needleman, (2,)),
    Case("knapsack", TABLES, "knapsack", _make_knapsack,
         (Launch(1, 64, 8 * 131, (12, 130)), Launch(1, 32, 8 * 8, (5, 7))), _knapsack, (4,)),
    Case("viterbi", TABLES, "viterbi", _make_viterbi,
         (Launch(1, 32, size=(30, 11, 6)),), _viterbi, (7,)),
)  # fmt: skip
