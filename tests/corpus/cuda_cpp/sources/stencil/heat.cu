// Explicit diffusion in two and three dimensions.

#define BX 16
#define BY 8
#define IDX(x, y, z) (((z) * ny + (y)) * nx + (x))

// 5-point, tile with halo in shared memory; the border is held fixed.
extern "C" __global__ void heat2d(const float* __restrict__ u, float* __restrict__ next, int nx, int ny,
                                  float alpha)
{
    __shared__ float s[BY + 2][BX + 2];
    const int x = blockIdx.x * BX + threadIdx.x, y = blockIdx.y * BY + threadIdx.y;
    const int tx = threadIdx.x + 1, ty = threadIdx.y + 1;
    const bool inside = x < nx && y < ny;
    if (inside) {
        s[ty][tx] = u[y * nx + x];
        if (threadIdx.x == 0 && x > 0) s[ty][0] = u[y * nx + x - 1];
        if (threadIdx.x == BX - 1 && x < nx - 1) s[ty][BX + 1] = u[y * nx + x + 1];
        if (threadIdx.y == 0 && y > 0) s[0][tx] = u[(y - 1) * nx + x];
        if (threadIdx.y == BY - 1 && y < ny - 1) s[BY + 1][tx] = u[(y + 1) * nx + x];
    }
    __syncthreads();
    if (!inside) return;
    float centre = s[ty][tx];
    if (x > 0 && x < nx - 1 && y > 0 && y < ny - 1)
        centre += alpha * (s[ty][tx - 1] + s[ty][tx + 1] + s[ty - 1][tx] + s[ty + 1][tx] - 4.0f * centre);
    next[y * nx + x] = centre;
}

// 7-point; a thread marches along z and keeps the column in registers.
extern "C" __global__ void heat3d(const double* u, double* next, int nx, int ny, int nz, double alpha)
{
    const int x = blockIdx.x * blockDim.x + threadIdx.x;
    const int y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x < 1 || y < 1 || x >= nx - 1 || y >= ny - 1) return;
    double below = u[IDX(x, y, 0)], here = u[IDX(x, y, 1)];
    for (int z = 1; z < nz - 1; ++z) {
        const double above = u[IDX(x, y, z + 1)];
        const double around = u[IDX(x - 1, y, z)] + u[IDX(x + 1, y, z)] + u[IDX(x, y - 1, z)] + u[IDX(x, y + 1, z)];
        next[IDX(x, y, z)] = here + alpha * (around + above + below - 6.0 * here);
        below = here;
        here = above;
    }
}
