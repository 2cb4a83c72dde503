extern "C" __global__ void block_sum(
    float *partial, long long partial_shape0, const float *x, long long x_shape0) {
    __shared__ float shared[128];
    int tid = threadIdx.x;
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    shared[tid] = i < x_shape0 ? x[i] : 0.0f;
    __syncthreads();
    int s = blockDim.x / 2;
    while (s > 0) {
        if (tid < s) {
            shared[tid] = shared[tid] + shared[tid + s];
        }
        __syncthreads();
        s /= 2;
    }
    if (tid == 0) {
        partial[blockIdx.x] = shared[0];
    }
}
