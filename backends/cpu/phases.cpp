// Launches whose blocks wait for each other (cooperative kernels).
//
// A block that waits has returned: what it keeps lies in a scratch of its own. So a phase, from one
// barrier of the grid to the next, is an ordinary launch of the pool, and any worker takes any
// block.
#include "phases.hpp"

#include <cstdlib>
#include <memory>
#include <new>

namespace cpu {
namespace {

constexpr std::int32_t kEnded = -1;  // ax_block_state.place of a block that has returned

struct Free {
  void operator()(void* memory) const noexcept { std::free(memory); }
};

struct Phases {
  ax_host_call call;  // first: the pool hands it to run_blocks, which finds the rest by it
  const Work* work;
  char* scratch;
  std::size_t stride;
  std::atomic<std::int64_t> ended;

  ax_block_state& state(std::int64_t block) const {
    return *reinterpret_cast<ax_block_state*>(scratch + static_cast<std::size_t>(block) * stride);
  }
};

// An ax_host_kernel that runs each block of a range as far as it gets.
std::int32_t run_blocks(const ax_host_call* call, void*, std::int64_t first, std::int64_t last) {
  auto& phases = *reinterpret_cast<Phases*>(const_cast<ax_host_call*>(call));
  std::int64_t ended = 0;
  for (std::int64_t block = first; block < last; ++block) {
    ax_block_state& state = phases.state(block);
    const std::int32_t result = phases.work->kernel(call, &state, block, block + 1);
    if (result == 0) {
      state.place = kEnded;
      ++ended;
    } else if (result != AX_BLOCK_WAITS) {
      return result;
    }
  }
  if (ended != 0) phases.ended.fetch_add(ended, std::memory_order_relaxed);
  return 0;
}

// Tells the host of a block that has ended while others wait.
void report_absence(const Phases& phases) {
  std::int64_t absent = 0;
  std::int64_t waiting = 0;
  while (phases.state(absent).place != kEnded) ++absent;
  while (phases.state(waiting).place == kEnded) ++waiting;
  const ax_host_call& call = phases.call;
  const std::int64_t row = absent / call.grid[0];
  const std::int32_t block[3] = {static_cast<std::int32_t>(absent % call.grid[0]),
                                 static_cast<std::int32_t>(row % call.grid[1]),
                                 static_cast<std::int32_t>(row / call.grid[1])};
  const std::int32_t thread[3] = {0, 0, 0};
  static_cast<void>(
      call.hook(call.hook_ctx, phases.state(waiting).site, block, thread, nullptr, 0));
}

}  // namespace

bool run_in_phases(const Work& work) {
  const std::size_t stride =
      (work.scratch_bytes + 63) / 64 * 64 + (work.call->shared_bytes + std::size_t{63}) / 64 * 64;
  const std::unique_ptr<void, Free> memory(
      std::aligned_alloc(64, stride * static_cast<std::size_t>(work.blocks)));
  if (!memory) throw std::bad_alloc();
  Phases phases{*work.call, &work, static_cast<char*>(memory.get()), stride, {0}};
  for (std::int64_t block = 0; block < work.blocks; ++block) {
    new (&phases.state(block)) ax_block_state{0, 0};
  }
  while (phases.ended.load(std::memory_order_relaxed) == 0) {
    if (!run({run_blocks, &phases.call, 0, work.blocks, work.block_ns})) return false;
  }
  if (phases.ended.load(std::memory_order_relaxed) == work.blocks) return true;
  report_absence(phases);
  return false;
}

}  // namespace cpu
