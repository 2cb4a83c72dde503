"""Regions: how kernels are cut at barriers, and what outlives a run."""

from __future__ import annotations

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.passes.flow import is_block_barrier
from accelerx.compiler.passes.lanes import Geometry
from accelerx.compiler.passes.regions import Regions, Run, cut, measured
from tests.support.kernels import THREAD, const, kernel, load, store

I32 = dtypes.int32


def local(name: str) -> ir.Local:
    return ir.Local(name, I32)


def cut_up(body: list[ir.Stmt]) -> Regions:
    names = {n: I32 for s in ir.statements(body) if (n := ir.target(s)) is not None}
    k = kernel(body, {"x": I32}, names)
    return cut(k, Geometry((64, 1, 1), 16), single=False, is_barrier=is_block_barrier)


def test_a_kernel_without_barriers_is_one_run() -> None:
    found = cut_up([ir.Assign("v", load("x", I32)), store("x", local("v"))])
    (run,) = found.parts(found.kernel.body)
    assert isinstance(run, Run)
    assert not found.context


def test_a_barrier_cuts_and_locals_outlive_it() -> None:
    found = cut_up([ir.Assign("v", load("x", I32)), ir.Barrier(), store("x", local("v"))])
    kinds = [type(p) for p in found.parts(found.kernel.body)]
    assert kinds == [Run, ir.Barrier, Run]
    assert found.context == {"v"}


def test_a_uniform_local_is_assigned_once_a_block() -> None:
    found = cut_up([ir.Assign("v", load("x", I32, 0)), ir.Barrier(), store("x", local("v"))])
    kinds = [type(p) for p in found.parts(found.kernel.body)]
    assert kinds == [ir.Assign, ir.Barrier, Run]
    assert not found.context


def test_a_uniform_local_assigned_in_a_branch_is_pinned() -> None:
    branch = ir.If(
        ir.Compare("lt", ir.Special("block", 0), const(2)),
        [ir.Assign("v", ir.Binary("add", local("v"), const(1), I32))],
    )
    body = [ir.Assign("v", const(0)), branch, ir.Barrier(), store("x", local("v"))]
    found = cut_up(body)
    assert found.context == {"v"}
    assert not found.lanes.kinds["v"].uniform
    assert found.lanes.kinds["v"].lane.stride == 0


def test_a_loop_around_a_barrier_is_a_while() -> None:
    loop = ir.For("k", const(0), const(99), const(1), [store("x", local("k")), ir.Barrier()])
    found = cut_up([loop])
    assert not ir.contains(found.kernel.body, ir.For)
    assert ir.contains(found.kernel.body, ir.While)


def test_a_break_out_of_a_loop_with_barriers_is_block_level() -> None:
    leave = ir.If(ir.Compare("eq", load("x", I32, 0), const(1)), [ir.Break()])
    loop = ir.While(ir.Const(True, dtypes.bool_), [leave, ir.Barrier()])
    found = cut_up([loop])
    every = [s for s in ir.statements(found.kernel.body) if not isinstance(s, ir.Barrier)]
    assert [type(s) for s in every] == [ir.While, ir.If, ir.Break]
    assert {id(s) for s in every} <= found.block_level


def test_exposure() -> None:
    run = measured([ir.Assign("a", local("b")), ir.Assign("b", local("a"))])
    assert run.exposed == {"b"}
    assert run.settled == {"a", "b"}


def test_a_branch_settles_what_both_sides_write() -> None:
    both = ir.If(
        ir.Compare("lt", THREAD, const(1)),
        [ir.Assign("a", const(1)), ir.Assign("b", const(1))],
        [ir.Assign("a", const(2))],
    )
    run = measured([both])
    assert run.settled == {"a"}
    assert run.written == {"a", "b"}


def test_a_loop_settles_nothing() -> None:
    run = measured([ir.While(ir.Compare("lt", THREAD, const(1)), [ir.Assign("a", const(1))])])
    assert run.settled == set()
