// Elementwise kernels that take what they compute as a functor: stateless, with state, composed.

template <typename T>
struct Relu {
    __device__ __forceinline__ T operator()(T x) const { return x > T(0) ? x : T(0); }
};

template <typename T>
struct GeluErf {
    __device__ __forceinline__ T operator()(T x) const {
        constexpr T kAlpha = T(0.70710678118654752440);
        return x * T(0.5) * (T(1) + erf(x * kAlpha));
    }
};

template <typename T>
struct Sigmoid {
    __device__ T operator()(T x) const { return T(1) / (T(1) + exp(-x)); }
};

template <typename T>
struct Swish {
    Sigmoid<T> sigmoid;
    __device__ T operator()(T x) const { return x * sigmoid(x); }
};

template <typename T>
struct LeakyRelu {
    T slope;
    __device__ T operator()(T x) const { return x >= 0 ? x : slope * x; }
};

template <typename T>
struct Clamp {
    T low, high;
    __device__ T operator()(T x) const { return min(max(x, low), high); }
};

template <class Outer, class Inner>
struct Compose {
    Outer outer;
    Inner inner;
    template <typename T>
    __device__ T operator()(T x) const { return outer(inner(x)); }
};

// out = f(x + bias of the column)
template <typename T, template <typename> class Activation>
__global__ void bias_activation(T* __restrict__ out, const T* __restrict__ x, const T* __restrict__ bias,
                                int rows, int cols) {
    const Activation<T> f{};
    const int total = rows * cols;
    for (int i = threadIdx.x + blockIdx.x * blockDim.x; i < total; i += blockDim.x * gridDim.x)
        out[i] = f(x[i] + bias[i % cols]);
}

template <typename T, typename F>
__global__ void unary(T* out, const T* in, long long n, F f) {
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) out[i] = f(in[i]);
}
