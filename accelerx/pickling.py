"""Functions as source text: kernels that travel to other processes, and those of an interactive session.

A kernel that can be imported is pickled by name. Any other is pickled as its source text, the values
of the names it uses, and its closure; on the other side it is compiled from that text again, which
is put where tracebacks and the front end look for source.

A function typed at Python's prompt, piped in or given with ``-c`` has no file. ``keep_source`` finds its
lines while they can be found and keeps them the same way.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import inspect
import itertools
import linecache
import os
import sys
import textwrap
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from accelerx.fingerprint import names_of


@dataclass(frozen=True, slots=True)
class ModuleName:
    """Stands for a module among pickled values."""

    name: str


@dataclass(frozen=True, slots=True)
class FunctionData:
    """A function without its code object."""

    source: str
    file: str
    module: str
    qualname: str
    globals: dict[str, Any]
    closure: dict[str, Any]
    defaults: tuple[Any, ...] | None


def importable(obj: Any) -> bool:
    """Whether ``obj`` is what its module holds under its qualified name, in every process.

    The main program is another one in another process, so what it defines is not importable.
    """
    if obj.__module__ == "__main__":
        return False
    found: Any = sys.modules.get(obj.__module__)
    for part in obj.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is obj


def dump_function(function: Callable[..., Any]) -> FunctionData:
    """A function as data.

    Raises:
        OSError: if its source cannot be read.
    """
    assert isinstance(function, types.FunctionType)
    code = function.__code__
    lines, _ = inspect.getsourcelines(code)
    used = names_of(code)
    known = function.__globals__
    cells = zip(code.co_freevars, function.__closure__ or (), strict=True)
    return FunctionData(
        textwrap.dedent("".join(lines)),
        code.co_filename,
        function.__module__,
        function.__qualname__,
        {name: _portable(known[name]) for name in sorted(used) if name in known},
        {name: _portable(cell.cell_contents) for name, cell in cells},
        function.__defaults__,
    )


def load_function(data: FunctionData) -> Callable[..., Any]:
    """The function made from its source again."""
    digest = hashlib.sha256(data.source.encode()).hexdigest()[:12]
    file = f"<pickled {digest} from {data.file}>"
    lines = data.source.splitlines(keepends=True)
    linecache.cache[file] = (len(data.source), None, lines, file)
    tree = ast.parse(data.source)
    name = data.qualname.rpartition(".")[2]
    inner = next(n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == name)
    inner.decorator_list = []
    factory = ast.parse(f"def make({', '.join(data.closure)}):\n  return {name}")
    made = factory.body[0]
    assert isinstance(made, ast.FunctionDef)
    made.body.insert(0, inner)
    namespace: dict[str, Any] = {"__name__": data.module, "__builtins__": __builtins__}
    namespace.update((key, _restored(value)) for key, value in data.globals.items())
    exec(compile(factory, file, "exec"), namespace)  # our own pickle's text, a function's source
    function = namespace["make"](**{k: _restored(v) for k, v in data.closure.items()})
    function.__qualname__ = data.qualname
    function.__defaults__ = data.defaults
    result: Callable[..., Any] = function
    return result


def _portable(value: Any) -> Any:
    if isinstance(value, types.ModuleType):
        return ModuleName(value.__name__)
    if isinstance(value, types.FunctionType) and not importable(value):
        return dump_function(value)
    return value


def _restored(value: Any) -> Any:
    if isinstance(value, ModuleName):
        return importlib.import_module(value.name)
    return load_function(value) if isinstance(value, FunctionData) else value


# ----------------------------------------------------------------------- sessions without a file

_PROMPT, _COMMAND = "<stdin>", "<string>"
_REACH = 500  # lines of history that are searched for a definition
_numbers = itertools.count(1)


def keep_source(function: Callable[..., Any]) -> None:
    """Gives a function of a session without a file a source that can be read later.

    Nothing happens if its lines cannot be found: reading them will say so.
    """
    code = getattr(function, "__code__", None)
    if (
        code is None
        or code.co_filename not in (_PROMPT, _COMMAND)
        or linecache.getlines(code.co_filename)
    ):
        return
    for lines in _session_texts(code):
        if _defines(lines, code):
            file = f"<session {next(_numbers)}>"
            linecache.cache[file] = (sum(map(len, lines)), None, lines, file)
            function.__code__ = code.replace(co_filename=file)
            return


def _session_texts(code: types.CodeType) -> Iterator[list[str]]:
    """Texts, as lines, that may hold a definition; the code says which one does."""
    if code.co_filename == _COMMAND:
        arguments = sys.orig_argv
        if "-c" in arguments[:-1]:
            yield arguments[arguments.index("-c") + 1].splitlines(keepends=True)
    elif hasattr(sys, "ps1"):
        yield from _history_texts()
    else:
        try:
            size = os.fstat(0).st_size
            yield os.pread(0, size, 0).decode().splitlines(keepends=True)
        except OSError:
            return  # a pipe: what was read is gone


def _history_texts() -> Iterator[list[str]]:
    """The ends of the prompt's history, shortest first."""
    readline = sys.modules.get("readline")
    if readline is None:
        return
    count = readline.get_current_history_length()
    lines: list[str] = []
    for index in range(count, max(0, count - _REACH), -1):
        lines.insert(0, (readline.get_history_item(index) or "") + "\n")
        yield lines


def _defines(lines: list[str], code: types.CodeType) -> bool:
    """Whether a text compiles to that very code; a history that lost a line does not."""
    try:
        module = compile("".join(lines) + "\n", code.co_filename, "exec")
    except (SyntaxError, ValueError):
        return False
    return any(
        inner.co_name == code.co_name
        and inner.co_firstlineno == code.co_firstlineno
        and inner.co_code == code.co_code
        and inner.co_consts == code.co_consts
        and inner.co_names == code.co_names
        for inner in _code_objects(module)
    )


def _code_objects(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _code_objects(constant)
