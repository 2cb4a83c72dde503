// 128-bit packs of any element type, half2 arithmetic, and casts between the 16-bit floats.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

// Sixteen bytes of elements, moved as one int4.
template <class T>
struct alignas(sizeof(int4)) Pack {
    static constexpr int count = sizeof(int4) / sizeof(T);
    T lane[count];

    Pack() = default;

    __device__ static Pack from(int4 raw) {
        Pack result;
        static_assert(sizeof(raw) == sizeof(result.lane), "a pack has no padding");
        memcpy(result.lane, &raw, sizeof(raw));
        return result;
    }

    __device__ int4 raw() const {
        int4 bits;
        memcpy(&bits, lane, sizeof(bits));
        return bits;
    }

    __device__ T& operator[](int i) { return lane[i]; }
    __device__ const T& operator[](int i) const { return lane[i]; }
};

template <class T>
__device__ Pack<T> load_streaming(const T* from) {
    return Pack<T>::from(__ldcs(reinterpret_cast<const int4*>(from)));
}

template <class T>
__device__ void store(T* to, const Pack<T>& pack) {
    *reinterpret_cast<int4*>(to) = pack.raw();
}

template <typename T>
__global__ void residual_add(const T* a, const T* b, T* out, int n) {
    using pack_t = Pack<T>;
    const int at = (blockIdx.x * blockDim.x + threadIdx.x) * pack_t::count;
    if (at + pack_t::count > n) {
        for (int i = at; i < n; ++i) out[i] = (T)((float)a[i] + (float)b[i]);
        return;
    }
    const pack_t x = load_streaming(a + at), y = load_streaming(b + at);
    pack_t sum;
    for (int k = 0; k < pack_t::count; k++) sum[k] = (T)((float)x[k] + (float)y[k]);
    store(out + at, sum);
}

// y = relu(a * x + y), two halves at a time
extern "C" __global__ void haxpy_relu(int n, __half a, const __half* x, __half* y) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    int stride = blockDim.x * gridDim.x;
    const __half2 a2 = __half2half2(a);
    const __half2 zero = __float2half2_rn(0.f);
    const __half2* x2 = reinterpret_cast<const __half2*>(x);
    __half2* y2 = reinterpret_cast<__half2*>(y);
    for (int k = i; k < n / 2; k += stride) y2[k] = __hmax2(__hfma2(a2, x2[k], y2[k]), zero);
    // first thread handles the odd element
    if (i == 0 && (n & 1)) {
        __half last = __hfma(a, x[n - 1], y[n - 1]);
        y[n - 1] = __hgt(last, __float2half(0.f)) ? last : __float2half(0.f);
    }
}

template <typename To, typename From> struct Cast {
    static __device__ To apply(From v) { return static_cast<To>(static_cast<float>(v)); }
};
template <> struct Cast<__nv_bfloat16, float> {
    static __device__ __nv_bfloat16 apply(float v) { return __float2bfloat16_rn(v); }
};
template <> struct Cast<__half, float> {
    static __device__ __half apply(float v) { return __float2half_rn(v); }
};

template <typename To, typename From>
__global__ void cast_kernel(To* dst, const From* src, size_t n) {
    size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x;
    if (i < n) dst[i] = Cast<To, From>::apply(src[i]);
}

// bfloat16 without the header: its bits are a float's upper half
extern "C" __global__ void bf16_bits_to_float(float* dst, const unsigned short* src, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) dst[i] = __uint_as_float((unsigned int)src[i] << 16);
}

extern "C" __global__ void float_to_bf16_bits(unsigned short* dst, const float* src, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    unsigned int bits = __float_as_uint(src[i]);
    unsigned int lsb = (bits >> 16) & 1;
    dst[i] = (bits + 0x7fffu + lsb) >> 16; // round to nearest, ties to even
}
