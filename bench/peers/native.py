"""Hand-written C++ loops: the near-limit that everyone else is held against."""

from __future__ import annotations

import ctypes
import functools
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.harness import Contender, Unavailable
from bench.workloads import LIMIT, RUN, SCALE, Array, Inputs

NAME = "C++"
OURS = Path(__file__).parents[1] / "native" / "kernels.cpp"
BUILD = Path(__file__).parents[2] / "build" / "bench"
FLAGS = ("-std=c++17", "-O3", "-march=native", "-ffast-math", "-fopenmp", "-fPIC", "-shared")
X86 = ("-mprefer-vector-width=512", "-lmvec")

Length, Float = ctypes.c_int64, ctypes.c_float


@functools.cache
def library() -> ctypes.CDLL:
    """The loops compiled for this machine; BENCH_NATIVE_SOURCE names another file with them."""
    source = Path(os.environ.get("BENCH_NATIVE_SOURCE", OURS))
    compiler = shutil.which(os.environ.get("CXX", "g++"))
    if compiler is None:
        raise Unavailable("no g++")
    BUILD.mkdir(parents=True, exist_ok=True)
    target = BUILD / ("ours.so" if source == OURS else "reference.so")
    extra = X86 if os.uname().machine == "x86_64" else ()
    subprocess.run([compiler, *FLAGS, source, "-o", target, *extra, "-lm"], check=True)
    return ctypes.CDLL(str(target))


def _address(a: Array) -> ctypes.c_void_p:
    return ctypes.c_void_p(a.ctypes.data)


def _saxpy(d: Inputs) -> tuple[list[Any], Array, Callable[[], None] | None]:
    y = d["y"].copy()
    arguments = [Float(float(SCALE)), _address(d["x"]), _address(y), Length(y.size)]
    return arguments, y, lambda: np.copyto(y, d["y"])


def _mandelbrot(d: Inputs) -> tuple[list[Any], Array, Callable[[], None] | None]:
    out = np.empty((d["n"], d["n"]), np.int32)
    return [_address(out), Length(d["n"]), ctypes.c_int(LIMIT)], out, None


def _reduce(d: Inputs) -> tuple[list[Any], Array, Callable[[], None] | None]:
    out = np.empty(d["a"].size // RUN, np.float32)
    return [_address(d["a"]), _address(out), Length(d["a"].size), Length(RUN)], out, None


def _matmul(d: Inputs) -> tuple[list[Any], Array, Callable[[], None] | None]:
    out = np.empty_like(d["a"])
    return [_address(d["a"]), _address(d["b"]), _address(out), Length(len(out))], out, None


def _softmax(d: Inputs) -> tuple[list[Any], Array, Callable[[], None] | None]:
    out = np.empty_like(d["a"])
    rows, columns = out.shape
    return [_address(d["a"]), _address(out), Length(rows), Length(columns)], out, None


def _empty32(d: Inputs) -> tuple[list[Any], Array, Callable[[], None] | None]:
    out = np.empty_like(d["a"])
    return [_address(d["a"]), _address(out)], out, None


KERNELS = {
    "saxpy": _saxpy,
    "mandelbrot": _mandelbrot,
    "reduce": _reduce,
    "matmul": _matmul,
    "softmax": _softmax,
    "empty32": _empty32,
}


def prepare(workload: str, inputs: Inputs) -> Contender:
    arguments, out, reset = KERNELS[workload](inputs)
    function = getattr(library(), workload)
    function.restype = None

    def run() -> None:
        function(*arguments)

    return Contender(NAME, run, lambda: out, reset, keep=inputs)
