"""accelerx: CUDA-style Python kernels on the CPU backend."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import accelerx.cuda
from bench.harness import Contender
from bench.workloads import LIMIT, RUN, SCALE, THREADS, Inputs

NAME = "accelerx"
TILE = 16

cuda: Any = accelerx.cuda  # most names in it mean something in kernels only
jit = cuda.jit(literals="weak")


@jit
def empty32(a, out, one):
    i = cuda.grid(1)
    out[i] = a[i] + one


@jit
def saxpy(s, x, y):
    i = cuda.grid(1)
    if i < x.size:
        y[i] = s * x[i] + y[i]


@jit
def mandelbrot(out, n, limit):
    column, row = cuda.grid(2)
    if column >= n or row >= n:
        return
    step = 3.0 / n
    cx = -2.0 + step * column
    cy = -1.5 + step * row
    x = 0.0
    y = 0.0
    count = 0
    while count < limit:
        xx = x * x
        yy = y * y
        if xx + yy > 4.0:
            break
        y = 2.0 * x * y + cy
        x = xx - yy + cx
        count += 1
    out[row, column] = count


@jit
def reduce(a, out):
    part = cuda.shared.array(THREADS, np.float32)
    t = cuda.threadIdx.x
    first = cuda.blockIdx.x * RUN
    total = 0.0
    for i in range(0, RUN, THREADS):
        total += a[first + i + t]
    part[t] = total
    cuda.syncthreads()
    half = THREADS // 2
    while half > 0:
        if t < half:
            part[t] += part[t + half]
        cuda.syncthreads()
        half //= 2
    if t == 0:
        out[cuda.blockIdx.x] = part[0]


@jit
def matmul(a, b, c):
    left = cuda.shared.array((TILE, TILE), np.float32)
    right = cuda.shared.array((TILE, TILE), np.float32)
    tx = cuda.threadIdx.x
    ty = cuda.threadIdx.y
    column, row = cuda.grid(2)
    total = 0.0
    for k in range(0, a.shape[1], TILE):
        left[ty, tx] = a[row, k + tx]
        right[ty, tx] = b[k + ty, column]
        cuda.syncthreads()
        for i in range(TILE):
            total += left[ty, i] * right[i, tx]
        cuda.syncthreads()
    c[row, column] = total


@jit
def softmax(a, out):
    part = cuda.shared.array(THREADS, np.float32)
    t = cuda.threadIdx.x
    row = cuda.blockIdx.x
    largest = -math.inf
    for i in range(t, a.shape[1], THREADS):
        largest = max(largest, a[row, i])
    part[t] = largest
    cuda.syncthreads()
    half = THREADS // 2
    while half > 0:
        if t < half:
            part[t] = max(part[t], part[t + half])
        cuda.syncthreads()
        half //= 2
    largest = part[0]
    cuda.syncthreads()
    total = 0.0
    for i in range(t, a.shape[1], THREADS):
        e = math.exp(a[row, i] - largest)
        out[row, i] = e
        total += e
    part[t] = total
    cuda.syncthreads()
    half = THREADS // 2
    while half > 0:
        if t < half:
            part[t] += part[t + half]
        cuda.syncthreads()
        half //= 2
    scale = 1.0 / part[0]
    for i in range(t, a.shape[1], THREADS):
        out[row, i] *= scale


# launcher, arguments, result, and what restores it
Arrangement = tuple[Any, tuple[Any, ...], Any, Callable[[], object] | None]


def _blocks(n: int, threads: int = THREADS) -> int:
    return -(-n // threads)


def _saxpy(d: Inputs) -> Arrangement:
    x, y = cuda.to_device(d["x"]), cuda.to_device(d["y"])
    return (
        saxpy[_blocks(x.size), THREADS],
        (SCALE, x, y),
        y,
        lambda: y.copy_to_device(d["y"]),
    )


def _mandelbrot(d: Inputs) -> Arrangement:
    n = d["n"]
    out = cuda.device_array((n, n), np.int32)
    side = _blocks(n, TILE)
    return mandelbrot[(side, side), (TILE, TILE)], (out, n, LIMIT), out, None


def _reduce(d: Inputs) -> Arrangement:
    a = cuda.to_device(d["a"])
    out = cuda.device_array(a.size // RUN, np.float32)
    return reduce[out.size, THREADS], (a, out), out, None


def _matmul(d: Inputs) -> Arrangement:
    a, b = cuda.to_device(d["a"]), cuda.to_device(d["b"])
    out = cuda.device_array(a.shape, np.float32)
    side = _blocks(a.shape[0], TILE)
    return matmul[(side, side), (TILE, TILE)], (a, b, out), out, None


def _softmax(d: Inputs) -> Arrangement:
    a = cuda.to_device(d["a"])
    out = cuda.device_array(a.shape, np.float32)
    return softmax[a.shape[0], THREADS], (a, out), out, None


def _empty32(d: Inputs) -> Arrangement:
    a = cuda.to_device(d["a"])
    out = cuda.device_array(32, np.float32)
    return empty32[1, 32], (a, out, np.float32(1)), out, None


KERNELS: dict[str, Callable[[Inputs], Arrangement]] = {
    "saxpy": _saxpy,
    "mandelbrot": _mandelbrot,
    "reduce": _reduce,
    "matmul": _matmul,
    "softmax": _softmax,
    "empty32": _empty32,
}


def prepare(workload: str, inputs: Inputs, variant: str = "device arrays") -> Contender:
    """A kernel on accelerx.

    Args:
        workload: The kernel.
        inputs: Its inputs.
        variant: ``device arrays``; ``NumPy arguments`` (of empty32), copied in and out by each launch;
            ``enqueue``: launches on a stream of its own, waited for outside the clock.
    """
    launcher, arguments, out, reset = KERNELS[workload](inputs)
    synchronize = cuda.synchronize

    def run() -> None:
        launcher(*arguments)
        synchronize()

    if variant == "NumPy arguments":
        host = np.zeros(32, np.float32)
        a, one = inputs["a"], np.float32(1)
        return Contender(NAME, lambda: empty32[1, 32](a, host, one), lambda: host)
    if variant == "enqueue":
        stream = cuda.stream()
        launcher = empty32[1, 32, stream]
        return Contender(
            NAME,
            lambda: launcher(*arguments),
            lambda: out.copy_to_host(),
            settle=stream.synchronize,
        )
    return Contender(NAME, run, lambda: out.copy_to_host(), reset)
