// A shared library, opened at run time and closed with the object that owns it.
#include "dynlib.hpp"

#include <dlfcn.h>

#include "error.hpp"

namespace accelerx {

DynamicLibrary::DynamicLibrary(const std::string& path)
    // RTLD_LOCAL: vendors' libraries with clashing symbols live side by side in one process.
    : handle_(::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
  if (!handle_) {
    const char* reason = ::dlerror();
    throw BackendError(AX_ERROR_NOT_FOUND,
                       "cannot load " + path + ": " + (reason ? reason : "unknown reason"));
  }
}

void* DynamicLibrary::symbol(const char* name) const noexcept {
  return ::dlsym(handle_.get(), name);
}

void DynamicLibrary::Close::operator()(void* handle) const noexcept { ::dlclose(handle); }

}  // namespace accelerx
