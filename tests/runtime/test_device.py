from __future__ import annotations

import pickle
import threading

import pytest

from accelerx.errors import DeviceError, UnsupportedError
from accelerx.runtime import device as devices
from accelerx.runtime.device import Device


def test_one_object_per_device(device: Device) -> None:
    assert devices.device(device.name) is device
    assert devices.device(device) is device
    assert pickle.loads(pickle.dumps(device)) is device


def test_the_index_may_be_left_out(device: Device) -> None:
    assert devices.device(device.backend.name) is device


def test_an_index_too_high_says_how_many_there_are(device: Device) -> None:
    name, count = device.backend.name, device.backend.device_count()
    with pytest.raises(DeviceError, match=f"{name} has {count}"):
        devices.device(f"{name}:{count}")


def test_an_unknown_device_gets_a_suggestion() -> None:
    with pytest.raises(DeviceError, match="did you mean 'numpy'"):
        devices.device("numpi")


def test_a_malformed_name_is_explained() -> None:
    with pytest.raises(DeviceError, match="backend:number"):
        devices.device("numpy:first")


def test_with_nests_and_ends(device: Device) -> None:
    fallback = devices.device("numpy")
    with fallback:
        assert devices.current_device() is fallback
        with device:
            assert devices.current_device() is device
        assert devices.current_device() is fallback
    assert devices.current_device() is device


def test_with_is_the_threads_own(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_default", [])
    seen: list[Device] = []
    default = devices.set_device("numpy")
    thread = threading.Thread(target=lambda: seen.append(devices.current_device()))
    thread.start()
    thread.join()
    assert seen == [default]


def test_environment_picks_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_default", [])
    monkeypatch.setenv("ACCELERX_DEVICE", "numpy")
    assert devices.current_device().name == "numpy"


def test_sim_setting_puts_a_models_limits_on_our_code(
    cpu: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCELERX_SIM", "ascend910b")
    assert not cpu.model.supports("float64")
    assert cpu.model.dialect == "llvm"
    assert cpu.model.kind == "cpu"


def test_sim_setting_names_the_nearest_model(cpu: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERX_SIM", "ascend910")
    with pytest.raises(UnsupportedError, match="did you mean 'ascend910b'"):
        _ = cpu.model


def test_models_of_all_devices_are_complete() -> None:
    for one in devices.all_devices():
        assert one.model.max_threads_per_block >= 1024
        assert one.model.supports("float32")
        assert one.memory_stats()["allocated"] >= 0
