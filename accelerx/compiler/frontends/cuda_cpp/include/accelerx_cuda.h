// What nvcc includes before every text: qualifiers, types, and the device functions that need no
// #include. Each kernel's compilation parses it, so it declares and defines nothing: a function
// without a body is a row of the front end's table of builtins, found by its name.
#pragma once

#define __ACCELERX__ 1
#define __CUDACC__ 1
#define __CUDACC_RTC__ 1
#define __CUDACC_VER_MAJOR__ 13
#define __CUDACC_VER_MINOR__ 0
#define __CUDACC_VER_BUILD__ 0

#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __host__ __attribute__((host))
#define __shared__ __attribute__((shared))
#define __constant__ __attribute__((constant))
#define __managed__ __attribute__((device))
#define __forceinline__ inline __attribute__((always_inline))
#define __inline_hint__
#define __noinline__ __attribute__((noinline))
// libclang does not show launch_bounds' arguments, but an annotation's.
#define __launch_bounds__(...) \
  __attribute__((launch_bounds(__VA_ARGS__))) __attribute__((annotate("launch_bounds", __VA_ARGS__)))
#define __align__(n) __attribute__((aligned(n)))
#define __builtin_align__(n) __attribute__((aligned(n)))
#define __grid_constant__
#define __maxnreg__(n)
#define __nv_pure__
#define CUDARTAPI

#pragma clang force_cuda_host_device begin
#include "accelerx/types.h"
#include "accelerx/vectors.h"
#include "accelerx/math.h"
#include "accelerx/numbers.h"
#include "accelerx/simd.h"
#include "accelerx/threads.h"
#include "accelerx/atomics.h"
#include "accelerx/memory.h"
#include "accelerx/constants.h"
#pragma clang force_cuda_host_device end
