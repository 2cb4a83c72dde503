// CUDA's half precision: one and two values of IEEE binary16.
#pragma once
#define __CUDA_FP16_H__
#define __CUDA_FP16_HPP__
#define __CUDA_FP16_TYPES_EXIST__

#pragma clang force_cuda_host_device begin

struct __nv_bfloat16;

#define AX_RAW __fp16
#define AX_S __half
#define AX_V __half2
#define AX_B __half_raw
#define AX_B2 __half2_raw
#define AX_OF __ax_float16
#define AX_N(a, b) a##half##b
#define AX_N2(a, b) a##half2##b
#define AX_SPLAT __half2half2
#define AX_OTHER explicit __half(__nv_bfloat16 v);  // defined in cuda_bf16.h
#ifdef __CUDA_NO_HALF_CONVERSIONS__
#define AX_NO_CONVERSIONS
#endif
#ifdef __CUDA_NO_HALF_OPERATORS__
#define AX_NO_OPERATORS
#endif
#ifdef __CUDA_NO_HALF2_OPERATORS__
#define AX_NO_OPERATORS2
#endif
#include <accelerx/small_float.inc>

typedef __half half;
typedef __half2 half2;
typedef __half __nv_half;
typedef __half nv_half;
typedef __half2 __nv_half2;
typedef __half2 nv_half2;
typedef __half_raw __nv_half_raw;
typedef __half2_raw __nv_half2_raw;

#pragma clang force_cuda_host_device end

#define CUDART_INF_FP16 __ushort_as_half((unsigned short)0x7C00)
#define CUDART_NAN_FP16 __ushort_as_half((unsigned short)0x7FFF)
#define CUDART_MIN_DENORM_FP16 __ushort_as_half((unsigned short)0x0001)
#define CUDART_MAX_NORMAL_FP16 __ushort_as_half((unsigned short)0x7BFF)
#define CUDART_NEG_ZERO_FP16 __ushort_as_half((unsigned short)0x8000)
#define CUDART_ZERO_FP16 __ushort_as_half((unsigned short)0x0000)
#define CUDART_ONE_FP16 __ushort_as_half((unsigned short)0x3C00)

#ifdef __AX_LIMITS
#include <accelerx/half_limits.h>
#endif
