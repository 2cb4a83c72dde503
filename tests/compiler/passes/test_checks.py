"""Bounds instrumentation: what is wrong is named, what is right is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.diagnostics import Loc, SourceFile
from accelerx.compiler.passes.checks import check_bounds
from accelerx.compiler.printer import print_stmt
from accelerx.compiler.verify import verify
from accelerx.errors import KernelAssertionError
from accelerx.runtime.interpreter import Interpreter
from tests.fuzz.compare import difference
from tests.fuzz.programs import generate
from tests.fuzz.roads import interpret
from tests.fuzz.setting import SLOTS
from tests.support.kernels import THREAD, const, load, store

i32, i64, f32 = dtypes.int32, dtypes.int64, dtypes.float32
x = ir.Local("x", i32)
EXTENT = ir.ParamRef("a.shape0", i64)


def make(body: list[ir.Stmt]) -> ir.Kernel:
    """A kernel over a vector ``a``, a matrix ``m`` of 4 x 8 and a local array ``l`` of 4."""
    params = [
        ir.Param("a", "buffer", f32, 0, written=True),
        ir.Param("a.shape0", "extent", i64, 0),
        ir.Param("m", "buffer", f32, 1, written=True),
    ]
    mems = {
        "a": ir.Mem("a", f32, "global", (EXTENT,), (1,)),
        "m": ir.Mem("m", f32, "global", (4, 8), (8, 1)),
        "l": ir.Mem("l", i32, "local", (4,), (1,)),
    }
    return ir.Kernel("k", params, mems, {"x": i32}, body)


def run(body: list[ir.Stmt], threads: int = 4) -> np.ndarray:
    k = check_bounds(make(body))
    verify(k)
    a, m = np.zeros(100, np.float32), np.arange(100, dtype=np.float32)
    # The memory is larger than the arrays: only the checks can know.
    Interpreter(k).run((1,), (threads,), 0, {"a": (a, 10), "a.shape0": 4, "m": (m, 10)})
    return a


def fails(body: list[ir.Stmt], threads: int = 4) -> str:
    with pytest.raises(KernelAssertionError) as caught:
        run(body, threads)
    return str(caught.value)


def test_the_check_stands_before_the_access() -> None:
    k = check_bounds(make([store("a", const(1.0, f32), x)]))
    assert [print_stmt(s) for s in k.body] == [
        "assert bounds i64(x) >= 0i64 and i64(x) < $a.shape0: "
        "'index {0} is out of bounds: a has extent {1}', i64(x), $a.shape0",
        "a[x] = 1.0f32",
    ]


def test_an_index_beyond_the_extent() -> None:
    text = fails([store("a", const(1.0, f32))], threads=5)
    assert "index 4 is out of bounds: a has extent 4" in text
    assert "block (0, 0, 0), thread (4, 0, 0)" in text


def test_a_negative_index() -> None:
    back = ir.Binary("sub", THREAD, const(2), i32)
    assert "index -2 is out of bounds" in fails([store("a", const(1.0, f32), back)])


def test_each_axis_is_checked_on_its_own() -> None:
    inside = ir.Assign("x", ir.Cast(ir.Load("m", (const(1), const(7)), f32), i32))
    run([inside])
    next_row = ir.Load("m", (const(0), ir.Binary("add", THREAD, const(8), i32)), f32)
    text = fails([ir.Assign("x", ir.Cast(next_row, i32))])
    assert "index 8 is out of bounds: axis 1 of m has extent 8" in text


def test_constant_indices_inside_need_no_check() -> None:
    k = check_bounds(make([store("l", const(1), 3)]))
    assert len(k.body) == 1


def test_the_same_access_is_checked_once() -> None:
    twice = ir.Binary("add", load("a", f32, x), load("a", f32, x), f32)
    assert len(check_bounds(make([store("a", twice, x)])).body) == 2


def test_pointers_of_unknown_extent_are_left() -> None:
    k = make([store("a", const(1.0, f32), x)])
    k.mems["a"] = ir.Mem("a", f32, "global", (None,), (1,))
    assert len(check_bounds(k).body) == 1


def viewed(body: list[ir.Stmt], extent: int | ir.Expr | None, unit: int) -> ir.Kernel:
    k = make(body)
    k.mems["v"] = ir.Mem("v", i32, "global", (extent,), (1,), of="a", unit=unit)
    return k


@pytest.mark.parametrize(("unit", "last"), [(1, 12), (2, 14), (4, 15)])
def test_an_element_must_end_inside_a_views_extent(unit: int, last: int) -> None:
    k = check_bounds(viewed([store("v", const(1))], 16, unit))
    verify(k)
    steps = f" in steps of {unit} bytes, of 4-byte elements" if unit != 4 else ""
    assert print_stmt(k.body[0]) == (
        f"assert bounds i64(thread.x) >= 0i64 and i64(thread.x) < {last + 1}i64: "
        f"'index {{0}} is out of bounds: v has extent {{1}}{steps}', i64(thread.x), 16i64"
    )
    assert len(check_bounds(viewed([store("v", const(1), last)], 16, unit)).body) == 1
    assert len(check_bounds(viewed([store("v", const(1), last + 1)], 16, unit)).body) == 2


def test_a_views_extent_may_be_known_at_the_launch_only() -> None:
    k = check_bounds(viewed([store("v", const(1))], EXTENT, 1))
    verify(k)
    assert "i64(thread.x) < $a.shape0 -.nowrap 3i64" in print_stmt(k.body[0])
    assert len(check_bounds(viewed([store("v", const(1))], None, 1)).body) == 1


def test_an_index_that_is_loaded_is_checked_first() -> None:
    inner = load("l", i32)
    asserts = check_bounds(make([ir.Assign("x", ir.Cast(load("a", f32, inner), i32))])).body[:-1]
    assert ["l has" in print_stmt(s) for s in asserts] == [True, False]


def test_a_loop_condition_is_checked_before_each_evaluation() -> None:
    # x runs over the vector until its condition would read a[4].
    condition = ir.Compare("eq", load("a", f32, x), const(0.0, f32))
    skip = ir.If(ir.Compare("eq", x, const(1)), [ir.Continue()])
    count = ir.Assign("x", ir.Binary("add", x, const(1), i32))
    body = [ir.Assign("x", const(0)), ir.While(condition, [skip], [count])]
    assert "index 4 is out of bounds: a has extent 4" in fails(body)
    assert "index 9 is out of" in fails([ir.Assign("x", const(9)), *body[1:]])


def test_loads_in_an_elif_are_checked_only_if_it_is_reached() -> None:
    far = ir.Compare(
        "eq", load("a", f32, ir.Binary("add", THREAD, const(50), i32)), const(0.0, f32)
    )
    guarded = ir.If(ir.Compare("ge", THREAD, const(0)), [], [ir.If(far, [])])
    run([guarded])


def test_atomics_are_checked() -> None:
    assert "index 6 is" in fails([ir.Atomic("add", "a", (const(6),), const(1.0, f32))])


def test_the_message_points_at_the_load() -> None:
    source = SourceFile("k.py", "y = a[i + 9]")
    far = ir.Load("a", (const(9),), f32, Loc(source, 1, 5, 13))
    text = fails([ir.Assign("x", ir.Cast(far, i32), Loc(source, 1, 1, 13))])
    assert text.startswith("k.py:1:5: error: index 9 is out of bounds")
    assert "    y = a[i + 9]\n        ^~~~~~~~" in text


@pytest.mark.parametrize("seed", range(8))
def test_correct_programs_mean_the_same(seed: int) -> None:
    program = generate(seed)
    expected, actual = program.buffers(), program.buffers()
    interpret(program, expected)
    program.kernel = check_bounds(program.kernel)
    verify(program.kernel)
    interpret(program, actual)
    assert difference(expected, actual, {}, SLOTS) is None
