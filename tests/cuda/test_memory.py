from __future__ import annotations

import numpy as np
import pytest

from accelerx import cuda
from accelerx.runtime.device import Device


def test_to_device_copies(device: Device) -> None:
    host = np.arange(6, dtype=np.int32).reshape(2, 3)
    array = cuda.to_device(host)
    host[0, 0] = 99
    np.testing.assert_array_equal(array.copy_to_host(), np.arange(6).reshape(2, 3))
    assert isinstance(array, cuda.DeviceNDArray)
    assert array.device is device


def test_to_device_takes_lists_and_device_arrays(device: Device) -> None:
    array = cuda.to_device([1.0, 2.0])
    again = cuda.to_device(array)
    assert again is not array
    np.testing.assert_array_equal(again.copy_to_host(), [1.0, 2.0])


def test_to_device_fills_a_given_array(device: Device) -> None:
    target = cuda.device_array(3, np.float32)
    assert cuda.to_device(np.ones(3, np.float32), to=target) is target
    np.testing.assert_array_equal(target.copy_to_host(), [1, 1, 1])


def test_to_device_without_copy_only_allocates(device: Device) -> None:
    assert cuda.to_device(np.ones(3, np.float32), copy=False).shape == (3,)


@pytest.mark.parametrize("order", ["C", "F"])
def test_device_array_has_the_asked_layout(device: Device, order: str) -> None:
    array = cuda.device_array((2, 3), np.float32, order=order)
    assert array.layout == order
    assert cuda.device_array_like(array).layout == order
    assert cuda.device_array((2, 3)).dtype == np.float64


def test_device_array_takes_strides(device: Device) -> None:
    array = cuda.device_array((2, 3), np.float32, strides=(16, 4))
    assert array.strides == (16, 4)
    array[...] = 1
    assert array.copy_to_host().sum() == 6


def test_host_arrays_for_kernels_are_ordinary(device: Device) -> None:
    @cuda.jit
    def filled(x):
        x[cuda.grid(1)] = 3

    for make in (cuda.pinned_array, cuda.mapped_array, cuda.managed_array):
        x = make(4, np.float32)
        assert isinstance(x, np.ndarray)
        filled[1, 4](x)
        cuda.synchronize()
        np.testing.assert_array_equal(x, [3] * 4)
    with cuda.pinned(x), cuda.defer_cleanup():
        assert cuda.pinned_array_like(x).shape == x.shape
        assert cuda.mapped_array_like(x).dtype == x.dtype


def test_device_arrays_are_told_apart(device: Device) -> None:
    assert cuda.is_device_array(cuda.device_array(1))
    assert not cuda.is_device_array(np.zeros(1))
    array = cuda.device_array(1)
    assert cuda.is_cuda_array(array)
    assert cuda.as_cuda_array(array) is array
