// What a number format is: a few parameters, and the code layout that follows from them.
#pragma once

#include "config.hpp"

namespace halfulp {

// What the codes at the ends of the range stand for.
enum class Specials : u8 {
  ieee,     // all-ones exponent: Inf (T = 0) and NaN (T != 0)
  fn,       // no Inf; the all-ones magnitude is NaN
  fnuz,     // no Inf; the code of -0 is the only NaN, so there is no -0
  finite,   // every code is a number
  p3109_e,  // one NaN (at -0, or at the top when unsigned); the largest magnitude is Inf
  p3109_f,  // one NaN (at -0, or at the top when unsigned); no Inf
  integer,  // two's complement, every code is a number
};

// A format is data: nothing else distinguishes one from another.
//
//   code:  s EEE...E TTT...T      value = (-1)^s * 2^(max(E,1) - bias) * ((E > 0) + T / 2^mantissa_bits)
//
// Without an exponent field (exponent_bits = 0) the value is T * 2^(1 - bias - mantissa_bits).
// Without a zero (has_zero = false, E8M0) the field E = 0 is one more binade of normal numbers.
struct Format {
  const char* name;
  int exponent_bits;
  int mantissa_bits;
  int bias;
  Specials specials;
  bool is_signed;
  bool has_zero;
  const char* source;

  HALFULP_HD constexpr bool is_integer() const { return specials == Specials::integer; }
  HALFULP_HD constexpr int magnitude_bits() const { return exponent_bits + mantissa_bits; }
  HALFULP_HD constexpr int bits() const { return magnitude_bits() + (is_signed ? 1 : 0); }
  // Significant bits, the hidden one included.
  HALFULP_HD constexpr int precision() const { return mantissa_bits + (exponent_bits > 0 ? 1 : 0); }
  // Exponent of the smallest normal number (of the virtual one where no exponent field exists).
  HALFULP_HD constexpr int emin() const { return (has_zero ? 1 : 0) - bias; }
  // Exponent of the last place of subnormal numbers: every value is a multiple of 2^lsb_exponent.
  HALFULP_HD constexpr int lsb_exponent() const { return emin() - mantissa_bits; }
  // Exponent of the smallest normal number; without an exponent field, of the smallest number.
  HALFULP_HD constexpr int min_normal_exponent() const { return exponent_bits > 0 ? emin() : lsb_exponent(); }
  // Exponent of the last place of a number of this exponent, were there one: no place is below that of subnormals.
  HALFULP_HD constexpr int place_exponent(int exponent) const {
    const int place = exponent - mantissa_bits;
    return exponent_bits > 0 && place > lsb_exponent() ? place : lsb_exponent();
  }
  HALFULP_HD constexpr bool has_subnormals() const { return exponent_bits > 0 && mantissa_bits > 0 && has_zero; }
  HALFULP_HD constexpr bool has_inf() const { return specials == Specials::ieee || specials == Specials::p3109_e; }
  HALFULP_HD constexpr bool has_nan() const { return specials != Specials::finite && specials != Specials::integer; }
  // One NaN, in the place of -0.
  HALFULP_HD constexpr bool nan_is_negative_zero() const {
    return is_signed && (specials == Specials::fnuz || specials == Specials::p3109_e || specials == Specials::p3109_f);
  }
  HALFULP_HD constexpr bool nan_has_sign() const {
    return is_signed && (specials == Specials::ieee || specials == Specials::fn);
  }
  HALFULP_HD constexpr bool has_negative_zero() const { return is_signed && !is_integer() && !nan_is_negative_zero(); }

  HALFULP_HD constexpr u64 magnitude_mask() const { return (u64{1} << magnitude_bits()) - 1; }
  HALFULP_HD constexpr u64 mantissa_mask() const { return (u64{1} << mantissa_bits) - 1; }
  HALFULP_HD constexpr u64 sign_bit() const { return is_signed ? u64{1} << magnitude_bits() : 0; }

  // Magnitude code of +Inf. Meaningless without one.
  HALFULP_HD constexpr u64 inf_magnitude() const {
    if (specials == Specials::ieee) return magnitude_mask() ^ mantissa_mask();
    return is_signed ? magnitude_mask() : magnitude_mask() - 1;
  }
  // The canonical NaN. Meaningless without one.
  HALFULP_HD constexpr u64 nan_code() const {
    if (nan_is_negative_zero()) return sign_bit();
    if (specials == Specials::ieee) return inf_magnitude() | (u64{1} << (mantissa_bits - 1));
    return magnitude_mask();
  }
  // Magnitude code of the largest finite number.
  HALFULP_HD constexpr u64 max_magnitude() const {
    if (has_inf()) return inf_magnitude() - 1;
    if (has_nan() && !nan_is_negative_zero()) return magnitude_mask() - 1;
    return magnitude_mask();
  }
  // The same on the negative side: one more in two's complement, none at all when unsigned.
  HALFULP_HD constexpr u64 max_negative_magnitude() const {
    if (!is_signed) return 0;
    return is_integer() ? max_magnitude() + 1 : max_magnitude();
  }
  // Exponent of the largest finite number. A code field of zero counts as the subnormal binade.
  HALFULP_HD constexpr int emax() const {
    const u64 m = max_magnitude();
    if (exponent_bits > 0) {
      const int field = static_cast<int>(m >> mantissa_bits);
      if (field > 0 || !has_zero) return field - bias;
    }
    int top = -1;
    for (u64 rest = m; rest != 0; rest >>= 1) ++top;
    return lsb_exponent() + top;
  }
  // Exponent of the largest finite magnitude: two's complement has one more value below than above, a power of two.
  HALFULP_HD constexpr int largest_exponent() const { return is_integer() && is_signed ? emin() : emax(); }
  // Whether every value is a binary32 number, so that decode needs no wider one.
  HALFULP_HD constexpr bool fits_binary32() const {
    return precision() <= 24 && lsb_exponent() >= -149 && largest_exponent() <= 127;
  }
  // Whether rounding from a binary32 that was itself rounded to odd is correct (Boldo & Melquiond 2008): two spare
  // bits below every last place, and no value beyond binary32.
  HALFULP_HD constexpr bool narrows_from_binary32() const {
    return precision() <= 22 && lsb_exponent() >= -147 && largest_exponent() <= 127;
  }
};

// Why a set of parameters is no format, as an index into format_errors; 0 if it is one.
enum class FormatError : u8 {
  none,
  exponent_bits,
  mantissa_bits,
  width,
  specials_ieee,
  specials_fnuz,
  specials_p3109,
  specials_integer,
  zero,
  too_few_codes,
  too_large,
  too_small,
};

HALFULP_HD constexpr FormatError check(const Format& f) {
  if (f.exponent_bits < 0 || f.exponent_bits > 11) return FormatError::exponent_bits;
  if (f.mantissa_bits < 0 || f.mantissa_bits > 52) return FormatError::mantissa_bits;
  if (f.bits() < 1 || f.bits() > 64) return FormatError::width;
  if (f.bias < -100000 || f.bias > 100000) return f.bias < 0 ? FormatError::too_large : FormatError::too_small;
  switch (f.specials) {
    case Specials::ieee:
      if (f.exponent_bits < 1 || f.mantissa_bits < 1) return FormatError::specials_ieee;
      break;
    case Specials::fnuz:
      if (!f.is_signed) return FormatError::specials_fnuz;
      break;
    case Specials::p3109_e:
    case Specials::p3109_f:
      if (f.exponent_bits < 1) return FormatError::specials_p3109;
      break;
    case Specials::integer:
      if (f.exponent_bits != 0) return FormatError::specials_integer;
      break;
    default: break;
  }
  if (!f.has_zero && (f.is_signed || f.exponent_bits < 1)) return FormatError::zero;
  // A magnitude field too small for its special codes would wrap around below.
  const u64 reserved = (f.has_inf() ? 1 : 0) + (f.has_nan() && !f.nan_is_negative_zero() ? 1 : 0);
  if (f.magnitude_mask() < reserved + (f.has_zero ? 1 : 0)) return FormatError::too_few_codes;
  if (f.lsb_exponent() < -1074) return FormatError::too_small;
  if (f.largest_exponent() > 1023) return FormatError::too_large;
  return FormatError::none;
}

}  // namespace halfulp
