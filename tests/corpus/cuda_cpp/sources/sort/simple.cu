// Sorts that need no network: transposition, ranks, and the k best of a row.

// Odd-even transposition in shared memory, until a round changes nothing.
extern "C" __global__ void odd_even_sort(int* data, int n, int* rounds)
{
    extern __shared__ int keys[];
    for (int i = threadIdx.x; i < n; i += blockDim.x) keys[i] = data[i];
    __syncthreads();
    int round = 0;
    bool sorted;
    do {
        sorted = true;
        for (int phase = 0; phase < 2; phase++) {
            for (int i = 2 * threadIdx.x + phase; i + 1 < n; i += 2 * blockDim.x) {
                if (keys[i] > keys[i + 1]) {
                    int t = keys[i];
                    keys[i] = keys[i + 1];
                    keys[i + 1] = t;
                    sorted = false;
                }
            }
            __syncthreads();
        }
        ++round;
    } while (__syncthreads_or(!sorted));
    for (int i = threadIdx.x; i < n; i += blockDim.x) data[i] = keys[i];
    if (threadIdx.x == 0) *rounds = round;
}

// Each element counts those that go before it; equal ones keep their order.
extern "C" __global__ void rank_sort(const double* in, double* out, int n)
{
    __shared__ double tile[64];
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    const double mine = i < n ? in[i] : 0.0;
    int rank = 0;
    for (int base = 0; base < n; base += 64) {
        if (base + threadIdx.x < n) tile[threadIdx.x] = in[base + threadIdx.x];
        __syncthreads();
        const int end = min(64, n - base);
        for (int j = 0; j < end; ++j)
            rank += tile[j] < mine || (tile[j] == mine && base + j < i);
        __syncthreads();
    }
    if (i < n) out[rank] = mine;
}

template <int K>
__global__ void top_k(const float* rows, float* values, int* indices, int height, int width)
{
    const int row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= height) return;
    float best[K];
    int where[K];
    for (int k = 0; k < K; ++k) {
        best[k] = -__int_as_float(0x7f800000);
        where[k] = -1;
    }
    for (int i = 0; i < width; ++i) {
        const float v = rows[row * width + i];
        if (!(v > best[K - 1])) continue;
        int k = K - 1;
        for (; k > 0 && best[k - 1] < v; --k) {
            best[k] = best[k - 1];
            where[k] = where[k - 1];
        }
        best[k] = v;
        where[k] = i;
    }
    for (int k = 0; k < K; ++k) {
        values[row * K + k] = best[k];
        indices[row * K + k] = where[k];
    }
}
