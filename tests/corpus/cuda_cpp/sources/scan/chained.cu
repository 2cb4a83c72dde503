// One pass over the data: a block waits for the sum of the blocks before it. Block numbers are drawn,
// so that a block only waits for blocks that have started.

extern "C" __global__ void chained_scan(const unsigned int* in, unsigned int* out, int n,
                                        unsigned int* ticket, volatile unsigned int* prefix,
                                        volatile int* ready)
{
    __shared__ unsigned int block, before;
    __shared__ unsigned int sums[128];
    if (threadIdx.x == 0) block = atomicAdd(ticket, 1u);
    __syncthreads();
    const int i = block * blockDim.x + threadIdx.x;
    unsigned int value = i < n ? in[i] : 0u;
    sums[threadIdx.x] = value;
    __syncthreads();
    for (int step = 1; step < blockDim.x; step <<= 1) {
        const unsigned int other = threadIdx.x >= step ? sums[threadIdx.x - step] : 0u;
        __syncthreads();
        value += other;
        sums[threadIdx.x] = value;
        __syncthreads();
    }
    if (threadIdx.x == blockDim.x - 1) {
        unsigned int base = 0;
        if (block > 0) {
            while (ready[block - 1] == 0) {
            }
            __threadfence();
            base = prefix[block - 1];
        }
        before = base;
        prefix[block] = base + value;
        __threadfence();
        ready[block] = 1;
    }
    __syncthreads();
    if (i < n) out[i] = before + value;
}
