"""Variables that stand for different arrays on different paths: ping-pong buffers and the like."""

from __future__ import annotations

import numpy as np
import pytest

from accelerx import lang as cuda
from tests.support.lifted import run

MODES = ("weak", "numba")


@pytest.fixture(params=MODES)
def mode(request):
    return request.param


def diffuse(x, steps):
    """The reference: an explicit heat equation with fixed ends."""
    x = x.copy()
    for _ in range(steps):
        x[1:-1] = x[1:-1] + np.float32(0.25) * (x[:-2] - 2 * x[1:-1] + x[2:])
    return x


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_buffers_chosen_by_an_if(mode, steps):
    def kernel(a, b, steps):
        i = cuda.threadIdx.x
        for step in range(steps):
            if step % 2 == 0:
                source = a
                target = b
            else:
                source = b
                target = a
            if 0 < i < len(source) - 1:
                v = source[i]
                target[i] = v + np.float32(0.25) * (source[i - 1] - 2 * v + source[i + 1])
            else:
                target[i] = source[i]
            cuda.syncthreads()

    a = np.random.default_rng(0).random(16).astype(np.float32)
    expected, b = diffuse(a, steps), np.zeros(16, np.float32)
    run(kernel, 1, 16, a, b, steps, literals=mode)
    np.testing.assert_allclose((b if steps % 2 else a), expected, rtol=1e-5)


@pytest.mark.parametrize("steps", [0, 1, 4])
def test_buffers_swapped_in_a_loop(mode, steps):
    def kernel(x, out, steps):
        i = cuda.threadIdx.x
        now = cuda.shared.array(16, np.float32)
        later = cuda.shared.array(16, np.float32)
        now[i] = x[i]
        cuda.syncthreads()
        for _ in range(steps):
            left = now[i - 1] if i > 0 else now[15]
            later[i] = left + 1
            cuda.syncthreads()
            now, later = later, now
        out[i] = now[i]

    x, out = np.arange(16, dtype=np.float32), np.zeros(16, np.float32)
    run(kernel, 1, 16, x, out, steps, literals=mode)
    np.testing.assert_array_equal(out, np.roll(x, steps) + steps)


def test_conditional_expression_of_arrays(mode):
    def head(values):
        return values[0] + len(values)

    def kernel(a, b, out):
        i = cuda.threadIdx.x
        chosen = a if i % 2 else b
        part = chosen[1:]
        out[i] = part[0] + chosen.size + head(chosen) * 10
        for v in part:
            out[i] += v
        chosen[-1] += 1 if i < 2 else 0

    a, b = np.arange(3, dtype=np.int32), np.arange(10, 15, dtype=np.int32)
    expected = [c[1] + c.size + (c[0] + c.size) * 10 + c[1:].sum() for c in (b, a)]
    out = np.zeros(2, np.int32)
    run(kernel, 1, 2, a, b, out, literals=mode)
    np.testing.assert_array_equal(out, expected)
    assert a[-1] == 3
    assert b[-1] == 15


def test_stores_slices_and_atomics_on_a_choice(mode):
    def kernel(a, b):
        i = cuda.threadIdx.x
        if i < 4:
            target = a
        else:
            target = b
        cuda.atomic.add(target, (0, 1), i)
        old = cuda.atomic.max(target, (1, 0), i)
        target[2, :] = 7
        if old > 100:
            target[0, 0] = 1

    a, b = np.zeros((3, 2), np.int32), np.zeros((3, 2), np.int32)
    run(kernel, 1, 8, a, b, literals=mode)
    np.testing.assert_array_equal(a, [[0, 6], [3, 0], [7, 7]])
    np.testing.assert_array_equal(b, [[0, 22], [7, 0], [7, 7]])


def test_choice_that_a_break_leaves_behind(mode):
    def kernel(a, b, out, n):
        x = a
        for k in range(8):
            if k == n:
                x = b
                break
        out[0] = x[0]

    a, b, out = np.array([1], np.int32), np.array([2], np.int32), np.zeros(1, np.int32)
    for n, expected in ((3, 2), (9, 1)):
        run(kernel, 1, 1, a, b, out, n, literals=mode)
        assert out[0] == expected
