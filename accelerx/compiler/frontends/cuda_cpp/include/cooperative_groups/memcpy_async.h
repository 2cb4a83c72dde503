// Copies by all threads of a group. They are done when memcpy_async returns to a thread; the
// others' parts are seen after wait.
#pragma once
#include <cooperative_groups.h>

#pragma clang force_cuda_host_device begin
namespace cooperative_groups {

template <class Group, class T>
void __copy(const Group& g, T* to, const T* from, size_t count) {
  for (size_t i = g.thread_rank(); i < count; i += g.num_threads()) to[i] = from[i];
}
template <class Group, class T>
void memcpy_async(const Group& g, T* to, const T* from, size_t bytes) {
  __copy(g, to, from, bytes / sizeof(T));
}
template <class Group, class T>
void memcpy_async(const Group& g, T* to, size_t room, const T* from, size_t count) {
  __copy(g, to, from, count < room ? count : room);
}
template <class Group>
void wait(const Group& g) {
  g.sync();
}
template <unsigned stages, class Group>
void wait_prior(const Group& g) {
  g.sync();
}

}  // namespace cooperative_groups
#pragma clang force_cuda_host_device end
