// Every source type taken apart exactly, into 64-bit words with the hidden bit at 61 and a sticky bit at 0.
#pragma once

#include "encode.hpp"

namespace halfulp {

// The types a caller's array may have. `code` stands for another format's codes.
enum class Source : u8 {
  boolean,
  int8,
  uint8,
  int16,
  uint16,
  int32,
  uint32,
  int64,
  uint64,
  binary16,
  binary32,
  binary64,
  x87,
  binary128,
  number,
};

// An exact real given by the caller: Python integers, fractions and strings arrive as this.
struct Number {
  enum Kind : i32 { finite, infinite, nan };
  u64 significand;  // leading bit at 61 and a sticky bit at 0; 0 for zero
  u64 tail;         // what the sticky bit stands for: bit 0 itself and what is below it, with a sticky bit at its end
  i32 exponent;     // of the leading bit
  i16 kind;
  i16 negative;
};

inline namespace HALFULP_TARGET {

using Wide = Lane<u64>;

inline constexpr int wide_hidden = hidden_bit<64>;
inline constexpr i64 exponent_of_zero = -40000;  // below the last place of every source and format

HALFULP_HD constexpr u64 mask_if(bool condition) { return condition ? ~u64{0} : 0; }

HALFULP_HD constexpr Unpacked<Wide> unpack_finite(bool negative, u64 magnitude, i64 exponent_of_bit0) {
  const int top = static_cast<int>(highest_bit(Wide{magnitude}).word);
  if (top < 0) {
    return {{mask_if(negative)}, {static_cast<u64>(exponent_of_zero)}, {0}, {0}, {0}};
  }
  u64 significand = 0;
  if (top <= wide_hidden) {
    significand = magnitude << (wide_hidden - top);
  } else {
    const int lost = top - wide_hidden;
    const bool sticky = (magnitude & ((u64{1} << lost) - 1)) != 0;
    significand = (magnitude >> lost) | (sticky ? 1 : 0);
  }
  return {{mask_if(negative)}, {static_cast<u64>(exponent_of_bit0 + top)}, {significand}, {0}, {0}};
}

// `fraction`: the trailing significand, left-aligned below the hidden bit.
HALFULP_HD constexpr Unpacked<Wide> unpack_special(bool negative, u64 fraction) {
  const bool nan = fraction != 0;
  return {{mask_if(negative)}, {0x7fff}, {fraction | (u64{1} << wide_hidden)}, {mask_if(nan)}, {mask_if(!nan)}};
}

template <int ExponentBits, int MantissaBits>
HALFULP_HD constexpr Unpacked<Wide> unpack_binary(u64 bits, bool flush_subnormals) {
  constexpr int bias = (1 << (ExponentBits - 1)) - 1;
  constexpr u64 top_field = (u64{1} << ExponentBits) - 1;
  const bool negative = ((bits >> (ExponentBits + MantissaBits)) & 1) != 0;
  const u64 field = (bits >> MantissaBits) & top_field;
  u64 trailing = bits & ((u64{1} << MantissaBits) - 1);
  if (field == top_field) return unpack_special(negative, trailing << (wide_hidden - MantissaBits));
  if (field == 0) {
    if (flush_subnormals) trailing = 0;
    return unpack_finite(negative, trailing, 1 - bias - MantissaBits);
  }
  return unpack_finite(negative, trailing | (u64{1} << MantissaBits), static_cast<i64>(field) - bias - MantissaBits);
}

HALFULP_HD constexpr Unpacked<Wide> unpack_integer(bool negative, u64 magnitude) {
  return unpack_finite(negative, magnitude, 0);
}

// The 80-bit extended format has its hidden bit in the open; encodings the hardware rejects are NaN here.
HALFULP_HD constexpr Unpacked<Wide> unpack_x87(u64 significand, u16 sign_exponent, bool flush_subnormals) {
  const bool negative = (sign_exponent & 0x8000) != 0;
  const int field = sign_exponent & 0x7fff;
  const bool leading = (significand >> 63) != 0;
  if (field == 0) return unpack_finite(negative, flush_subnormals && !leading ? 0 : significand, 1 - 16383 - 63);
  if (!leading) return unpack_special(negative, u64{1} << (wide_hidden - 1));
  if (field == 0x7fff) {
    const u64 fraction = significand << 1;
    const bool sticky = (fraction & 7) != 0;
    return unpack_special(negative, (fraction >> 3) | (sticky ? 1 : 0));
  }
  return unpack_finite(negative, significand, field - 16383 - 63);
}

HALFULP_HD constexpr Unpacked<Wide> unpack_binary128(u64 high, u64 low, bool flush_subnormals) {
  const bool negative = (high >> 63) != 0;
  const i64 field = static_cast<i64>((high >> 48) & 0x7fff);
  // The leading 61 of 112 trailing bits, the rest in the sticky bit.
  u64 trailing = ((high & 0xffffffffffff) << 13) | (low >> 51) | ((low << 13) != 0 ? 1 : 0);
  if (field == 0x7fff) return unpack_special(negative, trailing);
  if (field == 0) return unpack_finite(negative, flush_subnormals ? 0 : trailing, 1 - 16383 - wide_hidden);
  return unpack_finite(negative, trailing | (u64{1} << wide_hidden), field - 16383 - wide_hidden);
}

// The same two types the other way, for numbers within their normal range (every binary64 is). Words low, high.
struct LongdoubleWords {
  u64 low;
  u64 high;
};

HALFULP_HD constexpr LongdoubleWords pack_x87(const Unpacked<Wide>& x) {
  const bool special = (x.nan.word | x.inf.word) != 0;
  const u64 field = special ? 0x7fff : x.significand.word == 0 ? 0 : x.exponent.word + 16383;
  return {x.significand.word << 2, field | (x.negative.word & 0x8000)};
}

HALFULP_HD constexpr LongdoubleWords pack_binary128(const Unpacked<Wide>& x) {
  const bool special = (x.nan.word | x.inf.word) != 0;
  const u64 field = special ? 0x7fff : x.significand.word == 0 ? 0 : x.exponent.word + 16383;
  const u64 trailing = x.significand.word & ((u64{1} << wide_hidden) - 1);
  return {trailing << 51, (trailing >> 13) | (field << 48) | (x.negative.word & (u64{1} << 63))};
}

HALFULP_HD constexpr Unpacked<Wide> unpack_number(const Number& x) {
  if (x.kind != Number::finite) return unpack_special(x.negative != 0, x.kind == Number::nan ? u64{1} << 60 : 0);
  return unpack_finite(x.negative != 0, x.significand, i64{x.exponent} - wide_hidden);
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
