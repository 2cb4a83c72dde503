"""What runs on CUDA devices only: functions whose call, and headers whose #include, is an error."""

from __future__ import annotations

from accelerx.compiler.frontends.cuda_cpp.build import Handler, Lifter
from accelerx.compiler.frontends.cuda_cpp.clang import Cursor
from accelerx.compiler.frontends.cuda_cpp.values import Value

_TEXTURES = (
    "tex1Dfetch", "tex1D", "tex2D", "tex3D", "tex1DLod", "tex2DLod", "tex3DLod", "tex1DGrad",
    "tex2DGrad", "tex3DGrad", "tex1DLayered", "tex2DLayered", "texCubemap", "tex2Dgather",
)  # fmt: skip
_SURFACES = (
    "surf1Dread", "surf2Dread", "surf3Dread", "surf1Dwrite", "surf2Dwrite", "surf3Dwrite",
)  # fmt: skip
_ADDRESSES = tuple(
    f"__cvta_{a}_to_{b}"
    for space in ("global", "shared", "constant", "local")
    for a, b in (("generic", space), (space, "generic"))
)


def refused(what: str, hint: str) -> Handler:
    """A handler that says that a call runs on CUDA devices only."""

    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        message = f"'{call.spelling}': {what} run on CUDA devices only"
        raise lifter.unsupported(call, message, hint)

    return handler


REFUSED: dict[str, Handler] = {
    **{name: refused("textures", "pass the array and index it") for name in _TEXTURES},
    **{name: refused("surfaces", "pass the array and index it") for name in _SURFACES},
    **{name: refused("raw addresses", "keep the pointer") for name in _ADDRESSES},
    **{
        name: refused("allocations in kernels", "pass an array, or use a local or shared one")
        for name in ("malloc", "free", "operator new", "operator new[]", "operator delete")
    },
    **{
        name: refused("launches from kernels", "launch it from the host")
        for name in ("__cudaPushCallConfiguration", "cudaConfigureCall")
    },
}

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
    "cuda_fp8": "8-bit floats",
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


def missing_header(name: str) -> tuple[str, str] | None:
    """Message and hint for a header that is not there, if more can be said than that."""
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
    return None
