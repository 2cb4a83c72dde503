"""The ways to run a program: the interpreter, which is right, and those that are compared with it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from accelerx.runtime.interpreter import Interpreter
from tests.fuzz import reference
from tests.fuzz.setting import Program

Buffers = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True, slots=True)
class Road:
    """One way to run programs.

    Attributes:
        name: What reports call it.
        run: Runs a program on buffers; raises UnsupportedError for what it does not do.
        approximates: Whether it computes approximate functions.
        takes: Whether it is meant for a program at all.
    """

    name: str
    run: Callable[[Program, Buffers], None]
    approximates: bool = True
    takes: Callable[[Program], bool] = lambda program: True


def interpret(program: Program, buffers: Buffers) -> None:
    """Runs a program by the interpreter."""
    arguments = {name: (array, 0) for name, array in buffers.items()}
    Interpreter(program.kernel).run(
        program.grid, program.block, program.shared_bytes, {**arguments, **program.scalars}
    )


def _refer(program: Program, buffers: Buffers) -> None:
    reference.run(
        program.kernel,
        program.grid,
        program.block,
        program.shared_bytes,
        program.scalars,
        buffers,
    )


REFERENCE = Road(
    "reference",
    _refer,
    approximates=False,
    # A thread at a time in Python is slow; small blocks show the same mistakes.
    takes=lambda program: program.block[0] * program.block[1] * program.block[2] <= 64,
)


def compiled() -> list[Road]:
    """The CPU code generator in its configurations, where llvmlite is installed."""
    if importlib.util.find_spec("llvmlite") is None:
        return []
    from tests.fuzz import native

    return native.roads()
