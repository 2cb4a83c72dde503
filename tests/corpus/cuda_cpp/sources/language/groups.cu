// Cooperative groups.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#include <cooperative_groups/scan.h>

namespace cg = cooperative_groups;

extern "C" __global__ void group_ranks(int* out)
{
    cg::thread_block block = cg::this_thread_block();
    auto tile32 = cg::tiled_partition<32>(block);
    auto tile16 = cg::tiled_partition<16>(tile32);
    auto tile4 = cg::tiled_partition<4>(block);
    const unsigned rank = block.thread_rank();
    int* o = out + (block.group_index().x * block.size() + rank) * 7;
    o[0] = rank;
    o[1] = block.num_threads();
    o[2] = block.thread_index().y * 100 + block.thread_index().x;
    o[3] = tile32.thread_rank() * 100 + tile32.meta_group_rank();
    o[4] = tile16.thread_rank() * 100 + tile16.size();
    o[5] = tile4.thread_rank() * 1000 + tile4.meta_group_rank() * 10 + tile4.num_threads();
    o[6] = tile4.meta_group_size();
}

extern "C" __global__ void tile_operations(const int* x, int* out, unsigned* votes)
{
    auto block = cg::this_thread_block();
    auto tile = cg::tiled_partition<16>(block);
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    const int v = x[i];
    int* o = out + i * 6;
    o[0] = tile.shfl(v, 3);
    o[1] = tile.shfl_up(v, 2);
    o[2] = tile.shfl_down(v, 5);
    o[3] = tile.shfl_xor(v, 8);
    o[4] = cg::reduce(tile, v, cg::plus<int>());
    o[5] = cg::reduce(tile, v, [](int a, int b) { return a > b ? a : b; });
    tile.sync();
    votes[i * 4] = tile.ballot(v > 0);
    votes[i * 4 + 1] = tile.any(v > 90);
    votes[i * 4 + 2] = tile.all(v > -95);
    votes[i * 4 + 3] = tile.match_any(v & 1);
}

extern "C" __global__ void tile_scans(const int* x, int* out)
{
    auto tile = cg::tiled_partition<32>(cg::this_thread_block());
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    out[i * 2] = cg::inclusive_scan(tile, x[i]);
    out[i * 2 + 1] = cg::exclusive_scan(tile, x[i], cg::plus<int>());
}

// The guide's aggregated increment by the group of whoever is here.
__device__ int aggregated(int* counter)
{
    cg::coalesced_group active = cg::coalesced_threads();
    int base = 0;
    if (active.thread_rank() == 0) base = atomicAdd(counter, active.size());
    return active.shfl(base, 0) + active.thread_rank();
}

extern "C" __global__ void coalesced(const int* x, int* kept, int* count, int n)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n && x[i] % 2 == 0) kept[aggregated(count)] = x[i];
}

// Groups as parameters, generic in the group; a block-wide barrier by its handle.
template <class G>
__device__ int reduce_shared(G g, int* scratch, int value)
{
    const int lane = g.thread_rank();
    for (int i = g.size() / 2; i > 0; i /= 2) {
        scratch[lane] = value;
        g.sync();
        if (lane < i) value += scratch[lane + i];
        g.sync();
    }
    return value;
}

extern "C" __global__ void generic_groups(const int* x, int* block_sums, int* tile_sums)
{
    extern __shared__ int scratch[];
    cg::thread_block block = cg::this_thread_block();
    const int v = x[block.group_index().x * block.size() + block.thread_rank()];
    const int all = reduce_shared(block, scratch, v);
    if (block.thread_rank() == 0) block_sums[blockIdx.x] = all;
    cg::sync(block);
    auto tile = cg::tiled_partition<8>(block);
    const int part = reduce_shared(tile, scratch + tile.meta_group_rank() * tile.size(), v);
    if (tile.thread_rank() == 0) tile_sums[blockIdx.x * (blockDim.x / 8) + threadIdx.x / 8] = part;
}

// All blocks meet: a reduction to one number, used by every thread afterwards.
extern "C" __global__ void grid_normalise(float* x, float* partial, int n)
{
    __shared__ float s[64];
    cg::grid_group grid = cg::this_grid();
    float sum = 0.f;
    for (int i = (int)grid.thread_rank(); i < n; i += (int)grid.num_threads()) sum += x[i];
    s[threadIdx.x] = sum;
    __syncthreads();
    for (int h = blockDim.x / 2; h > 0; h >>= 1) {
        if (threadIdx.x < h) s[threadIdx.x] += s[threadIdx.x + h];
        __syncthreads();
    }
    if (threadIdx.x == 0) partial[blockIdx.x] = s[0];
    grid.sync();
    float total = 0.f;
    for (int b = 0; b < gridDim.x; ++b) total += partial[b];
    for (int i = (int)grid.thread_rank(); i < n; i += (int)grid.num_threads()) x[i] /= total;
}
