"""What fused functions may do: NumPy's ufuncs and reductions, one row each, in C++."""

from __future__ import annotations

from dataclasses import dataclass

Row = dict[str, str]  # by kind of the operands (b, i, u, f); "" is for the kinds not named

_PI = "3.14159265358979323846"

_INFIX = {
    "subtract": "-", "divide": "/", "equal": "==", "not_equal": "!=", "less": "<",
    "less_equal": "<=", "greater": ">", "greater_equal": ">=", "bitwise_and": "&",
    "bitwise_or": "|", "bitwise_xor": "^", "left_shift": "<<", "right_shift": ">>",
    "logical_and": "&&", "logical_or": "||",
}  # fmt: skip

_UNARY_FUNCTIONS = {
    "sqrt": "sqrt", "cbrt": "cbrt", "exp": "exp", "exp2": "exp2", "expm1": "expm1", "log": "log",
    "log2": "log2", "log10": "log10", "log1p": "log1p", "sin": "sin", "cos": "cos", "tan": "tan",
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "sinh": "sinh", "cosh": "cosh",
    "tanh": "tanh", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "fabs": "fabs",
}  # fmt: skip

_ROUNDING = ("floor", "ceil", "trunc", "rint")  # of integers and bools: nothing to do
_TESTS = {"isnan": "false", "isinf": "false", "isfinite": "true", "signbit": "{0} < 0"}
_BINARY_FUNCTIONS = {
    "arctan2": "atan2", "hypot": "hypot", "copysign": "copysign", "float_power": "pow",
}  # fmt: skip

OPERATIONS: dict[str, Row] = {
    **{name: {"": f"{{0}} {op} {{1}}"} for name, op in _INFIX.items()},
    **{name: {"": f"{fn}({{0}})"} for name, fn in _UNARY_FUNCTIONS.items()},
    **{name: {"f": f"{name}({{0}})", "": "{0}"} for name in _ROUNDING},
    **{name: {"f": f"{name}({{0}})", "": other} for name, other in _TESTS.items()},
    **{name: {"": f"{fn}({{0}}, {{1}})"} for name, fn in _BINARY_FUNCTIONS.items()},
    "add": {"b": "{0} || {1}", "": "{0} + {1}"},
    "multiply": {"b": "{0} && {1}", "": "{0} * {1}"},
    "floor_divide": {"f": "_floor_quotient({0}, {1})", "": "_floor_divide({0}, {1})"},
    "remainder": {"f": "_float_remainder({0}, {1})", "": "_remainder({0}, {1})"},
    "fmod": {"f": "fmod({0}, {1})", "": "{1} == 0 ? 0 : {0} % {1}"},
    "power": {"f": "pow({0}, {1})", "": "_power({0}, {1})"},
    "negative": {"": "-{0}"},
    "positive": {"": "{0}"},
    "absolute": {"b": "{0}", "u": "{0}", "i": "{0} < 0 ? -{0} : {0}", "": "fabs({0})"},
    "square": {"": "{0} * {0}"},
    "reciprocal": {"": "1 / {0}"},
    "sign": {
        "u": "{0} > 0", "i": "({0} > 0) - ({0} < 0)",
        "": "isnan({0}) ? {0} : ({0} > 0) - ({0} < 0)",
    },
    "minimum": {"f": "{0} < {1} || isnan({0}) ? {0} : {1}", "": "{0} < {1} ? {0} : {1}"},
    "maximum": {"f": "{0} > {1} || isnan({0}) ? {0} : {1}", "": "{0} > {1} ? {0} : {1}"},
    "fmin": {"f": "fmin({0}, {1})", "": "{0} < {1} ? {0} : {1}"},
    "fmax": {"f": "fmax({0}, {1})", "": "{0} > {1} ? {0} : {1}"},
    "logical_xor": {"": "({0} != 0) != ({1} != 0)"},
    "logical_not": {"": "!{0}"},
    "invert": {"b": "!{0}", "": "~{0}"},
    "degrees": {"": f"{{0}} * (180 / {_PI})"},
    "rad2deg": {"": f"{{0}} * (180 / {_PI})"},
    "radians": {"": f"{{0}} * ({_PI} / 180)"},
    "deg2rad": {"": f"{{0}} * ({_PI} / 180)"},
}  # fmt: skip
"""C++ of each ufunc; ``{0}`` and ``{1}`` are its operands, of one type."""

HELPERS: dict[str, str] = {
    "_floor_divide": """\
template <typename T>
__device__ T _floor_divide(T a, T b) {
  if (b == 0) return 0;
  const T quotient = a / b;
  return quotient * b != a && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}
""",
    "_remainder": """\
template <typename T>
__device__ T _remainder(T a, T b) {
  if (b == 0) return 0;
  const T rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}
""",
    "_float_remainder": """\
template <typename T>
__device__ T _float_remainder(T a, T b) {
  const T rest = fmod(a, b);
  if (rest == 0) return copysign(rest, b);
  return (rest < 0) != (b < 0) ? rest + b : rest;
}
""",
    "_floor_quotient": """\
template <typename T>
__device__ T _floor_quotient(T a, T b) {
  if (b == 0) return a / b;
  T rest = fmod(a, b);
  T quotient = (a - rest) / b;
  if (rest != 0 && (rest < 0) != (b < 0)) quotient -= 1;
  if (quotient == 0) return copysign(T(0), a / b);
  const T whole = floor(quotient);
  return quotient - whole > T(0.5) ? whole + 1 : whole;
}
""",
    "_power": """\
template <typename T>
__device__ T _power(T base, T exponent) {
  T result = 1;
  for (; exponent > 0; exponent >>= 1) {
    if (exponent & 1) result *= base;
    base *= base;
  }
  return result;
}
""",
}
"""Functions that the rows above call."""


@dataclass(frozen=True, slots=True)
class Reduction:
    """How a reduction combines ``a`` and ``b``.

    Attributes:
        combine: By kind, as the rows of OPERATIONS.
        identity: What it is without elements; empty: that is an error.
        start: Without an identity, what it begins with: a key of NumPy's ``finfo`` and ``iinfo``.
    """

    combine: str
    identity: str = ""
    start: str = ""


REDUCTIONS: dict[str, Reduction] = {
    "sum": Reduction("add", "0"),
    "prod": Reduction("multiply", "1"),
    "max": Reduction("maximum", start="min"),
    "min": Reduction("minimum", start="max"),
    "all": Reduction("logical_and", "true"),
    "any": Reduction("logical_or", "false"),
}
