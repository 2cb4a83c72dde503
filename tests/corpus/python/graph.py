"""Graphs: shortest paths, breadth-first search, components, ranks."""

from __future__ import annotations

from typing import Any

import numpy as np

from accelerx import cuda
from tests.corpus.python.case import Arguments, Case, Launch, grids

f32, i32 = np.float32, np.int32


def floyd_warshall_step(distance, k):
    i, j = cuda.grid(2)
    n = distance.shape[0]
    if i < n and j < n:
        through = distance[i, k] + distance[k, j]
        if through < distance[i, j]:
            distance[i, j] = through


def bfs_frontier(level, changed, start, neighbours, depth):
    """One level: all unvisited neighbours of the frontier; writing twice writes the same."""
    v = cuda.grid(1)
    if v < level.size and level[v] == depth:
        for e in range(start[v], start[v + 1]):
            w = neighbours[e]
            if level[w] == -1:
                level[w] = depth + 1
                changed[0] = 1


def bfs_claim(level, frontier, size, start, neighbours, old_frontier, depth):
    """One level with a queue: compare-and-swap claims a vertex, an atomic gives its place."""
    i = cuda.grid(1)
    if i >= old_frontier.shape[0]:
        return
    v = old_frontier[i]
    for e in range(start[v], start[v + 1]):
        w = neighbours[e]
        if cuda.atomic.cas(level, w, -1, depth) == -1:
            frontier[cuda.atomic.add(size, 0, 1)] = w


def relax_edges(distance, source, target, weight, before):
    """Bellman-Ford's step with an atomic minimum."""
    e = cuda.grid(1)
    if e < source.size:
        cuda.atomic.min(distance, target[e], before[source[e]] + weight[e])


def page_rank(after, before, start, neighbours, degree, damping):
    v = cuda.grid(1)
    n = before.size
    if v >= n:
        return
    total = 0.0
    for e in range(start[v], start[v + 1]):
        w = neighbours[e]
        total += before[w] / degree[w]
    after[v] = (1.0 - damping) / n + damping * total


def label_components(label, parent):
    """Pointer jumping to the root of a forest."""
    v = cuda.grid(1)
    if v < parent.size:
        root = parent[v]
        while parent[root] != root:
            root = parent[root]
        label[v] = root


def _graph(rng: np.random.Generator, n: int = 120) -> tuple[Any, Any, Any]:
    matrix = rng.random((n, n)) < 0.03
    start = np.concatenate([[0], np.cumsum(matrix.sum(1))]).astype(i32)
    return matrix, start, np.nonzero(matrix)[1].astype(i32)


def _distances(rng: np.random.Generator, launch: Launch) -> Arguments:
    distance = rng.integers(1, 100, (30, 30)).astype(f32)
    distance[rng.random((30, 30)) < 0.6] = 1e9
    np.fill_diagonal(distance, 0)
    return distance, 7


def _bfs_inputs(rng: np.random.Generator, launch: Launch) -> Arguments:
    _, start, neighbours = _graph(rng)
    level = np.full(120, -1, i32)
    level[:5] = (0, 1, 1, 2, 2)
    return level, np.zeros(1, i32), start, neighbours, 2


def _dense(start: Any, neighbours: Any) -> Any:
    matrix = np.zeros((len(start) - 1, len(start) - 1), bool)
    matrix[np.repeat(np.arange(len(start) - 1), np.diff(start)), neighbours] = True
    return matrix


def _bfs_reference(
    launch: Launch, level: Any, changed: Any, start: Any, neighbours: Any, depth: int
) -> list[Any]:
    new = _dense(start, neighbours)[level == depth].any(axis=0) & (level == -1)
    level[new] = depth + 1
    return [level, [int(new.any())]]


def _claim_inputs(rng: np.random.Generator, launch: Launch) -> Arguments:
    _, start, neighbours = _graph(rng)
    level = np.full(120, -1, i32)
    old = np.array([3, 50, 51, 52, 99], i32)
    level[old] = 0
    return level, np.zeros(120, i32), np.zeros(1, i32), start, neighbours, old, 1


def _claim_reference(
    launch: Launch,
    level: Any,
    frontier: Any,
    size: Any,
    start: Any,
    neighbours: Any,
    old: Any,
    depth: int,
) -> list[Any]:
    new = _dense(start, neighbours)[old].any(axis=0) & (level == -1)
    level[new] = depth
    frontier[: new.sum()] = np.flatnonzero(new)
    return [level, frontier, [new.sum()]]


def _rank_inputs(rng: np.random.Generator, launch: Launch) -> Arguments:
    matrix, start, neighbours = _graph(rng)
    degree = np.maximum(matrix.sum(0), 1).astype(i32)
    return np.zeros(120, f32), rng.random(120, f32), start, neighbours, degree, f32(0.85)


def _rank_reference(
    launch: Launch, after: Any, before: Any, start: Any, neighbours: Any, degree: Any, d: Any
) -> list[Any]:
    return [(1 - d) / 120 + d * (_dense(start, neighbours) @ (before / degree))]


def _edges(rng: np.random.Generator, launch: Launch) -> Arguments:
    source, target = rng.integers(0, 50, (2, 300)).astype(i32)
    before = rng.integers(0, 500, 50).astype(i32)
    return before.copy(), source, target, rng.integers(1, 90, 300).astype(i32), before


def _edges_reference(
    launch: Launch, distance: Any, source: Any, target: Any, weight: Any, before: Any
) -> list[Any]:
    np.minimum.at(distance, target, before[source] + weight)
    return [distance]


def _forest(rng: np.random.Generator, launch: Launch) -> Arguments:
    parent = np.array([rng.integers(0, max(v, 1)) if v % 9 else v for v in range(200)], i32)
    return np.zeros(200, i32), parent


def _forest_reference(launch: Launch, label: Any, parent: Any) -> list[Any]:
    for _ in range(len(parent)):
        parent = parent[parent]
    return [parent]


def _floyd_reference(launch: Launch, distance: Any, k: int) -> list[Any]:
    return [np.minimum(distance, distance[:, k, None] + distance[None, k])]


CASES = (
    Case("floyd_warshall_step", floyd_warshall_step, _distances, grids(((4, 4), (8, 8)), ((1, 8), (32, 4))),
         _floyd_reference, rtol=0),
    Case("bfs_frontier", bfs_frontier, _bfs_inputs, grids((2, 64), (4, 32)), _bfs_reference,
         outputs=(0, 1), rtol=0),
    Case("bfs_claim", bfs_claim, _claim_inputs, grids((1, 32), (3, 2)), _claim_reference,
         outputs=(0, 1, 2), rtol=0, normalise=lambda o: [o[0], np.sort(o[1]), o[2]]),
    Case("relax_edges", relax_edges, _edges, grids((3, 128)), _edges_reference, rtol=0),
    Case("page_rank", page_rank, _rank_inputs, grids((2, 64), (1, 128)), _rank_reference),
    Case("label_components", label_components, _forest, grids((2, 128)), _forest_reference, rtol=0),
)  # fmt: skip
