// Groups of 32 weights as structs in memory: a half scale and 8-bit or 4-bit numbers.
#include <cuda_fp16.h>
#include <stdint.h>

#define GROUP 32

typedef struct {
    half   scale;
    int8_t q[GROUP];
} group8;
static_assert(sizeof(group8) == 34, "group8 must not be padded");

typedef struct {
    half    scale;
    uint8_t q[GROUP / 2]; // value j in the low nibble of byte j, value j + 16 in the high one
} group4;
static_assert(sizeof(group4) == 18, "group4 must not be padded");

// one warp a group
extern "C" __global__ void quantise_group8(const float* __restrict__ x, void* __restrict__ out, const int n) {
    const int i = blockDim.x * blockIdx.x + threadIdx.x;
    if (i >= n) {
        return;
    }
    group8* groups = (group8*)out;
    const float v = x[i];
    float largest = fabsf(v);
#pragma unroll
    for (int m = 16; m > 0; m >>= 1) {
        largest = fmaxf(largest, __shfl_xor_sync(0xffffffff, largest, m, 32));
    }
    const float scale = largest / 127;
    groups[i / GROUP].q[i % GROUP] = largest == 0.0f ? 0 : roundf(v / scale);
    if (i % GROUP == 0) groups[i / GROUP].scale = __float2half(scale);
}

// Each unpacks two values of group `g`: where they go follows from the format.
struct Unpack8 {
    static constexpr int apart = 1;
    static __device__ void two(const void* data, int64_t g, int j, float2& v) {
        const group8* groups = (const group8*)data;
        const float d = groups[g].scale;
        v.x = groups[g].q[2 * j + 0];
        v.y = groups[g].q[2 * j + 1];
        v.x *= d;
        v.y *= d;
    }
};

struct Unpack4 {
    static constexpr int apart = GROUP / 2;
    static __device__ void two(const void* data, int64_t g, int j, float2& v) {
        const group4& group = static_cast<const group4*>(data)[g];
        const int both = group.q[j];
        const float d = __half2float(group.scale);
        v = make_float2(((both & 0xF) - 8.0f) * d, ((both >> 4) - 8.0f) * d);
    }
};

template <typename Format>
static __global__ void dequantise_groups(const void* __restrict__ data, float* __restrict__ y, const int64_t n) {
    const int64_t pair = (int64_t)blockDim.x * blockIdx.x + threadIdx.x;
    if (2 * pair >= n) return;
    const int64_t g = pair / (GROUP / 2);
    const int j = pair % (GROUP / 2);
    float2 v;
    Format::two(data, g, j, v);
    const int64_t first = g * GROUP + (Format::apart == 1 ? 2 * j : j);
    y[first] = v.x;
    y[first + Format::apart] = v.y;
}

typedef float (*unary_fn)(float);
__device__ float plain(float v) { return v; }
__device__ float halved(float v) { return 0.5f * v; }

// y = f(W x): rows of group8, an array of structs walked by a warp a row
template <unary_fn f>
__global__ void gemv_group8(const group8* __restrict__ w, const float* __restrict__ x, float* __restrict__ y, int groups_a_row) {
    const group8* row = w + (int64_t)blockIdx.x * groups_a_row;
    float sum = 0.f;
    for (int g = 0; g < groups_a_row; ++g) {
        const group8* group = row + g;
        sum += __half2float(group->scale) * group->q[threadIdx.x] * x[g * GROUP + threadIdx.x];
    }
    for (int m = 16; m > 0; m >>= 1) sum += __shfl_xor_sync(0xffffffff, sum, m, 32);
    if (threadIdx.x == 0) y[blockIdx.x] = f(sum);
}
