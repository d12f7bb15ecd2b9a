// Searches among the thresholds of a codebook with AVX2.
#pragma once

#include "../../halfulp/codebook.hpp"
#include "avx2.hpp"

namespace halfulp {
inline namespace HALFULP_TARGET {

// Thresholds as numbers again. (What nothing is above becomes a NaN, which nothing is above.)
inline __m256 numbers_of_keys(const i32* keys) {
  const __m256i k = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(keys));
  return _mm256_castsi256_ps(_mm256_xor_si256(k, _mm256_srli_epi32(_mm256_srai_epi32(k, 31), 1)));
}

// The first four steps down a tree of thresholds, whose nodes are in registers: 1, 2 and 3, 4 to 7, 8 to 15.
struct TreeTop {
  __m256 root, low, high, quarters, eighths;

  explicit TreeTop(const i32* keys) {
    const __m256 first = numbers_of_keys(keys);
    root = _mm256_permutevar8x32_ps(first, _mm256_set1_epi32(1));
    low = _mm256_permutevar8x32_ps(first, _mm256_set1_epi32(2));
    high = _mm256_permutevar8x32_ps(first, _mm256_set1_epi32(3));
    quarters = _mm256_permute2f128_ps(first, first, 0x11);
    eighths = numbers_of_keys(keys + 8);
  }

  // From node k to one of its children. A mask of all ones is -1.
  static __m256i step(__m256i k, __m256 x, __m256 threshold) {
    const __m256i up = _mm256_castps_si256(_mm256_cmp_ps(x, threshold, _CMP_GT_OQ));
    return _mm256_sub_epi32(_mm256_add_epi32(k, k), up);
  }
  __m256i descend(__m256 x) const {
    const __m256 up = _mm256_cmp_ps(x, root, _CMP_GT_OQ);
    __m256i k = _mm256_sub_epi32(_mm256_set1_epi32(2), _mm256_castps_si256(up));
    k = step(k, x, _mm256_blendv_ps(low, high, up));
    k = step(k, x, _mm256_permutevar_ps(quarters, k));
    return step(k, x, _mm256_permutevar8x32_ps(eighths, k));
  }
};

// Loads 32 numbers. Whether there is no NaN among them.
inline bool load_numbers(const u32* from, __m256 (&x)[4]) {
  for (int k = 0; k < 4; ++k) x[k] = _mm256_loadu_ps(reinterpret_cast<const float*>(from) + 8 * k);
  const __m256 nan = _mm256_or_ps(_mm256_cmp_ps(x[0], x[1], _CMP_UNORD_Q), _mm256_cmp_ps(x[2], x[3], _CMP_UNORD_Q));
  return _mm256_movemask_ps(nan) == 0;
}

// At most 16 levels: four steps, then codes by a byte shuffle (which reads the low four bits of 16 + rank).
class ShortLadder {
 public:
  static constexpr usize block = 32;

  explicit ShortLadder(const LevelSearch& s)
      : top_(s.binary32),
        codes_(_mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(s.codes)))) {}

  // The codes of a block without NaN; false, and nothing, for one with.
  bool encode_numbers(const u32* from, u8* codes) const {
    __m256 x[4];
    if (!load_numbers(from, x)) return false;
    Narrow rank[4];
    for (int k = 0; k < 4; ++k) rank[k].v = top_.descend(x[k]);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(codes), _mm256_shuffle_epi8(codes_, as_bytes(rank)));
    return true;
  }

 private:
  TreeTop top_;
  __m256i codes_;
};

// At most 256 levels: four steps more, whose thresholds are gathered from memory.
class LongLadder {
 public:
  static constexpr usize block = 32;

  explicit LongLadder(const LevelSearch& s) : top_(s.binary32), search_(s), steps_(0) {
    for (int i = 0; i < max_levels; i += 8) _mm256_store_ps(tree_ + i, numbers_of_keys(s.binary32 + i));
    for (int size = 16; size < s.size; size *= 2) ++steps_;
  }

  bool encode_numbers(const u32* from, u8* codes) const {
    __m256 x[4];
    if (!load_numbers(from, x)) return false;
    __m256i k[4];
    for (int i = 0; i < 4; ++i) k[i] = top_.descend(x[i]);
    for (int s = 0; s < steps_; ++s) {
      for (int i = 0; i < 4; ++i) k[i] = TreeTop::step(k[i], x[i], _mm256_i32gather_ps(tree_, k[i], 4));
    }
    Narrow rank[4];
    for (int i = 0; i < 4; ++i) rank[i].v = _mm256_and_si256(k[i], _mm256_set1_epi32(search_.size - 1));
    store_block(codes, rank);
    for (usize i = 0; !search_.identity && i < block; ++i) codes[i] = search_.codes[codes[i]];
    return true;
  }

 private:
  alignas(32) float tree_[max_levels];
  TreeTop top_;
  const LevelSearch& search_;
  int steps_;
};

// Sixteen binary32 values, looked up by codes below 16.
class Sixteen {
 public:
  explicit Sixteen(const u32 (&table)[256]) : low_(load(table).v), high_(load(table + 8).v) {}

  // Sixteen codes.
  void store_decoded(u32* to, const u8* codes) const {
    for (int k = 0; k < 16; k += 8) {
      const __m256i code = load(codes + k).v;
      const __m256 low = _mm256_castsi256_ps(_mm256_permutevar8x32_epi32(low_, code));
      const __m256 high = _mm256_castsi256_ps(_mm256_permutevar8x32_epi32(high_, code));
      const __m256 bit3 = _mm256_castsi256_ps(_mm256_slli_epi32(code, 28));
      store(to + k, {_mm256_castps_si256(_mm256_blendv_ps(low, high, bit3))});
    }
  }

 private:
  __m256i low_;
  __m256i high_;
};

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
