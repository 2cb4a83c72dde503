// A point in a stream's work that others can wait for.
#pragma once

#include <accelerx/backend.h>

#include <cstdint>
#include <memory>

namespace accelerx {

class Device;
class Stream;

class Event {
 public:
  Event(Device& device, bool timing);
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  Device& device() const noexcept { return device_; }
  ax_event handle() const noexcept { return handle_; }

  void record(Stream& stream);
  ax_status wait(std::int64_t timeout_ns);  // as Stream::wait
  bool query() const;
  double elapsed(const Event& end) const;  // milliseconds

  // The stream it was last recorded on; null before.
  const std::shared_ptr<Stream>& stream() const noexcept { return stream_; }

 private:
  Device& device_;
  const bool timing_;
  ax_event handle_ = nullptr;
  std::shared_ptr<Stream> stream_;
};

}  // namespace accelerx
