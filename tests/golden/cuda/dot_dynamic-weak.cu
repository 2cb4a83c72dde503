extern __shared__ __align__(16) unsigned char ax_dynamic_shared[];

extern "C" __global__ void dot_dynamic(
    float *result, long long result_shape0, const float *x, long long x_shape0,
    const float *y, long long y_shape0) {
    float *const cache = (float *)ax_dynamic_shared;
    int tid = threadIdx.x;
    float total = 0.0f;
    for (long long i = blockIdx.x * blockDim.x + threadIdx.x; i < x_shape0; i += gridDim.x * blockDim.x) {
        total += x[i] * y[i];
    }
    cache[tid] = total;
    __syncthreads();
    int half_ = (int)blockDim.x >> 1;
    while (half_ != 0) {
        if (tid < half_) {
            cache[tid] = cache[tid] + cache[tid + half_];
        }
        __syncthreads();
        half_ >>= 1;
    }
    if (tid == 0) {
        atomicAdd(&result[0], cache[0]);
    }
}
