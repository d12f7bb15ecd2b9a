// The AVX-512 target (F, BW, DQ, VL): sixteen 32-bit lanes, thirty-two 16-bit lanes.
#pragma once

#include "../../halfulp/codebook.hpp"
#include "../../halfulp/half_route.hpp"
#include "../../halfulp/integer_route.hpp"
#include "../../halfulp/scalar.hpp"
#include "x86.hpp"

namespace halfulp {
inline namespace HALFULP_TARGET {

struct Narrow {
  __m512i v;

  static constexpr int width = 32;
  static constexpr int lanes = 16;

  static Narrow set(u32 w) { return {_mm512_set1_epi32(static_cast<int>(w))}; }

  friend Narrow operator+(Narrow a, Narrow b) { return {_mm512_add_epi32(a.v, b.v)}; }
  friend Narrow operator-(Narrow a, Narrow b) { return {_mm512_sub_epi32(a.v, b.v)}; }
  friend Narrow operator&(Narrow a, Narrow b) { return {_mm512_and_si512(a.v, b.v)}; }
  friend Narrow operator|(Narrow a, Narrow b) { return {_mm512_or_si512(a.v, b.v)}; }
  friend Narrow operator^(Narrow a, Narrow b) { return {_mm512_xor_si512(a.v, b.v)}; }
};

inline Narrow shl(Narrow a, Narrow n) { return {_mm512_sllv_epi32(a.v, n.v)}; }
inline Narrow shr(Narrow a, Narrow n) { return {_mm512_srlv_epi32(a.v, n.v)}; }
inline Narrow shr_uniform(Narrow a, Narrow n) {
  return {_mm512_srl_epi32(a.v, _mm_cvtepu32_epi64(_mm512_castsi512_si128(n.v)))};
}
template <int N>
Narrow shl(Narrow a) {
  return {_mm512_slli_epi32(a.v, N)};
}
template <int N>
Narrow shr(Narrow a) {
  return {_mm512_srli_epi32(a.v, N)};
}
// Masks are vectors here as everywhere; the compiler turns a mask made and used at once back into a mask register.
inline Narrow greater(Narrow a, Narrow b) { return {_mm512_movm_epi32(_mm512_cmpgt_epi32_mask(a.v, b.v))}; }
inline Narrow equal(Narrow a, Narrow b) { return {_mm512_movm_epi32(_mm512_cmpeq_epi32_mask(a.v, b.v))}; }
inline Narrow and_not(Narrow mask, Narrow b) { return {_mm512_andnot_si512(mask.v, b.v)}; }
inline Narrow select(Narrow mask, Narrow yes, Narrow no) {
  return {_mm512_mask_blend_epi32(_mm512_movepi32_mask(mask.v), no.v, yes.v)};
}
// Whether any of four vectors of binary32 numbers has a NaN: one comparison sees two of them.
inline bool any_nan(const Narrow (&x)[4]) {
  const __mmask16 first = _mm512_cmp_ps_mask(_mm512_castsi512_ps(x[0].v), _mm512_castsi512_ps(x[1].v), _CMP_UNORD_Q);
  const __mmask16 second = _mm512_cmp_ps_mask(_mm512_castsi512_ps(x[2].v), _mm512_castsi512_ps(x[3].v), _CMP_UNORD_Q);
  return _mm512_kortestz(first, second) == 0;
}
inline Narrow max(Narrow a, Narrow b) { return {_mm512_max_epi32(a.v, b.v)}; }
inline Narrow min(Narrow a, Narrow b) { return {_mm512_min_epi32(a.v, b.v)}; }
inline Narrow highest_bit(Narrow a) { return {_mm512_sub_epi32(_mm512_set1_epi32(31), _mm512_lzcnt_epi32(a.v))}; }

inline Narrow load(const u8* from) {
  return {_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)))};
}
inline Narrow load(const u16* from) {
  return {_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)))};
}
inline Narrow load(const u32* from) { return {_mm512_loadu_si512(from)}; }
inline void store(u32* to, Narrow v) { _mm512_storeu_si512(to, v.v); }

// Stores 64 codes. The saturating packs work within 128-bit quarters; the permutes put them in order.
inline void store_block(u32* to, const Narrow (&v)[4]) {
  for (int k = 0; k < 4; ++k) store(to + 16 * k, v[k]);
}
inline void store_block(u16* to, const Narrow (&v)[4]) {
  const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
  for (int k = 0; k < 4; k += 2) {
    _mm512_storeu_si512(to + 16 * k, _mm512_permutexvar_epi64(order, _mm512_packus_epi32(v[k].v, v[k + 1].v)));
  }
}
inline __m512i as_bytes(const Narrow (&v)[4]) {
  const __m512i low = _mm512_packus_epi32(v[0].v, v[1].v);
  const __m512i high = _mm512_packus_epi32(v[2].v, v[3].v);
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return _mm512_permutexvar_epi32(order, _mm512_packus_epi16(low, high));
}
inline void store_block(u8* to, const Narrow (&v)[4]) { _mm512_storeu_si512(to, as_bytes(v)); }

// Thirty-two 16-bit lanes, for the half-precision route.
struct Half {
  __m512i v;

  static constexpr int width = 16;
  static constexpr int lanes = 32;

  static Half set(u16 w) { return {_mm512_set1_epi16(static_cast<short>(w))}; }

  friend Half operator+(Half a, Half b) { return {_mm512_add_epi16(a.v, b.v)}; }
  friend Half operator-(Half a, Half b) { return {_mm512_sub_epi16(a.v, b.v)}; }
  friend Half operator&(Half a, Half b) { return {_mm512_and_si512(a.v, b.v)}; }
  friend Half operator|(Half a, Half b) { return {_mm512_or_si512(a.v, b.v)}; }
};

inline __m128i shift_count(Half n) { return _mm_cvtepu16_epi64(_mm512_castsi512_si128(n.v)); }
inline Half shl_uniform(Half a, Half n) { return {_mm512_sll_epi16(a.v, shift_count(n))}; }
inline Half shr_uniform(Half a, Half n) { return {_mm512_srl_epi16(a.v, shift_count(n))}; }
inline Half sra_uniform(Half a, Half n) { return {_mm512_sra_epi16(a.v, shift_count(n))}; }
inline Half greater(Half a, Half b) { return {_mm512_movm_epi16(_mm512_cmpgt_epi16_mask(a.v, b.v))}; }
inline Half equal(Half a, Half b) { return {_mm512_movm_epi16(_mm512_cmpeq_epi16_mask(a.v, b.v))}; }
inline Half min(Half a, Half b) { return {_mm512_min_epi16(a.v, b.v)}; }
inline Half and_not(Half mask, Half b) { return {_mm512_andnot_si512(mask.v, b.v)}; }
inline Half select(Half mask, Half yes, Half no) {
  return {_mm512_mask_blend_epi16(_mm512_movepi16_mask(mask.v), no.v, yes.v)};
}

// (a * b + 2^14) >> 15, signed.
inline Half multiply_rounding(Half a, Half b) { return {_mm512_mulhrs_epi16(a.v, b.v)}; }

// Thirty-two binary32 numbers scaled and truncated to binary16, and where that lost a bit.
struct TruncatedHalf {
  Half bits;
  __mmask32 lost;
};

inline TruncatedHalf truncate_to_half(const u32* from, const HalfRoute& h) {
  const __m512i low = _mm512_loadu_si512(from);
  const __m512i high = _mm512_loadu_si512(from + 16);
  const __m512 scale = _mm512_castsi512_ps(_mm512_set1_epi32(static_cast<int>(h.scale)));
  const __m256i half_low = _mm512_cvtps_ph(_mm512_mul_ps(_mm512_castsi512_ps(low), scale), _MM_FROUND_TO_ZERO);
  const __m256i half_high = _mm512_cvtps_ph(_mm512_mul_ps(_mm512_castsi512_ps(high), scale), _MM_FROUND_TO_ZERO);
  const __m512i mask = _mm512_set1_epi32(static_cast<int>(h.sticky_mask));
  const __mmask32 lost = _mm512_kunpackw(_mm512_test_epi32_mask(high, mask), _mm512_test_epi32_mask(low, mask));
  return {{_mm512_inserti64x4(_mm512_castsi256_si512(half_low), half_high, 1)}, lost};
}

// Thirty-two binary32 numbers, scaled or not, rounded to binary16 by the environment.
template <bool scaled>
Half to_half(const Narrow (&x)[2], u32 scale) {
  const __m512 factor = _mm512_castsi512_ps(_mm512_set1_epi32(static_cast<int>(scale)));
  __m256i parts[2];
  for (int k = 0; k < 2; ++k) {
    const __m512 number = _mm512_castsi512_ps(x[k].v);
    parts[k] = _mm512_cvtps_ph(scaled ? _mm512_mul_ps(number, factor) : number, _MM_FROUND_CUR_DIRECTION);
  }
  return {_mm512_inserti64x4(_mm512_castsi256_si512(parts[0]), parts[1], 1)};
}

// Where a binary16, scaled back, is not the source. (Scaled, Inf counts as another; the difference is exact.)
template <bool scaled>
__mmask32 lost_by_half(const Narrow (&x)[2], Half half, u32 unscale) {
  const __m512 factor = _mm512_castsi512_ps(_mm512_set1_epi32(static_cast<int>(unscale)));
  const __m512 wide[2] = {_mm512_cvtph_ps(_mm512_castsi512_si256(half.v)),
                          _mm512_cvtph_ps(_mm512_extracti64x4_epi64(half.v, 1))};
  __mmask16 lost[2];
  for (int k = 0; k < 2; ++k) {
    const __m512 number = _mm512_castsi512_ps(x[k].v);
    const __m512i rest = _mm512_castps_si512(_mm512_fnmadd_ps(wide[k], factor, number));
    lost[k] = scaled ? _mm512_test_epi32_mask(rest, rest) : _mm512_cmp_ps_mask(wide[k], number, _CMP_NEQ_OQ);
  }
  return _mm512_kunpackw(lost[1], lost[0]);
}

inline Half odd_where_lost(Half code, __mmask32 lost) {
  return {_mm512_mask_blend_epi16(lost, code.v, (code | Half::set(1)).v)};
}

inline Half select_by_sign(Half signs, Half negative, Half positive) {
  return {_mm512_mask_blend_epi16(_mm512_movepi16_mask(signs.v), positive.v, negative.v)};
}

inline bool any_beyond(Half a, Half b, u16 limit) {
  const __m512i most = Half::set(limit).v;
  return _kortestz_mask32_u8(_mm512_cmpgt_epi16_mask(a.v, most), _mm512_cmpgt_epi16_mask(b.v, most)) == 0;
}

// One less where the last place is 0 and nothing was lost.
inline Half less_one_at_even(Half magnitude, Half last_place, __mmask32 lost) {
  const __mmask32 stays = _mm512_mask_testn_epi16_mask(_knot_mask32(lost), magnitude.v, last_place.v);
  return {_mm512_mask_sub_epi16(magnitude.v, stays, magnitude.v, _mm512_set1_epi16(1))};
}

inline void store(u16* to, Half v) { _mm512_storeu_si512(to, v.v); }

// Sixty-four 8-bit lanes: two vectors of thirty-two made narrow. Packing works within 128-bit quarters, so the lanes
// stand in an order of their own until they are stored.
struct Bytes {
  __m512i v;

  static constexpr usize lanes = 64;

  static Bytes set(u16 w) { return {_mm512_set1_epi8(static_cast<char>(w))}; }

  friend Bytes operator+(Bytes a, Bytes b) { return {_mm512_add_epi8(a.v, b.v)}; }
  friend Bytes operator&(Bytes a, Bytes b) { return {_mm512_and_si512(a.v, b.v)}; }
  friend Bytes operator^(Bytes a, Bytes b) { return {_mm512_xor_si512(a.v, b.v)}; }
  friend Bytes operator|(Bytes a, Bytes b) { return {_mm512_or_si512(a.v, b.v)}; }
};

inline Bytes load_bytes(const u8* from) { return {_mm512_loadu_si512(from)}; }
inline void store(u8* to, Bytes v) { _mm512_storeu_si512(to, v.v); }
inline Bytes max(Bytes a, Bytes b) { return {_mm512_max_epu8(a.v, b.v)}; }
inline Bytes min(Bytes a, Bytes b) { return {_mm512_min_epu8(a.v, b.v)}; }
// Where no bit leaves its lane.
template <int N>
Bytes shl(Bytes a) {
  return {_mm512_slli_epi16(a.v, N)};
}
inline Bytes shl(Bytes a, int n) { return {_mm512_sll_epi16(a.v, _mm_cvtsi32_si128(n))}; }
inline bool any(Bytes a) { return _mm512_test_epi8_mask(a.v, a.v) != 0; }
// By how much a, unsigned, exceeds b.
inline Bytes excess(Bytes a, Bytes b) { return {_mm512_subs_epu8(a.v, b.v)}; }
inline Bytes equal(Bytes a, Bytes b) { return {_mm512_movm_epi8(_mm512_cmpeq_epi8_mask(a.v, b.v))}; }
inline Bytes and_not(Bytes mask, Bytes b) { return {_mm512_andnot_si512(mask.v, b.v)}; }
inline Bytes select(Bytes mask, Bytes yes, Bytes no) {
  return {_mm512_mask_blend_epi8(_mm512_movepi8_mask(mask.v), no.v, yes.v)};
}
inline Bytes narrow(Half a, Half b) { return {_mm512_packus_epi16(a.v, b.v)}; }
inline Bytes narrow_mask(Half a, Half b) { return {_mm512_packs_epi16(a.v, b.v)}; }
inline Bytes negative(Half a, Half b) { return {_mm512_movm_epi8(_mm512_movepi8_mask(_mm512_packs_epi16(a.v, b.v)))}; }
inline void store_ordered(u8* to, Bytes v) {
  const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
  _mm512_storeu_si512(to, _mm512_permutexvar_epi64(order, v.v));
}

// The upper halves of thirty-two words, one more where the lower half is beyond the last one that stays below.
#define HALFULP_UPPER_HALVES
template <Increment kind>
Half round_upper_halves(Narrow first, Narrow second, BySign<u16> stays) {
  const __m512i pairs =
      _mm512_cvtepu8_epi16(_mm256_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38,
                                            40, 42, 44, 46, 48, 50, 52, 54, 56, 58, 60, 62));
  const __m512i lower = _mm512_permutex2var_epi16(first.v, pairs, second.v);
  const __m512i upper = _mm512_permutex2var_epi16(first.v, _mm512_or_si512(pairs, _mm512_set1_epi16(1)), second.v);
  const Half last_below = last_to_stay<kind>(Half{upper}, stays);
  const __mmask32 up = _mm512_cmpgt_epu16_mask(lower, last_below.v);
  return {_mm512_mask_add_epi16(upper, up, upper, _mm512_set1_epi16(1))};
}

// Thirty-two codes of one or two bytes.
inline Half load_half(const u8* from) {
  return {_mm512_cvtepu8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)))};
}
inline Half load_half(const u16* from) { return {_mm512_loadu_si512(from)}; }

// Thirty-two binary16 numbers as binary32, times a power of two (given by its bits) that keeps them exact.
inline void store_scaled(u32* to, Half bits, u32 scale) {
  const __m512 factor = _mm512_castsi512_ps(_mm512_set1_epi32(static_cast<int>(scale)));
  const __m512 low = _mm512_mul_ps(_mm512_cvtph_ps(_mm512_castsi512_si256(bits.v)), factor);
  const __m512 high = _mm512_mul_ps(_mm512_cvtph_ps(_mm512_extracti64x4_epi64(bits.v, 1)), factor);
  store(to, {_mm512_castps_si512(low)});
  store(to + 16, {_mm512_castps_si512(high)});
}

// Sixty-four codes of a byte, in the order that `store_planes` undoes.
inline Bytes load_planes(const u8* from) {
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return {_mm512_permutexvar_epi32(order, _mm512_loadu_si512(from))};
}
// Sixty-four binary32 numbers by their two upper bytes; the lower two are zero.
inline void join_planes(Bytes byte2, Bytes byte3, Narrow (&to)[4]) {
  const __m512i zero = _mm512_setzero_si512();
  const __m512i first = _mm512_unpacklo_epi8(byte2.v, byte3.v);
  const __m512i second = _mm512_unpackhi_epi8(byte2.v, byte3.v);
  to[0] = {_mm512_unpacklo_epi16(zero, first)};
  to[1] = {_mm512_unpackhi_epi16(zero, first)};
  to[2] = {_mm512_unpacklo_epi16(zero, second)};
  to[3] = {_mm512_unpackhi_epi16(zero, second)};
}
inline void store_planes(u32* to, Bytes byte2, Bytes byte3) {
  Narrow numbers[4];
  join_planes(byte2, byte3, numbers);
  for (int k = 0; k < 4; ++k) store(to + 16 * k, numbers[k]);
}
// Codes below 16 looked up in the first 16 bytes of a table.
inline Bytes look_up(Bytes codes, const u8* table) {
  const __m128i entries = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
  return {_mm512_shuffle_epi8(_mm512_broadcast_i32x4(entries), codes.v)};
}

// Sixteen binary16 numbers as binary32.
inline Narrow widen_half(const u16* from) {
  return {_mm512_castps_si512(_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))))};
}

// Sixteen binary64 numbers rounded to odd: truncated (which also keeps large ones finite), and odd if that lost a bit.
inline Narrow round_to_odd(const double* from) {
  __m256i parts[2];
  for (int k = 0; k < 2; ++k) {
    const __m512d x = _mm512_loadu_pd(from + 8 * k);
    const __m256 truncated = _mm512_cvt_roundpd_ps(x, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
    const __mmask8 lost = _mm512_cmp_pd_mask(_mm512_cvtps_pd(truncated), x, _CMP_NEQ_OQ);
    const __m256i bits = _mm256_castps_si256(truncated);
    parts[k] = _mm256_mask_or_epi32(bits, lost, bits, _mm256_set1_epi32(1));
  }
  return {_mm512_inserti64x4(_mm512_castsi256_si512(parts[0]), parts[1], 1)};
}

// Sixteen binary64 numbers rounded to nearest.
inline Narrow round_to_nearest(const double* from) {
  __m256i parts[2];
  for (int k = 0; k < 2; ++k) {
    constexpr int nearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    parts[k] = _mm256_castps_si256(_mm512_cvt_roundpd_ps(_mm512_loadu_pd(from + 8 * k), nearest));
  }
  return {_mm512_inserti64x4(_mm512_castsi256_si512(parts[0]), parts[1], 1)};
}

// What is rounded for nearest_away in place of x.
template <Rounding mode>
__m512 no_tie(__m512 x) {
  return mode == Rounding::nearest_away ? _mm512_or_ps(x, _mm512_castsi512_ps(_mm512_set1_epi32(1))) : x;
}

// An integer, rounded down for to_odd: odd where that changed x.
template <Rounding mode>
__m512i odd_unless_exact(__m512i integer, __m512 rounded, __m512 x) {
  if constexpr (mode != Rounding::to_odd) return integer;
  const __mmask16 changed = _mm512_cmp_ps_mask(rounded, x, _CMP_NEQ_OQ);
  return _mm512_mask_or_epi32(integer, changed, integer, _mm512_set1_epi32(1));
}

// Binary32 numbers to the codes of an integer format.
template <Rounding mode>
Narrow round_to_integer(Narrow bits, const IntegerRoute& r) {
  const __m512 x = _mm512_castsi512_ps(bits.v);
  const __m512 scaled = _mm512_mul_ps(x, _mm512_castsi512_ps(_mm512_set1_epi32(static_cast<int>(r.scale))));
  const __m512 lowest = _mm512_set1_ps(static_cast<float>(r.lowest));
  const __m512 highest = _mm512_set1_ps(static_cast<float>(r.highest));
  const __m512 clamped = _mm512_min_ps(_mm512_max_ps(scaled, lowest), highest);
  const __m512 whole = _mm512_roundscale_ps(no_tie<mode>(clamped), rounding_immediate<mode>);
  const __m512i integer = odd_unless_exact<mode>(_mm512_cvtps_epi32(whole), whole, clamped);
  const __mmask16 number = _mm512_cmp_ps_mask(x, x, _CMP_ORD_Q);
  const __m512i nan = _mm512_set1_epi32(static_cast<int>(r.nan));
  const __m512i code = _mm512_mask_mov_epi32(nan, number, integer);
  return {_mm512_and_si512(code, _mm512_set1_epi32(static_cast<int>(r.code_mask)))};
}

// The same but for NaN and for numbers below the lowest, which stay below it: `store_integers` clamps those.
template <Rounding mode, bool scaled>
Narrow round_below(Narrow bits, const IntegerRoute& r) {
  const __m512 unscale = _mm512_castsi512_ps(_mm512_set1_epi32(static_cast<int>(r.unscale)));
  const __m512 highest = _mm512_mul_ps(_mm512_set1_ps(static_cast<float>(r.highest)), unscale);
  // As integers, binary32 numbers above zero are in the same order, and the others below them.
  const __m512 limited = _mm512_castsi512_ps(_mm512_min_epi32(bits.v, _mm512_castps_si512(highest)));
  const __m512 scale = _mm512_castsi512_ps(_mm512_set1_epi32(static_cast<int>(r.scale)));
  const __m512 number = scaled ? _mm512_mul_ps(limited, scale) : limited;
  const __m512i integer = _mm512_cvt_roundps_epi32(no_tie<mode>(number), rounding_immediate<mode>);
  return {odd_unless_exact<mode>(integer, _mm512_cvtepi32_ps(integer), number)};
}
inline void store_integers(u8* to, const Narrow (&v)[4], const IntegerRoute& r) {
  const __m512i lowest = _mm512_set1_epi16(static_cast<short>(r.lowest));
  const __m512i mask = _mm512_set1_epi16(static_cast<short>(r.code_mask));
  __m512i codes[2];
  for (int k = 0; k < 2; ++k) {
    const __m512i words = _mm512_packs_epi32(v[2 * k].v, v[2 * k + 1].v);
    codes[k] = _mm512_and_si512(_mm512_max_epi16(words, lowest), mask);
  }
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  _mm512_storeu_si512(to, _mm512_permutexvar_epi32(order, _mm512_packus_epi16(codes[0], codes[1])));
}

// Integers in two's complement at the top of their lanes, shifted down and scaled.
inline Narrow integer_value(Narrow code, const IntegerRoute& r) {
  const __m128i count = _mm_cvtsi32_si128(static_cast<int>(r.sign_extension));
  const __m512i integer = _mm512_sra_epi32(_mm512_sll_epi32(code.v, count), count);
  const __m512 scale = _mm512_castsi512_ps(_mm512_set1_epi32(static_cast<int>(r.unscale)));
  return {_mm512_castps_si512(_mm512_mul_ps(_mm512_cvtepi32_ps(integer), scale))};
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
