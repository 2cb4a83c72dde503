// Dropout by a counter-based generator: the mask depends on seed and index alone.

// a multiply-xorshift finaliser; constants as in the well-known 32-bit avalanche mixers
__device__ __host__ inline unsigned int mix32(unsigned int counter, unsigned int seed)
{
    unsigned int h = counter * 0x9e3779b9u + seed;
    h ^= h >> 16;
    h *= 0x85ebca6bu;
    h ^= h >> 13;
    h *= 0xc2b2ae35u;
    h ^= h >> 16;
    return h;
}

extern "C" __global__ void dropout_forward(float* out, unsigned char* mask, const float* in,
                                           int n, float p, unsigned int seed)
{
    const float scale = 1.0f / (1.0f - p);
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
        // 24 bits make a float in [0, 1)
        float u = (mix32(i, seed) >> 8) * (1.0f / 16777216.0f);
        bool keep = u >= p;
        mask[i] = keep;
        out[i] = keep ? in[i] * scale : 0.0f;
    }
}

// out = residual + dropout(in + bias), the mask made anew and never stored
extern "C" __global__ void bias_dropout_residual(float4* out, const float4* in, const float4* residual,
                                                 const float* bias, int n4, int cols, float p, unsigned int seed)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n4) return;
    const float scale = 1.0f / (1.0f - p);
    const unsigned int threshold = (unsigned int)(p * 4294967296.0);
    float4 v = in[i], r = residual[i];
    float* pv = &v.x;
    float* pr = &r.x;
    #pragma unroll
    for (int k = 0; k < 4; k++) {
        int at = 4 * i + k;
        float t = pv[k] + bias[at % cols];
        pr[k] += mix32(at, seed) < threshold ? 0.0f : t * scale;
    }
    out[i] = r;
}
