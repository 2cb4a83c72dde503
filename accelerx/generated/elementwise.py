"""ElementwiseKernel: one line of C++ for each element, as CuPy's, made a CUDA C++ kernel.

The text depends on the arguments' dtypes and on how they lie in memory, not on their sizes; each one is
a RawKernel, so that what is generated can be read, checked and inspected like any other kernel.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from accelerx.errors import ArgumentTypeError, LaunchError
from accelerx.generated import text
from accelerx.generated.parameters import Parameter, Scalar, Types, as_arguments, looped, parse
from accelerx.generated.shapes import Shape, broadcast, dense, merged, stretched
from accelerx.generated.text import Pattern
from accelerx.ndarray import empty, ndarray
from accelerx.raw import RawKernel
from accelerx.runtime.device import Device, current_device
from accelerx.runtime.stream import Stream

THREADS = 256
RESERVED = ("i", "n")  # the element's number, and how many there are
INT_MAX = 2**31 - 1

Value = ndarray | Scalar


class ElementwiseKernel:
    """A function of elements over arrays that are broadcast together.

    Args:
        in_params: Inputs, e.g. ``"T x, raw S y, float32 z"``; one letter stands for a type that the
            arguments decide, ``raw`` for an array that the operation indexes by itself.
        out_params: Outputs.
        operation: Statements of C++ for one element. They know the parameters by name, ``i`` and
            ``n``, the element's number and how many there are, and ``_ind``, its place along the axes.
        name: The kernel's name.
        reduce_dims: Whether axes may be merged; ``_ind`` then has fewer.
        preamble: C++ before the kernel.
        no_return: Whether a call returns None.
        return_tuple: Whether a call returns a tuple although there is one output.
        loop_prep: Statements that each thread begins with.
        after_loop: Statements that each thread ends with.
        options: Compiler options.
    """

    def __init__(
        self,
        in_params: str,
        out_params: str,
        operation: str,
        name: str = "kernel",
        reduce_dims: bool = True,
        preamble: str = "",
        no_return: bool = False,
        return_tuple: bool = False,
        *,
        loop_prep: str = "",
        after_loop: str = "",
        options: Sequence[str] = (),
    ) -> None:
        if not name.isidentifier():
            raise ValueError(f"{name!r} cannot be a kernel's name")
        self._given = (in_params, out_params)
        self.in_params = parse(in_params, True, RESERVED)
        self.out_params = parse(out_params, False, RESERVED)
        self.params = self.in_params + self.out_params
        self.operation = operation
        self.name = name
        self.__name__ = name
        self.reduce_dims = reduce_dims
        self.preamble = preamble
        self.no_return = no_return
        self.return_tuple = return_tuple
        self.loop_prep = loop_prep
        self.after_loop = after_loop
        self.options = tuple(options)
        names = [p.name for p in self.params]
        if len(set(names)) != len(names):
            raise ValueError(f"{name}: a parameter's name stands twice among {', '.join(names)}")
        self._kernels: dict[_Form, RawKernel] = {}
        self._lock = threading.Lock()

    @property
    def nin(self) -> int:
        """Number of inputs."""
        return len(self.in_params)

    @property
    def nout(self) -> int:
        """Number of outputs."""
        return len(self.out_params)

    @property
    def nargs(self) -> int:
        return len(self.params)

    @property
    def texts(self) -> tuple[str, ...]:
        """All C++ that is given."""
        return (self.operation, self.loop_prep, self.after_loop, self.preamble)

    @property
    def kernels(self) -> tuple[RawKernel, ...]:
        """The kernels generated so far: their ``code`` is the text."""
        return tuple(self._kernels.values())

    def __call__(
        self,
        *args: Any,
        size: int | None = None,
        block_size: int = THREADS,
        stream: Stream | None = None,
    ) -> Any:
        """Computes all elements.

        Args:
            *args: The inputs, then the outputs, or the inputs alone: outputs are then made.
            size: Number of elements, where every array is raw.
            block_size: Threads of a block.
            stream: Where it runs; the current stream if None.

        Returns:
            The output, or a tuple of the outputs.
        """
        call = _Call(self, args, size)
        if call.count:
            self._launch(call, block_size, stream)
        if self.no_return:
            return None
        return tuple(call.outs) if self.return_tuple or len(call.outs) != 1 else call.outs[0]

    def _launch(self, call: _Call, block_size: int, stream: Stream | None) -> None:
        form, arguments = call.form()
        kernel = self._kernels.get(form)
        if kernel is None:
            with self._lock:
                kernel = self._kernels.get(form)
                if kernel is None:
                    kernel = RawKernel(_written(self, form), self.name, self.options)
                    self._kernels[form] = kernel
        blocks = -(-call.count // block_size)
        kernel((blocks,), (block_size,), arguments, stream=stream)

    def __repr__(self) -> str:
        return f"<ElementwiseKernel {self.name!r}>"

    def __reduce__(self) -> Any:
        return _restored, (*self._given, {key: getattr(self, key) for key in _PICKLED})


_PICKLED = (
    "operation", "name", "reduce_dims", "preamble", "no_return", "return_tuple", "loop_prep",
    "after_loop", "options",
)  # fmt: skip


def _restored(in_params: str, out_params: str, rest: dict[str, Any]) -> ElementwiseKernel:
    return ElementwiseKernel(in_params, out_params, **rest)


@dataclass(frozen=True, slots=True)
class _Form:
    """What a kernel's text depends on.

    Attributes:
        types: A dtype for each parameter.
        patterns: How each argument is reached.
        axes: Axes that strided arguments are taken along.
        letters: What the placeholders stand for.
        wide: Whether a flat index needs 64 bits.
    """

    types: tuple[np.dtype[Any], ...]
    patterns: tuple[Pattern, ...]
    axes: int
    letters: tuple[tuple[str, np.dtype[Any]], ...]
    wide: bool


class _Call:
    """One call's arguments: types, shape, outputs, and what the kernel gets."""

    def __init__(self, kernel: ElementwiseKernel, args: Sequence[Any], size: int | None) -> None:
        self.kernel = kernel
        name = kernel.name
        if len(args) not in (kernel.nin, kernel.nargs):
            raise ArgumentTypeError(
                f"{name} takes {kernel.nin} inputs, and {kernel.nout} outputs if they are not to be "
                f"made; {len(args)} arguments were given"
            )
        values = as_arguments(name, args)
        self.ins, self.outs = values[: kernel.nin], values[kernel.nin :]
        given = bool(self.outs)
        for parameter, value in zip(kernel.out_params, self.outs, strict=False):
            if not isinstance(value, ndarray):
                raise ArgumentTypeError(f"{name}: the output {parameter.name} must be an array")
        self.types = Types(name)
        if given:
            self.types.learn(kernel.out_params, self.outs)
        self.types.learn(kernel.in_params, self.ins)
        self.types.settle(kernel.in_params, self.ins)
        self.shape = self._shape(size)
        if not given:
            self.outs = [self._made(p) for p in kernel.out_params]
        self.count = prod(self.shape)

    def _device(self) -> Device:
        arrays = [v for v in self.ins if isinstance(v, ndarray)]
        return arrays[0].device if arrays else current_device()

    def _made(self, parameter: Parameter) -> ndarray:
        if parameter.raw:
            raise ArgumentTypeError(
                f"{self.kernel.name}: the raw output {parameter.name} must be given: its size is "
                "not known"
            )
        return empty(self.shape, self.types.of(parameter), self._device())

    def _shape(self, size: int | None) -> Shape:
        """The shape of the loop."""
        kernel = self.kernel
        arrays = looped(kernel.in_params, self.ins)
        if self.outs:
            arrays += looped(kernel.out_params, self.outs)
        if not arrays:
            if size is None:
                raise LaunchError(
                    f"{kernel.name}: no argument tells how many elements there are; pass size="
                )
            return (int(size),)
        if size is not None:
            raise LaunchError(f"{kernel.name}: size= is for calls whose arrays are all raw")
        shape = broadcast(kernel.name, [v.shape for v in arrays])
        for parameter, out in zip(kernel.out_params, self.outs, strict=False):
            if not parameter.raw and isinstance(out, ndarray) and out.shape != shape:
                raise LaunchError(
                    f"{kernel.name}: the output {parameter.name} has shape {out.shape}; the "
                    f"arguments broadcast to {shape}"
                )
        return shape

    def form(self) -> tuple[_Form, tuple[Any, ...]]:
        """The text's form, and the arguments of a kernel of that form."""
        kernel = self.kernel
        pairs = [*zip(kernel.params, [*self.ins, *self.outs], strict=True)]
        arrays = looped(kernel.params, [*self.ins, *self.outs])
        strides = [stretched(v.shape, v.element_strides, self.shape) for v in arrays]
        by_axes = text.mentions("_ind", *kernel.texts)
        shape = self.shape
        if kernel.reduce_dims or not by_axes:
            shape, strides = merged(shape, strides)
        steps = iter(strides)
        patterns: list[Pattern] = []
        arguments: list[Any] = []
        for parameter, value in pairs:
            if not isinstance(value, ndarray):
                patterns.append(Pattern("number"))
                arguments.append(self.types.of(parameter).type(value))
            elif parameter.raw:
                patterns.append(text.raw_pattern(parameter, value, kernel.texts))
                arguments += text.raw_arguments(patterns[-1], value)
            else:
                own = next(steps)
                is_dense = own == dense(shape)
                patterns.append(Pattern("dense") if is_dense else text.strided(own))
                arguments += [value, *([] if is_dense else text.passed(patterns[-1], own))]
        axes = len(shape) if by_axes or any(any(p.steps) for p in patterns) else 0
        patterns = [p if axes else replace(p, steps=()) for p in patterns]
        arguments += [self.count, *shape[:axes]]
        form = _Form(
            tuple(self.types.of(p) for p in kernel.params),
            tuple(patterns),
            axes,
            tuple(sorted(self.types.letters.items())),
            self.count > INT_MAX,
        )
        return form, tuple(arguments)


# ------------------------------------------------------------------------------------- the text


def _written(kernel: ElementwiseKernel, form: _Form) -> str:
    """The CUDA C++ text."""
    rows = [*zip(kernel.params, form.types, form.patterns, strict=True)]
    index = "ptrdiff_t" if form.wide else "int"
    extents = [f"_n{axis}" for axis in range(form.axes)]
    stems = [f"_i{axis}" for axis in range(form.axes)]
    by_axes = text.mentions("_ind", *kernel.texts)
    has_raw = any(p.kind == "raw" for p in form.patterns)
    parameters = [part for row in rows for part in text.declared(*row)]
    parameters += ["ptrdiff_t n", *(f"{index} {extent}" for extent in extents)]
    turn = text.coordinates(stems, extents, "i" if form.wide else "(int)i", index)
    if by_axes:
        places = ", ".join(stems) or "0"
        shape = ", ".join(extents) or "1"
        turn.append(f"const CIndexer<{form.axes}> _ind = {{n, {{{shape}}}, {{{places}}}}};")
    lines = [
        *text.headers(form.types),
        *([text.RAW_ARRAY] if has_raw else []),
        *([text.INDEXER] if by_axes else []),
        *text.typedefs(dict(form.letters)),
        *([kernel.preamble] if kernel.preamble else []),
        f'extern "C" __global__ void {kernel.name}({", ".join(parameters)}) {{',
        *(f"  {line}" for line in (text.raw_declaration(*row) for row in rows) if line),
        *([f"  {kernel.loop_prep};"] if kernel.loop_prep else []),
        "  const ptrdiff_t i = (ptrdiff_t)blockIdx.x * blockDim.x + threadIdx.x;",
        "  if (i < n) {",
        *(f"    {line}" for line in turn),
        *(f"    {line}" for line in (text.element(*row, "i", stems) for row in rows) if line),
        *(f"    {line}" for line in f"{kernel.operation.strip()};".splitlines()),
        "  }",
        *([f"  {kernel.after_loop};"] if kernel.after_loop else []),
        "}",
    ]
    return "\n".join(lines) + "\n"
