// Triangle counting: a warp intersects the sorted lists of an edge's ends by binary search.

__device__ bool contains(const int* __restrict__ list, int length, int wanted)
{
    int low = 0, high = length - 1;
    while (low <= high) {
        const int middle = low + (high - low) / 2;
        const int found = __ldg(list + middle);
        if (found == wanted) return true;
        if (found < wanted)
            low = middle + 1;
        else
            high = middle - 1;
    }
    return false;
}

extern "C" __global__ void count_triangles(const int* offsets, const int* targets, const int2* edges,
                                           int n_edges, unsigned long long* total)
{
    const int warp = (blockIdx.x * blockDim.x + threadIdx.x) / 32;
    const int warps = gridDim.x * blockDim.x / 32;
    const int lane = threadIdx.x % 32;
    unsigned long long found = 0;
    for (int e = warp; e < n_edges; e += warps) {
        int a = edges[e].x, b = edges[e].y;
        if (offsets[a + 1] - offsets[a] > offsets[b + 1] - offsets[b]) {
            a ^= b;
            b ^= a;
            a ^= b;
        }
        const int* list = targets + offsets[b];
        const int length = offsets[b + 1] - offsets[b];
        for (int i = offsets[a] + lane; i < offsets[a + 1]; i += 32)
            if (contains(list, length, targets[i])) found++;
    }
    for (int o = 16; o > 0; o >>= 1) found += __shfl_down_sync(0xffffffffu, found, o);
    if (lane == 0) atomicAdd(total, found);
}
