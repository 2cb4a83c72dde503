extern "C" __global__ void layer_norm(
    float *out, long long out_shape0, long long out_shape1, long long out_stride0,
    const float *x, long long x_shape0, long long x_shape1, long long x_stride0,
    const float *gain, long long gain_shape0, const float *bias, long long bias_shape0,
    float epsilon) {
    int row = blockIdx.x;
    int lane = threadIdx.x;
    long long n = x_shape1;
    float total = 0.0f;
    float square = 0.0f;
    for (long long c = lane; c < n; c += 32) {
        float v = x[row * x_stride0 + c];
        total += v;
        square += v * v;
    }
    int offset = 16;
    while (offset != 0) {
        float shfl_xor = __shfl_xor_sync(0xffffffffU, total, offset);
        total += shfl_xor;
        float shfl_xor_1 = __shfl_xor_sync(0xffffffffU, square, offset);
        square += shfl_xor_1;
        offset >>= 1;
    }
    float mean = total / (float)n;
    float scale = 1.0f / sqrtf(square / (float)n - mean * mean + epsilon);
    for (long long c = lane; c < n; c += 32) {
        out[row * out_stride0 + c] = (x[row * x_stride0 + c] - mean) * scale * gain[c] + bias[c];
    }
}
