"""Operators, conversions and exact intrinsics of every dtype, on the values where they are hard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.intrinsics import INTRINSICS
from accelerx.dtypes import DTYPES, DType
from accelerx.runtime.interpreter import Interpreter
from tests.support.host import CONFIGURATIONS, HostKernel
from tests.support.kernels import THREAD, kernel, load, store

INTEGER_OPS = (
    "add", "sub", "mul", "quot", "rem", "floordiv", "mod", "and", "or", "xor", "shl", "shr", "min",
    "max",
)  # fmt: skip
FLOAT_OPS = ("add", "sub", "mul", "div", "rem", "mod", "min", "max")
COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
EXACT = [r.name for r in INTRINSICS.values() if max(r.ulp) == 0]
NUMBERS = [t for t in DTYPES if not t.is_bool]


def edges(dtype: DType) -> list[Any]:
    if dtype.is_bool:
        return [False, True]
    if dtype.is_float:
        info = np.finfo(np.float16 if dtype.bits == 16 else dtype.numpy)
        big, tiny = float(info.max) / 2, float(info.smallest_subnormal)
        plain = [0.0, 1.0, 1.5, 2.5, 7.0, 0.3, 1e-3, 100.0, big, tiny * 3, float("inf")]
        return [*plain, *(-v for v in plain), float("nan")]
    info = np.iinfo(dtype.numpy)
    values = {0, 1, 2, 3, 7, 31, 33, 64, info.max, info.max - 1, info.min, info.min + 1}
    halfway = {2**24 + 1, 3 * 2**23 + 1, 2**40 + 2**32 + 1, 2**62 + 2**54, 2**62 + 2**54 + 1}
    values |= {v for v in halfway if v <= info.max}
    return sorted(values | ({-1, -2, -7} if dtype.is_signed else set()))


def inputs(types: Sequence[DType]) -> dict[str, np.ndarray]:
    """Every combination of edge values, as buffers x0, x1, ..."""
    grids = np.meshgrid(*(np.arange(len(edges(t))) for t in types), indexing="ij")
    out = {}
    for i, (t, grid) in enumerate(zip(types, grids, strict=True)):
        values = np.array(edges(t), np.float64 if t.is_float else t.numpy)
        out[f"x{i}"] = values[grid.reshape(-1)].astype(t.numpy)
    return out


def check(values: Sequence[ir.Expr], types: Sequence[DType]) -> None:
    """Asserts that expressions of x0[t], x1[t], ... give the interpreter's bits."""
    buffers = inputs(types)
    n = len(buffers["x0"])
    outputs = {f"o{i}": v.type for i, v in enumerate(values)}
    guard = ir.Compare("lt", _thread(), ir.Const(n, dtypes.int32))
    stores: list[ir.Stmt] = [store(f"o{i}", v, _thread()) for i, v in enumerate(values)]
    params = {f"x{i}": t for i, t in enumerate(types)} | outputs
    k = kernel([ir.If(guard, stores)], params)
    k.contract = False
    made = {name: np.zeros(n, t.numpy) for name, t in outputs.items()}
    grid = -(-n // 64)
    expected = {name: a.copy() for name, a in made.items()}
    arguments = {name: (a, 0) for name, a in {**buffers, **expected}.items()}
    Interpreter(k).run((grid,), (64,), 0, arguments)
    for name in ("auto", "scalar"):
        actual = {o: a.copy() for o, a in made.items()}
        HostKernel(k, 64, CONFIGURATIONS[name]).run(grid, {**buffers, **actual})
        for i, o in enumerate(outputs):
            same = _same(expected[o], actual[o])
            if getattr(values[i], "op", "") in ("min", "max"):
                same |= expected[o] == actual[o]  # of zeros, C's fmin and fmax give either
            assert same.all(), _message(values[i], buffers, expected[o], actual[o], ~same, name)


def _thread() -> ir.Expr:
    first = ir.Binary(
        "mul", ir.Special("block", 0), ir.Special("block_dim", 0), dtypes.int32, nowrap=True
    )
    return ir.Binary("add", first, THREAD, dtypes.int32, nowrap=True)


def _same(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    word = np.dtype(f"u{a.dtype.itemsize}")
    return (a.view(word) == b.view(word)) | ((a != a) & (b != b))


def _message(
    e: ir.Expr, buffers: dict[str, np.ndarray], want: Any, got: Any, bad: Any, name: str
) -> str:
    at = int(np.argmax(bad))
    what = getattr(e, "op", getattr(e, "function", type(e).__name__))
    given = [a[at] for a in buffers.values()]
    return f"{name}: {what} of {given} is {got[at]!r}, must be {want[at]!r}"


def x(i: int, dtype: DType) -> ir.Load:
    return load(f"x{i}", dtype, _thread())


@pytest.mark.parametrize("dtype", NUMBERS, ids=str)
def test_binary_operators(dtype: DType) -> None:
    ops: Any = FLOAT_OPS if dtype.is_float else INTEGER_OPS
    values = [ir.Binary(op, x(0, dtype), x(1, dtype), dtype) for op in ops]
    check(values, [dtype, dtype])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_comparisons(dtype: DType) -> None:
    ops: Any = COMPARISONS[:2] if dtype.is_bool else COMPARISONS
    check([ir.Compare(op, x(0, dtype), x(1, dtype)) for op in ops], [dtype, dtype])


@pytest.mark.parametrize("dtype", NUMBERS, ids=str)
def test_unary_operators(dtype: DType) -> None:
    values = [ir.Unary("neg", x(0, dtype), dtype)]
    if dtype.is_integer:
        values.append(ir.Unary("invert", x(0, dtype), dtype))
    check(values, [dtype])


def test_connectives_and_select() -> None:
    b = dtypes.bool_
    ops: Any = ("and", "or", "xor")
    values: list[ir.Expr] = [ir.Logical(op, x(0, b), x(1, b)) for op in ops]
    values.append(ir.Unary("not", x(0, b), b))
    values.append(ir.Select(x(0, b), x(1, b), ir.Const(True, b), b))
    check(values, [b, b])


@pytest.mark.parametrize("source", DTYPES, ids=str)
def test_casts(source: DType) -> None:
    check([ir.Cast(x(0, source), t) for t in DTYPES], [source])


@pytest.mark.parametrize("dtype", [dtypes.int32, dtypes.uint8, dtypes.int64], ids=str)
def test_division_by_constants(dtype: DType) -> None:
    divisors = [1, 2, 7, 10, 64] + ([-1, -3] if dtype.is_signed else []) + [0]
    ops: Any = ("quot", "rem", "floordiv", "mod")
    values = [ir.Binary(op, x(0, dtype), ir.Const(d, dtype), dtype) for op in ops for d in divisors]
    check(values, [dtype])


@pytest.mark.parametrize("dtype", [dtypes.int32, dtypes.uint8], ids=str)
def test_shifts_by_constants(dtype: DType) -> None:
    ops: Any = ("shl", "shr")
    counts = [0, 1, dtype.bits - 1, dtype.bits, 100]
    values = [ir.Binary(op, x(0, dtype), ir.Const(c, dtype), dtype) for op in ops for c in counts]
    check(values, [dtype])


@pytest.mark.parametrize("dtype", [t for t in NUMBERS if t.is_integer], ids=str)
def test_integer_intrinsics(dtype: DType) -> None:
    rows = [r for r in INTRINSICS.values() if r.domain in ("int", "number")]
    values = [
        ir.Call(r.name, tuple(x(i, dtype) for i in range(r.arity)), r.result_type(dtype))
        for r in rows
    ]
    check(values, [dtype, dtype])


@pytest.mark.parametrize("dtype", [t for t in NUMBERS if t.is_float], ids=str)
def test_exact_float_intrinsics(dtype: DType) -> None:
    rows = [r for r in INTRINSICS.values() if r.name in EXACT and r.domain != "int"]
    rows = [r for r in rows if r.arity < 3 and r.name != "ldexp"]
    values = [
        ir.Call(r.name, tuple(x(i, dtype) for i in range(r.arity)), r.result_type(dtype))
        for r in rows
    ]
    check(values, [dtype, dtype])


@pytest.mark.parametrize("dtype", [t for t in NUMBERS if t.is_float], ids=str)
def test_fused_multiply_add_rounds_once(dtype: DType) -> None:
    check([ir.Call("fma", tuple(x(i, dtype) for i in range(3)), dtype)], [dtype] * 3)
