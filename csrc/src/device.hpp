// One device of a plugin: its memory pool, its streams, copies, and the kernels it loads.
#pragma once

#include <accelerx/backend.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "allocator.hpp"
#include "launch.hpp"
#include "stream.hpp"

namespace accelerx {

class Plugin;

class Device {
 public:
  Device(Plugin& plugin, std::int32_t index);
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  Plugin& plugin() const noexcept { return plugin_; }
  std::int32_t index() const noexcept { return index_; }
  std::string name() const;   // "sim:0"
  std::string model() const;  // JSON
  Allocator& allocator() noexcept { return allocator_; }

  Stream& default_stream() const noexcept { return *default_stream_; }
  Stream* create_stream();                         // the caller owns it
  void forget(const Stream& stream);               // called by the stream when it goes
  std::vector<std::shared_ptr<Stream>> streams();  // all that live, the default stream first

  // The stream that work of the calling thread goes to.
  Stream& current_stream() const noexcept;
  void set_current_stream(std::shared_ptr<Stream> stream);  // null: the default stream

  void copy(void* dst, const void* src, std::size_t bytes, std::int32_t kind, Stream& stream);
  void fill(std::uintptr_t dst, std::uint8_t value, std::size_t bytes, Stream& stream);

  std::unique_ptr<Function> load(const ax_program& program);

  // All locks of the device at once, for the fork handlers.
  void lock_all();
  void unlock_all();

 private:
  void check_stream(const Stream& stream) const;

  Plugin& plugin_;
  const std::int32_t index_;
  const std::size_t ordinal_;  // among all devices of the process
  Allocator allocator_;
  std::shared_ptr<Stream> default_stream_;
  std::mutex mutex_;  // guards streams_ and next_stream_
  std::vector<Stream*> streams_;
  std::uint64_t next_stream_ = 1;
};

}  // namespace accelerx
