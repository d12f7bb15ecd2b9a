// The AVX2 target: eight 32-bit lanes, sixteen 16-bit lanes, and binary16 conversion by F16C.
#pragma once

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
inline Narrow shr_uniform(Narrow a, Narrow n) { return shr(a, n); }
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
inline bool any(Narrow mask) { return _mm256_testz_si256(mask.v, mask.v) == 0; }
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
inline void store_block(u8* to, const Narrow (&v)[4]) {
  const __m256i low = _mm256_packus_epi32(v[0].v, v[1].v);
  const __m256i high = _mm256_packus_epi32(v[2].v, v[3].v);
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  const __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(low, high), order);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), bytes);
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
inline Half greater(Half a, Half b) { return {_mm256_cmpgt_epi16(a.v, b.v)}; }
inline Half equal(Half a, Half b) { return {_mm256_cmpeq_epi16(a.v, b.v)}; }
inline Half min(Half a, Half b) { return {_mm256_min_epi16(a.v, b.v)}; }
inline Half and_not(Half mask, Half b) { return {_mm256_andnot_si256(mask.v, b.v)}; }
inline Half select(Half mask, Half yes, Half no) { return {_mm256_blendv_epi8(no.v, yes.v, mask.v)}; }

// Sixteen binary32 numbers scaled and truncated to binary16, with every bit that was lost gathered in bit 0.
inline Half truncate_to_half(const u32* from, const HalfRoute& h) {
  const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + 8));
  const __m256 scale = _mm256_castsi256_ps(_mm256_set1_epi32(static_cast<int>(h.scale)));
  const __m128i half_low = _mm256_cvtps_ph(_mm256_mul_ps(_mm256_castsi256_ps(low), scale), _MM_FROUND_TO_ZERO);
  const __m128i half_high = _mm256_cvtps_ph(_mm256_mul_ps(_mm256_castsi256_ps(high), scale), _MM_FROUND_TO_ZERO);
  const __m256i mask = _mm256_set1_epi32(static_cast<int>(h.sticky_mask));
  const __m256i lost = _mm256_packus_epi32(_mm256_and_si256(low, mask), _mm256_and_si256(high, mask));
  const __m256i sticky = _mm256_min_epu16(_mm256_permute4x64_epi64(lost, 0xd8), _mm256_set1_epi16(1));
  return {_mm256_or_si256(_mm256_set_m128i(half_high, half_low), sticky)};
}

// Stores 32 codes.
inline void store_block(u16* to, const Half (&v)[2]) {
  for (int k = 0; k < 2; ++k) _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + 16 * k), v[k].v);
}
inline void store_block(u8* to, const Half (&v)[2]) {
  const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packus_epi16(v[0].v, v[1].v), 0xd8);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), bytes);
}

// Sixteen binary32 numbers rounded to binary16, nearest even.
inline Half round_to_half(const u32* from) {
  __m128i parts[2];
  for (int k = 0; k < 2; ++k) {
    const __m256 x = _mm256_loadu_ps(reinterpret_cast<const float*>(from) + 8 * k);
    parts[k] = _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT);
  }
  return {_mm256_set_m128i(parts[1], parts[0])};
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

// Sixteen codes below 16 looked up in the two upper bytes of their binary32 values; the lower two are zero.
inline void store_nibbles(u32* to, const u8* codes, const u8 (&byte2)[16], const u8 (&byte3)[16]) {
  const __m128i index = _mm_loadu_si128(reinterpret_cast<const __m128i*>(codes));
  const __m128i low = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(byte2)), index);
  const __m128i high = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(byte3)), index);
  store(to, shl<16>(Narrow{_mm256_cvtepu16_epi32(_mm_unpacklo_epi8(low, high))}));
  store(to + 8, shl<16>(Narrow{_mm256_cvtepu16_epi32(_mm_unpackhi_epi8(low, high))}));
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

// Binary32 numbers to the codes of an integer format.
template <Rounding mode>
Narrow round_to_integer(Narrow bits, const IntegerRoute& r) {
  const __m256 x = _mm256_castsi256_ps(bits.v);
  const __m256 scaled = _mm256_mul_ps(x, _mm256_castsi256_ps(_mm256_set1_epi32(static_cast<int>(r.scale))));
  const __m256 whole = _mm256_round_ps(scaled, rounding_immediate<mode>);
  const __m256 lowest = _mm256_set1_ps(static_cast<float>(r.lowest));
  const __m256 highest = _mm256_set1_ps(static_cast<float>(r.highest));
  const __m256 clamped = _mm256_min_ps(_mm256_max_ps(whole, lowest), highest);
  const __m256i number = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_ORD_Q));
  const __m256i code =
      _mm256_blendv_epi8(_mm256_set1_epi32(static_cast<int>(r.nan)), _mm256_cvtps_epi32(clamped), number);
  return {_mm256_and_si256(code, _mm256_set1_epi32(static_cast<int>(r.code_mask)))};
}

// Integers in two's complement at the top of their lanes, shifted down and scaled.
inline Narrow integer_value(Narrow code, const IntegerRoute& r) {
  const __m128i count = _mm_cvtsi32_si128(static_cast<int>(r.sign_extension));
  const __m256i integer = _mm256_sra_epi32(_mm256_sll_epi32(code.v, count), count);
  const __m256 scale = _mm256_castsi256_ps(_mm256_set1_epi32(static_cast<int>(r.unscale)));
  return {_mm256_castps_si256(_mm256_mul_ps(_mm256_cvtepi32_ps(integer), scale))};
}

// Thirty-two bytes, or four 64-bit lanes, for packing.
struct Bytes {
  __m256i v;

  static constexpr usize size = 32;

  static Bytes set(u64 w) { return {_mm256_set1_epi64x(static_cast<i64>(w))}; }

  friend Bytes operator&(Bytes a, Bytes b) { return {_mm256_and_si256(a.v, b.v)}; }
  friend Bytes operator|(Bytes a, Bytes b) { return {_mm256_or_si256(a.v, b.v)}; }
};

inline Bytes and_not(Bytes mask, Bytes b) { return {_mm256_andnot_si256(mask.v, b.v)}; }
// In 64-bit lanes.
inline Bytes shl(Bytes a, int n) { return {_mm256_sll_epi64(a.v, _mm_cvtsi32_si128(n))}; }
inline Bytes shr(Bytes a, int n) { return {_mm256_srl_epi64(a.v, _mm_cvtsi32_si128(n))}; }
// Within each part of sixteen bytes.
inline Bytes shuffle(Bytes a, const u8 (&index)[16]) {
  const __m128i control = _mm_loadu_si128(reinterpret_cast<const __m128i*>(index));
  return {_mm256_shuffle_epi8(a.v, _mm256_broadcastsi128_si256(control))};
}
// Parts of sixteen bytes that lie `step` apart.
inline Bytes load_parts(const u8* from, usize step) {
  const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return {_mm256_inserti128_si256(_mm256_castsi128_si256(low),
                                  _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + step)), 1)};
}
inline void store_parts(u8* to, Bytes a, usize step) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(a.v));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to + step), _mm256_extracti128_si256(a.v, 1));
}
// Pairs of bytes below 2^half to one number, the second above the first, in 16-bit lanes.
template <int half>
Bytes join_pairs(Bytes a) {
  return {_mm256_maddubs_epi16(a.v, _mm256_set1_epi16(1 | 1 << (8 + half)))};
}
// Four bytes below 2^bits, bits <= 6, to one number in 32-bit lanes, the first lowest.
inline Bytes join_fours(Bytes a, int bits) {
  const __m256i pairs = _mm256_maddubs_epi16(a.v, _mm256_set1_epi16(static_cast<short>(1 | 1 << (8 + bits))));
  return {_mm256_madd_epi16(pairs, _mm256_set1_epi32(1 | 1 << (16 + 2 * bits)))};
}
// The low bytes of the 16-bit lanes of two vectors, whose high bytes are 0.
inline Bytes low_bytes(Bytes a, Bytes b) { return {_mm256_permute4x64_epi64(_mm256_packus_epi16(a.v, b.v), 0xd8)}; }
// Bytes in 16-bit lanes.
inline Bytes widen_bytes(const u8* from) {
  return {_mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)))};
}
// All 64-bit lanes or-ed into one.
inline u64 gather_bits(Bytes a) {
  alignas(32) u64 lanes[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), a.v);
  return lanes[0] | lanes[1] | lanes[2] | lanes[3];
}

// Values of 16 codes whose lower two bytes are zero, looked up for packed nibbles.
class NibbleValues {
 public:
  NibbleValues(const u8 (&byte2)[16], const u8 (&byte3)[16], const u32 (&)[256], bool high_first)
      : byte2_(twice(byte2)), byte3_(twice(byte3)), early_(high_first ? 4 : 0), late_(high_first ? 0 : 4) {}

  // Thirty-two values of sixteen bytes. Each half of a vector starts with the bytes whose values end up in that half of
  // the four results.
  void store(u32* to, const u8* packed) const {
    const __m256i both = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(packed)));
    const __m256i ours =
        _mm256_shuffle_epi8(both, _mm256_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 0, 0, 0, 0, 0, 0, 0, 0,  //
                                                   2, 3, 6, 7, 10, 11, 14, 15, 0, 0, 0, 0, 0, 0, 0, 0));
    const __m256i mask = _mm256_set1_epi8(15);
    const __m256i first = _mm256_and_si256(_mm256_srl_epi64(ours, _mm_cvtsi32_si128(early_)), mask);
    const __m256i second = _mm256_and_si256(_mm256_srl_epi64(ours, _mm_cvtsi32_si128(late_)), mask);
    const __m256i codes = _mm256_unpacklo_epi8(first, second);
    const __m256i low = _mm256_shuffle_epi8(byte2_, codes);
    const __m256i high = _mm256_shuffle_epi8(byte3_, codes);
    const __m256i zero = _mm256_setzero_si256();
    const __m256i front = _mm256_unpacklo_epi8(low, high);
    const __m256i back = _mm256_unpackhi_epi8(low, high);
    halfulp::store(to, {_mm256_unpacklo_epi16(zero, front)});
    halfulp::store(to + 8, {_mm256_unpackhi_epi16(zero, front)});
    halfulp::store(to + 16, {_mm256_unpacklo_epi16(zero, back)});
    halfulp::store(to + 24, {_mm256_unpackhi_epi16(zero, back)});
  }

 private:
  static __m256i twice(const u8 (&table)[16]) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table)));
  }

  __m256i byte2_;
  __m256i byte3_;
  int early_;
  int late_;
};

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
