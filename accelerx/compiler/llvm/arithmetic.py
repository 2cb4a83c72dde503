"""Pure operations on the values of one vector: scalar where lanes agree, affine where they can be."""

from __future__ import annotations

from collections.abc import Sequence

from accelerx import dtypes
from accelerx.compiler.llvm import floats, integers
from accelerx.compiler.llvm import math as vector_math
from accelerx.compiler.llvm.builder import Builder, type_name
from accelerx.compiler.llvm.builder import constant as spelled
from accelerx.compiler.llvm.values import Value, constant, vector
from accelerx.compiler.passes.fold import integer_binary, wrap
from accelerx.compiler.passes.lanes import PROMISED, SAME, VARYING, Lane, binary_lane, cast_lane
from accelerx.dtypes import DType, bool_

_INTEGER = {"add": "add", "sub": "sub", "mul": "mul", "and": "and", "or": "or", "xor": "xor"}
_FLOAT = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv"}
_FLOAT_COMPARE = {"eq": "oeq", "ne": "une", "lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge"}
_SWAPPED = {"eq": "eq", "ne": "ne", "lt": "gt", "gt": "lt", "le": "ge", "ge": "le"}


class Arithmetic:
    """Emits operations for vectors of ``width`` lanes into a builder.

    Args:
        b: The function being written.
        width: Lanes of a vector; 1 makes everything scalar.
        contract: Whether a multiply may fuse with an add.
        fast: Whether floats may be reassociated and approximated.
    """

    def __init__(self, b: Builder, width: int, *, contract: bool, fast: bool) -> None:
        self.b = b
        self.width = width
        self.fast = fast
        # nnan and ninf are left out: inactive lanes do hold NaNs, and poison there would spread
        self.flags = "reassoc nsz arcp contract afn " if fast else "contract " if contract else ""

    # ---- shapes

    def vector(self, v: Value) -> str:
        """The value as a vector register (with width 1: the scalar)."""
        if v.lane.stride is None or self.width == 1:
            return v.text
        if v.lane.stride == 0:
            return self.b.splat(v.text, v.type, self.width)
        steps = [v.lane.stride * i + v.offset for i in range(self.width)]
        if v.const is not None:
            return self._literal([int(v.const) + s for s in steps], v.type)
        base = self.b.splat(v.text, v.type, self.width)
        return self.b.binary("add", base, self._literal(steps, v.type), v.type, self.width)

    def base(self, v: Value) -> str:
        """The scalar of lane 0 of a value that is not a vector."""
        if not v.offset:
            return v.text
        if v.const is not None:
            return spelled(wrap(int(v.const) + v.offset, v.type), v.type)
        return self.b.binary("add", v.text, str(wrap(v.offset, v.type)), v.type)

    def _literal(self, items: Sequence[int | bool], dtype: DType) -> str:
        if dtype.is_integer:
            items = [wrap(i, dtype) for i in items]
        return f"<{', '.join(f'{dtype.llvm} {spelled(i, dtype)}' for i in items)}>"

    def _together(self, *values: Value) -> tuple[int, list[str]]:
        """Lanes (1 if all agree) and registers of operands."""
        if all(v.same for v in values):
            return 1, [v.text for v in values]
        return self.width, [self.vector(v) for v in values]

    def _value(self, text: str, dtype: DType, lanes: int, *operands: Value) -> Value:
        """A result, shared by all that share the operands."""
        if lanes > 1:
            return Value(text, dtype, VARYING)
        return Value(text, dtype, SAME._replace(even=all(v.lane.even for v in operands)))

    # ---- arithmetic

    def binary(self, op: str, a: Value, b: Value, dtype: DType, nowrap: bool = False) -> Value:
        if dtype.is_float:
            return self._float_binary(op, a, b, dtype)
        if dtype.is_bool:
            lanes, (x, y) = self._together(a, b)
            opcode = {"add": "or", "mul": "and", "max": "or", "min": "and", "ne": "xor"}.get(op, op)
            return self._value(self.b.binary(opcode, x, y, dtype, lanes), dtype, lanes, a, b)
        return self._integer_binary(op, a, b, dtype, nowrap)

    def _integer_binary(self, op: str, a: Value, b: Value, dtype: DType, nowrap: bool) -> Value:
        ca = int(a.const) if a.const is not None and a.same else None
        cb = int(b.const) if b.const is not None and b.same else None
        lane = binary_lane(op, nowrap, a.lane, b.lane, ca, cb, self.width)
        if lane.stride is not None:
            return self._on_bases(op, a, b, dtype, lane)
        lanes, (x, y) = self._together(a, b)
        return vector(self._integer_text(op, x, y, dtype, lanes, cb), dtype)

    def _on_bases(self, op: str, a: Value, b: Value, dtype: DType, lane: Lane) -> Value:
        """A scalar operation on the bases of values whose lanes follow ``lane``."""
        if not lane.even or op not in ("add", "sub", "mul", "shl"):
            a, b = self._rebased(a), self._rebased(b)
        offset = _offset(op, a, b)
        if a.const is not None and b.const is not None:
            known = integer_binary(op, int(a.const), int(b.const), dtype)
            if known is not None:
                return Value(spelled(known, dtype), dtype, lane, known, offset)
        if op in ("add", "sub", "or", "xor") and b.const == 0 and not b.offset:
            return Value(a.text, dtype, lane, a.const, offset)
        if op in ("add", "or", "xor") and a.const == 0 and not a.offset:
            return Value(b.text, dtype, lane, b.const, offset)
        if op in ("mul", "quot", "floordiv") and b.const == 1 and b.same:
            return Value(a.text, dtype, lane, a.const, offset)
        if op == "mul" and a.const == 1 and a.same:
            return Value(b.text, dtype, lane, b.const, offset)
        by = int(b.const) if b.const is not None else None
        text = self._integer_text(op, a.text, b.text, dtype, 1, by)
        return Value(text, dtype, lane, offset=offset)

    def _rebased(self, v: Value) -> Value:
        """The value with its offset worked into its scalar."""
        if not v.offset:
            return v
        known = None if v.const is None else wrap(int(v.const) + v.offset, v.type)
        return Value(self.base(v), v.type, v.lane, known)

    def _integer_text(
        self, op: str, x: str, y: str, dtype: DType, lanes: int, by: int | None
    ) -> str:
        if op in _INTEGER:
            return self.b.binary(_INTEGER[op], x, y, dtype, lanes)
        if op in ("shl", "shr"):
            return integers.shift(self.b, op, x, y, dtype, lanes, by)
        if op in ("min", "max"):
            sign = "s" if dtype.is_signed else "u"
            return self.b.intrinsic(f"llvm.{sign}{op}", [x, y], dtype, lanes)
        return integers.divide(self.b, op, x, y, dtype, lanes, by)

    def on_lanes(self, op: str, x: str, y: str, dtype: DType, lanes: int) -> str:
        """An operation on two registers of any number of lanes."""
        if dtype.is_float:
            return self._float_text(op, x, y, dtype, lanes)
        return self._integer_text(op, x, y, dtype, lanes, None)

    def _float_binary(self, op: str, a: Value, b: Value, dtype: DType) -> Value:
        lanes, (x, y) = self._together(a, b)
        return self._value(self._float_text(op, x, y, dtype, lanes), dtype, lanes, a, b)

    def _float_text(self, op: str, x: str, y: str, dtype: DType, lanes: int) -> str:
        wide = floats.computed_in(dtype)
        x, y = (floats.widen(self.b, t, dtype, lanes) for t in (x, y))
        if op in _FLOAT:
            # a 16-bit product is rounded before it is added
            flags = self.flags if wide is dtype else ""
            text = self.b.binary(f"{_FLOAT[op]} {flags}".rstrip(), x, y, wide, lanes)
        elif op in ("min", "max"):
            text = self.b.intrinsic(f"llvm.{op}num", [x, y], wide, lanes)
        elif op == "quot":
            whole = self.b.binary("fdiv", x, y, wide, lanes)
            text = self.b.intrinsic("llvm.trunc", [whole], wide, lanes)
        else:
            text = floats.remainder(self.b, op, x, y, wide, lanes)
        return floats.narrow(self.b, text, dtype, lanes)

    def unary(self, op: str, a: Value, dtype: DType) -> Value:
        if op == "not":
            return self.logical("xor", a, constant(True, bool_))
        if op == "invert":
            return self.binary("xor", a, constant(True if dtype.is_bool else -1, dtype), dtype)
        if dtype.is_integer:
            return self.binary("sub", constant(0, dtype), a, dtype)
        lanes, (x,) = self._together(a)
        if dtype.bits == 16:
            return self._value(floats.negative(self.b, x, dtype, lanes), dtype, lanes, a)
        return self._value(self.b.value(f"fneg {type_name(dtype, lanes)} {x}"), dtype, lanes, a)

    def logical(self, op: str, a: Value, b: Value) -> Value:
        for known, other in ((a, b), (b, a)):
            if known.const is None or not known.same:
                continue
            if op == "xor" and known.const and other.const is not None and other.same:
                return constant(not other.const, bool_)
            if (op == "and") == bool(known.const) and op != "xor":
                return other
            if op != "xor":
                return known
            if not known.const:
                return other
        lanes, (x, y) = self._together(a, b)
        return self._value(self.b.binary(op, x, y, bool_, lanes), bool_, lanes, a, b)

    def select(self, condition: Value, a: Value, b: Value, dtype: DType) -> Value:
        if condition.const is not None and condition.same:
            return a if condition.const else b
        lanes, (x, y) = self._together(a, b)
        if not condition.same and lanes == 1:
            lanes, x, y = self.width, self.vector(a), self.vector(b)
        which = condition.text if condition.same else self.vector(condition)
        flag = "i1" if condition.same else type_name(bool_, self.width)
        kind = type_name(dtype, lanes)
        text = self.b.value(f"select {flag} {which}, {kind} {x}, {kind} {y}")
        return self._value(text, dtype, lanes, condition, a, b)

    # ---- comparison

    def compare(self, op: str, a: Value, b: Value) -> Value:
        dtype = a.type
        if dtype.is_float:
            lanes, texts = self._together(a, b)
            wide = floats.computed_in(dtype)
            x, y = (floats.widen(self.b, t, dtype, lanes) for t in texts)
            text = self.b.binary(f"fcmp {_FLOAT_COMPARE[op]}", x, y, wide, lanes)
            return self._value(text, bool_, lanes, a, b)
        if not dtype.is_bool:
            known = self._decided(op, a, b) or self._prefix(op, a, b)
            if known is not None:
                return known
        lanes, (x, y) = self._together(a, b)
        predicate = op if op in ("eq", "ne") else ("s" if dtype.is_signed else "u") + op
        text = self.b.binary(f"icmp {predicate}", x, y, dtype, lanes)
        return self._value(text, bool_, lanes, a, b)

    def _decided(self, op: str, a: Value, b: Value) -> Value | None:
        """The outcome if both operands are known in every lane."""
        if a.const is None or b.const is None or a.lane.stride is None or b.lane.stride is None:
            return None
        outcome = [
            _holds(
                op,
                wrap(int(a.const) + a.offset + i * a.lane.stride, a.type),
                wrap(int(b.const) + b.offset + i * b.lane.stride, a.type),
            )
            for i in range(self.width)
        ]
        if all(outcome) or not any(outcome):
            return constant(outcome[0], bool_)
        return vector(self._literal(outcome, bool_), bool_)

    def _prefix(self, op: str, a: Value, b: Value) -> Value | None:
        """``base + lane < bound`` as ``lane < clamp(bound - base)``: no wide vector compare."""
        if a.same and not b.same:
            a, b, op = b, a, _SWAPPED[op]
        if a.lane.stride != 1 or not a.lane.exact or not b.same or op in ("eq", "ne"):
            return None
        if a.lane.exact != PROMISED:
            a = self._rebased(a)
        distance = self._distance(a, b, inclusive=op in ("le", "gt"))
        if distance is None:
            return None
        left = distance
        if a.offset:
            left = self.b.binary("sub", distance, str(a.offset), dtypes.int64)
        left = self.b.intrinsic("llvm.smin", [left, str(self.width)], dtypes.int64)
        left = self.b.intrinsic("llvm.smax", [left, "0"], dtypes.int64)
        count = integers.resize(self.b, left, dtypes.int64, dtypes.int32, 1)
        lane = self._literal(list(range(self.width)), dtypes.int32)
        bound = self.b.splat(count, dtypes.int32, self.width)
        below = op in ("lt", "le")
        predicate = "ult" if below else "uge"
        text = self.b.binary(f"icmp {predicate}", lane, bound, dtypes.int32, self.width)
        return Value(text, bool_, VARYING, prefix=(distance, a.offset) if below else None)

    def _distance(self, a: Value, b: Value, *, inclusive: bool) -> str | None:
        """Lanes from the scalar of ``a`` to the first that is not below the bound ``b``, as i64."""
        dtype, wide = a.type, dtypes.int64
        if dtype.bits < 64:
            bound, start = (integers.resize(self.b, v.text, dtype, wide, 1) for v in (b, a))
            distance = self.b.binary("sub", bound, start, wide)
            return self.b.binary("add", distance, "1", wide) if inclusive else distance
        if not dtype.is_signed:
            return None
        distance = self.b.intrinsic("llvm.ssub.sat", [b.text, a.text], wide)
        # far from both ends, so that offsets can be taken off
        distance = self.b.intrinsic("llvm.smin", [distance, str(1 << 62)], wide)
        distance = self.b.intrinsic("llvm.smax", [distance, str(-(1 << 62))], wide)
        return self.b.binary("add", distance, "1", wide) if inclusive else distance

    # ---- conversion

    def cast(self, a: Value, target: DType) -> Value:
        source = a.type
        if source is target:
            return a
        lane = cast_lane(a.lane, source, target, self.width)
        if source.is_integer and target.is_integer and lane.stride is not None:
            return self._resized(a, target, lane)
        lanes, (x,) = self._together(a)
        return self._value(self._cast_text(x, source, target, lanes), target, lanes, a)

    def _resized(self, a: Value, target: DType, lane: Lane) -> Value:
        """A scalar or affine integer in another type."""
        if not lane.even:
            a = self._rebased(a)
        if a.const is not None:
            known = wrap(int(a.const), target)
            return Value(spelled(known, target), target, lane, known, a.offset)
        text = integers.resize(self.b, a.text, a.type, target, 1)
        return Value(text, target, lane, offset=a.offset)

    def _cast_text(self, x: str, source: DType, target: DType, lanes: int) -> str:
        kind = type_name(source, lanes)
        if target.is_bool:
            if source.is_float:
                x = floats.widen(self.b, x, source, lanes)
                source = floats.computed_in(source)
                zero = self.b.constant(0.0, source, lanes)
                return self.b.value(f"fcmp une {type_name(source, lanes)} {x}, {zero}")
            return self.b.value(f"icmp ne {kind} {x}, {self.b.constant(0, source, lanes)}")
        if source.is_float and target.is_float:
            return floats.convert(self.b, x, source, target, lanes)
        if source.is_float:
            return floats.to_integer(self.b, x, source, target, lanes)
        if target.is_float:
            return floats.from_integer(self.b, x, source, target, lanes)
        return integers.resize(self.b, x, source, target, lanes)

    def bitcast(self, a: Value, target: DType) -> Value:
        if target.is_bool or a.type.is_bool:
            return self.cast(a, target)
        if a.type.is_integer and target.is_integer:
            lane = cast_lane(a.lane, a.type, target, self.width)
            if lane.stride is not None:
                return self._resized(a, target, lane)
        lanes, (x,) = self._together(a)
        return self._value(self.b.bitcast(x, a.type, target, lanes), target, lanes, a)

    # ---- intrinsics

    def call(self, function: str, args: Sequence[Value], result: DType) -> Value:
        dtype = args[0].type
        lanes, texts = self._together(*args)
        if not dtype.is_float:
            text = integers.bit_function(self.b, function, texts, dtype, lanes)
            return self._value(text, result, lanes, *args)
        wide = floats.computed_in(dtype)
        if wide is not dtype and function in ("nextafter", "fma", "copysign"):
            text = self._small_call(function, texts, dtype, lanes)
            return self._value(text, result, lanes, *args)
        texts = [
            floats.widen(self.b, t, v.type, lanes) if v.type.is_float else t
            for t, v in zip(texts, args, strict=True)
        ]
        text = vector_math.emit_math(self.b, function, texts, wide, lanes, fast=self.fast)
        if result.is_float:
            text = floats.narrow(self.b, text, dtype, lanes)
        return self._value(text, result, lanes, *args)

    def _small_call(self, function: str, texts: Sequence[str], dtype: DType, lanes: int) -> str:
        """Functions of 16-bit floats that are not f32's rounded (or that LLVM cannot select)."""
        if function == "copysign":
            return floats.copy_sign(self.b, texts[0], texts[1], dtype, lanes)
        if function == "nextafter":
            return floats.next_after(self.b, texts[0], texts[1], dtype, lanes)
        wide = dtypes.float64
        args = [floats.convert(self.b, t, dtype, wide, lanes) for t in texts]
        fused = self.b.intrinsic("llvm.fma", args, wide, lanes)
        return floats.convert(self.b, fused, wide, dtype, lanes)


def _offset(op: str, a: Value, b: Value) -> int:
    """The offset of an operation's result, where offsets pass through it."""
    match op:
        case "add":
            return a.offset + b.offset
        case "sub":
            return a.offset - b.offset
        case "mul" if a.offset or b.offset:
            factor = int(b.const or 0) if a.offset else int(a.const or 0)
            return (a.offset or b.offset) * factor
        case "shl":
            return a.offset << int(b.const or 0) if a.offset else 0
        case _:
            return 0


def _holds(op: str, a: int, b: int) -> bool:
    match op:
        case "eq":
            return a == b
        case "ne":
            return a != b
        case "lt":
            return a < b
        case "le":
            return a <= b
        case "gt":
            return a > b
        case _:
            return a >= b
