// Lets a long launch be interrupted: poll words of running launches, and the thread that sets them.
#include "watch.hpp"

#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

namespace accelerx {
namespace {

using namespace std::chrono_literals;
constexpr auto kTick = 100ms;
constexpr int kIdleTicks = 10;

// Never destroyed: threads may still launch while the process ends.
struct Watch {
  std::mutex mutex;  // guards lanes and wakes
  std::condition_variable wake;
  std::vector<Lane*> lanes;
  std::atomic<bool> asleep{true};  // the tick thread waits for `wake`, or does not exist
  std::atomic<bool> started{false};
};

Watch* watch = nullptr;

void forget_threads_after_fork();

Watch& the_watch() {
  static const bool once = [] {
    watch = new Watch;
    ::pthread_atfork([] { watch->mutex.lock(); }, [] { watch->mutex.unlock(); },
                     forget_threads_after_fork);
    return true;
  }();
  static_cast<void>(once);
  return *watch;
}

// One look at all lanes; true if anything has run since the last look.
bool tick(Watch& w, std::unordered_map<Lane*, std::uint64_t>& seen) {
  bool busy = false;
  for (Lane* lane : w.lanes) {
    const std::uint64_t now = lane->active.load(std::memory_order_acquire);
    std::uint64_t& before = seen[lane];
    if (now != 0 && now == before) lane->poll.store(1, std::memory_order_release);
    busy = busy || now != 0 || now != before;
    before = now;
  }
  return busy;
}

void tick_thread(Watch* w) {
  std::unordered_map<Lane*, std::uint64_t> seen;
  std::unique_lock<std::mutex> lock(w->mutex);
  int idle = 0;
  for (;;) {
    idle = tick(*w, seen) ? 0 : idle + 1;
    if (idle < kIdleTicks) {
      w->wake.wait_for(lock, kTick);
      continue;
    }
    // A launch either sees asleep set and wakes this thread, or its `active` is seen here.
    w->asleep.store(true, std::memory_order_seq_cst);
    if (!tick(*w, seen)) {
      w->wake.wait(lock, [w] { return !w->asleep.load(std::memory_order_relaxed); });
    }
    w->asleep.store(false, std::memory_order_relaxed);
    idle = 0;
  }
}

void wake_tick_thread(Watch& w) {
  std::lock_guard<std::mutex> lock(w.mutex);
  w.asleep.store(false, std::memory_order_relaxed);
  if (!w.started.exchange(true)) {
    std::thread(tick_thread, &w).detach();
  } else {
    w.wake.notify_one();
  }
}

class RegisteredLane {
 public:
  RegisteredLane() {
    Watch& w = the_watch();
    std::lock_guard<std::mutex> lock(w.mutex);
    w.lanes.push_back(&lane_);
  }
  ~RegisteredLane() {
    Watch& w = the_watch();
    std::lock_guard<std::mutex> lock(w.mutex);
    for (auto& entry : w.lanes) {
      if (entry == &lane_) {
        entry = w.lanes.back();
        w.lanes.pop_back();
        break;
      }
    }
  }
  RegisteredLane(const RegisteredLane&) = delete;
  RegisteredLane& operator=(const RegisteredLane&) = delete;
  Lane& lane() noexcept { return lane_; }

 private:
  Lane lane_;
};

struct ThreadLanes;
thread_local ThreadLanes* known_lanes = nullptr;  // the calling thread's, once there are any

struct ThreadLanes {
  ThreadLanes() { known_lanes = this; }
  ~ThreadLanes() { known_lanes = nullptr; }
  ThreadLanes(const ThreadLanes&) = delete;
  ThreadLanes& operator=(const ThreadLanes&) = delete;

  RegisteredLane first;
  std::vector<std::unique_ptr<RegisteredLane>> nested;
  std::uint64_t launches = 0;
};

ThreadLanes& thread_lanes() {
  thread_local ThreadLanes lanes;
  return lanes;
}

// Only the forking thread lives on in the child: the memory of the others' lanes may go any time.
void forget_threads_after_fork() {
  watch = new Watch;
  if (known_lanes == nullptr) return;
  watch->lanes.push_back(&known_lanes->first.lane());
  for (const auto& lane : known_lanes->nested) watch->lanes.push_back(&lane->lane());
}

}  // namespace

ActiveLane::ActiveLane() {
  ThreadLanes& mine = thread_lanes();
  lane_ = &mine.first.lane();
  nested_ = lane_->active.load(std::memory_order_relaxed) != 0;
  if (nested_) {
    mine.nested.push_back(std::make_unique<RegisteredLane>());
    lane_ = &mine.nested.back()->lane();
  }
  lane_->reset();
  lane_->active.exchange(++mine.launches, std::memory_order_seq_cst);
  Watch& w = *watch;
  if (w.asleep.load(std::memory_order_seq_cst)) wake_tick_thread(w);
}

ActiveLane::~ActiveLane() {
  lane_->active.store(0, std::memory_order_release);
  if (nested_) thread_lanes().nested.pop_back();
}

void stop_all_lanes() {
  Watch& w = the_watch();
  std::lock_guard<std::mutex> lock(w.mutex);
  for (Lane* lane : w.lanes) {
    if (lane->active.load(std::memory_order_relaxed) != 0) lane->stop();
  }
}

}  // namespace accelerx
