"""C++ as found in published kernels: what was written for nvcc alone must mean the same here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("clang.cindex")

from accelerx.compiler.frontends.cuda_cpp.lifter import lift, signature
from accelerx.errors import KernelAssertionError, UnsupportedKernelError
from tests.support.cuda_cpp import run, source

# name: (declarations, statements that set o[0], o[1], ... (long long), what they are). `n` is 5.
SNIPPETS: dict[str, tuple[str, str, list[int]]] = {
    "an array parameter is a pointer": (
        "__device__ void fill(int a[4], int v) { a[1] = v; a += 2; a[0] = v + 1; }"
        "__device__ int corner(const int m[][3]) { return m[1][2]; }",
        "int a[4] = {}; fill(a, n); o[0] = a[1]; o[1] = a[2]; int m[2][3] = {{1, 2, 3}, {4, 5, 6}};"
        "o[2] = corner(m); __shared__ int s[4]; fill(s, 7); o[3] = s[2];",
        [5, 6, 6, 8],
    ),
    "a cast to a reference is the object itself": (
        "#define BITS(x) ((int&)(x))\n",
        "float f = 1.5f; o[0] = (int&)f; (int&)f = 0x40000000; o[1] = f * 8;"
        "reinterpret_cast<unsigned&>(f) += 1u << 23; o[2] = f; BITS(f) = 0x3f800000; o[3] = f * 3;"
        "o[4] = (int)f + (int)2.75f;",
        [0x3FC00000, 16, 4, 3, 3],
    ),
    "a cast to const& converts, as static_cast does": (
        "",
        "float f = 2.75f; o[0] = (const int&)f; o[1] = static_cast<int&&>(f);",
        [2, 2],
    ),
    "four floats of an array as a float4&": (
        "",
        "float a[8]; for (int i = 0; i < 8; ++i) a[i] = i; float4& v = (float4&)a[n - 1];"
        "v.y += 100; const float4& w = reinterpret_cast<const float4&>(a[n & 1]);"
        "o[0] = a[5]; o[1] = w.x + w.w; float4 whole = *(float4*)a; o[2] = whole.z;",
        [105, 5, 2],
    ),
    "members without a value are copied too": (
        "struct Root { double lo, hi; int steps; };"
        "__device__ double middle(Root r) { r.hi = 8; return (r.lo + r.hi) / 2; }",
        "Root r; r.lo = 2; o[0] = middle(r); Root q = r; q.steps = n; o[1] = q.steps + q.lo;",
        [5, 7],
    ),
    "a block as an expression": (
        "#define LARGER(a, b) ({ auto x_ = (a); auto y_ = (b); x_ > y_ ? x_ : y_; })\n",
        "int k = 3; o[0] = LARGER(k++, LARGER(n, 4)); o[1] = k; ({ k = 9; }); o[2] = k; ({ ; });"
        "struct P { int a, b; }; o[3] = ({ P p = {n, 2}; p; }).a;",
        [5, 4, 9, 5],
    ),
    "a function pointer chosen at run time": (
        "typedef int (*Step)(int); __device__ int twice(int a) { return 2 * a; }"
        "__device__ int less(int a) { return a - 1; } __device__ int square(int a) { return a * a; }"
        "__device__ int apply(Step s, int a) { return s(a); } struct Named { Step step; int add; };",
        "Step s = n > 3 ? less : twice; o[0] = s(10); s = twice; o[1] = (*s)(10);"
        "if (n == 5) s = &square; o[2] = apply(s, 4); Step all[3] = {twice, less, square};"
        "o[3] = all[n % 3](6) + all[0](1); Named v = {n ? twice : less, 3}; o[4] = v.step(7) + v.add;"
        "o[5] = (s == square) + 2 * (s != nullptr) + 4 * !s; const Step fixed = less; o[6] = fixed(1);",
        [9, 20, 16, 38, 17, 3, 0],
    ),
    "a procedure chosen at run time": (
        "__device__ void one(int* p) { *p = 1; } __device__ void two(int* p) { *p += 2; }",
        "int v = 40; void (*f)(int*) = n ? two : one; f(&v); o[0] = v; (n ? one : two)(&v); o[1] = v;",
        [42, 1],
    ),
    "an if that begins with a statement": (
        "__device__ int f(int n) { switch (int k = n + 1 /* ; */) { case 6: return k; default: return 9; } }",
        "int x = 0; if (x = n; x > 7) o[0] = 1; else o[0] = 2; if (x = 9; x > 7) o[1] = 3;"
        "if (int y = n - 5; y == 0) o[2] = y + 4; if (int z = n) o[3] = z; else o[3] = -z;"
        "o[4] = f(n) + f(1); if (x /* ; */) x = 1; else x = 2; o[5] = x;",
        [2, 3, 4, 5, 15, 1],
    ),
    "labels on top of each other": (
        "__device__ int f(int k) { switch (k) { case 1: case 2: default: case 3: return 1; case 4:"
        " case 5: return 2; } }",
        "o[0] = f(1) * 100 + f(3) * 10 + f(5); o[1] = f(99);",
        [112, 1],
    ),
    "large records are cleared and copied": (
        "struct Big { float a[1000]; int b; union { int i; float f; } u; };",
        "Big s = {}; o[0] = s.a[n] + s.b; s.a[999] = 4; s.b = 3; s.u.f = 1; Big t = s; s.a[999] = 1;"
        "o[1] = t.a[999] + t.b; o[2] = t.u.i;",
        [0, 7, 0x3F800000],
    ),
    "an index outside of an array, never used": (
        "",
        "int a[4] = {1, 2, 3, 4}; if (n > 100) { a[4] = 1; o[0] = a[-1]; } else o[0] = a[3];",
        [4],
    ),
}

MANY = 300  # more than fit into each other
GENERATED: dict[str, tuple[str, str, list[int]]] = {
    "a long chain of else ifs": (
        "__device__ int f(int k) { "
        + "".join(f"if (k == {i}) return {i * i}; else " for i in range(MANY))
        + "return -1; } __device__ int g(int k) { int r = 0; "
        + "".join(f"if (k == {i}) r = {i} + k; else " for i in range(MANY))
        + "r = -2; return r; }",
        "o[0] = f(n); o[1] = f(299); o[2] = f(300); o[3] = g(n) + g(299); o[4] = g(-1);",
        [25, 299 * 299, -1, 10 + 598, -2],
    ),
    "a long switch": (
        "__device__ int f(int k) { int r = -1; switch (k) { "
        + "".join(f"case {i}: r = {3 * i}; break; " for i in range(MANY))
        + "case 1000: case 1001: r = 7; } return r; }"
        + "__device__ int g(int k) { switch (k) { "
        + "".join(f"case {i}: " for i in range(MANY))
        + "return 1; } return 0; }",
        "o[0] = f(n); o[1] = f(299); o[2] = f(1001); o[3] = f(300); o[4] = 10 * g(299) + g(300);",
        [15, 897, 7, -1, 10],
    ),
    "many early returns": (
        "__device__ int f(int k) { int s = 0; "
        + "".join(f"s += {i}; if (k < {i}) return s; " for i in range(MANY))
        + "return -s; }",
        "o[0] = f(n); o[1] = f(-1); o[2] = f(1000);",
        [21, 0, -(MANY * (MANY - 1) // 2)],
    ),
    "a long sum": ("", "o[0] = " + "n + " * MANY + "1;", [5 * MANY + 1]),
    "a long condition": (
        "",
        "int a[2] = {n, 0}; o[0] = " + "a[0] && " * MANY + "1; o[1] = " + "a[1] || " * MANY + "0;",
        [1, 0],
    ),
    "many commas": ("", "int k = 0; " + "k++, " * MANY + "o[0] = k;", [MANY]),
    "many choices": ("", "o[0] = " + "n == 4 ? 1 : " * MANY + "2;", [2]),
    "deep parentheses": ("", "o[0] = " + "-(1 + " * 200 + "n" + ")" * 200 + ";", [5]),
    "many blocks": ("", "if (n) { " * 90 + "o[0] = 6;" + " }" * 90, [6]),
}


def _run(snippet: tuple[str, str, list[int]], **options: Any) -> list[int]:
    declarations, statements, expected = snippet
    text = f"{declarations}\n__global__ void k(long long* o, int n) {{ {statements} }}"
    out = np.full(len(expected), -999, np.int64)
    run(source(text, **options), "k", 1, 1, out, 5)
    found: list[int] = out.tolist()
    return found


@pytest.mark.parametrize("name", SNIPPETS)
def test_a_construct_means_what_it_means_in_cpp(name: str) -> None:
    assert _run(SNIPPETS[name]) == SNIPPETS[name][2]


@pytest.mark.parametrize("name", GENERATED)
def test_generated_code_may_be_long(name: str) -> None:
    assert _run(GENERATED[name]) == GENERATED[name][2]


def test_array_parameters_of_a_kernel() -> None:
    text = (
        "__global__ void k(const float x[], float y[][2], const int (*z)[3]) {"
        " int i = threadIdx.x; y[i][1] = x[i] + z[i][2]; }"
    )
    x, y = np.arange(3, dtype=np.float32), np.zeros((3, 2), np.float32)
    z = np.arange(9, dtype=np.int32)
    run(text, "k", 1, 3, x, y, z)
    assert y.tolist() == [[0, 2], [0, 6], [0, 10]]
    parsed = signature(source(text), "k")
    assert [a.const for a in parsed.arguments] == [True, False, True]
    assert [a.pointee_size for a in parsed.arguments] == [4, 8, 12]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("a[4] = 1;", r"bytes 16 to 19 of 'a', which has 16, are accessed"),
        ("x[0] = a[-1];", r"bytes -4 to -1 of 'a', which has 16, are accessed"),
        ("atomicAdd(&s[2], 1);", r"bytes 8 to 11 of 's', which has 8, are accessed"),
        ("*(double*)(a + 3) = 1;", r"bytes 12 to 19 of 'a', which has 16, are accessed"),
    ],
)
def test_a_thread_fails_where_it_leaves_an_array(statement: str, message: str) -> None:
    """Only there: the branch may be one that no thread takes."""
    text = f"__global__ void k(int* x, int n) {{ int a[4]; __shared__ int s[2]; if (n) {{ {statement} }} }}"
    x = np.zeros(1, np.int32)
    run(text, "k", 1, 1, x, 0)
    with pytest.raises(KernelAssertionError, match=message):
        run(text, "k", 1, 1, x, 1)


def test_a_variable_whose_first_value_is_no_number_hurts_only_its_users() -> None:
    text = (
        "__device__ int f(int a) { return a; } __device__ int (*chosen)(int) = f;"
        "__global__ void a(int* x) { x[0] = 1; } __global__ void b(int* x) { x[0] = chosen(1); }"
    )
    x = np.zeros(1, np.int32)
    run(text, "a", 1, 1, x, module={"chosen": np.zeros(1, np.uint64)})
    assert x[0] == 1
    with pytest.raises(UnsupportedKernelError, match="initialiser of 'chosen' is not constant"):
        lift(source(text), "b")
