// Histograms: where the counters live, and how often they are touched.

extern "C" __global__ void histogram_global(const unsigned char* data, unsigned int* bins, int n)
{
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += blockDim.x * gridDim.x)
        atomicAdd(bins + data[i], 1u);
}

// A private copy for each block; four bytes a load.
extern "C" __global__ void histogram_shared(const uchar4* data, int n4, unsigned int* bins, int n_bins, int shift)
{
    extern __shared__ unsigned int local[];
    for (int b = threadIdx.x; b < n_bins; b += blockDim.x) local[b] = 0;
    __syncthreads();
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n4; i += blockDim.x * gridDim.x) {
        const uchar4 v = data[i];
        atomicAdd(&local[v.x >> shift], 1);
        atomicAdd(&local[v.y >> shift], 1);
        atomicAdd(&local[v.z >> shift], 1);
        atomicAdd(&local[v.w >> shift], 1);
    }
    __syncthreads();
    for (int b = threadIdx.x; b < n_bins; b += blockDim.x)
        if (unsigned int c = local[b]) atomicAdd(&bins[b], c);
}

// 64 bins of one byte for each thread, packed into words, as in the SDK's histogram64.
extern "C" __global__ void histogram_per_thread(const unsigned char* data, unsigned int* partial, int per_thread)
{
    __shared__ unsigned char counters[64][32];
    const int t = threadIdx.x;
    for (int b = 0; b < 64; ++b) counters[b][t] = 0;
    const unsigned char* mine = data + (blockIdx.x * 32 + t) * per_thread;
    for (int i = 0; i < per_thread; ++i) counters[mine[i] >> 2][t]++;
    __syncthreads();
    for (int b = t; b < 64; b += 32) {
        unsigned int sum = 0;
        const unsigned int* row = reinterpret_cast<const unsigned int*>(counters[b]);
        for (int w = 0; w < 8; ++w) sum += __dp4a(row[w], 0x01010101u, 0u);
        partial[blockIdx.x * 64 + b] = sum;
    }
}

// Lanes with the same key elect a leader, which adds for all of them.
extern "C" __global__ void histogram_match(const int* keys, int* bins, int n)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    const unsigned int valid = __ballot_sync(0xffffffffu, i < n);
    if (i >= n) return;
    const int key = keys[i];
    const unsigned int peers = __match_any_sync(valid, key);
    const int leader = __ffs(peers) - 1;
    if ((threadIdx.x & 31) == leader) atomicAdd(&bins[key], __popc(peers));
}

// The warp-aggregated increment: whoever is active shares one atomic.
__device__ int aggregated_increment(int* counter)
{
    const unsigned int active = __activemask();
    const int leader = __ffs(active) - 1;
    const int lane = threadIdx.x % 32;
    int base = 0;
    if (lane == leader) base = atomicAdd(counter, __popc(active));
    base = __shfl_sync(active, base, leader);
    return base + __popc(active & ((1u << lane) - 1));
}

extern "C" __global__ void filter_indices(const float* x, int* kept, int* count, int n, float threshold)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n && x[i] > threshold) kept[aggregated_increment(count)] = i;
}

struct Axis {
    float low, high;
    int bins;

    __device__ int operator()(float v) const
    {
        if (!(v >= low && v < high)) return -1;
        return min(bins - 1, (int)((v - low) / (high - low) * bins));
    }
};

// Weighted, two-dimensional; what lies outside falls away.
extern "C" __global__ void histogram_2d(const float2* points, const float* weights, float* sums,
                                        unsigned long long* outside, int n, Axis ax, Axis ay)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const int bx = ax(points[i].x), by = ay(points[i].y);
    if (bx < 0 || by < 0)
        atomicAdd(outside, 1ull);
    else
        atomicAdd(&sums[by * ax.bins + bx], weights[i]);
}
