"""ReductionKernel: a map, an associative operation and a final step in C++, as CuPy's.

Elements are combined in two ways. Where the reduced axes are the contiguous ones, a block reduces one
output's elements: each thread a strided part, then a tree in shared memory. Elsewhere each thread reduces
one output, so that neighbouring threads read neighbours. If that makes too few blocks, each output is
reduced in parts and a second kernel combines them.
"""

from __future__ import annotations

import operator
import threading
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from accelerx.errors import ArgumentTypeError, LaunchError
from accelerx.generated import text
from accelerx.generated.parameters import Parameter, Scalar, Types, as_arguments, looped, parse
from accelerx.generated.reduction_text import THREADS, Form, Spec, Writer
from accelerx.generated.shapes import Shape, broadcast, merged, stretched
from accelerx.generated.text import Pattern
from accelerx.ndarray import empty, ndarray
from accelerx.raw import RawModule
from accelerx.runtime.stream import Stream

BLOCKS = 64  # enough to keep a machine's cores busy
ROW_WORK, COLUMN_WORK = 16 * THREADS, 64  # elements of one output that are worth a part
LEAST_ROW = 64  # elements of one output that are worth a block
INT_MAX = 2**31 - 1

Value = ndarray | Scalar
Axis = int | Sequence[int] | None


class ReductionKernel:
    """A reduction over some axes of arrays that are broadcast together.

    Args:
        in_params: Inputs, as ElementwiseKernel's.
        out_params: Outputs.
        map_expr: What one element contributes: an expression of the inputs.
        reduce_expr: How ``a`` and ``b`` combine: an expression.
        post_map_expr: A statement that makes the outputs of the result, which is ``a``.
        identity: The value that a reduction begins with. Without one (None, or empty) it begins with
            the reduced type's initial value, and a reduction of no elements is an error.
        name: The kernel's name.
        reduce_type: Type of ``a`` and ``b``; the first output's if None.
        reduce_dims: Taken for CuPy's sake: axes are merged in any case.
        preamble: C++ before the kernel.
        options: Compiler options.
        map_setup: Statements before ``map_expr`` for each element.
        start: What a reduction without an identity begins with.
    """

    def __init__(
        self,
        in_params: str,
        out_params: str,
        map_expr: str,
        reduce_expr: str,
        post_map_expr: str,
        identity: Any,
        name: str = "reduce_kernel",
        reduce_type: str | None = None,
        reduce_dims: bool = True,
        preamble: str = "",
        options: Sequence[str] = (),
        *,
        map_setup: str = "",
        start: str = "",
    ) -> None:
        if not name.isidentifier():
            raise ValueError(f"{name!r} cannot be a kernel's name")
        self._given = (in_params, out_params)
        self.spec = Spec(
            name,
            parse(in_params, const=True),
            parse(out_params, const=False),
            map_setup,
            map_expr,
            reduce_expr,
            post_map_expr,
            "" if identity is None else str(identity),
            start,
            reduce_type,
            preamble,
        )
        if not self.spec.out_params or any(p.raw for p in self.spec.out_params):
            raise ValueError(f"{name}: a reduction has outputs, and they are not raw")
        self.name = name
        self.__name__ = name
        self.reduce_dims = reduce_dims
        self.options = tuple(options)
        self._modules: dict[Form, RawModule] = {}
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
    def modules(self) -> tuple[RawModule, ...]:
        """What was generated so far: the ``code`` of each is the text."""
        return tuple(self._modules.values())

    def __call__(
        self,
        *args: Any,
        out: ndarray | None = None,
        axis: Axis = None,
        keepdims: bool = False,
        stream: Stream | None = None,
    ) -> Any:
        """Reduces.

        Args:
            *args: The inputs; outputs may follow.
            out: The output, if there is one and it is not among ``args``.
            axis: The axes to reduce; all if None.
            keepdims: Whether reduced axes stay, with extent 1.
            stream: Where it runs; the current stream if None.

        Returns:
            The output, or a tuple of the outputs.
        """
        given = (*args, out) if out is not None else args
        call = _Call(self, given, axis, keepdims)
        if call.count:
            self._launch(call, stream)
        return call.outs[0] if len(call.outs) == 1 else tuple(call.outs)

    def _launch(self, call: _Call, stream: Stream | None) -> None:
        form = call.form()
        module = self._module(form)
        blocks = call.count if form.rows else -(-call.count // THREADS)
        if not form.split:
            values = (*call.inputs, *call.results, *call.sizes(call.reduced))
            module.get_function(self.name)((blocks,), (THREADS,), values, stream=stream)
            return
        first = module.get_function(f"{self.name}_parts")
        size = [a.pointee_size for a in first.signature.arguments if a.kind == "pointer"][-1]
        parts = empty(call.parts * call.count * size, np.uint8, call.device)
        chunk = -(-call.reduced // call.parts)
        values = (*call.inputs, parts, *call.sizes(chunk))
        first((blocks, call.parts), (THREADS,), values, stream=stream)
        values = (parts, *call.numbers, *call.results, *call.sizes(call.parts))
        last = (-(-call.count // THREADS),)
        module.get_function(self.name)(last, (THREADS,), values, stream=stream)

    def _module(self, form: Form) -> RawModule:
        module = self._modules.get(form)
        if module is None:
            with self._lock:
                module = self._modules.get(form)
                if module is None:
                    module = RawModule(code=Writer(self.spec, form).text(), options=self.options)
                    self._modules[form] = module
        return module

    def __repr__(self) -> str:
        return f"<ReductionKernel {self.name!r}>"

    def __reduce__(self) -> Any:
        spec = self.spec
        return _restored, (
            (
                *self._given, spec.map_expr, spec.reduce_expr, spec.post_map_expr, spec.identity,
                spec.name, spec.reduce_type, self.reduce_dims, spec.preamble, self.options,
            ),
            {"map_setup": spec.map_setup, "start": spec.start},
        )  # fmt: skip


def _restored(given: tuple[Any, ...], rest: dict[str, Any]) -> ReductionKernel:
    return ReductionKernel(*given, **rest)


class _Call:
    """One call's arguments: types, axes, outputs, and what the kernels get.

    Attributes:
        outs: The outputs as the caller gets them.
        count: Outputs' elements.
        reduced: Elements that each of them is made of.
        looped: The inputs that are taken element by element.
        parts: Parts that each of them is reduced in.
        inputs, numbers, results: The kernels' arguments, once ``form`` was called.
    """

    def __init__(
        self, kernel: ReductionKernel, args: Sequence[Any], axis: Axis, keepdims: bool
    ) -> None:
        self.kernel = kernel
        name = kernel.name
        if len(args) not in (kernel.nin, kernel.nargs):
            raise ArgumentTypeError(
                f"{name} takes {kernel.nin} inputs, and {kernel.nout} outputs if they are not to be "
                f"made; {len(args)} arguments were given"
            )
        values = as_arguments(name, args)
        self.ins, given = values[: kernel.nin], values[kernel.nin :]
        self.types = Types(name)
        if given:
            self.types.learn(kernel.out_params, given)
        self.types.learn(kernel.in_params, self.ins)
        self.types.settle(kernel.in_params, self.ins)
        self.looped = looped(kernel.in_params, self.ins)
        if not self.looped:
            raise LaunchError(f"{name}: there is no array to reduce")
        self.device = self.looped[0].device
        self.shape = broadcast(name, [v.shape for v in self.looped])
        self.axes = _axes(name, axis, len(self.shape))
        kept = [n for a, n in enumerate(self.shape) if a not in self.axes]
        self.count = prod(kept)
        self.reduced = prod(self.shape[a] for a in self.axes)
        shown = tuple(1 if a in self.axes else n for a, n in enumerate(self.shape))
        self.outs = self._outs(given, shown if keepdims else tuple(kept))
        if self.reduced == 0 and self.count and not kernel.spec.identity:
            raise LaunchError(f"{name}: a reduction of no elements, and it has no identity")
        self.parts = 1
        self.inputs: list[Any] = []
        self.numbers: list[Any] = []
        self.results: list[Any] = []
        self._extents: tuple[int, ...] = ()

    def _outs(self, given: Sequence[Value], shape: Shape) -> list[ndarray]:
        kernel = self.kernel
        if not given:
            return [empty(shape, self.types.of(p), self.device) for p in kernel.out_params]
        outs: list[ndarray] = []
        for parameter, value in zip(kernel.out_params, given, strict=True):
            if not isinstance(value, ndarray) or value.shape != shape:
                said = f"has shape {value.shape}" if isinstance(value, ndarray) else "is no array"
                raise LaunchError(
                    f"{kernel.name}: the output {parameter.name} {said}; the result has {shape}"
                )
            outs.append(value)
        return outs

    def sizes(self, chunk: int) -> list[int]:
        """The numbers that end a kernel's arguments."""
        return [self.count, self.reduced, chunk, *self._extents]

    def form(self) -> Form:
        """The text's form; it also makes the arguments of a kernel of that form."""
        kernel = self.kernel
        strides = [stretched(v.shape, v.element_strides, self.shape) for v in self.looped]
        keep = [a for a in range(len(self.shape)) if a not in self.axes]
        shape, outer = _along(self.shape, strides, keep)
        outer += [self._kept_strides(out, keep) for out in self.outs]
        kept, steps = merged(shape, outer)
        reduced, inner = merged(*_along(self.shape, strides, self.axes))
        both = [o + r for o, r in zip(steps, inner, strict=False)]
        patterns = self._inputs(iter(both))
        for out, out_steps in zip(self.outs, steps[len(self.looped) :], strict=True):
            patterns.append(text.strided(out_steps))
            self.results += [out, *text.passed(patterns[-1], out_steps)]
        rows = self.reduced >= LEAST_ROW and (self.count == 1 or _ends_in_one(inner))
        blocks = self.count if rows else -(-self.count // THREADS)
        most = self.reduced // (ROW_WORK if rows else COLUMN_WORK)
        self.parts = max(1, min(BLOCKS // max(blocks, 1), most))
        self._extents = (*kept[1:], *reduced[1:])
        return Form(
            tuple(self.types.of(p) for p in kernel.spec.params),
            tuple(patterns),
            len(kept),
            len(reduced),
            rows,
            self.parts > 1,
            tuple(sorted(self.types.letters.items())),
            self.count * max(self.reduced, 1) > INT_MAX - BLOCKS * THREADS,
        )

    def _kept_strides(self, out: ndarray, keep: Sequence[int]) -> Shape:
        strides = out.element_strides
        return tuple(strides[a] for a in keep) if len(strides) == len(self.shape) else strides

    def _inputs(self, steps: Any) -> list[Pattern]:
        """The inputs' patterns; fills ``inputs`` and ``numbers``."""
        kernel, patterns = self.kernel, list[Pattern]()
        for parameter, value in zip(kernel.in_params, self.ins, strict=True):
            if not isinstance(value, ndarray):
                patterns.append(Pattern("number"))
                self.numbers.append(self.types.of(parameter).type(value))
                self.inputs.append(self.numbers[-1])
            elif parameter.raw:
                patterns.append(text.raw_pattern(parameter, value, kernel.spec.texts))
                self.inputs += [value, *text.raw_arguments(patterns[-1], value)]
            else:
                own = next(steps)
                patterns.append(text.strided(own))
                self.inputs += [value, *text.passed(patterns[-1], own)]
        return patterns


def _axes(name: str, axis: Axis, ndim: int) -> tuple[int, ...]:
    """The reduced axes, in order.

    Raises:
        LaunchError: for one that is not there, or named twice.
    """
    if axis is None:
        return tuple(range(ndim))
    given = tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    axes = tuple(operator.index(a) for a in given)
    if any(not -ndim <= a < ndim for a in axes) or len({a % ndim for a in axes}) != len(axes):
        raise LaunchError(f"{name}: axis={axis!r} of arrays with {ndim} axes")
    return tuple(sorted(a % ndim for a in axes))


def _along(
    shape: Shape, strides: Sequence[Shape], axes: Sequence[int]
) -> tuple[Shape, list[Shape]]:
    """A shape and strides along some of the axes."""
    return tuple(shape[a] for a in axes), [tuple(s[a] for a in axes) for s in strides]


def _ends_in_one(strides: Sequence[Shape]) -> bool:
    """Whether an array's elements are contiguous along the last axis."""
    return any(own and own[-1] == 1 for own in strides)
