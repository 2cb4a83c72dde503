"""accelerx: the same kernels as CUDA C++ text, on the CPU backend."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import accelerx
from accelerx import cuda
from bench.harness import Contender
from bench.workloads import COLUMNS, LIMIT, RUN, SCALE, THREADS, Inputs

NAME = "accelerx, CUDA C++"
TILE = 16
SOURCE = Path(__file__).with_name("kernels.cu")

# kernel, grid, block, arguments, result, and what restores it
Arrangement = tuple[str, Any, Any, tuple[Any, ...], Any, Callable[[], object] | None]


def _blocks(n: int, threads: int = THREADS) -> int:
    return -(-n // threads)


def _saxpy(d: Inputs) -> Arrangement:
    x, y = cuda.to_device(d["x"]), cuda.to_device(d["y"])
    arguments = (np.int32(x.size), SCALE, x, y)
    return "saxpy", _blocks(x.size), THREADS, arguments, y, lambda: y.copy_to_device(d["y"])


def _mandelbrot(d: Inputs) -> Arrangement:
    n = d["n"]
    out = cuda.device_array((n, n), np.int32)
    side = _blocks(n, TILE)
    return "mandelbrot", (side, side), (TILE, TILE), (out, n, LIMIT), out, None


def _reduce(d: Inputs) -> Arrangement:
    a = cuda.to_device(d["a"])
    out = cuda.device_array(a.size // RUN, np.float32)
    return "reduce", out.size, THREADS, (a, out), out, None


def _matmul(d: Inputs) -> Arrangement:
    a, b = cuda.to_device(d["a"]), cuda.to_device(d["b"])
    out = cuda.device_array(a.shape, np.float32)
    side = _blocks(a.shape[0], TILE)
    return "matmul", (side, side), (TILE, TILE), (a, b, out, a.shape[0]), out, None


def _softmax(d: Inputs) -> Arrangement:
    a = cuda.to_device(d["a"])
    out = cuda.device_array(a.shape, np.float32)
    return "softmax", a.shape[0], THREADS, (a, out, COLUMNS), out, None


def _empty32(d: Inputs) -> Arrangement:
    a = cuda.to_device(d["a"])
    out = cuda.device_array(32, np.float32)
    return "empty32", 1, 32, (a, out, np.float32(1)), out, None


KERNELS: dict[str, Callable[[Inputs], Arrangement]] = {
    "saxpy": _saxpy,
    "mandelbrot": _mandelbrot,
    "reduce": _reduce,
    "matmul": _matmul,
    "softmax": _softmax,
    "empty32": _empty32,
}


@cache
def module() -> Any:
    """The text, parsed once."""
    return accelerx.RawModule(code=SOURCE.read_text())


def prepare(workload: str, inputs: Inputs, variant: str = "device arrays") -> Contender:
    """A kernel of the text, launched on device arrays."""
    assert variant == "device arrays", variant
    name, grid, block, arguments, out, reset = KERNELS[workload](inputs)
    kernel = module().get_function(name)
    shapes = [(n,) if isinstance(n, int) else n for n in (grid, block)]
    synchronize = cuda.synchronize

    def run() -> None:
        kernel(shapes[0], shapes[1], arguments)
        synchronize()

    return Contender(NAME, run, lambda: out.copy_to_host(), reset)
