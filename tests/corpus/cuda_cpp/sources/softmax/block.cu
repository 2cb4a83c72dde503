// One block a row. The element type and the block size are template arguments; sums are in float.
#include <cuda_fp16.h>

template <typename T> struct Convert;

template <> struct Convert<float> {
    static __device__ __forceinline__ float load(const float* p) { return *p; }
    static __device__ __forceinline__ void store(float* p, float v) { *p = v; }
};

template <> struct Convert<__half> {
    static __device__ __forceinline__ float load(const __half* p) { return __half2float(*p); }
    static __device__ __forceinline__ void store(__half* p, float v) { *p = __float2half_rn(v); }
};

struct SumOp {
    __device__ float operator()(float a, float b) const { return a + b; }
    static __device__ float identity() { return 0.0f; }
};

struct MaxOp {
    __device__ float operator()(float a, float b) const { return fmaxf(a, b); }
    static __device__ float identity() { return -__int_as_float(0x7f800000); }
};

template <int BLOCK, typename Op>
__device__ float block_reduce(float value, Op op) {
    __shared__ float partial[BLOCK];
    partial[threadIdx.x] = value;
    __syncthreads();
#pragma unroll
    for (int s = BLOCK / 2; s > 0; s >>= 1) {
        if (threadIdx.x < s) partial[threadIdx.x] = op(partial[threadIdx.x], partial[threadIdx.x + s]);
        __syncthreads();
    }
    float result = partial[0];
    __syncthreads();
    return result;
}

template <typename T, int BLOCK>
__global__ void __launch_bounds__(BLOCK) softmax(const T* __restrict__ in, T* __restrict__ out, int cols) {
    const T* row_in = in + (long long)blockIdx.x * cols;
    T* row_out = out + (long long)blockIdx.x * cols;

    float m = MaxOp::identity();
    for (int c = threadIdx.x; c < cols; c += BLOCK) m = fmaxf(m, Convert<T>::load(row_in + c));
    m = block_reduce<BLOCK>(m, MaxOp());

    float s = SumOp::identity();
    for (int c = threadIdx.x; c < cols; c += BLOCK) s += __expf(Convert<T>::load(row_in + c) - m);
    s = block_reduce<BLOCK>(s, SumOp());

    const float scale = __fdividef(1.0f, s);
    for (int c = threadIdx.x; c < cols; c += BLOCK)
        Convert<T>::store(row_out + c, __expf(Convert<T>::load(row_in + c) - m) * scale);
}
