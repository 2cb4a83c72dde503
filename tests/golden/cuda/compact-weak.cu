extern "C" __global__ void compact(
    float *out, long long out_shape0, int *count, long long count_shape0,
    const float *x, long long x_shape0, float threshold) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < x_shape0 && x[i] > threshold) {
        int old = atomicAdd(&count[0], 1);
        int place = old;
        out[place] = x[i];
    }
}
