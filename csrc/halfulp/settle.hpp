// From an exact result to a code and its exception flags: the one rounding of an operation.
#pragma once

#include "real.hpp"

namespace halfulp {

// The exceptions of IEEE 754-2019 clause 7, with the bits TestFloat prints.
namespace flag {
inline constexpr u8 inexact = 1;
inline constexpr u8 underflow = 2;
inline constexpr u8 overflow = 4;
inline constexpr u8 divide_by_zero = 8;
inline constexpr u8 invalid = 16;
}  // namespace flag

// Whether a result is tiny is asked of the exact one, or of that rounded as if exponents had no lower end (7.5).
enum class Tininess : u8 { after, before };

// Which NaN an operation delivers (6.2.3 leaves it open).
enum class NanPropagation : u8 {
  canonical,  // the format's own, positive; RISC-V
  x86,        // the first operand's that is one; one without an operand is negative
  arm,        // a signalling operand's before others'; in fma the addend's first
};

struct Outcome {
  u64 code;
  u8 flags;
};

// How results of one format are made.
struct Result {
  Codec<u64> codec;
  Decoder<u64> decoder;
  NanPropagation nan;
  Tininess tininess;
  bool has_exponent;       // or nothing is ever tiny
  bool is_unsigned;        // a negative result has no place
  bool below_is_nan;       // and becomes NaN
  bool negative_zero_sum;  // terms that cancel leave -0
};

// `nan`: the codes of NaN, or what stands for it in a format without.
HALFULP_HD constexpr Result make_result(const Format& f, const Policy& policy, NanPropagation nan, Tininess tininess) {
  Result r{};
  Policy p = policy;
  p.nan.keep_payload = nan != NanPropagation::canonical && f.specials == Specials::ieee;
  r.codec = make_codec<u64>(f, p);
  r.decoder = make_decoder<u64>(f);
  r.nan = nan;
  r.tininess = tininess;
  r.has_exponent = f.exponent_bits > 0;
  r.is_unsigned = !f.is_signed;
  r.below_is_nan = f.has_nan() && p.overflow == Overflow::standard;
  r.negative_zero_sum = p.rounding == Rounding::toward_negative;
  return r;
}

inline namespace HALFULP_TARGET {

HALFULP_HD constexpr u64 encode_real(const Real& x, const Result& r) { return encode(unpacked(x), r.codec).word; }

HALFULP_HD constexpr Real value_of_code(u64 code, const Result& r) {
  return real(unpack_binary<11, 52>(decode(Wide{code}, r.decoder).word, false));
}

// Whether rounding with unbounded exponents, to the full precision, still leaves x below 2^emin.
HALFULP_HD constexpr bool is_tiny(const Real& x, const Result& r) {
  const i64 emin = static_cast<i64>(r.codec.emin);
  if (x.exponent != emin - 1 || r.tininess == Tininess::before) return x.exponent < emin;
  // Two binades higher nothing is subnormal, and codes have the same parity: does it carry out of the binade there?
  Real higher = x;
  higher.exponent = emin + 1;
  const u64 magnitude = round_magnitude(unpacked(higher), r.codec).word;
  const u64 binade = u64{1} << r.codec.mantissa_bits;
  return magnitude + r.codec.floor < 3 * binade;
}

// Whether the rounded magnitude lies beyond the largest one.
HALFULP_HD constexpr bool overflows(const Real& x, const Result& r) {
  if (x.exponent > static_cast<i64>(r.codec.emax)) return true;
  if (x.exponent < static_cast<i64>(r.codec.emax) - 1) return false;
  const u64 limit = x.negative ? r.codec.limit.negative : r.codec.limit.positive;
  return round_magnitude(unpacked(x), r.codec).word > limit;
}

// A negative result of an unsigned format: its code is NaN, the lower end, or what it was rounded to.
HALFULP_HD constexpr Outcome settle_below(const Real& x, const Result& r) {
  const u64 code = encode_real(x, r);
  if (r.below_is_nan && code == r.codec.overflow.negative) return {code, flag::invalid};
  const bool rounded = x.is_finite() && r.codec.floor == 0 && round_magnitude(unpacked(x), r.codec).word == 0;
  if (!rounded) return {code, flag::overflow | flag::inexact};
  return {code, static_cast<u8>(flag::inexact | (r.has_exponent ? flag::underflow : 0))};
}

HALFULP_HD constexpr Outcome settle(const Real& x, const Result& r) {
  if (x.is_nan()) return {encode_real(x, r), 0};
  if (x.negative && r.is_unsigned && !x.is_zero()) return settle_below(x, r);
  const u64 code = encode_real(x, r);
  if (x.is_infinite()) return {code, 0};
  const Real value = value_of_code(code, r);
  const bool exact = value.is_finite() && value.exponent == x.exponent && value.significand == x.significand;
  if (exact) return {code, 0};
  if (overflows(x, r)) return {code, flag::overflow | flag::inexact};
  const bool tiny = r.has_exponent && (is_tiny(x, r) || value.is_zero());
  return {code, static_cast<u8>(flag::inexact | (tiny ? flag::underflow : 0))};
}

// -- NaN

HALFULP_HD constexpr Real generated_nan(const Result& r) { return quiet_nan(r.nan == NanPropagation::x86); }

// One of n operands in the order of their claim, at least one of them NaN.
HALFULP_HD constexpr Real propagated_nan(const Real* operands, int n, const Result& r) {
  if (r.nan == NanPropagation::canonical) return quiet_nan(false);
  if (r.nan == NanPropagation::arm) {
    for (int i = 0; i < n; ++i) {
      if (operands[i].signaling) return operands[i];
    }
  }
  for (int i = 0; i < n; ++i) {
    if (operands[i].is_nan()) return operands[i];
  }
  return quiet_nan(false);
}

HALFULP_HD constexpr u8 flags_of_nans(const Real* operands, int n) {
  for (int i = 0; i < n; ++i) {
    if (operands[i].signaling) return flag::invalid;
  }
  return 0;
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
