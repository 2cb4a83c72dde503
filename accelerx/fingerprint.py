"""What a Python kernel's code depends on, as bytes: the key that finds it in the cache unlifted.

A kernel's machine code follows from its bytecode, its source lines (error messages quote them), its
argument types and the values of every global, closure variable and default it can reach, through the
functions it calls. All of that is fed to a digest here. A value whose content this file cannot know
makes the whole fingerprint None: the caller then lifts first and looks for the KIR's own key.
"""

from __future__ import annotations

import builtins
import enum
import hashlib
import linecache
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from accelerx import dtypes

_LIBRARIES = frozenset({"numpy", "math", "cmath", "operator", "numba", "accelerx", "scipy"})
_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis))


class _UnknownError(Exception):
    """A value whose content cannot be told."""


def fingerprint(function: Callable[..., Any], *extra: object) -> str | None:
    """A digest of all that decides ``function``'s code, and of the reprs of ``extra``.

    None if a value it refers to cannot be told.
    """
    walk = _Walk()
    try:
        walk.function(function)
    except _UnknownError:
        return None
    for part in extra:
        walk.feed(repr(part))
    return walk.digest.hexdigest()


class _Walk:
    """Feeds what a function reaches to one digest, each function once."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self.seen: dict[int, int] = {}

    def feed(self, *parts: object) -> None:
        for part in parts:
            data = part if isinstance(part, bytes) else str(part).encode()
            self.digest.update(b"%d:" % len(data))
            self.digest.update(data)

    def function(self, function: Callable[..., Any]) -> None:
        if id(function) in self.seen:
            self.feed("seen", self.seen[id(function)])
            return
        self.seen[id(function)] = len(self.seen)
        code = function.__code__
        self.code(code)
        names = names_of(code)
        self.feed("defaults")
        self.value(function.__defaults__ or (), names)
        for key, value in sorted((function.__kwdefaults__ or {}).items()):
            self.feed(key)
            self.value(value, names)
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
            self.feed("free", name)
            self.cell(cell, names)
        for name in sorted(names):
            if name in function.__globals__:
                self.feed("global", name)
                self.value(function.__globals__[name], names)
            elif hasattr(builtins, name):
                self.feed("builtin", name)

    def cell(self, cell: types.CellType, names: frozenset[str]) -> None:
        try:
            content = cell.cell_contents
        except ValueError:  # not yet assigned: the front end reports it where it is read
            raise _UnknownError from None
        self.value(content, names)

    def code(self, code: types.CodeType) -> None:
        self.feed(code.co_code, code.co_names, code.co_varnames, code.co_freevars)
        self.feed(code.co_name, code.co_filename, code.co_firstlineno, code.co_flags)
        last = max((line for _, _, line in code.co_lines() if line), default=code.co_firstlineno)
        for number in range(code.co_firstlineno, last + 1):
            self.feed(linecache.getline(code.co_filename, number))
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                self.code(constant)
            else:
                self.feed(type(constant).__name__, repr(constant))

    def value(self, value: Any, names: frozenset[str]) -> None:
        """Feeds a value that code using ``names`` (as attributes, too) can reach."""
        py_func = getattr(value, "py_func", None)
        match value:
            case _ if isinstance(py_func, types.FunctionType):
                self.feed("kernel", repr(getattr(value, "options", "")))
                self.function(py_func)
            case types.FunctionType() if not _is_library(value.__module__):
                self.function(value)
            case np.generic() | np.ndarray():
                self.array(np.asarray(value))
            case enum.Enum():
                self.feed(type(value).__qualname__, value.name)
                self.value(value.value, names)
            case _ if isinstance(value, _PLAIN):
                self.feed(type(value).__name__, repr(value))
            case tuple() | list():
                self.feed(type(value).__qualname__, len(value))
                for item in value:
                    self.value(item, names)
            case types.ModuleType():
                self.module(value, names)
            case type():
                self.type(value, names)
            case dtypes.DType() | np.dtype():
                self.feed("dtype", repr(value))
            case _ if _is_library(getattr(value, "__module__", None) or type(value).__module__):
                self.library(value)
            case _:
                raise _UnknownError

    def array(self, array: np.ndarray[Any, Any]) -> None:
        if array.dtype.hasobject:
            raise _UnknownError
        self.feed("array", array.dtype.str, array.shape, np.ascontiguousarray(array).tobytes())

    def module(self, module: types.ModuleType, names: frozenset[str]) -> None:
        """A module's identity, and of the user's own the values that ``names`` may reach."""
        self.feed("module", module.__name__)
        if id(module) in self.seen or _is_library(module.__name__):
            return
        self.seen[id(module)] = len(self.seen)
        for name in sorted(names & vars(module).keys()):
            self.feed(name)
            self.value(vars(module)[name], names)

    def library(self, value: Any) -> None:
        """A function or object of a library: it is what its name says."""
        name = (
            getattr(value, "__qualname__", None) or getattr(value, "__name__", None) or str(value)
        )
        if " at 0x" in name:
            raise _UnknownError
        self.feed(type(value).__qualname__, value.__module__, name)

    def type(self, cls: type, names: frozenset[str]) -> None:
        self.feed("type", cls.__module__, cls.__qualname__)
        if issubclass(cls, enum.Enum):
            for name in sorted(names & cls.__members__.keys()):
                self.value(cls.__members__[name], names)
        elif issubclass(cls, tuple):
            self.feed(getattr(cls, "_fields", ()))
        elif not _is_library(cls.__module__) and cls.__module__ != "builtins":
            raise _UnknownError


def names_of(code: types.CodeType) -> frozenset[str]:
    """Global and attribute names that a code object and those nested in it use."""
    nested = [c for c in code.co_consts if isinstance(c, types.CodeType)]
    return frozenset(code.co_names).union(*(names_of(c) for c in nested))


def _is_library(module: object) -> bool:
    return isinstance(module, str) and module.partition(".")[0] in _LIBRARIES
