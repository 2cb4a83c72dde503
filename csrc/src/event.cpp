// A point in a stream's work that others can wait for.
#include "event.hpp"

#include "device.hpp"
#include "error.hpp"
#include "plugin.hpp"
#include "stream.hpp"

namespace accelerx {

Event::Event(Device& device, bool timing) : device_(device), timing_(timing) {
  const Plugin& plugin = device.plugin();
  plugin.check(plugin.table().event_create(device.index(), timing ? 1 : 0, &handle_),
               "event_create");
}

Event::~Event() {
  static_cast<void>(device_.plugin().table().event_destroy(device_.index(), handle_));
}

void Event::record(Stream& stream) {
  if (&stream.device() != &device_) {
    throw BackendError(
        AX_ERROR_INVALID_ARGUMENT,
        "event of " + device_.name() + " recorded on a stream of " + stream.device().name(),
        "make the event on the stream's device");
  }
  const Plugin& plugin = device_.plugin();
  plugin.check(plugin.table().event_record(device_.index(), handle_, stream.handle()),
               "event_record");
  stream_ = stream.shared_from_this();
}

ax_status Event::wait(std::int64_t timeout_ns) {
  return device_.plugin().table().event_synchronize(device_.index(), handle_, timeout_ns);
}

bool Event::query() const {
  const Plugin& plugin = device_.plugin();
  const ax_status status = plugin.table().event_query(device_.index(), handle_);
  if (status == AX_ERROR_NOT_READY) return false;
  plugin.check(status, "event_query");
  return true;
}

double Event::elapsed(const Event& end) const {
  const Plugin& plugin = device_.plugin();
  if (plugin.table().event_elapsed == nullptr) {
    throw BackendError(AX_ERROR_UNSUPPORTED, device_.name() + " cannot measure time with events");
  }
  if (!timing_ || !end.timing_ || !stream_ || !end.stream_) {
    throw BackendError(AX_ERROR_INVALID_ARGUMENT,
                       "elapsed needs two recorded events that were made with timing");
  }
  double milliseconds = 0;
  plugin.check(plugin.table().event_elapsed(device_.index(), handle_, end.handle_, &milliseconds),
               "event_elapsed");
  return milliseconds;
}

}  // namespace accelerx
