"""References for the math functions, and the error of a result in units in the last place."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.special

Array = npt.NDArray[Any]

# Names whose NumPy function has another name or none; they take any float type NumPy computes in.
_OTHER: dict[str, Callable[..., Array]] = {
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "exp10": lambda x: np.power(x.dtype.type(10), x),
    "pow": np.power,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "atan2": np.arctan2,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "abs": np.abs,
    "round": lambda x: np.copysign(np.floor(np.abs(x) + x.dtype.type(0.5)), x),
}


def _lgamma(x: Array) -> Array:
    """SciPy's, but -log|x| next to 0 and infinite at minus infinity, as in C."""
    tiny = np.abs(x) < 1e-20
    value = np.where(tiny, -np.log(np.abs(x)), scipy.special.gammaln(np.where(tiny, 1.0, x)))
    return np.where(x == -np.inf, np.inf, value)


def _tgamma(x: Array) -> Array:
    """SciPy's, but a zero of alternating sign where it vanishes on the negative axis."""
    vanishes = (x < -185) & (np.floor(x) != x)
    zero = np.where(np.floor(x) / 2 == np.floor(np.floor(x) / 2), 0.0, -0.0)
    return np.where(vanishes, zero, scipy.special.gamma(np.where(vanishes, 1.0, x)))


# Only in float64: neither NumPy nor SciPy has them in long double.
_DOUBLE_ONLY: dict[str, Callable[..., Array]] = {
    "erf": scipy.special.erf,
    "erfc": scipy.special.erfc,
    "lgamma": _lgamma,
    "tgamma": _tgamma,
}
# The C library's, one by one: SciPy's erfc in float64 is hundreds of ulps off where it is tiny.
_FOR_DOUBLE: dict[str, Callable[..., Array]] = {
    "erf": lambda x: np.frompyfunc(math.erf, 1, 1)(x).astype(np.float64),
    "erfc": lambda x: np.frompyfunc(math.erfc, 1, 1)(x).astype(np.float64),
}

HAS_LONG_DOUBLE = np.finfo(np.longdouble).nmant > 60


def reference(name: str, *arguments: Array) -> Array:
    """The function of float32 arguments in float64, of float64 in long double where that helps."""
    double = arguments[0].dtype == np.float64
    function = (_FOR_DOUBLE.get(name) if double else None) or _DOUBLE_ONLY.get(name)
    kind: Any = np.longdouble if double and function is None else np.float64
    if function is None:
        function = _OTHER.get(name) or getattr(np, name)
    with np.errstate(all="ignore"):
        return function(*[a.astype(kind) if a.dtype.kind == "f" else a for a in arguments])


def ulp_error(actual: Array, expected: Array) -> Array:
    """|actual - expected| in ulps of the expected value's binade, in actual's float type.

    Infinite where one is NaN and the other is not, or one is infinite and the other does not round
    to that infinity. A zero of the wrong sign counts too.
    """
    info = np.finfo(actual.dtype)
    with np.errstate(all="ignore"):
        magnitude = np.abs(expected)
        _, exponent = np.frexp(magnitude)
        # frexp's mantissa is in [½, 1), so the binade's exponent is one less.
        least = int(info.minexp)
        unit = np.ldexp(np.ones_like(magnitude), np.maximum(exponent - 1, least) - int(info.nmant))
        error = np.abs(actual.astype(expected.dtype) - expected) / unit
        rounded = expected.astype(actual.dtype)
    same = (actual == rounded) | (np.isnan(actual) & np.isnan(rounded))
    finite = np.isfinite(actual) & np.isfinite(expected)
    error = np.where(finite, error, np.where(same, 0.0, np.inf))
    wrong_zero = (actual == 0) & (rounded == 0) & (np.signbit(actual) != np.signbit(rounded))
    return np.where(wrong_zero, np.inf, error).astype(np.float64)
