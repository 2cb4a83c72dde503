// Triangular and tridiagonal solves.

enum Uplo { Lower, Upper };

// A warp solves for one right-hand side; lanes share the dot product of each row.
template <Uplo UPLO, bool UNIT>
__global__ void triangular_solve(const double* __restrict__ a, double* x, int n, int right_hand_sides)
{
    const int lane = threadIdx.x % 32;
    const int rhs = (blockIdx.x * blockDim.x + threadIdx.x) / 32;
    if (rhs >= right_hand_sides) return;
    double* b = x + rhs * n;
    for (int step = 0; step < n; ++step) {
        const int row = UPLO == Lower ? step : n - 1 - step;
        double dot = 0.0;
        for (int k = lane; k < step; k += 32) {
            const int col = UPLO == Lower ? k : n - 1 - k;
            dot += a[row * n + col] * b[col];
        }
        for (int o = 16; o > 0; o >>= 1) dot += __shfl_down_sync(0xffffffffu, dot, o);
        if (lane == 0) {
            if (UNIT)
                b[row] -= dot;
            else
                b[row] = (b[row] - dot) / a[row * n + row];
        }
        __syncwarp();
    }
}

// The Thomas algorithm, a system a thread, systems interleaved so that loads coalesce.
extern "C" __global__ void thomas(const float* lower, const float* diagonal, const float* upper, float* rhs,
                                  float* scratch, int n, int systems)
{
    const int s = blockIdx.x * blockDim.x + threadIdx.x;
    if (s >= systems) return;
    lower += s, diagonal += s, upper += s, rhs += s, scratch += s;
    scratch[0] = upper[0] / diagonal[0];
    rhs[0] /= diagonal[0];
    for (int i = 1; i < n; ++i) {
        const float m = 1.0f / (diagonal[i * systems] - lower[i * systems] * scratch[(i - 1) * systems]);
        scratch[i * systems] = upper[i * systems] * m;
        rhs[i * systems] = (rhs[i * systems] - lower[i * systems] * rhs[(i - 1) * systems]) * m;
    }
    for (int i = n - 2; i >= 0; --i) rhs[i * systems] -= scratch[i * systems] * rhs[(i + 1) * systems];
}

// Parallel cyclic reduction, a system a block, an equation a thread.
extern "C" __global__ void cyclic_reduction(const double* l, const double* d, const double* u, double* x, int n)
{
    extern __shared__ double memory[];
    double *a = memory, *b = a + n, *c = b + n, *r = c + n;
    const int i = threadIdx.x, at = blockIdx.x * n + i;
    a[i] = i == 0 ? 0.0 : l[at];
    b[i] = d[at];
    c[i] = i == n - 1 ? 0.0 : u[at];
    r[i] = x[at];
    __syncthreads();
    for (int stride = 1; stride < n; stride *= 2) {
        double na = 0.0, nb = b[i], nc = 0.0, nr = r[i];
        if (i >= stride) {
            const double k = a[i] / b[i - stride];
            na = -a[i - stride] * k;
            nb -= c[i - stride] * k;
            nr -= r[i - stride] * k;
        }
        if (i + stride < n) {
            const double k = c[i] / b[i + stride];
            nc = -c[i + stride] * k;
            nb -= a[i + stride] * k;
            nr -= r[i + stride] * k;
        }
        __syncthreads();
        a[i] = na, b[i] = nb, c[i] = nc, r[i] = nr;
        __syncthreads();
    }
    x[at] = r[i] / b[i];
}
