"""What a dialect is: a kernel language, the passes it needs, and the text it makes of a kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from accelerx.compiler import ir
from accelerx.dtypes import DType

Mode = Literal["auto", "lockstep", "regions"]


@dataclass(frozen=True, slots=True)
class EmitOptions:
    """How to lay a kernel onto vectors; the defaults are right. Dialects with threads ignore it.

    Attributes:
        lanes: Threads of a vector: 1 (scalar code), 2, 4, ... 32; None to choose.
        jam: Vectors that a chunk takes through a statement together; None to choose.
        mode: ``lockstep`` takes all vectors of a block together, ``regions`` as many as ``jam`` says.
        specialise: Whether to emit code a second time for when no lane is masked off.
    """

    lanes: int | None = None
    jam: int | None = None
    mode: Mode = "auto"
    specialise: bool = True


@dataclass(frozen=True, slots=True)
class Site:
    """A place where running code calls the host: a print, or a check that failed.

    Attributes:
        kind: ``print``, ``barrier``, or the kind of an ``ir.Assert``.
        statement: The KIR statement.
        types: Types of the values it passes; a float comes as a double's bits.
    """

    kind: str
    statement: ir.Stmt
    types: tuple[DType, ...] = ()


@dataclass(frozen=True, slots=True)
class Program:
    """A kernel in a device's language.

    Attributes:
        text: The source.
        entry: Name of the function to call in it.
        params: What the packed argument buffer holds, in order.
        scratch_bytes: Worker-local memory that the code wants (dialect ``llvm``).
        shared_bytes: Static shared memory of a block.
        sites: Places that call the host; a site's number is its index.
        notes: Sentences on how the kernel was compiled, for ``explain``.
        cooperative: Whether blocks wait for each other, so that all of them must be resident.
    """

    text: str
    entry: str
    params: tuple[ir.Param, ...]
    scratch_bytes: int
    shared_bytes: int
    sites: Sequence[Site]
    notes: Sequence[str]
    cooperative: bool = False


class Dialect(Protocol):
    """A kernel language."""

    @property
    def name(self) -> str: ...

    def lower(self, kernel: ir.Kernel) -> ir.Kernel:
        """**Must**: the kernel after the dialect's passes; ``kernel`` is left as it is.

        Raises:
            UnsupportedError: for what the language does not have, pointing at the source.
        """
        ...

    def emit(self, kernel: ir.Kernel, options: EmitOptions) -> Program:
        """**Must**: the text of a kernel that ``lower`` returned."""
        ...
