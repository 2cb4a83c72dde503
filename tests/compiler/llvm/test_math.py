"""Math intrinsics as LLVM IR: error bounds, special values, equal results for every width."""

from __future__ import annotations

import ctypes
import re
from fractions import Fraction

import numpy as np
import pytest

from accelerx import dtypes
from accelerx.compiler.intrinsics import INTRINSICS
from accelerx.compiler.llvm.builder import Builder
from accelerx.compiler.llvm.math import emit_math
from accelerx.dtypes import DType
from accelerx.runtime.jit import compile_llvm
from tests.exhaustive.harness import compile_function, module_text
from tests.exhaustive.inputs import edges, pairs, random_bits, samples
from tests.exhaustive.judge import errors
from tests.exhaustive.reference import HAS_LONG_DOUBLE, Array, reference, ulp_error

COUNT = 100_000
FLOAT_ROWS = [row for row in INTRINSICS.values() if row.domain != "int"]
CLASSIFIERS = [row.name for row in FLOAT_ROWS if row.result == "bool"]
# Compared bit by bit elsewhere, because they are exact or their result is no float.
EXACT = {"nextafter", "ldexp", "fma", *CLASSIFIERS}
MEASURED = [row for row in FLOAT_ROWS if row.name not in EXACT]
WIDTHS = [1, 16]
# What references that exist in float64 only may be wrong by.
REFERENCE_ULP = {"erf": 1, "erfc": 1, "tgamma": 10}


def bound(name: str, dtype: DType) -> float:
    """CUDA's bound counts from the correctly rounded result, which itself is half an ulp off."""
    allowed = INTRINSICS[name].ulp[dtype is dtypes.float64] + 0.5
    if dtype is dtypes.float64:
        allowed += REFERENCE_ULP.get(name, 0 if HAS_LONG_DOUBLE else 1)
        if name == "lgamma" and not HAS_LONG_DOUBLE:
            allowed += 100
    return allowed


def arguments(name: str, dtype: DType) -> tuple[Array, ...]:
    rng = np.random.default_rng(7)
    grid = edges(dtype)
    if INTRINSICS[name].arity == 1:
        return (np.concatenate([grid, samples(rng, dtype, COUNT)]),)
    first, second = np.meshgrid(grid, grid)
    x, y = pairs(rng, name, dtype, COUNT)
    return np.concatenate([first.ravel(), x]), np.concatenate([second.ravel(), y])


def judged(name: str, x: Array) -> Array:
    """Where error and reference hold: not around lgamma's zeros (below -2.2 CUDA's bound neither)."""
    if name != "lgamma":
        return np.ones(x.size, np.bool_)
    return ~((x < -2.2) & (x > -12)) & ~((x > 0.9) & (x < 2.1))


@pytest.mark.parametrize("lanes", WIDTHS)
@pytest.mark.parametrize("dtype", [dtypes.float32, dtypes.float64], ids=repr)
@pytest.mark.parametrize("name", [row.name for row in MEASURED])
def test_error_is_within_the_bound(name: str, dtype: DType, lanes: int) -> None:
    inputs = arguments(name, dtype)
    actual = compile_function(name, dtype, lanes)(*inputs)
    error = ulp_error(actual, reference(name, *inputs))
    error = np.where(judged(name, inputs[0]), error, 0.0)
    worst = int(error.argmax())
    assert error[worst] <= bound(name, dtype), [x[worst] for x in inputs] + [actual[worst]]


@pytest.mark.parametrize("dtype", [dtypes.float32, dtypes.float64], ids=repr)
@pytest.mark.parametrize("name", [row.name for row in MEASURED])
def test_scalars_and_vectors_give_the_same_bits(name: str, dtype: DType) -> None:
    inputs = tuple(x[-20_000:] for x in arguments(name, dtype))
    scalar = compile_function(name, dtype, 1)(*inputs)
    vector = compile_function(name, dtype, 16)(*inputs)
    np.testing.assert_array_equal(scalar, vector)


@pytest.mark.parametrize("lanes", [2, 4, 8, 32, 64])
@pytest.mark.parametrize("name", ["exp", "sin", "pow"])
def test_every_width_gives_the_same_bits(name: str, lanes: int) -> None:
    inputs = tuple(x[-6400:] for x in arguments(name, dtypes.float32))
    expected = compile_function(name, dtypes.float32, 16)(*inputs)
    np.testing.assert_array_equal(compile_function(name, dtypes.float32, lanes)(*inputs), expected)


@pytest.mark.parametrize("lanes", WIDTHS)
@pytest.mark.parametrize("dtype", [dtypes.float16, dtypes.bfloat16], ids=repr)
@pytest.mark.parametrize(
    "name",
    [row.name for row in MEASURED if row.name in ("exp", "sin", "tanh", "pow", "sqrt", "rint")],
)
def test_half_precision_is_float32_rounded_once(name: str, dtype: DType, lanes: int) -> None:
    rng = np.random.default_rng(3)
    inputs = [
        np.concatenate([edges(dtype), samples(rng, dtype, 20_000)])
        for _ in range(INTRINSICS[name].arity)
    ]
    actual = compile_function(name, dtype, lanes)(*inputs)
    wide = compile_function(name, dtypes.float32, 16)(*[x.astype(np.float32) for x in inputs])
    with np.errstate(all="ignore"):
        expected = wide.astype(dtype.numpy)
    np.testing.assert_array_equal(actual.astype(np.float32), expected.astype(np.float32))


@pytest.mark.parametrize("lanes", WIDTHS)
@pytest.mark.parametrize(
    "dtype", [dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64], ids=repr
)
def test_fma_rounds_once(dtype: DType, lanes: int) -> None:
    rng = np.random.default_rng(4)
    x, y, z = (
        np.concatenate([random_bits(rng, dtype, 1000), rng.normal(0, 1, 1000).astype(dtype.numpy)])
        for _ in range(3)
    )
    actual = compile_function("fma", dtype, lanes)(x, y, z)
    with np.errstate(all="ignore"):
        columns = [v.astype(np.float64) for v in (x, y, z, actual)]
    for a, b, c, value in zip(*columns, strict=True):
        if not np.isfinite([a, b, c, value]).all():
            continue
        exact = Fraction(a) * Fraction(b) + Fraction(c)
        near = np.array(value).astype(dtype.numpy)
        with np.errstate(all="ignore"):
            up = np.nextafter(near, np.array(np.inf, dtype.numpy)).astype(np.float64)
            down = np.nextafter(near, np.array(-np.inf, dtype.numpy)).astype(np.float64)
        error = abs(Fraction(value) - exact)
        assert all(
            error <= abs(Fraction(float(other)) - exact)
            for other in (up, down)
            if np.isfinite(other)
        ), (a, b, c, value)


@pytest.mark.parametrize("lanes", WIDTHS)
@pytest.mark.parametrize(
    "dtype", [dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64], ids=repr
)
def test_nextafter_is_numpys(dtype: DType, lanes: int) -> None:
    rng = np.random.default_rng(5)
    grid = edges(dtype)
    first, second = (g.ravel() for g in np.meshgrid(grid, grid))
    x = np.concatenate([first, random_bits(rng, dtype, 5000)])
    y = np.concatenate([second, random_bits(rng, dtype, 5000)])
    actual = compile_function("nextafter", dtype, lanes)(x, y)
    with np.errstate(all="ignore"):
        expected = np.nextafter(x, y).astype(np.float64)
        actual, moved = actual.astype(np.float64), x != y
    np.testing.assert_array_equal(actual, expected)
    zero = (actual == 0) & moved
    np.testing.assert_array_equal(np.signbit(actual[zero]), np.signbit(expected[zero]))


@pytest.mark.parametrize("lanes", WIDTHS)
@pytest.mark.parametrize("dtype", [dtypes.float32, dtypes.float64], ids=repr)
def test_ldexp_rounds_once(dtype: DType, lanes: int) -> None:
    rng = np.random.default_rng(6)
    x = np.concatenate([edges(dtype), random_bits(rng, dtype, 40_000)])
    n = rng.integers(-2300, 2300, x.size).astype(np.int32)
    n[::3] = rng.integers(-160, 160, n[::3].size)
    n[:6] = [2**31 - 1, -(2**31), 0, 1, -1, 4096]
    with np.errstate(all="ignore"):
        expected = np.ldexp(x, n)
    np.testing.assert_array_equal(compile_function("ldexp", dtype, lanes)(x, n), expected)


@pytest.mark.parametrize("lanes", WIDTHS)
@pytest.mark.parametrize(
    "dtype", [dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64], ids=repr
)
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classification_is_numpys(name: str, dtype: DType, lanes: int) -> None:
    x = np.concatenate([edges(dtype), random_bits(np.random.default_rng(8), dtype, 5000)])
    actual = compile_function(name, dtype, lanes)(x)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(actual, getattr(np, name)(x))


INF, NAN = np.inf, np.nan
EULER, ZETA2 = 0.5772156649015329, np.pi**2 / 6
# ISO C, F.10.4.4.
POWERS = [
    (0.0, -3.0, INF), (-0.0, -3.0, -INF), (0.0, -2.0, INF), (-0.0, -2.5, INF), (0.0, -INF, INF),
    (-0.0, 3.0, -0.0), (-0.0, 2.0, 0.0), (0.0, 3.0, 0.0), (-1.0, INF, 1.0), (-1.0, -INF, 1.0),
    (1.0, NAN, 1.0), (1.0, INF, 1.0), (NAN, 0.0, 1.0), (INF, -0.0, 1.0), (-2.0, 0.5, NAN),
    (0.5, -INF, INF), (-2.0, -INF, 0.0), (0.5, INF, 0.0), (-2.0, INF, INF), (-INF, -3.0, -0.0),
    (-INF, -2.5, 0.0), (-INF, 3.0, -INF), (-INF, 2.5, INF), (INF, -1.0, 0.0), (INF, 0.5, INF),
    (NAN, 1.0, NAN), (2.0, NAN, NAN), (-8.0, 3.0, -512.0), (-2.0, 2.0**24 + 2, INF),
    (-1.0, 2.0**53 + 2, 1.0), (-1.0, 2.0**24 - 1, -1.0),
]  # fmt: skip
# F.10.1.4.
ANGLES = [
    (0.0, -0.0, np.pi), (-0.0, -0.0, -np.pi), (0.0, 0.0, 0.0), (-0.0, 0.0, -0.0),
    (0.0, -1.0, np.pi), (-0.0, 1.0, -0.0), (-1.0, 0.0, -np.pi / 2), (1.0, -0.0, np.pi / 2),
    (1.0, -INF, np.pi), (-1.0, INF, -0.0), (INF, 1.0, np.pi / 2), (-INF, -1.0, -np.pi / 2),
    (INF, -INF, 3 * np.pi / 4), (-INF, INF, -np.pi / 4), (NAN, 1.0, NAN), (1.0, NAN, NAN),
]  # fmt: skip
LENGTHS = [(INF, NAN, INF), (NAN, -INF, INF), (NAN, 1.0, NAN), (3.0, -4.0, 5.0), (0.0, -0.0, 0.0)]


@pytest.mark.parametrize("dtype", [dtypes.float32, dtypes.float64], ids=repr)
@pytest.mark.parametrize(
    ("name", "rows"),
    [("pow", POWERS), ("atan2", ANGLES), ("hypot", LENGTHS)],
    ids=["pow", "atan2", "hypot"],
)
def test_special_pairs_follow_c(name: str, rows: list[tuple[float, ...]], dtype: DType) -> None:
    x, y, expected = (np.array(column).astype(dtype.numpy) for column in zip(*rows, strict=True))
    actual = compile_function(name, dtype, 16)(x, y)
    np.testing.assert_allclose(actual, expected, rtol=2 * float(np.finfo(dtype.numpy).eps))
    numbers = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(actual[numbers]), np.signbit(expected[numbers]))


# Special values of one argument that the error test's reference has too, written out (F.10).
SPECIAL = [
    ("exp", -INF, 0.0), ("exp", INF, INF), ("expm1", -INF, -1.0), ("expm1", -0.0, -0.0),
    ("log", -0.0, -INF), ("log", -1.0, NAN), ("log", INF, INF), ("log1p", -1.0, -INF),
    ("log1p", -0.0, -0.0), ("sqrt", -0.0, -0.0), ("rsqrt", 0.0, INF), ("rsqrt", INF, 0.0),
    ("rsqrt", -0.0, -INF), ("cbrt", -INF, -INF), ("cbrt", -0.0, -0.0), ("sin", -0.0, -0.0),
    ("sin", INF, NAN), ("cos", -INF, NAN), ("tan", -0.0, -0.0), ("asin", 1.5, NAN), ("acos", 1.0, 0.0),
    ("atan", -0.0, -0.0), ("sinh", -INF, -INF), ("cosh", -INF, INF), ("tanh", -INF, -1.0),
    ("acosh", 1.0, 0.0), ("acosh", 0.5, NAN), ("atanh", -1.0, -INF), ("atanh", 2.0, NAN),
    ("erf", -INF, -1.0), ("erf", -0.0, -0.0), ("erfc", INF, 0.0), ("erfc", -INF, 2.0),
    ("lgamma", 1.0, 0.0), ("lgamma", 2.0, 0.0), ("lgamma", -3.0, INF), ("lgamma", -INF, INF),
    ("tgamma", -0.0, -INF), ("tgamma", -2.0, NAN), ("tgamma", -INF, NAN), ("tgamma", 5.0, 24.0),
    ("round", 2.5, 3.0), ("round", -0.5, -1.0), ("round", -0.4, -0.0), ("rint", 2.5, 2.0),
]  # fmt: skip


@pytest.mark.parametrize("dtype", [dtypes.float32, dtypes.float64], ids=repr)
@pytest.mark.parametrize(("name", "x", "expected"), SPECIAL)
def test_special_values_follow_c(name: str, x: float, expected: float, dtype: DType) -> None:
    actual = compile_function(name, dtype, 1)(np.array([x], dtype.numpy))[0]
    if np.isnan(expected):
        assert np.isnan(actual)
    else:
        assert actual == expected
        assert np.signbit(actual) == np.signbit(expected)


@pytest.mark.parametrize(
    ("zero", "slope", "bend"), [(1.0, -EULER, ZETA2), (2.0, 1 - EULER, ZETA2 - 1)]
)
@pytest.mark.parametrize("dtype", [dtypes.float32, dtypes.float64], ids=repr)
def test_lgamma_is_accurate_at_its_zeros(
    zero: float, slope: float, bend: float, dtype: DType
) -> None:
    ulps = np.arange(-50, 51) * float(np.finfo(dtype.numpy).eps)
    d = (np.array(zero + ulps).astype(dtype.numpy) - dtype.numpy.type(zero)).astype(np.float64)
    actual = compile_function("lgamma", dtype, 1)((zero + d).astype(dtype.numpy))
    np.testing.assert_allclose(actual, slope * d + bend / 2 * d * d, rtol=1e-6)


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_a_large_argument_leaves_its_neighbours_alone(name: str) -> None:
    x = np.linspace(-3, 3, 16, dtype=np.float32)
    function = compile_function(name, dtypes.float32, 16)
    alone = function(x)
    x[5] = 1e30
    np.testing.assert_array_equal(np.delete(function(x), 5), np.delete(alone, 5))


def test_sine_of_huge_float64_numbers() -> None:
    # Kahan's and Ng's hard case, and the largest power of ten; from 1000-bit arithmetic.
    x = np.array([6381956970095103 * 2.0**797, 1e308, 2.0**1023])
    expected = [1.0, 0.4533964905016491, 0.5631277798508840]
    actual = compile_function("sin", dtypes.float64, 1)(x)
    np.testing.assert_allclose(actual, expected, rtol=2e-16)
    cosine = compile_function("cos", dtypes.float64, 1)(x)
    np.testing.assert_allclose(cosine[0], -4.6871659242546277e-19, rtol=2e-16)


@pytest.mark.parametrize("row", FLOAT_ROWS, ids=lambda row: row.name)
def test_no_instruction_depends_on_fast_math(row: object) -> None:
    text = module_text(INTRINSICS[row.name], dtypes.float32, 8)  # type: ignore[attr-defined]
    flags = re.findall(
        r"\b(?:fadd|fsub|fmul|fdiv|call|fcmp|select) (fast|contract|reassoc|nnan|ninf)", text
    )
    assert flags == []


def test_fast_sine_has_no_branch() -> None:
    b = Builder()
    emit_math(b, "sin", ["%x"], dtypes.float32, 16, fast=True)
    assert not any(line.startswith("  br ") for line in b.lines)


def test_fast_pow_is_close() -> None:
    x, y = np.linspace(0.1, 5, 1600, dtype=np.float32), np.linspace(-3, 3, 1600, dtype=np.float32)
    actual = compile_function("pow", dtypes.float32, 16, fast=True)(x, y)
    np.testing.assert_allclose(actual, x.astype(np.float64) ** y, rtol=3e-6)


@pytest.mark.parametrize(("name", "x"), [("exp", 1.0), ("sin", 1e20)])
def test_constants_are_accepted_as_arguments(name: str, x: float) -> None:
    b = Builder()
    value = emit_math(b, name, [b.constant(x, dtypes.float64, 4)], dtypes.float64, 4)
    head = 'define i32 @"f"(ptr %out) {\nentry:'
    end = f"  store <4 x double> {value}, ptr %out, align 8\n  ret i32 0\n}}"
    code = compile_llvm("\n".join([*b.declarations, head, *b.lines, end]))
    out = np.zeros(4)
    ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)(code.address)(out.ctypes.data)
    np.testing.assert_allclose(out, reference(name, np.full(4, x)).astype(np.float64), rtol=3e-16)


def test_the_compiled_error_is_the_numpy_one() -> None:
    (x,) = arguments("exp", dtypes.float32)
    x = x[-16_000:]
    expected = reference("exp", x)
    for factor in (1, 1 + 2e-7, -1):
        with np.errstate(all="ignore"):
            actual = (expected * factor).astype(np.float32)
        slow = ulp_error(actual, expected).astype(np.float32)
        np.testing.assert_array_equal(errors(actual, expected), slow)


def test_an_unknown_function_is_refused() -> None:
    with pytest.raises(ValueError, match="popc of i32 is no float intrinsic"):
        emit_math(Builder(), "popc", ["%x"], dtypes.int32, 1)


def test_a_wrong_number_of_arguments_is_refused() -> None:
    with pytest.raises(ValueError, match="pow takes 2 arguments, got 1"):
        emit_math(Builder(), "pow", ["%x"], dtypes.float32, 1)
