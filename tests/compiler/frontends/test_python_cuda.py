"""The CUDA part of the language: indices, barriers, atomics, warp operations."""

from __future__ import annotations

import numpy as np
import pytest

from accelerx import lang as cuda
from accelerx.compiler import ir
from accelerx.dtypes import int32, int64
from tests.support.lifted import lifted, run

MODES = ("weak", "numba")
FULL = 0xFFFFFFFF


@pytest.fixture(params=MODES)
def mode(request):
    return request.param


def test_index_objects(mode):
    def kernel(out):
        x, y, z = cuda.grid(3)
        nx, ny, nz = cuda.gridsize(3)
        k = (z * ny + y) * nx + x
        t = cuda.threadIdx
        out[k, 0] = t.x + 10 * t.y + 100 * t.z
        out[k, 1] = cuda.blockIdx.x + 10 * cuda.blockIdx.y + 100 * cuda.blockIdx.z
        out[k, 2] = cuda.blockDim.x + 10 * cuda.blockDim.y + 100 * cuda.blockDim.z
        out[k, 3] = cuda.gridDim.x + 10 * cuda.gridDim.y + 100 * cuda.gridDim.z
        out[k, 4] = nz

    out = np.zeros((3 * 2 * 4 * 2 * 1 * 3, 5), np.int32)
    run(kernel, (3, 2, 1), (4, 2, 3), out, literals=mode)
    z, y, x = np.unravel_index(np.arange(len(out)), (3, 4, 12))
    np.testing.assert_array_equal(out[:, 0], x % 4 + 10 * (y % 2) + 100 * z)
    np.testing.assert_array_equal(out[:, 1], x // 4 + 10 * (y // 2))
    assert (out[:, 2] == 4 + 20 + 300).all()
    assert (out[:, 3] == 3 + 20 + 100).all()
    assert (out[:, 4] == 3).all()


def test_grid_is_int32_in_weak_mode_and_int64_in_numbas():
    def kernel(out):
        i = cuda.grid(1)
        out[i] = i

    out = np.zeros(1, np.int32)
    assert lifted(kernel, out).locals["i"] is int32
    assert lifted(kernel, out, literals="numba").locals["i"] is int64


def test_counting_barriers(mode):
    def kernel(out):
        t = cuda.threadIdx.x
        out[t, 0] = cuda.syncthreads_count(t < 5)
        out[t, 1] = cuda.syncthreads_and(t < 5)
        out[t, 2] = cuda.syncthreads_or(t == 5)
        cuda.syncwarp()
        cuda.threadfence()
        cuda.threadfence_block()
        cuda.threadfence_system()
        cuda.nanosleep(100)

    out = np.zeros((8, 3), np.int32)
    run(kernel, 1, 8, out, literals=mode)
    assert (out[:, 0] == 5).all()
    assert (out[:, 1] == 0).all()
    assert (out[:, 2] != 0).all()


ATOMICS = {
    "add": lambda old, v: old + v,
    "sub": lambda old, v: (old - v) % 2**32,
    "max": max,
    "min": min,
    "and_": lambda old, v: old & v,
    "or_": lambda old, v: old | v,
    "xor": lambda old, v: old ^ v,
    "exch": lambda old, v: v,
    "inc": lambda old, v: 0 if old >= v else old + 1,
    "dec": lambda old, v: v if old == 0 or old > v else old - 1,
    "nanmax": max,
    "nanmin": min,
}


@pytest.mark.parametrize("op", ATOMICS)
def test_atomics_return_the_old_value(mode, op):
    atomic = getattr(cuda.atomic, op)

    def kernel(x, v, old):
        old[0] = atomic(x, 1, v[0])

    for start, value in ((6, 3), (0, 5), (9, 9)):
        x, v = np.array([7, start], np.uint32), np.array([value], np.uint32)
        old = np.zeros(1, np.uint32)
        run(kernel, 1, 1, x, v, old, literals=mode)
        assert old[0] == start
        assert x.tolist() == [7, ATOMICS[op](start, value)]


def test_atomics_on_tuples_views_shared_and_negative_indices(mode):
    def kernel(a, out):
        t = cuda.threadIdx.x
        hist = cuda.shared.array((2, 4), np.int32)
        hist[t // 4, t % 4] = 0
        cuda.syncthreads()
        cuda.atomic.add(hist, (t % 2, a[t]), 1)
        cuda.atomic.max(out[1], a[t], t)
        cuda.atomic.add(out, (-1, -1), 1)
        cuda.syncthreads()
        out[0, t] = hist[t // 4, t % 4]

    a, out = np.array([0, 1, 2, 3, 0, 1, 2, 0], np.int32), np.zeros((3, 8), np.int32)
    run(kernel, 1, 8, a, out, literals=mode)
    expected = np.zeros((2, 4), np.int32)
    np.add.at(expected, (np.arange(8) % 2, a), 1)
    np.testing.assert_array_equal(out[0], expected.ravel())
    np.testing.assert_array_equal(out[1, :4], [7, 5, 6, 3])
    assert out[2, 7] == 8


def test_compare_and_swap(mode):
    def kernel(x, old):
        old[0] = cuda.atomic.cas(x, 1, 5, 7)
        old[1] = cuda.atomic.cas(x, 1, 5, 9)
        old[2] = cuda.atomic.compare_and_swap(x, 1, 4)

    x, old = np.array([1, 5], np.int32), np.zeros(3, np.int32)
    run(kernel, 1, 1, x, old, literals=mode)
    assert x.tolist() == [4, 7]
    assert old.tolist() == [5, 7, 1]


def test_unread_results_of_atomics_are_dropped(mode):
    def kernel(x):
        cuda.atomic.add(x, 0, 1)

    (atomic,) = lifted(kernel, np.zeros(1, np.int32), literals=mode).body
    assert isinstance(atomic, ir.Atomic)
    assert atomic.result is None


def test_shuffles(mode):
    def kernel(x, out):
        t = cuda.threadIdx.x
        v = x[t]
        out[0, t] = cuda.shfl_sync(FULL, v, 3)
        out[1, t] = cuda.shfl_up_sync(FULL, v, 1)
        out[2, t] = cuda.shfl_down_sync(-1, v, 2)
        out[3, t] = cuda.shfl_xor_sync(0xFFFFFFFF, v, 1)

    x, out = np.arange(32, dtype=np.float32) ** 2, np.zeros((4, 32), np.float32)
    run(kernel, 1, 32, x, out, literals=mode)
    lane = np.arange(32)
    np.testing.assert_array_equal(out[0], x[3])
    np.testing.assert_array_equal(out[1], x[np.maximum(lane - 1, 0)])
    np.testing.assert_array_equal(out[2], x[np.where(lane < 30, lane + 2, lane)])
    np.testing.assert_array_equal(out[3], x[lane ^ 1])


def test_warp_reduction_in_a_loop(mode):
    def kernel(x, out):
        v = x[cuda.grid(1)]
        offset = 16
        while offset > 0:
            v += cuda.shfl_down_sync(FULL, v, offset)
            offset //= 2
        if cuda.laneid == 0:
            out[cuda.grid(1) // cuda.warpsize] = v

    x, out = np.arange(64, dtype=np.float32), np.zeros(2, np.float32)
    run(kernel, 2, 32, x, out, literals=mode)
    np.testing.assert_array_equal(out, x.reshape(2, 32).sum(1))


def test_votes_and_matches(mode):
    def kernel(x, out):
        t = cuda.threadIdx.x
        out[0, t] = cuda.ballot_sync(FULL, t < 3)
        out[1, t] = cuda.any_sync(FULL, t == 3)
        out[2, t] = cuda.all_sync(FULL, t < 3)
        out[3, t] = cuda.eq_sync(FULL, t < 64)
        out[4, t] = cuda.match_any_sync(FULL, x[t])
        mask, same = cuda.match_all_sync(FULL, x[0])
        out[5, t] = mask
        out[6, t] = same
        out[7, t] = cuda.activemask()
        out[8, t] = cuda.lanemask_lt()

    x, out = np.arange(32, dtype=np.int32) % 2, np.zeros((9, 32), np.int64)
    run(kernel, 1, 32, x, out, literals=mode)
    out &= 0xFFFFFFFF
    assert (out[0] == 7).all()
    assert (out[1] == 1).all()
    assert (out[2] == 0).all()
    assert (out[3] == 1).all()
    np.testing.assert_array_equal(out[4], np.where(x, 0xAAAAAAAA, 0x55555555))
    assert (out[5] == FULL).all()
    assert (out[6] == 1).all()
    assert (out[7] == FULL).all()
    np.testing.assert_array_equal(out[8], (1 << np.arange(32)) - 1)


def test_fma_cbrt_selp_rsqrt(mode):
    def kernel(x, out):
        i = cuda.grid(1)
        out[i] = cuda.fma(x[i], x[i], 1.0) + cuda.cbrt(x[i]) + cuda.selp(i < 2, x[i], 0.0)
        out[i] += cuda.rsqrt(x[i])

    x, out = np.arange(1, 5, dtype=np.float32), np.zeros(4, np.float32)
    run(kernel, 1, 4, x, out, literals=mode)
    expected = x * x + 1 + np.cbrt(x) + np.where(np.arange(4) < 2, x, 0) + 1 / np.sqrt(x)
    np.testing.assert_allclose(out, expected, rtol=1e-5)


def test_grid_group_sync(mode):
    def kernel(out):
        group = cuda.cg.this_grid()
        out[cuda.grid(1)] = 1
        group.sync()

    kernel = lifted(kernel, np.zeros(4, np.int32), literals=mode)
    assert isinstance(kernel.body[-1], ir.Barrier)
    assert kernel.body[-1].kind == "grid"


def test_the_cuda_module_may_be_a_closure_variable(mode):
    def factory(cuda):
        def kernel(out):
            out[cuda.grid(1)] = cuda.threadIdx.x

        return kernel

    out = np.zeros(4, np.int32)
    run(factory(cuda), 1, 4, out, literals=mode)
    np.testing.assert_array_equal(out, np.arange(4))


def test_one_shared_array_per_declaration(mode):
    def scratch(t):
        sm = cuda.shared.array(4, np.int32)
        sm[t] = t
        cuda.syncthreads()
        return sm[3 - t]

    def kernel(out):
        t = cuda.threadIdx.x
        out[t] = scratch(t) + scratch(t)

    out = np.zeros(4, np.int32)
    kernel = run(kernel, 1, 4, out, literals=mode)
    np.testing.assert_array_equal(out, [6, 4, 2, 0])
    assert sum(m.space == "shared" for m in kernel.mems.values()) == 1
