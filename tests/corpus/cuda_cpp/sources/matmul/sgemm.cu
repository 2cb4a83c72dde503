// C = alpha * A @ B + beta * C in single precision, row-major, from naive to vectorised.
#include <cassert>

#define CEIL_DIV(a, b) (((a) + (b) - 1) / (b))

typedef unsigned int uint;

extern "C" __global__ void sgemm_naive(const float* A, const float* B, float* C, int M, int N, int K,
                                       float alpha, float beta) {
  const uint row = blockIdx.x * blockDim.x + threadIdx.x;
  const uint col = blockIdx.y * blockDim.y + threadIdx.y;
  // the grid covers more than the matrix
  if (row < M && col < N) {
    float sum = 0.0;
    for (int k = 0; k < K; ++k) sum += A[row * K + k] * B[k * N + col];
    C[row * N + col] = alpha * sum + beta * C[row * N + col]; // α·(A@B) + β·C
  }
}

// any shape, square tiles, zero-padded at the edges
template <int TILE>
__global__ void sgemm_tiled(const float *A, const float *B, float *C, int M, int N, int K) {
  __shared__ float sA[TILE][TILE], sB[TILE][TILE];
  int row = blockIdx.y * TILE + threadIdx.y, col = blockIdx.x * TILE + threadIdx.x;
  float value = 0;
  for (int ph = 0; ph < CEIL_DIV(K, TILE); ph++) {
    if (row < M && ph * TILE + threadIdx.x < K)
      sA[threadIdx.y][threadIdx.x] = A[row * K + ph * TILE + threadIdx.x];
    else
      sA[threadIdx.y][threadIdx.x] = 0.0f;
    if (ph * TILE + threadIdx.y < K && col < N)
      sB[threadIdx.y][threadIdx.x] = B[(ph * TILE + threadIdx.y) * N + col];
    else
      sB[threadIdx.y][threadIdx.x] = 0.0f;
    __syncthreads();
    for (int k = 0; k < TILE; k++) value += sA[threadIdx.y][k] * sB[k][threadIdx.x];
    __syncthreads();
  }
  if (row < M && col < N) C[row * N + col] = value;
}

// A thread makes ROWS results of one column. Shapes are multiples of the tiles; BM * BK == BK * BN == threads.
template <const int BM, const int BN, const int BK, const int ROWS>
__global__ void sgemm_column_strip(const float* A, const float* B, float* C, int M, int N, int K,
                                   float alpha, float beta) {
  __shared__ float a_tile[BM * BK];
  __shared__ float b_tile[BK * BN];
  assert(BM * BK == blockDim.x && BN * BK == blockDim.x);

  // the pointers walk; what a thread loads and what it computes are different places
  A += blockIdx.y * BM * K;
  B += blockIdx.x * BN;
  C += blockIdx.y * BM * N + blockIdx.x * BN;
  const uint a_row = threadIdx.x / BK, a_col = threadIdx.x % BK;
  const uint b_row = threadIdx.x / BN, b_col = threadIdx.x % BN;
  const int first_row = threadIdx.x / BN * ROWS, col = threadIdx.x % BN;

  float sums[ROWS] = {0.0};
  for (uint k0 = 0; k0 < K; k0 += BK, A += BK, B += BK * N) {
    a_tile[a_row * BK + a_col] = A[a_row * K + a_col];
    b_tile[b_row * BN + b_col] = B[b_row * N + b_col];
    __syncthreads();
    for (uint k = 0; k < BK; ++k) {
      const float b = b_tile[k * BN + col]; // used ROWS times
      for (uint r = 0; r < ROWS; ++r) sums[r] += a_tile[(first_row + r) * BK + k] * b;
    }
    __syncthreads();
  }
  for (uint r = 0; r < ROWS; ++r) {
    float& c = C[(first_row + r) * N + col];
    c = alpha * sums[r] + beta * c;
  }
}

// TM x TN results a thread; A is transposed on its way into shared memory, everything moves by float4.
template <const int BM, const int BN, const int BK, const int TM, const int TN>
__global__ void __launch_bounds__((BM / TM) * (BN / TN), 1)
    sgemm_vectorised(float* A, float* B, float* C, int M, int N, int K, float alpha, float beta) {
  constexpr uint threads = (BM / TM) * (BN / TN);
  __shared__ __align__(16) float a_t[BK][BM];
  __shared__ __align__(16) float b_s[BK][BN];
  const uint tid = threadIdx.x;
  const uint row0 = tid / (BN / TN) * TM, col0 = tid % (BN / TN) * TN;
  float* a_block = A + blockIdx.y * BM * K;
  float* b_block = B + blockIdx.x * BN;

  float sums[TM][TN] = {};
  float a_reg[TM], b_reg[TN];

  for (uint k0 = 0; k0 < K; k0 += BK) {
    for (uint i = tid; i < BM * BK / 4; i += threads) {
      const uint r = i / (BK / 4), c = i % (BK / 4) * 4;
      const float4 v = reinterpret_cast<float4*>(&a_block[r * K + k0 + c])[0];
      a_t[c + 0][r] = v.x;
      a_t[c + 1][r] = v.y;
      a_t[c + 2][r] = v.z;
      a_t[c + 3][r] = v.w;
    }
    for (uint i = tid; i < BK * BN / 4; i += threads) {
      const uint r = i / (BN / 4), c = i % (BN / 4) * 4;
      reinterpret_cast<float4*>(&b_s[r][c])[0] = reinterpret_cast<float4*>(&b_block[(k0 + r) * N + c])[0];
    }
    __syncthreads();
#pragma unroll
    for (uint k = 0; k < BK; ++k) {
      for (uint i = 0; i < TM; ++i) a_reg[i] = a_t[k][row0 + i];
      for (uint j = 0; j < TN; ++j) b_reg[j] = b_s[k][col0 + j];
      for (uint i = 0; i < TM; ++i)
        for (uint j = 0; j < TN; ++j) sums[i][j] += a_reg[i] * b_reg[j];
    }
    __syncthreads();
  }

  float* c_block = C + (blockIdx.y * BM + row0) * N + blockIdx.x * BN + col0;
  for (uint i = 0; i < TM; ++i) {
    for (uint j = 0; j < TN; j += 4) {
      float4* place = reinterpret_cast<float4*>(c_block + i * N + j);
      float4 c = *place;
      c.x = alpha * sums[i][j] + beta * c.x;
      c.y = alpha * sums[i][j + 1] + beta * c.y;
      c.z = alpha * sums[i][j + 2] + beta * c.z;
      c.w = alpha * sums[i][j + 3] + beta * c.w;
      *place = c;
    }
  }
}
