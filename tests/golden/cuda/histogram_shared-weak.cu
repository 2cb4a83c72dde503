extern "C" __global__ void histogram_shared(
    int *bins, long long bins_shape0, const float *x, long long x_shape0, float low, float width) {
    __shared__ int local[32];
    int b;
    int tid = threadIdx.x;
    for (int b_k = tid; b_k < 32; b_k += blockDim.x) {
        b = b_k;
        local[b] = 0;
    }
    __syncthreads();
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < x_shape0) {
        b = __float2int_rz((x[i] - low) / width);
        if (0 <= b && b < 32) {
            atomicAdd(&local[b], 1);
        }
    }
    __syncthreads();
    for (b = tid; b < 32; b += blockDim.x) {
        atomicAdd(&bins[b], local[b]);
    }
}
