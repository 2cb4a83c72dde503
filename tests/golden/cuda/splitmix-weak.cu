extern "C" __global__ void splitmix(
    unsigned long long *out, long long out_shape0, unsigned long long seed) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < out_shape0) {
        unsigned long long z = seed + (unsigned long long)(i + 1) * 11400714819323198485ULL;
        z = (z ^ (z >> 30)) * 13787848793156543929ULL;
        z = (z ^ (z >> 27)) * 10723151780598845931ULL;
        out[i] = z ^ (z >> 31);
    }
}
