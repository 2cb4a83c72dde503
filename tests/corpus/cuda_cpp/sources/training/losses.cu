// Cross entropy, forwards and backwards, apart and fused; and losses of regressions.

extern "C" __global__ void nll_forward(float* losses, const float* probs, const int* targets, int rows, int V) {
    int r = blockIdx.x * blockDim.x + threadIdx.x;
    if (r < rows) {
        const float* p = probs + r * V;
        losses[r] = -logf(p[targets[r]]);
    }
}

// dlogits += (probability - one at the target) * dloss
extern "C" __global__ void cross_entropy_backward(float* dlogits, const float* dlosses, const float* probs,
                                                  const int* targets, int rows, int V) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= rows * V) return;
    const int r = i / V, v = i - r * V;
    float hit = v == targets[r] ? 1.0f : 0.0f;
    dlogits[i] += (probs[i] - hit) * dlosses[r];
}

using reducer_t = float (*)(float);

__device__ inline float warp_total(float v) {
    for (int d = 16; d > 0; d /= 2) v += __shfl_xor_sync(0xFFFFFFFF, v, d);
    return v;
}
__device__ inline float warp_maximum(float v) {
    for (int d = 16; d > 0; d /= 2) v = fmaxf(v, __shfl_xor_sync(0xFFFFFFFF, v, d));
    return v;
}

// Warps first, then what the warps found; `neutral` stands for warps that are not there.
template <reducer_t reduce_warp>
__device__ inline float block_wide(float v, float neutral = 0.0f, bool reused = false) {
    __shared__ float found[32];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
    v = reduce_warp(v);
    if (lane == 0) { found[warp] = v; }
    __syncthreads();
    v = reduce_warp(lane < warps ? found[lane] : neutral);
    if (reused) { __syncthreads(); }
    return v;
}

struct RowSoftmax {
    float top;
    float scale;
    __device__ float operator()(float logit) const { return expf(logit - top) * scale; }
};

// Maximum and sum of a row in one pass, from its end to its beginning
__device__ RowSoftmax row_softmax(const float* x, int V) {
    float top = -INFINITY, sum = 0.0f;
    for (int i = V - 1 - (int)threadIdx.x; i >= 0; i -= blockDim.x) {
        float before = top;
        top = fmaxf(top, x[i]);
        sum = sum * expf(before - top) + expf(x[i] - top);
    }
    float row_top = block_wide<warp_maximum>(top, -INFINITY);
    sum *= expf(top - row_top);
    return RowSoftmax{row_top, 1.f / block_wide<warp_total>(sum)};
}

// Logits of V columns in rows of P become their own gradients.
template <bool GRADIENT, bool PROBABILITIES>
__global__ void classify(float* logits, float* losses, float* probs, const float* dlosses, const int* targets,
                         int rows, int V, int P) {
    const int row = gridDim.x - 1 - blockIdx.x;
    const int target = targets[row];
    float* x = logits + row * P;
    const RowSoftmax softmax = row_softmax(x, V);

    if (threadIdx.x == 0) losses[row] -= logf(softmax(x[target]));
    __syncthreads(); // the target's logit is read before it is overwritten

    // without upstream gradients the loss is the mean
    const float upstream = dlosses != NULL ? dlosses[row] : 1.0f / rows;
    for (int i = threadIdx.x; i < V; i += blockDim.x) {
        const float p = softmax(x[i]);
        if (PROBABILITIES) {
            probs[row * P + i] = p;
        }
        if (GRADIENT) {
            x[i] = (p - (i == target)) * upstream;
        }
    }
}

// Smooth L1 (Huber): the sum of the losses by one atomic a block, and the gradient
extern "C" __global__ void smooth_l1(const float* __restrict__ pred, const float* __restrict__ target, float* loss,
                                     float* __restrict__ grad, int n, float beta) {
    float local = 0.f;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += blockDim.x * gridDim.x) {
        const float diff = pred[i] - target[i];
        const float a = fabsf(diff);
        local += a < beta ? 0.5f * diff * diff / beta : a - 0.5f * beta;
        grad[i] = a < beta ? diff / beta : copysignf(1.f, diff);
    }
    local = block_wide<warp_total>(local);
    if (threadIdx.x == 0) atomicAdd(loss, local);
}

// Binary cross entropy from logits, in the form that does not overflow
extern "C" __global__ void bce_with_logits(const double* x, const double* z, const double* weight, double* loss, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        double pos = weight == nullptr ? 1.0 : weight[i];
        double lw = 1.0 + (pos - 1.0) * z[i];
        loss[i] = (1.0 - z[i]) * x[i] + lw * (log1p(exp(-fabs(x[i]))) + fmax(-x[i], 0.0));
    }
}
