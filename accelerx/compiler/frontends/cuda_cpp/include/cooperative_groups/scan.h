// Prefix sums over the threads of a group within a warp.
#pragma once
#include <cooperative_groups/reduce.h>

#pragma clang force_cuda_host_device begin
namespace cooperative_groups {

// One step of a scan: the total of up to 2 * step threads.
template <class Group, class T, class F>
void __scan_step(const Group& g, unsigned step, T& total, F& f) {
  const T before = g.shfl_up(total, step);
  if (g.thread_rank() >= step) total = f(before, total);
}
template <unsigned n, class Parent, class T, class F>
__decay(T) inclusive_scan(const thread_block_tile<n, Parent>& g, T&& v, F&& f) {
  __decay(T) total = v;
  if (n > 1) __scan_step(g, 1, total, f);
  if (n > 2) __scan_step(g, 2, total, f);
  if (n > 4) __scan_step(g, 4, total, f);
  if (n > 8) __scan_step(g, 8, total, f);
  if (n > 16) __scan_step(g, 16, total, f);
  return total;
}
template <class T, class F>
__decay(T) inclusive_scan(const coalesced_group& g, T&& v, F&& f) {
  __decay(T) total = v;
  for (unsigned step = 1; step < g.num_threads(); step *= 2) __scan_step(g, step, total, f);
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
