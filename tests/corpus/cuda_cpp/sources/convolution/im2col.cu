// Images to columns and back: the matrix of patches that turns a convolution into a product.

#define GRID_STRIDE_LOOP(i, n) \
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; \
       i < (n); \
       i += blockDim.x * gridDim.x)

struct Window {
  int height, width;      // of the image
  int kh, kw;             // of the kernel
  int pad_h, pad_w;
  int stride_h, stride_w;
  int dil_h, dil_w;
  int out_h, out_w;       // of a column's grid
};

// columns: (C, kh, kw, out_h, out_w); a thread makes the kh * kw entries of a place and channel
template <typename T>
__global__ void im2col(const int n, const T* image, T* columns, const Window g) {
  GRID_STRIDE_LOOP(index, n) {
    const int ox = index % g.out_w;
    const int oy = (index / g.out_w) % g.out_h;
    const int channel = index / (g.out_w * g.out_h);
    const int y0 = oy * g.stride_h - g.pad_h, x0 = ox * g.stride_w - g.pad_w;
    const T* plane = image + channel * g.height * g.width;
    T* column = columns + (channel * g.kh * g.kw * g.out_h + oy) * g.out_w + ox;
    for (int i = 0; i < g.kh; ++i) {
      const int y = y0 + i * g.dil_h;
      for (int j = 0; j < g.kw; ++j) {
        const int x = x0 + j * g.dil_w;
        *column = (y >= 0 && x >= 0 && y < g.height && x < g.width) ? plane[y * g.width + x] : T(0);
        column += g.out_h * g.out_w;
      }
    }
  }
}

// the adjoint: a thread gathers what a pixel gave to all columns
template <typename T>
__global__ void col2im(const int n, const T* columns, T* image, const Window g) {
  GRID_STRIDE_LOOP(index, n) {
    const int x = index % g.width + g.pad_w;
    const int y = (index / g.width) % g.height + g.pad_h;
    const int channel = index / (g.width * g.height);
    const int reach_h = (g.kh - 1) * g.dil_h + 1, reach_w = (g.kw - 1) * g.dil_w + 1;
    // the first and one past the last place whose window holds this pixel
    const int oy0 = y < reach_h ? 0 : (y - reach_h) / g.stride_h + 1;
    const int ox0 = x < reach_w ? 0 : (x - reach_w) / g.stride_w + 1;
    const int oy1 = min(y / g.stride_h + 1, g.out_h), ox1 = min(x / g.stride_w + 1, g.out_w);
    T sum = 0;
    for (int oy = oy0; oy < oy1; ++oy) {
      for (int ox = ox0; ox < ox1; ++ox) {
        const int dy = y - oy * g.stride_h, dx = x - ox * g.stride_w;
        if (dy % g.dil_h || dx % g.dil_w) continue;
        const int tap = (channel * g.kh + dy / g.dil_h) * g.kw + dx / g.dil_w;
        sum += columns[(tap * g.out_h + oy) * g.out_w + ox];
      }
    }
    image[index] = sum;
  }
}
