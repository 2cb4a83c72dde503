static __device__ __forceinline__ int ax_rem_i32(int a, int b) {
    return b == 0 || b == -1 ? 0 : (int)(a % b);
}

static __device__ __forceinline__ int ax_mod_i32(int a, int b) {
    const int r = ax_rem_i32(a, b);
    return (int)(r != 0 && (r < 0) != (b < 0) ? r + b : r);
}

static __device__ __forceinline__ unsigned int ax_linear_thread() {  // x fastest
    return threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
}

static __device__ __forceinline__ int ax_shl_i32(int a, int n) {
    return (unsigned int)n < 32u ? (int)((unsigned int)a << n) : (int)0;
}

extern "C" __global__ void warp_compact(
    int *out, long long out_shape0, int *count, long long count_shape0,
    const int *x, long long x_shape0) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    bool keep = ax_mod_i32(x[i], 3) == 0;
    unsigned int ballot = __ballot_sync(0xffffffffU, keep);
    unsigned int ballot_u32 = ballot;
    int lane = ax_linear_thread() % 32;
    int base = 0;
    if (lane == 0) {
        int old = atomicAdd(&count[0], __popc(ballot_u32));
        base = old;
    }
    int shfl_idx = __shfl_sync(0xffffffffU, base, 0);
    base = shfl_idx;
    if (keep) {
        unsigned int below = ballot_u32 & (unsigned int)(int)(ax_shl_i32(1, lane) - 1U);
        out[(unsigned int)base + __popc(below)] = x[i];
    }
}
