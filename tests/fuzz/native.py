"""The CPU code generator's configurations as roads: scalar code, vectors, both block schemes."""

from __future__ import annotations

from functools import partial

from accelerx.compiler.dialects.base import EmitOptions
from tests.fuzz.roads import Buffers, Road
from tests.fuzz.setting import Program
from tests.support.host import HostKernel

CONFIGURATIONS = {
    "auto": EmitOptions(),
    "scalar": EmitOptions(lanes=1),
    "lockstep-8": EmitOptions(lanes=8, mode="lockstep"),
    "lockstep-16": EmitOptions(lanes=16, mode="lockstep", specialise=False),
    "regions-4": EmitOptions(lanes=4, jam=1, mode="regions"),
    "regions-8x2": EmitOptions(lanes=8, jam=2, mode="regions", specialise=False),
    "regions-16": EmitOptions(lanes=16, jam=2, mode="regions"),
}


def _run(options: EmitOptions, program: Program, buffers: Buffers) -> None:
    kernel = HostKernel(program.kernel, program.block, options)
    arguments = {**buffers, **program.scalars}
    kernel.run(program.grid, arguments, shared_bytes=program.shared_bytes)


def roads() -> list[Road]:
    """One road for each configuration."""
    return [Road(name, partial(_run, options)) for name, options in CONFIGURATIONS.items()]
