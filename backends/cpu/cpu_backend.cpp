// The CPU backend: the cores of this machine as one device, "cpu:0".
//
// Its memory is the process's own, its kernels are functions compiled in the process (dialect
// "llvm"). The default stream works inside the call that submits; other streams are threads.
#include <accelerx/backend.h>
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <vector>

#include "phases.hpp"
#include "pool.hpp"
#include "stream.hpp"

namespace cpu {
namespace {

using StreamPtr = std::shared_ptr<Stream>;

constexpr std::size_t kAlignment = 256;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::int64_t kHookEvery = 50'000'000;  // ns

// ---- errors -----------------------------------------------------------------------------------

struct LastError {
  ax_status code = AX_OK;
  std::string message;
  std::string hint;
};
thread_local LastError last_failure;

ax_status fail(ax_status code, std::string message, std::string hint = {}) {
  last_failure = {code, std::move(message), std::move(hint)};
  return code;
}

void last_error(ax_error* out) {
  out->code = last_failure.code;
  out->reserved = 0;
  out->vendor_code = 0;
  out->api = "";
  out->message = last_failure.message.c_str();
  out->hint = last_failure.hint.c_str();
}

// Runs a slot's body; no exception crosses the ABI.
template <class Body>
ax_status guarded(Body body) noexcept {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return fail(AX_ERROR_OUT_OF_MEMORY, "cpu: the host has no memory left");
  } catch (const std::exception& e) {
    return fail(AX_ERROR_INTERNAL, std::string("cpu: ") + e.what());
  }
}

// ---- devices ----------------------------------------------------------------------------------

std::size_t physical_memory() {
  return static_cast<std::size_t>(::sysconf(_SC_PHYS_PAGES)) *
         static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::string make_model() {
  return "{\"name\": \"cpu\", \"dialect\": \"llvm\", \"warp_size\": 32, "
         "\"max_threads_per_block\": 1024, \"max_block\": [1024, 1024, 64], "
         "\"max_grid\": [2147483647, 65535, 65535], \"max_shared_bytes\": 49152, "
         "\"max_shared_bytes_optin\": 232448, \"max_constant_bytes\": 65536, "
         "\"multiprocessors\": " +
         std::to_string(worker_count()) +
         ", \"memory_bytes\": " + std::to_string(physical_memory()) +
         ", \"alignment\": 64, \"dtypes\": [\"bool\", \"int8\", \"int16\", \"int32\", \"int64\", "
         "\"uint8\", \"uint16\", \"uint32\", \"uint64\", \"float16\", \"bfloat16\", \"float32\", "
         "\"float64\"]}";
}

ax_status device_count(std::int32_t* count) {
  *count = 1;
  return AX_OK;
}

ax_status device_model(std::int32_t, const char** json) {
  return guarded([&] {
    static const auto* model = new std::string(make_model());
    *json = model->c_str();
    return AX_OK;
  });
}

// ---- streams ----------------------------------------------------------------------------------

// All streams, so that the default stream can wait for them. Never destroyed.
struct StreamList {
  std::mutex mutex;
  std::vector<StreamPtr> streams;
  std::atomic<int> count{0};
};
StreamList& stream_list() {
  static auto* list = [] {
    static auto* made = new StreamList;
    // A child of fork inherits the lock in the state of the moment: it is held across the fork.
    ::pthread_atfork([] { made->mutex.lock(); }, [] { made->mutex.unlock(); },
                     [] { made->mutex.unlock(); });
    return made;
  }();
  return *list;
}

std::vector<StreamPtr> all_streams() {
  StreamList& list = stream_list();
  if (list.count.load(std::memory_order_acquire) == 0) return {};
  std::lock_guard<std::mutex> lock(list.mutex);
  return list.streams;
}

StreamPtr* from_handle(ax_stream stream) { return reinterpret_cast<StreamPtr*>(stream); }

// The default stream begins after what other streams have been given. False if asked to stop.
template <class Ask>
bool await_other_streams(Ask stop) {
  for (const StreamPtr& stream : all_streams()) {
    const std::uint64_t number = stream->submitted();
    while (!stream->wait(number, kHookEvery)) {
      if (stop()) return false;
    }
  }
  return true;
}

// Does the work now on the default stream, else gives it to the stream.
template <class Action>
ax_status submit(ax_stream stream, Action action) {
  if (stream != nullptr) {
    (*from_handle(stream))->submit([action] {
      action();
      return Failure{};
    });
    return AX_OK;
  }
  await_other_streams([] { return false; });
  action();
  return AX_OK;
}

ax_status stream_create(std::int32_t, ax_stream* out) {
  return guarded([&] {
    auto handle = std::make_unique<StreamPtr>(std::make_shared<Stream>());
    StreamList& list = stream_list();
    std::lock_guard<std::mutex> lock(list.mutex);
    list.streams.push_back(*handle);
    list.count.store(static_cast<int>(list.streams.size()), std::memory_order_release);
    *out = reinterpret_cast<ax_stream>(handle.release());
    return AX_OK;
  });
}

ax_status stream_destroy(std::int32_t, ax_stream stream) {
  return guarded([&] {
    const std::unique_ptr<StreamPtr> handle(from_handle(stream));
    (*handle)->wait((*handle)->submitted(), -1);
    StreamList& list = stream_list();
    std::lock_guard<std::mutex> lock(list.mutex);
    list.streams.erase(std::remove(list.streams.begin(), list.streams.end(), *handle),
                       list.streams.end());
    list.count.store(static_cast<int>(list.streams.size()), std::memory_order_release);
    return AX_OK;
  });
}

ax_status report_failure(Stream& stream) {
  Failure failure = stream.take_failure();
  return failure.code == AX_OK ? AX_OK : fail(failure.code, std::move(failure.message));
}

ax_status stream_synchronize(std::int32_t, ax_stream stream, std::int64_t timeout_ns) {
  if (stream == nullptr && stream_list().count.load(std::memory_order_acquire) == 0) return AX_OK;
  return guarded([&]() -> ax_status {
    if (stream == nullptr) return AX_OK;
    Stream& s = **from_handle(stream);
    return s.wait(s.submitted(), timeout_ns) ? report_failure(s) : AX_ERROR_NOT_READY;
  });
}

ax_status stream_query(std::int32_t, ax_stream stream) {
  return guarded([&]() -> ax_status {
    if (stream == nullptr) return AX_OK;
    Stream& s = **from_handle(stream);
    return s.done(s.submitted()) ? AX_OK : AX_ERROR_NOT_READY;
  });
}

// ---- events -----------------------------------------------------------------------------------

Event* from_handle(ax_event event) { return reinterpret_cast<Event*>(event); }

std::int64_t now_ns() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

// Where an event stands, read under its lock.
struct Point {
  StreamPtr stream;
  std::uint64_t number;
  bool reached() const { return !stream || stream->done(number); }
};
Point point_of(ax_event event) {
  Event& e = *from_handle(event);
  std::lock_guard<std::mutex> lock(e.mutex);
  return {e.stream, e.number};
}

ax_status event_create(std::int32_t, std::int32_t, ax_event* out) {
  return guarded([&] {
    *out = reinterpret_cast<ax_event>(new Event);
    return AX_OK;
  });
}

ax_status event_destroy(std::int32_t, ax_event event) {
  delete from_handle(event);
  return AX_OK;
}

ax_status event_record(std::int32_t, ax_event event, ax_stream stream) {
  return guarded([&] {
    Event& e = *from_handle(event);
    auto time = std::make_shared<std::int64_t>(0);
    if (stream == nullptr) await_other_streams([] { return false; });
    std::lock_guard<std::mutex> lock(e.mutex);
    e.time_ns = time;
    e.stream = stream != nullptr ? *from_handle(stream) : nullptr;
    if (!e.stream) {
      *time = now_ns();
      return AX_OK;
    }
    e.number = e.stream->submit([time] {
      *time = now_ns();
      return Failure{};
    });
    return AX_OK;
  });
}

ax_status event_synchronize(std::int32_t, ax_event event, std::int64_t timeout_ns) {
  return guarded([&]() -> ax_status {
    const Point point = point_of(event);
    if (!point.stream) return AX_OK;
    if (!point.stream->wait(point.number, timeout_ns)) return AX_ERROR_NOT_READY;
    return report_failure(*point.stream);
  });
}

ax_status event_query(std::int32_t, ax_event event) {
  return guarded([&] { return point_of(event).reached() ? AX_OK : AX_ERROR_NOT_READY; });
}

ax_status stream_wait(std::int32_t, ax_stream stream, ax_event event) {
  return guarded([&]() -> ax_status {
    const Point point = point_of(event);
    if (point.reached()) return AX_OK;
    return submit(stream, [point] { point.stream->wait(point.number, -1); });
  });
}

ax_status event_elapsed(std::int32_t, ax_event start, ax_event end, double* milliseconds) {
  return guarded([&]() -> ax_status {
    if (!point_of(start).reached() || !point_of(end).reached()) {
      return fail(AX_ERROR_NOT_READY, "cpu: elapsed of an event that has not completed yet",
                  "synchronize the end event first");
    }
    Event& a = *from_handle(start);
    Event& b = *from_handle(end);
    const std::scoped_lock lock(a.mutex, b.mutex);
    if (!a.time_ns || !b.time_ns) {
      return fail(AX_ERROR_INVALID_ARGUMENT, "cpu: elapsed of an event that was never recorded");
    }
    *milliseconds = static_cast<double>(*b.time_ns - *a.time_ns) * 1e-6;
    return AX_OK;
  });
}

// ---- memory -----------------------------------------------------------------------------------

ax_status alloc(std::int32_t, std::size_t bytes, void** address) {
  const bool large = bytes >= kHugePage;
  const std::size_t alignment = large ? kHugePage : kAlignment;
  void* memory = nullptr;
  if (::posix_memalign(&memory, alignment, bytes) != 0) {
    return guarded([&] {
      return fail(AX_ERROR_OUT_OF_MEMORY,
                  "cpu: the host has no " + std::to_string(bytes) + " bytes of memory left");
    });
  }
  // Advice only: where it is refused, the pages are small.
  if (large) static_cast<void>(::madvise(memory, bytes, MADV_HUGEPAGE));
  *address = memory;
  return AX_OK;
}

ax_status free(std::int32_t, void* address) {
  std::free(address);
  return AX_OK;
}

ax_status copy(std::int32_t, void* dst, const void* src, std::size_t bytes, std::int32_t,
               ax_stream stream) {
  return guarded(
      [&] { return submit(stream, [dst, src, bytes] { std::memmove(dst, src, bytes); }); });
}

ax_status set(std::int32_t, void* dst, std::int32_t value, std::size_t bytes, ax_stream stream) {
  return guarded(
      [&] { return submit(stream, [dst, value, bytes] { std::memset(dst, value, bytes); }); });
}

// MemAvailable counts what the kernel could free for us, unlike sysinfo's freeram.
std::size_t available_memory() {
  std::FILE* file = std::fopen("/proc/meminfo", "re");
  if (file == nullptr) return 0;
  unsigned long long kilobytes = 0;
  char line[128];
  while (std::fgets(line, sizeof line, file) != nullptr) {
    if (std::sscanf(line, "MemAvailable: %llu kB", &kilobytes) == 1) break;
  }
  std::fclose(file);
  return static_cast<std::size_t>(kilobytes) * 1024;
}

ax_status memory_info(std::int32_t, std::size_t* free_bytes, std::size_t* total) {
  *free_bytes = available_memory();
  *total = physical_memory();
  return AX_OK;
}

// ---- kernels ----------------------------------------------------------------------------------

struct Kernel {
  ax_host_kernel function;
  std::size_t scratch_bytes;
  bool cooperative;
  std::string name;
  std::atomic<float> block_ns{0};
};

Kernel* from_handle(ax_kernel kernel) { return reinterpret_cast<Kernel*>(kernel); }

ax_status load(const ax_program* program, ax_kernel* out) {
  return guarded([&]() -> ax_status {
    if (program->format != AX_FORMAT_ADDRESS) {
      return fail(AX_ERROR_UNSUPPORTED,
                  "cpu: kernels are functions of this process (format address), not format " +
                      std::to_string(program->format),
                  "the host compiles the dialect \"llvm\" itself");
    }
    if (program->code == nullptr) {
      return fail(AX_ERROR_INVALID_ARGUMENT,
                  std::string("cpu: kernel ") + program->entry + " has a null address");
    }
    auto kernel = std::make_unique<Kernel>();
    kernel->function =
        reinterpret_cast<ax_host_kernel>(reinterpret_cast<std::uintptr_t>(program->code));
    kernel->scratch_bytes = program->scratch_bytes;
    kernel->cooperative = AX_HAS(ax_program, program, cooperative) && program->cooperative != 0;
    kernel->name = program->entry;
    *out = reinterpret_cast<ax_kernel>(kernel.release());
    return AX_OK;
  });
}

ax_status unload(std::int32_t, ax_kernel kernel) {
  delete from_handle(kernel);
  return AX_OK;
}

ax_host_call host_call(const ax_launch& launch, const void* args) {
  return {sizeof(ax_host_call), args,        {launch.grid[0], launch.grid[1], launch.grid[2]},
          launch.shared_bytes,  launch.poll, launch.hook,
          launch.hook_ctx};
}

bool run_kernel(Kernel& kernel, const ax_host_call& call) {
  const std::int64_t blocks = std::int64_t{call.grid[0]} * call.grid[1] * call.grid[2];
  const Work work{kernel.function, &call, kernel.scratch_bytes, blocks, &kernel.block_ns};
  return kernel.cooperative ? run_in_phases(work) : run(work);
}

std::string stopped_message(const Kernel& kernel) {
  return "cpu: kernel " + kernel.name + " was stopped before its end";
}

bool asked_to_stop(const ax_host_call& call) {
  return *call.poll != 0 && call.hook(call.hook_ctx, -1, nullptr, nullptr, nullptr, 0) != 0;
}

void launch_later(const ax_launch& launch, Stream& stream) {
  const auto* bytes = static_cast<const char*>(launch.args);
  auto args = std::make_shared<std::vector<std::max_align_t>>(
      launch.args_bytes / sizeof(std::max_align_t) + 1);
  std::memcpy(args->data(), bytes, launch.args_bytes);
  Kernel* kernel = from_handle(launch.kernel);
  const ax_host_call call = host_call(launch, args->data());
  stream.submit([kernel, call, args]() -> Failure {
    try {
      if (!asked_to_stop(call) && run_kernel(*kernel, call)) return {};
      return {AX_ERROR_STOPPED, stopped_message(*kernel)};
    } catch (const std::bad_alloc&) {
      return {AX_ERROR_OUT_OF_MEMORY, "cpu: kernel " + kernel->name + ": no memory for scratch"};
    }
  });
}

ax_status launch(const ax_launch* launch) {
  return guarded([&]() -> ax_status {
    if (launch->stream != nullptr) {
      launch_later(*launch, **from_handle(launch->stream));
      return AX_OK;
    }
    Kernel& kernel = *from_handle(launch->kernel);
    const ax_host_call call = host_call(*launch, launch->args);
    if (await_other_streams([&call] { return asked_to_stop(call); }) && run_kernel(kernel, call)) {
      return AX_OK;
    }
    return fail(AX_ERROR_STOPPED, stopped_message(kernel));
  });
}

// ---- the rest ---------------------------------------------------------------------------------

ax_status device_synchronize(std::int32_t, std::int64_t timeout_ns) {
  return guarded([&]() -> ax_status {
    for (const StreamPtr& stream : all_streams()) {
      if (!stream->wait(stream->submitted(), timeout_ns)) return AX_ERROR_NOT_READY;
    }
    for (const StreamPtr& stream : all_streams()) {
      if (const ax_status status = report_failure(*stream); status != AX_OK) return status;
    }
    return AX_OK;
  });
}

// The work has been asked to stop; what does not listen within a second ends with the process.
void shutdown() {
  static_cast<void>(device_synchronize(0, 1'000'000'000));
  end_helpers();
}

const ax_backend kBackend = {
    /* struct_size        */ sizeof(ax_backend),
    /* abi_minor          */ AX_ABI_MINOR,
    /* flags              */ AX_FLAG_HOST_MEMORY | AX_FLAG_SYNC_DEFAULT,
    /* dl_device_type     */ 1,
    /* reserved           */ 0,
    /* name               */ "cpu",
    /* version            */ "0.1.0",
    /* dialect            */ "llvm",
    /* last_error         */ last_error,
    /* device_count       */ device_count,
    /* device_model       */ device_model,
    /* alloc              */ alloc,
    /* free               */ free,
    /* copy               */ copy,
    /* stream_create      */ stream_create,
    /* stream_destroy     */ stream_destroy,
    /* stream_synchronize */ stream_synchronize,
    /* stream_query       */ stream_query,
    /* stream_wait        */ stream_wait,
    /* event_create       */ event_create,
    /* event_destroy      */ event_destroy,
    /* event_record       */ event_record,
    /* event_synchronize  */ event_synchronize,
    /* event_query        */ event_query,
    /* load               */ load,
    /* unload             */ unload,
    /* launch             */ launch,
    /* set                */ set,
    /* memory_info        */ memory_info,
    /* device_synchronize */ device_synchronize,
    /* event_elapsed      */ event_elapsed,
    /* host_alloc         */ nullptr,
    /* host_free          */ nullptr,
    /* stream_native      */ nullptr,
    /* compile            */ nullptr,
    /* op_query           */ nullptr,
    /* op_run             */ nullptr,
    /* graph_begin        */ nullptr,
    /* graph_end          */ nullptr,
    /* graph_launch       */ nullptr,
    /* graph_destroy      */ nullptr,
    /* get_extension      */ nullptr,
    /* shutdown           */ shutdown,
};

}  // namespace
}  // namespace cpu

const ax_backend* ax_backend_v1(void) { return &cpu::kBackend; }
