extern "C" __global__ void vector_add(
    float *c, long long c_shape0, const float *a, long long a_shape0,
    const float *b, long long b_shape0) {
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < c_shape0) {
        c[i] = a[i] + b[i];
    }
}
