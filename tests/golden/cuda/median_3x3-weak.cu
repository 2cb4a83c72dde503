extern "C" __global__ void median_3x3(
    unsigned char *out, long long out_shape0, long long out_shape1, long long out_stride0,
    const unsigned char *image, long long image_shape0, long long image_shape1, long long image_stride0) {
    unsigned char window[9];
    int x = blockIdx.x * blockDim.x + threadIdx.x;
    int y = blockIdx.y * blockDim.y + threadIdx.y;
    long long height = image_shape0;
    long long width = image_shape1;
    if (!(0 < x && x < width - 1 && 0 < y && y < height - 1)) {
        return;
    }
    window[0] = image[(y - 1) * image_stride0 + (x - 1)];
    window[1] = image[(y - 1) * image_stride0 + (x + 0)];
    window[2] = image[(y - 1) * image_stride0 + (x + 1)];
    window[3] = image[(y + 0) * image_stride0 + (x - 1)];
    window[4] = image[(y + 0) * image_stride0 + (x + 0)];
    window[5] = image[(y + 0) * image_stride0 + (x + 1)];
    window[6] = image[(y + 1) * image_stride0 + (x - 1)];
    window[7] = image[(y + 1) * image_stride0 + (x + 0)];
    window[8] = image[(y + 1) * image_stride0 + (x + 1)];
    for (int i = 1; i < 9; ++i) {
        unsigned char v = window[i];
        int j = i - 1;
        while (j >= 0 && window[j] > v) {
            window[j + 1] = window[j];
            j -= 1;
        }
        window[j + 1] = v;
    }
    out[y * out_stride0 + x] = window[4];
}
