from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import accelerx as ax
from accelerx.errors import ArgumentTypeError, UnsupportedError
from accelerx.generated.fusion import fuse, fusible
from accelerx.generated.operations import OPERATIONS
from accelerx.runtime.device import Device

pytest.importorskip("clang.cindex")

RNG = np.random.default_rng(7)


def agree(function: Callable[..., Any], *arguments: Any, rtol: float = 1e-6) -> None:
    """Asserts that a fused function gives what it gives unfused, dtype included."""
    held = [ax.asarray(a) if isinstance(a, np.ndarray) else a for a in arguments]
    with np.errstate(all="ignore"):
        expected = function(*[a.copy() if isinstance(a, np.ndarray) else a for a in arguments])
    result = fuse(function)(*held)
    pairs = (
        zip(result, expected, strict=True) if isinstance(expected, tuple) else [(result, expected)]
    )
    for got, want in pairs:
        assert got.dtype == np.asarray(want).dtype
        np.testing.assert_allclose(got.get(), want, rtol=rtol, atol=1e-6)


def values(dtype: str, n: int = 40) -> np.ndarray:
    kind = np.dtype(dtype).kind
    if kind == "b":
        return RNG.integers(0, 2, n).astype(bool)
    if kind == "f":
        return RNG.uniform(0.1, 0.9, n).astype(dtype)
    return RNG.integers(0 if kind == "u" else -9, 10, n).astype(dtype)


def has_loop(name: str, dtype: str) -> bool:
    """Whether NumPy's function takes such operands."""
    ufunc = getattr(np, name)
    try:
        ufunc.resolve_dtypes((*[np.dtype(dtype)] * ufunc.nin, None))
    except TypeError:
        return False
    return True


@pytest.mark.parametrize(
    "dtype", ["bool", "int8", "int32", "uint16", "int64", "float32", "float64"]
)
def test_every_operation_is_numpys(cpu: Device, dtype: str) -> None:
    names = [name for name in OPERATIONS if has_loop(name, dtype)]
    x, y = values(dtype), values(dtype)
    count = abs(y) if dtype == "bool" else np.abs(y) % np.dtype(dtype).type(5)
    count[count == 0] = 1

    def function(x: Any, y: Any, count: Any) -> tuple[Any, ...]:
        results = []
        for name in names:
            ufunc = getattr(np, name)
            second = count if "shift" in name or "power" in name else y
            first = x + 1 if name == "arccosh" else count if name == "reciprocal" else x
            results.append(ufunc(first) if ufunc.nin == 1 else ufunc(first, second))
        return tuple(results)

    assert len(names) > 30
    agree(function, x, y, count, rtol=2e-3 if np.dtype(dtype).itemsize == 1 else 2e-6)


@pytest.mark.parametrize("name", ["add", "multiply", "divide", "exp", "sqrt", "maximum", "less"])
def test_half_precision_rounds_after_every_operation(device: Device, name: str) -> None:
    ufunc = getattr(np, name)
    agree(ufunc, *[values("float16") for _ in range(ufunc.nin)], rtol=1e-3)


@pytest.mark.parametrize(
    "name", ["maximum", "minimum", "fmax", "fmin", "sign", "isnan", "isfinite"]
)
def test_special_values_are_numpys(device: Device, name: str) -> None:
    special = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0], np.float32)
    x, y = (a.ravel() for a in np.meshgrid(special, special))
    ufunc = getattr(np, name)
    agree(ufunc, *((x, y)[: ufunc.nin]))


@pytest.mark.parametrize("name", ["floor_divide", "remainder"])
@pytest.mark.parametrize("dtype", ["int32", "int64", "float32"])
def test_division_rounds_down(device: Device, name: str, dtype: str) -> None:
    x, y = (a.ravel().astype(dtype) for a in np.meshgrid(np.arange(-7, 8), [-3, -1, 0, 2, 5]))
    agree(getattr(np, name), x, y)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: x * 2 + y / 3 - 1.5,
        lambda x, y: 2 - x,
        lambda x, y: -(x**2) + abs(y),
        lambda x, y: np.where(x > y, np.exp(x), y),
        lambda x, y: np.where(x > 0.5, 1, 0),
        lambda x, y: np.where(x > 0.5, x, 0),
        lambda x, y: np.clip(x, 0.2, 0.6) + x.clip(0.5),
        lambda x, y: (x > 0.3) & (y < 0.7) | ~(x != y),
        lambda x, y: x.astype("int32") + x.astype(bool),
        lambda x, y: (x + y, x - y),
        lambda x, y: (x,),
        lambda x, y: np.float32(2) * x + np.float64(1) * y,
        lambda x, y: x * np.inf + np.nan,
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int16"])
def test_expressions_are_numpys(cpu: Device, function: Callable[..., Any], dtype: str) -> None:
    agree(function, values(dtype), values(dtype))


def test_arrays_of_several_shapes_and_dtypes_meet(device: Device) -> None:
    agree(lambda x, y, z: x * y + z, values("float32", 12).reshape(3, 4), values("int8", 4), 3)
    agree(lambda x, n: x + n, values("float32"), 2**40)
    agree(lambda x, n: x + n, values("int32"), np.float32(1.5))
    agree(lambda x, n: x * (n + 1) / n, values("float32"), 3)


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "all", "any"])
@pytest.mark.parametrize("dtype", ["bool", "int8", "float32"])
def test_a_reduction_may_end_it(cpu: Device, name: str, dtype: str) -> None:
    x = values(dtype, 60).reshape(12, 5)
    agree(lambda x: getattr(np, name)(x + x), x, rtol=1e-5)
    agree(lambda x: getattr(x, name)(axis=1, keepdims=True), x, rtol=1e-5)


def test_reductions_of_nan_are_nan(device: Device) -> None:
    x = np.array([1, np.nan, 3], np.float32)
    agree(lambda x: x.max(), x)
    agree(lambda x: np.amin(x * 2), x)


def test_arguments_change_in_place(device: Device) -> None:
    @fuse
    def step(x: Any, v: Any, dt: Any) -> Any:
        v += -x * dt
        x[...] = x + v * dt
        return x * 2

    x, v = ax.ones(4), ax.zeros(4)
    result = step(x, v, 0.5)
    np.testing.assert_array_equal(v.get(), [-0.5] * 4)
    np.testing.assert_array_equal(x.get(), [0.75] * 4)
    np.testing.assert_array_equal(result.get(), [1.5] * 4)


def test_a_kernel_is_made_for_each_combination_of_types(cpu: Device) -> None:
    runs: list[int] = []

    @fuse
    def twice(x: Any) -> Any:
        runs.append(1)
        return x + x

    for dtype in ("float32", "int32", "float32"):
        twice(ax.zeros(3, dtype))
    twice(ax.zeros((3, 4)))
    assert len(runs) == 2


def test_without_device_arrays_the_function_runs(cpu: Device) -> None:
    assert fuse(lambda x: x + 1)(np.zeros(3)).tolist() == [1, 1, 1]
    assert fuse(lambda x: x + 1)(3) == 4


def test_fused_functions_call_each_other(cpu: Device) -> None:
    inner = fuse(lambda x: x * 2)
    agree(lambda x: inner(x) + 1, values("float32"))


def test_it_is_named(cpu: Device) -> None:
    @fuse(kernel_name="own_name")
    def function(x: Any) -> Any:
        """Says so."""
        return x

    assert (function.name, function.__name__, function.__doc__) == (
        "own_name", "function", "Says so.",
    )  # fmt: skip
    assert repr(fuse(lambda x: x)) == "<Fusion 'fused_lambda'>"


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: x if x > 0 else -x, r"cannot branch on one; use numpy.where"),
        (lambda x: np.sort(x), "numpy.sort cannot be fused"),
        (lambda x: np.linalg.norm(x), "cannot be fused|cannot use"),
        (lambda x: x.reshape(2, 2), r"cannot use \.reshape"),
        (lambda x: x.sum() + 1, "ends with its reduction; numpy.add of numpy.sum"),
        (lambda x: (x.sum(), x), "or one reduction"),
        (lambda x: None, "returns None"),
        (lambda x: np.add(x, [1, 2]), "not with a builtins.list"),
        (lambda x: np.add(x, 1, where=True), "numpy.add with where cannot be fused"),
        (lambda x: np.add.accumulate(x), "numpy.add.accumulate cannot be fused"),
    ],
)
def test_what_cannot_be_fused_is_told(
    cpu: Device, function: Callable[..., Any], words: str
) -> None:
    with pytest.raises((UnsupportedError, TypeError), match=words):
        fuse(function)(ax.zeros(4))


def test_wrong_arguments_are_refused(cpu: Device) -> None:
    with pytest.raises(ArgumentTypeError, match=r"argument 2 is a builtins\.str"):
        fuse(lambda x, y: x)(ax.zeros(4), "text")
    with pytest.raises(TypeError, match="cannot put float64 into int32 in place"):
        fuse(lambda x: x.__iadd__(np.float32(1.5)))(ax.zeros(4, np.int32))


def test_what_can_be_fused_is_listed() -> None:
    assert {"add", "where", "sum", "exp"} <= set(fusible())
