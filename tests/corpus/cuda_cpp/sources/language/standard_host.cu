// The standard library as programs for nvcc name it.
#include <algorithm>
#include <array>
#include <limits>
#include <tuple>
#include <type_traits>
#include <utility>

template <typename T>
__device__ typename std::enable_if<std::is_floating_point<T>::value, T>::type nearly(T a, T b)
{
    return (a - b) / std::numeric_limits<T>::epsilon();
}

template <typename T>
__device__ std::conditional_t<std::is_signed_v<T>, long long, unsigned long long> widened(T v)
{
    return v;
}

extern "C" __global__ void host_standard(const int* x, int* out, float* real, int n)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    std::array<int, 3> a{x[i], i, 7};
    auto [low, high] = std::make_pair(std::min(a[0], a[1]), std::max(a[0], a[1]));
    std::swap(a[0], a[2]);
    const std::tuple<int, float> t(a[0], 0.5f);
    int* o = out + i * 4;
    o[0] = low * 1000 + high;
    o[1] = std::get<0>(t) + a[2];
    o[2] = std::numeric_limits<short>::max() + (int)sizeof(widened(1u));
    o[3] = std::is_same<decltype(widened(1u)), unsigned long long>::value;
    real[i] = nearly(1.0f + x[i] * std::numeric_limits<float>::epsilon(), 1.0f) + std::get<1>(t);
}
