// Random numbers in kernels: Philox 4x32-10 (Salmon et al. 2011) and xorwow (Marsaglia 2003), with the
// streams, seeds and distributions of CUDA's library of this name.
#pragma once

#pragma clang force_cuda_host_device begin

struct curandStateXORWOW {
  unsigned int d, v[5];
  int boxmuller_flag, boxmuller_flag_double;
  float boxmuller_extra;
  double boxmuller_extra_double;
};
struct curandStatePhilox4_32_10 {
  uint4 ctr, output;
  uint2 key;
  unsigned int STATE;
  int boxmuller_flag, boxmuller_flag_double;
  float boxmuller_extra;
  double boxmuller_extra_double;
};
typedef curandStateXORWOW curandStateXORWOW_t, curandState_t, curandState;
typedef curandStatePhilox4_32_10 curandStatePhilox4_32_10_t;

// ---- bits

inline uint4 __ax_philox(uint4 c, uint2 key) {
#pragma unroll
  for (int round = 0; round < 10; ++round) {
    const unsigned int high0 = __umulhi(0xD2511F53u, c.x), low0 = 0xD2511F53u * c.x;
    const unsigned int high1 = __umulhi(0xCD9E8D57u, c.z), low1 = 0xCD9E8D57u * c.z;
    c = uint4{high1 ^ c.y ^ key.x, low1, high0 ^ c.w ^ key.y, low0};
    key.x += 0x9E3779B9u;
    key.y += 0xBB67AE85u;
  }
  return c;
}
// Adds to the counter's low words, and the carry to the high ones.
inline void __ax_advance(curandStatePhilox4_32_10 *state, unsigned long long n) {
  const unsigned long long low = state->ctr.x | (unsigned long long)state->ctr.y << 32;
  const unsigned long long high = state->ctr.z | (unsigned long long)state->ctr.w << 32;
  const unsigned long long sum = low + n, next = high + (sum < low);
  state->ctr =
      uint4{(unsigned int)sum, (unsigned int)(sum >> 32), (unsigned int)next, (unsigned int)(next >> 32)};
  state->output = __ax_philox(state->ctr, state->key);
}
inline void skipahead(unsigned long long n, curandStatePhilox4_32_10 *state) {
  const unsigned int at = state->STATE + (unsigned int)(n & 3);
  state->STATE = at & 3;
  __ax_advance(state, (n >> 2) + (at >> 2));
}
inline void skipahead_sequence(unsigned long long n, curandStatePhilox4_32_10 *state) {
  const unsigned long long high = (state->ctr.z | (unsigned long long)state->ctr.w << 32) + n;
  state->ctr.z = (unsigned int)high;
  state->ctr.w = (unsigned int)(high >> 32);
  state->output = __ax_philox(state->ctr, state->key);
}
inline void curand_init(unsigned long long seed, unsigned long long subsequence,
                        unsigned long long offset, curandStatePhilox4_32_10 *state) {
  state->ctr = uint4{0, 0, (unsigned int)subsequence, (unsigned int)(subsequence >> 32)};
  state->key = uint2{(unsigned int)seed, (unsigned int)(seed >> 32)};
  state->STATE = 0;
  state->boxmuller_flag = state->boxmuller_flag_double = 0;
  state->boxmuller_extra = 0;
  state->boxmuller_extra_double = 0;
  skipahead(offset, state);
}
inline unsigned int curand(curandStatePhilox4_32_10 *state) {
  const uint4 out = state->output;
  const unsigned int at = state->STATE;
  const unsigned int value = at == 0 ? out.x : at == 1 ? out.y : at == 2 ? out.z : out.w;
  state->STATE = (at + 1) & 3;
  if (at == 3) __ax_advance(state, 1);
  return value;
}
inline uint4 curand4(curandStatePhilox4_32_10 *state) {
  const uint4 a = state->output;
  __ax_advance(state, 1);
  const uint4 b = state->output;
  const unsigned int at = state->STATE;
  if (at == 0) return a;
  if (at == 1) return uint4{a.y, a.z, a.w, b.x};
  if (at == 2) return uint4{a.z, a.w, b.x, b.y};
  return uint4{a.w, b.x, b.y, b.z};
}

inline void __ax_xorwow_step(unsigned int *v) {
  const unsigned int t = v[0] ^ (v[0] >> 2);
  v[0] = v[1];
  v[1] = v[2];
  v[2] = v[3];
  v[3] = v[4];
  v[4] = (v[4] ^ (v[4] << 4)) ^ (t ^ (t << 1));
}
// A word of x**(2**power), as a polynomial modulo that of the generator.
unsigned int __ax_xorwow_power(int power, int word);
// Moves by n * 2**first steps: for each bit of n the polynomial in the step is applied to the state.
inline void __ax_xorwow_jump(curandStateXORWOW *state, unsigned long long n, int first) {
  unsigned int v[5] = {state->v[0], state->v[1], state->v[2], state->v[3], state->v[4]};
  for (int bit = 0; bit < 64 && n >> bit; ++bit) {
    if (!(n >> bit & 1)) continue;
    unsigned int sum[5] = {0, 0, 0, 0, 0};
    for (int term = 0; term < 160; ++term) {
      const unsigned int chosen = 0u - (__ax_xorwow_power(first + bit, term >> 5) >> (term & 31) & 1);
#pragma unroll
      for (int i = 0; i < 5; ++i) sum[i] ^= v[i] & chosen;
      __ax_xorwow_step(v);
    }
#pragma unroll
    for (int i = 0; i < 5; ++i) v[i] = sum[i];
  }
#pragma unroll
  for (int i = 0; i < 5; ++i) state->v[i] = v[i];
}
inline void skipahead(unsigned long long n, curandStateXORWOW *state) {
  __ax_xorwow_jump(state, n, 0);
  state->d += 362437u * (unsigned int)n;
}
inline void skipahead_sequence(unsigned long long n, curandStateXORWOW *state) {
  __ax_xorwow_jump(state, n, 67);
}
inline void curand_init(unsigned long long seed, unsigned long long subsequence,
                        unsigned long long offset, curandStateXORWOW *state) {
  const unsigned int low = 1099087573u * ((unsigned int)seed ^ 0xAAD26B49u);
  const unsigned int high = 2591861531u * ((unsigned int)(seed >> 32) ^ 0xF7DCEFDDu);
  state->d = 6615241u + high + low;
  state->v[0] = 123456789u + low;
  state->v[1] = 362436069u ^ low;
  state->v[2] = 521288629u + high;
  state->v[3] = 88675123u ^ high;
  state->v[4] = 5783321u + low;
  state->boxmuller_flag = state->boxmuller_flag_double = 0;
  state->boxmuller_extra = 0;
  state->boxmuller_extra_double = 0;
  skipahead_sequence(subsequence, state);
  skipahead(offset, state);
}
inline unsigned int curand(curandStateXORWOW *state) {
  __ax_xorwow_step(state->v);
  state->d += 362437u;
  return state->v[4] + state->d;
}

// ---- distributions

inline float __ax_uniform(unsigned int x) { return fmaf((float)x, 0x1p-32f, 0x1p-33f); }
inline double __ax_uniform2(unsigned int x, unsigned int y) {
  return fma((double)(x ^ (unsigned long long)y << 21), 0x1p-53, 0x1p-54);
}
inline float2 __ax_normal(unsigned int x, unsigned int y) {
  const float radius = sqrtf(-2.0f * logf(__ax_uniform(x)));
  float sine, cosine;
  sincosf(fmaf((float)y, 2.3283064e-10f * 6.2831855f, 2.3283064e-10f * 6.2831855f / 2), &sine, &cosine);
  return float2{sine * radius, cosine * radius};
}
inline double2 __ax_normal2(uint4 x) {
  const double radius = sqrt(-2.0 * log(__ax_uniform2(x.x, x.y)));
  double sine, cosine;
  sincospi(fma((double)(x.z ^ (unsigned long long)x.w << 21), 0x1p-52, 0x1p-53), &sine, &cosine);
  return double2{sine * radius, cosine * radius};
}
inline uint4 __ax_four(curandStatePhilox4_32_10 *state) { return curand4(state); }
inline uint4 __ax_four(curandStateXORWOW *state) {
  const unsigned int x = curand(state), y = curand(state), z = curand(state);
  return uint4{x, y, z, curand(state)};
}
inline double curand_uniform_double(curandStatePhilox4_32_10 *state) {
  return fma((double)curand(state), 0x1p-32, 0x1p-32);
}
inline double curand_uniform_double(curandStateXORWOW *state) {
  const unsigned int x = curand(state);
  return __ax_uniform2(x, curand(state));
}

// Normal numbers come in pairs: the second one waits in the state.
#define __AX_PAIRED(S, T, name, flag, extra, kind, pair, map, ...)                                 \
  inline T name(S *state __VA_ARGS__) {                                                            \
    if (state->flag == kind) {                                                                     \
      state->flag = 0;                                                                             \
      return state->extra;                                                                         \
    }                                                                                              \
    const T##2 both = pair(state);                                                                 \
    state->extra = map(both.y);                                                                    \
    state->flag = kind;                                                                            \
    return map(both.x);                                                                            \
  }
#define __AX_SAME(x) x
#define __AX_LOG(x) expf(mean + stddev * (x))
#define __AX_LOG_DOUBLE(x) exp(mean + stddev * (x))
#define __AX_COMMA ,
#define __AX_DISTRIBUTIONS(S)                                                                      \
  inline float curand_uniform(S *state) { return __ax_uniform(curand(state)); }                    \
  inline float2 curand_normal2(S *state) {                                                         \
    const unsigned int x = curand(state);                                                          \
    return __ax_normal(x, curand(state));                                                          \
  }                                                                                                \
  inline double2 curand_normal2_double(S *state) { return __ax_normal2(__ax_four(state)); }        \
  inline float2 curand_log_normal2(S *state, float mean, float stddev) {                           \
    const float2 both = curand_normal2(state);                                                     \
    return float2{__AX_LOG(both.x), __AX_LOG(both.y)};                                             \
  }                                                                                                \
  inline double2 curand_log_normal2_double(S *state, double mean, double stddev) {                 \
    const double2 both = curand_normal2_double(state);                                             \
    return double2{__AX_LOG_DOUBLE(both.x), __AX_LOG_DOUBLE(both.y)};                              \
  }                                                                                                \
  __AX_PAIRED(S, float, curand_normal, boxmuller_flag, boxmuller_extra, 1, curand_normal2,         \
              __AX_SAME)                                                                           \
  __AX_PAIRED(S, double, curand_normal_double, boxmuller_flag_double, boxmuller_extra_double, 1,   \
              curand_normal2_double, __AX_SAME)                                                    \
  __AX_PAIRED(S, float, curand_log_normal, boxmuller_flag, boxmuller_extra, 2, curand_normal2,     \
              __AX_LOG, __AX_COMMA float mean, float stddev)                                       \
  __AX_PAIRED(S, double, curand_log_normal_double, boxmuller_flag_double, boxmuller_extra_double,  \
              2, curand_normal2_double, __AX_LOG_DOUBLE, __AX_COMMA double mean, double stddev)
__AX_DISTRIBUTIONS(curandStatePhilox4_32_10)
__AX_DISTRIBUTIONS(curandStateXORWOW)
#undef __AX_DISTRIBUTIONS
#undef __AX_PAIRED
#undef __AX_SAME
#undef __AX_COMMA

inline float4 curand_uniform4(curandStatePhilox4_32_10 *state) {
  const uint4 x = curand4(state);
  return float4{__ax_uniform(x.x), __ax_uniform(x.y), __ax_uniform(x.z), __ax_uniform(x.w)};
}
inline double2 curand_uniform2_double(curandStatePhilox4_32_10 *state) {
  const uint4 x = curand4(state);
  return double2{__ax_uniform2(x.x, x.y), __ax_uniform2(x.z, x.w)};
}
inline float4 curand_normal4(curandStatePhilox4_32_10 *state) {
  const uint4 x = curand4(state);
  const float2 a = __ax_normal(x.x, x.y), b = __ax_normal(x.z, x.w);
  return float4{a.x, a.y, b.x, b.y};
}
inline float4 curand_log_normal4(curandStatePhilox4_32_10 *state, float mean, float stddev) {
  const float4 x = curand_normal4(state);
  return float4{__AX_LOG(x.x), __AX_LOG(x.y), __AX_LOG(x.z), __AX_LOG(x.w)};
}
#undef __AX_LOG
#undef __AX_LOG_DOUBLE

#pragma clang force_cuda_host_device end
