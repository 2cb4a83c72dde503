"""Coordinates are written out where they are used; what changes is not."""

from __future__ import annotations

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.passes.inline import inline_coordinates
from tests.support.kernels import THREAD, const, kernel, load, store

I32 = dtypes.int32
T = ir.Local("t", I32)


def test_a_coordinate_is_inlined() -> None:
    k = inline_coordinates(
        kernel([ir.Assign("t", THREAD), store("x", T, T)], {"x": I32}, {"t": I32})
    )
    (s,) = k.body
    assert isinstance(s, ir.Store)
    assert s.value is THREAD


def test_a_chain_of_them_too() -> None:
    double = ir.Binary("mul", T, const(2), I32, nowrap=True)
    body = [ir.Assign("t", THREAD), ir.Assign("u", double), store("x", ir.Local("u", I32))]
    k = inline_coordinates(kernel(body, {"x": I32}, {"t": I32, "u": I32}))
    assert len(k.body) == 1


def test_a_loaded_value_stays() -> None:
    k = inline_coordinates(
        kernel([ir.Assign("t", load("x", I32)), store("x", T)], {"x": I32}, {"t": I32})
    )
    assert ir.contains(k.body, ir.Assign)


def test_a_local_assigned_twice_stays() -> None:
    branch = ir.If(ir.Compare("lt", T, const(3)), [ir.Assign("t", const(0))])
    k = inline_coordinates(
        kernel([ir.Assign("t", THREAD), branch, store("x", T)], {"x": I32}, {"t": I32})
    )
    assert ir.contains(k.body, ir.Assign)
