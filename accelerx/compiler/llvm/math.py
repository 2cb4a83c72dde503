"""Every float intrinsic of the table as LLVM IR, for any number of lanes.

The functions are this project's own polynomials, because LLVM turns a vector of ``llvm.exp`` into
scalar calls of the C library. They follow C99 Annex F at NaN, infinities, signed zeros and
subnormal numbers, keep the error bounds of ``intrinsics.py``, and are free of branches, with one
exception: sin, cos and tan begin new basic blocks to reduce large arguments (see ``math_trig``).
What they emit has no fast-math flags and no product that LLVM could contract, so a value depends
neither on compile options nor on the number of lanes.

``tests/exhaustive/README.md`` has the errors and times measured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from accelerx import dtypes
from accelerx.compiler.intrinsics import INTRINSICS
from accelerx.compiler.llvm import (
    floats,
    math_atan,
    math_erf,
    math_exp,
    math_gamma,
    math_log,
    math_plain,
    math_pow,
    math_roots,
    math_trig,
)
from accelerx.compiler.llvm.builder import Builder
from accelerx.compiler.llvm.math_lanes import Lanes, Value
from accelerx.dtypes import DType

Function = Callable[..., Value]

# Functions of which LLVM's intrinsic is exact and becomes an instruction.
PLAIN: dict[str, str] = {
    "sqrt": "llvm.sqrt",
    "abs": "llvm.fabs",
    "floor": "llvm.floor",
    "ceil": "llvm.ceil",
    "trunc": "llvm.trunc",
    "rint": "llvm.rint",
    "copysign": "llvm.copysign",
    "fma": "llvm.fma",
}

OWN: dict[str, Function] = {
    "round": math_plain.round_half_away,
    "nextafter": math_plain.nextafter,
    "ldexp": math_plain.ldexp,
    "isnan": math_plain.isnan,
    "isinf": math_plain.isinf,
    "isfinite": math_plain.isfinite,
    "signbit": math_plain.signbit,
    "rsqrt": math_roots.rsqrt,
    "cbrt": math_roots.cbrt,
    "hypot": math_roots.hypot,
    "exp": math_exp.exp,
    "exp2": math_exp.exp2,
    "exp10": math_exp.exp10,
    "expm1": math_exp.expm1,
    "sinh": math_exp.sinh,
    "cosh": math_exp.cosh,
    "tanh": math_exp.tanh,
    "log": math_log.log,
    "log2": math_log.log2,
    "log10": math_log.log10,
    "log1p": math_log.log1p,
    "asinh": math_log.asinh,
    "acosh": math_log.acosh,
    "atanh": math_log.atanh,
    "pow": math_pow.pow,
    "sin": math_trig.sin,
    "cos": math_trig.cos,
    "tan": math_trig.tan,
    "asin": math_atan.asin,
    "acos": math_atan.acos,
    "atan": math_atan.atan,
    "atan2": math_atan.atan2,
    "erf": math_erf.erf,
    "erfc": math_erf.erfc,
    "lgamma": math_gamma.lgamma,
    "tgamma": math_gamma.tgamma,
}

# Functions with a cheaper variant under fast-math.
FAST = frozenset({"sin", "cos", "tan", "pow"})
# Functions of the 16 bits themselves; all others of a 16-bit float go through float32.
NARROW = frozenset({"nextafter"})


def emit_math(
    b: Builder,
    function: str,
    arguments: Sequence[str],
    dtype: DType,
    lanes: int,
    *,
    fast: bool = False,
) -> str:
    """Writes a call of a float intrinsic and gives the result's text.

    Args:
        b: Where to write. For sin, cos and tan without ``fast`` its current basic block changes,
            and its declarations gain definitions of internal functions and a constant table, which
            **must** stand at the top level of the module like every other declaration.
        function: A name of the intrinsic table whose domain includes floats.
        arguments: Values or constants of type ``dtype`` (``ldexp``'s second: int32), in every lane.
        dtype: The float type.
        lanes: 1 for scalars, else the length of the vectors.
        fast: Whether cheaper variants may be used: sin, cos and tan of large arguments (|x| above
            2**17, in float64 2**30) are then wrong, and pow of float32 is exp2(y·log2(x)), whose
            error grows with the exponent to some hundred ulps.

    Returns:
        A value of ``INTRINSICS[function].result_type(dtype)`` (bool: ``i1``).
    """
    row = INTRINSICS.get(function)
    if row is None or row.domain == "int" or not dtype.is_float:
        raise ValueError(f"{function} of {dtype} is no float intrinsic; see INTRINSICS")
    if len(arguments) != row.arity:
        raise ValueError(f"{function} takes {row.arity} arguments, got {len(arguments)}")
    m = Lanes(b, dtype, lanes)
    values = [m.value(text) for text in arguments]
    if function == "ldexp":
        values[1] = m.value(arguments[1], dtypes.int32)
    if dtype.bits > 16 or function in NARROW:
        return _call(m, function, values, fast).text
    wide = Lanes(b, dtypes.float32, lanes)
    widened = [
        wide.value(floats.widen(b, v.text, v.dtype, lanes))
        if v.dtype.is_float
        else wide.value(v.text, v.dtype)
        for v in values
    ]
    if function == "fma":
        result = math_plain.fma_odd(wide, *widened)
    else:
        result = _call(wide, function, widened, fast)
    return floats.narrow(b, result.text, dtype, lanes) if result.dtype.is_float else result.text


def _call(m: Lanes, function: str, values: Sequence[Value], fast: bool) -> Value:
    if function in PLAIN:
        return m.call(PLAIN[function], *values)
    if function in FAST:
        return OWN[function](m, *values, fast=fast)
    return OWN[function](m, *values)
