// Binary32 arithmetic in the NEON target's lanes, rounded as the environment says.
#pragma once

#include "neon.hpp"

namespace halfulp {
inline namespace HALFULP_TARGET {

inline constexpr bool instructions_round = false;

inline float32x4_t numbers(Narrow a) { return vreinterpretq_f32_u32(a.v); }
inline Narrow bits(float32x4_t a) { return {vreinterpretq_u32_f32(a)}; }

template <Rounding>
Narrow add_binary32(Narrow a, Narrow b) {
  return bits(vaddq_f32(numbers(a), numbers(b)));
}
template <Rounding>
Narrow subtract_binary32(Narrow a, Narrow b) {
  return bits(vsubq_f32(numbers(a), numbers(b)));
}
template <Rounding>
Narrow multiply_binary32(Narrow a, Narrow b) {
  return bits(vmulq_f32(numbers(a), numbers(b)));
}
template <Rounding>
Narrow divide_binary32(Narrow a, Narrow b) {
  return bits(vdivq_f32(numbers(a), numbers(b)));
}
template <Rounding>
Narrow sqrt_binary32(Narrow a) {
  return bits(vsqrtq_f32(numbers(a)));
}
template <Rounding>
Narrow fma_binary32(Narrow a, Narrow b, Narrow c) {
  return bits(vfmaq_f32(numbers(c), numbers(a), numbers(b)));
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
