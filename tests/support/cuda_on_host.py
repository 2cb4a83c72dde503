"""Compiles printed CUDA C++ with the host's compiler and runs it, block by block, without a GPU.

It tests what the printer wrote: integer arithmetic (the undefined-behaviour sanitiser traps), control
flow, indexing, barriers. It says nothing of a GPU's own arithmetic or of races.
"""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from accelerx.compiler import ir
from accelerx.compiler.dialects.base import Program

HEADER = Path(__file__).with_name("cuda_on_host.h")
COMPILER = shutil.which("g++") or shutil.which("clang++")
FLAGS = (
    "-std=c++20", "-O1", "-shared", "-fPIC", "-w", "-ffp-contract=off", "-fno-strict-aliasing",
    "-fsanitize=signed-integer-overflow,shift,integer-divide-by-zero",
    "-fsanitize-undefined-trap-on-error",
)  # fmt: skip


class HostPrograms:
    """Printed programs compiled into one library.

    Args:
        programs: By a name of the caller's choice.
        folder: Where source and library are put.
        head: Text in front of the programs.
    """

    def __init__(self, programs: Mapping[str, Program], folder: Path, head: str = "") -> None:
        assert COMPILER is not None, "no C++ compiler on this machine"
        self._programs = dict(programs)
        self._index = {name: n for n, name in enumerate(programs)}
        parts = [_wrapped(n, p) for n, p in enumerate(self._programs.values())]
        source, library = folder / "programs.cpp", folder / "programs.so"
        source.write_text("\n".join([f'#include "{HEADER}"', head, *parts]))
        command = [COMPILER, *FLAGS, str(source), "-o", str(library)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[:4000]
        self._library = ctypes.CDLL(str(library))

    def __contains__(self, name: str) -> bool:
        return name in self._programs

    def run(self, name: str, grid: Any, block: Any, arguments: Sequence[Any]) -> None:
        """Launches a program; arrays are changed in place, whatever their strides."""
        params = self._programs[name].params
        self.launch(name, grid, block, {p.name: _value(p, arguments) for p in params})

    def launch(self, name: str, grid: Any, block: Any, parameters: Mapping[str, Any]) -> None:
        """Launches a program with each parameter's value: an array, or a number."""
        values = [_stored(p, parameters[p.name]) for p in self._programs[name].params]
        pointers = (ctypes.c_void_p * max(1, len(values)))(
            *(v.ctypes.data if isinstance(v, np.ndarray) else ctypes.addressof(v) for v in values)
        )
        dims = (ctypes.c_uint * 6)(*_three(grid), *_three(block))
        run = getattr(self._library, f"run_{self._index[name]}")
        run.restype = ctypes.c_bool
        assert run(dims, pointers), f"{name}: the block's threads wait for each other for ever"


def _wrapped(n: int, program: Program) -> str:
    """A program in a namespace of its own, and the function that launches it."""
    text = re.sub(r"^#line.*\n", "", program.text, flags=re.MULTILINE)
    text = re.sub(r"^extern __shared__ .*$", "", text, flags=re.MULTILINE)
    text = text.replace('extern "C" ', "")
    text = re.sub(r'asm\("cvt.f32.f16.*', "x = ax_host_from_f16(bits);", text)
    text = re.sub(r'asm\("cvt.rn.f16.*', "y.bits = ax_host_to_f16(x);", text)
    text = re.sub(
        r'asm volatile\("mov.u64 %0, %%globaltimer.*', "now = ax_host_nanoseconds();", text
    )
    head = text[text.rindex("__global__ void") :]
    parameters = head[head.index(program.entry + "(") + len(program.entry) + 1 : head.index(") {")]
    types = [
        p.strip().rpartition(" ")[0] + "*" * p.count("*")
        for p in parameters.replace("\n", " ").split(",")
    ]
    types = [t for t in types if t]
    values = ", ".join(f"*({t} *)values[{i}]" for i, t in enumerate(types))
    return f"""
namespace program_{n} {{
{text}
static void **values;
static void call() {{ {program.entry}({values}); }}
}}
extern "C" bool run_{n}(const unsigned *dims, void **values) {{
    program_{n}::values = values;
    return host::launch({{dims[0], dims[1], dims[2]}}, {{dims[3], dims[4], dims[5]}}, program_{n}::call);
}}"""


def _value(param: ir.Param, arguments: Sequence[Any]) -> Any:
    """What a parameter gets from the launch's arguments."""
    argument = arguments[param.argument]
    if param.kind == "extent":
        return argument.shape[param.axis]
    if param.kind == "stride":
        return argument.strides[param.axis] // argument.itemsize
    return argument


def _stored(param: ir.Param, value: Any) -> Any:
    """A parameter's value as something with an address."""
    if param.kind == "buffer":
        return ctypes.c_void_p(value.ctypes.data)
    return np.array(value, param.dtype.numpy)


def _three(dim: Any) -> tuple[int, int, int]:
    x, y, z = ((dim,) if isinstance(dim, int) else tuple(dim)) + (1,) * (
        2 if isinstance(dim, int) else 3 - len(dim)
    )
    return x, y, z
