// Bitonic sorting networks.

template <typename T>
__device__ inline void swap(T& a, T& b)
{
    T t = a;
    a = b;
    b = t;
}

__device__ inline void comparator(unsigned& keyA, unsigned& valA, unsigned& keyB, unsigned& valB, unsigned dir)
{
    if ((keyA > keyB) == dir) {
        swap(keyA, keyB);
        swap(valA, valB);
    }
}

// A block sorts its 2 * blockDim.x pairs.
template <unsigned SIZE>
__global__ void bitonic_shared(unsigned* d_key, unsigned* d_val, unsigned dir)
{
    __shared__ unsigned s_key[SIZE];
    __shared__ unsigned s_val[SIZE];
    d_key += blockIdx.x * SIZE + threadIdx.x;
    d_val += blockIdx.x * SIZE + threadIdx.x;
    s_key[threadIdx.x] = d_key[0];
    s_val[threadIdx.x] = d_val[0];
    s_key[threadIdx.x + SIZE / 2] = d_key[SIZE / 2];
    s_val[threadIdx.x + SIZE / 2] = d_val[SIZE / 2];
    for (unsigned size = 2; size < SIZE; size <<= 1) {
        const unsigned ddd = dir ^ ((threadIdx.x & (size / 2)) != 0);
        for (unsigned stride = size / 2; stride > 0; stride >>= 1) {
            __syncthreads();
            const unsigned pos = 2 * threadIdx.x - (threadIdx.x & (stride - 1));
            comparator(s_key[pos], s_val[pos], s_key[pos + stride], s_val[pos + stride], ddd);
        }
    }
    for (unsigned stride = SIZE / 2; stride > 0; stride >>= 1) {
        __syncthreads();
        const unsigned pos = 2 * threadIdx.x - (threadIdx.x & (stride - 1));
        comparator(s_key[pos], s_val[pos], s_key[pos + stride], s_val[pos + stride], dir);
    }
    __syncthreads();
    d_key[0] = s_key[threadIdx.x];
    d_val[0] = s_val[threadIdx.x];
    d_key[SIZE / 2] = s_key[threadIdx.x + SIZE / 2];
    d_val[SIZE / 2] = s_val[threadIdx.x + SIZE / 2];
}

// One step of the global network: the host loops over j and k.
extern "C" __global__ void bitonic_step(float* data, int j, int k)
{
    unsigned int i = threadIdx.x + blockDim.x * blockIdx.x;
    unsigned int ixj = i ^ j;
    if (ixj > i) {
        if ((i & k) == 0 && data[i] > data[ixj]) swap(data[i], data[ixj]);
        if ((i & k) != 0 && data[i] < data[ixj]) swap(data[i], data[ixj]);
    }
}

// A warp sorts a value a lane, exchanging by shuffles.
extern "C" __global__ void bitonic_warp(int* data, int n)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    const int lane = threadIdx.x & 31;
    int value = i < n ? data[i] : 0x7fffffff;
    for (int size = 2; size <= 32; size *= 2) {
        for (int stride = size / 2; stride > 0; stride /= 2) {
            const int other = __shfl_xor_sync(0xffffffff, value, stride);
            const bool lower = (lane & stride) == 0, ascending = (lane & size) == 0 || size == 32;
            value = lower == ascending ? min(value, other) : max(value, other);
        }
    }
    if (i < n) data[i] = value;
}
