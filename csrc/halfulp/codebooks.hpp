// Every named codebook, one row each: its levels by code, where its decisions lie, and where that is laid down.
#pragma once

#include "codebook.hpp"

namespace halfulp {

struct NamedCodebook {
  const char* name;
  Codebook codebook;
  const char* source;
};

inline namespace HALFULP_TARGET {

// The bits of a normal binary32 number, or of +0.
HALFULP_HD constexpr u32 binary32_bits(float number) {
  if (number == 0) return 0;
  double significand = number < 0 ? -static_cast<double>(number) : static_cast<double>(number);
  u32 field = 127;
  while (significand >= 2) significand /= 2, ++field;
  while (significand < 1) significand *= 2, --field;
  return (number < 0 ? 0x80000000 : 0) | (((field - 1) << 23) + static_cast<u32>(significand * 8388608));
}

// Levels in the order of their codes 0, 1, ..., sorted. The decisions are still to be made.
HALFULP_HD constexpr Codebook sorted_levels(const u32* by_code, int count) {
  Codebook b{};
  b.count = count;
  while ((1 << b.bits) < count) ++b.bits;
  for (int code = 0; code < count; ++code) {
    int i = code;
    for (; i > 0 && binary32_key(b.levels[i - 1]) > binary32_key(by_code[code]); --i) {
      b.levels[i] = b.levels[i - 1];
      b.codes[i] = b.codes[i - 1];
    }
    b.levels[i] = by_code[code];
    b.codes[i] = static_cast<u8>(code);
  }
  return b;
}

// Decisions at (a + b) / 2 computed in binary32, as a library does that adds two floats.
HALFULP_HD constexpr Codebook with_binary32_midpoints(Codebook b, Ties ties) {
  for (int i = 0; i + 1 < b.count; ++i) {
    const u32 rounded = binary32_of(midpoint(b.levels[i], b.levels[i + 1]), Rounding::nearest_even);
    b.decisions[i] = {number_of(rounded), tie_goes_up(b, i, ties)};
  }
  return b;
}

template <int count>
HALFULP_HD constexpr Codebook levels_and_midpoints(const float (&by_code)[count], Ties ties) {
  u32 bits[count] = {};
  for (int i = 0; i < count; ++i) bits[i] = binary32_bits(by_code[i]);
  return with_binary32_midpoints(sorted_levels(bits, count), ties);
}

// A sign bit over magnitudes, and a comparison of |x| with thresholds: strict, so that ties go towards zero.
HALFULP_HD constexpr Codebook bnb_fp4() {
  constexpr float magnitudes[8] = {0, 0.0052083335f, 0.6666667f, 1, 0.33333334f, 0.5f, 0.16666667f, 0.25f};
  constexpr float thresholds[7] = {0.00260417f, 0.0859375f, 0.20833333f, 0.29166667f,
                                   0.4166667f,  0.583333f,  0.8333333f};
  u32 by_code[16] = {};
  for (int code = 0; code < 16; ++code)
    by_code[code] = binary32_bits(magnitudes[code & 7]) | (code < 8 ? 0 : 0x80000000);
  Codebook b = sorted_levels(by_code, 16);
  for (int i = 0; i < 15; ++i) {
    const u32 sign = i < 7 ? 0x80000000 : 0;
    const u32 magnitude = i == 7 ? 0 : binary32_bits(thresholds[i < 7 ? 6 - i : i - 8]);
    b.decisions[i] = {number_of(magnitude | sign), tie_goes_up(b, i, Ties::toward_zero)};
  }
  return b;
}

// Seven decades, each with twice as many means between equal steps from 0.1 to 1 as the one below, and 0 and 1.
//
// linspace is PyTorch's: from both ends, each point rounded once. A pivot that moves by 64, 32, ... 1 from 127 ends at
// an even index, and a tie keeps it.
HALFULP_HD constexpr Codebook bnb_dynamic8(bool is_signed) {
  constexpr float powers[7] = {1e-6f, 1e-5f, 1e-4f, 1e-3f, 1e-2f, 1e-1f, 1};
  const double first = static_cast<double>(0.1f);
  u32 levels[max_levels] = {0, binary32_bits(1)};
  int count = 2;
  for (int decade = 0; decade < 7; ++decade) {
    const int steps = is_signed ? 1 << decade : 2 << decade;
    const double step = static_cast<double>(static_cast<float>(1 - first) / static_cast<float>(steps));
    double below = first;
    for (int i = 1; i <= steps; ++i) {
      const double exact = i < (steps + 1) / 2 ? first + step * i : 1 - step * (steps - i);
      const double point = static_cast<double>(static_cast<float>(exact));
      const double mean = static_cast<double>(static_cast<float>(below + point)) / 2;
      const u32 level = binary32_bits(static_cast<float>(static_cast<double>(powers[decade]) * mean));
      levels[count++] = level;
      if (is_signed) levels[count++] = level | 0x80000000;
      below = point;
    }
  }
  Codebook b = sorted_levels(levels, count);
  for (int i = 0; i < count; ++i) b.codes[i] = static_cast<u8>(i);
  return with_binary32_midpoints(b, Ties::even);
}

}  // inline namespace HALFULP_TARGET

inline constexpr float nf4_levels[] = {
    -1,         -0.6961928f, -0.52507305f, -0.3949175f, -0.28444138f, -0.18477343f, -0.091050036f, 0,
    0.0795803f, 0.1609302f,  0.2461123f,   0.33791524f, 0.44070983f,  0.562617f,    0.72295684f,   1};
inline constexpr float af4_levels[] = {
    1, 0.72424863f,  0.55496234f,  0.42563882f,  0.31675666f, 0.21961274f,  0.12934483f,  0.04273164f,
    0, -0.04934812f, -0.14982478f, -0.25607552f, -0.3736951f, -0.51243739f, -0.69441008f, -1};
inline constexpr float iq4_nl_levels[] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

inline constexpr NamedCodebook codebooks[] = {
    {"nf4", levels_and_midpoints(nf4_levels, Ties::lower), "QLoRA NormalFloat4; bitsandbytes kDequantizeNF4"},
    {"af4", levels_and_midpoints(af4_levels, Ties::lower), "AbnormalFloat4, block 64; bitsandbytes 0.50"},
    {"bnb_fp4", bnb_fp4(), "bitsandbytes 0.50 FP4, the CUDA kernel (not OCP E2M1)"},
    {"iq4_nl", levels_and_midpoints(iq4_nl_levels, Ties::upper), "ggml IQ4_NL, IQ4_XS"},
    {"bnb_dynamic8", bnb_dynamic8(true), "bitsandbytes 0.50 create_dynamic_map(signed=True), the CUDA kernel"},
    {"bnb_dynamic8_unsigned", bnb_dynamic8(false),
     "bitsandbytes 0.50 create_dynamic_map(signed=False), the CUDA kernel"},
};

}  // namespace halfulp
