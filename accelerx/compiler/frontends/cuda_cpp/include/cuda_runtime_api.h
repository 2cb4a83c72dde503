// Types and constants of CUDA's runtime that texts mention beside their kernels.
#pragma once
#define CUDART_VERSION 13000
enum cudaError { cudaSuccess = 0 };
typedef enum cudaError cudaError_t;
enum cudaMemcpyKind {
  cudaMemcpyHostToHost,
  cudaMemcpyHostToDevice,
  cudaMemcpyDeviceToHost,
  cudaMemcpyDeviceToDevice,
  cudaMemcpyDefault
};
typedef struct CUevent_st *cudaEvent_t;
