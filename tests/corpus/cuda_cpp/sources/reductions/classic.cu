// Mark Harris's "Optimizing Parallel Reduction in CUDA", step by step.

// Interleaved addressing, divergent.
extern "C" __global__ void reduce0(int* g_idata, int* g_odata)
{
    extern __shared__ int sdata[];
    unsigned int tid = threadIdx.x;
    unsigned int i = blockIdx.x * blockDim.x + threadIdx.x;
    sdata[tid] = g_idata[i];
    __syncthreads();
    for (unsigned int s = 1; s < blockDim.x; s *= 2) {
        if (tid % (2 * s) == 0) {
            sdata[tid] += sdata[tid + s];
        }
        __syncthreads();
    }
    if (tid == 0) g_odata[blockIdx.x] = sdata[0];
}

// Interleaved addressing, strided index.
extern "C" __global__ void reduce1(int* g_idata, int* g_odata)
{
    extern __shared__ int sdata[];
    unsigned int tid = threadIdx.x;
    unsigned int i = blockIdx.x * blockDim.x + threadIdx.x;
    sdata[tid] = g_idata[i];
    __syncthreads();
    for (unsigned int s = 1; s < blockDim.x; s *= 2) {
        int index = 2 * s * tid;
        if (index < blockDim.x) {
            sdata[index] += sdata[index + s];
        }
        __syncthreads();
    }
    if (tid == 0) g_odata[blockIdx.x] = sdata[0];
}

// Sequential addressing, first add during load.
template <class T>
__global__ void reduce3(T* g_idata, T* g_odata, unsigned int n)
{
    extern __shared__ unsigned char smem[];
    T* sdata = reinterpret_cast<T*>(smem);
    unsigned int tid = threadIdx.x;
    unsigned int i = blockIdx.x * (blockDim.x * 2) + threadIdx.x;
    T mySum = (i < n) ? g_idata[i] : 0;
    if (i + blockDim.x < n) mySum += g_idata[i + blockDim.x];
    sdata[tid] = mySum;
    __syncthreads();
    for (unsigned int s = blockDim.x / 2; s > 0; s >>= 1) {
        if (tid < s) {
            sdata[tid] = mySum = mySum + sdata[tid + s];
        }
        __syncthreads();
    }
    if (tid == 0) g_odata[blockIdx.x] = mySum;
}

template <unsigned int blockSize>
__device__ void warpReduce(volatile float* sdata, unsigned int tid)
{
    if (blockSize >= 64) { sdata[tid] = sdata[tid] + sdata[tid + 32]; __syncwarp(); }
    if (blockSize >= 32) { if (tid < 16) sdata[tid] = sdata[tid] + sdata[tid + 16]; __syncwarp(); }
    if (blockSize >= 16) { if (tid < 8) sdata[tid] = sdata[tid] + sdata[tid + 8]; __syncwarp(); }
    if (blockSize >= 8) { if (tid < 4) sdata[tid] = sdata[tid] + sdata[tid + 4]; __syncwarp(); }
    if (blockSize >= 4) { if (tid < 2) sdata[tid] = sdata[tid] + sdata[tid + 2]; __syncwarp(); }
    if (blockSize >= 2) { if (tid < 1) sdata[tid] = sdata[tid] + sdata[tid + 1]; __syncwarp(); }
}

// Completely unrolled, several elements a thread.
template <unsigned int blockSize>
__global__ void reduce6(const float* g_idata, float* g_odata, unsigned int n)
{
    __shared__ volatile float sdata[blockSize];
    unsigned int tid = threadIdx.x;
    unsigned int i = blockIdx.x * (blockSize * 2) + tid;
    unsigned int gridSize = blockSize * 2 * gridDim.x;
    float sum = 0;
    while (i < n) {
        sum += g_idata[i];
        if (i + blockSize < n) sum += g_idata[i + blockSize];
        i += gridSize;
    }
    sdata[tid] = sum;
    __syncthreads();
    if (blockSize >= 512) { if (tid < 256) { sdata[tid] = sdata[tid] + sdata[tid + 256]; } __syncthreads(); }
    if (blockSize >= 256) { if (tid < 128) { sdata[tid] = sdata[tid] + sdata[tid + 128]; } __syncthreads(); }
    if (blockSize >= 128) { if (tid < 64) { sdata[tid] = sdata[tid] + sdata[tid + 64]; } __syncthreads(); }
    if (tid < 32) warpReduce<blockSize>(sdata, tid);
    if (tid == 0) g_odata[blockIdx.x] = sdata[0];
}
