// Searches among the thresholds of a codebook with AVX-512.
#pragma once

#include "../../halfulp/codebook.hpp"
#include "avx512.hpp"

namespace halfulp {
inline namespace HALFULP_TARGET {

// Thresholds as numbers again. (What nothing is above becomes a NaN, which nothing is above.)
inline __m512 numbers_of_keys(const i32* keys) {
  const __m512i k = _mm512_loadu_si512(keys);
  return _mm512_castsi512_ps(_mm512_xor_si512(k, _mm512_srli_epi32(_mm512_srai_epi32(k, 31), 1)));
}

// From node k of a tree of thresholds to one of its children.
inline __m512i step_down(__m512i k, __m512 x, __m512 threshold) {
  const __mmask16 up = _mm512_cmp_ps_mask(x, threshold, _CMP_GT_OQ);
  const __m512i twice = _mm512_add_epi32(k, k);
  return _mm512_mask_add_epi32(twice, up, twice, _mm512_set1_epi32(1));
}

// The first four steps, whose 15 nodes are one register.
struct TreeTop {
  __m512 root, nodes;

  explicit TreeTop(const i32* keys)
      : root(_mm512_permutexvar_ps(_mm512_set1_epi32(1), numbers_of_keys(keys))), nodes(numbers_of_keys(keys)) {}

  __m512i descend(__m512 x) const {
    const __mmask16 up = _mm512_cmp_ps_mask(x, root, _CMP_GT_OQ);
    __m512i k = _mm512_mask_blend_epi32(up, _mm512_set1_epi32(2), _mm512_set1_epi32(3));
    for (int s = 0; s < 3; ++s) k = step_down(k, x, _mm512_permutexvar_ps(k, nodes));
    return k;
  }
};

// Loads 64 numbers. Whether there is no NaN among them.
inline bool load_numbers(const u32* from, __m512 (&x)[4]) {
  for (int k = 0; k < 4; ++k) x[k] = _mm512_loadu_ps(from + 16 * k);
  const __mmask16 nan = _mm512_cmp_ps_mask(x[0], x[1], _CMP_UNORD_Q) | _mm512_cmp_ps_mask(x[2], x[3], _CMP_UNORD_Q);
  return nan == 0;
}

// At most 16 levels: four steps, then codes by a byte shuffle (which reads the low four bits of 16 + rank).
class ShortLadder {
 public:
  static constexpr usize block = 64;

  explicit ShortLadder(const LevelSearch& s)
      : top_(s.binary32), codes_(_mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(s.codes)))) {}

  // The codes of a block without NaN; false, and nothing, for one with.
  bool encode_numbers(const u32* from, u8* codes) const {
    __m512 x[4];
    if (!load_numbers(from, x)) return false;
    Narrow rank[4];
    for (int k = 0; k < 4; ++k) rank[k].v = top_.descend(x[k]);
    _mm512_storeu_si512(codes, _mm512_shuffle_epi8(codes_, as_bytes(rank)));
    return true;
  }

 private:
  TreeTop top_;
  __m512i codes_;
};

// At most 256 levels: all 255 nodes are in registers.
class LongLadder {
 public:
  static constexpr usize block = 64;

  explicit LongLadder(const LevelSearch& s) : top_(s.binary32), search_(s) {
    for (int i = 0; i < 16; ++i) nodes_[i] = numbers_of_keys(s.binary32 + 16 * i);
  }

  bool encode_numbers(const u32* from, u8* codes) const {
    __m512 x[4];
    if (!load_numbers(from, x)) return false;
    Narrow rank[4];
    for (int i = 0; i < 4; ++i) rank[i].v = _mm512_and_si512(descend(x[i]), _mm512_set1_epi32(search_.size - 1));
    store_block(codes, rank);
    for (usize i = 0; !search_.identity && i < block; ++i) codes[i] = search_.codes[codes[i]];
    return true;
  }

 private:
  // The 32 nodes from one on, by the low five bits of k.
  __m512 among32(__m512i k, int first) const {
    return _mm512_permutex2var_ps(nodes_[first / 16], k, nodes_[first / 16 + 1]);
  }
  __m512 among64(__m512i k, int first) const {
    const __mmask16 bit5 = _mm512_test_epi32_mask(k, _mm512_set1_epi32(32));
    return _mm512_mask_blend_ps(bit5, among32(k, first), among32(k, first + 32));
  }
  __m512i descend(__m512 x) const {
    __m512i k = top_.descend(x);
    if (search_.size > 16) k = step_down(k, x, _mm512_permutexvar_ps(k, nodes_[1]));
    if (search_.size > 32) k = step_down(k, x, among32(k, 32));
    if (search_.size > 64) k = step_down(k, x, among64(k, 64));
    if (search_.size > 128) {
      const __mmask16 bit6 = _mm512_test_epi32_mask(k, _mm512_set1_epi32(64));
      k = step_down(k, x, _mm512_mask_blend_ps(bit6, among64(k, 128), among64(k, 192)));
    }
    return k;
  }

  __m512 nodes_[16];
  TreeTop top_;
  const LevelSearch& search_;
};

// Sixteen binary32 values, looked up by codes below 16.
class Sixteen {
 public:
  explicit Sixteen(const u32 (&table)[256]) : values_(load(table).v) {}

  // Sixteen codes.
  void store_decoded(u32* to, const u8* codes) const { store(to, {_mm512_permutexvar_epi32(load(codes).v, values_)}); }

 private:
  __m512i values_;
};

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
