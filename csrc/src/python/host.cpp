// Where launches meet Python: callbacks from kernels, Ctrl-C, waiting, and pending exceptions.
#include "host.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <new>
#include <thread>
#include <vector>

#include "../device.hpp"
#include "../error.hpp"
#include "../event.hpp"
#include "../plugin.hpp"
#include "gil.hpp"

namespace accelerx::python {
namespace {

constexpr std::int64_t kSignalCheckNs = 100'000'000;
constexpr auto kLongestNap = std::chrono::milliseconds(1);
constexpr std::int64_t kDrainNs = 1'000'000'000;

std::atomic<bool> is_shut_down{false};
std::atomic<bool> launch_blocking{false};
PyObject* core_error = nullptr;

// An address that differs from thread to thread.
const void* thread_mark() noexcept {
  thread_local char mark;
  return &mark;
}

// The current Python exception as one object, with traceback; clears it.
PyObject* take_exception() {
  PyObject* type = nullptr;
  PyObject* value = nullptr;
  PyObject* traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  if (traceback != nullptr) PyException_SetTraceback(value, traceback);
  Py_XDECREF(type);
  Py_XDECREF(traceback);
  return value;
}

void raise_exception(PyObject* exception) {
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception)), exception);
}

// Stops the launch because of the current Python exception.
void fail_launch(LaunchContext& context) {
  PyObject* exception = take_exception();
  if (context.stream != nullptr) {
    context.stream->set_failure(hold(exception));
    Py_DECREF(exception);
  } else if (context.error == nullptr) {
    context.error = exception;
  } else {
    Py_DECREF(exception);
  }
  context.lane->stop();
}

std::int32_t answer_poll(LaunchContext& context) {
  Lane& lane = *context.lane;
  if (lane.cancel.load(std::memory_order_acquire) != 0) return 1;
  if (context.thread != thread_mark()) return 0;
  lane.poll.store(0, std::memory_order_relaxed);
  GilAcquire locked;
  if (PyErr_CheckSignals() == 0) return 0;
  fail_launch(context);
  return 1;
}

PyObject* index_triple(const std::int32_t* indices) {
  return Py_BuildValue("(iii)", indices[0], indices[1], indices[2]);
}

PyObject* value_tuple(const std::int64_t* values, std::int32_t count) {
  PyObject* tuple = PyTuple_New(count);
  if (tuple == nullptr) return nullptr;
  for (std::int32_t i = 0; i < count; ++i) {
    PyObject* value = PyLong_FromLongLong(values[i]);
    if (value == nullptr) {
      Py_DECREF(tuple);
      return nullptr;
    }
    PyTuple_SET_ITEM(tuple, i, value);
  }
  return tuple;
}

// 1: stop, 0: go on, -1: a Python error is set.
int call_on_site(PyObject* callback, std::int32_t site, const std::int32_t* block,
                 const std::int32_t* thread, const std::int64_t* values, std::int32_t count) {
  PyObject* result = PyObject_CallFunction(callback, "iNNN", site, index_triple(block),
                                           index_triple(thread), value_tuple(values, count));
  if (result == nullptr) return -1;
  const int stop = PyObject_IsTrue(result);
  Py_DECREF(result);
  return stop;
}

std::int32_t hook(void* ctx, std::int32_t site, const std::int32_t* block,
                  const std::int32_t* thread, const std::int64_t* values, std::int32_t count) {
  auto& context = *static_cast<LaunchContext*>(ctx);
  if (is_shut_down.load(std::memory_order_acquire)) return 1;
  if (site < 0) return answer_poll(context);
  std::lock_guard<std::mutex> one_at_a_time(context.callbacks);
  if (context.lane->cancel.load(std::memory_order_acquire) != 0) return 1;
  GilAcquire locked;
  const std::shared_ptr<void> on_site = context.function->on_site;
  if (!on_site) return 0;
  const int stop =
      call_on_site(static_cast<PyObject*>(on_site.get()), site, block, thread, values, count);
  if (stop < 0) {
    fail_launch(context);
  } else if (stop > 0) {
    context.lane->stop();
  }
  return stop != 0;
}

// Everything an asynchronous launch needs until it is done.
struct InFlight {
  std::shared_ptr<FunctionState> function;
  LaunchContext context;
  std::vector<std::shared_ptr<void>> owners;
};

bool raise_status(const Plugin& plugin, ax_status status, const char* slot) {
  try {
    plugin.check(status, slot);
  } catch (...) {
    set_core_error();
    return false;
  }
  return true;
}

bool launch_synchronously(ax_launch& launch, FunctionState& function) {
  const Plugin& plugin = function.function->device().plugin();
  LaunchContext context;
  context.function = &function;
  context.thread = thread_mark();
  launch.hook_ctx = &context;
  ax_status status = AX_OK;
  {
    ActiveLane active;
    context.lane = &active.lane();
    launch.poll = context.lane->poll_word();
    GilRelease unlocked;
    status = plugin.table().launch(&launch);
  }
  if (context.error != nullptr) {
    raise_exception(context.error);
    Py_DECREF(context.error);
    return false;
  }
  // Without an exception the callback asked for the stop by its answer: no failure.
  if (status == AX_OK || status == AX_ERROR_STOPPED) return true;
  return raise_status(plugin, status, "launch");
}

bool launch_asynchronously(ax_launch& launch, std::shared_ptr<FunctionState> function,
                           Stream& stream, PyObject* const* owners, std::size_t owner_count) {
  const Function& kernel = *function->function;
  const Plugin& plugin = kernel.device().plugin();
  auto flight = std::make_shared<InFlight>();
  if (!kernel.note_buffers(launch.args, stream)) {
    for (std::size_t i = 0; i < owner_count; ++i) flight->owners.push_back(hold(owners[i]));
  }
  flight->function = std::move(function);
  flight->context.function = flight->function.get();
  flight->context.lane = &stream.lane();
  flight->context.stream = &stream;
  launch.hook_ctx = &flight->context;
  launch.poll = stream.lane().poll_word();
  ax_status status = AX_OK;
  {
    GilRelease unlocked;
    status = plugin.table().launch(&launch);
    if (status == AX_OK) stream.keep(std::move(flight));
  }
  if (!raise_status(plugin, status, "launch")) return false;
  return !launch_blocking.load(std::memory_order_relaxed) || synchronize(stream);
}

// After a signal: what runs on the device is asked to stop and given a second for it. All its
// streams are, since the one waited for may itself wait for others; those learn of it at their next
// synchronisation.
void drain(Stream& waited) {
  PyObject* exception = take_exception();
  const std::shared_ptr<void> failure = hold(exception);
  std::vector<std::shared_ptr<Stream>> busy;
  for (auto& stream : waited.device().streams()) {
    if (stream->query()) continue;
    stream->set_failure(failure);
    stream->lane().stop();
    busy.push_back(std::move(stream));
  }
  {
    GilRelease unlocked;
    for (const auto& stream : busy) static_cast<void>(stream->wait(kDrainNs));
  }
  static_cast<void>(waited.take_failure());
  raise_exception(exception);
  Py_DECREF(exception);
}

// Waits for a stream without taking what failed on it.
bool await_idle(Stream& stream) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  auto next_check = begin;
  while (!stream.query()) {
    const auto now = Clock::now();
    if (now >= next_check) {
      if (PyErr_CheckSignals() != 0) {
        drain(stream);
        return false;
      }
      next_check = now + std::chrono::nanoseconds(kSignalCheckNs);
    }
    GilRelease unlocked;
    std::this_thread::sleep_for(std::min<Clock::duration>((now - begin) / 8, kLongestNap));
  }
  return true;
}

bool raise_failure(Stream& stream) {
  const std::shared_ptr<void> failure = stream.take_failure();
  if (!failure) return false;
  raise_exception(static_cast<PyObject*>(failure.get()));
  return true;
}

// Waits in slices through `wait`, which takes a limit in nanoseconds, checking for signals between.
template <class Wait>
bool wait_for(Stream& stream, Wait wait, const char* slot) {
  const Plugin& plugin = stream.device().plugin();
  ax_status status = wait(0);
  while (status == AX_ERROR_NOT_READY) {
    if (PyErr_CheckSignals() != 0) {
      drain(stream);
      return false;
    }
    GilRelease unlocked;
    status = wait(kSignalCheckNs);
  }
  if (status == AX_OK || status == AX_ERROR_STOPPED) return !raise_failure(stream);
  return raise_status(plugin, status, slot);
}

}  // namespace

bool shutting_down() noexcept { return is_shut_down.load(std::memory_order_acquire); }

std::shared_ptr<void> hold(PyObject* object) {
  Py_INCREF(object);
  return std::shared_ptr<void>(object, [](void* held) {
    if (shutting_down()) return;  // the interpreter may be gone; the process ends anyway
    GilAcquire locked;
    Py_DECREF(static_cast<PyObject*>(held));
  });
}

bool launch(ax_launch& launch, std::shared_ptr<FunctionState> function, const void* args,
            Stream& stream, PyObject* const* owners, std::size_t owner_count) {
  launch.args = args;
  launch.stream = stream.handle();
  launch.hook = hook;
  if (&function->function->device() != &stream.device()) {
    PyErr_Format(PyExc_ValueError, "kernel %s was loaded for %s, the stream belongs to %s",
                 function->function->name().c_str(), function->function->device().name().c_str(),
                 stream.device().name().c_str());
    return false;
  }
  if (stream.synchronous()) return launch_synchronously(launch, *function);
  return launch_asynchronously(launch, std::move(function), stream, owners, owner_count);
}

bool synchronize(Stream& stream) {
  if (stream.synchronous()) return true;  // all is done, and what failed was raised by its call
  return wait_for(
      stream, [&stream](std::int64_t limit) { return stream.wait(limit); }, "stream_synchronize");
}

bool synchronize(Event& event) {
  const std::shared_ptr<Stream> stream = event.stream();
  if (!stream) return true;
  return wait_for(
      *stream, [&event](std::int64_t limit) { return event.wait(limit); }, "event_synchronize");
}

bool await_turn(Stream& stream) {
  if (!stream.synchronous()) return true;
  for (const auto& other : stream.device().streams()) {
    if (!other->is_default() && !await_idle(*other)) return false;
  }
  return true;
}

void set_launch_blocking(bool enabled) noexcept { launch_blocking.store(enabled); }

void register_core_error(PyObject* type) noexcept { core_error = type; }

void set_core_error() {
  try {
    throw;
  } catch (const BackendError& e) {
    PyObject* args =
        Py_BuildValue("(siLss)", e.what(), static_cast<int>(e.code()),
                      static_cast<long long>(e.vendor_code()), e.api().c_str(), e.hint().c_str());
    if (args == nullptr) return;
    PyErr_SetObject(core_error, args);
    Py_DECREF(args);
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::exception& e) {
    PyErr_SetString(PyExc_RuntimeError, e.what());
  }
}

void shutdown() {
  if (is_shut_down.exchange(true)) return;
  stop_all_lanes();
  GilRelease unlocked;
  for (Plugin* plugin : Plugin::opened()) {
    for (Device* device : plugin->devices()) {
      for (const auto& stream : device->streams()) stream->lane().stop();
    }
  }
  for (Plugin* plugin : Plugin::opened()) {
    if (plugin->table().shutdown != nullptr) plugin->table().shutdown();
  }
}

}  // namespace accelerx::python
