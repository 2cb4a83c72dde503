// The benchmark's kernels in CUDA C++: twins of the Python ones, statement by statement.
#define TILE 16
#define THREADS 256
#define RUN 2048

__global__ void saxpy(int n, float s, const float *x, float *y) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = s * x[i] + y[i];
}

__global__ void mandelbrot(int *out, int n, int limit) {
  int column = blockIdx.x * blockDim.x + threadIdx.x;
  int row = blockIdx.y * blockDim.y + threadIdx.y;
  if (column >= n || row >= n) return;
  float step = 3.0f / n;
  float cx = -2.0f + step * column, cy = -1.5f + step * row;
  float x = 0.0f, y = 0.0f;
  int count = 0;
  while (count < limit) {
    float xx = x * x, yy = y * y;
    if (xx + yy > 4.0f) break;
    y = 2.0f * x * y + cy;
    x = xx - yy + cx;
    count++;
  }
  out[row * n + column] = count;
}

__global__ void reduce(const float *a, float *out) {
  __shared__ float part[THREADS];
  int t = threadIdx.x;
  int first = blockIdx.x * RUN;
  float total = 0.0f;
  for (int i = 0; i < RUN; i += THREADS) total += a[first + i + t];
  part[t] = total;
  __syncthreads();
  for (int half = THREADS / 2; half > 0; half /= 2) {
    if (t < half) part[t] += part[t + half];
    __syncthreads();
  }
  if (t == 0) out[blockIdx.x] = part[0];
}

__global__ void matmul(const float *a, const float *b, float *c, int n) {
  __shared__ float left[TILE][TILE], right[TILE][TILE];
  int tx = threadIdx.x, ty = threadIdx.y;
  int column = blockIdx.x * TILE + tx, row = blockIdx.y * TILE + ty;
  float total = 0.0f;
  for (int k = 0; k < n; k += TILE) {
    left[ty][tx] = a[row * n + k + tx];
    right[ty][tx] = b[(k + ty) * n + column];
    __syncthreads();
    for (int i = 0; i < TILE; i++) total += left[ty][i] * right[i][tx];
    __syncthreads();
  }
  c[row * n + column] = total;
}

template <class Op>
__device__ float combine(float *part, float value, Op op) {
  int t = threadIdx.x;
  part[t] = value;
  __syncthreads();
  for (int half = THREADS / 2; half > 0; half /= 2) {
    if (t < half) part[t] = op(part[t], part[t + half]);
    __syncthreads();
  }
  return part[0];
}

__global__ void softmax(const float *a, float *out, int columns) {
  __shared__ float part[THREADS];
  int t = threadIdx.x;
  a += blockIdx.x * columns;
  out += blockIdx.x * columns;
  float largest = -INFINITY;
  for (int i = t; i < columns; i += THREADS) largest = fmaxf(largest, a[i]);
  largest = combine(part, largest, [](float x, float y) { return fmaxf(x, y); });
  __syncthreads();
  float total = 0.0f;
  for (int i = t; i < columns; i += THREADS) {
    float e = expf(a[i] - largest);
    out[i] = e;
    total += e;
  }
  total = combine(part, total, [](float x, float y) { return x + y; });
  float scale = 1.0f / total;
  for (int i = t; i < columns; i += THREADS) out[i] *= scale;
}

__global__ void empty32(const float *a, float *out, float one) {
  int i = threadIdx.x;
  out[i] = a[i] + one;
}
