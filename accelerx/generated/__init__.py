"""Kernels generated from pieces of C++, or from functions: CuPy's ElementwiseKernel, ReductionKernel, fuse."""

from accelerx.generated.elementwise import ElementwiseKernel
from accelerx.generated.fusion import Fusion, fuse
from accelerx.generated.reduction import ReductionKernel

__all__ = ["ElementwiseKernel", "Fusion", "ReductionKernel", "fuse"]
