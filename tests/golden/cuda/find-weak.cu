extern "C" __global__ void find(
    signed char *matches, long long matches_shape0,
    const unsigned char *text, long long text_shape0,
    const unsigned char *pattern, long long pattern_shape0) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    long long m = pattern_shape0;
    if (i + m > text_shape0) {
        return;
    }
    {
        for (long long k = 0; k < m; ++k) {
            if (text[i + k] != pattern[k]) {
                goto loop_end;
            }
        }
        matches[i] = 1;
    }
    loop_end:;
}
