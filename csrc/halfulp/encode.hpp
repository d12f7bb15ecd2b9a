// Encoding: an unpacked number becomes a code with one rounding. One path serves normals and subnormals.
#pragma once

#include "codec.hpp"
#include "scalar.hpp"

namespace halfulp {
inline namespace HALFULP_TARGET {

// A number taken apart: (-1)^negative * significand * 2^(exponent - hidden_bit).
// `negative`, `nan` and `inf` are masks. The significand may hold a sticky bit at its end.
template <class V>
struct Unpacked {
  V negative;
  V exponent;
  V significand;
  V nan;
  V inf;
};

template <class V, class Word>
HALFULP_HD constexpr V by_sign(V negative, const BySign<Word>& pair) {
  return select(negative, V::set(pair.negative), V::set(pair.positive));
}

// What is added below the last place, so that a carry out of there rounds away from zero.
template <class V, class Word>
HALFULP_HD constexpr V increment(const Unpacked<V>& x, const Codec<Word>& c, V kept, V shift) {
  const V zero = V::set(0);
  const V one = V::set(1);
  const V discarded = shl(one, shift) - one;
  const V lsb = kept & one;
  const V nearest = shr<1>(discarded) + (lsb & V::set(c.tie_even)) + V::set(c.tie_away);
  const V directed = and_not((zero - lsb) & V::set(c.odd), by_sign(x.negative, c.directed));
  return (nearest & V::set(c.nearest)) | (discarded & directed);
}

// The magnitude's code, as if the exponent field had no upper end. (Meaningless beyond emax, where bits may fall off.)
//
// Subnormals need no case of their own: below emin the last place stays where it is, so the shift grows instead of
// the binade, and a carry out of the significand moves into the exponent field by itself.
//
// `random`: nothing, or in the stochastic modes an operand of stochastic.hpp, which has an `increment` of its own.
template <class V, class Word, class... Random>
HALFULP_HD constexpr V round_magnitude(const Unpacked<V>& x, const Codec<Word>& c, const Random&... random) {
  const V zero = V::set(0);
  const V emin = V::set(c.emin);
  const V binade = max(x.exponent - emin, zero);
  const V below = max(emin - x.exponent, zero);
  const V base = shl(binade, V::set(c.mantissa_bits)) - V::set(c.floor);
  const V shift = min(V::set(c.shift) + below, V::set(shift_limit<V::width>));

  const V kept = base + shr(x.significand, shift);
  const V rounded = base + shr(x.significand + increment(x, c, kept, shift, random...), shift);

  const V min_normal = V::set(c.min_normal);
  const V flushed =
      (greater(min_normal, kept) & V::set(c.flush_tiny)) | (greater(min_normal, rounded) & V::set(c.flush_output));
  return max(and_not(flushed, rounded), zero);
}

// The complete code, for every format and policy.
template <class V, class Word, class... Random>
HALFULP_HD constexpr V encode(const Unpacked<V>& source, const Codec<Word>& c, const Random&... random) {
  const V zero = V::set(0);
  const V unsigned_zero = V::set(c.unsigned_zero);
  Unpacked<V> x = source;
  x.negative = and_not(equal(x.significand, zero) & unsigned_zero, x.negative);
  const V magnitude = round_magnitude(x, c, random...);

  const V signed_code = and_not(equal(magnitude, zero) & unsigned_zero, x.negative);
  const V negate = signed_code & V::set(c.twos_complement);
  const V code = (((magnitude ^ negate) - negate) & V::set(c.code_mask)) | (signed_code & V::set(c.sign_bit));

  const V over = greater(magnitude, by_sign(x.negative, c.limit)) | greater(x.exponent, V::set(c.emax));
  const V finite = select(over, by_sign(x.negative, c.overflow), code);
  const V infinite = select(x.inf, by_sign(x.negative, c.inf), finite);
  const V payload = shr(x.significand, V::set(c.shift)) & V::set(c.payload_mask);
  return select(x.nan, by_sign(source.negative, c.nan) | payload, infinite);
}

// Binary32 bits taken apart, without normalising subnormals: right for every format whose emin is -126 or more.
template <class V>
HALFULP_HD constexpr Unpacked<V> unpack_binary32(V bits) {
  const V magnitude = bits & V::set(0x7fffffff);
  const V field = shr<23>(magnitude);
  const V normal = greater(field, V::set(0));
  Unpacked<V> x{};
  x.negative = V::set(0) - shr<31>(bits);
  x.exponent = max(field, V::set(1)) - V::set(127);
  x.significand = (magnitude & V::set(0x007fffff)) | (normal & V::set(0x00800000));
  x.nan = greater(magnitude, V::set(0x7f800000));
  x.inf = equal(magnitude, V::set(0x7f800000));
  return x;
}

// Moves the leading bit of subnormals into the hidden bit, for formats that reach below binary32's emin.
template <class V>
HALFULP_HD constexpr Unpacked<V> normalized(Unpacked<V> x) {
  const V distance = V::set(hidden_bit<V::width>) - highest_bit(x.significand);
  x.significand = shl(x.significand, distance);
  x.exponent = x.exponent - distance;
  return x;
}

// The common case with fewer operations: nearest even, gradual underflow, a sign bit, codes that are the same for
// both signs, Inf encoded as overflow is, emin >= -126. `is_common` tells whether a codec is one.
template <class V>
HALFULP_HD constexpr V encode_common(V bits, const Codec<u32>& c) {
  const V zero = V::set(0);
  const V one = V::set(1);
  const V magnitude = bits & V::set(0x7fffffff);
  const V field = max(shr<23>(magnitude), one);
  // field - 1 plus the hidden bit carried into the exponent gives field again for normals, 0 for subnormals.
  const V significand = magnitude - shl<23>(field - one);
  const V exponent = field - V::set(127);
  const V emin = V::set(c.emin);
  const V base = shl(max(exponent - emin, zero), V::set(c.mantissa_bits));
  const V shift = min(V::set(c.shift) + max(emin - exponent, zero), V::set(shift_limit<32>));
  const V lsb = (base + shr(significand, shift)) & one;
  const V half = shr<1>(shl(one, shift) - one);
  const V rounded = base + shr(significand + half + lsb, shift);

  const V sign = shl(shr<31>(bits), V::set(c.sign_position));
  const V nan = greater(magnitude, V::set(0x7f800000));
  const V limited = select(greater(rounded, V::set(c.limit.positive)), V::set(c.overflow.positive), rounded);
  const V keeps_sign = V::set(c.nan.negative ^ c.nan.positive);
  return select(nan, V::set(c.nan.positive) | (sign & keeps_sign), limited | sign);
}

// Gradual underflow, a sign bit, NaN without payload.
HALFULP_HD constexpr bool is_plain(const Codec<u32>& c) {
  return c.sign_bit != 0 && c.unsigned_zero == 0 && c.floor == 0 && c.flush_output == 0 && c.flush_tiny == 0 &&
         c.payload_mask == 0 && (c.nan.negative == (c.nan.positive | c.sign_bit) || c.nan.negative == c.nan.positive);
}

HALFULP_HD constexpr bool is_common(const Codec<u32>& c) {
  return is_plain(c) && c.tie_even == 1 && c.inf.positive == c.overflow.positive &&
         c.inf.negative == c.overflow.negative && c.limit.positive == c.limit.negative &&
         c.overflow.negative == (c.overflow.positive | c.sign_bit) && (c.overflow.positive & c.sign_bit) == 0 &&
         static_cast<i32>(c.emin) >= -126;
}

template <class Word>
HALFULP_HD constexpr Increment increment_kind(const Codec<Word>& c) {
  return c.tie_even != 0 ? Increment::nearest_even : c.odd != 0 ? Increment::to_odd : Increment::by_sign;
}

// Increment::by_sign: what is added below the last place, if `discarded` has all bits there.
template <class Word>
HALFULP_HD constexpr BySign<Word> increments(const Codec<Word>& c, Word discarded) {
  const Word nearest = ((discarded >> 1) + c.tie_away) & c.nearest;
  return {nearest | (discarded & c.directed.positive), nearest | (discarded & c.directed.negative)};
}

// A shorter format may stand between if numbers are rounded to it in this mode: the same direction as the codec's, or
// toward zero, where it has one more bit, or what is lost is looked at.
template <class Word>
HALFULP_HD constexpr Rounding directed_conversion(const Codec<Word>& c) {
  if (increment_kind(c) != Increment::by_sign) return Rounding::toward_zero;
  return c.directed.positive != 0   ? Rounding::toward_positive
         : c.directed.negative != 0 ? Rounding::toward_negative
                                    : Rounding::toward_zero;
}

// Formats whose code is the front of a binary32's (bfloat16, TF32), with the ordinary policy: one integer addition.
//
//   s EEEEEEEE TTTTTTT|dddddddddddddddd     adding lsb + 0b0111... carries into T, from T into E, and at the top
//                                           from the largest number into Inf, as 0b1000... (nearest away) and
//                                           0b1111... (away from zero, or to odd if lsb is 0) do
// `round_prefix_number` does not serve NaN: a carry may turn it into anything.
template <Increment kind, class V>
HALFULP_HD constexpr V round_prefix_number(V bits, const Codec<u32>& c) {
  const u32 discarded = (u32{1} << c.shift) - 1;
  if constexpr (kind == Increment::by_sign) {
    return bits + by_sign(greater(V::set(0), bits), increments(c, discarded));
  }
  const V lsb = shr_uniform(bits, V::set(c.shift)) & V::set(1);
  if constexpr (kind == Increment::nearest_even) return bits + V::set(discarded >> 1) + lsb;
  return bits + ((lsb - V::set(1)) & V::set(discarded));
}

template <Increment kind, class V>
HALFULP_HD constexpr V encode_prefix_number(V bits, const Codec<u32>& c) {
  return shr_uniform(round_prefix_number<kind>(bits, c), V::set(c.shift));
}

template <class V>
HALFULP_HD constexpr V is_nan(V bits) {
  return greater(bits & V::set(0x7fffffff), V::set(0x7f800000));
}

// bfloat16's code is the upper half of a binary32, so 16-bit lanes can round it: one more, unless the lower half is at
// most what `last_to_stay` says.
HALFULP_HD constexpr BySign<u16> halves_to_stay(const Codec<u32>& c) {
  if (increment_kind(c) == Increment::nearest_even) return {0x8000, 0x8000};  // less the last place
  if (increment_kind(c) == Increment::to_odd) return {0, 0};                  // which makes it the largest
  const BySign<u32> added = increments(c, u32{0xffff});
  return {static_cast<u16>(0xffff - added.positive), static_cast<u16>(0xffff - added.negative)};
}

template <Increment kind, class V>
HALFULP_HD constexpr V last_to_stay(V upper, BySign<u16> stays) {
  if constexpr (kind == Increment::by_sign)
    return select_by_sign(upper, V::set(stays.negative), V::set(stays.positive));
  return V::set(stays.positive) - (upper & V::set(1));
}

template <Increment kind, class V>
HALFULP_HD constexpr V encode_prefix(V bits, const Codec<u32>& c) {
  const V sign = shl(shr<31>(bits), V::set(c.sign_position)) & V::set(c.nan.negative ^ c.nan.positive);
  return select(is_nan(bits), V::set(c.nan.positive) | sign, encode_prefix_number<kind>(bits, c));
}

// binary32 itself with the ordinary policy: what is no NaN stays as it is.
HALFULP_HD constexpr bool is_binary32(const Format& f, const Policy& p) {
  return f.is_signed && f.specials == Specials::ieee && f.exponent_bits == 8 && f.mantissa_bits == 23 &&
         f.bias == 127 && p.rounding == Rounding::nearest_even && p.overflow == Overflow::standard &&
         p.subnormals == Subnormals::gradual && !p.nan.keep_payload;
}

template <class V, class Word>
HALFULP_HD constexpr V encode_binary32(V bits, const BySign<Word>& nan) {
  const V negative = greater(V::set(0), bits);
  const V positive_code = V::set(static_cast<u32>(nan.positive));
  return select(is_nan(bits), select(negative, V::set(static_cast<u32>(nan.negative)), positive_code), bits);
}

// Whether what lies beyond the largest number becomes Inf where rounding increases magnitudes, and that number where
// it does not: what hardware does, and what a carry does in the front of a binary32.
HALFULP_HD constexpr bool overflows_by_rounding(const Format& f, const Codec<u32>& c) {
  const u32 inf = static_cast<u32>(f.inf_magnitude());
  const u32 largest = inf - 1;
  const bool away = c.nearest != 0 || (c.odd != 0 && (largest & 1) == 0);
  const bool up = away || (c.odd == 0 && c.directed.positive != 0);
  const bool down = away || (c.odd == 0 && c.directed.negative != 0);
  return c.inf.positive == inf && c.inf.negative == (inf | c.sign_bit) && c.overflow.positive == (up ? inf : largest) &&
         c.overflow.negative == ((down ? inf : largest) | c.sign_bit);
}

HALFULP_HD constexpr bool is_prefix(const Format& f, const Codec<u32>& c) {
  return is_plain(c) && f.specials == Specials::ieee && f.exponent_bits == 8 && f.bias == 127 &&
         overflows_by_rounding(f, c);
}

HALFULP_HD constexpr bool is_binary16(const Format& f, const Codec<u32>& c) {
  return is_plain(c) && f.specials == Specials::ieee && f.exponent_bits == 5 && f.mantissa_bits == 10 && f.bias == 15 &&
         overflows_by_rounding(f, c);
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
