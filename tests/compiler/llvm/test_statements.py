"""Control flow under masks: every configuration gives the interpreter's bits."""

from __future__ import annotations

import numpy as np
import pytest

from accelerx import cuda
from tests.support.host import agree

BLOCKS = [
    1,
    7,
    16,
    32,
    33,
    64,
    100,
    256,
    (16, 16),
    (8, 4, 2),
    (5, 3, 2),
    (48, 2),
    (4, 9),
    (2, 3, 4),
]


def data(n: int = 4096) -> np.ndarray:
    return np.random.default_rng(1).integers(-20, 20, n).astype(np.int32)


def guarded(n, x, y):
    i = cuda.grid(1)
    if i < n:
        y[i] = 2 * x[i] + i


def early_return(n, x, y):
    i = cuda.grid(1)
    if i >= n:
        return
    y[i] = x[i] - i


def thread_number():
    t = cuda.threadIdx
    d = cuda.blockDim
    return t.x + d.x * (t.y + d.y * t.z)


def nested(x, y):
    t = cuda.threadIdx
    d = cuda.blockDim
    i = t.x + d.x * (t.y + d.y * t.z)
    v = x[i]
    if v > 0:
        if v % 2 == 0:
            v = v * 10
        else:
            v = v - 100
        if t.x % 3 == 1:
            v += t.y
    else:
        v = -v + t.z
    y[i] = v


def loops(x, y):
    t = cuda.threadIdx
    d = cuda.blockDim
    i = t.x + d.x * (t.y + d.y * t.z)
    total = 0
    for k in range(i % 13):
        if k == 3:
            continue
        if total > 60:
            break
        total += k + x[k]
        j = 0
        while j < k:
            j += 2
            if (j + i) % 5 == 0:
                break
            total -= j
    y[i] = total


def search(x, y):
    t = cuda.threadIdx
    d = cuda.blockDim
    i = t.x + d.x * (t.y + d.y * t.z)
    for k in range(40):
        if x[(i + k) % 64] == 7:
            y[i] = k
            return
    y[i] = -1


def counts_down(x, y):
    t = cuda.threadIdx
    d = cuda.blockDim
    i = t.x + d.x * (t.y + d.y * t.z)
    total = 0
    for k in range(i % 17, -3, -2):
        total = total * 3 + x[k + 3]
    y[i] = total


def reused(x, y):
    """One name for three loops: webs keep their kinds apart."""
    t = cuda.threadIdx
    d = cuda.blockDim
    n = t.x + d.x * (t.y + d.y * t.z)
    total = 0
    for i in range(n % 7):
        total += x[i]
    for i in range(5):
        total += x[i] * i
    i = n
    while i < 300:
        total += x[i]
        i += 64
    y[n] = total


@pytest.mark.parametrize("block", BLOCKS, ids=str)
@pytest.mark.parametrize("kernel", [nested, loops, search, counts_down, reused])
def test_control_flow(kernel, block) -> None:
    threads = int(np.prod(block))
    x = data(1024)
    agree(kernel, 1, block, x, np.zeros(threads, np.int32), configurations=["auto", "regions1"])


@pytest.mark.parametrize("kernel", [guarded, early_return])
@pytest.mark.parametrize("n", [0, 1, 15, 16, 17, 255, 256, 700])
def test_guards_cut_the_last_block(kernel, n: int) -> None:
    agree(
        kernel, 3, 256, n, data(768), np.zeros(768, np.int32), configurations=["auto", "lockstep"]
    )


@pytest.mark.parametrize("kernel", [nested, loops, search])
def test_configurations_agree(kernel) -> None:
    agree(kernel, 1, 100, data(1024), np.zeros(100, np.int32))


def returns_from_a_plain_loop(x, y, n):
    """The break makes the rest of the loop masked; who returned stays out of the inner loop's turns."""
    t = cuda.grid(1)
    seen = 0
    cuda.syncthreads()
    for i in range(n, 0, -2):
        if n < 0:
            break
        for _ in range(4, i & 3, -1):
            if i == 1:
                y[t] = seen
                return
            seen = cuda.atomic.add(y, t + 64, x[t])


def test_a_thread_that_returned_runs_no_further_turn() -> None:
    agree(returns_from_a_plain_loop, 1, 64, data(64), np.zeros(128, np.int32), 5)


def returns_after_a_uniform_continue(go_on, x, y):
    """The loop is entered without a mask, and the return comes under one."""
    t = cuda.grid(1)
    value = x[0]
    cuda.syncthreads()
    for _ in range(2):
        y[t] = value
        value = 0
        if go_on:
            continue
        return


@pytest.mark.parametrize("go_on", [0, 1])
def test_a_thread_that_returned_in_a_plain_turn_stays_away(go_on: int) -> None:
    agree(returns_after_a_uniform_continue, 1, 64, go_on, data(64), np.zeros(64, np.int32))


def continues_beside_a_return(n, x, y):
    """A thread that waits for the next turn assigns nothing, in scalar code too."""
    t = cuda.threadIdx.x
    last = -1
    cuda.syncthreads()
    for i in range(x[t] & 7):
        for j in range(n):
            if j == t:
                continue
            if x[t] < 0:
                return
            last = 10 * i + j
        cuda.syncwarp()
    y[t] = last


@pytest.mark.parametrize("block", [1, 7, 40])
def test_assignments_pass_over_waiting_threads(block: int) -> None:
    x = data(block)
    agree(continues_beside_a_return, 1, block, 1, x, np.zeros(block, np.int32))
