"""Float intrinsics as LLVM IR."""
from __future__ import annotations

from collections.abc import Callable, Sequence

from accelerx.compiler.llvm import math_atan, math_exp, math_log, math_plain, math_roots, math_trig
from accelerx.compiler.llvm.builder import Builder
from accelerx.compiler.llvm.math_lanes import Lanes, Value
from accelerx.dtypes import DType

FUNCTIONS: dict[str, Callable[..., Value]] = {
    "exp": math_exp.exp, "exp2": math_exp.exp2, "exp10": math_exp.exp10, "expm1": math_exp.expm1,
    "sinh": math_exp.sinh, "cosh": math_exp.cosh, "tanh": math_exp.tanh,
    "log": math_log.log, "log2": math_log.log2, "log10": math_log.log10, "log1p": math_log.log1p,
    "asinh": math_log.asinh, "acosh": math_log.acosh, "atanh": math_log.atanh,
    "rsqrt": math_roots.rsqrt, "cbrt": math_roots.cbrt, "hypot": math_roots.hypot,
    "sin": math_trig.sin, "cos": math_trig.cos, "tan": math_trig.tan,
    "asin": math_atan.asin, "acos": math_atan.acos, "atan": math_atan.atan, "atan2": math_atan.atan2,
}

def emit_math(b: Builder, function: str, arguments: Sequence[str], dtype: DType, lanes: int, *, fast: bool = False) -> str:
    m = Lanes(b, dtype, lanes)
    return FUNCTIONS[function](m, *[m.value(a) for a in arguments]).text
