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
from accelerx.generated.elementwise_text import Form, Spec, written
from accelerx.generated.parameters import Parameter, Scalar, Types, as_arguments, looped, parse
from accelerx.generated.shapes import Shape, broadcast, dense, merged, stretched
from accelerx.generated.text import Pattern
from accelerx.ndarray import contiguous_strides, empty, ndarray
from accelerx.raw import RawKernel
from accelerx.runtime.device import Device, current_device
from accelerx.runtime.stream import Stream

THREADS = 256
MAX_PLANS = 1024  # kinds of calls that a kernel remembers before it forgets all of them
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
        self.spec = Spec(
            name,
            parse(in_params, True, RESERVED),
            parse(out_params, False, RESERVED),
            operation,
            reduce_dims,
            preamble,
            loop_prep,
            after_loop,
        )
        self.name = name
        self.__name__ = name
        self.no_return = no_return
        self.return_tuple = return_tuple
        self.options = tuple(options)
        names = [p.name for p in self.spec.params]
        if len(set(names)) != len(names):
            raise ValueError(f"{name}: a parameter's name stands twice among {', '.join(names)}")
        self._kernels: dict[Form, RawKernel] = {}
        self._plans: dict[tuple[Any, ...], _Plan] = {}
        self._lock = threading.Lock()

    @property
    def in_params(self) -> tuple[Parameter, ...]:
        return self.spec.in_params

    @property
    def out_params(self) -> tuple[Parameter, ...]:
        return self.spec.out_params

    @property
    def nin(self) -> int:
        """Number of inputs."""
        return len(self.spec.in_params)

    @property
    def nout(self) -> int:
        """Number of outputs."""
        return len(self.spec.out_params)

    @property
    def nargs(self) -> int:
        return self.nin + self.nout

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
        key = _key(args, size)
        plan = None if key is None else self._plans.get(key)
        if plan is None:
            args = tuple(as_arguments(self.name, args))
            plan = self._planned(args, size)
            if key is not None:
                self._remember(key, plan)
        outs = plan.run(args, block_size, stream)
        if self.no_return:
            return None
        return outs if self.return_tuple or len(outs) != 1 else outs[0]

    def _planned(self, args: tuple[Value, ...], size: int | None) -> _Plan:
        form, plan = _Planner(self.spec, args, size).planned()
        if plan.count == 0:
            return plan
        kernel = self._kernels.get(form)
        if kernel is None:
            with self._lock:
                kernel = self._kernels.get(form)
                if kernel is None:
                    kernel = RawKernel(written(self.spec, form), self.name, self.options)
                    self._kernels[form] = kernel
        return replace(plan, kernel=kernel)

    def _remember(self, key: tuple[Any, ...], plan: _Plan) -> None:
        with self._lock:
            if len(self._plans) >= MAX_PLANS:
                self._plans.clear()
            self._plans[key] = plan

    def __repr__(self) -> str:
        return f"<ElementwiseKernel {self.name!r}>"

    def __reduce__(self) -> Any:
        spec = self.spec
        return _restored, (
            (
                *self._given, spec.operation, spec.name, spec.reduce_dims, spec.preamble,
                self.no_return, self.return_tuple,
            ),
            {
                "loop_prep": spec.loop_prep,
                "after_loop": spec.after_loop,
                "options": self.options,
            },
        )  # fmt: skip


def _restored(given: tuple[Any, ...], rest: dict[str, Any]) -> ElementwiseKernel:
    return ElementwiseKernel(*given, **rest)


def _key(args: tuple[Any, ...], size: int | None) -> tuple[Any, ...] | None:
    """What a plan depends on; None if it is not worth remembering."""
    parts: list[Any] = [size]
    if not any(type(value) is ndarray for value in args):
        return None  # the current device decides, too
    for value in args:
        if type(value) is ndarray:
            parts += (value.key, value.shape, value.element_strides)
        elif isinstance(value, (int, float, complex, np.generic)):
            parts.append(type(value))
        else:
            return None
    return tuple(parts)


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a call with such arguments is made.

    Attributes:
        count: Elements.
        template: The kernel's arguments; those of a call are put in.
        arrays: Places in the template and the arguments, or outputs, that are put there.
        numbers: The same for numbers, with the type that they are given.
        made: Shape and dtype of outputs that the call makes.
        nin: Number of inputs.
        device: Where it makes them.
        kernel: The kernel; None if there are no elements.
    """

    count: int
    template: tuple[Any, ...]
    arrays: tuple[tuple[int, int], ...]
    numbers: tuple[tuple[int, int, Any], ...]
    made: tuple[tuple[Shape, np.dtype[Any]], ...]
    nin: int
    device: Device
    kernel: RawKernel | None = None

    def run(self, args: Sequence[Any], block_size: int, stream: Stream | None) -> tuple[Any, ...]:
        """Makes a call; returns the outputs."""
        made = tuple([empty(shape, dtype, self.device) for shape, dtype in self.made])
        given = (*args, *made)
        if self.kernel is not None:
            values = list(self.template)
            for place, source in self.arrays:
                values[place] = given[source]
            for place, source, type_ in self.numbers:
                values[place] = type_(given[source])
            blocks = -(-self.count // block_size)
            self.kernel((blocks,), (block_size,), tuple(values), stream=stream)
        return given[self.nin :]


class _Planner:
    """Works a plan out from arguments: types, shape, outputs, and how each is reached."""

    def __init__(self, spec: Spec, args: tuple[Value, ...], size: int | None) -> None:
        self.spec = spec
        self.nin = len(spec.in_params)
        if len(args) not in (self.nin, len(spec.params)):
            raise ArgumentTypeError(
                f"{spec.name} takes {self.nin} inputs, and {len(spec.out_params)} outputs if they "
                f"are not to be made; {len(args)} arguments were given"
            )
        self.args = args
        ins, outs = args[: self.nin], args[self.nin :]
        for parameter, value in zip(spec.out_params, outs, strict=False):
            if not isinstance(value, ndarray):
                raise ArgumentTypeError(
                    f"{spec.name}: the output {parameter.name} must be an array"
                )
        self.types = Types(spec.name)
        if outs:
            self.types.learn(spec.out_params, outs)
        self.types.learn(spec.in_params, ins)
        self.types.settle(spec.in_params, ins)
        self.shape = self._shape(size)
        self.made = () if outs else tuple(self._made(p) for p in spec.out_params)

    def _made(self, parameter: Parameter) -> tuple[Shape, np.dtype[Any]]:
        if parameter.raw:
            raise ArgumentTypeError(
                f"{self.spec.name}: the raw output {parameter.name} must be given: its size is "
                "not known"
            )
        return self.shape, self.types.of(parameter)

    def _shape(self, size: int | None) -> Shape:
        """The shape of the loop."""
        name = self.spec.name
        arrays = looped(self.spec.params[: len(self.args)], self.args)
        if not arrays:
            if size is None:
                raise LaunchError(
                    f"{name}: no argument tells how many elements there are; pass size="
                )
            return (int(size),)
        if size is not None:
            raise LaunchError(f"{name}: size= is for calls whose arrays are all raw")
        shape = broadcast(name, [v.shape for v in arrays])
        for parameter, out in zip(self.spec.out_params, self.args[self.nin :], strict=False):
            if not parameter.raw and isinstance(out, ndarray) and out.shape != shape:
                raise LaunchError(
                    f"{name}: the output {parameter.name} has shape {out.shape}; the "
                    f"arguments broadcast to {shape}"
                )
        return shape

    def planned(self) -> tuple[Form, _Plan]:
        """The text's form, and the plan without its kernel."""
        spec = self.spec
        arrays = [v for v in self.args if isinstance(v, ndarray)]
        device = arrays[0].device if arrays else current_device()
        shape, strides = self._axes()
        by_axes = text.mentions("_ind", *spec.texts)
        steps = iter(strides)
        patterns: list[Pattern] = []
        template: list[Any] = []
        places: list[tuple[int, int]] = []
        numbers: list[tuple[int, int, Any]] = []
        for source, parameter in enumerate(spec.params):
            value = self.args[source] if source < len(self.args) else None
            if value is not None and not isinstance(value, ndarray):
                patterns.append(Pattern("number"))
                numbers.append((len(template), source, self.types.of(parameter).type))
                template.append(None)
                continue
            places.append((len(template), source))
            if parameter.raw:
                assert isinstance(value, ndarray)
                patterns.append(text.raw_pattern(parameter, value, spec.texts))
                template += [None, *text.raw_arguments(patterns[-1], value)]
            else:
                own = next(steps)
                is_dense = own == dense(shape)
                patterns.append(Pattern("dense") if is_dense else text.strided(own))
                template += [None, *([] if is_dense else text.passed(patterns[-1], own))]
        axes = len(shape) if by_axes or any(any(p.steps) for p in patterns) else 0
        count = prod(self.shape)
        form = Form(
            tuple(self.types.of(p) for p in spec.params),
            tuple(p if axes else replace(p, steps=()) for p in patterns),
            axes,
            tuple(sorted(self.types.letters.items())),
            count > INT_MAX,
        )
        template += [count, *shape[:axes]]
        plan = _Plan(
            count, tuple(template), tuple(places), tuple(numbers), self.made, self.nin, device
        )
        return form, plan

    def _axes(self) -> tuple[Shape, list[Shape]]:
        """The axes of the loop, and the strides of all arrays it goes through, made ones last."""
        arrays = looped(self.spec.params[: len(self.args)], self.args)
        strides = [stretched(v.shape, v.element_strides, self.shape) for v in arrays]
        strides += [contiguous_strides(shape) for shape, _ in self.made]
        if self.spec.reduce_dims or not text.mentions("_ind", *self.spec.texts):
            return merged(self.shape, strides)
        return self.shape, strides
