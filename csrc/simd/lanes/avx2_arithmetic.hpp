// Binary32 arithmetic in the AVX2 target's lanes, rounded as the environment says.
#pragma once

#include "avx2.hpp"

namespace halfulp {
inline namespace HALFULP_TARGET {

inline constexpr bool instructions_round = false;

inline __m256 numbers(Narrow a) { return _mm256_castsi256_ps(a.v); }
inline Narrow bits(__m256 a) { return {_mm256_castps_si256(a)}; }

template <Rounding>
Narrow add_binary32(Narrow a, Narrow b) {
  return bits(_mm256_add_ps(numbers(a), numbers(b)));
}
template <Rounding>
Narrow subtract_binary32(Narrow a, Narrow b) {
  return bits(_mm256_sub_ps(numbers(a), numbers(b)));
}
template <Rounding>
Narrow multiply_binary32(Narrow a, Narrow b) {
  return bits(_mm256_mul_ps(numbers(a), numbers(b)));
}
template <Rounding>
Narrow divide_binary32(Narrow a, Narrow b) {
  return bits(_mm256_div_ps(numbers(a), numbers(b)));
}
template <Rounding>
Narrow sqrt_binary32(Narrow a) {
  return bits(_mm256_sqrt_ps(numbers(a)));
}
template <Rounding>
Narrow fma_binary32(Narrow a, Narrow b, Narrow c) {
  return bits(_mm256_fmadd_ps(numbers(a), numbers(b), numbers(c)));
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
