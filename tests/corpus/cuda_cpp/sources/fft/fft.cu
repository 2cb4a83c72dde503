// Fourier transforms with float2 as the complex number.

__device__ __forceinline__ float2 operator+(float2 a, float2 b) { return make_float2(a.x + b.x, a.y + b.y); }
__device__ __forceinline__ float2 operator-(float2 a, float2 b) { return make_float2(a.x - b.x, a.y - b.y); }
__device__ __forceinline__ float2 operator*(float2 a, float2 b)
{
    return make_float2(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}

extern "C" __global__ void dft(const float2* in, float2* out, int n)
{
    const int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= n) return;
    float2 sum = make_float2(0.f, 0.f);
    for (int t = 0; t < n; ++t) {
        float s, c;
        sincosf(-6.283185307f * ((k * t) % n) / n, &s, &c);
        sum = sum + in[t] * make_float2(c, s);
    }
    out[k] = sum;
}

// Stockham: a transform a block, radix 2, no bit reversal.
template <int N, bool INVERSE = false>
__global__ void fft_stockham(float2* data)
{
    static_assert((N & (N - 1)) == 0, "a power of two");
    __shared__ float2 ping[N], pong[N];
    float2 *x = ping, *y = pong;
    float2* mine = data + blockIdx.x * N;
    const int t = threadIdx.x;
    x[t] = mine[t];
    x[t + N / 2] = mine[t + N / 2];
    __syncthreads();
    for (int half = 1; half < N; half *= 2) {
        const int j = t & (half - 1);
        float2 w;
        sincospif((INVERSE ? 1.f : -1.f) * j / half, &w.y, &w.x);
        const float2 a = x[t], b = w * x[t + N / 2];
        const int to = ((t - j) << 1) + j;
        y[to] = a + b;
        y[to + half] = a - b;
        float2* swapped = x;
        x = y;
        y = swapped;
        __syncthreads();
    }
    const float scale = INVERSE ? 1.f / N : 1.f;
    for (int i = t; i < N; i += N / 2) mine[i] = make_float2(x[i].x * scale, x[i].y * scale);
}

// In place with bit reversal by __brev; twiddles from a table.
extern "C" __global__ void fft_bit_reversed(const double2* in, double2* out, const double2* twiddles, int log_n)
{
    extern __shared__ double2 work[];
    const int n = 1 << log_n;
    for (int i = threadIdx.x; i < n; i += blockDim.x) work[__brev(i) >> (32 - log_n)] = in[i];
    __syncthreads();
    for (int s = 1; s <= log_n; ++s) {
        const int half = 1 << (s - 1);
        for (int b = threadIdx.x; b < n / 2; b += blockDim.x) {
            const int j = b & (half - 1);
            const int lo = ((b >> (s - 1)) << s) + j, hi = lo + half;
            const double2 w = twiddles[j << (log_n - s)], u = work[lo], v = work[hi];
            const double re = w.x * v.x - w.y * v.y, im = w.x * v.y + w.y * v.x;
            work[lo] = make_double2(u.x + re, u.y + im);
            work[hi] = make_double2(u.x - re, u.y - im);
        }
        __syncthreads();
    }
    for (int i = threadIdx.x; i < n; i += blockDim.x) out[i] = work[i];
}

// Number-theoretic transform modulo 998244353: exact convolutions.
__device__ unsigned int power_mod(unsigned long long base, unsigned int exponent)
{
    constexpr unsigned long long P = 998244353ull;
    unsigned long long result = 1;
    for (; exponent; exponent >>= 1, base = base * base % P)
        if (exponent & 1) result = result * base % P;
    return (unsigned int)result;
}

extern "C" __global__ void ntt(unsigned int* a, int log_n)
{
    constexpr unsigned int P = 998244353u;
    __shared__ unsigned int s[256];
    const unsigned int t = threadIdx.x, n = 1u << log_n;
    s[__brev(t) >> (32 - log_n)] = a[t];
    __syncthreads();
    for (unsigned int length = 2; length <= n; length <<= 1) {
        const unsigned int half = length / 2, j = t % half;
        const unsigned int root = power_mod(3, (P - 1) / length);
        if (t < n / 2) {
            const unsigned int lo = t / half * length + j, hi = lo + half;
            const unsigned int u = s[lo];
            const unsigned int v = (unsigned int)((unsigned long long)s[hi] * power_mod(root, j) % P);
            s[lo] = u + v >= P ? u + v - P : u + v;
            s[hi] = u >= v ? u - v : u + P - v;
        }
        __syncthreads();
    }
    a[t] = s[t];
}
