// Softmax over the rows of a matrix: first the obvious versions, one thread a row.

extern "C" __global__ void softmax_naive(float* dst, const float* src, int rows, int cols)
{
    int r = blockDim.x * blockIdx.x + threadIdx.x;
    if (r < rows) {
        float top = -INFINITY;
        for (int c = 0; c < cols; c++) {
            if (src[r * cols + c] > top) top = src[r * cols + c];
        }
        double total = 0.0;
        for (int c = 0; c < cols; c++) {
            dst[r * cols + c] = expf(src[r * cols + c] - top);
            total += dst[r * cols + c];
        }
        float scale = (float)(1.0 / total);
        for (int c = 0; c < cols; c++) dst[r * cols + c] *= scale;
    }
}

// maximum and normaliser in one pass ("online"), then one pass to write
extern "C" __global__ void softmax_online(float* __restrict__ dst, const float* __restrict__ src,
                                          int rows, int cols)
{
    int r = blockDim.x * blockIdx.x + threadIdx.x;
    if (r >= rows) return;

    const float* p = &src[(size_t)r * cols];
    const float* const end = p + cols;
    float* q = &dst[(size_t)r * cols];
    float top = -INFINITY, total = 0.f;
    for (const float* it = p; it != end; ++it) {
        float v = *it;
        if (v <= top) {
            total += expf(v - top);
        } else {
            total = total * expf(top - v) + 1.f;
            top = v;
        }
    }
    while (p < end) *q++ = expf(*p++ - top) / total;
}
