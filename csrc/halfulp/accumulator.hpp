// The long accumulator (Kulisch): sums of products of codes without any rounding, then one.
#pragma once

#include "decode.hpp"
#include "source.hpp"

namespace halfulp {

// The formats whose codes can be terms of a sum: significands of two of them multiply within 64 bits.
inline constexpr int max_term_precision = 24;

// How many bits hold any finite value of a format as an integer number of its last places.
HALFULP_HD constexpr int fixed_bits(const Format& f) { return f.largest_exponent() - f.lsb_exponent() + 1; }

// An accumulator is a two's complement integer of so many 64-bit words, the lowest first, counting units of some 2^unit.
// These are enough for sums of fewer than 2^63 products; `spare` more bits may lie below the last place of a product.
HALFULP_HD constexpr int accumulator_words(const Format& a, const Format& b, int spare) {
  return (fixed_bits(a) + fixed_bits(b) + spare + 64) / 64 + 1;
}
inline constexpr int max_accumulator_words = (2 * (1023 + 1074 + 1) + 2 * max_term_precision + 64) / 64 + 1;

enum class Kind : u8 { finite, infinite, quiet_nan, signaling_nan };

// What a code means: significand * 2^(place + lsb_exponent of its format), or Inf, or NaN.
struct Term {
  i64 significand;  // 0 for Inf and NaN
  int place;
  bool negative;  // of zeros too
  Kind kind;
};

// What `term` reads.
struct TermReader {
  Decoder<u64> decoder;
  u64 quiet_bit;   // of a NaN's code; 0 if all are quiet
  u64 min_normal;  // smaller magnitudes count as zero
};

HALFULP_HD constexpr TermReader make_term_reader(const Format& f, bool flush_input) {
  const bool quiet = f.specials == Specials::ieee;
  const bool flush = flush_input && f.has_subnormals();
  return {make_decoder<u64>(f), quiet ? u64{1} << (f.mantissa_bits - 1) : 0, flush ? u64{1} << f.mantissa_bits : 0};
}

// IEEE 754-2019 clause 7, in the order of TestFloat's bits.
enum Flag : u8 { inexact = 1, underflow = 2, overflow = 4, divide_by_zero = 8, invalid = 16 };

struct Rounded {
  u64 code;
  u8 flags;
};

// A format with a policy, and what tells which flags its rounding raises.
struct Rounder {
  Format format;
  Codec<u64> codec;
  Codec<u64> deeper;  // the same format with two more binades of normal numbers below
  u64 first_normal;   // the code of 2^emin in it
  TermReader reader;
  bool nan_for_negative;  // an unsigned format has NaN for what is negative
  bool tiny_before;       // tininess is detected before rounding
};

HALFULP_HD constexpr Rounder make_rounder(const Format& f, const Policy& policy, bool tiny_before) {
  Rounder r{f, make_codec<u64>(f, policy), {}, 0, make_term_reader(f, false), false, tiny_before};
  r.deeper = r.codec;
  r.deeper.emin -= 2;
  r.deeper.flush_output = r.deeper.flush_tiny = 0;
  r.first_normal = (f.has_zero ? u64{3} : u64{2}) << f.mantissa_bits;
  r.nan_for_negative = !f.is_signed && f.has_nan() && policy.overflow == Overflow::standard;
  return r;
}

inline namespace HALFULP_TARGET {

// The code must have no bits above the width.
HALFULP_HD constexpr Term term(u64 code, const TermReader& r) {
  const Decoder<u64>& d = r.decoder;
  const bool negative = d.has_sign != 0 && ((code >> d.sign_position) & 1) != 0;
  const u64 magnitude = (negative && d.twos_complement != 0 ? 0 - code : code) & d.magnitude_mask;
  Term t{0, 0, negative, Kind::finite};
  if (magnitude == d.inf) {
    t.kind = Kind::infinite;
  } else if (magnitude >= d.first_nan || (magnitude == 0 && negative && d.nan_at_negative_zero != 0)) {
    t.kind = r.quiet_bit != 0 && (magnitude & r.quiet_bit) == 0 ? Kind::signaling_nan : Kind::quiet_nan;
  } else if (magnitude >= r.min_normal) {
    const u64 position = magnitude + d.floor;
    const u64 field = position >> d.mantissa_bits;
    const u64 hidden = field > 0 ? u64{1} << d.mantissa_bits : 0;
    const i64 significand = static_cast<i64>((position & d.mantissa_mask) | hidden);
    t.significand = negative ? -significand : significand;
    t.place = field > 0 ? static_cast<int>(field) - 1 : 0;
  }
  return t;
}

// Adds value * 2^place, in units of the accumulator.
//
//   words:   ... | w[i+1]                          | w[i]                            | ...
//   value:   sss | sss...s + what the shift pushed | value << (place % 64)           |
HALFULP_HD constexpr void accumulate(u64* words, int count, i64 value, int place) {
  int i = place / 64;
  const int shift = place % 64;
  const u64 low = static_cast<u64>(value) << shift;
  const u64 extension = value < 0 ? ~u64{0} : 0;
  const u64 high = shift == 0 ? extension : (static_cast<u64>(value) >> (64 - shift)) | (extension << shift);
  words[i] += low;
  u64 carry = words[i] < low ? 1 : 0;
  if (++i >= count) return;
  const u64 with_carry = high + carry;
  carry = with_carry < carry ? 1 : 0;
  words[i] += with_carry;
  carry += words[i] < with_carry ? 1 : 0;
  // What is left is the sign's extension plus a carry: -1, 0 or 1.
  const u64 rest = extension + carry;
  for (++i; rest == 1 && i < count; ++i) {
    if (++words[i] != 0) return;
  }
  for (; rest == ~u64{0} && i < count; ++i) {
    if (words[i]-- != 0) return;
  }
}

// The sum, with its bits beyond the leading 61 in a sticky bit. What is in the words is lost.
HALFULP_HD constexpr Unpacked<Wide> accumulated(u64* words, int count, int unit) {
  const bool negative = (words[count - 1] >> 63) != 0;
  u64 carry = 1;
  for (int i = 0; negative && i < count; ++i) {
    words[i] = ~words[i] + carry;
    carry = carry != 0 && words[i] == 0 ? 1 : 0;
  }
  int last = count - 1;
  while (last > 0 && words[last] == 0) --last;
  // The leading bit goes to bit 63, which leaves room below for the sticky bit.
  const int missing = 63 - static_cast<int>(highest_bit(Wide{words[last]}).word);
  if (missing == 64) return unpack_finite(false, 0, 0);
  u64 leading = words[last] << missing;
  bool sticky = false;
  if (last > 0 && missing > 0) {
    leading |= words[last - 1] >> (64 - missing);
    sticky = words[last - 1] << missing != 0;
  } else if (last > 0) {
    sticky = words[last - 1] != 0;
  }
  for (int i = last - 2; i >= 0 && !sticky; --i) sticky = words[i] != 0;
  return unpack_finite(negative, leading | (sticky ? 1 : 0), i64{unit} + 64 * i64{last} - missing);
}

// Whether a finite number is below 2^emin: as it is, or rounded as if exponents had no lower end.
HALFULP_HD constexpr bool is_tiny(const Unpacked<Wide>& x, const Rounder& r) {
  const Format& f = r.format;
  if (f.exponent_bits == 0) return false;
  const i64 below = f.emin() - static_cast<i64>(x.exponent.word);
  if (below <= 0 || below > 1 || r.tiny_before) return below > 0;
  return round_magnitude(x, r.deeper).word < r.first_normal;
}

// An exact number, or one with a sticky bit, to its code and flags. Zeros keep their sign where it has a code.
HALFULP_HD constexpr Rounded round_with_flags(const Unpacked<Wide>& x, const Rounder& r) {
  const Codec<u64>& c = r.codec;
  const u64 code = encode(x, c).word;
  if ((x.nan.word | x.inf.word) != 0) return {code, 0};
  const bool zero = x.significand.word == 0;
  const bool negative = x.negative.word != 0 && !zero;
  const u64 magnitude = round_magnitude(x, c).word;
  const u64 limit = negative ? c.limit.negative : c.limit.positive;
  const bool over = static_cast<i64>(magnitude) > static_cast<i64>(limit) ||
                    static_cast<i64>(x.exponent.word) > static_cast<i64>(c.emax);
  if (over && negative && r.nan_for_negative) return {code, invalid};
  if (over) return {code, overflow | inexact};
  const Term t = term(code, r.reader);
  const u64 back = static_cast<u64>(t.significand < 0 ? -t.significand : t.significand);
  const Unpacked<Wide> y = unpack_finite(t.negative, back, i64{t.place} + r.format.lsb_exponent());
  const bool exact = x.significand.word == y.significand.word && (zero || x.exponent.word == y.exponent.word);
  if (exact) return {code, 0};
  const bool tiny = is_tiny(x, r) || (back == 0 && r.format.exponent_bits > 0);
  return {code, static_cast<u8>(tiny ? inexact | underflow : inexact)};
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
