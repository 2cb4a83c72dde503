extern "C" __global__ void bitonic_block(float *values, long long values_shape0) {
    __shared__ float shared[256];
    int tid = threadIdx.x;
    int n = blockDim.x;
    int base = blockIdx.x * n;
    shared[tid] = values[base + tid];
    int k = 2;
    while (k <= n) {
        int j = k / 2;
        while (j > 0) {
            __syncthreads();
            int other = tid ^ j;
            if (other > tid) {
                float a = shared[tid];
                float b = shared[other];
                if ((tid & k) == 0 ? a > b : a < b) {
                    shared[tid] = b;
                    shared[other] = a;
                }
            }
            j /= 2;
        }
        k *= 2;
    }
    __syncthreads();
    values[base + tid] = shared[tid];
}
