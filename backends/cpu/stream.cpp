// Streams and events of the CPU backend: FIFO threads, and points in their work.
#include "stream.hpp"

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

namespace cpu {
namespace {

// Grows in a child of fork: state made before it belongs to threads that are not there.
std::atomic<int> generation{0};

int current_generation() {
  static const int once = ::pthread_atfork(nullptr, nullptr, [] { generation.fetch_add(1); });
  static_cast<void>(once);
  return generation.load(std::memory_order_relaxed);
}

}  // namespace

struct Stream::State {
  const int made_in = current_generation();
  std::mutex mutex;  // guards all below
  std::condition_variable change;
  std::deque<Operation> queue;
  std::uint64_t submitted = 0;
  std::uint64_t done = 0;
  Failure failure;
  bool running = false;  // the thread lives
  bool ending = false;
};

Stream::Stream() : state_(std::make_shared<State>()) {}

Stream::~Stream() {
  State& s = state();
  std::unique_lock<std::mutex> lock(s.mutex);
  s.ending = true;
  s.change.notify_all();
  s.change.wait(lock, [&s] { return s.done == s.submitted; });
}

Stream::State& Stream::state() {
  if (state_->made_in != current_generation()) {
    // Left alone for ever: its locks may be held by a thread of the parent.
    static_cast<void>(new std::shared_ptr<State>(std::move(state_)));
    state_ = std::make_shared<State>();
  }
  return *state_;
}

void Stream::work(std::shared_ptr<State> state) {
  State& s = *state;
  std::unique_lock<std::mutex> lock(s.mutex);
  for (;;) {
    s.change.wait(lock, [&s] { return !s.queue.empty() || s.ending; });
    if (s.queue.empty()) return;
    Operation operation = std::move(s.queue.front());
    s.queue.pop_front();
    lock.unlock();
    Failure failure = operation();
    operation = nullptr;  // what it holds goes before anyone is told that it is done
    lock.lock();
    if (failure.code != AX_OK && s.failure.code == AX_OK) s.failure = std::move(failure);
    ++s.done;
    s.change.notify_all();
  }
}

std::uint64_t Stream::submit(Operation operation) {
  State& s = state();
  std::lock_guard<std::mutex> lock(s.mutex);
  if (!s.running) {
    std::thread(work, state_).detach();
    s.running = true;
  }
  s.queue.push_back(std::move(operation));
  s.change.notify_all();
  return ++s.submitted;
}

std::uint64_t Stream::submitted() {
  State& s = state();
  std::lock_guard<std::mutex> lock(s.mutex);
  return s.submitted;
}

bool Stream::done(std::uint64_t number) { return wait(number, 0); }

bool Stream::wait(std::uint64_t number, std::int64_t timeout_ns) {
  State& s = state();
  std::unique_lock<std::mutex> lock(s.mutex);
  // In a child of fork no work of the parent's is waited for.
  const auto reached = [&s, number] { return s.done >= number || number > s.submitted; };
  if (timeout_ns < 0) {
    s.change.wait(lock, reached);
    return true;
  }
  return s.change.wait_for(lock, std::chrono::nanoseconds(timeout_ns), reached);
}

Failure Stream::take_failure() {
  State& s = state();
  std::lock_guard<std::mutex> lock(s.mutex);
  return std::exchange(s.failure, Failure{});
}

}  // namespace cpu
