// Chunks of bytes for packing with AVX2.
#pragma once

#include "../../halfulp/pack.hpp"
#include "avx2.hpp"

namespace halfulp {
inline namespace HALFULP_TARGET {

// Thirty-two bytes, or four 64-bit lanes, for packing.
struct Chunk {
  __m256i v;

  static constexpr usize size = 32;

  static Chunk set(u64 w) { return {_mm256_set1_epi64x(static_cast<i64>(w))}; }

  friend Chunk operator&(Chunk a, Chunk b) { return {_mm256_and_si256(a.v, b.v)}; }
  friend Chunk operator|(Chunk a, Chunk b) { return {_mm256_or_si256(a.v, b.v)}; }
};

inline Chunk and_not(Chunk mask, Chunk b) { return {_mm256_andnot_si256(mask.v, b.v)}; }
// In 64-bit lanes.
inline Chunk shl(Chunk a, int n) { return {_mm256_sll_epi64(a.v, _mm_cvtsi32_si128(n))}; }
inline Chunk shr(Chunk a, int n) { return {_mm256_srl_epi64(a.v, _mm_cvtsi32_si128(n))}; }
// Within each part of sixteen bytes.
inline Chunk shuffle(Chunk a, const u8 (&index)[16]) {
  const __m128i control = _mm_loadu_si128(reinterpret_cast<const __m128i*>(index));
  return {_mm256_shuffle_epi8(a.v, _mm256_broadcastsi128_si256(control))};
}
// Parts of sixteen bytes that lie `step` apart.
inline Chunk load_parts(const u8* from, usize step) {
  const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return {_mm256_inserti128_si256(_mm256_castsi128_si256(low),
                                  _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + step)), 1)};
}
inline void store_parts(u8* to, Chunk a, usize step) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(a.v));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to + step), _mm256_extracti128_si256(a.v, 1));
}
// Pairs of bytes below 2^half to one number, the second above the first, in 16-bit lanes.
template <int half>
Chunk join_pairs(Chunk a) {
  return {_mm256_maddubs_epi16(a.v, _mm256_set1_epi16(1 | 1 << (8 + half)))};
}
// Four bytes below 2^bits, bits <= 6, to one number in 32-bit lanes, the first lowest.
inline Chunk join_fours(Chunk a, int bits) {
  const __m256i pairs = _mm256_maddubs_epi16(a.v, _mm256_set1_epi16(static_cast<short>(1 | 1 << (8 + bits))));
  return {_mm256_madd_epi16(pairs, _mm256_set1_epi32(1 | 1 << (16 + 2 * bits)))};
}
// The low bytes of the 16-bit lanes of two vectors, whose high bytes are 0.
inline Chunk low_bytes(Chunk a, Chunk b) { return {_mm256_permute4x64_epi64(_mm256_packus_epi16(a.v, b.v), 0xd8)}; }
// Chunk in 16-bit lanes.
inline Chunk widen_bytes(const u8* from) {
  return {_mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)))};
}
// All 64-bit lanes or-ed into one.
inline u64 gather_bits(Chunk a) {
  alignas(32) u64 lanes[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), a.v);
  return lanes[0] | lanes[1] | lanes[2] | lanes[3];
}

// Codes of 4 bits to packed nibbles.
class NibblePairs {
 public:
  explicit NibblePairs(bool high_first) : weights_(_mm256_set1_epi16(high_first ? 0x0110 : 0x1001)) {}

  // Sixty-four codes in the order that `narrow` leaves them in: the eights of each half of a vector come from its two
  // operands in turn.
  void store(u8* to, Bytes first, Bytes second) const {
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_permutevar8x32_epi32(join(first.v, second.v), order));
  }

  // Sixty-four integers of `round_below`. Their fours come from all operands in turn, and two fours that follow one
  // another are in different halves.
  void store_integers(u8* to, const Narrow (&first)[4], const Narrow (&second)[4], const IntegerRoute& r) const {
    const __m256i halves = _mm256_permute4x64_epi64(join(clamped(first, r), clamped(second, r)), 0xd8);
    const __m256i order = _mm256_setr_epi8(0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15,  //
                                           0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_shuffle_epi8(halves, order));
  }

 private:
  __m256i join(__m256i first, __m256i second) const {
    return _mm256_packus_epi16(_mm256_maddubs_epi16(first, weights_), _mm256_maddubs_epi16(second, weights_));
  }
  static __m256i clamped(const Narrow (&v)[4], const IntegerRoute& r) {
    const __m256i low = _mm256_packs_epi32(v[0].v, v[1].v);
    const __m256i bytes = _mm256_packs_epi16(low, _mm256_packs_epi32(v[2].v, v[3].v));
    const __m256i lowest = _mm256_set1_epi8(static_cast<char>(r.lowest));
    return _mm256_and_si256(_mm256_max_epi8(bytes, lowest), _mm256_set1_epi8(static_cast<char>(r.code_mask)));
  }

  __m256i weights_;
};

// Values of 16 codes whose lower two bytes are zero, looked up for packed nibbles.
class NibbleValues {
 public:
  NibbleValues(const u8 (&byte2)[256], const u8 (&byte3)[256], const u32 (&)[256], bool high_first)
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
  static __m256i twice(const u8 (&table)[256]) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table)));
  }

  __m256i byte2_;
  __m256i byte3_;
  int early_;
  int late_;
};

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
