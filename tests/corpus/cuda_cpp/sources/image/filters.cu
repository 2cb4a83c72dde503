// Convolutions and rank filters on single-channel images.

#define RADIUS 2
#define TILE_W 16
#define TILE_H 8

__constant__ float kGauss[2 * RADIUS + 1] = {0.0625f, 0.25f, 0.375f, 0.25f, 0.0625f};
__constant__ int kSobelX[3][3] = {{-1, 0, 1}, {-2, 0, 2}, {-1, 0, 1}};
__constant__ int kSobelY[3][3] = {{-1, -2, -1}, {0, 0, 0}, {1, 2, 1}};

__device__ inline int clampi(int v, int lo, int hi) { return v < lo ? lo : (v > hi ? hi : v); }

// Horizontal pass: a block loads its span and a halo on both sides.
extern "C" __global__ void gauss_rows(const float* src, float* dst, int width, int height)
{
    __shared__ float span[TILE_H][TILE_W + 2 * RADIUS];
    const int x0 = blockIdx.x * TILE_W - RADIUS;
    const int y = blockIdx.y * TILE_H + threadIdx.y;
    for (int i = threadIdx.x; i < TILE_W + 2 * RADIUS; i += TILE_W)
        span[threadIdx.y][i] = src[min(y, height - 1) * width + clampi(x0 + i, 0, width - 1)];
    __syncthreads();
    const int x = blockIdx.x * TILE_W + threadIdx.x;
    if (x < width && y < height) {
        float sum = 0.f;
#pragma unroll
        for (int k = -RADIUS; k <= RADIUS; ++k)
            sum += kGauss[k + RADIUS] * span[threadIdx.y][threadIdx.x + RADIUS + k];
        dst[y * width + x] = sum;
    }
}

// Both passes in one launch, the intermediate image in shared memory.
extern "C" __global__ void __launch_bounds__(TILE_W* TILE_H)
    gauss_fused(const float* __restrict__ src, float* __restrict__ dst, int width, int height)
{
    __shared__ float in[TILE_H + 2 * RADIUS][TILE_W + 2 * RADIUS];
    __shared__ float rows[TILE_H + 2 * RADIUS][TILE_W];
    const int left = blockIdx.x * TILE_W - RADIUS, top = blockIdx.y * TILE_H - RADIUS;
    for (int i = threadIdx.y; i < TILE_H + 2 * RADIUS; i += blockDim.y)
        for (int j = threadIdx.x; j < TILE_W + 2 * RADIUS; j += blockDim.x) {
            const int y = clampi(top + i, 0, height - 1);
            const int x = clampi(left + j, 0, width - 1);
            in[i][j] = src[y * width + x];
        }
    __syncthreads();
    for (int i = threadIdx.y; i < TILE_H + 2 * RADIUS; i += blockDim.y) {
        float sum = 0.f;
        for (int k = 0; k <= 2 * RADIUS; k++)
            sum += kGauss[k] * in[i][threadIdx.x + k];
        rows[i][threadIdx.x] = sum;
    }
    __syncthreads();
    const int x = left + RADIUS + threadIdx.x, y = top + RADIUS + threadIdx.y;
    if (x >= width || y >= height)
        return;
    float sum = 0.f;
    for (int k = 0; k <= 2 * RADIUS; k++)
        sum += kGauss[k] * rows[threadIdx.y + k][threadIdx.x];
    dst[y * width + x] = sum;
}

extern "C" __global__ void sobel(const unsigned char* src, unsigned char* magnitude, int width,
                                 int height)
{
    int x = blockIdx.x * blockDim.x + threadIdx.x;
    int y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= width || y >= height)
        return;
    int gx = 0, gy = 0;
    for (int dy = -1; dy <= 1; dy++) {
        for (int dx = -1; dx <= 1; dx++) {
            int yy = y + dy, xx = x + dx;
            if (yy < 0 || xx < 0 || yy >= height || xx >= width)
                continue;
            int pixel = src[yy * width + xx];
            gx += pixel * kSobelX[dy + 1][dx + 1];
            gy += pixel * kSobelY[dy + 1][dx + 1];
        }
    }
    magnitude[y * width + x] = (unsigned char)min(abs(gx) + abs(gy), 255);
}

extern "C" __global__ void bilateral(const float* in, float* out, int w, int h, int radius,
                                     float sigma_space, float sigma_range)
{
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (!(x < w && y < h)) return;
    const float centre = in[y * w + x];
    const float space = -0.5f / (sigma_space * sigma_space);
    const float range = -0.5f / (sigma_range * sigma_range);
    float sum = 0, norm = 0;
    for (int j = max(y - radius, 0); j <= min(y + radius, h - 1); ++j) {
        for (int i = max(x - radius, 0); i <= min(x + radius, w - 1); ++i) {
            const float value = in[j * w + i];
            const float d2 = (float)((i - x) * (i - x) + (j - y) * (j - y));
            const float weight = expf(d2 * space + (value - centre) * (value - centre) * range);
            sum += weight * value;
            norm += weight;
        }
    }
    out[y * w + x] = sum / norm;
}

#define SORT2(a, b)                 \
    do {                            \
        float lo = fminf((a), (b)); \
        (b) = fmaxf((a), (b));      \
        (a) = lo;                   \
    } while (0)

// The nine-element median network of Graphics Gems.
extern "C" __global__ void median3x3(const float* src, float* dst, int width, int height)
{
    int x = blockIdx.x * blockDim.x + threadIdx.x;
    int y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= width || y >= height) return;
    float v[9];
#pragma unroll
    for (int i = 0; i < 9; i++)
        v[i] = src[clampi(y + i / 3 - 1, 0, height - 1) * width + clampi(x + i % 3 - 1, 0, width - 1)];
    SORT2(v[1], v[2]); SORT2(v[4], v[5]); SORT2(v[7], v[8]);
    SORT2(v[0], v[1]); SORT2(v[3], v[4]); SORT2(v[6], v[7]);
    SORT2(v[1], v[2]); SORT2(v[4], v[5]); SORT2(v[7], v[8]);
    SORT2(v[0], v[3]); SORT2(v[5], v[8]); SORT2(v[4], v[7]);
    SORT2(v[3], v[6]); SORT2(v[1], v[4]); SORT2(v[2], v[5]);
    SORT2(v[4], v[7]); SORT2(v[4], v[2]); SORT2(v[6], v[4]);
    SORT2(v[4], v[2]);
    dst[y * width + x] = v[4];
}

// Any odd size: insertion sort of the window in a per-thread array.
template <int SIZE>
__global__ void median(const unsigned char* src, unsigned char* dst, int width, int height)
{
    static_assert(SIZE % 2 == 1, "the window needs a centre");
    int x = blockIdx.x * blockDim.x + threadIdx.x;
    int y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= width || y >= height) return;
    unsigned char window[SIZE * SIZE];
    int count = 0;
    for (int dy = -(SIZE / 2); dy <= SIZE / 2; dy++) {
        for (int dx = -(SIZE / 2); dx <= SIZE / 2; dx++) {
            unsigned char value = src[clampi(y + dy, 0, height - 1) * width + clampi(x + dx, 0, width - 1)];
            int at = count++;
            while (at > 0 && window[at - 1] > value) {
                window[at] = window[at - 1];
                at--;
            }
            window[at] = value;
        }
    }
    dst[y * width + x] = window[count / 2];
}
