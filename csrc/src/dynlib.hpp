// A shared library, opened at run time and closed with the object that owns it.
#pragma once

#include <memory>
#include <string>

namespace accelerx {

class DynamicLibrary {
 public:
  // Throws BackendError with the system's own words.
  explicit DynamicLibrary(const std::string& path);

  // Null if the library has no such symbol.
  void* symbol(const char* name) const noexcept;

  // Leaves the library in the process for ever.
  void leak() noexcept { static_cast<void>(handle_.release()); }

 private:
  struct Close {
    void operator()(void* handle) const noexcept;
  };
  std::unique_ptr<void, Close> handle_;
};

}  // namespace accelerx
