"""The C++ core as Python sees it. Only accelerx/runtime/plugin_backend.py imports it."""

from collections.abc import Callable, Sequence
from typing import Any

ABI_MAJOR: int
ABI_MINOR: int

class CoreError(Exception):
    """A plugin's error: args = (message, code, vendor_code, api, hint)."""

class ArrayBase:
    """What a launch needs of an array, as C fields: base class of ``accelerx.ndarray``.

    ``key`` is an interned object that stands for (device, dtype, ndim, layout, writable): launches
    compare it by identity. ``strides`` are in elements. ``owner`` keeps the memory alive.
    """

    def __init__(
        self, key: object, ptr: int, shape: tuple[int, ...], strides: tuple[int, ...], owner: object
    ) -> None: ...
    @property
    def key(self) -> object: ...
    @property
    def ptr(self) -> int: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def strides(self) -> tuple[int, ...]: ...
    @property
    def owner(self) -> object: ...

class Plugin:
    """An opened backend plugin. Opening one twice gives the same object."""

    @staticmethod
    def open(path: str) -> Plugin: ...  # raises CoreError with every reason as a sentence
    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def dialect(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def abi_minor(self) -> int: ...
    @property
    def dl_device_type(self) -> int: ...
    @property
    def host_memory(self) -> bool: ...  # its memory is ordinary memory of this process (cpu)
    @property
    def sync_default(self) -> bool: ...  # a launch on the default stream is done when it returns
    def device_count(self) -> int: ...
    def device(self, index: int) -> Device: ...

class Device:
    @property
    def plugin(self) -> Plugin: ...
    @property
    def index(self) -> int: ...
    def model(self) -> str: ...  # the device model as JSON text
    def alloc(self, nbytes: int) -> Memory: ...  # from the pool
    def memory_stats(self) -> dict[str, int]:
        """Bytes allocated, reserved, cached, peak, peak_reserved, limit; counts blocks, hits, misses."""
    def reset_peak_memory(self) -> None: ...
    def set_memory_limit(self, nbytes: int) -> None: ...  # 0: none
    def trim(self) -> None: ...  # synchronises, then gives cached blocks back
    @property
    def default_stream(self) -> Stream: ...
    def create_stream(self) -> Stream: ...
    def create_event(self, timing: bool = True) -> Event: ...
    def copy_from_host(self, dst: int, src: object, stream: Stream | None) -> None: ...
    def copy_to_host(self, dst: object, src: int, stream: Stream | None) -> None: ...
    def copy_on_device(self, dst: int, src: int, nbytes: int, stream: Stream | None) -> None: ...
    def fill(self, dst: int, value: int, nbytes: int, stream: Stream | None) -> None: ...
    def load(
        self,
        format: str,  # "address" | "text" | "object" | "image"
        code: int | bytes,
        entry: str,
        params: Sequence[
            tuple[int, int, int, int]
        ],  # (kind: 0 buffer 1 scalar, size, align, offset)
        packed_size: int,
        block: tuple[int, int, int],
        shared_bytes: int,
        scratch_bytes: int,
        keep_alive: object,
        options: str = "",  # for the vendor's compiler
        cooperative: bool = False,  # whether blocks wait for each other
    ) -> Function: ...
    def synchronize(self) -> None: ...  # raises what is pending

class Memory:
    """A block of device memory; returns to the pool when the object dies."""

    @property
    def ptr(self) -> int: ...
    @property
    def nbytes(self) -> int: ...

class Stream:
    @property
    def device(self) -> Device: ...
    @property
    def handle(self) -> int: ...
    def synchronize(self) -> None: ...
    def query(self) -> bool: ...
    def wait(self, event: Event) -> None: ...

class Event:
    def record(self, stream: Stream) -> None: ...
    def synchronize(self) -> None: ...
    def query(self) -> bool: ...
    def elapsed(self, end: Event) -> float: ...  # milliseconds

class Function:
    """A loaded kernel.

    A launch on a stream that is not synchronous keeps the memory of the device's pool that it uses
    from being handed out again, and ``keep_alive`` (or the arrays' owners) for all other memory.
    A grid with a zero raises.

    ``on_site`` (settable) is called with (site, block, thread, values) for a kernel's print and for a
    failed check; it returns True to stop the launch, and what it raises is raised by the launch, or
    at the stream's next synchronisation if the launch has returned. Floats in ``values`` are the bits
    of a double as an int.
    """

    @property
    def name(self) -> str: ...

    on_site: (
        Callable[[int, tuple[int, int, int], tuple[int, int, int], tuple[int, ...]], bool] | None
    )
    def launch(
        self,
        grid: tuple[int, int, int],
        shared_bytes: int,
        packed: bytes,
        keep_alive: object,
        stream: Stream | None,
    ) -> None: ...

class Dispatcher:
    """``kernel[grid, block, stream, shared]``: the hot path of a launch.

    Calling it compares each argument's key (an ArrayBase's ``key``; else its exact type) with the
    remembered specialisations, packs and launches. When none matches, ``miss(*args)`` is called and
    has to launch by itself (and may ``add`` a specialisation first, to hit next time). A number that
    does not fit its scalar's dtype raises OverflowError.
    What a remembered launch raises goes to ``failed(error, *args)`` if it is given, which raises or
    launches in another way.
    ``plan`` rows are (kind, argument, axis, dtype_code, offset): kind 0 address, 1 scalar value,
    2 extent (i64), 3 stride (i64); dtype_code is DLPack code * 256 + bits (bool: 6*256+8).
    """

    def __init__(
        self, miss: Callable[..., None], failed: Callable[..., None] | None = None
    ) -> None: ...
    def __call__(self, *args: Any) -> None: ...
    def add(
        self,
        keys: tuple[object, ...],
        function: Function,
        plan: Sequence[tuple[int, int, int, int, int]],
        grid: tuple[int, int, int],
        shared_bytes: int,
        stream: Stream | None,  # None: the calling thread's current stream of the device
    ) -> None: ...

def set_current_stream(device: Device, stream: Stream | None) -> None: ...  # per thread
def current_stream(device: Device) -> Stream: ...
def set_launch_blocking(enabled: bool) -> None: ...  # every launch waits until it is done
def shutdown() -> None: ...  # registered with atexit
