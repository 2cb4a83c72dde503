"""``fuse``: a function of arrays, in NumPy's words, made one kernel.

The function runs once for each combination of argument types, on values that write down what is done to
them; what they wrote is an ElementwiseKernel, or a ReductionKernel if the function ends in a reduction.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from accelerx.errors import ArgumentTypeError, UnsupportedError
from accelerx.generated.elementwise import ElementwiseKernel
from accelerx.generated.operations import OPERATIONS, REDUCTIONS
from accelerx.generated.reduction import ReductionKernel
from accelerx.generated.shapes import broadcast
from accelerx.generated.text import type_name
from accelerx.generated.tracing import Reduced, Trace, Traced, limit
from accelerx.ndarray import asarray, empty, ndarray

_NUMBERS = (bool, int, float, np.generic)

Run = Callable[[tuple[Any, ...]], Any]


class Fusion:
    """A function made one kernel for each combination of argument types.

    Attributes:
        func: The function.
        name: The kernels' name.
    """

    def __init__(self, func: Callable[..., Any], kernel_name: str | None = None) -> None:
        functools.update_wrapper(self, func)
        self.func = func
        stem = func.__name__ if func.__name__.isidentifier() else "lambda"
        self.name = kernel_name or f"fused_{stem}"
        self._runs: dict[tuple[Any, ...], Run] = {}
        self._lock = threading.Lock()

    def __call__(self, *args: Any) -> Any:
        """Runs the kernel; the function itself where no argument is a device array."""
        if not any(isinstance(value, ndarray) for value in args):
            return self.func(*args)
        values = tuple(self._argument(n, v) for n, v in enumerate(args, 1))
        key = tuple(v.dtype if isinstance(v, (ndarray, np.generic)) else type(v) for v in values)
        run = self._runs.get(key)
        if run is None:
            with self._lock:
                run = self._runs.get(key)
                if run is None:
                    run = self._runs[key] = self._traced(values)
        return run(values)

    def _argument(self, number: int, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return asarray(value)
        if isinstance(value, (ndarray, *_NUMBERS)):
            return value
        raise ArgumentTypeError(
            f"{self.name}: argument {number} is a "
            f"{type(value).__module__}.{type(value).__qualname__}; a fused function takes arrays "
            "and numbers"
        )

    def _traced(self, values: tuple[Any, ...]) -> Run:
        """What to run for arguments of these types."""
        trace = Trace()
        inputs = [_input(trace, n, value) for n, value in enumerate(values)]
        dtypes = [x.dtype for x in inputs]
        returned = self.func(*inputs)
        if isinstance(returned, Reduced):
            return _reduction(self.name, trace, dtypes, returned)
        assigned = [n for n, x in enumerate(inputs) if x.assigned]
        for n in assigned:
            if not isinstance(values[n], ndarray):
                raise UnsupportedError(
                    f"{self.name}: argument {n + 1} is a number; it cannot change in place"
                )
        results = returned if isinstance(returned, tuple) else (returned,)
        if returned is None:
            results = ()
        if any(isinstance(r, Reduced) for r in results) or not (results or assigned):
            raise UnsupportedError(
                f"{self.name} returns {returned!r}; a fused function returns values computed from "
                "its arguments, or one reduction"
            )
        outs = [trace.value(r) for r in results]
        kernel = _elementwise(self.name, trace, dtypes, [*outs, *(inputs[n] for n in assigned)])
        made = [out.dtype for out in outs]

        def run(given: tuple[Any, ...]) -> Any:
            arrays = [v for v in given if isinstance(v, ndarray)]
            shape = broadcast(kernel.name, [v.shape for v in arrays])
            new = [empty(shape, dtype, arrays[0].device) for dtype in made]
            kernel(*given, *new, *(given[n] for n in assigned))
            return tuple(new) if isinstance(returned, tuple) else new[0] if new else None

        return run

    def __repr__(self) -> str:
        return f"<Fusion {self.name!r}>"


def fuse(func: Callable[..., Any] | None = None, *, kernel_name: str | None = None) -> Any:
    """Makes a function of arrays one kernel: ``@fuse``, or ``@fuse(kernel_name="name")``.

    The function may use operators, the NumPy functions of ``fusible()``, ``numpy.where``,
    ``numpy.clip``, ``x.astype(...)``, numbers, in-place operators on its arguments, other functions,
    and at its end one reduction. What it does besides happens once, when it is traced.
    """
    if func is None:
        return lambda function: Fusion(function, kernel_name)
    return Fusion(func, kernel_name)


def fusible() -> tuple[str, ...]:
    """The names of the NumPy functions that fused functions may use."""
    return tuple(sorted([*OPERATIONS, *REDUCTIONS, "where", "clip"]))


def _input(trace: Trace, number: int, value: Any) -> Traced:
    dtype = value.dtype if isinstance(value, (ndarray, np.generic)) else np.asarray(value).dtype
    weak = type(value) if type(value) in (int, float) else None
    return Traced(trace, f"in{number}", dtype, weak)


def _inputs(dtypes: Sequence[np.dtype[Any]]) -> str:
    return ", ".join(f"{dtype.name} in{n}" for n, dtype in enumerate(dtypes))


def _elementwise(
    name: str, trace: Trace, dtypes: Sequence[np.dtype[Any]], outs: Sequence[Traced]
) -> ElementwiseKernel:
    parameters = ", ".join(f"{out.dtype.name} out{n}" for n, out in enumerate(outs))
    stores = [f"out{n} = {out.name};" for n, out in enumerate(outs)]
    operation = "\n".join([*trace.lines, *stores]).removesuffix(";")
    preamble = "".join(trace.helpers.values())
    return ElementwiseKernel(_inputs(dtypes), parameters, operation, name, preamble=preamble)


def _reduction(name: str, trace: Trace, dtypes: Sequence[np.dtype[Any]], reduced: Reduced) -> Run:
    row = REDUCTIONS[reduced.name]
    combine = OPERATIONS[row.combine]
    kernel = ReductionKernel(
        _inputs(dtypes),
        f"{reduced.dtype.name} out0",
        reduced.value.text(reduced.dtype),
        combine.get(reduced.dtype.kind, combine[""]).format("a", "b"),
        "out0 = a",
        row.identity,
        name,
        type_name(reduced.dtype),
        preamble="".join(trace.helpers.values()),
        map_setup="\n".join(trace.lines),
        start=limit(reduced.dtype, row.start),
    )
    return lambda values: kernel(*values, axis=reduced.axis, keepdims=reduced.keepdims)
