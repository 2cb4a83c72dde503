"""The rules of tile programs: each broken one is found and named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.tile import ir as tile
from accelerx.compiler.tile.verify import verify
from accelerx.compiler.verify import VerifyError
from tests.support.kernels import THREAD, const, kernel
from tests.support.tiled import at, program, tensor

b, i32, f32 = dtypes.bool_, dtypes.int32, dtypes.float32
EIGHT, ONE, HALF = const(8), const(1.0, f32), const(0.5, f32)
TENSORS = [
    tensor("t", 8), tensor("u", 8), tensor("i", 8, i32), tensor("m", 8, b, mask=True),
    tensor("flags", 8, b),
]  # fmt: skip
SCALARS = {"r": f32, "n": i32, "l": i32}
KERNEL = kernel([], {"x": f32})


def check(body: Sequence[tile.Stmt], tensors: Sequence[tile.Tensor] = TENSORS, **more: Any) -> None:
    verify(program(KERNEL, body, tensors, SCALARS, **more))


def lane_loop(*body: tile.Stmt, reason: str = "why", mask: str | None = None) -> tile.LaneLoop:
    return tile.LaneLoop("l", EIGHT, list(body), reason, mask)  # type: ignore[arg-type]


GOOD: list[tile.Stmt] = [
    tile.Elementwise("add", at("t"), (at("u"), ONE), EIGHT),
    tile.Elementwise("and", at("flags"), (at("flags"), const(True, b)), EIGHT),
    tile.Elementwise("rem", at("t"), (at("u"), ONE), EIGHT),
    tile.Elementwise("xor", at("t", 0, i32), (at("i"), const(1)), EIGHT),
    tile.Fill(at("t"), ONE, EIGHT),
    tile.Iota(at("i"), const(0), const(1), EIGHT),
    tile.Convert(at("t"), at("i"), EIGHT),
    tile.Compare("lt", "m", at("t"), ONE, EIGHT),
    tile.MaskRange("m", const(0), const(3), EIGHT),
    tile.MaskLogic("not", "m", ("m",), EIGHT),
    tile.FromMask(at("t"), "m", EIGHT),
    tile.Select(at("t"), "m", at("u"), ONE, EIGHT),
    tile.Gather(at("t"), at("u"), at("i"), EIGHT),
    tile.Scatter(at("t"), at("i"), at("u"), EIGHT),
    tile.Reduce("add", "r", at("t"), EIGHT),
    tile.CountMask("n", "m", EIGHT),
    tile.Load(at("t"), "x", const(0), EIGHT),
    tile.Store("x", const(0), at("t"), const(2), const(2), const(4), const(2)),
    tile.Contract(at("t"), at("u"), at("u", 4), 2, 2, 2, 2, 2, 2),
    lane_loop(ir.Store("t", (ir.Local("l", i32),), ONE), mask="m"),
    ir.Assign("r", ir.Load("t", (const(0),), f32)),
]


@pytest.mark.parametrize("s", GOOD, ids=lambda s: type(s).__name__)
def test_good_statements(s: tile.Stmt) -> None:
    check([s])


BAD: list[tuple[str, tile.Stmt]] = [
    ("operators", tile.Elementwise("pow", at("t"), (at("u"), ONE), EIGHT)),  # type: ignore[arg-type]
    ("operators", tile.Elementwise("add", at("t"), (at("u"),), EIGHT)),
    ("operator domains", tile.Elementwise("shl", at("t"), (at("u"), ONE), EIGHT)),
    ("operator domains", tile.Elementwise("div", at("i"), (at("i"), const(2)), EIGHT)),
    ("operator domains", tile.Elementwise("add", at("flags"), (at("flags"), at("flags")), EIGHT)),
    ("operands", tile.Elementwise("add", at("t"), (ONE, ONE), EIGHT)),
    ("types match", tile.Elementwise("add", at("t"), (at("u"), const(1)), EIGHT)),
    ("types match", tile.Fill(at("t"), const(1), EIGHT)),
    ("types match", tile.Iota(at("i"), const(0), ONE, EIGHT)),
    ("scalar integers", tile.Fill(at("t"), ONE, HALF)),
    ("scalar integers", tile.Fill(tile.Slice("t", HALF), ONE, EIGHT)),
    ("tensors are declared", tile.Fill(at("none"), ONE, EIGHT)),
    ("slice types", tile.Fill(at("t", 0, dtypes.float64), const(1.0, dtypes.float64), EIGHT)),
    ("masks", tile.Fill(at("m"), const(True, b), EIGHT)),
    ("masks", tile.Compare("lt", "t", at("t"), ONE, EIGHT)),
    ("masks", tile.MaskLogic("not", "m", ("flags",), EIGHT)),
    ("operands", tile.Compare("lt", "m", ONE, ONE, EIGHT)),
    ("types match", tile.Compare("lt", "m", at("t"), const(1), EIGHT)),
    ("operators", tile.MaskLogic("and", "m", ("m",), EIGHT)),
    ("types match", tile.Select(at("t"), "m", at("i"), ONE, EIGHT)),
    ("types match", tile.Gather(at("t"), at("u"), at("u"), EIGHT)),
    ("types match", tile.Scatter(at("i"), at("i"), at("u"), EIGHT)),
    ("operators", tile.Reduce("mul", "r", at("t"), EIGHT)),  # type: ignore[arg-type]
    ("types match", tile.Reduce("add", "n", at("t"), EIGHT)),
    ("scalars are declared", tile.Reduce("add", "none", at("t"), EIGHT)),
    ("types match", tile.CountMask("r", "m", EIGHT)),
    ("mems are declared", tile.Load(at("t"), "t", const(0), EIGHT)),
    ("types match", tile.Load(at("i"), "x", const(0), EIGHT)),
    ("rows", tile.Load(at("t"), "x", const(0), EIGHT, rows=const(2))),
    ("operators", tile.Store("x", const(0), at("t"), EIGHT, atomic="xor")),  # type: ignore[arg-type]
    ("contractions", tile.Contract(at("t"), at("u"), at("u"), 2, 2, 2, 1, 2, 2)),
    ("contractions", tile.Contract(at("t"), at("u"), at("u"), 0, 2, 2, 2, 2, 2)),
    ("lane loops", lane_loop(tile.Fill(at("t"), ONE, EIGHT))),
    ("lane loops", lane_loop(reason="")),
    ("masks", lane_loop(mask="t")),
    ("node classes", ir.Barrier()),
    ("node classes", ir.Return()),
    ("specials", ir.Assign("n", THREAD)),
    ("specials", tile.Fill(at("i"), THREAD, EIGHT)),
    ("cooperative", tile.GridSync()),
    # Rules of KIR, found on the skeleton:
    ("locals are declared", ir.Assign("none", ONE)),
    ("types match", tile.Fill(at("t"), ir.Binary("add", ONE, const(1), f32), EIGHT)),
    ("mems are declared", ir.Store("none", (const(0),), ONE)),
    ("labels", ir.Exit("none")),
]


@pytest.mark.parametrize(("rule", "s"), BAD, ids=lambda x: x if isinstance(x, str) else "")
def test_bad_statements(rule: str, s: tile.Stmt) -> None:
    with pytest.raises(VerifyError) as caught:
        check([s])
    assert caught.value.rule == rule
    assert "k" in str(caught.value)


def test_a_jump_does_not_leave_a_lane_loop() -> None:
    body = [ir.Scope("out", [lane_loop(ir.Exit("out"))])]  # type: ignore[list-item]
    with pytest.raises(VerifyError, match="no scope out encloses"):
        check(body)


def test_only_a_loop_of_kir_is_left_by_break() -> None:
    with pytest.raises(VerifyError, match="break leaves"):
        check([lane_loop(ir.Break())])


def test_a_lane_counter_is_not_assigned() -> None:
    with pytest.raises(VerifyError, match="assigned inside the for loop"):
        check([lane_loop(ir.Assign("l", const(0)))])


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        (tensor("x", 8), "names"),
        (tensor("r", 8), "names"),
        (tensor("a", 0), "tensors"),
        (tensor("a", 8, mask=True), "tensors"),
        (tensor("a", 8, copies=3), "tensors"),
        (tensor("a", 8, phase=8), "tensors"),
    ],
)
def test_bad_tensors(bad: tile.Tensor, rule: str) -> None:
    with pytest.raises(VerifyError) as caught:
        check([], [bad])
    assert caught.value.rule == rule


def test_the_flag_of_cooperative_programs() -> None:
    check([tile.GridSync()], cooperative=True)
    with pytest.raises(VerifyError, match="cooperative is True"):
        check([], cooperative=True)


def test_stores_go_to_written_buffers() -> None:
    k = kernel([], {"x": f32})
    k.params[0].written = False
    body = [tile.Store("x", const(0), at("t"), EIGHT)]
    with pytest.raises(VerifyError, match="not 'written'"):
        verify(program(k, body, [tensor("t", 8)]))


def test_the_message_shows_the_statement() -> None:
    with pytest.raises(VerifyError, match=r"in 't\[0i32\.\.\] = 1i32  # 8i32 lanes'"):
        check([tile.Fill(at("t"), const(1), EIGHT)])
