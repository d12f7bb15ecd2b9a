// Compiled with -mavx -mf16c on x86-64; elsewhere there is no binary16 instruction to ask.
#include "hardware.hpp"

#if defined(__F16C__)
#include <immintrin.h>
#endif

namespace exhaustive {

using halfulp::Rounding;

#if defined(__F16C__)
namespace {

template <int rounding>
void convert(const std::uint32_t* from, std::uint16_t* codes, std::size_t n) {
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m256 x = _mm256_loadu_ps(reinterpret_cast<const float*>(from + i));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(codes + i), _mm256_cvtps_ph(x, rounding));
  }
  for (; i < n; ++i) {
    const __m128i x = _mm_cvtsi32_si128(static_cast<int>(from[i]));
    codes[i] = static_cast<std::uint16_t>(_mm_extract_epi16(_mm_cvtps_ph(_mm_castsi128_ps(x), rounding), 0));
  }
}

}  // namespace

bool has_hardware_binary16(Rounding r) {
  return __builtin_cpu_supports("f16c") && r != Rounding::nearest_away && r != Rounding::to_odd;
}

void hardware_binary16(Rounding r, const std::uint32_t* from, std::uint16_t* codes, std::size_t n) {
  switch (r) {
    case Rounding::toward_zero: return convert<_MM_FROUND_TO_ZERO>(from, codes, n);
    case Rounding::toward_positive: return convert<_MM_FROUND_TO_POS_INF>(from, codes, n);
    case Rounding::toward_negative: return convert<_MM_FROUND_TO_NEG_INF>(from, codes, n);
    default: return convert<_MM_FROUND_TO_NEAREST_INT>(from, codes, n);
  }
}
#else
bool has_hardware_binary16(Rounding) { return false; }
void hardware_binary16(Rounding, const std::uint32_t*, std::uint16_t*, std::size_t) {}
#endif

void textbook_bfloat16(const std::uint32_t* from, std::uint16_t* codes, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t x = from[i];
    const bool nan = (x & 0x7fffffff) > 0x7f800000;
    const std::uint32_t rounded = (x + 0x7fff + ((x >> 16) & 1)) >> 16;
    codes[i] = static_cast<std::uint16_t>(nan ? (x >> 16) | 0x40 : rounded);
  }
}

}  // namespace exhaustive
