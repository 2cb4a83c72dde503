from __future__ import annotations

import gc

import numpy as np
import pytest

from accelerx.errors import DeviceError, OutOfMemoryError
from accelerx.runtime.backend import Image
from accelerx.runtime.numpy_backend import NumpyBackend, NumpyDevice


@pytest.fixture
def handle() -> NumpyDevice:
    return NumpyBackend().device(0)


def test_there_is_one_device() -> None:
    backend = NumpyBackend()
    assert backend.device_count() == 1
    with pytest.raises(DeviceError, match="one device"):
        backend.device(1)


def test_copies_go_in_out_and_across(handle: NumpyDevice) -> None:
    sent = np.arange(100, dtype=np.int32)
    a, b = handle.alloc(400), handle.alloc(400)
    handle.copy_from_host(a.ptr, sent, None)
    handle.copy_on_device(b.ptr, a.ptr, 400, None)
    back = np.empty_like(sent)
    handle.copy_to_host(back, b.ptr, None)
    np.testing.assert_array_equal(back, sent)


def test_fill_sets_bytes(handle: NumpyDevice) -> None:
    memory = handle.alloc(16)
    handle.fill(memory.ptr, 0xFF, 16, None)
    back = np.empty(4, np.int32)
    handle.copy_to_host(back, memory.ptr, None)
    assert (back == -1).all()


def test_memory_is_aligned_and_counted(handle: NumpyDevice) -> None:
    blocks = [handle.alloc(n) for n in (0, 1, 1000)]
    assert all(block.ptr % 256 == 0 for block in blocks)
    assert handle.memory_stats()["allocated"] == 1001
    del blocks
    gc.collect()
    assert handle.memory_stats()["allocated"] == 0
    assert handle.memory_stats()["peak"] == 1001


def test_the_limit_is_kept_and_named(handle: NumpyDevice) -> None:
    handle.set_memory_limit(1000)
    kept = handle.alloc(600)
    with pytest.raises(OutOfMemoryError, match="600 of the limit of 1000"):
        handle.alloc(600)
    assert kept.nbytes == 600


def test_addresses_of_nothing_are_refused(handle: NumpyDevice) -> None:
    with pytest.raises(DeviceError, match="not an address"):
        handle.copy_to_host(np.empty(4, np.uint8), 4096, None)
    memory = handle.alloc(16)
    with pytest.raises(DeviceError, match="leave a block of 16 bytes"):
        handle.copy_to_host(np.empty(64, np.uint8), memory.ptr, None)


def test_only_kir_is_loaded(handle: NumpyDevice) -> None:
    with pytest.raises(DeviceError, match="as text"):
        handle.load(Image("text", b"", "k", (), 0, (1, 1, 1), 0, 0, None))


def test_events_measure_time(handle: NumpyDevice) -> None:
    start, end = handle.create_event(), handle.create_event()
    with pytest.raises(DeviceError, match="never recorded"):
        start.elapsed(end)
    start.record(handle.default_stream)
    end.record(handle.default_stream)
    assert start.elapsed(end) >= 0
    assert end.query()


def test_streams_are_the_threads_own(handle: NumpyDevice) -> None:
    stream = handle.create_stream()
    handle.set_current_stream(stream)
    assert handle.current_stream() is stream
    handle.set_current_stream(None)
    assert handle.current_stream() is handle.default_stream
