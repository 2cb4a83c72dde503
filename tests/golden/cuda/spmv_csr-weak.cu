extern "C" __global__ void spmv_csr(
    float *y, long long y_shape0, const float *values, long long values_shape0,
    const int *columns, long long columns_shape0,
    const int *row_start, long long row_start_shape0, const float *x, long long x_shape0) {
    int row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= y_shape0) {
        return;
    }
    float total = 0.0f;
    const int k_stop = row_start[row + 1];
    for (int k = row_start[row]; k < k_stop; ++k) {
        total += values[k] * x[columns[k]];
    }
    y[row] = total;
}
