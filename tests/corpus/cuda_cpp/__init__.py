"""The corpus of CUDA C++ kernels: as people write them for nvcc, each with a NumPy reference."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from tests.corpus.cuda_cpp.case import Case, Launch

__all__ = ["CASES", "Case", "Launch"]

TOPICS = tuple(sorted({m.name for m in iter_modules(__path__)} - {"case", "lifting"}))
"""Every other module of this folder is a topic and has a tuple ``CASES``."""

CASES: tuple[Case, ...] = tuple(
    case for topic in TOPICS for case in import_module(f"{__name__}.{topic}").CASES
)
