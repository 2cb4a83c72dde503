"""LLVM IR for the host's cores: masked vector code, one function that runs a range of blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from accelerx.compiler import ir, lower
from accelerx.compiler.dialects.base import EmitOptions, Program
from accelerx.compiler.llvm.module import emit_module
from accelerx.compiler.passes import flow


@dataclass(frozen=True, slots=True)
class LlvmDialect:
    """The CPU's language; kernels must be specialised on a block shape (``Kernel.block``)."""

    name: ClassVar[str] = "llvm"

    def lower(self, kernel: ir.Kernel) -> ir.Kernel:
        """The kernel in the normal form of the vector code generator."""
        return lower.for_vectors(kernel)

    def emit(self, kernel: ir.Kernel, options: EmitOptions) -> Program:
        """The kernel as LLVM IR text with the host kernel ABI of ``backend.h``."""
        module = emit_module(kernel, options)
        return Program(
            text=module.text,
            entry=kernel.name,
            params=tuple(kernel.params),
            scratch_bytes=module.scratch_bytes,
            shared_bytes=kernel.static_shared_bytes,
            sites=module.sites,
            notes=module.notes,
            cooperative=flow.waits_for_grid(kernel.body),
        )
