// Acoustic wave equation, second order in time, order 2*R in space; coefficients by radius.

template <int R>
struct Laplacian;

template <>
struct Laplacian<1> {
    __device__ static constexpr float weight(int k) { return k == 0 ? -2.0f : 1.0f; }
};

template <>
struct Laplacian<2> {
    __device__ static constexpr float weight(int k)
    {
        return k == 0 ? -2.5f : k == 1 ? 4.0f / 3.0f : -1.0f / 12.0f;
    }
};

template <int R>
__global__ void wave2d(const float* now, const float* velocity, float* before_and_next, int width, int height,
                       float dt_over_dx)
{
    const int x = blockIdx.x * blockDim.x + threadIdx.x;
    const int y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x < R || y < R || x >= width - R || y >= height - R) return;
    const float* p = now + y * width + x;
    float laplace = 2 * Laplacian<R>::weight(0) * p[0];
#pragma unroll
    for (int k = 1; k <= R; ++k)
        laplace += Laplacian<R>::weight(k) * (p[-k] + p[k] + p[-k * width] + p[k * width]);
    const float c = velocity[y * width + x] * dt_over_dx;
    float& cell = before_and_next[y * width + x];
    cell = 2.0f * p[0] - cell + c * c * laplace;
}
