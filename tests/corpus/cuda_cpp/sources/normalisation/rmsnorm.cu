// Root-mean-square normalisation, with the residual addition in front fused into it.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

namespace io {

template <typename T> __device__ __forceinline__ float widen(T v) { return v; }
template <> __device__ __forceinline__ float widen(__half v) { return __half2float(v); }
template <> __device__ __forceinline__ float widen(__nv_bfloat16 v) { return __bfloat162float(v); }

template <typename T> __device__ __forceinline__ T narrow(float v);
template <> __device__ __forceinline__ float narrow<float>(float v) { return v; }
template <> __device__ __forceinline__ __half narrow<__half>(float v) { return __float2half(v); }
template <> __device__ __forceinline__ __nv_bfloat16 narrow<__nv_bfloat16>(float v) { return __float2bfloat16(v); }

}  // namespace io

/* Sums over a block of any size; only warp 0 has the result. */
static inline __device__ float sum_of_block(float value) {
  static __shared__ float sums[32];
  const int lane = threadIdx.x & 0x1f, warp = threadIdx.x >> 5;
#pragma unroll
  for (int delta = 16; delta > 0; delta >>= 1) value += __shfl_xor_sync(0xffffffff, value, delta, 32);
  if (lane == 0) sums[warp] = value;
  __syncthreads();
  // a float comparison, so that a last warp that is not full counts too
  value = (lane < blockDim.x / 32.f) ? sums[lane] : 0.0f;
#pragma unroll
  for (int delta = 16; delta > 0; delta >>= 1) value += __shfl_xor_sync(0xffffffff, value, delta, 32);
  return value;
}

template <typename T>
__global__ void rms_norm(const T* __restrict__ input,   // [tokens, hidden]
                         const T* __restrict__ weight,  // [hidden]
                         T* __restrict__ output,        // [tokens, hidden]
                         const float epsilon, const int hidden) {
  using io::widen;
  __shared__ float inverse;
  const T* token = input + blockIdx.x * hidden;
  float squares = 0.0f;
  for (int i = threadIdx.x; i < hidden; i += blockDim.x) {
    const float v = widen(token[i]);
    squares += v * v;
  }
  squares = sum_of_block(squares);
  if (threadIdx.x == 0) inverse = rsqrtf(squares / hidden + epsilon);
  __syncthreads();
  for (int i = threadIdx.x; i < hidden; i += blockDim.x)
    output[blockIdx.x * hidden + i] = io::narrow<T>(widen(token[i]) * inverse * widen(weight[i]));
}

// residual += x; x = rms_norm(residual) * weight. The sums stay in shared memory between the passes.
template <typename T>
__global__ void add_rms_norm(T* __restrict__ x, T* __restrict__ residual, const T* __restrict__ weight,
                             const float epsilon, const int hidden) {
  extern __shared__ float row[];
  __shared__ float inverse;
  const int first = blockIdx.x * hidden;
  float squares = 0.0f;
  for (int i = threadIdx.x; i < hidden; i += blockDim.x) {
    row[i] = io::widen(x[first + i]) + io::widen(residual[first + i]);
    residual[first + i] = io::narrow<T>(row[i]);
    squares += row[i] * row[i];
  }
  squares = sum_of_block(squares);
  if (!threadIdx.x) inverse = rsqrtf(squares / hidden + epsilon);
  __syncthreads();
  for (int i = threadIdx.x; i < hidden; i += blockDim.x)
    x[first + i] = io::narrow<T>(row[i] * inverse * io::widen(weight[i]));
}

// dx_i = r * (w_i g_i - x_i * r^2 / n * sum_j w_j g_j x_j)
extern "C" __global__ void rms_norm_backward(const float* __restrict__ grad, const float* __restrict__ x,
                                             const float* __restrict__ weight, float* __restrict__ dx,
                                             float* dweight, int n, float eps) {
  grad += blockIdx.x * n;
  x += blockIdx.x * n;
  dx += blockIdx.x * n;
  __shared__ float total[2];
  float squares = 0, dots = 0;
  for (int i = threadIdx.x; i < n; i += blockDim.x) {
    squares = fmaf(x[i], x[i], squares);
    dots += weight[i] * grad[i] * x[i];
  }
  squares = sum_of_block(squares);
  __syncthreads();
  dots = sum_of_block(dots);
  if (!threadIdx.x) total[0] = squares, total[1] = dots;
  __syncthreads();
  float r = rsqrtf(total[0] / n + eps);
  float k = r * r * r / n * total[1];
  for (int i = threadIdx.x; i < n; i += blockDim.x) {
    dx[i] = r * weight[i] * grad[i] - k * x[i];
    atomicAdd(dweight + i, grad[i] * x[i] * r);
  }
}
