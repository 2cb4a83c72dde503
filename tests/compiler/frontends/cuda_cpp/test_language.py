"""C++ constructs, one small kernel each: what a single thread writes must be what C++ says."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("clang.cindex")

from tests.support.cuda_cpp import Pointers, run, source

# name: (declarations, statements that set o[0], o[1], ... (long long), what they are). `n` is 5.
SNIPPETS: dict[str, tuple[str, str, list[int]]] = {
    "integer promotion": (
        "",
        "unsigned char c = 200; c += 100; o[0] = c; short s = -1; o[1] = (unsigned short)s;"
        "signed char d = (signed char)130; o[2] = d; o[3] = c << 8; o[4] = ~c;",
        [44, 65535, -126, 44 << 8, ~44],
    ),
    "unsigned arithmetic wraps": (
        "",
        "unsigned a = 3; o[0] = a - n; int m = -1; o[1] = a > m; o[2] = (unsigned)m / 2;"
        "unsigned long long big = ~0ull; o[3] = (long long)(big >> 1);",
        [2**32 - 2, 0, 2**31 - 1, 2**63 - 1],
    ),
    "division truncates": (
        "",
        "o[0] = -7 / 2; o[1] = -7 % 2; o[2] = 7 / -2; o[3] = n % 3;",
        [-3, -1, -3, 2],
    ),
    "shifts": ("", "o[0] = -8 >> 1; o[1] = 1ll << 40; o[2] = 0x80000000u >> 31;", [-4, 1 << 40, 1]),
    "increments": (
        "",
        "int i = n; o[0] = i++; o[1] = ++i; o[2] = i--; o[3] = --i; i += i++ * 0 + 1; o[4] = i;",
        [5, 7, 7, 5, 7],
    ),
    "comma and assignment are values": (
        "",
        "int a, b; a = b = n; o[0] = a + b; o[1] = (a = 2, a * 3); o[2] = (a += 4);",
        [10, 6, 6],
    ),
    "logic is lazy": (
        "__device__ int bump(int& x) { return ++x; }",
        "int x = 0; bool a = n > 3 || bump(x); bool b = n < 3 && bump(x); o[0] = x; o[1] = a; o[2] = b;"
        "o[3] = n ? bump(x) : bump(x) + bump(x); o[4] = x;",
        [0, 1, 0, 1, 1],
    ),
    "switch falls through": (
        "__device__ int f(int k) { int r = 0; switch (k) { case 0: r = 1; break; case 1: r += 10;"
        " case 2: r += 100; break; default: r = 7; case 5: r += 1000; } return r; }",
        "o[0] = f(0); o[1] = f(1); o[2] = f(2); o[3] = f(3); o[4] = f(5);",
        [1, 110, 100, 1007, 1000],
    ),
    "switch returns": (
        "__device__ int f(int k) { switch (k) { case 1: return 10; case 2: return 20; } return 30; }",
        "o[0] = f(1); o[1] = f(2); o[2] = f(n);",
        [10, 20, 30],
    ),
    "switch in a loop continues it": (
        "",
        "int s = 0; for (int i = 0; i < 6; ++i) { switch (i) { case 2: continue; case 4: s += 100;"
        " break; default: s += 1; } s += 10; } o[0] = s;",
        [154],
    ),
    "loops": (
        "",
        "int s = 0; for (int i = 0, j = 10; i < j; ++i, --j) s += j; o[0] = s;"
        "int k = 0; do { k += 2; if (k == 6) continue; if (k > 9) break; } while (k < 100); o[1] = k;"
        "int w = 0; while (true) { if (++w == 7) break; } o[2] = w;"
        "int d = 0; for (unsigned u = 4; u-- > 0;) d = d * 10 + u; o[3] = d; for (;;) break;",
        [10 + 9 + 8 + 7 + 6, 10, 7, 3210],
    ),
    "early return in a loop": (
        "__device__ int find(const int* p, int m, int v) { for (int i = 0; i < m; ++i)"
        " if (p[i] == v) return i; return -1; }",
        "int a[4] = {4, 3, 2}; o[0] = find(a, 4, 2); o[1] = find(a, 4, 9); o[2] = find(a, 4, 0);",
        [2, -1, 3],
    ),
    "references": (
        "__device__ void swap(int& a, int& b) { int t = a; a = b; b = t; }"
        "__device__ int& pick(int& a, int& b) { return b; }",
        "int a = 1, b = 2; swap(a, b); o[0] = a * 10 + b; int& r = a; r = 9; o[1] = a; pick(a, b) = 4;"
        "o[2] = b; const int& c = a + 1; a = 0; o[3] = c;",
        [21, 9, 4, 10],
    ),
    "an element's reference stays where it was": (
        "",
        "int a[3] = {1, 2, 3}; int i = 0; int& r = a[i]; i = 2; r = 7; o[0] = a[0]; o[1] = a[2];",
        [7, 3],
    ),
    "pointers": (
        "",
        "int a[5] = {1, 2, 3, 4, 5}; int* p = a; int* q = a + n - 1; o[0] = *p++ + *p; o[1] = q - p;"
        "o[2] = p[-1] + 2[p]; p += 2; o[3] = *p; o[4] = *--p; o[5] = p < q; o[6] = (p == a + 2);",
        [3, 3, 5, 4, 3, 1, 1],
    ),
    "a pointer to one of two arrays": (
        "",
        "int a[2] = {1, 2}; int b[2] = {30, 40}; int* p = n > 3 ? b : a; int* q = n > 9 ? b : a;"
        "o[0] = p[1] + q[1]; int* t = p; p = q; q = t; p[0] = 5; q[0] = 50; o[1] = a[0]; o[2] = b[0];"
        "o[3] = p == a; o[4] = p != q;",
        [42, 5, 50, 1, 1],
    ),
    "pointers to locals": (
        "__device__ void set(int* p, int v) { *p = v; } struct P { int x, y; };",
        "int a = 0; set(&a, 3); P s = {1, 2}; set(&s.y, 8); P* p = &s; p->x = 6; o[0] = a; o[1] = s.x;"
        "o[2] = s.y; o[3] = (&s.x)[n - 4];",
        [3, 6, 8, 8],
    ),
    "null pointers": (
        "__device__ int f(const int* p) { return p ? *p : -1; }",
        "int a = 4; o[0] = f(&a); o[1] = f(nullptr); int* p = 0; o[2] = p == nullptr;"
        "if (n > 3) p = &a; o[3] = p != nullptr; o[4] = *p;",
        [4, -1, 1, 1, 4],
    ),
    "an array of pointers": (
        "",
        "int a[2] = {1, 2}; int b[2] = {3, 4}; int* t[2] = {a, b}; o[0] = t[1][0]; o[1] = t[n & 1][1];"
        "t[n & 1] = a; o[2] = t[1][0]; int** pp = &t[0]; o[3] = (*pp)[1];",
        [3, 4, 1, 2],
    ),
    "structs are values": (
        "struct V { int x, y; }; __device__ V add(V a, V b) { a.x += b.x; a.y += b.y; return a; }",
        "V a = {1, 2}, b{3, 4}; V c = add(a, b); o[0] = c.x * 10 + c.y; o[1] = a.x; V d = n ? c : a;"
        "d.x = 0; o[2] = c.x; V e = {}; o[3] = e.x + e.y; c = a; o[4] = c.y;",
        [46, 1, 4, 0, 2],
    ),
    "nested structs and arrays": (
        "struct In { short a[3]; double d; }; struct Out { In in[2]; int k; };",
        "Out s = {{{{1, 2, 3}, 4.5}, {{5}, 6.5}}, 7}; s.in[n & 1].a[2] += 10; Out t = s; t.in[0].a[0] = 9;"
        "o[0] = s.in[1].a[2]; o[1] = s.in[0].a[0]; o[2] = (long long)(t.in[1].d * 2); o[3] = sizeof(Out);"
        "o[4] = t.k + t.in[1].a[1];",
        [10, 1, 13, 40, 7],
    ),
    "constructors": (
        "struct B { int b; __device__ B(int v = 3) : b(v) {} };"
        "struct D : B { int d{5}; B m; __device__ D() : B(7), m(1) {} __device__ D(int v) : d(v) { b += v; }"
        " __device__ D(int p, int q) : D(p) { d += q; } };",
        "D a; o[0] = a.b * 100 + a.d * 10 + a.m.b; D c(2); o[1] = c.b * 100 + c.d * 10 + c.m.b;"
        "D e(4, 5); o[2] = e.d; B arr[2]; o[3] = arr[1].b; B x = 9; o[4] = x.b;",
        [751, 523, 9, 3, 9],
    ),
    "member functions": (
        "struct C { int v; __device__ C& add(int k) { v += k; return *this; } __device__ int get() const"
        " { return v; } static __device__ int two() { return 2; } __device__ int twice() const { return 2 * get(); } };",
        "C c = {1}; c.add(2).add(3); o[0] = c.get(); o[1] = C::two(); const C& r = c; o[2] = r.twice();"
        "C* p = &c; p->add(1); o[3] = p->v;",
        [6, 2, 12, 7],
    ),
    "operators": (
        "struct Z { int r, i; __device__ Z(int a, int b = 0) : r(a), i(b) {} };"
        "__device__ Z operator*(Z a, const Z& b) { return Z(a.r * b.r - a.i * b.i, a.r * b.i + a.i * b.r); }"
        "__device__ bool operator==(const Z& a, const Z& b) { return a.r == b.r && a.i == b.i; }"
        "struct A { int d[3]; __device__ int& operator[](int k) { return d[k]; } __device__ explicit operator bool() const"
        " { return d[0]; } __device__ A& operator+=(int k) { for (int& x : d) x += k; return *this; } };",
        "Z z(1, 2); z = z * z; o[0] = z.r; o[1] = z.i; o[2] = z == Z(-3, 4); o[3] = (z * 2).r; A a = {{1, 2, 3}};"
        "a[1] = 7; a += 1; o[4] = a[1] + a[n - 3]; o[5] = a ? 1 : 0;",
        [-3, 4, 1, -6, 12, 1],
    ),
    "templates": (
        "template<class T, int N = 2> struct S { T d[N]; __device__ int size() const { return N; } };"
        "template<class T> struct S<T, 1> { __device__ int size() const { return 100; } };"
        "template<class T> __device__ T sq(T x) { return x * x; } template<> __device__ int sq<int>(int x) { return -x; }"
        "template<int N> __device__ int fact() { if constexpr (N <= 1) return 1; else return N * fact<N - 1>(); }"
        "template<class... T> __device__ int sum(T... v) { return (0 + ... + (int)v); }"
        "template<class T> __device__ int count() { return 0; } template<class T, class U, class... R>"
        " __device__ int count() { return 1 + count<U, R...>(); }",
        "S<int> a; S<float, 1> b; o[0] = a.size() + b.size(); o[1] = sq(3.0) + sq(4); o[2] = fact<5>();"
        "o[3] = sum(1, 2.5f, 'a'); o[4] = count<int, int, float>(); o[5] = sum();",
        [102, 5, 120, 100, 2, 0],
    ),
    "static polymorphism": (
        "template<class D> struct Base { __device__ int run(int x) { return static_cast<D*>(this)->step(x) + 1; } };"
        "struct Own : Base<Own> { int k; __device__ int step(int x) { k += 1; return k * x; } };",
        "Own w; w.k = 2; o[0] = w.run(10); o[1] = w.k;",
        [31, 3],
    ),
    "lambdas": (
        "template<class F> __device__ int apply(F f, int x) { return f(x); }",
        "int k = 3; auto f = [=](int x) { return x * k; }; k = 100; o[0] = f(2); auto g = [&](int x) { k += x; return k; };"
        "o[1] = apply(g, 5); o[2] = k; auto h = [m = k * 2](auto x) { return m + (int)x; }; o[3] = h(1) + h(2.9);"
        "auto deep = [&](int x) { auto in = [&](int y) { return x + y + k; }; return in(1); }; o[4] = deep(2);",
        [6, 105, 105, 423, 108],
    ),
    "functors and function pointers": (
        "__device__ int inc(int x) { return x + 1; } __device__ int dbl(int x) { return 2 * x; }"
        "template<int (*F)(int)> __device__ int via(int x) { return F(x); }"
        "__device__ int call(int (*f)(int), int x) { return f(x); } struct Add { int k; __device__ int operator()(int x) const { return x + k; } };"
        "template<class Op> __device__ int fold(Op op) { return op(op(0)); }",
        "o[0] = via<inc>(3); o[1] = call(dbl, 4); o[2] = fold(Add{5}); int (*p)(int) = inc; o[3] = p(9);",
        [4, 8, 10, 10],
    ),
    "bits of other types": (
        "union U { float f; unsigned u; unsigned char b[4]; };",
        "U u; u.f = 1.0f; o[0] = u.u; o[1] = u.b[3]; u.b[3] = 0x40; o[2] = (long long)u.f; float f = -2.0f;"
        "o[3] = *(unsigned*)&f; *(unsigned*)&f = 0x40400000u; o[4] = (int)f; double d = 1.0; int* w = (int*)&d;"
        "o[5] = w[1]; unsigned short h[2] = {1, 2}; o[6] = *(unsigned*)h; long long q = 0x0102030405060708ll;"
        "o[7] = ((unsigned char*)&q)[n];",
        [0x3F800000, 0x3F, 4, 0xC0000000, 3, 0x3FF00000, 0x20001, 3],
    ),
    "vector types": (
        "",
        "float4 v = make_float4(1, 2, 3, 4); float* p = &v.x; o[0] = (int)(p[1] + p[n - 2]); int2 i = make_int2(3, 4);"
        "int2 j = i; j.x = 9; o[1] = i.x; uchar4 c = make_uchar4(1, 2, 3, 255); c.w += 1; o[2] = c.w; o[3] = sizeof(float3);"
        "double2 d{1.5, 2.5}; o[4] = (long long)(d.x + d.y); o[5] = *(int*)&c;",
        [6, 3, 0, 12, 4, 0x00030201],
    ),
    "constants": (
        "__host__ __device__ constexpr int sq(int x) { return x * x; } constexpr int T[4] = {1, 4, 9, 16}; enum Colour { Red, Green = 5, Blue };"
        "enum class Mode : unsigned char { A = 3, B }; namespace cfg { const float scale = 2.5f; static const short W[2] = {7, 8}; }"
        "struct K { static constexpr int N = 11; enum { M = 12 }; }; #define TWICE(x) ((x) + (x))\n",
        "o[0] = T[n - 2]; o[1] = sq(7); o[2] = Blue; o[3] = (int)Mode::B; o[4] = (int)(cfg::scale * cfg::W[n & 1]);"
        "o[5] = K::N + K::M; o[6] = TWICE(n + 1); constexpr int L[2] = {sq(2), sq(3)}; o[7] = L[n & 1];",
        [16, 49, 6, 4, 20, 23, 12, 9],
    ),
    "structured bindings and if with a declaration": (
        "struct P { int a; float b; }; __device__ P mk(int v) { return {v, v * 0.5f}; }",
        "auto [a, b] = mk(6); o[0] = a + (int)b; int arr[2] = {1, 2}; auto& [x, y] = arr; x = 8; o[1] = arr[0] + y;"
        "if (int z = n * 2; z > 9) o[2] = z; else o[2] = 0; if (int m = n - 5) o[3] = m; else o[3] = -1;",
        [9, 10, 10, -1],
    ),
    "floats": (
        "",
        "float f = 1.0f / 3; o[0] = (long long)(f * 3e6f); double d = 0.1 + 0.2; o[1] = d > 0.3; o[2] = (int)-2.7f;"
        "o[3] = (long long)(0x1p-2 * 100); o[4] = 7 / 2.0f > 3; o[5] = 1e-3f < 0.01; float z = 0; z = -z; o[6] = *(int*)&z < 0;",
        [1000000, 1, -2, 25, 1, 1, 1],
    ),
    "wide numbers": (
        "",
        "long long a = 1ll << 33; int lo = (int)a; o[0] = lo; o[1] = a * n; size_t s = sizeof(long long); o[2] = s;"
        "unsigned long long u = 0xffffffffull * 0xffffffffull; o[3] = (long long)(u >> 32); o[4] = n - 10ll;",
        [0, 5 << 33, 8, 0xFFFFFFFE, -5],
    ),
    "ranges": (
        "struct Arr { int d[3]; };",
        "int a[3] = {1, 2, 3}; int s = 0; for (int x : a) s += x; for (auto& x : a) x *= 2; o[0] = s; o[1] = a[2];",
        [6, 6],
    ),
    "a parameter is the function's own": (
        "__device__ int half(int x) { x /= 2; return x; } __device__ int len(const int* p) { int c = 0; while (*p++) ++c; return c; }",
        "int a = 9; o[0] = half(a) * 10 + a; int t[4] = {5, 6, 7, 0}; o[1] = len(t); n += 1; o[2] = n;",
        [49, 3, 6],
    ),
    "labels, empty statements, nested blocks": (
        "",
        "int x = 1; { int x = 2; o[0] = x; } o[1] = x; ; here: x += 1; o[2] = x; if (n) ; else x = 0; o[3] = x;",
        [2, 1, 2, 2],
    ),
}


def snippet(name: str) -> str:
    """A snippet as a whole text."""
    declarations, statements, _ = SNIPPETS[name]
    declarations = declarations.replace("#define", "\n#define")
    return f'{declarations}\nextern "C" __global__ void k(long long* o, int n) {{ {statements} }}'


@pytest.mark.parametrize("name", SNIPPETS)
def test_a_construct_means_what_it_means_in_cpp(name: str) -> None:
    expected = SNIPPETS[name][2]
    out = np.full(len(expected), -999, np.int64)
    run(snippet(name), "k", 1, 1, out, 5)
    assert out.tolist() == expected


def test_a_record_in_global_memory_has_c_layout() -> None:
    node = np.dtype([("key", "i4"), ("w", "f8"), ("v", "f4", 3), ("flag", "?")], align=True)
    text = """
    struct Node { int key; double w; float v[3]; bool flag; };
    extern "C" __global__ void k(Node* nodes, int n) {
        int i = threadIdx.x;
        if (i >= n) return;
        Node m = nodes[i];
        nodes[i].w += m.key * 2.5;
        nodes[i].v[i % 3] = m.v[0] + 1;
        nodes[i].flag = !m.flag;
        nodes[i + n] = m;
    }"""
    rng = np.random.default_rng(1)
    nodes = np.zeros(16, node)
    for field in ("key", "w", "v", "flag"):
        values = rng.integers(0, 9, nodes[field].shape)
        nodes[field] = values % 2 if field == "flag" else values
    expected = nodes.copy()
    expected[8:] = nodes[:8]
    expected["w"][:8] += nodes["key"][:8] * 2.5
    for i in range(8):
        expected["v"][i, i % 3] = nodes["v"][i, 0] + 1
    expected["flag"][:8] = ~nodes["flag"][:8]
    run(text, "k", 1, 16, nodes, 8)
    np.testing.assert_array_equal(nodes, expected)


def test_one_shared_array_is_carved_into_typed_ones() -> None:
    text = """
    extern "C" __global__ void k(float* out, const float* x, const short* s) {
        extern __shared__ char arena[];
        float* f = reinterpret_cast<float*>(arena);
        double* d = (double*)(f + blockDim.x);
        short* h = (short*)&d[blockDim.x];
        int t = threadIdx.x, last = blockDim.x - 1;
        f[t] = x[t]; d[t] = x[t] * 2.0; h[t] = s[t];
        __syncthreads();
        out[t] = f[last - t] + (float)d[last - t] + h[last - t];
    }"""
    x, s = np.arange(64, dtype=np.float32), np.arange(64, dtype=np.int16) % 7
    out = np.zeros(64, np.float32)
    run(text, "k", 1, 64, out, x, s, shared_bytes=64 * 14)
    np.testing.assert_array_equal(out, (3 * x + s)[::-1])


def test_two_arrays_swap_roles() -> None:
    text = """
    extern "C" __global__ void k(float* a, float* b, int steps) {
        float *src = a, *dst = b;
        int t = threadIdx.x, n = blockDim.x;
        for (int s = 0; s < steps; ++s) {
            dst[t] = src[(t + 1) % n] + 1;
            __syncthreads();
            float* tmp = src; src = dst; dst = tmp;
        }
    }"""
    a, b = np.arange(32, dtype=np.float32), np.zeros(32, np.float32)
    expected, other = a.copy(), b.copy()
    run(text, "k", 1, 32, a, b, 3)
    for _ in range(3):
        other = np.roll(expected, -1) + 1
        expected, other = other, expected
    np.testing.assert_array_equal(b, expected)


def test_module_variables_are_buffers_of_the_module() -> None:
    text = """
    __constant__ float weights[3] = {0.5f, 2.f};
    __device__ int counter;
    extern "C" __global__ void k(float* x) {
        x[threadIdx.x] *= weights[threadIdx.x % 3];
        if (threadIdx.x == 0) counter = 7;
    }"""
    module: dict[str, np.ndarray] = {}
    x = np.ones(6, np.float32)
    run(text, "k", 1, 6, x, module=module)
    np.testing.assert_array_equal(x, [0.5, 2, 0, 0.5, 2, 0])
    assert module["counter"][0] == 7


def test_a_record_with_pointers_is_an_argument() -> None:
    text = """
    struct View { float* data; int n; float2 s; };
    extern "C" __global__ void k(View v) {
        int i = threadIdx.x;
        if (i < v.n) v.data[i] = v.data[i] * v.s.x + v.s.y;
    }"""
    x = np.arange(8, dtype=np.float32)
    layout = {"names": ["data", "n", "s"], "formats": ["u8", "i4", "2f4"], "offsets": [0, 8, 16]}
    record = np.zeros((), np.dtype(layout))
    record["n"], record["s"] = 6, (2, 1)
    run(text, "k", 1, 8, Pointers(record, data=x))
    np.testing.assert_array_equal(x, [1, 3, 5, 7, 9, 11, 6, 7])


def test_options_decide() -> None:
    text = """
    #if __cplusplus >= 202002L
    #define YEAR 20
    #else
    #define YEAR 17
    #endif
    extern "C" __global__ void k(int* o) { o[0] = N; o[1] = YEAR; }"""
    out = np.zeros(2, np.int32)
    run(source(text, defines=(("N", "42"),), standard="c++20"), "k", 1, 1, out)
    assert out.tolist() == [42, 20]


def test_a_name_expression_instantiates_a_template() -> None:
    text = """
    template<class T, int N> __global__ void fill(T* x, T v) { for (int i = 0; i < N; ++i) x[i] = v + i; }"""
    x = np.zeros(5, np.float64)
    run(text, "fill<double, 4>", 1, 1, x, 1.5)
    assert x.tolist() == [1.5, 2.5, 3.5, 4.5, 0]
