// The host's cores as one launch sees them: a thread pool that hands out blocks in order.
//
// A launch whose blocks are known to be long from the last one goes to all workers at once. Any
// other begins on the calling thread alone, which times its first blocks; only if the rest would
// take longer than waking a helper pays for, the rest is put into the pool's one job slot. Workers
// take chunks of consecutive blocks from an atomic counter, so that a slow or late worker just
// takes fewer. The caller never waits for helpers that have not begun, only for chunks in progress.
#include "pool.hpp"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <new>
#include <system_error>
#include <thread>

namespace cpu {
namespace {

constexpr double kWorthWaking = 20'000;  // ns of work left that pay for waking helpers
constexpr double kSample = 2'000;        // ns that make a timing trustworthy
constexpr double kChunk = 4'000;         // ns of work that a chunk should have at least
constexpr std::int64_t kChunksPerWorker = 8;
constexpr std::int64_t kHelperSpin = 50'000;     // ns a helper stays awake for the next launch
constexpr std::int64_t kCallerSpin = 20'000;     // ns the caller spins for chunks in progress
constexpr std::int64_t kHookEvery = 50'000'000;  // ns between two questions for signals

std::int64_t now_ns() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t expected, std::int64_t limit_ns) {
  timespec limit{limit_ns / 1'000'000'000, limit_ns % 1'000'000'000};
  ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, limit_ns < 0 ? nullptr : &limit,
            nullptr, 0);
}

void futex_wake(std::atomic<std::uint32_t>& word, int count) {
  ::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

// ---- scratch: a worker's own memory, grown as needed and kept ---------------------------------

struct AlignedFree {
  void operator()(void* memory) const noexcept { std::free(memory); }
};

struct Scratch {
  std::unique_ptr<void, AlignedFree> memory;
  std::size_t bytes = 0;
};

thread_local Scratch spare_scratch;

// Takes the thread's scratch for one launch; a launch within a launch's callback finds none and
// makes its own.
class ScratchLease {
 public:
  explicit ScratchLease(std::size_t bytes) {
    if (bytes == 0) return;
    scratch_ = std::move(spare_scratch);
    spare_scratch.bytes = 0;
    if (scratch_.bytes >= bytes) return;
    const std::size_t whole = (bytes + 4095) / 4096 * 4096;
    scratch_.memory.reset();
    scratch_.memory.reset(std::aligned_alloc(64, whole));
    scratch_.bytes = scratch_.memory ? whole : 0;
  }
  ~ScratchLease() {
    if (scratch_.bytes > spare_scratch.bytes) spare_scratch = std::move(scratch_);
  }
  ScratchLease(const ScratchLease&) = delete;
  ScratchLease& operator=(const ScratchLease&) = delete;

  void* get() const noexcept { return scratch_.memory.get(); }
  bool failed(std::size_t bytes) const noexcept { return scratch_.bytes < bytes; }

 private:
  Scratch scratch_;
};

std::size_t scratch_size(const Work& work) {
  return (work.scratch_bytes + 63) / 64 * 64 + work.call->shared_bytes;
}

// ---- the job slot -----------------------------------------------------------------------------

struct Job {
  Work work;
  std::int64_t chunk;
  alignas(64) std::atomic<std::int64_t> next;
  alignas(64) std::atomic<std::int32_t> stopped;
};

struct Pool {
  explicit Pool(int workers) : helpers(workers - 1) {}

  const int helpers;
  std::atomic<bool> started{false};
  std::atomic<bool> ending{false};
  alignas(64) std::atomic<bool> taken{false};       // a launch has the job slot
  alignas(64) std::atomic<std::uint32_t> posts{0};  // jobs posted so far; helpers sleep on it
  std::atomic<std::uint32_t> sleepers{0};
  alignas(64) std::atomic<std::uint32_t> open{0};    // helpers may enter the job
  alignas(64) std::atomic<std::uint32_t> inside{0};  // helpers in it; the caller may sleep on it
  std::atomic<std::uint32_t> caller_sleeps{0};
  Job job{};
};

int count_workers() {
  if (const char* text = std::getenv("ACCELERX_NUM_THREADS")) {
    const long count = std::strtol(text, nullptr, 10);
    if (count > 0) return static_cast<int>(std::min(count, 4096L));
  }
  // Room for 4096 processors; a mask of any size the kernel may use.
  constexpr int kProcessors = 4096;
  cpu_set_t* mask = CPU_ALLOC(kProcessors);
  if (mask == nullptr) return 1;
  const std::size_t bytes = CPU_ALLOC_SIZE(kProcessors);
  CPU_ZERO_S(bytes, mask);
  const int count = ::sched_getaffinity(0, bytes, mask) == 0 ? CPU_COUNT_S(bytes, mask) : 1;
  CPU_FREE(mask);
  return std::max(count, 1);
}

// Never destroyed: helpers may still run while the process ends. After fork a child gets a pool of
// its own, since only the forking thread lives on there.
Pool* the_pool = nullptr;

void renew_pool_after_fork() { the_pool = new Pool(the_pool->helpers + 1); }

Pool& pool() {
  static const bool once = [] {
    the_pool = new Pool(count_workers());
    ::pthread_atfork(nullptr, nullptr, renew_pool_after_fork);
    return true;
  }();
  static_cast<void>(once);
  return *the_pool;
}

bool poll_says_stop(const ax_host_call& call) {
  return *call.poll != 0 && call.hook(call.hook_ctx, -1, nullptr, nullptr, nullptr, 0) != 0;
}

// Runs chunks of the job until none is left or the launch is stopped; how many blocks it ran.
std::int64_t work_on(Job& job, void* scratch) {
  const ax_host_call& call = *job.work.call;
  const std::int64_t end = job.work.blocks;
  std::int64_t ran = 0;
  while (job.stopped.load(std::memory_order_relaxed) == 0) {
    const std::int64_t first = job.next.fetch_add(job.chunk, std::memory_order_relaxed);
    if (first >= end) break;
    const std::int64_t last = std::min(first + job.chunk, end);
    if (job.work.kernel(&call, scratch, first, last) != 0 || poll_says_stop(call)) {
      job.stopped.store(1, std::memory_order_relaxed);
    }
    ran += last - first;
  }
  return ran;
}

// ---- helpers ----------------------------------------------------------------------------------

// Enters the open job, if there is one, and works on it. Entering first and looking afterwards, and
// closing first and counting afterwards (both sequentially consistent), keep a late helper out.
void help(Pool& p) {
  p.inside.fetch_add(1, std::memory_order_seq_cst);
  if (p.open.load(std::memory_order_seq_cst) != 0) {
    const std::size_t bytes = scratch_size(p.job.work);
    const ScratchLease scratch(bytes);
    // Without memory for its scratch a helper leaves the blocks to the others.
    if (!scratch.failed(bytes)) work_on(p.job, scratch.get());
  }
  if (p.inside.fetch_sub(1, std::memory_order_seq_cst) == 1 &&
      p.caller_sleeps.load(std::memory_order_seq_cst) != 0) {
    futex_wake(p.inside, 1);
  }
}

// Waits for a job after the one numbered `seen`; spins a while, then sleeps.
void await_post(Pool& p, std::uint32_t seen) {
  const std::int64_t give_up = now_ns() + kHelperSpin;
  do {
    for (int i = 0; i < 64; ++i) {
      if (p.posts.load(std::memory_order_acquire) != seen) return;
      relax();
    }
  } while (now_ns() < give_up);
  p.sleepers.fetch_add(1, std::memory_order_seq_cst);
  while (p.posts.load(std::memory_order_seq_cst) == seen) futex_wait(p.posts, seen, -1);
  p.sleepers.fetch_sub(1, std::memory_order_relaxed);
}

void helper_thread(Pool* p) {
  std::uint32_t seen = 0;
  while (!p->ending.load(std::memory_order_acquire)) {
    await_post(*p, seen);
    seen = p->posts.load(std::memory_order_acquire);
    help(*p);
  }
}

void start_helpers(Pool& p) {
  if (p.started.exchange(true)) return;
  try {
    for (int i = 0; i < p.helpers; ++i) std::thread(helper_thread, &p).detach();
  } catch (const std::system_error&) {
    // The system allows no more threads: those that run, and the caller, do all the work.
  }
}

void wake_helpers(Pool& p, std::int64_t wanted) {
  p.posts.fetch_add(1, std::memory_order_seq_cst);
  if (p.sleepers.load(std::memory_order_seq_cst) != 0) {
    futex_wake(p.posts, static_cast<int>(std::min<std::int64_t>(wanted, p.helpers)));
  }
}

// ---- the caller's side --------------------------------------------------------------------------

// Waits for the helpers inside the closed job, asking the hook now and then whether to stop them.
void await_helpers(Pool& p, Job& job) {
  const ax_host_call& call = *job.work.call;
  const std::int64_t give_up = now_ns() + kCallerSpin;
  do {
    for (int i = 0; i < 64; ++i) {
      if (p.inside.load(std::memory_order_acquire) == 0) return;
      relax();
    }
  } while (now_ns() < give_up);
  p.caller_sleeps.store(1, std::memory_order_seq_cst);
  while (const std::uint32_t count = p.inside.load(std::memory_order_seq_cst)) {
    futex_wait(p.inside, count, kHookEvery);
    if (poll_says_stop(call)) job.stopped.store(1, std::memory_order_relaxed);
  }
  p.caller_sleeps.store(0, std::memory_order_relaxed);
}

// Blocks a chunk has: a fair share for dynamic balance, not so short that handing out costs, and
// not so long that a worker is left without one.
std::int64_t chunk_size(std::int64_t left, int workers, double block_ns) {
  const std::int64_t fair = left / (workers * kChunksPerWorker);
  const auto worth = static_cast<std::int64_t>(kChunk / std::max(block_ns, 0.01));
  return std::clamp<std::int64_t>(std::max(fair, worth), 1, (left + workers - 1) / workers);
}

// Runs blocks [first, blocks) with the helpers; the caller has taken the job slot.
bool run_shared(Pool& p, const Work& work, std::int64_t first, double block_ns, void* scratch) {
  Job& job = p.job;
  const std::int64_t left = work.blocks - first;
  job.work = work;
  job.chunk = chunk_size(left, p.helpers + 1, block_ns);
  job.next.store(first, std::memory_order_relaxed);
  job.stopped.store(0, std::memory_order_relaxed);
  start_helpers(p);
  p.open.store(1, std::memory_order_seq_cst);
  wake_helpers(p, (left + job.chunk - 1) / job.chunk - 1);
  const std::int64_t begin = now_ns();
  const std::int64_t ran = work_on(job, scratch);
  if (ran > 0) {
    const auto took = static_cast<float>(now_ns() - begin);
    work.block_ns->store(took / static_cast<float>(ran), std::memory_order_relaxed);
  }
  p.open.store(0, std::memory_order_seq_cst);
  await_helpers(p, job);
  const bool finished = job.stopped.load(std::memory_order_relaxed) == 0;
  p.taken.store(false, std::memory_order_release);
  return finished;
}

bool take_job_slot(Pool& p) {
  return p.helpers > 0 && !p.ending.load(std::memory_order_relaxed) &&
         !p.taken.load(std::memory_order_relaxed) &&
         !p.taken.exchange(true, std::memory_order_acquire);
}

// Blocks for the next piece that the caller runs alone: growing until its time can be trusted, all
// the rest if that is short, and else short enough to look for the helpers again soon.
std::int64_t piece(std::int64_t before, double took_ns, double block_ns, std::int64_t left) {
  if (took_ns < kSample) {
    // Trust the last launch for an eighth at a time, in case this one is far slower.
    const bool short_before = block_ns > 0 && static_cast<double>(left) * block_ns <= kWorthWaking;
    return std::min(std::max(2 * before, short_before ? left / 8 + 1 : 1), left);
  }
  if (static_cast<double>(left) * block_ns <= kWorthWaking) return left;
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(kWorthWaking / block_ns), 1, left);
}

// Runs all blocks, alone until helpers are worth waking and free.
bool run_adaptively(Pool& p, const Work& work, void* scratch) {
  const ax_host_call& call = *work.call;
  double block_ns = work.block_ns->load(std::memory_order_relaxed);
  double took_ns = block_ns * static_cast<double>(work.blocks) > kWorthWaking ? kSample : 0;
  std::int64_t first = 0;
  std::int64_t count = 0;
  while (first < work.blocks) {
    const std::int64_t left = work.blocks - first;
    if (took_ns >= kSample && static_cast<double>(left) * block_ns > kWorthWaking &&
        take_job_slot(p)) {
      return run_shared(p, work, first, block_ns, scratch);
    }
    count = piece(count, took_ns, block_ns, left);
    const std::int64_t begin = now_ns();
    if (work.kernel(&call, scratch, first, first + count) != 0) return false;
    took_ns = static_cast<double>(now_ns() - begin);
    block_ns = took_ns / static_cast<double>(count);
    first += count;
    if (first < work.blocks && poll_says_stop(call)) return false;
  }
  work.block_ns->store(static_cast<float>(block_ns), std::memory_order_relaxed);
  return true;
}

}  // namespace

bool run(const Work& work) {
  const std::size_t bytes = scratch_size(work);
  const ScratchLease scratch(bytes);
  if (scratch.failed(bytes)) throw std::bad_alloc();
  if (work.blocks == 1) return work.kernel(work.call, scratch.get(), 0, 1) == 0;
  return run_adaptively(pool(), work, scratch.get());
}

int worker_count() { return pool().helpers + 1; }

void end_helpers() {
  Pool& p = pool();
  p.ending.store(true, std::memory_order_release);
  p.posts.fetch_add(1, std::memory_order_seq_cst);
  futex_wake(p.posts, p.helpers);
}

}  // namespace cpu
