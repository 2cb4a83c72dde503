"""Streams and events as users hold them, on any device."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from accelerx.runtime.device import Device, current_device
from accelerx.runtime.plugin_backend import translated

_local = threading.local()


def _entered() -> list[Any]:
    """The calling thread's streams that ``with`` blocks left behind, innermost last."""
    if not hasattr(_local, "streams"):
        _local.streams = []
    streams: list[Any] = _local.streams
    return streams


class Stream:
    """A queue of work on one device: what is put in runs in order, beside other streams.

    As a context manager it is the calling thread's current stream of its device.
    """

    def __init__(self, device: Device | None = None, *, raw: Any | None = None) -> None:
        self.device = current_device() if device is None else device
        self.raw = self.device.handle.create_stream() if raw is None else raw

    @property
    def handle(self) -> int:
        """The backend's own handle, as a number."""
        return int(self.raw.handle)

    def synchronize(self) -> None:
        """Waits until all work in the stream has ended; raises what failed."""
        with translated():
            self.raw.synchronize()

    def query(self) -> bool:
        """Whether all work in the stream has ended."""
        with translated():
            return bool(self.raw.query())

    def wait(self, event: Event) -> None:
        """Later work of this stream waits for ``event``."""
        with translated():
            self.raw.wait(event.raw)

    def record(self, event: Event | None = None) -> Event:
        """Records an event (a new one if none is given) behind the work so far."""
        event = Event(self.device) if event is None else event
        event.record(self)
        return event

    @contextmanager
    def auto_synchronize(self) -> Iterator[Stream]:
        """Waits for the stream at the end of the block."""
        yield self
        self.synchronize()

    def add_callback(
        self, callback: Callable[[Stream, int, Any], None], arg: Any | None = None
    ) -> None:
        """Calls ``callback(stream, status, arg)`` from another thread once the work so far is done.

        Status is 0, or 1 if the work failed.
        """
        event = self.record()

        def wait() -> None:
            status = 0
            try:
                event.synchronize()
            except Exception:  # reported by the stream's next synchronisation; here as the status
                status = 1
            callback(self, status, arg)

        threading.Thread(target=wait, name="accelerx-callback", daemon=True).start()

    def __enter__(self) -> Stream:
        _entered().append(self.device.handle.current_stream())
        self.device.handle.set_current_stream(self.raw)
        return self

    def __exit__(self, *exception: object) -> None:
        self.device.handle.set_current_stream(_entered().pop())

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"<Stream {self.handle:#x} on {self.device}>"


class Event:
    """A point in a stream, to wait for and to measure between."""

    def __init__(self, device: Device | None = None, timing: bool = True) -> None:
        self.device = current_device() if device is None else device
        self.raw = self.device.handle.create_event(timing)

    def record(self, stream: Stream | int | None = None) -> None:
        """Puts the event behind the stream's work so far (0 or None: the current stream)."""
        raw = stream.raw if isinstance(stream, Stream) else self.device.handle.current_stream()
        with translated():
            self.raw.record(raw)

    def synchronize(self) -> None:
        """Waits until the event has happened."""
        with translated():
            self.raw.synchronize()

    def query(self) -> bool:
        """Whether the event has happened."""
        with translated():
            return bool(self.raw.query())

    def wait(self, stream: Stream | int | None = None) -> None:
        """Makes later work of a stream (0 or None: the current one) wait for this event."""
        raw = stream.raw if isinstance(stream, Stream) else self.device.handle.current_stream()
        with translated():
            raw.wait(self.raw)

    def elapsed_time(self, end: Event) -> float:
        """Milliseconds from this event to ``end``."""
        with translated():
            return float(self.raw.elapsed(end.raw))


def current_stream(device: Device | None = None) -> Stream:
    """The calling thread's current stream of a device."""
    device = current_device() if device is None else device
    return Stream(device, raw=device.handle.current_stream())


def default_stream(device: Device | None = None) -> Stream:
    """A device's default stream."""
    device = current_device() if device is None else device
    return Stream(device, raw=device.handle.default_stream)


def raw_stream(stream: Any) -> Any | None:
    """What a launch or a copy takes: a backend's own stream, or None for the current one.

    Takes a Stream, such a stream, or numba's 0 for the current one.
    """
    if isinstance(stream, Stream):
        return stream.raw
    return None if isinstance(stream, int) else stream


def synchronize(device: Device | None = None) -> None:
    """Waits for all work of a device (the current one) and raises what failed in it."""
    (current_device() if device is None else device).synchronize()
