// The AVX-512 target (F, BW, DQ, VL): sixteen 32-bit lanes, thirty-two 16-bit lanes.
#pragma once

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
inline Narrow shr_uniform(Narrow a, Narrow n) { return shr(a, n); }
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
inline bool any(Narrow mask) { return _mm512_test_epi32_mask(mask.v, mask.v) != 0; }
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
inline void store_block(u8* to, const Narrow (&v)[4]) {
  const __m512i low = _mm512_packus_epi32(v[0].v, v[1].v);
  const __m512i high = _mm512_packus_epi32(v[2].v, v[3].v);
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  _mm512_storeu_si512(to, _mm512_permutexvar_epi32(order, _mm512_packus_epi16(low, high)));
}

// Thirty-two 16-bit lanes, for the half-precision route.
struct Half {
  __m512i v;

  static constexpr int width = 16;
  static constexpr int lanes = 32;

  static Half set(u16 w) { return {_mm512_set1_epi16(static_cast<short>(w))}; }

  friend Half operator+(Half a, Half b) { return {_mm512_add_epi16(a.v, b.v)}; }
  friend Half operator&(Half a, Half b) { return {_mm512_and_si512(a.v, b.v)}; }
  friend Half operator|(Half a, Half b) { return {_mm512_or_si512(a.v, b.v)}; }
};

inline __m128i shift_count(Half n) { return _mm_cvtepu16_epi64(_mm512_castsi512_si128(n.v)); }
inline Half shl_uniform(Half a, Half n) { return {_mm512_sll_epi16(a.v, shift_count(n))}; }
inline Half shr_uniform(Half a, Half n) { return {_mm512_srl_epi16(a.v, shift_count(n))}; }
inline Half greater(Half a, Half b) { return {_mm512_movm_epi16(_mm512_cmpgt_epi16_mask(a.v, b.v))}; }
inline Half equal(Half a, Half b) { return {_mm512_movm_epi16(_mm512_cmpeq_epi16_mask(a.v, b.v))}; }
inline Half min(Half a, Half b) { return {_mm512_min_epi16(a.v, b.v)}; }
inline Half and_not(Half mask, Half b) { return {_mm512_andnot_si512(mask.v, b.v)}; }
inline Half select(Half mask, Half yes, Half no) {
  return {_mm512_mask_blend_epi16(_mm512_movepi16_mask(mask.v), no.v, yes.v)};
}

// Thirty-two binary32 numbers scaled and truncated to binary16, with every bit that was lost gathered in bit 0.
inline Half truncate_to_half(const u32* from, const HalfRoute& h) {
  const __m512i low = _mm512_loadu_si512(from);
  const __m512i high = _mm512_loadu_si512(from + 16);
  const __m512 scale = _mm512_castsi512_ps(_mm512_set1_epi32(static_cast<int>(h.scale)));
  const __m256i half_low = _mm512_cvtps_ph(_mm512_mul_ps(_mm512_castsi512_ps(low), scale), _MM_FROUND_TO_ZERO);
  const __m256i half_high = _mm512_cvtps_ph(_mm512_mul_ps(_mm512_castsi512_ps(high), scale), _MM_FROUND_TO_ZERO);
  const __m512i mask = _mm512_set1_epi32(static_cast<int>(h.sticky_mask));
  const __mmask32 lost = _mm512_kunpackw(_mm512_test_epi32_mask(high, mask), _mm512_test_epi32_mask(low, mask));
  const __m512i bits = _mm512_inserti64x4(_mm512_castsi256_si512(half_low), half_high, 1);
  return {_mm512_or_si512(bits, _mm512_maskz_set1_epi16(lost, 1))};
}

// Stores 64 codes.
inline void store_block(u16* to, const Half (&v)[2]) {
  for (int k = 0; k < 2; ++k) _mm512_storeu_si512(to + 32 * k, v[k].v);
}
inline void store_block(u8* to, const Half (&v)[2]) {
  for (int k = 0; k < 2; ++k) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + 32 * k), _mm512_cvtepi16_epi8(v[k].v));
  }
}

// Thirty-two binary32 numbers rounded to binary16, nearest even.
inline Half round_to_half(const u32* from) {
  __m256i parts[2];
  for (int k = 0; k < 2; ++k) {
    parts[k] = _mm512_cvtps_ph(_mm512_loadu_ps(from + 16 * k), _MM_FROUND_TO_NEAREST_INT);
  }
  return {_mm512_inserti64x4(_mm512_castsi256_si512(parts[0]), parts[1], 1)};
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

// Sixteen codes below 16 looked up in the two upper bytes of their binary32 values; the lower two are zero.
inline void store_nibbles(u32* to, const u8* codes, const u8 (&byte2)[16], const u8 (&byte3)[16]) {
  const __m128i index = _mm_loadu_si128(reinterpret_cast<const __m128i*>(codes));
  const __m128i low = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(byte2)), index);
  const __m128i high = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(byte3)), index);
  const __m256i pairs = _mm256_set_m128i(_mm_unpackhi_epi8(low, high), _mm_unpacklo_epi8(low, high));
  store(to, shl<16>(Narrow{_mm512_cvtepu16_epi32(pairs)}));
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

// Binary32 numbers to the codes of an integer format.
template <Rounding mode>
Narrow round_to_integer(Narrow bits, const IntegerRoute& r) {
  const __m512 x = _mm512_castsi512_ps(bits.v);
  const __m512 scaled = _mm512_mul_ps(x, _mm512_castsi512_ps(_mm512_set1_epi32(static_cast<int>(r.scale))));
  const __m512 whole = _mm512_roundscale_ps(scaled, rounding_immediate<mode>);
  const __m512 lowest = _mm512_set1_ps(static_cast<float>(r.lowest));
  const __m512 highest = _mm512_set1_ps(static_cast<float>(r.highest));
  const __m512 clamped = _mm512_min_ps(_mm512_max_ps(whole, lowest), highest);
  const __mmask16 number = _mm512_cmp_ps_mask(x, x, _CMP_ORD_Q);
  const __m512i nan = _mm512_set1_epi32(static_cast<int>(r.nan));
  const __m512i code = _mm512_mask_mov_epi32(nan, number, _mm512_cvtps_epi32(clamped));
  return {_mm512_and_si512(code, _mm512_set1_epi32(static_cast<int>(r.code_mask)))};
}

// Integers in two's complement at the top of their lanes, shifted down and scaled.
inline Narrow integer_value(Narrow code, const IntegerRoute& r) {
  const __m128i count = _mm_cvtsi32_si128(static_cast<int>(r.sign_extension));
  const __m512i integer = _mm512_sra_epi32(_mm512_sll_epi32(code.v, count), count);
  const __m512 scale = _mm512_castsi512_ps(_mm512_set1_epi32(static_cast<int>(r.unscale)));
  return {_mm512_castps_si512(_mm512_mul_ps(_mm512_cvtepi32_ps(integer), scale))};
}

// Sixty-four bytes, or eight 64-bit lanes, for packing.
struct Bytes {
  __m512i v;

  static constexpr usize size = 64;

  static Bytes set(u64 w) { return {_mm512_set1_epi64(static_cast<i64>(w))}; }

  friend Bytes operator&(Bytes a, Bytes b) { return {_mm512_and_si512(a.v, b.v)}; }
  friend Bytes operator|(Bytes a, Bytes b) { return {_mm512_or_si512(a.v, b.v)}; }
};

inline Bytes and_not(Bytes mask, Bytes b) { return {_mm512_andnot_si512(mask.v, b.v)}; }
// In 64-bit lanes.
inline Bytes shl(Bytes a, int n) { return {_mm512_sll_epi64(a.v, _mm_cvtsi32_si128(n))}; }
inline Bytes shr(Bytes a, int n) { return {_mm512_srl_epi64(a.v, _mm_cvtsi32_si128(n))}; }
// Within each part of sixteen bytes.
inline Bytes shuffle(Bytes a, const u8 (&index)[16]) {
  const __m128i control = _mm_loadu_si128(reinterpret_cast<const __m128i*>(index));
  return {_mm512_shuffle_epi8(a.v, _mm512_broadcast_i32x4(control))};
}
// Parts of sixteen bytes that lie `step` apart.
inline Bytes load_parts(const u8* from, usize step) {
  const auto part = [&](usize k) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + k * step)); };
  if (step == 16) return {_mm512_loadu_si512(from)};
  __m512i all = _mm512_castsi128_si512(part(0));
  all = _mm512_inserti32x4(all, part(1), 1);
  all = _mm512_inserti32x4(all, part(2), 2);
  return {_mm512_inserti32x4(all, part(3), 3)};
}
inline void store_parts(u8* to, Bytes a, usize step) {
  if (step == 16) return _mm512_storeu_si512(to, a.v);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_castsi512_si128(a.v));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to + step), _mm512_extracti32x4_epi32(a.v, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 2 * step), _mm512_extracti32x4_epi32(a.v, 2));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 3 * step), _mm512_extracti32x4_epi32(a.v, 3));
}
// Pairs of bytes below 2^half to one number, the second above the first, in 16-bit lanes.
template <int half>
Bytes join_pairs(Bytes a) {
  return {_mm512_maddubs_epi16(a.v, _mm512_set1_epi16(1 | 1 << (8 + half)))};
}
// Four bytes below 2^bits, bits <= 6, to one number in 32-bit lanes, the first lowest.
inline Bytes join_fours(Bytes a, int bits) {
  const __m512i pairs = _mm512_maddubs_epi16(a.v, _mm512_set1_epi16(static_cast<short>(1 | 1 << (8 + bits))));
  return {_mm512_madd_epi16(pairs, _mm512_set1_epi32(1 | 1 << (16 + 2 * bits)))};
}
// The low bytes of the 16-bit lanes of two vectors, whose high bytes are 0.
inline Bytes low_bytes(Bytes a, Bytes b) {
  const __m512i low = _mm512_castsi256_si512(_mm512_cvtepi16_epi8(a.v));
  return {_mm512_inserti64x4(low, _mm512_cvtepi16_epi8(b.v), 1)};
}
// Bytes in 16-bit lanes.
inline Bytes widen_bytes(const u8* from) {
  return {_mm512_cvtepu8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)))};
}
// All 64-bit lanes or-ed into one.
inline u64 gather_bits(Bytes a) { return static_cast<u64>(_mm512_reduce_or_epi64(a.v)); }

// Values of 16 codes, looked up for packed nibbles.
class NibbleValues {
 public:
  NibbleValues(const u8 (&)[16], const u8 (&)[16], const u32 (&table)[256], bool high_first)
      : table_(_mm512_loadu_si512(table)), early_(high_first ? 4 : 0), late_(high_first ? 32 : 28) {}

  // Thirty-two values of sixteen bytes. A byte to each 64-bit lane, its nibbles to the low bits of the halves of that;
  // the permutation reads no more of them.
  void store(u32* to, const u8* packed) const {
    for (int k = 0; k < 2; ++k) {
      const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(packed + 8 * k));
      const __m512i wide = _mm512_cvtepu8_epi64(bytes);
      const __m512i first = _mm512_srl_epi64(wide, _mm_cvtsi32_si128(early_));
      const __m512i second = _mm512_sll_epi64(wide, _mm_cvtsi32_si128(late_));
      _mm512_storeu_si512(to + 16 * k, _mm512_permutexvar_epi32(_mm512_or_si512(first, second), table_));
    }
  }

 private:
  __m512i table_;
  int early_;
  int late_;
};

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
