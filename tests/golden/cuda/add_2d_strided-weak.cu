extern "C" __global__ void add_2d(
    float *out, long long out_shape0, long long out_shape1, long long out_stride1,
    const float *a, long long a_shape0, long long a_shape1, long long a_stride0, long long a_stride1,
    const float *b, long long b_shape0, long long b_shape1, long long b_stride1) {
    int row = blockIdx.x * blockDim.x + threadIdx.x;
    int column = blockIdx.y * blockDim.y + threadIdx.y;
    if (row < out_shape0 && column < out_shape1) {
        out[row + column * out_stride1] = a[row * a_stride0 + column * a_stride1] - 2.0f * b[row + column * b_stride1];
    }
}
