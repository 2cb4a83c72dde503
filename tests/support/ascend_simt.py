"""Printed SIMT AscendC as CUDA C++: compiled by NVRTC, and run on the host, without an Ascend card.

The languages differ in names (``ascend_simt.h`` maps them) and in how a body is called. That our map
is right is an assumption; what the check shows is that the text is well-formed and computes what it
should if the names mean what the vendor says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.dialects.ascendc_simt import GRID
from accelerx.compiler.dialects.base import Program
from tests.support.cuda_on_host import HostPrograms

HEADER = Path(__file__).with_name("ascend_simt.h")
CALL = """
template <auto body, class... Arguments>
AX_DEVICE void asc_vf_call(dim3, Arguments... arguments) {
  body(arguments...);
  __syncthreads();  // the call ends when all threads have
}
"""
LAST_CALL = CALL.replace("  __syncthreads();  // the call ends when all threads have\n", "")


def as_cuda(text: str) -> str:
    """A program as CUDA C++, but for the names that the header maps."""
    text = re.sub(r"^#include .*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"__simt_vf__ __launch_bounds__\(\d+\) inline", "static __device__ inline", text)
    text = text.replace("__global__ __vector__ void", "__global__ void")
    text = re.sub(r"__global__ __launch_bounds__\(\d+\) void", "__global__ void", text)
    text = re.sub(r"extern __ubuf__ ", "extern __shared__ __align__(16) ", text)
    text = re.sub(
        r"^( +)__ubuf__ (.*\];)$", r"\1__shared__ __align__(16) \2", text, flags=re.MULTILINE
    )
    return text.replace("__ubuf__ ", "")


def for_nvrtc(text: str) -> str:
    """A program that NVRTC compiles."""
    return f"{HEADER.read_text()}\n{CALL}\n{as_cuda(text)}"


class SimtPrograms:
    """Printed programs compiled for the host, where blocks run one after another.

    Args:
        programs: By a name of the caller's choice.
        folder: Where source and library are put.
        cores: Hardware blocks of a launch; None: as many as the user's blocks. With fewer, a body
            whose threads return before a barrier is not run as the device does.
    """

    def __init__(
        self, programs: Mapping[str, Program], folder: Path, cores: int | None = None
    ) -> None:
        self._cores = cores
        call = LAST_CALL if cores is None else CALL
        head = f'#define AX_ON_HOST\n#include "{HEADER}"\n{call}'
        self._host = HostPrograms(
            {name: _with_grid(program) for name, program in programs.items()}, folder, head
        )

    def run(self, name: str, grid: Any, block: Any, arguments: Sequence[Any]) -> None:
        """Launches a program; arrays are changed in place."""
        extents = _three(grid)
        self._host.run(name, self._hardware(extents), block, [*arguments, *extents])

    def launch(self, name: str, grid: Any, block: Any, parameters: Mapping[str, Any]) -> None:
        """Launches a program with the value of each of its parameters."""
        extents = _three(grid)
        values = {**parameters, **dict(zip(GRID, extents, strict=True))}
        self._host.launch(name, self._hardware(extents), block, values)

    def _hardware(self, grid: tuple[int, ...]) -> int:
        blocks = prod(grid)
        return blocks if self._cores is None else min(blocks, self._cores)


def _three(grid: Any) -> tuple[int, ...]:
    return (*((grid,) if isinstance(grid, int) else grid), 1, 1)[:3]


def _with_grid(program: Program) -> Program:
    """A program with the parameters that the host adds behind the user's."""
    count = 1 + max((p.argument for p in program.params), default=-1)
    grid = tuple(ir.Param(x, "scalar", dtypes.uint32, count + n) for n, x in enumerate(GRID))
    text = re.sub(r"^ +extern __shared__ .*\n", "", as_cuda(program.text), flags=re.MULTILINE)
    return replace(program, text=text, params=(*program.params, *grid))
