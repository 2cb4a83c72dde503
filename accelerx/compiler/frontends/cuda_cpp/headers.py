"""What clang's messages leave open: headers that are not there, and what only CUDA devices have."""

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
_ONE = ("CUB", "Thrust", "CuTe", "CUTLASS", "the MTGP32 generator")
_HOST_HEADERS = (
    "iostream", "vector", "string", "memory", "map", "unordered_map", "set", "fstream", "sstream",
    "thread", "mutex", "chrono", "random", "exception", "stdexcept", "iomanip", "unistd.h",
    "sys/time.h", "time.h", "ctime", "signal.h", "list", "deque", "queue",
)  # fmt: skip


_WRITE_IT_OUT = "on other devices write it out: shared memory and warp shuffles are available"
# What clang says: what is said instead (the groups fill it), and a hint.
_SAID: tuple[tuple[str, str, str], ...] = (
    (
        "kernel launch from __device__ or __global__ function requires relocatable device code.*"
        "|reference to __global__ function '.+' in __(?:global|device)__ function",
        "launches from kernels run on CUDA devices only",
        "launch the kernel from the host",
    ),
    (
        "no template named 'texture'.*|unknown type name 'texture'",
        "texture references, which CUDA 12 removed too, run on CUDA devices only",
        "pass the array and index it",
    ),
    (
        "(?:use of undeclared identifier|unknown type name|expected namespace name)"
        "(?: '(nvcuda|wmma)'.*)",
        "'{0}': tensor core operations run on CUDA devices only",
        _WRITE_IT_OUT,
    ),
    (
        "use of undeclared identifier '(cub|thrust)'.*",
        "use of undeclared identifier '{0}'",
        "a kernel that uses CUB or Thrust runs on CUDA devices only",
    ),
    (
        "reference to __host__ (variable|function) '(.+)' in __(?:global|device)__ function",
        "'{1}' is a {0} of the host",
        "declare it __device__, or pass it as an argument",
    ),
    (
        "address of overloaded function '(.+)' does not match required type 'void'",
        "no instantiation of '{0}' takes these template arguments",
        "",
    ),
)


def explained(message: str) -> tuple[str, str]:
    """Clang's message, or a better one for what users of other devices meet, and a hint."""
    for pattern, instead, hint in _SAID:
        said = re.fullmatch(pattern, message)
        if said is not None:
            return instead.format(*said.groups()), hint
    found = _MISSING.fullmatch(message)
    if found is None:
        return message, ""
    name = found[1]
    for start, what in _DEVICE_HEADERS.items():
        if name.startswith(start):
            return (
                f"'{name}': {what} {'runs' if what in _ONE else 'run'} on CUDA devices only",
                _WRITE_IT_OUT,
            )
    if name in _HOST_HEADERS:
        return (
            f"'{name}' is a header of host code, which kernels do not have",
            "put it between #ifndef __CUDACC_RTC__ and #endif, or compile the kernels by themselves",
        )
    return message, "-I names a folder of headers; headers may also be passed as text"
