"""Places in the user's source, and messages with a caret under them."""

from __future__ import annotations

from dataclasses import dataclass

from accelerx.errors import CompileError, KernelTypeError, UnsupportedKernelError


@dataclass(frozen=True, slots=True, eq=False)
class SourceFile:
    """A text that kernels were written in.

    Attributes:
        name: What error messages call it: a path, ``<stdin>``, ``<ipython-input-3>``, ``kernel.cu``.
        text: The text that ``first_line`` begins; may be a part of the file.
        first_line: Number of the text's first line in the file, from 1.
    """

    name: str
    text: str
    first_line: int = 1

    def line(self, number: int) -> str | None:
        """Line ``number`` of the file, or None if the text does not hold it."""
        lines = self.text.splitlines()
        index = number - self.first_line
        return lines[index] if 0 <= index < len(lines) else None


@dataclass(frozen=True, slots=True, eq=False)
class Loc:
    """A place in a source: line and column from 1; ``end`` is one past the last column.

    ``parent`` is the call site when the code was inlined, ``function`` the inlined function's name.
    """

    source: SourceFile
    line: int
    column: int
    end: int = 0
    parent: Loc | None = None
    function: str = ""

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}:{self.column}"


def render(loc: Loc | None, message: str, hint: str = "", severity: str = "error") -> str:
    """Formats ``file:line:col: error: message`` with source line, caret, inline chain and hint."""
    if loc is None:
        return f"{severity}: {message}" + (f"\n  hint: {hint}" if hint else "")
    out = [f"{loc}: {severity}: {message}"]
    text = loc.source.line(loc.line)
    if text is not None:
        width = max(1, min(loc.end, len(text) + 1) - loc.column)
        pad = "".join("\t" if c == "\t" else " " for c in text[: loc.column - 1])
        out += [f"    {text}", "    " + pad + "^" + "~" * (width - 1)]
    at = loc
    while at.parent is not None:
        out.append(f"  in {at.function or 'a function'}, called from {at.parent}")
        at = at.parent
    if hint:
        out.append(f"  hint: {hint}")
    return "\n".join(out)


def compile_error(loc: Loc | None, message: str, hint: str = "") -> CompileError:
    """A CompileError whose text points at ``loc``."""
    return CompileError(render(loc, message, hint))


def type_error(loc: Loc | None, message: str, hint: str = "") -> KernelTypeError:
    """A KernelTypeError whose text points at ``loc``."""
    return KernelTypeError(render(loc, message, hint))


def unsupported(loc: Loc | None, message: str, hint: str = "") -> UnsupportedKernelError:
    """An UnsupportedKernelError whose text points at ``loc``."""
    return UnsupportedKernelError(render(loc, message, hint))
