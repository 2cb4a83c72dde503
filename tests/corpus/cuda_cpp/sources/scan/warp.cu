// Scans built from warp shuffles, generic in the operator.

#define FULL_MASK 0xffffffffu

struct Add {
    template <typename T>
    __device__ T operator()(T a, T b) const { return a + b; }
};

struct Maximum {
    template <typename T>
    __device__ T operator()(T a, T b) const { return a > b ? a : b; }
};

template <typename T, typename Op>
__device__ __forceinline__ T warp_inclusive(T value, Op op)
{
    const int lane = threadIdx.x % warpSize;
#pragma unroll
    for (int offset = 1; offset < 32; offset <<= 1) {
        T other = __shfl_up_sync(FULL_MASK, value, offset);
        if (lane >= offset) value = op(other, value);
    }
    return value;
}

template <int BLOCK, typename T, typename Op>
__global__ void block_scan(const T* in, T* out, int n, T identity, Op op)
{
    __shared__ T totals[BLOCK / 32];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    T carry = identity;
    for (int base = 0; base < n; base += BLOCK) {
        const int i = base + threadIdx.x;
        T value = warp_inclusive(i < n ? in[i] : identity, op);
        if (lane == 31) totals[warp] = value;
        __syncthreads();
        if (warp == 0) {
            T t = lane < BLOCK / 32 ? totals[lane] : identity;
            t = warp_inclusive(t, op);
            if (lane < BLOCK / 32) totals[lane] = t;
        }
        __syncthreads();
        if (warp > 0) value = op(totals[warp - 1], value);
        value = op(carry, value);
        if (i < n) out[i] = value;
        carry = op(carry, totals[BLOCK / 32 - 1]);
        __syncthreads();
    }
}

// Sums restart at every set flag: the operator works on (value, flag) pairs.
struct Segment {
    float value;
    int flag;
};

__device__ Segment operator+(const Segment& left, const Segment& right)
{
    return Segment{right.flag ? right.value : left.value + right.value, left.flag | right.flag};
}

extern "C" __global__ void segmented_scan(const float* values, const int* flags, float* out, int n)
{
    __shared__ Segment shared[256];
    const int t = threadIdx.x;
    Segment mine{0.f, 0};
    if (t < n) {
        mine.value = values[t];
        mine.flag = flags[t];
    }
    shared[t] = mine;
    __syncthreads();
    for (int step = 1; step < blockDim.x; step *= 2) {
        if (t >= step) mine = shared[t - step] + mine;
        __syncthreads();
        shared[t] = mine;
        __syncthreads();
    }
    if (t < n) out[t] = mine.value;
}

// Kept elements of a block go to consecutive places; blocks in the order they arrive.
extern "C" __global__ void compact_positive(const int* in, int* out, int* count, int n)
{
    __shared__ int warp_offsets[32];
    __shared__ int block_base;
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    const int value = i < n ? in[i] : 0;
    const unsigned ballot = __ballot_sync(FULL_MASK, value > 0);
    if (lane == 0) warp_offsets[warp] = __popc(ballot);
    __syncthreads();
    if (threadIdx.x == 0) {
        int total = 0;
        for (int w = 0; w < blockDim.x / 32; ++w) {
            const int c = warp_offsets[w];
            warp_offsets[w] = total;
            total += c;
        }
        block_base = atomicAdd(count, total);
    }
    __syncthreads();
    if (value > 0) out[block_base + warp_offsets[warp] + __popc(ballot & ((1u << lane) - 1u))] = value;
}
