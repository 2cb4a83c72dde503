extern "C" __global__ void k(unsigned char *p) {
    *reinterpret_cast<float *>(p + (threadIdx.x * 12 + 8)) = *reinterpret_cast<float *>(p + (threadIdx.x * 12 + 8)) + (__fmul_rn(*reinterpret_cast<float *>(p + threadIdx.x * 12), (float)reinterpret_cast<short *>(p)[threadIdx.x * 6 + 2]) + (float)p[threadIdx.x * 12 + 6]);
}
