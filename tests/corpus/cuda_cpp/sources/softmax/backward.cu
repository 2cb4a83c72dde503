// Gradients of softmax and log-softmax, a block a row.
#ifndef WARP_SIZE
#define WARP_SIZE 32
#endif
#define WARPS(threads) (((threads) + WARP_SIZE - 1) / WARP_SIZE)

typedef unsigned int u32;

static __device__ float sum_over_warp(float x) {
#pragma unroll
    for (u32 m = WARP_SIZE / 2; m > 0; m >>= 1) x += __shfl_xor_sync(0xffffffff, x, m, WARP_SIZE);
    return x;
}

// Sum over the block; the scratch memory holds one float a warp.
static __device__ float sum_over_block(float x, float* scratch) {
    const u32 warp = threadIdx.x / WARP_SIZE, lane = threadIdx.x % WARP_SIZE;
    x = sum_over_warp(x);
    if (lane == 0) scratch[warp] = x;
    __syncthreads();
    x = lane < WARPS(blockDim.x) ? scratch[lane] : 0.f;
    return sum_over_warp(x);
}

// dx = scale * y * (dy - sum(dy * y))
extern "C" __global__ void softmax_backward(const float* dy, const float* y, float* dx, const int cols, const float scale) {
    extern __shared__ float per_warp[];
    const int64_t skip = int64_t(blockIdx.x) * cols;
    dy += skip;
    y += skip;
    dx += skip;

    float dot = 0.0f;
    for (int c = threadIdx.x; c < cols; c += blockDim.x) dot += y[c] * dy[c];
    dot = sum_over_block(dot, per_warp);
    for (int c = threadIdx.x; c < cols; c += blockDim.x) dx[c] = (dy[c] - dot) * y[c] * scale;
}

// dx = dy - exp(y) * sum(dy), y the logarithms
extern "C" __global__ void log_softmax_backward(const double* dy, const double* y, double* dx, const int cols) {
    extern __shared__ double partial[];
    const size_t base = size_t(blockIdx.x) * cols;
    double sum = 0;
    for (int c = threadIdx.x; c < cols; c += blockDim.x) sum += dy[base + c];
    partial[threadIdx.x] = sum;
    __syncthreads();
    for (int half = blockDim.x >> 1; half; half >>= 1) {
        if (threadIdx.x < half) partial[threadIdx.x] += partial[threadIdx.x + half];
        __syncthreads();
    }
    for (int c = threadIdx.x; c < cols; c += blockDim.x) dx[base + c] = dy[base + c] - exp(y[base + c]) * partial[0];
}
