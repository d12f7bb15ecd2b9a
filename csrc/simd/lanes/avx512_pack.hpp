// Chunks of bytes for packing with AVX-512.
#pragma once

#include "../../halfulp/pack.hpp"
#include "avx512.hpp"

namespace halfulp {
inline namespace HALFULP_TARGET {

// Sixty-four bytes, or eight 64-bit lanes, for packing.
struct Chunk {
  __m512i v;

  static constexpr usize size = 64;

  static Chunk set(u64 w) { return {_mm512_set1_epi64(static_cast<i64>(w))}; }

  friend Chunk operator&(Chunk a, Chunk b) { return {_mm512_and_si512(a.v, b.v)}; }
  friend Chunk operator|(Chunk a, Chunk b) { return {_mm512_or_si512(a.v, b.v)}; }
};

inline Chunk and_not(Chunk mask, Chunk b) { return {_mm512_andnot_si512(mask.v, b.v)}; }
// In 64-bit lanes.
inline Chunk shl(Chunk a, int n) { return {_mm512_sll_epi64(a.v, _mm_cvtsi32_si128(n))}; }
inline Chunk shr(Chunk a, int n) { return {_mm512_srl_epi64(a.v, _mm_cvtsi32_si128(n))}; }
// Within each part of sixteen bytes.
inline Chunk shuffle(Chunk a, const u8 (&index)[16]) {
  const __m128i control = _mm_loadu_si128(reinterpret_cast<const __m128i*>(index));
  return {_mm512_shuffle_epi8(a.v, _mm512_broadcast_i32x4(control))};
}
// Parts of sixteen bytes that lie `step` apart.
inline Chunk load_parts(const u8* from, usize step) {
  const auto part = [&](usize k) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + k * step)); };
  if (step == 16) return {_mm512_loadu_si512(from)};
  __m512i all = _mm512_castsi128_si512(part(0));
  all = _mm512_inserti32x4(all, part(1), 1);
  all = _mm512_inserti32x4(all, part(2), 2);
  return {_mm512_inserti32x4(all, part(3), 3)};
}
inline void store_parts(u8* to, Chunk a, usize step) {
  if (step == 16) return _mm512_storeu_si512(to, a.v);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_castsi512_si128(a.v));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to + step), _mm512_extracti32x4_epi32(a.v, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 2 * step), _mm512_extracti32x4_epi32(a.v, 2));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 3 * step), _mm512_extracti32x4_epi32(a.v, 3));
}
// Pairs of bytes below 2^half to one number, the second above the first, in 16-bit lanes.
template <int half>
Chunk join_pairs(Chunk a) {
  return {_mm512_maddubs_epi16(a.v, _mm512_set1_epi16(1 | 1 << (8 + half)))};
}
// Four bytes below 2^bits, bits <= 6, to one number in 32-bit lanes, the first lowest.
inline Chunk join_fours(Chunk a, int bits) {
  const __m512i pairs = _mm512_maddubs_epi16(a.v, _mm512_set1_epi16(static_cast<short>(1 | 1 << (8 + bits))));
  return {_mm512_madd_epi16(pairs, _mm512_set1_epi32(1 | 1 << (16 + 2 * bits)))};
}
// The low bytes of the 16-bit lanes of two vectors, whose high bytes are 0.
inline Chunk low_bytes(Chunk a, Chunk b) {
  const __m512i low = _mm512_castsi256_si512(_mm512_cvtepi16_epi8(a.v));
  return {_mm512_inserti64x4(low, _mm512_cvtepi16_epi8(b.v), 1)};
}
// Chunk in 16-bit lanes.
inline Chunk widen_bytes(const u8* from) {
  return {_mm512_cvtepu8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)))};
}
// All 64-bit lanes or-ed into one.
inline u64 gather_bits(Chunk a) { return static_cast<u64>(_mm512_reduce_or_epi64(a.v)); }

// Codes of 4 bits to packed nibbles.
class NibblePairs {
 public:
  explicit NibblePairs(bool high_first) : weights_(_mm512_set1_epi16(high_first ? 0x0110 : 0x1001)) {}

  // 128 codes in the order that `narrow` leaves them in: the eights of each quarter of a vector come from its two
  // operands in turn.
  void store(u8* to, Bytes first, Bytes second) const {
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    _mm512_storeu_si512(to, _mm512_permutexvar_epi32(order, join(first.v, second.v)));
  }

  // 128 integers of `round_below`. Their fours come from all operands in turn, and fours that follow one another are in
  // different quarters.
  void store_integers(u8* to, const Narrow (&first)[4], const Narrow (&second)[4], const IntegerRoute& r) const {
    const __m512i order =
        _mm512_cvtepu8_epi16(_mm256_setr_epi8(0, 8, 16, 24, 1, 9, 17, 25, 2, 10, 18, 26, 3, 11, 19, 27, 4, 12, 20, 28,
                                              5, 13, 21, 29, 6, 14, 22, 30, 7, 15, 23, 31));
    _mm512_storeu_si512(to, _mm512_permutexvar_epi16(order, join(clamped(first, r), clamped(second, r))));
  }

 private:
  __m512i join(__m512i first, __m512i second) const {
    return _mm512_packus_epi16(_mm512_maddubs_epi16(first, weights_), _mm512_maddubs_epi16(second, weights_));
  }
  static __m512i clamped(const Narrow (&v)[4], const IntegerRoute& r) {
    const __m512i low = _mm512_packs_epi32(v[0].v, v[1].v);
    const __m512i bytes = _mm512_packs_epi16(low, _mm512_packs_epi32(v[2].v, v[3].v));
    const __m512i lowest = _mm512_set1_epi8(static_cast<char>(r.lowest));
    return _mm512_and_si512(_mm512_max_epi8(bytes, lowest), _mm512_set1_epi8(static_cast<char>(r.code_mask)));
  }

  __m512i weights_;
};

// Values of 16 codes, looked up for packed nibbles.
class NibbleValues {
 public:
  NibbleValues(const u8 (&)[256], const u8 (&)[256], const u32 (&table)[256], bool high_first)
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
