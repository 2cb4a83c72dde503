"""What one entry of the corpus is: a kernel, inputs, launches, and what NumPy says must come out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

Dim = int | tuple[int, ...]
Arguments = tuple[Any, ...]
Typing = Literal["numba", "weak"]


@dataclass(frozen=True, slots=True)
class Launch:
    """A launch configuration: what stands in ``kernel[grid, block, stream, shared_bytes]``."""

    grid: Dim
    block: Dim
    shared_bytes: int = 0

    @property
    def blocks(self) -> int:
        """Blocks in the grid."""
        return int(np.prod(self.grid))

    @property
    def threads(self) -> int:
        """Threads in a block."""
        return int(np.prod(self.block))

    def __str__(self) -> str:
        return f"{_shape(self.grid)}-{_shape(self.block)}"


@dataclass(frozen=True, slots=True)
class Case:
    """A kernel with everything needed to run and judge it.

    Attributes:
        name: Unique in the corpus.
        kernel: The undecorated Python function.
        inputs: Makes the launch arguments: NumPy arrays and Python or NumPy scalars.
        launches: Configurations to run under; ``inputs`` and ``reference`` are told which.
        reference: Given the launch and copies of the arguments, returns what the arguments at
            ``outputs`` hold afterwards. Written in NumPy, independently of the kernel.
        outputs: Positions of the arguments that are compared.
        rtol: Relative tolerance; 0 for exact results.
        atol: Absolute tolerance.
        typings: Typing modes under which the kernel is meaningful.
        normalise: Brings outputs whose order is not determined (atomics) into one order.
    """

    name: str
    kernel: Callable[..., None]
    inputs: Callable[[np.random.Generator, Launch], Arguments]
    launches: tuple[Launch, ...]
    reference: Callable[..., Sequence[Any]]
    outputs: tuple[int, ...] = (0,)
    rtol: float = 1e-5
    atol: float = 1e-6
    typings: tuple[Typing, ...] = ("numba", "weak")
    normalise: Callable[[list[Any]], list[Any]] = field(default=list)

    def arguments(self, launch: Launch, seed: int = 0) -> Arguments:
        """The launch arguments, the same for the same seed."""
        return self.inputs(np.random.default_rng(seed), launch)

    def expected(self, launch: Launch, arguments: Arguments) -> list[Any]:
        """What the outputs must hold after a launch with ``arguments`` (which stay untouched)."""
        copies = tuple(a.copy() if isinstance(a, np.ndarray) else a for a in arguments)
        return self.normalise(list(self.reference(launch, *copies)))

    def check(self, launch: Launch, arguments: Arguments, results: Sequence[Any]) -> None:
        """Asserts that ``results``, the outputs after a launch, are what they must be."""
        expected = self.expected(launch, arguments)
        actual = self.normalise([np.asarray(r) for r in results])
        assert len(actual) == len(expected), f"{self.name}: {len(actual)} outputs"
        for position, a, e in zip(self.outputs, actual, expected, strict=True):
            where = f"{self.name}, launch {launch}, argument {position}"
            np.testing.assert_allclose(
                a, e, rtol=self.rtol, atol=self.atol if self.rtol else 0, err_msg=where
            )


def _shape(dim: Dim) -> str:
    return "x".join(map(str, dim)) if isinstance(dim, tuple) else str(dim)


def grids(*configurations: tuple[Dim, Dim]) -> tuple[Launch, ...]:
    """Launches from pairs of grid and block."""
    return tuple(Launch(grid, block) for grid, block in configurations)
