"""Scalars: own arrays that only constants index become locals, all others stay arrays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from accelerx import cuda, dtypes
from accelerx.compiler import ir
from accelerx.compiler.passes.scalars import MAX_ELEMENTS, scalarise
from accelerx.compiler.verify import verify
from tests.support.kernels import THREAD, const, kernel, store

I32 = dtypes.int32


def own(body: list[ir.Stmt], size: int = 4) -> ir.Kernel:
    """A kernel with an own array ``a``."""
    k = kernel(body, {"x": I32}, {"old": I32})
    k.mems["a"] = ir.Mem("a", I32, "local", (size,), (1,))
    return k


def element(index: ir.Expr) -> ir.Load:
    return ir.Load("a", (index,), I32)


def put(index: ir.Expr, value: ir.Expr) -> ir.Store:
    return ir.Store("a", (index,), value)


def test_constant_indices_become_locals() -> None:
    k = own([put(const(1), THREAD), put(const(3), const(5)), store("x", element(const(1)))])
    new = scalarise(k)
    verify(new)
    assert "a" not in new.mems
    first, second, last = new.body
    assert isinstance(first, ir.Assign)
    assert isinstance(second, ir.Assign)
    assert first.target != second.target
    assert isinstance(last, ir.Store)
    assert isinstance(last.value, ir.Local)
    assert last.value.name == first.target


def test_the_original_is_left_as_it_is() -> None:
    k = own([put(const(0), THREAD), store("x", element(const(0)))])
    scalarise(k)
    assert "a" in k.mems
    assert isinstance(k.body[0], ir.Store)
    assert set(k.locals) == {"old"}


ATOMIC = ir.Atomic("add", "a", (const(1),), const(1), result="old")


@pytest.mark.parametrize(
    "use",
    [
        store("x", element(THREAD)),
        put(THREAD, const(1)),
        ATOMIC,
        store("x", element(const(4))),  # past its end: not ours to hide
        ir.If(ir.Compare("lt", element(THREAD), const(3)), []),
        ir.If(ir.Compare("lt", THREAD, const(3)), [store("x", element(THREAD))]),
    ],
)
def test_other_uses_keep_the_array(use: ir.Stmt) -> None:
    k = own([put(const(1), THREAD), use, store("x", element(const(1)))])
    assert scalarise(k) is k


def test_an_element_that_is_never_set_keeps_the_array() -> None:
    k = own([put(const(1), THREAD), store("x", element(const(2)))])
    assert scalarise(k) is k


def test_a_large_array_stays() -> None:
    k = own([put(const(1), THREAD), store("x", element(const(1)))], MAX_ELEMENTS + 1)
    assert scalarise(k) is k


def tiled(x: cuda.DeviceNDArray, y: cuda.DeviceNDArray, rounds: int) -> None:
    """Elements live across barriers and under a condition that differs between threads."""
    shared = cuda.shared.array(64, dtype=np.float32)
    sums = cuda.local.array((2, 3), dtype=np.float32)
    t = cuda.threadIdx.x
    for i in range(2):
        for j in range(3):
            sums[i, j] = 10 * i + j
    for r in range(rounds):
        shared[t] = x[r, t]
        cuda.syncthreads()
        for i in range(2):
            for j in range(3):
                if t % 3 == j:
                    sums[i, j] += shared[(t + i) % 64]
        cuda.syncthreads()
    for i in range(2):
        for j in range(3):
            y[i, j, t] = sums[i, j]


def test_compiled_code_keeps_each_element(cpu: object) -> None:
    run: Callable[..., None] = cuda.jit(tiled)
    x = np.random.default_rng(0).standard_normal((5, 64)).astype(np.float32)
    y = np.zeros((2, 3, 64), np.float32)
    run[1, 64](x, y, 5)
    total = x.astype(np.float64).sum(0)
    for i in range(2):
        for j in range(3):
            expected = 10 * i + j + np.where(np.arange(64) % 3 == j, np.roll(total, -i), 0)
            np.testing.assert_allclose(y[i, j], expected, rtol=1e-5)
