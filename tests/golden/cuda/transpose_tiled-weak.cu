extern "C" __global__ void transpose_tiled(
    float *out, long long out_shape0, long long out_shape1, long long out_stride0,
    const float *x, long long x_shape0, long long x_shape1, long long x_stride0) {
    __shared__ float tile[16][17];
    int column = blockIdx.x * 16 + threadIdx.x;
    int row = blockIdx.y * 16 + threadIdx.y;
    for (int j = 0; j < 16; j += 4) {
        if (row + j < x_shape0 && column < x_shape1) {
            tile[threadIdx.y + j][threadIdx.x] = x[(row + j) * x_stride0 + column];
        }
    }
    __syncthreads();
    column = blockIdx.y * 16 + threadIdx.x;
    row = blockIdx.x * 16 + threadIdx.y;
    for (int j = 0; j < 16; j += 4) {
        if (row + j < out_shape0 && column < out_shape1) {
            out[(row + j) * out_stride0 + column] = tile[threadIdx.x][threadIdx.y + j];
        }
    }
}
