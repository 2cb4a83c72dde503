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


def _one_by_one(function: Callable[[float], float], x: Array) -> Array:
    return np.array([function(v) for v in x.tolist()])


def _lgamma(x: Array) -> Array:
    """SciPy's, but -log|x| next to 0 and infinite at minus infinity, as in C."""
    tiny = np.abs(x) < 1e-20
    value = np.where(tiny, -np.log(np.abs(x)), scipy.special.gammaln(np.where(tiny, 1.0, x)))
    return np.where(x == -np.inf, np.inf, value)


def _lgamma_long(x: Array) -> Array:
    """In long double: Stirling's series from 30 on, shifted and reflected to it.

    SciPy's is tens of ulps off between 0.5 and 3. This one loses relative accuracy next to zeros.
    """
    wide = x.astype(np.longdouble)
    a = np.abs(wide)
    product = np.ones_like(a)
    shifted = a.copy()
    for _ in range(30):
        low = shifted < 30
        product = np.where(low, product * shifted, product)
        shifted = np.where(low, shifted + 1, shifted)
    inverse = 1 / shifted
    series = np.zeros_like(a)
    for c in (-691 / np.longdouble(360360), 1 / np.longdouble(1188), -1 / np.longdouble(1680),
              1 / np.longdouble(1260), -1 / np.longdouble(360), 1 / np.longdouble(12)):  # fmt: skip
        series = series * inverse * inverse + c
    half_log_2pi = np.log(2 * _PI) / 2
    value = (shifted - np.longdouble(0.5)) * np.log(shifted) - shifted + half_log_2pi
    value = value + series * inverse - np.log(product)
    sine = np.abs(np.sin(_PI * (a - np.rint(a))))
    value = np.where(wide < 0, np.log(_PI / (a * sine)) - value, value)
    pole = (wide <= 0) & (np.floor(wide) == wide)
    tiny = a < 1e-20
    value = np.where(tiny, -np.log(a), value)
    return np.where(pole | np.isinf(wide), np.longdouble(np.inf), value)


def _tgamma(x: Array) -> Array:
    """SciPy's, but a zero of alternating sign where it vanishes on the negative axis."""
    vanishes = (x < -185) & (np.floor(x) != x)
    half: Array = np.floor(x) / 2
    zero = np.where(half == np.floor(half), 0.0, -0.0)
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
    "erf": lambda x: _one_by_one(math.erf, x),
    "erfc": lambda x: _one_by_one(math.erfc, x),
    "lgamma": _lgamma_long,
}

_PI = np.longdouble("3.14159265358979323846264338327950288")
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
