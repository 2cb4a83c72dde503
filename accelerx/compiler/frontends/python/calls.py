"""Calls of builtins, of the math, operator and numpy modules, and of types: the pure functions."""

from __future__ import annotations

import ast
import functools
import math
import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numpy as np

from accelerx import dtypes
from accelerx.compiler import intrinsics, ir
from accelerx.compiler.diagnostics import Loc
from accelerx.compiler.frontends.python.numeric import Numeric
from accelerx.compiler.frontends.python.promotion import ufunc_type
from accelerx.compiler.frontends.python.values import (
    Choice,
    Counter,
    Object,
    Range,
    Scalar,
    Tuple,
    Value,
    View,
    Zip,
)
from accelerx.compiler.intrinsics import Intrinsic
from accelerx.dtypes import DType, bool_, float64, int32
from accelerx.errors import UnsupportedError


@dataclass(slots=True, eq=False)
class Call:
    """A call with its arguments evaluated."""

    node: ast.Call
    name: str
    arguments: list[Value]
    keywords: dict[str, Value]
    loc: Loc


Handler = Callable[["Calls", Call], Value]

_OPERATOR_NAMES = {
    "+": ("add", "iadd"),
    "-": ("sub", "isub", "subtract"),
    "*": ("mul", "imul", "multiply"),
    "/": ("truediv", "itruediv", "divide", "true_divide"),
    "//": ("floordiv", "ifloordiv", "floor_divide"),
    "%": ("mod", "imod", "remainder"),
    "**": ("pow", "ipow", "power"),
    "&": ("and_", "iand", "bitwise_and"),
    "|": ("or_", "ior", "bitwise_or"),
    "^": ("xor", "ixor", "bitwise_xor"),
    "<<": ("lshift", "ilshift", "left_shift"),
    ">>": ("rshift", "irshift", "right_shift"),
}
_COMPARE_NAMES: dict[ir.CompareOp, str] = {
    "eq": "equal",
    "ne": "not_equal",
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
}


class Calls(Numeric):
    """Lifts calls whose meaning is a pure function of their arguments."""

    # --------------------------------------------------------------------------- arguments

    def count_arguments(self, call: Call, least: int, most: int | None = None) -> None:
        """Refuses a wrong number of arguments."""
        most = least if most is None else most
        given = len(call.arguments)
        if call.keywords:
            name = next(iter(call.keywords))
            raise self.type_error(
                call.node, f"{call.name}() takes no keyword argument {name!r} in kernels"
            )
        if not least <= given <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            raise self.type_error(
                call.node,
                f"{call.name}() takes {wanted} argument{'' if wanted == '1' else 's'}, {given} given",
            )

    def scalars(self, call: Call) -> tuple[Scalar, ...]:
        """All arguments, which must be numbers."""
        out = []
        for k, value in enumerate(call.arguments):
            node = call.node.args[k] if k < len(call.node.args) else call.node
            out.append(self.scalar(value, node, f"argument {k + 1} of {call.name}()"))
        return tuple(out)

    # ---------------------------------------------------------------------------- dispatch

    def pure_call(self, function: object, call: Call) -> Value | None:
        """The value of a call of a known pure function; None if it is not one."""
        dtype = type_object(function)
        if dtype is not None and not dtype.is_opaque:
            self.count_arguments(call, 1)
            return self.cast(self.scalars(call)[0], dtype, call.loc)
        try:
            handler = handlers().get(function)
        except TypeError:  # an unhashable object
            return None
        if handler is not None:
            return handler(self, call)
        row = intrinsic_of(function)
        return None if row is None else self.intrinsic(row, call, isinstance(function, np.ufunc))

    # -------------------------------------------------------------------------- intrinsics

    def intrinsic(self, row: Intrinsic, call: Call, ufunc: bool) -> Value:
        """A call of a row of the intrinsic table."""
        self.count_arguments(call, row.arity)
        arguments = self.scalars(call)
        if row.name == "abs":
            if call.name == "fabs":
                arguments = tuple(self.as_float(a, ufunc, call.loc) for a in arguments)
            return self.absolute(arguments[0], call.loc)
        if row.domain == "int":
            return self.bit_intrinsic(row, arguments, call)
        if row.result == "bool" and not arguments[0].dtype.is_float and row.name != "signbit":
            return self.constant(row.name == "isfinite", bool_)
        folded = self._fold_call(row, arguments)
        if folded is not None:
            return self.literal(folded)
        return self._float_intrinsic(row, arguments, ufunc, call)

    def _float_intrinsic(
        self, row: Intrinsic, arguments: tuple[Scalar, ...], ufunc: bool, call: Call
    ) -> Scalar:
        as_typing = self.rules.ufunc_floating if ufunc else self.rules.floating
        typing = arguments[0].typing
        if row.name == "pow" and not ufunc and self._small_exponent(arguments[1]):
            typing = as_typing(typing)
        elif row.name != "ldexp":
            for other in arguments[1:]:
                join = (
                    ufunc_type(self.rules, typing, other.typing)
                    if ufunc
                    else self.rules.arithmetic("+", typing, other.typing)
                )
                typing = join
        typing = as_typing(typing)
        if row.name == "ldexp":
            x, n = arguments
            code = (self.code(x, typing[0], call.loc), self.code(n, int32, call.loc))
            return self.expression_of(ir.Call("ldexp", code, typing[0], call.loc), typing)
        if row.result == "bool":
            code1 = self.code(arguments[0], typing[0], call.loc)
            return self.expression_of(ir.Call(row.name, (code1,), bool_, call.loc))
        return self.apply(row.name, arguments, typing, call.loc)

    def _small_exponent(self, n: Scalar) -> bool:
        return n.dtype in (dtypes.int8, dtypes.int16, int32, bool_)

    def _fold_call(self, row: Intrinsic, arguments: tuple[Scalar, ...]) -> float | None:
        """The value of a function of constants, as Python computes it."""
        function = getattr(math, row.name, None)
        if (
            function is None
            or row.result != "same"
            or row.name in ("floor", "ceil", "trunc", "ldexp")
        ):
            return None
        constants = [a.constant for a in arguments]
        literal = self.rules.literal(0.0)
        if any(c is None or a.typing != literal for c, a in zip(constants, arguments, strict=True)):
            return None
        try:
            return float(function(*constants))
        except (ValueError, OverflowError):
            return None

    def as_float(self, a: Scalar, ufunc: bool, loc: Loc | None) -> Scalar:
        """A number converted as the math module (or a ufunc) does."""
        typing = self.rules.ufunc_floating(a.typing) if ufunc else self.rules.floating(a.typing)
        return self.cast(a, typing[0], loc, typing[1])

    def bit_intrinsic(self, row: Intrinsic, arguments: tuple[Scalar, ...], call: Call) -> Scalar:
        """popc, clz, ffs, brev, mulhi; numba gives popc and clz the type of their argument."""
        for a in arguments:
            if not a.dtype.is_integer:
                raise self.type_error(
                    call.node, f"{call.name}() takes integers, not {a.dtype.name}"
                )
        typing = arguments[0].typing
        for other in arguments[1:]:
            typing = self.rules.arithmetic("&", typing, other.typing)
        dtype = typing[0]
        if row.name == "brev":
            dtype = dtypes.uint64 if dtype.bits == 64 else dtypes.uint32
        result = row.result_type(dtype)
        codes = tuple(self.code(a, dtype, call.loc) for a in arguments)
        value = self.expression_of(ir.Call(row.name, codes, result, call.loc))
        if result is int32:
            value.form = self.bounds.fresh(0, 64)
        if self.rules.name == "numba" and row.name in ("popc", "clz"):
            return self.cast(value, dtype, call.loc)
        if self.rules.name == "numba" and row.name == "ffs":
            return self.cast(value, dtypes.uint32, call.loc)
        return value

    # ---------------------------------------------------------------------------- builtins

    def call_range(self, call: Call) -> Value:
        self.count_arguments(call, 1, 3)
        parts = self.scalars(call)
        for k, part in enumerate(parts):
            if not part.dtype.is_integer:
                raise self.type_error(
                    call.node.args[k], f"range() takes integers, not {part.dtype.name}", "use int()"
                )
        start, stop = (self.literal(0), parts[0]) if len(parts) == 1 else parts[:2]
        step = parts[2] if len(parts) == 3 else self.literal(1)
        if step.constant == 0:
            raise self.type_error(call.node, "range() step must not be zero")
        typing = self.rules.range_of(
            [p.typing for p in (parts if len(parts) < 3 else (start, stop, step))]
        )
        cast = [self.cast(p, typing[0], call.loc, typing[1]) for p in (start, stop, step)]
        return Range(*cast)

    def call_enumerate(self, call: Call) -> Value:
        if list(call.keywords) == ["start"]:
            call.arguments.append(call.keywords.pop("start"))
        self.count_arguments(call, 1, 2)
        start = (
            self.scalar(call.arguments[1], call.node, "start of enumerate()")
            if len(call.arguments) == 2
            else self.literal(0)
        )
        return Zip((Counter(start), call.arguments[0]))

    def call_zip(self, call: Call) -> Value:
        strict = call.keywords.pop("strict", None)
        self.count_arguments(call, 1, 64)
        constant = strict.constant if isinstance(strict, Scalar) else None
        if strict is not None and constant is None:
            raise self.type_error(call.node, "zip() takes a constant strict in kernels")
        return Zip(tuple(call.arguments), bool(constant))

    def call_reversed(self, call: Call) -> Value:
        self.count_arguments(call, 1)
        value, loc = call.arguments[0], call.loc
        if isinstance(value, Tuple):
            return Tuple(value.items[::-1])
        if not isinstance(value, Range) or value.step.constant is None:
            raise self.unsupported(
                call.node, f"reversed() takes a range or a tuple here, not {value}"
            )
        count = self.trips(value, loc)
        last = self.binary("-", count, self.literal(1), loc)
        start = self.binary("+", value.start, self.binary("*", last, value.step, loc), loc)
        stop = self.binary("-", value.start, value.step, loc)
        dtype, weak = value.start.typing
        parts = (start, stop, self.negate(value.step, loc))
        return Range(*(self.cast(p, dtype, loc, weak) for p in parts))

    def trips(self, r: Range, loc: Loc | None) -> Scalar:
        """How many numbers a range holds."""
        step = r.step.constant
        distance = self.binary("-", r.stop, r.start, loc)
        if step == 1:
            return self.extremum("max", distance, self.literal(0), loc)
        if step is None:
            step_code = self.once(r.step, loc)
            up = self.compare("gt", step_code, self.literal(0), loc)
            toward = self.select(up, self.literal(-1), self.literal(1), loc)
            distance = self.binary("+", distance, self.binary("+", step_code, toward, loc), loc)
            quotient = self.binary("//", distance, step_code, loc)
        else:
            distance = self.binary(
                "+", distance, self.literal(int(step) - (1 if step > 0 else -1)), loc
            )
            quotient = self.binary("//", distance, r.step, loc)
        return self.extremum("max", quotient, self.literal(0), loc)

    def call_len(self, call: Call) -> Value:
        self.count_arguments(call, 1)
        match call.arguments[0]:
            case Tuple() as value:
                return self.literal(len(value.items))
            case View() | Choice() as value:
                if not value.axes:
                    raise self.type_error(call.node, f"len() of {value}")
                return self.length(value, 0, call.node)
            case Range() as value:
                return self.trips(value, call.loc)
            case value:
                raise self.type_error(call.node, f"len() takes an array or a tuple, not {value}")

    def call_extremum(self, op: ir.BinaryOp, call: Call) -> Value:
        """Python's min and max, of several numbers or of a tuple."""
        values: Iterable[Value] = call.arguments
        if len(call.arguments) == 1 and isinstance(call.arguments[0], Tuple):
            values = call.arguments[0].items
        elif len(call.arguments) < 2 or call.keywords:
            raise self.type_error(
                call.node, f"{op}() takes two or more numbers, or a tuple of them"
            )
        numbers = [self.scalar(v, call.node, f"an argument of {op}()") for v in values]
        if not numbers:
            raise self.type_error(call.node, f"{op}() of an empty tuple")
        result = numbers[0]
        for number in numbers[1:]:
            result = self.extremum(op, result, number, call.loc)
        return result

    def call_ufunc_extremum(self, op: ir.BinaryOp, propagate: bool, call: Call) -> Value:
        """NumPy's minimum and maximum, which give NaN if one is; fmin and fmax, which do not."""
        self.count_arguments(call, 2)
        a, b = self.scalars(call)
        typing = ufunc_type(self.rules, a.typing, b.typing)
        if not typing[0].is_float or not propagate:
            return self.extremum(op, a, b, call.loc, typing)
        x = self.once(self.cast(a, typing[0], call.loc, typing[1]), call.loc)
        y = self.once(self.cast(b, typing[0], call.loc, typing[1]), call.loc)
        isnan = [self.compare("ne", s, s, call.loc) for s in (x, y) if s.constant is None]
        result = self.extremum(op, x, y, call.loc, typing)
        if not isnan:
            return result
        condition = functools.reduce(lambda p, q: self.either(p, q, call.loc), isnan)
        return self.select(condition, self.binary("+", x, y, call.loc), result, call.loc)

    def call_abs(self, call: Call) -> Value:
        self.count_arguments(call, 1)
        return self.absolute(self.scalars(call)[0], call.loc)

    def call_int(self, call: Call) -> Value:
        self.count_arguments(call, 1)
        a = self.scalars(call)[0]
        return self.cast(
            a, self.rules.to_int(a.typing), call.loc, a.weak and a.constant is not None
        )

    def call_float(self, call: Call) -> Value:
        self.count_arguments(call, 1)
        a = self.scalars(call)[0]
        if a.dtype.is_float:
            return a
        typing = self.rules.floating(a.typing)
        return self.cast(a, typing[0], call.loc, typing[1])

    def call_bool(self, call: Call) -> Value:
        self.count_arguments(call, 1)
        return self.truth(self.scalars(call)[0], call.loc)

    def call_round(self, call: Call) -> Value:
        self.count_arguments(call, 1, 2)
        arguments = self.scalars(call)
        x = arguments[0]
        if len(arguments) == 1:
            if x.constant is not None:
                return self.literal(round(x.constant))
            x = self.as_float(x, False, call.loc)
            dtype = self.rules.to_int(x.typing)
            return self.cast(self.apply("rint", (x,), x.typing, call.loc), dtype, call.loc)
        if not arguments[1].dtype.is_integer:
            raise self.type_error(
                call.node, f"round() takes an integer number of digits, not {arguments[1]}"
            )
        return self.round_digits(self.as_float(x, False, call.loc), arguments[1], call.loc)

    def call_pow(self, call: Call) -> Value:
        self.count_arguments(call, 2)
        a, b = self.scalars(call)
        return self.power(a, b, call.loc)

    def call_divmod(self, call: Call) -> Value:
        self.count_arguments(call, 2)
        a, b = (self.once(s, call.loc) for s in self.scalars(call))
        return Tuple((self.binary("//", a, b, call.loc), self.binary("%", a, b, call.loc)))

    # ------------------------------------------------------------ math, operator, numpy extras

    def call_binary(self, op: str, call: Call) -> Value:
        self.count_arguments(call, 2)
        a, b = self.scalars(call)
        return self.binary(op, a, b, call.loc)

    def call_compare(self, op: ir.CompareOp, call: Call) -> Value:
        self.count_arguments(call, 2)
        a, b = self.scalars(call)
        return self.compare(op, a, b, call.loc)

    def call_unary(self, function: Callable[[Calls, Scalar, Loc], Scalar], call: Call) -> Value:
        self.count_arguments(call, 1)
        return function(self, self.scalars(call)[0], call.loc)

    def call_logical(self, op: ir.LogicalOp, call: Call) -> Value:
        self.count_arguments(call, 2)
        a, b = (self.code(self.truth(s, call.loc), loc=call.loc) for s in self.scalars(call))
        return self.expression_of(ir.Logical(op, a, b, call.loc))

    def call_fmod(self, call: Call) -> Value:
        """C's fmod: the remainder has the dividend's sign."""
        self.count_arguments(call, 2)
        a, b = self.scalars(call)
        typing = self.rules.floating(self.rules.arithmetic("+", a.typing, b.typing))
        x, y = self.code(a, typing[0], call.loc), self.code(b, typing[0], call.loc)
        return self.expression_of(ir.Binary("rem", x, y, typing[0], False, call.loc), typing)

    def call_scaled(self, factor: float, ufunc: bool, call: Call) -> Value:
        """Degrees and radians."""
        self.count_arguments(call, 1)
        x = self.as_float(self.scalars(call)[0], ufunc, call.loc)
        return self.binary("*", x, self.constant(factor, *x.typing), call.loc)

    def call_log(self, call: Call) -> Value:
        """math.log with an optional base."""
        if len(call.arguments) == 1 and not call.keywords:
            return self.intrinsic(intrinsics.INTRINSICS["log"], call, False)
        self.count_arguments(call, 1, 2)
        logs = [
            self.scalar(
                self.intrinsic(
                    intrinsics.INTRINSICS["log"], Call(call.node, "log", [a], {}, call.loc), False
                ),
                call.node,
            )
            for a in self.scalars(call)
        ]
        return self.binary("/", logs[0], logs[1], call.loc)

    def call_float_function(
        self, function: Callable[[Calls, Scalar, Loc], Value], call: Call
    ) -> Value:
        """A function of one number, which it takes as a float."""
        self.count_arguments(call, 1)
        return function(self, self.as_float(self.scalars(call)[0], False, call.loc), call.loc)

    def call_remainder(self, call: Call) -> Value:
        self.count_arguments(call, 2)
        a, b = self.scalars(call)
        typing = self.rules.floating(self.rules.arithmetic("+", a.typing, b.typing))
        x, y = (self.cast(s, typing[0], call.loc, typing[1]) for s in (a, b))
        return self.remainder(x, y, call.loc)

    def call_isinstance(self, call: Call) -> Value:
        """Decided while lifting, as numba does: from what the value is, not from where it came."""
        self.count_arguments(call, 2)
        value, kinds = call.arguments
        classes = [
            item.value
            for item in (kinds.items if isinstance(kinds, Tuple) else (kinds,))
            if isinstance(item, Object)
        ]
        known = {c for c in classes if isinstance(c, type)}
        return self.constant(bool(known & _classes_of(value)), bool_)

    def call_info(self, call: Call) -> Value:
        """np.finfo and np.iinfo of a dtype."""
        self.count_arguments(call, 1)
        dtype = dtype_argument(call.arguments[0])
        if dtype is None or dtype.is_bool or dtype.is_float != (call.name == "finfo"):
            raise self.type_error(call.node, f"{call.name}() of {call.arguments[0]}")
        return Object((np.finfo if dtype.is_float else np.iinfo)(dtype.numpy))

    def call_clip(self, call: Call) -> Value:
        self.count_arguments(call, 3)
        x, low, high = self.scalars(call)
        return self.extremum("min", self.extremum("max", x, low, call.loc), high, call.loc)


# ------------------------------------------------------------------------------------- tables


def _builtin_handlers() -> dict[object, Handler]:
    return {
        range: Calls.call_range,
        enumerate: Calls.call_enumerate,
        zip: Calls.call_zip,
        reversed: Calls.call_reversed,
        len: Calls.call_len,
        min: functools.partial(_with, Calls.call_extremum, "min"),
        max: functools.partial(_with, Calls.call_extremum, "max"),
        abs: Calls.call_abs,
        int: Calls.call_int,
        float: Calls.call_float,
        bool: Calls.call_bool,
        round: Calls.call_round,
        pow: Calls.call_pow,
        divmod: Calls.call_divmod,
    }


def _with(method: Callable[..., Value], *values: Any) -> Value:
    """Calls ``method(lifter, *bound, call)``: ``values`` are the bound ones, lifter and call."""
    *bound, lifter, call = values
    return method(lifter, *bound, call)


@functools.cache
def handlers() -> dict[object, Handler]:
    """What to do for each Python function that is not simply an intrinsic."""
    table = _builtin_handlers()

    def add(functions: Iterable[object], method: Callable[..., Value], *bound: Any) -> None:
        for function in functions:
            table[function] = functools.partial(_with, method, *bound)

    for op, names in _OPERATOR_NAMES.items():
        found = [getattr(m, n) for n in names for m in (operator, np) if hasattr(m, n)]
        add(found, Calls.call_binary, op)
    for compare, name in _COMPARE_NAMES.items():
        add((getattr(operator, compare), getattr(np, name)), Calls.call_compare, compare)
    add((operator.neg, np.negative), Calls.call_unary, Calls.negate)
    add((operator.pos, np.positive), Calls.call_unary, Calls.positive)
    add((operator.invert, np.invert), Calls.call_unary, Calls.invert)
    add((operator.not_, np.logical_not), Calls.call_unary, Calls.negation)
    add((operator.truth,), Calls.call_unary, Calls.truth)
    add((np.square,), Calls.call_unary, lambda self, a, loc: self._constant_power(a, 2, loc))
    for logical in ("and", "or", "xor"):
        add((getattr(np, f"logical_{logical}"),), Calls.call_logical, logical)
    for op in ("min", "max"):
        add((getattr(np, f"{op}imum"),), Calls.call_ufunc_extremum, op, True)
        add((getattr(np, f"f{op}"),), Calls.call_ufunc_extremum, op, False)
    add((math.fmod, np.fmod), Calls.call_fmod)
    add((math.degrees,), Calls.call_scaled, 180 / math.pi, False)
    add((math.radians,), Calls.call_scaled, math.pi / 180, False)
    add((np.degrees, np.rad2deg), Calls.call_scaled, 180 / math.pi, True)
    add((np.radians, np.deg2rad), Calls.call_scaled, math.pi / 180, True)
    add((math.log,), Calls.call_log)
    add((math.modf,), Calls.call_float_function, Calls.modf)
    add((math.frexp, np.frexp), Calls.call_float_function, Calls.frexp)
    add((math.remainder,), Calls.call_remainder)
    add((np.sign,), Calls.call_unary, Calls.sign)
    add((isinstance,), Calls.call_isinstance)
    add((np.clip,), Calls.call_clip)
    add((operator.abs,), Calls.call_abs)
    add((np.finfo, np.iinfo), Calls.call_info)
    return table


def _classes_of(value: Value) -> set[type]:
    """The Python classes that isinstance() finds a value to be of."""
    match value:
        case Scalar():
            kind = "int" if value.dtype.is_integer else value.dtype.kind
            python: dict[str, type] = {"bool": bool, "int": int, "float": float}
            return {python[kind], value.dtype.numpy.type} | ({int} if kind == "bool" else set())
        case Tuple():
            return {tuple}
        case View() | Choice():
            return {np.ndarray}
        case Object():
            return set(type(value.value).__mro__)
        case _:
            return set()


@functools.cache
def _intrinsic_objects() -> dict[int, Intrinsic]:
    table: dict[int, Intrinsic] = {}
    for name, row in intrinsics.BY_PYTHON_NAME.items():
        module, _, attribute = name.rpartition(".")
        holder = {"math": math, "numpy": np}.get(module)
        function = getattr(holder, attribute, None) if holder else None
        if function is not None:
            table[id(function)] = row
    return table


def intrinsic_of(function: object) -> Intrinsic | None:
    """The intrinsic that a function of math, numpy or scipy.special is."""
    row = _intrinsic_objects().get(id(function))
    if row is None and isinstance(function, np.ufunc):
        row = intrinsics.BY_PYTHON_NAME.get(f"scipy.special.{function.__name__}")
    return row


def type_object(value: object) -> DType | None:
    """The dtype that an object stands for when it is called or given as a dtype.

    Takes accelerx's rows, NumPy's dtypes and scalar types, and numba's types (by their name, as
    numba itself is never imported here).
    """
    named = getattr(value, "kernel_type", value)  # accelerx.float32 and the like
    if isinstance(named, DType):
        return named
    if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
        known = np.dtype(value)
        if known.name in _DTYPE_NAMES:
            return dtypes.from_numpy(known.name)
        elements = known.kind == "c" or (isinstance(value, np.dtype) and known.names is not None)
        return _opaque(known) if elements else None
    if type(value).__module__.startswith("numba."):
        name = str(value)
        name = "bool" if name in ("boolean", "bool") else name
        return dtypes.from_numpy(name) if name in _DTYPE_NAMES else None
    return None


def _opaque(dtype: np.dtype[Any]) -> DType | None:
    """The row of complex numbers or records; None where arrays cannot hold them."""
    try:
        return dtypes.of_array(dtype)
    except UnsupportedError:
        return None


def dtype_argument(value: Value) -> DType | None:
    """The dtype that an argument such as ``dtype=float`` or ``dtype="int32"`` names."""
    if not isinstance(value, Object):
        return None
    named = value.value
    for python, dtype in ((float, float64), (int, dtypes.int64), (bool, bool_)):
        if named is python:
            return dtype
    if isinstance(named, str):
        try:
            name = np.dtype(named).name if named not in _DTYPE_NAMES else named
        except TypeError:
            return None
        return dtypes.from_numpy(name) if name in _DTYPE_NAMES else None
    return type_object(named)


_DTYPE_NAMES = frozenset(row.name for row in dtypes.DTYPES)


def function_of(value: object) -> FunctionType | None:
    """The Python function behind a device function, if it is one."""
    if isinstance(value, FunctionType):
        return value
    inner = getattr(value, "py_func", None)
    return inner if isinstance(inner, FunctionType) else None
