"""Largest error of the float32 math functions over all 2**32 inputs, by hand.

``python -m tests.exhaustive.math_f32 [--stride N] [--half] [functions]`` prints one line per
one-argument function: the largest error against a float64 reference, where it is, and how many
results are wrong altogether (NaN or infinite where they should not be, or a zero of the wrong sign).
A function takes half a minute to some minutes of one core. Two-argument functions: ``math_pairs``.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from accelerx import dtypes
from accelerx.compiler.intrinsics import INTRINSICS
from tests.exhaustive.harness import compile_function
from tests.exhaustive.judge import errors
from tests.exhaustive.reference import reference

# The most used first.
ORDER = [
    *("exp", "log", "sin", "cos", "tanh", "erf", "exp2", "log2", "tan", "expm1", "log1p", "exp10"),
    *("log10", "rsqrt", "cbrt", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh"),
    *("erfc", "tgamma", "lgamma", "sqrt", "rint", "round", "floor", "ceil", "trunc"),
]
CHUNK = 1 << 18


def measure(name: str, stride: int, lanes: int, half: bool) -> str:
    """One line about one function."""
    function = compile_function(name, dtypes.float32, lanes)
    start = time.process_time()
    worst, at, wrong, example, count = 0.0, np.float32(0), 0, np.float32(0), 0
    steps = np.arange(CHUNK, dtype=np.uint64) * stride
    out = np.empty(CHUNK, np.float32)
    for first in range(0, 1 << (31 if half else 32), CHUNK * stride):
        x = ((steps + first) & 0xFFFFFFFF).astype(np.uint32).view(np.float32)
        function.into(out, x)
        error = errors(out, reference(name, x))
        count += CHUNK
        where = int(error.argmax())
        if np.isinf(error[where]):
            bad = np.isinf(error)
            wrong, example = wrong + int(bad.sum()), x[where]
            error[bad] = 0
            where = int(error.argmax())
        if error[where] > worst:
            worst, at = float(error[where]), x[where]
    seconds = time.process_time() - start
    bound = INTRINSICS[name].ulp[0]
    line = f"{name:8} {worst:7.4f} ulp (bound {bound}) at {at!r}; {count} inputs; wrong: {wrong}"
    return line + (f", e.g. at {example!r}" if wrong else "") + f"; {seconds:.0f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("functions", nargs="*", default=list(ORDER))
    parser.add_argument("--stride", type=int, default=1, help="take every N-th bit pattern")
    parser.add_argument("--lanes", type=int, default=16)
    parser.add_argument("--half", action="store_true", help="only numbers without the sign bit")
    options = parser.parse_args()
    for name in options.functions:
        print(measure(name, options.stride, options.lanes, options.half), flush=True)


if __name__ == "__main__":
    main()
