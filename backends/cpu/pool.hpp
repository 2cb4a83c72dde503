// The host's cores as one launch sees them: a thread pool that hands out blocks in order.
#pragma once

#include <accelerx/backend.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace cpu {

// One launch: blocks [0, blocks) of a kernel.
struct Work {
  ax_host_kernel kernel;
  const ax_host_call* call;
  std::size_t scratch_bytes;  // per worker, without dynamic shared memory
  std::int64_t blocks;
  // Nanoseconds a block took in the kernel's last launch, 0 before the first; updated by run.
  std::atomic<float>* block_ns;
};

// Runs all blocks, the calling thread among the workers, and returns when all are done. False if
// the hook stopped the launch. Any number of threads may call it at once: one of them has the
// helpers, the others work alone until it is their turn. Throws std::bad_alloc without room for the
// caller's scratch.
bool run(const Work& work);

// Threads that can work on one launch: ACCELERX_NUM_THREADS, or the cores this process may use.
int worker_count();

// The helpers end; launches afterwards run on their calling thread alone.
void end_helpers();

}  // namespace cpu
