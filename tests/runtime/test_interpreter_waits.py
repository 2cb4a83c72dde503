"""Which loops are taken for waits: too few would hang, too many would make kernels slow."""

from __future__ import annotations

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.runtime.interpreter_waits import loops, may_wait_for_blocks
from tests.support.kernels import const, kernel, load, store

i32 = dtypes.int32
x, i = ir.Local("x", i32), ir.Local("i", i32)


def compare(left: ir.Expr, right: int) -> ir.Expr:
    return ir.Compare("lt", left, const(right))


def plus(e: ir.Expr, n: int) -> ir.Expr:
    return ir.Binary("add", e, const(n), i32)


def waits(loop: ir.While) -> bool:
    return may_wait_for_blocks(kernel([loop], {"a": i32}, {"x": i32, "i": i32}))


def test_a_condition_that_reads_memory_may_wait() -> None:
    assert waits(ir.While(compare(load("a", i32), 1), []))


def test_a_condition_that_reads_memory_through_locals_may_wait() -> None:
    read = ir.Assign("x", load("a", i32))
    assert waits(ir.While(compare(i, 1), [read, ir.Assign("i", plus(x, 1))]))


def test_an_atomic_whose_result_decides_may_wait() -> None:
    assert waits(
        ir.While(compare(x, 1), [ir.Atomic("exch", "a", (const(0),), const(1), None, "x")])
    )


def test_a_grid_stride_loop_that_updates_in_place_does_not_wait() -> None:
    read = ir.Assign("x", plus(load("a", i32, i), 1))
    count = ir.Assign("i", plus(i, 32))
    assert not waits(ir.While(compare(i, 100), [read, store("a", x, i), count]))


def test_a_counter_that_nothing_depends_on_does_not_decide() -> None:
    loop = ir.While(compare(load("a", i32, 0), 1), [ir.Assign("i", plus(i, 1))])
    k = kernel([loop], {"a": i32}, {"x": i32, "i": i32})
    assert loops(k) == {id(loop): frozenset()}
    loop.body.append(store("a", i))
    assert loops(k) == {id(loop): {"i"}}
