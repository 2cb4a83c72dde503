// Level-synchronous traversals of a graph in CSR form; the host launches level after level.

struct CsrGraph {
    const int* offsets;
    const int* targets;

    __device__ int begin(int v) const { return offsets[v]; }
    __device__ int end(int v) const { return offsets[v + 1]; }
    __device__ int degree(int v) const { return end(v) - begin(v); }
};

// Rodinia's BFS, step one: expand the frontier mask.
extern "C" __global__ void bfs_mask(const int* offsets, const int* targets, bool* frontier, bool* updating,
                                    const bool* visited, int* cost, int nodes)
{
    int tid = blockIdx.x * blockDim.x + threadIdx.x;
    if (tid < nodes && frontier[tid]) {
        frontier[tid] = false;
        for (int i = offsets[tid]; i < offsets[tid + 1]; i++) {
            int id = targets[i];
            if (!visited[id]) {
                cost[id] = cost[tid] + 1;
                updating[id] = true;
            }
        }
    }
}

// Queue-based: a vertex enters the next frontier when the atomic says that we were first.
extern "C" __global__ void bfs_queue(const int* offsets, const int* targets, int* level, const int* frontier,
                                     int frontier_size, int* next, int* next_size, int depth)
{
    const CsrGraph g{offsets, targets};
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= frontier_size) return;
    const int v = frontier[i];
    for (int e = g.begin(v); e != g.end(v); ++e) {
        const int u = g.targets[e];
        if (atomicCAS(&level[u], -1, depth + 1) == -1) next[atomicAdd(next_size, 1)] = u;
    }
}

// The whole search in one block: frontiers in shared memory, swapped by pointer.
template <int CAPACITY>
__global__ void bfs_block(const int* offsets, const int* targets, int* level, int source)
{
    __shared__ int storage[2][CAPACITY];
    __shared__ int sizes[2];
    int* current = storage[0];
    int* next = storage[1];
    if (threadIdx.x == 0) {
        current[0] = source;
        level[source] = 0;
        sizes[0] = 1;
        sizes[1] = 0;
    }
    __syncthreads();
    for (int depth = 0, side = 0; sizes[side] > 0; ++depth, side ^= 1) {
        for (int i = threadIdx.x; i < sizes[side]; i += blockDim.x) {
            const int v = current[i];
            for (int e = offsets[v]; e < offsets[v + 1]; ++e)
                if (atomicCAS(level + targets[e], -1, depth + 1) == -1)
                    next[atomicAdd(&sizes[side ^ 1], 1)] = targets[e];
        }
        __syncthreads();
        if (threadIdx.x == 0) sizes[side] = 0;
        int* t = current;
        current = next;
        next = t;
        __syncthreads();
    }
}
