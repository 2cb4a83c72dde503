"""Functions as plain data: how kernels that no module holds by name travel to another process.

A kernel that can be imported is pickled by name. Any other is pickled as its source text, the values
of the names it uses, and its closure; on the other side it is compiled from that text again, which
is put where tracebacks and the front end look for source.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import inspect
import linecache
import sys
import textwrap
import types
from collections.abc import Callable
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
    """Whether ``obj`` is what its module holds under its qualified name."""
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
    return ModuleName(value.__name__) if isinstance(value, types.ModuleType) else value


def _restored(value: Any) -> Any:
    return importlib.import_module(value.name) if isinstance(value, ModuleName) else value
