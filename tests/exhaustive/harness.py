"""Compiles one math intrinsic into a loop over arrays, for tests and by-hand measurements."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from accelerx import dtypes
from accelerx.compiler.intrinsics import INTRINSICS, Intrinsic
from accelerx.compiler.llvm.builder import Builder, type_name
from accelerx.compiler.llvm.math import emit_math
from accelerx.dtypes import DType

binding = pytest.importorskip("llvmlite.binding")

Array = npt.NDArray[Any]


def module_text(row: Intrinsic, dtype: DType, lanes: int, *, fast: bool = False) -> str:
    """``void loop(ptr out, i64 n, ptr a, …)``: out[i] = f(a[i], …) for n a multiple of lanes."""
    result = row.result_type(dtype)
    inputs = [dtypes.int32 if row.name == "ldexp" and i == 1 else dtype for i in range(row.arity)]
    b = Builder()
    b.effect("br label %head")
    b.place("head")
    b.effect("%i = phi i64 [0, %entry], [%next, %tail]")
    b.effect("%more = icmp ult i64 %i, %n")
    b.effect("br i1 %more, label %body, label %exit")
    b.place("body")
    arguments = []
    for k, kind in enumerate(inputs):
        at = b.value(f"getelementptr {kind.llvm}, ptr %a{k}, i64 %i")
        arguments.append(b.value(f"load {type_name(kind, lanes)}, ptr {at}, align {kind.itemsize}"))
    value = emit_math(b, row.name, arguments, dtype, lanes, fast=fast)
    stored = result
    if result.is_bool:
        stored = dtypes.uint8
        value = b.value(f"zext {type_name(result, lanes)} {value} to {type_name(stored, lanes)}")
    at = b.value(f"getelementptr {stored.llvm}, ptr %out, i64 %i")
    b.effect(f"store {type_name(stored, lanes)} {value}, ptr {at}, align {stored.itemsize}")
    b.effect("br label %tail")
    b.place("tail")
    b.effect(f"%next = add i64 %i, {lanes}")
    b.branch("head")
    b.place("exit")
    b.effect("ret void")
    parameters = "".join(f", ptr noalias %a{k}" for k in range(row.arity))
    head = f"define void @loop(ptr noalias %out, i64 %n{parameters}) {{\nentry:"
    return "\n".join([*b.declarations, head, *b.lines, "}"])


@dataclass(frozen=True)
class Compiled:
    """A compiled loop; calling it gives the function's values for NumPy arrays."""

    row: Intrinsic
    dtype: DType
    lanes: int
    loop: Callable[..., None]
    engine: Any
    assembly: str

    def __call__(self, *arrays: Array) -> Array:
        count = arrays[0].size
        padded = -(-count // self.lanes) * self.lanes
        kind = self.row.result_type(self.dtype)
        out = np.empty(padded, np.uint8 if kind.is_bool else kind.numpy)
        kept = [
            np.resize(a, padded) if padded != count else np.ascontiguousarray(a) for a in arrays
        ]
        self.into(out, *kept)
        return out[:count].astype(np.bool_) if kind.is_bool else out[:count]

    def into(self, out: Array, *arrays: Array) -> None:
        """Without checks or copies: sizes must be multiples of the lanes."""
        self.loop(out.ctypes.data, out.size, *[a.ctypes.data for a in arrays])


@cache
def _initialize() -> None:
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()


def engine(text: str) -> tuple[Any, str]:
    """Compiles a module for this machine: llvmlite's execution engine, and the assembly."""
    _initialize()
    module = binding.parse_assembly(text)
    module.verify()
    machine = binding.Target.from_default_triple().create_target_machine(
        cpu=binding.get_host_cpu_name(), features=binding.get_host_cpu_features().flatten(), opt=2
    )
    options = binding.create_pipeline_tuning_options(speed_level=2)
    options.loop_unrolling = False
    options.loop_vectorization = False
    builder = binding.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    assembly = machine.emit_assembly(module)
    compiled = binding.create_mcjit_compiler(module, machine)
    compiled.finalize_object()
    return compiled, assembly


@cache
def compile_function(name: str, dtype: DType, lanes: int, *, fast: bool = False) -> Compiled:
    """Compiles ``name`` for this machine."""
    row = INTRINSICS[name]
    compiled, assembly = engine(module_text(row, dtype, lanes, fast=fast))
    kinds = [ctypes.c_void_p] * row.arity
    signature = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, *kinds)
    loop = signature(compiled.get_function_address("loop"))
    return Compiled(row, dtype, lanes, loop, compiled, assembly)
