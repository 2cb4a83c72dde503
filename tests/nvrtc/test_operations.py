"""NVRTC takes every operation, cast, atomic and warp operation that the cuda dialect prints."""

from __future__ import annotations

from itertools import count

import pytest

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.dialects.base import EmitOptions
from accelerx.compiler.dialects.cuda import CudaDialect
from accelerx.compiler.intrinsics import ATOMICS, INTRINSICS, WARP_OPS
from accelerx.dtypes import DType
from tests.support import nvrtc
from tests.support.kernels import const, kernel, load, store
from tests.support.views import CASES, Case

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(nvrtc.library() is None, reason="needs nvidia-cuda-nvrtc"),
]

NUMBERS = tuple(t for t in dtypes.DTYPES if not t.is_bool)
INTEGER_OPS = ("quot", "and", "or", "xor", "shl", "shr")
BOTH_OPS = ("add", "sub", "mul", "rem", "floordiv", "mod", "min", "max")


def _compile(k: ir.Kernel, architecture: str = "sm_80") -> None:
    dialect = CudaDialect()
    program = dialect.emit(dialect.lower(k), EmitOptions())
    assert nvrtc.compile_cuda(program.text, architecture)


def _xy(t: DType) -> tuple[ir.Load, ir.Load]:
    return load("x", t, 0), load("x", t, 1)


@pytest.mark.parametrize("t", NUMBERS, ids=lambda t: t.name)
def test_operators(t: DType) -> None:
    x, y = _xy(t)
    ops = (*BOTH_OPS, *(INTEGER_OPS if t.is_integer else ("div", "quot")))
    values: list[ir.Expr] = [ir.Binary(op, x, y, t) for op in ops]
    values += [ir.Unary("neg", x, t), ir.Select(ir.Compare("lt", x, y), x, const(1, t), t)]
    values += [ir.Unary("invert", x, t)] if t.is_integer else []
    _compile(kernel([store("x", v, n) for n, v in enumerate(values)], {"x": t}))


@pytest.mark.parametrize("fast", [False, True], ids=["exact", "fast"])
@pytest.mark.parametrize("t", NUMBERS, ids=lambda t: t.name)
def test_intrinsics(t: DType, fast: bool) -> None:
    x, y = _xy(t)
    stmts: list[ir.Stmt] = []
    for row in INTRINSICS.values():
        if row.domain not in ("number", "float" if t.is_float else "int"):
            continue
        arguments = [x, y, x][: row.arity] if row.name != "ldexp" else [x, const(3)]
        value = ir.Call(row.name, tuple(arguments), row.result_type(t))
        stmts.append(store("x", ir.Cast(value, t)))
    k = kernel(stmts, {"x": t})
    k.fastmath = fast
    _compile(k)


@pytest.mark.parametrize("t", NUMBERS, ids=lambda t: t.name)
def test_conversions(t: DType) -> None:
    x = load("x", t, 0)
    others = {f"o{n}": to for n, to in zip(count(), dtypes.DTYPES, strict=False)}
    stmts: list[ir.Stmt] = []
    for name, to in others.items():
        stmts += [store(name, ir.Cast(x, to)), store("x", ir.Cast(load(name, to, 0), t))]
        if to.bits == t.bits and not to.is_bool:
            stmts.append(store(name, ir.Bitcast(x, to)))
    _compile(kernel(stmts, {"x": t, **others}))


@pytest.mark.parametrize("architecture", nvrtc.ARCHITECTURES)
@pytest.mark.parametrize("t", dtypes.DTYPES, ids=lambda t: t.name)
def test_atomics(t: DType, architecture: str) -> None:
    x, y = _xy(t)
    stmts: list[ir.Stmt] = []
    for row in ATOMICS.values():
        fits = {"number": not t.is_bool, "int": t.is_integer, "uint": t.kind == "uint", "any": True}
        if fits[row.domain]:
            compare = x if row.name == "cas" else None
            stmts.append(ir.Atomic(row.name, "x", (const(0),), y, compare))
            stmts.append(ir.Atomic(row.name, "x", (const(0),), y, compare, "old"))
            stmts.append(store("x", ir.Local("old", t)))
    _compile(kernel(stmts, {"x": t}, {"old": t}), architecture)


@pytest.mark.parametrize("architecture", ["sm_75", *nvrtc.ARCHITECTURES])
@pytest.mark.parametrize("t", NUMBERS, ids=lambda t: t.name)
def test_warp_operations(t: DType, architecture: str) -> None:
    x, y = _xy(t)
    stmts: list[ir.Stmt] = []
    for row in WARP_OPS.values():
        if t.is_float and row.name in ("reduce_and", "reduce_or", "reduce_xor"):
            continue
        predicate = row.name in ("ballot", "any", "all", "uni")
        first: ir.Expr = ir.Compare("lt", x, y) if predicate else x
        arguments = ((), (first,), (first, const(3)))[row.arity]
        width = const(16) if row.name.startswith("shfl") else None
        stmts.append(ir.Warp(row.name, arguments, row.result, width))
        result = (
            t if row.result == "same" else dtypes.bool_ if row.result == "bool" else dtypes.uint32
        )
        stmts.append(store("x", ir.Cast(ir.Local(row.result, result), t)))
    locals = {"same": t, "bool": dtypes.bool_, "uint32": dtypes.uint32}
    _compile(kernel(stmts, {"x": t}, locals), architecture)


def test_special_values_prints_and_assertions() -> None:
    kinds = ("thread", "block", "block_dim", "grid_dim")
    stmts: list[ir.Stmt] = [store("x", ir.Special(k, a)) for k in kinds for a in range(3)]
    stmts += [store("x", ir.Special("lane")), store("x", ir.Special("warp"))]
    stmts.append(ir.Print(("x is", load("x", dtypes.int32))))
    stmts.append(ir.Assert(const(True, dtypes.bool_), 'x "is" {0}%', (load("x", dtypes.int32),)))
    _compile(kernel(stmts, {"x": dtypes.int32}))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_views(case: Case) -> None:
    _compile(case.kernel)


def test_clocks() -> None:
    out = [store(name, ir.Local(name, dtypes.int64)) for name in "ab"]
    types = {"a": dtypes.int64, "b": dtypes.int64}
    _compile(kernel([ir.Clock("a"), ir.Clock("b", "nanoseconds"), *out], types, types))
