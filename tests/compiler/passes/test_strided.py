"""Strided groups: which accesses are one, and what keeps them apart."""

from __future__ import annotations

import pytest

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.passes.lanes import Analysis, Geometry
from accelerx.compiler.passes.strided import Unit, split, units
from accelerx.compiler.printer import print_expr
from accelerx.dtypes import DType
from tests.support.kernels import THREAD, const, kernel, load, store
from tests.support.views import at, plus, times, view

i32, i64, u32, u8, i16, f32, f64 = (
    dtypes.int32, dtypes.int64, dtypes.uint32, dtypes.uint8, dtypes.int16, dtypes.float32,
    dtypes.float64,
)  # fmt: skip
LOCALS = {"i": i32, "a": f32, "b": f32, "c": f32, "d": f32}
VIEWS = (view("v", "p", f32, 1), view("w", "p", i32, 1), view("z", "p", f32, 4))


def take(name: str, index: ir.Expr, mem: str = "x", t: DType = f32) -> ir.Assign:
    return ir.Assign(name, load(mem, t, index))


def put(index: ir.Expr, value: ir.Expr | None = None, mem: str = "x") -> ir.Store:
    return store(mem, ir.Local("a", f32) if value is None else value, index)


def found(
    body: list[ir.Stmt],
    width: int = 16,
    block: tuple[int, int, int] = (64, 1, 1),
    **more: DType,
) -> list[Unit]:
    """The units of a list, in which ``a`` is a varying local."""
    first = ir.Assign("a", load("x", f32, times(THREAD, 9)))
    k = kernel([first, *body], {"x": f32, "y": f32, "s": i16, "p": u8}, {**LOCALS, **more})
    k.mems |= {m.name: m for m in VIEWS}
    lanes = Analysis(k, Geometry(block, width), single=False, block_level=set(), pinned=set()).run()
    return list(units(k.body, lanes))[1:]


def shape(units_: list[Unit]) -> list[tuple[int, list[tuple[int, list[int]]], list[int] | None]]:
    """Of each unit: its statements, its groups of loads (factor, positions), its stores."""
    return [
        (
            len(u.statements),
            [(g.factor, [m.position for m in g.members]) for g in u.loads],
            None if u.stores is None else [m.position for m in u.stores.members],
        )
        for u in units_
    ]


# ---------------------------------------------------------------------------------------- loads


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
def test_loads_of_neighbours_are_a_group(factor: int) -> None:
    body = [take("abcd"[n % 4], at(factor, n)) for n in range(factor)]
    assert shape(found(body)) == [(factor, [(factor, list(range(factor)))], None)]


def test_members_may_come_in_any_order_and_more_than_once() -> None:
    body = [take("b", at(2, 1)), take("a", at(2)), take("c", at(2, 1))]
    assert shape(found(body)) == [(3, [(2, [0, 1, 1])], None)]


def test_loads_of_one_expression_are_a_group() -> None:
    total = plus(plus(load("x", f32, at(3)), load("x", f32, at(3, 1))), load("x", f32, at(3, 2)))
    assert shape(found([ir.Assign("b", total)])) == [(1, [(3, [0, 1, 2])], None)]
    assert shape(found([store("y", total)])) == [(1, [(3, [0, 1, 2])], None)]


def test_a_hole_is_left_out_and_bytes_with_holes_are_no_group() -> None:
    assert shape(found([take("b", at(4, 1)), take("c", at(4, 3))])) == [(2, [(4, [0, 2])], None)]
    halves = [take("j", at(3, n), "s", i16) for n in (0, 1)]
    assert shape(found(halves, j=i16)) == [(1, [], None)] * 2


@pytest.mark.parametrize("factor", [2, 4, 5])
def test_a_load_may_be_alone_in_a_small_record(factor: int) -> None:
    groups = [(factor, [0])] if factor <= 4 else []
    assert shape(found([take("b", at(factor, 1))])) == [(1, groups, None)]
    assert shape(found([put(at(factor, 1))])) == [(1, [], None)]
    assert shape(found([take("j", at(factor), "s", i16)], j=i16)) == [(1, [], None)]


def test_more_neighbours_than_a_lane_has_are_more_groups() -> None:
    body = [take(n, at(2, k)) for n, k in zip("abcd", (0, 1, 2, 3), strict=True)]
    groups = shape(found(body))
    assert groups == [(2, [(2, [0, 1])], None), (2, [(2, [0, 1])], None)]


def test_other_assigns_in_between_come_along_and_groups_may_overlap() -> None:
    body = [
        take("a", at(2)),
        take("c", at(2), "y"),
        ir.Assign("b", plus(ir.Local("a", f32), 1.0)),
        take("b", at(2, 1)),
        take("d", at(2, 1), "y"),
    ]
    assert shape(found(body)) == [(5, [(2, [0, 1]), (2, [0, 1])], None)]


@pytest.mark.parametrize(
    "between",
    [
        store("y", const(0.0, f32)),
        ir.Barrier(),
        ir.Atomic("add", "y", (const(0),), const(1.0, f32)),
    ],
    ids=["store", "barrier", "atomic"],
)
def test_what_may_change_memory_keeps_loads_apart(between: ir.Stmt) -> None:
    alone = (1, [(2, [0])], None)
    units_ = shape(found([take("b", at(2)), between, take("c", at(2, 1))]))
    assert units_ == [alone, (1, [], None), alone]


def test_an_index_that_changes_keeps_loads_apart() -> None:
    i = ir.Local("i", i32)
    first, again = ir.Assign("i", at(2)), ir.Assign("i", plus(at(2), 64))
    rows = (16, 4, 1)  # x is then not even, so that assigning it may stand between loads
    body = [first, take("b", i), take("c", plus(i, 1))]
    assert shape(found(body, block=rows)) == [(1, [], None), (2, [(2, [0, 1])], None)]
    alone = (1, [(2, [0])], None)
    body = [first, take("b", i), again, take("c", plus(i, 1))]
    assert shape(found(body, block=rows)) == [(1, [], None), alone, (1, [], None), alone]
    body = [first, take("b", i), take("c", plus(i, 1)), again, take("d", i)]
    assert [len(u.loads) for u in found(body, block=rows)] == [0, 1, 0, 1]


def test_scalar_code_and_neighbouring_lanes_have_no_groups() -> None:
    body = [take("b", at(2)), take("c", at(2, 1))]
    assert shape(found(body, width=1)) == [(1, [], None)] * 2
    assert shape(found([take("b", THREAD), take("c", plus(THREAD, 1))])) == [(1, [], None)] * 2
    assert shape(found([take("b", at(9)), take("c", at(9, 1))])) == [(1, [], None)] * 2


def test_fields_of_one_storage_are_a_group_whatever_their_types() -> None:
    body = [take("b", at(8), "v"), take("i", at(8, 4), "w", i32)]
    assert shape(found(body)) == [(2, [(2, [0, 1])], None)]
    alone = (1, [(2, [0])], None)
    body = [take("b", at(8, 4), "v"), take("c", at(8, 6), "v")]  # bytes 4 and 6: no neighbours
    assert shape(found(body)) == [alone] * 2
    body = [take("b", at(2), "z"), take("c", at(8, 4), "v")]  # the same bytes in other units
    assert shape(found(body)) == [alone] * 2


# --------------------------------------------------------------------------------------- stores


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_stores_to_neighbours_are_a_group(order: tuple[int, ...]) -> None:
    assert shape(found([put(at(3, n)) for n in order])) == [(3, [], [0, 1, 2])]


def test_two_records_are_two_groups() -> None:
    assert shape(found([put(at(2, n)) for n in (0, 1, 2, 3)])) == [(2, [], [0, 1]), (2, [], [0, 1])]


def test_an_element_stored_twice_ends_a_group() -> None:
    body = [put(at(2)), put(at(2)), put(at(2, 1))]
    assert shape(found(body)) == [(1, [], None), (2, [], [0, 1])]


@pytest.mark.parametrize(
    ("value", "together"),
    [
        (load("x", f32, at(2, 1)), True),  # the element itself
        (load("x", f32, at(2, 7)), True),  # one that is not stored
        (load("x", f32, at(2)), False),  # stored by the statement before
        (load("x", f32, THREAD), False),
        (load("y", f32, at(2, 1)), False),  # the launch may pass x's memory as y
    ],
)
def test_a_value_that_may_have_been_stored_just_now_ends_a_group(
    value: ir.Expr, together: bool
) -> None:
    units_ = found([put(at(2)), put(at(2, 1), value)])
    assert len(units_) == (1 if together else 2)


def test_views_may_store_what_is_loaded() -> None:
    stores: list[ir.Stmt] = [put(at(8), mem="v"), put(at(8, 4), load("z", f32, at(2)), "v")]
    assert len(found(stores)) == 2


# -------------------------------------------------------------------------------------- constants


@pytest.mark.parametrize(
    ("e", "base", "constant"),
    [
        (at(4, 3), "thread.x *.nowrap 4i32", 3),
        (times(plus(THREAD, 2), 4), "thread.x *.nowrap 4i32", 8),
        (ir.Cast(at(4, 3), i64), "i64(thread.x *.nowrap 4i32)", 3),
        (plus(ir.Cast(at(4, 3), i64), -1), "i64(thread.x *.nowrap 4i32)", 2),
        (ir.Binary("sub", at(4, 3), const(5), i32, True), "thread.x *.nowrap 4i32", -2),
        (ir.Binary("add", const(5), THREAD, i32, True), "thread.x", 5),
        (plus(at(2, 1), at(3, 2)), "thread.x *.nowrap 2i32 +.nowrap thread.x *.nowrap 3i32", 3),
        (ir.Binary("add", THREAD, const(5), i32), "thread.x + 5i32", 0),
        (ir.Cast(ir.Binary("add", THREAD, const(5), i32), i64), "i64(thread.x + 5i32)", 0),
        (ir.Cast(plus(ir.Cast(THREAD, u32), 5), i64), "i64(u32(thread.x) + 5u32)", 0),
        (ir.Cast(plus(load("d", f64), 5.0), i64), "i64(d[thread.x] + 5.0f64)", 0),
    ],
)  # fmt: skip
def test_a_constant_is_split_off_where_nothing_wraps(e: ir.Expr, base: str, constant: int) -> None:
    rest, offset = split(e)
    assert (print_expr(rest), offset) == (base, constant)
