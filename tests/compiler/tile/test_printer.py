"""Tile programs as text."""

from __future__ import annotations

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.diagnostics import Loc, SourceFile
from accelerx.compiler.tile import ir as tile
from accelerx.compiler.tile.printer import head, print_program
from tests.support.kernels import const, kernel
from tests.support.tiled import LANES, at, program, tensor

i32, f32 = dtypes.int32, dtypes.float32
FOUR = const(4)


def test_a_whole_program() -> None:
    k = kernel([], {"x": f32, "y": f32}, scalars={"a": f32}, name="saxpy")
    loc = Loc(SourceFile("k.py", ""), 3, 5)
    lane = ir.Local("l", i32)
    body: list[tile.Stmt] = [
        tile.Load(at("xs"), "x", ir.Special("block"), LANES, loc=loc),
        tile.Elementwise("mul", at("xs"), (at("xs"), ir.ParamRef("a", f32)), LANES),
        tile.MaskRange("m", const(0), FOUR, LANES),
        ir.If(
            ir.Compare("gt", LANES, FOUR),
            [tile.LaneLoop("l", LANES, [ir.Store("xs", (lane,), const(0.0, f32))], "because", "m")],
            [tile.Store("y", const(0), at("xs"), LANES, atomic="add")],
        ),
    ]
    tensors = [
        tensor("xs", 8, role="staged", shown="x", phase=1, address=32, copies=2),
        tensor("m", 8, dtypes.bool_, mask=True),
    ]
    text = print_program(program(k, body, tensors, {"l": i32}, blocks=2, threads=4), places=True)
    assert (
        text
        == """\
program saxpy: tiles of 2 blocks of 4 threads
  tensor xs: f32[8] staged of x phase 1 x2 at 32
  mask m?: [8] temp
  scalar lanes: i32
  scalar l: i32
do
  xs[0i32..] = load x[block.x..]  # lanes lanes  @ 3:5
  xs[0i32..] = mul(xs[0i32..], $a)  # lanes lanes
  m? = lanes 0i32 .. 4i32  # lanes lanes
  if lanes > 4i32
    lanes l in 0 .. lanes where m?  # because
      xs[l] = 0.0f32
  else
    y[0i32..] = atomic add xs[0i32..]  # lanes lanes
"""
    )


def test_heads() -> None:
    heads = {
        tile.Fill(at("t"), const(1.0, f32), FOUR): "t[0i32..] = 1.0f32  # 4i32 lanes",
        tile.Iota(at("t"), const(0), const(2), FOUR): (
            "t[0i32..] = iota(0i32 by 2i32)  # 4i32 lanes"
        ),
        tile.Convert(at("t", 1), at("u"), FOUR): "t[1i32..] = convert(u[0i32..])  # 4i32 lanes",
        tile.Compare("le", "m", at("t"), const(1), FOUR): "m? = t[0i32..] <= 1i32  # 4i32 lanes",
        tile.MaskLogic("andnot", "m", ("a", "b"), FOUR): "m? = a? and not b?  # 4i32 lanes",
        tile.MaskLogic("not", "m", ("a",), FOUR): "m? = not a?  # 4i32 lanes",
        tile.FromMask(at("t"), "m", FOUR): "t[0i32..] = m?  # 4i32 lanes",
        tile.Select(at("t"), "m", at("u"), const(1), FOUR): (
            "t[0i32..] = select(m?, u[0i32..], 1i32)  # 4i32 lanes"
        ),
        tile.Gather(at("t"), at("u"), at("i"), FOUR): (
            "t[0i32..] = u[0i32..][i[0i32..]]  # 4i32 lanes"
        ),
        tile.Scatter(at("u"), at("i"), at("t"), FOUR): (
            "u[0i32..][i[0i32..]] = t[0i32..]  # 4i32 lanes"
        ),
        tile.Reduce("max", "r", at("t", 0, f32), FOUR): (
            "r = reduce max f32.bits(t[0i32..])  # 4i32 lanes"
        ),
        tile.CountMask("n", "m", FOUR): "n = count m?  # 4i32 lanes",
        tile.Load(at("t"), "x", const(0), FOUR, const(2), const(9), const(5)): (
            "t[0i32..] = load x[0i32..]  # 4i32 lanes, 2i32 rows 9i32 to 5i32 apart"
        ),
        tile.Elementwise("copy", at("t"), (at("u"),), FOUR): "t[0i32..] = u[0i32..]  # 4i32 lanes",
        tile.Contract(at("c"), at("a"), at("b"), 2, 3, 4, 3, 4, 5): (
            "c[0i32..] by 3 += a[0i32..] by 4 @ b[0i32..] by 5  # 2 x 3 x 4"
        ),
        tile.GridSync(): "grid sync",
        ir.Break(): "break",
    }
    assert {head(s) for s in heads} == set(heads.values())
    for s, text in heads.items():
        assert head(s) == text
