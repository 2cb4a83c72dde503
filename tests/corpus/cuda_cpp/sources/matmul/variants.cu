// Transposed, batched, split along k, matrix by vector, and a tiled transpose.

#ifndef TILE
#define TILE 16
#endif

template <typename T>
struct MatrixView {
    const T* data;
    int ld;
    bool transposed;
    __device__ T at(int r, int c) const { return transposed ? data[c * ld + r] : data[r * ld + c]; }
};

// C (M, N) = op(A) op(B), as BLAS has it but row-major
template <typename T, bool TA, bool TB>
__global__ void gemm_op(int M, int N, int K, T alpha, const T* A, int lda, const T* B, int ldb, T beta, T* C, int ldc) {
    int c = blockIdx.x * blockDim.x + threadIdx.x;
    int r = blockIdx.y * blockDim.y + threadIdx.y;
    if (r >= M || c >= N) return;
    MatrixView<T> a{A, lda, TA}, b = {B, ldb, TB};
    T sum = 0;
    for (int k = 0; k < K; ++k) sum += a.at(r, k) * b.at(k, c);
    T old = beta == T(0) ? T(0) : C[r * ldc + c];
    C[r * ldc + c] = alpha * sum + beta * old;
}

extern "C" __global__ void bmm(const float* A, const float* B, float* C, int M, int N, int K,
                               long long strideA, long long strideB, long long strideC) {
    __shared__ float as[TILE][TILE];
    __shared__ float bs[TILE][TILE];
    const int batch = blockIdx.z;
    A += batch * strideA;
    B += batch * strideB;
    C += batch * strideC;
    const int tx = threadIdx.x, ty = threadIdx.y;
    const int row = blockIdx.y * TILE + ty, col = blockIdx.x * TILE + tx;
    float acc = 0.f;
    for (int k0 = 0; k0 < K; k0 += TILE) {
        as[ty][tx] = row < M && k0 + tx < K ? A[row * K + k0 + tx] : 0.f;
        bs[ty][tx] = col < N && k0 + ty < K ? B[(k0 + ty) * N + col] : 0.f;
        __syncthreads();
#pragma unroll
        for (int k = 0; k < TILE; ++k) acc = __fmaf_rn(as[ty][k], bs[k][tx], acc);
        __syncthreads();
    }
    if (row < M && col < N) C[row * N + col] = acc;
}

// blockIdx.z takes a slice of k; C must hold zeros (or what to add to)
extern "C" __global__ void gemm_split_k(const double* A, const double* B, double* C, int M, int N, int K, int slice) {
    const int col = blockIdx.x * blockDim.x + threadIdx.x;
    const int row = blockIdx.y * blockDim.y + threadIdx.y;
    const int begin = blockIdx.z * slice, end = min(begin + slice, K);
    if (row < M && col < N) {
        double partial = 0.0;
        for (int k = begin; k < end; k++) partial += A[row * K + k] * B[k * N + col];
        atomicAdd(C + row * N + col, partial);
    }
}

// y = act(W x + b), a warp a row, four columns a lane at a time where they are aligned
extern "C" __global__ void gemv_warp(const float* __restrict__ W, const float* __restrict__ x,
                                     const float* __restrict__ b, float* __restrict__ y, int rows, int cols) {
    const int row = (blockIdx.x * blockDim.x + threadIdx.x) / warpSize;
    const int lane = threadIdx.x & (warpSize - 1);
    if (row >= rows) return;
    const float* w = W + (size_t)row * cols;
    float sum = 0.0f;
    int done = 0;
    if (cols % 4 == 0) {
        const float4* w4 = reinterpret_cast<const float4*>(w);
        const float4* x4 = reinterpret_cast<const float4*>(x);
        for (int i = lane; i < cols / 4; i += warpSize) {
            float4 p = __ldg(w4 + i), q = __ldg(&x4[i]);
            sum += p.x * q.x + p.y * q.y + p.z * q.z + p.w * q.w;
        }
        done = cols;
    }
    for (int i = done + lane; i < cols; i += warpSize) sum += w[i] * x[i];
    for (int offset = warpSize / 2; offset > 0; offset /= 2)
        sum += __shfl_down_sync(0xFFFFFFFF, sum, offset);
    if (lane == 0) y[row] = fmaxf(sum + (b ? b[row] : 0.0f), 0.0f);
}

const int EDGE = 32;
const int STEP = 8;

// (height, width) -> (width, height); one column of padding keeps banks apart
extern "C" __global__ void transpose_padded(const float* in, float* out, int width, int height)
{
  __shared__ float tile[EDGE][EDGE + 1];

  int x = blockIdx.x * EDGE + threadIdx.x;
  int y = blockIdx.y * EDGE + threadIdx.y;
  for (int k = 0; k < EDGE; k += STEP) {
    if (x < width && y + k < height)
      tile[threadIdx.y + k][threadIdx.x] = in[(y + k) * width + x];
  }

  __syncthreads();

  // the block at the mirrored place
  x = blockIdx.y * EDGE + threadIdx.x;
  y = blockIdx.x * EDGE + threadIdx.y;
  for (int k = 0; k < EDGE; k += STEP) {
    if (x < height && y + k < width)
      out[(y + k) * height + x] = tile[threadIdx.x][threadIdx.y + k];
  }
}
