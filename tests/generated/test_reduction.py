from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import accelerx as ax
from accelerx import ReductionKernel
from accelerx.errors import ArgumentTypeError, LaunchError
from accelerx.runtime.device import Device

pytest.importorskip("clang.cindex")

total = ReductionKernel("T x", "T y", "x", "a + b", "y = a", "0", "total")
l2norm = ReductionKernel("T x", "T y", "x * x", "a + b", "y = sqrt(a)", "0", "l2norm")

ARG_MAX = r"""
struct Best {
  float value; int at;
  __device__ Best() : value(0), at(-1) {}
  __device__ Best(float v, int i) : value(v), at(i) {}
  __device__ Best(int) : value(0), at(-1) {}
};
__device__ Best better(const Best &a, const Best &b) {
  if (a.at < 0) return b;
  if (b.at < 0) return a;
  return a.value > b.value || (a.value == b.value && a.at < b.at) ? a : b;
}
"""
arg_max = ReductionKernel(
    "T x", "int32 y", "Best(x, _J)", "better(a, b)", "y = a.at", None, "arg_max", "Best",
    preamble=ARG_MAX,
)  # fmt: skip


def integers(*shape: int, dtype: Any = np.int64) -> np.ndarray:
    return np.random.default_rng(0).integers(-100, 100, shape).astype(dtype)


@pytest.mark.parametrize("axis", [None, 0, 1, 2, -1, (0, 1), (1, 2), (0, 2), (2, 0), ()], ids=str)
@pytest.mark.parametrize("keepdims", [False, True])
def test_axes_are_reduced_as_numpys(device: Device, axis: Any, keepdims: bool) -> None:
    x = integers(5, 70, 3)
    result = total(ax.asarray(x), axis=axis, keepdims=keepdims)
    expected = x.sum(axis=axis, keepdims=keepdims)
    np.testing.assert_array_equal(result.get(), expected)
    assert result.shape == expected.shape


@pytest.mark.parametrize("view", [np.s_[::2, :, ::-1], np.s_[:, 3:, 1], np.s_[..., None]], ids=str)
def test_views_are_reduced(device: Device, view: Any) -> None:
    x = integers(5, 70, 4)
    for axis in range(x[view].ndim):
        result = total(ax.asarray(x)[view], axis=axis)
        np.testing.assert_array_equal(result.get(), x[view].sum(axis=axis))


@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((100_000,), None),
        ((2, 60_000), 1),
        ((60_000, 2), 0),
        ((40_000, 2), (0, 1)),
        ((3000, 300), 0),
    ],
    ids=str,
)
def test_large_reductions_go_in_parts(cpu: Device, shape: Any, axis: Any) -> None:
    x = integers(*shape)
    kernel = ReductionKernel("T x", "T y", "x", "a + b", "y = a", "0", "total")
    result = kernel(ax.asarray(x), axis=axis)
    np.testing.assert_array_equal(result.get(), x.sum(axis=axis))
    assert "_parts" in kernel.modules[0].code


def test_the_final_step_is_made(device: Device) -> None:
    x = np.random.default_rng(0).random((4, 100), np.float32)
    expected = np.sqrt((x.astype(np.float64) ** 2).sum(axis=1))
    np.testing.assert_allclose(l2norm(ax.asarray(x), axis=1).get(), expected, rtol=1e-6)


@pytest.mark.parametrize("shape", [(7,), (300,), (9000,)], ids=str)
def test_a_type_of_ones_own_is_reduced(device: Device, shape: tuple[int, ...]) -> None:
    x = integers(*shape, dtype=np.float32)
    assert arg_max(ax.asarray(x)).get() == x.argmax()


def test_a_type_of_ones_own_goes_in_parts(cpu: Device) -> None:
    x = integers(3, 50_000, dtype=np.float32)
    np.testing.assert_array_equal(arg_max(ax.asarray(x), axis=1).get(), x.argmax(axis=1))
    np.testing.assert_array_equal(arg_max(ax.asarray(x.T.copy()), axis=0).get(), x.argmax(axis=1))


def test_inputs_broadcast(device: Device) -> None:
    dot = ReductionKernel("T x, T y", "T z", "x * y", "a + b", "z = a", "0", "dot")
    x, y = integers(5, 8), integers(8)
    np.testing.assert_array_equal(dot(ax.asarray(x), ax.asarray(y), axis=1).get(), x @ y)
    np.testing.assert_array_equal(dot(ax.asarray(x), 3, axis=0).get(), 3 * x.sum(axis=0))


def test_raw_inputs_are_indexed(device: Device) -> None:
    kernel = ReductionKernel("T x, raw T w", "T y", "x * w[_J]", "a + b", "y = a", "0", "weighted")
    x, w = integers(5, 80), integers(80)
    np.testing.assert_array_equal(kernel(ax.asarray(x), ax.asarray(w), axis=1).get(), x @ w)


def test_sizes_and_numbers_reach_the_final_step(cpu: Device) -> None:
    mean = ReductionKernel(
        "T x, T scale", "T y", "x", "a + b",
        "y = a * scale / (_in_ind.size() / _out_ind.size())", "0", "mean",
    )  # fmt: skip
    for shape in ((4, 8), (4, 40_000)):
        x = np.ones(shape)
        np.testing.assert_allclose(mean(ax.asarray(x), 3.0, axis=1).get(), [3.0] * 4)


def test_several_outputs_come_as_a_tuple(device: Device) -> None:
    kernel = ReductionKernel("T x", "T y, T z", "x", "a + b", "y = a; z = -a", "0", "both")
    y, z = kernel(ax.asarray(integers(6)))
    assert (int(y), int(z)) == (integers(6).sum(), -integers(6).sum())


def test_outputs_may_be_given(device: Device) -> None:
    x, out = integers(5, 8), ax.zeros(5, np.int64)
    assert total(ax.asarray(x), axis=1, out=out) is out
    np.testing.assert_array_equal(out.get(), x.sum(axis=1))
    wide = ax.zeros((5, 2), np.int64)
    total(ax.asarray(x), wide[:, 1], axis=1)
    np.testing.assert_array_equal(wide.get()[:, 1], x.sum(axis=1))


def test_no_elements_give_the_identity(device: Device) -> None:
    np.testing.assert_array_equal(total(ax.zeros((3, 0)), axis=1).get(), np.zeros(3))
    assert total(ax.zeros((0, 3)), axis=1).shape == (0,)
    with pytest.raises(LaunchError, match="no elements, and it has no identity"):
        arg_max(ax.zeros((3, 0)), axis=1)


def test_the_reduced_type_is_chosen(cpu: Device) -> None:
    kernel = ReductionKernel(
        "T x", "int8 y", "x", "a + b", "y = a / 100", "0", "narrow", reduce_type="int"
    )
    assert kernel(ax.full(100, 100, np.int8)).get() == 100


@pytest.mark.parametrize(
    ("arguments", "axis", "error", "words"),
    [
        ((np.zeros(3), np.zeros(3)), 0, LaunchError, r"y has shape \(3,\); the result has \(\)"),
        ((np.zeros(3),), 1, LaunchError, "axis=1 of arrays with 1 axes"),
        ((np.zeros((3, 3)),), (0, 0), LaunchError, r"axis=\(0, 0\)"),
        ((1.0,), None, LaunchError, "no array to reduce"),
        ((), None, ArgumentTypeError, "takes 1 inputs"),
    ],
)
def test_wrong_calls_are_refused(
    cpu: Device, arguments: Any, axis: Any, error: type[Exception], words: str
) -> None:
    values = [ax.asarray(a) if isinstance(a, np.ndarray) else a for a in arguments]
    with pytest.raises(error, match=words):
        total(*values, axis=axis)


def test_it_is_pickled(device: Device) -> None:
    again = pickle.loads(pickle.dumps(arg_max))
    assert again(ax.asarray(np.float32([1, 5, 2]))).get() == 1
