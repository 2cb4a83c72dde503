// Greedy and random choice of tokens, top-k, and what beam search moves about.
#include <float.h>

struct ValueIndex {
    float value;
    int index;
};

// the larger value, or the smaller index of equal ones
__device__ __forceinline__ ValueIndex better(const ValueIndex& a, const ValueIndex& b) {
    if (a.value != b.value) return a.value > b.value ? a : b;
    return a.index < b.index ? a : b;
}

__device__ ValueIndex warp_best(ValueIndex v) {
#pragma unroll
    for (int o = 16; o > 0; o >>= 1) {
        ValueIndex other;
        other.value = __shfl_xor_sync(0xffffffff, v.value, o);
        other.index = __shfl_xor_sync(0xffffffff, v.index, o);
        v = better(v, other);
    }
    return v;
}

__device__ ValueIndex block_best(ValueIndex v, ValueIndex* shared) {
    v = warp_best(v);
    const unsigned warp = threadIdx.x >> 5, lane = threadIdx.x & 31u;
    if (lane == 0) shared[warp] = v;
    __syncthreads();
    if (warp == 0) {
        v = lane < (blockDim.x >> 5) ? shared[lane] : ValueIndex{-FLT_MAX, 0x7fffffff};
        v = warp_best(v);
        if (lane == 0) shared[0] = v;
    }
    __syncthreads();
    v = shared[0];
    __syncthreads();
    return v;
}

extern "C" __global__ void argmax_rows(const float* x, long long* out, int cols) {
    __shared__ ValueIndex shared[32];
    const float* row = x + (size_t)blockIdx.x * cols;
    ValueIndex best = {-FLT_MAX, 0x7fffffff};
    for (int c = threadIdx.x; c < cols; c += blockDim.x) best = better(best, ValueIndex{row[c], c});
    best = block_best(best, shared);
    if (threadIdx.x == 0) out[blockIdx.x] = best.index;
}

// K rounds: find the best, remember it, take it out of the running
template <int K>
__global__ void topk_rows(float* scratch, float* values, int* indices, int cols) {
    __shared__ ValueIndex shared[32];
    float* row = scratch + (size_t)blockIdx.x * cols;
    for (int k = 0; k < K; ++k) {
        ValueIndex best = {-FLT_MAX, 0x7fffffff};
        for (int c = threadIdx.x; c < cols; c += blockDim.x) best = better(best, {row[c], c});
        best = block_best(best, shared);
        if (threadIdx.x == 0) {
            values[blockIdx.x * K + k] = best.value;
            indices[blockIdx.x * K + k] = best.index;
            row[best.index] = -FLT_MAX;
        }
        __syncthreads();
    }
}

// the first index at which the cumulated probability exceeds the coin, one thread a row
extern "C" __global__ void sample_mult(const float* probabilities, const float* coins, int* out, int rows, int n) {
    int r = blockIdx.x * blockDim.x + threadIdx.x;
    if (r >= rows) return;
    const float* p = probabilities + r * n;
    float cdf = 0.0f;
    for (int i = 0; i < n; i++) {
        cdf += p[i];
        if (coins[r] < cdf) {
            out[r] = i;
            return;
        }
    }
    out[r] = n - 1; // in case of rounding errors
}

// Gumbel's trick: argmax of logits / temperature + noise made from a hash
__device__ unsigned int pcg_hash(unsigned int input) {
    unsigned int state = input * 747796405u + 2891336453u;
    unsigned int word = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
    return (word >> 22u) ^ word;
}

extern "C" __global__ void gumbel_sample(const float* __restrict__ logits, int* __restrict__ out, float* __restrict__ score,
                                         int cols, float temperature, unsigned int seed) {
    __shared__ ValueIndex shared[32];
    const int row = blockIdx.x;
    ValueIndex best{-FLT_MAX, 0x7fffffff};
    for (int c = threadIdx.x; c < cols; c += blockDim.x) {
        const float u = ((pcg_hash(seed ^ (row * cols + c)) >> 9) + 0.5f) * (1.0f / 8388608.0f);
        const float noisy = logits[row * cols + c] / temperature - logf(-logf(u));
        best = better(best, {noisy, c});
    }
    best = block_best(best, shared);
    if (threadIdx.x == 0) {
        out[row] = best.index;
        score[row] = best.value;
    }
}

// logits of tokens already in the text are made less likely; a token counts once however often it is there
extern "C" __global__ void repetition_penalty(float* logits, const int* tokens, const int* lengths, float penalty,
                                              int vocab, int max_len) {
    extern __shared__ unsigned int seen[];  // one bit a token of the vocabulary
    const int row = blockIdx.x;
    for (int w = threadIdx.x; w < (vocab + 31) / 32; w += blockDim.x) seen[w] = 0u;
    __syncthreads();
    for (int i = threadIdx.x; i < lengths[row]; i += blockDim.x) {
        const int token = tokens[row * max_len + i];
        atomicOr(&seen[token >> 5], 1u << (token & 31));
    }
    __syncthreads();
    for (int v = threadIdx.x; v < vocab; v += blockDim.x) {
        if ((seen[v / 32] >> (v % 32)) & 1u) {
            float& l = logits[row * vocab + v];
            l = l < 0.f ? l * penalty : l / penalty;
        }
    }
}

// Experts of each token: softmax over the gates, the two best, their weights made to sum to one
template <int EXPERTS>
__global__ void moe_gating_top2(const float* gates, int* expert_ids, float* weights, int* expert_counts, int tokens) {
    const int token = blockIdx.x * blockDim.y + threadIdx.y;
    static_assert(EXPERTS <= 32, "one lane an expert");
    if (token >= tokens) return;
    const int lane = threadIdx.x;
    float g = lane < EXPERTS ? gates[token * EXPERTS + lane] : -FLT_MAX;
    const ValueIndex first = warp_best({g, lane});
    const float masked = lane == first.index ? -FLT_MAX : g;
    const ValueIndex second = warp_best({masked, lane});
    if (lane < 2) {
        const float e = expf(second.value - first.value);
        const int id = lane == 0 ? first.index : second.index;
        expert_ids[2 * token + lane] = id;
        weights[2 * token + lane] = lane == 0 ? 1.f / (1.f + e) : e / (1.f + e);
        atomicAdd(expert_counts + id, 1);
    }
}

// Beams move: each takes the cache of its parent up to the present length
extern "C" __global__ void beam_gather(const int4* __restrict__ cache_in, int4* __restrict__ cache_out,
                                       const int* __restrict__ parents, int beams, int length, int max_len, int width) {
    const int b = blockIdx.y / beams, beam = blockIdx.y % beams;
    const int parent = parents[blockIdx.y];
    const long long src = (long long)(b * beams + parent) * max_len * width;
    const long long dst = (long long)(b * beams + beam) * max_len * width;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < length * width; i += gridDim.x * blockDim.x)
        cache_out[dst + i] = cache_in[src + i];
}
