// What a codebook is: levels, and between neighbours a decision that is one exact comparison.
#pragma once

#include "encode.hpp"
#include "source.hpp"

namespace halfulp {

inline constexpr int max_levels = 256;

// Which neighbour takes a number that is equal to the threshold between them.
enum class Ties : u8 {
  lower,
  upper,
  even,         // the one whose code is even (the lower one if both are or neither is)
  toward_zero,  // the one of smaller magnitude (as `even` if they are opposites)
};

// Numbers above the threshold take the upper level, numbers below it the lower one.
struct Decision {
  Number threshold;
  bool tie_goes_up;
};

// Levels ascend; -0 may stand below +0, nothing else is there twice. decisions[i] is between levels i and i + 1.
struct Codebook {
  int count;  // of levels, 2 to 256
  int bits;   // of a code
  u32 levels[max_levels];
  u8 codes[max_levels];
  Decision decisions[max_levels];
};

// The order of all sources: exponent, then significand, both complemented for negatives. Every zero is {0, 0}.
struct WideKey {
  i64 high;
  u64 low;
};

// What encode reads: for each kind of source the largest key that stays below each decision. So "goes up" is one
// comparison, `key > threshold`, whichever side a tie goes to.
//
// The thresholds are a complete binary tree in the order of a heap: a step down is k = 2k + (key > threshold[k]).
//
//   size 8:        1: T3              T0 < T1 < ... < T6; below the leaves k is 8 + rank.
//           2: T1         3: T5       Beyond the last decision stand keys that nothing is above.
//        4: T0  5: T2  6: T4  7: T6
struct LevelSearch {
  int size;       // the power of two from count up
  bool flat;      // at most 16 levels
  bool identity;  // codes are ranks
  u8 nan_positive;
  u8 nan_negative;
  u8 codes[max_levels];
  i32 binary32[max_levels];
  WideKey wide[max_levels];
};

inline namespace HALFULP_TARGET {

HALFULP_HD constexpr bool is_zero(u32 binary32) { return (binary32 & 0x7fffffff) == 0; }

// Binary32 bits as an integer of the same order, in which -0 comes next below +0.
HALFULP_HD constexpr i32 binary32_key(u32 bits) {
  return static_cast<i32>((bits >> 31) != 0 ? bits ^ 0x7fffffff : bits);
}
HALFULP_HD constexpr bool above(i32 a, i32 b) { return a > b; }
HALFULP_HD constexpr bool above(WideKey a, WideKey b) { return a.high > b.high || (a.high == b.high && a.low > b.low); }

// How many of the thresholds the key is above.
template <class Key>
HALFULP_HD constexpr u32 rank_of(Key key, const Key* tree, int size) {
  const u32 leaves = static_cast<u32>(size);
  u32 k = 1;
  while (k < leaves) k = 2 * k + (above(key, tree[k]) ? 1 : 0);
  return k - leaves;
}

// Where the i-th of the thresholds stands in the tree: as far above the leaves as i + 1 has trailing zeros.
HALFULP_HD constexpr int node_of(int i, int size) {
  int above_leaves = 0;
  while (((i + 1) >> above_leaves & 1) == 0) ++above_leaves;
  return (size + i + 1) >> (above_leaves + 1);
}

HALFULP_HD constexpr u8 encode_level(u32 binary32, const LevelSearch& s) {
  if ((binary32 & 0x7fffffff) > 0x7f800000) return (binary32 >> 31) != 0 ? s.nan_negative : s.nan_positive;
  return s.codes[rank_of(binary32_key(binary32), s.binary32, s.size)];
}

HALFULP_HD constexpr WideKey wide_key(const Unpacked<Wide>& x) {
  if (x.significand.word == 0) return {0, 0};
  const u64 high = x.exponent.word - static_cast<u64>(exponent_of_zero);
  return {static_cast<i64>(high ^ x.negative.word), x.significand.word ^ x.negative.word};
}

HALFULP_HD constexpr u8 encode_level(const Unpacked<Wide>& x, const LevelSearch& s) {
  if (x.nan.word != 0) return x.negative.word != 0 ? s.nan_negative : s.nan_positive;
  return s.codes[rank_of(wide_key(x), s.wide, s.size)];
}

HALFULP_HD constexpr Number as_number(const Unpacked<Wide>& x) {
  return {x.significand.word, 0, static_cast<i32>(x.exponent.word), Number::finite,
          static_cast<i16>(x.negative.word != 0 && x.significand.word != 0)};
}

HALFULP_HD constexpr Number number_of(u32 binary32) { return as_number(unpack_binary<8, 23>(binary32, false)); }

// Bit 0 of a significand says that there is more: such a number is no threshold, for a source with more cannot be
// compared with it.
HALFULP_HD constexpr bool is_exact(const Number& x) { return (x.significand & 1) == 0; }

// The number half way between two levels; not exact if it has more than 61 significant bits.
HALFULP_HD constexpr Number midpoint(u32 a, u32 b) {
  // Both as integer * 2^lsb with the integer odd (or 0).
  i64 integer[2] = {};
  i64 lsb[2] = {};
  const u32 bits[2] = {a, b};
  for (int k = 0; k < 2; ++k) {
    const u32 field = (bits[k] >> 23) & 0xff;
    u32 significand = (bits[k] & 0x7fffff) | (field > 0 ? 0x800000 : 0);
    lsb[k] = static_cast<i64>(field > 0 ? field : 1) - 150;
    while (significand != 0 && (significand & 1) == 0) significand >>= 1, ++lsb[k];
    integer[k] = (bits[k] >> 31) != 0 ? -static_cast<i64>(significand) : static_cast<i64>(significand);
  }
  if (integer[0] == 0) lsb[0] = lsb[1];
  if (integer[1] == 0) lsb[1] = lsb[0];
  const i64 low = lsb[0] < lsb[1] ? lsb[0] : lsb[1];
  for (int k = 0; k < 2; ++k) {
    const i64 up = lsb[k] - low;
    const u64 magnitude = static_cast<u64>(integer[k] < 0 ? -integer[k] : integer[k]);
    if (up > 60 || (magnitude >> (61 - up)) != 0) return {1, 0, 0, Number::finite, 0};
    integer[k] *= i64{1} << up;
  }
  const i64 sum = integer[0] + integer[1];
  return as_number(unpack_finite(sum < 0, static_cast<u64>(sum < 0 ? -sum : sum), low - 1));
}

HALFULP_HD constexpr u32 binary32_of(const Number& x, Rounding rounding) {
  constexpr Format binary32 = {"", 8, 23, 127, Specials::ieee, true, true, ""};
  const Policy policy = {rounding, Overflow::standard, Subnormals::gradual, default_nan(binary32)};
  return static_cast<u32>(encode(unpack_number(x), make_codec<u64>(binary32, policy)).word);
}

HALFULP_HD constexpr bool tie_goes_up(const Codebook& b, int i, Ties ties) {
  const u32 lower = b.levels[i] & 0x7fffffff;
  const u32 upper = b.levels[i + 1] & 0x7fffffff;
  if (lower == 0 && upper == 0) return true;  // every zero is +0
  if (ties == Ties::toward_zero && lower != upper) return lower > upper;
  if (ties == Ties::lower || ties == Ties::upper) return ties == Ties::upper;
  return (b.codes[i] & 1) != 0 && (b.codes[i + 1] & 1) == 0;
}

// The decision that an IEEE 754 rounding mode makes between levels i and i + 1. Towards zero is, of two levels of
// opposite sign, to the smaller in magnitude.
HALFULP_HD constexpr Decision decision(const Codebook& b, int i, Rounding rounding) {
  const u32 lower = b.levels[i];
  const u32 upper = b.levels[i + 1];
  const Decision always_down = {number_of(upper), true};
  const Decision always_up = {number_of(lower), false};
  const u32 smaller = (lower & 0x7fffffff) < (upper & 0x7fffffff) ? 0 : 1;
  const bool opposites = (lower & 0x7fffffff) == (upper & 0x7fffffff);
  if (is_zero(lower) && is_zero(upper)) return always_down;
  switch (rounding) {
    case Rounding::toward_negative: return always_down;
    case Rounding::toward_positive: return always_up;
    case Rounding::toward_zero:
      if (opposites) break;
      return smaller == 0 ? always_down : always_up;
    case Rounding::nearest_away:
      if (opposites) break;
      return {midpoint(lower, upper), smaller == 0};
    default: break;
  }
  return {midpoint(lower, upper), tie_goes_up(b, i, Ties::even)};
}

// The largest key that stays below a decision. -0 counts as +0, so below a tie at 0 comes the smallest negative.
HALFULP_HD constexpr i32 last_binary32(const Decision& d) {
  const i32 at_most = binary32_key(binary32_of(d.threshold, Rounding::toward_negative));
  const bool equal = at_most == binary32_key(binary32_of(d.threshold, Rounding::toward_positive));
  const i32 last = at_most - (d.tie_goes_up && equal ? 1 : 0);
  return last == -1 ? -2 : last;
}
HALFULP_HD constexpr WideKey last_wide(const Decision& d) {
  const WideKey at = wide_key(unpack_number(d.threshold));
  if (!d.tie_goes_up) return at;
  return {at.low == 0 ? at.high - 1 : at.high, at.low - 1};
}

// `mode`: null for the codebook's own decisions.
HALFULP_HD constexpr LevelSearch make_level_search(const Codebook& b, const Rounding* mode, const NanRule& nan) {
  LevelSearch s{};
  s.size = 2;
  while (s.size < b.count) s.size *= 2;
  s.flat = s.size <= 16;
  if (s.flat) s.size = 16;
  s.identity = true;
  for (int i = 0; i < b.count; ++i) s.identity = s.identity && b.codes[i] == i;
  s.nan_positive = static_cast<u8>(nan.positive);
  s.nan_negative = static_cast<u8>(nan.negative);
  for (int i = 0; i < max_levels; ++i) {
    s.codes[i] = b.codes[i < b.count ? i : b.count - 1];
    s.binary32[i] = 0x7fffffff;
    s.wide[i] = {0x7fffffffffffffff, ~u64{0}};
  }
  for (int i = 0; i + 1 < b.count; ++i) {
    const Decision d = mode != nullptr ? decision(b, i, *mode) : b.decisions[i];
    const int node = node_of(i, s.size);
    s.binary32[node] = last_binary32(d);
    s.wide[node] = last_wide(d);
  }
  return s;
}

// Whether every decision of a mode is a number of at most 61 significant bits.
HALFULP_HD constexpr bool can_round(const Codebook& b, Rounding mode) {
  for (int i = 0; i + 1 < b.count; ++i) {
    if (!is_exact(decision(b, i, mode).threshold)) return false;
  }
  return true;
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
