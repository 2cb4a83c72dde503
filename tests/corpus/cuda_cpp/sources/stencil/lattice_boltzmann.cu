// D2Q9 lattice Boltzmann: pull streaming, BGK collision, bounce-back at solid cells.

#define Q 9

__constant__ int ex[Q] = {0, 1, 0, -1, 0, 1, -1, -1, 1};
__constant__ int ey[Q] = {0, 0, 1, 0, -1, 1, 1, -1, -1};
__constant__ int opposite[Q] = {0, 3, 4, 1, 2, 7, 8, 5, 6};
__constant__ float weight[Q] = {4.f / 9,  1.f / 9,  1.f / 9,  1.f / 9, 1.f / 9,
                                1.f / 36, 1.f / 36, 1.f / 36, 1.f / 36};

struct Moments {
    float rho, ux, uy;
};

__device__ static Moments moments(const float (&f)[Q])
{
    Moments m = {0.f, 0.f, 0.f};
    for (int q = 0; q < Q; q++) {
        m.rho += f[q];
        m.ux += f[q] * ex[q];
        m.uy += f[q] * ey[q];
    }
    m.ux /= m.rho;
    m.uy /= m.rho;
    return m;
}

__device__ static float equilibrium(int q, const Moments& m)
{
    const float eu = ex[q] * m.ux + ey[q] * m.uy;
    return weight[q] * m.rho * (1.f + 3.f * eu + 4.5f * eu * eu - 1.5f * (m.ux * m.ux + m.uy * m.uy));
}

extern "C" __global__ void lbm_step(const float* f_in, float* f_out, const bool* solid, float2* velocity,
                                    int nx, int ny, float omega)
{
    const int x = blockIdx.x * blockDim.x + threadIdx.x;
    const int y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= nx || y >= ny) return;
    const int n = nx * ny, at = y * nx + x;
    float f[Q];
#pragma unroll
    for (int q = 0; q < Q; ++q)
        f[q] = f_in[q * n + (y - ey[q] + ny) % ny * nx + (x - ex[q] + nx) % nx];
    if (solid[at]) {
        for (int q = 0; q < Q; ++q) f_out[q * n + at] = f[opposite[q]];
        velocity[at] = make_float2(0.f, 0.f);
        return;
    }
    const Moments m = moments(f);
    for (int q = 0; q < Q; ++q) f_out[q * n + at] = f[q] + omega * (equilibrium(q, m) - f[q]);
    velocity[at] = make_float2(m.ux, m.uy);
}
