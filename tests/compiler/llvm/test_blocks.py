"""Whole blocks: shared memory, barriers in every kind of control flow, what outlives a barrier."""

from __future__ import annotations

import numpy as np
import pytest

from accelerx import cuda
from tests.support.host import CONFIGURATIONS, HostKernel, agree, bind
from tests.support.lifted import lifted

int32, float32 = np.int32, np.float32


def tree_sum(x, out):
    sm = cuda.shared.array(256, float32)
    t = cuda.threadIdx.x
    sm[t] = x[cuda.grid(1)]
    cuda.syncthreads()
    s = cuda.blockDim.x // 2
    while s > 0:
        if t < s:
            sm[t] += sm[t + s]
        cuda.syncthreads()
        s //= 2
    if t == 0:
        out[cuda.blockIdx.x] = sm[0]


def reversed_rounds(n, x, out):
    """A loop around barriers whose trip count is known at run time."""
    sm = cuda.shared.array(1024, int32)
    t = cuda.threadIdx.x
    last = cuda.blockDim.x - 1
    v = x[t]
    for k in range(n):
        sm[t] = v + k
        cuda.syncthreads()
        v = sm[last - t]
        cuda.syncthreads()
    out[t] = v


def after_return(n, x, out):
    sm = cuda.shared.array(1024, int32)
    t = cuda.threadIdx.x
    sm[t] = 0
    cuda.syncthreads()
    if t >= n:
        return
    sm[t] = x[t]
    cuda.syncthreads()
    total = 0
    for k in range(n):
        total += sm[k]
    out[t] = total


def leaves_together(x, out):
    """A break that all threads take in the same turn."""
    sm = cuda.shared.array(1, int32)
    t = cuda.threadIdx.x
    turns = 0
    while True:
        if t == 0:
            sm[0] = x[turns]
        cuda.syncthreads()
        if sm[0] == 7:
            break
        turns += 1
        cuda.syncthreads()
    out[t] = turns


def votes(x, out):
    t = cuda.threadIdx.x
    v = x[t]
    a = cuda.syncthreads_count(v > 0)
    b = cuda.syncthreads_and(v > -100)
    c = cuda.syncthreads_or(v > 90)
    out[t] = a * 4 + b * 2 + c


def two_dimensional(x, out):
    tile = cuda.shared.array((8, 33), float32)
    tx = cuda.threadIdx.x
    ty = cuda.threadIdx.y
    tile[ty, tx] = x[ty, tx]
    cuda.syncthreads()
    out[tx, ty] = tile[ty, tx] + tile[7 - ty, 31 - tx]


def dynamic(x, out):
    sm = cuda.shared.array(0, int32)
    t = cuda.threadIdx.x
    sm[t] = x[t]
    cuda.syncthreads()
    out[t] = sm[cuda.blockDim.x - 1 - t]


def private(x, out):
    own = cuda.local.array(5, int32)
    t = cuda.threadIdx.x
    for k in range(5):
        own[k] = x[(t + k) % 32]
    cuda.syncthreads()
    i = t % 5
    own[i] += 100
    cuda.syncthreads()
    total = 0
    for k in range(5):
        total = total * 3 + own[k]
    out[t] = total


def divergent(x, out):
    t = cuda.threadIdx.x
    if x[t] > 0:
        cuda.syncthreads()
    out[t] = 1


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_tree_sum(name: str) -> None:
    agree(
        tree_sum, 3, 256, np.arange(768, dtype=float32), np.zeros(3, float32), configurations=[name]
    )


@pytest.mark.parametrize("block", [1, 7, 32, 100, 512, 1024])
@pytest.mark.parametrize("kernel", [reversed_rounds, after_return])
def test_loops_and_returns_around_barriers(kernel, block: int) -> None:
    x = np.arange(1024, dtype=int32) % 37
    n = min(5, block)
    agree(kernel, 1, block, n, x, np.zeros(block, int32), configurations=["auto", "scalar"])


@pytest.mark.parametrize("kernel", [reversed_rounds, after_return])
def test_schemes_agree_around_barriers(kernel) -> None:
    agree(kernel, 1, 72, 6, np.arange(128, dtype=int32), np.zeros(72, int32))


def test_uniform_break_by_a_loaded_value() -> None:
    x = np.array([1, 2, 3, 7, 4], int32)
    agree(leaves_together, 1, 48, x, np.zeros(48, int32))


def test_barriers_that_vote() -> None:
    x = np.random.default_rng(0).integers(-99, 99, 100).astype(int32)
    agree(votes, 1, 100, x, np.zeros(100, int32))


def test_tile() -> None:
    x = np.random.default_rng(0).random((8, 32), float32)
    agree(two_dimensional, 1, (32, 8), x, np.zeros((32, 8), float32))


def test_dynamic_shared_memory() -> None:
    agree(dynamic, 1, 100, np.arange(100, dtype=int32), np.zeros(100, int32), shared_bytes=400)


def test_local_arrays_outlive_barriers() -> None:
    agree(private, 1, 70, np.arange(100, dtype=int32), np.zeros(70, int32))


def test_large_shared_arrays_lie_in_scratch_memory() -> None:
    def large(x, out):
        sm = cuda.shared.array(12000, int32)
        t = cuda.threadIdx.x
        sm[t * 100] = x[t]
        cuda.syncthreads()
        out[t] = sm[(63 - t) * 100]

    agree(large, 1, 64, np.arange(64, dtype=int32), np.zeros(64, int32), configurations=["auto"])


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_barrier_in_divergent_flow_calls_its_site(name: str) -> None:
    x = np.ones(64, int32)
    x[37] = -1
    out = np.zeros(64, int32)
    kernel = lifted(divergent, x, out)
    compiled = HostKernel(kernel, 64, CONFIGURATIONS[name])
    seen = []

    def on_site(site, block, thread, values) -> bool:
        seen.append((compiled.program.sites[site].kind, block, thread))
        return True

    assert compiled.run(1, bind(kernel, [x, out]), on_site=on_site) == 1
    assert seen == [("barrier", (0, 0, 0), (37, 0, 0))]


def left_by_all(n, x, out):
    """All threads leave, but not by a condition that they are known to agree on."""
    t = cuda.threadIdx.x
    seen = 7
    for _ in range(4):
        if x[t] >= n:
            break
        seen = cuda.syncthreads_count(x[t] >= 0)
        cuda.syncthreads()
        out[t] += 1
    out[t] += 10 * seen


@pytest.mark.parametrize("n", [0, 1])
def test_a_barrier_that_no_thread_reaches_waits_for_none(n: int) -> None:
    agree(left_by_all, 1, 100, n, np.zeros(100, int32), np.zeros(100, int32))


def test_barrier_in_uniform_flow_is_silent() -> None:
    agree(divergent, 1, 64, np.ones(64, int32), np.zeros(64, int32))


# ---- barriers of the grid


def two_phases(x, partial, out):
    sm = cuda.shared.array(64, float32)
    t = cuda.threadIdx.x
    sm[t] = x[cuda.grid(1)]
    cuda.syncthreads()
    s = 32
    while s > 0:
        if t < s:
            sm[t] += sm[t + s]
        cuda.syncthreads()
        s //= 2
    if t == 0:
        partial[cuda.blockIdx.x] = sm[0]
    cuda.cg.this_grid().sync()
    if cuda.grid(1) == 0:
        total = float32(0)
        for i in range(cuda.gridDim.x):
            total += partial[i]
        out[0] = total


def kept_over_waits(n, x, out):
    """Shared and local arrays, varying and uniform locals, and loops live through waits."""
    grid = cuda.cg.this_grid()
    sm = cuda.shared.array(100, int32)
    mine = cuda.local.array(3, int32)
    t, b = cuda.threadIdx.x, cuda.blockIdx.x
    i = cuda.grid(1)
    sm[t] = x[i] + 1
    for k in range(3):
        mine[k] = x[i] * k
    sums = x[0]
    for turn in range(n):
        out[i] = sm[cuda.blockDim.x - 1 - t] + mine[turn % 3] + turn
        grid.sync()
        other = out[(i + cuda.blockDim.x) % out.shape[0]]
        sums += x[turn] + b
        grid.sync()
        sm[t] = other
        mine[turn % 3] += t
        cuda.syncthreads()
    out[i] += 1000 * sums


def waits_under_masks(x, out):
    """Control that threads are not known to agree on: all leave at the same turn."""
    i = cuda.grid(1)
    turn = 0
    while turn < x[cuda.threadIdx.x]:
        if turn % 2 == x[i] % 2:
            out[i] += 1
            cuda.cg.this_grid().sync()
        else:
            out[i] *= 3
        cuda.cg.this_grid().sync()
        turn += 1
        if x[i] == turn + 1:
            break
        cuda.cg.this_grid().sync()


@pytest.mark.parametrize("grid", [1, 5])
def test_a_reduction_in_two_phases(grid: int) -> None:
    x = np.random.default_rng(0).random(64 * grid).astype(float32)
    agree(two_phases, grid, 64, x, np.zeros(grid, float32), np.zeros(1, float32))


@pytest.mark.parametrize("block", [1, 40, 100])
@pytest.mark.parametrize("n", [0, 1, 4])
def test_what_a_block_keeps_over_waits(n: int, block: int) -> None:
    x = np.random.default_rng(0).integers(0, 9, 3 * block + 4).astype(int32)
    agree(kept_over_waits, 3, block, n, x, np.zeros(3 * block, int32))


@pytest.mark.parametrize("turns", [4, 5])
def test_waits_under_masks(turns: int) -> None:
    agree(waits_under_masks, 3, 40, np.full(120, turns, int32), np.ones(120, int32))


def test_only_kernels_that_wait_for_the_grid_are_cooperative() -> None:
    x = np.zeros(64, float32)
    out = np.zeros(1, float32)
    assert HostKernel(lifted(two_phases, x, x, out), 64).program.cooperative
    assert not HostKernel(lifted(tree_sum, x, out), 64).program.cooperative
