from __future__ import annotations

import threading

import pytest

from accelerx import cuda
from accelerx.runtime import device as devices
from accelerx.runtime.device import Device


def test_gpus_are_the_current_backends_devices(device: Device) -> None:
    assert len(cuda.gpus) == device.backend.device_count()
    assert cuda.gpus[device.index].device is device
    assert [d.id for d in cuda.list_devices()] == list(range(len(cuda.gpus)))
    with pytest.raises(IndexError):
        cuda.gpus[99]


def test_the_current_device_describes_itself(device: Device) -> None:
    current = cuda.get_current_device()
    assert current == cuda.gpus.current
    assert current.name == device.model.name.encode()
    assert current.WARP_SIZE == 32
    assert device.model.max_threads_per_block == current.MAX_THREADS_PER_BLOCK
    assert current.MULTIPROCESSOR_COUNT >= 1
    assert current.compute_capability >= (7, 0)
    assert current.id == device.index
    with pytest.raises(AttributeError, match="MAX_GRID_DIM_X"):
        _ = current.MAX_GRID_DIM_W


def test_devices_are_contexts(device: Device) -> None:
    with cuda.gpus[device.index] as entered:
        assert entered.device is devices.current_device()


def test_select_device_sets_the_default(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_default", [])
    cuda.select_device(device.index)
    seen: list[Device] = []
    thread = threading.Thread(target=lambda: seen.append(devices.current_device()))
    thread.start()
    thread.join()
    assert seen == [device]


def test_the_context_waits_and_tells_memory(device: Device) -> None:
    context = cuda.current_context()
    context.synchronize()
    free, total = context.get_memory_info()
    assert 0 <= free <= total
    assert context == cuda.current_context(device.index)
    assert context.device == cuda.get_current_device()


def test_kernels_are_available(device: Device) -> None:
    assert cuda.is_available()
    assert cuda.cuda_error() is None


def test_detect_lists_devices(device: Device, capsys: pytest.CaptureFixture[str]) -> None:
    assert cuda.detect()
    assert device.model.name in capsys.readouterr().out


def test_arrays_survive_close(device: Device) -> None:
    array = cuda.to_device([1.0])
    cuda.close()
    assert array[0] == 1.0
