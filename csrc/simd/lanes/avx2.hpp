// The AVX2 target: eight 32-bit lanes, sixteen 16-bit lanes, and binary16 conversion by F16C.
#pragma once

#include "../../halfulp/codebook.hpp"
#include "../../halfulp/half_route.hpp"
#include "../../halfulp/integer_route.hpp"
#include "../../halfulp/scalar.hpp"
#include "x86.hpp"

namespace halfulp {
inline namespace HALFULP_TARGET {

struct Narrow {
  __m256i v;

  static constexpr int width = 32;
  static constexpr int lanes = 8;

  static Narrow set(u32 w) { return {_mm256_set1_epi32(static_cast<int>(w))}; }

  friend Narrow operator+(Narrow a, Narrow b) { return {_mm256_add_epi32(a.v, b.v)}; }
  friend Narrow operator-(Narrow a, Narrow b) { return {_mm256_sub_epi32(a.v, b.v)}; }
  friend Narrow operator&(Narrow a, Narrow b) { return {_mm256_and_si256(a.v, b.v)}; }
  friend Narrow operator|(Narrow a, Narrow b) { return {_mm256_or_si256(a.v, b.v)}; }
  friend Narrow operator^(Narrow a, Narrow b) { return {_mm256_xor_si256(a.v, b.v)}; }
};

inline Narrow shl(Narrow a, Narrow n) { return {_mm256_sllv_epi32(a.v, n.v)}; }
inline Narrow shr(Narrow a, Narrow n) { return {_mm256_srlv_epi32(a.v, n.v)}; }
inline Narrow shr_uniform(Narrow a, Narrow n) {
  return {_mm256_srl_epi32(a.v, _mm_cvtepu32_epi64(_mm256_castsi256_si128(n.v)))};
}
template <int N>
Narrow shl(Narrow a) {
  return {_mm256_slli_epi32(a.v, N)};
}
template <int N>
Narrow shr(Narrow a) {
  return {_mm256_srli_epi32(a.v, N)};
}
inline Narrow greater(Narrow a, Narrow b) { return {_mm256_cmpgt_epi32(a.v, b.v)}; }
inline Narrow equal(Narrow a, Narrow b) { return {_mm256_cmpeq_epi32(a.v, b.v)}; }
inline Narrow and_not(Narrow mask, Narrow b) { return {_mm256_andnot_si256(mask.v, b.v)}; }
inline Narrow select(Narrow mask, Narrow yes, Narrow no) { return {_mm256_blendv_epi8(no.v, yes.v, mask.v)}; }
// Whether any of four vectors of binary32 numbers has a NaN: one comparison sees two of them.
inline bool any_nan(const Narrow (&x)[4]) {
  const __m256 first = _mm256_cmp_ps(_mm256_castsi256_ps(x[0].v), _mm256_castsi256_ps(x[1].v), _CMP_UNORD_Q);
  const __m256 second = _mm256_cmp_ps(_mm256_castsi256_ps(x[2].v), _mm256_castsi256_ps(x[3].v), _CMP_UNORD_Q);
  return _mm256_movemask_ps(_mm256_or_ps(first, second)) != 0;
}
inline Narrow max(Narrow a, Narrow b) { return {_mm256_max_epi32(a.v, b.v)}; }
inline Narrow min(Narrow a, Narrow b) { return {_mm256_min_epi32(a.v, b.v)}; }

// By way of the exponent of the same integer as a binary32. Clearing every bit below a set one keeps the conversion
// exact enough; bit 31 would make the integer negative and is answered for itself.
inline Narrow highest_bit(Narrow a) {
  const __m256i sparse = _mm256_andnot_si256(_mm256_srli_epi32(a.v, 1), a.v);
  const __m256i bits = _mm256_castps_si256(_mm256_cvtepi32_ps(sparse));
  const __m256i exponent = _mm256_sub_epi32(_mm256_srli_epi32(bits, 23), _mm256_set1_epi32(127));
  const __m256i at_least = _mm256_max_epi32(exponent, _mm256_set1_epi32(-1));
  const __m256i top_set = _mm256_srai_epi32(a.v, 31);
  return {_mm256_blendv_epi8(at_least, _mm256_set1_epi32(31), top_set)};
}

inline Narrow load(const u8* from) {
  return {_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from)))};
}
inline Narrow load(const u16* from) {
  return {_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)))};
}
inline Narrow load(const u32* from) { return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))}; }
inline void store(u32* to, Narrow v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), v.v); }

// Stores 32 codes. The saturating packs work within 128-bit halves; the permutes put the quarters in order.
inline void store_block(u32* to, const Narrow (&v)[4]) {
  for (int k = 0; k < 4; ++k) store(to + 8 * k, v[k]);
}
inline void store_block(u16* to, const Narrow (&v)[4]) {
  for (int k = 0; k < 4; k += 2) {
    const __m256i pair = _mm256_permute4x64_epi64(_mm256_packus_epi32(v[k].v, v[k + 1].v), 0xd8);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + 8 * k), pair);
  }
}
inline __m256i as_bytes(const Narrow (&v)[4]) {
  const __m256i low = _mm256_packus_epi32(v[0].v, v[1].v);
  const __m256i high = _mm256_packus_epi32(v[2].v, v[3].v);
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  return _mm256_permutevar8x32_epi32(_mm256_packus_epi16(low, high), order);
}
inline void store_block(u8* to, const Narrow (&v)[4]) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), as_bytes(v));
}

// Sixteen 16-bit lanes, for the half-precision route.
struct Half {
  __m256i v;

  static constexpr int width = 16;
  static constexpr int lanes = 16;

  static Half set(u16 w) { return {_mm256_set1_epi16(static_cast<short>(w))}; }

  friend Half operator+(Half a, Half b) { return {_mm256_add_epi16(a.v, b.v)}; }
  friend Half operator&(Half a, Half b) { return {_mm256_and_si256(a.v, b.v)}; }
  friend Half operator|(Half a, Half b) { return {_mm256_or_si256(a.v, b.v)}; }
};

inline __m128i shift_count(Half n) { return _mm_cvtepu16_epi64(_mm256_castsi256_si128(n.v)); }
inline Half shl_uniform(Half a, Half n) { return {_mm256_sll_epi16(a.v, shift_count(n))}; }
inline Half shr_uniform(Half a, Half n) { return {_mm256_srl_epi16(a.v, shift_count(n))}; }
inline Half sra_uniform(Half a, Half n) { return {_mm256_sra_epi16(a.v, shift_count(n))}; }
inline Half greater(Half a, Half b) { return {_mm256_cmpgt_epi16(a.v, b.v)}; }
inline Half equal(Half a, Half b) { return {_mm256_cmpeq_epi16(a.v, b.v)}; }
inline Half min(Half a, Half b) { return {_mm256_min_epi16(a.v, b.v)}; }
inline Half and_not(Half mask, Half b) { return {_mm256_andnot_si256(mask.v, b.v)}; }
inline Half select(Half mask, Half yes, Half no) { return {_mm256_blendv_epi8(no.v, yes.v, mask.v)}; }

// (a * b + 2^14) >> 15, signed.
inline Half multiply_rounding(Half a, Half b) { return {_mm256_mulhrs_epi16(a.v, b.v)}; }

// Sixteen binary32 numbers scaled and truncated to binary16; `lost` is not 0 where that lost a bit.
struct TruncatedHalf {
  Half bits;
  Half lost;
};

inline TruncatedHalf truncate_to_half(const u32* from, const HalfRoute& h) {
  const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + 8));
  const __m256 scale = _mm256_castsi256_ps(_mm256_set1_epi32(static_cast<int>(h.scale)));
  const __m128i half_low = _mm256_cvtps_ph(_mm256_mul_ps(_mm256_castsi256_ps(low), scale), _MM_FROUND_TO_ZERO);
  const __m128i half_high = _mm256_cvtps_ph(_mm256_mul_ps(_mm256_castsi256_ps(high), scale), _MM_FROUND_TO_ZERO);
  const __m256i mask = _mm256_set1_epi32(static_cast<int>(h.sticky_mask));
  // Saturation keeps "not 0".
  const __m256i lost = _mm256_packus_epi32(_mm256_and_si256(low, mask), _mm256_and_si256(high, mask));
  return {{_mm256_set_m128i(half_high, half_low)}, {_mm256_permute4x64_epi64(lost, 0xd8)}};
}

// Sixteen binary32 numbers, scaled or not, rounded to binary16 by the environment.
template <bool scaled>
Half to_half(const Narrow (&x)[2], u32 scale) {
  const __m256 factor = _mm256_castsi256_ps(_mm256_set1_epi32(static_cast<int>(scale)));
  __m128i parts[2];
  for (int k = 0; k < 2; ++k) {
    const __m256 number = _mm256_castsi256_ps(x[k].v);
    parts[k] = _mm256_cvtps_ph(scaled ? _mm256_mul_ps(number, factor) : number, _MM_FROUND_CUR_DIRECTION);
  }
  return {_mm256_set_m128i(parts[1], parts[0])};
}

// Not 0 where a binary16, scaled back, is not the source. (Scaled, Inf counts as another; the difference is exact.)
template <bool scaled>
Half lost_by_half(const Narrow (&x)[2], Half half, u32 unscale) {
  const __m256 factor = _mm256_castsi256_ps(_mm256_set1_epi32(static_cast<int>(unscale)));
  const __m256 wide[2] = {_mm256_cvtph_ps(_mm256_castsi256_si128(half.v)),
                          _mm256_cvtph_ps(_mm256_extracti128_si256(half.v, 1))};
  __m256i lost[2];
  for (int k = 0; k < 2; ++k) {
    const __m256 number = _mm256_castsi256_ps(x[k].v);
    lost[k] = _mm256_castps_si256(scaled ? _mm256_fnmadd_ps(wide[k], factor, number)
                                         : _mm256_cmp_ps(wide[k], number, _CMP_NEQ_OQ));
  }
  return {_mm256_permute4x64_epi64(_mm256_packs_epi32(lost[0], lost[1]), 0xd8)};
}

inline Half odd_where_lost(Half code, Half lost) { return code | Half{_mm256_min_epu16(lost.v, Half::set(1).v)}; }

inline Half select_by_sign(Half signs, Half negative, Half positive) {
  return select({_mm256_srai_epi16(signs.v, 15)}, negative, positive);
}

inline bool any_beyond(Half a, Half b, u16 limit) {
  const Half most = Half::set(limit);
  const Half beyond = greater(a, most) | greater(b, most);
  return _mm256_testz_si256(beyond.v, beyond.v) == 0;
}

// One less where the last place is 0 and nothing was lost.
inline Half less_one_at_even(Half magnitude, Half last_place, Half lost) {
  return magnitude + equal(lost | (magnitude & last_place), Half::set(0));
}

inline void store(u16* to, Half v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), v.v); }

// Thirty-two 8-bit lanes: two vectors of sixteen made narrow. Packing works within 128-bit halves, so the lanes stand
// in an order of their own until they are stored.
struct Bytes {
  __m256i v;

  static Bytes set(u16 w) { return {_mm256_set1_epi8(static_cast<char>(w))}; }

  friend Bytes operator&(Bytes a, Bytes b) { return {_mm256_and_si256(a.v, b.v)}; }
  friend Bytes operator|(Bytes a, Bytes b) { return {_mm256_or_si256(a.v, b.v)}; }
};

inline Bytes load_bytes(const u8* from) { return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))}; }
inline bool any(Bytes a) { return _mm256_testz_si256(a.v, a.v) == 0; }
// By how much a, unsigned, exceeds b.
inline Bytes excess(Bytes a, Bytes b) { return {_mm256_subs_epu8(a.v, b.v)}; }
inline Bytes equal(Bytes a, Bytes b) { return {_mm256_cmpeq_epi8(a.v, b.v)}; }
inline Bytes and_not(Bytes mask, Bytes b) { return {_mm256_andnot_si256(mask.v, b.v)}; }
inline Bytes select(Bytes mask, Bytes yes, Bytes no) { return {_mm256_blendv_epi8(no.v, yes.v, mask.v)}; }
inline Bytes narrow(Half a, Half b) { return {_mm256_packus_epi16(a.v, b.v)}; }
inline Bytes narrow_mask(Half a, Half b) { return {_mm256_packs_epi16(a.v, b.v)}; }
inline Bytes negative(Half a, Half b) {
  return {_mm256_cmpgt_epi8(_mm256_setzero_si256(), _mm256_packs_epi16(a.v, b.v))};
}
inline void store_ordered(u8* to, Bytes v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_permute4x64_epi64(v.v, 0xd8));
}

// Sixteen codes of one or two bytes.
inline Half load_half(const u8* from) {
  return {_mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)))};
}
inline Half load_half(const u16* from) { return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))}; }

// Sixteen binary16 numbers as binary32, times a power of two (given by its bits) that keeps them exact.
inline void store_scaled(u32* to, Half bits, u32 scale) {
  const __m256 factor = _mm256_castsi256_ps(_mm256_set1_epi32(static_cast<int>(scale)));
  const __m256 low = _mm256_mul_ps(_mm256_cvtph_ps(_mm256_castsi256_si128(bits.v)), factor);
  const __m256 high = _mm256_mul_ps(_mm256_cvtph_ps(_mm256_extracti128_si256(bits.v, 1)), factor);
  store(to, {_mm256_castps_si256(low)});
  store(to + 8, {_mm256_castps_si256(high)});
}

// Thirty-two codes of a byte, in the order that `store_planes` undoes.
inline Bytes load_planes(const u8* from) {
  const __m256i order = _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7);
  return {_mm256_permutevar8x32_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)), order)};
}
// Stores thirty-two binary32 numbers by their two upper bytes; the lower two are zero.
inline void store_planes(u32* to, Bytes byte2, Bytes byte3) {
  const __m256i zero = _mm256_setzero_si256();
  const __m256i first = _mm256_unpacklo_epi8(byte2.v, byte3.v);
  const __m256i second = _mm256_unpackhi_epi8(byte2.v, byte3.v);
  store(to, {_mm256_unpacklo_epi16(zero, first)});
  store(to + 8, {_mm256_unpackhi_epi16(zero, first)});
  store(to + 16, {_mm256_unpacklo_epi16(zero, second)});
  store(to + 24, {_mm256_unpackhi_epi16(zero, second)});
}
// Codes below 16 looked up in the first 16 bytes of a table.
inline Bytes look_up(Bytes codes, const u8* table) {
  const __m128i entries = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
  return {_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(entries), codes.v)};
}

// Eight binary16 numbers as binary32.
inline Narrow widen_half(const u16* from) {
  return {_mm256_castps_si256(_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))))};
}

// Eight binary64 numbers rounded to odd: truncated (which also keeps large ones finite), and odd if that lost a bit.
inline Narrow round_to_odd(const double* from) {
  __m128 parts[2];
  for (int k = 0; k < 2; ++k) {
    const __m256d x = _mm256_loadu_pd(from + 4 * k);
    const __m128 truncated = _mm256_cvtpd_ps(x);
    const __m256d lost = _mm256_cmp_pd(_mm256_cvtps_pd(truncated), x, _CMP_NEQ_OQ);
    const __m128i narrow = _mm256_castsi256_si128(
        _mm256_permutevar8x32_epi32(_mm256_castpd_si256(lost), _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6)));
    parts[k] = _mm_or_ps(truncated, _mm_castsi128_ps(_mm_srli_epi32(narrow, 31)));
  }
  return {_mm256_castps_si256(_mm256_set_m128(parts[1], parts[0]))};
}

// Eight binary64 numbers rounded by the environment.
inline Narrow round_to_nearest(const double* from) {
  const __m128 low = _mm256_cvtpd_ps(_mm256_loadu_pd(from));
  return {_mm256_castps_si256(_mm256_set_m128(_mm256_cvtpd_ps(_mm256_loadu_pd(from + 4)), low))};
}

// What is rounded for nearest_away in place of x.
template <Rounding mode>
__m256 no_tie(__m256 x) {
  return mode == Rounding::nearest_away ? _mm256_or_ps(x, _mm256_castsi256_ps(_mm256_set1_epi32(1))) : x;
}

// An integer, rounded down for to_odd: odd where that changed x.
template <Rounding mode>
__m256i odd_unless_exact(__m256i integer, __m256 rounded, __m256 x) {
  if constexpr (mode != Rounding::to_odd) return integer;
  const __m256i changed = _mm256_castps_si256(_mm256_cmp_ps(rounded, x, _CMP_NEQ_OQ));
  return _mm256_or_si256(integer, _mm256_srli_epi32(changed, 31));
}

// Binary32 numbers to the codes of an integer format.
template <Rounding mode>
Narrow round_to_integer(Narrow bits, const IntegerRoute& r) {
  const __m256 x = _mm256_castsi256_ps(bits.v);
  const __m256 scaled = _mm256_mul_ps(x, _mm256_castsi256_ps(_mm256_set1_epi32(static_cast<int>(r.scale))));
  const __m256 lowest = _mm256_set1_ps(static_cast<float>(r.lowest));
  const __m256 highest = _mm256_set1_ps(static_cast<float>(r.highest));
  const __m256 clamped = _mm256_min_ps(_mm256_max_ps(scaled, lowest), highest);
  const __m256 whole = _mm256_round_ps(no_tie<mode>(clamped), rounding_immediate<mode>);
  const __m256i integer = odd_unless_exact<mode>(_mm256_cvtps_epi32(whole), whole, clamped);
  const __m256i number = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_ORD_Q));
  const __m256i code = _mm256_blendv_epi8(_mm256_set1_epi32(static_cast<int>(r.nan)), integer, number);
  return {_mm256_and_si256(code, _mm256_set1_epi32(static_cast<int>(r.code_mask)))};
}

// The same, rounded by the environment, but for NaN and for numbers below the lowest, which stay below it:
// `store_integers` clamps those.
template <Rounding mode, bool scaled>
Narrow round_below(Narrow bits, const IntegerRoute& r) {
  const __m256 unscale = _mm256_castsi256_ps(_mm256_set1_epi32(static_cast<int>(r.unscale)));
  const __m256 highest = _mm256_mul_ps(_mm256_set1_ps(static_cast<float>(r.highest)), unscale);
  // As integers, binary32 numbers above zero are in the same order, and the others below them.
  const __m256 limited = _mm256_castsi256_ps(_mm256_min_epi32(bits.v, _mm256_castps_si256(highest)));
  const __m256 scale = _mm256_castsi256_ps(_mm256_set1_epi32(static_cast<int>(r.scale)));
  const __m256 number = scaled ? _mm256_mul_ps(limited, scale) : limited;
  const __m256i integer = _mm256_cvtps_epi32(no_tie<mode>(number));
  return {odd_unless_exact<mode>(integer, _mm256_cvtepi32_ps(integer), number)};
}
inline void store_integers(u8* to, const Narrow (&v)[4], const IntegerRoute& r) {
  const __m256i lowest = _mm256_set1_epi16(static_cast<short>(r.lowest));
  const __m256i mask = _mm256_set1_epi16(static_cast<short>(r.code_mask));
  __m256i codes[2];
  for (int k = 0; k < 2; ++k) {
    const __m256i words = _mm256_packs_epi32(v[2 * k].v, v[2 * k + 1].v);
    codes[k] = _mm256_and_si256(_mm256_max_epi16(words, lowest), mask);
  }
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  const __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(codes[0], codes[1]), order);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), bytes);
}

// Integers in two's complement at the top of their lanes, shifted down and scaled.
inline Narrow integer_value(Narrow code, const IntegerRoute& r) {
  const __m128i count = _mm_cvtsi32_si128(static_cast<int>(r.sign_extension));
  const __m256i integer = _mm256_sra_epi32(_mm256_sll_epi32(code.v, count), count);
  const __m256 scale = _mm256_castsi256_ps(_mm256_set1_epi32(static_cast<int>(r.unscale)));
  return {_mm256_castps_si256(_mm256_mul_ps(_mm256_cvtepi32_ps(integer), scale))};
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
