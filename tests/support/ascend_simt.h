// Ascend's SIMT names as CUDA's, so that CUDA compilers check and CUDA's stand-in runs printed programs.
// A block's threads run a body called through asc_vf_call together, as they do on the device.
#pragma once

#ifdef AX_ON_HOST
#define AX_DEVICE static inline
#else
#define AX_DEVICE static __device__ __forceinline__
typedef unsigned int uint32_t;
typedef long long int64_t;
typedef unsigned long long uint64_t;
#endif

#define __gm__
#define __aicore__ __device__
#define __simt_callee__ __device__

#define asc_syncthreads __syncthreads
#define asc_threadfence __threadfence
#define asc_threadfence_block __threadfence_block
#define asc_ballot(predicate) __ballot_sync(asc_activemask(), predicate)
#define asc_any(predicate) __any_sync(asc_activemask(), predicate)
#define asc_all(predicate) __all_sync(asc_activemask(), predicate)
#define asc_shfl(...) __shfl_sync(asc_activemask(), __VA_ARGS__)
#define asc_shfl_up(...) __shfl_up_sync(asc_activemask(), __VA_ARGS__)
#define asc_shfl_down(...) __shfl_down_sync(asc_activemask(), __VA_ARGS__)
#define asc_shfl_xor(...) __shfl_xor_sync(asc_activemask(), __VA_ARGS__)

#ifdef AX_ON_HOST
static unsigned asc_activemask() {
  host::exchange(1U << host::lane(), 1);
  return host::current->present;
}
#else
AX_DEVICE unsigned asc_activemask() { return __activemask(); }
#endif

namespace AscendC {
AX_DEVICE unsigned GetBlockIdx() { return blockIdx.x; }
AX_DEVICE unsigned GetBlockNum() { return gridDim.x; }
}  // namespace AscendC

struct half {
  unsigned short bits;
};
#ifdef AX_ON_HOST
static float __half2float(half x) { return ax_host_from_f16(x.bits); }
static half __float2half_rn(float x) { return {ax_host_to_f16(x)}; }
#else
AX_DEVICE float __half2float(half x) {
  float y;
  asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits));
  return y;
}
AX_DEVICE half __float2half_rn(float x) {
  half y;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
  return y;
}
#endif

// What CUDA has under these names for unsigned 64-bit integers only, or not for all types.
#define AX_ATOMIC(ours, theirs, T, U) \
  AX_DEVICE T ours(T* p, T v) { return (T)theirs((U*)p, (U)v); }
#define AX_ATOMICS_64(T)                                        \
  AX_ATOMIC(asc_atomic_add, atomicAdd, T, unsigned long long)   \
  AX_ATOMIC(asc_atomic_and, atomicAnd, T, unsigned long long)   \
  AX_ATOMIC(asc_atomic_or, atomicOr, T, unsigned long long)     \
  AX_ATOMIC(asc_atomic_xor, atomicXor, T, unsigned long long)   \
  AX_ATOMIC(asc_atomic_exch, atomicExch, T, unsigned long long) \
  AX_DEVICE T asc_atomic_sub(T* p, T v) { return asc_atomic_add(p, (T)(0ULL - (unsigned long long)v)); }
#define AX_ATOMICS_32(T)                  \
  AX_ATOMIC(asc_atomic_add, atomicAdd, T, T) \
  AX_ATOMIC(asc_atomic_sub, atomicSub, T, T) \
  AX_ATOMIC(asc_atomic_and, atomicAnd, T, T) \
  AX_ATOMIC(asc_atomic_or, atomicOr, T, T)   \
  AX_ATOMIC(asc_atomic_xor, atomicXor, T, T) \
  AX_ATOMIC(asc_atomic_exch, atomicExch, T, T)
#define AX_ORDER(T, U)                       \
  AX_ATOMIC(asc_atomic_min, atomicMin, T, U) \
  AX_ATOMIC(asc_atomic_max, atomicMax, T, U)
AX_ATOMICS_32(int)
AX_ATOMICS_32(unsigned)
AX_ATOMICS_64(int64_t)
AX_ATOMICS_64(uint64_t)
AX_ORDER(int, int)
AX_ORDER(unsigned, unsigned)
AX_ORDER(int64_t, long long)
AX_ORDER(uint64_t, unsigned long long)
AX_ATOMIC(asc_atomic_add, atomicAdd, float, float)
AX_ATOMIC(asc_atomic_exch, atomicExch, float, float)
AX_ATOMIC(asc_atomic_inc, atomicInc, unsigned, unsigned)
AX_ATOMIC(asc_atomic_dec, atomicDec, unsigned, unsigned)
AX_DEVICE float asc_atomic_sub(float* p, float v) { return atomicAdd(p, -v); }
AX_DEVICE int asc_atomic_cas(int* p, int c, int v) { return atomicCAS(p, c, v); }
AX_DEVICE unsigned asc_atomic_cas(unsigned* p, unsigned c, unsigned v) { return atomicCAS(p, c, v); }
AX_DEVICE uint64_t asc_atomic_cas(uint64_t* p, uint64_t c, uint64_t v) {
  return atomicCAS((unsigned long long*)p, c, v);
}
AX_DEVICE int64_t asc_atomic_cas(int64_t* p, int64_t c, int64_t v) {
  return (int64_t)asc_atomic_cas((uint64_t*)p, (uint64_t)c, (uint64_t)v);
}
