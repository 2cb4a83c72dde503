// Prefix sums over the threads of a group within a warp.
#pragma once
#include <cooperative_groups/reduce.h>

#pragma clang force_cuda_host_device begin
namespace cooperative_groups {

template <class Group, class T, class F>
__decay(T) inclusive_scan(const Group& g, T&& v, F&& f) {
  __decay(T) total = v;
  const unsigned rank = g.thread_rank(), count = g.num_threads();
  for (unsigned step = 1; step < count; step *= 2) {
    const __decay(T) before = g.shfl_up(total, step);
    if (rank >= step) total = f(before, total);
  }
  return total;
}
template <class Group, class T>
__decay(T) inclusive_scan(const Group& g, T&& v) {
  return inclusive_scan(g, v, plus<__decay(T)>());
}
template <class Group, class T, class F>
__decay(T) exclusive_scan(const Group& g, T&& v, F&& f) {
  const __decay(T) before = g.shfl_up(inclusive_scan(g, v, f), 1);
  __decay(T) none{};
  return g.thread_rank() == 0 ? none : before;
}
template <class Group, class T>
__decay(T) exclusive_scan(const Group& g, T&& v) {
  return exclusive_scan(g, v, plus<__decay(T)>());
}

}  // namespace cooperative_groups
#pragma clang force_cuda_host_device end
