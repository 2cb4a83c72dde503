// Poisson's equation by Jacobi sweeps inside one cooperative launch.
#include <cooperative_groups.h>

namespace cg = cooperative_groups;

extern "C" __global__ void jacobi(float* a, float* b, const float* rhs, int nx, int ny, int sweeps,
                                  int* changed)
{
    cg::grid_group grid = cg::this_grid();
    float* from = a;
    float* to = b;
    for (int sweep = 0; sweep < sweeps; ++sweep) {
        for (int i = (int)grid.thread_rank(); i < nx * ny; i += (int)grid.size()) {
            const int x = i % nx, y = i / nx;
            float value = from[i];
            if (x > 0 && y > 0 && x < nx - 1 && y < ny - 1) {
                const float next = 0.25f * (from[i - 1] + from[i + 1] + from[i - nx] + from[i + nx] - rhs[i]);
                if (fabsf(next - value) > 1e-3f) atomicAdd(&changed[sweep], 1);
                value = next;
            }
            to[i] = value;
        }
        grid.sync();
        float* t = from;
        from = to;
        to = t;
    }
}
