from __future__ import annotations

import numpy as np
import pytest

from accelerx.errors import DeviceError, OutOfMemoryError
from accelerx.runtime import plugin_backend
from accelerx.runtime.device import Device


def test_device_errors_carry_code_and_hint() -> None:
    error = plugin_backend.device_error("it broke", 7, 42, "vendorLaunch", "try again")
    assert isinstance(error, DeviceError)
    assert (error.code, error.vendor_code, error.api) == (7, 42, "vendorLaunch")
    assert "it broke" in str(error)
    assert "hint: try again" in str(error)


def test_out_of_memory_is_a_memory_error() -> None:
    assert isinstance(plugin_backend.device_error("no memory", 2), OutOfMemoryError)


@pytest.mark.parametrize("name", ["cpu", "sim"])
def test_copies_go_in_out_and_across(name: str, request: pytest.FixtureRequest) -> None:
    handle = request.getfixturevalue(name).handle
    sent = np.arange(100, dtype=np.int32)
    a, b = handle.alloc(400), handle.alloc(400)
    handle.copy_from_host(a.ptr, sent, None)
    handle.copy_on_device(b.ptr, a.ptr, 400, None)
    back = np.empty_like(sent)
    handle.copy_to_host(back, b.ptr, None)
    np.testing.assert_array_equal(back, sent)


def test_the_limit_raises_our_error(cpu: Device) -> None:
    try:
        cpu.handle.set_memory_limit(1 << 20)
        with pytest.raises(OutOfMemoryError):
            cpu.handle.alloc(1 << 24)
    finally:
        cpu.handle.set_memory_limit(0)


def test_memory_returns_to_the_pool(cpu: Device) -> None:
    before = cpu.memory_stats()["allocated"]
    memory = cpu.handle.alloc(4096)
    assert cpu.memory_stats()["allocated"] > before
    del memory
    assert cpu.memory_stats()["allocated"] == before


def test_current_stream_is_set_and_reset(cpu: Device) -> None:
    stream = cpu.handle.create_stream()
    cpu.handle.set_current_stream(stream)
    assert cpu.handle.current_stream() is stream
    cpu.handle.set_current_stream(None)
    assert cpu.handle.current_stream().handle == cpu.handle.default_stream.handle
