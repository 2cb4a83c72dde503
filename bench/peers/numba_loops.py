"""The kernels as loops for numba's ``njit(parallel=True)``: what its CPU users write."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.harness import Contender, Unavailable
from bench.workloads import LIMIT, RUN, SCALE, Array, Inputs

NAME = "numba parallel"
SERIAL = 1 << 15  # elements up to which a careful user stays on one thread
BLOCK = 64  # rows of a matmul band

prange = range  # numba's own while a loop is compiled


def saxpy(s: Any, x: Array, y: Array) -> None:
    for i in prange(x.size):
        y[i] = s * x[i] + y[i]


def mandelbrot(out: Array, n: int) -> None:
    step = np.float32(3.0 / n)
    for row in prange(n):
        cy = np.float32(-1.5) + step * np.float32(row)
        for column in range(n):
            cx = np.float32(-2) + step * np.float32(column)
            x = np.float32(0)
            y = np.float32(0)
            count = 0
            while count < LIMIT:
                xx = x * x
                yy = y * y
                if xx + yy > np.float32(4):
                    break
                y = np.float32(2) * x * y + cy
                x = xx - yy + cx
                count += 1
            out[row, column] = count


def reduce(a: Array, out: Array) -> None:
    for j in prange(a.shape[0]):
        total = np.float32(0)
        for i in range(a.shape[1]):  # a flat a[j * RUN + i] would not be vectorised
            total += a[j, i]
        out[j] = total


def matmul(a: Array, b: Array, out: Array) -> None:
    n = a.shape[0]
    for band in prange(n // BLOCK):
        first = band * BLOCK
        for i in range(first, first + BLOCK):
            for j in range(n):
                out[i, j] = np.float32(0)
        for k0 in range(0, n, BLOCK):
            for i in range(first, first + BLOCK, 4):
                for k in range(k0, k0 + BLOCK):
                    x0, x1, x2, x3 = a[i, k], a[i + 1, k], a[i + 2, k], a[i + 3, k]
                    for j in range(n):
                        y = b[k, j]
                        out[i, j] += x0 * y
                        out[i + 1, j] += x1 * y
                        out[i + 2, j] += x2 * y
                        out[i + 3, j] += x3 * y


def softmax(a: Array, out: Array) -> None:
    rows, columns = a.shape
    for row in prange(rows):
        largest = a[row, 0]
        for i in range(columns):
            largest = max(largest, a[row, i])
        total = np.float32(0)
        for i in range(columns):
            e = math.exp(a[row, i] - largest)
            out[row, i] = e
            total += e
        scale = np.float32(1) / total
        for i in range(columns):
            out[row, i] *= scale


def empty32(a: Array, out: Array) -> None:
    for i in range(a.size):
        out[i] = a[i] + np.float32(1)


@functools.cache
def compiled(loop: Callable[..., None], parallel: bool) -> Callable[..., None]:
    """The loop as numba compiles it, each time anew: its disk cache mixes up the two forms."""
    try:
        import numba
    except ImportError as e:
        raise Unavailable("numba is not installed") from e
    globals()["prange"] = numba.prange
    result: Callable[..., None] = numba.njit(parallel=parallel, fastmath=True)(loop)
    return result


def _saxpy(d: Inputs) -> tuple[tuple[Any, ...], Array]:
    y = d["y"].copy()
    return (SCALE, d["x"], y), y


def _mandelbrot(d: Inputs) -> tuple[tuple[Any, ...], Array]:
    out = np.empty((d["n"], d["n"]), np.int32)
    return (out, d["n"]), out


def _reduce(d: Inputs) -> tuple[tuple[Any, ...], Array]:
    out = np.empty(d["a"].size // RUN, np.float32)
    return (d["a"].reshape(-1, RUN), out), out


def _matmul(d: Inputs) -> tuple[tuple[Any, ...], Array]:
    out = np.empty_like(d["a"])
    return (d["a"], d["b"], out), out


def _same_shape(d: Inputs) -> tuple[tuple[Any, ...], Array]:
    out = np.empty_like(d["a"])
    return (d["a"], out), out


KERNELS: dict[
    str, tuple[Callable[..., None], Callable[[Inputs], tuple[tuple[Any, ...], Array]]]
] = {
    "saxpy": (saxpy, _saxpy),
    "mandelbrot": (mandelbrot, _mandelbrot),
    "reduce": (reduce, _reduce),
    "matmul": (matmul, _matmul),
    "softmax": (softmax, _same_shape),
    "empty32": (empty32, _same_shape),
}


def prepare(workload: str, inputs: Inputs) -> Contender:
    loop, arrange = KERNELS[workload]
    arguments, out = arrange(inputs)
    function = compiled(loop, (workload != "empty32" and out.size > SERIAL) or workload == "matmul")
    reset = (lambda: np.copyto(out, inputs["y"])) if workload == "saxpy" else None
    return Contender(NAME, lambda: function(*arguments), lambda: out, reset)
