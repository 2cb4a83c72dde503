"""Intel's OpenCL runtime for CPUs (PyPI ``intel-opencl-rt``), driven through pyopencl."""

from __future__ import annotations

import ctypes
import functools
import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.harness import Contender, Unavailable
from bench.workloads import COLUMNS, LIMIT, RUN, SCALE, THREADS, Array, Inputs

NAME = "Intel OpenCL"
SOURCE = Path(__file__).with_name("kernels.cl")
TILE = 16
# What the runtime needs lies in the environment's lib/, where the loader does not look.
LIBRARIES = (
    "libintlc.so.5", "libirng.so", "libsvml.so", "libimf.so", "libtbb.so.12", "libtbbmalloc.so.2",
)  # fmt: skip
OPTIONS = ["-cl-fast-relaxed-math", "-cl-mad-enable", "-cl-std=CL3.0", f"-DTILE={TILE}"]


@dataclass(frozen=True, slots=True)
class Runtime:
    """An opened device with its queue and the built program."""

    cl: Any
    context: Any
    queue: Any
    program: Any

    def buffer(self, a: Array) -> Any:
        flags = self.cl.mem_flags.READ_WRITE | self.cl.mem_flags.COPY_HOST_PTR
        return self.cl.Buffer(self.context, flags, hostbuf=np.ascontiguousarray(a))

    def empty(self, nbytes: int) -> Any:
        return self.cl.Buffer(self.context, self.cl.mem_flags.READ_WRITE, nbytes)

    def read(self, buffer: Any, shape: tuple[int, ...], dtype: Any = np.float32) -> Array:
        out: Array = np.empty(shape, dtype)
        self.cl.enqueue_copy(self.queue, out, buffer)
        self.queue.finish()
        return out


@functools.cache
def runtime() -> Runtime:
    """The Intel CPU device.

    Raises:
        Unavailable: if a package is missing or the runtime offers no device.
    """
    folder = Path(sys.prefix) / "lib"
    driver = folder / "libintelocl.so"
    if not driver.exists():
        raise Unavailable("intel-opencl-rt is not installed")
    for name in LIBRARIES:
        try:
            ctypes.CDLL(str(folder / name), mode=ctypes.RTLD_GLOBAL)
        except OSError as e:
            raise Unavailable(f"{name} of intel-cmplr-lib-rt: {e}") from e
    try:
        with tempfile.TemporaryDirectory() as vendors:
            Path(vendors, "intel.icd").write_text(str(driver))
            os.environ["OCL_ICD_VENDORS"] = vendors
            import pyopencl

            cl: Any = pyopencl

            platforms = cl.get_platforms()
    except ImportError as e:
        raise Unavailable("pyopencl is not installed") from e
    except RuntimeError as e:  # pyopencl's errors are RuntimeErrors
        raise Unavailable(f"the Intel runtime does not start: {e}") from e
    context = cl.Context([platforms[0].get_devices()[0]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cl.CompilerWarning)  # its "build succeeded"
        program = cl.Program(context, SOURCE.read_text()).build(options=OPTIONS, cache_dir=False)
    return Runtime(cl, context, cl.CommandQueue(context), program)


@dataclass(frozen=True, slots=True)
class Launch:
    """Arguments and shape of one kernel, and how its result is read."""

    arguments: tuple[Any, ...]
    threads: tuple[int, ...]
    block: tuple[int, ...]
    fetch: Callable[[], Array]
    reset: Callable[[], None] | None = None


def _saxpy(r: Runtime, d: Inputs) -> Launch:
    n = d["x"].size
    x, y = r.buffer(d["x"]), r.buffer(d["y"])
    return Launch(
        (SCALE, x, y, np.int32(n)),
        (n,),
        (THREADS,),
        lambda: r.read(y, (n,)),
        lambda: r.cl.enqueue_copy(r.queue, y, d["y"]),
    )


def _mandelbrot(r: Runtime, d: Inputs) -> Launch:
    n = d["n"]
    out = r.empty(4 * n * n)
    arguments = (out, np.int32(n), np.int32(LIMIT))
    return Launch(arguments, (n, n), (16, 16), lambda: r.read(out, (n, n), np.int32))


def _reduce(r: Runtime, d: Inputs) -> Launch:
    blocks = d["a"].size // RUN
    out = r.empty(4 * blocks)
    arguments = (r.buffer(d["a"]), out)
    return Launch(arguments, (blocks * THREADS,), (THREADS,), lambda: r.read(out, (blocks,)))


def _matmul(r: Runtime, d: Inputs) -> Launch:
    n = len(d["a"])
    out = r.empty(4 * n * n)
    arguments = (r.buffer(d["a"]), r.buffer(d["b"]), out, np.int32(n))
    return Launch(arguments, (n, n), (TILE, TILE), lambda: r.read(out, (n, n)))


def _softmax(r: Runtime, d: Inputs) -> Launch:
    rows = len(d["a"])
    out = r.empty(4 * rows * COLUMNS)
    arguments = (r.buffer(d["a"]), out, np.int32(COLUMNS))
    shape = (rows, COLUMNS)
    return Launch(arguments, (rows * THREADS,), (THREADS,), lambda: r.read(out, shape))


def _empty32(r: Runtime, d: Inputs) -> Launch:
    out = r.empty(4 * 32)
    return Launch((r.buffer(d["a"]), out, np.float32(1)), (32,), (32,), lambda: r.read(out, (32,)))


KERNELS = {
    "saxpy": _saxpy,
    "mandelbrot": _mandelbrot,
    "reduce": _reduce,
    "matmul": _matmul,
    "softmax": _softmax,
    "empty32": _empty32,
}


def prepare(workload: str, inputs: Inputs, variant: str = "") -> Contender:
    """The kernel with its arguments set; the variant ``enqueue`` waits outside the clock."""
    r = runtime()
    launch = KERNELS[workload](r, inputs)
    kernel = r.cl.Kernel(r.program, workload)
    kernel.set_args(*launch.arguments)
    enqueue, queue = r.cl.enqueue_nd_range_kernel, r.queue
    threads, block = launch.threads, launch.block

    def run() -> None:
        enqueue(queue, kernel, threads, block)
        queue.finish()

    if variant == "enqueue":
        put = functools.partial(enqueue, queue, kernel, threads, block)
        return Contender(NAME, put, launch.fetch, settle=queue.finish, keep=launch.arguments)
    return Contender(NAME, run, launch.fetch, launch.reset, keep=launch.arguments)
