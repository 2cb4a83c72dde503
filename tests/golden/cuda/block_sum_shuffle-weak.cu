extern "C" __global__ void block_sum_shuffle(
    float *total, long long total_shape0, const float *x, long long x_shape0) {
    __shared__ float sums[32];
    int tid = threadIdx.x;
    int lane = tid % 32;
    int warp = tid / 32;
    float value = 0.0f;
    for (long long i = blockIdx.x * blockDim.x + threadIdx.x; i < x_shape0; i += gridDim.x * blockDim.x) {
        value += x[i];
    }
    float shfl_xor = __shfl_xor_sync(0xffffffffU, value, 16);
    value += shfl_xor;
    float shfl_xor_1 = __shfl_xor_sync(0xffffffffU, value, 8);
    value += shfl_xor_1;
    float shfl_xor_2 = __shfl_xor_sync(0xffffffffU, value, 4);
    value += shfl_xor_2;
    float shfl_xor_3 = __shfl_xor_sync(0xffffffffU, value, 2);
    value += shfl_xor_3;
    float shfl_xor_4 = __shfl_xor_sync(0xffffffffU, value, 1);
    value += shfl_xor_4;
    if (lane == 0) {
        sums[warp] = value;
    }
    __syncthreads();
    if (warp == 0) {
        value = lane < (int)blockDim.x / 32 ? sums[lane] : 0.0f;
        float shfl_xor_5 = __shfl_xor_sync(0xffffffffU, value, 16);
        value += shfl_xor_5;
        float shfl_xor_6 = __shfl_xor_sync(0xffffffffU, value, 8);
        value += shfl_xor_6;
        float shfl_xor_7 = __shfl_xor_sync(0xffffffffU, value, 4);
        value += shfl_xor_7;
        float shfl_xor_8 = __shfl_xor_sync(0xffffffffU, value, 2);
        value += shfl_xor_8;
        float shfl_xor_9 = __shfl_xor_sync(0xffffffffU, value, 1);
        value += shfl_xor_9;
        if (lane == 0) {
            atomicAdd(&total[0], value);
        }
    }
}
