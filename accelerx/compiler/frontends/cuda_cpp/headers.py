"""Headers that are not there: what an #include of one is told."""

from __future__ import annotations

import re

_MISSING = re.compile(r"'(.+)' file not found(?: with .*)?")
# The beginning of a header's name: what it brings.
_DEVICE_HEADERS = {
    "cub/": "CUB",
    "thrust/": "Thrust",
    "cute/": "CuTe",
    "cutlass/": "CUTLASS",
    "mma.h": "tensor core operations (wmma)",
    "crt/mma.h": "tensor core operations (wmma)",
    "cuda_pipeline": "asynchronous copies",
    "cuda/pipeline": "asynchronous copies",
    "cuda/barrier": "asynchronous barriers",
    "cuda_awbarrier": "asynchronous barriers",
    "cuda_fp4": "4-bit floats",
    "cuda_fp6": "6-bit floats",
    "texture_": "textures",
    "surface_": "surfaces",
    "cuda_device_runtime_api": "launches from kernels",
    "curand_mtgp32": "the MTGP32 generator",
}
_HOST_HEADERS = (
    "iostream", "vector", "string", "memory", "map", "unordered_map", "set", "fstream", "sstream",
    "thread", "mutex", "chrono", "random", "exception", "stdexcept", "iomanip", "unistd.h",
    "sys/time.h", "time.h", "ctime", "signal.h", "list", "deque", "queue",
)  # fmt: skip


def explained(message: str) -> tuple[str, str]:
    """Clang's message, or a better one where a header is not there, and a hint."""
    found = _MISSING.fullmatch(message)
    if found is None:
        return message, ""
    name = found[1]
    for start, what in _DEVICE_HEADERS.items():
        if name.startswith(start):
            return (
                f"'{name}': {what} run on CUDA devices only",
                "on other devices write it out: shared memory and warp shuffles are available",
            )
    if name in _HOST_HEADERS:
        return (
            f"'{name}' is a header of host code, which kernels do not have",
            "put it between #ifndef __CUDACC_RTC__ and #endif, or compile the kernels by themselves",
        )
    return message, "-I names a folder of headers; headers may also be passed as text"
