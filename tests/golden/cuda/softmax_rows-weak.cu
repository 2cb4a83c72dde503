extern "C" __global__ void softmax_rows(
    float *out, long long out_shape0, long long out_shape1, long long out_stride0,
    const float *x, long long x_shape0, long long x_shape1, long long x_stride0) {
    __shared__ float shared[64];
    int row = blockIdx.x;
    int tid = threadIdx.x;
    long long columns = x_shape1;
    float largest = __uint_as_float(0xff800000U);
    for (long long c = tid; c < columns; c += 64) {
        largest = fmaxf(largest, x[row * x_stride0 + c]);
    }
    shared[tid] = largest;
    __syncthreads();
    int s = 32;
    while (s > 0) {
        if (tid < s) {
            shared[tid] = fmaxf(shared[tid], shared[tid + s]);
        }
        __syncthreads();
        s /= 2;
    }
    largest = shared[0];
    __syncthreads();
    float total = 0.0f;
    for (long long c = tid; c < columns; c += 64) {
        float e = expf(x[row * x_stride0 + c] - largest);
        out[row * out_stride0 + c] = e;
        total += e;
    }
    shared[tid] = total;
    __syncthreads();
    s = 32;
    while (s > 0) {
        if (tid < s) {
            shared[tid] = shared[tid] + shared[tid + s];
        }
        __syncthreads();
        s /= 2;
    }
    for (long long c = tid; c < columns; c += 64) {
        out[row * out_stride0 + c] = out[row * out_stride0 + c] / shared[0];
    }
}
