// Complex numbers as CUDA's C header has them.
#pragma once

typedef float2 cuFloatComplex;
typedef double2 cuDoubleComplex;
typedef cuFloatComplex cuComplex;

#pragma clang force_cuda_host_device begin

// Quotients are scaled, so that nothing overflows in between.
#define __AX_COMPLEX(C, T, f)                                                                      \
  inline T cuCreal##f(C a) { return a.x; }                                                         \
  inline T cuCimag##f(C a) { return a.y; }                                                         \
  inline C cuConj##f(C a) { return C{a.x, -a.y}; }                                                 \
  inline C cuCadd##f(C a, C b) { return C{a.x + b.x, a.y + b.y}; }                                 \
  inline C cuCsub##f(C a, C b) { return C{a.x - b.x, a.y - b.y}; }                                 \
  inline C cuCmul##f(C a, C b) { return C{a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x}; }         \
  inline C cuCfma##f(C a, C b, C c) {                                                              \
    return C{a.x * b.x - a.y * b.y + c.x, a.x * b.y + a.y * b.x + c.y};                            \
  }                                                                                                \
  inline C cuCdiv##f(C a, C b) {                                                                   \
    T most = fmax(fabs(b.x), fabs(b.y));                                                           \
    T ax = a.x / most, ay = a.y / most, bx = b.x / most, by = b.y / most;                          \
    T inverse = T(1) / (bx * bx + by * by);                                                        \
    return C{(ax * bx + ay * by) * inverse, (ay * bx - ax * by) * inverse};                        \
  }                                                                                                \
  inline T cuCabs##f(C a) { return hypot(a.x, a.y); }
__AX_COMPLEX(cuFloatComplex, float, f)
__AX_COMPLEX(cuDoubleComplex, double, )
#undef __AX_COMPLEX

inline cuFloatComplex make_cuFloatComplex(float x, float y) { return cuFloatComplex{x, y}; }
inline cuDoubleComplex make_cuDoubleComplex(double x, double y) { return cuDoubleComplex{x, y}; }
inline cuComplex make_cuComplex(float x, float y) { return cuComplex{x, y}; }
inline cuDoubleComplex cuComplexFloatToDouble(cuFloatComplex a) {
  return cuDoubleComplex{a.x, a.y};
}
inline cuFloatComplex cuComplexDoubleToFloat(cuDoubleComplex a) {
  return cuFloatComplex{float(a.x), float(a.y)};
}

#pragma clang force_cuda_host_device end
