"""Recipes: what a kernel is compiled from, device and block shape aside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from accelerx.compiler import ir


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


class Recipe(Protocol):
    """A kernel's source with all that specialises it; one class for each source language.

    ``str(recipe)`` is its signature, for people.
    """

    @property
    def name(self) -> str:
        """The kernel's name."""
        ...

    @property
    def options(self) -> Options: ...

    @property
    def leaf_names(self) -> tuple[str, ...]:
        """What messages call each flattened argument."""
        ...

    @property
    def pointers(self) -> bool:
        """Whether arrays are bare pointers: their one extent counts what lies behind the pointer."""
        ...

    @property
    def read_only(self) -> frozenset[int]:
        """Flattened arguments that the kernel must not write to."""
        ...

    def fingerprint(self) -> str | None:
        """A digest of all that decides the kernel's KIR; None if that cannot be told unlifted."""
        ...

    def lift(self, bounds: bool) -> ir.Kernel:
        """The kernel as KIR; with ``bounds``, all extents that checks need are parameters.

        Raises:
            CompileError: with a caret, if the source is at fault.
        """
        ...
