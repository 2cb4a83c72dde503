// Sparse matrix products.

// A thread a row.
template <typename T>
__global__ void spmv_scalar(int rows, const int* row_ptr, const int* cols, const T* values, const T* x, T* y)
{
    int row = blockDim.x * blockIdx.x + threadIdx.x;
    if (row < rows) {
        T dot = 0;
        int row_start = row_ptr[row];
        int row_end = row_ptr[row + 1];
        for (int jj = row_start; jj < row_end; jj++) dot += values[jj] * x[cols[jj]];
        y[row] += dot;
    }
}

// A warp a row, reduced in shared memory without barriers between blocks' warps.
extern "C" __global__ void spmv_vector(int rows, const int* row_ptr, const int* cols, const float* values,
                                       const float* x, float* y)
{
    extern __shared__ volatile float vals[];
    const int thread_id = blockDim.x * blockIdx.x + threadIdx.x;
    const int warp_id = thread_id / 32;
    const int lane = thread_id & (32 - 1);
    if (warp_id >= rows) return;
    float sum = 0;
    for (int jj = row_ptr[warp_id] + lane; jj < row_ptr[warp_id + 1]; jj += 32)
        sum += values[jj] * x[cols[jj]];
    vals[threadIdx.x] = sum;
    __syncwarp();
    for (int half = 16; half > 0; half >>= 1) {
        if (lane < half) vals[threadIdx.x] = vals[threadIdx.x] + vals[threadIdx.x + half];
        __syncwarp();
    }
    if (lane == 0) y[warp_id] = vals[threadIdx.x];
}

// Eight lanes a row by shuffles of a narrower width.
template <int LANES>
__global__ void spmv_subwarp(int rows, const int* __restrict__ row_ptr, const int* __restrict__ cols,
                             const float* __restrict__ values, const float* __restrict__ x, float* __restrict__ y)
{
    const int row = (blockIdx.x * blockDim.x + threadIdx.x) / LANES;
    const int lane = threadIdx.x & (LANES - 1);
    float sum = 0.f;
    if (row < rows)
        for (int i = row_ptr[row] + lane, end = row_ptr[row + 1]; i < end; i += LANES)
            sum = fmaf(values[i], __ldg(&x[cols[i]]), sum);
#pragma unroll
    for (int o = LANES / 2; o > 0; o /= 2) sum += __shfl_down_sync(0xffffffffu, sum, o, LANES);
    if (lane == 0 && row < rows) y[row] = sum;
}

// ELLPACK: column-major, padded with column -1.
extern "C" __global__ void spmv_ell(int rows, int width, const int* cols, const float* values, const float* x,
                                    float* y)
{
    const int row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= rows) return;
    float dot = 0.f;
    for (int k = 0; k < width; ++k) {
        const int col = cols[rows * k + row];
        if (col < 0) break;
        dot += values[rows * k + row] * x[col];
    }
    y[row] = dot;
}

struct Entry {
    int row, col;
    double value;
};

// Coordinate format: an atomic an entry, entries as an array of structs.
extern "C" __global__ void spmv_coo(const Entry* entries, long long n, const double* x, double* y)
{
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        const Entry e = entries[i];
        atomicAdd(&y[e.row], e.value * x[e.col]);
    }
}

// Sparse by dense, four columns a thread.
extern "C" __global__ void spmm(int rows, int columns4, const int* row_ptr, const int* cols, const float* values,
                                const float4* b, float4* c)
{
    const int row = blockIdx.y * blockDim.y + threadIdx.y;
    const int column = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= rows || column >= columns4) return;
    float4 sum = make_float4(0.f, 0.f, 0.f, 0.f);
    for (int i = row_ptr[row]; i < row_ptr[row + 1]; ++i) {
        const float v = values[i];
        const float4 line = b[cols[i] * columns4 + column];
        sum.x += v * line.x;
        sum.y += v * line.y;
        sum.z += v * line.z;
        sum.w += v * line.w;
    }
    c[row * columns4 + column] = sum;
}

// Sampled dense-dense product: dot products where the pattern has an entry.
extern "C" __global__ void sddmm(const int2* pattern, int n, const float* a, const float* b, float* out, int depth)
{
    const int i = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
    if (i >= n) return;
    const float* p = a + pattern[i].x * depth;
    const float* q = b + pattern[i].y * depth;
    float sum = 0.f;
    for (int k = threadIdx.x % 32; k < depth; k += 32) sum += p[k] * q[k];
    for (int o = 16; o; o >>= 1) sum += __shfl_xor_sync(~0u, sum, o);
    if (threadIdx.x % 32 == 0) out[i] = sum;
}
