"""CUDA C++ text as kernels: CuPy's RawKernel and RawModule on any device."""

from accelerx.raw.kernel import RawKernel
from accelerx.raw.module import RawModule

__all__ = ["RawKernel", "RawModule"]
