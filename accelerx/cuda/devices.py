"""numba.cuda's devices and contexts, over the devices of the current backend."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from accelerx.compiler.devices import DeviceModel
from accelerx.errors import DeviceError, FallbackError
from accelerx.runtime.device import Device, current_device, device, set_device


class MemoryInfo(NamedTuple):
    """Bytes of device memory."""

    free: int
    total: int


class CudaDevice:
    """A device under numba's attribute names."""

    def __init__(self, own: Device) -> None:
        self.device = own

    @property
    def id(self) -> int:
        return self.device.index

    @property
    def name(self) -> bytes:
        return self.device.model.name.encode()

    @property
    def uuid(self) -> str:
        return f"accelerx-{self.device.name}"

    @property
    def compute_capability(self) -> tuple[int, int]:
        return self.device.model.compute_capability

    @property
    def WARP_SIZE(self) -> int:
        return self.device.model.warp_size

    def __getattr__(self, name: str) -> int:
        read = _ATTRIBUTES.get(name)
        if read is None:
            known = ", ".join(["WARP_SIZE", *_ATTRIBUTES])
            raise AttributeError(f"device {self.device} has no attribute {name!r}; known: {known}")
        return int(read(self.device.model))

    def reset(self) -> None:
        """Waits for the device's work and gives unused memory back."""
        self.device.synchronize()
        self.device.handle.trim()

    def get_primary_context(self) -> Context:
        return Context(self.device)

    def __enter__(self) -> CudaDevice:
        self.device.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self.device.__exit__(*exception)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CudaDevice) and other.device is self.device

    def __hash__(self) -> int:
        return hash(self.device)

    def __repr__(self) -> str:
        return f"<CUDA device {self.id} '{self.device.model.name}'>"


_ATTRIBUTES: dict[str, Any] = {
    "MULTIPROCESSOR_COUNT": lambda m: m.multiprocessors or 1,
    "MAX_THREADS_PER_BLOCK": lambda m: m.max_threads_per_block,
    "MAX_BLOCK_DIM_X": lambda m: m.max_block[0],
    "MAX_BLOCK_DIM_Y": lambda m: m.max_block[1],
    "MAX_BLOCK_DIM_Z": lambda m: m.max_block[2],
    "MAX_GRID_DIM_X": lambda m: m.max_grid[0],
    "MAX_GRID_DIM_Y": lambda m: m.max_grid[1],
    "MAX_GRID_DIM_Z": lambda m: m.max_grid[2],
    "MAX_SHARED_MEMORY_PER_BLOCK": lambda m: m.max_shared_bytes,
    "COMPUTE_CAPABILITY_MAJOR": lambda m: m.compute_capability[0],
    "COMPUTE_CAPABILITY_MINOR": lambda m: m.compute_capability[1],
    "CAN_MAP_HOST_MEMORY": lambda m: 1,
    "CONCURRENT_KERNELS": lambda m: 1,
}


class Context:
    """A device's context; accelerx has one per device, always there."""

    def __init__(self, own: Device) -> None:
        self._device = own

    @property
    def device(self) -> CudaDevice:
        return CudaDevice(self._device)

    @property
    def id(self) -> int:
        return self._device.index

    def synchronize(self) -> None:
        self._device.synchronize()

    def get_memory_info(self) -> MemoryInfo:
        """Free and total bytes, as far as the device tells."""
        total = self._device.model.memory_bytes
        used = self._device.memory_stats()["allocated"]
        return MemoryInfo(max(total - used, 0), total)

    def reset(self) -> None:
        self.device.reset()

    def __enter__(self) -> Context:
        self._device.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._device.__exit__(*exception)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Context) and other._device is self._device

    def __hash__(self) -> int:
        return hash(self._device)


class DeviceList:
    """The current backend's devices, as ``cuda.gpus`` and ``cuda.list_devices()`` give them."""

    def __len__(self) -> int:
        return current_device().backend.device_count()

    def __getitem__(self, index: int) -> CudaDevice:
        if not 0 <= index < len(self):
            raise IndexError(f"there are {len(self)} devices; {index} is not one of them")
        return CudaDevice(device(f"{current_device().backend.name}:{index}"))

    def __iter__(self) -> Iterator[CudaDevice]:
        return (self[i] for i in range(len(self)))

    @property
    def lst(self) -> list[CudaDevice]:
        return list(self)

    @property
    def current(self) -> CudaDevice:
        return CudaDevice(current_device())

    def __str__(self) -> str:
        return ", ".join(map(str, self))


gpus = DeviceList()


def list_devices() -> DeviceList:
    """The current backend's devices."""
    return gpus


def select_device(device_id: int) -> CudaDevice:
    """Makes a device of the current backend the default."""
    return CudaDevice(set_device(gpus[device_id].device))


def get_current_device() -> CudaDevice:
    """The current device."""
    return CudaDevice(current_device())


def current_context(devnum: int | None = None) -> Context:
    """The context of the current device, or of one by number."""
    return Context(current_device() if devnum is None else gpus[devnum].device)


def is_available() -> bool:
    """Whether kernels run here; only a forbidden fallback says no."""
    try:
        current_device()
    except (DeviceError, FallbackError):
        return False
    return True


def cuda_error() -> Exception | None:
    """Why ``is_available`` is false, or None."""
    try:
        current_device()
    except (DeviceError, FallbackError) as e:
        return e
    return None


def is_supported_version() -> bool:
    """True: accelerx needs no CUDA runtime of a certain version."""
    return True


def detect() -> bool:
    """Prints the devices of the current backend."""
    print(f"Found {len(gpus)} CUDA devices")
    for one in gpus:
        print(_described(one.id, one.device.model))
    print(f"Summary:\n\t{len(gpus)}/{len(gpus)} devices are supported")
    return len(gpus) > 0


def _described(index: int, model: DeviceModel) -> str:
    major, minor = model.compute_capability
    return (
        f"id {index}    {model.name!r:>40}    [SUPPORTED]\n"
        f"                      Compute Capability: {major}.{minor}"
    )


def close() -> None:
    """Waits for the devices' work and gives unused memory back."""
    for one in gpus:
        one.reset()


def synchronize() -> None:
    """Waits for all work of the current device and raises what failed in it."""
    current_device().handle.synchronize()


__all__ = [
    "Context", "CudaDevice", "close", "cuda_error", "current_context", "detect",
    "get_current_device", "gpus", "is_available", "is_supported_version", "list_devices",
    "select_device", "synchronize",
]  # fmt: skip
