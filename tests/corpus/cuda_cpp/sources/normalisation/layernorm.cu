// Layer normalisation of (rows, width) activations, forwards and backwards.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
namespace cg = cooperative_groups;

#define LN_EPS 1e-5f

// a thread a row
extern "C" __global__ void layernorm_naive(const float* x, const float* gain, const float* shift,
                                           float* y, float* mu, float* inv_sigma, int rows, int width) {
    int row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row < rows) {
        const float* in = x + row * width;
        float* out = y + row * width;

        float mean = 0.0f;
        for (int i = 0; i < width; i++) mean += in[i];
        mean /= width;

        float var = 0.0f;
        for (int i = 0; i < width; i++) {
            float d = in[i] - mean;
            var += d * d;
        }
        var = var / width; // the biased estimate

        float r = 1.0f / sqrtf(var + LN_EPS);
        for (int i = 0; i < width; i++) {
            out[i] = (in[i] - mean) * r * gain[i] + shift[i];
        }

        // for the backward pass
        mu[row] = mean;
        inv_sigma[row] = r;
    }
}

// a warp a row; statistics are kept only if somebody wants them
extern "C" __global__ void layernorm_tile(const float* __restrict__ x, const float* __restrict__ gain,
                                          const float* __restrict__ shift, float* __restrict__ y,
                                          float* __restrict__ mu, float* __restrict__ inv_sigma, int rows, int width) {
    auto block = cg::this_thread_block();
    auto tile = cg::tiled_partition<32>(block);
    const int row = blockIdx.x * tile.meta_group_size() + tile.meta_group_rank();
    if (row >= rows) return;
    const int lane = tile.thread_rank();
    x += (ptrdiff_t)row * width;
    y += (ptrdiff_t)row * width;

    float acc = 0.0f;
    for (int i = lane; i < width; i += tile.num_threads()) acc += x[i];
    const float mean = cg::reduce(tile, acc, cg::plus<float>{}) / width;

    acc = 0.0f;
    for (int i = lane; i < width; i += tile.num_threads()) {
        const float d = x[i] - mean;
        acc = fmaf(d, d, acc);
    }
    const float r = rsqrtf(cg::reduce(tile, acc, cg::plus<float>{}) / width + LN_EPS);

    if (lane == 0) {
        if (mu != nullptr) __stcs(mu + row, mean);
        if (inv_sigma != nullptr) __stcs(inv_sigma + row, r);
    }
    for (int i = lane; i < width; i += tile.num_threads()) {
        __stcs(y + i, r * (__ldcs(x + i) - mean) * gain[i] + shift[i]);
    }
}

// A warp a row. What weight and bias get is gathered per block in shared memory, then by global atomics.
extern "C" __global__ void layernorm_backward(const float* dy, const float* x, const float* gain,
                                              const float* mu, const float* inv_sigma,
                                              float* dx, float* dgain, float* dshift, int rows, int width) {
    extern __shared__ float sums[]; // 2 * width: of the bias, then of the weight
    float* const bias_sums = sums;
    float* const gain_sums = sums + width;

    cg::thread_block block = cg::this_thread_block();
    cg::thread_block_tile<32> warp = cg::tiled_partition<32>(block);

#pragma unroll 4
    for (int i = block.thread_rank(); i < 2 * width; i += block.size()) sums[i] = 0.0f;
    block.sync();

    int row = blockIdx.x * warp.meta_group_size() + warp.meta_group_rank();
    if (row < rows) {
        const float* g = dy + row * width;
        const float* in = x + row * width;
        const float mean = mu[row], r = inv_sigma[row];

        // the means of dnorm and of dnorm * norm
        float a = 0.0f, b = 0.0f;
        for (int i = warp.thread_rank(); i < width; i += warp.size()) {
            float dnorm = gain[i] * g[i];
            a += dnorm;
            b += dnorm * (in[i] - mean) * r;
        }
        a = cg::reduce(warp, a, cg::plus<float>()) / width;
        b = cg::reduce(warp, b, cg::plus<float>()) / width;

        for (int i = warp.thread_rank(); i < width; i += warp.size()) {
            float norm = (in[i] - mean) * r;
            atomicAdd(bias_sums + i, g[i]);
            atomicAdd(gain_sums + i, norm * g[i]);
            dx[row * width + i] += (gain[i] * g[i] - a - norm * b) * r;
        }
    }
    block.sync();

    for (int i = block.thread_rank(); i < width; i += block.size()) {
        atomicAdd(&dshift[i], bias_sums[i]);
        atomicAdd(&dgain[i], gain_sums[i]);
    }
}
