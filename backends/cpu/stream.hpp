// Streams and events of the CPU backend: FIFO threads, and points in their work.
#pragma once

#include <accelerx/backend.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace cpu {

// What a failed piece of work leaves behind for the next synchronisation.
struct Failure {
  ax_status code = AX_OK;
  std::string message;
};

// A thread that does what it is given, in order. The thread starts with the first work and, in a
// child of fork, again with the first work there; work queued before the fork stays the parent's.
class Stream {
 public:
  Stream();
  ~Stream();  // finishes the work first
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  using Operation = std::function<Failure()>;
  std::uint64_t submit(Operation operation);  // the work's number, from 1

  std::uint64_t submitted();
  bool done(std::uint64_t number);
  // False when the time is over first; negative: no limit.
  bool wait(std::uint64_t number, std::int64_t timeout_ns);
  Failure take_failure();

 private:
  struct State;
  static void work(std::shared_ptr<State> state);
  State& state();

  std::shared_ptr<State> state_;
};

struct Event {
  std::mutex mutex;                // guards all below
  std::shared_ptr<Stream> stream;  // null: never recorded, or on the default stream, which is done
  std::uint64_t number = 0;
  std::shared_ptr<std::int64_t> time_ns;  // when it completed; filled in by the stream
};

}  // namespace cpu
