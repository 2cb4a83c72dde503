// Eight-bit integers: per row, per tensor, per group, and back.

typedef signed char int8;
typedef unsigned char uint8;

// round half to even, saturate
__device__ __forceinline__ int8 to_int8(float x) {
    return (int8)max(-128, min(127, __float2int_rn(x)));
}

// a block a row: scale = absmax / 127
template <int BLOCK_SIZE>
__global__ __launch_bounds__(BLOCK_SIZE) void quantize_rows(const float* __restrict__ x, int8* __restrict__ q,
                                                            float* __restrict__ scales, const int hidden) {
    const float* row = x + blockIdx.x * (long)hidden;
    float absmax = 0.0f;
    for (int i = threadIdx.x; i < hidden; i += BLOCK_SIZE) absmax = fmaxf(absmax, fabsf(row[i]));

    __shared__ float cache[BLOCK_SIZE];
    cache[threadIdx.x] = absmax;
    __syncthreads();
    int i = BLOCK_SIZE / 2;
    while (i != 0) {
        if (threadIdx.x < i) cache[threadIdx.x] = fmaxf(cache[threadIdx.x], cache[threadIdx.x + i]);
        __syncthreads();
        i /= 2;
    }
    absmax = cache[0];
    if (threadIdx.x == 0) scales[blockIdx.x] = absmax / 127.0f;
    const float inv = absmax == 0.0f ? 0.0f : 127.0f / absmax;
    for (int k = threadIdx.x; k < hidden; k += BLOCK_SIZE) q[blockIdx.x * (long)hidden + k] = to_int8(row[k] * inv);
}

// the largest magnitude of a tensor: non-negative floats order as their bits do
extern "C" __global__ void absmax_tensor(const float* x, float* result, int n) {
    float m = 0.f;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) m = max(m, abs(x[i]));
    for (int s = 1; s < 32; s <<= 1) m = max(m, __shfl_xor_sync(-1, m, s));
    if (threadIdx.x % 32 == 0) atomicMax((int*)result, __float_as_int(m));
}

// affine: q = clamp(round(x / scale) + zero), per channel along the last axis but one
extern "C" __global__ void quantize_per_channel(const float* x, uint8* q, const float* scale, const int* zero,
                                                int channels, int inner, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        int c = (i / inner) % channels;
        float v = rintf(x[i] / scale[c]) + zero[c];
        q[i] = (uint8)fminf(fmaxf(v, 0.f), 255.f);
    }
}

extern "C" __global__ void dequantize_per_channel(const uint8* q, float* x, const float* scale, const int* zero,
                                                  int channels, int inner, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    int c = i / inner % channels;
    x[i] = (q[i] - zero[c]) * scale[c];
}

// Straight-through: values rounded as if quantised; the mask says which were in range.
extern "C" __global__ void fake_quantise(const float* x, float* y, bool* in_range, float scale, int zero,
                                         int low, int high, int n) {
    const float inverse = 1.0f / scale;
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        const int q = static_cast<int>(nearbyintf(x[i] * inverse) + zero);
        y[i] = (fminf(high, fmaxf(low, q)) - zero) * scale;
        in_range[i] = ((low <= q) && (q <= high));
    }
}

// four at a time: a char4 out for a float4 in
extern "C" __global__ void quantize_x4(const float4* __restrict__ in, char4* __restrict__ out, float inv_scale, int n4) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n4) {
        float4 v = __ldg(in + i);
        char4 r;
        r.x = to_int8(v.x * inv_scale);
        r.y = to_int8(v.y * inv_scale);
        r.z = to_int8(v.z * inv_scale);
        r.w = to_int8(v.w * inv_scale);
        out[i] = r;
    }
}
