"""Webs: independent uses of a name become different locals, dependent ones stay one."""

from __future__ import annotations

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.passes.webs import split_webs
from tests.support.kernels import THREAD, const, kernel, store

I32 = dtypes.int32
A = ir.Local("a", I32)


def targets(k: ir.Kernel) -> list[str]:
    return [s.target for s in ir.statements(k.body) if isinstance(s, ir.Assign)]


def test_independent_uses_are_split() -> None:
    body = [ir.Assign("a", const(1)), store("x", A), ir.Assign("a", THREAD), store("x", A)]
    k = split_webs(kernel(body, {"x": I32}, {"a": I32}))
    first, second = targets(k)
    assert first != second
    assert set(k.locals) == {first, second}


def test_a_use_of_two_definitions_joins_them() -> None:
    branch = ir.If(ir.Compare("lt", THREAD, const(3)), [ir.Assign("a", const(2))])
    k = split_webs(
        kernel([ir.Assign("a", const(1)), branch, store("x", A)], {"x": I32}, {"a": I32})
    )
    assert len(set(targets(k))) == 1


def test_a_loop_carries_a_definition_round() -> None:
    step = ir.Assign("a", ir.Binary("add", A, const(1), I32))
    loop = ir.While(ir.Compare("lt", A, const(9)), [step])
    k = split_webs(kernel([ir.Assign("a", const(0)), loop, store("x", A)], {"x": I32}, {"a": I32}))
    assert len(set(targets(k))) == 1


def test_break_carries_its_definition_out() -> None:
    leave = [ir.Assign("a", const(5)), ir.Break()]
    loop = ir.While(ir.Const(True, dtypes.bool_), [ir.If(ir.Compare("lt", THREAD, A), leave)])
    k = split_webs(kernel([ir.Assign("a", const(0)), loop, store("x", A)], {"x": I32}, {"a": I32}))
    assert len(set(targets(k))) == 1


def test_the_original_is_left_as_it_is() -> None:
    body = [ir.Assign("a", const(1)), store("x", A), ir.Assign("a", THREAD), store("x", A)]
    original = kernel(body, {"x": I32}, {"a": I32})
    split_webs(original)
    assert targets(original) == ["a", "a"]
    assert set(original.locals) == {"a"}


def test_clocks_define_webs_of_their_own() -> None:
    a = ir.Local("a", dtypes.int64)
    body = [ir.Clock("a"), store("x", a), ir.Clock("a"), store("x", a)]
    k = split_webs(kernel(body, {"x": dtypes.int64}, {"a": dtypes.int64}))
    first, second = (s.result for s in k.body if isinstance(s, ir.Clock))
    assert first != second
    assert [s.value.name for s in k.body if isinstance(s, ir.Store)] == [first, second]  # type: ignore[union-attr]
