extern "C" __global__ void matmul_tiled(
    float *c, long long c_shape0, long long c_shape1, long long c_stride0,
    const float *a, long long a_shape0, long long a_shape1, long long a_stride0,
    const float *b, long long b_shape0, long long b_shape1, long long b_stride0) {
    __shared__ float sa[16][16];
    __shared__ float sb[16][16];
    long long x = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    long long y = (long long)blockIdx.y * blockDim.y + threadIdx.y;
    int tx = threadIdx.x;
    int ty = threadIdx.y;
    long long tiles = (a_shape1 + 16 - 1) / 16;
    float total = 0.0f;
    for (long long t = 0; t < tiles; ++t) {
        sa[ty][tx] = 0.0f;
        sb[ty][tx] = 0.0f;
        if (y < a_shape0 && tx + t * 16 < a_shape1) {
            sa[ty][tx] = a[y * a_stride0 + (tx + t * 16)];
        }
        if (x < b_shape1 && ty + t * 16 < b_shape0) {
            sb[ty][tx] = b[(ty + t * 16) * b_stride0 + x];
        }
        __syncthreads();
        for (long long k = 0; k < 16; ++k) {
            total += sa[ty][k] * sb[k][tx];
        }
        __syncthreads();
    }
    if (y < c_shape0 && x < c_shape1) {
        c[y * c_stride0 + x] = total;
    }
}
