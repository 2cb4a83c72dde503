"""Recipes: what a kernel is compiled from, device aside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from accelerx.compiler.types import ArgumentType


@dataclass(frozen=True, slots=True)
class Options:
    """How a kernel is compiled.

    Attributes:
        literals: ``weak`` or ``numba`` typing.
        debug: Bounds and barrier checks, and asserts under numba's typing.
        fastmath: Reassociation and approximate functions are allowed.
        contract: A multiply may fuse with an add.
        max_threads: Threads a block has at most; a promise the compiler may use.
        cache: Whether the disk cache may serve.
    """

    literals: Literal["weak", "numba"] = "weak"
    debug: bool = False
    fastmath: bool = False
    contract: bool = True
    max_threads: int | None = None
    cache: bool = True


@dataclass(frozen=True, slots=True)
class Recipe:
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

    @property
    def name(self) -> str:
        return self.function.__name__

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.types))})"
