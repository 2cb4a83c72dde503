"""NVRTC from the PyPI wheel, by ctypes: compiles CUDA C++ for real, with no GPU and no toolkit."""

from __future__ import annotations

import ctypes
from functools import cache
from importlib.util import find_spec
from pathlib import Path

ARCHITECTURES = ("sm_80", "sm_90", "sm_120")


class NvrtcError(AssertionError):
    """NVRTC refused a program; the message holds its log."""


@cache
def library() -> ctypes.CDLL | None:
    """The wheel's NVRTC, or None if it is not installed."""
    spec = find_spec("nvidia")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        for path in sorted(Path(folder).glob("*/lib/libnvrtc.so*")):
            return ctypes.CDLL(str(path))
    return None


@cache
def headers() -> tuple[Path, ...]:
    """Folders of CUDA's headers, from nvidia-cuda-runtime and nvidia-cuda-cccl if installed."""
    spec = find_spec("nvidia")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        for path in sorted(Path(folder).glob("*/include")):
            if (path / "cuda_fp16.h").exists() and (path / "cccl").exists():
                return path, path / "cccl"
    return ()


def compile_cuda(
    text: str,
    architecture: str = "sm_80",
    options: tuple[str, ...] = (),
    entries: tuple[str, ...] = (),
) -> bytes:
    """The cubin for ``text``.

    Args:
        text: The program.
        architecture: A ``sm_`` number.
        options: Further options of NVRTC's.
        entries: Name expressions, such as ``"kernel<float, 4>"``, to instantiate.

    Raises:
        NvrtcError: with the compiler's log and the program, if it does not compile.
    """
    nvrtc = library()
    assert nvrtc is not None, "needs the package nvidia-cuda-nvrtc"
    program = ctypes.c_void_p()
    source = text.encode()
    _call(nvrtc.nvrtcCreateProgram(ctypes.byref(program), source, b"kernel.cu", 0, None, None))
    try:
        for entry in entries:
            _call(nvrtc.nvrtcAddNameExpression(program, entry.encode()))
        flags = [f"--gpu-architecture={architecture}", "--generate-line-info", *options]
        array = (ctypes.c_char_p * len(flags))(*(flag.encode() for flag in flags))
        if nvrtc.nvrtcCompileProgram(program, len(flags), array) != 0:
            log = _bytes(nvrtc.nvrtcGetProgramLogSize, nvrtc.nvrtcGetProgramLog, program)
            raise NvrtcError(f"{architecture}: {log.decode().rstrip(chr(0))}\n{text}")
        return _bytes(nvrtc.nvrtcGetCUBINSize, nvrtc.nvrtcGetCUBIN, program)
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


def _call(code: int) -> None:
    if code != 0:
        raise NvrtcError(f"NVRTC answered error {code}")


def _bytes(
    size_of: ctypes._NamedFuncPointer, get: ctypes._NamedFuncPointer, program: ctypes.c_void_p
) -> bytes:
    size = ctypes.c_size_t()
    _call(size_of(program, ctypes.byref(size)))
    buffer = ctypes.create_string_buffer(size.value)
    _call(get(program, buffer))
    return buffer.raw
