// Causal self-attention in three launches, and the permutations around it.
// qkv: (B, T, 3, NH, HS) as one matrix multiplication makes it; scores: (B, NH, T, T).

extern "C" {

__global__ void attention_scores(const float* qkv, float* scores, int B, int T, int C, int NH)
{
    const int flat = blockIdx.x * blockDim.x + threadIdx.x;
    if (flat >= B * NH * T * T)
        return;

    int rest = flat;
    const int key = rest % T; rest /= T;
    const int query = rest % T; rest /= T;
    const int head = rest % NH;
    const int batch = rest / NH;

    if (key > query) { // the future
        scores[flat] = -INFINITY;
        return;
    }

    const int width = C / NH;
    const float* q = qkv + (batch * T + query) * 3 * C + head * width;
    const float* k = qkv + (batch * T + key) * 3 * C + C + head * width;
    float dot = 0.0f;
    for (int i = 0; i < width; i++)
        dot += q[i] * k[i];
    dot *= 1.0 / sqrtf(width);
    scores[flat] = dot;
}

__global__ void attention_softmax(const float* scores, float* weights, int B, int T, int NH)
{
    const int line = blockIdx.x * blockDim.x + threadIdx.x; // over (B, NH, T)
    if (line >= B * NH * T) return;
    const int visible = line % T + 1;
    const float* in = scores + line * T;
    float* out = weights + line * T;

    float top = -FLT_MAX;
    for (int i = 0; i < visible; i++) top = fmaxf(top, in[i]);
    float sum = 0.f;
    for (int i = 0; i < visible; i++) sum += (out[i] = expf(in[i] - top));
    const float scale = sum == 0.f ? 0.f : 1.f / sum;
    for (int i = 0; i < T; i++) out[i] = i < visible ? out[i] * scale : 0.f;
}

__global__ void attention_values(const float* weights, const float* qkv, float* out, int B, int T, int C, int NH)
{
    const int i = threadIdx.x + blockIdx.x * blockDim.x;
    if (i < B * T * NH) {
        const int head = i % NH, token = i / NH; // token counts over B * T
        const int t = token % T, b = token / T, width = C / NH;
        float* o = out + token * C + head * width;
        for (int d = 0; d < width; ++d) o[d] = 0.f;
        for (int s = 0; s <= t; ++s) {
            const float w = weights[((b * NH + head) * T + t) * T + s];
            const float* v = qkv + (b * T + s) * 3 * C + 2 * C + head * width;
            for (int d = 0; d < width; ++d) o[d] += w * v[d];
        }
    }
}

// (B, N, 3, NH, d) -> three of (B, NH, N, d)
__global__ void permute_qkv(float* q, float* k, float* v, const float* qkv, int B, int N, int NH, int d)
{
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= B * NH * N * d) return;
    int index[4], extent[4] = {B, NH, N, d};
    int rest = at;
    for (int axis = 3; axis >= 0; --axis) {
        index[axis] = rest % extent[axis];
        rest /= extent[axis];
    }
    int from = \
        index[0] * (N * 3 * NH * d) \
        + index[2] * (3 * NH * d) \
        + index[1] * d \
        + index[3];
    q[at] = qkv[from];
    k[at] = qkv[from + 1 * (NH * d)];
    v[at] = qkv[from + 2 * (NH * d)];
}

// (B, NH, N, d) -> (B, N, NH, d)
__global__ void merge_heads(const float* in, float* out, int B, int N, int NH, int d)
{
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at < B * NH * N * d) {
        int x = at % d, n = at / d % N, h = at / (d * N) % NH, b = at / (d * N * NH);
        out[((b * N + n) * NH + h) * d + x] = __ldcs(&in[at]);
    }
}

}  // extern "C"
