// Inline PTX as it is met in real kernels.

#define GLOBAL_ID ((int)(blockIdx.x * blockDim.x + threadIdx.x))

__device__ __forceinline__ unsigned lane_id()
{
    unsigned id;
    asm volatile("mov.u32 %0, %%laneid;" : "=r"(id));
    return id;
}

__device__ __forceinline__ unsigned lanemask_lt()
{
    unsigned mask;
    asm("mov.u32 %0, %%lanemask_lt;" : "=r"(mask));
    return mask;
}

extern "C" __global__ void ptx_registers(unsigned* out)
{
    const int i = GLOBAL_ID;
    unsigned tid, ctaid, ntid;
    asm("mov.u32 %0, %%tid.x;" : "=r"(tid));
    asm("mov.u32 %0, %%ctaid.x;" : "=r"(ctaid));
    asm("mov.u32 %0, %%ntid.x;" : "=r"(ntid));
    out[i * 3] = lane_id();
    out[i * 3 + 1] = lanemask_lt();
    out[i * 3 + 2] = ctaid * ntid + tid;
}

// CUB's bit field extract and insert.
__device__ __forceinline__ unsigned bfe(unsigned source, unsigned start, unsigned bits)
{
    unsigned r;
    asm("bfe.u32 %0, %1, %2, %3;" : "=r"(r) : "r"(source), "r"(start), "r"(bits));
    return r;
}

__device__ __forceinline__ unsigned bfi(unsigned x, unsigned y, unsigned start, unsigned bits)
{
    unsigned r;
    asm("bfi.b32 %0, %1, %2, %3, %4;" : "=r"(r) : "r"(y), "r"(x), "r"(start), "r"(bits));
    return r;
}

extern "C" __global__ void ptx_bits(const unsigned* x, unsigned* out, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    unsigned* o = out + i * 7;
    o[0] = bfe(x[i], 4, 9);
    o[1] = bfi(x[i], 0x5a, 8, 8);
    int s;
    asm("bfe.s32 %0, %1, %2, %3;" : "=r"(s) : "r"((int)x[i]), "r"(3), "r"(5));
    o[2] = s;
    unsigned mixed;
    asm("lop3.b32 %0, %1, %2, %3, 0x96;" : "=r"(mixed) : "r"(x[i]), "r"(0x0f0f0f0fu), "r"(~x[i] >> 1));
    o[3] = mixed;
    asm("lop3.b32 %0, %1, %2, %3, 0xca;" : "=r"(mixed) : "r"(x[i]), "r"(0x12345678u), "r"(0x9abcdef0u));
    o[4] = mixed;
    asm("prmt.b32 %0, %1, %2, %3;" : "=r"(mixed) : "r"(x[i]), "r"(0x44332211u), "r"(0x3160u));
    o[5] = mixed;
    unsigned reversed, population;
    asm("brev.b32 %0, %1;" : "=r"(reversed) : "r"(x[i]));
    asm("popc.b32 %0, %1;" : "=r"(population) : "r"(x[i]));
    o[6] = reversed ^ population;
}

extern "C" __global__ void ptx_arithmetic(const float* x, const int* y, float* out, int* whole, unsigned long long* wide, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    float r;
    asm("fma.rn.f32 %0, %1, %2, %3;" : "=f"(r) : "f"(x[i]), "f"(3.0f), "f"(0.5f));
    out[i * 2] = r;
    asm("add.f32 %0, %1, %2;" : "=f"(r) : "f"(x[i]), "f"(r));
    out[i * 2 + 1] = r;
    int m;
    asm("mad.lo.s32 %0, %1, %2, %3;" : "=r"(m) : "r"(y[i]), "r"(7), "r"(-2));
    whole[i * 2] = m;
    asm("{\n\t.reg .s32 t;\n\tadd.s32 t, %1, %2;\n\tshl.b32 %0, t, 2;\n\t}" : "=r"(m) : "r"(y[i]), "r"(5));
    whole[i * 2 + 1] = m;
    unsigned long long p;
    asm("mul.wide.u32 %0, %1, %2;" : "=l"(p) : "r"((unsigned)y[i]), "r"(0xfffffff1u));
    wide[i] = p;
}

// Loads and stores with cache hints, by address.
__device__ __forceinline__ float load_streaming(const float* p)
{
    float v;
    asm volatile("ld.global.cs.f32 %0, [%1];" : "=f"(v) : "l"(p));
    return v;
}

__device__ __forceinline__ int4 load_nc(const int4* p)
{
    int4 v;
    asm volatile("ld.global.nc.L1::no_allocate.v4.s32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
                 : "l"(p));
    return v;
}

extern "C" __global__ void ptx_memory(const float* x, const int4* y, float* out, int* sums, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    const float v = load_streaming(x + i) * 2.0f;
    asm volatile("st.global.wt.f32 [%0], %1;" ::"l"(out + i), "f"(v) : "memory");
    const int4 q = load_nc(y + i);
    sums[i] = q.x + q.y * 2 + q.z * 3 + q.w * 4;
    asm volatile("membar.gl;" ::: "memory");
}

extern "C" __global__ void ptx_shuffle(const int* x, int* out)
{
    const int i = GLOBAL_ID;
    int down, across;
    asm volatile("shfl.sync.down.b32 %0, %1, 4, 0x1f, 0xffffffff;" : "=r"(down) : "r"(x[i]));
    asm volatile("shfl.sync.bfly.b32 %0, %1, %2, %3, %4;" : "=r"(across) : "r"(x[i]), "r"(3), "r"(0x1f), "r"(0xffffffff));
    out[i * 2] = down;
    out[i * 2 + 1] = across;
    asm volatile("bar.sync 0;");
}
