// Least-significant-digit radix sort: the passes of one digit, and a block that does them all.

constexpr int RADIX_BITS = 4;
constexpr int RADIX = 1 << RADIX_BITS;

// counts[digit * gridDim.x + block]: column-major, so that one scan of it gives the offsets.
extern "C" __global__ void radix_count(const unsigned* keys, unsigned* counts, int n, int shift)
{
    __shared__ unsigned local[RADIX];
    if (threadIdx.x < RADIX) local[threadIdx.x] = 0;
    __syncthreads();
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) atomicAdd(&local[(keys[i] >> shift) & (RADIX - 1)], 1);
    __syncthreads();
    if (threadIdx.x < RADIX) counts[threadIdx.x * gridDim.x + blockIdx.x] = local[threadIdx.x];
}

// Stable: an element's place among its block's is the number of equal digits before it.
extern "C" __global__ void radix_scatter(const unsigned* keys, const int* values, unsigned* keys_out,
                                         int* values_out, const unsigned* offsets, int n, int shift)
{
    extern __shared__ unsigned char digits[];
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    const unsigned key = i < n ? keys[i] : 0xffffffffu;
    const unsigned char digit = (key >> shift) & (RADIX - 1);
    digits[threadIdx.x] = digit;
    __syncthreads();
    if (i >= n) return;
    unsigned rank = 0;
    for (unsigned t = 0; t < threadIdx.x; ++t) rank += digits[t] == digit;
    const unsigned to = offsets[digit * gridDim.x + blockIdx.x] + rank;
    keys_out[to] = key;
    values_out[to] = values[i];
}

// Exclusive count of set predicates before this thread, and of all.
__device__ unsigned count_before(bool predicate, unsigned* warp_totals, unsigned& total)
{
    const unsigned lane = threadIdx.x & 31, warp = threadIdx.x >> 5, warps = blockDim.x >> 5;
    const unsigned ballot = __ballot_sync(~0u, predicate);
    if (lane == 0) warp_totals[warp] = __popc(ballot);
    __syncthreads();
    unsigned before = __popc(ballot & ((1u << lane) - 1));
    total = 0;
    for (unsigned w = 0; w < warps; ++w) {
        if (w < warp) before += warp_totals[w];
        total += warp_totals[w];
    }
    return before;
}

// Signed keys, a block of them, one bit a turn.
extern "C" __global__ void radix_block(int* keys)
{
    __shared__ unsigned sorted[256];
    __shared__ unsigned warp_totals[8];
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    unsigned key = (unsigned)keys[i] ^ 0x80000000u;
    for (int bit = 0; bit < 32; ++bit) {
        const bool one = (key >> bit) & 1u;
        unsigned zeros;
        const unsigned before = count_before(!one, warp_totals, zeros);
        sorted[one ? zeros + threadIdx.x - before : before] = key;
        __syncthreads();
        key = sorted[threadIdx.x];
        __syncthreads();
    }
    keys[i] = (int)(key ^ 0x80000000u);
}
