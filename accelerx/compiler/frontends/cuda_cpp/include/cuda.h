// Types and constants of CUDA's driver that texts mention beside their kernels.
#pragma once
#define CUDA_VERSION 13000
typedef int CUdevice;
typedef unsigned long long CUdeviceptr;
typedef struct CUctx_st *CUcontext;
typedef struct CUfunc_st *CUfunction;
typedef struct CUmod_st *CUmodule;
typedef struct CUstream_st *CUstream;
