"""Graphs: breadth-first search, shortest paths, PageRank, components, triangles."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from tests.corpus.cuda_cpp.case import Case, Launch

f64, i32, u64 = np.float64, np.int32, np.uint64
Generator = np.random.Generator

FAR = 0x3F3F3F3F


def _random_graph(rng: Generator, n: int, degree: float = 3) -> Any:
    """A symmetric adjacency matrix without loops."""
    upper = np.triu(rng.random((n, n)) < degree / n, 1)
    return sparse.csr_array((upper | upper.T).astype(i32))


def _csr(adjacency: Any) -> tuple[Any, Any]:
    return adjacency.indptr.astype(i32), adjacency.indices.astype(i32)


def _levels(offsets: Any, targets: Any, source: int) -> Any:
    n = len(offsets) - 1
    adjacency = sparse.csr_array((np.ones(len(targets)), targets, offsets), (n, n))
    distance = csgraph.dijkstra(adjacency, indices=source, unweighted=True)
    return np.where(np.isinf(distance), -1, distance).astype(i32)


def _make_mask(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    offsets, targets = _csr(_random_graph(rng, n))
    level = _levels(offsets, targets, 0)
    visited = (level >= 0) & (level <= 1)
    cost = np.where(visited, level, -1).astype(i32)
    return offsets, targets, level == 1, np.zeros(n, bool), visited, cost, i32(n)


def _mask(launch: Launch, offsets: Any, targets: Any, *_: Any) -> list[Any]:
    level = _levels(offsets, targets, 0)
    known = np.where(level <= 2, level, -1)
    return [np.zeros(len(level), bool), level == 2, known]


def _make_queue(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    offsets, targets = _csr(_random_graph(rng, n))
    level = _levels(offsets, targets, 0)
    frontier = np.flatnonzero(level == 1).astype(i32)
    known = np.where(level <= 1, level, -1).astype(i32)
    return (offsets, targets, known, frontier, i32(len(frontier)), np.full(n, n, i32),
            np.zeros(1, i32), i32(1))  # fmt: skip


def _queue(launch: Launch, offsets: Any, targets: Any, *_: Any) -> list[Any]:
    level = _levels(offsets, targets, 0)
    reached = np.flatnonzero(level == 2)
    queue = np.full(len(level), len(level))
    queue[: len(reached)] = reached
    return [np.where(level <= 2, level, -1), queue, [len(reached)]]


def _make_block(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    return *_csr(_random_graph(rng, n)), np.full(n, -1, i32), i32(n // 2)


def _block(launch: Launch, offsets: Any, targets: Any, level: Any, source: Any) -> list[Any]:
    return [_levels(offsets, targets, int(source))]


def _edges(rng: Generator, n: int) -> Any:
    """Directed and weighted: (from, to, weight)."""
    graph = sparse.coo_array(_random_graph(rng, n, 4))
    weights = rng.integers(1, 20, graph.nnz)
    return np.stack([*graph.coords, weights], 1).astype(i32)


def _make_relax(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    distance = np.full(n, FAR, i32)
    distance[: n // 3] = rng.integers(0, 30, n // 3)
    edges = _edges(rng, n)
    # One edge for each end: what a relaxed vertex passes on would depend on the order.
    edges = edges[(edges[:, 0] < n // 3) & (edges[:, 1] >= n // 3)]
    return edges, distance, np.zeros(1, i32), i32(len(edges))


def _relax(launch: Launch, edges: Any, distance: Any, changed: Any, n: Any) -> list[Any]:
    start, end, weight = edges.T
    better = distance.copy()
    np.minimum.at(better, end, distance[start] + weight)
    return [better, [int((better != distance).any())]]


def _make_sssp(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    distance = np.full(n, FAR, i32)
    distance[0] = 0
    edges = _edges(rng, n)
    return edges, distance, i32(n), i32(len(edges))


def _sssp(launch: Launch, edges: Any, distance: Any, n: Any, m: Any) -> list[Any]:
    graph = sparse.csr_array((edges[:, 2], (edges[:, 0], edges[:, 1])), (int(n), int(n)))
    shortest = csgraph.dijkstra(graph, indices=0)
    return [np.where(np.isinf(shortest), FAR, shortest)]


def _make_pagerank(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    links = rng.random((n, n)) < 3 / n
    incoming = sparse.csr_array(links.T.astype(i32))
    rank = rng.random(n)
    degree = links.sum(1).astype(i32)
    dangling = f64(rank[degree == 0].sum())
    return *_csr(incoming), degree, rank, np.zeros(n), dangling, f64(0.85), i32(n)


def _pagerank(
    launch: Launch, offsets: Any, sources: Any, degree: Any, rank: Any, nxt: Any, *rest: Any
) -> list[Any]:
    dangling, damping, n = rest
    incoming = sparse.csr_array((np.ones(len(sources)), sources, offsets), (int(n), int(n)))
    share = np.divide(rank, degree, out=np.zeros(int(n)), where=degree > 0)
    return [(1 - damping) / n + damping * (incoming @ share + dangling / n)]


def _make_components(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    edges = np.stack(sparse.coo_array(_random_graph(rng, n, 1.3)).coords, 1).astype(i32)
    return edges, np.zeros(n, i32), i32(n), i32(len(edges))


def _components(launch: Launch, edges: Any, label: Any, n: Any, m: Any) -> list[Any]:
    graph = sparse.coo_array((np.ones(len(edges)), tuple(edges.T)), (int(n), int(n)))
    _, parts = csgraph.connected_components(graph, directed=False)
    _, first = np.unique(parts, return_index=True)
    return [first[parts]]


def _make_triangles(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    graph = _random_graph(rng, n, 12)
    edges = np.stack(sparse.coo_array(sparse.triu(graph)).coords, 1).astype(i32)
    return *_csr(graph), edges, i32(len(edges)), np.zeros(1, u64)


def _triangles(launch: Launch, offsets: Any, targets: Any, edges: Any, *_: Any) -> list[Any]:
    n = len(offsets) - 1
    dense = np.zeros((n, n), int)
    dense[edges[:, 0], edges[:, 1]] = 1
    dense += dense.T
    return [[np.trace(dense @ dense @ dense) // 2]]  # each triangle is found from its three edges


CASES = (
    Case("bfs_mask", "graph/traversal.cu", "bfs_mask", _make_mask,
         (Launch(3, 32, size=(80,)),), _mask, (2, 3, 5)),
    Case("bfs_queue", "graph/traversal.cu", "bfs_queue", _make_queue,
         (Launch(2, 32, size=(80,)),), _queue, (2, 5, 6),
         normalise=lambda results: [results[0], np.sort(results[1]), results[2]]),
    Case("bfs_block", "graph/traversal.cu", "bfs_block<256>", _make_block,
         (Launch(1, 64, size=(150,)), Launch(1, 32, size=(9,))), _block, (2,)),
    Case("sssp_relax", "graph/relaxation.cu", "sssp_relax", _make_relax,
         (Launch(4, 32, size=(70,)),), _relax, (1, 2)),
    Case("sssp_block", "graph/relaxation.cu", "sssp_block", _make_sssp,
         (Launch(1, 64, size=(60,)),), _sssp, (1,)),
    Case("pagerank", "graph/relaxation.cu", "pagerank", _make_pagerank,
         (Launch(2, 32, size=(90,)),), _pagerank, (4,)),
    Case("connected_components", "graph/relaxation.cu", "components", _make_components,
         (Launch(1, 64, size=(100,)),), _components, (1,)),
    Case("triangle_count", "graph/triangles.cu", "count_triangles", _make_triangles,
         (Launch(2, 64, size=(40,)),), _triangles, (4,)),
)  # fmt: skip
