// Dense factorisations in shared memory: one block, one small matrix (as in batched solvers).

#define N_MAX 32

// Cholesky, in place: the lower triangle becomes L.
extern "C" __global__ void cholesky(double* matrices, int n, int* info)
{
    __shared__ double a[N_MAX][N_MAX + 1];
    __shared__ int failed;
    double* const m = matrices + (size_t)blockIdx.x * n * n;
    const int row = threadIdx.x;
    if (row == 0) failed = 0;
    for (int c = 0; c < n; ++c)
        if (row < n) a[row][c] = m[row * n + c];
    __syncthreads();
    for (int k = 0; k < n; ++k) {
        if (row == k) {
            if (a[k][k] <= 0.0)
                failed = k + 1;
            else
                a[k][k] = sqrt(a[k][k]);
        }
        __syncthreads();
        if (failed) break;
        if (row > k && row < n) a[row][k] /= a[k][k];
        __syncthreads();
        if (row > k && row < n)
            for (int c = k + 1; c <= row; ++c) a[row][c] -= a[row][k] * a[c][k];
        __syncthreads();
    }
    if (row == 0) info[blockIdx.x] = failed;
    if (failed) return;
    for (int c = 0; c < n; ++c)
        if (row < n) m[row * n + c] = c <= row ? a[row][c] : 0.0;
}

// LU with partial pivoting; the pivot is found by a warp reduction over (value, row).
extern "C" __global__ void lu_pivot(float* matrices, int* pivots, int n)
{
    __shared__ float a[N_MAX][N_MAX];
    __shared__ int pivot_row;
    float* m = matrices + blockIdx.x * n * n;
    const int t = threadIdx.x;
    for (int i = t; i < n * n; i += 32) a[i / n][i % n] = m[i];
    __syncwarp();
    for (int k = 0; k < n; ++k) {
        float best = t >= k && t < n ? fabsf(a[t][k]) : -1.f;
        int where = t;
        for (int o = 16; o > 0; o >>= 1) {
            const float other = __shfl_xor_sync(0xffffffffu, best, o);
            const int other_where = __shfl_xor_sync(0xffffffffu, where, o);
            if (other > best || (other == best && other_where < where)) {
                best = other;
                where = other_where;
            }
        }
        if (t == 0) {
            pivot_row = where;
            pivots[blockIdx.x * n + k] = where;
        }
        __syncthreads();
        if (t < n && pivot_row != k) {
            const float held = a[k][t];
            a[k][t] = a[pivot_row][t];
            a[pivot_row][t] = held;
        }
        __syncthreads();
        if (t > k && t < n) {
            const float factor = a[t][k] /= a[k][k];
            for (int c = k + 1; c < n; ++c) a[t][c] -= factor * a[k][c];
        }
        __syncthreads();
    }
    for (int i = t; i < n * n; i += 32) m[i] = a[i / n][i % n];
}

// Householder QR of a tall matrix, a column a thread; R in the upper triangle.
template <int ROWS, int COLS>
__global__ void householder_qr(const double* in, double* r)
{
    __shared__ double a[ROWS][COLS];
    __shared__ double v[ROWS];
    __shared__ double beta;
    const int c = threadIdx.x;
    for (int i = 0; i < ROWS; ++i) a[i][c] = in[i * COLS + c];
    __syncthreads();
    for (int k = 0; k < COLS; ++k) {
        if (c == k) {
            double norm2 = 0.0;
            for (int i = k; i < ROWS; ++i) norm2 += a[i][k] * a[i][k];
            const double alpha = copysign(sqrt(norm2), -a[k][k]);
            for (int i = k; i < ROWS; ++i) v[i] = a[i][k];
            v[k] -= alpha;
            const double vv = norm2 - a[k][k] * a[k][k] + v[k] * v[k];
            beta = vv > 0.0 ? 2.0 / vv : 0.0;
        }
        __syncthreads();
        if (c >= k) {
            double dot = 0.0;
            for (int i = k; i < ROWS; ++i) dot += v[i] * a[i][c];
            dot *= beta;
            for (int i = k; i < ROWS; ++i) a[i][c] -= dot * v[i];
        }
        __syncthreads();
    }
    for (int i = 0; i < COLS; ++i) r[i * COLS + c] = i <= c ? a[i][c] : 0.0;
}

// Rodinia's Gaussian elimination: the multipliers of a column, then the rest of the matrix.
extern "C" __global__ void Fan1(float* m_cuda, float* a_cuda, int Size, int t)
{
    if (threadIdx.x + blockIdx.x * blockDim.x >= Size - 1 - t) return;
    *(m_cuda + Size * (blockDim.x * blockIdx.x + threadIdx.x + t + 1) + t) =
        *(a_cuda + Size * (blockDim.x * blockIdx.x + threadIdx.x + t + 1) + t) / *(a_cuda + Size * t + t);
}

extern "C" __global__ void Fan2(float* m_cuda, float* a_cuda, float* b_cuda, int Size, int j1, int t)
{
    if (threadIdx.x + blockIdx.x * blockDim.x >= Size - 1 - t) return;
    if (threadIdx.y + blockIdx.y * blockDim.y >= Size - t) return;
    int xidx = blockIdx.x * blockDim.x + threadIdx.x;
    int yidx = blockIdx.y * blockDim.y + threadIdx.y;
    a_cuda[Size * (xidx + 1 + t) + (yidx + t)] -= m_cuda[Size * (xidx + 1 + t) + t] * a_cuda[Size * t + (yidx + t)];
    if (yidx == 0) b_cuda[xidx + 1 + t] -= m_cuda[Size * (xidx + 1 + t) + (yidx + t)] * b_cuda[t];
}
