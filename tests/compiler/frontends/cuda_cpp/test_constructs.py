"""C++ as found in published kernels: what was written for nvcc alone must mean the same here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("clang.cindex")

from accelerx.compiler.frontends.cuda_cpp.clang import version
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
    "NULL and nullptr are equal, and no array is either": (
        "#include <stddef.h>\n",
        "int a = 1; int* p = &a; o[0] = NULL == nullptr; o[1] = p != NULL; o[2] = nullptr == p;",
        [1, 1, 0],
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
    "designated initialisers": (
        "struct Q { int u, v; }; struct P { int r = 9, g, b; float w[2]; Q q; };"
        "__constant__ Q held = {.v = 6}; __device__ int row[4] = {[2] = 5, 4};",
        "P p = {.g = n, .w = {3}, .q = {.v = 4}}; o[0] = p.r * 100 + p.g * 10 + p.b;"
        "o[1] = p.w[0] + p.w[1] + p.q.v; int t[4] = {[1] = 8, 9}; o[2] = t[0] + t[1] * 10 + t[2];"
        "Q c{.u = 2}; o[3] = c.u + c.v; o[4] = held.u + held.v; o[5] = row[2] * 10 + row[3] + row[0];",
        [950, 7, 89, 2, 6, 54],
    ),
    "constructors of elements that a list leaves out": (
        "struct V { int x, y; __device__ V(int a = 1, int b = 2) : x(a), y(b) {} };"
        "struct D { int k = 7; };",
        "V v[3] = {{4, 5}}; o[0] = v[0].x + v[1].x + v[2].y; D d[4] = {}; o[1] = d[3].k; V w[2][2];"
        "o[2] = w[1][1].x + w[0][0].y;",
        [7, 7, 3],
    ),
    "constructors of a base": (
        "struct Base { int b; __device__ Base(int x, int y = 1) : b(x * 10 + y) {} };"
        "struct Sub : Base { using Base::Base; int e = 4; };",
        "Sub s(3), t{4, 5}; o[0] = s.b + s.e; o[1] = t.b; o[2] = Sub(7).b;",
        [35, 45, 71],
    ),
    "members of two bases with one name": (
        "struct A { int v = 3; }; struct B { int v = 4; };"
        "struct Both : A, B { int v = 5; __device__ int all() { return A::v * 100 + B::v * 10 + v; } };",
        "Both b; o[0] = b.all(); b.B::v = 9; o[1] = b.all();",
        [345, 395],
    ),
    "names for the members of a record": (
        "#include <utility>\n struct P { int a; float b; };",
        "P p = {1, 2.5f}; const auto& [x, y] = p; p.a = 7; o[0] = x * 10 + y; auto [u, v] = p; p.a = 0;"
        "o[1] = u; auto [s, t] = std::make_pair(n, 3); o[2] = s * t;",
        [72, 7, 15],
    ),
    "arrays of objects that end": (
        "struct End { int* p; int by; __device__ ~End() { *p = *p * 10 + by; } };",
        "int c = 0; { End e[2] = {{&c, 1}, {&c, 2}}; c = 3; } o[0] = c;",
        [321],
    ),
    "an object that a condition chooses": (
        "struct S { int a, b; __device__ void grow() { a += 10; } };"
        "__device__ int& pick(int& a, int& b, bool c) { return c ? a : b; }"
        "__device__ S& which(S& a, S& b, int n) { if (n > 3) return a; return b; }"
        "__device__ int& at(int* p, int i) { if (i < 0) return p[0]; return p[i]; }",
        "int a = 1, b = 2, i = 0; (i++ ? a : b) = 3; o[0] = a * 100 + b * 10 + i; int& r = n > 3 ? b : a;"
        "r = 9; o[1] = b; pick(a, b, n == 5) += 4; o[2] = a; S s{1, 2}, t{3, 4}; (n > 3 ? s : t).a = 6;"
        "o[3] = s.a; which(s, t, n).b = 20; o[4] = s.b; (n ? t : s).grow(); o[5] = t.a;"
        "int z[3] = {1, 2, 3}; at(z, n - 3) = 8; o[6] = z[2]; *&(n < 3 ? z[0] : z[1]) = 5; o[7] = z[1];",
        [131, 9, 5, 6, 20, 13, 8, 5],
    ),
    "the larger of two, as a reference": (
        "template <class T> __device__ const T& larger(const T& a, const T& b) { if (a > b) return a;"
        " return b; } template <class T> __device__ const T& least(const T& a, const T& b)"
        " { return a < b ? a : b; }",
        "int k = 3; o[0] = larger(larger(k, n), 4); o[1] = least(k, n + 0) * 10 + least(2, k);"
        "float f = 2.5f; o[2] = larger(f, 1.0f) * 2;",
        [5, 32, 5],
    ),
    "addresses as numbers": (
        "",
        "int a[8]; for (int i = 0; i < 8; ++i) a[i] = i; size_t pitch = 8;"
        "o[0] = *(int*)((size_t)a + n * 4); char* c = (char*)a; o[1] = *(int*)((uintptr_t)(c + pitch) - 4);"
        "int* p = reinterpret_cast<int*>(pitch + reinterpret_cast<unsigned long long>(&a[1])); o[2] = *p;"
        "*(int*)((long)p) = 70; o[3] = a[3];",
        [5, 1, 3, 70],
    ),
    "lambdas keep what they copied": (
        "struct S { int v; __device__ auto adder() { return [*this](int b) mutable { v += b; return v; }; } };"
        "template <class F> __device__ int twice(F f) { return f() * 100 + f(); }\n#define BUMP(x) [&] { x++; }\n",
        "int a = 1, b = 2; auto f = [=] { return a * 10 + b; }; a = 5; o[0] = f(); int t[2] = {3, 4};"
        "auto g = [t](int i) { return t[i]; }; t[1] = 9; o[1] = g(1); auto h = [a]() mutable { return ++a; };"
        "auto copy = h; h(); o[2] = twice(h); o[3] = h() * 10 + copy(); o[4] = a; S s{7};"
        "auto add = s.adder(); add(1); o[5] = add(1) * 10 + s.v; auto m = [&, b] { return a + b; }; b = 90;"
        "a = 6; o[6] = m(); BUMP(a)(); o[7] = a;",
        [12, 4, 708, 76, 5, 97, 8, 7],
    ),
    "a lambda as a function pointer": (
        "",
        "int (*f)(int) = [](int x) { return x + 9; }; o[0] = f(1); f = n ? +[](int x) { return x * 2; } : f;"
        "o[1] = f(8); auto* g = +[](int a, int b) { return a - b; }; o[2] = g(9, 4);",
        [10, 16, 5],
    ),
    "an anonymous union in a function": (
        "",
        "union { float f; unsigned u; }; f = 1; o[0] = u >> 23; u += 1u << 23; o[1] = f;",
        [127, 2],
    ),
    "the largest of a list": (
        "#include <algorithm>\n",
        "o[0] = std::max({3, n + 4, 2}); o[1] = std::min({n, 7, 6, 8});",
        [9, 5],
    ),
    "an index outside of an array, never used": (
        "",
        "int a[4] = {1, 2, 3, 4}; if (n > 100) { a[4] = 1; o[0] = a[-1]; } else o[0] = a[3];",
        [4],
    ),
}

# What libclang shows of a class template's instantiation since version 20.
TEMPLATES: dict[str, tuple[str, str, list[int]]] = {
    "defaults, constructors and destructors": (
        "template <class T> struct A { T x = 3; T y; }; template <class T> struct B : A<T> { T z = 4;"
        " __device__ B() {} }; template <class T> struct End { T* p; __device__ End(T* q) : p(q) { *p += 1; }"
        " __device__ ~End() { *p += 10; } }; template <class T> struct Holder { B<T> b[2]; T w = 9; };",
        "A<int> a; o[0] = a.x; B<int> b; o[1] = b.x + b.z; int c = 0; { End<int> e(&c); } o[2] = c;"
        "Holder<int> h; o[3] = h.b[1].x + h.w; A<int> e{}; o[4] = e.x + e.y; A<int> f{n}; o[5] = f.x;"
        "B<int> all[3]; o[6] = all[2].z;",
        [3, 7, 11, 12, 3, 5, 4],
    ),
    "base classes": (
        "template <class T> struct Base { T y; __device__ T twice() { return 2 * y; } };"
        "template <class T> struct Sub : Base<T> { T v; }; struct Plain { int p = 6; };"
        "template <class A, class B> struct Both : A, B { int m; };"
        "template <int N> struct View { long long size[N]; __device__ long long at(int i) const"
        " { return size[i]; } }; template <int N> struct Named : View<N> { int id; };",
        "Sub<int> s; s.v = 1; s.y = 3; Sub<int> t = s; o[0] = t.y * 10 + t.v; Base<int>& b = t; b.y = 7;"
        "o[1] = t.twice(); Both<Sub<int>, Plain> both; both.y = 2; both.m = 4; auto c = both;"
        "o[2] = c.y * 100 + c.m * 10 + c.p; Named<1> w; w.size[0] = n; o[3] = w.at(0);",
        [31, 14, 246, 5],
    ),
    "a pack of base classes": (
        "struct A { int v = 3; }; struct B { int v = 4; }; template <class... T> struct All : T... { int own;"
        " __device__ int sum() { return (T::v + ... + own); } };",
        "All<A, B> all{{}, {}, n}; o[0] = all.sum();",
        [12],
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


@pytest.mark.parametrize("name", TEMPLATES)
def test_class_templates(name: str) -> None:
    if int(version().split()[2].split(".")[0]) < 20:
        with pytest.raises(UnsupportedKernelError, match=r"needs? libclang 20 or newer"):
            _run(TEMPLATES[name])
        return
    assert _run(TEMPLATES[name]) == TEMPLATES[name][2]


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


def test_first_values_of_module_variables() -> None:
    text = (
        "struct A { int x = 3; int y = 0; }; struct B { A a[2]; int z = 4; };"
        "struct C { int v, w; __device__ constexpr C(int a = 2, int b = int()) : v(a), w(b) {} };"
        "__device__ A a; __device__ A row[2]; __device__ B b; __constant__ C c; __constant__ C d(7, 8);"
        "__device__ C many[3]; __device__ A e{1}; __constant__ dim3 f; __device__ dim3 g(4, 5);"
        "__global__ void k(int* o) { o[0] = a.x; o[1] = row[1].x; o[2] = b.a[1].x * 10 + b.z;"
        " o[3] = c.v + c.w; o[4] = d.v * 10 + d.w; o[5] = many[2].v; o[6] = e.x; o[7] = f.y + g.y; }"
    )
    x = np.zeros(8, np.int32)
    run(text, "k", 1, 1, x)
    assert x.tolist() == [3, 3, 34, 2, 78, 2, 1, 6]


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
