// Atomic functions, with the types that CUDA gives them. A scope changes nothing: every one is as
// wide as the device.
#pragma once

#define __AX_SCOPES(R, f, ...)                                                                     \
  R f(__VA_ARGS__), f##_block(__VA_ARGS__), f##_system(__VA_ARGS__);
#define __AX_ATOMIC(f, T) __AX_SCOPES(T, f, T *, T)
#define __AX_ATOMIC2(f) __AX_ATOMIC(f, int) __AX_ATOMIC(f, unsigned int)
#define __AX_ATOMIC3(f) __AX_ATOMIC2(f) __AX_ATOMIC(f, unsigned long long)

__AX_ATOMIC3(atomicAdd)
__AX_ATOMIC(atomicAdd, float)
__AX_ATOMIC(atomicAdd, double)
__AX_ATOMIC2(atomicSub)
__AX_ATOMIC3(atomicMin)
__AX_ATOMIC(atomicMin, long long)
__AX_ATOMIC3(atomicMax)
__AX_ATOMIC(atomicMax, long long)
__AX_ATOMIC3(atomicAnd)
__AX_ATOMIC3(atomicOr)
__AX_ATOMIC3(atomicXor)
__AX_ATOMIC3(atomicExch)
__AX_ATOMIC(atomicExch, float)
__AX_ATOMIC(atomicInc, unsigned int)
__AX_ATOMIC(atomicDec, unsigned int)
__AX_SCOPES(int, atomicCAS, int *, int, int)
__AX_SCOPES(unsigned int, atomicCAS, unsigned int *, unsigned int, unsigned int)
unsigned short atomicCAS(unsigned short *, unsigned short, unsigned short);
__AX_SCOPES(unsigned long long, atomicCAS, unsigned long long *, unsigned long long,
            unsigned long long)
float2 atomicAdd(float2 *, float2);
float4 atomicAdd(float4 *, float4);
#undef __AX_SCOPES
#undef __AX_ATOMIC
#undef __AX_ATOMIC2
#undef __AX_ATOMIC3
