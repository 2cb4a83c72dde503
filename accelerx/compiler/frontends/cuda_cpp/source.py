"""What a CUDA C++ kernel is compiled from: text, options and headers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Standard = Literal["c++11", "c++14", "c++17", "c++20"]


@dataclass(frozen=True, slots=True)
class CudaOptions:
    """Compiler options that decide what the text means.

    Attributes:
        standard: The language standard.
        defines: Macros and their values, in order; a later one wins.
        undefines: Names that are not macros.
        include_dirs: Folders in which the user's headers are looked for.
        headers: (name, text) of headers given as text.
        contract: A multiply may fuse with an add (nvcc's ``--fmad``).
        fast_math: ``--use_fast_math``.
    """

    standard: Standard = "c++17"
    defines: tuple[tuple[str, str], ...] = ()
    undefines: tuple[str, ...] = ()
    include_dirs: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    contract: bool = True
    fast_math: bool = False


@dataclass(frozen=True, slots=True)
class CudaSource:
    """One translation unit of CUDA C++.

    Attributes:
        code: The text.
        options: How to read it.
        filename: What error messages call it.
    """

    code: str
    options: CudaOptions = CudaOptions()
    filename: str = "kernel.cu"
