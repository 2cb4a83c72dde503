extern __shared__ __align__(16) unsigned char ax_dynamic_shared[];

extern "C" __global__ void k(float *x, float *out, int *found) {
    unsigned char *const arena = (unsigned char *)ax_dynamic_shared;
    *reinterpret_cast<float *>(arena + threadIdx.x * 4) = x[threadIdx.x];
    *reinterpret_cast<int *>(arena + (threadIdx.x * 4 + 208)) = threadIdx.x * 3;
    __syncthreads();
    out[threadIdx.x] = *reinterpret_cast<float *>(arena + (49U - threadIdx.x) * 4);
    found[threadIdx.x] = *reinterpret_cast<int *>(arena + ((49U - threadIdx.x) * 4 + 208));
}
