"""Sites: the places of a kernel that speak to the host while it runs, prints and failed checks.

A site is plain data, so that it can lie in the disk cache beside the code that calls it.
"""

from __future__ import annotations

import importlib
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from accelerx.compiler.diagnostics import Loc, render
from accelerx.dtypes import BY_SHORT, DType
from accelerx.errors import KernelAssertionError
from accelerx.runtime.backend import Dim3

DIVERGED = "barrier in divergent flow: this thread of the block did not arrive with the others"
APART = "barrier of the whole grid: others wait at it, this thread has ended or is elsewhere"
APART_HINT = "all threads of all blocks must reach it; guard the work between such barriers instead"
DIVERGED_HINT = (
    "all threads of a block that have not returned must reach the same barrier; move it out of the "
    "branch"
)


@dataclass(frozen=True, slots=True)
class Site:
    """One print or check.

    Attributes:
        kind: ``print``, ``assert``, ``bounds``, ``barrier``, ...
        text: A print's C format string (None: its parts, in Python's manner), a check's message.
        parts: A print's strings, with None where a value goes.
        types: Short dtype names of the values.
        report: A check's place in the source with the line and a caret, ``{}`` where the message goes.
    """

    kind: str
    text: str | None
    parts: tuple[str | None, ...]
    types: tuple[str, ...]
    report: str = ""

    @staticmethod
    def of(statement: Any, kernel_loc: Loc | None) -> Site:
        """The site of a print, an assert, or a barrier that checks who arrives."""
        match type(statement).__name__:  # by name: KIR's classes are not worth importing here
            case "Print":
                parts = tuple(p if isinstance(p, str) else None for p in statement.parts)
                types = tuple(p.type.short for p in statement.parts if not isinstance(p, str))
                return Site("print", statement.format, parts, types)
            case "Assert":
                types = tuple(value.type.short for value in statement.values)
                report = _report(statement.loc or kernel_loc)
                return Site(statement.kind, statement.message, (), types, report)
        loc = statement.loc or kernel_loc
        text, hint = (APART, APART_HINT) if statement.kind == "grid" else (DIVERGED, DIVERGED_HINT)
        return Site("barrier", text, (), (), _report(loc, hint))

    def as_row(self) -> list[Any]:
        """The site as JSON values."""
        return [self.kind, self.text, list(self.parts), list(self.types), self.report]

    @staticmethod
    def from_row(row: Sequence[Any]) -> Site:
        kind, text, parts, types, report = row
        return Site(kind, text, tuple(parts), tuple(types), report)

    def values(self, words: Sequence[int]) -> tuple[int | float | bool, ...]:
        """The values in the 64-bit words that a kernel hands over."""
        rows = [BY_SHORT[name] for name in self.types]
        return tuple(_decode(word, row) for word, row in zip(words, rows, strict=True))

    def print_text(self, values: Sequence[int | float | bool]) -> str:
        """What one thread's print writes."""
        if self.text is not None:
            rows = tuple(BY_SHORT[name] for name in self.types)
            return str(_output().c_format(self.text, tuple(values), rows))
        rest = iter(values)
        return " ".join(p if p is not None else _plain(next(rest)) for p in self.parts) + "\n"

    def error(
        self, kernel: str, block: Dim3, thread: Dim3, values: Sequence[int | float | bool]
    ) -> KernelAssertionError:
        """The exception of a failed check."""
        text = _output().message_text(self.text or "check failed", tuple(values))
        where = f"(kernel {kernel}, block {tuple(block)}, thread {tuple(thread)})"
        return KernelAssertionError(self.report.format(f"{text} {where}"))


class SiteReporter:
    """What a loaded function calls for its sites: writes prints, raises failed checks."""

    def __init__(self, kernel: str, sites: Sequence[Site]) -> None:
        self.kernel = kernel
        self.sites = tuple(sites)

    def __call__(self, site: int, block: Dim3, thread: Dim3, words: tuple[int, ...]) -> bool:
        row = self.sites[site]
        values = row.values(words)
        if row.kind != "print":
            raise row.error(self.kernel, block, thread, values)
        sys.stdout.write(row.print_text(values))
        return False


def _output() -> Any:
    """How the interpreter formats; imported by the first print."""
    return importlib.import_module("accelerx.runtime.interpreter_output")


def _report(loc: Loc | None, hint: str = "") -> str:
    text = render(loc, "\0", hint).replace("{", "{{").replace("}", "}}")
    return text.replace("\0", "{}")


def _decode(word: int, dtype: DType) -> int | float | bool:
    if dtype.is_float:
        (value,) = struct.unpack("<d", struct.pack("<Q", word & 0xFFFFFFFFFFFFFFFF))
        return float(value)
    if dtype.is_bool:
        return bool(word)
    word &= 0xFFFFFFFFFFFFFFFF
    if dtype.is_signed and word >> 63:
        word -= 1 << 64
    return word


def _plain(value: int | float | bool) -> str:
    return f"{value:f}" if isinstance(value, float) else str(value)
