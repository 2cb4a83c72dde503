from __future__ import annotations

import pickle

import numpy as np
import pytest

import accelerx as ax
from accelerx.errors import CompileError, UnsupportedError
from accelerx.raw import RawModule
from accelerx.runtime.device import Device

pytest.importorskip("clang.cindex")

CODE = r"""
struct Pair { int first; float second; };
__device__ int counter = 5;
__constant__ float table[4] = {1, 2, 3, 4};
__device__ double sums[2][3];
__device__ Pair pair = {7, 0.5f};
extern "C" __global__ void count(int by) { atomicAdd(&counter, by); }
extern "C" __global__ void look(float *y) { y[threadIdx.x] = table[threadIdx.x] * counter; }
extern "C" __global__ void fill() { sums[threadIdx.y][threadIdx.x] = threadIdx.y * 3 + threadIdx.x; }
template <typename T> __global__ void twice(T *x) { x[threadIdx.x] *= 2; }
"""


def test_kernels_share_the_modules_variables(device: Device) -> None:
    module, y = RawModule(code=CODE), ax.zeros(4)
    module.get_function("count")((3,), (1,), (2,))
    module.get_function("look")((1,), (4,), (y,))
    np.testing.assert_array_equal(y.get(), [11, 22, 33, 44])


def test_variables_are_read_and_written_from_outside(device: Device) -> None:
    module, y = RawModule(code=CODE), ax.zeros(4)
    table = module.get_global("table")
    np.testing.assert_array_equal(table.get(), [1, 2, 3, 4])
    table.set(np.array([5, 6, 7, 8], np.float32))
    module.get_global("counter")[0] = 10
    look = module.get_function("look")
    for factor in (10, 1):
        look((1,), (4,), (y,))
        np.testing.assert_array_equal(y.get(), factor * np.arange(5, 9))
        module.get_global("counter")[0] = 1


def test_a_variables_array_takes_any_form(device: Device) -> None:
    module = RawModule(code=CODE)
    module.get_function("fill")((1,), (3, 2), ())
    sums = module.get_global("sums")
    assert (sums.dtype, sums.shape) == (np.float64, (6,))
    np.testing.assert_array_equal(sums.reshape(2, 3).get(), [[0, 1, 2], [3, 4, 5]])
    pair = module.get_global("pair").view(np.dtype([("first", "i4"), ("second", "f4")]))
    assert pair.get().tolist() == [(7, 0.5)]


def test_each_device_has_its_own_variables(cpu: Device, sim: Device) -> None:
    module = RawModule(code=CODE)
    count = module.get_function("count")
    for device, by in ((cpu, 1), (sim, 10), (cpu, 1)):
        with device:
            count((1,), (1,), (by,))
            device.synchronize()
    for device, seen in ((cpu, 7), (sim, 15)):
        with device:
            assert module.get_global("counter").get()[0] == seen


def test_two_modules_of_one_text_share_nothing(device: Device) -> None:
    first, second = RawModule(code=CODE), RawModule(code=CODE)
    first.get_function("count")((1,), (1,), (2,))
    ax.synchronize()
    assert first.get_global("counter").get()[0] == 7
    assert second.get_global("counter").get()[0] == 5


def test_remembered_launches_see_the_variables(device: Device) -> None:
    module, y = RawModule(code=CODE), ax.zeros(4)
    look, count = module.get_function("look"), module.get_function("count")
    for turn in range(1, 5):
        count((1,), (1,), (1,))
        look((1,), (4,), (y,))
        np.testing.assert_array_equal(y.get(), (5 + turn) * np.arange(1, 5))


def test_templates_are_asked_for_by_expression(device: Device) -> None:
    module = RawModule(code=CODE, name_expressions=("twice<float>", "twice<int>"))
    for dtype, type_ in (("float32", "float"), ("int32", "int"), ("float64", "double")):
        x = ax.arange(4, dtype=dtype)
        module.get_function(f"twice<{type_}>")((1,), (4,), (x,))
        np.testing.assert_array_equal(x.get(), [0, 2, 4, 6])


def test_a_function_is_one_object() -> None:
    module = RawModule(code=CODE)
    assert module.get_function("look") is module.get_function("look")


def test_what_is_not_there_is_told_with_what_is(cpu: Device) -> None:
    module = RawModule(code=CODE)
    with pytest.raises(CompileError, match="'fil'; it has count, look, fill"):
        module.get_function("fil")
    with pytest.raises(CompileError, match="'tabel'; it has counter, table, sums, pair"):
        module.get_global("tabel")


def test_variables_need_a_kernel_to_be_seen_through(cpu: Device) -> None:
    code = "__device__ int n = 3; template <typename T> __global__ void k(T *x) { x[0] = n; }"
    module = RawModule(code=code)
    with pytest.raises(CompileError, match="no kernel but templates"):
        module.get_global("n")
    module.get_function("k<int>")
    assert module.get_global("n").get()[0] == 3


def test_compile_reaches_every_kernel(cpu: Device) -> None:
    RawModule(code=CODE).compile()
    faulty = CODE + 'extern "C" __global__ void bad(int *x) { asm("nonsense"); }'
    with pytest.raises(CompileError, match="nonsense"):
        RawModule(code=faulty).compile()


def test_it_is_made_of_code_alone() -> None:
    with pytest.raises(UnsupportedError, match="runs on CUDA devices only"):
        RawModule(path="kernel.cubin")
    with pytest.raises(TypeError, match="give one of the two"):
        RawModule()
    with pytest.raises(TypeError, match="give one of the two"):
        RawModule(code=CODE, path="kernel.cubin")


def test_it_is_pickled_with_its_kernels(device: Device) -> None:
    module = RawModule(code='#include "f.h"\n' + CODE, headers={"f.h": ""})
    again, count = pickle.loads(pickle.dumps((module, module.get_function("count"))))
    count((1,), (1,), (2,))
    ax.synchronize()
    assert again.get_global("counter").get()[0] == 7
    assert module.get_global("counter").get()[0] == 5
