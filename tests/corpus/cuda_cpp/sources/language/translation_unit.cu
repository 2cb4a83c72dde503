// What surrounds kernels: macros, namespaces, aliases, options, overloads, assertions, output.

#ifndef FACTOR
#define FACTOR 1
#endif
#if defined(USE_DOUBLE) && USE_DOUBLE
typedef double real;
#else
typedef float real;
#endif

#define GLOBAL_ID ((int)(blockIdx.x * blockDim.x + threadIdx.x))
#define CEIL_DIV(a, b) (((a) + (b)-1) / (b))
#define CONCAT_(a, b) a##b
#define CONCAT(a, b) CONCAT_(a, b)
#define NAME_LENGTH(x) (sizeof(#x) - 1)
#define FOR_EACH(i, n) for (int i = GLOBAL_ID; i < (n); i += blockDim.x * gridDim.x)
#define CHECK(c, ...)            \
    do {                         \
        if (!(c)) {              \
            failures += __VA_ARGS__; \
        }                        \
    } while (0)

extern "C" __global__ void macros(const int* x, int* out, int n)
{
    FOR_EACH(i, n)
    {
        int failures = 0;
        CHECK(x[i] > 0, 1);
        CHECK(x[i] < 50, 10 + 10);
        const int CONCAT(value_, 7) = CEIL_DIV(x[i] + 1, 4);
        out[i] = value_7 * FACTOR + failures * 100 + (int)NAME_LENGTH(abcde) * 10000;
    }
}

// Chosen by -D options: a type, a number, a branch.
extern "C" __global__ void options(const real* x, real* out, int* kind, int n)
{
    FOR_EACH(i, n)
    {
        out[i] = x[i] / FACTOR;
#ifdef NEGATE
        out[i] = -out[i];
#endif
    }
    if (GLOBAL_ID == 0) *kind = sizeof(real);
}

namespace geometry {
namespace detail {
__device__ int helper(int v) { return v + 1; }
}  // namespace detail

inline namespace v2 {
struct Point {
    int x, y;
};
}  // namespace v2

using detail::helper;
__device__ int manhattan(Point p) { return abs(p.x) + abs(p.y); }

template <typename T>
using Ptr = T*;
}  // namespace geometry

namespace {
__device__ int hidden(int v) { return v * 3; }
}  // namespace

namespace outer::inner {
constexpr int offset = 40;
}

namespace geo = geometry;

extern "C" {
__device__ int c_linkage(int v) { return v - 5; }

__global__ void namespaces(const int* x, int* out, int n)
{
    using namespace outer::inner;
    using geometry::manhattan;
    typedef geometry::Point P;
    const int i = GLOBAL_ID;
    if (i >= n) return;
    const geo::Ptr<const int> p = x + i;
    out[i] = manhattan(P{*p, 2}) + geo::helper(offset) + hidden(*p) + c_linkage(1) + ::c_linkage(*p);
}
}

// Overloads, default arguments, deduced and trailing return types, attributes.
__device__ int pick(int v, int by = 2) { return v * by; }
__device__ float pick(float v) { return v * 0.5f; }
__device__ auto twice(int v) -> long long { return 2LL * v; }
template <typename A, typename B>
__device__ decltype(auto) mix(A a, B b) { return a + b; }
[[nodiscard]] __device__ __noinline__ int outlined(int v) { return v ^ 0x55; }
static __device__ __inline__ unsigned char narrow(int v) { return v; }

extern "C" __global__ void functions(const int* x, float* out, long long* wide, int n)
{
    [[maybe_unused]] const int unused = 5;
    const int i = GLOBAL_ID;
    if (i >= n) return;
    out[i] = pick(x[i]) + pick(x[i], 10) + pick((float)x[i]) + narrow(x[i] * 5);
    auto sum = mix(x[i], 2.5f);
    static_assert(sizeof(sum) == sizeof(float), "float by the usual conversions");
    wide[i] = twice(x[i]) + outlined(x[i]) + (long long)sum;
}

// Sizes and alignments are those of C on the device.
struct Mixed { char c; double d; short s; };
struct Empty {};
struct __align__(16) Aligned { float x, y, z; };
struct alignas(8) Pair { int a; };

extern "C" __global__ void layout(unsigned* out)
{
    if (GLOBAL_ID != 0) return;
    static_assert(sizeof(Mixed) == 24 && alignof(Mixed) == 8, "C layout");
    int array[5];
    unsigned* o = out;
    *o++ = sizeof(char) + 10 * sizeof(short) + 100 * sizeof(int) + 1000 * sizeof(long long);
    *o++ = sizeof(float) + 10 * sizeof(double) + 100 * sizeof(void*) + 1000 * sizeof(bool);
    *o++ = sizeof(Mixed) * 100 + sizeof(Empty);
    *o++ = sizeof(Aligned) * 100 + alignof(Aligned);
    *o++ = sizeof(float3) * 100 + sizeof(float4) + alignof(double2);
    *o++ = sizeof array / sizeof *array;
    *o++ = sizeof(Pair) * 10 + alignof(Pair);
    *o++ = sizeof(size_t) * 10 + sizeof(threadIdx.x);
}

// Every dimension of the launch.
extern "C" __global__ void dimensions(int* out)
{
    const int block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
    const int thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
    const int threads = blockDim.x * blockDim.y * blockDim.z;
    dim3 extent(gridDim.x * blockDim.x, gridDim.y * blockDim.y);
    const uint3 at = make_uint3(blockIdx.x * blockDim.x + threadIdx.x, blockIdx.y * blockDim.y + threadIdx.y,
                                blockIdx.z * blockDim.z + threadIdx.z);
    out[block * threads + thread] = at.x + extent.x * (at.y + extent.y * at.z) + 100000 * (extent.z + warpSize);
}

// Hints that change nothing: unrolling, launch bounds, restrict, cached loads, branches expected.
extern "C" __global__ void __launch_bounds__(128, 2)
    hints(const float* __restrict__ x, float* __restrict__ out, const int n)
{
    const int i = GLOBAL_ID;
    if (__builtin_expect(i >= n, 0)) return;
    float sum = 0.f;
#pragma unroll 4
    for (int k = 0; k < 10; ++k) sum += __ldg(&x[(i + k) % n]);
#pragma unroll 1
    for (int k = 0; k < 3; ++k) sum += x[k];
    __threadfence_block();
    __stcs(out + i, sum - __ldcs(x + i));
}

// Time passes; prints and true assertions leave results alone.
extern "C" __global__ void side_effects(const int* x, int* out, int n)
{
    const long long start = clock64();
    const int i = GLOBAL_ID;
    if (i >= n) return;
    assert(x[i] >= -1000 && "inputs are small");
    int v = x[i];
    for (int k = 0; k < 10; ++k) v = v * 3 % 1001;
    if (i == 0) printf("first %d of %d: %5.2f %s\n", x[i], n, x[i] * 0.5, "done");
    const long long elapsed = clock64() - start;
    out[i] = elapsed >= 0 ? v : -1;
}
