"""The pipeline leaves valid KIR that means the same, and the kernel it was given as it was."""

from __future__ import annotations

import dataclasses

import numpy as np

from accelerx import cuda
from accelerx.compiler import ir
from accelerx.compiler.lower import for_vectors
from accelerx.compiler.printer import print_kernel
from accelerx.compiler.verify import verify
from tests.support.lifted import launch, lifted

float32 = np.float32


def tree(x, out):
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
        out[cuda.blockIdx.x] = sm[0]


def shaped() -> tuple[ir.Kernel, np.ndarray, np.ndarray]:
    x, out = np.arange(128, dtype=float32), np.zeros(2, float32)
    return dataclasses.replace(lifted(tree, x, out), block=(64, 1, 1)), x, out


def test_lowered_kernels_are_valid_and_mean_the_same() -> None:
    k, x, out = shaped()
    lowered = for_vectors(k)
    verify(lowered)
    launch(lowered, 2, 64, [x, out])
    np.testing.assert_array_equal(out, x.reshape(2, 64).sum(1))


def test_a_tree_reduction_has_no_loop_left() -> None:
    k, _, _ = shaped()
    assert not ir.contains(for_vectors(k).body, ir.While)


def test_the_given_kernel_is_left_alone() -> None:
    k, _, _ = shaped()
    before = print_kernel(k)
    for_vectors(k)
    assert print_kernel(k) == before
