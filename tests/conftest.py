"""Fixtures all tests share: the devices they run on, and a cache folder of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from accelerx.errors import DeviceError
from accelerx.runtime import device as devices
from accelerx.runtime.device import Device

DEVICES = ("cpu", "sim:0", "numpy")


@pytest.fixture(scope="session", autouse=True)
def _private_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads the user's cache or settings."""
    saved = {k: os.environ.pop(k) for k in list(os.environ) if k.startswith("ACCELERX_")}
    os.environ["ACCELERX_CACHE_DIR"] = str(tmp_path_factory.mktemp("cache"))
    os.environ["ACCELERX_FALLBACK"] = "allow"
    yield
    del os.environ["ACCELERX_CACHE_DIR"], os.environ["ACCELERX_FALLBACK"]
    os.environ.update(saved)


def _device(name: str) -> Device:
    try:
        return devices.device(name)
    except DeviceError as e:
        pytest.skip(str(e))


@pytest.fixture(params=DEVICES)
def device(request: pytest.FixtureRequest) -> Iterator[Device]:
    """Each device that this machine has, as the current one."""
    with _device(request.param) as chosen:
        yield chosen


@pytest.fixture
def cpu() -> Iterator[Device]:
    """The CPU, as the current device."""
    with _device("cpu") as chosen:
        yield chosen


@pytest.fixture
def sim() -> Iterator[Device]:
    """The simulated accelerator, as the current device."""
    with _device("sim:0") as chosen:
        yield chosen
