// Merge path: every thread finds where its diagonal crosses the path, then merges a few elements.

template <typename It, typename Compare>
__device__ int merge_path(It a, int a_count, It b, int b_count, int diagonal, Compare before)
{
    int begin = max(0, diagonal - b_count), end = min(diagonal, a_count);
    while (begin < end) {
        const int middle = (begin + end) >> 1;
        if (!before(b[diagonal - 1 - middle], a[middle]))
            begin = middle + 1;
        else
            end = middle;
    }
    return begin;
}

template <int PER_THREAD>
__global__ void merge_sorted(const int* a, int a_count, const int* b, int b_count, int* out)
{
    auto less = [](int x, int y) { return x < y; };
    const int total = a_count + b_count;
    const int diagonal = min((int)(blockIdx.x * blockDim.x + threadIdx.x) * PER_THREAD, total);
    int i = merge_path(a, a_count, b, b_count, diagonal, less);
    int j = diagonal - i;
    for (int k = 0; k < PER_THREAD && diagonal + k < total; ++k) {
        const bool from_a = j >= b_count || (i < a_count && !less(b[j], a[i]));
        out[diagonal + k] = from_a ? a[i++] : b[j++];
    }
}
