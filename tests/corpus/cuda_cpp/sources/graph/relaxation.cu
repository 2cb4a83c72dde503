// Iterations on edges and vertices until nothing changes: the host looks at the flag.

#define INFINITE 0x3f3f3f3f

extern "C" __global__ void sssp_relax(const int3* edges, int* distance, int* changed, int n_edges)
{
    int e = blockIdx.x * blockDim.x + threadIdx.x;
    if (e >= n_edges) return;
    const int3 edge = edges[e];
    const int from = distance[edge.x];
    if (from == INFINITE) return;
    const int candidate = from + edge.z;
    if (candidate < atomicMin(&distance[edge.y], candidate)) *changed = 1;
}

// Bellman-Ford to the end in one block.
extern "C" __global__ void sssp_block(const int3* edges, int* distance, int n_vertices, int n_edges)
{
    for (int round = 0; round < n_vertices; ++round) {
        int moved = 0;
        for (int e = threadIdx.x; e < n_edges; e += blockDim.x) {
            const int from = *(volatile int*)&distance[edges[e].x];
            const int candidate = from + edges[e].z;
            if (from < INFINITE && candidate < atomicMin(distance + edges[e].y, candidate)) moved = 1;
        }
        if (!__syncthreads_or(moved)) break;
    }
}

// Pull: a vertex gathers from those that point to it.
extern "C" __global__ void pagerank(const int* in_offsets, const int* in_sources, const int* out_degree,
                                    const double* rank, double* next, double dangling, double damping, int n)
{
    for (int v = blockIdx.x * blockDim.x + threadIdx.x; v < n; v += blockDim.x * gridDim.x) {
        double sum = 0.0;
        for (int e = in_offsets[v]; e < in_offsets[v + 1]; ++e) {
            const int u = in_sources[e];
            sum += rank[u] / out_degree[u];
        }
        next[v] = (1.0 - damping) / n + damping * (sum + dangling / n);
    }
}

// Connected components in one block: hooking to the smaller label, then pointer jumping.
extern "C" __global__ void components(const int2* edges, int* label, int n_vertices, int n_edges)
{
    __shared__ bool again;
    for (int v = threadIdx.x; v < n_vertices; v += blockDim.x) label[v] = v;
    do {
        __syncthreads();
        if (threadIdx.x == 0) again = false;
        __syncthreads();
        for (int e = threadIdx.x; e < n_edges; e += blockDim.x) {
            const int a = label[edges[e].x], b = label[edges[e].y];
            if (a == b) continue;
            again = true;
            atomicMin(&label[max(a, b)], min(a, b));
        }
        __syncthreads();
        for (int v = threadIdx.x; v < n_vertices; v += blockDim.x) {
            int root = label[v];
            while (root != label[root]) root = label[root];
            label[v] = root;
        }
        __syncthreads();
    } while (again);
}
