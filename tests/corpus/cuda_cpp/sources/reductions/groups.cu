// Reductions with cooperative groups.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>

namespace cg = cooperative_groups;

// The programming guide's: a tile reduces, tiles add atomically.
template <typename T, unsigned int TILE>
__global__ void tile_sums(const T* x, T* total, int n)
{
    auto block = cg::this_thread_block();
    auto tile = cg::tiled_partition<TILE>(block);
    T sum = T(0);
    for (int i = blockIdx.x * block.size() + block.thread_rank(); i < n; i += block.size() * gridDim.x) sum += x[i];
    sum = cg::reduce(tile, sum, cg::plus<T>());
    if (tile.thread_rank() == 0) atomicAdd(total, sum);
}

// A function of any group, by shuffles.
template <typename Group, typename T>
__device__ T group_max(const Group& group, T value)
{
    for (int i = group.size() / 2; i > 0; i /= 2) {
        const T other = group.shfl_down(value, i);
        value = other > value ? other : value;
    }
    return value;
}

extern "C" __global__ void tile_maxima(const int* x, int* by8, int* by32, int* low, int* high)
{
    cg::thread_block block = cg::this_thread_block();
    cg::thread_block_tile<32> warp = cg::tiled_partition<32>(block);
    cg::thread_block_tile<8> octet = cg::tiled_partition<8>(block);
    const int i = block.group_index().x * block.size() + block.thread_rank();
    const int m8 = group_max(octet, x[i]), m32 = group_max(warp, x[i]);
    if (octet.thread_rank() == 0) by8[i / 8] = m8;
    if (warp.thread_rank() == 0) by32[i / 32] = m32;
    const int smallest = cg::reduce(warp, x[i], cg::less<int>());
    const int largest = cg::reduce(octet, x[i], cg::greater<int>());
    low[i] = smallest;
    high[i] = largest;
}
