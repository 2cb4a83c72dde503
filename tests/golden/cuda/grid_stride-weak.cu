extern "C" __global__ void grid_stride(
    float *out, long long out_shape0, const float *x, long long x_shape0, float scale) {
    int start = blockIdx.x * blockDim.x + threadIdx.x;
    int stride = gridDim.x * blockDim.x;
    for (long long i = start; i < x_shape0; i += stride) {
        out[i] = x[i] * scale + 1.0f;
    }
}
