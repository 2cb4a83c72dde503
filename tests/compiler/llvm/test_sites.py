"""Calls of the host: prints, failed checks, and polls that stop a long kernel."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from accelerx import cuda, dtypes
from accelerx.compiler import ir
from tests.support.host import CONFIGURATIONS, HostKernel, bind
from tests.support.kernels import THREAD, const, kernel, load, store
from tests.support.lifted import lifted

int32, float32 = np.int32, np.float32


def prints(x):
    t = cuda.threadIdx.x
    if x[t] > 1.0:
        print("value", t, x[t])


def endless(out):
    t = cuda.threadIdx.x
    while out[0] == 0:
        out[t + 1] += 1


def _double(word: int) -> float:
    (value,) = struct.unpack("<d", struct.pack("<q", word))
    return float(value)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_print_hands_over_values_thread_by_thread(name: str) -> None:
    x = np.arange(20, dtype=float32) / 8
    k = lifted(prints, x)
    compiled = HostKernel(k, 20, CONFIGURATIONS[name])
    seen = []

    def on_site(site, block, thread, values) -> bool:
        assert compiled.program.sites[site].kind == "print"
        seen.append((thread, values[0], _double(values[1])))
        return False

    assert compiled.run(1, bind(k, [x]), on_site=on_site) == 0
    assert seen == [((t, 0, 0), t, x[t]) for t in range(20) if x[t] > 1]


def test_failed_check_stops_the_launch() -> None:
    condition = ir.Compare("lt", load("x", dtypes.int32), const(5))
    check = ir.Assert(condition, "x is {0}", (load("x", dtypes.int32),))
    k = kernel([check, store("x", const(0))], {"x": dtypes.int32})
    compiled = HostKernel(k, 32)
    x = np.zeros(32, int32)
    x[13] = 9
    seen = []

    def on_site(site, block, thread, values) -> bool:
        seen.append((site, thread, values))
        return True

    assert compiled.run(1, {"x": x}, on_site=on_site) == 1
    assert seen == [(0, (13, 0, 0), (9,))]
    assert x[13] == 9


def test_check_that_holds_is_silent() -> None:
    check = ir.Assert(ir.Compare("ge", THREAD, const(0)), "no")
    k = kernel([check, store("x", THREAD)], {"x": dtypes.int32})
    x = np.zeros(40, int32)
    assert HostKernel(k, 40).run(1, {"x": x}) == 0
    np.testing.assert_array_equal(x, np.arange(40))


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_poll_stops_an_endless_loop(name: str) -> None:
    out = np.zeros(40, int32)
    k = lifted(endless, out)
    compiled = HostKernel(k, 32, CONFIGURATIONS[name])
    assert compiled.run(1, bind(k, [out]), poll=2) == 1
    assert compiled.polls == 1


def test_poll_may_let_the_kernel_go_on() -> None:
    def short(out):
        k = 0
        while k < 10:
            k += 1
        out[cuda.threadIdx.x] = k

    out = np.zeros(32, int32)
    k = lifted(short, out)
    compiled = HostKernel(k, 32)
    assert compiled.run(1, bind(k, [out]), poll=1) == 0
    assert compiled.polls > 0
    assert (out == 10).all()
