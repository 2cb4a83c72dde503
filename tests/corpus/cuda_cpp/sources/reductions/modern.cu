// Reductions with shuffles, atomics and operators of one's own.

#define WARP_MASK 0xffffffffu

template <typename T>
__inline__ __device__ T warpReduceSum(T val)
{
#pragma unroll
    for (int mask = 16; mask > 0; mask >>= 1) val += __shfl_xor_sync(WARP_MASK, val, mask, 32);
    return val;
}

template <typename T>
__inline__ __device__ T blockReduceSum(T val)
{
    static __shared__ T shared[32];
    int lane = threadIdx.x & 0x1f;
    int wid = threadIdx.x >> 5;
    val = warpReduceSum<T>(val);
    if (lane == 0) shared[wid] = val;
    __syncthreads();
    val = (threadIdx.x < (blockDim.x / 32.f)) ? shared[lane] : (T)(0.0f);
    val = warpReduceSum<T>(val);
    return val;
}

// The sum of everything by one atomic a block.
template <typename T>
__global__ void sum_atomic(const T* x, T* total, size_t n)
{
    T sum = 0;
    for (size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x; i < n; i += (size_t)gridDim.x * blockDim.x)
        sum += x[i];
    sum = blockReduceSum(sum);
    if (threadIdx.x == 0) atomicAdd(total, sum);
}

// Mean and variance in one pass: three values at once by a struct with operator+=.
struct Moments {
    double sum, squares;
    long long count;

    __device__ Moments& operator+=(const Moments& o)
    {
        sum += o.sum;
        squares += o.squares;
        count += o.count;
        return *this;
    }
};

__device__ Moments shuffle_down(const Moments& m, int offset)
{
    return {__shfl_down_sync(WARP_MASK, m.sum, offset), __shfl_down_sync(WARP_MASK, m.squares, offset),
            __shfl_down_sync(WARP_MASK, m.count, offset)};
}

extern "C" __global__ void mean_variance(const float* x, int n, Moments* per_block)
{
    __shared__ Moments warps[32];
    Moments m = {0.0, 0.0, 0};
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
        const double v = x[i];
        m += Moments{v, v * v, 1};
    }
    for (int o = 16; o > 0; o /= 2) m += shuffle_down(m, o);
    if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = m;
    __syncthreads();
    if (threadIdx.x == 0) {
        for (int w = 1; w < blockDim.x / 32; w++) warps[0] += warps[w];
        per_block[blockIdx.x] = warps[0];
    }
}

// Maximum with its index: both packed into 64 bits, the index inverted so that the first wins.
__device__ unsigned int ordered(float f)
{
    const unsigned int bits = __float_as_uint(f);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

extern "C" __global__ void arg_max(const float* x, int n, unsigned long long* best)
{
    __shared__ unsigned long long block_best;
    if (threadIdx.x == 0) block_best = 0ull;
    __syncthreads();
    unsigned long long mine = 0;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
        const unsigned long long packed = ((unsigned long long)ordered(x[i]) << 32) | (0xffffffffu - (unsigned)i);
        mine = max(mine, packed);
    }
    atomicMax(&block_best, mine);
    __syncthreads();
    if (threadIdx.x == 0) atomicMax(best, block_best);
}

// Minimum with its index by shuffles of a pair.
struct ValueIndex {
    float value;
    int index;
};

__device__ inline ValueIndex smaller(ValueIndex a, ValueIndex b)
{
    return b.value < a.value || (b.value == a.value && b.index < a.index) ? b : a;
}

extern "C" __global__ void arg_min_rows(const float* rows, int* index, float* value, int height, int width)
{
    const int row = blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= height) return;
    ValueIndex best = {__int_as_float(0x7f800000), 0x7fffffff};
    for (int i = threadIdx.x; i < width; i += 32) best = smaller(best, ValueIndex{rows[row * width + i], i});
    for (int o = 16; o > 0; o >>= 1) {
        ValueIndex other;
        other.value = __shfl_xor_sync(WARP_MASK, best.value, o);
        other.index = __shfl_xor_sync(WARP_MASK, best.index, o);
        best = smaller(best, other);
    }
    if (threadIdx.x == 0) {
        index[row] = best.index;
        value[row] = best.value;
    }
}

// Kahan's compensated sum of a thread's stretch, then a tree that carries the compensation.
struct KahanSum {
    float sum = 0.0f;
    float compensation = 0.0f;

    __device__ void add(float value)
    {
        const float y = __fsub_rn(value, compensation);
        const float t = __fadd_rn(sum, y);
        compensation = __fsub_rn(__fsub_rn(t, sum), y);
        sum = t;
    }
};

extern "C" __global__ void kahan_sum(const float* x, int n, float* out)
{
    __shared__ float sums[64], corrections[64];
    KahanSum k;
    for (int i = threadIdx.x; i < n; i += 64) k.add(x[i]);
    sums[threadIdx.x] = k.sum;
    corrections[threadIdx.x] = k.compensation;
    __syncthreads();
    if (threadIdx.x == 0) {
        KahanSum all;
        for (int t = 0; t < 64; ++t) all.add(sums[t]);
        for (int t = 0; t < 64; ++t) all.add(-corrections[t]);
        *out = all.sum;
    }
}

// The last block to finish adds up what the others left.
__device__ unsigned int finished = 0;

extern "C" __global__ void single_pass_sum(const double* x, int n, volatile double* partial, double* total)
{
    __shared__ double s[64];
    __shared__ bool last;
    double sum = 0.0;
    for (int i = blockIdx.x * 64 + threadIdx.x; i < n; i += 64 * gridDim.x) sum += x[i];
    s[threadIdx.x] = sum;
    __syncthreads();
    for (int h = 32; h > 0; h >>= 1) {
        if (threadIdx.x < h) s[threadIdx.x] += s[threadIdx.x + h];
        __syncthreads();
    }
    if (threadIdx.x == 0) {
        partial[blockIdx.x] = s[0];
        __threadfence();
        last = atomicInc(&finished, gridDim.x - 1) == gridDim.x - 1;
    }
    __syncthreads();
    if (last && threadIdx.x == 0) {
        sum = 0.0;
        for (int b = 0; b < gridDim.x; ++b) sum += partial[b];
        *total = sum;
    }
}

// Warp-wide integer reductions in hardware (compute capability 8.0).
extern "C" __global__ void reduce_sync(const int* x, const unsigned int* bits, int* out, unsigned int* out_bits)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    const int sum = __reduce_add_sync(WARP_MASK, x[i]);
    const int low = __reduce_min_sync(WARP_MASK, x[i]);
    const int high = __reduce_max_sync(WARP_MASK, x[i]);
    const unsigned int all = __reduce_and_sync(WARP_MASK, bits[i]);
    const unsigned int some = __reduce_or_sync(WARP_MASK, bits[i]);
    const unsigned int odd = __reduce_xor_sync(WARP_MASK, bits[i]);
    if (threadIdx.x % 32 == 0) {
        int* o = out + i / 32 * 3;
        *o++ = sum;
        *o++ = low;
        *o = high;
        out_bits[i / 32 * 3 + 0] = all;
        out_bits[i / 32 * 3 + 1] = some;
        out_bits[i / 32 * 3 + 2] = odd;
    }
}

// Predicates of a whole block.
extern "C" __global__ void block_votes(const int* x, int n, int3* out)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    const bool valid = i < n;
    const int count = __syncthreads_count(valid && x[i] > 0);
    const int all = __syncthreads_and(!valid || x[i] > -50);
    const int any = __syncthreads_or(valid && x[i] > 48);
    if (threadIdx.x == 0) out[blockIdx.x] = make_int3(count, all != 0, any != 0);
}

// A generic block reduction over an operator with an identity, dynamic shared memory of any type.
template <typename T>
struct Product {
    static constexpr T identity = T(1);
    __device__ T operator()(const T& a, const T& b) const { return a * b; }
};

template <typename T>
struct LargestMagnitude {
    static constexpr T identity = T(0);
    __device__ T operator()(const T& a, const T& b) const { return fabs(a) < fabs(b) ? b : a; }
};

template <template <typename> class Op, typename T>
__global__ void reduce_with(const T* x, T* out, int n)
{
    extern __shared__ __align__(sizeof(double)) unsigned char raw[];
    T* s = (T*)raw;
    Op<T> op{};
    T acc = Op<T>::identity;
    for (int i = threadIdx.x; i < n; i += blockDim.x) acc = op(acc, x[i]);
    s[threadIdx.x] = acc;
    __syncthreads();
    for (int active = blockDim.x; active > 1;) {
        const int half = (active + 1) / 2;
        if (threadIdx.x + half < active) s[threadIdx.x] = op(s[threadIdx.x], s[threadIdx.x + half]);
        active = half;
        __syncthreads();
    }
    if (threadIdx.x == 0) *out = s[0];
}

// A matrix's column sums, 32x8 threads, transposed through shared memory.
extern "C" __global__ void column_sums(const float* a, float* sums, int rows, int cols)
{
    __shared__ float tile[8][32];
    const int col = blockIdx.x * 32 + threadIdx.x;
    float sum = 0.f;
    if (col < cols)
        for (int row = threadIdx.y; row < rows; row += 8) sum += a[row * cols + col];
    tile[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    for (int h = 4; h; h >>= 1) {
        if (threadIdx.y < h) tile[threadIdx.y][threadIdx.x] += tile[threadIdx.y + h][threadIdx.x];
        __syncthreads();
    }
    if (threadIdx.y == 0 && col < cols) sums[col] = tile[0][threadIdx.x];
}
