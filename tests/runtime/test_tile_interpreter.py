"""The tile interpreter: what vector statements mean, and what it refuses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.tile import ir as tile
from accelerx.compiler.tile.verify import verify
from accelerx.dtypes import DType
from accelerx.errors import KernelAssertionError
from accelerx.runtime.tile_interpreter import run as run_program
from tests.support.kernels import const, kernel
from tests.support.tiled import LANES, at, program, tensor

i32, u32, f16, f32, bf16 = (
    dtypes.int32, dtypes.uint32, dtypes.float16, dtypes.float32, dtypes.bfloat16,
)  # fmt: skip
BLOCK, INDEX, N = ir.Special("block", 0), ir.Local("i", i32), ir.ParamRef("n", i32)
EIGHT = const(8)


def op(name: ir.BinaryOp, left: ir.Expr, right: ir.Expr | int) -> ir.Expr:
    right = const(right, left.type) if isinstance(right, int) else right
    return ir.Binary(name, left, right, left.type)


START = op("mul", BLOCK, 8)  # of the tile's elements, with one block of 8 threads a tile


def run(
    body: Sequence[tile.Stmt],
    tensors: Sequence[tile.Tensor],
    grid: tuple[int, ...] = (1,),
    *,
    scalars: dict[str, DType] | None = None,
    n: int = 8,
    checked: bool = True,
    **buffers: np.ndarray[Any, Any],
) -> np.ndarray[Any, Any]:
    """Runs a body over the given buffers (the f32 buffer ``out`` among them) and returns ``out``."""
    buffers = {"out": np.zeros(8, np.float32), **buffers}
    types = {name: dtypes.from_numpy(a.dtype) for name, a in buffers.items()}
    k = kernel([], types, scalars={"n": i32})
    cooperative = any(isinstance(s, tile.GridSync) for s in tile.statements(body))
    p = program(k, body, tensors, scalars, cooperative=cooperative)
    if checked:
        verify(p)
    run_program(p, grid, {name: (a, 0) for name, a in buffers.items()} | {"n": n})
    return buffers["out"]


def fails(body: Sequence[tile.Stmt], *args: Any, **options: Any) -> str:
    with pytest.raises(KernelAssertionError) as caught:
        run(body, *args, **options)
    return str(caught.value)


def load(target: str, mem: str, start: ir.Expr = START, count: ir.Expr = LANES) -> tile.Load:
    return tile.Load(at(target), mem, start, count)


def store(mem: str, source: str, start: ir.Expr = START, count: ir.Expr = LANES) -> tile.Store:
    return tile.Store(mem, start, at(source), count)


def elementwise(
    name: tile.ElementwiseOp, target: str, *operands: tile.Operand | str, count: ir.Expr = EIGHT
) -> tile.Elementwise:
    sources = tuple(at(x) if isinstance(x, str) else x for x in operands)
    return tile.Elementwise(name, at(target), sources, count)


def values(*numbers: float, dtype: Any = np.float32) -> np.ndarray[Any, Any]:
    return np.array(numbers, dtype)


EIGHT_FLOATS = values(-3, -1.5, 0, 0.25, 1, 2, 7, np.nan)
EIGHT_INTS = values(-7, -1, 0, 1, 2, 5, 7, 2**31 - 1, dtype=np.int32)

# ----------------------------------------------------------------------------------- programs


def test_saxpy_over_two_tiles_and_a_tail() -> None:
    count = ir.Binary("min", LANES, op("sub", N, START), i32)
    body = [
        load("x", "src", count=count),
        load("y", "out", count=count),
        tile.Elementwise("fma", at("y"), (at("x"), const(2.0, f32), at("y")), count),
        store("out", "y", count=count),
    ]
    x, out = np.arange(16, dtype=np.float32), np.ones(16, np.float32)
    expected = np.where(np.arange(16) < 13, 2 * x + 1, 1)
    run(body, [tensor("x", 8), tensor("y", 8)], (2,), n=13, src=x, out=out)
    assert out.tolist() == expected.tolist()


def test_the_last_tile_of_a_row_has_fewer_lanes() -> None:
    k = kernel([], {"out": i32})
    body = [
        tile.Fill(at("t", dtype=None), LANES, LANES),
        tile.Store("out", op("mul", BLOCK, 2), at("t"), LANES),
    ]
    p = program(k, body, [tensor("t", 6, i32)], blocks=3, threads=2)
    out = np.zeros(8, np.int32)
    run_program(p, (4,), {"out": (out, 0)})
    assert out.tolist() == [6, 6, 6, 6, 6, 6, 2, 2]


def test_tiles_go_along_x_within_each_row_of_the_grid() -> None:
    y = ir.Special("block", 1)
    rows = op("add", op("mul", y, 3), BLOCK)
    body = [ir.Store("out", (rows,), ir.Cast(rows, f32)), ir.Fence()]
    assert run(body, [], (3, 2))[:6].tolist() == [0, 1, 2, 3, 4, 5]


def test_scalar_control_flow() -> None:
    add = ir.Assign("s", op("add", ir.Local("s", i32), INDEX))
    body = [
        ir.Assign("s", const(0)),
        ir.For("i", const(0), const(10), const(1), [
            ir.If(ir.Compare("eq", INDEX, const(3)), [ir.Continue()]),
            ir.If(ir.Compare("eq", INDEX, const(6)), [ir.Break()]),
            add,
        ]),
        ir.Scope("a", [ir.Scope("b", [ir.Exit("a")]), ir.Assign("s", const(-1))]),
        ir.Store("out", (const(0),), ir.Cast(ir.Local("s", i32), f32)),
    ]  # fmt: skip
    assert run(body, [], scalars={"s": i32, "i": i32})[0] == 0 + 1 + 2 + 4 + 5


def test_continue_in_a_while_goes_to_post() -> None:
    body = [
        ir.Assign("i", const(0)),
        ir.While(
            ir.Compare("lt", INDEX, const(4)),
            [ir.Continue()],
            [ir.Assign("i", op("add", INDEX, 1))],
        ),
        ir.Store("out", (const(0),), ir.Cast(INDEX, f32)),
    ]
    assert run(body, [], scalars={"i": i32})[0] == 4


def test_lane_loops_take_lanes_that_are_on() -> None:
    lane = ir.Local("l", i32)
    body = [
        load("x", "src"),
        tile.Fill(at("y"), const(-1.0, f32), EIGHT),
        tile.Compare("gt", "m", at("x"), const(0.5, f32), EIGHT),
        tile.LaneLoop("l", LANES, [ir.Store("y", (lane,), ir.Load("x", (lane,), f32))], "why", "m"),
        store("out", "y"),
    ]
    tensors = [tensor("x", 8), tensor("y", 8), tensor("m", 8, dtypes.bool_, mask=True)]
    out = run(body, tensors, scalars={"l": i32}, src=EIGHT_FLOATS)
    assert out.tolist() == [-1, -1, -1, -1, 1, 2, 7, -1]


def test_waits_for_the_grid() -> None:
    body: list[tile.Stmt] = [
        ir.Store("out", (BLOCK,), ir.Cast(BLOCK, f32)),
        tile.GridSync(),
        load("t", "out", const(0), EIGHT),
        tile.Reduce("add", "sum", at("t"), EIGHT),
        tile.GridSync(),
        ir.Store("out", (BLOCK,), ir.Local("sum", f32)),
    ]
    assert run(body, [tensor("t", 8)], (8,), scalars={"sum": f32}).tolist() == [28.0] * 8


def test_atomics_of_scalars_and_of_slices() -> None:
    body = [
        tile.Fill(at("t"), const(2.0, f32), EIGHT),
        tile.Store("out", const(0), at("t"), EIGHT, atomic="add"),
        ir.Atomic("max", "out", (const(3),), const(9.0, f32), result="old"),
        ir.Store("out", (const(0),), ir.Local("old", f32)),
    ]
    out = run(body, [tensor("t", 8)], (2,), scalars={"old": f32})
    assert out.tolist() == [11, 4, 4, 11, 4, 4, 4, 4]


def test_prints(capsys: pytest.CaptureFixture[str]) -> None:
    run([ir.Print(("block", BLOCK))], [], (2,))
    assert capsys.readouterr().out == "block 0\nblock 1\n"


def test_a_failed_assert_says_where() -> None:
    message = fails(
        [ir.Assert(ir.Compare("lt", BLOCK, const(1)), "too many: {0}", (BLOCK,))], [], (2,)
    )
    assert "too many: 1" in message
    assert "block (1, 0, 0)" in message


# ------------------------------------------------------------------------------ vector statements


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("neg", -EIGHT_FLOATS),
        ("abs", np.abs(EIGHT_FLOATS)),
        ("reciprocal", np.float32(1) / np.where(EIGHT_FLOATS == 0, np.inf, EIGHT_FLOATS)),
        ("floor", np.floor(EIGHT_FLOATS)),
        ("exp", np.exp(EIGHT_FLOATS.astype(np.float64)).astype(np.float32)),
        ("copy", EIGHT_FLOATS),
    ],
)
def test_operations_on_floats(name: tile.ElementwiseOp, expected: Any) -> None:
    x = np.where(EIGHT_FLOATS == 0, np.inf, EIGHT_FLOATS) if name == "reciprocal" else EIGHT_FLOATS
    body = [load("t", "src"), elementwise(name, "t", "t"), store("out", "t")]
    np.testing.assert_array_equal(run(body, [tensor("t", 8)], src=x), expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("add", [-9, -3, -2, -1, 0, 3, 5, 2**31 - 3]),
        ("sub", [-5, 1, 2, 3, 4, 7, 9, -(2**31) + 1]),
        ("floordiv", [3, 0, 0, -1, -1, -3, -4, -(2**30)]),
        ("quot", [3, 0, 0, 0, -1, -2, -3, -(2**30) + 1]),
        ("mod", [-1, -1, 0, -1, 0, -1, -1, -1]),
        ("and", [-8, -2, 0, 0, 2, 4, 6, 2**31 - 2]),
        ("min", [-7, -2, -2, -2, -2, -2, -2, -2]),
        ("shr", [-1, -1, 0, 0, 0, 0, 0, 0]),
    ],
)
def test_operations_on_integers(name: tile.ElementwiseOp, expected: list[int]) -> None:
    body = [load("t", "src"), elementwise(name, "t", "t", const(-2)), store("out", "t")]
    out = run(body, [tensor("t", 8, i32)], src=EIGHT_INTS, out=np.zeros(8, np.int32))
    assert out.tolist() == expected


def test_half_precision_rounds_after_every_operation() -> None:
    x = values(1, 2, 3, 4, 5, 6, 7, 8, dtype=np.float16)
    third = const(float(np.float16(1 / 3)), f16)
    body = [
        load("t", "src"),
        tile.Elementwise("fma", at("t"), (at("t"), third, at("t")), EIGHT),
        store("out", "t"),
    ]
    out = run(body, [tensor("t", 8, f16)], src=x, out=np.zeros(8, np.float16))
    assert out.tolist() == (x * np.float16(1 / 3) + x).tolist()


def test_bfloat16_is_kept_as_its_bits() -> None:
    body = [
        load("f", "src"),
        tile.Convert(at("h"), at("f"), EIGHT),
        elementwise("add", "h", "h", const(1.0, bf16)),
        tile.Convert(at("f"), at("h"), EIGHT),
        store("out", "f"),
    ]
    x = values(0.1, 1, 2, 3, 4, 5, 6, 256)
    out = run(body, [tensor("f", 8), tensor("h", 8, bf16)], src=x)
    assert out.tolist() == [1.1015625, 2, 3, 4, 5, 6, 7, 256]


def test_iota_fill_and_conversion() -> None:
    body = [
        tile.Iota(at("i"), const(5), const(-2), EIGHT),
        tile.Fill(at("i", 6), const(70), const(2)),
        tile.Convert(at("f"), at("i"), EIGHT),
        store("out", "f"),
    ]
    assert run(body, [tensor("i", 8, i32), tensor("f", 8)]).tolist() == [
        5,
        3,
        1,
        -1,
        -3,
        -5,
        70,
        70,
    ]


def test_masks() -> None:
    masks = [tensor(n, 8, dtypes.bool_, mask=True) for n in ("a", "b", "c")]
    body = [
        load("x", "src"),
        tile.Compare("lt", "a", at("x"), const(1.0, f32), EIGHT),
        tile.MaskRange("b", const(1), const(6), EIGHT),
        tile.MaskLogic("andnot", "c", ("b", "a"), EIGHT),
        tile.CountMask("on", "c", EIGHT),
        tile.FromMask(at("t"), "c", EIGHT),
        tile.Select(at("t"), "a", at("x"), at("t"), EIGHT),
        store("out", "t"),
        ir.Store("out", (const(7),), ir.Cast(ir.Local("on", i32), f32)),
    ]
    out = run(body, [tensor("x", 8), tensor("t", 8), *masks], scalars={"on": i32}, src=EIGHT_FLOATS)
    assert out.tolist() == [-3, -1.5, 0, 0.25, 1, 1, 0, 2]


def test_select_keeps_the_bits_of_a_nan() -> None:
    bits = np.full(8, 0x7FA12345, np.uint32)
    body = [
        load("x", "src"),
        tile.MaskRange("m", const(0), const(4), EIGHT),
        tile.Select(at("x", dtype=f32), "m", at("x", dtype=f32), const(0.0, f32), EIGHT),
        store("out", "x"),
    ]
    tensors = [tensor("x", 8, u32), tensor("m", 8, dtypes.bool_, mask=True)]
    out = run(body, tensors, src=bits, out=np.zeros(8, np.uint32))
    assert out.tolist() == [0x7FA12345] * 4 + [0] * 4


def test_gather_and_scatter() -> None:
    body = [
        load("x", "src"),
        tile.Iota(at("i"), const(7), const(-1), EIGHT),
        tile.Gather(at("t"), at("x"), at("i"), EIGHT),
        tile.Scatter(at("y", 0), at("i"), at("t"), EIGHT),
        elementwise("add", "y", "y", "t"),
        store("out", "y"),
    ]
    tensors = [tensor("x", 8), tensor("y", 8), tensor("t", 8), tensor("i", 8, i32)]
    x = np.arange(8, dtype=np.float32) ** 2
    assert run(body, tensors, src=x).tolist() == (x + x[::-1]).tolist()


@pytest.mark.parametrize("name", ["add", "min", "max"])
@pytest.mark.parametrize("count", [1, 2, 3, 7, 8])
def test_reductions(name: tile.ReduceOp, count: int) -> None:
    body = [
        load("x", "src"),
        tile.Reduce(name, "r", at("x"), const(count)),
        ir.Store("out", (const(0),), ir.Local("r", f32)),
    ]
    x = values(5, -3, 8, 1, 0, 9, -4, 2)
    out = run(body, [tensor("x", 8)], scalars={"r": f32}, src=x)
    whole = {"add": np.sum, "min": np.min, "max": np.max}[name]
    assert out[0] == whole(x[:count])


def test_minima_ignore_a_nan() -> None:
    body = [
        load("x", "src"),
        tile.Reduce("max", "r", at("x"), EIGHT),
        ir.Store("out", (const(0),), ir.Local("r", f32)),
    ]
    assert run(body, [tensor("x", 8)], scalars={"r": f32}, src=EIGHT_FLOATS)[0] == 7


def test_rows() -> None:
    x = np.arange(40, dtype=np.float32)
    out = np.full(32, -1, np.float32)
    body = [
        tile.Load(at("t"), "src", const(3), const(2), const(3), const(10), const(4)),
        tile.Store("out", const(1), at("t"), const(2), const(3), const(5), const(4)),
    ]
    run(body, [tensor("t", 12)], src=x, out=out)
    expected = np.full(32, -1.0)
    for row in range(3):
        expected[1 + 5 * row : 3 + 5 * row] = x[3 + 10 * row : 5 + 10 * row]
    assert out.tolist() == expected.tolist()


def test_contraction() -> None:
    rng = np.random.default_rng(7)
    a, b = rng.integers(-5, 5, (2, 4, 4)).astype(np.float32)
    four = const(16)
    body = [
        load("a", "left", const(0), four),
        load("b", "right", const(0), four),
        tile.Fill(at("c"), const(1.0, f32), const(24)),
        tile.Contract(at("c"), at("a"), at("b"), 4, 4, 4, 6, 4, 4),
        tile.Store("out", const(0), at("c"), const(4), const(4), const(4), const(6)),
    ]
    tensors = [tensor("a", 16), tensor("b", 16), tensor("c", 24)]
    out = run(body, tensors, left=a.reshape(-1), right=b.reshape(-1), out=np.zeros(16, np.float32))
    assert out.reshape(4, 4).tolist() == (a @ b + 1).tolist()


def test_nothing_happens_in_no_lanes() -> None:
    body = [
        tile.Fill(at("t"), const(1.0, f32), EIGHT),
        tile.Fill(at("t"), const(2.0, f32), const(0)),
        elementwise("add", "t", "t", "t", count=const(-3)),
        store("out", "t"),
    ]
    assert run(body, [tensor("t", 8)]).tolist() == [1.0] * 8


# -------------------------------------------------------------------------------- what it refuses


def test_uninitialised_elements_show() -> None:
    body = [elementwise("add", "t", "t", const(1.0, f32)), store("out", "t")]
    assert np.isnan(run(body, [tensor("t", 8)])).all()


def test_tensors_of_one_address_disturb_each_other() -> None:
    tensors = [tensor("a", 8, address=0), tensor("b", 8, address=16)]
    body = [
        tile.Fill(at("a"), const(1.0, f32), EIGHT),
        tile.Fill(at("b"), const(2.0, f32), EIGHT),
        store("out", "a"),
    ]
    assert run(body, tensors).tolist() == [1, 1, 1, 1, 2, 2, 2, 2]


def test_slices_stay_in_their_tensor() -> None:
    message = fails([tile.Fill(at("t", 1), const(0.0, f32), EIGHT)], [tensor("t", 8)])
    assert "elements 1 to 8 of t, which has 8" in message


def test_masks_have_enough_lanes() -> None:
    mask = tensor("m", 4, dtypes.bool_, mask=True)
    message = fails([tile.MaskRange("m", const(0), const(1), EIGHT)], [mask])
    assert "8 lanes of mask m, which has 4" in message


def test_gathers_stay_in_their_table() -> None:
    body = [
        tile.Iota(at("i"), const(-1), const(1), EIGHT),
        tile.Fill(at("x"), const(0.0, f32), EIGHT),
        tile.Gather(at("t"), at("x"), at("i"), EIGHT),
    ]
    tensors = [tensor("x", 8), tensor("t", 8), tensor("i", 8, i32)]
    assert "lane 0 looks up element -1 of x" in fails(body, tensors)


def test_a_target_may_be_a_source_but_not_overlap_one() -> None:
    zero = tile.Fill(at("t"), const(0.0, f32), const(9))
    shifted = tile.Elementwise("add", at("t", 1), (at("t"), const(1.0, f32)), EIGHT)
    assert "overlaps t" in fails([zero, shifted], [tensor("t", 9)])


def test_global_accesses_stay_inside() -> None:
    message = fails([load("t", "src", const(1))], [tensor("t", 8)], src=np.zeros(8, np.float32))
    assert "out of bounds" in message
    assert "element 8" in message


def test_scalars_have_a_value() -> None:
    body = [
        ir.If(ir.Compare("gt", N, const(100)), [ir.Assign("i", const(1))]),
        ir.Store("out", (const(0),), ir.Cast(INDEX, f32)),
    ]
    assert "scalar i is read before it is assigned" in fails(body, [], scalars={"i": i32})


def test_rows_do_not_overlap_on_the_chip() -> None:
    body = [tile.Load(at("t"), "src", const(0), const(2), const(2), const(2), const(1))]
    assert "overlap" in fails(body, [tensor("t", 8)], src=np.zeros(8, np.float32))


def test_an_empty_reduction_has_no_value() -> None:
    body = [tile.Fill(at("t"), const(0.0, f32), EIGHT), tile.Reduce("add", "r", at("t"), const(0))]
    assert "0 lanes has no value" in fails(body, [tensor("t", 8)], scalars={"r": f32})


def test_all_tiles_wait_for_the_grid_or_none() -> None:
    body: list[tile.Stmt] = [ir.If(ir.Compare("eq", BLOCK, const(0)), [tile.GridSync()])]  # type: ignore[list-item]
    assert "1 tiles wait for the whole grid" in fails(body, [], (2,))
