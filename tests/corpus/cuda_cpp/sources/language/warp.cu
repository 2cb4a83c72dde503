// Warps: shuffles, votes, matches, reductions, masks.

#define FULL 0xffffffffu
#define GLOBAL_ID ((int)(blockIdx.x * blockDim.x + threadIdx.x))

// All shuffles at full and partial width; sources past the end keep the lane's own value.
extern "C" __global__ void shuffles(const int* x, int* out)
{
    const int i = GLOBAL_ID;
    const int lane = threadIdx.x & 31;
    int* o = out + i * 10;
    const int v = x[i];
    o[0] = __shfl_sync(FULL, v, 5);
    o[1] = __shfl_sync(FULL, v, lane * 7);
    o[2] = __shfl_sync(FULL, v, lane + 3, 8);
    o[3] = __shfl_up_sync(FULL, v, 3);
    o[4] = __shfl_up_sync(FULL, v, 2, 16);
    o[5] = __shfl_down_sync(FULL, v, 9);
    o[6] = __shfl_down_sync(FULL, v, 1, 4);
    o[7] = __shfl_xor_sync(FULL, v, 31);
    o[8] = __shfl_xor_sync(FULL, v, 1, 2);
    o[9] = __shfl_sync(FULL, v, v & 31);
}

// Shuffles of other types.
extern "C" __global__ void shuffle_types(const double* d, const long long* l, const float* f, double* out_d,
                                         long long* out_l, float* out_f, unsigned* out_u)
{
    const int i = GLOBAL_ID;
    out_d[i] = __shfl_down_sync(FULL, d[i], 1);
    out_l[i] = __shfl_xor_sync(FULL, l[i], 16);
    out_f[i] = __shfl_up_sync(FULL, f[i], 4);
    out_u[i] = __shfl_sync(FULL, (unsigned)l[i], 31) + __shfl_sync(FULL, (unsigned long long)l[i], 0) % 7;
}

extern "C" __global__ void votes(const int* x, unsigned* out)
{
    const int i = GLOBAL_ID;
    unsigned* o = out + i * 6;
    o[0] = __ballot_sync(FULL, x[i] > 0);
    o[1] = __any_sync(FULL, x[i] > 95);
    o[2] = __all_sync(FULL, x[i] > -98);
    o[3] = __ballot_sync(FULL, x[i]) & ((1u << (threadIdx.x & 31)) - 1);
    const unsigned m = __match_any_sync(FULL, x[i] & 3);
    o[4] = m;
    int same;
    const unsigned all = __match_all_sync(FULL, x[i] / 1000, &same);
    o[5] = all ^ (unsigned)same;
}

// A part of the warp: the mask names who takes part.
extern "C" __global__ void partial_masks(const int* x, int* out, int n)
{
    const int i = GLOBAL_ID;
    const int lane = threadIdx.x & 31;
    const unsigned present = __ballot_sync(FULL, i < n);
    if (i >= n) return;
    const int count = __popc(present);
    int sum = x[i];
    if (present == FULL)
        for (int o = 16; o; o >>= 1) sum += __shfl_xor_sync(FULL, sum, o);
    else
        for (int k = 1; k < count; ++k) sum = x[i] + __shfl_up_sync(present, sum, 1) * (lane > 0);
    out[i * 3] = sum;
    if (lane < 16)
        out[i * 3 + 1] = __ballot_sync(present & 0xffff, x[i] & 1);
    else
        out[i * 3 + 1] = __shfl_sync(present & 0xffff0000, x[i], 16);
    __syncwarp(present);
    out[i * 3 + 2] = __reduce_max_sync(present, x[i]) - __reduce_min_sync(present, x[i]);
}

// Warp-synchronous exchange through shared memory, ordered by __syncwarp.
extern "C" __global__ void warp_shared(const float* x, float* out)
{
    __shared__ float cells[2][32];
    const int warp = threadIdx.x / warpSize, lane = threadIdx.x % warpSize;
    float v = x[GLOBAL_ID];
    for (int step = 1; step < 32; step *= 2) {
        cells[warp][lane] = v;
        __syncwarp();
        if (lane + step < 32) v += cells[warp][lane + step];
        __syncwarp();
    }
    out[GLOBAL_ID] = v;
}

// Lanes of a divergent branch find each other.
extern "C" __global__ void converged_count(const int* x, int* counts, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n || x[i] % 3 == 0) return;
    const unsigned active = __activemask();
    const int leader = __ffs(active) - 1;
    if ((threadIdx.x & 31) == leader) atomicAdd(counts, __popc(active));
}

// Votes of the block, with a different predicate in every turn.
extern "C" __global__ void block_predicates(const int* x, int* out, int limit)
{
    const int i = GLOBAL_ID;
    int turns = 0, v = x[i];
    while (__syncthreads_or(v > 0)) {
        if (v > 0) v -= limit;
        ++turns;
    }
    const int none = __syncthreads_and(v <= 0);
    const int exact = __syncthreads_count(v == 0);
    out[i] = turns * 10000 + exact * 10 + none;
}

// A two-dimensional block: lanes count x first.
extern "C" __global__ void lanes_of_2d(int* lane_sum, const int* x)
{
    const int linear = threadIdx.y * blockDim.x + threadIdx.x;
    int v = x[linear];
    v += __shfl_down_sync(FULL, v, blockDim.x);
    v += __shfl_down_sync(FULL, v, 2 * blockDim.x);
    lane_sum[linear] = v;
}
