from __future__ import annotations

import threading

import numpy as np
import pytest

from accelerx import cuda
from accelerx.errors import UnsupportedError
from accelerx.runtime.device import Device


@cuda.jit
def added(x, n):
    i = cuda.grid(1)
    if i < x.size:
        x[i] += n


def test_copies_and_launches_in_a_stream(device: Device) -> None:
    stream = cuda.stream()
    with stream.auto_synchronize():
        x = cuda.to_device(np.zeros(1000), stream=stream)
        added[8, 128, stream](x, 2)
        host = x.copy_to_host(stream=stream)
    np.testing.assert_array_equal(host, [2] * 1000)


def test_default_streams_are_usable(device: Device) -> None:
    x = cuda.to_device(np.zeros(10))
    for stream in (0, cuda.default_stream(), cuda.legacy_default_stream()):
        added[1, 32, stream](x, 1)
    cuda.synchronize()
    np.testing.assert_array_equal(x.copy_to_host(), [3] * 10)


def test_events_measure_between_records(device: Device) -> None:
    start, end = cuda.event(), cuda.event(timing=True)
    start.record()
    added[8, 128](cuda.to_device(np.zeros(1000)), 1)
    end.record()
    end.synchronize()
    assert end.query()
    assert cuda.event_elapsed_time(start, end) >= 0
    assert start.elapsed_time(end) >= 0


def test_events_order_streams(device: Device) -> None:
    first, second = cuda.stream(), cuda.stream()
    x = cuda.to_device(np.zeros(1 << 16))
    for _ in range(10):
        added[256, 256, first](x, 1)
    event = cuda.event()
    event.record(first)
    event.wait(second)
    added[256, 256, second](x, 1)
    second.synchronize()
    assert (x.copy_to_host() == 11).all()
    assert second.query()


def test_callbacks_run_behind_the_work(device: Device) -> None:
    stream = cuda.stream()
    done = threading.Event()
    seen: list[object] = []

    def callback(of: object, status: int, arg: object) -> None:
        seen.append((of, status, arg))
        done.set()

    x = cuda.to_device(np.zeros(1000))
    added[8, 128, stream](x, 1)
    stream.add_callback(callback, "arg")
    assert done.wait(10)
    assert seen == [(stream, 0, "arg")]


def test_streams_of_other_libraries_are_refused(device: Device) -> None:
    with pytest.raises(UnsupportedError, match=r"cuda\.stream\(\)"):
        cuda.external_stream(4096)


def test_profiling_is_of_no_effect(device: Device) -> None:
    with cuda.profiling():
        cuda.profile_start()
        cuda.profile_stop()
