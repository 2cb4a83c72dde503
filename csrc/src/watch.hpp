// Lets a long launch be interrupted: poll words of running launches, and the thread that sets them.
//
// Each launching thread has a Lane. While a synchronous launch runs, its lane is active; a tick
// thread finds lanes that have been active for a whole tick and sets their poll word, whereupon
// generated code calls the host's hook. After a second without any launch the tick thread sleeps
// until the next one. A launch pays two atomic stores for all this.
#pragma once

#include <atomic>
#include <cstdint>

namespace accelerx {

struct Lane {
  std::atomic<std::int32_t> poll{0};     // what ax_launch.poll points to
  std::atomic<std::int32_t> cancel{0};   // the hook's answer to polls
  std::atomic<std::uint64_t> active{0};  // differs from launch to launch; 0: no launch runs

  // Asks what runs in this lane to stop at its next poll.
  void stop() noexcept {
    cancel.store(1, std::memory_order_relaxed);
    poll.store(1, std::memory_order_release);
  }
  void reset() noexcept {
    if (poll.load(std::memory_order_relaxed) != 0) poll.store(0, std::memory_order_relaxed);
    if (cancel.load(std::memory_order_relaxed) != 0) cancel.store(0, std::memory_order_relaxed);
  }
  const volatile std::int32_t* poll_word() const noexcept {
    static_assert(sizeof(poll) == sizeof(std::int32_t), "a poll word is a plain int32_t");
    return reinterpret_cast<const volatile std::int32_t*>(&poll);
  }
};

// Marks the calling thread's lane active for one synchronous launch. A launch made from within
// another one's hook gets a lane of its own.
class ActiveLane {
 public:
  ActiveLane();
  ~ActiveLane();
  ActiveLane(const ActiveLane&) = delete;
  ActiveLane& operator=(const ActiveLane&) = delete;

  Lane& lane() const noexcept { return *lane_; }

 private:
  Lane* lane_;
  bool nested_;
};

// Asks every synchronous launch of the process to stop; used at exit.
void stop_all_lanes();

}  // namespace accelerx
