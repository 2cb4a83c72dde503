"""Clock statements: counters go on, are not merged, and can be read under masks and in loops."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest

from accelerx.compiler import ir
from accelerx.compiler.llvm import clocks
from accelerx.dtypes import bool_, int32, int64
from tests.support.host import CONFIGURATIONS, HostKernel
from tests.support.kernels import THREAD, const, kernel, store

KINDS = ("cycles", "nanoseconds")
THREADS = 50


def _now(name: str) -> ir.Local:
    return ir.Local(name, int64)


def _less(a: ir.Expr, b: ir.Expr) -> ir.Expr:
    return ir.Compare("lt", a, b)


def _elapsed() -> ir.Expr:
    return ir.Binary("sub", _now("b"), _now("a"), int64)


def _run(k: ir.Kernel, configuration: str, **buffers: np.ndarray) -> HostKernel:
    compiled = HostKernel(k, THREADS, CONFIGURATIONS[configuration])
    compiled.run(1, buffers)
    return compiled


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_later_clock_is_not_earlier(kind: ir.ClockKind, configuration: str) -> None:
    body = [ir.Clock("a", kind), ir.Clock("b", kind), store("x", _now("a")), store("y", _now("b"))]
    k = kernel(body, {"x": int64, "y": int64}, {"a": int64, "b": int64})
    x, y = np.zeros(THREADS, np.int64), np.zeros(THREADS, np.int64)
    _run(k, configuration, x=x, y=y)
    assert (x != 0).all()
    assert (y >= x).all()


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_thread_can_wait_for_time_to_pass(kind: ir.ClockKind, configuration: str) -> None:
    """Threads wait for different times; those that do not read the clock keep their value."""
    span = ir.Cast(ir.Binary("mul", THREAD, const(1000), int32), int64)
    body: list[ir.Stmt] = [
        ir.Assign("b", const(-5, int64)),
        ir.If(
            ir.Compare("ne", THREAD, const(3)),
            [
                ir.Clock("a", kind),
                ir.Clock("b", kind),
                ir.While(_less(_elapsed(), span), [ir.Clock("b", kind)]),
                ir.Assign("b", _elapsed()),
            ],
        ),
        store("x", _now("b")),
    ]
    k = kernel(body, {"x": int64}, {"a": int64, "b": int64})
    x = np.zeros(THREADS, np.int64)
    _run(k, configuration, x=x)
    spans = np.arange(THREADS) * 1000
    spans[3] = -5
    assert (x >= spans).all()
    assert x[3] == -5


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_a_clock_outlives_a_barrier(configuration: str) -> None:
    body = [
        ir.Clock("a"),
        ir.Barrier(),
        ir.Clock("b"),
        store("x", ir.Cast(ir.Compare("ge", _elapsed(), const(0, int64)), int32)),
    ]
    k = kernel(body, {"x": int32}, {"a": int64, "b": int64})
    x = np.zeros(THREADS, np.int32)
    _run(k, configuration, x=x)
    assert (x == 1).all()


def test_nanoseconds_are_the_hosts_monotonic_clock() -> None:
    k = kernel([ir.Clock("a", "nanoseconds"), store("x", _now("a"))], {"x": int64}, {"a": int64})
    x = np.zeros(THREADS, np.int64)
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    _run(k, "auto", x=x)
    assert clocks.CLOCK_MONOTONIC == time.CLOCK_MONOTONIC
    assert (x >= before).all()
    assert (x <= time.clock_gettime_ns(time.CLOCK_MONOTONIC)).all()


def test_llvm_neither_merges_nor_moves_clocks_out_of_a_loop() -> None:
    body: list[ir.Stmt] = [
        ir.Clock("a"),
        ir.For("i", const(0), const(100), const(1), [
            ir.Clock("b"),
            ir.Assign("p", ir.Compare("gt", _now("b"), _now("a"))),
            ir.If(ir.Local("p", bool_), [store("x", _now("b"))]),
        ]),
    ]  # fmt: skip
    k = kernel(body, {"x": int64}, {"a": int64, "b": int64, "i": int32, "p": bool_})
    asm = _run(k, "regions1", x=np.zeros(THREADS, np.int64)).code.asm()
    assert len(re.findall("rdtsc|cntvct", asm.lower())) >= 2


@pytest.mark.parametrize("triple", ["aarch64-unknown-linux-gnu", "x86_64-unknown-linux-gnu"])
def test_the_counter_of_cycles_needs_no_privilege(triple: str) -> None:
    llvm = pytest.importorskip("llvmlite.binding")
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    k = kernel([ir.Clock("a"), store("x", _now("a"))], {"x": int64}, {"a": int64})
    module = llvm.parse_assembly(HostKernel(k, THREADS).program.text)
    module.triple = triple
    asm = llvm.Target.from_triple(triple).create_target_machine(opt=1).emit_assembly(module)
    assert ("rdtsc" if triple.startswith("x86") else "cntvct_el0") in asm.lower()
