// Prefix sums of one block, in the classic ways.

// Hillis and Steele: double-buffered in dynamic shared memory.
extern "C" __global__ void scan_naive(float* g_odata, const float* g_idata, int n)
{
    extern __shared__ float temp[];
    int thid = threadIdx.x;
    int pout = 0, pin = 1;
    temp[pout * n + thid] = (thid > 0) ? g_idata[thid - 1] : 0;
    __syncthreads();
    for (int offset = 1; offset < n; offset *= 2) {
        pout = 1 - pout;
        pin = 1 - pout;
        if (thid >= offset)
            temp[pout * n + thid] = temp[pin * n + thid] + temp[pin * n + thid - offset];
        else
            temp[pout * n + thid] = temp[pin * n + thid];
        __syncthreads();
    }
    g_odata[thid] = temp[pout * n + thid];
}

#define NUM_BANKS 32
#define LOG_NUM_BANKS 5
#define CONFLICT_FREE_OFFSET(n) ((n) >> LOG_NUM_BANKS)

// Blelloch: up-sweep, down-sweep, padded against bank conflicts; two elements a thread.
extern "C" __global__ void scan_blelloch(int* g_odata, const int* g_idata, int* block_sums, int n)
{
    extern __shared__ int buffer[];
    const int count = 2 * blockDim.x;
    const int base = blockIdx.x * count;
    int thid = threadIdx.x;
    int offset = 1;
    int ai = thid;
    int bi = thid + count / 2;
    int bankOffsetA = CONFLICT_FREE_OFFSET(ai);
    int bankOffsetB = CONFLICT_FREE_OFFSET(bi);
    buffer[ai + bankOffsetA] = base + ai < n ? g_idata[base + ai] : 0;
    buffer[bi + bankOffsetB] = base + bi < n ? g_idata[base + bi] : 0;
    for (int d = count >> 1; d > 0; d >>= 1) {
        __syncthreads();
        if (thid < d) {
            int ai = offset * (2 * thid + 1) - 1;
            int bi = offset * (2 * thid + 2) - 1;
            ai += CONFLICT_FREE_OFFSET(ai);
            bi += CONFLICT_FREE_OFFSET(bi);
            buffer[bi] += buffer[ai];
        }
        offset *= 2;
    }
    if (thid == 0) {
        int last = count - 1 + CONFLICT_FREE_OFFSET(count - 1);
        block_sums[blockIdx.x] = buffer[last];
        buffer[last] = 0;
    }
    for (int d = 1; d < count; d *= 2) {
        offset >>= 1;
        __syncthreads();
        if (thid < d) {
            int ai = offset * (2 * thid + 1) - 1;
            int bi = offset * (2 * thid + 2) - 1;
            ai += CONFLICT_FREE_OFFSET(ai);
            bi += CONFLICT_FREE_OFFSET(bi);
            int t = buffer[ai];
            buffer[ai] = buffer[bi];
            buffer[bi] += t;
        }
    }
    __syncthreads();
    if (base + ai < n) g_odata[base + ai] = buffer[ai + bankOffsetA];
    if (base + bi < n) g_odata[base + bi] = buffer[bi + bankOffsetB];
}

extern "C" __global__ void uniform_add(int* data, const int* scanned_sums, int n)
{
    __shared__ int increment;
    if (threadIdx.x == 0) increment = scanned_sums[blockIdx.x];
    __syncthreads();
    for (int k = 0; k < 2; ++k) {
        int i = (blockIdx.x * 2 + k) * blockDim.x + threadIdx.x;
        if (i < n) data[i] += increment;
    }
}
