"""Atomic functions: every type and scope of each, the old value, and the new one."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("clang.cindex")

from tests.support.cuda_cpp import run
from tests.support.cuda_cpp_host import both

DTYPES = {
    "int": np.int32, "unsigned": np.uint32, "long long": np.int64, "unsigned long long": np.uint64,
    "float": np.float32, "double": np.float64, "unsigned short": np.uint16,
}  # fmt: skip
# name: its types, the start value, each thread's operand, what 40 threads leave (None: one of them)
ROWS: dict[str, tuple[tuple[str, ...], int, str, int | None]] = {
    "atomicAdd": (("int", "unsigned", "unsigned long long", "float", "double"), 5, "i", 785),
    "atomicSub": (("int", "unsigned"), 1000, "i", 220),
    "atomicMin": (("int", "unsigned", "long long", "unsigned long long"), 77, "i + 3", 3),
    "atomicMax": (("int", "unsigned", "long long", "unsigned long long"), 7, "i * 2", 78),
    "atomicAnd": (("int", "unsigned", "unsigned long long"), 255, "255 - (1 << (i & 3))", 240),
    "atomicOr": (("int", "unsigned", "unsigned long long"), 64, "1 << (i & 3)", 79),
    "atomicXor": (("int", "unsigned", "unsigned long long"), 3, "1 << (i % 8)", 252),
    "atomicExch": (("int", "unsigned", "unsigned long long", "float"), 1000, "i", None),
    "atomicInc": (("unsigned",), 0, "6", 40 % 7),
    "atomicDec": (("unsigned",), 0, "6", (-40) % 7),
}
SCOPES = ("", "_block", "_system")


@pytest.mark.parametrize("name", ROWS)
def test_all_types_and_scopes(name: str) -> None:
    types, start, operand, left = ROWS[name]
    for t in types:
        calls = "".join(
            f"seen[{40 * s} + i] = {name}{scope}(x + {s}, ({t})({operand}));"
            for s, scope in enumerate(SCOPES)
        )
        text = f"__global__ void k({t}* x, {t}* seen) {{ int i = threadIdx.x; {calls} }}"
        dtype = DTYPES[t]
        for x, seen in both(text, "k", 1, 40, np.full(3, start, dtype), np.zeros(120, dtype)):
            for s in range(3):
                old = seen[40 * s : 40 * s + 40].tolist()
                if left is None:  # a chain: each value is seen once, or left
                    assert sorted([*old, x[s]]) == sorted([start, *range(40)]), t
                else:
                    assert x[s] == left, t
                    assert start in old


@pytest.mark.parametrize("t", ["int", "unsigned", "unsigned long long", "unsigned short"])
def test_compare_and_swap(t: str) -> None:
    """A lock-free sum, and the old value of a swap that fails."""
    text = (
        f"__global__ void k({t}* x, {t}* seen) {{ {t} old = *x, assumed; do {{ assumed = old;"
        f" old = atomicCAS(x, assumed, ({t})(assumed + threadIdx.x)); }} while (assumed != old);"
        f" __syncthreads(); if (!threadIdx.x) seen[0] = atomicCAS(x, ({t})1, ({t})2); }}"
    )
    for x, seen in both(text, "k", 1, 40, np.full(1, 10, DTYPES[t]), np.zeros(1, DTYPES[t])):
        assert x[0] == seen[0] == 790


def test_floats_of_a_type_that_cuda_lacks_are_written_by_hand() -> None:
    """The usual maximum of floats by swaps of their bits, overloading CUDA's name."""
    text = (
        "__device__ float atomicMax(float* a, float v) { int* p = (int*)a; int old = *p, seen; do {"
        " seen = old; old = atomicCAS(p, seen, __float_as_int(fmaxf(v, __int_as_float(seen)))); }"
        " while (seen != old); return __int_as_float(old); }"
        "__global__ void k(float* x, int* n) { atomicMax(x, threadIdx.x * 0.5f); atomicMax(n, 3); }"
    )
    for x, n in both(text, "k", 1, 40, np.full(1, -1, np.float32), np.zeros(1, np.int32)):
        assert (x[0], n[0]) == (19.5, 3)


def test_vectors_are_added_part_by_part() -> None:
    text = (
        "__global__ void k(float4* x, float2* y) { float4 old = atomicAdd(x, make_float4(1, 2, 3, 4));"
        " atomicAdd(y, make_float2(1, -1)); if (old.y < 0) y->x = 99; }"
    )
    for x, y in both(text, "k", 1, 40, np.zeros(4, np.float32), np.zeros(2, np.float32)):
        assert x.tolist() == [40, 80, 120, 160]
        assert y.tolist() == [40, -40]


def test_shared_memory() -> None:
    text = (
        "__global__ void k(const int* x, int* o) { __shared__ int bins[8]; int i = threadIdx.x;"
        " if (i < 8) bins[i] = 0; __syncthreads(); atomicAdd(&bins[x[i]], 1); __syncthreads();"
        " if (i < 8) o[i] = bins[i]; }"
    )
    x = (np.arange(64) ** 2 % 8).astype(np.int32)
    for _, o in both(text, "k", 1, 64, x, np.zeros(8, np.int32)):
        assert o.tolist() == np.bincount(x, minlength=8).tolist()


def test_types_that_cuda_lacks_are_errors() -> None:
    text = "__global__ void k(short* x) { atomicAdd(x, (short)1); }"
    with pytest.raises(Exception, match="no matching function for call to 'atomicAdd'"):
        run(text, "k", 1, 1, np.zeros(1, np.int16))
    text = "__global__ void k(int* x) { int own[2] = {1, 2}; x[0] = atomicAdd(own + x[0], 1); }"
    with pytest.raises(Exception, match="thread's own"):
        run(text, "k", 1, 1, np.zeros(1, np.int32))
