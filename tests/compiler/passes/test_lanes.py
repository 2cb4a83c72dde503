"""Lane kinds: what is uniform, affine and varying, and where masks and blends are needed."""

from __future__ import annotations

import pytest

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.passes.lanes import (
    ALIGNED,
    PROMISED,
    SAME,
    VARYING,
    WRAPS,
    Analysis,
    Geometry,
    Kind,
    Lane,
    Lanes,
    binary_lane,
    cast_lane,
)
from tests.support.kernels import THREAD, const, kernel, load, store

I32, I64, U32 = dtypes.int32, dtypes.int64, dtypes.uint32
ALONG = Lane(1, PROMISED, 16, True)


def analysed(
    body: list[ir.Stmt], block: tuple[int, int, int] = (64, 1, 1), width: int = 16
) -> Lanes:
    names = {n: I32 for s in ir.statements(body) if (n := ir.target(s)) is not None}
    k = kernel(body, {"x": I32}, names)
    geometry = Geometry(block, width)
    return Analysis(k, geometry, single=False, block_level=set(), pinned=set()).run()


def assign(name: str, value: ir.Expr) -> ir.Assign:
    return ir.Assign(name, value)


def local(name: str) -> ir.Local:
    return ir.Local(name, I32)


def add(a: ir.Expr, b: ir.Expr, nowrap: bool = True) -> ir.Binary:
    return ir.Binary("add", a, b, I32, nowrap)


# ------------------------------------------------------------------------------------- geometry


@pytest.mark.parametrize(
    ("block", "axis", "stride"),
    [
        ((64, 1, 1), 0, 1),
        ((100, 1, 1), 0, 1),
        ((16, 4, 1), 0, 1),
        ((16, 4, 1), 1, 0),
        ((5, 3, 2), 0, None),
        ((5, 3, 2), 1, None),
    ],
)
def test_thread_coordinates(block: tuple[int, int, int], axis: int, stride: int | None) -> None:
    kind = Geometry(block, 16).special(ir.Special("thread", axis))
    assert kind.lane.stride == stride
    assert not kind.uniform


def test_one_lane_has_no_strides() -> None:
    assert Geometry((64, 1, 1), 1).special(THREAD) == Kind(False, SAME)


def test_vectors_cover_the_block() -> None:
    assert Geometry((33, 1, 1), 16).vectors == 3


# ---------------------------------------------------------------------------------------- rules


def test_affine_arithmetic() -> None:
    base = Lane(0, even=True)
    assert binary_lane("add", True, ALONG, base, None, None, 16).stride == 1
    assert binary_lane("sub", True, base, ALONG, None, None, 16).stride == -1
    assert binary_lane("mul", True, ALONG, base, None, 3, 16).stride == 3
    assert binary_lane("mul", True, ALONG, base, None, None, 16) == VARYING


def test_a_wrapping_sum_is_exact_if_aligned() -> None:
    row = Lane(0, PROMISED, 16, True)
    odd = Lane(0, PROMISED, 1, True)
    assert binary_lane("add", False, ALONG, row, None, None, 16).exact == ALIGNED
    assert binary_lane("add", False, ALONG, odd, None, None, 16).exact == WRAPS


def test_widening_needs_exactness() -> None:
    assert cast_lane(ALONG, I32, I64, 16).stride == 1
    assert cast_lane(Lane(1, WRAPS), I32, I64, 16) == VARYING
    assert cast_lane(Lane(1, ALIGNED, 16, True), U32, I64, 16).even is False


def test_an_integer_as_a_float_varies() -> None:
    assert cast_lane(ALONG, I32, dtypes.float32, 16) == VARYING


# ------------------------------------------------------------------------------------- analysis


def test_a_loop_counter_stays_affine_under_a_mask() -> None:
    step = assign("i", add(local("i"), const(64)))
    loop = ir.While(
        ir.Compare("lt", local("i"), const(999)), [store("x", const(1), local("i")), step]
    )
    found = analysed([assign("i", THREAD), loop])
    assert id(loop) in found.masked
    assert found.kinds["i"].lane.stride == 1
    assert id(step) in found.unblended


def test_continue_makes_it_vary() -> None:
    step = assign("i", add(local("i"), const(64)))
    skip = ir.If(ir.Compare("eq", load("x", I32, local("i")), const(0)), [ir.Continue()])
    loop = ir.While(ir.Compare("lt", local("i"), const(999)), [skip], [step])
    assert analysed([assign("i", THREAD), loop]).kinds["i"].lane == VARYING


def test_a_branch_that_others_see_blends() -> None:
    inner = assign("v", const(1))
    branch = ir.If(ir.Compare("lt", load("x", I32), const(3)), [inner])
    found = analysed([assign("v", const(0)), branch, store("x", local("v"))])
    assert found.kinds["v"].lane == VARYING
    assert id(inner) not in found.unblended


def test_a_local_of_its_branch_does_not() -> None:
    inner = assign("v", const(1))
    branch = ir.If(ir.Compare("lt", load("x", I32), const(3)), [inner, store("x", local("v"))])
    found = analysed([branch])
    assert found.kinds["v"].uniform
    assert id(inner) in found.unblended


def test_a_uniform_branch_has_no_mask() -> None:
    branch = ir.If(ir.Compare("lt", ir.Special("block", 0), const(3)), [store("x", const(1))])
    assert id(branch) not in analysed([branch]).masked


def test_a_masked_break_masks_its_loop() -> None:
    leave = ir.If(ir.Compare("lt", load("x", I32), const(3)), [ir.Break()])
    loop = ir.For("k", const(0), const(9), const(1), [leave])
    assert id(loop) in analysed([loop]).masked


def test_loads_are_uniform_where_their_index_is() -> None:
    found = analysed([assign("a", load("x", I32, 3)), assign("b", load("x", I32))])
    assert found.kinds["a"].uniform
    assert found.kinds["b"].lane == VARYING


def test_threads_of_a_vector_look_at_a_clock_together() -> None:
    lanes = analysed([ir.Clock("a"), store("x", local("a"))])
    assert lanes.kinds["a"] == Kind(False, SAME)
    masked = ir.If(ir.Compare("lt", THREAD, const(5)), [ir.Clock("a")])
    lanes = analysed([ir.Clock("a"), masked, store("x", local("a"))])
    assert lanes.kinds["a"] == Kind(False, VARYING)
