// Attention in tiles that never form the whole score matrix, and one query against a paged cache.
#include <cuda_fp16.h>

// Keys and values in the outer loop, queries in the inner one: statistics and output live in memory and
// are corrected tile by tile. A block a head, a thread a query of a tile; sizes are multiples of the tile.
extern "C" __global__ void flash_v1(const float* q, const float* k, const float* v, float* out,
                                    float* row_sum, float* row_max, int tokens, int width, float scale)
{
    const int tile = blockDim.x, me = threadIdx.x;
    const int head = blockIdx.y + gridDim.y * blockIdx.x;
    q += head * tokens * width;
    k += head * tokens * width;
    v += head * tokens * width;
    out += head * tokens * width;
    row_sum += head * tokens;
    row_max += head * tokens;

    extern __shared__ float arena[];
    float *k_tile = arena, *v_tile = k_tile + tile * width, *q_tile = v_tile + tile * width;
    float *scores = q_tile + tile * width + me * tile; // this thread's line

    for (int j = 0; j < tokens; j += tile) {
        for (int d = 0; d < width; ++d) {
            k_tile[me * width + d] = k[(j + me) * width + d];
            v_tile[me * width + d] = v[(j + me) * width + d];
        }
        __syncthreads();
        for (int i = 0; i < tokens; i += tile) {
            const int row = i + me;
            for (int d = 0; d < width; ++d) q_tile[me * width + d] = q[row * width + d];

            float tile_max = -INFINITY;
            for (int c = 0; c < tile; ++c) {
                float dot = 0;
                for (int d = 0; d < width; ++d) dot += q_tile[me * width + d] * k_tile[c * width + d];
                scores[c] = dot * scale;
                tile_max = max(tile_max, scores[c]);
            }
            float tile_sum = 0;
            for (int c = 0; c < tile; ++c) tile_sum += (scores[c] = __expf(scores[c] - tile_max));

            const float old_max = row_max[row], old_sum = row_sum[row];
            const float new_max = max(old_max, tile_max);
            const float keep = __expf(old_max - new_max) * old_sum, add = __expf(tile_max - new_max);
            const float new_sum = keep + add * tile_sum;
            for (int d = 0; d < width; ++d) {
                float pv = 0;
                for (int c = 0; c < tile; ++c) pv += scores[c] * v_tile[c * width + d];
                float* o = &out[row * width + d];
                *o = (keep * *o + add * pv) / new_sum;
            }
            row_max[row] = new_max;
            row_sum[row] = new_sum;
        }
        __syncthreads(); // the tiles of k and v are about to be replaced
    }
}

struct AttentionShape {
    int seq_q, seq_k, heads, kv_heads;
    float scale;
};

// Grouped-query attention; a block has BR queries of one head, a thread one query, tiles of BC keys.
template <int BR, int BC, int D, bool CAUSAL>
__global__ void __launch_bounds__(BR)
flash_attention(const float* __restrict__ q_all, const float* __restrict__ k_all, const float* __restrict__ v_all,
                float* __restrict__ out, float* __restrict__ lse, const AttentionShape p) {
    __shared__ float k_tile[BC][D];
    __shared__ float v_tile[BC][D + 1];

    const int head = blockIdx.y, kv_head = head / (p.heads / p.kv_heads);
    const int row = blockIdx.x * BR + threadIdx.x;
    const bool active = row < p.seq_q;
    const int diagonal = row + p.seq_k - p.seq_q;  // the last key this query may see
    const float* k = k_all + kv_head * p.seq_k * D;
    const float* v = v_all + kv_head * p.seq_k * D;

    float q[D], acc[D];
#pragma unroll
    for (int i = 0; i < D; ++i) {
        q[i] = active ? q_all[(head * p.seq_q + row) * D + i] * p.scale : 0.f;
        acc[i] = 0.f;
    }
    float row_max = -INFINITY, row_sum = 0.f;

    int last_key = p.seq_k;
    if constexpr (CAUSAL) {
        int block_diagonal = (blockIdx.x + 1) * BR + p.seq_k - p.seq_q;
        last_key = min(last_key, block_diagonal);
    }
    for (int start = 0; start < last_key; start += BC) {
        __syncthreads();
        for (int i = threadIdx.x; i < BC * D; i += BR) {
            const int r = i / D, c = i % D;
            const bool inside = start + r < p.seq_k;
            k_tile[r][c] = inside ? k[(start + r) * D + c] : 0.f;
            v_tile[r][c] = inside ? v[(start + r) * D + c] : 0.f;
        }
        __syncthreads();

        float s[BC];
        float tile_max = row_max;
#pragma unroll
        for (int j = 0; j < BC; ++j) {
            float dot = 0.f;
#pragma unroll
            for (int i = 0; i < D; ++i) dot += q[i] * k_tile[j][i];
            const int key = start + j;
            const bool visible = key < p.seq_k && (!CAUSAL || key <= diagonal);
            s[j] = visible ? dot : -INFINITY;
            tile_max = fmaxf(tile_max, s[j]);
        }
        if (tile_max == -INFINITY) continue;
        const float correction = expf(row_max - tile_max);
        row_sum *= correction;
#pragma unroll
        for (int i = 0; i < D; ++i) acc[i] *= correction;
#pragma unroll
        for (int j = 0; j < BC; ++j) {
            const float w = expf(s[j] - tile_max);
            row_sum += w;
#pragma unroll
            for (int i = 0; i < D; ++i) acc[i] = fmaf(w, v_tile[j][i], acc[i]);
        }
        row_max = tile_max;
    }
    if (!active) return;
#pragma unroll
    for (int i = 0; i < D; ++i) out[(head * p.seq_q + row) * D + i] = acc[i] / row_sum;
    lse[head * p.seq_q + row] = row_max + logf(row_sum);
}

// Multi-head, keys and values staged as float4 in dynamic shared memory, the running maximum per key.
template <int BR, int BC, int D, bool CAUSAL>
__global__ void flash_attention_staged(const float* q, const float* k, const float* v, float* out, int seq, float scale) {
    extern __shared__ float4 tiles[];
    float* ks = reinterpret_cast<float*>(tiles);
    float* vs = ks + BC * D;
    const int row = blockIdx.x * BR + threadIdx.x, base = blockIdx.y * seq * D;
    float acc[D] = {};
    float m = -3.0e38f, l = 0;
    for (int start = 0; start < seq; start += BC) {
        for (int i = threadIdx.x; i < BC * D / 4; i += BR) {
            bool inside = start + i / (D / 4) < seq;
            float4 zero = {0, 0, 0, 0};
            tiles[i] = inside ? reinterpret_cast<const float4*>(k + base + start * D)[i] : zero;
            tiles[i + BC * D / 4] = inside ? ((const float4*)(v + base + start * D))[i] : zero;
        }
        __syncthreads();
        if (row < seq) {
            for (int j = 0; j < BC && start + j < seq; ++j) {
                if (CAUSAL && start + j > row) break;
                float s = 0;
                for (int i = 0; i < D; ++i) s += q[base + row * D + i] * ks[j * D + i];
                s *= scale;
                float m_new = max(m, s);
                float a = __expf(m - m_new), b = __expf(s - m_new);
                l = l * a + b;
                for (int i = 0; i < D; ++i) acc[i] = acc[i] * a + b * vs[j * D + i];
                m = m_new;
            }
        }
        __syncthreads();
    }
    if (row < seq)
        for (int i = 0; i < D; ++i) out[base + row * D + i] = acc[i] / l;
}

// One new token a sequence; the cache lies in blocks of BLOCK tokens that a table names.
template <typename scalar_t, int HEAD, int BLOCK>
__global__ void paged_attention(scalar_t* __restrict__ out, const scalar_t* __restrict__ q,
                                const scalar_t* __restrict__ k_cache, const scalar_t* __restrict__ v_cache,
                                const int* __restrict__ block_tables, const int* __restrict__ context_lens,
                                float scale, int max_blocks, int heads) {
    extern __shared__ float logits[];
    __shared__ float red[2][32];
    const int head = blockIdx.x, seq = blockIdx.y;
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, warps = blockDim.x / 32;
    const int context = context_lens[seq];
    const int* table = block_tables + seq * max_blocks;
    const scalar_t* query = q + (seq * heads + head) * HEAD;

    // a warp a token
    float best = -INFINITY;
    for (int t = warp; t < context; t += warps) {
        const scalar_t* key = k_cache + ((table[t / BLOCK] * BLOCK + t % BLOCK) * heads + head) * HEAD;
        float dot = 0.f;
        for (int i = lane; i < HEAD; i += 32) dot += float(query[i]) * float(key[i]);
        for (int o = 16; o; o /= 2) dot += __shfl_xor_sync(0xffffffff, dot, o);
        dot *= scale;
        if (lane == 0) logits[t] = dot;
        best = fmaxf(best, dot);
    }
    if (lane == 0) red[0][warp] = best;
    __syncthreads();
    best = red[0][0];
    for (int w = 1; w < warps; ++w) best = fmaxf(best, red[0][w]);

    float sum = 0.f;
    for (int t = threadIdx.x; t < context; t += blockDim.x) {
        logits[t] = __expf(logits[t] - best);
        sum += logits[t];
    }
    for (int o = 16; o; o /= 2) sum += __shfl_xor_sync(0xffffffff, sum, o);
    if (lane == 0) red[1][warp] = sum;
    __syncthreads();
    sum = 0.f;
    for (int w = 0; w < warps; ++w) sum += red[1][w];

    for (int i = threadIdx.x; i < HEAD; i += blockDim.x) {
        float acc = 0.f;
        for (int t = 0; t < context; ++t)
            acc += logits[t] * float(v_cache[((table[t / BLOCK] * BLOCK + t % BLOCK) * heads + head) * HEAD + i]);
        out[(seq * heads + head) * HEAD + i] = scalar_t(acc / sum);
    }
}
