// numeric_limits of half, for texts that include both <limits> and cuda_fp16.h.
#pragma once

#pragma clang force_cuda_host_device begin
template <>
struct std::numeric_limits<__half> : std::__float_limits {
  static constexpr int digits = 11, digits10 = 3, max_digits10 = 5, min_exponent = -13,
                       min_exponent10 = -4, max_exponent = 16, max_exponent10 = 4;
  static constexpr __half min() noexcept { return __half(0x1p-14f); }
  static constexpr __half max() noexcept { return __half(65504.0f); }
  static constexpr __half lowest() noexcept { return __half(-65504.0f); }
  static constexpr __half epsilon() noexcept { return __half(0x1p-10f); }
  static constexpr __half round_error() noexcept { return __half(0.5f); }
  static constexpr __half infinity() noexcept { return __half(__builtin_huge_valf()); }
  static constexpr __half quiet_NaN() noexcept { return __half(__builtin_nanf("")); }
  static constexpr __half signaling_NaN() noexcept { return __half(__builtin_nanf("")); }
  static constexpr __half denorm_min() noexcept { return __half(0x1p-24f); }
};
#pragma clang force_cuda_host_device end
