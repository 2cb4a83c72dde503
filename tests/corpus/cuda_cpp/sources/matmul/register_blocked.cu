// 2-D register blocking for any shape, with an epilogue functor: TS x TS block tiles, WPT x WPT a thread.

struct NoEpilogue {
    __device__ float operator()(float acc, int, int) const { return acc; }
};

struct ScaleClamp {
    float scale, low, high;
    __device__ float operator()(float acc, int row, int col) const {
        return fminf(fmaxf(acc * scale + 0.25f * (row - col), low), high);
    }
};

template <int TS, int WPT, typename Epilogue = NoEpilogue>
__global__ void gemm_blocked(const float* __restrict__ A, const float* __restrict__ B, float* __restrict__ C,
                             int M, int N, int K, Epilogue epilogue) {
    constexpr int RTS = TS / WPT;  // threads along a tile's edge
    __shared__ float Asub[TS][TS + 1];
    __shared__ float Bsub[TS][TS];
    const int tx = threadIdx.x, ty = threadIdx.y;
    const int row0 = blockIdx.y * TS, col0 = blockIdx.x * TS;

    float acc[WPT][WPT];
#pragma unroll
    for (int wm = 0; wm < WPT; wm++)
#pragma unroll
        for (int wn = 0; wn < WPT; wn++) acc[wm][wn] = 0.0f;

    for (int t = 0; t < K; t += TS) {
#pragma unroll
        for (int wm = 0; wm < WPT; wm++) {
#pragma unroll
            for (int wn = 0; wn < WPT; wn++) {
                const int r = ty + wm * RTS, c = tx + wn * RTS;
                Asub[r][c] = (row0 + r < M && t + c < K) ? A[(row0 + r) * K + t + c] : 0.0f;
                Bsub[r][c] = (t + r < K && col0 + c < N) ? B[(t + r) * N + col0 + c] : 0.0f;
            }
        }
        __syncthreads();
        float Breg[WPT];
        for (int k = 0; k < TS; k++) {
#pragma unroll
            for (int wn = 0; wn < WPT; wn++) Breg[wn] = Bsub[k][tx + wn * RTS];
#pragma unroll
            for (int wm = 0; wm < WPT; wm++) {
                const float Areg = Asub[ty + wm * RTS][k];
#pragma unroll
                for (int wn = 0; wn < WPT; wn++) acc[wm][wn] += Areg * Breg[wn];
            }
        }
        __syncthreads();
    }

#pragma unroll
    for (int wm = 0; wm < WPT; wm++) {
        const int r = row0 + ty + wm * RTS;
        if (r >= M) break;
#pragma unroll
        for (int wn = 0; wn < WPT; wn++) {
            const int c = col0 + tx + wn * RTS;
            if (c < N) C[r * N + c] = epilogue(acc[wm][wn], r, c);
        }
    }
}
