// A loaded kernel, how its arguments are packed, and its launch.
#include "launch.hpp"

#include <cmath>
#include <cstring>
#include <limits>

#include "device.hpp"
#include "error.hpp"
#include "plugin.hpp"

namespace accelerx {
namespace {

constexpr std::uint32_t kCooperativeSince = 1;  // AX_ABI_MINOR

struct ScalarRow {
  std::int32_t code;
  std::size_t size;
  const char* name;
};

// In the order of Scalar.
constexpr ScalarRow kScalars[] = {
    {6 * 256 + 8, 1, "bool"},     {0 * 256 + 8, 1, "int8"},      {0 * 256 + 16, 2, "int16"},
    {0 * 256 + 32, 4, "int32"},   {0 * 256 + 64, 8, "int64"},    {1 * 256 + 8, 1, "uint8"},
    {1 * 256 + 16, 2, "uint16"},  {1 * 256 + 32, 4, "uint32"},   {1 * 256 + 64, 8, "uint64"},
    {2 * 256 + 16, 2, "float16"}, {4 * 256 + 16, 2, "bfloat16"}, {2 * 256 + 32, 4, "float32"},
    {2 * 256 + 64, 8, "float64"}};

// A double rounded once, to nearest even, to a 16-bit float of the given shape.
std::uint16_t narrow(double value, int exponent_bits, int mantissa_bits) noexcept {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  const auto sign = static_cast<std::uint16_t>((bits >> 63) << 15);
  const int max_exponent = (1 << exponent_bits) - 1;
  const auto infinity = static_cast<std::uint16_t>(sign | (max_exponent << mantissa_bits));
  if (std::isnan(value)) return static_cast<std::uint16_t>(infinity | (1 << (mantissa_bits - 1)));
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const double magnitude = std::fabs(value);
  if (magnitude == 0.0) return sign;
  if (std::isinf(value)) return infinity;
  int exponent = std::ilogb(magnitude);
  if (exponent < 1 - bias) exponent = 1 - bias;  // subnormal: the smallest normal's spacing
  // In units of the last place; nearbyint rounds to even. Carries into the exponent are meant.
  const double units = std::nearbyint(std::ldexp(magnitude, mantissa_bits - exponent));
  const auto whole = static_cast<std::int64_t>(units);
  const std::int64_t encoded =
      whole + (static_cast<std::int64_t>(exponent + bias - 1) << mantissa_bits);
  if (encoded >= static_cast<std::int64_t>(max_exponent) << mantissa_bits) return infinity;
  return static_cast<std::uint16_t>(sign | encoded);
}

}  // namespace

Function::Function(Device& device, const ax_program& program)
    : device_(device),
      name_(program.entry),
      params_(program.params, program.params + program.param_count),
      packed_bytes_(program.packed_bytes) {
  std::memcpy(block_, program.block, sizeof block_);
  for (const ax_param& param : params_) {
    if (std::size_t{param.offset} + param.size > packed_bytes_) {
      throw BackendError(AX_ERROR_INVALID_ARGUMENT,
                         "kernel " + name_ + ": a parameter of " + std::to_string(param.size) +
                             " bytes at offset " + std::to_string(param.offset) +
                             " lies outside the packed arguments of " +
                             std::to_string(packed_bytes_) + " bytes");
    }
  }
  const Plugin& plugin = device.plugin();
  if (program.cooperative != 0 && plugin.table().abi_minor < kCooperativeSince) {
    throw BackendError(AX_ERROR_UNSUPPORTED,
                       "kernel " + name_ + " waits for its whole grid, which the backend " +
                           plugin.table().name + " does not know: it is built for ABI 1." +
                           std::to_string(plugin.table().abi_minor),
                       "build it with ABI 1." + std::to_string(kCooperativeSince) +
                           ", or split the kernel where it waits");
  }
  plugin.check(plugin.table().load(&program, &kernel_), "load");
}

Function::~Function() {
  static_cast<void>(device_.plugin().table().unload(device_.index(), kernel_));
}

ax_launch Function::prepare(const std::uint32_t (&grid)[3], std::uint32_t shared_bytes) const {
  if (grid[0] == 0 || grid[1] == 0 || grid[2] == 0) {
    throw BackendError(AX_ERROR_INVALID_ARGUMENT,
                       "kernel " + name_ + ": grid (" + std::to_string(grid[0]) + ", " +
                           std::to_string(grid[1]) + ", " + std::to_string(grid[2]) +
                           ") has no blocks",
                       "every grid dimension is at least 1");
  }
  ax_launch launch{};
  launch.struct_size = sizeof launch;
  launch.device = device_.index();
  launch.shared_bytes = shared_bytes;
  launch.kernel = kernel_;
  launch.args_bytes = packed_bytes_;
  std::memcpy(launch.grid, grid, sizeof launch.grid);
  std::memcpy(launch.block, block_, sizeof launch.block);
  return launch;
}

bool Function::note_buffers(const void* packed, Stream& stream) const {
  bool all = true;
  for (const ax_param& param : params_) {
    if (param.kind != AX_PARAM_BUFFER || param.size != sizeof(std::uintptr_t)) continue;
    std::uintptr_t address = 0;
    std::memcpy(&address, static_cast<const char*>(packed) + param.offset, sizeof address);
    if (address != 0 && !device_.allocator().note_use(address, stream)) all = false;
  }
  return all;
}

Scalar scalar_of(std::int32_t dtype_code) {
  for (std::size_t i = 0; i < sizeof kScalars / sizeof *kScalars; ++i) {
    if (kScalars[i].code == dtype_code) return static_cast<Scalar>(i);
  }
  throw BackendError(AX_ERROR_INVALID_ARGUMENT, "no scalar type has the dtype code " +
                                                    std::to_string(dtype_code) +
                                                    " (DLPack type code * 256 + bits)");
}

std::size_t scalar_size(Scalar type) noexcept { return kScalars[static_cast<int>(type)].size; }
const char* scalar_name(Scalar type) noexcept { return kScalars[static_cast<int>(type)].name; }
bool is_float(Scalar type) noexcept { return type >= Scalar::kF16; }

void store_float(Scalar type, double value, void* out) noexcept {
  switch (type) {
    case Scalar::kF16:
    case Scalar::kBF16: {
      const std::uint16_t bits = type == Scalar::kF16 ? narrow(value, 5, 10) : narrow(value, 8, 7);
      std::memcpy(out, &bits, sizeof bits);
      return;
    }
    case Scalar::kF32: {
      // A cast of a double beyond float's range is undefined in C++; IEEE says infinity.
      constexpr double kTop = 0x1.ffffffp+127;
      const float narrowed = std::fabs(value) >= kTop && !std::isnan(value)
                                 ? std::copysign(std::numeric_limits<float>::infinity(),
                                                 static_cast<float>(std::copysign(1.0, value)))
                                 : static_cast<float>(value);
      std::memcpy(out, &narrowed, sizeof narrowed);
      return;
    }
    default:
      std::memcpy(out, &value, sizeof value);
  }
}

void store_integer(Scalar type, std::uint64_t bits, void* out) noexcept {
  // Little-endian: the low bytes are the narrower integer.
  static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "x86-64 and aarch64 are little-endian");
  switch (scalar_size(type)) {
    case 1:
      std::memcpy(out, &bits, 1);
      return;
    case 2:
      std::memcpy(out, &bits, 2);
      return;
    case 4:
      std::memcpy(out, &bits, 4);
      return;
    default:
      std::memcpy(out, &bits, 8);
  }
}

bool integer_fits(Scalar type, std::uint64_t bits, bool is_unsigned) noexcept {
  const int width = static_cast<int>(scalar_size(type)) * 8;
  const bool to_unsigned = type >= Scalar::kU8 && type <= Scalar::kU64;
  const bool negative = !is_unsigned && static_cast<std::int64_t>(bits) < 0;
  if (to_unsigned) return !negative && (width == 64 || bits >> width == 0);
  if (!negative) return bits >> (width - 1) == 0;
  const auto value = static_cast<std::int64_t>(bits);
  return width == 64 || value >= -(std::int64_t{1} << (width - 1));
}

}  // namespace accelerx
