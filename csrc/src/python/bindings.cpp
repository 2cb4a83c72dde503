// The module accelerx._core: translates between Python and the core, and decides nothing.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "../device.hpp"
#include "../error.hpp"
#include "../event.hpp"
#include "../plugin.hpp"
#include "array_base.hpp"
#include "dispatcher.hpp"
#include "gil.hpp"
#include "host.hpp"
#include "memory.hpp"

namespace py = pybind11;

namespace accelerx::python {
namespace {

// A Python buffer, borrowed for the length of a copy.
class BufferView {
 public:
  BufferView(const py::object& object, bool writable) {
    const int flags = PyBUF_SIMPLE | (writable ? PyBUF_WRITABLE : 0);
    if (PyObject_GetBuffer(object.ptr(), &view_, flags) != 0) throw py::error_already_set();
  }
  ~BufferView() { PyBuffer_Release(&view_); }
  BufferView(const BufferView&) = delete;
  BufferView& operator=(const BufferView&) = delete;

  void* data() const noexcept { return view_.buf; }
  std::size_t bytes() const noexcept { return static_cast<std::size_t>(view_.len); }

 private:
  Py_buffer view_{};
};

using StreamPtr = std::shared_ptr<Stream>;

void ok(bool succeeded) {
  if (!succeeded) throw py::error_already_set();
}

PyObject* made(PyObject* object) {
  if (object == nullptr) throw py::error_already_set();
  return object;
}

Stream& stream_or_current(Device& device, const StreamPtr& stream) {
  return stream ? *stream : device.current_stream();
}

StreamPtr share(Stream& stream) { return stream.shared_from_this(); }

py::dict memory_stats(Device& device) {
  const MemoryStats stats = device.allocator().stats();
  py::dict result;
  result["allocated"] = stats.allocated;
  result["reserved"] = stats.reserved;
  result["cached"] = stats.cached;
  result["peak"] = stats.peak;
  result["peak_reserved"] = stats.peak_reserved;
  result["blocks"] = stats.blocks;
  result["hits"] = stats.hits;
  result["misses"] = stats.misses;
  result["limit"] = stats.limit;
  return result;
}

void synchronize_device(Device& device) {
  for (const StreamPtr& stream : device.streams()) ok(synchronize(*stream));
}

void trim(Device& device) {
  synchronize_device(device);
  GilRelease unlocked;
  device.allocator().trim();
}

// Memory that a copy or fill touches may belong to another stream.
void note_use(Device& device, std::uintptr_t address, Stream& stream) {
  static_cast<void>(device.allocator().note_use(address, stream));
}

void copy_from_host(Device& device, std::uintptr_t dst, const py::object& src,
                    const StreamPtr& on) {
  Stream& stream = stream_or_current(device, on);
  const BufferView view(src, false);
  ok(await_turn(stream));
  note_use(device, dst, stream);
  {
    GilRelease unlocked;
    device.copy(reinterpret_cast<void*>(dst), view.data(), view.bytes(), AX_COPY_HOST_TO_DEVICE,
                stream);
  }
  // The caller may change or free the source as soon as this returns.
  ok(synchronize(stream));
}

void copy_to_host(Device& device, const py::object& dst, std::uintptr_t src, const StreamPtr& on) {
  Stream& stream = stream_or_current(device, on);
  const BufferView view(dst, true);
  ok(await_turn(stream));
  note_use(device, src, stream);
  {
    GilRelease unlocked;
    device.copy(view.data(), reinterpret_cast<const void*>(src), view.bytes(),
                AX_COPY_DEVICE_TO_HOST, stream);
  }
  ok(synchronize(stream));
}

void copy_on_device(Device& device, std::uintptr_t dst, std::uintptr_t src, std::size_t bytes,
                    const StreamPtr& on) {
  Stream& stream = stream_or_current(device, on);
  note_use(device, dst, stream);
  note_use(device, src, stream);
  ok(await_turn(stream));
  GilRelease unlocked;
  device.copy(reinterpret_cast<void*>(dst), reinterpret_cast<const void*>(src), bytes,
              AX_COPY_DEVICE_TO_DEVICE, stream);
}

void fill(Device& device, std::uintptr_t dst, int value, std::size_t bytes, const StreamPtr& on) {
  if (value < 0 || value > 255) {
    throw py::value_error("fill takes a byte, 0 to 255, not " + std::to_string(value));
  }
  Stream& stream = stream_or_current(device, on);
  note_use(device, dst, stream);
  ok(await_turn(stream));
  GilRelease unlocked;
  device.fill(dst, static_cast<std::uint8_t>(value), bytes, stream);
}

std::int32_t format_of(const std::string& name) {
  constexpr const char* kNames[] = {"text", "object", "image", "address"};
  for (std::int32_t i = 0; i < 4; ++i) {
    if (name == kNames[i]) return i;
  }
  throw py::value_error("unknown code format '" + name + "'; one of text, object, image, address");
}

using ParamTuple = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t>;
using Triple = std::array<std::uint32_t, 3>;

std::shared_ptr<FunctionState> load(Device& device, const std::string& format,
                                    const py::object& code, const std::string& entry,
                                    const std::vector<ParamTuple>& params, std::size_t packed_size,
                                    const Triple& block, std::uint32_t shared_bytes,
                                    std::size_t scratch_bytes, const py::object& keep_alive,
                                    const std::string& options, bool cooperative) {
  std::vector<ax_param> rows;
  for (const auto& [kind, size, align, offset] : params)
    rows.push_back({kind, size, align, offset});
  ax_program program{};
  program.format = format_of(format);
  program.entry = entry.c_str();
  program.options = options.c_str();
  program.params = rows.data();
  program.param_count = rows.size();
  program.packed_bytes = packed_size;
  std::memcpy(program.block, block.data(), sizeof program.block);
  program.shared_bytes = shared_bytes;
  program.scratch_bytes = scratch_bytes;
  program.cooperative = cooperative ? 1 : 0;
  std::string bytes;
  if (program.format == AX_FORMAT_ADDRESS) {
    program.code = reinterpret_cast<const void*>(code.cast<std::uintptr_t>());
  } else {
    bytes = code.cast<std::string>();
    program.code = bytes.data();
    program.code_bytes = bytes.size();
  }
  auto state = std::make_shared<FunctionState>();
  {
    GilRelease unlocked;
    state->function = std::shared_ptr<Function>(device.load(program).release(), BlockingDelete{});
  }
  state->keep_alive = hold(keep_alive.ptr());
  return state;
}

void launch_function(const std::shared_ptr<FunctionState>& state, const Triple& grid,
                     std::uint32_t shared_bytes, const py::bytes& packed,
                     const py::object& keep_alive, const StreamPtr& on) {
  const Function& function = *state->function;
  std::uint32_t blocks[3] = {grid[0], grid[1], grid[2]};
  ax_launch request = function.prepare(blocks, shared_bytes);
  const auto size = static_cast<std::size_t>(PyBytes_GET_SIZE(packed.ptr()));
  if (size != function.packed_bytes()) {
    throw py::value_error("kernel " + function.name() + " takes " +
                          std::to_string(function.packed_bytes()) + " bytes of arguments, not " +
                          std::to_string(size));
  }
  // A copy, since bytes are only aligned to 8 and NumPy may have made them.
  std::vector<std::max_align_t> aligned(size / sizeof(std::max_align_t) + 1);
  std::memcpy(aligned.data(), PyBytes_AS_STRING(packed.ptr()), size);
  PyObject* owner = keep_alive.ptr();
  ok(launch(request, state, aligned.data(), stream_or_current(function.device(), on), &owner, 1));
}

void set_on_site(FunctionState& state, const py::object& callback) {
  if (callback.is_none()) {
    state.on_site.reset();
  } else {
    state.on_site = hold(callback.ptr());
  }
}

py::object get_on_site(const FunctionState& state) {
  if (!state.on_site) return py::none();
  return py::reinterpret_borrow<py::object>(static_cast<PyObject*>(state.on_site.get()));
}

void translate(std::exception_ptr thrown) {
  try {
    if (thrown) std::rethrow_exception(thrown);
  } catch (const BackendError&) {
    set_core_error();
  }
}

void bind_plugin(py::module_& module) {
  constexpr auto kForEver = py::return_value_policy::reference;
  py::class_<Plugin, std::unique_ptr<Plugin, py::nodelete>>(module, "Plugin")
      .def_static(
          "open",
          [](const std::string& path) -> Plugin& {
            GilRelease unlocked;
            return Plugin::open(path);
          },
          kForEver, py::arg("path"))
      .def_property_readonly("name", [](const Plugin& p) { return p.table().name; })
      .def_property_readonly(
          "version", [](const Plugin& p) { return p.table().version ? p.table().version : ""; })
      .def_property_readonly("dialect", [](const Plugin& p) { return p.table().dialect; })
      .def_property_readonly("path", &Plugin::path)
      .def_property_readonly("abi_minor", [](const Plugin& p) { return p.table().abi_minor; })
      .def_property_readonly("dl_device_type",
                             [](const Plugin& p) { return p.table().dl_device_type; })
      .def_property_readonly("host_memory", &Plugin::host_memory)
      .def_property_readonly("sync_default", &Plugin::sync_default)
      .def("device_count",
           [](Plugin& p) {
             GilRelease unlocked;
             return p.device_count();
           })
      .def(
          "device",
          [](Plugin& p, std::int32_t index) -> Device& {
            GilRelease unlocked;
            return p.device(index);
          },
          kForEver, py::arg("index"))
      .def("__repr__", [](const Plugin& p) {
        return "<accelerx backend " + std::string(p.table().name) + " from " + p.path() + ">";
      });
}

void bind_device(py::module_& module) {
  constexpr auto kForEver = py::return_value_policy::reference;
  const auto stream_argument = py::arg("stream").none(true);
  py::class_<Device, std::unique_ptr<Device, py::nodelete>>(module, "Device")
      .def_property_readonly(
          "plugin", [](const Device& d) -> Plugin& { return d.plugin(); }, kForEver)
      .def_property_readonly("index", &Device::index)
      .def("model", &Device::model)
      .def(
          "alloc",
          [](Device& d, std::size_t bytes) {
            return py::reinterpret_steal<py::object>(made(allocate_memory(d, bytes)));
          },
          py::arg("nbytes"))
      .def("memory_stats", &memory_stats)
      .def("reset_peak_memory", [](Device& d) { d.allocator().reset_peak(); })
      .def(
          "set_memory_limit", [](Device& d, std::size_t n) { d.allocator().set_limit(n); },
          py::arg("nbytes"))
      .def("trim", &trim)
      .def_property_readonly("default_stream",
                             [](const Device& d) { return share(d.default_stream()); })
      .def("create_stream",
           [](Device& d) {
             GilRelease unlocked;
             return StreamPtr(d.create_stream(), BlockingDelete{});
           })
      .def(
          "create_event", [](Device& d, bool timing) { return std::make_shared<Event>(d, timing); },
          py::arg("timing") = true)
      .def("copy_from_host", &copy_from_host, py::arg("dst"), py::arg("src"), stream_argument)
      .def("copy_to_host", &copy_to_host, py::arg("dst"), py::arg("src"), stream_argument)
      .def("copy_on_device", &copy_on_device, py::arg("dst"), py::arg("src"), py::arg("nbytes"),
           stream_argument)
      .def("fill", &fill, py::arg("dst"), py::arg("value"), py::arg("nbytes"), stream_argument)
      .def("load", &load, py::arg("format"), py::arg("code"), py::arg("entry"), py::arg("params"),
           py::arg("packed_size"), py::arg("block"), py::arg("shared_bytes"),
           py::arg("scratch_bytes"), py::arg("keep_alive"), py::arg("options") = "",
           py::arg("cooperative") = false)
      .def("synchronize", &synchronize_device)
      .def("__repr__", [](const Device& d) { return "<accelerx device " + d.name() + ">"; });
}

void bind_streams(py::module_& module) {
  constexpr auto kForEver = py::return_value_policy::reference;
  py::class_<Stream, StreamPtr>(module, "Stream")
      .def_property_readonly(
          "device", [](const Stream& s) -> Device& { return s.device(); }, kForEver)
      .def_property_readonly("handle",
                             [](Stream& s) { return reinterpret_cast<std::uintptr_t>(s.native()); })
      .def("synchronize", [](const StreamPtr& s) { ok(synchronize(*s)); })
      .def("query", &Stream::query)
      .def(
          "wait",
          [](Stream& s, const Event& e) {
            const Plugin& plugin = s.device().plugin();
            plugin.check(plugin.table().stream_wait(s.device().index(), s.handle(), e.handle()),
                         "stream_wait");
          },
          py::arg("event"));
  py::class_<Event, std::shared_ptr<Event>>(module, "Event")
      .def(
          "record",
          [](Event& e, const StreamPtr& s) {
            ok(await_turn(*s));
            e.record(*s);
          },
          py::arg("stream"))
      .def("synchronize", [](const std::shared_ptr<Event>& e) { ok(synchronize(*e)); })
      .def("query", &Event::query)
      .def("elapsed", &Event::elapsed, py::arg("end"));
}

void bind_function(py::module_& module) {
  py::class_<FunctionState, std::shared_ptr<FunctionState>>(module, "Function")
      .def_property("on_site", &get_on_site, &set_on_site)
      .def_property_readonly("name", [](const FunctionState& s) { return s.function->name(); })
      .def("launch", &launch_function, py::arg("grid"), py::arg("shared_bytes"), py::arg("packed"),
           py::arg("keep_alive"), py::arg("stream").none(true));
}

}  // namespace

std::shared_ptr<FunctionState> function_from(PyObject* object) {
  try {
    return py::cast<std::shared_ptr<FunctionState>>(py::handle(object));
  } catch (const py::cast_error&) {
    PyErr_Format(PyExc_TypeError, "function is no Function: %R", object);
    return nullptr;
  }
}

bool stream_from(PyObject* object, std::shared_ptr<Stream>* stream) {
  if (object == Py_None) return true;
  try {
    *stream = py::cast<StreamPtr>(py::handle(object));
    return true;
  } catch (const py::cast_error&) {
    PyErr_Format(PyExc_TypeError, "stream is neither None nor a Stream: %R", object);
    return false;
  }
}

}  // namespace accelerx::python

PYBIND11_MODULE(_core, module) {
  using namespace accelerx;
  using namespace accelerx::python;
  module.doc() = "The C++ core of accelerx; see _core.pyi.";
  module.attr("ABI_MAJOR") = AX_ABI_MAJOR;
  module.attr("ABI_MINOR") = AX_ABI_MINOR;
  static PyObject* error = made(PyErr_NewExceptionWithDoc(
      "accelerx._core.CoreError",
      "A plugin's error: args = (message, code, vendor_code, api, hint).", nullptr, nullptr));
  module.attr("CoreError") = py::reinterpret_borrow<py::object>(error);
  register_core_error(error);
  py::register_exception_translator(translate);
  module.attr("ArrayBase") = py::reinterpret_steal<py::object>(made(make_array_type()));
  module.attr("Dispatcher") = py::reinterpret_steal<py::object>(made(make_dispatcher_type()));
  module.attr("Memory") = py::reinterpret_steal<py::object>(made(make_memory_type()));
  bind_plugin(module);
  bind_device(module);
  bind_streams(module);
  bind_function(module);
  module.def(
      "set_current_stream",
      [](Device& device, std::shared_ptr<Stream> stream) {
        device.set_current_stream(std::move(stream));
      },
      py::arg("device"), py::arg("stream").none(true));
  module.def(
      "current_stream", [](Device& d) { return share(d.current_stream()); }, py::arg("device"));
  module.def("set_launch_blocking", &set_launch_blocking, py::arg("enabled"));
  module.def("shutdown", &shutdown);
  py::module_::import("atexit").attr("register")(module.attr("shutdown"));
}
