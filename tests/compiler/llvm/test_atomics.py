"""Atomics: exact in lane order, on shared and global memory, and what would spin for ever."""

from __future__ import annotations

import numpy as np
import pytest

from accelerx import cuda
from accelerx.compiler.dialects.base import EmitOptions
from tests.support.host import HostKernel, agree, launch
from tests.support.lifted import lifted

int32, uint32, float32 = np.int32, np.uint32, np.float32


def histogram(n, x, bins):
    i = cuda.grid(1)
    step = cuda.gridsize(1)
    while i < n:
        cuda.atomic.add(bins, x[i], 1)
        i += step


def shared_histogram(n, x, bins):
    sm = cuda.shared.array(64, int32)
    t = cuda.threadIdx.x
    if t < 64:
        sm[t] = 0
    cuda.syncthreads()
    i = cuda.grid(1)
    step = cuda.gridsize(1)
    while i < n:
        cuda.atomic.add(sm, x[i], 1)
        i += step
    cuda.syncthreads()
    if t < 64:
        cuda.atomic.add(bins, t, sm[t])


def one_place(x, out):
    i = cuda.grid(1)
    cuda.atomic.add(out, 0, x[i])
    cuda.atomic.max(out, 1, x[i])
    cuda.atomic.min(out, 2, x[i])


def tickets(x, out, counter):
    i = cuda.threadIdx.x
    if x[i] > 0:
        out[i] = cuda.atomic.add(counter, 0, 2)


def exchanges(x, out, cell):
    i = cuda.threadIdx.x
    old = cuda.atomic.exch(cell, 0, x[i])
    cuda.atomic.cas(cell, 1, 0, i + 5)
    out[i] = old


def wrapping(out, cell):
    i = cuda.threadIdx.x
    out[i] = cuda.atomic.inc(cell, 0, np.uint32(6)) * 100 + cuda.atomic.dec(cell, 1, np.uint32(4))


def float_max(x, out):
    """A compare-and-swap retry: it makes progress in lock-step."""
    i = cuda.grid(1)
    cuda.atomic.max(out, 0, x[i])
    cuda.atomic.add(out, 1, x[i])


def locked(lock, out):
    """A spin lock: it does not."""
    while cuda.atomic.cas(lock, 0, 0, 1) != 0:
        pass
    out[0] = out[0] * 3 % 1000003 + 1
    cuda.threadfence()
    cuda.atomic.exch(lock, 0, 0)


CONFIGURATIONS = ["auto", "scalar", "regions2"]


@pytest.mark.parametrize("kernel", [histogram, shared_histogram])
def test_histogram(kernel) -> None:
    x = np.random.default_rng(0).integers(0, 64, 3000).astype(int32)
    agree(kernel, 2, 128, 3000, x, np.zeros(64, int32), configurations=CONFIGURATIONS)


@pytest.mark.parametrize("dtype", [int32, uint32, np.int64, float32, np.float64])
def test_all_threads_on_one_place(dtype) -> None:
    x = np.random.default_rng(0).integers(0, 1000, 100).astype(dtype) / dtype(8)
    agree(one_place, 1, 100, x.astype(dtype), np.zeros(3, dtype), configurations=CONFIGURATIONS)


def test_old_values_come_in_lane_order() -> None:
    x = np.random.default_rng(0).integers(-5, 5, 64).astype(int32)
    agree(tickets, 1, 64, x, np.zeros(64, int32), np.zeros(1, int32), configurations=CONFIGURATIONS)


def test_exchange_and_compare() -> None:
    x = np.arange(40, dtype=int32)
    agree(
        exchanges, 1, 40, x, np.zeros(40, int32), np.zeros(2, int32), configurations=CONFIGURATIONS
    )


def test_increment_and_decrement_wrap() -> None:
    out, cell = np.zeros(40, uint32), np.zeros(2, uint32)
    agree(wrapping, 1, 40, out, cell, configurations=CONFIGURATIONS)


def test_float_atomics() -> None:
    x = np.random.default_rng(0).random(96).astype(float32)
    agree(float_max, 1, 96, x, np.zeros(2, float32), configurations=CONFIGURATIONS)


def test_spin_lock_runs_as_scalar_code() -> None:
    lock, out = np.zeros(1, int32), np.ones(1, int32)
    compiled = launch(lifted(locked, lock, out), 2, 64, [lock, out])
    expected = 1
    for _ in range(128):
        expected = expected * 3 % 1000003 + 1
    assert out[0] == expected
    assert any("scalar code" in note for note in compiled.program.notes)


def test_vector_code_is_not_scalar() -> None:
    x = np.zeros(4, float32)
    compiled = HostKernel(lifted(float_max, x, x), 64, EmitOptions())
    assert not any("scalar code" in note for note in compiled.program.notes)
