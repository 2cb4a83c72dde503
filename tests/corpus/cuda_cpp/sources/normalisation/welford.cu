// Mean and variance in one pass, merged across lanes by Chan's formula.

template <typename T>
struct WelfordData {
    T mean;
    T m2;
    int n;

    __device__ WelfordData() : mean(0), m2(0), n(0) {}
    __device__ WelfordData(T mean, T m2, int n) : mean(mean), m2(m2), n(n) {}

    __device__ void update(T x) {
        n += 1;
        T delta = x - mean;
        mean += delta / n;
        m2 += delta * (x - mean);
    }

    __device__ WelfordData merge(const WelfordData& b) const {
        if (n == 0) return b;
        if (b.n == 0) return *this;
        int count = n + b.n;
        T delta = b.mean - mean;
        T share = T(b.n) / T(count);
        return WelfordData(mean + delta * share, m2 + b.m2 + delta * delta * n * share, count);
    }

    __device__ WelfordData shuffle_down(int offset) const {
        return {__shfl_down_sync(0xffffffffu, mean, offset), __shfl_down_sync(0xffffffffu, m2, offset),
                __shfl_down_sync(0xffffffffu, n, offset)};
    }

    __device__ T variance() const { return n > 0 ? m2 / n : T(0); }
};

template <typename T, int WARPS>
__global__ void welford_layer_norm(const T* __restrict__ input, T* __restrict__ output,
                                   T* __restrict__ mean, T* __restrict__ inv_std, int cols, T eps) {
    __shared__ T shared_mean[WARPS], shared_m2[WARPS];
    __shared__ int shared_n[WARPS];
    const int warp = threadIdx.x / warpSize, lane = threadIdx.x % warpSize;
    input += (size_t)blockIdx.x * cols;
    output += (size_t)blockIdx.x * cols;

    WelfordData<T> data;
    for (int c = threadIdx.x; c < cols; c += blockDim.x) data.update(input[c]);
    for (int offset = warpSize / 2; offset > 0; offset >>= 1) data = data.merge(data.shuffle_down(offset));
    if (lane == 0) {
        shared_mean[warp] = data.mean;
        shared_m2[warp] = data.m2;
        shared_n[warp] = data.n;
    }
    __syncthreads();

    WelfordData<T> all;
#pragma unroll
    for (int w = 0; w < WARPS; ++w) all = all.merge({shared_mean[w], shared_m2[w], shared_n[w]});
    const T scale = T(1) / sqrt(all.variance() + eps);
    if (threadIdx.x == 0) {
        mean[blockIdx.x] = all.mean;
        inv_std[blockIdx.x] = scale;
    }
    for (int c = threadIdx.x; c < cols; c += blockDim.x) output[c] = (input[c] - all.mean) * scale;
}
