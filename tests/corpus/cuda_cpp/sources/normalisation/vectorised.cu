// Normalisations that load four floats, or eight halves, at a time.
#include <cuda_fp16.h>

#define AS_FLOAT4(x) (*reinterpret_cast<float4 *>(&(x)))
#define AS_CONST_FLOAT4(x) (*reinterpret_cast<const float4 *>(&(x)))

template <int LANES = 32>
__device__ __forceinline__ float lanes_sum(float v) {
#pragma unroll
  for (int m = LANES / 2; m >= 1; m /= 2)
    v += __shfl_xor_sync(0xffffffff, v, m);
  return v;
}

// The sum over a block, for every thread of it.
template <int THREADS>
__device__ float threads_sum(float v) {
  constexpr int WARPS = (THREADS + 31) / 32;
  static __shared__ float of_warp[WARPS];
  v = lanes_sum(v);
  if (threadIdx.x % 32 == 0)
    of_warp[threadIdx.x / 32] = v;
  __syncthreads();
  v = 0.f;
#pragma unroll
  for (int w = 0; w < WARPS; ++w)
    v += of_warp[w];
  __syncthreads();
  return v;
}

// Rows of exactly 4 * THREADS floats; scale and shift are the same for all columns.
template <int THREADS>
__global__ void layer_norm_x4(const float *x, float *y, float gain, float shift) {
  const int at = 4 * (blockIdx.x * THREADS + threadIdx.x);
  constexpr float columns = 4 * THREADS;
  float4 v = AS_CONST_FLOAT4(x[at]);
  const float mean = threads_sum<THREADS>(v.x + v.y + v.z + v.w) / columns;
  v.x -= mean, v.y -= mean, v.z -= mean, v.w -= mean;
  const float squares = v.x * v.x + v.y * v.y + v.z * v.z + v.w * v.w;
  const float k = gain * rsqrtf(threads_sum<THREADS>(squares) / columns + 1e-5f);
  float4 result;
  result.x = v.x * k + shift;
  result.y = v.y * k + shift;
  result.z = v.z * k + shift;
  result.w = v.w * k + shift;
  AS_FLOAT4(y[at]) = result;
}

// RMS norm of halves: eight are moved as 128 bits to and from a local array, and summed in float.
template <int THREADS>
__global__ void rms_norm_h8(half *x, half *y, float gain, int columns) {
  const int c = threadIdx.x * 8, at = blockIdx.x * columns + c;
  half in[8], out[8];
  float squares = 0.0f;
  if (c < columns) {
    AS_FLOAT4(in[0]) = AS_FLOAT4(x[at]);
#pragma unroll
    for (half h : in) {
      const float f = __half2float(h);
      squares += f * f;
    }
  }
  const float k = rsqrtf(threads_sum<THREADS>(squares) / columns + 1e-5f) * gain;
  if (c >= columns)
    return;
#pragma unroll
  for (int i = 0; i < 8; ++i)
    out[i] = __float2half(__half2float(in[i]) * k);
  AS_FLOAT4(y[at]) = AS_FLOAT4(out[0]);
}

// Statistics in float, the rest in half2 arithmetic; a warp a row of 2 * pairs halves.
extern "C" __global__ void layer_norm_half2(const half2 *__restrict__ x, half2 *__restrict__ y,
                                            const half2 *__restrict__ gamma, const half2 *__restrict__ beta,
                                            int pairs) {
  const half2 *row = x + blockIdx.x * pairs;
  float2 sum = make_float2(0.f, 0.f);
  for (int i = threadIdx.x; i < pairs; i += 32) {
    float2 v = __half22float2(row[i]);
    sum.x += v.x + v.y;
    sum.y += v.x * v.x + v.y * v.y;
  }
  sum.x = lanes_sum(sum.x);
  sum.y = lanes_sum(sum.y);
  float mean = sum.x / (2 * pairs);
  float rstd = rsqrtf(sum.y / (2 * pairs) - mean * mean + 1e-5f);
  half2 mean2 = __float2half2_rn(mean);
  half2 rstd2 = __half2half2(__float2half(rstd));
  for (int i = threadIdx.x; i < pairs; i += 32) {
    half2 hat = __hmul2(__hsub2(row[i], mean2), rstd2);
    y[blockIdx.x * pairs + i] = __hfma2(hat, gamma[i], beta[i]);
  }
}
