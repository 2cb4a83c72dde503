"""Builtins that run on CUDA devices only: a call of one is an error that says so."""

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
