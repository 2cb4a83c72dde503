// y = W x with W in 4-bit groups; and 4-bit NormalFloat by a table in constant memory.
#include <cuda_fp16.h>

#ifndef GROUP_SIZE
#define GROUP_SIZE 64
#endif
#define PACK_FACTOR 8

// qweight: (OC, IC / 8) words of eight nibbles; scales, zeros: (OC, IC / GROUP_SIZE). A warp a row.
extern "C" __global__ void gemv_int4(const half* __restrict__ x, const unsigned int* __restrict__ qweight,
                                     const half* __restrict__ scales, const unsigned char* __restrict__ zeros,
                                     half* __restrict__ y, int IC, int OC) {
    const int oc = blockIdx.x * blockDim.y + threadIdx.y;
    if (oc >= OC) return;
    const int groups = IC / GROUP_SIZE;
    float psum = 0;
    for (int packed = threadIdx.x; packed < IC / PACK_FACTOR; packed += 32) {
        const int g = packed * PACK_FACTOR / GROUP_SIZE;
        const float scaling = __half2float(scales[oc * groups + g]);
        const float zero = (float)zeros[oc * groups + g];
        // eight activations as 128 bits
        const float4 raw = *((const float4*)(x + packed * PACK_FACTOR));
        const half* xs = reinterpret_cast<const half*>(&raw);
        unsigned int word = qweight[oc * (IC / PACK_FACTOR) + packed];
#pragma unroll
        for (int k = 0; k < PACK_FACTOR; k++) {
            const float w = scaling * ((float)(word & 0xF) - zero);
            psum += w * __half2float(xs[k]);
            word = word >> 4;
        }
    }
    for (int i = 16; i >= 1; i /= 2) psum += __shfl_down_sync(0xffffffff, psum, i);
    if (threadIdx.x == 0) y[oc] = __float2half(psum);
}

__constant__ float nf4_table[16] = {
    -1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f,
    -0.28444138169288635f, -0.18477343022823334f, -0.09105003625154495f, 0.0f,
    0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f,
    0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f};

// binary search of the nearest code, as a tree of comparisons in a loop
__device__ unsigned char nearest_nf4(float x) {
    int lo = 0, hi = 15;
    while (hi - lo > 1) {
        const int mid = (lo + hi) >> 1;
        if (nf4_table[mid] <= x) lo = mid; else hi = mid;
    }
    return x - nf4_table[lo] > nf4_table[hi] - x ? hi : lo;
}

// a thread makes a byte of two codes; the high nibble comes first
extern "C" __global__ void quantize_nf4(const float* x, unsigned char* out, float* absmax, int n, int blocksize) {
    extern __shared__ float mags[];
    const int base = blockIdx.x * blocksize;
    float m = 0.f;
    for (int i = threadIdx.x; i < blocksize && base + i < n; i += blockDim.x) m = fmaxf(m, fabsf(x[base + i]));
    mags[threadIdx.x] = m;
    for (int s = blockDim.x / 2; s; s >>= 1) {
        __syncthreads();
        if (threadIdx.x < s) mags[threadIdx.x] = fmaxf(mags[threadIdx.x], mags[threadIdx.x + s]);
    }
    __syncthreads();
    m = mags[0];
    if (threadIdx.x == 0) absmax[blockIdx.x] = m;
    const float inv = m > 0.f ? 1.f / m : 0.f;
    for (int i = threadIdx.x * 2; i < blocksize; i += blockDim.x * 2) {
        if (base + i >= n) break;
        unsigned char code = nearest_nf4(x[base + i] * inv) << 4;
        if (base + i + 1 < n) code |= nearest_nf4(x[base + i + 1] * inv);
        out[(base + i) / 2] = code;
    }
}

extern "C" __global__ void dequantize_nf4(const unsigned char* __restrict__ in, const float* __restrict__ absmax,
                                          float* __restrict__ out, int n, int blocksize) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (2 * i >= n) return;
    float scale = __ldg(&absmax[2 * i / blocksize]);
    out[2 * i] = nf4_table[in[i] >> 4] * scale;
    if (2 * i + 1 < n) out[2 * i + 1] = nf4_table[in[i] & 0x0F] * scale;
}
