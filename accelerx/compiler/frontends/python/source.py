"""A Python function's syntax tree, its text and its names."""

from __future__ import annotations

import ast
import builtins
import inspect
from dataclasses import dataclass, field
from types import CodeType, FunctionType
from typing import Any

from accelerx.compiler.diagnostics import Loc, SourceFile
from accelerx.errors import CompileError

Definition = ast.FunctionDef | ast.Lambda


@dataclass(slots=True, eq=False)
class FunctionSource:
    """One function: where it is written and what its free names mean.

    Attributes:
        names: Free variables' values by name; globals and builtins are looked up behind them.
        lines: The file's lines from ``first_line`` on, as far as the function goes.
        shift: What to add to a line number of the tree to get the file's.
    """

    function: FunctionType
    node: Definition
    file: SourceFile
    lines: list[str]
    shift: int
    names: dict[str, Any]
    locals: frozenset[str]
    _stored: dict[int, frozenset[str]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.function.__name__

    @property
    def body(self) -> list[ast.stmt]:
        node = self.node
        if isinstance(node, ast.FunctionDef):
            return node.body
        return [ast.copy_location(ast.Return(node.body), node.body)]

    def loc(self, node: ast.AST, parent: Loc | None) -> Loc:
        """The place of a node in the file."""
        line: int = node.lineno  # type: ignore[attr-defined]
        column: int = node.col_offset  # type: ignore[attr-defined]
        end: int = node.end_col_offset  # type: ignore[attr-defined]
        number = line + self.shift
        at = number - self.file.first_line
        text = self.lines[at] if 0 <= at < len(self.lines) else ""
        if node.end_lineno != line:  # type: ignore[attr-defined]
            end = len(text.encode()) if not text.isascii() else len(text.rstrip())
        if not text.isascii():
            raw = text.encode()
            column, end = len(raw[:column].decode()), len(raw[:end].decode())
        return Loc(self.file, number, column + 1, end + 1, parent, self.name if parent else "")

    def lookup(self, name: str) -> Any:
        """The object a free name stands for.

        Raises:
            KeyError: if the name is not defined.
        """
        if name in self.names:
            return self.names[name]
        namespace = self.function.__globals__
        if name in namespace:
            return namespace[name]
        return vars(builtins)[name]

    def stored(self, node: ast.stmt) -> frozenset[str]:
        """Names assigned inside a statement, nested statements included."""
        found = self._stored.get(id(node))
        if found is None:
            found = frozenset(
                n.id for n in ast.walk(node) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)
            )
            self._stored[id(node)] = found
        return found


def read(function: FunctionType) -> FunctionSource:
    """Reads the source of a function.

    Raises:
        CompileError: if there is none, as for functions made by ``exec`` from a string.
    """
    code = function.__code__
    try:
        lines, first = inspect.getsourcelines(code)
    except (OSError, TypeError) as e:
        raise CompileError(
            f"cannot read the source of kernel {function.__qualname__!r}, defined in "
            f"{code.co_filename}:{code.co_firstlineno}; define it in a file or a notebook, or put its "
            "text into linecache.cache under that file name"
        ) from e
    first = max(first, 1)
    text = "".join(lines)
    tree, shift = _parse(text, first, function)
    node = _definition(tree, code, shift)
    if node is None:
        raise CompileError(
            f"{code.co_filename}:{first}: error: no definition of {function.__qualname__!r} here; "
            "the file may have changed since it was imported"
        )
    return FunctionSource(
        function,
        node,
        SourceFile(code.co_filename, text, first),
        [line.rstrip("\n") for line in lines],
        shift,
        _closure(function),
        frozenset(code.co_varnames + code.co_cellvars),
    )


def _parse(text: str, first: int, function: FunctionType) -> tuple[ast.Module, int]:
    """Parses a block of lines as it stands; an indented one gets an ``if`` above it."""
    indented = text[:1] in " \t"
    source, shift = ("if 1:\n" + text, first - 2) if indented else (text, first - 1)
    try:
        return ast.parse(source), shift
    except SyntaxError as e:
        raise CompileError(
            f"{function.__code__.co_filename}:{first}: error: cannot parse the lines that define "
            f"{function.__qualname__!r}: {e.msg}; give it a def statement of its own"
        ) from e


def _definition(tree: ast.Module, code: CodeType, shift: int) -> Definition | None:
    """The definition that ``code`` was compiled from."""
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            return node
        if isinstance(node, ast.Lambda) and code.co_name == "<lambda>":
            arguments = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
            if tuple(a.arg for a in arguments) == names and _inside(node, code, shift):
                return node
    return None


def _inside(node: ast.Lambda, code: CodeType, shift: int) -> bool:
    """Whether the code's instructions lie within a lambda; two may share a line."""
    body = node.body
    start = (body.lineno + shift, body.col_offset)
    end = ((body.end_lineno or body.lineno) + shift, body.end_col_offset or 0)
    for line, _, column, _ in code.co_positions():
        if line is not None and column is not None and line > code.co_firstlineno - 1 and column:
            return start <= (line, column) <= end
    return False


def _closure(function: FunctionType) -> dict[str, Any]:
    names: dict[str, Any] = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            names[name] = cell.cell_contents
        except ValueError:  # a name its scope has not assigned yet: undefined here
            continue
    return names
