"""Runs host kernels (dialect ``llvm``) from Python through ctypes, block by block on one thread.

The reference implementation of the caller's side of ``ax_host_kernel``: packs arguments, gives
scratch memory, and passes the kernel's calls of the hook to a Python function.
"""

from __future__ import annotations

import ctypes
import dataclasses
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from accelerx.compiler import ir
from accelerx.compiler.dialects.base import EmitOptions, Program
from accelerx.compiler.dialects.llvm import LlvmDialect
from accelerx.compiler.layout import pack_layout
from accelerx.compiler.llvm.blocks import WAITS
from accelerx.runtime.jit import CompiledCode, compile_llvm
from tests.support.lifted import Literals, lifted
from tests.support.lifted import launch as interpret

Dim3 = tuple[int, int, int]
OnSite = Callable[[int, Dim3, Dim3, tuple[int, ...]], bool]
_HOOK = ctypes.CFUNCTYPE(
    ctypes.c_int32,
    ctypes.c_void_p,
    ctypes.c_int32,
    ctypes.POINTER(ctypes.c_int32),
    ctypes.POINTER(ctypes.c_int32),
    ctypes.POINTER(ctypes.c_int64),
    ctypes.c_int32,
)


class _Call(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("args", ctypes.c_void_p),
        ("grid", ctypes.c_uint32 * 3),
        ("shared_bytes", ctypes.c_uint32),
        ("poll", ctypes.POINTER(ctypes.c_int32)),
        ("hook", _HOOK),
        ("hook_ctx", ctypes.c_void_p),
    ]


_FUNCTION = ctypes.CFUNCTYPE(
    ctypes.c_int32, ctypes.POINTER(_Call), ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64
)


def dim3(shape: int | Sequence[int]) -> Dim3:
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    x, y, z = (*sizes, 1, 1)[:3]
    return x, y, z


class HostKernel:
    """A kernel compiled for a block shape.

    Args:
        kernel: KIR from a front end, or made by hand.
        block: Threads of a block.
        options: Lanes, jam and so on.
    """

    def __init__(
        self, kernel: ir.Kernel, block: int | Sequence[int], options: EmitOptions | None = None
    ) -> None:
        dialect = LlvmDialect()
        shaped = dataclasses.replace(kernel, block=dim3(block))
        self.lowered = dialect.lower(shaped)
        self.program: Program = dialect.emit(self.lowered, options or EmitOptions())
        self.code: CompiledCode = compile_llvm(self.program.text)
        self.function = _FUNCTION(self.code.address)
        self.polls = 0

    def pack(self, arguments: Mapping[str, Any]) -> ctypes.Array[ctypes.c_char]:
        """The argument buffer; a buffer is an array, or (array, index of element 0)."""
        offsets, size = pack_layout(self.program.params)
        buffer = bytearray(size or 8)
        for param, offset in zip(self.program.params, offsets, strict=True):
            value = arguments[param.name]
            if param.kind == "buffer":
                array, first = value if isinstance(value, tuple) else (value, 0)
                data = struct.pack("<Q", array.ctypes.data + first * array.itemsize)
            else:
                data = _scalar_bytes(value, param)
            buffer[offset : offset + len(data)] = data
        return (ctypes.c_char * len(buffer)).from_buffer_copy(buffer)

    def prepare(
        self,
        grid: int | Sequence[int],
        arguments: Mapping[str, Any],
        *,
        shared_bytes: int = 0,
        on_site: OnSite | None = None,
        poll: int = 0,
    ) -> Callable[[], int]:
        """A function that runs the whole grid and gives what the kernel returned."""
        packed = self.pack(arguments)
        shape = dim3(grid)
        errors: list[BaseException] = []

        def hook(_: Any, site: int, block: Any, thread: Any, values: Any, count: int) -> int:
            if site == -1:
                self.polls += 1
                return int(poll > 1)
            try:
                if on_site is None:
                    raise AssertionError(f"unexpected site {site} from thread {thread[:3]}")
                place = (tuple(block[:3]), tuple(thread[:3]))
                return int(on_site(site, *place, tuple(values[:count])))
            except BaseException as e:
                errors.append(e)
                return 1

        word, callback = ctypes.c_int32(poll), _HOOK(hook)
        call = _Call(
            ctypes.sizeof(_Call),
            ctypes.cast(packed, ctypes.c_void_p),
            (ctypes.c_uint32 * 3)(*shape),
            shared_bytes,
            ctypes.pointer(word),
            callback,
            None,
        )
        total = shape[0] * shape[1] * shape[2]
        stride = (self.program.scratch_bytes + shared_bytes + 63) // 64 * 64
        places = total if self.program.cooperative else 1
        raw = np.zeros(places * stride + 128, np.uint8)
        scratch = (raw.ctypes.data + 63) // 64 * 64

        def run() -> int:
            keep = (packed, raw, word)
            if self.program.cooperative:
                raw[:] = 0
                result = self._in_phases(call, scratch, stride, total)
            else:
                result = int(self.function(ctypes.byref(call), scratch, 0, total))
            del keep
            if errors:
                raise errors.pop()
            return result

        return run

    def _in_phases(self, call: _Call, scratch: int, stride: int, total: int) -> int:
        """Runs blocks that wait for each other: all of them to their next barrier, again and again."""
        while True:
            results = []
            for n in range(total):
                result = self.function(ctypes.byref(call), scratch + n * stride, n, n + 1)
                if result not in (0, WAITS):
                    return int(result)
                results.append(result)
            if WAITS not in results:
                return 0
            assert 0 not in results, f"block {results.index(0)} does not wait with the others"

    def run(self, grid: int | Sequence[int], arguments: Mapping[str, Any], **kwargs: Any) -> int:
        """Runs the whole grid."""
        return self.prepare(grid, arguments, **kwargs)()


def _scalar_bytes(value: Any, param: ir.Param) -> bytes:
    if param.dtype.name == "bfloat16":
        bits = struct.unpack("<I", struct.pack("<f", float(value)))[0]
        return struct.pack("<H", (bits + 0x7FFF + (bits >> 16 & 1)) >> 16)
    return np.array(value, param.dtype.name).tobytes()


# ----------------------------------------------------------------------- comparing with the oracle

CONFIGURATIONS = {
    "auto": EmitOptions(),
    "scalar": EmitOptions(lanes=1),
    "lockstep": EmitOptions(mode="lockstep"),
    "regions1": EmitOptions(lanes=16, jam=1, mode="regions"),
    "regions2": EmitOptions(lanes=8, jam=2, mode="regions", specialise=False),
}


def launch(
    kernel: ir.Kernel,
    grid: int | Sequence[int],
    block: int | Sequence[int],
    arguments: Sequence[Any],
    *,
    options: EmitOptions | None = None,
    shared_bytes: int = 0,
    on_site: OnSite | None = None,
) -> HostKernel:
    """Compiles a lifted kernel for the host and runs it on launch arguments."""
    compiled = HostKernel(kernel, block, options)
    compiled.run(grid, bind(kernel, arguments), shared_bytes=shared_bytes, on_site=on_site)
    return compiled


def agree(
    function: Callable[..., None],
    grid: int | Sequence[int],
    block: int | Sequence[int],
    *arguments: Any,
    literals: Literals = "weak",
    shared_bytes: int = 0,
    contract: bool = False,
    configurations: Sequence[str] = tuple(CONFIGURATIONS),
) -> None:
    """Asserts that a kernel gives the interpreter's bits in every configuration."""
    kernel = dataclasses.replace(lifted(function, *arguments, literals=literals), contract=contract)
    expected = [copied(a) for a in arguments]
    interpret(kernel, grid, block, expected, shared_bytes)
    for name in configurations:
        actual = [copied(a) for a in arguments]
        launch(kernel, grid, block, actual, options=CONFIGURATIONS[name], shared_bytes=shared_bytes)
        for want, got in zip(expected, actual, strict=True):
            np.testing.assert_array_equal(got, want, err_msg=f"configuration {name}")


def bind(kernel: ir.Kernel, arguments: Sequence[Any]) -> dict[str, Any]:
    """Values of a kernel's parameters for launch arguments (arrays and scalars)."""
    values: dict[str, Any] = {}
    for param in kernel.params:
        argument = arguments[param.argument]
        match param.kind:
            case "extent":
                values[param.name] = argument.shape[param.axis]
            case "stride":
                values[param.name] = argument.strides[param.axis] // argument.itemsize
            case _:
                values[param.name] = argument
    return values


def copied(argument: Any) -> Any:
    return argument.copy(order="A") if isinstance(argument, np.ndarray) else argument
