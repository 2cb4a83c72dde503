// Rows short enough for a warp's registers; several warps a block, one row each.

#define FULL_MASK 0xffffffffu

template <typename T>
__device__ __forceinline__ T warpReduceMax(T val) {
    for (int offset = 16; offset > 0; offset /= 2) {
        val = max(val, __shfl_down_sync(FULL_MASK, val, offset));
    }
    return __shfl_sync(FULL_MASK, val, 0);
}

template <typename T>
__device__ __forceinline__ T warpReduceSum(T val) {
#pragma unroll
    for (int mask = 16; mask; mask >>= 1) val += __shfl_xor_sync(FULL_MASK, val, mask);
    return val;
}

template <int COLS_PER_LANE, bool LOG>
__global__ void warp_softmax(const float* src, float* dst, int rows, int cols) {
    const int lane = threadIdx.x;
    const int first = blockIdx.x * blockDim.y + threadIdx.y;
    for (int row = first; row < rows; row += gridDim.x * blockDim.y) {
        float buf[COLS_PER_LANE];
        float row_max = -INFINITY;
#pragma unroll
        for (int k = 0; k < COLS_PER_LANE; ++k) {
            const int col = k * 32 + lane;
            buf[k] = col < cols ? src[row * cols + col] : -INFINITY;
            row_max = max(row_max, buf[k]);
        }
        row_max = warpReduceMax(row_max);

        float sum = 0.f;
#pragma unroll
        for (int k = 0; k < COLS_PER_LANE; ++k) {
            if constexpr (LOG) {
                buf[k] -= row_max;
                sum += expf(buf[k]);
            } else {
                buf[k] = expf(buf[k] - row_max);
                sum += buf[k];
            }
        }
        sum = warpReduceSum(sum);
        const float log_sum = LOG ? logf(sum) : 0.f;

#pragma unroll
        for (int k = 0; k < COLS_PER_LANE; ++k) {
            const int col = k * 32 + lane;
            if (col >= cols) break;
            dst[row * cols + col] = LOG ? buf[k] - log_sum : buf[k] / sum;
        }
    }
}
