// The benchmarks' kernels as hand-written loops: what a C++ programmer gets out of this machine.
//
// No blocks and no shared memory: the same results by the best road known to us. Built by
// bench/peers/native.py with OpenMP, -march=native and fast-math. C linkage; all arrays are dense.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#ifdef __AVX512F__
#include <immintrin.h>
#endif

namespace {

constexpr int64_t kParallel = 1 << 16;  // elements from which a second thread pays

#ifdef __AVX512F__
constexpr int kLanes = 16;
#else
constexpr int kLanes = 8;
#endif

using Vector = float __attribute__((vector_size(kLanes * sizeof(float)), aligned(sizeof(float))));

using Integers = int32_t __attribute__((vector_size(kLanes * sizeof(int32_t))));

bool any(Integers mask) {
#ifdef __AVX512F__
  return _mm512_test_epi32_mask(reinterpret_cast<__m512i>(mask), reinterpret_cast<__m512i>(mask));
#else
  int32_t folded = 0;
  for (int i = 0; i < kLanes; ++i) folded |= mask[i];
  return folded != 0;
#endif
}

Vector load(const float* p) { return *reinterpret_cast<const Vector*>(p); }
void store(float* p, Vector v) { *reinterpret_cast<Vector*>(p) = v; }

struct Free {
  void operator()(float* p) const { std::free(p); }
};

// Matrix product: B is packed into panels of kColumns, a kRows x kColumns piece of C stays in
// registers over kDepth products.
constexpr int64_t kRows = 6, kColumns = 4 * kLanes, kDepth = 384, kBand = 96;

template <int64_t rows>
void multiply_piece(const float* a, int64_t n, const float* panel, float* c, int64_t depth,
                    bool first) {
  Vector sum[rows][4];
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t v = 0; v < 4; ++v) {
      sum[r][v] = first ? Vector{} : load(c + r * n + v * kLanes);
    }
  }
  for (int64_t k = 0; k < depth; ++k) {
    const Vector b[4] = {load(panel + k * kColumns), load(panel + k * kColumns + kLanes),
                         load(panel + k * kColumns + 2 * kLanes),
                         load(panel + k * kColumns + 3 * kLanes)};
#pragma GCC unroll 8
    for (int64_t r = 0; r < rows; ++r) {
      const float x = a[r * n + k];
#pragma GCC unroll 4
      for (int64_t v = 0; v < 4; ++v) sum[r][v] += x * b[v];
    }
  }
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t v = 0; v < 4; ++v) store(c + r * n + v * kLanes, sum[r][v]);
  }
}

void multiply_band(const float* a, int64_t n, const float* panel, float* c, int64_t rows,
                   int64_t depth, bool first) {
  int64_t r = 0;
  for (; r + kRows <= rows; r += kRows) {
    multiply_piece<kRows>(a + r * n, n, panel, c + r * n, depth, first);
  }
  for (; r < rows; ++r) multiply_piece<1>(a + r * n, n, panel, c + r * n, depth, first);
}

}  // namespace

extern "C" {

void empty32(const float* a, float* out) {
  for (int i = 0; i < 32; ++i) out[i] = a[i] + 1.0f;
}

void saxpy(float s, const float* __restrict x, float* __restrict y, int64_t n) {
#pragma omp parallel for simd schedule(static) if (parallel : n >= kParallel)
  for (int64_t i = 0; i < n; ++i) y[i] += s * x[i];
}

// Escape times over x in [-2, 1], y in [-1.5, 1.5]. A point that left is frozen: its square stays
// above the limit, so its count stands still while its neighbours in the registers go on.
void mandelbrot(int32_t* __restrict out, int64_t n, int limit) {
  constexpr int kUnroll = 4;  // independent registers that hide the latency
  const float step = 3.0f / static_cast<float>(n);
#pragma omp parallel for schedule(dynamic, 4) if (n >= 128)
  for (int64_t row = 0; row < n; ++row) {
    const float cy = -1.5f + step * static_cast<float>(row);
    for (int64_t column = 0; column < n; column += kUnroll * kLanes) {
      Vector x[kUnroll] = {}, y[kUnroll] = {}, cx[kUnroll];
      Integers count[kUnroll] = {};
      for (int i = 0; i < kUnroll * kLanes; ++i) {
        cx[i / kLanes][i % kLanes] = -2.0f + step * static_cast<float>(column + i);
      }
      for (int iteration = 0; iteration < limit; ++iteration) {
        Integers alive = {};
#pragma GCC unroll 4
        for (int u = 0; u < kUnroll; ++u) {
          const Vector xx = x[u] * x[u], yy = y[u] * y[u], xy = x[u] * y[u];
          const Integers inside = xx + yy <= 4.0f;  // -1 where true
          x[u] = inside ? xx - yy + cx[u] : x[u];
          y[u] = inside ? xy + xy + cy : y[u];
          count[u] -= inside;
          alive |= inside;
        }
        if (!any(alive)) break;
      }
      const int64_t left = std::min<int64_t>(kUnroll * kLanes, n - column);
      std::memcpy(out + row * n + column, count, sizeof(int32_t) * static_cast<size_t>(left));
    }
  }
}

// out[j] = the sum of the j-th run of `run` elements.
void reduce(const float* __restrict a, float* __restrict out, int64_t n, int64_t run) {
#pragma omp parallel for schedule(static) if (n >= kParallel)
  for (int64_t j = 0; j < n / run; ++j) {
    const float* p = a + j * run;
    float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < run; ++i) sum += p[i];
    out[j] = sum;
  }
}

// C = A B for square matrices; n is a multiple of 64.
void matmul(const float* __restrict a, const float* __restrict b, float* __restrict c, int64_t n) {
  const int64_t panels = n / kColumns;
  std::unique_ptr<float[], Free> packed(
      static_cast<float*>(std::aligned_alloc(64, sizeof(float) * static_cast<size_t>(n * n))));
#pragma omp parallel if (n >= 128)
  {
#pragma omp for schedule(static)
    for (int64_t p = 0; p < panels; ++p) {
      for (int64_t k = 0; k < n; ++k) {
        std::memcpy(packed.get() + (p * n + k) * kColumns, b + k * n + p * kColumns,
                    kColumns * sizeof(float));
      }
    }
    for (int64_t k = 0; k < n; k += kDepth) {
      const int64_t depth = std::min(kDepth, n - k);
#pragma omp for schedule(dynamic, 1) collapse(2)
      for (int64_t i = 0; i < n; i += kBand) {
        for (int64_t p = 0; p < panels; ++p) {
          multiply_band(a + i * n + k, n, packed.get() + (p * n + k) * kColumns,
                        c + i * n + p * kColumns, std::min(kBand, n - i), depth, k == 0);
        }
      }
    }
  }
}

// Each row of a becomes its softmax.
void softmax(const float* __restrict a, float* __restrict out, int64_t rows, int64_t columns) {
#pragma omp parallel for schedule(static) if (rows * columns >= kParallel / 4)
  for (int64_t row = 0; row < rows; ++row) {
    const float* p = a + row * columns;
    float* q = out + row * columns;
    float largest = p[0], sum = 0.0f;
#pragma omp simd reduction(max : largest)
    for (int64_t i = 0; i < columns; ++i) largest = p[i] > largest ? p[i] : largest;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < columns; ++i) {
      const float e = expf(p[i] - largest);
      q[i] = e;
      sum += e;
    }
    const float scale = 1.0f / sum;
#pragma omp simd
    for (int64_t i = 0; i < columns; ++i) q[i] *= scale;
  }
}

}  // extern "C"
