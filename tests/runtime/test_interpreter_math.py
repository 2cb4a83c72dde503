"""Arithmetic to the bit, against Python's integers and fractions, on the values where code errs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from accelerx import dtypes
from accelerx.compiler.intrinsics import INTRINSICS
from accelerx.dtypes import DTYPES, DType
from accelerx.runtime import interpreter_math as arithmetic
from accelerx.runtime.interpreter_intrinsics import fma, intrinsic
from tests.fuzz import reference
from tests.fuzz.expressions import round_float

INTEGERS = [t for t in DTYPES if t.is_integer]
FLOATS = [t for t in DTYPES if t.is_float]
f16, bf16, f32, f64 = dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64


def values(t: DType) -> list[Any]:
    """Ordinary and extreme values of a type."""
    if t.is_bool:
        return [False, True]
    if t.is_integer:
        low = -(1 << (t.bits - 1)) if t.is_signed else 0
        high = low + (1 << t.bits) - 1
        some = [0, 1, 2, 3, 5, 7, 8, 31, t.bits - 1, t.bits, t.bits + 1, high, high - 1, high // 3]
        some += [low, low + 1, -1, -2, -7, 1 << (t.bits // 2), (1 << 53) + 1, (1 << 24) + 1, 65519]
        return sorted({v for v in some if low <= v <= high})
    largest = {f16: 65504.0, bf16: 3.3895313892515355e38, f32: 3.4028234663852886e38}
    smallest = {f16: 2.0**-24, bf16: 2.0**-133, f32: 2.0**-149}
    top, tiny = largest.get(t, 1.7976931348623157e308), smallest.get(t, 5e-324)
    some = [0.0, 1.0, 1.5, 2.0, 0.1, 1 / 3, 3.0, 7.0, 100.0, 1e-3, 1e4, 0.5, 2.5, 255.5, top, tiny]
    some += [tiny * 3, top / 2, 2.0**31, 2.0**32, 2.0**63, 2.0**64, math.pi, math.inf, math.nan]
    exact = [round_float(v, t) for v in some]
    return [*exact, *(-v for v in exact)]


def array(items: Sequence[Any], t: DType) -> np.ndarray[Any, Any]:
    return np.array(items, arithmetic.register_type(t))


def need_same(actual: Any, expected: list[Any], t: DType, shown: list[Any]) -> None:
    """Bit for bit, NaNs aside."""
    want = array(expected, t)
    assert actual.dtype == want.dtype
    word = np.dtype(f"u{want.dtype.itemsize}")
    same = np.ascontiguousarray(actual).view(word) == want.view(word)
    if t.is_float:
        same |= np.isnan(actual) & np.isnan(want)
    if not same.all():
        at = int(np.argmin(same))
        pytest.fail(f"of {shown[at]}: {actual[at]!r}, must be {want[at]!r}")


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    with np.errstate(all="ignore"):
        yield


@pytest.mark.parametrize("t", INTEGERS, ids=repr)
@pytest.mark.parametrize(
    "op",
    [
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
    ],
)
def test_integer_operator(op: str, t: DType) -> None:
    pairs = [(x, y) for x in values(t) for y in values(t)]
    left, right = (array(column, t) for column in zip(*pairs, strict=True))
    expected = [reference.int_binary(op, x, y, t) for x, y in pairs]
    need_same(arithmetic.binary(op, left, right, t), expected, t, pairs)


@pytest.mark.parametrize("t", FLOATS, ids=repr)
@pytest.mark.parametrize("op", ["add", "sub", "mul", "div", "rem", "mod"])
def test_float_operator(op: str, t: DType) -> None:
    pairs = [(x, y) for x in values(t) for y in values(t)]
    left, right = (array(column, t) for column in zip(*pairs, strict=True))
    expected = [reference.float_binary(op, x, y, t) for x, y in pairs]
    need_same(arithmetic.binary(op, left, right, t), expected, t, pairs)


@pytest.mark.parametrize("t", FLOATS, ids=repr)
def test_minimum_ignores_one_nan(t: DType) -> None:
    left, right = array([1.0, math.nan, 2.0], t), array([math.nan, 3.0, -1.0], t)
    assert arithmetic.binary("min", left, right, t).tolist() == [1.0, 3.0, -1.0]
    assert arithmetic.binary("max", left, right, t).tolist() == [1.0, 3.0, 2.0]


@pytest.mark.parametrize("source", DTYPES, ids=repr)
@pytest.mark.parametrize("target", DTYPES, ids=repr)
def test_cast(source: DType, target: DType) -> None:
    inputs = values(source)
    expected = [reference.cast(x, source, target) for x in inputs]
    actual = np.asarray(arithmetic.cast(array(inputs, source), source, target))
    need_same(actual, expected, target, inputs)


def test_casts_to_bfloat16_round_once() -> None:
    # Rounded to float32 first, this would lie halfway between two bfloat16 and go down.
    x = 1.0 + 2.0**-8 + 2.0**-40
    assert arithmetic.cast(array([x], f64), f64, bf16)[0] == 1.0078125
    whole = (1 << 60) + (1 << 52) + 1
    i64 = dtypes.int64
    assert arithmetic.cast(array([whole], i64), i64, bf16)[0] == float((1 << 60) + (1 << 53))


@pytest.mark.parametrize(
    ("source", "target"),
    [(f32, dtypes.int32), (dtypes.int64, f64), (bf16, dtypes.uint16), (dtypes.int16, f16)],
    ids=repr,
)
def test_bitcast(source: DType, target: DType) -> None:
    inputs = [v for v in values(source) if v == v]
    expected = [reference.bitcast(x, source, target) for x in inputs]
    need_same(arithmetic.bitcast(array(inputs, source), source, target), expected, target, inputs)


@pytest.mark.parametrize("t", FLOATS, ids=repr)
def test_fma_rounds_once(t: DType) -> None:
    some = values(t)
    rng = np.random.default_rng(5)
    triples = [tuple(some[i] for i in rng.integers(0, len(some), 3)) for _ in range(3000)]
    # Products that nearly cancel show a second rounding best.
    for _ in range(1000):
        x, y = (round_float(float(v), t) for v in rng.uniform(-2, 2, 2))
        triples.append((x, y, -reference.round_to(x * y, t)))
    columns = [array(column, t) for column in zip(*triples, strict=True)]
    expected = [reference.float_call("fma", triple, t) for triple in triples]
    need_same(fma(*columns, t), expected, t, triples)


@pytest.mark.parametrize("t", FLOATS, ids=repr)
@pytest.mark.parametrize(
    "name", ["sqrt", "floor", "ceil", "trunc", "rint", "round", "abs", "isnan", "isinf", "isfinite"]
)
def test_exact_function(name: str, t: DType) -> None:
    inputs = values(t)
    expected = [reference.float_call(name, (x,), t) for x in inputs]
    result = INTRINSICS[name].result_type(t)
    need_same(intrinsic(name, [array(inputs, t)], t), expected, result, inputs)


@pytest.mark.parametrize("t", FLOATS, ids=repr)
@pytest.mark.parametrize("name", ["nextafter", "copysign"])
def test_exact_function_of_two(name: str, t: DType) -> None:
    pairs = [(x, y) for x in values(t) for y in values(t) if y == y]
    left, right = (array(column, t) for column in zip(*pairs, strict=True))
    expected = [reference.float_call(name, pair, t) for pair in pairs]
    need_same(intrinsic(name, [left, right], t), expected, t, pairs)


@pytest.mark.parametrize("t", FLOATS, ids=repr)
def test_ldexp(t: DType) -> None:
    pairs = [(x, n) for x in values(t) for n in (-3000, -150, -20, -1, 0, 1, 9, 130, 1000, 3000)]
    left = array([x for x, _ in pairs], t)
    right = array([n for _, n in pairs], dtypes.int32)
    expected = [reference.float_call("ldexp", pair, t) for pair in pairs]
    need_same(intrinsic("ldexp", [left, right], t), expected, t, pairs)


@pytest.mark.parametrize("t", INTEGERS, ids=repr)
@pytest.mark.parametrize("name", ["abs", "popc", "clz", "ffs", "brev"])
def test_integer_function(name: str, t: DType) -> None:
    inputs = values(t)
    expected = [reference.int_call(name, (x,), t) for x in inputs]
    result = INTRINSICS[name].result_type(t)
    need_same(intrinsic(name, [array(inputs, t)], t), expected, result, inputs)


@pytest.mark.parametrize("t", INTEGERS, ids=repr)
def test_mulhi(t: DType) -> None:
    pairs = [(x, y) for x in values(t) for y in values(t)]
    left, right = (array(column, t) for column in zip(*pairs, strict=True))
    expected = [reference.int_call("mulhi", pair, t) for pair in pairs]
    need_same(intrinsic("mulhi", [left, right], t), expected, t, pairs)


APPROXIMATE = [r for r in INTRINSICS.values() if r.domain == "float" and max(r.ulp) > 0]


@pytest.mark.parametrize("row", APPROXIMATE, ids=lambda row: row.name)
def test_narrow_functions_round_the_double_result(row: Any) -> None:
    rng = np.random.default_rng(1)
    inputs = [rng.uniform(0.01, 0.99, 200).astype(np.float32) for _ in range(row.arity)]
    if row.name == "acosh":
        inputs[0] += np.float32(1)
    wide = intrinsic(row.name, [x.astype(np.float64) for x in inputs], f64)
    assert np.isfinite(wide).all()
    np.testing.assert_array_equal(intrinsic(row.name, inputs, f32), wide.astype(np.float32))


@pytest.mark.parametrize(
    ("name", "scipy_name"),
    [("erf", "erf"), ("erfc", "erfc"), ("lgamma", "gammaln"), ("tgamma", "gamma")],
)
def test_special_functions_agree_with_scipy(name: str, scipy_name: str) -> None:
    special = pytest.importorskip("scipy.special")
    x = np.linspace(-4.9, 20.3, 997)
    actual = intrinsic(name, [x], f64)
    np.testing.assert_allclose(actual, getattr(special, scipy_name)(x), rtol=2e-13, atol=1e-15)


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("tgamma", 0.0, math.inf),
        ("tgamma", -0.0, -math.inf),
        ("tgamma", -3.0, math.nan),
        ("tgamma", -math.inf, math.nan),
        ("tgamma", 200.0, math.inf),
        ("lgamma", 0.0, math.inf),
        ("lgamma", -2.0, math.inf),
        ("lgamma", -math.inf, math.inf),
        ("lgamma", 1e306, math.inf),
        ("erf", math.inf, 1.0),
        ("erfc", -math.inf, 2.0),
        ("exp10", 400.0, math.inf),
        ("rsqrt", 0.0, math.inf),
        ("log", -1.0, math.nan),
    ],
)
def test_poles_and_ends(name: str, x: float, expected: float) -> None:
    np.testing.assert_equal(float(intrinsic(name, [np.float64(x)], f64)), expected)


@pytest.mark.parametrize("t", DTYPES, ids=repr)
def test_memory_keeps_every_value(t: DType) -> None:
    x = array(values(t), t)
    back = arithmetic.from_memory(arithmetic.to_memory(x, t), t)
    np.testing.assert_array_equal(back, x)


@pytest.mark.parametrize("t", [t for t in DTYPES if not t.is_bool], ids=repr)
def test_values_of_all_lanes_at_once_are_scalars(t: DType) -> None:
    x, y = arithmetic.constant(values(t)[3], t), arithmetic.constant(values(t)[5], t)
    for op in ("add", "mul", "rem", "mod", "min"):
        assert np.ndim(arithmetic.binary(op, x, y, t)) == 0
    assert np.ndim(arithmetic.cast(x, t, dtypes.int32)) == 0
