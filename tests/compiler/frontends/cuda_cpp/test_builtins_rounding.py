"""Arithmetic with a stated rounding and conversions, against exact fractions."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

pytest.importorskip("clang.cindex")

from accelerx.errors import UnsupportedKernelError
from tests.support.cuda_cpp import run
from tests.support.cuda_functions import evaluate

Array = np.ndarray[Any, Any]
rng = np.random.default_rng(11)
MODES = ("rn", "rz", "ru", "rd")


def rounded(exact: Fraction, dtype: Any, mode: str) -> float:
    """An exact number, not zero, in a float type."""
    most = Fraction(float(np.finfo(dtype).max))
    near = most * 4 if abs(exact) > most * 4 else abs(exact)
    digits, least = (24, -149) if dtype is np.float32 else (53, -1074)
    exponent = max(near.numerator.bit_length() - near.denominator.bit_length() - digits - 1, least)
    while near / Fraction(2) ** exponent >= 2**digits:
        exponent += 1
    unit = Fraction(2) ** exponent
    below = near // unit
    rest = near / unit - below
    away = {"ru": exact > 0, "rd": exact < 0, "rz": False}.get(mode)
    if away is None:
        away = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and below % 2 == 1)
    size = (below + (1 if away and rest else 0)) * unit
    if size > most:
        size_value = math.inf if mode == "rn" or away else float(most)
    else:
        size_value = float(size)
    return size_value if exact > 0 else -size_value


def root(x: Fraction) -> Fraction:
    """A square root to far more digits than any float has; exact where it is a fraction."""
    scale = 1 << 400
    whole = math.isqrt(x.numerator * x.denominator * scale * scale)
    found = Fraction(whole, x.denominator * scale)
    return found if found * found == x else found + Fraction(1, x.denominator * scale * 4)


EXACT: dict[str, tuple[int, Callable[..., Fraction]]] = {
    "add": (2, lambda a, b: a + b),
    "sub": (2, lambda a, b: a - b),
    "mul": (2, lambda a, b: a * b),
    "div": (2, lambda a, b: a / b),
    "maf": (3, lambda a, b, c: a * b + c),
    "rcp": (1, lambda a: 1 / a),
    "sqrt": (1, lambda a: root(abs(a))),
}


def columns(dtype: Any, count: int, n: int = 120) -> list[Array]:
    """Numbers near each other, far from each other, and at the ends of the range."""
    info = np.finfo(dtype)
    low, high = {np.float32: (-149, 127), np.float64: (-1074, 1023)}[dtype]
    made = []
    for k in range(count):
        near = rng.uniform(-2, 2, n)
        far = rng.choice([-1, 1], n) * np.exp2(rng.uniform(-60, 60, n))
        ends = rng.choice([-1, 1], n) * np.exp2(rng.uniform(low, high, n))
        extra = np.roll([info.max, -info.max, info.tiny, info.smallest_subnormal, 1, 3, 7], k)
        with np.errstate(all="ignore"):
            made.append(np.concatenate([near, far, ends, extra]).astype(dtype))
    for column in made:
        column[column == 0] = info.smallest_subnormal
        column[np.isinf(column)] = info.max
    return made


def expected(name: str, mode: str, dtype: Any, given: list[Array]) -> Array:
    _, work = EXACT[name]
    out = []
    for row in zip(*given, strict=True):
        exact = work(*(Fraction(float(x)) for x in row))
        if exact == 0:
            out.append(-0.0 if mode == "rd" else 0.0)
        else:
            out.append(rounded(exact, dtype, mode))
    return np.array(out).astype(dtype)


@pytest.mark.parametrize("name", EXACT)
def test_float_arithmetic(name: str) -> None:
    """All four roundings are exact, at the ends of the range as well."""
    count = EXACT[name][0]
    given = columns(np.float32, count)
    if name == "sqrt":
        given = [np.abs(given[0])]
    arguments = ", ".join("abc"[:count])
    calls = [f"__f{name}_{mode}({arguments})" for mode in MODES]
    for out in evaluate(calls, np.float32, *given):
        for row, mode in zip(out, MODES, strict=True):
            want = expected(name, mode, np.float32, given)
            np.testing.assert_array_equal(row, want, err_msg=mode)


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "fma", "rcp", "sqrt"])
def test_double_arithmetic(name: str) -> None:
    """Sums in all roundings; the others to nearest."""
    key = {"fma": "maf"}.get(name, name)
    count = EXACT[key][0]
    modes = MODES if name in ("add", "sub") else ("rn",)
    given = columns(np.float64, count, 60)
    if name == "sqrt":
        given = [np.abs(given[0])]
    function = "__fma" if name == "fma" else f"__d{name}"
    calls = [f"{function}_{mode}({', '.join('abc'[:count])})" for mode in modes]
    for out in evaluate(calls, np.float64, *given):
        for row, mode in zip(out, modes, strict=True):
            want = expected(key, mode, np.float64, given)
            np.testing.assert_array_equal(row, want, err_msg=mode)


def test_special_values_stay_special() -> None:
    x = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, 1.0, -1.0, np.inf], np.float32)
    y = np.array([1.0, 1.0, 1.0, -0.0, -0.0, -1.0, 1.0, -np.inf], np.float32)
    names = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide}
    calls = [f"__f{name}_{mode}(a, b)" for name in names for mode in MODES]
    for out in evaluate(calls, np.float32, x, y):
        with np.errstate(all="ignore"):
            for row, call in zip(out, calls, strict=True):
                want = names[call[3:6]](x, y)
                np.testing.assert_array_equal(row, want, err_msg=call)
                exact_zero = call[3:6] in ("add", "sub") and "_rd" in call
                if not exact_zero:
                    np.testing.assert_array_equal(np.signbit(row), np.signbit(want), err_msg=call)
    down = evaluate(
        ["__fadd_rd(a, b)"], np.float32, np.float32([0, 0, 1]), np.float32([0, -0.0, -1])
    )
    for out in down:
        assert np.signbit(out[0]).tolist() == [False, True, True]


def test_nearest_never_fuses() -> None:
    """A product and a sum in _rn form are two roundings, though the kernel may contract."""
    a = (1 + rng.uniform(0, 1, 200)).astype(np.float32)
    b = (1 + rng.uniform(0, 1, 200)).astype(np.float32)
    want = a * b - np.float32(1)
    calls = ["__fadd_rn(__fmul_rn(a, b), -1.f)", "__fmul_rn(a, b) - 1.f", "__fadd_rn(a * b, -1.f)"]
    doubles = a.astype(np.float64) * 0.1, b.astype(np.float64)
    for out in evaluate(calls, np.float32, a, b):
        for row in out:
            np.testing.assert_array_equal(row, want)
    for out in evaluate(["__dmul_rn(a, b) - 1", "__dsub_rn(a * b, 1)"], np.float64, *doubles):
        np.testing.assert_array_equal(out, np.stack([doubles[0] * doubles[1] - 1] * 2))


def test_reciprocal_root_is_correctly_rounded() -> None:
    x = np.exp2(rng.uniform(-140, 120, 400)).astype(np.float32)
    want = np.array(
        [rounded(1 / root(Fraction(float(v))), np.float32, "rn") for v in x], np.float32
    )
    for out in evaluate(["__frsqrt_rn(a)"], np.float32, x):
        np.testing.assert_array_equal(out[0], want)


@pytest.mark.parametrize("name", ["mul", "div", "rcp", "sqrt", "fma"])
def test_directed_double_products_are_refused(name: str) -> None:
    function = "__fma" if name == "fma" else f"__d{name}"
    count = {"mul": 2, "div": 2, "fma": 3}.get(name, 1)
    arguments = ", ".join(["x[0]"] * count)
    text = f"__global__ void k(double* x) {{ x[0] = {function}_ru({arguments}); }}"
    with pytest.raises(UnsupportedKernelError, match=rf"'{function}_ru' runs on CUDA devices only"):
        run(text, "k", 1, 1, np.ones(1))


TO_INTEGER = {"rn": np.rint, "rz": np.trunc, "ru": np.ceil, "rd": np.floor}
INTEGERS = {"int": np.int32, "uint": np.uint32, "ll": np.int64, "ull": np.uint64}


@pytest.mark.parametrize("source", ["float", "double"])
@pytest.mark.parametrize("name", INTEGERS)
def test_floats_to_integers(source: str, name: str) -> None:
    """Rounded as asked for; what does not fit becomes the nearest number that does."""
    dtype, target = {"float": np.float32, "double": np.float64}[source], INTEGERS[name]
    special = [0.5, 1.5, 2.5, -0.5, -1.5, 3e9, -3e9, 1e30, -1e30, np.inf, -np.inf]
    x = np.concatenate([rng.uniform(-9, 9, 50), special]).astype(dtype)
    info = np.iinfo(target)
    calls = [f"__{source}2{name}_{mode}(a)" for mode in MODES]
    for out in evaluate(calls, target, x):
        for row, mode in zip(out, MODES, strict=True):
            whole = [float(v) for v in TO_INTEGER[mode](x)]
            want = [
                (info.max if v > 0 else info.min)
                if abs(v) > 1e29
                else min(max(int(v), info.min), info.max)
                for v in whole
            ]
            assert row.tolist() == want, mode


@pytest.mark.parametrize("target", ["float", "double"])
@pytest.mark.parametrize("name", INTEGERS)
def test_integers_to_floats(target: str, name: str) -> None:
    integer, dtype = INTEGERS[name], {"float": np.float32, "double": np.float64}[target]
    info = np.iinfo(integer)
    if target == "double" and info.bits == 32:
        modes: tuple[str, ...] = ("rn",)
    else:
        modes = MODES
    spread = [int(v) for v in rng.integers(info.min, info.max, 80, dtype=integer)]
    near = [2**24 + 1, 2**30 - 1, info.max, info.max - 1, info.min, 1, 7]
    near += [2**53 + 1, 2**62 - 1, 2**60 + 2**6] if info.bits == 64 else []
    x = np.array(spread + near, integer)
    calls = [f"__{name}2{target}_{mode}(a)" for mode in modes]
    for out in evaluate(calls, dtype, x):
        for row, mode in zip(out, modes, strict=True):
            want = [rounded(Fraction(int(v)), dtype, mode) if v else 0.0 for v in x]
            np.testing.assert_array_equal(row, np.array(want, dtype), err_msg=mode)


def test_double_to_float() -> None:
    x = columns(np.float64, 1)[0]
    calls = [f"__double2float_{mode}(a)" for mode in MODES]
    for out in evaluate(calls, np.float32, x):
        for row, mode in zip(out, MODES, strict=True):
            want = [rounded(Fraction(float(v)), np.float32, mode) for v in x]
            np.testing.assert_array_equal(row, np.array(want, np.float32), err_msg=mode)


def test_bit_casts() -> None:
    x = np.concatenate([rng.normal(0, 1e9, 20), [0.0, -0.0, np.inf, np.nan]])
    single = x.astype(np.float32)
    calls = ["__float_as_int(a)", "(int)__float_as_uint(a)"]
    for out in evaluate(calls, np.int32, single):
        np.testing.assert_array_equal(out, np.stack([single.view(np.int32)] * 2))
    back = ["__int_as_float(a)", "__uint_as_float((unsigned)a)"]
    for out in evaluate(back, np.float32, single.view(np.int32)):
        np.testing.assert_array_equal(out.view(np.int32), np.stack([single.view(np.int32)] * 2))
    bits = x.view(np.int64)
    wide = ["__double_as_longlong(a)", "__double2hiint(a)", "__double2loint(a)"]
    for out in evaluate(wide, np.int64, x):
        low = bits.astype(np.int32).astype(np.int64)
        np.testing.assert_array_equal(out, np.stack([bits, bits >> 32, low]))
    joined = ["__longlong_as_double(a)", "__hiloint2double((int)(a >> 32), (int)a)"]
    for out in evaluate(joined, np.float64, bits):
        np.testing.assert_array_equal(out.view(np.int64), np.stack([bits] * 2))
