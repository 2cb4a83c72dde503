// Erosion and dilation share one kernel; what differs is a functor.

struct Erode {
    static __device__ unsigned char identity() { return 255; }
    __device__ unsigned char operator()(unsigned char a, unsigned char b) const { return a < b ? a : b; }
};

struct Dilate {
    static __device__ unsigned char identity() { return 0; }
    __device__ unsigned char operator()(unsigned char a, unsigned char b) const { return a > b ? a : b; }
};

template <class Op, int R, int TILE>
__global__ void morphology(const unsigned char* __restrict__ src, unsigned char* __restrict__ dst,
                           int width, int height)
{
    constexpr int SIDE = TILE + 2 * R;
    __shared__ unsigned char tile[SIDE][SIDE];
    const int left = (int)(blockIdx.x * TILE) - R, top = (int)(blockIdx.y * TILE) - R;
    for (int i = threadIdx.y * TILE + threadIdx.x; i < SIDE * SIDE; i += TILE * TILE) {
        const int x = left + i % SIDE, y = top + i / SIDE;
        const bool inside = x >= 0 && y >= 0 && x < width && y < height;
        tile[i / SIDE][i % SIDE] = inside ? src[y * width + x] : Op::identity();
    }
    __syncthreads();
    const int x = left + R + threadIdx.x, y = top + R + threadIdx.y;
    if (x < width && y < height) {
        Op op;
        unsigned char result = Op::identity();
        for (int dy = 0; dy <= 2 * R; ++dy)
            for (int dx = 0; dx <= 2 * R; ++dx)
                result = op(result, tile[threadIdx.y + dy][threadIdx.x + dx]);
        dst[y * width + x] = result;
    }
}

// 32 binary pixels a word: a word's horizontal neighbours reach in from the words beside it.
extern "C" __global__ void dilate_bits(const unsigned int* src, unsigned int* dst, int words, int rows)
{
    int w = blockIdx.x * blockDim.x + threadIdx.x;
    int y = blockIdx.y;
    if (w >= words) return;
    unsigned int result = 0;
    for (int dy = -1; dy <= 1; ++dy) {
        int row = y + dy;
        if (row < 0 || row >= rows) continue;
        const unsigned int* line = src + row * words;
        unsigned int before = w > 0 ? line[w - 1] : 0u;
        unsigned int here = line[w];
        unsigned int after = w + 1 < words ? line[w + 1] : 0u;
        result |= here | __funnelshift_l(before, here, 1) | __funnelshift_r(here, after, 1);
    }
    dst[y * words + w] = result;
}
