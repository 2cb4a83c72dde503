"""Atomic read-modify-writes, served lane by lane in lane order.

Shared memory belongs to one block, and one operating-system thread runs a block, so that plain loads
and stores do there. Global memory takes LLVM's atomic instructions, or a compare-exchange loop where
the target would call a library.
"""

from __future__ import annotations

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.ir import Mem
from accelerx.compiler.llvm import values
from accelerx.compiler.llvm.builder import type_name
from accelerx.compiler.llvm.code import Code
from accelerx.compiler.llvm.expressions import Expressions
from accelerx.compiler.llvm.memory import memory_type
from accelerx.compiler.llvm.serial import Gathered, Spilled, each_lane
from accelerx.compiler.llvm.values import Value, Values, scalar
from accelerx.dtypes import DType, bool_

_NATIVE = {
    "add": "add", "sub": "sub", "and": "and", "or": "or", "xor": "xor", "exch": "xchg",
    "inc": "uinc_wrap", "dec": "udec_wrap",
}  # fmt: skip
_REDUCIBLE = ("add", "sub", "and", "or", "xor", "min", "max", "nanmin", "nanmax")


class Atomics:
    """Emits atomic statements."""

    def __init__(self, code: Code, expressions: Expressions) -> None:
        self.code = code
        self.expressions = expressions

    def emit(self, s: ir.Atomic) -> Values | None:
        """Emits the statement; gives the old values if they are wanted."""
        code = self.code
        mem = code.kernel.mems[s.mem]
        index = self.expressions.evaluate(s.indices[0])
        value = self.expressions.evaluate(s.value)
        compare = None if s.compare is None else self.expressions.evaluate(s.compare)
        out = []
        for i in range(len(code.slots)):
            at, v = _of(index, i), _of(value, i)
            expected = None if compare is None else _of(compare, i)
            if s.result is None and self._reducible(s.op, mem, at):
                self._reduced(s.op, mem, at, v, i)
            else:
                out.append(self._serial(s, mem, at, v, expected, i))
        return tuple(out) if s.result is not None else None

    # ---- lane by lane

    def _serial(
        self, s: ir.Atomic, mem: Mem, index: Value, value: Value, compare: Value | None, i: int
    ) -> Value:
        code = self.code
        mask = code.current()[i]
        every = mask == code.true
        place = self._place(mem, index, i)
        at, v = (Spilled(code, x, known=every) for x in (place, value))
        c = None if compare is None else Spilled(code, compare, known=every)
        result = Gathered(code, mem.dtype) if s.result is not None else None

        def serve(lane: str) -> None:
            pointer = self._pointer(mem, at, lane)
            expected = None if c is None else c.pick(lane)
            old = self.exchange(s.op, mem, pointer, v.pick(lane), expected)
            if result is not None:
                result.put(lane, old)

        if every:
            for number in range(code.width):
                serve(str(number))
        else:
            with each_lane(code, mask) as lane:
                serve(lane)
        if result is None:
            return values.constant(0, mem.dtype)
        text = result.value()
        return scalar(text, mem.dtype) if code.width == 1 else values.vector(text, mem.dtype)

    def _place(self, mem: Mem, index: Value, i: int) -> Value:
        return self.expressions.memory.place(mem, index, i)

    def _pointer(self, mem: Mem, at: Spilled, lane: str) -> str:
        index = scalar(at.pick(lane), at.value.type)
        return self.expressions.memory.pointer(mem, index)

    # ---- one address

    def _reducible(self, op: str, mem: Mem, index: Value) -> bool:
        return (
            self.code.width > 1
            and index.same
            and op in _REDUCIBLE
            and mem.dtype.is_integer
            and mem.space != "local"
        )

    def _reduced(self, op: str, mem: Mem, index: Value, value: Value, i: int) -> None:
        """All lanes meet in one integer: combines them first (exact in any order)."""
        code, b = self.code, self.code.b
        mask, dtype = code.current()[i], mem.dtype
        op = op.removeprefix("nan")
        with code.branch_around(code.any([mask]), "atomic"):
            kind = type_name(dtype, code.width)
            neutral = b.constant(_neutral(op, dtype), dtype, code.width)
            text = code.math.vector(value)
            if mask != code.true:
                text = b.value(f"select {code.flag} {mask}, {kind} {text}, {kind} {neutral}")
            name = {"sub": "add", "min": "smin", "max": "smax"}.get(op, op)
            if not dtype.is_signed and op in ("min", "max"):
                name = "u" + op
            full = f"@llvm.vector.reduce.{name}.v{code.width}{dtype.llvm}"
            b.declare(f"declare {dtype.llvm} {full}({kind})")
            total = b.value(f"call {dtype.llvm} {full}({kind} {text})")
            pointer = self.expressions.memory.pointer(mem, index)
            self.exchange(op, mem, pointer, total, None)

    # ---- the operation itself

    def exchange(self, op: str, mem: Mem, pointer: str, value: str, compare: str | None) -> str:
        """Replaces the element at ``pointer`` and gives its old value (a scalar register)."""
        if mem.space != "global":
            return self._plain(op, mem.dtype, pointer, value, compare)
        if op == "cas":
            assert compare is not None
            return self._compare_exchange(mem.dtype, pointer, compare, value)
        dtype = mem.dtype
        if not dtype.is_float and not dtype.is_bool:
            name = _NATIVE.get(op)
            if name is None:
                name = ("" if dtype.is_signed else "u") + op.removeprefix("nan")
            return self._native(name, dtype, pointer, value)
        if op in ("add", "sub") and dtype.bits >= 32:
            return self._native("f" + op, dtype, pointer, value)
        if op == "exch":
            raw = self._native("xchg", _bits(dtype), pointer, self._to_bits(value, dtype))
            return self._from_bits(raw, dtype)
        return self._loop(op, dtype, pointer, value)

    def _native(self, name: str, dtype: DType, pointer: str, value: str) -> str:
        return self.code.b.value(
            f"atomicrmw {name} ptr {pointer}, {dtype.llvm} {value} monotonic", pure=False
        )

    def _plain(self, op: str, dtype: DType, pointer: str, value: str, compare: str | None) -> str:
        b, kind = self.code.b, memory_type(dtype)
        raw = b.value(f"load {kind.llvm}, ptr {pointer}, align {kind.itemsize}", pure=False)
        old = b.value(f"icmp ne i8 {raw}, 0") if dtype.is_bool else raw
        new = self._combined(op, dtype, old, value, compare)
        stored = b.value(f"zext i1 {new} to i8") if dtype.is_bool else new
        b.effect(f"store {kind.llvm} {stored}, ptr {pointer}, align {kind.itemsize}")
        return old

    def _combined(self, op: str, dtype: DType, old: str, value: str, compare: str | None) -> str:
        """The new value of an element."""
        b, math = self.code.b, self.code.math
        x, y = scalar(old, dtype), scalar(value, dtype)
        kind = dtype.llvm

        def choose(condition: str, then: str, orelse: str) -> str:
            return b.value(f"select i1 {condition}, {kind} {then}, {kind} {orelse}")

        match op:
            case "exch":
                return value
            case "cas":
                assert compare is not None
                bits = _bits(dtype).llvm if not dtype.is_bool else "i1"
                a, c = (old, compare) if dtype.is_bool else (
                    self._to_bits(old, dtype), self._to_bits(compare, dtype)
                )  # fmt: skip
                return choose(b.value(f"icmp eq {bits} {a}, {c}"), value, old)
            case "inc":
                more = b.value(f"add {kind} {old}, 1")
                return choose(b.value(f"icmp uge {kind} {old}, {value}"), "0", more)
            case "dec":
                less = b.value(f"sub {kind} {old}, 1")
                zero = b.value(f"icmp eq {kind} {old}, 0")
                above = b.value(f"icmp ugt {kind} {old}, {value}")
                return choose(b.value(f"or i1 {zero}, {above}"), value, less)
            case _:
                return math.binary(op.removeprefix("nan"), x, y, dtype).text

    def _compare_exchange(self, dtype: DType, pointer: str, compare: str, value: str) -> str:
        b, kind = self.code.b, _bits(dtype).llvm
        expected, new = self._to_bits(compare, dtype), self._to_bits(value, dtype)
        pair = b.value(
            f"cmpxchg ptr {pointer}, {kind} {expected}, {kind} {new} monotonic monotonic",
            pure=False,
        )
        return self._from_bits(b.value(f"extractvalue {{ {kind}, i1 }} {pair}, 0"), dtype)

    def _loop(self, op: str, dtype: DType, pointer: str, value: str) -> str:
        """Tries until nobody else has written in between."""
        code, b, kind = self.code, self.code.b, _bits(dtype).llvm
        seen = code.alloca(kind)
        first = b.value(f"load atomic {kind}, ptr {pointer} monotonic, align {_bits(dtype).itemsize}",
                        pure=False)  # fmt: skip
        b.effect(f"store {kind} {first}, ptr {seen}")
        again, done = b.label("again"), b.label("done")
        b.branch(again)
        code.place(again)
        raw = b.value(f"load {kind}, ptr {seen}", pure=False)
        new = self._combined(op, dtype, self._from_bits(raw, dtype), value, None)
        bits = self._to_bits(new, dtype)
        pair = b.value(
            f"cmpxchg ptr {pointer}, {kind} {raw}, {kind} {bits} monotonic monotonic", pure=False
        )
        b.effect(f"store {kind} {b.value(f'extractvalue {{ {kind}, i1 }} {pair}, 0')}, ptr {seen}")
        b.branch_if(b.value(f"extractvalue {{ {kind}, i1 }} {pair}, 1"), done, again)
        code.place(done)
        return self._from_bits(b.value(f"load {kind}, ptr {seen}", pure=False), dtype)

    def _to_bits(self, text: str, dtype: DType) -> str:
        if dtype.is_bool:
            return self.code.b.value(f"zext i1 {text} to i8")
        return self.code.b.bitcast(text, dtype, _bits(dtype)) if dtype.is_float else text

    def _from_bits(self, text: str, dtype: DType) -> str:
        if dtype.is_bool:
            return self.code.b.value(f"icmp ne i8 {text}, 0")
        return self.code.b.bitcast(text, _bits(dtype), dtype) if dtype.is_float else text


def _of(values_: Values, i: int) -> Value:
    return values_[i] if len(values_) > 1 else values_[0]


def _bits(dtype: DType) -> DType:
    """The integer type that holds an element's bits."""
    return dtypes.uint8 if dtype is bool_ else dtypes.unsigned(dtype)


def _neutral(op: str, dtype: DType) -> int:
    """What changes nothing under ``op``."""
    low = -(1 << (dtype.bits - 1)) if dtype.is_signed else 0
    match op:
        case "and":
            return -1
        case "min":
            return low + (1 << dtype.bits) - 1
        case "max":
            return low
        case _:
            return 0
