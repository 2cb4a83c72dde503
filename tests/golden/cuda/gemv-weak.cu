extern "C" __global__ void gemv(
    float *y, long long y_shape0,
    const float *a, long long a_shape0, long long a_shape1, long long a_stride0,
    const float *x, long long x_shape0, float alpha, float beta) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < y_shape0) {
        float row_dot_total = 0.0f;
        for (long long row_dot_k = 0; row_dot_k < x_shape0; ++row_dot_k) {
            row_dot_total += a[i * a_stride0 + row_dot_k] * x[row_dot_k];
        }
        y[i] = alpha * row_dot_total + beta * y[i];
    }
}
