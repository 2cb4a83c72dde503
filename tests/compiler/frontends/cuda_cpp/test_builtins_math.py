"""math.h: every function has the meaning of its name, in both precisions, on both engines."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("clang.cindex")

from accelerx.compiler.intrinsics import INTRINSICS
from tests.support.cuda_functions import evaluate, ulps

Array = np.ndarray[Any, Any]
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1e-30, -1e30, np.inf, -np.inf, np.nan]
rng = np.random.default_rng(5)


def numbers(dtype: Any, low: float = -20.0, high: float = 20.0) -> Array:
    """Special values, and others between two ends."""
    return np.concatenate([SPECIAL, rng.uniform(low, high, 53)]).astype(dtype)


def half_away(x: Array) -> Array:
    return np.copysign(np.floor(np.abs(x) + 0.5), x)


def logb(x: Array) -> Array:
    with np.errstate(all="ignore"):
        exponent = np.frexp(x)[1] - 1.0
    return np.where(x == 0, -np.inf, np.where(np.isfinite(x), exponent, np.abs(x)))


def fdim(x: Array, y: Array) -> Array:
    return np.where(x <= y, 0, x - y)


# CUDA's name: the reference in float64, errors allowed of float and double beyond the reference's.
UNARY: dict[str, tuple[Callable[..., Array], tuple[float, float]]] = {
    name: (getattr(np, numpy), INTRINSICS[name].ulp)
    for name, numpy in {
        **{n: n for n in ("sqrt", "cbrt", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p")},
        **{n: n for n in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "floor", "ceil", "trunc")},
        **{n: f"arc{n[1:]}" for n in ("asin", "acos", "atan", "asinh", "acosh", "atanh")},
        "rint": "rint",
    }.items()
} | {
    "rsqrt": (lambda x: 1 / np.sqrt(x), (2, 1)),
    "exp10": (lambda x: np.power(10.0, x), (2, 1)),
    "nearbyint": (np.rint, (0, 0)),
    "round": (half_away, (0, 0)),
    "fabs": (np.abs, (0, 0)),
    "logb": (logb, (0, 0)),
}
BINARY: dict[str, tuple[Callable[..., Array], tuple[float, float]]] = {
    "pow": (np.power, (4, 2)),
    "hypot": (np.hypot, (3, 2)),
    "atan2": (np.arctan2, (3, 2)),
    "fmod": (np.fmod, (0, 0)),
    "copysign": (np.copysign, (0, 0)),
    "fdim": (fdim, (0, 0)),
    "fmax": (np.fmax, (0, 0)),
    "fmin": (np.fmin, (0, 0)),
}
# NumPy's own double functions may be off by one.
SLACK = {np.float32: 0.01, np.float64: 1.01}


def check(got: Array, want: Array, allowed: float, name: str) -> None:
    errors = ulps(got, want)
    assert errors.max() <= allowed, (
        name,
        errors.max(),
        got[errors.argmax()],
        want[errors.argmax()],
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_functions_of_one_argument(dtype: Any) -> None:
    """The suffixed names of float, and the overloaded ones."""
    x = numbers(dtype)
    suffix = "f" if dtype is np.float32 else ""
    names = list(UNARY)
    expressions = [f"{name}{suffix}(a)" for name in names] + [f"{name}(a)" for name in names]
    with np.errstate(all="ignore"):
        wanted = [UNARY[name][0](x.astype(np.float64)) for name in names]
    for out in evaluate(expressions, dtype, x):
        for row, name, want in zip(out, names * 2, wanted * 2, strict=True):
            check(row, want, UNARY[name][1][dtype is np.float64] + SLACK[dtype], name)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_functions_of_two_arguments(dtype: Any) -> None:
    x, y = numbers(dtype), rng.permutation(numbers(dtype, -3, 3))
    suffix = "f" if dtype is np.float32 else ""
    names = list(BINARY)
    expressions = [f"{name}{suffix}(a, b)" for name in names] + [f"{n}(a, b)" for n in names]
    with np.errstate(all="ignore"):
        wanted = [BINARY[n][0](x.astype(np.float64), y.astype(np.float64)) for n in names]
    for out in evaluate(expressions, dtype, x, y):
        for row, name, want in zip(out, names * 2, wanted * 2, strict=True):
            check(row, want, BINARY[name][1][dtype is np.float64] + SLACK[dtype], name)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_error_and_gamma_functions(dtype: Any) -> None:
    x = rng.uniform(3.5, 8, 60).astype(dtype)  # Python's lgamma is inexact near 1 and 2
    names = ("erf", "erfc", "lgamma", "tgamma")
    references = (math.erf, math.erfc, math.lgamma, math.gamma)
    for out in evaluate([f"{name}(a)" for name in names], dtype, x):
        for row, name, reference in zip(out, names, references, strict=True):
            want = np.array([reference(float(v)) for v in x])
            check(row, want, INTRINSICS[name].ulp[dtype is np.float64] + 2 * SLACK[dtype], name)


def test_fast_functions() -> None:
    x, y = np.abs(numbers(np.float32, 0.1, 5)), np.abs(numbers(np.float32, 0.1, 3))
    names = ("sin", "cos", "tan", "tanh", "exp", "exp10", "log", "log2", "log10")
    fast = [f"__{name}f(a)" for name in names] + ["__powf(a, b)", "__fdividef(a, b)"]
    plain = [f"{name}f(a)" for name in names] + ["powf(a, b)", "a / b"]
    for out in evaluate([*fast, *plain], np.float32, x, y):
        np.testing.assert_array_equal(out[: len(fast)], out[len(fast) :])


def test_overloads_choose_their_type() -> None:
    """An integer or a mixed argument makes a double; a float stays one."""
    sizes = (
        "sizeof(sin(1)) * 10 + sizeof(sin(1.f))", "sizeof(pow(2.f, 3))", "sizeof(pow(2.f, 3.0))",
        "sizeof(pow(2, 3))", "sizeof(fmax(1, 2.f))", "sizeof(max(1.f, 2.0))", "sizeof(max(1, 2u))",
        "sizeof(abs(-1.f))", "sizeof(std::abs(-2l))", "sizeof(isnan(1.f))", "max(-1, 1u) > 5",
        "abs(-7) + labs(-8l) + llabs(-9ll) + (int)std::fabs(-1.5f)", "min(3ll, -4ll) + ullmin(5, 6)",
        "umax(3u, 7u) + llmax(-1, 1)",
    )  # fmt: skip
    want = [84, 4, 8, 8, 8, 8, 4, 4, 8, 1, 1, 25, 1, 8]
    for out in evaluate(sizes, np.int32, np.zeros(1, np.int32)):
        assert out[:, 0].tolist() == want


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rounding_to_integers(dtype: Any) -> None:
    x = np.concatenate([rng.uniform(-9, 9, 40), [-2.5, -0.5, 0.5, 1.5, 1e15, -1e15]]).astype(dtype)
    calls = ["lrint(a)", "llrint(a)", "lround(a)", "llround(a)"]
    if dtype is np.float32:
        calls += ["lrintf(a)", "llrintf(a)", "lroundf(a)", "llroundf(a)"]
    even, away = np.rint(x).astype(np.int64), half_away(x.astype(np.float64)).astype(np.int64)
    want = np.stack([even, even, away, away] * (len(calls) // 4))
    for out in evaluate(calls, np.int64, x):
        np.testing.assert_array_equal(out, want)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_classification(dtype: Any) -> None:
    x = np.concatenate([SPECIAL, [-np.nan, np.finfo(dtype).smallest_subnormal]]).astype(dtype)
    want = [np.isnan(x), np.isinf(x), np.isfinite(x), np.signbit(x)]
    calls = ["isnan(a)", "isinf(a)", "isfinite(a)", "signbit(a)"]
    for out in evaluate(calls + [f"std::{call}" for call in calls], np.int32, x):
        np.testing.assert_array_equal(out, np.stack(want * 2))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parts_of_numbers(dtype: Any) -> None:
    """ilogb, ldexp and its kin, frexp, modf: exact, over the whole range."""
    info = np.finfo(dtype)
    tiny = float(info.smallest_subnormal)
    x = np.concatenate(
        [
            SPECIAL,
            [tiny, -tiny * 5, info.tiny, info.max, 3.75, -0.1, 123456.789],
            rng.normal(0, 9, 40),
        ]
    ).astype(dtype)
    n = rng.integers(-1100, 1100, len(x)).astype(np.int32)
    t = "float" if dtype is np.float32 else "double"
    head = (
        f"__device__ {t} m(double a) {{ int e; return frexp(({t})a, &e); }}"
        f"__device__ int e(double a) {{ int e; frexp(({t})a, &e); return e; }}"
        f"__device__ {t} f(double a) {{ {t} w; return modf(({t})a, &w); }}"
        f"__device__ {t} w(double a) {{ {t} w; modf(({t})a, &w); return w; }}"
    )
    calls = ["ldexp(a, b)", "scalbn(a, b)", "scalbln(a, (long)b)", "m(a)", "e(a)", "f(a)", "w(a)"]
    calls += ["ilogb(a)", "scalbln(a, b * 10000000l)"]
    with np.errstate(all="ignore"):
        mantissa, exponent = np.frexp(x)
        fraction, whole = np.modf(x)
        scaled = np.ldexp(x, n)
        far = np.ldexp(x, np.clip(n.astype(np.int64) * 10**7, -5000, 5000).astype(np.int32))
    ordinary = np.isfinite(x) & (x != 0)
    special = np.where(np.isinf(x), 2**31 - 1, -(2**31))
    want = [scaled] * 3 + [mantissa, np.where(ordinary, exponent, 0), fraction, whole]
    want += [np.where(ordinary, exponent - 1, special), far]
    for out in evaluate(calls, np.float64, x, n, head=head):
        for row, name, expected in zip(out, calls, want, strict=True):
            np.testing.assert_array_equal(row, expected.astype(np.float64), err_msg=name)
            zeros = (row == 0) & (name not in ("e(a)",))
            np.testing.assert_array_equal(
                np.signbit(row[zeros]), np.signbit(expected.astype(float)[zeros]), err_msg=name
            )


def ieee_remainder(x: float, y: float) -> float:
    if math.isnan(x) or math.isnan(y) or math.isinf(x) or y == 0:
        return np.nan
    return math.remainder(x, y)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_remainder(dtype: Any) -> None:
    """Exact, with the quotient's low bits."""
    info = np.finfo(dtype)
    tiny = float(info.smallest_subnormal)
    x = np.concatenate(
        [numbers(dtype), [info.max, -info.max, tiny, 3 * tiny, 5, 6, 7, 9, 10, info.tiny, 1e30]]
    ).astype(dtype)
    y = np.concatenate(
        [
            rng.permutation(numbers(dtype, -3, 3)),
            [3, info.max, 2 * tiny, 2 * tiny, 2, 4, 2, 6, 4, 7 * tiny, 3],
        ]
    ).astype(dtype)
    want = np.array([ieee_remainder(float(a), float(b)) for a, b in zip(x, y, strict=True)])
    t = "float" if dtype is np.float32 else "double"
    head = f"__device__ double q({t} a, {t} b) {{ int q; remquo(a, b, &q); return q; }}"
    head += f"__device__ {t} r({t} a, {t} b) {{ int q; return remquo(a, b, &q); }}"
    for out in evaluate(["remainder(a, b)", "r(a, b)", "q(a, b)"], np.float64, x, y, head=head):
        np.testing.assert_array_equal(out[0], want)
        np.testing.assert_array_equal(out[1], want)
        usual = np.isfinite(want) & np.isfinite(y) & (np.abs(x) < 1e6) & (np.abs(y) > 1e-6)
        with np.errstate(all="ignore"):
            quotient = np.rint((x.astype(np.float64) - want) / y)[usual]
        bits = np.copysign(np.abs(quotient) % 8, quotient)
        np.testing.assert_array_equal(np.abs(out[2][usual]) % 8, np.abs(bits))
        zero = bits == 0
        np.testing.assert_array_equal(np.sign(out[2][usual][~zero]), np.sign(bits[~zero]))


def test_two_results() -> None:
    """sincos writes to where its arguments point, whichever that is."""
    x = numbers(np.float32)
    head = (
        "__device__ float f(float x) { float s, c; sincosf(x, &s, &c); return s * 2 + c; }"
        "__device__ float g(float x) { float2 r; __sincosf(x, &r.x, &r.y); return r.x * 2 + r.y; }"
        "__device__ float h(float x) { float r[2]; sincos(x, r + 1, r); return r[1] * 2 + r[0]; }"
        "__device__ float alias(float x) { float c; sincosf(x, &x, &c); return x * 2 + c; }"
    )
    calls = ["f(a)", "g(a)", "h(a)", "alias(a)", "sinf(a) * 2 + cosf(a)"]
    for out in evaluate(calls, np.float32, x, head=head):
        for row in out[:-1]:
            np.testing.assert_allclose(row, out[-1], rtol=3e-7, atol=2e-7)


def test_small_ones() -> None:
    x = np.array([-1, 0.25, 2, np.nan], np.float32)
    calls = [
        "__saturatef(a)",
        "fmaf(a, 2.f, 1.f)",
        "fma(a, 2, 1)",
        'nan("") != nan("")',
        'nanf("")',
    ]
    for out in evaluate(calls, np.float32, x):
        np.testing.assert_array_equal(out[0], [0, 0.25, 1, 0])
        np.testing.assert_array_equal(out[1], x * 2 + 1)
        np.testing.assert_array_equal(out[2], x * 2 + 1)
        np.testing.assert_array_equal(out[3], np.ones(4))
        assert np.isnan(out[4]).all()
