// Binary32 arithmetic in the AVX-512 target's lanes, rounded as each instruction says.
#pragma once

#include "avx512.hpp"

namespace halfulp {
inline namespace HALFULP_TARGET {

inline constexpr bool instructions_round = true;

inline __m512 numbers(Narrow a) { return _mm512_castsi512_ps(a.v); }
inline Narrow bits(__m512 a) { return {_mm512_castps_si512(a)}; }

template <Rounding mode>
Narrow add_binary32(Narrow a, Narrow b) {
  return bits(_mm512_add_round_ps(numbers(a), numbers(b), rounding_immediate<mode>));
}
template <Rounding mode>
Narrow subtract_binary32(Narrow a, Narrow b) {
  return bits(_mm512_sub_round_ps(numbers(a), numbers(b), rounding_immediate<mode>));
}
template <Rounding mode>
Narrow multiply_binary32(Narrow a, Narrow b) {
  return bits(_mm512_mul_round_ps(numbers(a), numbers(b), rounding_immediate<mode>));
}
template <Rounding mode>
Narrow divide_binary32(Narrow a, Narrow b) {
  return bits(_mm512_div_round_ps(numbers(a), numbers(b), rounding_immediate<mode>));
}
template <Rounding mode>
Narrow sqrt_binary32(Narrow a) {
  return bits(_mm512_sqrt_round_ps(numbers(a), rounding_immediate<mode>));
}
template <Rounding mode>
Narrow fma_binary32(Narrow a, Narrow b, Narrow c) {
  return bits(_mm512_fmadd_round_ps(numbers(a), numbers(b), numbers(c), rounding_immediate<mode>));
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
