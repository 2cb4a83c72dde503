"""numba.cuda's streams and events."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from accelerx.errors import UnsupportedError
from accelerx.runtime.stream import Event, Stream
from accelerx.runtime.stream import default_stream as _default_stream


def stream() -> Stream:
    """A new stream of the current device."""
    return Stream()


def default_stream() -> Stream:
    """The current device's default stream."""
    return _default_stream()


legacy_default_stream = default_stream
per_thread_default_stream = default_stream


def external_stream(ptr: int) -> Stream:
    """Refused: streams of other libraries are not known to the current device."""
    raise UnsupportedError(
        f"external_stream({ptr:#x}): the current device has no streams but its own; make one with "
        "cuda.stream()"
    )


def event(timing: bool = True) -> Event:
    """A new event of the current device."""
    return Event(timing=timing)


def event_elapsed_time(evtstart: Event, evtend: Event) -> float:
    """Milliseconds between two recorded events."""
    return evtstart.elapsed_time(evtend)


@contextmanager
def profiling() -> Iterator[None]:
    """Of no effect: there is no profiler to start and stop."""
    yield


def profile_start() -> None:
    """Of no effect: there is no profiler to start."""


def profile_stop() -> None:
    """Of no effect: there is no profiler to stop."""


__all__ = [
    "default_stream", "event", "event_elapsed_time", "external_stream", "legacy_default_stream",
    "per_thread_default_stream", "profile_start", "profile_stop", "profiling", "stream",
]  # fmt: skip
