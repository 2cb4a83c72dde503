from __future__ import annotations

from array import array as python_array

import numpy as np
import pytest

import accelerx as ax
from accelerx import interop
from accelerx.errors import HostAccessError, UnsupportedError
from accelerx.runtime.device import Device


class OnDevice:
    """Says that its memory is a CUDA device's."""

    __cuda_array_interface__ = {
        "version": 3, "data": (4096, False), "shape": (4,), "typestr": "<f4", "strides": None,
    }  # fmt: skip

    def __dlpack_device__(self) -> tuple[int, int]:
        return (2, 0)


class Exporter:
    """Has DLPack's two methods and nothing else."""

    def __init__(self, host: np.ndarray) -> None:
        self.host = host

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)

    def __dlpack__(self, **options: object) -> object:
        return self.host.__dlpack__(**options)


def test_dlpack_shares_host_memory(cpu: Device) -> None:
    host = np.arange(4, dtype=np.float32)
    array = interop.from_dlpack(Exporter(host))
    host[0] = 9
    np.testing.assert_array_equal(array.copy_to_host(), host)


def test_dlpack_is_copied_to_other_devices(sim: Device) -> None:
    host = np.arange(4, dtype=np.float32)
    array = interop.from_dlpack(Exporter(host))
    assert array.device is sim
    np.testing.assert_array_equal(array.copy_to_host(), host)


def test_dlpack_of_our_own_array_is_itself(device: Device) -> None:
    array = ax.zeros(3)
    assert interop.from_dlpack(array) is array


def test_foreign_device_memory_is_refused() -> None:
    with pytest.raises(HostAccessError, match="device type 2"):
        interop.from_dlpack(OnDevice())


def test_what_has_no_dlpack_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="__dlpack__"):
        interop.from_dlpack(3)


def test_cuda_memory_needs_a_cuda_device(device: Device) -> None:
    with pytest.raises(UnsupportedError, match="copy it through the host"):
        interop.as_cuda_array(OnDevice())


def test_our_own_array_is_a_cuda_array(device: Device) -> None:
    array = ax.zeros(3)
    assert interop.is_cuda_array(array)
    assert interop.as_cuda_array(array) is array
    assert interop.is_cuda_array(OnDevice())
    assert not interop.is_cuda_array(np.zeros(3))


def test_a_python_buffer_is_no_kernel_array() -> None:
    assert interop.host_array(python_array("f", [1.0])) is None


@pytest.mark.parametrize("view", [np.s_[:], np.s_[::2], np.s_[::-1], np.s_[2:]], ids=str)
def test_lent_arrays_are_the_memory_itself(cpu: Device, view: slice) -> None:
    host = np.arange(8, dtype=np.float32)[view]
    lent = interop.lend(host, cpu)
    assert lent is not None
    assert lent.shape == host.shape
    assert lent.strides == host.strides
    assert lent.ptr == host.ctypes.data


def test_read_only_arrays_are_lent_read_only(cpu: Device) -> None:
    host = np.arange(8, dtype=np.float32)
    host.flags.writeable = False
    lent = interop.lend(host, cpu)
    assert lent is not None
    assert not lent.writable


def test_odd_addresses_and_foreign_bytes_are_not_lent(cpu: Device) -> None:
    packed = np.zeros(4, np.dtype([("a", "i1"), ("b", "f4")]))["b"]
    assert interop.lend(packed, cpu) is None
    assert interop.lend(np.zeros(4, ">f4"), cpu) is None


def test_other_devices_borrow_nothing(sim: Device) -> None:
    assert interop.lend(np.zeros(4, np.float32), sim) is None
