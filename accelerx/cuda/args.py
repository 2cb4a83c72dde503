"""numba's argument hints: ``kernel[g, b](cuda.In(x), cuda.Out(y))``."""

from accelerx.arguments import Hint, In, InOut, Out, wrap_arg

__all__ = ["Hint", "In", "InOut", "Out", "wrap_arg"]
