// The layers of a BERT encoder as CUDA kernels; examples/minilm.py launches them.
//
// Sentences are packed: all tokens of a batch stand in one array, [tokens][width], and offsets[s]
// is where sentence s begins. No token is padding, so none needs a mask. Everything is float32 and
// row-major. A block is 32 threads wide, so that threadIdx.y is the warp and threadIdx.x the lane.

constexpr int WARP = 32;
constexpr unsigned ALL = 0xffffffff;  // lanes of a warp
constexpr float LOWEST = -3.402823466e38f;

// ------------------------------------------------------------------------------------- warps

__device__ float warp_sum(float x) {
#pragma unroll
  for (int distance = WARP / 2; distance > 0; distance /= 2) x += __shfl_xor_sync(ALL, x, distance);
  return x;
}

__device__ float warp_max(float x) {
#pragma unroll
  for (int distance = WARP / 2; distance > 0; distance /= 2)
    x = fmaxf(x, __shfl_xor_sync(ALL, x, distance));
  return x;
}

// Layer normalisation of a row that a warp holds in registers: lane l has columns l, l + 32, ...
template <int WIDTH>
__device__ void normalise(const float (&row)[WIDTH / WARP], const float* scale, const float* shift,
                          float epsilon, float* out) {
  constexpr int PER_LANE = WIDTH / WARP;
  float sum = 0.0f;
#pragma unroll
  for (int i = 0; i < PER_LANE; ++i) sum += row[i];
  const float mean = warp_sum(sum) / WIDTH;
  float squares = 0.0f;
#pragma unroll
  for (int i = 0; i < PER_LANE; ++i) squares += (row[i] - mean) * (row[i] - mean);
  const float inverse = rsqrtf(warp_sum(squares) / WIDTH + epsilon);
#pragma unroll
  for (int i = 0; i < PER_LANE; ++i) {
    const int column = threadIdx.x + WARP * i;
    out[column] = (row[i] - mean) * inverse * scale[column] + shift[column];
  }
}

// -------------------------------------------------------------------------------- embeddings

// out = layernorm(words[id] + positions[position]), a warp for each token.
template <int WIDTH>
__global__ void embed(const int* __restrict__ ids, const int* __restrict__ position_of,
                      const float* __restrict__ words, const float* __restrict__ positions,
                      const float* __restrict__ scale, const float* __restrict__ shift,
                      float epsilon, float* __restrict__ out, int tokens) {
  const int token = blockIdx.x * blockDim.y + threadIdx.y;
  if (token >= tokens) return;
  const float* word = words + ids[token] * WIDTH;
  const float* position = positions + position_of[token] * WIDTH;
  float row[WIDTH / WARP];
#pragma unroll
  for (int i = 0; i < WIDTH / WARP; ++i)
    row[i] = word[threadIdx.x + WARP * i] + position[threadIdx.x + WARP * i];
  normalise<WIDTH>(row, scale, shift, epsilon, out + token * WIDTH);
}

// hidden = layernorm(hidden + update), a warp for each token.
template <int WIDTH>
__global__ void add_norm(float* __restrict__ hidden, const float* __restrict__ update,
                         const float* __restrict__ scale, const float* __restrict__ shift,
                         float epsilon, int tokens) {
  const int token = blockIdx.x * blockDim.y + threadIdx.y;
  if (token >= tokens) return;
  hidden += token * WIDTH;
  update += token * WIDTH;
  float row[WIDTH / WARP];
#pragma unroll
  for (int i = 0; i < WIDTH / WARP; ++i)
    row[i] = hidden[threadIdx.x + WARP * i] + update[threadIdx.x + WARP * i];
  normalise<WIDTH>(row, scale, shift, epsilon, hidden);
}

// ------------------------------------------------------------------------------------ matmul

struct Identity {
  __device__ float operator()(float x) const { return x; }
};

struct Gelu {
  __device__ float operator()(float x) const { return 0.5f * x * (1.0f + erff(x * 0.70710678f)); }
};

// out[rows][columns] = activation(x[rows][inner] · weight[inner][columns] + bias).
//
// A block of 8 warps makes a tile of 64 x 96 and walks along `inner` in steps of 32 through shared
// memory; a thread makes 8 x 3 of it in registers. A warp has 8 whole rows of the tile: its lanes
// read the same element of x and neighbouring ones of weight. `inner` must be a multiple of 32.
constexpr int TILE_WARPS = 8, THREAD_ROWS = 8, THREAD_COLUMNS = 3, TILE_DEPTH = WARP;
constexpr int TILE_ROWS = TILE_WARPS * THREAD_ROWS, TILE_COLUMNS = WARP * THREAD_COLUMNS;

template <class Activation>
__global__ __launch_bounds__(WARP* TILE_WARPS) void matmul(const float* __restrict__ x,
                                                           const float* __restrict__ weight,
                                                           const float* __restrict__ bias,
                                                           float* __restrict__ out, int rows,
                                                           int columns, int inner) {
  __shared__ float x_tile[TILE_ROWS][TILE_DEPTH];
  __shared__ float weight_tile[TILE_DEPTH][TILE_COLUMNS];
  const int lane = threadIdx.x, warp = threadIdx.y;
  const int first_row = blockIdx.y * TILE_ROWS, first_column = blockIdx.x * TILE_COLUMNS + lane;

  float sums[THREAD_ROWS][THREAD_COLUMNS] = {};
  for (int start = 0; start < inner; start += TILE_DEPTH) {
#pragma unroll
    for (int i = 0; i < THREAD_ROWS; ++i) {
      const int row = first_row + warp + TILE_WARPS * i;
      x_tile[warp + TILE_WARPS * i][lane] = row < rows ? x[row * inner + start + lane] : 0.0f;
    }
#pragma unroll
    for (int k = warp; k < TILE_DEPTH; k += TILE_WARPS)
#pragma unroll
      for (int j = 0; j < THREAD_COLUMNS; ++j) {
        const int column = first_column + WARP * j;
        weight_tile[k][lane + WARP * j] =
            column < columns ? weight[(start + k) * columns + column] : 0.0f;
      }
    __syncthreads();
#pragma unroll
    for (int k = 0; k < TILE_DEPTH; ++k)
#pragma unroll
      for (int i = 0; i < THREAD_ROWS; ++i)
#pragma unroll
        for (int j = 0; j < THREAD_COLUMNS; ++j)
          sums[i][j] += x_tile[warp * THREAD_ROWS + i][k] * weight_tile[k][lane + WARP * j];
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < THREAD_ROWS; ++i)
#pragma unroll
    for (int j = 0; j < THREAD_COLUMNS; ++j) {
      const int row = first_row + warp * THREAD_ROWS + i, column = first_column + WARP * j;
      if (row < rows && column < columns)
        out[row * columns + column] = Activation()(sums[i][j] + bias[column]);
    }
}

// --------------------------------------------------------------------------------- attention

// out = softmax(q · kᵀ / √32) · v for one head of one sentence, heads of 32 columns, in one pass
// over the keys: maximum and sum are kept up to date ("online"), so that no score is ever stored.
//
// A block of 8 warps takes 32 queries, a warp 4 of them. The keys come 32 at a time through shared
// memory. A lane is a key while scores are made, and a column while values are added up.
// qkv is [tokens][3 * width]: the queries of all heads, then their keys, then their values.
constexpr int HEAD = WARP, ATTENTION_WARPS = 8, WARP_QUERIES = 4;
constexpr int BLOCK_QUERIES = ATTENTION_WARPS * WARP_QUERIES;

__global__ __launch_bounds__(WARP* ATTENTION_WARPS) void attention(const float* __restrict__ qkv,
                                                                   const int* __restrict__ offsets,
                                                                   float* __restrict__ out,
                                                                   int width) {
  __shared__ float queries[BLOCK_QUERIES][HEAD];
  __shared__ float keys[HEAD][WARP + 1];  // transposed; one more column keeps the banks apart
  __shared__ float values[WARP][HEAD];
  __shared__ float weights[BLOCK_QUERIES][WARP];
  const int lane = threadIdx.x, warp = threadIdx.y, column = blockIdx.y * HEAD + lane;
  const int begin = offsets[blockIdx.z], length = offsets[blockIdx.z + 1] - begin;
  const int first_query = blockIdx.x * BLOCK_QUERIES;
  if (first_query >= length) return;
  qkv += begin * 3 * width + column;

  // Scores are powers of two, because exp2f is one instruction: √32 and log2(e) go into the
  // queries.
  const float factor = rsqrtf(float(HEAD)) * 1.44269504f;
  const int mine = warp * WARP_QUERIES;
  float maxima[WARP_QUERIES], sums[WARP_QUERIES], results[WARP_QUERIES];
#pragma unroll
  for (int i = 0; i < WARP_QUERIES; ++i) {
    const int query = first_query + mine + i;
    queries[mine + i][lane] = query < length ? qkv[query * 3 * width] * factor : 0.0f;
    maxima[i] = LOWEST;
    sums[i] = results[i] = 0.0f;
  }

  for (int start = 0; start < length; start += WARP) {
    __syncthreads();
#pragma unroll
    for (int k = warp; k < WARP; k += ATTENTION_WARPS) {
      const float* token = qkv + (start + k) * 3 * width;
      keys[lane][k] = start + k < length ? token[width] : 0.0f;
      values[k][lane] = start + k < length ? token[2 * width] : 0.0f;
    }
    __syncthreads();

    float scores[WARP_QUERIES] = {};
#pragma unroll
    for (int d = 0; d < HEAD; ++d)
#pragma unroll
      for (int i = 0; i < WARP_QUERIES; ++i) scores[i] += queries[mine + i][d] * keys[d][lane];
#pragma unroll
    for (int i = 0; i < WARP_QUERIES; ++i) {
      if (start + lane >= length) scores[i] = LOWEST;
      const float maximum = fmaxf(maxima[i], warp_max(scores[i]));
      const float weight = exp2f(scores[i] - maximum), shrink = exp2f(maxima[i] - maximum);
      weights[mine + i][lane] = weight;
      maxima[i] = maximum;
      sums[i] = sums[i] * shrink + weight;  // of this lane's keys
      results[i] *= shrink;
    }
    __syncwarp();
#pragma unroll
    for (int k = 0; k < WARP; ++k)
#pragma unroll
      for (int i = 0; i < WARP_QUERIES; ++i) results[i] += weights[mine + i][k] * values[k][lane];
  }
#pragma unroll
  for (int i = 0; i < WARP_QUERIES; ++i) {
    const float sum = warp_sum(sums[i]);
    const int query = first_query + mine + i;
    if (query < length) out[(begin + query) * width + column] = results[i] / sum;
  }
}

// ----------------------------------------------------------------------------------- pooling

// out[s] = the mean of a sentence's tokens, divided by its Euclidean norm, a block for each
// sentence.
template <int WIDTH>
__global__ __launch_bounds__(WIDTH) void pool(const float* __restrict__ hidden,
                                              const int* __restrict__ offsets,
                                              float* __restrict__ out) {
  __shared__ float partial[WIDTH / WARP];
  const int column = threadIdx.y * WARP + threadIdx.x;
  const int begin = offsets[blockIdx.x], end = offsets[blockIdx.x + 1];
  float mean = 0.0f;
  for (int token = begin; token < end; ++token) mean += hidden[token * WIDTH + column];
  mean /= end - begin;

  const float squares = warp_sum(mean * mean);
  if (threadIdx.x == 0) partial[threadIdx.y] = squares;
  __syncthreads();
  float total = 0.0f;
#pragma unroll
  for (int i = 0; i < WIDTH / WARP; ++i) total += partial[i];
  out[blockIdx.x * WIDTH + column] = mean / fmaxf(sqrtf(total), 1e-12f);
}
