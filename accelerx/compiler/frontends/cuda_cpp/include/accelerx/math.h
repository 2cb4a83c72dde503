// The functions of math.h and those that CUDA adds, for float and double.
#pragma once

// One argument; those of C also take integers, which become double.
#define __AX_CUDA1(name) float name##f(float), name(float); double name(double);
#define __AX_MATH1(name) __AX_CUDA1(name) template <class T> __ax_integral<T> name(T);
// Two arguments; those of C also take two types.
#define __AX_CUDA2(name)                                                                           \
  float name##f(float, float), name(float, float);                                                 \
  double name(double, double);
#define __AX_MATH2(name)                                                                           \
  __AX_CUDA2(name) template <class T, class U> __ax_promoted<T, U> name(T, U);
// One argument, an integer result.
#define __AX_ROUND(name, R) R name##f(float), name(float), name(double);

__AX_MATH1(sqrt)
__AX_MATH1(cbrt)
__AX_MATH1(exp)
__AX_MATH1(exp2)
__AX_MATH1(expm1)
__AX_MATH1(log)
__AX_MATH1(log2)
__AX_MATH1(log10)
__AX_MATH1(log1p)
__AX_MATH1(sin)
__AX_MATH1(cos)
__AX_MATH1(tan)
__AX_MATH1(asin)
__AX_MATH1(acos)
__AX_MATH1(atan)
__AX_MATH1(sinh)
__AX_MATH1(cosh)
__AX_MATH1(tanh)
__AX_MATH1(asinh)
__AX_MATH1(acosh)
__AX_MATH1(atanh)
__AX_MATH1(erf)
__AX_MATH1(erfc)
__AX_MATH1(lgamma)
__AX_MATH1(tgamma)
__AX_MATH1(floor)
__AX_MATH1(ceil)
__AX_MATH1(trunc)
__AX_MATH1(rint)
__AX_MATH1(nearbyint)
__AX_MATH1(round)
__AX_MATH1(fabs)
__AX_MATH1(logb)
__AX_MATH2(pow)
__AX_MATH2(hypot)
__AX_MATH2(atan2)
__AX_MATH2(fmod)
__AX_MATH2(remainder)
__AX_MATH2(copysign)
__AX_MATH2(nextafter)
__AX_MATH2(fdim)
__AX_MATH2(fmax)
__AX_MATH2(fmin)

__AX_CUDA1(exp10)
__AX_CUDA1(rsqrt)
__AX_CUDA1(rcbrt)
__AX_CUDA1(sinpi)
__AX_CUDA1(cospi)
__AX_CUDA1(erfinv)
__AX_CUDA1(erfcinv)
__AX_CUDA1(erfcx)
__AX_CUDA1(normcdf)
__AX_CUDA1(normcdfinv)
__AX_CUDA1(j0)
__AX_CUDA1(j1)
__AX_CUDA1(y0)
__AX_CUDA1(y1)
__AX_CUDA1(cyl_bessel_i0)
__AX_CUDA1(cyl_bessel_i1)

__AX_ROUND(ilogb, int)
__AX_ROUND(lrint, long)
__AX_ROUND(lround, long)
__AX_ROUND(llrint, long long)
__AX_ROUND(llround, long long)
bool isnan(float), isnan(double), isinf(float), isinf(double);
bool isfinite(float), isfinite(double), signbit(float), signbit(double);

float fmaf(float, float, float), fma(float, float, float);
double fma(double, double, double);
template <class T, class U, class V>
__ax_promoted<T, U, V> fma(T, U, V);
float pow(float, int);
double pow(double, int);
float ldexpf(float, int), ldexp(float, int), scalbnf(float, int), scalbn(float, int);
double ldexp(double, int), scalbn(double, int);
float scalblnf(float, long), scalbln(float, long);
double scalbln(double, long);
float frexpf(float, int *), frexp(float, int *), modff(float, float *), modf(float, float *);
double frexp(double, int *), modf(double, double *);
float remquof(float, float, int *), remquo(float, float, int *);
double remquo(double, double, int *);
void sincosf(float, float *, float *), sincos(float, float *, float *);
void sincos(double, double *, double *);
void sincospif(float, float *, float *), sincospi(float, float *, float *);
void sincospi(double, double *, double *);
float nanf(const char *);
double nan(const char *);
float jnf(int, float), jn(int, float), ynf(int, float), yn(int, float);
double jn(int, double), yn(int, double);
float rhypotf(float, float), norm3df(float, float, float), rnorm3df(float, float, float);
double rhypot(double, double);
double norm3d(double, double, double), rnorm3d(double, double, double);
float norm4df(float, float, float, float), rnorm4df(float, float, float, float);
double norm4d(double, double, double, double), rnorm4d(double, double, double, double);
float normf(int, const float *), rnormf(int, const float *);
double norm(int, const double *), rnorm(int, const double *);

int abs(int);
long abs(long), labs(long);
long long abs(long long), llabs(long long);
float abs(float);
double abs(double);

#define __AX_EXTREME(f)                                                                            \
  int f(int, int);                                                                                 \
  unsigned int f(unsigned int, unsigned int), f(int, unsigned int), f(unsigned int, int);          \
  long f(long, long);                                                                              \
  unsigned long f(unsigned long, unsigned long), f(long, unsigned long), f(unsigned long, long);   \
  long long f(long long, long long), ll##f(long long, long long);                                  \
  unsigned long long f(unsigned long long, unsigned long long), f(long long, unsigned long long),  \
      f(unsigned long long, long long), ull##f(unsigned long long, unsigned long long);            \
  unsigned int u##f(unsigned int, unsigned int);                                                   \
  float f(float, float);                                                                           \
  double f(double, double), f(float, double), f(double, float);
__AX_EXTREME(min)
__AX_EXTREME(max)

// Fast single-precision functions: at least as exact here as on CUDA.
float __sinf(float), __cosf(float), __tanf(float), __tanhf(float), __expf(float), __exp10f(float),
    __logf(float), __log2f(float), __log10f(float), __saturatef(float);
float __powf(float, float), __fdividef(float, float), fdividef(float, float);
double fdivide(double, double);
void __sincosf(float, float *, float *);

#undef __AX_CUDA1
#undef __AX_MATH1
#undef __AX_CUDA2
#undef __AX_MATH2
#undef __AX_ROUND
#undef __AX_EXTREME

namespace std {
using ::abs, ::acos, ::acosh, ::asin, ::asinh, ::atan, ::atan2, ::atanh, ::cbrt, ::ceil, ::copysign,
    ::cos, ::cosh, ::erf, ::erfc, ::exp, ::exp2, ::expm1, ::fabs, ::fdim, ::floor, ::fma, ::fmax,
    ::fmin, ::fmod, ::frexp, ::hypot, ::ilogb, ::isfinite, ::isinf, ::isnan, ::ldexp, ::lgamma,
    ::llabs, ::llrint, ::llround, ::log, ::log10, ::log1p, ::log2, ::logb, ::lrint, ::lround,
    ::labs, ::modf, ::nan, ::nearbyint, ::nextafter, ::pow, ::remainder, ::remquo, ::rint, ::round,
    ::scalbln, ::scalbn, ::signbit, ::sin, ::sinh, ::sqrt, ::tan, ::tanh, ::tgamma, ::trunc;
}
