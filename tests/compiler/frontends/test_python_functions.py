"""Calls in Python kernels: device functions, builtins, math, NumPy and operator functions."""

from __future__ import annotations

import enum
import math
import operator

import numpy as np
import pytest

from accelerx import dtypes
from accelerx import lang as cuda
from accelerx.compiler import ir
from tests.support.lifted import lifted, run

MODES = ("weak", "numba")


@pytest.fixture(params=MODES)
def mode(request):
    return request.param


def square(x):
    return x * x


def hypotenuse(a, b=4.0, *, scale=1.0):
    """With defaults, a keyword and another call."""
    return math.sqrt(square(a) + square(b)) * scale


def clamp(x, low, high):
    if x < low:
        return low
    if x > high:
        return high
    return x


def first_above(x, limit):
    for i in range(x.shape[0]):
        if x[i] > limit:
            return i, x[i]
    return -1, np.float32(0)


def add_to(x, i, v):
    x[i] += v


def sign_or_nothing(x):
    if x > 0:
        return 1
    elif x < 0:
        return -1
    else:
        return 0


def total(*values):
    s = 0
    for v in values:
        s += v
    return s


def column_sum(a, j):
    column = a[:, j]
    s = 0.0
    for v in column:
        s += v
    return s


half = lambda x: x / 2  # noqa: E731


class Colour(enum.IntEnum):
    RED = 2
    GREEN = 5


class Device:
    """An object with a Python function, as decorators make."""

    py_func = staticmethod(square)


device_square = Device()


def test_device_functions_are_inlined(mode):
    def kernel(x, out):
        i = cuda.grid(1)
        out[i] = hypotenuse(x[i]) + hypotenuse(x[i], b=3.0, scale=2.0) + device_square(x[i])

    x, out = np.arange(8, dtype=np.float32), np.zeros(8, np.float32)
    run(kernel, 1, 8, x, out, literals=mode)
    np.testing.assert_allclose(out, np.hypot(x, 4) + 2 * np.hypot(x, 3) + x * x, rtol=1e-6)


def test_several_returns_become_branches(mode):
    def kernel(x, out):
        i = cuda.grid(1)
        out[i] = clamp(x[i], 2, 5) * 10 + sign_or_nothing(x[i] - 4)

    x, out = np.arange(8, dtype=np.int32), np.zeros(8, np.int32)
    kernel = run(kernel, 1, 8, x, out, literals=mode)
    np.testing.assert_array_equal(out, np.clip(x, 2, 5) * 10 + np.sign(x - 4))
    assert not ir.contains(kernel.body, ir.Scope, ir.Exit)


def test_return_out_of_a_loop_with_a_tuple(mode):
    def kernel(x, out, where):
        i = cuda.grid(1)
        k, v = first_above(x, i)
        where[i] = k
        out[i] = v

    x = np.array([0.5, 3.5, 1.5, 6.5], np.float32)
    out, where = np.zeros(8, np.float32), np.zeros(8, np.int32)
    run(kernel, 1, 8, x, out, where, literals=mode)
    expected = [next(((k, v) for k, v in enumerate(x) if v > i), (-1, 0)) for i in range(8)]
    np.testing.assert_array_equal(where, [k for k, _ in expected])
    np.testing.assert_array_equal(out, [v for _, v in expected])


def test_functions_with_effects_views_and_varying_arguments(mode):
    def kernel(a, out):
        j = cuda.threadIdx.x
        add_to(out, j, column_sum(a, j))
        add_to(out[1:], j, total(1, 2, j))
        out[j] += half(6)

    a = np.arange(12, dtype=np.float32).reshape(4, 3)
    out = np.zeros(4, np.float32)

    run(kernel, 1, 1, a, out, literals=mode)
    np.testing.assert_array_equal(out, [a[:, 0].sum() + 3, 3, 0, 0])


def test_inlined_code_knows_its_call(mode):
    def kernel(out):
        out[0] = square(cuda.threadIdx.x)

    body = lifted(kernel, np.zeros(1, np.int32), literals=mode).body
    places = [
        x.loc
        for s in ir.statements(body)
        for e in ir.expressions(s)
        for x in ir.walk(e)
        if isinstance(x, ir.Binary)
    ]
    assert places[0] is not None
    assert places[0].parent is not None
    assert places[0].function == "square"
    assert places[0].parent.line == kernel.__code__.co_firstlineno + 1


def test_an_effect_in_an_operand_comes_after_earlier_reads(mode):
    def bump(x):
        x[0] += 1
        return x[0]

    def kernel(x, out):
        out[0] = x[0] + bump(x) * 10 + x[0] * 100

    x, out = np.array([1], np.int32), np.zeros(1, np.int32)
    run(kernel, 1, 1, x, out, literals=mode)
    assert out[0] == 1 + 20 + 200


def test_short_circuit_keeps_effects_guarded(mode):
    def kernel(x, out):
        i = cuda.grid(1)
        if i < 2 and cuda.atomic.add(out, 0, 1) >= 0:
            x[i] = 1

    x, out = np.zeros(8, np.int32), np.zeros(1, np.int32)
    run(kernel, 1, 8, x, out, literals=mode)
    assert out[0] == 2
    assert x.sum() == 2


BUILTINS = {
    "abs": lambda x, y: abs(x - y),
    "min": lambda x, y: min(x, y, 3),
    "max": lambda x, y: max(x, y),
    "min_tuple": lambda x, y: min((x, y)),
    "pow": lambda x, y: pow(x, 3) + x**2,
    "pow_negative": lambda x, y: (x + 1.5) ** -2,
    "divmod": lambda x, y: divmod(x, y + 1)[0] * 100 + divmod(x, y + 1)[1],
    "floordiv_negative": lambda x, y: (x - 9) // (y + 2),
    "mod_negative": lambda x, y: (x - 9) % (y + 2) + (x - 3) % -4,
    "int": lambda x, y: int(x * 0.7) + int(y),
    "float": lambda x, y: float(x) / 2,
    "bool": lambda x, y: bool(x) + 2 * bool(y),
    "operator": lambda x, y: operator.sub(operator.mul(x, 2), operator.neg(y)),
    "in": lambda x, y: (1 if x in (2, 3, 5) else 0) + (1 if y not in (1, 2) else 0),
}


@pytest.mark.parametrize("name", BUILTINS)
@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_builtins(mode, name, dtype):
    function = BUILTINS[name]

    def kernel(x, y, out):
        i = cuda.grid(1)
        out[i] = function(x[i], y[i])

    x, y = np.arange(8, dtype=dtype), np.arange(8, dtype=dtype)[::-1].copy() / dtype(1)
    y = y.astype(dtype)
    out = np.zeros(8, np.float64)
    run(kernel, 1, 8, x, y, out, literals=mode)
    expected = [float(function(a.item(), b.item())) for a, b in zip(x, y, strict=True)]
    np.testing.assert_allclose(out, expected, rtol=1e-6)


MATH = {
    "sqrt": math.sqrt, "exp": math.exp, "log": math.log, "sin": math.sin, "cos": math.cos,
    "tanh": math.tanh, "floor": math.floor, "ceil": math.ceil, "fabs": math.fabs,
    "erf": math.erf, "degrees": math.degrees, "radians": math.radians, "log1p": math.log1p,
    "np.sqrt": np.sqrt, "np.exp": np.exp, "np.square": np.square, "np.sign": np.sign,
    "np.abs": np.abs, "np.rint": np.rint, "np.negative": np.negative, "np.deg2rad": np.deg2rad,
}  # fmt: skip


@pytest.mark.parametrize("name", MATH)
def test_math_of_one_argument(mode, name):
    function = MATH[name]

    def kernel(x, out):
        i = cuda.grid(1)
        out[i] = function(x[i])

    x, out = np.linspace(0.3, 4, 8).astype(np.float32), np.zeros(8, np.float32)
    run(kernel, 1, 8, x, out, literals=mode)
    np.testing.assert_allclose(out, [function(float(v)) for v in x], rtol=1e-5)


MATH2 = {
    "atan2": math.atan2, "pow": math.pow, "hypot": math.hypot, "fmod": math.fmod,
    "copysign": math.copysign, "np.minimum": np.minimum, "np.maximum": np.maximum,
    "np.fmax": np.fmax, "np.power": np.power, "np.add": np.add, "np.less": np.less,
    "np.logical_and": np.logical_and, "np.floor_divide": np.floor_divide, "log": math.log,
}  # fmt: skip


@pytest.mark.parametrize("name", MATH2)
def test_math_of_two_arguments(mode, name):
    function = MATH2[name]

    def kernel(x, y, out):
        i = cuda.grid(1)
        out[i] = function(x[i], y[i])

    x = np.linspace(0.3, 4, 8).astype(np.float32)
    y, out = x[::-1].copy() + np.float32(0.1), np.zeros(8, np.float32)
    run(kernel, 1, 8, x, y, out, literals=mode)
    expected = [float(function(float(a), float(b))) for a, b in zip(x, y, strict=True)]
    np.testing.assert_allclose(out, expected, rtol=1e-5)


def test_numpy_extrema_propagate_nan_and_python_ones_do_not(mode):
    def kernel(x, y, out):
        out[0] = np.maximum(x[0], y[0])
        out[1] = np.fmax(x[0], y[0])
        out[2] = max(x[0], y[0])

    x, y = np.array([np.nan], np.float32), np.array([2], np.float32)
    out = np.zeros(3, np.float32)
    run(kernel, 1, 1, x, y, out, literals=mode)
    assert np.isnan(out[0])
    np.testing.assert_array_equal(out[1:], 2)


def test_round_is_half_to_even_and_takes_digits(mode):
    def kernel(x, out):
        i = cuda.grid(1)
        out[i, 0] = round(x[i])
        out[i, 1] = round(x[i], 1)
        out[i, 2] = round(x[i], -1)

    x = np.array([0.5, 1.5, 2.5, -0.5, 14.96, 26.04], np.float64)
    out = np.zeros((6, 3))
    run(kernel, 1, 6, x, out, literals=mode)
    for row, v in zip(out, x, strict=True):
        np.testing.assert_allclose(row, [round(v), round(v, 1), round(v, -1)])


def test_modf_ldexp_and_classification(mode):
    def kernel(x, out):
        i = cuda.grid(1)
        rest, whole = math.modf(x[i])
        out[i, 0], out[i, 1] = rest, whole
        out[i, 2] = math.ldexp(x[i], 3)
        out[i, 3] = math.isnan(x[i]) + 2 * math.isinf(x[i]) + 4 * math.isfinite(x[i])

    x = np.array([1.25, -2.5, np.inf, np.nan], np.float64)
    out = np.zeros((4, 4))
    run(kernel, 1, 4, x, out, literals=mode)
    np.testing.assert_array_equal(out[:2], [[0.25, 1, 10, 4], [-0.5, -2, -20, 4]])
    np.testing.assert_array_equal(out[2], [0, np.inf, np.inf, 2])
    assert out[3, 3] == 1


def test_integer_powers(mode):
    def kernel(x, n, out):
        i = cuda.grid(1)
        out[i] = x[i] ** n[i]

    x, n = np.array([2, -3, 5, 7, 0], np.int32), np.array([10, 5, 0, 1, 0], np.int32)
    out = np.zeros(5, np.int32)
    run(kernel, 1, 5, x, n, out, literals=mode)
    np.testing.assert_array_equal(out, x**n)


def test_constant_powers_are_products(mode):
    def kernel(x, out):
        out[0] = x[0] ** 3

    kernel = lifted(kernel, np.zeros(1, np.float32), np.zeros(1, np.float32), literals=mode)
    calls = [
        e
        for s in kernel.body
        for r in ir.expressions(s)
        for e in ir.walk(r)
        if isinstance(e, ir.Call)
    ]
    assert not calls


def test_types_convert(mode):
    def kernel(x, out):
        out[0] = np.float32(x[0]) + np.int32(2.9) + dtypes.int64(7.5) + np.uint8(257)
        out[1] = np.float16(0.1)

    x, out = np.array([1.5]), np.zeros(2)
    run(kernel, 1, 1, x, out, literals=mode)
    np.testing.assert_allclose(out, [1.5 + 2 + 7 + 1, np.float16(0.1)])


def test_bit_intrinsics(mode):
    def kernel(x, out):
        i = cuda.grid(1)
        out[i, 0] = cuda.popc(x[i])
        out[i, 1] = cuda.clz(x[i])
        out[i, 2] = cuda.ffs(x[i])
        out[i, 3] = cuda.brev(x[i]) == cuda.brev(x[i])

    x, out = np.array([0, 1, 6, 255], np.int32), np.zeros((4, 4), np.int32)
    run(kernel, 1, 4, x, out, literals=mode)
    np.testing.assert_array_equal(out[:, 0], [0, 1, 2, 8])
    np.testing.assert_array_equal(out[:, 1], [32, 31, 29, 24])
    np.testing.assert_array_equal(out[:, 2], [0, 1, 2, 1])


def test_constants_of_modules(mode):
    def kernel(out):
        out[0] = math.pi * np.e
        out[1] = -math.inf
        out[2] = np.iinfo(np.int32).max
        out[3] = np.finfo(np.float32).eps

    out = np.zeros(4)
    run(kernel, 1, 1, out, literals=mode)
    np.testing.assert_allclose(
        out, [math.pi * math.e, -math.inf, 2**31 - 1, np.finfo(np.float32).eps], rtol=1e-7
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_frexp_and_remainder(mode, dtype):
    def kernel(x, y, out):
        i = cuda.grid(1)
        m, e = math.frexp(x[i])
        out[i, 0], out[i, 1] = m, e
        out[i, 2] = math.remainder(x[i], y[i])

    x = np.array([3.1415, -0.75, 1024, 0, -0.0, 1e-40, 5.5, -7, 1.5e30], dtype)
    y = np.array([1, 0.5, 3, 2, 2, 3e-41, 1, 2, 7], dtype)
    out = np.zeros((9, 3))
    run(kernel, 1, 9, x, y, out, literals=mode)
    np.testing.assert_array_equal(out[:, 0], [math.frexp(v)[0] for v in x])
    np.testing.assert_array_equal(out[:, 1], [math.frexp(v)[1] for v in x])
    expected = [math.remainder(float(a), float(b)) for a, b in zip(x, y, strict=True)]
    np.testing.assert_array_equal(out[:, 2], np.array(expected, dtype))


@pytest.mark.parametrize("digits", [0, 1, 3, -1, 25])
def test_round_to_digits_known_at_launch(mode, digits):
    def kernel(x, n, out):
        i = cuda.grid(1)
        out[i] = round(x[i], n)

    x, out = np.array([0.55, -2.675, 14.5, 1e300, np.inf]), np.zeros(5)
    run(kernel, 1, 5, x, digits, out, literals=mode)
    expected = [v if v > 1e299 else np.round(v, digits) for v in x]
    np.testing.assert_allclose(out, expected, rtol=1e-12)


def test_bit_count(mode):
    def kernel(x, out):
        i = cuda.grid(1)
        out[i] = x[i].bit_count()

    x, out = np.array([0, 1, 255, 170], np.uint8), np.zeros(4, np.int32)
    run(kernel, 1, 4, x, out, literals=mode)
    np.testing.assert_array_equal(out, [0, 1, 8, 4])


def test_isinstance_is_decided_while_lifting(mode):
    def first(v):
        if isinstance(v, tuple):
            return v[0]
        return v

    def kernel(x, out):
        out[0] = first((x[0], 2)) + first(3)
        out[1] = isinstance(x[0], (int, float)) + isinstance(x, np.ndarray)

    x, out = np.array([5], np.int32), np.zeros(2, np.int32)
    run(kernel, 1, 1, x, out, literals=mode)
    np.testing.assert_array_equal(out, [8, 2])


def test_bools_compare_by_identity(mode):
    def kernel(flag, out):
        if flag is True:
            out[0] = 1
        if flag is not None and flag is not False:
            out[0] += 1

    out = np.zeros(1, np.int32)
    run(kernel, 1, 1, True, out, literals=mode)
    assert out[0] == 2


def test_ufuncs_of_arrays_write_to_an_array(mode):
    def kernel(x, y, out):
        np.add(x, y[0], out)
        np.multiply(out, 2, out=out)

    x, y = np.arange(12, dtype=np.float32).reshape(3, 4), np.ones((3, 4), np.float32)
    out = np.zeros((3, 4), np.float32)
    run(kernel, 1, 1, x, y, out, literals=mode)
    np.testing.assert_array_equal(out, (x + 1) * 2)


def test_enum_members(mode):
    def kernel(out):
        out[0] = Colour.GREEN
        out[1] = Colour["RED"] + (Colour["GREEN"] == Colour.GREEN)

    out = np.zeros(2, np.int32)
    run(kernel, 1, 1, out, literals=mode)
    np.testing.assert_array_equal(out, [5, 3])
