extern "C" __global__ void bfs_claim(
    int *level, long long level_shape0, int *frontier, long long frontier_shape0,
    int *size, long long size_shape0, const int *start, long long start_shape0,
    const int *neighbours, long long neighbours_shape0,
    const int *old_frontier, long long old_frontier_shape0, int depth) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= old_frontier_shape0) {
        return;
    }
    int v = old_frontier[i];
    const int e_stop = start[v + 1U];
    for (int e = start[v]; e < e_stop; ++e) {
        int w = neighbours[e];
        int old = atomicCAS(&level[w], -1, depth);
        if (old == -1) {
            int old_1 = atomicAdd(&size[0], 1);
            frontier[old_1] = w;
        }
    }
}
