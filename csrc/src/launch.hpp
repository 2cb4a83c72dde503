// A loaded kernel, how its arguments are packed, and its launch.
#pragma once

#include <accelerx/backend.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace accelerx {

class Device;
class Stream;

class Function {
 public:
  Function(Device& device, const ax_program& program);
  ~Function();  // no launch may be in flight; may block: call it without Python's lock
  Function(const Function&) = delete;
  Function& operator=(const Function&) = delete;

  Device& device() const noexcept { return device_; }
  const std::string& name() const noexcept { return name_; }
  const std::vector<ax_param>& params() const noexcept { return params_; }
  std::size_t packed_bytes() const noexcept { return packed_bytes_; }

  // A launch of this kernel, all set but for args, stream and hook. Throws BackendError if the grid
  // has a zero.
  ax_launch prepare(const std::uint32_t (&grid)[3], std::uint32_t shared_bytes) const;

  // Notes that a stream uses the memory of the packed arguments' buffers. False if some of it is
  // not the device's pool's, so that the caller has to keep it alive by itself.
  bool note_buffers(const void* packed, Stream& stream) const;

 private:
  Device& device_;
  std::string name_;
  std::vector<ax_param> params_;
  std::size_t packed_bytes_;
  std::uint32_t block_[3];
  ax_kernel kernel_ = nullptr;
};

// How an element type is stored, from DLPack's code * 256 + bits.
enum class Scalar : std::uint8_t {
  kBool,
  kI8,
  kI16,
  kI32,
  kI64,
  kU8,
  kU16,
  kU32,
  kU64,
  kF16,
  kBF16,
  kF32,
  kF64
};

// Throws BackendError for a code that is none of Scalar's.
Scalar scalar_of(std::int32_t dtype_code);
std::size_t scalar_size(Scalar type) noexcept;
const char* scalar_name(Scalar type) noexcept;
bool is_float(Scalar type) noexcept;

// Stores a value as the type; the caller has checked integer ranges.
void store_float(Scalar type, double value, void* out) noexcept;
void store_integer(Scalar type, std::uint64_t bits, void* out) noexcept;

// True if a signed (or, with is_unsigned, an unsigned) 64-bit integer fits the type.
bool integer_fits(Scalar type, std::uint64_t bits, bool is_unsigned) noexcept;

}  // namespace accelerx
