"""Every operation the cuda dialect prints, run on the host against Python's own numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.dialects.base import EmitOptions, Program
from accelerx.compiler.dialects.cuda import CudaDialect
from accelerx.dtypes import DType
from tests.support.cuda_on_host import COMPILER, HostPrograms
from tests.support.kernels import THREAD, const, kernel, load, store

pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C++ compiler on this machine")

INTEGERS = tuple(t for t in dtypes.DTYPES if t.is_integer)
FLOATS = (dtypes.float32, dtypes.float64)
BINARY = (
    "add",
    "sub",
    "mul",
    "quot",
    "rem",
    "floordiv",
    "mod",
    "and",
    "or",
    "xor",
    "shl",
    "shr",
    "min",
    "max",
)


def emit(k: ir.Kernel) -> Program:
    dialect = CudaDialect(lines=False)
    return dialect.emit(dialect.lower(k), EmitOptions())


def wrap(value: int, t: DType) -> int:
    """The integer of type ``t`` with the low bits of ``value``."""
    value %= 2**t.bits
    return value - 2**t.bits if t.is_signed and value >= 2 ** (t.bits - 1) else value


def quotient(a: int, b: int) -> int:
    return 0 if b == 0 else abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def shift(a: int, n: int, t: DType, left: bool) -> int:
    n %= 2**t.bits
    if left:
        return a << n if n < t.bits else 0
    return a >> min(n, t.bits)


def integer_reference(op: str, a: int, b: int, t: DType) -> int:
    meaning: dict[str, Callable[[], int]] = {
        "add": lambda: a + b, "sub": lambda: a - b, "mul": lambda: a * b,
        "quot": lambda: quotient(a, b), "rem": lambda: 0 if b == 0 else a - b * quotient(a, b),
        "floordiv": lambda: 0 if b == 0 else a // b, "mod": lambda: 0 if b == 0 else a % b,
        "and": lambda: a & b, "or": lambda: a | b, "xor": lambda: a ^ b,
        "shl": lambda: shift(a, b, t, True), "shr": lambda: shift(a, b, t, False),
        "min": lambda: min(a, b), "max": lambda: max(a, b),
    }  # fmt: skip
    return wrap(meaning[op](), t)


def corners(t: DType) -> list[int]:
    low, high = (-(2 ** (t.bits - 1)), 2 ** (t.bits - 1) - 1) if t.is_signed else (0, 2**t.bits - 1)
    around = [0, 1, 2, 3, 7, 31, 32, 33, 63, 64, 100, high, high - 1, high // 3]
    return around + [low, low + 1] + ([-1, -2, -7, -33] if t.is_signed else [])


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> HostPrograms:
    programs = dict(_programs())
    return HostPrograms(programs, tmp_path_factory.mktemp("cuda"))


def _programs() -> Iterator[tuple[str, Program]]:
    for t in (*INTEGERS, *FLOATS):
        x, y = load("x", t), load("y", t)
        ops = (
            BINARY
            if t.is_integer
            else ("add", "sub", "mul", "div", "rem", "mod", "floordiv", "min", "max")
        )
        for op in ops:
            yield f"{op}_{t.name}", emit(_to_out(ir.Binary(op, x, y, t), t, x=t, y=t))
        for nested in (True, False) if t.is_integer else ():
            yield f"tree{nested}_{t.name}", emit(_to_out(_tree(t, nested), t, x=t, y=t))
        if t.is_integer:
            for c in (-7, -1, 0, 1, 3, 8, t.bits - 1, t.bits):
                if c >= 0 or t.is_signed:
                    yield f"const{c}_{t.name}", emit(_with_constant(c, t))
            yield f"unary_{t.name}", emit(_unary(t))
        for to in (*INTEGERS, *FLOATS, dtypes.bool_):
            yield f"{t.name}_to_{to.name}", emit(_to_out(ir.Cast(x, to), to, x=t))
    for t in (dtypes.int32, dtypes.int64, dtypes.uint32, dtypes.uint64):
        yield f"bits_{t.name}", emit(_bit_functions(t))
    for t in (dtypes.int8, dtypes.int16, dtypes.uint8, dtypes.uint16):
        yield f"bits_{t.name}", emit(_bit_functions(t))
    for t in (*INTEGERS, *FLOATS):
        for op in _atomics(t):
            yield f"atomic_{op}_{t.name}", emit(_atomic(op, t))


def _to_out(value: ir.Expr, t: DType, **inputs: DType) -> ir.Kernel:
    return kernel([store("out", value)], {"out": t, **inputs})


def _tree(t: DType, nowrap: bool) -> ir.Expr:
    """(x + 1) * y - (x ^ y) + -5, all wrapping (or a sum of thread indices, which cannot)."""
    x, y = load("x", t), load("y", t)
    if nowrap:
        i = ir.Cast(THREAD, t)
        return ir.Binary("sub", ir.Binary("mul", i, const(2, t), t, True), const(1, t), t, True)
    product = ir.Binary("mul", ir.Binary("add", x, const(1, t), t), y, t)
    difference = ir.Binary("sub", product, ir.Binary("xor", x, y, t), t)
    five = const(-5 if t.is_signed else 5, t)
    return ir.Binary("add", difference, five, t)


def _with_constant(c: int, t: DType) -> ir.Kernel:
    """Each operation with a constant at the right, where the printer takes shorter ways."""
    x, stmts = load("x", t), []
    for n, op in enumerate(BINARY):
        at = ir.Binary(
            "add",
            ir.Binary("mul", THREAD, const(len(BINARY)), dtypes.int32, True),
            const(n),
            dtypes.int32,
            True,
        )
        stmts.append(store("out", ir.Binary(op, x, const(c, t), t), at))
    return kernel(stmts, {"out": t, "x": t})


def _unary(t: DType) -> ir.Kernel:
    x = load("x", t)
    values = [ir.Unary("neg", x, t), ir.Unary("invert", x, t), ir.Call("abs", (x,), t)]
    at = [
        ir.Binary(
            "add",
            ir.Binary("mul", THREAD, const(3), dtypes.int32, True),
            const(n),
            dtypes.int32,
            True,
        )
        for n in range(3)
    ]
    return kernel([store("out", v, i) for v, i in zip(values, at, strict=True)], {"out": t, "x": t})


def _bit_functions(t: DType) -> ir.Kernel:
    x, y = load("x", t), load("y", t)
    names = ("popc", "clz", "ffs")
    values = [ir.Cast(ir.Call(n, (x,), dtypes.int32), t) for n in names]
    values += [ir.Call("brev", (x,), t), ir.Call("mulhi", (x, y), t)]
    return kernel(
        [store(f"o{n}", v) for n, v in enumerate(values)],
        {**{f"o{n}": t for n in range(5)}, "x": t, "y": t},
    )


def _atomics(t: DType) -> tuple[str, ...]:
    common = ("add", "sub", "min", "max", "exch", "cas")
    if t.is_float:
        return (*common, "nanmin", "nanmax")
    return (*common, "and", "or", "xor", *(("inc", "dec") if t.kind == "uint" else ()))


def _atomic(op: str, t: DType) -> ir.Kernel:
    compare = load("c", t) if op == "cas" else None
    atomic = ir.Atomic(op, "out", (THREAD,), load("v", t), compare, "old")
    return kernel(
        [atomic, store("before", ir.Local("old", t))],
        {"out": t, "before": t, "v": t, "c": t},
        {"old": t},
    )


def _run(host: HostPrograms, name: str, *arrays: Any) -> None:
    host.run(name, 1, len(arrays[-1]), arrays)


def _pairs(t: DType) -> tuple[Any, Any]:
    values = corners(t)
    a, b = np.meshgrid(np.array(values, t.numpy), np.array(values, t.numpy))
    return a.ravel().copy(), b.ravel().copy()


@pytest.mark.parametrize("t", INTEGERS, ids=lambda t: t.name)
@pytest.mark.parametrize("op", BINARY)
def test_integer_operations_are_defined_everywhere(host: HostPrograms, op: str, t: DType) -> None:
    a, b = _pairs(t)
    out = np.zeros_like(a)
    _run(host, f"{op}_{t.name}", out, a, b)
    expected = [integer_reference(op, int(x), int(y), t) for x, y in zip(a, b, strict=True)]
    assert out.tolist() == expected


@pytest.mark.parametrize("t", INTEGERS, ids=lambda t: t.name)
def test_sums_and_products_wrap_as_a_whole(host: HostPrograms, t: DType) -> None:
    a, b = _pairs(t)
    out = np.zeros_like(a)
    _run(host, f"treeFalse_{t.name}", out, a, b)
    five = -5 if t.is_signed else 5
    expected = [
        wrap((int(x) + 1) * int(y) - (int(x) ^ int(y)) + five, t) for x, y in zip(a, b, strict=True)
    ]
    assert out.tolist() == expected


@pytest.mark.parametrize("t", INTEGERS, ids=lambda t: t.name)
def test_thread_index_arithmetic_is_exact(host: HostPrograms, t: DType) -> None:
    out, x = np.zeros(20, t.numpy), np.zeros(20, t.numpy)
    _run(host, f"treeTrue_{t.name}", out, x, x)
    assert out.tolist() == [wrap(2 * i - 1, t) for i in range(20)]


@pytest.mark.parametrize("t", INTEGERS, ids=lambda t: t.name)
def test_constant_operands_take_no_short_cut_too_many(host: HostPrograms, t: DType) -> None:
    x = np.array(corners(t), t.numpy)
    for c in (-7, -1, 0, 1, 3, 8, t.bits - 1, t.bits):
        if c < 0 and not t.is_signed:
            continue
        out = np.zeros((len(x), len(BINARY)), t.numpy)
        _run(host, f"const{c}_{t.name}", out, x)
        expected = [[integer_reference(op, int(v), c, t) for op in BINARY] for v in x]
        assert out.tolist() == expected, f"constant {c}"


@pytest.mark.parametrize("t", INTEGERS, ids=lambda t: t.name)
def test_negation_and_absolute_value_of_the_least_integer_stay(
    host: HostPrograms, t: DType
) -> None:
    x = np.array(corners(t), t.numpy)
    out = np.zeros((len(x), 3), t.numpy)
    _run(host, f"unary_{t.name}", out, x)
    assert out.tolist() == [[wrap(-int(v), t), wrap(~int(v), t), wrap(abs(int(v)), t)] for v in x]


@pytest.mark.parametrize("t", INTEGERS, ids=lambda t: t.name)
def test_bit_functions_see_the_types_own_width(host: HostPrograms, t: DType) -> None:
    a, b = _pairs(t)
    outs = [np.zeros_like(a) for _ in range(5)]
    _run(host, f"bits_{t.name}", *outs, a, b)
    words = [f"{int(v) % 2**t.bits:0{t.bits}b}" for v in a]
    expected = [
        [w.count("1") for w in words],
        [t.bits - len(w.lstrip("0")) for w in words],
        [w[::-1].find("1") + 1 for w in words],
        [wrap(int(w[::-1], 2), t) for w in words],
        [int(x) * int(y) >> t.bits for x, y in zip(a, b, strict=True)],
    ]
    assert [o.tolist() for o in outs] == expected


@pytest.mark.parametrize("to", [*INTEGERS, dtypes.bool_], ids=lambda t: t.name)
@pytest.mark.parametrize("t", FLOATS, ids=lambda t: t.name)
def test_floats_truncate_and_saturate_to_integers(host: HostPrograms, t: DType, to: DType) -> None:
    values = [0.0, -0.0, 0.9, -0.9, 1.5, -1.5, 127.9, 128, -129, 255.5, 256, 32767.5, -32769, 65536,
              2.0**31, -(2.0**31), 2.0**32, 2.0**53, -(2.0**63), 2.0**63, 2.0**64, 1e30, -1e30,
              math.inf, -math.inf, math.nan]  # fmt: skip
    x = np.array(values, t.numpy)
    out = np.zeros(len(x), to.numpy)
    _run(host, f"{t.name}_to_{to.name}", out, x)
    if to.is_bool:
        assert out.tolist() == [v != 0 for v in x.tolist()]
        return
    info = np.iinfo(to.numpy)
    whole = [0 if math.isnan(v) else v if math.isinf(v) else int(v) for v in x.tolist()]
    assert out.tolist() == [int(min(max(v, info.min), info.max)) for v in whole]


@pytest.mark.parametrize("to", [*INTEGERS, *FLOATS, dtypes.bool_], ids=lambda t: t.name)
@pytest.mark.parametrize("t", INTEGERS, ids=lambda t: t.name)
def test_integers_convert_as_numpy_converts(host: HostPrograms, t: DType, to: DType) -> None:
    x = np.array(corners(t), t.numpy)
    out = np.zeros(len(x), to.numpy)
    _run(host, f"{t.name}_to_{to.name}", out, x)
    assert out.tolist() == x.astype(to.numpy).tolist()


@pytest.mark.parametrize("op", ["rem", "mod", "floordiv", "min", "max"])
@pytest.mark.parametrize("t", FLOATS, ids=lambda t: t.name)
def test_float_operations_are_numpys(host: HostPrograms, op: str, t: DType) -> None:
    values = np.array(
        [0.0, -0.0, 1, -1, 0.5, 3.5, -3.5, 7, 1e9, -1e-3, math.inf, -math.inf, math.nan], t.numpy
    )
    a, b = (v.ravel().copy() for v in np.meshgrid(values, values))
    out = np.zeros_like(a)
    _run(host, f"{op}_{t.name}", out, a, b)
    numpy = {
        "rem": np.fmod,
        "mod": np.mod,
        "floordiv": np.floor_divide,
        "min": np.fmin,
        "max": np.fmax,
    }
    with np.errstate(all="ignore"):
        expected = numpy[op](a, b)
    if op == "mod":
        # NumPy adds the divisor to a remainder of the other sign, also where the divisor is infinite.
        expected = np.where(
            np.isinf(b) & np.isfinite(a) & (a != 0) & ((a < 0) != (b < 0)), b, expected
        )
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("t", [*INTEGERS, *FLOATS], ids=lambda t: t.name)
def test_atomics_give_the_old_element_and_store_the_new(host: HostPrograms, t: DType) -> None:
    if t.is_float:
        old = np.array([1.5, -2.0, 0.0, 4.25, math.nan, 1.0], t.numpy)
        v = np.array([0.5, 3.0, -1.0, 4.25, 2.0, math.nan], t.numpy)
    else:
        old, v = _pairs(t)
    for op in _atomics(t):
        cell, before = old.copy(), np.zeros_like(old)
        compare = np.roll(old, 1) if op == "cas" else v
        compare[::2] = old[::2] if op == "cas" else compare[::2]
        _run(host, f"atomic_{op}_{t.name}", cell, before, v, compare)
        np.testing.assert_array_equal(before, old, err_msg=op)
        np.testing.assert_array_equal(cell, _atomic_reference(op, old, v, compare, t), err_msg=op)


def _atomic_reference(op: str, old: Any, v: Any, compare: Any, t: DType) -> Any:
    with np.errstate(all="ignore"):
        if op in ("add", "sub", "and", "or", "xor"):
            names = {
                "add": np.add,
                "sub": np.subtract,
                "and": np.bitwise_and,
                "or": np.bitwise_or,
                "xor": np.bitwise_xor,
            }
            return names[op](old, v)
        if op in ("min", "nanmin"):
            return np.fmin(old, v)
        if op in ("max", "nanmax"):
            return np.fmax(old, v)
        if op == "inc":
            return np.where(old >= v, 0, old + t.numpy.type(1))
        if op == "dec":
            return np.where((old == 0) | (old > v), v, old - t.numpy.type(1))
        return v if op == "exch" else np.where(old == compare, v, old)


def test_programs_lie_where_the_compiler_is_told(tmp_path: Path) -> None:
    HostPrograms({"k": emit(_to_out(const(1), dtypes.int32))}, tmp_path)
    assert (tmp_path / "programs.cpp").read_text().count("namespace program_0") == 1
