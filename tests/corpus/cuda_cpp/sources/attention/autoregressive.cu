// Softmax of causal attention scores over (N, T, T), and its gradient: only the lower triangle is touched.
#include <assert.h>
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#include <float.h>

__device__ float component(const float4& v, int i) { return reinterpret_cast<const float*>(&v)[i]; }

// A warp a row, online, four scores at a time; rows from the last to the first.
extern "C" __global__ void causal_softmax_online(const float* scores, float* out, float scale, int N, int T) {
    namespace cg = cooperative_groups;
    assert(T % 4 == 0);
    cg::thread_block block = cg::this_thread_block();
    cg::thread_block_tile<32> warp = cg::tiled_partition<32>(block);
    const int row = (gridDim.x - 1 - blockIdx.x) * warp.meta_group_size() + warp.meta_group_rank();
    if (row >= N * T) return;

    const int last = row % T;  // the last score that counts
    const int quads = (last + 1) / 4;
    const float* x = scores + (size_t)row * T;
    const float4* x4 = reinterpret_cast<const float4*>(x);

    float top = -FLT_MAX;  // finite: a difference of two of them is no NaN
    float sum = 0.0f;
    for (int i = warp.thread_rank(); i < quads; i += warp.size()) {
        const float4 v = x4[i];
        const float before = top;
        for (int k = 0; k < 4; ++k) top = fmaxf(top, component(v, k));
        sum *= expf(scale * (before - top));
        for (int k = 0; k < 4; ++k) sum += expf(scale * (component(v, k) - top));
    }
    const int left = 4 * quads + warp.thread_rank();
    if (left <= last) {
        const float before = top;
        top = fmaxf(top, x[left]);
        sum = sum * expf(scale * (before - top)) + expf(scale * (x[left] - top));
    }

    const float row_top = cg::reduce(warp, top, cg::greater<float>{});
    sum *= expf(scale * (top - row_top));
    const float norm = 1.f / cg::reduce(warp, sum, cg::plus<float>{});
    for (int i = warp.thread_rank(); i <= last; i += warp.size()) {
        // computed again, which costs less than storing it
        __stcs(out + (size_t)row * T + i, norm * expf(scale * (__ldcs(x + i) - row_top)));
    }
}

// A block a row; grid (T, N). What lies above the diagonal becomes zero.
template <int THREADS>
__global__ void causal_softmax_backward(const float* dout, const float* out, float* dscores, int T, float scale) {
    namespace cg = cooperative_groups;
    cg::thread_block block = cg::this_thread_block();
    auto warp = cg::tiled_partition<32>(block);
    __shared__ float of_warp[32];

    const int t = gridDim.x - 1 - blockIdx.x;
    const size_t skip = ((size_t)blockIdx.y * T + t) * T;
    const float *p = out + skip, *g = dout + skip;
    float* d = dscores + skip;

    if (warp.meta_group_rank() == 0) of_warp[warp.thread_rank()] = 0;
    block.sync();
    float dot = 0;
    for (int i = block.thread_rank(); i <= t; i += THREADS) dot += p[i] * g[i];
    dot = cg::reduce(warp, dot, cg::plus<float>{});
    of_warp[warp.meta_group_rank()] = dot;
    block.sync();
    dot = cg::reduce(warp, of_warp[warp.thread_rank()], cg::plus<float>{});

    for (int i = block.thread_rank(); i < T; i += THREADS) {
        if (i > t) d[i] = 0;
        else __stcs(d + i, scale * __ldcs(p + i) * (__ldcs(g + i) - dot));
    }
}
