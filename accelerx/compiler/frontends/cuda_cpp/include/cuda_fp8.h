// CUDA's 8-bit floats, e4m3 and e5m2: stored, and converted from and to wider numbers.
#pragma once
#define __CUDA_FP8_H__
#define __CUDA_FP8_HPP__
#define __CUDA_FP8_TYPES_EXIST__

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#pragma clang force_cuda_host_device begin

typedef unsigned char __nv_fp8_storage_t;
typedef unsigned short __nv_fp8x2_storage_t;
typedef unsigned __nv_fp8x4_storage_t;
typedef enum __nv_saturation_t { __NV_NOSAT, __NV_SATFINITE } __nv_saturation_t;
typedef enum __nv_fp8_interpretation_t { __NV_E4M3, __NV_E5M2 } __nv_fp8_interpretation_t;

// -------------------------------------------------------------------------------- conversions

inline __nv_fp8_storage_t __nv_cvt_double_to_fp8(double v, __nv_saturation_t saturate,
                                                 __nv_fp8_interpretation_t kind) {
  const bool e4m3 = kind == __NV_E4M3;
  const unsigned long long all = __double_as_longlong(v), size = all << 1 >> 1;
  const unsigned sign = (unsigned)(all >> 63) << 7;
  const int shift = e4m3 ? 49 : 50;
  const double least = e4m3 ? 0x1p-6 : 0x1p-14;  // the smallest normal number
  const unsigned long long most = e4m3 ? 0x7E : 0x7B;
  unsigned long long code;
  if (v != v) return 0x7F;
  if (fabs(v) < least) {
    code = (unsigned long long)rint(fabs(v) * (e4m3 ? 0x1p9 : 0x1p16));
  } else {
    const unsigned long long half = (1ULL << (shift - 1)) - 1 + (size >> shift & 1);
    code = (size + half >> shift) - (e4m3 ? 1016ULL << 3 : 1008ULL << 2);
  }
  if (code > most) code = saturate == __NV_SATFINITE ? most : e4m3 ? 0x7F : 0x7C;
  return (__nv_fp8_storage_t)(sign | (unsigned)code);
}
inline __half_raw __nv_cvt_fp8_to_halfraw(__nv_fp8_storage_t v, __nv_fp8_interpretation_t kind) {
  __half_raw r;
  if (kind == __NV_E5M2) {
    r.x = (unsigned short)(v << 8);
  } else if ((v & 0x7F) == 0x7F) {
    r.x = 0x7FFF;
  } else {  // a half with 8 less in the exponent
    const unsigned short bits = (unsigned short)((v & 0x80) << 8 | (v & 0x7F) << 7);
    r.x = __ax_bits((__fp16)(__ax_float16(bits) * (__fp16)256.0f));
  }
  return r;
}
inline float __ax_from_fp8(__nv_fp8_storage_t v, __nv_fp8_interpretation_t kind) {
  return __ax_float16(__nv_cvt_fp8_to_halfraw(v, kind).x);
}

inline __nv_fp8_storage_t __nv_cvt_float_to_fp8(float v, __nv_saturation_t saturate,
                                                __nv_fp8_interpretation_t kind) {
  return __nv_cvt_double_to_fp8(v, saturate, kind);
}
inline __nv_fp8_storage_t __nv_cvt_halfraw_to_fp8(__half_raw v, __nv_saturation_t saturate,
                                                  __nv_fp8_interpretation_t kind) {
  return __nv_cvt_double_to_fp8(__ax_float16(v.x), saturate, kind);
}
inline __nv_fp8_storage_t __nv_cvt_bfloat16raw_to_fp8(__nv_bfloat16_raw v,
                                                      __nv_saturation_t saturate,
                                                      __nv_fp8_interpretation_t kind) {
  return __nv_cvt_double_to_fp8(__ax_bfloat16(v.x), saturate, kind);
}
inline __nv_bfloat16_raw __nv_cvt_fp8_to_bf16raw(__nv_fp8_storage_t v,
                                                 __nv_fp8_interpretation_t kind) {
  __nv_bfloat16_raw r;
  r.x = __ax_bits((__bf16)__ax_from_fp8(v, kind));
  return r;
}

// Two numbers, the first in the lower byte.
inline __nv_fp8x2_storage_t __nv_cvt_double2_to_fp8x2(double2 v, __nv_saturation_t saturate,
                                                      __nv_fp8_interpretation_t kind) {
  return (__nv_fp8x2_storage_t)(__nv_cvt_double_to_fp8(v.x, saturate, kind) |
                                __nv_cvt_double_to_fp8(v.y, saturate, kind) << 8);
}
inline __nv_fp8x2_storage_t __nv_cvt_float2_to_fp8x2(float2 v, __nv_saturation_t saturate,
                                                     __nv_fp8_interpretation_t kind) {
  return __nv_cvt_double2_to_fp8x2(double2{v.x, v.y}, saturate, kind);
}
inline __nv_fp8x2_storage_t __nv_cvt_halfraw2_to_fp8x2(__half2_raw v, __nv_saturation_t saturate,
                                                       __nv_fp8_interpretation_t kind) {
  const double2 wide{__ax_float16(v.x), __ax_float16(v.y)};
  return __nv_cvt_double2_to_fp8x2(wide, saturate, kind);
}
inline __nv_fp8x2_storage_t __nv_cvt_bfloat16raw2_to_fp8x2(__nv_bfloat162_raw v,
                                                           __nv_saturation_t saturate,
                                                           __nv_fp8_interpretation_t kind) {
  const double2 wide{__ax_bfloat16(v.x), __ax_bfloat16(v.y)};
  return __nv_cvt_double2_to_fp8x2(wide, saturate, kind);
}
inline __half2_raw __nv_cvt_fp8x2_to_halfraw2(__nv_fp8x2_storage_t v,
                                              __nv_fp8_interpretation_t kind) {
  __half2_raw r;
  r.x = __nv_cvt_fp8_to_halfraw((__nv_fp8_storage_t)v, kind).x;
  r.y = __nv_cvt_fp8_to_halfraw((__nv_fp8_storage_t)(v >> 8), kind).x;
  return r;
}
inline __nv_bfloat162_raw __nv_cvt_fp8x2_to_bf162raw(__nv_fp8x2_storage_t v,
                                                     __nv_fp8_interpretation_t kind) {
  __nv_bfloat162_raw r;
  r.x = __nv_cvt_fp8_to_bf16raw((__nv_fp8_storage_t)v, kind).x;
  r.y = __nv_cvt_fp8_to_bf16raw((__nv_fp8_storage_t)(v >> 8), kind).x;
  return r;
}

// -------------------------------------------------------------------------------------- types

// Numbers too large become the largest one.
#define AX_FROM(T) \
  explicit AX_S(T v) : __x(__nv_cvt_double_to_fp8((double)v, __NV_SATFINITE, AX_KIND)) {}
#define AX_TO(T) \
  explicit operator T() const { return (T)__ax_from_fp8(__x, AX_KIND); }
#define AX_FP8                                                                                \
  struct AX_S {                                                                               \
    __nv_fp8_storage_t __x;                                                                   \
    AX_S() = default;                                                                         \
    explicit AX_S(__half v)                                                                   \
        : __x(__nv_cvt_double_to_fp8((double)v.__x, __NV_SATFINITE, AX_KIND)) {}              \
    explicit AX_S(__nv_bfloat16 v)                                                            \
        : __x(__nv_cvt_double_to_fp8((double)v.__x, __NV_SATFINITE, AX_KIND)) {}              \
    AX_FROM(float)                                                                            \
    AX_FROM(double)                                                                           \
    AX_FROM(short)                                                                            \
    AX_FROM(unsigned short)                                                                   \
    AX_FROM(int)                                                                              \
    AX_FROM(unsigned)                                                                         \
    AX_FROM(long)                                                                             \
    AX_FROM(unsigned long)                                                                    \
    AX_FROM(long long)                                                                        \
    AX_FROM(unsigned long long)                                                               \
    explicit operator __half() const {                                                        \
      __half r;                                                                               \
      r.__x = __ax_float16(__nv_cvt_fp8_to_halfraw(__x, AX_KIND).x);                          \
      return r;                                                                               \
    }                                                                                         \
    explicit operator __nv_bfloat16() const {                                                 \
      __nv_bfloat16 r;                                                                        \
      r.__x = (__bf16)__ax_from_fp8(__x, AX_KIND);                                            \
      return r;                                                                               \
    }                                                                                         \
    AX_TO(float)                                                                              \
    AX_TO(double)                                                                             \
    AX_TO(bool)                                                                               \
    AX_TO(char)                                                                               \
    AX_TO(signed char)                                                                        \
    AX_TO(unsigned char)                                                                      \
    AX_TO(short)                                                                              \
    AX_TO(unsigned short)                                                                     \
    AX_TO(int)                                                                                \
    AX_TO(unsigned)                                                                           \
    AX_TO(long)                                                                               \
    AX_TO(unsigned long)                                                                      \
    AX_TO(long long)                                                                          \
    AX_TO(unsigned long long)                                                                 \
  };                                                                                          \
  struct __attribute__((aligned(2))) AX_V {                                                   \
    __nv_fp8x2_storage_t __x;                                                                 \
    AX_V() = default;                                                                         \
    explicit AX_V(__half2 v) : __x(__nv_cvt_halfraw2_to_fp8x2(v, __NV_SATFINITE, AX_KIND)) {} \
    explicit AX_V(__nv_bfloat162 v)                                                           \
        : __x(__nv_cvt_bfloat16raw2_to_fp8x2(v, __NV_SATFINITE, AX_KIND)) {}                  \
    explicit AX_V(float2 v) : __x(__nv_cvt_float2_to_fp8x2(v, __NV_SATFINITE, AX_KIND)) {}    \
    explicit AX_V(double2 v) : __x(__nv_cvt_double2_to_fp8x2(v, __NV_SATFINITE, AX_KIND)) {}  \
    explicit operator __half2() const {                                                       \
      return __half2(__nv_cvt_fp8x2_to_halfraw2(__x, AX_KIND));                               \
    }                                                                                         \
    explicit operator float2() const {                                                        \
      float2 r;                                                                               \
      r.x = __ax_from_fp8((__nv_fp8_storage_t)__x, AX_KIND);                                  \
      r.y = __ax_from_fp8((__nv_fp8_storage_t)(__x >> 8), AX_KIND);                           \
      return r;                                                                               \
    }                                                                                         \
  };                                                                                          \
  struct __attribute__((aligned(4))) AX_Q {                                                   \
    __nv_fp8x4_storage_t __x;                                                                 \
    AX_Q() = default;                                                                         \
    explicit AX_Q(double4 v)                                                                  \
        : __x(__nv_cvt_double2_to_fp8x2(double2{v.x, v.y}, __NV_SATFINITE, AX_KIND) |         \
              (unsigned)__nv_cvt_double2_to_fp8x2(double2{v.z, v.w}, __NV_SATFINITE, AX_KIND) \
                  << 16) {}                                                                   \
    explicit AX_Q(float4 v) : AX_Q(double4{v.x, v.y, v.z, v.w}) {}                            \
    explicit AX_Q(__half2 low, __half2 high)                                                  \
        : AX_Q(double4{low.x.__x, low.y.__x, high.x.__x, high.y.__x}) {}                      \
    explicit AX_Q(__nv_bfloat162 low, __nv_bfloat162 high)                                    \
        : AX_Q(double4{low.x.__x, low.y.__x, high.x.__x, high.y.__x}) {}                      \
    explicit operator float4() const {                                                        \
      float4 r;                                                                               \
      r.x = __ax_from_fp8((__nv_fp8_storage_t)__x, AX_KIND);                                  \
      r.y = __ax_from_fp8((__nv_fp8_storage_t)(__x >> 8), AX_KIND);                           \
      r.z = __ax_from_fp8((__nv_fp8_storage_t)(__x >> 16), AX_KIND);                          \
      r.w = __ax_from_fp8((__nv_fp8_storage_t)(__x >> 24), AX_KIND);                          \
      return r;                                                                               \
    }                                                                                         \
  };

#define AX_S __nv_fp8_e4m3
#define AX_V __nv_fp8x2_e4m3
#define AX_Q __nv_fp8x4_e4m3
#define AX_KIND __NV_E4M3
AX_FP8
#undef AX_S
#undef AX_V
#undef AX_Q
#undef AX_KIND
#define AX_S __nv_fp8_e5m2
#define AX_V __nv_fp8x2_e5m2
#define AX_Q __nv_fp8x4_e5m2
#define AX_KIND __NV_E5M2
AX_FP8
#undef AX_S
#undef AX_V
#undef AX_Q
#undef AX_KIND
#undef AX_FP8
#undef AX_FROM
#undef AX_TO

#pragma clang force_cuda_host_device end
