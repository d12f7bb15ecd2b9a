// Searches among the thresholds of a codebook with NEON.
#pragma once

#include "../../halfulp/codebook.hpp"
#include "neon.hpp"

namespace halfulp {
inline namespace HALFULP_TARGET {

// Thresholds as numbers again. (What nothing is above becomes a NaN, which nothing is above.)
inline float32x4_t numbers_of_keys(const i32* keys) {
  const int32x4_t k = vld1q_s32(keys);
  const uint32x4_t flip = vshrq_n_u32(vreinterpretq_u32_s32(vshrq_n_s32(k, 31)), 1);
  return vreinterpretq_f32_u32(veorq_u32(vreinterpretq_u32_s32(k), flip));
}

// The first four steps down a tree of thresholds, whose nodes are in registers: 1, 2 and 3, 4 to 7, 8 to 15.
struct TreeTop {
  float32x4_t root, low, high;
  uint8x16_t quarters;
  uint8x16x2_t eighths;

  explicit TreeTop(const i32* keys) {
    const float32x4_t first = numbers_of_keys(keys);
    root = vdupq_laneq_f32(first, 1);
    low = vdupq_laneq_f32(first, 2);
    high = vdupq_laneq_f32(first, 3);
    quarters = vreinterpretq_u8_f32(numbers_of_keys(keys + 4));
    eighths.val[0] = vreinterpretq_u8_f32(numbers_of_keys(keys + 8));
    eighths.val[1] = vreinterpretq_u8_f32(numbers_of_keys(keys + 12));
  }

  // From node k to one of its children. A mask of all ones is -1.
  static uint32x4_t step(uint32x4_t k, float32x4_t x, float32x4_t threshold) {
    return vsubq_u32(vaddq_u32(k, k), vcgtq_f32(x, threshold));
  }
  // The places of a word's four bytes in a table that begins with node `first`.
  static uint8x16_t bytes_of(uint32x4_t k, u32 first) {
    const uint32x4_t zeroth = vdupq_n_u32(0x03020100u - first * 0x04040404u);
    return vreinterpretq_u8_u32(vmlaq_n_u32(zeroth, k, 0x04040404u));
  }
  uint32x4_t descend(float32x4_t x) const {
    const uint32x4_t up = vcgtq_f32(x, root);
    uint32x4_t k = vsubq_u32(vdupq_n_u32(2), up);
    k = step(k, x, vbslq_f32(up, high, low));
    k = step(k, x, vreinterpretq_f32_u8(vqtbl1q_u8(quarters, bytes_of(k, 4))));
    return step(k, x, vreinterpretq_f32_u8(vqtbl2q_u8(eighths, bytes_of(k, 8))));
  }
};

// Loads 16 numbers. Whether there is no NaN among them.
inline bool load_numbers(const u32* from, float32x4_t (&x)[4]) {
  uint32x4_t number = vdupq_n_u32(~0u);
  for (int k = 0; k < 4; ++k) {
    x[k] = vreinterpretq_f32_u32(vld1q_u32(from + 4 * k));
    number = vandq_u32(number, vceqq_f32(x[k], x[k]));
  }
  return vminvq_u32(number) != 0;
}

// At most 16 levels: four steps, then codes by a table.
class ShortLadder {
 public:
  static constexpr usize block = 16;

  explicit ShortLadder(const LevelSearch& s) : top_(s.binary32), codes_(vld1q_u8(s.codes)) {}

  // The codes of a block without NaN; false, and nothing, for one with.
  bool encode_numbers(const u32* from, u8* codes) const {
    float32x4_t x[4];
    if (!load_numbers(from, x)) return false;
    Narrow rank[4];
    for (int k = 0; k < 4; ++k) rank[k].v = vsubq_u32(top_.descend(x[k]), vdupq_n_u32(16));
    vst1q_u8(codes, vqtbl1q_u8(codes_, as_bytes(rank)));
    return true;
  }

 private:
  TreeTop top_;
  uint8x16_t codes_;
};

// At most 256 levels: the other four steps one by one.
class LongLadder {
 public:
  static constexpr usize block = 16;

  explicit LongLadder(const LevelSearch& s) : top_(s.binary32), search_(s) {
    for (int i = 0; i < max_levels; i += 4) vst1q_f32(tree_ + i, numbers_of_keys(s.binary32 + i));
  }

  bool encode_numbers(const u32* from, u8* codes) const {
    float32x4_t x[4];
    if (!load_numbers(from, x)) return false;
    u32 k[block];
    float number[block];
    for (usize i = 0; i < 4; ++i) {
      vst1q_u32(k + 4 * i, top_.descend(x[i]));
      vst1q_f32(number + 4 * i, x[i]);
    }
    for (u32 size = 16; size < static_cast<u32>(search_.size); size *= 2) {
      for (usize i = 0; i < block; ++i) k[i] = 2 * k[i] + (number[i] > tree_[k[i]] ? 1 : 0);
    }
    for (usize i = 0; i < block; ++i) codes[i] = search_.codes[k[i] - static_cast<u32>(search_.size)];
    return true;
  }

 private:
  float tree_[max_levels];
  TreeTop top_;
  const LevelSearch& search_;
};

// Sixteen binary32 values, looked up by codes below 16, each byte in a table of its own.
class Sixteen {
 public:
  explicit Sixteen(const u32 (&table)[256]) : bytes_(vld4q_u8(reinterpret_cast<const u8*>(table))) {}

  // Sixteen codes.
  void store_decoded(u32* to, const u8* codes) const {
    const uint8x16_t code = vld1q_u8(codes);
    uint8x16x4_t value;
    for (int k = 0; k < 4; ++k) value.val[k] = vqtbl1q_u8(bytes_.val[k], code);
    vst4q_u8(reinterpret_cast<u8*>(to), value);
  }

 private:
  uint8x16x4_t bytes_;
};

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
