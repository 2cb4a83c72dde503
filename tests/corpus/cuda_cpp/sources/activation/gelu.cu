// GELU in the tanh approximation, forwards and backwards.

#define SQRT_2_OVER_PI sqrtf(2.0f / M_PI)
#define GELU_CUBIC 0.044715f

extern "C" __global__ void gelu_tanh(const float* x, float* y, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        float v = x[i];
        float inner = SQRT_2_OVER_PI * (v + GELU_CUBIC * v * v * v);
        y[i] = 0.5f * v * (1.0f + tanhf(inner));
    }
}

extern "C" __global__ void gelu_tanh_backward(const float* x, const float* dy, float* dx, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        float v = x[i];
        float inner = SQRT_2_OVER_PI * (v + GELU_CUBIC * v * v * v);
        float d_inner = SQRT_2_OVER_PI * (1.0f + 3.0f * GELU_CUBIC * v * v);
        // d tanh(u) / du = 1 / cosh(u)^2
        float c = coshf(inner);
        dx[i] = dy[i] * 0.5f * (1.0f + tanhf(inner) + v * d_inner / (c * c));
    }
}
