"""The CPU code generator's configurations as roads: scalar code, vectors, both block schemes."""

from __future__ import annotations

import dataclasses
from functools import partial

from accelerx.compiler import ir
from accelerx.compiler.dialects.base import EmitOptions
from accelerx.compiler.dialects.llvm import LlvmDialect
from accelerx.runtime.jit import OPT_LEVEL, compile_llvm
from tests.fuzz.roads import Buffers, Road
from tests.fuzz.setting import Program
from tests.support.host import _FUNCTION, HostKernel

CONFIGURATIONS = {
    "auto": EmitOptions(),
    "scalar": EmitOptions(lanes=1),
    "lockstep-8": EmitOptions(lanes=8, mode="lockstep"),
    "lockstep-16": EmitOptions(lanes=16, mode="lockstep", specialise=False),
    "regions-4": EmitOptions(lanes=4, jam=1, mode="regions"),
    "regions-8x2": EmitOptions(lanes=8, jam=2, mode="regions", specialise=False),
    "regions-16": EmitOptions(lanes=16, jam=2, mode="regions"),
}
OPTIMISED_EVERY = 4  # programs; the others are compiled quickly, which finds the same mistakes


class _Kernel(HostKernel):
    """A host kernel for which LLVM works as little as it is told to."""

    def __init__(
        self, kernel: ir.Kernel, block: tuple[int, int, int], options: EmitOptions, opt: int
    ) -> None:
        dialect = LlvmDialect()
        self.lowered = dialect.lower(dataclasses.replace(kernel, block=block))
        self.program = dialect.emit(self.lowered, options)
        self.code = compile_llvm(self.program.text, opt=opt)
        self.function = _FUNCTION(self.code.address)
        self.polls = 0


def _run(options: EmitOptions, program: Program, buffers: Buffers) -> None:
    opt = OPT_LEVEL if program.seed % OPTIMISED_EVERY == 0 else 0
    kernel = _Kernel(program.kernel, program.block, options, opt)
    arguments = {**buffers, **program.scalars}
    kernel.run(program.grid, arguments, shared_bytes=program.shared_bytes)


def roads() -> list[Road]:
    """One road for each configuration."""
    return [Road(name, partial(_run, options)) for name, options in CONFIGURATIONS.items()]
