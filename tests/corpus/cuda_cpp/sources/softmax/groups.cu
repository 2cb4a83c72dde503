// Cooperative groups: a tile of a warp reads its row backwards the second time, while it is in cache.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>

namespace cg = cooperative_groups;

struct __align__(8) SumMax {
    float maxval;
    float sum;
};

__device__ __forceinline__ SumMax combine(SumMax a, SumMax b) {
    bool a_bigger = (a.maxval > b.maxval);
    SumMax bigger = a_bigger ? a : b;
    SumMax smaller = a_bigger ? b : a;
    SumMax res;
    res.maxval = bigger.maxval;
    res.sum = bigger.sum + smaller.sum * expf(smaller.maxval - bigger.maxval);
    return res;
}

extern "C" __global__ void softmax_online_tile(float* out, const float* inp, int N, int C) {
    cg::thread_block block = cg::this_thread_block();
    cg::thread_block_tile<32> warp = cg::tiled_partition<32>(block);
    int idx = blockIdx.x * warp.meta_group_size() + warp.meta_group_rank();
    if (idx >= N) {
        return;
    }
    const float* x = inp + idx * C;

    SumMax sm_partial;
    sm_partial.maxval = -INFINITY;
    sm_partial.sum = 0.0f;
    for (int i = warp.thread_rank(); i < C; i += warp.size()) {
        sm_partial = combine(sm_partial, {x[i], 1.0f});
    }
    for (int offset = warp.size() / 2; offset > 0; offset /= 2) {
        SumMax other;
        other.maxval = warp.shfl_xor(sm_partial.maxval, offset);
        other.sum = warp.shfl_xor(sm_partial.sum, offset);
        if (other.maxval > -INFINITY) sm_partial = combine(sm_partial, other);
    }
    for (int i = warp.thread_rank(); i < C; i += warp.size()) {
        __stcs(out + idx * C + i, expf(__ldcs(&x[i]) - sm_partial.maxval) / sm_partial.sum);
    }
}

// The same with the library's reduction, and the scores divided by a temperature.
extern "C" __global__ void softmax_temperature(const float* __restrict__ logits, float* __restrict__ probs,
                                               int n_vocab, float temperature) {
    auto block = cg::this_thread_block();
    auto tile = cg::tiled_partition<32>(block);
    __shared__ float shared_val;
    const float* row = logits + blockIdx.x * n_vocab;
    float inv_t = 1.0f / temperature;

    float local_max = -1e30f;
    for (int i = tile.thread_rank(); i < n_vocab; i += 32) local_max = fmaxf(local_max, row[i] * inv_t);
    local_max = cg::reduce(tile, local_max, cg::greater<float>());
    float local_sum = 0.f;
    for (int i = tile.thread_rank(); i < n_vocab; i += 32) local_sum += expf(row[i] * inv_t - local_max);
    local_sum = cg::reduce(tile, local_sum, cg::plus<float>());
    // every warp has the same numbers; the first one publishes the sum
    if (block.thread_rank() == 0) shared_val = local_sum;
    block.sync();
    for (int i = block.thread_rank(); i < n_vocab; i += block.size())
        probs[blockIdx.x * n_vocab + i] = expf(row[i] * inv_t - local_max) / shared_val;
}
