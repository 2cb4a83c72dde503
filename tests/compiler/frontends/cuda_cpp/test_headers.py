"""The headers: they parse, they agree with the table of builtins, and they have what CUDA's have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("clang.cindex")

from accelerx.compiler.frontends.cuda_cpp import prelude
from accelerx.compiler.frontends.cuda_cpp.builtins import BUILTINS
from accelerx.compiler.frontends.cuda_cpp.clang import INCLUDE, Unit, children
from accelerx.compiler.frontends.cuda_cpp.source import CudaOptions, CudaSource
from accelerx.errors import CompileError
from tests.support.cuda_cpp import run
from tests.support.cuda_cpp_host import both

pytestmark = pytest.mark.slow

STANDARDS = ("c++14", "c++17", "c++20")
HEADERS = sorted(
    str(path.relative_to(INCLUDE))
    for path in INCLUDE.rglob("*")
    if path.is_file() and path.suffix != ".inc" and path.parent.name != "accelerx"
)


@pytest.fixture(autouse=True)
def _plain_prelude(monkeypatch: pytest.MonkeyPatch) -> None:
    """libclang leaves out what a kept prelude declares."""
    monkeypatch.setattr(prelude, "_folder", [])


def parsed(code: str, standard: Any = "c++17") -> Unit:
    return Unit.parse(CudaSource(code, CudaOptions(standard=standard)))


@pytest.mark.parametrize("standard", STANDARDS)
@pytest.mark.parametrize("header", HEADERS)
def test_every_header_parses_by_itself(header: str, standard: str) -> None:
    unit = parsed(f"#include <{header}>\n#include <{header}>\n__global__ void k() {{}}", standard)
    assert [str(d) for d in unit.tu.diagnostics] == []


def functions(cursor: Any) -> list[Any]:
    """The functions that our headers declare, templates too."""
    found = []
    for child in children(cursor):
        file = child.location.file
        if file is None or not Path(file.name).is_relative_to(INCLUDE):
            continue
        if child.kind.name in ("LINKAGE_SPEC", "NAMESPACE", "UNEXPOSED_DECL"):
            found += functions(child)
        elif child.kind.name in ("FUNCTION_DECL", "FUNCTION_TEMPLATE"):
            found.append(child)
    return found


@pytest.mark.parametrize(
    "header",
    [
        "cstddef",
        "curand_kernel.h",
        "cuComplex.h",
        "cuda_fp8.h",
        "cooperative_groups/memcpy_async.h",
    ],
)
def test_a_function_without_a_body_is_a_builtin(header: str) -> None:
    unit = parsed(f"#include <{header}>")
    declared = {c.spelling for c in functions(unit.tu.cursor) if c.get_definition() is None}
    assert len(declared) > 500
    assert sorted(declared - set(BUILTINS)) == []


def test_a_kernel_needs_no_includes_and_may_have_them_all() -> None:
    mine = [h for h in HEADERS if h.endswith(".h") or "." not in h]
    includes = "".join(f"#include <{h}>\n" for h in mine if "/" not in h)
    body = "__global__ void k(float* x) { x[threadIdx.x] = sinf(x[0]) + FLT_EPSILON; }"
    for code in (body, includes + body):
        run(code, "k", 1, 1, np.zeros(1, np.float32))


CONSTANTS = {
    "INFINITY": np.inf, "HUGE_VAL": np.inf, "M_PI": np.pi, "M_E": np.e, "FLT_MAX": np.finfo(np.float32).max,
    "FLT_MIN": np.finfo(np.float32).tiny, "FLT_EPSILON": 2.0**-23, "DBL_MAX": np.finfo(np.float64).max,
    "DBL_EPSILON": 2.0**-52, "DBL_MIN": np.finfo(np.float64).tiny, "INT_MAX": 2**31 - 1, "INT_MIN": -(2**31),
    "UINT_MAX": 2**32 - 1, "LLONG_MAX": 2.0**63, "CHAR_BIT": 8, "SHRT_MIN": -(2**15), "INT8_MIN": -128,
    "UINT16_MAX": 65535, "warpSize": 32, "sizeof(size_t)": 8, "sizeof(ulong)": 8, "sizeof(uint64_t)": 8,
    "-NAN != NAN": 1, "CUDART_INF_F": np.inf, "CUDART_PI": np.pi, "CUDART_NEG_ZERO_F": -0.0,
    "offsetof(float4, z)": 8, "(o != NULL)": 1, "sizeof(std::size_t)": 8, "INT64_C(5)": 5,
    "__CUDACC_VER_MAJOR__ >= 12": 1, "sizeof(std::uint8_t)": 1, "sizeof(uchar) + sizeof(ushort)": 3,
}  # fmt: skip


def test_constants() -> None:
    stores = "".join(f"o[{n}] = {c};" for n, c in enumerate(CONSTANTS))
    text = f"#include <math_constants.h>\n#include <cstdint>\n__global__ void k(double* o) {{ {stores} }}"
    for (o,) in both(text, "k", 1, 1, np.zeros(len(CONSTANTS))):
        np.testing.assert_array_equal(o, [float(v) for v in CONSTANTS.values()])


@pytest.mark.parametrize(
    "declaration",
    [
        "typedef unsigned long long uint64_t; typedef signed char int8_t; typedef unsigned int uint;",
        "using uint32_t = unsigned int; using uchar = unsigned char;",
        "#undef M_PI\n#define M_PI 3.14f",
        "#define INFINITY __int_as_float(0x7f800000)",
        "#define max(a, b) ((a) > (b) ? (a) : (b))",
        "__device__ float4 operator+(float4 a, float4 b) { return make_float4(a.x + b.x, 0, 0, 0); }",
        "__device__ float3 make_float3(float s) { return make_float3(s, s, s); }",
        "__device__ float clamp(float x, float a, float b) { return fmaxf(a, fminf(x, b)); }",
        "inline float host_helper(float x) { return sqrtf(x) + max(x, 1.f); }",
        "template <class T> __device__ T min(T a, T b, T c) { return min(min(a, b), c); }",
    ],
)
def test_a_text_may_declare_what_it_lacks_elsewhere(declaration: str) -> None:
    text = f"{declaration}\n__global__ void k(int* x) {{ x[0] = threadIdx.x + 1; }}"
    x = np.zeros(1, np.int32)
    run(text, "k", 1, 1, x)
    assert x[0] == 1


def test_qualifiers() -> None:
    text = (
        "__constant__ float c[2] = {1, 2}; __device__ __managed__ int counter;"
        "__device__ __noinline__ int f(const int* __restrict__ p) { return *p; }"
        "__device__ __forceinline__ int g(int x) { return x + 1; }"
        "struct __align__(16) A { int x; }; struct __builtin_align__(8) B { int x; };"
        "__global__ void __launch_bounds__(128, 2) k(const __grid_constant__ int n, int* x) {"
        "__shared__ __align__(16) int s[4]; s[0] = g(f(x)); x[1] = s[0] + n; x[2] = sizeof(A) + sizeof(B); }"
    )
    for (x,) in both(text, "k", 1, 1, np.int32(5), np.array([10, 0, 0], np.int32)):
        assert x.tolist() == [10, 16, 24]


def test_dim3() -> None:
    text = (
        "__global__ void k(unsigned* x) { dim3 a(2, 3); dim3 b = threadIdx; uint3 c = blockDim; dim3 d;"
        " x[0] = a.x * 100 + a.y * 10 + a.z; x[1] = b.x + c.x + d.y; }"
    )
    for (x,) in both(text, "k", 1, 1, np.zeros(2, np.uint32)):
        assert x.tolist() == [231, 2]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("mma.h", r"tensor core operations \(wmma\) run on CUDA devices only"),
        ("cub/block/block_radix_sort.cuh", "CUB runs on CUDA devices only"),
        ("iostream", "a header of host code"),
        ("vector", "a header of host code"),
        ("own.cuh", "'own.cuh' file not found"),
    ],
)
def test_missing_headers_are_explained(header: str, message: str) -> None:
    """At the #include's line, with what to do."""
    with pytest.raises(CompileError, match=rf"(?s)kernel\.cu:2:10: error: .*{message}.*hint: "):
        parsed(f"\n#include <{header}>\n__global__ void k() {{}}")


# --------------------------------------------------------------------------------------- cuComplex

COMPLEX = {
    "cuCadd": lambda a, b: a + b,
    "cuCsub": lambda a, b: a - b,
    "cuCmul": lambda a, b: a * b,
    "cuCdiv": lambda a, b: a / b,
}


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_complex_numbers(dtype: Any) -> None:
    suffix, t, part = (
        ("f", "cuFloatComplex", "float")
        if dtype is np.complex64
        else ("", "cuDoubleComplex", "double")
    )
    calls = "".join(f"o[{8 * n} + i] = {name}{suffix}(a, b);" for n, name in enumerate(COMPLEX))
    text = (
        f"#include <cuComplex.h>\n__global__ void k(const {t}* x, const {t}* y, {t}* o, {part}* r) {{"
        f"int i = threadIdx.x; {t} a = x[i], b = y[i]; {calls} o[32 + i] = cuConj{suffix}(a);"
        f"o[40 + i] = cuCfma{suffix}(a, b, a); r[i] = cuCabs{suffix}(a);"
        f"r[8 + i] = cuCreal{suffix}(a) + cuCimag{suffix}(make_{t}(1, 2)); }}"
    )
    rng = np.random.default_rng(1)
    x, y = (rng.normal(0, 1, 16).view(np.complex128).astype(dtype) for _ in range(2))
    real = x.real.dtype
    halves = [x.view(real), y.view(real)]
    for _, _, o, r in both(text, "k", 1, 8, *halves, np.zeros(96, real), np.zeros(16, real)):
        got = o.view(dtype).reshape(6, 8)
        want = [work(x, y) for work in COMPLEX.values()] + [x.conj(), x * y + x]
        np.testing.assert_allclose(got, want, rtol=3e-6 if dtype is np.complex64 else 1e-14)
        np.testing.assert_allclose(r, np.concatenate([np.abs(x), x.real + 2]), rtol=1e-6)


def test_complex_moduli_and_quotients_do_not_overflow() -> None:
    text = (
        "#include <cuComplex.h>\n__global__ void k(float* o) { cuComplex big = make_cuComplex(2e38f, 2e38f);"
        "o[0] = cuCabsf(big); o[1] = cuCdivf(big, big).x; o[2] = cuComplexDoubleToFloat("
        "cuComplexFloatToDouble(big)).y; }"
    )
    for (o,) in both(text, "k", 1, 1, np.zeros(3, np.float32)):
        np.testing.assert_allclose(o, [np.sqrt(8) * 1e38, 1, 2e38], rtol=1e-6)
