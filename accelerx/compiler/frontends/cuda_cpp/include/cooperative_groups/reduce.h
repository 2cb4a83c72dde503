// Reductions over the threads of a group within a warp.
#pragma once
#include <cooperative_groups.h>

#pragma clang force_cuda_host_device begin
namespace cooperative_groups {

#define AX_OPERATION(name, ...)                                    \
  template <class T = void>                                        \
  struct name {                                                    \
    constexpr T operator()(T a, T b) const { return __VA_ARGS__; } \
  };                                                               \
  template <>                                                      \
  struct name<void> {                                              \
    template <class T>                                             \
    constexpr T operator()(T a, T b) const {                       \
      return __VA_ARGS__;                                          \
    }                                                              \
  };
AX_OPERATION(plus, a + b)
AX_OPERATION(less, b < a ? b : a)
AX_OPERATION(greater, a < b ? b : a)
AX_OPERATION(bit_and, a& b)
AX_OPERATION(bit_or, a | b)
AX_OPERATION(bit_xor, a ^ b)
#undef AX_OPERATION

template <unsigned n, class Parent, class T, class F>
__decay(T) reduce(const thread_block_tile<n, Parent>& g, T&& v, F&& f) {
  __decay(T) total = v;
  if (n > 16) total = f(total, g.shfl_xor(total, 16));
  if (n > 8) total = f(total, g.shfl_xor(total, 8));
  if (n > 4) total = f(total, g.shfl_xor(total, 4));
  if (n > 2) total = f(total, g.shfl_xor(total, 2));
  if (n > 1) total = f(total, g.shfl_xor(total, 1));
  return total;
}
template <class T, class F>
__decay(T) reduce(const coalesced_group& g, T&& v, F&& f) {
  __decay(T) total = v;
  const unsigned rank = g.thread_rank(), count = g.num_threads();
  for (unsigned step = 1; step < count; step *= 2) {
    const __decay(T) other = g.shfl_down(total, step);
    if (rank + step < count) total = f(total, other);
  }
  return g.shfl(total, 0);
}

}  // namespace cooperative_groups
#pragma clang force_cuda_host_device end
