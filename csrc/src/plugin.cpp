// An opened backend plugin: the handshake, its table, its devices.
#include "plugin.hpp"

#include <sys/stat.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <utility>

#include "device.hpp"
#include "dynlib.hpp"
#include "error.hpp"

namespace accelerx {
namespace {

using FileId = std::pair<dev_t, ino_t>;

// Plugins are never unloaded, so neither the list nor its members are ever destroyed.
struct PluginList {
  std::mutex mutex;
  std::map<FileId, Plugin*> plugins;
};
PluginList& plugin_list() {
  static auto* list = new PluginList;
  return *list;
}

FileId file_id(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) {
    throw BackendError(AX_ERROR_NOT_FOUND,
                       "cannot load " + path + ": " + std::string(std::strerror(errno)),
                       "check the path; ACCELERX_PLUGIN_PATH names folders of plugins");
  }
  return {info.st_dev, info.st_ino};
}

// Which other major versions a library without our symbol speaks, as words.
std::string other_majors(const DynamicLibrary& library) {
  std::string found;
  for (int major = 1; major <= 9; ++major) {
    if (major == AX_ABI_MAJOR) continue;
    const std::string name = "ax_backend_v" + std::to_string(major);
    if (library.symbol(name.c_str()) != nullptr) {
      found += (found.empty() ? "" : ", ") + std::to_string(major);
    }
  }
  return found;
}

const ax_backend* offered_table(const DynamicLibrary& library, const std::string& path) {
  void* symbol = library.symbol(AX_BACKEND_SYMBOL);
  if (symbol == nullptr) {
    const std::string ours = std::to_string(AX_ABI_MAJOR);
    const std::string others = other_majors(library);
    if (!others.empty()) {
      throw BackendError(AX_ERROR_UNSUPPORTED,
                         path + " speaks version " + others +
                             " of the backend ABI, this accelerx speaks version " + ours,
                         "install an accelerx and a plugin of the same ABI version "
                         "(pip install -U accelerx, or an older plugin)");
    }
    throw BackendError(AX_ERROR_NOT_FOUND,
                       path + " is no accelerx backend: it exports no symbol " AX_BACKEND_SYMBOL,
                       "a backend exports that one function; see accelerx/backend.h");
  }
  auto entry = reinterpret_cast<const ax_backend* (*)()>(symbol);
  return entry();
}

struct MustSlot {
  const char* name;
  bool present;
};

std::string missing_slots(const ax_backend& t) {
#define AX_MUST(slot)        \
  {                          \
    #slot, t.slot != nullptr \
  }
  const MustSlot slots[] = {
      AX_MUST(last_error),    AX_MUST(device_count),   AX_MUST(device_model),
      AX_MUST(alloc),         AX_MUST(free),           AX_MUST(copy),
      AX_MUST(stream_create), AX_MUST(stream_destroy), AX_MUST(stream_synchronize),
      AX_MUST(stream_query),  AX_MUST(stream_wait),    AX_MUST(event_create),
      AX_MUST(event_destroy), AX_MUST(event_record),   AX_MUST(event_synchronize),
      AX_MUST(event_query),   AX_MUST(load),           AX_MUST(unload),
      AX_MUST(launch)};
#undef AX_MUST
  std::string missing;
  for (const MustSlot& slot : slots) {
    if (!slot.present) missing += (missing.empty() ? "" : ", ") + std::string(slot.name);
  }
  return missing;
}

std::string half_pairs(const ax_backend& t) {
  std::string wrong;
  const auto pair = [&wrong](const char* what, bool all, bool none) {
    if (!all && !none) wrong += (wrong.empty() ? "" : "; ") + std::string(what);
  };
  pair("host_alloc and host_free go together", t.host_alloc && t.host_free,
       !t.host_alloc && !t.host_free);
  pair("op_query and op_run go together", t.op_query && t.op_run, !t.op_query && !t.op_run);
  pair("the graph_ slots go together",
       t.graph_begin && t.graph_end && t.graph_launch && t.graph_destroy,
       !t.graph_begin && !t.graph_end && !t.graph_launch && !t.graph_destroy);
  return wrong;
}

bool is_device_name(const char* name) {
  if (name == nullptr || *name < 'a' || *name > 'z') return false;
  for (const char* c = name; *c != '\0'; ++c) {
    if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9'))) return false;
  }
  return true;
}

// Every sentence that speaks against a table, joined.
std::string objections(const ax_backend& t) {
  std::string text;
  const auto object = [&text](const std::string& sentence) {
    text += (text.empty() ? "" : "; ") + sentence;
  };
  if (const std::string missing = missing_slots(t); !missing.empty()) {
    object("slots that a backend must fill are NULL: " + missing);
  }
  if (const std::string wrong = half_pairs(t); !wrong.empty()) object(wrong);
  if (!is_device_name(t.name)) {
    object("its name " + (t.name ? "'" + std::string(t.name) + "'" : std::string("NULL")) +
           " is not made of lower-case letters and digits");
  }
  if (t.dialect == nullptr || *t.dialect == '\0') object("it names no dialect");
  return text;
}

}  // namespace

ax_backend accept_table(const ax_backend* offered, const std::string& path) {
  if (offered == nullptr) {
    throw BackendError(AX_ERROR_INTERNAL, path + ": " AX_BACKEND_SYMBOL "() returned NULL",
                       "it has to return the plugin's static table");
  }
  constexpr std::size_t kSmallest = offsetof(ax_backend, launch) + sizeof(offered->launch);
  const std::size_t size = offered->struct_size;
  if (size < kSmallest) {
    throw BackendError(
        AX_ERROR_INTERNAL,
        path + ": its table's struct_size is " + std::to_string(size) +
            " bytes, ABI version 1 needs at least " + std::to_string(kSmallest) +
            " (this accelerx: version 1." + std::to_string(AX_ABI_MINOR) + ", " +
            std::to_string(sizeof(ax_backend)) + " bytes)",
        "set struct_size to sizeof(ax_backend) and compile against accelerx/backend.h");
  }
  ax_backend table{};
  std::memcpy(&table, offered, size < sizeof table ? size : sizeof table);
  if (const std::string text = objections(table); !text.empty()) {
    throw BackendError(AX_ERROR_INTERNAL, path + ": " + text,
                       "the plugin's author has to mend this; see accelerx/backend.h");
  }
  return table;
}

Plugin& Plugin::open(const std::string& path) {
  const FileId id = file_id(path);
  PluginList& list = plugin_list();
  std::lock_guard<std::mutex> lock(list.mutex);
  if (const auto found = list.plugins.find(id); found != list.plugins.end()) {
    return *found->second;
  }
  DynamicLibrary library(path);
  const ax_backend table = accept_table(offered_table(library, path), path);
  library.leak();
  auto* plugin = new Plugin(path, table);  // lives for ever, see PluginList
  list.plugins.emplace(id, plugin);
  return *plugin;
}

std::vector<Plugin*> Plugin::opened() {
  PluginList& list = plugin_list();
  std::lock_guard<std::mutex> lock(list.mutex);
  std::vector<Plugin*> plugins;
  for (const auto& entry : list.plugins) plugins.push_back(entry.second);
  return plugins;
}

Plugin::Plugin(std::string path, const ax_backend& table) : path_(std::move(path)), table_(table) {}

Plugin::~Plugin() = default;

std::int32_t Plugin::device_count() {
  std::int32_t count = 0;
  check(table_.device_count(&count), "device_count");
  return count;
}

Device& Plugin::device(std::int32_t index) {
  const std::int32_t count = device_count();
  if (index < 0 || index >= count) {
    throw BackendError(AX_ERROR_INVALID_ARGUMENT,
                       std::string(table_.name) + ":" + std::to_string(index) +
                           " does not exist; this backend has " + std::to_string(count) +
                           (count == 1 ? " device" : " devices"));
  }
  std::lock_guard<std::mutex> lock(mutex_);
  if (devices_.size() < static_cast<std::size_t>(count)) devices_.resize(count);
  auto& device = devices_[index];
  if (!device) device = std::make_unique<Device>(*this, index);
  return *device;
}

std::vector<Device*> Plugin::devices() {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<Device*> made;
  for (const auto& device : devices_) {
    if (device) made.push_back(device.get());
  }
  return made;
}

void Plugin::fail(ax_status status, const char* slot) const {
  ax_error error{};
  error.struct_size = sizeof error;
  table_.last_error(&error);
  const auto text = [](const char* s) { return std::string(s ? s : ""); };
  std::string message = text(error.message);
  if (message.empty() || error.code != status) {
    message = std::string(table_.name) + ": " + slot + " failed with code " +
              std::to_string(status) + (message.empty() ? "" : "; last message: " + message);
  }
  throw BackendError(status, message, text(error.hint), error.vendor_code, text(error.api));
}

}  // namespace accelerx
