"""The CPU's dialect: its program's facts, refusals, and the text of small kernels."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from accelerx import cuda
from accelerx.compiler import ir
from accelerx.compiler.dialects.base import EmitOptions, Program
from accelerx.compiler.dialects.llvm import LlvmDialect
from accelerx.errors import UnsupportedError
from tests.support.golden import Golden, golden  # noqa: F401
from tests.support.lifted import lifted

float32, int32 = np.float32, np.int32


def saxpy(n, a, x, y):
    i = cuda.grid(1)
    if i < n:
        y[i] = a * x[i] + y[i]


def exchange(x):
    sm = cuda.shared.array(32, float32)
    t = cuda.threadIdx.x
    sm[t] = x[t]
    cuda.syncthreads()
    x[t] = sm[31 - t]


def large(x):
    sm = cuda.shared.array(10000, float32)
    t = cuda.threadIdx.x
    sm[t] = x[t]
    cuda.syncthreads()
    x[t] = sm[31 - t]


def program(
    kernel: ir.Kernel, block: tuple[int, int, int], options: EmitOptions | None = None
) -> Program:
    dialect = LlvmDialect()
    lowered = dialect.lower(dataclasses.replace(kernel, block=block))
    return dialect.emit(lowered, options or EmitOptions())


def vectors() -> np.ndarray:
    return np.zeros(64, float32)


def test_saxpy(golden: Golden) -> None:  # noqa: F811
    k = lifted(saxpy, 64, float32(2), vectors(), vectors())
    golden.check("llvm/saxpy.ll", program(k, (64, 1, 1)).text)


def test_exchange_through_shared_memory(golden: Golden) -> None:  # noqa: F811
    golden.check("llvm/exchange.ll", program(lifted(exchange, vectors()), (32, 1, 1)).text)


def test_scalar_code(golden: Golden) -> None:  # noqa: F811
    k = lifted(saxpy, 64, float32(2), vectors(), vectors())
    golden.check("llvm/saxpy_scalar.ll", program(k, (64, 1, 1), EmitOptions(lanes=1)).text)


def test_program_facts() -> None:
    made = program(lifted(exchange, vectors()), (32, 1, 1))
    assert made.entry == "exchange"
    assert made.shared_bytes == 128
    assert made.scratch_bytes == 0
    assert [p.name for p in made.params] == ["x", "x.shape0"]
    assert "16 threads a vector" in made.notes[-1]


def test_large_arrays_ask_for_scratch_memory() -> None:
    assert program(lifted(large, vectors()), (32, 1, 1)).scratch_bytes >= 40000


def test_the_same_kernel_gives_the_same_text() -> None:
    k = lifted(exchange, vectors())
    assert program(k, (32, 1, 1)).text == program(k, (32, 1, 1)).text


def test_lowering_leaves_the_kernel_alone() -> None:
    k = dataclasses.replace(lifted(saxpy, 64, float32(2), vectors(), vectors()), block=(64, 1, 1))
    before = (list(k.body), dict(k.locals), dict(k.mems))
    LlvmDialect().lower(k)
    assert before == (k.body, k.locals, k.mems)


def test_a_block_shape_is_needed() -> None:
    with pytest.raises(UnsupportedError, match="no block shape"):
        LlvmDialect().lower(lifted(exchange, vectors()))
