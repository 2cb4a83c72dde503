// Intrinsics: integers, fast math, rounding.

#define GLOBAL_ID ((int)(blockIdx.x * blockDim.x + threadIdx.x))

extern "C" __global__ void bit_intrinsics(const unsigned* x, const unsigned long long* y, int* out, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    int* o = out + i * 10;
    o[0] = __popc(x[i]);
    o[1] = __clz(x[i]);
    o[2] = __ffs(x[i]);
    o[3] = __brev(x[i]);
    o[4] = __popcll(y[i]);
    o[5] = __clzll(y[i]);
    o[6] = __ffsll(y[i]);
    o[7] = (int)(__brevll(y[i]) >> 32);
    o[8] = 31 - __clz(x[i] | 1);
    o[9] = __popc(x[i] & (x[i] - 1));
}

extern "C" __global__ void integer_intrinsics(const int* x, const unsigned* y, unsigned* out, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    const unsigned a = (unsigned)x[i], b = y[i];
    unsigned* o = out + i * 16;
    o[0] = __byte_perm(a, b, 0x5140);
    o[1] = __byte_perm(a, b, b & 0x7777);
    o[2] = __funnelshift_l(a, b, i & 31);
    o[3] = __funnelshift_r(a, b, i & 31);
    o[4] = __funnelshift_lc(a, b, i);
    o[5] = __funnelshift_rc(a, b, i);
    o[6] = __mul24(x[i] % 4000, i - 20);
    o[7] = __umul24(a & 0xfff, b & 0xfff);
    o[8] = __mulhi(x[i], (int)b);
    o[9] = __umulhi(a, b);
    o[10] = __sad(x[i], i, b & 0xff);
    o[11] = __usad(a, b, 7u);
    o[12] = __dp4a(x[i], (int)b, 5);
    o[13] = __dp4a(a, b, 5u);
    o[14] = __hadd(x[i], (int)b) ^ __rhadd(x[i], 3);
    o[15] = (unsigned)(__umul64hi((unsigned long long)a << 20, (unsigned long long)b << 21));
}

// Each fast function once; the caller allows the error that CUDA documents.
extern "C" __global__ void fast_math(const float* x, float* out, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    float* o = out + i * 12;
    const float v = x[i];
    o[0] = __expf(v);
    o[1] = __logf(v);
    o[2] = __log2f(v);
    o[3] = __log10f(v);
    o[4] = __sinf(v);
    o[5] = __cosf(v);
    o[6] = __tanf(v * 0.5f);
    o[7] = __powf(v, 1.5f);
    o[8] = __fdividef(v, 3.0f);
    o[9] = __saturatef(v - 0.5f);
    o[10] = __exp10f(v * 0.25f);
    __sincosf(v, &o[11], &o[4]);
}

extern "C" __global__ void math_functions(const float* x, const float* y, float* out, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    float* o = out + i * 24;
    const float v = x[i], w = y[i];
    o[0] = expf(v), o[1] = exp2f(v), o[2] = expm1f(v), o[3] = logf(v);
    o[4] = log2f(v), o[5] = log10f(v), o[6] = log1pf(v), o[7] = powf(v, w);
    o[8] = sinf(w), o[9] = cosf(w), o[10] = tanf(w), o[11] = asinf(w * 0.5f);
    o[12] = acosf(w * 0.5f), o[13] = atanf(w), o[14] = atan2f(w, v), o[15] = sinhf(w);
    o[16] = coshf(w), o[17] = tanhf(w), o[18] = rsqrtf(v), o[19] = cbrtf(w);
    o[20] = hypotf(v, w), o[21] = erff(w), o[22] = erfcf(w);
    float s, c;
    sincosf(w, &s, &c);
    o[23] = s * c;
}

extern "C" __global__ void math_double(const double* x, double* out, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    double* o = out + i * 12;
    const double v = x[i];
    o[0] = exp(v), o[1] = log(v), o[2] = pow(v, -0.75), o[3] = sin(v);
    o[4] = cos(v), o[5] = tanh(v), o[6] = rsqrt(v), o[7] = erf(v);
    o[8] = fma(v, v, -1.0), o[9] = atan2(v, 0.5), o[10] = lgamma(v), o[11] = cbrt(v);
}

// The C++ overloads without suffix choose by type.
extern "C" __global__ void overloaded_math(const float* x, double* out, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    const float v = x[i];
    double* o = out + i * 5;
    o[0] = sizeof(exp(v)) * 10 + sizeof(exp((double)v));
    o[1] = abs(-v) + fabs(v - 1) + abs(-3) + abs(-2.5);
    o[2] = floor(v * 8) + min(v, 1.0f) + max(2, i);
    o[3] = sqrt(v * v) + pow(2.0, 3);
    o[4] = isnan(v) + 2 * isfinite(v) + 4 * isinf(v / 0.0f);
}

extern "C" __global__ void rounding(const float* x, int* out, float* back, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    int* o = out + i * 8;
    o[0] = __float2int_rn(x[i]);
    o[1] = __float2int_rz(x[i]);
    o[2] = __float2int_rd(x[i]);
    o[3] = __float2int_ru(x[i]);
    o[4] = (int)__float2uint_rn(fabsf(x[i]));
    o[5] = __double2int_rn((double)x[i] * 3.0);
    o[6] = (int)lrintf(x[i]) + (int)lroundf(x[i]) * 1000;
    o[7] = (int)__float2ll_rn(x[i] * 2.0f);
    back[i * 3] = __int2float_rn(16777217 + i);
    back[i * 3 + 1] = __uint2float_rn(0xffffffffu - i);
    back[i * 3 + 2] = __double2float_rn(1.0 / (i + 3)) + nearbyintf(x[i]);
}
