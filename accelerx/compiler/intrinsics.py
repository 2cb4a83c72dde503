"""THE intrinsic table: every function a kernel may call, one row each.

Front ends read the names, dialects the spellings, the interpreter the NumPy meaning, tests the error
bounds. The bounds are those that NVIDIA documents for CUDA's single and double functions (CUDA C++
Programming Guide, "Mathematical Functions"), in units in the last place; 0 means correctly rounded
or exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from accelerx import dtypes
from accelerx.dtypes import DType

Domain = Literal["float", "int", "number"]
Result = Literal["same", "bool", "int32"]


@dataclass(frozen=True, slots=True)
class Intrinsic:
    """A pure scalar function.

    Attributes:
        name: What KIR calls it.
        arity: Number of arguments. All have one type, except ``ldexp``'s second (int32).
        domain: Which types it takes: floats, integers, or both.
        result: Type of the value: the arguments' type, bool or int32.
        cuda: CUDA C spelling for float32 and float64 (for integers: 32 and 64 bits).
        numpy: Name of the NumPy (or SciPy special) function of the same meaning, "" if none.
        ulp: Allowed error for float32 and float64.
        python: Qualified names under which Python kernels call it.
        doc: One sentence.
    """

    name: str
    arity: int
    domain: Domain
    cuda: tuple[str, str]
    numpy: str = ""
    ulp: tuple[int, int] = (0, 0)
    python: tuple[str, ...] = ()
    result: Result = "same"
    doc: str = ""

    def result_type(self, argument: DType) -> DType:
        """Type of the value for arguments of type ``argument``."""
        if self.result == "bool":
            return dtypes.bool_
        return dtypes.int32 if self.result == "int32" else argument


def _math(
    name: str, ulp: tuple[int, int], numpy: str = "", arity: int = 1, *python: str, doc: str = ""
) -> Intrinsic:
    names = (f"math.{name}", f"numpy.{numpy or name}", *python)
    return Intrinsic(name, arity, "float", (f"{name}f", name), numpy or name, ulp, names, doc=doc)


_ROWS = (
    # ---- roots, exponentials, logarithms
    _math("sqrt", (0, 0), doc="Square root, correctly rounded."),
    Intrinsic("rsqrt", 1, "float", ("rsqrtf", "rsqrt"), "", (2, 1), ("accelerx.rsqrt",), doc="1/sqrt(x)."),
    Intrinsic("cbrt", 1, "float", ("cbrtf", "cbrt"), "cbrt", (1, 1), ("math.cbrt", "numpy.cbrt", "numba.cuda.cbrt"), doc="Cube root."),
    _math("exp", (2, 1)),
    Intrinsic("exp2", 1, "float", ("exp2f", "exp2"), "exp2", (2, 1), ("math.exp2", "numpy.exp2")),
    Intrinsic("exp10", 1, "float", ("exp10f", "exp10"), "", (2, 1), ("accelerx.exp10",)),
    _math("expm1", (1, 1)),
    _math("log", (1, 1)),
    _math("log2", (1, 1)),
    _math("log10", (2, 1)),
    _math("log1p", (1, 1)),
    _math("pow", (4, 2), "power", 2),
    _math("hypot", (3, 2), "hypot", 2),
    # ---- trigonometric and hyperbolic
    _math("sin", (2, 2)),
    _math("cos", (2, 2)),
    _math("tan", (4, 2)),
    _math("asin", (2, 2), "arcsin", 1, "numpy.asin"),
    _math("acos", (2, 2), "arccos", 1, "numpy.acos"),
    _math("atan", (2, 2), "arctan", 1, "numpy.atan"),
    _math("atan2", (3, 2), "arctan2", 2, "numpy.atan2"),
    _math("sinh", (3, 2)),
    _math("cosh", (2, 1)),
    _math("tanh", (2, 1)),
    _math("asinh", (3, 3), "arcsinh", 1, "numpy.asinh"),
    _math("acosh", (4, 3), "arccosh", 1, "numpy.acosh"),
    _math("atanh", (3, 2), "arctanh", 1, "numpy.atanh"),
    # ---- special functions
    Intrinsic("erf", 1, "float", ("erff", "erf"), "scipy.special.erf", (2, 2), ("math.erf", "scipy.special.erf")),
    Intrinsic("erfc", 1, "float", ("erfcf", "erfc"), "scipy.special.erfc", (4, 5), ("math.erfc", "scipy.special.erfc")),
    Intrinsic("lgamma", 1, "float", ("lgammaf", "lgamma"), "scipy.special.gammaln", (6, 4), ("math.lgamma",)),
    Intrinsic("tgamma", 1, "float", ("tgammaf", "tgamma"), "scipy.special.gamma", (11, 10), ("math.gamma",)),
    # ---- rounding and parts; all exact
    _math("floor", (0, 0)),
    _math("ceil", (0, 0)),
    _math("trunc", (0, 0)),
    Intrinsic("rint", 1, "float", ("rintf", "rint"), "rint", (0, 0), ("numpy.rint",), doc="Round half to even."),
    Intrinsic("round", 1, "float", ("roundf", "round"), "", (0, 0), (), doc="Round half away from zero (C)."),
    _math("copysign", (0, 0), "copysign", 2),
    Intrinsic("nextafter", 2, "float", ("nextafterf", "nextafter"), "nextafter", (0, 0), ("math.nextafter", "numpy.nextafter")),
    Intrinsic("ldexp", 2, "float", ("ldexpf", "ldexp"), "ldexp", (0, 0), ("math.ldexp", "numpy.ldexp"), doc="x * 2**n, n int32."),
    Intrinsic("fma", 3, "float", ("fmaf", "fma"), "", (0, 0), ("numba.cuda.fma", "math.fma"), doc="x*y+z, rounded once."),
    # ---- classification
    Intrinsic("isnan", 1, "float", ("isnan", "isnan"), "isnan", (0, 0), ("math.isnan", "numpy.isnan"), "bool"),
    Intrinsic("isinf", 1, "float", ("isinf", "isinf"), "isinf", (0, 0), ("math.isinf", "numpy.isinf"), "bool"),
    Intrinsic("isfinite", 1, "float", ("isfinite", "isfinite"), "isfinite", (0, 0), ("math.isfinite", "numpy.isfinite"), "bool"),
    Intrinsic("signbit", 1, "float", ("signbit", "signbit"), "signbit", (0, 0), ("numpy.signbit",), "bool"),
    # ---- both
    Intrinsic("abs", 1, "number", ("fabsf", "fabs"), "abs", (0, 0), ("math.fabs", "numpy.abs", "numpy.absolute", "numpy.fabs"), doc="Absolute value; INT_MIN stays."),
    # ---- integers
    Intrinsic("popc", 1, "int", ("__popc", "__popcll"), "bitwise_count", (0, 0), ("numba.cuda.popc",), "int32", "Number of one bits."),
    Intrinsic("clz", 1, "int", ("__clz", "__clzll"), "", (0, 0), ("numba.cuda.clz",), "int32", "Leading zero bits; the width for 0."),
    Intrinsic("ffs", 1, "int", ("__ffs", "__ffsll"), "", (0, 0), ("numba.cuda.ffs",), "int32", "1 + index of the lowest one bit; 0 for 0."),
    Intrinsic("brev", 1, "int", ("__brev", "__brevll"), "", (0, 0), ("numba.cuda.brev",), "same", "Bits in reverse order."),
    Intrinsic("mulhi", 2, "int", ("__mulhi", "__mul64hi"), "", (0, 0), ("accelerx.mulhi",), "same", "High half of the product."),
)  # fmt: skip

INTRINSICS: dict[str, Intrinsic] = {row.name: row for row in _ROWS}
BY_PYTHON_NAME: dict[str, Intrinsic] = {name: row for row in _ROWS for name in row.python}


@dataclass(frozen=True, slots=True)
class AtomicRow:
    """An atomic read-modify-write.

    ``inc`` is ``0 if old >= value else old + 1`` and ``dec`` is
    ``value if old == 0 or old > value else old - 1`` (unsigned, as CUDA's). ``nanmax``/``nanmin``
    ignore a NaN operand; so do ``max``/``min``, whose float form is C's fmax/fmin.
    """

    name: str
    domain: Literal["number", "int", "uint", "any"]
    cuda: str
    python: tuple[str, ...]


ATOMICS: dict[str, AtomicRow] = {
    row.name: row
    for row in (
        AtomicRow("add", "number", "atomicAdd", ("add",)),
        AtomicRow("sub", "number", "atomicSub", ("sub",)),
        AtomicRow("min", "number", "atomicMin", ("min",)),
        AtomicRow("max", "number", "atomicMax", ("max",)),
        AtomicRow("nanmin", "number", "atomicMin", ("nanmin",)),
        AtomicRow("nanmax", "number", "atomicMax", ("nanmax",)),
        AtomicRow("and", "int", "atomicAnd", ("and_",)),
        AtomicRow("or", "int", "atomicOr", ("or_",)),
        AtomicRow("xor", "int", "atomicXor", ("xor",)),
        AtomicRow("inc", "uint", "atomicInc", ("inc",)),
        AtomicRow("dec", "uint", "atomicDec", ("dec",)),
        AtomicRow("exch", "any", "atomicExch", ("exch",)),
        AtomicRow("cas", "any", "atomicCAS", ("cas", "compare_and_swap")),
    )
}


@dataclass(frozen=True, slots=True)
class WarpRow:
    """An operation between the lanes of a warp; ``result`` is its type, "same" as the value's."""

    name: str
    arity: int
    result: Literal["same", "bool", "uint32"]
    cuda: str
    python: tuple[str, ...] = ()


WARP_OPS: dict[str, WarpRow] = {
    row.name: row
    for row in (
        WarpRow("shfl_idx", 2, "same", "__shfl_sync", ("shfl_sync",)),
        WarpRow("shfl_up", 2, "same", "__shfl_up_sync", ("shfl_up_sync",)),
        WarpRow("shfl_down", 2, "same", "__shfl_down_sync", ("shfl_down_sync",)),
        WarpRow("shfl_xor", 2, "same", "__shfl_xor_sync", ("shfl_xor_sync",)),
        WarpRow("ballot", 1, "uint32", "__ballot_sync", ("ballot_sync",)),
        WarpRow("any", 1, "bool", "__any_sync", ("any_sync",)),
        WarpRow("all", 1, "bool", "__all_sync", ("all_sync",)),
        WarpRow("uni", 1, "bool", "", ("eq_sync",)),
        WarpRow("match_any", 1, "uint32", "__match_any_sync", ("match_any_sync",)),
        WarpRow("activemask", 0, "uint32", "__activemask", ("activemask",)),
        WarpRow("reduce_add", 1, "same", "__reduce_add_sync"),
        WarpRow("reduce_min", 1, "same", "__reduce_min_sync"),
        WarpRow("reduce_max", 1, "same", "__reduce_max_sync"),
        WarpRow("reduce_and", 1, "same", "__reduce_and_sync"),
        WarpRow("reduce_or", 1, "same", "__reduce_or_sync"),
        WarpRow("reduce_xor", 1, "same", "__reduce_xor_sync"),
    )
}
