"""Largest error of the float32 math functions over all 2**32 inputs, by hand.

``python -m tests.exhaustive.math_f32 [--stride N] [--lanes N] [functions]`` prints one line per
one-argument function: the largest error against a float64 reference, where it is, and how many
results are wrong altogether (NaN or infinite where they should not be, or a zero of the wrong sign).
A function takes one to five minutes of one core. Two-argument functions: ``math_pairs``.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from accelerx import dtypes
from accelerx.compiler.intrinsics import INTRINSICS
from tests.exhaustive.harness import compile_function
from tests.exhaustive.reference import Array, reference

ORDER = (
    "exp log sin cos tanh erf exp2 log2 tan expm1 log1p exp10 log10 rsqrt cbrt asin acos atan sinh "
    "cosh asinh acosh atanh erfc tgamma lgamma sqrt rint round"
).split()
CHUNK = 1 << 18


def _errors(actual: Array, expected: Array) -> tuple[Array, Array]:
    """Errors in ulps (0 where not finite) and which results are wrong altogether.

    The same measure as ``ulp_error``, written for speed.
    """
    field = (expected.view(np.int64) >> 52) & 0x7FF
    unit = ((np.maximum(field, 1023 - 126) - 23) << 52).view(np.float64)
    error = np.abs(actual - expected)
    error /= unit
    rounded = expected.astype(np.float32)
    odd = ~(error < 1e9)
    wrong = np.zeros_like(odd)
    if odd.any():
        a, r = actual[odd], rounded[odd]
        wrong[odd] = ~((a == r) | (np.isnan(a) & np.isnan(r)))
        error[odd] = 0.0
    zero = actual == 0
    if zero.any():
        wrong |= zero & (rounded == 0) & (np.signbit(actual) != np.signbit(rounded))
    return error, wrong


def measure(name: str, stride: int, lanes: int) -> str:
    """One line about one function."""
    function = compile_function(name, dtypes.float32, lanes)
    start = time.perf_counter()
    worst, at, wrong, example, count = 0.0, np.float32(0), 0, np.float32(0), 0
    steps = np.arange(CHUNK, dtype=np.uint64) * stride
    out = np.empty(CHUNK, np.float32)
    with np.errstate(all="ignore"):
        for first in range(0, 1 << 32, CHUNK * stride):
            x = ((steps + first) & 0xFFFFFFFF).astype(np.uint32).view(np.float32)
            function.into(out, x)
            error, bad = _errors(out, reference(name, x))
            count += CHUNK
            where = int(error.argmax())
            if error[where] > worst:
                worst, at = float(error[where]), x[where]
            if bad.any():
                wrong += int(bad.sum())
                example = x[int(bad.argmax())]
    seconds = time.perf_counter() - start
    bound = INTRINSICS[name].ulp[0]
    line = f"{name:8} {worst:7.4f} ulp (bound {bound}) at {at!r}; {count} inputs; wrong: {wrong}"
    return line + (f", e.g. at {example!r}" if wrong else "") + f"; {seconds:.0f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("functions", nargs="*", default=list(ORDER))
    parser.add_argument("--stride", type=int, default=1, help="take every N-th bit pattern")
    parser.add_argument("--lanes", type=int, default=16)
    options = parser.parse_args()
    for name in options.functions:
        print(measure(name, options.stride, options.lanes), flush=True)


if __name__ == "__main__":
    main()
