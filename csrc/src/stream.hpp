// A FIFO of work on one device, and what has to stay alive until that work is done.
#pragma once

#include <accelerx/backend.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>

#include "watch.hpp"

namespace accelerx {

class Device;

class Stream : public std::enable_shared_from_this<Stream> {
 public:
  // handle null: the device's default stream, whose id is 0.
  Stream(Device& device, ax_stream handle, std::uint64_t id)
      : device_(device), handle_(handle), id_(id) {}
  ~Stream();  // finishes the stream's work: call it without Python's lock
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  Device& device() const noexcept { return device_; }
  ax_stream handle() const noexcept { return handle_; }
  std::uint64_t id() const noexcept { return id_; }
  bool is_default() const noexcept { return handle_ == nullptr; }

  // True if work on this stream is complete when the call that submitted it returns.
  bool synchronous() const noexcept;

  // Waits at most timeout_ns (negative: for ever) for all work submitted so far. AX_ERROR_NOT_READY
  // is an answer; other failures are the work's, and the plugin's last_error has their words.
  ax_status wait(std::int64_t timeout_ns);
  bool query();
  void* native();

  // Keeps an object until the work submitted so far is done.
  void keep(std::shared_ptr<void> object);

  // Poll word and stop flag of the asynchronous launches on this stream.
  Lane& lane() noexcept { return lane_; }

  // What a callback of an asynchronous launch threw; the first one is kept until taken.
  void set_failure(std::shared_ptr<void> failure);
  std::shared_ptr<void> take_failure();

  std::mutex& mutex() noexcept { return mutex_; }  // for the fork handlers

 private:
  struct Kept {
    std::uint64_t number;
    std::shared_ptr<void> object;
  };
  struct Marker {
    std::uint64_t number;  // all up to this one are done when the event is
    ax_event event;
  };
  using Trash = std::deque<Kept>;

  void mark();
  void collect(Trash& trash);
  void done_up_to(std::uint64_t number, Trash& trash);

  Device& device_;
  const ax_stream handle_;
  const std::uint64_t id_;
  Lane lane_;
  std::mutex mutex_;  // guards all below
  std::uint64_t number_ = 0;
  std::deque<Kept> kept_;
  std::deque<Marker> markers_;
  std::shared_ptr<void> failure_;
};

}  // namespace accelerx
