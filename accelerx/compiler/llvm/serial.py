"""Doing something for one lane after the other, in lane order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from accelerx.compiler.llvm.builder import type_name
from accelerx.compiler.llvm.code import CACHE_LINE, Code
from accelerx.compiler.llvm.integers import resize
from accelerx.compiler.llvm.memory import bits_type
from accelerx.compiler.llvm.values import Value
from accelerx.compiler.passes.fold import wrap
from accelerx.dtypes import DType, int32


class Spilled:
    """A value whose lanes can be picked one by one.

    Args:
        code: The code being emitted.
        value: The value.
        known: Whether all lanes will be picked by numbers known now; otherwise it goes to memory.
    """

    def __init__(self, code: Code, value: Value, *, known: bool = False) -> None:
        self.code = code
        self.value = value
        self.pointer = ""
        if value.lane.stride is None and code.width > 1 and not known:
            kind = type_name(value.type, code.width)
            if value.type.is_bool:
                self.pointer = _store_flags(code, value)
            else:
                self.pointer = code.alloca(kind, CACHE_LINE)
                code.b.effect(f"store {kind} {value.text}, ptr {self.pointer}")

    def pick(self, lane: str) -> str:
        """The scalar of lane number ``lane`` (i32)."""
        value, code = self.value, self.code
        if value.lane.stride is None and not self.pointer and code.width > 1:
            kind = type_name(value.type, code.width)
            return code.b.value(f"extractelement {kind} {value.text}, i32 {lane}")
        if not self.pointer:
            if not value.lane.stride:
                return value.text
            base = code.math.base(value)
            number = resize(code.b, lane, int32, value.type, 1)
            step = code.b.binary(
                "mul", number, str(wrap(value.lane.stride, value.type)), value.type
            )
            return code.b.binary("add", base, step, value.type)
        kind = "i8" if value.type.is_bool else value.type.llvm
        at = code.b.value(f"getelementptr {kind}, ptr {self.pointer}, i32 {lane}")
        text = code.b.value(f"load {kind}, ptr {at}", pure=False)
        return code.b.value(f"icmp ne i8 {text}, 0") if value.type.is_bool else text


def _store_flags(code: Code, value: Value) -> str:
    kind = f"<{code.width} x i8>"
    pointer = code.alloca(kind, CACHE_LINE)
    bytes_ = code.b.value(f"zext {code.flag} {value.text} to {kind}")
    code.b.effect(f"store {kind} {bytes_}, ptr {pointer}")
    return pointer


class Gathered:
    """A result put together lane by lane."""

    def __init__(self, code: Code, dtype: DType) -> None:
        self.code = code
        self.dtype = dtype
        self.item = "i8" if dtype.is_bool else dtype.llvm
        self.kind = self.item if code.width == 1 else f"<{code.width} x {self.item}>"
        self.pointer = code.alloca(self.kind, CACHE_LINE)
        code.b.effect(f"store {self.kind} zeroinitializer, ptr {self.pointer}")

    def put(self, lane: str, text: str) -> None:
        b = self.code.b
        if self.dtype.is_bool:
            text = b.value(f"zext i1 {text} to i8")
        at = b.value(f"getelementptr {self.item}, ptr {self.pointer}, i32 {lane}")
        b.effect(f"store {self.item} {text}, ptr {at}")

    def value(self) -> str:
        """All lanes, as a register."""
        b = self.code.b
        text = b.value(f"load {self.kind}, ptr {self.pointer}", pure=False)
        return (
            b.value(f"icmp ne {self.kind} {text}, zeroinitializer") if self.dtype.is_bool else text
        )


@contextmanager
def each_lane(code: Code, mask: str) -> Iterator[str]:
    """Emits the body as a loop over the lanes of a mask; gives the lane's number (i32)."""
    if code.width == 1:
        if mask == code.true:
            yield "0"
        else:
            with code.branch_around(mask, "lane"):
                yield "0"
        return
    b, width = code.b, code.width
    bits = f"i{width}"
    rest = code.alloca(bits)
    b.effect(f"store {bits} {code.bits(mask)}, ptr {rest}")
    head, body, end = b.label("lanes"), b.label("lane"), b.label("end")
    b.branch(head)
    code.place(head)
    left = b.value(f"load {bits}, ptr {rest}", pure=False)
    b.branch_if(b.value(f"icmp ne {bits} {left}, 0"), body, end)
    code.place(body)
    b.declare(f"declare {bits} @llvm.cttz.{bits}({bits}, i1)")
    number = b.value(f"call {bits} @llvm.cttz.{bits}({bits} {left}, i1 true)")
    yield resize(b, number, bits_type(width), int32, 1)
    less = b.value(f"sub {bits} {left}, 1")
    b.effect(f"store {bits} {b.value(f'and {bits} {left}, {less}')}, ptr {rest}")
    b.branch(head)
    code.place(end)
