static __device__ __forceinline__ short ax_atomic_max_i16(short *address, short value) {  // on the 32-bit word around the element
    const unsigned long long at = (unsigned long long)address;
    unsigned int *const word = (unsigned int *)(at & ~3ULL);
    const unsigned int shift = (unsigned int)(at & 3ULL) * 8U;
    unsigned int assumed, seen = *(volatile unsigned int *)word;
    short old;
    do {
        assumed = seen;
        const unsigned short element = (unsigned short)(assumed >> shift);
        old = (short)element;
        const short updated = (short)(old < value ? value : old);
        const unsigned int others = assumed & ~(0xffffU << shift);
        seen = atomicCAS(word, assumed, others | (unsigned int)((unsigned short)updated) << shift);
    } while (seen != assumed);
    return old;
}

extern "C" __global__ void k(int *x, unsigned char *cells, unsigned int *won) {
    atomicAdd(reinterpret_cast<int *>(cells + (x[threadIdx.x] & 15) * 4), 1);
    (long long)atomicAdd((unsigned long long *)&reinterpret_cast<long long *>(cells)[9], (unsigned long long)((long long)x[threadIdx.x]));
    atomicAdd(reinterpret_cast<float *>(cells + 80), (float)x[threadIdx.x]);
    unsigned int old = atomicCAS(&reinterpret_cast<unsigned int *>(cells)[21], 0U, 7U);
    won[threadIdx.x] = old;
    ax_atomic_max_i16(&reinterpret_cast<short *>(cells)[((int)threadIdx.x & 7) + 44], (short)x[threadIdx.x]);
}
