// Pooling: maximum with indices and its gradient, average, adaptive, global.
#include <cfloat>

#define LOOP_1D(i, n) for (int i = (blockIdx.x * blockDim.x) + threadIdx.x; i < (n); i += (blockDim.x * gridDim.x))

struct PoolShape {
  int height, width, out_h, out_w;
  int kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w;
};

struct Span {
  int begin, end;
  __device__ Span(int out, int stride, int pad, int kernel) : begin(out * stride - pad), end(begin + kernel) {}
  __device__ Span& clip(int size) {
    begin = max(begin, 0);
    end = min(end, size);
    return *this;
  }
  __device__ int length() const { return end - begin; }
};

// planes are flattened: index runs over (N * C, out_h, out_w)
template <typename T>
__global__ void max_pool(const T* input, T* output, long long* indices, const int count, const PoolShape s) {
  LOOP_1D(index, count) {
    const int ow = index % s.out_w, oh = index / s.out_w % s.out_h;
    const T* plane = input + index / (s.out_w * s.out_h) * s.height * s.width;
    const Span rows = Span(oh, s.stride_h, s.pad_h, s.kernel_h).clip(s.height);
    const Span cols = Span(ow, s.stride_w, s.pad_w, s.kernel_w).clip(s.width);
    T best = -FLT_MAX;
    int where = rows.begin * s.width + cols.begin;
    for (int h = rows.begin; h < rows.end; h++) {
      for (int w = cols.begin; w < cols.end; w++) {
        const T v = plane[h * s.width + w];
        if (v > best || isnan(v)) { // a NaN wins and stays
          best = v;
          where = h * s.width + w;
        }
      }
    }
    output[index] = best;
    if (indices != nullptr) indices[index] = where;
  }
}

extern "C" __global__ void max_pool_backward(int n, const float* dout, const long long* indices, float* din,
                                             int pooled, int plane) {
  LOOP_1D(i, n) {
    atomicAdd(din + i / pooled * plane + indices[i], dout[i]);
  }
}

extern "C" __global__ void avg_pool(const float* const input, float* const output, const int count,
                                    const PoolShape s, const bool count_include_pad) {
  LOOP_1D(index, count) {
    const int ow = index % s.out_w, oh = index / s.out_w % s.out_h;
    Span rows(oh, s.stride_h, s.pad_h, s.kernel_h), cols(ow, s.stride_w, s.pad_w, s.kernel_w);
    // windows may reach into the padding, but not beyond it
    rows.end = min(rows.end, s.height + s.pad_h);
    cols.end = min(cols.end, s.width + s.pad_w);
    const int padded = rows.length() * cols.length();
    rows.clip(s.height);
    cols.clip(s.width);
    if (rows.length() <= 0 || cols.length() <= 0) {
      output[index] = 0.f;
      continue;
    }
    float sum = 0;
    const float* const plane = input + index / (s.out_w * s.out_h) * s.height * s.width;
    for (int h = rows.begin; h < rows.end; ++h)
      for (int w = cols.begin; w < cols.end; ++w) sum += plane[h * s.width + w];
    output[index] = sum / (count_include_pad ? padded : rows.length() * cols.length());
  }
}

__device__ inline int bin_begin(int i, int bins, int size) { return (int)floorf((float)(i * size) / bins); }
__device__ inline int bin_end(int i, int bins, int size) { return (int)ceilf((float)((i + 1) * size) / bins); }

// grid: (planes, blocks along rows); block: 2-D over the output; bins of unequal size
template <typename T>
__global__ void adaptive_avg_pool(const T* in, T* out, int in_h, int in_w, int out_h, int out_w) {
  in += blockIdx.x * in_h * in_w;
  out += blockIdx.x * out_h * out_w;
  for (int oh = blockDim.y * blockIdx.y + threadIdx.y; oh < out_h; oh += blockDim.y * gridDim.y) {
    const int h0 = bin_begin(oh, out_h, in_h), rows = bin_end(oh, out_h, in_h) - h0;
    for (int ow = threadIdx.x; ow < out_w; ow += blockDim.x) {
      const int w0 = bin_begin(ow, out_w, in_w), cols = bin_end(ow, out_w, in_w) - w0;
      const T* line = in + h0 * in_w + w0;
      T sum = static_cast<T>(0);
      for (int r = 0; r < rows; ++r, line += in_w)
        for (int c = 0; c < cols; ++c) sum += line[c];
      out[oh * out_w + ow] = sum / rows / cols;
    }
  }
}

// mean and maximum of each plane, a warp a plane: the "squeeze" of squeeze-and-excitation
extern "C" __global__ void global_pool(const float* __restrict__ x, float2* __restrict__ out, int planes, int size) {
  const int plane = blockIdx.x * blockDim.y + threadIdx.y;
  if (plane >= planes) return;
  float sum = 0.f, top = -FLT_MAX;
  for (int i = threadIdx.x; i < size; i += warpSize) {
    const float v = __ldg(x + plane * size + i);
    sum += v;
    top = v > top ? v : top;
  }
  for (int delta = warpSize >> 1; delta > 0; delta >>= 1) {
    sum += __shfl_down_sync(0xffffffff, sum, delta);
    top = fmaxf(top, __shfl_down_sync(0xffffffff, top, delta));
  }
  if (threadIdx.x == 0) out[plane] = {sum / size, top};
}
