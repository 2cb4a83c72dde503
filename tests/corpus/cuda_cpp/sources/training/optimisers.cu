// One step of the usual optimisers, and the gradient's norm and clipping.
#include <cuda_bf16.h>

__device__ __forceinline__ float as_float(float v) { return v; }
__device__ __forceinline__ float as_float(__nv_bfloat16 v) { return __bfloat162float(v); }
__device__ __forceinline__ void assign(float& to, float v) { to = v; }
__device__ __forceinline__ void assign(__nv_bfloat16& to, float v) { to = __float2bfloat16_rn(v); }

// a + t (b - a) in two operations
__device__ inline float mix(float a, float b, float t) {
    return fma(t, b, fma(-t, a, a));
}

struct AdamHyper {
    float lr, beta1, beta2;
    float correction1, correction2;  // 1 - beta^step
    float eps, decay, grad_scale;
};

template <typename P, typename G>
__device__ void adamw_one(size_t i, P* params, float* master, const G* grads, float* m, float* v, const AdamHyper& h) {
    const float g = h.grad_scale * as_float(grads[i]);
    m[i] = mix(g, m[i], h.beta1);
    v[i] = mix(g * g, v[i], h.beta2);
    const float m_hat = m[i] / h.correction1, v_hat = v[i] / h.correction2;
    // the exact weights if they are kept, otherwise the rounded ones
    const float old = master != NULL ? master[i] : as_float(params[i]);
    const float now = old - h.lr * (m_hat / (sqrtf(v_hat) + h.eps) + h.decay * old);
    assign(params[i], now);
    if (master != NULL) { master[i] = now; }
}

template <typename P, typename G>
__global__ void adamw(P* params, float* master, const G* grads, float* m, float* v, size_t n, AdamHyper h) {
    size_t i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) { return; }
    adamw_one(i, params, master, grads, m, v, h);
}

struct SgdOptions {
    float lr;
    float momentum;
    float dampening;
    float weight_decay;
    bool nesterov;
    bool maximize;
};

extern "C" __global__ void sgd_momentum(float* __restrict__ p, const float* __restrict__ g, float* __restrict__ buf,
                                        long long n, const SgdOptions o, int step) {
    const long long stride = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += stride) {
        float d = o.maximize ? -g[i] : g[i];
        if (o.weight_decay != 0.f) d += o.weight_decay * p[i];
        if (o.momentum != 0.f) {
            buf[i] = step == 0 ? d : o.momentum * buf[i] + (1.f - o.dampening) * d;
            d = o.nesterov ? d + o.momentum * buf[i] : buf[i];
        }
        p[i] -= o.lr * d;
    }
}

// Rules that differ in one line each, as functors
struct Adagrad {
    float lr, eps;
    __device__ float operator()(float w, float g, float& h) const {
        h += g * g;
        return w - lr * g / (sqrtf(h) + eps);
    }
};

struct RMSProp {
    float lr, eps, alpha;
    __device__ float operator()(float w, float g, float& h) const {
        h = alpha * h + (1 - alpha) * g * g;
        return w - lr * g * rsqrtf(h + eps);
    }
};

struct Lion {
    float lr, beta1, beta2, decay;
    __device__ float operator()(float w, float g, float& h) const {
        const float u = beta1 * h + (1.f - beta1) * g;
        h = beta2 * h + (1.f - beta2) * g;
        const float sign = (u > 0.f) - (u < 0.f);
        return w * (1.f - lr * decay) - lr * sign;
    }
};

template <class Rule>
__global__ void optimiser_step(float* w, const float* g, float* state, int n, Rule rule) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
        w[i] = rule(w[i], g[i], state[i]);
}

template <class T>
__global__ void squared_norm(float* result, const T* values, size_t count) {
    __shared__ float of_warp[32];
    const size_t step = gridDim.x * blockDim.x;
    float sum = 0.f;
    for (size_t i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) {
        const float v = (float)values[i];
        sum += v * v;
    }
    for (int o = 16; o > 0; o >>= 1) sum += __shfl_down_sync(0xffffffffu, sum, o);
    if ((threadIdx.x & 31) == 0) of_warp[threadIdx.x >> 5] = sum;
    __syncthreads();
    if (threadIdx.x == 0) {
        float total = 0.f;
        for (int w = 0; w < (int)(blockDim.x + 31) / 32; ++w) total += of_warp[w];
        atomicAdd(result, total);
    }
}

extern "C" __global__ void clip_gradients(float* grads, const float* norm_squared, float max_norm, int n) {
    const float norm = sqrtf(*norm_squared);
    const float coefficient = fminf(max_norm / (norm + 1e-6f), 1.0f);
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) grads[i] *= coefficient;
}

// Exponential moving average of weights, with the decay warmed up
extern "C" __global__ void ema_update(double* shadow, const float* weights, int n, double decay, int updates) {
    const double d = fmin(decay, (1.0 + updates) / (10.0 + updates));
    const unsigned i = blockDim.x * blockIdx.x + threadIdx.x;
    if (i < (unsigned)n) shadow[i] -= (1.0 - d) * (shadow[i] - weights[i]);
}
