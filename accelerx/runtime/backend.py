"""The contract of a backend, as Protocols: what the runtime may ask of devices.

Backends come in two kinds: plugins behind the C ABI (``plugin_backend``) and the NumPy fallback
(``numpy_backend``). Everything above this room speaks to both through these classes and does not
know which it holds. Pointers are integers that only their own backend can interpret.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Dim3 = tuple[int, int, int]
SiteCallback = Callable[[int, Dim3, Dim3, tuple[int, ...]], bool]
PlanRow = tuple[int, int, int, int, int]  # kind, argument, axis, dtype code, offset

BUFFER, SCALAR = 0, 1  # kinds of a packed parameter
ADDRESS, VALUE, EXTENT, STRIDE = 0, 1, 2, 3  # kinds of a plan's row


@dataclass(frozen=True, slots=True)
class Image:
    """A compiled kernel as ``load`` takes it.

    Attributes:
        format: ``address`` (a function of this process), ``text``, ``object``, ``image``, or ``kir``
            (a Kernel object, for the interpreter).
        code: The address, the bytes, or the Kernel.
        entry: The function's name in the code.
        params: (kind, size, align, offset) of each packed parameter; kind is BUFFER or SCALAR.
        packed_size: Bytes of the packed argument buffer.
        block: The block shape that the code is specialised on.
        shared_bytes: Static shared memory of one block.
        scratch_bytes: Worker-local memory that the code wants (dialect ``llvm``).
        keep_alive: What owns the code; held until the last launch has ended.
        cooperative: Whether its blocks wait for each other, so that all of a launch are resident.
    """

    format: Literal["address", "text", "object", "image", "kir"]
    code: Any
    entry: str
    params: tuple[tuple[int, int, int, int], ...]
    packed_size: int
    block: Dim3
    shared_bytes: int
    scratch_bytes: int
    keep_alive: object
    cooperative: bool = False


class Memory(Protocol):
    """A block of device memory; it returns to its pool when the object dies."""

    @property
    def ptr(self) -> int: ...
    @property
    def nbytes(self) -> int: ...


class StreamHandle(Protocol):
    """A queue of work: what is put in runs in order. All of it **must** be there."""

    @property
    def handle(self) -> int: ...
    def synchronize(self) -> None: ...
    def query(self) -> bool: ...
    def wait(self, event: Any) -> None: ...


class EventHandle(Protocol):
    """A point in a stream. All of it **must** be there."""

    def record(self, stream: Any) -> None: ...
    def synchronize(self) -> None: ...
    def query(self) -> bool: ...
    def elapsed(self, end: Any) -> float:
        """Milliseconds from this event to ``end``; both made with timing."""
        ...


class Function(Protocol):
    """A loaded kernel.

    ``on_site`` is called as (site, block, thread, values) for a print or a failed check of the running
    kernel; it returns True to stop the launch. What it raises is raised by the launch, or by the
    next synchronisation of an asynchronous one.
    """

    on_site: SiteCallback | None

    def launch(
        self,
        grid: Dim3,
        shared_bytes: int,
        packed: bytes,
        keep_alive: object,
        stream: Any | None,
    ) -> None:
        """Runs the kernel over ``grid``; None is the calling thread's current stream.

        ``keep_alive`` **must** be held until the launch has ended.
        """
        ...


class DeviceHandle(Protocol):
    """One device of a backend."""

    @property
    def index(self) -> int: ...
    def model(self) -> str:
        """**Must**: the device's model as JSON, see ``compiler.devices.DeviceModel``."""
        ...

    def alloc(self, nbytes: int) -> Memory:
        """**Must**: memory aligned to 256 bytes. Zero bytes give a valid block.

        Raises:
            OutOfMemoryError: with the pool's state.
        """
        ...

    def memory_stats(self) -> dict[str, int]: ...
    def set_memory_limit(self, nbytes: int) -> None: ...
    def trim(self) -> None: ...
    @property
    def default_stream(self) -> Any: ...
    def create_stream(self) -> Any: ...
    def create_event(self, timing: bool = True) -> Any: ...
    def copy_from_host(self, dst: int, src: object, stream: Any | None) -> None:
        """**Must**: copies a C-contiguous host buffer; ``src`` may be reused when it returns."""
        ...

    def copy_to_host(self, dst: object, src: int, stream: Any | None) -> None:
        """**Must**: fills a writable C-contiguous host buffer; done when it returns."""
        ...

    def copy_on_device(self, dst: int, src: int, nbytes: int, stream: Any | None) -> None: ...
    def fill(self, dst: int, value: int, nbytes: int, stream: Any | None) -> None: ...
    def load(self, image: Image) -> Function: ...
    def synchronize(self) -> None:
        """**Must**: waits for all streams and raises what is pending."""
        ...

    def current_stream(self) -> Any:
        """**Must**: the calling thread's current stream of this device."""
        ...

    def set_current_stream(self, stream: Any | None) -> None:
        """**Must**: None is the default stream."""
        ...


class Backend(Protocol):
    """A family of devices that take one kernel language."""

    @property
    def name(self) -> str: ...
    @property
    def dialect(self) -> str: ...
    @property
    def source(self) -> str:
        """Where it was found, for messages."""
        ...

    @property
    def host_memory(self) -> bool:
        """Whether its memory is ordinary memory of this process, so that NumPy may look at it."""
        ...

    @property
    def takes_host_pointers(self) -> bool:
        """Whether kernels can be given any memory of this process."""
        ...

    @property
    def dispatchable(self) -> bool:
        """Whether the core's dispatcher can launch its functions."""
        ...

    def device_count(self) -> int: ...
    def device(self, index: int) -> DeviceHandle: ...
