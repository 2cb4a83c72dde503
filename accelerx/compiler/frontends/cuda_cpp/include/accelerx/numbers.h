// Arithmetic with a stated rounding, conversions, bit casts and integer functions.
#pragma once

#define __AX_ROUNDED(R, f, ...)                                                                    \
  R f##_rn(__VA_ARGS__), f##_rz(__VA_ARGS__), f##_ru(__VA_ARGS__), f##_rd(__VA_ARGS__);

__AX_ROUNDED(float, __fadd, float, float)
__AX_ROUNDED(float, __fsub, float, float)
__AX_ROUNDED(float, __fmul, float, float)
__AX_ROUNDED(float, __fdiv, float, float)
__AX_ROUNDED(float, __fmaf, float, float, float)
__AX_ROUNDED(float, __fmaf_ieee, float, float, float)
__AX_ROUNDED(float, __frcp, float)
__AX_ROUNDED(float, __fsqrt, float)
float __frsqrt_rn(float);
__AX_ROUNDED(double, __dadd, double, double)
__AX_ROUNDED(double, __dsub, double, double)
__AX_ROUNDED(double, __dmul, double, double)
__AX_ROUNDED(double, __ddiv, double, double)
__AX_ROUNDED(double, __fma, double, double, double)
__AX_ROUNDED(double, __drcp, double)
__AX_ROUNDED(double, __dsqrt, double)

#define __AX_CONVERTED(name, F)                                                                    \
  __AX_ROUNDED(int, name##2int, F)                                                                 \
  __AX_ROUNDED(unsigned int, name##2uint, F)                                                       \
  __AX_ROUNDED(long long, name##2ll, F)                                                            \
  __AX_ROUNDED(unsigned long long, name##2ull, F)
__AX_CONVERTED(__float, float)
__AX_CONVERTED(__double, double)
__AX_ROUNDED(float, __double2float, double)
__AX_ROUNDED(float, __int2float, int)
__AX_ROUNDED(float, __uint2float, unsigned int)
__AX_ROUNDED(float, __ll2float, long long)
__AX_ROUNDED(float, __ull2float, unsigned long long)
__AX_ROUNDED(double, __ll2double, long long)
__AX_ROUNDED(double, __ull2double, unsigned long long)
double __int2double_rn(int), __uint2double_rn(unsigned int);
#undef __AX_CONVERTED
#undef __AX_ROUNDED

int __float_as_int(float);
unsigned int __float_as_uint(float);
float __int_as_float(int), __uint_as_float(unsigned int);
long long __double_as_longlong(double);
double __longlong_as_double(long long), __hiloint2double(int, int);
int __double2hiint(double), __double2loint(double);

int __popc(unsigned int), __popcll(unsigned long long);
int __clz(int), __clzll(long long), __ffs(int), __ffsll(long long);
unsigned int __brev(unsigned int), __fns(unsigned int, unsigned int, int);
unsigned long long __brevll(unsigned long long);
unsigned int __byte_perm(unsigned int, unsigned int, unsigned int);
unsigned int __funnelshift_l(unsigned int, unsigned int, unsigned int),
    __funnelshift_lc(unsigned int, unsigned int, unsigned int),
    __funnelshift_r(unsigned int, unsigned int, unsigned int),
    __funnelshift_rc(unsigned int, unsigned int, unsigned int);
int __mul24(int, int), __mulhi(int, int), __hadd(int, int), __rhadd(int, int);
unsigned int __umul24(unsigned int, unsigned int), __umulhi(unsigned int, unsigned int),
    __uhadd(unsigned int, unsigned int), __urhadd(unsigned int, unsigned int);
long long __mul64hi(long long, long long);
unsigned long long __umul64hi(unsigned long long, unsigned long long);
unsigned int __sad(int, int, unsigned int), __usad(unsigned int, unsigned int, unsigned int);

#define __AX_DOT(f, short4, char4, ushort4, uchar4)                                                \
  int f(int, int, int), f(short4, char4, int);                                                     \
  unsigned int f(unsigned int, unsigned int, unsigned int), f(ushort4, uchar4, unsigned int);
__AX_DOT(__dp4a, char4, char4, uchar4, uchar4)
__AX_DOT(__dp2a_lo, short2, char4, ushort2, uchar4)
__AX_DOT(__dp2a_hi, short2, char4, ushort2, uchar4)
#undef __AX_DOT
