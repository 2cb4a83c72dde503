"""A Python function's syntax tree, its text and its names."""

from __future__ import annotations

import ast
import builtins
import inspect
import linecache
from collections.abc import Sequence
from dataclasses import dataclass
from types import FunctionType
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
    _names: _Names | None = None

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

    def stored_in(self, nodes: Sequence[ast.AST]) -> frozenset[str]:
        """Names assigned inside some nodes, nested statements included."""
        return frozenset(
            n.id
            for node in nodes
            for n in ast.walk(node)
            if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)
        )

    def read_outside(self, loop: ast.For, name: str) -> bool:
        """Whether a for loop's variable may be read after the loop without a new assignment.

        Reads in other for loops over the same name do not count, nor do reads before the loop, unless
        a loop around both leads back to them.
        """
        if self._names is None:
            self._names = _Names(self.node)
        return self._names.read_outside(loop, name)


class _Names(ast.NodeVisitor):
    """Where a function reads which names, and where its loops are."""

    def __init__(self, node: Definition) -> None:
        self.reads: dict[str, list[ast.AST]] = {}
        self.loops: list[ast.For | ast.While] = []
        self.visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.reads.setdefault(node.id, []).append(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.reads.setdefault(node.target.id, []).append(node.target)
        self.generic_visit(node)

    def visit_For(self, node: ast.For) -> None:
        self.loops.append(node)
        self.generic_visit(node)

    def visit_While(self, node: ast.While) -> None:
        self.loops.append(node)
        self.generic_visit(node)

    def read_outside(self, loop: ast.For, name: str) -> bool:
        rebinding = [
            other
            for other in self.loops
            if isinstance(other, ast.For)
            and isinstance(other.target, ast.Name)
            and other.target.id == name
        ]
        around = [o for o in self.loops if _contains(o, loop) and o not in rebinding]
        beside = [o for o in rebinding if not _contains(o, loop)]
        for read in self.reads.get(name, ()):
            if _in_body(loop, read) or any(_in_body(other, read) for other in beside):
                continue
            if _start(read) > _end(loop.body[-1]) or any(
                _contains(other, read) for other in around
            ):
                return True
        return False


def _start(node: ast.AST) -> tuple[int, int]:
    return node.lineno, node.col_offset  # type: ignore[attr-defined]


def _end(node: ast.AST) -> tuple[int, int]:
    return node.end_lineno, node.end_col_offset  # type: ignore[attr-defined]


def _contains(outer: ast.AST, inner: ast.AST) -> bool:
    return _start(outer) <= _start(inner) and _end(inner) <= _end(outer)


def _in_body(loop: ast.For, node: ast.AST) -> bool:
    """Whether a node is in a loop's body, where its variable is set."""
    return _start(loop.body[0]) <= _start(node) and _end(node) <= _end(loop.body[-1])


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
    node, shift = _lambda(function) if code.co_name == "<lambda>" else _def(text, first, function)
    return FunctionSource(
        function,
        node,
        SourceFile(code.co_filename, text, first),
        [line.rstrip("\n") for line in lines],
        shift,
        _closure(function),
        frozenset(code.co_varnames + code.co_cellvars),
    )


_LINES_OF_BRACKETS = 8  # how far below a lambda's body the brackets around it may close


def _def(text: str, first: int, function: FunctionType) -> tuple[ast.FunctionDef, int]:
    """The def statement in a block of lines; an indented one gets an ``if`` above it."""
    code = function.__code__
    indented = text[:1] in " \t"
    source, shift = ("if 1:\n" + text, first - 2) if indented else (text, first - 1)
    try:
        tree = ast.parse(source)
    except SyntaxError as e:
        raise _unreadable(function, e.msg) from e
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            return node, shift
    raise _unreadable(function, "no such definition; did the file change after its import?")


def _lambda(function: FunctionType) -> tuple[ast.Lambda, int]:
    """The lambda expression a function was made by, cut out of whatever is around it.

    The code's positions give the body's span; the word before it begins the expression, and the
    first end from the body's on that makes it parse ends it (the body may be in parentheses).
    """
    code = function.__code__
    lines = linecache.getlines(code.co_filename, function.__globals__)
    spans = [p for p in code.co_positions() if p[0] and p[2] is not None and p[3]]
    line, column = min((p[0] or 0, p[2] or 0) for p in spans)
    last, end = max((p[1] or 0, p[3] or 0) for p in spans)
    before = "".join([*lines[code.co_firstlineno - 1 : line - 1], lines[line - 1][:column]])
    at = before.rfind("lambda")
    if at < 0:
        raise _unreadable(function, "give it a def statement of its own")
    text = "".join(lines[code.co_firstlineno - 1 : last])
    least = len(text) - len(lines[last - 1]) + end
    text += "".join(lines[last : last + _LINES_OF_BRACKETS])
    blank = "".join(c if c == "\n" else " " for c in text[: max(at - 1, 0)])
    for stop in range(least, len(text) + 1):
        try:
            tree = ast.parse(f"if 1:\n{blank}({text[at:stop]})")
        except SyntaxError:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Lambda):
                return node, code.co_firstlineno - 2
    raise _unreadable(function, "give it a def statement of its own")


def _unreadable(function: FunctionType, why: str) -> CompileError:
    code = function.__code__
    return CompileError(
        f"{code.co_filename}:{code.co_firstlineno}: error: cannot parse the definition of "
        f"{function.__qualname__!r}: {why}"
    )


def _closure(function: FunctionType) -> dict[str, Any]:
    names: dict[str, Any] = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            names[name] = cell.cell_contents
        except ValueError:  # a name its scope has not assigned yet: undefined here
            continue
    return names
