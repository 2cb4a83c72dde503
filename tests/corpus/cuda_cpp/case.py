"""What one entry of the CUDA C++ corpus is: a kernel's text, launches, and what NumPy expects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

Dim = int | tuple[int, ...]
Arguments = tuple[Any, ...]

SOURCES = Path(__file__).parent / "sources"


@dataclass(frozen=True, slots=True)
class Launch:
    """A launch configuration, and the problem's size.

    Attributes:
        grid: Blocks, one to three extents.
        block: Threads of a block, one to three extents.
        shared_bytes: Dynamic shared memory.
        size: Extents of the problem, for ``make`` and ``reference`` to read; free in meaning.
    """

    grid: Dim
    block: Dim
    shared_bytes: int = 0
    size: tuple[int, ...] = ()

    @property
    def blocks(self) -> int:
        """Blocks in the grid."""
        return int(np.prod(self.grid))

    @property
    def threads(self) -> int:
        """Threads in a block."""
        return int(np.prod(self.block))

    def __str__(self) -> str:
        size = f", size {_shape(self.size)}" if self.size else ""
        return f"{_shape(self.grid)}-{_shape(self.block)}{size}"


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far from the reference a result may lie, and why that far. Zeros ask for equality."""

    rtol: float
    atol: float
    reason: str


EXACT = Tolerance(0, 0, "integers, moves and single correctly rounded operations are exact")

TOLERANCES: Mapping[str, Tolerance] = {
    "float64": Tolerance(1e-11, 1e-12, "sums of some hundred terms in another order"),
    "float32": Tolerance(2e-5, 1e-5, "sums of some hundred terms in another order, contraction"),
    "float16": Tolerance(2e-3, 1e-3, "two units of the last of 11 bits; sums are kept in float"),
    "bfloat16": Tolerance(1.6e-2, 8e-3, "two units of the last of 8 bits; sums are kept in float"),
}
"""By the output's dtype, unless the case says otherwise; what is not a float must be equal."""


@dataclass(frozen=True, slots=True)
class Case:
    """A kernel with everything needed to run and judge it.

    Attributes:
        name: Unique in the corpus.
        file: The source, below ``sources/``; many kernels may share one.
        entry: The kernel's name, or a template's name expression such as ``"softmax<float, 256>"``.
        make: Makes the arguments from a generator and the launch: NumPy arrays for pointers (of any
            shape, contiguous), None for a null pointer, NumPy scalars, and records (``record``) for
            structs passed by value.
        launches: Configurations to run under, some of which do not fit the data evenly.
        reference: Given the launch and copies of the arguments, returns what the arguments at
            ``outputs`` hold afterwards. Written in NumPy, in float64 where the result is a float,
            independently of the kernel.
        outputs: Positions of the arguments that are compared.
        options: Compiler options as NVRTC takes them (``-DN=4``, ``--std=c++17``).
        tolerances: By the output's dtype, where ``TOLERANCES`` does not fit.
        normalise: Brings outputs whose order is not determined (atomics) into one order.
        cooperative: Whether its blocks wait for each other.
    """

    name: str
    file: str
    entry: str
    make: Callable[[np.random.Generator, Launch], Arguments]
    launches: tuple[Launch, ...]
    reference: Callable[..., Sequence[Any]]
    outputs: tuple[int, ...] = (0,)
    options: tuple[str, ...] = ()
    tolerances: Mapping[str, Tolerance] = field(default_factory=dict, hash=False)
    normalise: Callable[[list[Any]], list[Any]] = field(default=list)
    cooperative: bool = False

    @property
    def source(self) -> str:
        """The text of the source file."""
        return read(self.file)

    def arguments(self, launch: Launch, seed: int = 0) -> Arguments:
        """The launch arguments, the same for the same seed."""
        return self.make(np.random.default_rng(seed), launch)

    def expected(self, launch: Launch, arguments: Arguments) -> list[Any]:
        """What the outputs must hold after a launch with ``arguments`` (which stay untouched)."""
        copies = tuple(a.copy() if isinstance(a, np.ndarray) else a for a in arguments)
        return self.normalise(list(self.reference(launch, *copies)))

    def check(
        self, launch: Launch, arguments: Arguments, results: Sequence[Any], seed: int = 0
    ) -> None:
        """Asserts that ``results``, the outputs after a launch, are what they must be."""
        expected = self.expected(launch, arguments)
        actual = self.normalise([np.asarray(r) for r in results])
        assert len(actual) == len(expected) == len(self.outputs), f"{self.name}: outputs"
        for position, a, e in zip(self.outputs, actual, expected, strict=True):
            where = f"{self.name}, launch {launch}, seed {seed}, argument {position}"
            t = self.tolerance(a.dtype)
            # ml_dtypes' kinds are "V": a name tells a float.
            as_compared = a.astype(np.float64) if a.dtype.name in TOLERANCES else a
            np.testing.assert_allclose(
                as_compared,
                np.asarray(e).reshape(a.shape),
                rtol=t.rtol,
                atol=t.atol,
                err_msg=f"{where} ({t.reason})",
            )

    def tolerance(self, dtype: np.dtype[Any]) -> Tolerance:
        """The tolerance for an output of ``dtype``."""
        return self.tolerances.get(dtype.name) or TOLERANCES.get(dtype.name, EXACT)


def record(**fields: Any) -> np.void:
    """A struct by value, laid out as C does; an empty struct is one field of one byte."""
    dtype = np.dtype([(name, v.dtype) for name, v in fields.items()], align=True)
    value = np.zeros((), dtype)
    for name, v in fields.items():
        value[name] = v
    return value[()]


def blocks(n: int, threads: int) -> int:
    """Blocks of ``threads`` that cover ``n``."""
    return -(-n // threads)


@cache
def read(file: str) -> str:
    """The text of a file below ``sources/``."""
    return (SOURCES / file).read_text(encoding="utf-8")


def _shape(dim: Dim) -> str:
    return "x".join(map(str, dim)) if isinstance(dim, tuple) else str(dim)
