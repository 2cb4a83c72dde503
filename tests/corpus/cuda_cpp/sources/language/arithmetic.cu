// Integers, their conversions, floats, bits.

#define GLOBAL_ID ((int)(blockIdx.x * blockDim.x + threadIdx.x))

// Promotion of narrow types, wrap-around on the way back, signedness of char.
extern "C" __global__ void promotions(const signed char* a, const unsigned char* b, const short* c,
                                      const unsigned short* d, int* out, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    int* o = out + i * 10;
    o[0] = a[i] + b[i];
    o[1] = (unsigned char)(a[i] + b[i]);
    o[2] = (signed char)(b[i] * 3);
    o[3] = (short)(c[i] * d[i]);
    o[4] = ~b[i];
    o[5] = b[i] << 8 | d[i] >> 8;
    unsigned char narrow = b[i];
    narrow += 200;
    narrow <<= 1;
    o[6] = narrow++;
    o[7] = narrow == (unsigned char)(o[6] + 1);
    char letter = 'a' + i % 26;
    letter -= 'a' - 'A';
    o[8] = letter;
    o[9] = -d[i] / 7 + +a[i] % 5;
}

// Unsigned overflow wraps, signed and unsigned mix, comparisons follow the conversion.
extern "C" __global__ void unsigned_arithmetic(const int* x, const unsigned* y, unsigned* out, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    unsigned* o = out + i * 8;
    o[0] = y[i] * 2654435761u + 12345u;
    o[1] = y[i] - 0xfffffff0u;
    o[2] = x[i] + y[i];
    o[3] = x[i] < y[i];
    o[4] = -1 > 0u;
    o[5] = y[i] / 7 + y[i] % 7 + (y[i] >> 31);
    o[6] = (unsigned)x[i] >> 4;
    o[7] = -y[i] ^ (y[i] & -y[i]);
}

// Signed division truncates, remainders keep the dividend's sign, right shifts are arithmetic.
extern "C" __global__ void signed_arithmetic(const int* x, const int* y, int* out, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    int* o = out + i * 8;
    o[0] = x[i] / y[i];
    o[1] = x[i] % y[i];
    o[2] = x[i] >> 3;
    o[3] = x[i] / 4 - (x[i] >> 2);
    o[4] = abs(x[i]) + abs(y[i]) * (x[i] < 0 ? -1 : 1);
    int v = x[i];
    v *= 3, v -= y[i], v /= 2, v %= 1000, v |= 1, v &= ~4, v ^= y[i], v >>= 1;
    o[5] = v;
    o[6] = min(x[i], y[i]) * 2 + max(max(x[i], y[i]), -7);
    o[7] = x[i] & 0xff & y[i] | 0x100 ^ 0x10;
}

// 64 bits: multiplication, shifts, division, mixing widths, literals.
extern "C" __global__ void wide_integers(const long long* x, const unsigned long long* y, long long* out,
                                         unsigned long long* out_u, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    long long* o = out + i * 5;
    unsigned long long* u = out_u + i * 4;
    const int low = (int)x[i];
    o[0] = (long long)low * low;
    o[1] = x[i] / 1000003LL + x[i] % 1000003LL;
    o[2] = (x[i] >> 40) + (1LL << (i % 63));
    o[3] = low + 0x100000000LL;
    o[4] = x[i] < 0 ? -1 : x[i] > 0;
    u[0] = y[i] * 6364136223846793005ull + 1442695040888963407ull;
    u[1] = y[i] / 10 ^ y[i] << 13 ^ y[i] >> 7;
    u[2] = (unsigned)y[i] + 0xffffffffu;
    u[3] = (size_t)i * sizeof(double) + (y[i] % 97 == 0u);
}

// Shifts by variable counts below the width; rotations as people write them.
extern "C" __global__ void shifts(const unsigned* x, unsigned* out, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    const unsigned s = x[i] & 31;
    unsigned* o = out + i * 4;
    o[0] = x[i] << s;
    o[1] = x[i] >> s;
    o[2] = (x[i] << s) | (x[i] >> ((32 - s) & 31));
    o[3] = (unsigned)((int)x[i] >> s);
}

// bool: arithmetic, conversions, compound assignment, logical against bitwise operators.
extern "C" __global__ void booleans(const int* x, const bool* flags, bool* out, int* sums, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    bool any = false, all = true, odd = false;
    int count = 0;
    for (int k = 0; k < 4; ++k) {
        const bool bit = x[i] & (1 << k);
        any |= bit;
        all &= bit;
        odd ^= bit;
        count += bit;
    }
    out[i * 5 + 0] = any && !all;
    out[i * 5 + 1] = odd;
    out[i * 5 + 2] = x[i];
    out[i * 5 + 3] = flags[i] ^ true;
    out[i * 5 + 4] = (flags[i] && x[i] > 3) != (any || flags[i]);
    sums[i] = count * 100 + flags[i] * 10 + (x[i] > 2) + (x[i] > 5) - !x[i] + true;
}

// enum, enum class, with underlying types and explicit values; used as indices, masks and keys.
enum Weekday { Monday = 1, Tuesday, Wednesday, Sunday = 7 };
enum class Level : unsigned char { Low = 10, Middle = Low * 2, High = 250 };
enum Flags : unsigned { None = 0, Read = 1u << 0, Write = 1u << 1, Both = Read | Write };

__device__ constexpr Flags operator|(Flags a, Flags b) { return static_cast<Flags>((unsigned)a | (unsigned)b); }

__device__ int cost(Level level)
{
    switch (level) {
        case Level::Low: return 1;
        case Level::Middle: return 2;
        default: return (int)level;
    }
}

extern "C" __global__ void enumerations(const int* x, int* out, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    Weekday day = (Weekday)(x[i] % 3 + 1);
    Level level = x[i] > 50 ? Level::High : x[i] > 20 ? Level::Middle : Level::Low;
    Flags flags = None;
    if (x[i] & 1) flags = flags | Read;
    if (x[i] & 2) flags = flags | Write;
    out[i * 4] = day + Wednesday * 10 + (day == Tuesday) * 100;
    out[i * 4 + 1] = cost(level);
    out[i * 4 + 2] = flags == Both ? 99 : flags;
    out[i * 4 + 3] = (unsigned char)(static_cast<int>(level) + 10) + (int)sizeof(Level) * 1000;
}

// Conversions between floats and integers; NaN and infinities compared; literals in many spellings.
extern "C" __global__ void conversions(const float* f, const double* d, int* out, float* out_f, double* out_d, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    int* o = out + i * 7;
    o[0] = (int)f[i];
    o[1] = int(d[i]);
    o[2] = (unsigned char)(int)f[i];
    o[3] = static_cast<long long>(d[i] * 1e10) >> 20;
    o[4] = f[i] != f[i] || f[i] == __int_as_float(0x7f800000);
    o[5] = (unsigned)fabs(d[i]);
    o[6] = f[i] ? 1 : 0;
    out_f[i * 3] = (float)(int)(d[i] * 65537.0);
    out_f[i * 3 + 1] = 16777217 + (float)o[0];
    out_f[i * 3 + 2] = (float)d[i];
    out_d[i * 4] = f[i] / 2 + 1 / 2 + 0x10 + 010 + 0b101 + 'A' + 1e3 + 0x1p-3 + 1'000 + .5f;
    out_d[i * 4 + 1] = f[i];
    out_d[i * 4 + 2] = 3 / 2 * d[i];
    out_d[i * 4 + 3] = (double)0xffffffffffff0000ull + (double)(-7LL);
}

// Bits read as another type: intrinsics, unions, pointers, memcpy.
union Bits {
    float f;
    unsigned u;
    unsigned char bytes[4];
    struct { unsigned short low, high; } half;
};

union Wide {
    double d;
    long long i;
    int2 pair;
};

extern "C" __global__ void bit_casts(const float* f, const double* d, int* out, float* out_f, long long* wide, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    int* o = out + i * 7;
    o[0] = __float_as_int(f[i]);
    Bits bits;
    bits.f = f[i];
    o[1] = bits.u >> 23 & 0xff;
    o[2] = bits.bytes[3] * 256 + bits.bytes[0];
    o[3] = bits.half.high;
    bits.u ^= 0x80000000u;
    out_f[i * 4] = bits.f;
    const float local = f[i] * 2.0f;
    o[4] = *reinterpret_cast<const int*>(&local);
    o[5] = *(int*)&f[i];
    unsigned copied;
    memcpy(&copied, &local, sizeof(copied));
    o[6] = copied;
    out_f[i * 4 + 1] = __int_as_float(0x5f3759df - ((o[0] & 0x7fffffff) >> 1));
    out_f[i * 4 + 2] = __uint_as_float(0x3f800000u | (unsigned)i);
    out_f[i * 4 + 3] = reinterpret_cast<const float2*>(d)[i].y;
    wide[i * 3] = __double_as_longlong(d[i]);
    Wide w;
    w.d = d[i];
    wide[i * 3 + 1] = w.i ^ ((long long)w.pair.x << 32);
    wide[i * 3 + 2] = (long long)__double2hiint(d[i]) * 16 + (__double2loint(d[i]) & 15) +
                      (__hiloint2double(0x3ff00000, i) > 1.0);
}

// float operations that IEEE fixes, in an order that must be kept.
extern "C" __global__ void float_arithmetic(const float* x, const float* y, float* out, int n)
{
    const int i = GLOBAL_ID;
    if (i >= n) return;
    float* o = out + i * 12;
    o[0] = x[i] + y[i];
    o[1] = x[i] / y[i];
    o[2] = sqrtf(fabsf(x[i]));
    o[3] = fmaf(x[i], y[i], -1.0f);
    o[4] = fminf(x[i], y[i]) + fmaxf(x[i], 0.0f);
    o[5] = floorf(x[i]) + ceilf(y[i]) * 16.0f + truncf(x[i]) * 256.0f;
    o[6] = rintf(x[i] * 4.0f) + roundf(y[i] * 4.0f);
    o[7] = fmodf(x[i], y[i]);
    o[8] = copysignf(y[i], x[i]) + (signbit(x[i]) ? 1.0f : 0.0f);
    o[9] = __fmul_rn(x[i], y[i]) - __fadd_rn(x[i], 0.1f);
    o[10] = __fsqrt_rn(__fdiv_rn(1.0f, fabsf(y[i])));
    o[11] = ldexpf(x[i], 3) + fdimf(x[i], y[i]);
}
