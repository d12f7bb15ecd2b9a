// What the x86 targets share: the floating-point environment their conversions run in, and their rounding modes.
#pragma once

#include <immintrin.h>

#include "../../halfulp/codec.hpp"

namespace halfulp {
inline namespace HALFULP_TARGET {

// Conversions that name no rounding take the one given here, and all see subnormals, whatever the caller has set; its
// flags stay untouched.
class Environment {
 public:
  explicit Environment(Rounding rounding = Rounding::toward_zero) : saved_(_mm_getcsr()) {
    _mm_setcsr(all_masked | control(rounding));
  }
  ~Environment() { _mm_setcsr(saved_); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  static constexpr unsigned all_masked = 0x1f80;
  static constexpr unsigned control(Rounding rounding) {
    return rounding == Rounding::toward_zero       ? 0x6000
           : rounding == Rounding::toward_positive ? 0x4000
           : rounding == Rounding::toward_negative ? 0x2000
                                                   : 0;
  }
  unsigned saved_;
};

// Stores whole cache lines without reading them first. `to` begins a line.
constexpr bool can_store_past_caches = true;
inline void store_past_caches(const void* from, void* to, usize bytes) {
  const __m256i* p = static_cast<const __m256i*>(from);
  __m256i* q = static_cast<__m256i*>(to);
  for (usize i = 0; i < bytes / 32; ++i) _mm256_stream_si256(q + i, _mm256_load_si256(p + i));
}
inline void finish_stores() { _mm_sfence(); }

// Of IntegerRoute::conversion.
template <Rounding mode>
inline constexpr int rounding_immediate = (mode == Rounding::nearest_even      ? _MM_FROUND_TO_NEAREST_INT
                                           : mode == Rounding::nearest_away    ? _MM_FROUND_TO_NEAREST_INT
                                           : mode == Rounding::toward_zero     ? _MM_FROUND_TO_ZERO
                                           : mode == Rounding::toward_positive ? _MM_FROUND_TO_POS_INF
                                                                               : _MM_FROUND_TO_NEG_INF) |
                                          _MM_FROUND_NO_EXC;

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
