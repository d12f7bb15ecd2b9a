// Decoding: a code becomes the bits of a binary32 (or binary64) number, exactly.
#pragma once

#include "format.hpp"
#include "scalar.hpp"

namespace halfulp {

// What decode reads. Word: the bits of the result, 32 or 64.
template <class Word>
struct Decoder {
  Word mantissa_bits;
  Word mantissa_mask;
  Word magnitude_mask;
  Word sign_position;
  Word has_sign;              // 1 if there is a sign bit
  Word twos_complement;       // all ones: negatives are negated
  Word floor;                 // added to the code where there is no zero
  Word lsb_exponent;          // two's complement
  Word inf;                   // magnitude code of Inf; all ones if none
  Word first_nan;             // smallest magnitude code of NaN; the largest positive word if none
  Word nan_at_negative_zero;  // all ones: the sign bit alone is NaN
  Word nan_sign;              // all ones: NaN keeps its sign
  Word payload_mask;
};

template <class Word>
HALFULP_HD constexpr Decoder<Word> make_decoder(const Format& f) {
  constexpr Word all = static_cast<Word>(~Word{0});
  const bool sign_bit = f.is_signed && !f.is_integer();
  Decoder<Word> d{};
  d.mantissa_bits = static_cast<Word>(f.mantissa_bits);
  d.mantissa_mask = static_cast<Word>(f.mantissa_mask());
  d.magnitude_mask = static_cast<Word>(f.is_integer() ? f.magnitude_mask() | f.sign_bit() : f.magnitude_mask());
  d.sign_position = static_cast<Word>(f.magnitude_bits());
  d.has_sign = f.is_signed ? 1 : 0;
  d.twos_complement = f.is_signed && f.is_integer() ? all : 0;
  d.floor = f.has_zero ? 0 : static_cast<Word>(Word{1} << f.mantissa_bits);
  d.lsb_exponent = static_cast<Word>(f.lsb_exponent());
  d.inf = f.has_inf() ? static_cast<Word>(f.inf_magnitude()) : all;
  d.first_nan = all >> 1;
  if (f.specials == Specials::ieee) {
    d.first_nan = static_cast<Word>(f.inf_magnitude() + 1);
  } else if (f.has_nan() && !f.nan_is_negative_zero()) {
    d.first_nan = static_cast<Word>(f.nan_code());
  }
  d.nan_at_negative_zero = sign_bit && f.nan_is_negative_zero() ? all : 0;
  d.nan_sign = f.nan_has_sign() ? all : 0;
  d.payload_mask = f.specials == Specials::ieee ? static_cast<Word>(f.mantissa_mask() >> 1) : 0;
  return d;
}

inline namespace HALFULP_TARGET {

template <class V, class Word>
HALFULP_HD constexpr V decode(V code, const Decoder<Word>& d) {
  constexpr int trailing = V::width == 32 ? 23 : 52;
  constexpr Word bias = V::width == 32 ? 127 : 1023;
  constexpr Word top_bit = Word{1} << (V::width - 1);
  constexpr Word inf_bits = (2 * bias + 1) << trailing;
  constexpr Word quiet_bit = Word{1} << (trailing - 1);
  const V zero = V::set(0);
  const V one = V::set(1);

  const V negative = zero - (shr(code, V::set(d.sign_position)) & V::set(d.has_sign));
  const V negate = negative & V::set(d.twos_complement);
  const V magnitude = ((code ^ negate) - negate) & V::set(d.magnitude_mask);
  const V position = magnitude + V::set(d.floor);

  // value = significand * 2^(exponent of its last place)
  const V mantissa_bits = V::set(d.mantissa_bits);
  const V field = shr(position, mantissa_bits);
  const V hidden = greater(field, zero) & shl(one, mantissa_bits);
  const V significand = (position & V::set(d.mantissa_mask)) | hidden;
  const V lsb_exponent = max(field, one) - one + V::set(d.lsb_exponent);

  // The leading bit goes to the result's hidden bit, further right in its subnormals; either is exact.
  const V top = highest_bit(significand);
  const V exponent = top + lsb_exponent + V::set(bias);
  // (Of two's complement with as many bits as the result's significand, the minimum has one more.)
  const V aligned = shl(significand, V::set(trailing) - top) | shr(significand, top - V::set(trailing));
  const V number = shl<trailing>(max(exponent, one) - one) + shr(aligned, max(one - exponent, zero));

  const V nonzero = and_not(equal(significand, zero), number);
  const V payload = shl(magnitude & V::set(d.payload_mask), V::set(trailing) - mantissa_bits);
  const V nan_bits = V::set(inf_bits | quiet_bit) | payload;
  const V is_inf = equal(magnitude, V::set(d.inf));
  const V is_nan = greater(magnitude, V::set(d.first_nan - 1)) |
                   (equal(magnitude, zero) & negative & V::set(d.nan_at_negative_zero));
  const V bits = select(is_nan, nan_bits, select(is_inf, V::set(inf_bits), nonzero));
  const V sign = and_not(and_not(V::set(d.nan_sign), is_nan), negative) & V::set(top_bit);
  return bits | sign;
}

// Formats whose code is the front of a binary32's.
template <class V>
HALFULP_HD constexpr V decode_prefix(V code, const Decoder<u32>& d) {
  const V bits = shl(code, V::set(23) - V::set(d.mantissa_bits));
  const V nan = greater(bits & V::set(0x7fffffff), V::set(0x7f800000));
  return bits | (nan & V::set(0x00400000));
}

HALFULP_HD constexpr bool is_prefix(const Format& f) {
  return f.is_signed && f.specials == Specials::ieee && f.exponent_bits == 8 && f.bias == 127 && f.mantissa_bits <= 23;
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
