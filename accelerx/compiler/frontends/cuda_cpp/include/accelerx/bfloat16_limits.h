// numeric_limits of bfloat16, for texts that include both <limits> and cuda_bf16.h.
#pragma once

#pragma clang force_cuda_host_device begin
template <>
struct std::numeric_limits<__nv_bfloat16> : std::__float_limits {
  static constexpr int digits = 8, digits10 = 2, max_digits10 = 4, min_exponent = -125,
                       min_exponent10 = -37, max_exponent = 128, max_exponent10 = 38;
  static constexpr __nv_bfloat16 min() noexcept { return __nv_bfloat16(0x1p-126f); }
  static constexpr __nv_bfloat16 max() noexcept { return __nv_bfloat16(0x1.FEp127f); }
  static constexpr __nv_bfloat16 lowest() noexcept { return __nv_bfloat16(-0x1.FEp127f); }
  static constexpr __nv_bfloat16 epsilon() noexcept { return __nv_bfloat16(0x1p-7f); }
  static constexpr __nv_bfloat16 round_error() noexcept { return __nv_bfloat16(0.5f); }
  static constexpr __nv_bfloat16 infinity() noexcept {
    return __nv_bfloat16(__builtin_huge_valf());
  }
  static constexpr __nv_bfloat16 quiet_NaN() noexcept { return __nv_bfloat16(__builtin_nanf("")); }
  static constexpr __nv_bfloat16 signaling_NaN() noexcept {
    return __nv_bfloat16(__builtin_nanf(""));
  }
  static constexpr __nv_bfloat16 denorm_min() noexcept { return __nv_bfloat16(0x1p-133f); }
};
#pragma clang force_cuda_host_device end
