// CUDA's groups of threads: the grid, the block, tiles of a warp, and lanes that run together.
//
// A tile is 2**n neighbouring lanes of one warp; a coalesced group is a mask of lanes. Values of
// any type pass between lanes, number by number.
#pragma once

#pragma clang force_cuda_host_device begin

void __ax_sync_grid();
unsigned __ax_lane();
template <class T>
T __ax_shfl(unsigned mask, const T& v, int lane, int width);
template <class T>
T __ax_shfl_up(unsigned mask, const T& v, unsigned delta, int width);
template <class T>
T __ax_shfl_down(unsigned mask, const T& v, unsigned delta, int width);
template <class T>
T __ax_shfl_xor(unsigned mask, const T& v, int lanes, int width);

namespace cooperative_groups {

// ------------------------------------------------------------------------------ grid and block

class thread_group;
template <unsigned n, class Parent = void>
class thread_block_tile;
class coalesced_group;

class grid_group {
 public:
  static void sync() { __ax_sync_grid(); }
  static void barrier_arrive() {}
  static void barrier_wait() { __ax_sync_grid(); }
  static bool is_valid() { return true; }
  static dim3 group_dim() { return dim3(gridDim.x, gridDim.y, gridDim.z); }
  static dim3 dim_blocks() { return dim3(gridDim.x, gridDim.y, gridDim.z); }
  static dim3 block_index() { return dim3(blockIdx.x, blockIdx.y, blockIdx.z); }
  static unsigned long long num_blocks() {
    return (unsigned long long)gridDim.x * gridDim.y * gridDim.z;
  }
  static unsigned long long block_rank() {
    return ((unsigned long long)blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  }
  static unsigned long long num_threads() {
    return num_blocks() * (blockDim.x * blockDim.y * blockDim.z);
  }
  static unsigned long long size() { return num_threads(); }
  static unsigned long long thread_rank() {
    return block_rank() * (blockDim.x * blockDim.y * blockDim.z) +
           (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  }
};

class thread_block {
 public:
  struct arrival_token {};

  static void sync() { __syncthreads(); }
  static arrival_token barrier_arrive() { return arrival_token(); }
  static void barrier_wait(arrival_token&&) { __syncthreads(); }
  static dim3 group_index() { return dim3(blockIdx.x, blockIdx.y, blockIdx.z); }
  static dim3 thread_index() { return dim3(threadIdx.x, threadIdx.y, threadIdx.z); }
  static dim3 group_dim() { return dim3(blockDim.x, blockDim.y, blockDim.z); }
  static dim3 dim_threads() { return dim3(blockDim.x, blockDim.y, blockDim.z); }
  static unsigned num_threads() { return blockDim.x * blockDim.y * blockDim.z; }
  static unsigned size() { return num_threads(); }
  static unsigned thread_rank() {
    return (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  }
};

inline grid_group this_grid() { return grid_group(); }
inline thread_block this_thread_block() { return thread_block(); }

// ------------------------------------------------------------------------- groups within a warp

// Lanes of one warp: those of a tile, or those of a mask.
template <unsigned n, class Parent>
class thread_block_tile {
  static_assert(n != 0 && (n & (n - 1)) == 0, "a tile has 1, 2, 4, 8, 16 or 32 threads");
  static_assert(n <= 32, "tiles of more than 32 threads run on CUDA devices only");

 public:
  unsigned __meta_rank, __meta_size;

  thread_block_tile() = default;
  thread_block_tile(unsigned rank, unsigned size) : __meta_rank(rank), __meta_size(size) {}
  template <class Other>
  thread_block_tile(const thread_block_tile<n, Other>& other)
      : __meta_rank(other.__meta_rank), __meta_size(other.__meta_size) {}

  static constexpr unsigned num_threads() { return n; }
  static constexpr unsigned size() { return n; }
  static unsigned thread_rank() { return __ax_lane() & (n - 1); }
  unsigned meta_group_rank() const { return __meta_rank; }
  unsigned meta_group_size() const { return __meta_size; }

  // The lanes of the warp that belong to the tile, and the first of them.
  static unsigned __first() { return __ax_lane() & ~(n - 1); }
  static unsigned __mask() { return n == 32 ? ~0u : ((1u << (n & 31)) - 1) << __first(); }

  static void sync() { __syncwarp(__mask()); }
  template <class T>
  static T shfl(const T& v, int rank) {
    return __ax_shfl(__mask(), v, rank, n);
  }
  template <class T>
  static T shfl_up(const T& v, unsigned delta) {
    return __ax_shfl_up(__mask(), v, delta, n);
  }
  template <class T>
  static T shfl_down(const T& v, unsigned delta) {
    return __ax_shfl_down(__mask(), v, delta, n);
  }
  template <class T>
  static T shfl_xor(const T& v, unsigned ranks) {
    return __ax_shfl_xor(__mask(), v, ranks, n);
  }
  static unsigned ballot(int holds) {
    const unsigned lanes = __ballot_sync(__mask(), holds);
    return n == 32 ? lanes : (lanes >> __first()) & ((1u << (n & 31)) - 1);
  }
  static int any(int holds) { return ballot(holds) != 0; }
  static int all(int holds) { return ballot(!holds) == 0; }
  template <class T>
  static unsigned match_any(T v) {
    const unsigned lanes = __match_any_sync(__mask(), v);
    return n == 32 ? lanes : (lanes >> __first()) & ((1u << (n & 31)) - 1);
  }
  template <class T>
  static unsigned match_all(T v, int& holds) {
    const unsigned everyone = n == 32 ? ~0u : (1u << (n & 31)) - 1;
    holds = match_any(v) == everyone;
    return holds ? everyone : 0;
  }
};

class coalesced_group {
 public:
  unsigned __lanes, __meta_rank, __meta_size;

  coalesced_group(unsigned lanes, unsigned rank, unsigned size)
      : __lanes(lanes), __meta_rank(rank), __meta_size(size) {}

  unsigned num_threads() const { return __popc(__lanes); }
  unsigned size() const { return num_threads(); }
  unsigned thread_rank() const { return __popc(__lanes & ((1u << __ax_lane()) - 1)); }
  unsigned meta_group_rank() const { return __meta_rank; }
  unsigned meta_group_size() const { return __meta_size; }

  unsigned __mask() const { return __lanes; }
  // The lane of a rank: the place of the (rank + 1)th one bit.
  unsigned __lane_of(unsigned rank) const {
    unsigned rest = __lanes;
    for (unsigned i = 0; i < rank; ++i) rest &= rest - 1;
    return __ffs(rest) - 1;
  }
  // One bit for each rank, from one bit for each lane.
  unsigned __by_rank(unsigned lanes) const {
    unsigned found = 0, rest = __lanes;
    for (unsigned i = 0; rest != 0; ++i) {
      if (lanes & rest & -rest) found |= 1u << i;
      rest &= rest - 1;
    }
    return found;
  }

  void sync() const { __syncwarp(__lanes); }
  template <class T>
  T shfl(const T& v, unsigned rank) const {
    const unsigned count = num_threads();
    return __ax_shfl(__lanes, v, __lane_of(rank < count ? rank : rank % count), 32);
  }
  template <class T>
  T shfl_up(const T& v, unsigned delta) const {
    const unsigned rank = thread_rank();
    return __ax_shfl(__lanes, v, __lane_of(rank < delta ? rank : rank - delta), 32);
  }
  template <class T>
  T shfl_down(const T& v, unsigned delta) const {
    const unsigned rank = thread_rank(), count = num_threads();
    return __ax_shfl(__lanes, v, __lane_of(rank + delta < count ? rank + delta : rank), 32);
  }
  unsigned ballot(int holds) const { return __by_rank(__ballot_sync(__lanes, holds) & __lanes); }
  int any(int holds) const { return (__ballot_sync(__lanes, holds) & __lanes) != 0; }
  int all(int holds) const { return (__ballot_sync(__lanes, !holds) & __lanes) == 0; }
  template <class T>
  unsigned match_any(T v) const {
    return __by_rank(__match_any_sync(__lanes, v) & __lanes);
  }
  template <class T>
  unsigned match_all(T v, int& holds) const {
    holds = (__match_any_sync(__lanes, v) & __lanes) == __lanes;
    return holds ? __by_rank(__lanes) : 0;
  }
};

inline coalesced_group coalesced_threads() { return coalesced_group(__activemask(), 0, 1); }

// --------------------------------------------------------------------------- a group of any kind

class thread_group {
 public:
  enum { __of_grid, __of_block, __of_lanes } __kind;
  coalesced_group __group;  // if it is one of lanes

  thread_group(grid_group) : __kind(__of_grid), __group(0, 0, 1) {}
  thread_group(thread_block) : __kind(__of_block), __group(0, 0, 1) {}
  thread_group(const coalesced_group& g) : __kind(__of_lanes), __group(g) {}
  template <unsigned n, class Parent>
  thread_group(const thread_block_tile<n, Parent>& g)
      : __kind(__of_lanes), __group(g.__mask(), g.__meta_rank, g.__meta_size) {}

  unsigned long long num_threads() const {
    return __kind == __of_grid    ? grid_group::num_threads()
           : __kind == __of_block ? thread_block::num_threads()
                                  : __group.num_threads();
  }
  unsigned long long size() const { return num_threads(); }
  unsigned long long thread_rank() const {
    return __kind == __of_grid    ? grid_group::thread_rank()
           : __kind == __of_block ? thread_block::thread_rank()
                                  : __group.thread_rank();
  }
  bool is_valid() const { return true; }
  void sync() const {
    if (__kind == __of_grid) {
      __ax_sync_grid();
    } else if (__kind == __of_block) {
      __syncthreads();
    } else {
      __group.sync();
    }
  }
};

// ----------------------------------------------------------------------------------- partitions

template <unsigned n, class Group>
thread_block_tile<n, Group> tiled_partition(const Group& g) {
  const unsigned rank = g.thread_rank(), count = g.num_threads();
  return thread_block_tile<n, Group>(rank / n, (count + n - 1) / n);
}
inline coalesced_group __tile_of_lanes(unsigned first, unsigned n, unsigned rank, unsigned count) {
  const unsigned lanes = n == 32 ? ~0u : ((1u << (n & 31)) - 1) << (first & ~(n - 1));
  return coalesced_group(lanes, rank / n, (count + n - 1) / n);
}
inline thread_group tiled_partition(const thread_block& g, unsigned n) {
  return __tile_of_lanes(__ax_lane(), n, g.thread_rank(), g.num_threads());
}
template <unsigned m, class Parent>
thread_group tiled_partition(const thread_block_tile<m, Parent>& g, unsigned n) {
  return __tile_of_lanes(__ax_lane(), n, g.thread_rank(), m);
}
inline coalesced_group tiled_partition(const coalesced_group& g, unsigned n) {
  const unsigned rank = g.thread_rank(), count = g.num_threads(), first = rank / n * n;
  unsigned lanes = 0, rest = g.__lanes;
  for (unsigned i = 0; rest != 0; ++i) {
    if (i >= first && i < first + n) lanes |= rest & -rest;
    rest &= rest - 1;
  }
  return coalesced_group(lanes, rank / n, (count + n - 1) / n);
}
inline thread_group tiled_partition(const thread_group& g, unsigned n) {
  if (g.__kind == thread_group::__of_lanes) return tiled_partition(g.__group, n);
  return tiled_partition(this_thread_block(), n);
}

// The part of ``all`` that holds the calling lane; parts are numbered by their first lanes.
inline coalesced_group __part_of(unsigned all, unsigned part) {
  const unsigned first = part & -part;
  const unsigned firsts = __ballot_sync(all, first == 1u << __ax_lane()) & all;
  return coalesced_group(part, __popc(firsts & (first - 1)), __popc(firsts));
}
template <class Group>
coalesced_group labeled_partition(const Group& g, int label) {
  const unsigned all = g.__mask();
  return __part_of(all, __match_any_sync(all, label) & all);
}
template <class Group>
coalesced_group binary_partition(const Group& g, bool holds) {
  const unsigned all = g.__mask(), lanes = __ballot_sync(all, holds) & all;
  return __part_of(all, holds ? lanes : all & ~lanes);
}

// ------------------------------------------------------------------------------------ functions

template <class Group>
void sync(const Group& g) {
  g.sync();
}
template <class Group>
void synchronize(const Group& g) {
  g.sync();
}
template <class Group>
unsigned long long thread_rank(const Group& g) {
  return g.thread_rank();
}
template <class Group>
unsigned long long group_size(const Group& g) {
  return g.num_threads();
}
template <class Group, class F, class... A>
void invoke_one(const Group& g, F&& f, A&&... a) {
  if (g.thread_rank() == 0) f(a...);
}
template <class Group, class F, class... A>
auto invoke_one_broadcast(const Group& g, F&& f, A&&... a) -> decltype(f(a...)) {
  decltype(f(a...)) v{};
  if (g.thread_rank() == 0) v = f(a...);
  return g.shfl(v, 0);
}

}  // namespace cooperative_groups
#pragma clang force_cuda_host_device end
