__constant__ const float WEIGHTS[5] = {0.0625f, 0.25f, 0.375f, 0.25f, 0.0625f};

extern "C" __global__ void gaussian_tiled(
    float *out, long long out_shape0, long long out_shape1, long long out_stride0,
    const float *image, long long image_shape0, long long image_shape1, long long image_stride0) {
    __shared__ float tile[8][36];
    int tx = threadIdx.x;
    int ty = threadIdx.y;
    long long height = image_shape0;
    long long width = image_shape1;
    int x = blockIdx.x * 32 + tx;
    int y = blockIdx.y * 8 + ty;
    long long row = min((long long)y, height - 1);
    for (int i = tx; i < 36; i += 32) {
        int column = blockIdx.x * 32 + i - 2;
        tile[ty][i] = image[row * image_stride0 + min((long long)max(column, 0), width - 1)];
    }
    __syncthreads();
    if (x < width && y < height) {
        float total = 0.0f;
        for (int k = 0; k < 5; ++k) {
            total += WEIGHTS[k] * tile[ty][tx + k];
        }
        out[y * out_stride0 + x] = total;
    }
}
