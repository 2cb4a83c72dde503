// The benchmarks' kernels in OpenCL C, block for block what bench/peers/ours.py launches.
//
// Indices are size_t: with int ones Intel's vectoriser cannot prove unit stride and is far slower.
#define SYNC barrier(CLK_LOCAL_MEM_FENCE)
#define THREADS 256
#define RUN 2048

__kernel void empty32(__global const float *a, __global float *out, float one) {
  size_t i = get_global_id(0);
  out[i] = a[i] + one;
}

__kernel void saxpy(float s, __global const float *restrict x, __global float *restrict y, int n) {
  size_t i = get_global_id(0);
  if (i < n) y[i] = s * x[i] + y[i];
}

__kernel void mandelbrot(__global int *restrict out, int n, int limit) {
  size_t column = get_global_id(0), row = get_global_id(1);
  if (column >= n || row >= n) return;
  float step = 3.0f / n;
  float cx = -2.0f + step * (int)column, cy = -1.5f + step * (int)row;
  float x = 0.0f, y = 0.0f;
  int count = 0;
  while (count < limit) {
    float xx = x * x, yy = y * y;
    if (xx + yy > 4.0f) break;
    y = 2.0f * x * y + cy;
    x = xx - yy + cx;
    ++count;
  }
  out[row * n + column] = count;
}

__kernel void reduce(__global const float *restrict a, __global float *restrict out) {
  __local float part[THREADS];
  size_t t = get_local_id(0), block = get_group_id(0);
  float sum = 0.0f;
  for (int i = 0; i < RUN; i += THREADS) sum += a[block * RUN + i + t];
  part[t] = sum;
  SYNC;
  for (int offset = THREADS / 2; offset > 0; offset /= 2) {
    if (t < offset) part[t] += part[t + offset];
    SYNC;
  }
  if (t == 0) out[block] = part[0];
}

__kernel __attribute__((reqd_work_group_size(TILE, TILE, 1))) void matmul(
    __global const float *restrict a, __global const float *restrict b,
    __global float *restrict c, int n) {
  __local float left[TILE][TILE], right[TILE][TILE];
  size_t tx = get_local_id(0), ty = get_local_id(1);
  size_t column = get_global_id(0), row = get_global_id(1);
  float sum = 0.0f;
  for (int k = 0; k < n; k += TILE) {
    left[ty][tx] = a[row * n + k + tx];
    right[ty][tx] = b[(k + ty) * n + column];
    SYNC;
    for (int i = 0; i < TILE; ++i) sum += left[ty][i] * right[i][tx];
    SYNC;
  }
  c[row * n + column] = sum;
}

__kernel void softmax(__global const float *restrict a, __global float *restrict out, int columns) {
  __local float part[THREADS];
  size_t t = get_local_id(0);
  __global const float *p = a + get_group_id(0) * columns;
  __global float *q = out + get_group_id(0) * columns;
  float largest = -FLT_MAX;
  for (size_t i = t; i < columns; i += THREADS) largest = fmax(largest, p[i]);
  part[t] = largest;
  SYNC;
  for (int offset = THREADS / 2; offset > 0; offset /= 2) {
    if (t < offset) part[t] = fmax(part[t], part[t + offset]);
    SYNC;
  }
  largest = part[0];
  SYNC;
  float sum = 0.0f;
  for (size_t i = t; i < columns; i += THREADS) {
    float e = exp(p[i] - largest);
    q[i] = e;
    sum += e;
  }
  part[t] = sum;
  SYNC;
  for (int offset = THREADS / 2; offset > 0; offset /= 2) {
    if (t < offset) part[t] += part[t + offset];
    SYNC;
  }
  float scale = 1.0f / part[0];
  for (size_t i = t; i < columns; i += THREADS) q[i] *= scale;
}
