// 16-bit inputs with float accumulation, and 8-bit integers by dot products of four.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

// B is given transposed (N, K): both operands are read as half2 along k.
extern "C" __global__ void hgemm_nt(const half* __restrict__ A, const half* __restrict__ B, half* __restrict__ C,
                                    int M, int N, int K) {
    const int n = blockIdx.x * blockDim.x + threadIdx.x;
    const int m = blockIdx.y * blockDim.y + threadIdx.y;
    if (m >= M || n >= N) return;
    const half2* a = reinterpret_cast<const half2*>(A + m * K);
    const half2* b = reinterpret_cast<const half2*>(B + n * K);
    float acc = 0.f;
    for (int k = 0; k < K / 2; ++k) {
        const float2 x = __half22float2(a[k]);
        const float2 y = __half22float2(b[k]);
        acc = fmaf(x.x, y.x, acc);
        acc = fmaf(x.y, y.y, acc);
    }
    C[m * N + n] = __float2half_rn(acc);
}

template <typename T> struct Vec2;
template <> struct Vec2<half> {
    using type = half2;
    static __device__ float2 unpack(half2 v) { return make_float2(__low2float(v), __high2float(v)); }
    static __device__ half2 pack(float a, float b) { return __floats2half2_rn(a, b); }
};
template <> struct Vec2<__nv_bfloat16> {
    using type = __nv_bfloat162;
    static __device__ float2 unpack(__nv_bfloat162 v) { return __bfloat1622float2(v); }
    static __device__ __nv_bfloat162 pack(float a, float b) { return __floats2bfloat162_rn(a, b); }
};

// Row-major throughout; a thread makes two neighbouring columns of C. Tiles of 16 x 32.
template <typename T, int BK>
__global__ void gemm_pairs(const T* __restrict__ A, const T* __restrict__ B, T* __restrict__ C, int M, int N, int K) {
    using T2 = typename Vec2<T>::type;
    __shared__ float as[16][BK];
    __shared__ float2 bs[BK][16];
    const int tx = threadIdx.x, ty = threadIdx.y;
    const int row = blockIdx.y * 16 + ty, pair = blockIdx.x * 16 + tx;
    const T2* B2 = reinterpret_cast<const T2*>(B);
    float2 acc = {0.f, 0.f};
    for (int k0 = 0; k0 < K; k0 += BK) {
        for (int k = tx; k < BK; k += 16)
            as[ty][k] = row < M && k0 + k < K ? static_cast<float>(A[row * K + k0 + k]) : 0.f;
        for (int k = ty; k < BK; k += 16)
            bs[k][tx] = pair < N / 2 && k0 + k < K ? Vec2<T>::unpack(B2[(k0 + k) * (N / 2) + pair])
                                                   : make_float2(0.f, 0.f);
        __syncthreads();
        for (int k = 0; k < BK; ++k) {
            acc.x += as[ty][k] * bs[k][tx].x;
            acc.y += as[ty][k] * bs[k][tx].y;
        }
        __syncthreads();
    }
    if (row < M && pair < N / 2) reinterpret_cast<T2*>(C)[row * (N / 2) + pair] = Vec2<T>::pack(acc.x, acc.y);
}

// C = (A @ B^T) * row scale * column scale; A (M, K) and B (N, K) of signed bytes, K a multiple of 4
extern "C" __global__ void igemm_dp4a(const signed char* A, const signed char* B, float* C, const float* scale_a,
                                      const float* scale_b, int M, int N, int K) {
    int n = blockIdx.x * blockDim.x + threadIdx.x;
    int m = blockIdx.y;
    if (n >= N) return;
    const int* a = reinterpret_cast<const int*>(A + (size_t)m * K);
    const int* b = reinterpret_cast<const int*>(B + (size_t)n * K);
    int acc = 0;
    for (int k = 0; k < (K >> 2); ++k) acc = __dp4a(a[k], b[k], acc);
    C[(size_t)m * N + n] = __int2float_rn(acc) * scale_a[m] * scale_b[n];
}
