// An exact real number between an operation's operands and its one rounding, and how it is read from a code.
#pragma once

#include "decode.hpp"
#include "source.hpp"

namespace halfulp {
inline namespace HALFULP_TARGET {

// (-1)^negative * significand * 2^(exponent - 61). The leading bit is at 61; bit 0 may be sticky.
//
// Operands have at most 24 significant bits, so bits 37 to 0 of theirs are zero: products are exact, and what a sum or
// a quotient loses below bit 0 never decides more than a sticky bit does.
struct Real {
  enum class Kind : u8 { finite, infinite, nan };
  Kind kind;
  bool negative;
  bool signaling;   // of a NaN
  u64 significand;  // 0 for zero; of a NaN the fraction, as unpack_special gives it
  i64 exponent;     // exponent_of_zero for zero

  HALFULP_HD constexpr bool is_finite() const { return kind == Kind::finite; }
  HALFULP_HD constexpr bool is_infinite() const { return kind == Kind::infinite; }
  HALFULP_HD constexpr bool is_nan() const { return kind == Kind::nan; }
  HALFULP_HD constexpr bool is_zero() const { return is_finite() && significand == 0; }
};

inline constexpr int max_precision_of_operands = 24;

HALFULP_HD constexpr Real real(const Unpacked<Wide>& x) {
  const Real::Kind kind = x.nan.word != 0   ? Real::Kind::nan
                          : x.inf.word != 0 ? Real::Kind::infinite
                                            : Real::Kind::finite;
  return {kind, x.negative.word != 0, false, x.significand.word, static_cast<i64>(x.exponent.word)};
}

HALFULP_HD constexpr Unpacked<Wide> unpacked(const Real& x) {
  return {{mask_if(x.negative)},
          {static_cast<u64>(x.exponent)},
          {x.significand},
          {mask_if(x.is_nan())},
          {mask_if(x.is_infinite())}};
}

// magnitude * 2^exponent_of_bit0, a sticky bit at the end of the magnitude staying one.
HALFULP_HD constexpr Real finite(bool negative, u64 magnitude, i64 exponent_of_bit0) {
  return real(unpack_finite(negative, magnitude, exponent_of_bit0));
}
HALFULP_HD constexpr Real zero(bool negative) { return finite(negative, 0, 0); }
HALFULP_HD constexpr Real infinity(bool negative) { return real(unpack_special(negative, 0)); }
// A quiet NaN without payload.
HALFULP_HD constexpr Real quiet_nan(bool negative) { return real(unpack_special(negative, u64{1} << 60)); }

HALFULP_HD constexpr Real negated(Real x) {
  x.negative = !x.negative;
  return x;
}
HALFULP_HD constexpr Real magnitude_of(Real x) {
  x.negative = false;
  return x;
}

// How the codes of one operand are read.
struct Operand {
  Decoder<u64> decoder;
  u64 code_mask;
  u64 quiet_bit;   // clear in a signalling NaN; 0 where no NaN signals
  u64 min_normal;  // as binary64 bits: what is below is read as zero; 0 where subnormals are read
};

HALFULP_HD constexpr Operand make_operand(const Format& f, bool flush_input) {
  Operand o{};
  o.decoder = make_decoder<u64>(f);
  o.code_mask = f.magnitude_mask() | f.sign_bit();
  o.quiet_bit = f.specials == Specials::ieee ? u64{1} << (f.mantissa_bits - 1) : 0;
  const u64 first_normal = u64{1} << f.mantissa_bits;
  o.min_normal = flush_input && f.has_subnormals() ? decode(Wide{first_normal}, o.decoder).word : 0;
  return o;
}

HALFULP_HD constexpr Real read(u64 code, const Operand& o) {
  const u64 bits = decode(Wide{code}, o.decoder).word;
  const u64 magnitude = bits & ~(u64{1} << 63);
  if (magnitude < o.min_normal) return zero(bits != magnitude);
  Real x = real(unpack_binary<11, 52>(bits, false));
  x.signaling = x.is_nan() && o.quiet_bit != 0 && (code & o.quiet_bit) == 0;
  return x;
}

// -1, 0 or 1: how |a| and |b| compare, neither being NaN.
HALFULP_HD constexpr int compare_magnitudes(const Real& a, const Real& b) {
  if (a.kind != b.kind) return a.is_infinite() ? 1 : -1;
  if (a.is_infinite()) return 0;
  if (a.exponent != b.exponent) return a.exponent < b.exponent ? -1 : 1;
  if (a.significand != b.significand) return a.significand < b.significand ? -1 : 1;
  return 0;
}

// The same of a and b; zeros are equal.
HALFULP_HD constexpr int compare_values(const Real& a, const Real& b) {
  if (a.is_zero() && b.is_zero()) return 0;
  if (a.negative != b.negative) return a.negative ? -1 : 1;
  const int order = compare_magnitudes(a, b);
  return a.negative ? -order : order;
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
