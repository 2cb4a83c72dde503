"""What the dialect ascendc-simt prints and refuses; the corpora's test runs what it prints."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.dialects.ascendc_simt import AscendcSimtDialect, Form
from accelerx.compiler.dialects.base import EmitOptions, Program
from accelerx.dtypes import DType, float16, float32, int32, int64
from accelerx.errors import UnsupportedError, UnsupportedKernelError
from tests.corpus.python import CASES
from tests.corpus.python.lifting import lifted
from tests.support.golden import Golden, golden  # noqa: F401
from tests.support.kernels import THREAD, const, kernel, load, store

GOLDEN: tuple[tuple[str, Any, Form], ...] = (
    ("vector_add", (128, 1, 1), "hybrid"),
    ("softmax_rows", (64, 1, 1), "hybrid"),
    ("softmax_rows", (64, 1, 1), "pure"),
    ("transpose_tiled", (16, 4, 1), "hybrid"),
    ("transpose_tiled", (16, 4, 1), "pure"),
    ("block_sum_shuffle", (128, 1, 1), "hybrid"),
    ("histogram_shared", (64, 1, 1), "hybrid"),
    ("dot_dynamic", (64, 1, 1), "hybrid"),
    ("relu_half", (64, 1, 1), "hybrid"),
    ("layer_norm", (64, 1, 1), "hybrid"),
)


def emit(k: ir.Kernel, form: Form = "hybrid", *, lines: bool = False) -> Program:
    if k.block is None:
        k = replace(k, block=(64, 1, 1))
    dialect = AscendcSimtDialect(form, lines)
    return dialect.emit(dialect.lower(k), EmitOptions())


def shared(dtype: DType, size: int = 64) -> ir.Mem:
    return ir.Mem("s", dtype, "shared", (size,), (1,))


def with_shared(k: ir.Kernel, mem: ir.Mem) -> ir.Kernel:
    k.mems[mem.name] = mem
    return k


@pytest.mark.parametrize(("name", "block", "form"), GOLDEN)
def test_a_program_is_the_golden_one(
    golden: Golden,  # noqa: F811
    name: str,
    block: Any,
    form: Form,
) -> None:
    case = next(c for c in CASES if c.name == name)
    program = emit(replace(lifted(case, "weak"), block=block), form)
    golden.check(f"ascendc_simt/{name}-{form}.asc", program.text)


def test_a_kernel_without_a_block_is_refused() -> None:
    k = replace(kernel([store("out", const(1), 0)], {"out": int32}), block=None)
    with pytest.raises(UnsupportedError, match="has no block shape"):
        AscendcSimtDialect().lower(k)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (ir.Barrier("grid"), "barrier of the whole grid.*split the kernel"),
        (ir.Clock("t"), "a clock.*time the launch with events"),
    ],
)
def test_what_the_device_lacks_is_refused(statement: ir.Stmt, message: str) -> None:
    k = kernel([statement, store("out", const(1), 0)], {"out": int32})
    k.locals["t"] = int64
    with pytest.raises(UnsupportedKernelError, match=f"(?s){message}"):
        emit(k)


def test_wide_atomics_on_shared_arrays_are_refused() -> None:
    add = ir.Atomic("add", "s", (const(0),), ir.Const(1, int64))
    k = with_shared(kernel([add, store("out", const(1), 0)], {"out": int32}), shared(int64))
    with pytest.raises(UnsupportedKernelError, match="64-bit atomics in global memory only"):
        emit(k)


def test_too_much_shared_memory_is_refused() -> None:
    k = with_shared(kernel([store("out", const(1), 0)], {"out": int32}), shared(float32, 60_000))
    with pytest.raises(UnsupportedKernelError, match=r"take 240000 bytes.*has 221184"):
        emit(k)


def test_atomics_on_shared_and_global_arrays_have_loops_of_their_own() -> None:
    largest = [ir.Atomic("max", mem, (const(0),), ir.Const(1.0, float32)) for mem in ("s", "out")]
    k = with_shared(kernel([*largest], {"out": float32}), shared(float32))
    text = emit(k).text
    assert "ax_atomic_max_f32_shared(__ubuf__ float *address" in text
    assert "ax_atomic_max_f32(__gm__ float *address" in text
    assert "__ubuf__" not in emit(k, "pure").text.partition("extern")[0]


def test_a_half_argument_travels_as_its_bits() -> None:
    value = ir.ParamRef("h", float16)
    k = kernel([store("out", value, THREAD)], {"out": float16})
    k.params.append(ir.Param("h", "scalar", float16, 1))
    text = emit(k).text
    assert "unsigned short h" in text
    assert "out[threadIdx.x] = ax_f16{h}.bits;" in text


def test_threads_that_leave_before_a_barrier_do_not_walk_in_the_pure_form() -> None:
    early = ir.If(ir.Compare("gt", THREAD, const(9)), [ir.Return()])
    k = kernel([early, ir.Barrier(), store("out", const(1), 0)], {"out": int32})
    program = emit(k, "pure")
    assert "break;  // a thread that has left" in program.text
    assert "at most 65535 blocks" in program.notes[-1]
    assert "ax_block += AscendC::GetBlockNum()" in emit(k).text


def test_a_print_passes_floats_as_they_are() -> None:
    k = kernel([ir.Print(("x is", load("x", float32, 0)))], {"x": float32})
    assert 'printf("x is %f\\n", (float)x[0]);' in emit(k).text


def test_conversions_saturate() -> None:
    value = ir.Cast(load("x", float32, 0), dtypes.uint8)
    text = emit(kernel([store("out", value, 0)], {"out": dtypes.uint8, "x": float32})).text
    assert "return x <= 0.0f ? 0 : x >= 256.0f ? 255 : (unsigned char)x;" in text
