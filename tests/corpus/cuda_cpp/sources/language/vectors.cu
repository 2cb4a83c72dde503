// Vector types: members, make_ functions, wide loads and stores, arrays of them.

#define GLOBAL_ID ((int)(blockIdx.x * blockDim.x + threadIdx.x))

extern "C" __global__ void vector_members(const float4* a, const int2* b, const uchar4* c, const double2* d, float* out,
                                          int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    float4 v = a[i];
    v.x += b[i].y;
    v.w = v.z * 2.0f;
    int2 swapped = make_int2(b[i].y, b[i].x);
    uchar4 pixel = c[i];
    pixel.x = 255 - pixel.x;
    const double2 z = d[i];
    out[i * 5] = v.x + v.y + v.z + v.w;
    out[i * 5 + 1] = swapped.x * 10 + swapped.y;
    out[i * 5 + 2] = pixel.x + pixel.y * 2 + pixel.z * 4 + pixel.w * 8;
    out[i * 5 + 3] = (float)(z.x * z.y);
    float4 parts[2] = {v, make_float4(1.f, 2.f, 3.f, 4.f)};
    out[i * 5 + 4] = parts[i & 1].y + (&parts[i & 1].x)[i & 3];
}

// Loads of several elements at once through a cast pointer, and a scalar tail.
extern "C" __global__ void copy_vectorised(const float* in, float* out, int n)
{
    const int stride = gridDim.x * blockDim.x;
    const int n4 = n / 4;
    for (int i = GLOBAL_ID; i < n4; i += stride) {
        float4 v = reinterpret_cast<const float4*>(in)[i];
        v.x *= 2.f;
        v.y *= 2.f;
        v.z *= 2.f;
        v.w *= 2.f;
        *(reinterpret_cast<float4*>(out) + i) = v;
    }
    for (int i = n4 * 4 + GLOBAL_ID; i < n; i += stride) out[i] = in[i] * 2.f;
}

// Sixteen bytes a load, taken apart.
extern "C" __global__ void unpack_bytes(const uint4* in, int* sums, unsigned char* largest, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    const uint4 v = in[i];
    const unsigned words[4] = {v.x, v.y, v.z, v.w};
    int sum = 0;
    unsigned char top = 0;
#pragma unroll
    for (int w = 0; w < 4; ++w)
        for (int b = 0; b < 4; ++b) {
            const unsigned char byte = words[w] >> (8 * b);
            sum += byte;
            top = max(top, byte);
        }
    sums[i] = sum;
    largest[i] = top;
}

__device__ inline int2 operator+(int2 a, int2 b) { return make_int2(a.x + b.x, a.y + b.y); }
__device__ inline float3& operator*=(float3& v, float s)
{
    v.x *= s;
    v.y *= s;
    v.z *= s;
    return v;
}
__device__ inline float dot(const float3& a, const float3& b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
__device__ inline float3 cross(float3 a, float3 b)
{
    return make_float3(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x);
}

extern "C" __global__ void vector_operators(const float3* a, const float3* b, float3* out, int2* pairs, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    float3 c = cross(a[i], b[i]);
    c *= dot(a[i], b[i]);
    out[i] = c;
    int2 p = {i, -i};
    pairs[i] = p + p + make_int2(1, 2);
}

// The other widths: shorts, long longs, chars; a struct made of vectors.
struct Ray {
    float3 origin;
    float3 direction;
    float2 range;
};

extern "C" __global__ void other_vectors(const short2* s, const ushort4* u, const longlong2* l, const char4* c,
                                         const Ray* rays, long long* out, float* hits, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    out[i * 3] = s[i].x * s[i].y + (u[i].x ^ u[i].w);
    out[i * 3 + 1] = l[i].x - l[i].y;
    out[i * 3 + 2] = c[i].x + c[i].y * c[i].z - c[i].w;
    const Ray& r = rays[i];
    const float t = -r.origin.z / r.direction.z;
    hits[i] = t > r.range.x && t < r.range.y ? r.origin.x + t * r.direction.x : -1.0f;
}
