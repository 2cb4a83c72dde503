// New keys and values go to their slots of a paged cache; a negative slot is padding.
#include <stdint.h>

// How a page lies in memory: keys in vectors of X along the head, values token by token within a channel.
struct PageLayout {
  int heads, head_size, page, x;

  __device__ int64_t key(int64_t page_index, int head, int channel, int at) const {
    return (((page_index * heads + head) * (head_size / x) + channel / x) * page + at) * x + channel % x;
  }
  __device__ int64_t value(int64_t page_index, int head, int channel, int at) const {
    return ((page_index * heads + head) * head_size + channel) * page + at;
  }
};

template <typename T>
__global__ void append_to_cache(const T* __restrict__ key,    // [tokens, stride]
                                const T* __restrict__ value,  // [tokens, stride]
                                T* __restrict__ key_cache,    // [pages, heads, head_size / x, page, x]
                                T* __restrict__ value_cache,  // [pages, heads, head_size, page]
                                const int64_t* __restrict__ slots, const int stride, const PageLayout layout) {
  const int64_t slot = slots[blockIdx.x];
  if (slot < 0) return;
  const int64_t page = slot / layout.page;
  const int at = slot % layout.page;
  for (int i = threadIdx.x; i < layout.heads * layout.head_size; i += blockDim.x) {
    const int64_t from = int64_t(blockIdx.x) * stride + i;
    const int head = i / layout.head_size, channel = i % layout.head_size;
    key_cache[layout.key(page, head, channel, at)] = key[from];
    value_cache[layout.value(page, head, channel, at)] = value[from];
  }
}
