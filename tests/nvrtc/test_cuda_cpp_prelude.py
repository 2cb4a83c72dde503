"""The CUDA C++ prelude against NVRTC: every name, every overload's type, every vector's layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("clang.cindex")

from accelerx.compiler.frontends.cuda_cpp import prelude
from accelerx.compiler.frontends.cuda_cpp.builtins_bits import VECTORS
from accelerx.compiler.frontends.cuda_cpp.clang import INCLUDE, Unit, children
from accelerx.compiler.frontends.cuda_cpp.source import CudaSource
from tests.support import nvrtc

pytestmark = pytest.mark.skipif(nvrtc.library() is None, reason="needs nvidia-cuda-nvrtc")

# Ours beyond NVRTC's: it has them with nvcc's headers only, or by an older name.
BEYOND = {"__ax_assert", "memmove", "cudaConfigureCall"}
# bool as in C++; NVRTC has C's int.
AS_IN_CPP = {"isnan", "isinf", "isfinite", "signbit"}
SAME = (
    "template <class A, class B> struct same { static const bool value = false; };\n"
    "template <class A> struct same<A, A> { static const bool value = true; };\n"
)


@pytest.fixture(autouse=True)
def _plain_prelude(monkeypatch: pytest.MonkeyPatch) -> None:
    """libclang leaves out what a kept prelude declares."""
    monkeypatch.setattr(prelude, "_folder", [])


def declared() -> list[Any]:
    """The prelude's functions that are not templates."""
    found = []
    for child in children(Unit.parse(CudaSource("")).tu.cursor):
        file = child.location.file
        if file is None or not Path(file.name).is_relative_to(INCLUDE):
            continue
        for inner in children(child) if child.kind.name == "LINKAGE_SPEC" else [child]:
            if inner.kind.name == "FUNCTION_DECL" and not inner.type.is_function_variadic():
                found.append(inner)
    return found


def check(number: int, function: Any) -> str:
    """A function that NVRTC takes if the call exists and has the type that we declare."""
    types = [a.type.get_canonical().spelling for a in function.get_arguments()]
    values = ", ".join(f"*({t}*)q" for t in types)
    result = function.result_type.get_canonical().spelling
    wanted = "int" if function.spelling in AS_IN_CPP else result
    text = f"{function.spelling}({', '.join(types)}) -> {result}"
    return (
        f"static __device__ void f{number}(void* q) {{ static_assert("
        f'same<decltype({function.spelling}({values})), {wanted}>::value, "{text}"); }}\n'
    )


def test_every_function_is_cudas() -> None:
    functions = [f for f in declared() if f.spelling not in BEYOND]
    assert len(functions) > 750
    text = SAME + "".join(check(n, f) for n, f in enumerate(functions))
    nvrtc.compile_cuda(text, "sm_90", ("--std=c++17", "-w"))


def test_vectors_are_laid_out_as_cudas() -> None:
    names = [f"{name}{n}" for name in VECTORS for n in (1, 2, 3, 4)] + ["dim3"]
    unit = Unit.parse(CudaSource("".join(f"{name} v_{name};\n" for name in names)))
    types = [c.type.get_canonical() for c in unit.declarations() if c.spelling.startswith("v_")]
    assert len(types) == len(names)
    checks = "".join(
        f'static_assert(sizeof({name}) == {t.get_size()} && alignof({name}) == {t.get_align()}, "{name}");\n'
        for name, t in zip(names, types, strict=True)
    )
    nvrtc.compile_cuda(checks, "sm_90", ("--std=c++17", "-w"))
