"""The recipes of the two source languages: a Python function, a kernel of a CUDA C++ text."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from accelerx.compiler.frontends import python
from accelerx.compiler.recipe import Options
from accelerx.compiler.types import ArgumentType, ArrayType, TupleType, flatten
from accelerx.fingerprint import fingerprint

if TYPE_CHECKING:
    from accelerx.compiler import ir
    from accelerx.compiler.frontends.cuda_cpp.source import CudaSource


@dataclass(frozen=True)
class PythonRecipe:
    """A Python function with the types of its arguments.

    Attributes:
        function: The Python function.
        types: One type per parameter.
        options: How to compile it.
        names: The parameters' names.
    """

    function: Callable[..., Any]
    types: tuple[ArgumentType, ...]
    options: Options
    names: tuple[str, ...]
    pointers = False

    @property
    def name(self) -> str:
        return self.function.__name__

    @cached_property
    def leaf_names(self) -> tuple[str, ...]:
        pairs = zip(self.names, self.types, strict=True)
        return tuple(leaf for name, type_ in pairs for leaf in _leaf_names(name, type_))

    @cached_property
    def read_only(self) -> frozenset[int]:
        flat = enumerate(flatten(self.types))
        return frozenset(i for i, t in flat if isinstance(t, ArrayType) and not t.writable)

    def fingerprint(self) -> str | None:
        return fingerprint(self.function, self.types)

    def lift(self, bounds: bool) -> ir.Kernel:
        return python.lift(self.function, self.types, literals=self.options.literals, bounds=bounds)

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.types))})"


@dataclass(frozen=True)
class CudaRecipe:
    """A kernel of a CUDA C++ text.

    Attributes:
        source: The text and how it is read.
        name: The kernel's name, or the expression that names a template's instance.
        digest: Stands for the text with all headers it includes.
        signature: The kernel's C++ declaration.
        leaf_names: What messages call the flattened arguments, then the module's variables.
        nulls: Pointers among the flattened arguments that are null.
        wide: Whether an array or the grid is so large that 32-bit indices may wrap.
        options: How to compile it.
    """

    source: CudaSource
    name: str
    digest: str
    signature: str
    leaf_names: tuple[str, ...]
    nulls: frozenset[int]
    wide: bool
    options: Options
    pointers = True
    read_only = frozenset[int]()

    def fingerprint(self) -> str | None:
        parts = f"{self.digest};{self.name};{sorted(self.nulls)};{self.wide}"
        return hashlib.sha256(parts.encode()).hexdigest()

    def lift(self, bounds: bool) -> ir.Kernel:
        lifter = importlib.import_module("accelerx.compiler.frontends.cuda_cpp.lifter")
        return cast("ir.Kernel", lifter.lift(self.source, self.name, self.nulls, bounds, self.wide))

    def __str__(self) -> str:
        nulls = ", ".join(self.leaf_names[k] for k in sorted(self.nulls))
        return self.signature + (f" with {nulls} = nullptr" if nulls else "")


def _leaf_names(name: str, type_: ArgumentType) -> Iterator[str]:
    if isinstance(type_, TupleType):
        for i, item in enumerate(type_.items):
            yield from _leaf_names(f"{name}[{i}]", item)
    else:
        yield name
