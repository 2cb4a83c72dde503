from __future__ import annotations

import numpy as np

from accelerx import cuda
from accelerx.runtime.device import Device


def test_auto_device_makes_arrays_of_what_is_none(device: Device) -> None:
    array, made = cuda.devicearray.auto_device(2)
    assert made
    assert array.copy_to_host() == 2
    assert cuda.devicearray.auto_device(array) == (array, False)
    assert cuda.devicearray.is_cuda_ndarray(array)
    assert not cuda.devicearray.is_cuda_ndarray(np.zeros(1))
