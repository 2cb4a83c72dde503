"""What the instructions of an asm statement work on: registers, operands, addresses.

Registers are KIR locals: the statement's operands, and what the text itself declares. A register
holds bits; an instruction reads and writes them as its own type.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.frontends.cuda_cpp import types as ctypes
from accelerx.compiler.frontends.cuda_cpp.build import BITS, UNSIGNED, Build, Lifter
from accelerx.compiler.frontends.cuda_cpp.builtins_threads import clock
from accelerx.compiler.frontends.cuda_cpp.clang import Cursor
from accelerx.compiler.frontends.cuda_cpp.values import Pointer
from accelerx.dtypes import DType, bool_, int32, uint32, uint64

TYPES: dict[str, DType] = {
    "pred": dtypes.bool_,
    "b8": dtypes.uint8, "u8": dtypes.uint8, "s8": dtypes.int8,
    "b16": dtypes.uint16, "u16": dtypes.uint16, "s16": dtypes.int16,
    "b32": dtypes.uint32, "u32": dtypes.uint32, "s32": dtypes.int32,
    "b64": dtypes.uint64, "u64": dtypes.uint64, "s64": dtypes.int64,
    "f16": dtypes.float16, "bf16": dtypes.bfloat16, "f32": dtypes.float32, "f64": dtypes.float64,
}  # fmt: skip
SIGNED = {8: dtypes.int8, **BITS}
_FLOAT = re.compile(r"0[fF][0-9a-fA-F]{8}|0[dD][0-9a-fA-F]{16}")


class Refusal(Exception):
    """An instruction that cannot be written in KIR; the text says what about it."""


@dataclass(slots=True)
class Instruction:
    """One PTX instruction.

    Attributes:
        text: The whole of it.
        opcode: Its name before the first dot.
        modifiers: What follows the dots.
        operands: Texts of the operands; ``{a, b}`` and ``[address]`` are one each.
    """

    text: str
    opcode: str
    modifiers: list[str]
    operands: list[str]

    def has(self, *modifiers: str) -> bool:
        """Whether any of the modifiers is there."""
        return any(m in self.modifiers for m in modifiers)

    def dtype(self) -> DType:
        """The type it works on: its last modifier."""
        found = TYPES.get(self.modifiers[-1]) if self.modifiers else None
        if found is None:
            raise Refusal("its type")
        return found


@dataclass(slots=True)
class Assembly:
    """An asm statement being lifted.

    Attributes:
        lifter: Takes the statements.
        cursor: The asm statement.
        build: Makes expressions.
        registers: Locals, constants and pointers by name.
    """

    lifter: Lifter
    cursor: Cursor
    build: Build
    registers: dict[str, ir.Expr | Pointer] = field(default_factory=dict)

    def declare(self, name: str, dtype: DType) -> ir.Local:
        """A new register."""
        local = self.lifter.temporary("ptx" + re.sub(r"\W", "", name), dtype)
        self.registers[name] = found = ir.Local(local, dtype, self.build.loc)
        return found

    def value(self, text: str, dtype: DType) -> ir.Expr:
        """What an operand holds, as ``dtype``."""
        held = self.registers.get(text)
        if isinstance(held, Pointer):
            raise Refusal(f"the address '{text}' used as a number")
        if held is not None:
            return self.converted(held, dtype)
        if text.startswith("{"):
            return self._joined(parts(text), dtype)
        if text.startswith("!"):
            return self.build.negated(self.value(text[1:], bool_))
        special = SPECIALS.get(text)
        return self.converted(special(self), dtype) if special else self._number(text, dtype)

    def converted(self, value: ir.Expr, dtype: DType) -> ir.Expr:
        """The bits of a value as another type: zero-extended to more, cut off to fewer."""
        if value.type is dtype:
            return value
        if dtype.is_bool or value.type.is_bool:
            raise Refusal("a predicate used as a number")
        word = self.build.bits(value, UNSIGNED[value.type.bits])
        return self.build.bits(self.build.cast(word, UNSIGNED[dtype.bits]), dtype)

    def assign(self, text: str, value: ir.Expr) -> None:
        """Writes a register, or several side by side."""
        if text == "_":
            return
        if text.startswith("{"):
            self._split(parts(text), value)
            return
        held = self.registers.get(text)
        if not isinstance(held, ir.Local):
            raise Refusal(f"a result in '{text}'")
        value = self.converted(value, held.type)
        self.lifter.emit(ir.Assign(held.name, value, self.build.loc))

    def pointer(self, text: str, dtype: DType) -> Pointer:
        """The address in ``[register + bytes]``, as a pointer to ``dtype``."""
        name, _, offset = text.strip("[] \t\n").partition("+")
        held = self.registers.get(name.strip())
        if not isinstance(held, Pointer):
            raise Refusal(f"the address '{text}', which is no pointer operand of the statement")
        pointer = self.lifter.retyped(held, ctypes.Scalar(dtypes.uint8))
        if offset.strip():
            pointer = self.lifter.moved(pointer, ir.Const(int(offset, 0), int32))
        return self.lifter.retyped(pointer, ctypes.Scalar(dtype))

    def _joined(self, names: list[str], dtype: DType) -> ir.Expr:
        """Registers side by side, the first one lowest."""
        bits, whole = dtype.bits // len(names), UNSIGNED[dtype.bits]
        total: ir.Expr = self.build.const(0, whole)
        for number, name in enumerate(names):
            part = self.build.cast(self.value(name, UNSIGNED[bits]), whole)
            total = self.build.binary("or", total, self.build.binary("shl", part, bits * number))
        return self.build.bits(total, dtype)

    def _split(self, names: list[str], value: ir.Expr) -> None:
        bits = value.type.bits // len(names)
        word = self.lifter.spill(self.build.bits(value, UNSIGNED[value.type.bits]), "word")
        for number, name in enumerate(names):
            part = self.build.binary("shr", word, bits * number)
            self.assign(name, self.build.cast(part, UNSIGNED[bits]))

    def _number(self, text: str, dtype: DType) -> ir.Expr:
        if _FLOAT.fullmatch(text):
            word = UNSIGNED[32 if text[1] in "fF" else 64]
            return self.converted(self.build.const(int(text[2:], 16), word), dtype)
        try:
            if dtype.is_float:
                return self.build.const(float(text), dtype)
            value = int(re.sub(r"^(-?)0(?=[0-7])", r"\g<1>0o", text.rstrip("Uu")), 0)
        except ValueError:
            raise Refusal(f"the operand '{text}'") from None
        if dtype.is_bool:
            return self.build.const(bool(value), bool_)
        word = UNSIGNED[dtype.bits]
        return self.build.cast(self.build.const(value % (1 << dtype.bits), word), dtype)


Rule = Callable[[Assembly, Instruction], None]


def widened(a: Assembly, value: ir.Expr, name: str) -> ir.Expr:
    """A narrow integer, sign-extended to its register."""
    held = a.registers.get(name)
    if isinstance(held, ir.Local) and value.type.is_integer and held.type.bits > value.type.bits:
        signs = SIGNED if value.type.is_signed else UNSIGNED
        return a.build.cast(value, signs[held.type.bits])
    return value


def parts(text: str) -> list[str]:
    """The registers in braces."""
    return [part.strip() for part in text.strip("{} \t\n").split(",")]


# ------------------------------------------------------------------------------ special registers


def _coordinate(kind: ir.SpecialKind, axis: int) -> Callable[[Assembly], ir.Expr]:
    return lambda assembly: assembly.build.cast(ir.Special(kind, axis), uint32)


def _lane_mask(op: str) -> Callable[[Assembly], ir.Expr]:
    """The lanes before this one, after it, or itself."""

    def row(assembly: Assembly) -> ir.Expr:
        build = assembly.build
        lane = build.cast(ir.Special("lane"), uint32)
        one = build.keep(build.binary("shl", build.const(1, uint32), lane))
        below = build.keep(build.sub(one, 1))
        through = build.binary("or", below, one)
        return {
            "eq": one,
            "lt": below,
            "le": through,
            "ge": build.invert(below),
            "gt": build.invert(through),
        }[op]

    return row


def _clock(kind: ir.ClockKind, dtype: DType) -> Callable[[Assembly], ir.Expr]:
    return lambda assembly: clock(assembly.lifter, assembly.cursor, kind, dtype)


def _constant(value: int) -> Callable[[Assembly], ir.Expr]:
    return lambda assembly: assembly.build.const(value, uint32)


_COORDINATES: dict[str, ir.SpecialKind] = {
    "tid": "thread", "ntid": "block_dim", "ctaid": "block", "nctaid": "grid_dim",
}  # fmt: skip
SPECIALS: dict[str, Callable[[Assembly], ir.Expr]] = {
    **{
        f"%{name}.{axis}": _coordinate(kind, number)
        for name, kind in _COORDINATES.items()
        for number, axis in enumerate("xyz")
    },
    **{f"%lanemask_{op}": _lane_mask(op) for op in ("eq", "lt", "le", "gt", "ge")},
    "%laneid": _coordinate("lane", 0),
    "%warpid": _coordinate("warp", 0),
    "%smid": _constant(0),  # one processor runs everything, as far as a kernel can tell
    "%nsmid": _constant(1),
    "%clock": _clock("cycles", uint32),
    "%clock64": _clock("cycles", uint64),
    "%globaltimer": _clock("nanoseconds", uint64),
}
