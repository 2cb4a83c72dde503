"""Devices as users hold them, and which one is current.

``set_device`` (or ``ACCELERX_DEVICE``) picks the process's default; ``with device(...):`` overrides
it for the running context. Devices of one name are one object.
"""

from __future__ import annotations

import threading
from contextvars import ContextVar
from typing import Any

from accelerx import config
from accelerx.compiler import devices
from accelerx.compiler.devices import DeviceModel
from accelerx.errors import DeviceError
from accelerx.runtime.backend import Backend, DeviceHandle
from accelerx.runtime.registry import COMPILED_HERE, model_of, registry


class Device:
    """A place where memory lives and kernels run.

    As a context manager it is the current device of the block.
    """

    def __init__(self, backend: Backend, index: int) -> None:
        self.backend = backend
        self.index = index
        self.handle: DeviceHandle = backend.device(index)
        own = model_of(backend, index)
        single = own.kind in ("cpu", "interpreter")
        self.name = backend.name if single else f"{backend.name}:{index}"
        self.own_model = own

    @property
    def model(self) -> DeviceModel:
        """Its limits: its own, or those that ``ACCELERX_SIM`` puts on our CPU code."""
        name = config.SIM.get()
        if name and self.dialect == COMPILED_HERE:
            return devices.constrained(self.own_model, devices.model(name))
        return self.own_model

    @property
    def dialect(self) -> str:
        """The kernel language it takes."""
        return self.backend.dialect

    @property
    def host_memory(self) -> bool:
        """Whether its memory is ordinary memory of this process."""
        return self.backend.host_memory

    def synchronize(self) -> None:
        """Waits for all of its streams; raises what failed in them."""
        self.handle.synchronize()

    def memory_stats(self) -> dict[str, int]:
        """Bytes in use, at most in use, kept, and the limit."""
        return self.handle.memory_stats()

    def __enter__(self) -> Device:
        _entered.set((*_entered.get(), self))
        return self

    def __exit__(self, *exception: object) -> None:
        _entered.set(_entered.get()[:-1])

    def __repr__(self) -> str:
        return f"<Device {self.name}>"

    def __str__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Any, ...]:
        return device, (self.name,)


_lock = threading.Lock()
_devices: dict[tuple[str, int], Device] = {}
_default: list[Device] = []
_entered: ContextVar[tuple[Device, ...]] = ContextVar("accelerx_device", default=())


def device(spec: str | Device) -> Device:
    """The device called ``spec``: ``"cpu"``, ``"sim:0"``, ``"sim"`` (its first) and so on.

    Raises:
        DeviceError: if there is none; the message lists what there is.
    """
    if isinstance(spec, Device):
        return spec
    name, _, number = str(spec).partition(":")
    if number and not number.isdecimal():
        raise DeviceError(f"{spec!r} is not a device's name: write backend:number, as in 'sim:0'")
    index = int(number or 0)
    backends = registry()
    backend = backends.get(name)
    count = backend.device_count()
    if index >= count:
        raise DeviceError(f"there is no device {spec!r}: {name} has {count}, numbered from 0")
    with _lock:
        if (name, index) not in _devices:
            _devices[name, index] = Device(backend, index)
        return _devices[name, index]


def all_devices() -> list[Device]:
    """Every usable device of every backend."""
    return [
        device(f"{name}:{index}")
        for name, backend in registry().backends.items()
        for index in range(backend.device_count())
    ]


def current_device() -> Device:
    """The device that creation and launches without arrays use now."""
    entered = _entered.get()
    return entered[-1] if entered else _default[0] if _default else _choose_default()


def _choose_default() -> Device:
    spec = config.DEVICE.get()
    chosen = device(spec) if spec else device(registry().best().name)
    with _lock:
        if not _default:
            _default.append(chosen)
    return _default[0]


def set_device(spec: str | Device) -> Device:
    """Makes a device the process's default."""
    chosen = device(spec)
    with _lock:
        _default[:] = [chosen]
    return chosen


def memory_stats(spec: str | Device | None = None) -> dict[str, int]:
    """Bytes allocated, cached and at most allocated on a device (the current one), and its limit."""
    return (current_device() if spec is None else device(spec)).memory_stats()
