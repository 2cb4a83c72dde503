"""Normal form: what remains is what the code generator knows."""

from __future__ import annotations

import numpy as np

from accelerx import cuda, dtypes
from accelerx.compiler import ir
from accelerx.compiler.passes.normalise import negate, normalise
from tests.support.kernels import THREAD, const, kernel, load, store
from tests.support.lifted import lifted

I32 = dtypes.int32


def specials(k: ir.Kernel) -> set[str]:
    found = set()
    for s in ir.statements(k.body):
        for e in ir.expressions(s):
            found |= {x.kind for x in ir.walk(e) if isinstance(x, ir.Special)}
    return found


def test_early_return_becomes_a_branch() -> None:
    guard = ir.If(ir.Compare("ge", THREAD, const(5)), [ir.Return()])
    k = normalise(kernel([guard, store("x", const(1))], {"x": I32}), (32, 1, 1))
    (branch,) = k.body
    assert isinstance(branch, ir.If)
    assert isinstance(branch.condition, ir.Compare)
    assert branch.condition.op == "lt"
    assert not ir.contains(k.body, ir.Return)


def test_early_return_before_a_barrier_stays() -> None:
    guard = ir.If(ir.Compare("ge", THREAD, const(5)), [ir.Return()])
    k = normalise(kernel([guard, ir.Barrier(), store("x", const(1))], {"x": I32}), (32, 1, 1))
    assert ir.contains(k.body, ir.Return)


def test_return_inside_a_branch_with_code_after_it_stays() -> None:
    inner = ir.If(ir.Compare("ge", THREAD, const(5)), [ir.Return()])
    outer = ir.If(ir.Compare("ge", THREAD, const(2)), [inner, store("x", const(1))])
    k = normalise(kernel([outer, store("x", const(2))], {"x": I32}), (32, 1, 1))
    assert ir.contains(k.body, ir.Return)


def test_block_dim_and_flat_axes_are_constants() -> None:
    value = ir.Binary("add", ir.Special("block_dim", 0), ir.Special("thread", 1), I32)
    k = normalise(kernel([store("x", value)], {"x": I32}), (32, 1, 1))
    assert specials(k) == {"thread"}


def test_a_changing_bound_is_taken_once() -> None:
    n = ir.Local("n", I32)
    loop = ir.For("i", const(0), n, const(1), [ir.Assign("n", const(0))])
    k = normalise(
        kernel([ir.Assign("n", const(9)), loop], {"x": I32}, {"i": I32, "n": I32}), (1, 1, 1)
    )
    found = next(s for s in k.body if isinstance(s, ir.For))
    assert isinstance(found.stop, ir.Local)
    assert found.stop.name != "n"


def test_indices_become_one_offset() -> None:
    def transpose(x, y):
        i, j = cuda.grid(2)
        y[i, j] = x[j, i]

    a = np.zeros((4, 4), np.float32)
    k = normalise(lifted(transpose, a, a), (4, 4, 1))
    for mem in k.mems.values():
        assert mem.strides == (1,)
    (s,) = [s for s in ir.statements(k.body) if isinstance(s, ir.Store)]
    assert len(s.indices) == 1
    assert s.indices[0].type is dtypes.int64


def test_negation_of_floats_keeps_nan_apart() -> None:
    x = load("x", dtypes.float32)
    negated = negate(ir.Compare("lt", x, ir.Const(1.0, dtypes.float32)))
    assert isinstance(negated, ir.Unary)
    assert negated.op == "not"
