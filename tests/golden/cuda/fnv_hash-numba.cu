extern "C" __global__ void fnv_hash(
    unsigned int *hashes, long long hashes_shape0,
    const unsigned char *words, long long words_shape0, long long words_shape1, long long words_stride0) {
    long long row = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= words_shape0) {
        return;
    }
    unsigned int h = 2166136261U;
    for (long long k = 0; k < words_shape1; ++k) {
        unsigned char c = words[row * words_stride0 + k];
        if (c == 0) {
            break;
        }
        h = (unsigned int)((unsigned long long)h ^ (unsigned int)c);
        h = (unsigned int)((unsigned long long)h * 16777619U);
    }
    hashes[row] = h;
}
