// Colour conversions on packed pixels.

#define CLAMP_BYTE(v) ((unsigned char)((v) < 0 ? 0 : (v) > 255 ? 255 : (v)))

extern "C" __global__ void rgba_to_grey(const uchar4* __restrict__ rgba,
                                        unsigned char* __restrict__ grey, int rows, int cols)
{
    const int x = blockIdx.x * blockDim.x + threadIdx.x;
    const int y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= cols || y >= rows)
        return;
    const uchar4 p = rgba[y * cols + x];
    grey[y * cols + x] = (77 * p.x + 150 * p.y + 29 * p.z + 128) >> 8;
}

// BT.601, full-size chroma for every 2x2 pixels (NV12: a luma plane, then interleaved U and V).
extern "C" __global__ void nv12_to_rgba(const unsigned char* luma, const uchar2* chroma,
                                        uchar4* out, int width, int height)
{
    int x = blockIdx.x * blockDim.x + threadIdx.x;
    int y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x < width && y < height) {
        int c = luma[y * width + x] - 16;
        uchar2 uv = chroma[(y / 2) * (width / 2) + x / 2];
        int d = uv.x - 128, e = uv.y - 128;
        int r = (298 * c + 409 * e + 128) >> 8;
        int g = (298 * c - 100 * d - 208 * e + 128) >> 8;
        int b = (298 * c + 516 * d + 128) >> 8;
        out[y * width + x] = make_uchar4(CLAMP_BYTE(r), CLAMP_BYTE(g), CLAMP_BYTE(b), 255);
    }
}

__device__ __forceinline__ float3 rgb_to_hsv(float3 c)
{
    float v = fmaxf(c.x, fmaxf(c.y, c.z));
    float low = fminf(c.x, fminf(c.y, c.z));
    float chroma = v - low;
    float h = 0.f;
    if (chroma > 0.f) {
        if (v == c.x)
            h = (c.y - c.z) / chroma + (c.y < c.z ? 6.f : 0.f);
        else if (v == c.y)
            h = (c.z - c.x) / chroma + 2.f;
        else
            h = (c.x - c.y) / chroma + 4.f;
    }
    float s = v > 0.f ? chroma / v : 0.f;
    return make_float3(h * 60.f, s, v);
}

extern "C" __global__ void rgb_to_hsv_planar(const float3* rgb, float* h, float* s, float* v, int n)
{
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
        float3 hsv = rgb_to_hsv(rgb[i]);
        h[i] = hsv.x;
        s[i] = hsv.y;
        v[i] = hsv.z;
    }
}

// Source-over blending of premultiplied pixels in 8-bit fixed point; packed as 0xAABBGGRR.
__device__ unsigned int blend_channel(unsigned int src, unsigned int dst, unsigned int alpha)
{
    unsigned int t = dst * (255u - alpha) + 128u;
    return min(255u, src + ((t + (t >> 8)) >> 8));
}

extern "C" __global__ void blend_over(const unsigned int* src, unsigned int* dst, size_t n)
{
    size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    unsigned int s = src[i], d = dst[i], alpha = s >> 24, result = 0;
#pragma unroll
    for (int shift = 0; shift < 32; shift += 8)
        result |= blend_channel((s >> shift) & 0xffu, (d >> shift) & 0xffu, alpha) << shift;
    dst[i] = result;
}
