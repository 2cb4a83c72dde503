// What the core throws: a failure with a stable code, the vendor's words, and a hint.
#pragma once

#include <accelerx/backend.h>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace accelerx {

class BackendError : public std::runtime_error {
 public:
  BackendError(ax_status code, const std::string& message, std::string hint = {},
               std::int64_t vendor_code = 0, std::string api = {})
      : std::runtime_error(message),
        code_(code),
        vendor_code_(vendor_code),
        api_(std::move(api)),
        hint_(std::move(hint)) {}

  ax_status code() const noexcept { return code_; }
  std::int64_t vendor_code() const noexcept { return vendor_code_; }
  const std::string& api() const noexcept { return api_; }
  const std::string& hint() const noexcept { return hint_; }

 private:
  ax_status code_;
  std::int64_t vendor_code_;
  std::string api_;
  std::string hint_;
};

}  // namespace accelerx
