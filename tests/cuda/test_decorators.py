from __future__ import annotations

import numpy as np
import pytest

from accelerx import cuda
from accelerx.cuda.decorators import OPTIONS
from accelerx.cuda.types import float32, float64, int32, void
from accelerx.errors import (
    ArgumentTypeError,
    KernelAssertionError,
    LaunchError,
    UnsupportedError,
)
from accelerx.kernel import DeviceFunction, Kernel
from accelerx.runtime.device import Device


@cuda.jit
def bare(x):
    x[cuda.grid(1)] += 1


@cuda.jit()
def called(x):
    x[cuda.grid(1)] += 1


@pytest.mark.parametrize("kernel", [bare, called], ids=["bare", "called"])
def test_decorator_with_and_without_brackets(device: Device, kernel: Kernel) -> None:
    x = np.zeros(8)
    kernel[1, 8](x)
    np.testing.assert_array_equal(x, np.ones(8))


def test_literals_follow_numba(device: Device) -> None:
    @cuda.jit
    def halves(x, out):
        out[0] = x[0] * 0.1

    out = np.zeros(1, np.float64)
    x = np.ones(1, np.float32)
    halves[1, 1](x, out)
    assert out[0] == 0.1  # in float64; a weak literal would give float32(0.1)


def test_literals_can_be_weak(device: Device) -> None:
    @cuda.jit(literals="weak")
    def halves(x, out):
        out[0] = x[0] * 0.1

    out = np.zeros(1, np.float64)
    halves[1, 1](np.ones(1, np.float32), out)
    assert out[0] == np.float32(0.1)


@pytest.mark.parametrize(
    "signature",
    [
        "void(float32[:], int32)",
        "(float32[::1], int32)",
        (float32[:], int32),
        void(float32[:], int32),
        [void(float64[:], int32), "void(float32[:], int32)"],
    ],
    ids=str,
)
def test_signatures_in_every_form(device: Device, signature: object) -> None:
    @cuda.jit(signature)
    def added(x, n):
        x[cuda.grid(1)] += n

    x = np.zeros(4, np.float32)
    added[1, 4](x, 3)
    np.testing.assert_array_equal(x, [3] * 4)


def test_numbas_own_signature_objects(device: Device) -> None:
    numba = pytest.importorskip("numba")

    @cuda.jit(numba.void(numba.float32[:], numba.int32))
    def added(x, n):
        x[cuda.grid(1)] += n

    x = np.zeros(4, np.float32)
    added[1, 4](x, 3)
    np.testing.assert_array_equal(x, [3] * 4)


def test_arguments_that_fit_no_signature_are_listed(device: Device) -> None:
    @cuda.jit("void(float32[:], int32)")
    def added(x, n):
        x[cuda.grid(1)] += n

    with pytest.raises(ArgumentTypeError, match=r"declared for .*float32.*given.*float64"):
        added[1, 4](np.zeros(4), 3)


def test_device_functions_are_called_from_kernels(device: Device) -> None:
    @cuda.jit(device=True)
    def twice(x):
        return x * 2

    @cuda.jit
    def apply(x):
        i = cuda.grid(1)
        x[i] = twice(x[i])

    x = np.ones(4, np.float32)
    apply[1, 4](x)
    np.testing.assert_array_equal(x, [2] * 4)
    assert isinstance(twice, DeviceFunction)
    assert twice(3) == 6


def test_kernels_are_called_from_kernels_as_functions(device: Device) -> None:
    @cuda.jit
    def inner(x, i):
        x[i] = 5

    @cuda.jit
    def outer(x):
        inner(x, cuda.grid(1))

    x = np.zeros(4, np.float32)
    outer[1, 4](x)
    np.testing.assert_array_equal(x, [5] * 4)


@pytest.mark.parametrize("name", [n for n, row in OPTIONS.items() if not row.refused])
def test_numbas_options_are_accepted(name: str) -> None:
    assert isinstance(cuda.jit(lambda x: None, **{name: None}), Kernel)


def test_linking_is_refused_with_the_reason() -> None:
    with pytest.raises(UnsupportedError, match="not linked"):
        cuda.jit(link=["functions.cu"])(lambda x: None)
    with pytest.raises(UnsupportedError, match="device=True"):
        cuda.declare_device("f", "float32(float32)")


def test_an_unknown_option_gets_a_suggestion() -> None:
    with pytest.raises(TypeError, match="did you mean 'fastmath'"):
        cuda.jit(fast_math=True)


def checked(x):
    assert x[0] > 0, "not positive"
    x[1] = 1


def test_asserts_are_checked_under_debug_only(device: Device) -> None:
    x = np.zeros(2, np.float32)
    cuda.jit(checked)[1, 1](x)
    assert x[1] == 1
    with pytest.raises(KernelAssertionError, match="not positive"):
        cuda.jit(checked, debug=True)[1, 1](x)


def test_forall_covers_its_tasks(device: Device) -> None:
    @cuda.jit
    def guarded(x):
        i = cuda.grid(1)
        if i < x.size:
            x[i] += 1

    x = np.zeros(1000)
    guarded.forall(1000)(x)
    guarded.forall(1000, tpb=64)(x)
    guarded.forall(0)(x)
    np.testing.assert_array_equal(x, [2] * 1000)
    with pytest.raises(LaunchError, match="negative"):
        guarded.forall(-1)


def test_dispatcher_attributes() -> None:
    assert bare.__name__ == "bare"
    assert bare.py_func.__name__ == "bare"
    assert cuda.jit(debug=True, opt=False)(bare.py_func).targetoptions["debug"] is True
    assert isinstance(bare, cuda.CUDADispatcher)


def test_integers_wrap_to_the_declared_type(device: Device) -> None:
    @cuda.jit("void(int64[:], int32)")
    def stored(x, n):
        x[0] = n

    x = cuda.to_device(np.zeros(1, np.int64))
    for n in (1, 2**32 - 1, 2**31):
        stored[1, 1](x, n)
        assert x[0] == np.int64(n).astype(np.int32)
