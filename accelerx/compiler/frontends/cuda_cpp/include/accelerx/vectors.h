// CUDA's vector types with their alignment, and what makes them.
#pragma once

#define __AX_VECTOR(name, T, align2, align4)                                                       \
  struct name##1 {                                                                                 \
    T x;                                                                                           \
  };                                                                                               \
  struct __align__(align2) name##2 { T x, y; };                                                    \
  struct name##3 {                                                                                 \
    T x, y, z;                                                                                     \
  };                                                                                               \
  struct __align__(align4) name##4 { T x, y, z, w; };                                              \
  name##1 make_##name##1(T);                                                                       \
  name##2 make_##name##2(T, T);                                                                    \
  name##3 make_##name##3(T, T, T);                                                                 \
  name##4 make_##name##4(T, T, T, T);

__AX_VECTOR(char, signed char, 2, 4)
__AX_VECTOR(uchar, unsigned char, 2, 4)
__AX_VECTOR(short, short, 4, 8)
__AX_VECTOR(ushort, unsigned short, 4, 8)
__AX_VECTOR(int, int, 8, 16)
__AX_VECTOR(uint, unsigned int, 8, 16)
__AX_VECTOR(long, long, 16, 16)
__AX_VECTOR(ulong, unsigned long, 16, 16)
__AX_VECTOR(longlong, long long, 16, 16)
__AX_VECTOR(ulonglong, unsigned long long, 16, 16)
__AX_VECTOR(float, float, 8, 16)
__AX_VECTOR(double, double, 16, 16)
#undef __AX_VECTOR

struct dim3 {
  unsigned int x, y, z;
  constexpr dim3(unsigned int x = 1, unsigned int y = 1, unsigned int z = 1) : x(x), y(y), z(z) {}
  constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
  constexpr operator uint3() const { return uint3{x, y, z}; }
};

extern const __device__ uint3 threadIdx, blockIdx;
extern const __device__ dim3 blockDim, gridDim;
extern const __device__ int warpSize;
