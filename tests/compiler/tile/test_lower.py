"""Lowering to tile programs: each form of statement, run in the tile interpreter against NumPy."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from accelerx import cuda
from accelerx.compiler.tile import ir as tile
from accelerx.compiler.tile.lower import lower
from accelerx.compiler.tile.printer import print_program
from accelerx.errors import UnsupportedError
from tests.corpus.python import CASES
from tests.corpus.python.case import Case
from tests.corpus.python.lifting import _three, lifted
from tests.support.tiled import launch as run

SEED = 7


@dataclass(frozen=True)
class Machine:
    """The least that lowering asks of a target."""

    name: str = "ascend910b"


def program_of(case: Case) -> tile.Program:
    """The entry lowered for its first launch."""
    first = case.launches[0]
    kernel = replace(lifted(case, "weak"), block=_three(first.block))
    return lower(kernel, Machine(), shared_bytes=first.shared_bytes)


def named(name: str) -> Case:
    return next(c for c in CASES if c.name == name)


def test_saxpy_is_loads_two_operations_and_a_store_of_the_prefix() -> None:
    text = print_program(program_of(named("saxpy")))
    assert "load x[block.x *.nowrap 256i32..]  # count lanes" in text
    assert "lanes lane" not in text


@pytest.mark.parametrize(
    "name", ["saxpy", "grid_stride", "block_sum", "softmax_rows", "matmul_tiled_16", "warp_sum"]
)
def test_kernels_agree_with_numpy(name: str) -> None:
    case = named(name)
    first = case.launches[0]
    arguments = case.arguments(first, SEED)
    working = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]
    run(program_of(case), _three(first.grid), working, SEED)
    case.check(first, arguments, [working[i] for i in case.outputs])


def test_a_scalar_loop_names_its_line_and_reason() -> None:
    program = program_of(named("histogram_global"))
    loops = [s for s in tile.statements(program.body) if isinstance(s, tile.LaneLoop)]
    assert loops
    for s in loops:
        assert s.loc is not None
        assert program.lines[s.loc.line] == "scalar loop"
        assert program.reasons[s.loc.line]


def test_a_kernel_without_a_block_shape_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="has no block shape"):
        lower(lifted(named("saxpy"), "weak"), Machine())


def _divergent_barrier(x):  # type: ignore[no-untyped-def]
    i = cuda.threadIdx.x
    if x[i] > 0:
        cuda.syncthreads()
        x[i] = 1.0


def test_a_barrier_that_threads_reach_differently_is_refused_with_its_place() -> None:
    case = replace(
        named("saxpy"), kernel=_divergent_barrier, inputs=lambda rng, _: (np.zeros(32, np.float32),)
    )
    with pytest.raises(UnsupportedError, match="not proven to be reached by all") as error:
        program_of(case)
    assert "cuda.syncthreads()" in str(error.value)
