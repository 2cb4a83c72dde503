// Convolutions through shared memory: a tile and its halo, loaded together or by a loop.

#ifndef RADIUS
#define RADIUS 2
#endif
#define TAPS (2 * RADIUS + 1)
#define EDGE 16
#define INNER (EDGE - 2 * RADIUS)

// blocks of EDGE x EDGE: every thread loads a pixel, those not on the rim compute one
extern "C" __global__ void conv2d_halo(const float *image, const float *filter, float *result, int width, int height) {
  int x = blockIdx.x * INNER + threadIdx.x - RADIUS;
  int y = blockIdx.y * INNER + threadIdx.y - RADIUS;
  bool inside = x >= 0 && x < width && y >= 0 && y < height;

  __shared__ float tile[EDGE][EDGE];
  if (inside) {
    tile[threadIdx.y][threadIdx.x] = image[y * width + x];
  } else {
    tile[threadIdx.y][threadIdx.x] = 0.0;
  }
  __syncthreads();

  int left = threadIdx.x - RADIUS, top = threadIdx.y - RADIUS;
  if (inside && left >= 0 && left < INNER && top >= 0 && top < INNER) {
    float sum = 0.0f;
    for (int i = 0; i < TAPS; i++)
      for (int j = 0; j < TAPS; j++)
        sum += filter[i * TAPS + j] * tile[top + i][left + j];
    result[y * width + x] = sum;
  }
}

// one channel a block's z: depthwise, the tile of any size in dynamic shared memory
template <int R, int S, int TILE_H, int TILE_W>
__global__ void depthwise_conv2d(const float* __restrict__ input, const float* __restrict__ weight,
                                 const float* __restrict__ bias, float* __restrict__ output,
                                 int C, int H, int W) {
    extern __shared__ float tile[];  // (TILE_H + R - 1) x (TILE_W + S - 1)
    constexpr int TH = TILE_H + R - 1, TW = TILE_W + S - 1;
    const int c = blockIdx.z % C;
    const int h0 = blockIdx.y * TILE_H, w0 = blockIdx.x * TILE_W;
    const float* plane = input + (long long)blockIdx.z * H * W;
    const int tid = threadIdx.y * blockDim.x + threadIdx.x;
    for (int i = tid; i < TH * TW; i += blockDim.x * blockDim.y) {
        const int h = h0 + i / TW - R / 2, w = w0 + i % TW - S / 2;
        tile[i] = (h >= 0 && h < H && w >= 0 && w < W) ? __ldg(plane + h * W + w) : 0.f;
    }
    float k[R * S];
#pragma unroll
    for (int i = 0; i < R * S; ++i) k[i] = __ldg(weight + c * R * S + i);
    __syncthreads();
    const int h = h0 + threadIdx.y, w = w0 + threadIdx.x;
    if (h >= H || w >= W) return;
    float acc = bias[c];
#pragma unroll
    for (int r = 0; r < R; ++r) {
#pragma unroll
        for (int s = 0; s < S; ++s) {
            acc += tile[(threadIdx.y + r) * TW + threadIdx.x + s] * k[r * S + s];
        }
    }
    output[(long long)blockIdx.z * H * W + h * W + w] = acc;
}
