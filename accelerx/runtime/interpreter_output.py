"""What kernels print: the text of a Print statement, and values in the form that site hooks take."""

from __future__ import annotations

import re
import struct

from accelerx.compiler import ir
from accelerx.dtypes import DType

_SPEC = re.compile(
    r"%(?P<flags>[-+ #0]*\d*(?:\.\d*)?)(?:hh|h|ll|l|j|z|t|L)?(?P<conversion>[a-zA-Z%])"
)
Number = int | float | bool


def value_types(s: ir.Print | ir.Assert) -> tuple[DType, ...]:
    """Types of the values a Print or Assert shows."""
    parts = s.parts if isinstance(s, ir.Print) else s.values
    return tuple(p.type for p in parts if not isinstance(p, str))


def encode(values: tuple[Number, ...], types: tuple[DType, ...]) -> tuple[int, ...]:
    """Values as 64-bit words: integers as they are, floats as the bits of a double."""
    return tuple(
        struct.unpack("<q", struct.pack("<d", v))[0]
        if t.is_float
        else struct.unpack("<q", struct.pack("<Q", int(v) & 0xFFFFFFFFFFFFFFFF))[0]
        for v, t in zip(values, types, strict=True)
    )


def print_text(s: ir.Print, values: tuple[Number, ...]) -> str:
    """What one thread's Print writes, the newline included where the statement ends a line."""
    if s.format is not None:
        return c_format(s.format, values, value_types(s))
    rest = iter(values)
    words = [p if isinstance(p, str) else _plain(next(rest)) for p in s.parts]
    return " ".join(words) + "\n"


def message_text(message: str, values: tuple[Number, ...]) -> str:
    """An assert's message with its values in the places ``{0}``, ``{1}``."""
    for n, value in enumerate(values):
        message = message.replace(f"{{{n}}}", str(value))
    return message


def c_format(text: str, values: tuple[Number, ...], types: tuple[DType, ...]) -> str:
    """C's printf for numbers."""
    rest = iter(zip(values, types, strict=True))

    def one(match: re.Match[str]) -> str:
        flags, conversion = match["flags"], match["conversion"]
        if conversion == "%":
            return "%"
        value, dtype = next(rest, (0, None))
        if dtype is None:
            return match[0]  # fewer values than places: C leaves it undefined, we show the place
        if conversion in "diuxXoc":
            value = int(value)
            if conversion in "uxXo" and value < 0:
                value &= (1 << max(dtype.bits, 32)) - 1
            return f"%{flags}{'d' if conversion in 'iu' else conversion}" % value
        if conversion in "eEfFgG":
            return f"%{flags}{conversion}" % float(value)
        if conversion in "aA":
            return float(value).hex()
        return hex(int(value)) if conversion == "p" else str(value)

    return _SPEC.sub(one, text)


def _plain(value: Number) -> str:
    return f"{value:f}" if isinstance(value, float) else str(value)
