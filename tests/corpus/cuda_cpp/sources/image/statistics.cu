// Histogram equalisation and integral images.

// One block: histogram, inclusive scan of it, then the look-up table applied.
extern "C" __global__ void equalise(const unsigned char* src, unsigned char* dst, int n)
{
    __shared__ unsigned int bins[256];
    __shared__ unsigned int cdf[2][256];
    __shared__ unsigned int first;
    const int t = threadIdx.x;
    bins[t] = 0;
    if (t == 0) first = 0xffffffffu;
    __syncthreads();
    for (int i = t; i < n; i += 256) atomicAdd(&bins[src[i]], 1u);
    __syncthreads();

    int in = 0, out = 1;
    cdf[in][t] = bins[t];
    __syncthreads();
    for (int step = 1; step < 256; step <<= 1) {
        cdf[out][t] = cdf[in][t] + (t >= step ? cdf[in][t - step] : 0u);
        in ^= 1;
        out ^= 1;
        __syncthreads();
    }
    if (bins[t] != 0) atomicMin(&first, cdf[in][t]);
    __syncthreads();

    const unsigned int span = (unsigned int)n - first;
    for (int i = t; i < n; i += 256) {
        const unsigned int below = cdf[in][src[i]] - first;
        dst[i] = span ? (unsigned char)((below * 255u + span / 2u) / span) : src[i];
    }
}

// One warp a row; 32 columns a step, the carry goes from step to step.
extern "C" __global__ void integral_rows(const unsigned char* src, unsigned int* sums, int width, int height)
{
    const int lane = threadIdx.x & 31;
    const int row = blockIdx.x * (blockDim.x >> 5) + (threadIdx.x >> 5);
    if (row >= height) return;
    unsigned int carry = 0;
    for (int base = 0; base < width; base += 32) {
        const int x = base + lane;
        unsigned int value = x < width ? src[row * width + x] : 0;
        for (int d = 1; d < 32; d *= 2) {
            unsigned int other = __shfl_up_sync(0xffffffffu, value, d);
            if (lane >= d) value += other;
        }
        value += carry;
        if (x < width) sums[row * width + x] = value;
        carry = __shfl_sync(0xffffffffu, value, 31);
    }
}

extern "C" __global__ void integral_columns(unsigned int* sums, int width, int height)
{
    const int x = blockIdx.x * blockDim.x + threadIdx.x;
    if (x >= width) return;
    unsigned int total = 0;
    for (unsigned int* p = sums + x; height-- > 0; p += width) {
        total += *p;
        *p = total;
    }
}

// Mean of a (2r+1)^2 box from an integral image.
__device__ unsigned int corner(const unsigned int* sums, int width, int x, int y)
{
    return x < 0 || y < 0 ? 0u : sums[y * width + x];
}

extern "C" __global__ void box_mean(const unsigned int* sums, float* mean, int width, int height, int r)
{
    const int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= width || y >= height) return;
    const int x0 = max(x - r, 0), x1 = min(x + r, width - 1);
    const int y0 = max(y - r, 0), y1 = min(y + r, height - 1);
    const unsigned int total = corner(sums, width, x1, y1) - corner(sums, width, x0 - 1, y1) -
                               corner(sums, width, x1, y0 - 1) + corner(sums, width, x0 - 1, y0 - 1);
    mean[y * width + x] = (float)total / ((x1 - x0 + 1) * (y1 - y0 + 1));
}
