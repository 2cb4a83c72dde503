// The device side of the standard library.
#include <cuda/std/algorithm>
#include <cuda/std/array>
#include <cuda/std/cstdint>
#include <cuda/std/limits>
#include <cuda/std/tuple>
#include <cuda/std/type_traits>
#include <cuda/std/utility>

#define GLOBAL_ID ((int)(blockIdx.x * blockDim.x + threadIdx.x))

extern "C" __global__ void fixed_width(const cuda::std::int32_t* x, cuda::std::uint8_t* bytes, cuda::std::int64_t* wide,
                                       cuda::std::size_t n)
{
    const cuda::std::size_t i = GLOBAL_ID;
    if (i >= n) return;
    bytes[i] = static_cast<cuda::std::uint8_t>(x[i] * 3);
    wide[i] = cuda::std::int64_t{x[i]} * INT32_MAX + UINT8_MAX;
}

template <typename T>
__global__ void limits(T* out)
{
    using L = cuda::std::numeric_limits<T>;
    if (GLOBAL_ID != 0) return;
    out[0] = L::max();
    out[1] = L::lowest();
    out[2] = L::min();
    out[3] = L::is_signed ? T(1) : T(2);
    out[4] = L::is_integer ? T(L::digits) : L::epsilon();
    if constexpr (!L::is_integer) {
        out[5] = L::infinity();
        out[6] = L::quiet_NaN();
    }
}

template <typename T>
__device__ T saturating_add(T a, T b)
{
    static_assert(cuda::std::is_integral<T>::value, "integers only");
    if constexpr (cuda::std::is_unsigned_v<T>) {
        const T sum = a + b;
        return sum < a ? cuda::std::numeric_limits<T>::max() : sum;
    } else {
        const long long sum = (long long)a + b;
        const long long low = cuda::std::numeric_limits<T>::min(), high = cuda::std::numeric_limits<T>::max();
        return (T)(sum < low ? low : sum > high ? high : sum);
    }
}

template <typename T, cuda::std::enable_if_t<cuda::std::is_floating_point_v<T>, int> = 0>
__device__ int family(T) { return 1; }
template <typename T, cuda::std::enable_if_t<cuda::std::is_integral_v<T>, int> = 0>
__device__ int family(T) { return 2; }

extern "C" __global__ void type_traits(const int* x, const unsigned char* y, int* out, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    int* o = out + i * 4;
    o[0] = saturating_add(x[i], x[i]);
    o[1] = saturating_add<unsigned char>(y[i], 100);
    o[2] = family(1.0f) * 10 + family('c');
    using Wider = cuda::std::conditional_t<(sizeof(long long) > sizeof(int)), long long, int>;
    using Bare = cuda::std::remove_const_t<cuda::std::remove_reference_t<const int&>>;
    o[3] = cuda::std::is_same_v<Wider, long long> + 2 * cuda::std::is_same<Bare, int>::value +
           4 * cuda::std::is_same_v<decltype(x), int*> + 8 * (int)sizeof(cuda::std::make_unsigned_t<short>);
}

__device__ cuda::std::pair<int, float> measure(int v) { return {v, v * 0.5f}; }

extern "C" __global__ void containers(const int* x, int* out, float* real, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    cuda::std::array<int, 4> a = {1, 2, 3, x[i]};
    a[i % 4] += 100;
    int sum = 0;
    for (int v : a) sum += v;
    const auto p = measure(x[i]);
    const auto q = cuda::std::make_pair(i, 2.0f);
    auto t = cuda::std::make_tuple(x[i], 1.25f, 'z');
    cuda::std::get<0>(t) *= 2;
    int first = 1, second = x[i];
    cuda::std::swap(first, second);
    out[i * 5] = sum + (int)a.size() * 1000;
    out[i * 5 + 1] = p.first + q.first;
    out[i * 5 + 2] = cuda::std::get<0>(t) + cuda::std::get<2>(t);
    out[i * 5 + 3] = first * 10 + second;
    out[i * 5 + 4] = a.back() - a.front() + *(a.begin() + 1);
    real[i] = p.second + q.second + cuda::std::get<1>(t);
}

extern "C" __global__ void algorithms(const int* x, const float* f, int* out, float* real, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    out[i] = cuda::std::min(x[i], 10) + cuda::std::max(x[i], -10) * 100;
    real[i] = cuda::std::max(f[i], 0.25f) + cuda::std::min(f[i], 0.75f);
    auto moved = cuda::std::move(out[i]);
    out[i] = cuda::std::forward<int&>(moved) + 1;
}
