// Resampling: a view gives bounds-checked access, a transform is passed by value.

template <typename T>
struct View {
    const T* data;
    int width, height, pitch;

    __device__ View(const T* d, int w, int h, int p) : data(d), width(w), height(h), pitch(p) {}

    __device__ T operator()(int x, int y) const
    {
        x = max(0, min(x, width - 1));
        y = max(0, min(y, height - 1));
        return data[y * pitch + x];
    }

    __device__ float bilinear(float x, float y) const
    {
        const float fx = floorf(x), fy = floorf(y);
        const int ix = (int)fx, iy = (int)fy;
        const float ax = x - fx, ay = y - fy;
        const float top = (*this)(ix, iy) * (1.f - ax) + (*this)(ix + 1, iy) * ax;
        const float bottom = (*this)(ix, iy + 1) * (1.f - ax) + (*this)(ix + 1, iy + 1) * ax;
        return top * (1.f - ay) + bottom * ay;
    }
};

struct Affine {
    float m[2][3];
};

extern "C" __global__ void resize_bilinear(const float* src, int sw, int sh, float* dst, int dw, int dh)
{
    int x = blockIdx.x * blockDim.x + threadIdx.x;
    int y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= dw || y >= dh) return;
    View<float> image(src, sw, sh, sw);
    float u = (x + 0.5f) * ((float)sw / dw) - 0.5f;
    float v = (y + 0.5f) * ((float)sh / dh) - 0.5f;
    dst[y * dw + x] = image.bilinear(u, v);
}

extern "C" __global__ void resize_nearest(const uchar3* src, int sw, int sh, uchar3* dst, int dw, int dh)
{
    int x = blockIdx.x * blockDim.x + threadIdx.x;
    int y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= dw || y >= dh) return;
    dst[y * dw + x] = View<uchar3>{src, sw, sh, sw}.data[(y * sh / dh) * sw + x * sw / dw];
}

extern "C" __global__ void warp_affine(const float* src, float* dst, int width, int height, Affine t,
                                       float border)
{
    const int x = blockIdx.x * blockDim.x + threadIdx.x;
    const int y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= width || y >= height) return;
    const float u = t.m[0][0] * x + t.m[0][1] * y + t.m[0][2];
    const float v = t.m[1][0] * x + t.m[1][1] * y + t.m[1][2];
    float value = border;
    if (u >= 0.f && v >= 0.f && u <= width - 1 && v <= height - 1)
        value = View<float>(src, width, height, width).bilinear(u, v);
    dst[y * width + x] = value;
}
