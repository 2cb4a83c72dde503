// Resizing of feature maps: nearest, bilinear both ways, pixel shuffle, and sampling along a grid.

__device__ __forceinline__ static int nearest_source(float scale, int at, int size) {
  return min(static_cast<int>(floorf(at * scale)), size - 1);
}

// Planes beyond the grid's third extent are reached by strides.
extern "C" __global__ void upsample_nearest(const unsigned char* in, unsigned char* out, int planes, int in_h, int in_w,
                                            int out_h, int out_w, float scale_h, float scale_w) {
  const int x = threadIdx.x + blockIdx.x * blockDim.x;
  const int y = threadIdx.y + blockIdx.y * blockDim.y;
  if (x >= out_w || y >= out_h) return;
  int plane = threadIdx.z + blockIdx.z * blockDim.z;
  const int step = blockDim.z * gridDim.z;
  const unsigned char* from = in + (plane * in_h + nearest_source(scale_h, y, in_h)) * in_w + nearest_source(scale_w, x, in_w);
  unsigned char* to = out + (plane * out_h + y) * out_w + x;
  while (plane < planes) {
    *to = *from;
    to += step * out_h * out_w;
    from += step * in_h * in_w;
    plane += step;
  }
}

struct Taps {
  int i0, i1;
  float w0, w1;
};

template <bool ALIGN>
__device__ Taps taps(int dst, int in, int out) {
  float at;
  if (ALIGN)
    at = out > 1 ? dst * (float)(in - 1) / (out - 1) : 0.f;
  else
    at = fmaxf((dst + 0.5f) * ((float)in / out) - 0.5f, 0.f);
  Taps t;
  t.i0 = min((int)at, in - 1);
  t.i1 = t.i0 + (t.i0 < in - 1);
  t.w1 = at - t.i0;
  t.w0 = 1.f - t.w1;
  return t;
}

template <bool ALIGN>
__global__ void upsample_bilinear(const float* __restrict__ x, float* __restrict__ y, int H, int W, int OH, int OW) {
  const int ow = blockIdx.x * blockDim.x + threadIdx.x, oh = blockIdx.y * blockDim.y + threadIdx.y;
  if (ow >= OW || oh >= OH) return;
  const Taps v = taps<ALIGN>(oh, H, OH), h = taps<ALIGN>(ow, W, OW);
  const float* p = x + blockIdx.z * H * W;
  y[(blockIdx.z * OH + oh) * OW + ow] = v.w0 * (h.w0 * p[v.i0 * W + h.i0] + h.w1 * p[v.i0 * W + h.i1])
                                      + v.w1 * (h.w0 * p[v.i1 * W + h.i0] + h.w1 * p[v.i1 * W + h.i1]);
}

template <bool ALIGN>
__global__ void upsample_bilinear_backward(const float* __restrict__ dy, float* dx, int H, int W, int OH, int OW) {
  const int ow = blockIdx.x * blockDim.x + threadIdx.x, oh = blockIdx.y * blockDim.y + threadIdx.y;
  if (ow >= OW || oh >= OH) return;
  const Taps v = taps<ALIGN>(oh, H, OH), h = taps<ALIGN>(ow, W, OW);
  float* p = dx + blockIdx.z * H * W;
  const float g = dy[(blockIdx.z * OH + oh) * OW + ow];
  atomicAdd(p + v.i0 * W + h.i0, v.w0 * h.w0 * g);
  atomicAdd(p + v.i0 * W + h.i1, v.w0 * h.w1 * g);
  atomicAdd(p + v.i1 * W + h.i0, v.w1 * h.w0 * g);
  atomicAdd(p + v.i1 * W + h.i1, v.w1 * h.w1 * g);
}

// (N, C r^2, H, W) -> (N, C, H r, W r)
template <typename T>
__global__ void pixel_shuffle(T* out, const T* in, int n, int C, int H, int W, int r) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  int x = i % (W * r), y = i / (W * r) % (H * r), c = i / (W * r * H * r) % C, b = i / (W * r * H * r * C);
  int from = c * r * r + y % r * r + x % r;
  out[i] = in[((b * C * r * r + from) * H + y / r) * W + x / r];
}

enum class Padding { Zeros, Border };

__device__ inline float unnormalise(float x, int size) { return ((x + 1.f) * size - 1.f) / 2.f; }

// grid: (N, OH, OW, 2) of x, y in [-1, 1]
template <Padding PAD>
__global__ void grid_sampler_2d(const float* input, const float2* grid, float* output, int C, int H, int W, int points, int n) {
  const int index = blockIdx.x * blockDim.x + threadIdx.x;
  if (index >= n * points) return;
  const int b = index / points, at = index - b * points;
  float2 g = grid[index];
  float ix = unnormalise(g.x, W), iy = unnormalise(g.y, H);
  if constexpr (PAD == Padding::Border) {
    ix = fminf(fmaxf(ix, 0.f), W - 1.f);
    iy = fminf(fmaxf(iy, 0.f), H - 1.f);
  }
  const int x0 = __float2int_rd(ix), y0 = static_cast<int>(::floor(iy));
  for (int c = 0; c < C; ++c) {
    float acc = 0.f;
#pragma unroll
    for (int dy = 0; dy <= 1; ++dy)
#pragma unroll
      for (int dx = 0; dx <= 1; ++dx) {
        const int xx = x0 + dx, yy = y0 + dy;
        if (xx < 0 || yy < 0 || xx >= W || yy >= H) continue;
        const float wx = dx ? ix - x0 : x0 + 1 - ix;
        const float wy = dy ? iy - y0 : y0 + 1 - iy;
        acc += wx * wy * input[((b * C + c) * H + yy) * W + xx];
      }
    output[(b * C + c) * points + at] = acc;
  }
}
