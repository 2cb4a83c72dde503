// Rotary position embeddings, interleaved and "NeoX" style, and ALiBi's biases.

struct RopeParams {
    int n_heads;
    int head_dim;
    float base;
    float freq_scale;
};

// x: (T, n_heads, head_dim), in place; neighbours are a pair
extern "C" __global__ void rope_interleaved(float2* x, const int* positions, RopeParams p, int T) {
    const int pair = blockIdx.x * blockDim.x + threadIdx.x;
    const int half_dim = p.head_dim / 2;
    if (pair >= T * p.n_heads * half_dim) return;
    const int j = pair % half_dim;
    const int t = pair / (half_dim * p.n_heads);
    const float theta = positions[t] * p.freq_scale * powf(p.base, -2.0f * j / p.head_dim);
    float s, c;
    sincosf(theta, &s, &c);
    const float2 v = x[pair];
    x[pair] = make_float2(v.x * c - v.y * s, v.x * s + v.y * c);
}

// One head's vector: pairs are halves apart (NEOX), or neighbours.
template <typename T, bool NEOX>
inline __device__ void rotate(T* head, const T* cosines, const T* sines, int i, int pairs) {
  const int a = NEOX ? i : 2 * i;
  const int b = NEOX ? i + pairs : 2 * i + 1;
  const T c = __ldg(cosines + i), s = __ldg(sines + i);
  const T x = head[a], y = head[b];
  head[a] = x * c - y * s;
  head[b] = y * c + x * s;
}

// A block a token; queries and keys may have different numbers of heads, and a head's end stays as it is.
template <typename T, bool NEOX>
__global__ void rope_from_table(const long long* __restrict__ positions,  // [tokens]
                                T* __restrict__ query,                    // [tokens, q_heads, head_size]
                                T* __restrict__ key,                      // [tokens, k_heads, head_size]
                                const T* __restrict__ table,              // [positions, 2, rotary / 2]
                                const int rotary, const int q_heads, const int k_heads, const int head_size) {
  const int token = blockIdx.x, pairs = rotary / 2;
  const T* cosines = table + positions[token] * rotary;
  const T* sines = cosines + pairs;
  T* rows[2] = {query + (long long)token * q_heads * head_size, key + (long long)token * k_heads * head_size};
  const int heads[2] = {q_heads, k_heads};
#pragma unroll
  for (int which = 0; which < 2; ++which)
    for (int i = threadIdx.x; i < heads[which] * pairs; i += blockDim.x)
      rotate<T, NEOX>(rows[which] + i / pairs * head_size, cosines, sines, i % pairs, pairs);
}

// scores: (heads, T, T); a head's slope times the distance, and nothing of the future
extern "C" __global__ void alibi_causal_bias(float* scores, int heads, int T) {
    const int key = blockIdx.x * blockDim.x + threadIdx.x;
    const int query = blockIdx.y * blockDim.y + threadIdx.y;
    const int head = blockIdx.z;
    if (key >= T || query >= T) return;
    const float slope = exp2f(-8.0f * (head + 1) / heads);
    float& s = scores[(head * T + query) * T + key];
    if (key > query) s = -FLT_MAX;
    else s -= slope * (query - key);
}
