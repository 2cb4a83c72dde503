// Successive over-relaxation of one colour of a chequerboard.

enum class Colour : int { Red = 0, Black = 1 };

template <Colour COLOUR>
__global__ void sor(double* u, const double* rhs, int n, double omega)
{
    const int j = 1 + blockIdx.y * blockDim.y + threadIdx.y;
    const int i = 1 + 2 * (blockIdx.x * blockDim.x + threadIdx.x) + ((j + static_cast<int>(COLOUR)) & 1);
    if (i > n || j > n) return;
    const int pitch = n + 2;
    double* const cell = &u[j * pitch + i];
    const double residual = 0.25 * (cell[-1] + cell[1] + cell[-pitch] + cell[pitch] - rhs[j * pitch + i]) - *cell;
    *cell += omega * residual;
}
