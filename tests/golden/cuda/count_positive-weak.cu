extern "C" __global__ void count_positive(
    int *counts, long long counts_shape0, long long counts_shape1, long long counts_stride0,
    const float *x, long long x_shape0) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    bool positive = i < x_shape0 && x[i] > 0.0f;
    int count = __syncthreads_count(positive);
    int n = count;
    int or_ = __syncthreads_or(positive);
    int some = or_;
    int and_ = __syncthreads_and(positive);
    int every = and_;
    if (threadIdx.x == 0) {
        counts[blockIdx.x * counts_stride0] = n;
        counts[blockIdx.x * counts_stride0 + 1] = some != 0 ? 1 : 0;
        counts[blockIdx.x * counts_stride0 + 2] = every != 0 ? 1 : 0;
    }
}
