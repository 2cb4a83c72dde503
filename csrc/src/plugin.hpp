// An opened backend plugin: the handshake, its table, its devices.
#pragma once

#include <accelerx/backend.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace accelerx {

class Device;

class Plugin {
 public:
  // Opens a plugin or gives the one already opened from the same file; it stays open for ever.
  // Throws BackendError whose message names every reason for a refusal.
  static Plugin& open(const std::string& path);

  // Every plugin opened so far.
  static std::vector<Plugin*> opened();

  ~Plugin();
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;

  // The plugin's table, cut or filled up with nulls to the size this core was compiled with.
  const ax_backend& table() const noexcept { return table_; }
  const std::string& path() const noexcept { return path_; }
  bool host_memory() const noexcept { return (table_.flags & AX_FLAG_HOST_MEMORY) != 0; }
  bool sync_default() const noexcept { return (table_.flags & AX_FLAG_SYNC_DEFAULT) != 0; }

  std::int32_t device_count();
  Device& device(std::int32_t index);
  std::vector<Device*> devices();  // those asked for so far

  // Throws what the plugin says about the calling thread's last failure, unless status is AX_OK.
  void check(ax_status status, const char* slot) const {
    if (status != AX_OK) fail(status, slot);
  }
  [[noreturn]] void fail(ax_status status, const char* slot) const;

 private:
  Plugin(std::string path, const ax_backend& table);

  std::string path_;
  ax_backend table_;
  std::mutex mutex_;  // guards devices_
  std::vector<std::unique_ptr<Device>> devices_;
};

// The table of a plugin as this core may read it; throws BackendError if it cannot be used.
ax_backend accept_table(const ax_backend* offered, const std::string& path);

}  // namespace accelerx
