// Dynamic programming: anti-diagonals and phases instead of nested loops.

#define BLOCK 8

// Blocked Floyd-Warshall: the pivot block, its row and column, then the rest.
__device__ __forceinline__ void relax(int (*c)[BLOCK], const int (*a)[BLOCK], const int (*b)[BLOCK], int ty, int tx)
{
    for (int k = 0; k < BLOCK; ++k) {
        const int through = a[ty][k] + b[k][tx];
        if (through < c[ty][tx]) c[ty][tx] = through;
        __syncthreads();
    }
}

extern "C" __global__ void floyd_pivot(int* d, int n, int pivot)
{
    __shared__ int c[BLOCK][BLOCK];
    const int ty = threadIdx.y, tx = threadIdx.x;
    const int at = (pivot * BLOCK + ty) * n + pivot * BLOCK + tx;
    c[ty][tx] = d[at];
    __syncthreads();
    relax(c, c, c, ty, tx);
    d[at] = c[ty][tx];
}

extern "C" __global__ void floyd_rest(int* d, int n, int pivot)
{
    __shared__ int row[BLOCK][BLOCK], column[BLOCK][BLOCK];
    if (blockIdx.x == pivot || blockIdx.y == pivot) return;
    const int ty = threadIdx.y, tx = threadIdx.x;
    const int y = blockIdx.y * BLOCK + ty, x = blockIdx.x * BLOCK + tx;
    row[ty][tx] = d[(pivot * BLOCK + ty) * n + x];
    column[ty][tx] = d[y * n + pivot * BLOCK + tx];
    __syncthreads();
    int best = d[y * n + x];
#pragma unroll
    for (int k = 0; k < BLOCK; ++k) best = min(best, column[ty][k] + row[k][tx]);
    d[y * n + x] = best;
}

// The textbook version: one k a launch.
extern "C" __global__ void floyd_step(float* d, int* next, int n, int k)
{
    const int j = blockIdx.x * blockDim.x + threadIdx.x, i = blockIdx.y * blockDim.y + threadIdx.y;
    if (i >= n || j >= n || i == k || j == k) return;
    const float through = d[i * n + k] + d[k * n + j];
    if (through < d[i * n + j]) {
        d[i * n + j] = through;
        next[i * n + j] = next[i * n + k];
    }
}

// Longest common subsequence: three anti-diagonals rotate in shared memory.
extern "C" __global__ void lcs(const char* a, int m, const char* b, int n, int* length)
{
    __shared__ int diagonals[3][129];
    int *older = diagonals[0], *old = diagonals[1], *now = diagonals[2];
    const int i = threadIdx.x;
    if (i <= m) older[i] = old[i] = 0;
    __syncthreads();
    for (int d = 2; d <= m + n; ++d) {
        const int j = d - i;
        if (i <= m) {
            int value = 0;
            if (i >= 1 && j >= 1 && j <= n)
                value = a[i - 1] == b[j - 1] ? older[i - 1] + 1 : max(old[i - 1], old[i]);
            now[i] = value;
        }
        __syncthreads();
        int* spare = older;
        older = old;
        old = now;
        now = spare;
    }
    if (i == m) *length = old[m];
}

// Needleman-Wunsch, Rodinia's way: a block of the score matrix by its anti-diagonals.
#define MATCH 2
#define MISMATCH (-1)

__device__ int maximum(int a, int b, int c)
{
    int k;
    if (a <= b)
        k = b;
    else
        k = a;
    if (k <= c)
        return (c);
    else
        return (k);
}

template <int SIZE>
__global__ void needleman_wunsch(const char* x, const char* y, int* score, int cols, int penalty, int diagonal)
{
    __shared__ int temp[SIZE + 1][SIZE + 1];
    const int bx = blockIdx.x, by = diagonal - bx, tx = threadIdx.x;
    const int base = cols * SIZE * by + SIZE * bx;
    if (tx == 0) temp[0][0] = score[base];
    temp[tx + 1][0] = score[base + cols * (tx + 1)];
    temp[0][tx + 1] = score[base + tx + 1];
    __syncthreads();
    for (int m = 0; m < 2 * SIZE - 1; m++) {
        const int col = tx + 1, row = m - tx + 1;
        if (row >= 1 && row <= SIZE) {
            const int reference = x[bx * SIZE + col - 1] == y[by * SIZE + row - 1] ? MATCH : MISMATCH;
            temp[row][col] = maximum(temp[row - 1][col - 1] + reference, temp[row][col - 1] - penalty,
                                     temp[row - 1][col] - penalty);
        }
        __syncthreads();
    }
    for (int row = 1; row <= SIZE; ++row) score[base + cols * row + tx + 1] = temp[row][tx + 1];
}

// 0/1 knapsack, all items in one block; the two rows swap.
extern "C" __global__ void knapsack(const int* weights, const int* values, int items, int capacity, int* best)
{
    extern __shared__ int rows[];
    int* from = rows;
    int* to = rows + capacity + 1;
    for (int c = threadIdx.x; c <= capacity; c += blockDim.x) from[c] = 0;
    __syncthreads();
    for (int item = 0; item < items; ++item) {
        const int w = weights[item], v = values[item];
        for (int c = threadIdx.x; c <= capacity; c += blockDim.x) {
            int value = from[c];
            if (c >= w) value = max(value, from[c - w] + v);
            to[c] = value;
        }
        __syncthreads();
        int* t = from;
        from = to;
        to = t;
    }
    for (int c = threadIdx.x; c <= capacity; c += blockDim.x) best[c] = from[c];
}

// Viterbi: a state a thread, log probabilities, back pointers kept.
extern "C" __global__ void viterbi(const float* start, const float* transition, const float* emission,
                                   const int* observed, int steps, int states, int symbols, int* path)
{
    __shared__ float score[2][32];
    __shared__ unsigned char from[64][32];
    const int s = threadIdx.x;
    int side = 0;
    if (s < states) score[0][s] = start[s] + emission[s * symbols + observed[0]];
    __syncthreads();
    for (int t = 1; t < steps; ++t, side ^= 1) {
        if (s < states) {
            int arg = 0;
            float top = score[side][0] + transition[s];
            for (int p = 1; p < states; ++p) {
                const float candidate = score[side][p] + transition[p * states + s];
                if (candidate > top) {
                    top = candidate;
                    arg = p;
                }
            }
            score[side ^ 1][s] = top + emission[s * symbols + observed[t]];
            from[t][s] = arg;
        }
        __syncthreads();
    }
    if (s == 0) {
        int state = 0;
        for (int p = 1; p < states; ++p)
            if (score[side][p] > score[side][state]) state = p;
        for (int t = steps - 1; t > 0; state = from[t--][state]) path[t] = state;
        path[0] = state;
    }
}
