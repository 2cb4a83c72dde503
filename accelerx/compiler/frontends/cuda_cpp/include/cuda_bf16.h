// CUDA's bfloat16: one and two values with float's exponent and 8 bits of precision.
#pragma once
#define __CUDA_BF16_H__
#define __CUDA_BF16_HPP__
#define __CUDA_BF16_TYPES_EXIST__

#include <cuda_fp16.h>

#pragma clang force_cuda_host_device begin

#define AX_RAW __bf16
#define AX_S __nv_bfloat16
#define AX_V __nv_bfloat162
#define AX_B __nv_bfloat16_raw
#define AX_B2 __nv_bfloat162_raw
#define AX_OF __ax_bfloat16
#define AX_N(a, b) a##bfloat16##b
#define AX_N2(a, b) a##bfloat162##b
#define AX_SPLAT __bfloat162bfloat162
#define AX_OTHER \
  explicit __nv_bfloat16(__half v) : __x((__bf16)(float)v.__x) {}
#ifdef __CUDA_NO_BFLOAT16_CONVERSIONS__
#define AX_NO_CONVERSIONS
#endif
#ifdef __CUDA_NO_BFLOAT16_OPERATORS__
#define AX_NO_OPERATORS
#endif
#ifdef __CUDA_NO_BFLOAT162_OPERATORS__
#define AX_NO_OPERATORS2
#endif
#include <accelerx/small_float.inc>

inline __half::__half(__nv_bfloat16 v) : __x((__fp16)(float)v.__x) {}

typedef __nv_bfloat16 nv_bfloat16;
typedef __nv_bfloat162 nv_bfloat162;

#pragma clang force_cuda_host_device end

#define CUDART_INF_BF16 __ushort_as_bfloat16((unsigned short)0x7F80)
#define CUDART_NAN_BF16 __ushort_as_bfloat16((unsigned short)0x7FFF)
#define CUDART_MIN_DENORM_BF16 __ushort_as_bfloat16((unsigned short)0x0001)
#define CUDART_MAX_NORMAL_BF16 __ushort_as_bfloat16((unsigned short)0x7F7F)
#define CUDART_NEG_ZERO_BF16 __ushort_as_bfloat16((unsigned short)0x8000)
#define CUDART_ZERO_BF16 __ushort_as_bfloat16((unsigned short)0x0000)
#define CUDART_ONE_BF16 __ushort_as_bfloat16((unsigned short)0x3F80)

#ifdef __AX_LIMITS
#include <accelerx/bfloat16_limits.h>
#endif
