extern "C" __global__ void compact(
    float *out, long long out_shape0, int *count, long long count_shape0,
    const float *x, long long x_shape0, float threshold) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    bool t = i < x_shape0;
    bool t_1 = t && x[i] > threshold;
    if (t_1) {
        int old = atomicAdd(&count[0], 1);
        int place = old;
        out[place] = x[i];
    }
}
