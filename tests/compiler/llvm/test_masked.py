"""Masked stores touch the lanes that are on, and no others."""

from __future__ import annotations

import numpy as np
import pytest

from accelerx import cuda, dtypes
from accelerx.compiler import ir
from accelerx.compiler.dialects.base import EmitOptions
from accelerx.dtypes import DType, bfloat16
from accelerx.runtime.jit import compile_llvm
from tests.support.host import HostKernel, bind
from tests.support.kernels import THREAD, const, kernel, load, store
from tests.support.lifted import lifted

NARROWED = [
    (wide, narrow)
    for wide in (dtypes.int64, dtypes.int32, dtypes.int16)
    for narrow in (dtypes.int32, dtypes.uint16, dtypes.int8, bfloat16)
    if narrow.bits < wide.bits
]


@pytest.mark.parametrize(("wide", "narrow"), NARROWED, ids=lambda dtype: dtype.short)
@pytest.mark.parametrize("lanes", [2, 4, 8, 16])
def test_a_vector_of_one_thread_stores_one_narrowed_element(
    wide: DType, narrow: DType, lanes: int
) -> None:
    """The last vector's mask is known to have one lane, the value to be a truncation."""
    value: ir.Expr = load("x", wide)
    if narrow is bfloat16:
        value = ir.Cast(value, dtypes.float32)
    body = [store("y", ir.Cast(value, narrow))]
    threads = lanes + 1
    x = np.arange(1, threads + 1).astype(wide.numpy)
    y = np.full(threads + 8, 77).astype(narrow.numpy)
    expected = y.copy()
    expected[:threads] = x.astype(narrow.numpy)
    k = HostKernel(kernel(body, {"x": wide, "y": narrow}), threads, EmitOptions(lanes=lanes))
    k.run(1, {"x": x, "y": y})
    np.testing.assert_array_equal(y, expected)


def stores_of_many_masks(n, a, b):
    """More masks are alive than a machine has registers for, one of them a constant at times."""
    block = cuda.blockIdx.x + cuda.gridDim.x * cuda.blockIdx.y
    i = block * cuda.blockDim.x + cuda.threadIdx.x
    cuda.syncthreads()
    if i // n == 3:
        a[i] = 0
        return
    a[i + 400] = 0
    b[i] = False
    b[i + 400] = False


@pytest.mark.parametrize("dtype", [np.bool_, np.int8])
@pytest.mark.parametrize("lanes", [4, 8, 16])
@pytest.mark.parametrize("n", [-5, 5, 7])
def test_bytes_are_stored_under_the_lanes_of_a_spilled_mask(dtype, lanes: int, n: int) -> None:
    a, b = np.ones(900, np.int32), np.ones(900, dtype)
    k = lifted(stores_of_many_masks, np.int32(n), a, b)
    HostKernel(k, 100, EmitOptions(lanes=lanes, mode="lockstep")).run((2, 2), bind(k, [n, a, b]))
    returned = np.arange(400) // n == 3
    np.testing.assert_array_equal(a, [*~returned, *returned, *[True] * 100])
    np.testing.assert_array_equal(b, [*returned, *returned, *[True] * 100])


@pytest.mark.parametrize("lanes", [8, 16])
@pytest.mark.parametrize("opt", [0, 1])
def test_one_lane_is_assigned_a_narrowed_value(lanes: int, opt: int) -> None:
    """LLVM makes a masked store of a blend; here it does where it leaves locals in memory."""
    row = ir.Binary("mul", const(48), ir.Special("thread", 1), dtypes.int32, True)
    v = ir.Local("v", bfloat16)
    taken = ir.Call("abs", (const(68.5, bfloat16),), bfloat16)
    body = [
        ir.Assign("t", ir.Binary("add", THREAD, row, dtypes.int32, True)),
        ir.Assign("v", ir.ParamRef("a", bfloat16)),
        ir.Barrier("sync"),
        ir.If(
            ir.Compare("eq", ir.Special("lane"), const(1)),
            [ir.Assign("v", ir.Binary("sub", v, taken, bfloat16))],
        ),
        store("y", v, ir.Local("t", dtypes.int32)),
    ]
    made = kernel(body, {"y": bfloat16}, {"v": bfloat16, "t": dtypes.int32}, {"a": bfloat16})
    k = HostKernel(made, (48, 2), EmitOptions(lanes=lanes, mode="lockstep"))
    k.code = compile_llvm(k.program.text, opt=opt)
    k.function = type(k.function)(k.code.address)
    y = np.zeros(96, bfloat16.numpy)
    k.run(1, {"y": y, "a": 2.25})
    np.testing.assert_array_equal(y.astype(float), np.where(np.arange(96) % 32 == 1, -66.0, 2.25))
