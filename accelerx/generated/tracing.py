"""What ``fuse`` runs a function on: values that write down, as C++, what is done to them.

NumPy decides types: each operation asks its ufunc which loop it would take for such operands, so that a
fused function gives the dtypes that it gives unfused. Python numbers adapt to the other operand.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from accelerx import dtypes
from accelerx.errors import UnsupportedError
from accelerx.generated.operations import HELPERS, OPERATIONS, REDUCTIONS
from accelerx.generated.text import type_name

_NARROW = ("float16", "bfloat16")  # computed in float32, as NumPy does
_ALIASES = {"amax": "max", "amin": "min"}


@dataclass(slots=True)
class Trace:
    """One run of a function on traced values: the lines it became."""

    lines: list[str] = field(default_factory=list)
    helpers: dict[str, str] = field(default_factory=dict)

    def emit(self, expression: str, dtype: np.dtype[Any], weak: type | None = None) -> Traced:
        """A new value."""
        name = f"v{len(self.lines)}"
        self.lines.append(f"const {type_name(dtype)} {name} = {expression};")
        for helper, text in HELPERS.items():
            if f"{helper}(" in expression:
                self.helpers[helper] = text
        return Traced(self, name, dtype, weak)

    def value(self, value: Any) -> Traced:
        """An operand: a traced value, or a number written into the function."""
        if isinstance(value, Traced):
            return value
        if isinstance(value, np.ndarray) and value.ndim == 0:
            value = value[()]
        if not isinstance(value, (bool, int, float, np.generic)):
            raise UnsupportedError(
                f"a fused function computes with its arguments and with numbers, not with a "
                f"{type(value).__module__}.{type(value).__qualname__}"
            )
        weak = type(value) if type(value) in (int, float) else None
        return Literal(self, value, np.asarray(value).dtype, weak)


class Traced(NDArrayOperatorsMixin):
    """A value of the kernel.

    Attributes:
        name: Its name there.
        dtype: Its dtype.
        weak: int or float if it is a Python number, which adapts to the other operand.
        assigned: Whether the function changed it in place.
    """

    __array_priority__ = 1000.0

    def __init__(
        self, trace: Trace, name: str, dtype: np.dtype[Any], weak: type | None = None
    ) -> None:
        self.trace = trace
        self.name = name
        self.dtype = dtype
        self.weak = weak
        self.assigned = False

    # ------------------------------------------------------------------------------ operations

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """What NumPy calls for every operator and ufunc."""
        out = options.pop("out", ())
        row = OPERATIONS.get(ufunc.__name__)
        if method != "__call__" or options or row is None or ufunc.nout != 1:
            how = "" if method == "__call__" else f".{method}"
            said = f" with {', '.join(options)}" if options else ""
            raise UnsupportedError(f"numpy.{ufunc.__name__}{how}{said} cannot be fused")
        operands = [self.trace.value(x) for x in inputs]
        result = self._applied(ufunc, row, operands)
        return out[0]._assign(result) if out else result

    def _applied(self, ufunc: Any, row: dict[str, str], operands: list[Traced]) -> Traced:
        weak = _weak_result(operands)
        kinds: list[Any] = [
            x.weak if x.weak is not None and weak is None else x.dtype for x in operands
        ]
        *loop, result = ufunc.resolve_dtypes((*kinds, None))
        kind = "f" if loop[0].name == "bfloat16" else loop[0].kind
        template = row.get(kind, row.get(""))
        if template is None or kind not in "biuf" or any(t != loop[0] for t in loop):
            raise UnsupportedError(
                f"numpy.{ufunc.__name__} of {', '.join(map(str, loop))} cannot be fused"
            )
        expression = template.format(*(x.text(_computed(loop[0])) for x in operands))
        is_float = result.kind == "f"
        still = None if weak is None or result.kind == "b" else float if is_float else int
        return self.trace.emit(expression, result, still)

    def text(self, dtype: np.dtype[Any]) -> str:
        """The value as C++, converted to a dtype."""
        return self.name if dtype == self.dtype else f"({type_name(dtype)}){self.name}"

    def astype(self, dtype: Any, copy: bool = True) -> Traced:
        """The value converted."""
        wanted = dtypes.of_array(dtype).numpy
        test = wanted.kind == "b" and self.dtype.kind != "b"
        return self.trace.emit(f"{self.name} != 0" if test else self.text(wanted), wanted)

    # ------------------------------------------------------------------------------ functions

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any
    ) -> Any:
        """What NumPy calls for its other functions."""
        name = _ALIASES.get(function.__name__, function.__name__)
        if name in REDUCTIONS:
            return self.trace.value(args[0])._reduced(name, *args[1:], **kwargs)
        known: dict[str, Callable[..., Traced]] = {"where": self._where, "clip": self._clip}
        own = known.get(name)
        if own is None:
            raise UnsupportedError(f"numpy.{function.__name__} cannot be fused")
        return own(*args, **kwargs)

    def _where(self, condition: Any, x: Any, y: Any) -> Traced:
        chosen = [self.trace.value(x), self.trace.value(y)]
        weak = _weak_result(chosen)
        kinds: list[Any] = [
            v.weak(1) if v.weak is not None and weak is None else v.dtype for v in chosen
        ]
        dtype = np.result_type(*kinds)
        test = self.trace.value(condition)
        truth = test.name if test.dtype.kind == "b" else f"({test.text(test.dtype)} != 0)"
        a, b = (v.text(dtype) for v in chosen)
        return self.trace.emit(f"{truth} ? {a} : {b}", dtype, weak)

    def _clip(self, a: Any, a_min: Any = None, a_max: Any = None) -> Traced:
        result = self.trace.value(a)
        if a_min is not None:
            result = np.maximum(result, a_min)
        return result if a_max is None else np.minimum(result, a_max)

    def clip(self, min: Any = None, max: Any = None) -> Traced:
        return self._clip(self, min, max)

    # ------------------------------------------------------------------------------ reductions

    def _reduced(
        self, name: str, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False
    ) -> Reduced:
        if out is not None:
            raise UnsupportedError(f"numpy.{name} with out= cannot be fused")
        probe = getattr(np, name)(np.ones(1, self.dtype))
        wanted = probe.dtype if dtype is None else dtypes.of_array(dtype).numpy
        return Reduced(name, self, wanted, axis, keepdims is True)

    def sum(self, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Reduced:
        return self._reduced("sum", axis, dtype, keepdims=keepdims)

    def prod(self, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Reduced:
        return self._reduced("prod", axis, dtype, keepdims=keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Reduced:
        return self._reduced("max", axis, keepdims=keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Reduced:
        return self._reduced("min", axis, keepdims=keepdims)

    def all(self, axis: Any = None, keepdims: bool = False) -> Reduced:
        return self._reduced("all", axis, keepdims=keepdims)

    def any(self, axis: Any = None, keepdims: bool = False) -> Reduced:
        return self._reduced("any", axis, keepdims=keepdims)

    # ------------------------------------------------------------------------------ assignment

    def _assign(self, value: Traced) -> Traced:
        """Takes another value, as ``x += y`` and ``x[...] = y`` do."""
        if not np.can_cast(value.dtype, self.dtype, "same_kind") and value.weak is None:
            raise TypeError(f"a fused function cannot put {value.dtype} into {self.dtype} in place")
        self.name = value.astype(self.dtype).name
        self.assigned = True
        return self

    def __setitem__(self, index: Any, value: Any) -> None:
        if not (index is Ellipsis or (isinstance(index, slice) and index == slice(None))):
            raise UnsupportedError("a fused function assigns whole arrays only: x[...] = value")
        self._assign(self.trace.value(value))

    def __bool__(self) -> bool:
        raise UnsupportedError(
            "a fused function runs once for all elements: it cannot branch on one; use numpy.where"
        )

    def __getattr__(self, name: str) -> Any:
        raise UnsupportedError(f"a fused function cannot use .{name} of its arguments")


class Literal(Traced):
    """A number written into the function."""

    def __init__(
        self, trace: Trace, value: Any, dtype: np.dtype[Any], weak: type | None = None
    ) -> None:
        super().__init__(trace, _written(value, dtype), dtype, weak)
        self.value = value

    def text(self, dtype: np.dtype[Any]) -> str:
        return _written(dtype.type(self.value), dtype)


@dataclass(frozen=True, slots=True)
class Reduced(NDArrayOperatorsMixin):
    """A reduction: nothing can be done with it but returning it."""

    name: str
    value: Traced
    dtype: np.dtype[Any]
    axis: Any
    keepdims: bool

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        raise UnsupportedError(
            f"a fused function ends with its reduction; numpy.{ufunc.__name__} of numpy.{self.name} "
            "cannot be fused"
        )


def _weak_result(operands: Sequence[Traced]) -> type | None:
    """The Python type of a result whose operands are all Python numbers; else None."""
    kinds = [x.weak for x in operands]
    if any(kind is None for kind in kinds):
        return None
    return float if float in kinds else int


def _computed(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(np.float32) if dtype.name in _NARROW else dtype


def _written(value: Any, dtype: np.dtype[Any]) -> str:
    """A number as a C++ literal of a dtype."""
    if dtype.kind == "b":
        return "true" if value else "false"
    if dtype.kind in "iu":
        return _integer(int(value), dtype)
    number = float(value)
    if math.isnan(number) or math.isinf(number):
        text = "(0.0 / 0.0)" if math.isnan(number) else f"({'-' if number < 0 else ''}1.0 / 0.0)"
        return f"({type_name(dtype)}){text}"
    text = repr(number) + ("f" if dtype.name == "float32" else "")
    if dtype.name in _NARROW:
        return f"({type_name(dtype)}){text}f"
    return f"({text})" if number < 0 else text


def _integer(number: int, dtype: np.dtype[Any]) -> str:
    suffix = {"i8": "LL", "u8": "ULL"}.get(f"{dtype.kind}{dtype.itemsize}", "")
    if dtype.itemsize < 4:
        return f"({type_name(dtype)}){number}"
    if number == -(1 << 63):  # C++ has no literal for it
        return f"({number + 1}{suffix} - 1)"
    return f"({number}{suffix})" if number < 0 else f"{number}{suffix}"


def limit(dtype: np.dtype[Any], which: str) -> str:
    """The ``min`` or ``max`` of a dtype as a C++ literal, of a float an infinity; "" for "" ."""
    if not which:
        return ""
    if dtype.kind == "b":
        return _written(which == "max", dtype)
    if dtype.kind in "iu":
        return _written(getattr(np.iinfo(dtype), which), dtype)
    return _written(math.inf if which == "max" else -math.inf, dtype)
