"""What the cuda dialect prints of views and clocks: read as text, run on the host, golden."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from accelerx.compiler import ir
from accelerx.compiler.dialects.base import EmitOptions, Program
from accelerx.compiler.dialects.cuda import CudaDialect
from accelerx.dtypes import DType, float32, int32, int64, uint8, uint64
from tests.support.cuda_on_host import COMPILER, HostPrograms
from tests.support.golden import Golden, golden  # noqa: F401
from tests.support.kernels import THREAD, const, kernel, load, store
from tests.support.views import CASES, Buffers, Case, at, view, viewing


def emit(k: ir.Kernel) -> Program:
    dialect = CudaDialect(lines=False)
    return dialect.emit(dialect.lower(k), EmitOptions())


def lines(k: ir.Kernel) -> list[str]:
    """The kernel's lines between its braces."""
    text = emit(k).text
    return [line[4:] for line in text[text.rindex(") {\n") + 4 :].splitlines()[:-1]]


def loads(root: DType, unit: int | None, index: ir.Expr) -> str:
    """How a load of float32 through a view of ``p`` prints."""
    k = kernel([store("out", load("v", float32, index), 0)], {"p": root, "out": float32})
    k.params[0].written = False
    (line,) = lines(viewing(k, view("v", "p", float32, unit)))
    return line.removeprefix("out[0] = ").removesuffix(";")


# ----------------------------------------------------------------------------------------- text


def test_a_view_in_elements_is_its_root_cast_and_indexed() -> None:
    assert loads(uint8, None, THREAD) == "reinterpret_cast<const float *>(p)[threadIdx.x]"
    assert loads(int32, 4, const(3)) == "reinterpret_cast<const float *>(p)[3]"


def test_a_view_in_bytes_is_the_elements_address_cast() -> None:
    assert loads(uint8, 1, at(4, 8)) == (
        "*reinterpret_cast<const float *>(p + (threadIdx.x * 4 + 8))"
    )
    assert loads(int32, 1, const(8)) == (
        "*reinterpret_cast<const float *>(reinterpret_cast<const unsigned char *>(p) + 8)"
    )


def test_a_step_is_multiplied_in_64_bits() -> None:
    assert loads(uint8, 12, THREAD) == (
        "*reinterpret_cast<const float *>(p + (long long)threadIdx.x * 12)"
    )
    assert loads(uint8, 12, const(1 << 30)) == ("*reinterpret_cast<const float *>(p + 12884901888)")
    wide = ir.ParamRef("n", int64)
    k = kernel([store("out", load("v", float32, wide), 0)], {"p": uint8, "out": float32},
               scalars={"n": int64})  # fmt: skip
    assert lines(viewing(k, view("v", "p", float32, 2))) == [
        "out[0] = *reinterpret_cast<float *>(p + n * 2);"
    ]


def test_stores_and_atomics_take_the_element_and_its_address() -> None:
    k = kernel(
        [
            store("f", const(1.0, float32), at(4)),
            store("g", const(2.0, float32)),
            ir.Atomic("add", "f", (const(4),), const(1.0, float32)),
            ir.Atomic("add", "g", (const(4),), const(1.0, float32)),
            ir.Atomic("add", "l", (const(1),), const(1, int64), None),
        ],
        {"p": uint8},
    )
    views = (view("f", "p", float32, 1), view("g", "p", float32), view("l", "p", int64, 2))
    assert lines(viewing(k, *views)) == [
        "*reinterpret_cast<float *>(p + threadIdx.x * 4) = 1.0f;",
        "reinterpret_cast<float *>(p)[threadIdx.x] = 2.0f;",
        "atomicAdd(reinterpret_cast<float *>(p + 4), 1.0f);",
        "atomicAdd(&reinterpret_cast<float *>(p)[4], 1.0f);",
        "(long long)atomicAdd((unsigned long long *)reinterpret_cast<long long *>(p + 2),"
        " (unsigned long long)1LL);",
    ]


def test_a_shared_array_seen_as_larger_elements_is_aligned_for_them() -> None:
    k = kernel([store("f", const(1.0, float32), at(4)), store("b", const(0, uint8))], {})
    arena = ir.Mem("arena", uint8, "shared", (256,), (1,))
    grid = ir.Mem("grid", float32, "shared", (16, 17), (17, 1))
    views = (view("f", "arena", float32, 1, "shared"), view("b", "grid", uint8, 1, "shared"))
    assert lines(viewing(k, arena, grid, *views)) == [
        "__shared__ __align__(16) unsigned char arena[256];",
        "__shared__ float grid[16][17];",
        "*reinterpret_cast<float *>(arena + threadIdx.x * 4) = 1.0f;",
        "reinterpret_cast<unsigned char *>(grid)[threadIdx.x] = 0;",
    ]
    assert emit(viewing(k, arena, grid, *views)).shared_bytes == 256 + 16 * 17 * 4


def test_clocks_are_cudas_own() -> None:
    k = kernel([ir.Clock("a"), ir.Clock("b", "nanoseconds"),
                store("out", ir.Binary("sub", ir.Local("b", int64), ir.Local("a", int64), int64))],
               {"out": int64}, {"a": int64, "b": int64})  # fmt: skip
    text = emit(k).text
    assert '    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));' in text.splitlines()
    assert lines(k)[:2] == ["long long a = clock64();", "long long b = ax_globaltimer();"]


@pytest.mark.parametrize("name", ["records by bytes", "dynamic arena", "atomics on a buffer"])
def test_golden(name: str, golden: Golden) -> None:  # noqa: F811
    golden.check(f"cuda/views_{name.replace(' ', '_')}.cu", emit(CASES[name].kernel).text)


# --------------------------------------------------------------------------------------- on the host


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> HostPrograms:
    if COMPILER is None:
        pytest.skip("no C++ compiler on this machine")
    timers = {kind: emit(_timer(kind)) for kind in ("cycles", "nanoseconds")}
    folder: Path = tmp_path_factory.mktemp("views")
    return HostPrograms({name: emit(c.kernel) for name, c in CASES.items()} | timers, folder)


@pytest.mark.parametrize("name", CASES)
def test_a_view_is_its_roots_memory(programs: HostPrograms, name: str) -> None:
    case: Case = CASES[name]

    def run(k: ir.Kernel, buffers: Buffers) -> None:
        programs.launch(name, case.grid, case.block, buffers)

    case.check(run)


def _timer(kind: ir.ClockKind) -> ir.Kernel:
    body: list[ir.Stmt] = [ir.Clock("a", kind), ir.Clock("b", kind)]
    body += [store(n, ir.Bitcast(ir.Local(n, int64), uint64)) for n in "ab"]
    return kernel(body, {"a": uint64, "b": uint64}, {"a": int64, "b": int64})


@pytest.mark.parametrize("kind", ["cycles", "nanoseconds"])
def test_clocks_go_on(programs: HostPrograms, kind: str) -> None:
    a, b = np.zeros(4, np.uint64), np.zeros(4, np.uint64)
    programs.launch(kind, 1, 4, {"a": a, "b": b})
    assert (a > 0).all()
    assert (b >= a).all()
