"""cooperative_groups.h: groups of threads, what passes between them, and the errors."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

pytest.importorskip("clang.cindex")

from accelerx.compiler.frontends.cuda_cpp.lifter import lift
from accelerx.errors import CompileError
from tests.support.cuda_cpp import run, source
from tests.support.cuda_cpp_host import both

pytestmark = pytest.mark.slow

everywhere = functools.partial(both, is_for_nvrtc=True)

Array = np.ndarray[Any, Any]

HEADERS = """#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#include <cooperative_groups/scan.h>
#include <cooperative_groups/memcpy_async.h>
namespace cg = cooperative_groups;
"""
BLOCK = 64
WARPS = np.arange(BLOCK).reshape(-1, 32)
X = (np.arange(BLOCK) * 37 % 61).astype(np.int32)


def rows(lines: list[str], before: str = "", block: int = BLOCK) -> list[Array]:
    """What each thread gets for each expression; ``v`` is the thread's element of X."""
    stores = "".join(f"y[{k} * {block} + t] = {line};\n" for k, line in enumerate(lines))
    text = (
        f"{HEADERS}__global__ void k(const int* x, int* y) {{\n"
        "auto block = cg::this_thread_block(); int t = block.thread_rank(); int v = x[t];\n"
        f"auto warp = cg::tiled_partition<32>(block); {before}\n{stores}}}"
    )
    y = np.zeros((len(lines), block), np.int32)
    return [found for _, found in everywhere(text, "k", 1, block, X[:block], y)]


def by_tile(x: Array, n: int, f: Any) -> Array:
    """``f`` of each tile of ``n`` threads, for all its threads."""
    return np.concatenate([np.broadcast_to(f(part), n) for part in x.reshape(-1, n)])


@pytest.mark.parametrize("n", [1, 2, 4, 8, 16, 32])
def test_tiles(n: int) -> None:
    lines = [
        "tile.thread_rank()", "tile.size()", "tile.meta_group_rank()", "tile.meta_group_size()",
        "cg::reduce(tile, v, cg::plus<int>())", "cg::reduce(tile, v, cg::less<int>())",
        "cg::reduce(tile, v, cg::greater<int>())", "cg::reduce(tile, v, cg::bit_and<int>())",
        "cg::reduce(tile, v, cg::bit_or<int>())", "cg::reduce(tile, v, cg::bit_xor<int>())",
        "cg::reduce(tile, v, [](int a, int b) { return a * 31 + b * 31; })",
        "cg::inclusive_scan(tile, v)", "cg::exclusive_scan(tile, v)",
        "cg::inclusive_scan(tile, v, cg::greater<int>())", "tile.shfl(v, 0)",
        "tile.shfl(v, tile.size() - 1)", "tile.shfl_up(v, 1)", "tile.shfl_down(v, 1)",
        "tile.shfl_xor(v, 1)", "tile.any(v > 50)", "tile.all(v < 50)", "tile.ballot(v & 1)",
        "tile.match_any(v & 3)", "tile.num_threads()",
    ]  # fmt: skip
    i = np.arange(BLOCK)
    rank = i % n
    pairs = [X.reshape(-1, n)[:, k] for k in range(n)]
    weighted = by_tile(X, n, lambda p: _ladder(p, lambda a, b: a * 31 + b * 31))
    bits = 1 << np.arange(n, dtype=np.int64)
    match = [((p & 3) == (p[:, None] & 3)) @ bits for p in X.reshape(-1, n)]
    wanted = [
        rank, i * 0 + n, i // n, i * 0 + BLOCK // n, by_tile(X, n, np.sum), by_tile(X, n, np.min),
        by_tile(X, n, np.max), by_tile(X, n, np.bitwise_and.reduce),
        by_tile(X, n, np.bitwise_or.reduce), by_tile(X, n, np.bitwise_xor.reduce), weighted,
        by_tile(X, n, np.cumsum), by_tile(X, n, lambda p: np.cumsum(p) - p),
        by_tile(X, n, np.maximum.accumulate), np.repeat(pairs[0], n), np.repeat(pairs[-1], n),
        np.where(rank > 0, np.roll(X, 1), X), np.where(rank < n - 1, np.roll(X, -1), X),
        X if n == 1 else X[i ^ 1], by_tile(X > 50, n, np.any), by_tile(X < 50, n, np.all),
        by_tile(X & 1, n, lambda p: p @ bits), np.concatenate(match), i * 0 + n,
    ]  # fmt: skip
    for y in rows(lines, f"cg::thread_block_tile<{n}> tile = cg::tiled_partition<{n}>(block);"):
        for line, row, expected in zip(lines, y, wanted, strict=True):
            if n == 1 and "xor(v, 1)" in line:
                continue  # out of the tile
            assert np.array_equal(row, np.asarray(expected).astype(np.int32)), line


def _ladder(part: Array, f: Any) -> Array:
    """A reduction in the order of a butterfly."""
    part, step = part.astype(np.int64), len(part) // 2
    while step:
        part = f(part, part[np.arange(len(part)) ^ step])
        step //= 2
    return part.astype(np.uint32).astype(np.int32)


def test_tiles_of_tiles() -> None:
    before = "auto tile = cg::tiled_partition<8>(warp); auto part = cg::tiled_partition<4>(tile);"
    lines = [
        "tile.meta_group_rank()",
        "tile.meta_group_size()",
        "part.meta_group_rank()",
        "part.meta_group_size()",
    ]
    i = np.arange(BLOCK)
    for y in rows(lines, before):
        assert np.array_equal(y, [i % 32 // 8, i * 0 + 4, i % 8 // 4, i * 0 + 2])


def test_every_value_passes_between_lanes() -> None:
    text = (
        HEADERS
        + """
struct Mixed { double d; int i; bool b; float2 f; short s[2]; };
__global__ void k(double* y) {
  auto warp = cg::tiled_partition<32>(cg::this_thread_block());
  int t = threadIdx.x;
  Mixed m = {t + 0.5, -t, (t & 1) != 0, {t * 2.f, t * 3.f}, {(short)t, (short)(t + 1)}};
  Mixed r = warp.shfl_down(m, 1);
  y[t] = r.d; y[32 + t] = r.i; y[64 + t] = r.b; y[96 + t] = r.f.y; y[128 + t] = r.s[1];
  y[160 + t] = warp.shfl(1ll << t, 5); y[192 + t] = warp.shfl_xor((unsigned char)t, 3);
}
"""
    )
    i = np.arange(32)
    up = np.minimum(i + 1, 31)
    wanted = [up + 0.5, -up, up & 1, up * 3, up + 1, i * 0 + 32, i ^ 3]
    for (y,) in everywhere(text, "k", 1, 32, np.zeros((7, 32))):
        assert np.array_equal(y, wanted)


def test_lanes_that_run_together() -> None:
    text = (
        HEADERS
        + """
__global__ void k(const int* x, int* y) {
  int t = threadIdx.x, v = x[t];
  if (v % 3 == 0) {
    cg::coalesced_group g = cg::coalesced_threads();
    y[t] = g.size(); y[64 + t] = g.thread_rank();
    y[128 + t] = cg::reduce(g, v, cg::plus<int>());
    y[192 + t] = cg::inclusive_scan(g, v); y[256 + t] = cg::exclusive_scan(g, v);
    y[320 + t] = g.shfl(v, 1); y[384 + t] = g.shfl_up(v, 1); y[448 + t] = g.shfl_down(v, 2);
    y[512 + t] = g.ballot(v & 1); y[576 + t] = g.any(v > 50); y[640 + t] = g.all(v > 1);
    y[704 + t] = g.match_any(v & 1); y[768 + t] = g.meta_group_size();
    g.sync();
  }
}
"""
    )
    wanted = np.zeros((13, BLOCK), np.int64)
    for warp in WARPS:
        members = warp[X[warp] % 3 == 0]
        v = X[members].astype(np.int64)
        n, rank = len(v), np.arange(len(v))
        bits = 1 << rank
        wanted[:, members] = [
            rank * 0 + n, rank, rank * 0 + v.sum(), np.cumsum(v), np.cumsum(v) - v, rank * 0 + v[1],
            v[np.maximum(rank - 1, 0)], v[np.where(rank + 2 < n, rank + 2, rank)],
            rank * 0 + (v & 1) @ bits, rank * 0 + (v > 50).any(), rank * 0 + (v > 1).all(),
            ((v & 1) == (v[:, None] & 1)) @ bits, rank * 0 + 1,
        ]  # fmt: skip
    for _, y in everywhere(text, "k", 1, BLOCK, X, np.zeros((13, BLOCK), np.int32)):
        assert np.array_equal(y, wanted)


def test_partitions_by_value() -> None:
    lines = [
        "label.size()", "label.thread_rank()", "label.meta_group_rank()", "label.meta_group_size()",
        "cg::reduce(label, v, cg::plus<int>())", "odd.size()", "odd.thread_rank()",
        "odd.meta_group_rank()", "four.size()", "four.thread_rank()",
    ]  # fmt: skip
    before = (
        "auto label = cg::labeled_partition(warp, v % 5); auto odd = cg::binary_partition(warp, v & 1);"
        " auto four = cg::tiled_partition(odd, 4);"
    )
    wanted = np.zeros((10, BLOCK), np.int64)
    for warp in WARPS:
        v = X[warp]
        for first, keys in ((0, v % 5), (5, v & 1)):
            order = list(dict.fromkeys(keys.tolist()))
            for key in order:
                members = warp[keys == key]
                rank = np.arange(len(members))
                size, group = rank * 0 + len(members), rank * 0 + order.index(key)
                if first == 0:
                    total = rank * 0 + X[members].sum()
                    wanted[:5, members] = [size, rank, group, rank * 0 + len(order), total]
                else:
                    left = np.minimum(4, len(members) - rank // 4 * 4)
                    wanted[5:, members] = [size, rank, group, left, rank % 4]
    for y in rows(lines, before):
        assert np.array_equal(y, wanted)


def test_blocks_and_the_grid() -> None:
    text = (
        HEADERS
        + """
__global__ void k(int* y) {
  cg::thread_block b = cg::this_thread_block();
  cg::grid_group g = cg::this_grid();
  int t = g.thread_rank();
  y[t] = b.size() * 1000 + b.thread_rank();
  y[48 + t] = g.size() + b.num_threads();
  y[96 + t] = b.group_index().x * 100 + b.thread_index().x * 10 + b.thread_index().y;
  y[144 + t] = b.group_dim().x * 100 + b.dim_threads().y * 10 + g.group_dim().x;
  y[192 + t] = g.num_blocks() * 10 + g.block_rank();
}
"""
    )
    y = np.zeros((5, 48), np.int32)
    run(text, "k", 3, (8, 2), y)
    t = np.arange(48)
    x, r = t % 16 % 8, t % 16 // 8
    expected = [16000 + t % 16, t * 0 + 64, t // 16 * 100 + x * 10 + r, t * 0 + 823, 30 + t // 16]
    assert np.array_equal(y, expected)


def test_the_grid_waits_for_itself() -> None:
    text = (
        HEADERS
        + """
__global__ void k(int* x, int* y) {
  cg::grid_group g = cg::this_grid();
  int t = g.thread_rank(), n = g.size();
  x[t] = t;
  g.sync();
  y[t] = x[n - 1 - t];
}
"""
    )
    x, y = np.zeros(96, np.int32), np.zeros(96, np.int32)
    run(text, "k", 3, 32, x, y)
    assert np.array_equal(y, np.arange(96)[::-1])


GENERIC = (
    HEADERS
    + """
__device__ int sum(cg::thread_group g, int* temp, int v) {
  int lane = g.thread_rank();
  for (int i = g.size() / 2; i > 0; i /= 2) {
    temp[lane] = v;
    g.sync();
    if (lane < i) v += temp[lane + i];
    g.sync();
  }
  return v;
}
__global__ void k(const int* x, int* y) {
  __shared__ int temp[64];
  auto block = cg::this_thread_block();
  auto tile = cg::tiled_partition(block, 16);
  int t = block.thread_rank();
  int a = sum(block, temp, x[t]);
  int b = sum(tile, temp + t / 16 * 16, x[t]);
  if (t == 0) y[0] = a;
  if (tile.thread_rank() == 0) y[1 + t / 16] = b;
  cg::sync(block);
  cg::thread_group same = block;
  if (t == 63) y[5] = same.size() * 100 + cg::thread_rank(same);
}
"""
)


def test_a_function_takes_any_group() -> None:
    for _, y in everywhere(GENERIC, "k", 1, BLOCK, X, np.zeros(6, np.int32)):
        assert y.tolist() == [X.sum(), *X.reshape(4, 16).sum(1), 6463]


def test_one_thread_is_chosen() -> None:
    text = (
        HEADERS
        + """
__global__ void k(int* y) {
  auto warp = cg::tiled_partition<32>(cg::this_thread_block());
  cg::invoke_one(warp, [&] { y[64] += 1; });
  y[threadIdx.x] = cg::invoke_one_broadcast(warp, [&] { return (int)threadIdx.x + 5; });
}
"""
    )
    for (y,) in everywhere(text, "k", 1, 32, np.zeros(65, np.int32)):
        assert y[:32].tolist() == [5] * 32
        assert y[64] == 1


def test_copies_by_a_group() -> None:
    text = (
        HEADERS
        + """#include <cuda/std/utility>
__global__ void k(const int* x, int* y) {
  __shared__ int s[64];
  auto block = cg::this_thread_block();
  cg::memcpy_async(block, s, x, sizeof(int) * 50);
  cg::wait(block);
  auto token = block.barrier_arrive();
  block.barrier_wait(cuda::std::move(token));
  int t = threadIdx.x;
  if (t < 50) y[t] = s[49 - t];
}
"""
    )
    for x, y in everywhere(text, "k", 1, 32, X, np.zeros(64, np.int32)):
        assert np.array_equal(y[:32], x[:50][::-1][:32])


def test_a_large_tile_is_an_error() -> None:
    text = (
        HEADERS + "__global__ void k(int* y) {"
        " auto t = cg::tiled_partition<64>(cg::this_thread_block()); y[0] = t.size(); }"
    )
    with pytest.raises(
        CompileError, match="tiles of more than 32 threads run on CUDA devices only"
    ):
        lift(source(text), "k")
