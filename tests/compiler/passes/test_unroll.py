"""Partial evaluation: which loops are unrolled, and into what."""

from __future__ import annotations

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.passes.unroll import propagate
from tests.support.kernels import THREAD, const, kernel, load, store

I32 = dtypes.int32
S = ir.Local("s", I32)


def tree(start: ir.Expr, body: list[ir.Stmt]) -> ir.Kernel:
    halve = ir.Assign("s", ir.Binary("quot", S, const(2), I32))
    loop = ir.While(ir.Compare("gt", S, const(0)), [*body, ir.Barrier(), halve])
    return propagate(kernel([ir.Assign("s", start), loop], {"x": I32}, {"s": I32}))


def test_a_tree_reduction_is_unrolled() -> None:
    k = tree(const(8), [ir.If(ir.Compare("lt", THREAD, S), [store("x", S)])])
    assert not ir.contains(k.body, ir.While)
    guards = [s.condition for s in k.body if isinstance(s, ir.If)]
    bounds = [e.right.value for e in guards if isinstance(e, ir.Compare)]  # type: ignore[union-attr]
    assert bounds == [8, 4, 2, 1]


def test_an_unknown_start_keeps_the_loop() -> None:
    assert ir.contains(tree(load("x", I32, 0), [store("x", S)]).body, ir.While)


def test_a_loop_with_a_break_is_kept() -> None:
    leave = ir.If(ir.Compare("lt", load("x", I32), const(0)), [ir.Break()])
    assert ir.contains(tree(const(8), [leave]).body, ir.While)


def test_a_plain_loop_is_left_to_the_compiler() -> None:
    loop = ir.For("i", const(0), const(40), const(1), [store("x", ir.Local("i", I32))])
    assert ir.contains(propagate(kernel([loop], {"x": I32}, {"i": I32})).body, ir.For)


def test_a_loop_that_asks_for_it_is_unrolled() -> None:
    body: list[ir.Stmt] = [store("x", ir.Local("i", I32))]
    loop = ir.For("i", const(6), const(0), const(-2), body, unroll=True)
    k = propagate(kernel([loop], {"x": I32}, {"i": I32}))
    assert [s.value.value for s in k.body] == [6, 4, 2]  # type: ignore[union-attr]


def test_constants_do_not_pass_a_varying_branch() -> None:
    branch = ir.If(ir.Compare("lt", THREAD, const(3)), [ir.Assign("s", const(2))])
    k = propagate(kernel([ir.Assign("s", const(1)), branch, store("x", S)], {"x": I32}, {"s": I32}))
    last = k.body[-1]
    assert isinstance(last, ir.Store)
    assert isinstance(last.value, ir.Local)


def test_unread_locals_are_removed() -> None:
    k = propagate(kernel([ir.Assign("s", const(1)), store("x", S)], {"x": I32}, {"s": I32}))
    assert not ir.contains(k.body, ir.Assign)
