// Convolutions of images straight from their definition: forwards, backwards, grouped, dilated.

struct ConvParams {
    int N, C, H, W;       // input
    int K, R, S;          // output channels, kernel height and width
    int stride, pad, dilation, groups;
    int P, Q;             // output height and width
};

template <typename T, typename Acc = float>
__global__ void conv2d_direct(const T* __restrict__ x, const T* __restrict__ w, const T* __restrict__ bias,
                              T* __restrict__ y, const ConvParams p) {
    const long total = (long)p.N * p.K * p.P * p.Q;
    for (long index = blockIdx.x * (long)blockDim.x + threadIdx.x; index < total; index += (long)gridDim.x * blockDim.x) {
        const int q = index % p.Q;
        const int pp = (index / p.Q) % p.P;
        const int k = (index / p.Q / p.P) % p.K;
        const int n = index / p.Q / p.P / p.K;
        const int cg = p.C / p.groups, first = k / (p.K / p.groups) * cg;
        Acc sum = bias ? Acc(bias[k]) : Acc(0);
        for (int c = 0; c < cg; ++c) {
            for (int r = 0; r < p.R; ++r) {
                const int h = pp * p.stride - p.pad + r * p.dilation;
                if (h < 0 || h >= p.H) continue;
                for (int s = 0; s < p.S; ++s) {
                    const int v = q * p.stride - p.pad + s * p.dilation;
                    if (v < 0 || v >= p.W) continue;
                    sum += Acc(x[((n * p.C + first + c) * p.H + h) * p.W + v]) * Acc(w[((k * cg + c) * p.R + r) * p.S + s]);
                }
            }
        }
        y[index] = T(sum);
    }
}

// gradient of the weights: a block a weight, all images and places reduced (dilation 1, one group)
extern "C" __global__ void conv2d_weight_grad(const float* x, const float* dy, float* dw, ConvParams p) {
    __shared__ float sums[64];
    int f = blockIdx.x;
    const int s = f % p.S; f /= p.S;
    const int r = f % p.R; f /= p.R;
    const int c = f % p.C, k = f / p.C;
    float acc = 0.f;
    for (int i = threadIdx.x; i < p.N * p.P * p.Q; i += blockDim.x) {
        const int q = i % p.Q, pp = i / p.Q % p.P, n = i / (p.P * p.Q);
        const int h = pp * p.stride + r - p.pad, v = q * p.stride + s - p.pad;
        if ((unsigned)h < (unsigned)p.H && (unsigned)v < (unsigned)p.W)
            acc += x[((n * p.C + c) * p.H + h) * p.W + v] * dy[((n * p.K + k) * p.P + pp) * p.Q + q];
    }
    sums[threadIdx.x] = acc;
    __syncthreads();
    for (unsigned int half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
        __syncthreads();
    }
    if (threadIdx.x == 0) dw[blockIdx.x] = sums[0];
}

// gradient of the input, which is also the transposed convolution: gather from the places that saw it
extern "C" __global__ void conv_transpose2d(const float* dy, const float* w, float* dx, ConvParams p) {
    const int v = blockIdx.x * blockDim.x + threadIdx.x;
    const int h = blockIdx.y * blockDim.y + threadIdx.y;
    const int c = blockIdx.z % p.C, n = blockIdx.z / p.C;
    if (v >= p.W || h >= p.H) return;
    float value = 0;
    for (int k = 0; k < p.K; k++)
        for (int r = 0; r < p.R; r++) {
            const int hh = h + p.pad - r;
            if (hh % p.stride != 0) continue;
            const int pp = hh / p.stride;
            if (pp < 0 || pp >= p.P) continue;
            for (int s = 0; s < p.S; s++) {
                const int vv = v + p.pad - s;
                if (vv % p.stride) continue;
                const int q = vv / p.stride;
                if (q < 0 || q >= p.Q) continue;
                value += dy[((n * p.K + k) * p.P + pp) * p.Q + q] * w[((k * p.C + c) * p.R + r) * p.S + s];
            }
        }
    dx[((n * p.C + c) * p.H + h) * p.W + v] = value;
}
