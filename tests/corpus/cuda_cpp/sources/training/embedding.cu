// Token and position embeddings, and the reductions of their and a bias's gradients.

__device__ inline float4 operator+(const float4& a, const float4& b) {
    return make_float4(a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w);
}

// four channels a thread; the tables are (vocabulary, C) and (T, C)
extern "C" __global__ void embed_forward(float4* out, const int* tokens, const float4* token_table,
                                         const float4* position_table, int B, int T, int C) {
    const int quads = C / 4;
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < B * T * quads) {
        const int place = i / quads, quad = i % quads;
        out[i] = token_table[tokens[place] * quads + quad] + position_table[place % T * quads + quad];
    }
}

// the obvious way: two atomics for each element
extern "C" __global__ void embed_backward(float* dtokens, float* dpositions, const float* dout, const int* tokens,
                                          int B, int T, int C) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= B * T * C) return;
    int c = i % C;
    int place = i / C;
    float* by_token = dtokens + tokens[place] * C + c;
    float* by_position = dpositions + (place % T) * C + c;
    atomicAdd(by_token, dout[i]);
    atomicAdd(by_position, dout[i]);
}

// dbias += column sums of dout (rows, cols): a block takes 32 columns, each of its warps every n-th row
extern "C" __global__ void bias_backward(float* dbias, const float* dout, int rows, int cols) {
    extern __shared__ float sums[];  // a float a thread
    const int warp = threadIdx.x / warpSize, lane = threadIdx.x % warpSize;
    const int warps = blockDim.x / warpSize;
    const int col = blockIdx.x * warpSize + lane;

    float sum = 0.0f;
    if (col < cols) {
        for (int row = warp; row < rows; row += warps) sum += dout[row * cols + col];
    }
    sums[warp * warpSize + lane] = sum;
    __syncthreads();

    if (warp == 0 && col < cols) {
        for (int w = 1; w < warps; w++) sum += sums[w * warpSize + lane];
        dbias[col] += sum;
    }
}

// Bag of embeddings: mean, sum or maximum over a bag of indices given by offsets; -1 pads
template <int MODE>
__global__ void embedding_bag(const float* __restrict__ table, const long long* __restrict__ indices,
                              const int* __restrict__ offsets, float* __restrict__ out, int dim) {
    const int bag = blockIdx.x;
    for (int c = threadIdx.x; c < dim; c += blockDim.x) {
        float acc = MODE == 2 ? -INFINITY : 0.0f;
        int used = 0;
        for (int k = offsets[bag]; k < offsets[bag + 1]; ++k) {
            const long long at = indices[k];
            if (at == -1) continue;
            const float v = table[at * dim + c];
            acc = MODE == 2 ? fmaxf(acc, v) : acc + v;
            ++used;
        }
        if (used == 0) acc = 0.0f;
        else if (MODE == 1) acc /= used;
        out[bag * dim + c] = acc;
    }
}
