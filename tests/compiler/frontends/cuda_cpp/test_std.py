"""The C++ library's headers, also as cuda::std: one small kernel each, and complex functions."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

pytest.importorskip("clang.cindex")

from tests.support.cuda_cpp import run
from tests.support.cuda_cpp_host import both

pytestmark = pytest.mark.slow

everywhere = functools.partial(both, is_for_nvrtc=True)

# name: (headers, declarations, statements that set o[0], o[1], ... (double), what they are); n is 5
SNIPPETS: dict[str, tuple[str, str, str, list[float]]] = {
    "traits choose code": (
        "cuda/std/type_traits",
        "template <class T> __device__ int kind(T) { if constexpr (cuda::std::is_floating_point_v<T>)"
        " return 1; else if constexpr (cuda::std::is_signed<T>::value) return 2; else return 3; }"
        "template <class T, cuda::std::enable_if_t<(sizeof(T) > 4), int> = 0> __device__ int wide(T)"
        " { return 1; } template <class T, cuda::std::enable_if_t<(sizeof(T) <= 4), int> = 0>"
        " __device__ int wide(T) { return 0; }",
        "o[0] = kind(1.f); o[1] = kind(1); o[2] = kind(1u); o[3] = wide(1ll); o[4] = wide(1);"
        "o[5] = cuda::std::is_same_v<cuda::std::decay_t<const int&>, int>;"
        "o[6] = cuda::std::conjunction_v<cuda::std::is_integral<int>, cuda::std::is_pointer<int*>>;"
        "o[7] = sizeof(cuda::std::conditional_t<(sizeof(int) == 4), double, char>);"
        "o[8] = cuda::std::is_convertible_v<int*, float>; o[9] = cuda::std::integral_constant<int, 7>::value;"
        "o[10] = sizeof(cuda::std::common_type_t<char, float, double>); o[11] = cuda::std::extent_v<int[3][4], 1>;"
        "o[12] = (cuda::std::make_unsigned_t<int>)-1 > 0; o[13] = cuda::std::is_invocable_v<int (*)(int), float>;",
        [1, 2, 3, 1, 0, 1, 1, 8, 0, 7, 8, 4, 1, 1],
    ),
    "limits": (
        "cuda/std/limits",
        "template <class T> __device__ double most() { return cuda::std::numeric_limits<T>::max(); }",
        "o[0] = most<int>(); o[1] = most<float>(); o[2] = most<unsigned char>();"
        "using L = cuda::std::numeric_limits<double>; o[3] = L::lowest(); o[4] = L::epsilon();"
        "o[5] = L::infinity(); o[6] = L::quiet_NaN() == L::quiet_NaN(); o[7] = L::digits;"
        "o[8] = cuda::std::numeric_limits<long long>::min(); o[9] = L::denorm_min();"
        "o[10] = cuda::std::numeric_limits<char>::is_signed; o[11] = L::max_digits10;"
        "o[12] = cuda::std::numeric_limits<unsigned>::digits; o[13] = (double)most<unsigned short>();",
        [
            2**31 - 1,
            float(np.finfo(np.float32).max),
            255,
            -np.finfo(np.float64).max,
            float(np.finfo(np.float64).eps),
            np.inf,
            0,
            53,
            -(2.0**63),
            5e-324,
            1,
            17,
            32,
            65535,
        ],
    ),
    "limits of small floats": (
        "cuda_fp16.h cuda_bf16.h cuda/std/limits",
        "",
        "using H = cuda::std::numeric_limits<__half>; using B = cuda::std::numeric_limits<__nv_bfloat16>;"
        "o[0] = (float)H::max(); o[1] = (float)H::epsilon(); o[2] = (float)H::min(); o[3] = H::digits;"
        "o[4] = (float)B::epsilon(); o[5] = (float)-H::infinity(); o[6] = (float)B::lowest() < -3.3e38f;"
        "o[7] = (float)H::denorm_min(); o[8] = (float)B::min() == 1.17549435e-38f;",
        [65504, 2**-10, 2**-14, 11, 2**-7, -np.inf, 1, 2**-24, 1],
    ),
    "pairs": (
        "cuda/std/utility",
        "__device__ cuda::std::pair<int, float> everywhere(int a) { return {a, a * 0.5f}; }",
        "auto p = everywhere(n); o[0] = p.first; o[1] = p.second; p = cuda::std::make_pair(7, 8.f);"
        "o[2] = cuda::std::get<0>(p) + cuda::std::get<1>(p); o[3] = p < everywhere(9); o[4] = p == p;"
        "auto [a, b] = p; o[5] = a - b; cuda::std::pair<int, float> q(1, 2); cuda::std::swap(p, q);"
        "o[6] = p.second + q.second; int x = cuda::std::exchange(a, 3); o[7] = x * 10 + a;"
        "cuda::std::get<0>(q) = 11; o[8] = q.first;",
        [5, 2.5, 15, 1, 1, -1, 10, 73, 11],
    ),
    "sequences": (
        "cuda/std/utility",
        "template <size_t... i> __device__ int sum(const int* x, cuda::std::index_sequence<i...>)"
        " { return (x[i] + ...); }"
        "template <class F, class... A> __device__ auto call(F f, A&&... a)"
        " { return f(cuda::std::forward<A>(a)...); }",
        "int x[4] = {1, 2, 3, n}; o[0] = sum(x, cuda::std::make_index_sequence<4>{});"
        "call([](int& a, int b) { a += b; }, x[0], 10); o[1] = x[0];",
        [11, 11],
    ),
    "arrays": (
        "cuda/std/array",
        "__device__ cuda::std::array<int, 3> three(int a) { return {a, a + 1, a + 2}; }"
        "template <class A> __device__ int total(const A& a) { int t = 0; for (int v : a) t += v;"
        " return t; }",
        "auto a = three(n); o[0] = total(a); a[1] = 9; o[1] = a[1] + a.size() + a.back();"
        "cuda::std::array<float, 4> f{}; f.fill(2.5f); o[2] = f[n - 2]; o[3] = f.front();"
        "auto b = a; b[0] = 0; o[4] = a[0]; o[5] = a == b; o[6] = a != b; o[7] = *(b.end() - 1);"
        "auto [x, y, z] = a; o[8] = x + y + z; o[9] = cuda::std::get<2>(a); int* p = a.data();"
        "p[n - 5] = 100; o[10] = a[0];",
        [18, 19, 2.5, 2.5, 5, 0, 1, 7, 21, 7, 100],
    ),
    "tuples": (
        "cuda/std/tuple",
        "__device__ cuda::std::tuple<int, float, double> make(int a) { return {a, a * 2.f, a * 3.}; }",
        "auto t = make(n); o[0] = cuda::std::get<0>(t) + cuda::std::get<1>(t) + cuda::std::get<2>(t);"
        "cuda::std::get<1>(t) = 1; o[1] = cuda::std::get<1>(t); int a; float b; double c;"
        "cuda::std::tie(a, b, c) = make(2); o[2] = a + 10 * b + 100 * c; auto [x, y, z] = make(3);"
        "o[3] = x + y + z; o[4] = cuda::std::tuple_size<decltype(t)>::value;"
        "o[5] = cuda::std::apply([](int p, float q, double r) { return p * q * r; }, make(1));"
        "auto m = cuda::std::make_tuple(1, 2.5f); o[6] = cuda::std::get<1>(m);"
        "o[7] = m == cuda::std::make_tuple(1, 2.5f);",
        [30, 1, 2 + 40 + 600, 18, 3, 6, 2.5, 1],
    ),
    "operators as objects": (
        "cuda/std/functional",
        "template <class F> __device__ int fold(F f) { int t = 1; for (int i = 1; i < 6; ++i)"
        " t = f(t, i); return t; }",
        "o[0] = fold(cuda::std::plus<int>()); o[1] = fold(cuda::std::multiplies<>());"
        "o[2] = cuda::std::less<int>()(1, 2); o[3] = cuda::std::greater<>()(1, 2.5);"
        "o[4] = cuda::std::negate<int>()(n); o[5] = fold(cuda::std::bit_xor<int>());"
        "o[6] = cuda::std::invoke([](int a) { return a + 1; }, n); o[7] = cuda::std::identity()(n);",
        [16, 120, 1, 0, -5, 0, 6, 5],
    ),
    "maximum and minimum": (
        "cuda/functional",
        "",
        "o[0] = cuda::maximum<int>()(n, 7); o[1] = cuda::minimum<>()(2.5, 3);"
        "o[2] = cuda::proclaim_return_type<int>([](int a) { return a * 2; })(n);",
        [7, 2.5, 10],
    ),
    "algorithms": (
        "cuda/std/algorithm",
        "",
        "int v[6] = {4, n, 1, 9, 2, 7}, w[6];"
        "o[0] = cuda::std::max(n, 3) + cuda::std::min(2.5, 7.0) + cuda::std::clamp(n, 0, 3);"
        "o[1] = *cuda::std::max_element(v, v + 6); o[2] = cuda::std::min_element(v, v + 6) - v;"
        "cuda::std::copy(v, v + 6, w); cuda::std::fill(w, w + 2, 0); o[3] = w[0] + w[1] + w[5];"
        "o[4] = cuda::std::count_if(v, v + 6, [](int a) { return a > 3; }); o[5] = cuda::std::find(v, v + 6, 9) - v;"
        "cuda::std::transform(v, v + 6, w, [](int a) { return a * a; }); o[6] = w[3];"
        "cuda::std::reverse(v, v + 6); o[7] = v[0] * 10 + v[5]; cuda::std::swap(v[0], v[1]); o[8] = v[0];"
        "o[9] = cuda::std::all_of(v, v + 6, [](int a) { return a > 0; }); o[10] = cuda::std::equal(v, v + 6, v);"
        "o[11] = cuda::std::max(n, 8, [](int a, int b) { return a > b; });",
        [5 + 2.5 + 3, 9, 2, 7, 4, 3, 81, 74, 2, 1, 1, 5],
    ),
    "searching": (
        "cuda/std/algorithm",
        "",
        "int v[7] = {1, 2, 3, 4, n, 7, 9}; o[0] = cuda::std::lower_bound(v, v + 7, 4) - v;"
        "o[1] = cuda::std::upper_bound(v, v + 7, 4) - v; o[2] = cuda::std::binary_search(v, v + 7, 6);"
        "o[3] = cuda::std::binary_search(v, v + 7, n); cuda::std::reverse(v, v + 7);"
        "o[4] = cuda::std::lower_bound(v, v + 7, 6, [](int a, int b) { return a > b; }) - v;",
        [3, 4, 0, 1, 2],
    ),
    "sums and divisors": (
        "cuda/std/numeric",
        "",
        "int v[4] = {1, 2, 3, n}; o[0] = cuda::std::accumulate(v, v + 4, 0);"
        "o[1] = cuda::std::accumulate(v, v + 4, 1, [](int a, int b) { return a * b; });"
        "o[2] = cuda::std::inner_product(v, v + 4, v, 0); o[3] = cuda::std::gcd(12, 18);"
        "o[4] = cuda::std::lcm(4, 6); cuda::std::iota(v, v + 4, n); o[5] = v[3];"
        "cuda::std::partial_sum(v, v + 4, v); o[6] = v[3];",
        [11, 30, 39, 6, 12, 8, 26],
    ),
    "bits": (
        "cuda/std/bit",
        "struct Two { short a, b; };",
        "o[0] = cuda::std::bit_cast<int>(1.0f); o[1] = cuda::std::bit_cast<double>(4607182418800017408ll);"
        "o[2] = cuda::std::popcount(255u << n); o[3] = cuda::std::countl_zero(1u << n);"
        "o[4] = cuda::std::countr_zero((unsigned long long)32 * n); o[5] = cuda::std::bit_ceil(33u + n);"
        "o[6] = cuda::std::bit_floor(33u + n); o[7] = cuda::std::bit_width((unsigned char)n);"
        "o[8] = cuda::std::rotl((unsigned char)0x81, n - 4); o[9] = cuda::std::has_single_bit(64u);"
        "o[10] = cuda::std::countl_zero((unsigned short)n); o[11] = cuda::std::rotr(1u, 1);"
        "static_assert(cuda::std::bit_width(8u) == 4); o[12] = cuda::std::bit_cast<Two>(0x20001 * n).b;",
        [0x3F800000, 1, 8, 26, 5, 64, 32, 3, 3, 1, 13, 2**31, 10],
    ),
    "iterators": (
        "cuda/std/iterator",
        "",
        "int v[4] = {1, 2, 3, n}; o[0] = *cuda::std::next(v, 2); o[1] = cuda::std::distance(v, v + 3);"
        "int* p = v; cuda::std::advance(p, 3); o[2] = *p; o[3] = cuda::std::end(v) - cuda::std::begin(v);"
        "o[4] = cuda::std::size(v); o[5] = *cuda::std::prev(p);",
        [3, 3, 5, 4, 4, 3],
    ),
    "placement new": (
        "cuda/std/utility",
        "struct P { int a; float b; __device__ P(int a, float b) : a(a), b(b) {} };",
        "P p(1, 2.f); P* q = new (&p) P(n, 4.f); o[0] = p.a + q->b;",
        [9],
    ),
    "constants of the compiler": (
        "cuda/std/array cuda/std/algorithm",
        "constexpr int largest = cuda::std::max(3, 2); __device__ constexpr cuda::std::array<int, 3> table{1, 2, 3};",
        "int v[cuda::std::max(2, 4)]; o[0] = sizeof(v); o[1] = table[n - 4]; o[2] = largest;",
        [16, 2, 3],
    ),
}


@pytest.mark.parametrize("name", SNIPPETS)
def test_snippet(name: str) -> None:
    headers, declarations, statements, wanted = SNIPPETS[name]
    includes = "".join(f"#include <{header}>\n" for header in headers.split())
    text = f"{includes}{declarations}\n__global__ void k(double* o, int n) {{\n{statements}\n}}"
    for (o,) in everywhere(text, "k", 1, 1, np.full(len(wanted), -99.0), 5):
        assert o.tolist() == pytest.approx(wanted, rel=0, abs=0)


def test_the_same_names_are_in_std() -> None:
    text = (
        "#include <algorithm>\n#include <array>\n#include <tuple>\n#include <limits>\n"
        "__global__ void k(int* o) { std::array<int, 2> a{3, 4}; o[0] = std::max(a[0], a[1]);"
        " o[1] = std::get<1>(std::make_tuple(1, 2)); o[2] = std::numeric_limits<int>::max(); }"
    )
    o = np.zeros(3, np.int32)
    run(text, "k", 1, 1, o)
    assert o.tolist() == [4, 2, 2**31 - 1]


# ---------------------------------------------------------------------------- complex numbers

COMPLEX: dict[str, Any] = {
    "a + b": lambda a, b: a + b,
    "a - b": lambda a, b: a - b,
    "a * b": lambda a, b: a * b,
    "a / b": lambda a, b: a / b,
    "-a + T(2)": lambda a, b: 2 - a,
    "T(2) / a - T(1)": lambda a, b: 2 / a - 1,
    "a * T(3)": lambda a, b: a * 3,
    "conj(a)": lambda a, b: np.conj(a),
    "C(abs(a), arg(a))": lambda a, b: np.abs(a) + 1j * np.angle(a),
    "C(norm(a), a.imag())": lambda a, b: np.abs(a) ** 2 + 1j * a.imag,
    "NS::polar(T(2), b.real())": lambda a, b: 2 * np.exp(1j * b.real),
    "exp(a)": lambda a, b: np.exp(a),
    "log(a)": lambda a, b: np.log(a),
    "log10(a)": lambda a, b: np.log10(a),
    "sqrt(a)": lambda a, b: np.sqrt(a),
    "pow(a, b)": lambda a, b: a**b,
    "pow(a, T(2))": lambda a, b: a**2,
    "sin(a)": lambda a, b: np.sin(a),
    "cos(a)": lambda a, b: np.cos(a),
    "tan(a)": lambda a, b: np.tan(a),
    "sinh(a)": lambda a, b: np.sinh(a),
    "cosh(a)": lambda a, b: np.cosh(a),
    "tanh(a)": lambda a, b: np.tanh(a),
    "(a += b, a *= a, a /= b, a -= T(1))": lambda a, b: (a + b) ** 2 / b - 1,
    "C(a == a, a != b)": lambda a, b: 1 + 1j + a * 0,
}


@pytest.mark.parametrize("where", ["cuda::std", "thrust"])
@pytest.mark.parametrize("real", ["float", "double"])
def test_complex_functions(where: str, real: str) -> None:
    header = "cuda/std/complex" if where == "cuda::std" else "thrust/complex.h"
    lines = "".join(
        f"{{ C a = x[i], b = z[i]; y[{k} * 256 + i] = {e.replace('NS', where)}; }}\n"
        for k, e in enumerate(COMPLEX)
    )
    text = (
        f"#include <{header}>\ntypedef {real} T;\ntypedef {where}::complex<T> C;\n"
        f"__global__ void k(const C* x, const C* z, C* y) {{ int i = threadIdx.x;\n{lines}}}"
    )
    g = np.random.default_rng(1)
    dtype = np.complex64 if real == "float" else np.complex128
    a, b = ((g.normal(size=256) + 1j * g.normal(size=256)).astype(dtype) for _ in range(2))
    parts = [v.view(v.real.dtype) for v in (a, b)]
    out = np.zeros((len(COMPLEX), 512), parts[0].dtype)
    tolerance = 5e-6 if real == "float" else 1e-14
    for *_, y in everywhere(text, "k", 1, 256, *parts, out, is_for_nvrtc=where != "thrust"):
        for (line, function), row in zip(COMPLEX.items(), y.view(dtype), strict=True):
            wanted = function(a.astype(np.complex128), b.astype(np.complex128))
            error = np.abs(row - wanted) / np.maximum(np.abs(wanted), 1)
            assert error.max() < tolerance * (40 if "tan(" in line else 1), line


def test_complex_roots_at_the_ends_of_the_range() -> None:
    text = (
        "#include <cuda/std/complex>\ntypedef cuda::std::complex<float> C;\n"
        "__global__ void k(const C* x, C* y) { int i = threadIdx.x; y[i] = sqrt(x[i]);"
        " y[8 + i] = x[i] / C(1e30f, 1e30f); }"
    )
    x = np.array([0, -4, 1e38 + 1e38j, 1e-40j, -1e30 - 1j, 3 - 4j, 2j, 5], np.complex64)
    for _, y in everywhere(text, "k", 1, 8, x.view(np.float32), np.zeros(32, np.float32)):
        root, quotient = y.view(np.complex64).reshape(2, 8)
        assert np.allclose(root, np.sqrt(x.astype(np.complex128)), rtol=1e-6, atol=1e-30)
        assert np.allclose(
            quotient, x.astype(np.complex128) / (1e30 + 1e30j), rtol=1e-6, atol=1e-37
        )


# ------------------------------------------------------------------------------ atomic objects


def test_atomic_objects() -> None:
    text = """#include <cuda/atomic>
template <class T> using Ref = cuda::atomic_ref<T, cuda::thread_scope_device>;
__global__ void k(int* x, float* f, long long* w, unsigned* u, int* seen) {
  Ref<int> a(x[0]);
  seen[threadIdx.x] = a.fetch_add(1, cuda::memory_order_relaxed);
  Ref<float>(f[0]).fetch_add(0.5f);
  Ref<long long>(w[0]).fetch_max(threadIdx.x * 100ll);
  Ref<long long>(w[1]).fetch_min(-(long long)threadIdx.x, cuda::std::memory_order_acq_rel);
  Ref<unsigned> b(u[0]);
  b |= 1u << (threadIdx.x % 32);
  ++Ref<int>(x[1]);
  Ref<int>(x[2]) -= 2;
  int old = Ref<int>(x[3]).load(), made;
  do { made = old + 3; } while (!Ref<int>(x[3]).compare_exchange_weak(old, made));
  if (threadIdx.x == 0) { Ref<int>(x[4]).store(7, cuda::memory_order_release); Ref<int> c(x[5]); c = 8; }
  if (threadIdx.x == 1) { int expected = 99; x[6] = Ref<int>(x[7]).compare_exchange_strong(expected, 5);
    x[8] = expected; x[9] = Ref<int>(x[10]).exchange(4); }
}
"""
    arrays = [
        np.arange(11, dtype=np.int32), np.zeros(1, np.float32), np.zeros(2, np.int64),
        np.zeros(1, np.uint32), np.zeros(64, np.int32),
    ]  # fmt: skip
    for x, f, w, u, seen in everywhere(text, "k", 1, 64, *arrays):
        assert x.tolist() == [64, 65, 2 - 128, 3 + 192, 7, 8, 0, 7, 7, 10, 4]
        assert f[0] == 32
        assert w.tolist() == [6300, -63]
        assert u[0] == 2**32 - 1
        assert sorted(seen.tolist()) == list(range(64))


def test_atomic_variables() -> None:
    text = """#include <cuda/atomic>
__global__ void k(int* y) {
  __shared__ cuda::atomic<int, cuda::thread_scope_block> s;
  if (threadIdx.x == 0) s.store(0);
  __syncthreads();
  s.fetch_add(2);
  s++;
  __syncthreads();
  y[threadIdx.x] = s.load(cuda::memory_order_acquire) + s;
}
"""
    for (y,) in everywhere(text, "k", 1, 64, np.zeros(64, np.int32)):
        assert y.tolist() == [384] * 64
