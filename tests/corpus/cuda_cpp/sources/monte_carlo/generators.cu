// Random number generators written out, and what they are used for.

typedef unsigned int uint32;
typedef unsigned long long uint64;

// Marsaglia's xorshift; the state lives in global memory between launches.
extern "C" __global__ void xorshift_fill(uint32* states, uint32* out, int per_thread)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    uint32 x = states[i];
    for (int k = 0; k < per_thread; ++k) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        out[k * gridDim.x * blockDim.x + i] = x;
    }
    states[i] = x;
}

class Pcg32 {
    uint64 state;
    uint64 inc;

  public:
    __device__ Pcg32(uint64 seed, uint64 sequence) : state(0), inc((sequence << 1) | 1)
    {
        next();
        state += seed;
        next();
    }
    __device__ uint32 next()
    {
        const uint64 old = state;
        state = old * 6364136223846793005ULL + inc;
        const uint32 xorshifted = (uint32)(((old >> 18u) ^ old) >> 27u);
        const uint32 rot = old >> 59u;
        return (xorshifted >> rot) | (xorshifted << ((-rot) & 31));
    }
    __device__ float uniform() { return (next() >> 8) * (1.0f / 16777216.0f); }
};

extern "C" __global__ void estimate_pi(uint64 seed, int per_thread, uint64* inside)
{
    __shared__ uint32 hits;
    if (threadIdx.x == 0) hits = 0;
    __syncthreads();
    Pcg32 rng(seed, blockIdx.x * blockDim.x + threadIdx.x);
    uint32 mine = 0;
    for (int i = 0; i < per_thread; ++i) {
        const uint32 x = rng.next() >> 16, y = rng.next() >> 16;
        mine += (uint64)x * x + (uint64)y * y < (1ull << 32);
    }
    atomicAdd(&hits, mine);
    __syncthreads();
    if (threadIdx.x == 0) atomicAdd(inside, (uint64)hits);
}

// Philox 4x32-10: a counter in, four words out.
__device__ __forceinline__ uint4 philox(uint4 counter, uint2 key)
{
#pragma unroll
    for (int round = 0; round < 10; ++round) {
        const uint32 hi0 = __umulhi(0xD2511F53u, counter.x), lo0 = 0xD2511F53u * counter.x;
        const uint32 hi1 = __umulhi(0xCD9E8D57u, counter.z), lo1 = 0xCD9E8D57u * counter.z;
        counter = make_uint4(hi1 ^ counter.y ^ key.x, lo1, hi0 ^ counter.w ^ key.y, lo0);
        key.x += 0x9E3779B9u;
        key.y += 0xBB67AE85u;
    }
    return counter;
}

extern "C" __global__ void philox_fill(uint4* out, int n, uint64 seed, uint64 offset)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const uint64 counter = offset + i;
    out[i] = philox(make_uint4((uint32)counter, (uint32)(counter >> 32), 0u, 0u),
                    make_uint2((uint32)seed, (uint32)(seed >> 32)));
}

// xoroshiro128+ as numba uses it, with its jump-free seeding by splitmix64.
struct Xoroshiro128 {
    uint64 s[2];
};

__device__ uint64 splitmix64(uint64& x)
{
    uint64 z = (x += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

__device__ inline uint64 rotl(const uint64 x, int k) { return (x << k) | (x >> (64 - k)); }

__device__ uint64 next(Xoroshiro128* g)
{
    const uint64 s0 = g->s[0];
    uint64 s1 = g->s[1];
    const uint64 result = s0 + s1;
    s1 ^= s0;
    g->s[0] = rotl(s0, 24) ^ s1 ^ (s1 << 16);
    g->s[1] = rotl(s1, 37);
    return result;
}

extern "C" __global__ void xoroshiro_uniform(double* out, int n, int per_thread, uint64 seed)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    Xoroshiro128 g;
    uint64 x = seed + i;
    g.s[0] = splitmix64(x);
    g.s[1] = splitmix64(x);
    for (int k = 0; k < per_thread; ++k) out[i * per_thread + k] = (next(&g) >> 11) * (1.0 / 9007199254740992.0);
}

// Box-Muller on given uniforms: two normals from two.
extern "C" __global__ void box_muller(const float2* uniform, float2* normal, int n)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const float radius = sqrtf(-2.0f * logf(uniform[i].x));
    float s, c;
    sincosf(6.2831853071795864769f * uniform[i].y, &s, &c);
    normal[i] = make_float2(radius * c, radius * s);
}
