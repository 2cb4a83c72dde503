// Atomic operations: each, and loops of compare-and-swap.

#define GLOBAL_ID ((int)(blockIdx.x * blockDim.x + threadIdx.x))

extern "C" __global__ void atomics_int(const int* x, int* cells, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    atomicAdd(&cells[0], x[i]);
    atomicSub(&cells[1], x[i]);
    atomicMin(&cells[2], x[i]);
    atomicMax(&cells[3], x[i]);
    atomicAnd(&cells[4], x[i] | 0xff00);
    atomicOr(&cells[5], x[i] & 0xff);
    atomicXor(cells + 6, x[i]);
    if (x[i] == 77) atomicExch(&cells[7], 77);
    atomicCAS(&cells[8], 5, 6);
}

extern "C" __global__ void atomics_unsigned(const unsigned* x, unsigned* cells, unsigned long long* wide, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    atomicAdd(&cells[0], x[i]);
    atomicMin(&cells[1], x[i]);
    atomicMax(&cells[2], x[i]);
    atomicInc(&cells[3], 6u);
    atomicDec(&cells[4], 9u);
    atomicAdd(&wide[0], (unsigned long long)x[i] << 8);
    atomicMax(&wide[1], (unsigned long long)x[i] * x[i]);
    atomicMin(&wide[2], ~(unsigned long long)x[i]);
    atomicOr(&wide[3], 1ull << (x[i] & 63));
    atomicAnd(&wide[4], ~(1ull << (x[i] & 63)));
    atomicXor(&wide[5], (unsigned long long)x[i] << 16);
}

// What an atomic returns: tickets are all different, an exchange hands values on.
extern "C" __global__ void atomic_returns(int* ticket, int* order, int* chain, int* received, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    order[i] = atomicAdd(ticket, 2);
    received[i] = atomicExch(chain, i);
}

// The programming guide's atomicAdd of double, and maxima and products of floats.
__device__ double add_by_cas(double* address, double val)
{
    unsigned long long int* address_as_ull = (unsigned long long int*)address;
    unsigned long long int old = *address_as_ull, assumed;
    do {
        assumed = old;
        old = atomicCAS(address_as_ull, assumed, __double_as_longlong(val + __longlong_as_double(assumed)));
    } while (assumed != old);
    return __longlong_as_double(old);
}

__device__ __forceinline__ float max_by_cas(float* address, float val)
{
    int* as_int = (int*)address;
    int old = *as_int, assumed;
    while (val > __int_as_float(old)) {
        assumed = old;
        old = atomicCAS(as_int, assumed, __float_as_int(val));
        if (old == assumed) break;
    }
    return __int_as_float(old);
}

__device__ __forceinline__ float max_by_sign(float* address, float value)
{
    return value >= 0 ? __int_as_float(atomicMax((int*)address, __float_as_int(value)))
                      : __uint_as_float(atomicMin((unsigned int*)address, __float_as_uint(value)));
}

template <typename T, typename Op>
__device__ T atomic_apply(T* address, Op op)
{
    T old = *address, expected;
    do {
        expected = old;
        old = atomicCAS(address, expected, op(expected));
    } while (old != expected);
    return old;
}

extern "C" __global__ void cas_loops(const double* x, double* sum, float* maxima, unsigned* product, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    add_by_cas(sum, x[i]);
    max_by_cas(&maxima[0], (float)x[i]);
    max_by_sign(&maxima[1], (float)x[i]);
    atomic_apply(product, [i](unsigned v) { return v * (2u * i + 1u); });
}

// Floats, doubles, in shared and global memory; on members of structs.
struct Stats {
    int count;
    float low;
    double sum;
};

extern "C" __global__ void atomics_float(const float* x, Stats* stats, float* total, int n)
{
    __shared__ float block_total;
    __shared__ double block_sum;
    if (threadIdx.x == 0) {
        block_total = 0.f;
        block_sum = 0.0;
    }
    __syncthreads();
    const int i = GLOBAL_ID;
    if (i < n) {
        atomicAdd(&block_total, x[i]);
        atomicAdd(&block_sum, (double)x[i]);
        atomicAdd(&stats->count, 1);
        atomicMin((int*)&stats->low, __float_as_int(x[i]));
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        atomicAdd(total, block_total);
        atomicAdd(&stats->sum, block_sum);
    }
}

// Shared atomics of every lane on few cells, block scope, 64-bit compare-and-swap of packed pairs.
extern "C" __global__ void atomics_shared(const int* x, int* out, unsigned long long* packed)
{
    __shared__ int cells[4];
    __shared__ unsigned long long best;
    if (threadIdx.x < 4) cells[threadIdx.x] = 0;
    if (threadIdx.x == 0) best = ~0ull;
    __syncthreads();
    const int v = x[GLOBAL_ID];
    atomicAdd_block(&cells[v & 3], v);
    const unsigned long long mine = ((unsigned long long)(unsigned)v << 32) | threadIdx.x;
    unsigned long long seen = best;
    while (mine < seen) {
        const unsigned long long found = atomicCAS(&best, seen, mine);
        if (found == seen) break;
        seen = found;
    }
    __syncthreads();
    if (threadIdx.x < 4) out[blockIdx.x * 4 + threadIdx.x] = cells[threadIdx.x];
    if (threadIdx.x == 0) packed[blockIdx.x] = best;
}
