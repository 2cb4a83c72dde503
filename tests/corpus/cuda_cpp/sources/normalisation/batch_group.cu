// Batch, group and instance normalisation of (N, C, HW) images.

struct float_pair {
    float v1, v2;
    __device__ float_pair() {}
    __device__ float_pair(float a, float b) : v1(a), v2(b) {}
    __device__ float_pair& operator+=(const float_pair& o) { v1 += o.v1; v2 += o.v2; return *this; }
};

template <int THREADS>
__device__ float_pair reduce(float_pair val) {
    __shared__ float_pair shared[THREADS];
    const int t = threadIdx.x;
    shared[t] = val;
    __syncthreads();
    for (int s = THREADS >> 1; s; s >>= 1) {
        if (t < s) shared[t] += shared[t + s];
        __syncthreads();
    }
    return shared[0];
}

struct BatchNormParams {
    int N, C, HW;
    float eps;
    float momentum;
};

// A block a channel: statistics, running statistics, output.
extern "C" __global__ void batch_norm_train(const float* x, const float* gamma, const float* beta,
                                            float* y, float* save_mean, float* save_invstd,
                                            float* running_mean, float* running_var, BatchNormParams p) {
    const int c = blockIdx.x, count = p.N * p.HW;
    float_pair acc(0.f, 0.f);
    for (int i = threadIdx.x; i < count; i += blockDim.x) {
        const int n = i / p.HW, hw = i - n * p.HW;
        const float v = x[(n * p.C + c) * p.HW + hw];
        acc += float_pair(v, v * v);
    }
    acc = reduce<128>(acc);
    const float mean = acc.v1 / count;
    const float var = acc.v2 / count - mean * mean;
    const float invstd = 1.0f / sqrtf(var + p.eps);
    if (threadIdx.x == 0) {
        save_mean[c] = mean;
        save_invstd[c] = invstd;
        running_mean[c] = (1 - p.momentum) * running_mean[c] + p.momentum * mean;
        running_var[c] = (1 - p.momentum) * running_var[c] + p.momentum * var * count / (count - 1);
    }
    for (int i = threadIdx.x; i < count; i += blockDim.x) {
        const int n = i / p.HW, hw = i % p.HW;
        const int at = (n * p.C + c) * p.HW + hw;
        y[at] = gamma[c] * (x[at] - mean) * invstd + beta[c];
    }
}

extern "C" __global__ void batch_norm_inference(float* data, const float* mean, const float* var,
                                                const float* gamma, const float* beta,
                                                int n, int C, int HW, float eps) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
        int c = (i / HW) % C;
        float scale = __ldg(gamma + c) * rsqrtf(__ldg(var + c) + eps);
        data[i] = fmaf(data[i] - __ldg(mean + c), scale, __ldg(beta + c));
    }
}

extern "C" __global__ void batch_norm_backward(const float* dy, const float* x, const float* mean,
                                               const float* invstd, const float* gamma,
                                               float* dx, float* dgamma, float* dbeta, BatchNormParams p) {
    const int c = blockIdx.x, count = p.N * p.HW;
    float_pair acc(0, 0);
    for (int i = threadIdx.x; i < count; i += 128) {
        int at = (i / p.HW * p.C + c) * p.HW + i % p.HW;
        float g = dy[at];
        acc += float_pair(g, g * (x[at] - mean[c]) * invstd[c]);
    }
    acc = reduce<128>(acc);
    if (threadIdx.x == 0) { dbeta[c] = acc.v1; dgamma[c] = acc.v2; }
    float mean_dy = acc.v1 / count, mean_dy_xhat = acc.v2 / count;
    for (int i = threadIdx.x; i < count; i += 128) {
        int at = (i / p.HW * p.C + c) * p.HW + i % p.HW;
        float xhat = (x[at] - mean[c]) * invstd[c];
        dx[at] = gamma[c] * invstd[c] * (dy[at] - mean_dy - xhat * mean_dy_xhat);
    }
}

// grid (groups, N); a group is contiguous. With one channel a group it is instance norm.
template <typename T, bool AFFINE>
__global__ void group_norm(const T* __restrict__ x, T* __restrict__ y, const float* __restrict__ gamma,
                           const float* __restrict__ beta, int C, int HW, int groups, float eps) {
    const int g = blockIdx.x, n = blockIdx.y;
    const int D = C / groups;
    const T* src = x + ((size_t)n * C + g * D) * HW;
    T* dst = y + ((size_t)n * C + g * D) * HW;
    float_pair acc(0.f, 0.f);
    for (int i = threadIdx.x; i < D * HW; i += 64) {
        float v = static_cast<float>(src[i]);
        acc.v1 += v;
    }
    float mean = reduce<64>(acc).v1 / (D * HW);
    __syncthreads();
    acc.v2 = 0.f;
    for (int i = threadIdx.x; i < D * HW; i += 64) {
        float d = static_cast<float>(src[i]) - mean;
        acc.v2 += d * d;
    }
    float rstd = 1.f / sqrtf(reduce<64>(acc).v2 / (D * HW) + eps);
    for (int i = threadIdx.x; i < D * HW; i += 64) {
        float v = (static_cast<float>(src[i]) - mean) * rstd;
        if (AFFINE) {
            const int c = g * D + i / HW;
            v = v * gamma[c] + beta[c];
        }
        dst[i] = static_cast<T>(v);
    }
}

// Rows scaled to length one; `eps` bounds the length from below.
extern "C" __global__ void l2_normalize(double* x, int n, double eps) {
    double s = 0;
    double* row = x + blockIdx.x * n;
    for (int i = threadIdx.x; i < n; i += 32) s += row[i] * row[i];
    for (int o = 16; o; o >>= 1) s += __shfl_down_sync(~0u, s, o);
    s = __shfl_sync(~0u, s, 0);
    double inv = 1.0 / max(sqrt(s), eps);
    for (int i = threadIdx.x; i < n; i += 32) row[i] *= inv;
}
