// A FIFO of work on one device, and what has to stay alive until that work is done.
#include "stream.hpp"

#include "device.hpp"
#include "plugin.hpp"

namespace accelerx {
namespace {

constexpr std::uint64_t kMarkEvery = 32;
constexpr std::uint64_t kLookEvery = 8;

}  // namespace

Stream::~Stream() {
  if (!is_default()) {
    const ax_backend& table = device_.plugin().table();
    static_cast<void>(table.stream_destroy(device_.index(), handle_));
    device_.forget(*this);
    for (const Marker& marker : markers_) table.event_destroy(device_.index(), marker.event);
  }
}

bool Stream::synchronous() const noexcept {
  return is_default() && device_.plugin().sync_default();
}

ax_status Stream::wait(std::int64_t timeout_ns) {
  std::uint64_t submitted = 0;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    submitted = number_;
  }
  const ax_backend& table = device_.plugin().table();
  const ax_status status = table.stream_synchronize(device_.index(), handle_, timeout_ns);
  if (status == AX_ERROR_NOT_READY) return status;
  Trash trash;  // emptied after the lock is open: objects may run Python code when they die
  std::lock_guard<std::mutex> lock(mutex_);
  done_up_to(submitted, trash);
  if (kept_.empty()) lane_.reset();
  return status;
}

bool Stream::query() {
  const ax_status status = device_.plugin().table().stream_query(device_.index(), handle_);
  if (status == AX_ERROR_NOT_READY) return false;
  device_.plugin().check(status, "stream_query");
  return true;
}

void* Stream::native() {
  const ax_backend& table = device_.plugin().table();
  if (table.stream_native == nullptr) return handle_;
  void* native = nullptr;
  device_.plugin().check(table.stream_native(device_.index(), handle_, &native), "stream_native");
  return native;
}

void Stream::keep(std::shared_ptr<void> object) {
  Trash trash;
  std::lock_guard<std::mutex> lock(mutex_);
  kept_.push_back({++number_, std::move(object)});
  if (number_ % kMarkEvery == 0) mark();
  if (number_ % kLookEvery == 0) collect(trash);
}

void Stream::mark() {
  const ax_backend& table = device_.plugin().table();
  ax_event event = nullptr;
  if (table.event_create(device_.index(), 0, &event) != AX_OK) return;
  if (table.event_record(device_.index(), event, handle_) == AX_OK) {
    markers_.push_back({number_, event});
  } else {
    static_cast<void>(table.event_destroy(device_.index(), event));
  }
}

void Stream::collect(Trash& trash) {
  const ax_backend& table = device_.plugin().table();
  while (!markers_.empty()) {
    const Marker marker = markers_.front();
    if (table.event_query(device_.index(), marker.event) == AX_ERROR_NOT_READY) return;
    done_up_to(marker.number, trash);
  }
}

void Stream::done_up_to(std::uint64_t number, Trash& trash) {
  while (!markers_.empty() && markers_.front().number <= number) {
    static_cast<void>(
        device_.plugin().table().event_destroy(device_.index(), markers_.front().event));
    markers_.pop_front();
  }
  while (!kept_.empty() && kept_.front().number <= number) {
    trash.push_back(std::move(kept_.front()));
    kept_.pop_front();
  }
}

void Stream::set_failure(std::shared_ptr<void> failure) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!failure_) failure_ = std::move(failure);
}

std::shared_ptr<void> Stream::take_failure() {
  std::lock_guard<std::mutex> lock(mutex_);
  return std::move(failure_);
}

}  // namespace accelerx
