from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import accelerx as ax
from accelerx import ElementwiseKernel
from accelerx.errors import ArgumentTypeError, CompileError, LaunchError
from accelerx.runtime.device import Device

pytest.importorskip("clang.cindex")

squared_diff = ElementwiseKernel("T x, T y", "T z", "z = (x - y) * (x - y)", "squared_diff")


def grid(*shape: int, dtype: Any = np.float32) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=dtype).reshape(shape)


# ----------------------------------------------------------------------------------- shapes


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (grid(5), grid(5)),
        (grid(3, 4), grid(4)),
        (grid(3, 1, 4), grid(5, 1)),
        (grid(3, 4), np.float32(2)),
        (grid(3, 4).T, grid(4, 3)),
        (np.asfortranarray(grid(3, 4)), np.asfortranarray(grid(3, 4)) + 1),
        (grid(8)[::-2], grid(8)[::2]),
        (grid(2, 3, 4)[:, ::-1], grid(2, 1, 4)),
        (grid(), grid()),
        (grid(1, 1), grid(1)),
        (grid(700, 3), grid(3)),
        (np.broadcast_to(np.float32(3), (4, 5)), grid(5)),
    ],
    ids=lambda a: str(np.shape(a)),
)
def test_it_broadcasts_as_numpy_does(device: Device, x: np.ndarray, y: np.ndarray) -> None:
    result = squared_diff(ax.asarray(x), ax.asarray(y))
    np.testing.assert_array_equal(result.get(), (x - y) ** 2)
    assert result.dtype == np.float32


def test_arrays_in_memory_order_need_no_index_arithmetic(cpu: Device) -> None:
    kernel = ElementwiseKernel("T x", "T y", "y = x")
    kernel(ax.zeros((3, 4)))
    (made,) = kernel.kernels
    assert "const float x = _raw_x[i];" in made.code
    assert "%" not in made.code


def test_no_elements_launch_nothing(device: Device) -> None:
    result = squared_diff(ax.zeros((0, 3)), ax.zeros(3))
    assert result.shape == (0, 3)


def test_outputs_may_be_given(device: Device) -> None:
    x, out = ax.asarray(grid(3, 4)), ax.zeros((4, 3))
    given = out.T
    assert squared_diff(x, 1, given) is given
    np.testing.assert_array_equal(out.get(), ((grid(3, 4) - 1) ** 2).T)


def test_an_output_may_be_an_input(device: Device) -> None:
    x = ax.asarray(grid(5))
    squared_diff(x, 1, x)
    np.testing.assert_array_equal(x.get(), (grid(5) - 1) ** 2)


def test_numpy_inputs_are_copied_to_the_device(device: Device) -> None:
    result = squared_diff(grid(5), 1)
    np.testing.assert_array_equal(result.get(), (grid(5) - 1) ** 2)


# ------------------------------------------------------------------------------------ types


@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "int8", "uint8", "int32", "int64", "uint64", "float16"]
)
def test_a_letter_is_what_the_arrays_are(device: Device, dtype: str) -> None:
    x, y = grid(4, dtype=dtype), np.ones(4, dtype)
    result = squared_diff(ax.asarray(x), ax.asarray(y))
    assert result.dtype == dtype
    np.testing.assert_array_equal(result.get(), ((x - y) * (x - y)))


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex_numbers_are_computed_with(device: Device, dtype: str) -> None:
    kernel = ElementwiseKernel("T x, T y", "T z", "z = x * y + T(1, 2)")
    x = grid(4, dtype=dtype) * (1 + 2j)
    np.testing.assert_array_equal(kernel(ax.asarray(x), ax.asarray(x)).get(), x * x + (1 + 2j))
    np.testing.assert_array_equal(kernel(ax.asarray(x), 3j).get(), x * 3j + (1 + 2j))


def test_letters_and_types_mix(device: Device) -> None:
    kernel = ElementwiseKernel("T x, S y, int32 by", "float64 z", "z = x + y * by")
    result = kernel(ax.asarray(grid(4)), ax.asarray(grid(4, dtype=np.int64)), 3)
    np.testing.assert_array_equal(result.get(), grid(4) * 4)


def test_letters_are_types_in_the_operation(cpu: Device) -> None:
    kernel = ElementwiseKernel("T x", "T y", "T twice = x + x; y = (T)2.9 * twice")
    np.testing.assert_array_equal(kernel(ax.arange(3, dtype=np.int32)).get(), [0, 4, 8])


def test_numbers_take_the_arrays_type(cpu: Device) -> None:
    x = ax.asarray(grid(3, dtype=np.int32))
    np.testing.assert_array_equal(squared_diff(x, 2.7).get(), [4, 1, 0])


@pytest.mark.parametrize(("value", "dtype"), [(2, "int64"), (2.5, "float64"), (True, "bool")])
def test_numbers_decide_where_no_array_does(cpu: Device, value: Any, dtype: str) -> None:
    kernel = ElementwiseKernel("T x, raw S m", "T y", "y = x")
    out = ax.zeros(3, dtype)
    kernel(value, ax.zeros(1), out)
    assert out.get().tolist() == [value] * 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((np.zeros(3), np.zeros(3, "f4")), "y is an array of float32, and T is float64"),
        ((np.zeros(3),), "takes 2 inputs, and 1 outputs"),
        ((np.zeros(3), "text"), "argument 2 is a builtins.str"),
        ((np.zeros(3), np.zeros(3), 1.0), "the output z must be an array"),
    ],
)
def test_wrong_arguments_are_refused(cpu: Device, arguments: Any, words: str) -> None:
    values = [ax.asarray(a) if isinstance(a, np.ndarray) else a for a in arguments]
    with pytest.raises(ArgumentTypeError, match=words):
        squared_diff(*values)


def test_shapes_that_do_not_fit_are_refused(cpu: Device) -> None:
    with pytest.raises(LaunchError, match=r"\(3,\), \(4,\) do not broadcast"):
        squared_diff(ax.zeros(3), ax.zeros(4))
    with pytest.raises(LaunchError, match=r"z has shape \(1,\); the arguments broadcast to \(3,\)"):
        squared_diff(ax.zeros(3), 1, ax.zeros(1))


def test_an_undecided_output_is_refused(cpu: Device) -> None:
    with pytest.raises(ArgumentTypeError, match="no argument tells what T is, the type of y"):
        ElementwiseKernel("float32 x", "T y", "y = x")(ax.zeros(3))


def test_remembered_calls_take_other_arrays_and_numbers(device: Device) -> None:
    for n in (1, 2, 3):
        result = squared_diff(ax.full(5, n, np.float32), 10)
        np.testing.assert_array_equal(result.get(), [(n - 10) ** 2] * 5)
    out = ax.zeros(5)
    for n in (1, 2):
        assert squared_diff(ax.full(5, n, np.float32), n + 3, out) is out
        np.testing.assert_array_equal(out.get(), [9] * 5)


def test_calls_without_arrays_follow_the_device(cpu: Device, sim: Device) -> None:
    kernel = ElementwiseKernel("T x", "T y", "y = x")
    for device in (cpu, sim, cpu):
        with device:
            assert kernel(3.5, size=2).device is device


# -------------------------------------------------------------------------------------- raw


def test_raw_arrays_are_indexed_by_the_operation(device: Device) -> None:
    kernel = ElementwiseKernel("T x, raw T y", "T z", "z = x + y[n - i - 1]", "add_reverse")
    x = ax.asarray(grid(5))
    np.testing.assert_array_equal(kernel(x, x).get(), grid(5) + grid(5)[::-1])


def test_the_index_object_tells_the_size(device: Device) -> None:
    kernel = ElementwiseKernel("T x, raw T y", "T z", "z = x + y[_ind.size() - i - 1]")
    x = ax.asarray(grid(5))
    np.testing.assert_array_equal(kernel(x, x).get(), grid(5) + grid(5)[::-1])


def test_the_index_object_tells_the_place(device: Device) -> None:
    kernel = ElementwiseKernel(
        "T x", "int32 y", "y = 10 * _ind.get()[0] + _ind.get()[1]", reduce_dims=False
    )
    expected = 10 * np.arange(3)[:, None] + np.arange(4)
    np.testing.assert_array_equal(kernel(ax.zeros((3, 4))).get(), expected)


@pytest.mark.parametrize("view", [np.s_[:], np.s_[::2], np.s_[::-1]], ids=str)
def test_raw_arrays_know_their_size_and_shape(device: Device, view: slice) -> None:
    kernel = ElementwiseKernel("raw T x", "T y", "y = x[x.size() - 1 - i] + x.shape()[0]")
    x, out = grid(6)[view], ax.zeros(3)
    kernel(ax.asarray(grid(6))[view], out)
    np.testing.assert_array_equal(out.get(), x[::-1][:3] + x.size)


def test_raw_arrays_of_several_axes_count_in_c_order(device: Device) -> None:
    kernel = ElementwiseKernel("raw T x", "raw T y", "y[i] = x[i]")
    x, out = grid(3, 4), ax.zeros((4, 3))
    kernel(ax.asarray(x).T, out, size=12)
    np.testing.assert_array_equal(out.get(), x.T)


def test_a_raw_array_is_indexed_by_a_place(device: Device) -> None:
    kernel = ElementwiseKernel(
        "T x, raw T y", "T z", "ptrdiff_t at[2] = {1, 2}; z = x + y[at] + y[0]"
    )
    x = ax.asarray(grid(3, 4))
    np.testing.assert_array_equal(kernel(ax.zeros(2), x).get(), [6, 6])
    np.testing.assert_array_equal(kernel(ax.zeros(2), x.T[1:]).get(), [11, 11])


def test_size_is_for_raw_arrays_alone(cpu: Device) -> None:
    kernel = ElementwiseKernel("raw T x", "raw T y", "y[i] = x[i]")
    with pytest.raises(LaunchError, match="pass size="):
        kernel(ax.zeros(3), ax.zeros(3))
    with pytest.raises(LaunchError, match="whose arrays are all raw"):
        squared_diff(ax.zeros(3), 1, size=3)
    with pytest.raises(ArgumentTypeError, match="the raw output y must be given"):
        kernel(ax.zeros(3), size=3)


# ------------------------------------------------------------------------------ constructing


def test_several_outputs_come_as_a_tuple(device: Device) -> None:
    kernel = ElementwiseKernel("T x", "T y, int32 z", "y = -x; z = i")
    y, z = kernel(ax.asarray(grid(4)))
    np.testing.assert_array_equal(y.get(), -grid(4))
    np.testing.assert_array_equal(z.get(), np.arange(4))


def test_what_is_returned_is_chosen(cpu: Device) -> None:
    x = ax.zeros(3)
    assert ElementwiseKernel("T x", "T y", "y = x", no_return=True)(x) is None
    assert len(ElementwiseKernel("T x", "T y", "y = x", return_tuple=True)(x)) == 1


def test_preamble_and_loop_statements_are_there(device: Device) -> None:
    kernel = ElementwiseKernel(
        "T x", "T y", "y = add(x, offset)",
        preamble="__device__ float add(float a, float b) { return a + b; }",
        loop_prep="const float offset = 2", after_loop="(void)offset", options=("-DUNUSED=1",),
    )  # fmt: skip
    np.testing.assert_array_equal(kernel(ax.asarray(grid(3))).get(), grid(3) + 2)


def test_block_size_and_stream_are_taken(device: Device) -> None:
    stream = ax.Stream()
    out = squared_diff(ax.asarray(grid(100)), 1, block_size=32, stream=stream)
    stream.synchronize()
    np.testing.assert_array_equal(out.get(), (grid(100) - 1) ** 2)


@pytest.mark.parametrize(
    ("in_params", "out_params", "words"),
    [
        ("T", "T y", r"write '\[raw\] type name'"),
        ("cooked T x", "T y", r"write '\[raw\] type name'"),
        ("T _x", "T y", "'_x' cannot be a name"),
        ("T i", "T y", "'i' cannot be a name"),
        ("float31 x", "T y", "'float31' is no dtype"),
        ("T x", "T x", "stands twice"),
    ],
)
def test_wrong_parameters_are_refused(in_params: str, out_params: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ElementwiseKernel(in_params, out_params, "")


def test_an_error_in_the_operation_is_shown(cpu: Device) -> None:
    with pytest.raises(CompileError, match="undeclared identifier 'w'"):
        ElementwiseKernel("T x", "T y", "y = w")(ax.zeros(3))


def test_it_is_pickled(device: Device) -> None:
    again = pickle.loads(pickle.dumps(squared_diff))
    np.testing.assert_array_equal(again(ax.asarray(grid(3)), 1).get(), [1, 0, 1])
