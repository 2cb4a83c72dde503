"""Hinted loads and stores, copies, address spaces, printf, and promises to the compiler."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("clang.cindex")

from accelerx.errors import CompileError, UnsupportedKernelError
from tests.support.cuda_cpp import run
from tests.support.cuda_cpp_host import both

LOADS = ("__ldg", "__ldca", "__ldcg", "__ldcs", "__ldcv", "__ldlu")
STORES = ("__stcg", "__stcs", "__stwb", "__stwt")
TYPES: dict[str, Any] = {
    "char": np.int8, "unsigned char": np.uint8, "short": np.int16, "unsigned short": np.uint16,
    "int": np.int32, "unsigned": np.uint32, "long long": np.int64, "unsigned long": np.uint64,
    "float": np.float32, "double": np.float64,
}  # fmt: skip
VECTORS: dict[str, tuple[Any, int]] = {
    "char4": (np.int8, 4), "uchar4": (np.uint8, 4), "short2": (np.int16, 2), "int2": (np.int32, 2),
    "int4": (np.int32, 4), "uint4": (np.uint32, 4), "float2": (np.float32, 2),
    "float4": (np.float32, 4), "double2": (np.float64, 2), "longlong2": (np.int64, 2),
}  # fmt: skip


@pytest.mark.parametrize("t", [*TYPES, *VECTORS])
def test_hinted_loads_and_stores(t: str) -> None:
    """They move values as plain loads and stores do, of every type."""
    dtype, parts = VECTORS.get(t, (TYPES.get(t), 1))
    moves = [(load, STORES[n % len(STORES)]) for n, load in enumerate(LOADS)]
    body = "".join(
        f"{store}(y + 2 * {n} + i, {load}(x + 1 - i));" for n, (load, store) in enumerate(moves)
    )
    text = f"__global__ void k(const {t}* x, {t}* y) {{ int i = threadIdx.x; {body} }}"
    x = np.arange(1, 2 * parts + 1).astype(dtype)
    want = np.tile(x.reshape(2, parts)[::-1].reshape(-1), len(LOADS))
    for _, y in both(text, "k", 1, 2, x, np.zeros(len(LOADS) * 2 * parts, dtype)):
        np.testing.assert_array_equal(y, want)


COPIES: dict[str, tuple[str, list[int]]] = {
    "bits of a float": ("float f = 1.5f; int i; memcpy(&i, &f, 4); o[0] = i;", [0x3FC00000]),
    "bits of a double": (
        "double d = -2.0; unsigned w[2]; memcpy(w, &d, sizeof d); o[0] = w[0]; o[1] = (int)w[1];",
        [0, -0x40000000],
    ),
    "an array": (
        "int a[3] = {1, 2, 3}, b[3]; memcpy(b, a, sizeof(a)); o[0] = b[0] + 10 * b[2];",
        [31],
    ),
    "a record": (
        "struct P { int a; short b; char c; } p = {1, -2, 3}, q; memcpy(&q, &p, sizeof(P));"
        "o[0] = q.a; o[1] = q.b; o[2] = q.c;",
        [1, -2, 3],
    ),
    "bytes into a number": (
        "unsigned char b[4] = {1, 2, 3, 4}; unsigned m; memcpy(&m, b, 4); o[0] = m;",
        [0x04030201],
    ),
    "from memory": (
        "float v[2]; memcpy(v, x + 3, 2 * sizeof(float)); o[0] = v[0] * 10 + v[1];",
        [34],
    ),
    "to memory": ("int v[2] = {7, 8}; memcpy(o + 1, v, 8); o[0] = 6;", [6, 7, 8]),
    "many": (
        "__shared__ float s[40]; memcpy(s, x, 40 * sizeof(float)); o[0] = s[0]; o[1] = s[39];",
        [0, 39],
    ),
    "as many as asked for": (
        "__shared__ float s[40]; s[7] = -1; memcpy(s, x, n * sizeof(float)); o[0] = s[6]; o[1] = s[7];",
        [6, -1],
    ),
    "a number of bytes": (
        "__shared__ unsigned char s[8]; memset(s, 9, 8); memcpy(s, x + 1, n - 2); o[0] = s[3];"
        "o[1] = s[4]; o[2] = s[5];",
        [0x3F, 0, 9],
    ),
    "overlapping": (
        "int a[4] = {1, 2, 3, 4}; memmove(a + 1, a, 12); o[0] = a[1] + 10 * a[3];",
        [31],
    ),
    "its value": ("int a = 4, b; o[0] = *(int*)memcpy(&b, &a, 4);", [4]),
    "zeros": (
        "float a[3] = {1, 2, 3}; memset(a, 0, sizeof(a)); o[0] = a[0] + a[1] + a[2]; o[1] = 1;",
        [0, 1],
    ),
    "ones": ("int a[2]; memset(a, 0xff, sizeof(a)); o[0] = a[0]; o[1] = a[1];", [-1, -1]),
    "a byte known late": ("short a[2]; memset(a, n, 4); o[0] = a[0]; o[1] = a[1];", [0x707, 0x707]),
    "a record of zeros": (
        "struct P { float a; int b[2]; } p; memset(&p, 0, sizeof(p)); o[0] = p.a + p.b[1]; o[1] = 2;",
        [0, 2],
    ),
    "memory of a vector": ("memset(o, 1, n * sizeof(int)); o[0] = o[6];", [0x01010101]),
    "std": ("float f = 2; int i; std::memcpy(&i, &f, sizeof(f)); o[0] = i;", [0x40000000]),
}


@pytest.mark.parametrize("name", COPIES)
def test_copies(name: str) -> None:
    body, want = COPIES[name]
    text = f"__global__ void k(const float* x, int* o, int n) {{ {body} }}"
    x = np.arange(64, dtype=np.float32)
    for _, o in both(text, "k", 1, 1, x, np.zeros(8, np.int32), np.int32(7)):
        assert o[: len(want)].tolist() == want


def test_a_long_move_is_refused() -> None:
    text = "__global__ void k(float* x) { memmove(x, x + 1, 400); }"
    with pytest.raises(UnsupportedKernelError, match="at most 256 bytes"):
        run(text, "k", 1, 1, np.zeros(200, np.float32))


def test_address_spaces() -> None:
    text = (
        "__constant__ int c[2] = {1, 2}; __global__ void k(int* x) { __shared__ int s[4]; int own[4];"
        "s[x[0]] = own[x[0]] = 1; const int* p = x[1] ? x : s;"
        "x[2] = __isGlobal(x) + 10 * __isShared(x) + 100 * __isLocal(own) + 1000 * __isShared(s + 1);"
        "x[3] = __isGlobal(p) + 10 * __isShared(p) + 100 * __isGridConstant(p); }"
    )
    for flag, both_ways in ((1, 1), (0, 10)):
        for (x,) in both(text, "k", 1, 1, np.array([0, flag, 0, 0], np.int32)):
            assert x.tolist() == [0, flag, 1101, both_ways]


def printed(capsys: Any, statement: str) -> str:
    text = f"__global__ void k(float f, int i, unsigned u, long long l) {{ {statement} }}"
    run(text, "k", 1, 1, np.float32(1.5), np.int32(-3), np.uint32(4000000000), np.int64(-(2**40)))
    return str(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("statement", "want"),
    [
        (r'printf("hello\n");', "hello\n"),
        (r'printf("%d %5d|%-5d|%05d\n", i, i, i, i);', "-3    -3|-3   |-0003\n"),
        (r'printf("%u %x %o\n", u, u, 8);', "4000000000 ee6b2800 10\n"),
        (r'printf("%u %d %lld\n", i, u, l);', "4294967293 -294967296 -1099511627776\n"),
        (r'printf("%f %.2e %g %5.1f\n", f, f, f, 2.25);', "1.500000 1.50e+00 1.5   2.2\n"),
        (r'printf("%s: %d%%\n", "part", 50);', "part: 50%\n"),
        (r'printf("%8s|%-4s|%c\n", "a%d", "b", 65);', "     a%d|b   |A\n"),
        (
            r'printf("%hd %hhu %zu %ld\n", (short)-1, (unsigned char)200, sizeof(int), 5l);',
            "-1 200 4 5\n",
        ),
        (r'int n = printf("%d %d\n", 1, 2); printf("%d\n", n);', "1 2\n2\n"),
        (r'printf("a" "b\t%d" "\n", true);', "ab\t1\n"),
    ],
)
def test_printf(capsys: Any, statement: str, want: str) -> None:
    assert printed(capsys, statement) == want


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (r'printf("%*d", 3, 4);', "a width must be written in the format"),
        (r'printf("%d %d", 3);', "no value for '%d'"),
        (r'printf("%s", i);', "'%s' shows text, this is 'int'"),
        (r'printf("%d", "text");', "'%d' shows a number"),
    ],
)
def test_formats_that_do_not_fit(capsys: Any, statement: str, message: str) -> None:
    with pytest.raises(CompileError, match=message.replace("*", r"\*")):
        printed(capsys, statement)


def test_promises_change_nothing() -> None:
    text = (
        "__global__ void k(int* x) { __builtin_assume(x[0] > 0); __assume(x[1] > 0);"
        "if (__builtin_expect(x[0] == 7, 1)) x[1] = 3; else __builtin_unreachable();"
        "int* p = (int*)__builtin_assume_aligned(x, 16); p[2] = __builtin_expect(x[1], 0); }"
    )
    for (x,) in both(text, "k", 1, 1, np.array([7, 1, 0], np.int32)):
        assert x.tolist() == [7, 3, 3]


@pytest.mark.parametrize(
    ("statement", "name", "what"),
    [
        ("x[0] = tex2D<float>(t, 0.5f, 1.5f);", "tex2D", "textures"),
        ("x[0] = tex1Dfetch<float>(t, 3);", "tex1Dfetch", "textures"),
        ("surf2Dwrite(1.0f, t, 4, 0);", "surf2Dwrite", "surfaces"),
        ("x[0] = *(float*)malloc(4);", "malloc", "allocations"),
        ("free(x);", "free", "allocations"),
        ("x[0] = __cvta_generic_to_shared(x);", "__cvta_generic_to_shared", "raw addresses"),
    ],
)
def test_what_only_cuda_devices_have(statement: str, name: str, what: str) -> None:
    """The error names the function and what it belongs to, at the call."""
    text = f"__global__ void k(float* x, cudaTextureObject_t t) {{\n  {statement}\n}}"
    with pytest.raises(
        UnsupportedKernelError, match=rf"(?s)kernel\.cu:2:.*'{name}': {what}.*CUDA devices only"
    ):
        run(text, "k", 1, 1, np.zeros(4, np.float32), np.uint64(0))
