"""A small writer of LLVM IR text: numbered values, labels, declarations, reuse of pure values.

Text is parsed by LLVM faster than an object tree is built in Python, and it is what one reads when
something is wrong. A value is its name (``%7``) or a constant's spelling; its type is known to the
caller, as a DType and a number of lanes (1 means a scalar).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from accelerx.dtypes import DType


def type_name(dtype: DType, lanes: int = 1) -> str:
    """``float`` or ``<16 x float>``."""
    return dtype.llvm if lanes == 1 else f"<{lanes} x {dtype.llvm}>"


def suffix(dtype: DType, lanes: int = 1) -> str:
    """The type suffix of an overloaded LLVM intrinsic: ``f32``, ``v16f32``, ``v16i1``."""
    base = dtype.llvm if not dtype.is_float or dtype.llvm.startswith("i") else dtype.short
    return base if lanes == 1 else f"v{lanes}{base}"


def constant(value: float | int | bool, dtype: DType) -> str:
    """A scalar constant's spelling; floats are written as bits, so every value survives."""
    if dtype.is_bool:
        return "true" if value else "false"
    if not dtype.is_float:
        return str(int(value))
    value = float(value)
    match dtype.short:
        case "f64":
            return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"
        case "f32":  # LLVM writes a float as the double of the same value
            value = struct.unpack("<f", struct.pack("<f", value))[0]
            return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"
        case "f16":
            return f"0xH{struct.unpack('<H', struct.pack('<e', value))[0]:04X}"
        case _:  # bf16: round to nearest even on the upper half of the float32
            bits = struct.unpack("<I", struct.pack("<f", value))[0]
            if value == value:
                bits += 0x7FFF + (bits >> 16 & 1)
            return str(bits >> 16 & 0xFFFF)


class Builder:
    """Collects the text of one function.

    Attributes:
        lines: The body so far.
        declarations: Functions of the module that the body calls, as ``declare`` lines, in order.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.declarations: dict[str, None] = {}
        self._values = 0
        self._labels = 0
        self._known: dict[str, str] = {}
        self._truncations: set[str] = set()

    def value(self, text: str, *, pure: bool = True) -> str:
        """Appends ``%n = text`` and gives ``%n``; an equal pure value of this basic block is reused."""
        if pure and (known := self._known.get(text)) is not None:
            return known
        name = f"%v{self._values}"
        self._values += 1
        self.lines.append(f"  {name} = {text}")
        if pure:
            self._known[text] = name
        if text.startswith("trunc "):
            self._truncations.add(name)
        return name

    def effect(self, text: str) -> None:
        """Appends an instruction without a value."""
        self.lines.append(f"  {text}")

    def declare(self, text: str) -> None:
        """Declares a function: ``declare float @llvm.fabs.f32(float)``."""
        self.declarations[text] = None

    def label(self, stem: str) -> str:
        """A new label's name."""
        self._labels += 1
        return f"{stem}{self._labels}"

    def place(self, label: str) -> None:
        """Begins the basic block ``label``."""
        self.lines.append(f"{label}:")
        self._known = {}

    def branch(self, label: str) -> None:
        self.effect(f"br label %{label}")

    def branch_if(self, condition: str, then: str, orelse: str) -> None:
        self.effect(f"br i1 {condition}, label %{then}, label %{orelse}")

    def constant(self, value: float | int | bool, dtype: DType, lanes: int = 1) -> str:
        """A constant in every lane."""
        text = constant(value, dtype)
        return text if lanes == 1 else f"splat ({dtype.llvm} {text})"

    def splat(self, scalar: str, dtype: DType, lanes: int) -> str:
        """A scalar value in every lane."""
        if lanes == 1:
            return scalar
        if not scalar.startswith("%"):
            return f"splat ({dtype.llvm} {scalar})"
        vector = type_name(dtype, lanes)
        first = self.value(f"insertelement {vector} poison, {dtype.llvm} {scalar}, i64 0")
        zeros = f"<{lanes} x i32> zeroinitializer"
        return self.value(f"shufflevector {vector} {first}, {vector} poison, {zeros}")

    def binary(self, opcode: str, left: str, right: str, dtype: DType, lanes: int = 1) -> str:
        """``opcode`` may carry flags: ``fadd contract``, ``mul nsw``."""
        return self.value(f"{opcode} {type_name(dtype, lanes)} {left}, {right}")

    def intrinsic(
        self, name: str, arguments: Sequence[str], dtype: DType, lanes: int = 1, flags: str = ""
    ) -> str:
        """Calls an LLVM intrinsic overloaded on one type: ``intrinsic("llvm.fma", [a, b, c], f32)``."""
        kind = type_name(dtype, lanes)
        full = f"{name}.{suffix(dtype, lanes)}"
        self.declare(f"declare {kind} @{full}({', '.join([kind] * len(arguments))})")
        passed = ", ".join(f"{kind} {a}" for a in arguments)
        return self.value(f"call {flags + ' ' if flags else ''}{kind} @{full}({passed})")

    def bitcast(self, value: str, source: DType, target: DType, lanes: int = 1) -> str:
        if source.llvm == target.llvm:
            return value
        return self.value(
            f"bitcast {type_name(source, lanes)} {value} to {type_name(target, lanes)}"
        )

    def truncates(self, value: str) -> bool:
        """Whether a value is the result of a truncation."""
        return value in self._truncations

    def opaque(self, value: str, dtype: DType, lanes: int) -> str:
        """A vector of integers whose origin LLVM does not see; takes no instruction."""
        if not value.startswith("%"):
            return value
        kind, bits = type_name(dtype, lanes), lanes * dtype.bits
        fenced, short = ("half", "f16") if bits < 32 else ("float", "f32")  # fences are for floats
        if bits > 32:
            fenced, short = f"<{bits // 32} x float>", f"v{bits // 32}f32"
        name = f"@llvm.arithmetic.fence.{short}"
        self.declare(f"declare {fenced} {name}({fenced})")
        bare = self.value(f"bitcast {kind} {value} to {fenced}")
        bare = self.value(f"call {fenced} {name}({fenced} {bare})")
        return self.value(f"bitcast {fenced} {bare} to {kind}")

    def widened(self, value: str, item: str, lanes: int, rest: str = "poison") -> str:
        """A vector with as many lanes more, which hold ``rest``."""
        kind = f"<{lanes} x {item}>"
        every = ", ".join(f"i32 {i}" for i in range(2 * lanes))
        both = f"{kind} {value}, {kind} {rest}, <{2 * lanes} x i32> <{every}>"
        return self.value(f"shufflevector {both}")
