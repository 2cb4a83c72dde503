"""Runs tile programs in their interpreter, on NumPy arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.tile import ir as tile
from accelerx.compiler.tile.verify import verify
from accelerx.dtypes import DType
from accelerx.runtime import tile_interpreter
from tests.support.kernels import const
from tests.support.lifted import bound


def launch(
    program: tile.Program, grid: Sequence[int] | int, arguments: Sequence[Any], seed: int = 0
) -> None:
    """Verifies and runs a program of a lifted Python kernel; arrays are changed in place."""
    verify(program)
    grid = (grid,) if isinstance(grid, int) else grid
    tile_interpreter.run(program, grid, bound(program.kernel, arguments), seed=seed)


def tensor(name: str, size: int, dtype: DType = dtypes.float32, **attributes: Any) -> tile.Tensor:
    """A tensor for programs made by hand."""
    return tile.Tensor(name, dtype, size, attributes.pop("role", "temp"), **attributes)


def at(name: str, start: ir.Expr | int = 0, dtype: DType | None = None) -> tile.Slice:
    """A slice of a tensor."""
    return tile.Slice(name, const(start) if isinstance(start, int) else start, dtype)


LANES = ir.Local(tile.ACTIVE_LANES, dtypes.int32)


def program(
    kernel: ir.Kernel,
    body: Sequence[tile.Stmt],
    tensors: Sequence[tile.Tensor],
    scalars: Mapping[str, DType] | None = None,
    blocks: int = 1,
    threads: int = 8,
    cooperative: bool = False,
) -> tile.Program:
    """A program made by hand."""
    return tile.Program(
        kernel,
        blocks,
        threads,
        {t.name: t for t in tensors},
        {tile.ACTIVE_LANES: dtypes.int32, **(scalars or {})},
        list(body),
        cooperative=cooperative,
    )
