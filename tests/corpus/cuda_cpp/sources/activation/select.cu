// The activation is chosen at run time, and work is handed to a lambda.

enum ActivationType { kIdentity = 0, kRelu = 1, kSigmoid = 2, kTanh = 3, kSoftplus = 4, kMish = 5, kHardSwish = 6 };

__device__ float activate(ActivationType type, float x) {
    switch (type) {
        case kRelu:
            return fmaxf(x, 0.f);
        case kSigmoid:
            return 1.f / (1.f + expf(-x));
        case kTanh:
            return tanhf(x);
        case kSoftplus:
            return x > 20.f ? x : log1pf(expf(x));
        case kMish: {
            float sp = x > 20.f ? x : log1pf(expf(x));
            return x * tanhf(sp);
        }
        case kHardSwish: {
            float r = fminf(fmaxf(x + 3.f, 0.f), 6.f);
            return x * r * (1.f / 6.f);
        }
        case kIdentity:
        default:
            return x;
    }
}

template <typename Function>
__device__ __forceinline__ void for_each_index(int n, Function&& f) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += blockDim.x * gridDim.x) f(i);
}

extern "C" __global__ void apply_activation(float* data, int n, int type) {
    for_each_index(n, [=](int i) { data[i] = activate(static_cast<ActivationType>(type), data[i]); });
}

extern "C" __global__ void prelu_backward(const float* x, const float* dy, const float* slope, float* dx,
                                          float* dslope, int n, int channels, int inner) {
    auto channel_of = [channels, inner](int i) { return (i / inner) % channels; };
    for_each_index(n, [&](auto i) {
        const int c = channel_of(i);
        const bool positive = x[i] > 0;
        dx[i] = positive ? dy[i] : slope[c] * dy[i];
        if (!positive) atomicAdd(&dslope[c], dy[i] * x[i]);
    });
}
