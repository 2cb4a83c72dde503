// One device of a plugin: its memory pool, its streams, copies, and the kernels it loads.
#include "device.hpp"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "error.hpp"
#include "plugin.hpp"

namespace accelerx {
namespace {

std::atomic<std::size_t> device_ordinals{0};

// By device ordinal; a null entry is the default stream.
thread_local std::vector<std::shared_ptr<Stream>> current_streams;

// A child of fork inherits locks in the state of the moment: each device's are held across it.
void lock_devices() {
  for (Plugin* plugin : Plugin::opened()) {
    for (Device* device : plugin->devices()) device->lock_all();
  }
}

void unlock_devices() {
  for (Plugin* plugin : Plugin::opened()) {
    for (Device* device : plugin->devices()) device->unlock_all();
  }
}

}  // namespace

Device::Device(Plugin& plugin, std::int32_t index)
    : plugin_(plugin),
      index_(index),
      ordinal_(device_ordinals.fetch_add(1)),
      allocator_(plugin, index),
      default_stream_(std::make_shared<Stream>(*this, nullptr, 0)) {
  static const int once = ::pthread_atfork(lock_devices, unlock_devices, unlock_devices);
  static_cast<void>(once);
}

void Device::lock_all() {
  mutex_.lock();
  default_stream_->mutex().lock();
  for (Stream* stream : streams_) stream->mutex().lock();
  allocator_.mutex().lock();
}

void Device::unlock_all() {
  allocator_.mutex().unlock();
  for (Stream* stream : streams_) stream->mutex().unlock();
  default_stream_->mutex().unlock();
  mutex_.unlock();
}

std::string Device::name() const {
  return std::string(plugin_.table().name) + ":" + std::to_string(index_);
}

std::string Device::model() const {
  const char* json = nullptr;
  plugin_.check(plugin_.table().device_model(index_, &json), "device_model");
  return json ? json : "{}";
}

Stream* Device::create_stream() {
  ax_stream handle = nullptr;
  plugin_.check(plugin_.table().stream_create(index_, &handle), "stream_create");
  std::lock_guard<std::mutex> lock(mutex_);
  auto stream = std::make_unique<Stream>(*this, handle, next_stream_++);
  streams_.push_back(stream.get());
  return stream.release();
}

void Device::forget(const Stream& stream) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    streams_.erase(std::remove(streams_.begin(), streams_.end(), &stream), streams_.end());
  }
  allocator_.forget_stream(stream.id());
}

std::vector<std::shared_ptr<Stream>> Device::streams() {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<std::shared_ptr<Stream>> all{default_stream_};
  for (Stream* stream : streams_) {
    // Empty for one whose destructor has begun, which finishes its work itself.
    if (auto alive = stream->weak_from_this().lock()) all.push_back(std::move(alive));
  }
  return all;
}

Stream& Device::current_stream() const noexcept {
  if (ordinal_ < current_streams.size() && current_streams[ordinal_]) {
    return *current_streams[ordinal_];
  }
  return *default_stream_;
}

void Device::set_current_stream(std::shared_ptr<Stream> stream) {
  if (stream) check_stream(*stream);
  if (current_streams.size() <= ordinal_) current_streams.resize(ordinal_ + 1);
  current_streams[ordinal_] = std::move(stream);
}

void Device::check_stream(const Stream& stream) const {
  if (&stream.device() != this) {
    throw BackendError(AX_ERROR_INVALID_ARGUMENT,
                       "a stream of " + stream.device().name() + " was given to " + name(),
                       "use a stream of the same device");
  }
}

void Device::copy(void* dst, const void* src, std::size_t bytes, std::int32_t kind,
                  Stream& stream) {
  check_stream(stream);
  if (bytes == 0) return;
  plugin_.check(plugin_.table().copy(index_, dst, src, bytes, kind, stream.handle()), "copy");
}

void Device::fill(std::uintptr_t dst, std::uint8_t value, std::size_t bytes, Stream& stream) {
  check_stream(stream);
  if (bytes == 0) return;
  auto* to = reinterpret_cast<void*>(dst);
  if (plugin_.table().set != nullptr) {
    plugin_.check(plugin_.table().set(index_, to, value, bytes, stream.handle()), "set");
    return;
  }
  auto source = std::make_shared<std::vector<std::uint8_t>>(bytes, value);
  copy(to, source->data(), bytes, AX_COPY_HOST_TO_DEVICE, stream);
  if (!stream.synchronous()) stream.keep(source);
}

std::unique_ptr<Function> Device::load(const ax_program& program) {
  ax_program mine = program;
  mine.struct_size = sizeof mine;
  mine.device = index_;
  return std::make_unique<Function>(*this, mine);
}

}  // namespace accelerx
