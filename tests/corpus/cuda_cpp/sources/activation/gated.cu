// Gated units: the input holds two halves of d values per token.
#include <cuda_fp16.h>

template <typename T>
__device__ __forceinline__ T silu(const T& v) {
  const float x = static_cast<float>(v);
  return static_cast<T>(x / (1.0f + expf(-x)));
}

template <typename T>
__device__ __forceinline__ T gelu_erf(const T& v) {
  constexpr float kRsqrt2 = 0.70710678118654752440f;
  const float x = (float)v;
  return (T)(0.5f * x * (1.0f + ::erf(x * kRsqrt2)));
}

// out[t, i] = ACT(in[t, 0, i]) * in[t, 1, i]; the activation is a template argument, a function
template <typename T, T (*ACT)(const T&)>
__global__ void gate_and_multiply(const T* __restrict__ in, T* __restrict__ out, const int d) {
  const long long token = blockIdx.x;
  const T* gate = in + token * 2 * d;
  const T* up = gate + d;
  for (int i = threadIdx.x; i < d; i += blockDim.x) {
    const T g = __ldg(gate + i), u = __ldg(up + i);
    out[token * d + i] = ACT(g) * u;
  }
}

// SwiGLU: gradients with respect to gate and up, both written over the inputs.
extern "C" __global__ void swiglu_backward_inplace(const float* dout, float* gate, float* up, int n) {
  const int i = blockDim.x * blockIdx.x + threadIdx.x;
  if (i >= n) return;
  const float g = gate[i], u = up[i], d = dout[i];
  const float s = 1.f / (1.f + __expf(-g));
  const float silu = g * s;
  gate[i] = d * u * (s + silu * (1.f - s));
  up[i] = d * silu;
}
