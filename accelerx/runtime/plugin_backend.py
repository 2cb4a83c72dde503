"""Backends behind the C ABI; the only file that imports the compiled core.

The core's objects are handed on as they are, for the hot path's sake; this file adds the host's view
of them: our exceptions for the core's, and ``load`` for an Image.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from accelerx.errors import DeviceError, OutOfMemoryError, PluginError
from accelerx.runtime.backend import Image

if TYPE_CHECKING:
    from accelerx import _core
    from accelerx._core import Device, Event, Function, Memory, Plugin, Stream

try:
    import accelerx._core as _core

    MISSING = ""
except ImportError as error:
    MISSING = str(error)

OUT_OF_MEMORY = 2


def core_attribute(name: str) -> Any | None:
    """A name of the compiled core, or None where the core is not built."""
    return None if MISSING else getattr(_core, name)


class _NoCoreError(Exception):
    """Stands for the core's error where there is no core; never raised."""


CoreError: type[Exception] = core_attribute("CoreError") or _NoCoreError


class _Translation:
    """Turns the core's errors into accelerx's; one object serves all, as it holds nothing."""

    def __enter__(self) -> None:
        return

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if isinstance(error, CoreError):
            raise device_error(*error.args) from error


_TRANSLATION = _Translation()


def translated() -> _Translation:
    """A context in which the core's errors become accelerx's."""
    return _TRANSLATION


def device_error(
    message: str,
    code: int | None = None,
    vendor_code: int | None = None,
    api: str = "",
    hint: str = "",
) -> DeviceError | OutOfMemoryError:
    """The exception for what a plugin reported."""
    text = f"{message}\n  hint: {hint}" if hint else message
    if code == OUT_OF_MEMORY:
        return OutOfMemoryError(text)
    return DeviceError(text, code=code, vendor_code=vendor_code, api=api, hint=hint)


class PluginDevice:
    """A device of a plugin, with our exceptions; see ``backend.DeviceHandle``."""

    __slots__ = ("raw",)

    def __init__(self, raw: Device) -> None:
        self.raw = raw

    @property
    def index(self) -> int:
        return self.raw.index

    def model(self) -> str:
        with translated():
            return self.raw.model()

    def alloc(self, nbytes: int) -> Memory:
        with translated():
            return self.raw.alloc(nbytes)

    def memory_stats(self) -> dict[str, int]:
        return self.raw.memory_stats()

    def set_memory_limit(self, nbytes: int) -> None:
        self.raw.set_memory_limit(nbytes)

    def trim(self) -> None:
        with translated():
            self.raw.trim()

    @property
    def default_stream(self) -> Stream:
        return self.raw.default_stream

    def create_stream(self) -> Stream:
        with translated():
            return self.raw.create_stream()

    def create_event(self, timing: bool = True) -> Event:
        with translated():
            return self.raw.create_event(timing)

    def copy_from_host(self, dst: int, src: object, stream: Stream | None) -> None:
        with translated():
            self.raw.copy_from_host(dst, src, stream)

    def copy_to_host(self, dst: object, src: int, stream: Stream | None) -> None:
        with translated():
            self.raw.copy_to_host(dst, src, stream)

    def copy_on_device(self, dst: int, src: int, nbytes: int, stream: Stream | None) -> None:
        with translated():
            self.raw.copy_on_device(dst, src, nbytes, stream)

    def fill(self, dst: int, value: int, nbytes: int, stream: Stream | None) -> None:
        with translated():
            self.raw.fill(dst, value, nbytes, stream)

    def load(self, image: Image) -> Function:
        with translated():
            return self.raw.load(
                image.format,
                image.code,
                image.entry,
                image.params,
                image.packed_size,
                image.block,
                image.shared_bytes,
                image.scratch_bytes,
                image.keep_alive,
                cooperative=image.cooperative,
            )

    def synchronize(self) -> None:
        try:  # on the hot path: cheaper than a context
            self.raw.synchronize()
        except CoreError as e:
            raise device_error(*e.args) from e

    def current_stream(self) -> Stream:
        return _core.current_stream(self.raw)

    def set_current_stream(self, stream: Stream | None) -> None:
        _core.set_current_stream(self.raw, stream)


class PluginBackend:
    """An opened plugin; see ``backend.Backend``."""

    __slots__ = ("_devices", "_plugin")

    dispatchable = True

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin
        self._devices: dict[int, PluginDevice] = {}

    @property
    def name(self) -> str:
        return self._plugin.name

    @property
    def dialect(self) -> str:
        return self._plugin.dialect

    @property
    def source(self) -> str:
        return self._plugin.path

    @property
    def host_memory(self) -> bool:
        return self._plugin.host_memory

    @property
    def takes_host_pointers(self) -> bool:
        return self._plugin.host_memory

    def device_count(self) -> int:
        with translated():
            return self._plugin.device_count()

    def device(self, index: int) -> PluginDevice:
        with translated():
            if index not in self._devices:
                self._devices[index] = PluginDevice(self._plugin.device(index))
        return self._devices[index]


def get_include() -> str:
    """The folder to give a C compiler for ``#include <accelerx/backend.h>``."""
    package = Path(__file__).parents[1]
    installed = package / "include"
    return str(installed if installed.is_dir() else package.parent / "csrc" / "include")


def open_plugin(path: str) -> PluginBackend:
    """Opens the shared library at ``path``.

    Raises:
        PluginError: with the reason as a sentence.
    """
    if MISSING:
        raise PluginError(f"plugins need the compiled core, which is missing: {MISSING}")
    try:
        return PluginBackend(_core.Plugin.open(path))
    except CoreError as e:
        raise PluginError(str(e.args[0])) from e
