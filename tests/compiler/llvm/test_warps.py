"""Warp operations as permutations of vectors, and through arrays in scalar code."""

from __future__ import annotations

import numpy as np
import pytest

from accelerx import cuda
from tests.support.host import agree

int32, uint32, float32 = np.int32, np.uint32, np.float32
FULL = 0xFFFFFFFF
CONFIGURATIONS = ["auto", "scalar", "lockstep", "regions2"]


def ladder(x, out):
    t = cuda.threadIdx.x
    v = x[t]
    offset = 16
    while offset > 0:
        v += cuda.shfl_down_sync(FULL, v, offset)
        offset //= 2
    out[t] = v


def butterfly(x, out):
    t = cuda.threadIdx.x
    v = x[t]
    for k in range(5):
        v = v * 3 + cuda.shfl_xor_sync(FULL, v, 1 << k)
    out[t] = v


def broadcast(x, out):
    t = cuda.threadIdx.x
    out[t] = cuda.shfl_sync(FULL, x[t], 5)


def indexed(x, out):
    t = cuda.threadIdx.x
    out[t] = cuda.shfl_sync(FULL, x[t], x[t] % 32) + cuda.shfl_up_sync(FULL, x[t], x[0] % 7)


def votes(x, out):
    t = cuda.threadIdx.x
    p = x[t] > 50
    out[t] = cuda.ballot_sync(FULL, p)
    if cuda.any_sync(FULL, x[t] == 99):
        out[t] += 1
    if cuda.all_sync(FULL, x[t] >= 0):
        out[t] += 2


def partial(x, out):
    t = cuda.threadIdx.x
    if x[t] > 30:
        out[t] = cuda.activemask() + cuda.popc(cuda.ballot_sync(cuda.activemask(), x[t] > 60))


def matches(x, out):
    t = cuda.threadIdx.x
    out[t] = cuda.match_any_sync(FULL, x[t] % 4)


@pytest.mark.parametrize("block", [32, 64, 160])
@pytest.mark.parametrize("kernel", [ladder, butterfly, broadcast, indexed])
def test_shuffles(kernel, block: int) -> None:
    x = np.random.default_rng(0).integers(0, 100, block).astype(int32)
    agree(kernel, 1, block, x, np.zeros(block, int32), configurations=CONFIGURATIONS)


@pytest.mark.parametrize("block", [1, 20, 32, 40, 100])
@pytest.mark.parametrize("kernel", [votes, partial, matches])
def test_votes(kernel, block: int) -> None:
    x = np.random.default_rng(block).integers(0, 100, block).astype(int32)
    agree(kernel, 1, block, x, np.zeros(block, uint32), configurations=CONFIGURATIONS)


def test_float_shuffle() -> None:
    x = np.random.default_rng(0).random(64, float32)
    agree(ladder, 1, 64, x, np.zeros(64, float32), configurations=CONFIGURATIONS)
