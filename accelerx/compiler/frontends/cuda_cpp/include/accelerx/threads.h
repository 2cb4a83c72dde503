// Barriers, fences, clocks, and operations between the threads of a warp.
#pragma once

// __syncthreads is known to clang.
int __syncthreads_count(int), __syncthreads_and(int), __syncthreads_or(int);
void __syncwarp(unsigned int = 0xffffffff);
void __threadfence(), __threadfence_block(), __threadfence_system();
clock_t clock();
long long clock64();
void __nanosleep(unsigned int);
void __trap(), __brkpt();

unsigned int __activemask();
int __any_sync(unsigned int, int), __all_sync(unsigned int, int), __uni_sync(unsigned int, int);
unsigned int __ballot_sync(unsigned int, int);
int __any(int), __all(int);
unsigned int __ballot(int);

#define __AX_NUMBERS(F) F(int) F(unsigned int) F(long) F(unsigned long) F(long long)              \
  F(unsigned long long) F(float) F(double)
#define __AX_SHUFFLE(T)                                                                            \
  T __shfl_sync(unsigned int, T, int, int = 32);                                                   \
  T __shfl_up_sync(unsigned int, T, unsigned int, int = 32);                                       \
  T __shfl_down_sync(unsigned int, T, unsigned int, int = 32);                                     \
  T __shfl_xor_sync(unsigned int, T, int, int = 32);                                               \
  unsigned int __match_any_sync(unsigned int, T);                                                  \
  unsigned int __match_all_sync(unsigned int, T, int *);
__AX_NUMBERS(__AX_SHUFFLE)
#undef __AX_SHUFFLE
#undef __AX_NUMBERS

// Without a member mask: templates, so that a text may define its own.
template <class T>
__ax_kept<T> __shfl(T, int, int = 32);
template <class T>
__ax_kept<T> __shfl_up(T, unsigned int, int = 32);
template <class T>
__ax_kept<T> __shfl_down(T, unsigned int, int = 32);
template <class T>
__ax_kept<T> __shfl_xor(T, int, int = 32);

unsigned int __reduce_add_sync(unsigned int, unsigned int),
    __reduce_min_sync(unsigned int, unsigned int), __reduce_max_sync(unsigned int, unsigned int),
    __reduce_and_sync(unsigned int, unsigned int), __reduce_or_sync(unsigned int, unsigned int),
    __reduce_xor_sync(unsigned int, unsigned int);
int __reduce_add_sync(unsigned int, int), __reduce_min_sync(unsigned int, int),
    __reduce_max_sync(unsigned int, int);
