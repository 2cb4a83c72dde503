// Loads and stores with a cache hint, copies, promises to the compiler; and what kernels have on
// CUDA devices only: textures, surfaces, the device's heap, launches from kernels.
#pragma once

#define __AX_LOAD(f)                                                                               \
  template <class T>                                                                               \
  T f(const T *);
__AX_LOAD(__ldg)
__AX_LOAD(__ldca)
__AX_LOAD(__ldcg)
__AX_LOAD(__ldcs)
__AX_LOAD(__ldcv)
__AX_LOAD(__ldlu)
#undef __AX_LOAD
#define __AX_STORE(f)                                                                              \
  template <class T>                                                                               \
  void f(T *, __ax_same<T>);
__AX_STORE(__stcg)
__AX_STORE(__stcs)
__AX_STORE(__stwb)
__AX_STORE(__stwt)
#undef __AX_STORE

void *memcpy(void *, const void *, size_t), *memmove(void *, const void *, size_t);
void *memset(void *, int, size_t);
void *malloc(size_t);
void free(void *);
void *operator new(size_t, void *) noexcept, *operator new[](size_t, void *) noexcept;
namespace std {
using ::free, ::malloc, ::memcpy, ::memmove, ::memset, ::printf;
}

#define __assume(condition) __builtin_assume(condition)
unsigned int __isGlobal(const void *), __isShared(const void *), __isConstant(const void *),
    __isLocal(const void *), __isGridConstant(const void *);
size_t __cvta_generic_to_global(const void *), __cvta_generic_to_shared(const void *),
    __cvta_generic_to_constant(const void *), __cvta_generic_to_local(const void *);
void *__cvta_global_to_generic(size_t), *__cvta_shared_to_generic(size_t),
    *__cvta_constant_to_generic(size_t), *__cvta_local_to_generic(size_t);

typedef unsigned long long cudaTextureObject_t, cudaSurfaceObject_t;
enum cudaSurfaceBoundaryMode {
  cudaBoundaryModeZero,
  cudaBoundaryModeClamp,
  cudaBoundaryModeTrap
};
typedef struct CUstream_st *cudaStream_t;
#define __AX_FETCH(f)                                                                              \
  template <class T, class... A>                                                                   \
  T f(A...);
__AX_FETCH(tex1Dfetch)
__AX_FETCH(tex1D)
__AX_FETCH(tex2D)
__AX_FETCH(tex3D)
__AX_FETCH(tex1DLod)
__AX_FETCH(tex2DLod)
__AX_FETCH(tex3DLod)
__AX_FETCH(tex1DGrad)
__AX_FETCH(tex2DGrad)
__AX_FETCH(tex3DGrad)
__AX_FETCH(tex1DLayered)
__AX_FETCH(tex2DLayered)
__AX_FETCH(texCubemap)
__AX_FETCH(tex2Dgather)
__AX_FETCH(surf1Dread)
__AX_FETCH(surf2Dread)
__AX_FETCH(surf3Dread)
#undef __AX_FETCH
template <class... A>
void surf1Dwrite(A...);
template <class... A>
void surf2Dwrite(A...);
template <class... A>
void surf3Dwrite(A...);
unsigned int __cudaPushCallConfiguration(dim3, dim3, size_t = 0, cudaStream_t = nullptr);
int cudaConfigureCall(dim3, dim3, size_t = 0, cudaStream_t = nullptr);
