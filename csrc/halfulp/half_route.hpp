// The half-precision route: small formats by way of binary16, whose subnormals line up with theirs.
//
// The source times 2^(bias - 15) is truncated to binary16; then codes are rounded in 16-bit lanes with one fixed shift:
//
//   binary16:  s EEEEE TTTTTTTTTT        after the scaling E is the format's own exponent field,
//                      kept|dropped      so  code = (E.T + half - (1 if it stays at a tie)) >> (10 - mantissa_bits)
//
// Adding half and shifting is one instruction, a rounding multiplication by 2^(5 + mantissa_bits) / 2^15. The 1 is
// subtracted where the kept part is even and truncation lost nothing: of a tie that makes the smaller neighbour, of
// all else it changes nothing. What truncation may lose are the low bits of the source: all below the round bit of a
// normal number, and all below the smallest tie of a subnormal one. Both hold for the low 14 + mantissa_bits bits if
// mantissa_bits <= 4.
//
// The other modes see all they need in the binary16, so they serve formats up to mantissa_bits = 9:
//   directed      binary16 is rounded in the same direction, which loses nothing such a mode could see; then all of the
//                 dropped bits are added where the sign is the one that grows, and none where it is not
//   nearest_away  half is added to what truncation left: no bit it lost tells a tie from more than a tie
//   to_odd        the last place is set where what was kept, scaled back, is not the source any more
// These say nothing of Inf and NaN, which a loop must look for.
#pragma once

#include "encode.hpp"

namespace halfulp {

struct HalfRoute {
  u32 scale;             // binary32 bits of 2^(bias - 15)
  u32 unscale;           // and of 2^(15 - bias)
  u32 sticky_mask;       // the source bits that truncation may lose
  u16 last_place;        // bit 10 - mantissa_bits
  u16 kept;              // from there on, sign included
  u16 multiplier;        // 2^15 over it
  BySign<u16> overflow;  // magnitude codes: the limit itself or what follows it, so that a minimum is enough
  u16 nan;               // complete code
  u16 nan_sign;          // all ones: NaN keeps its sign
  u16 sign_bit;
  bool distinct_nan;   // NaN is not what overflow becomes
  bool unsigned_zero;  // there is no -0

  // Modes other than nearest even.
  Increment kind;
  Rounding conversion;     // to binary16
  BySign<u16> increment;   // less the half that a rounding multiplication adds
  u16 unsigned_zero_mask;  // all ones: there is no -0
};

// Whether binary16, scaled, has the format's exponents. The top one must not be finite when there are 5 exponent bits:
// binary16 has no room for it.
HALFULP_HD constexpr bool fits_half_exponents(const Format& f) {
  const bool room = f.exponent_bits < 5 || f.specials == Specials::ieee;
  return room && f.has_zero && f.exponent_bits >= 1 && f.exponent_bits <= 5 && f.bias >= -85 && f.bias <= 115;
}

// The magnitude code of a finite number that overflows, if it is one of two.
HALFULP_HD constexpr u32 overflow_magnitude(u32 code, u32 sign, u32 limit) {
  return (limit | sign) == code ? limit : limit + 1;
}

inline namespace HALFULP_TARGET {

// Whether the route gives the codes of `encode` for this codec, by its parameters alone.
HALFULP_HD constexpr bool has_half_route(const Format& f, const Codec<u32>& c) {
  const u32 positive = overflow_magnitude(c.overflow.positive, 0, c.limit.positive);
  const u32 negative = overflow_magnitude(c.overflow.negative, c.sign_bit, c.limit.negative);
  const bool fits = fits_half_exponents(f) && f.is_signed && c.flush_output == 0 && c.flush_tiny == 0 &&
                    positive == c.overflow.positive && (negative | c.sign_bit) == c.overflow.negative;
  if (increment_kind(c) != Increment::nearest_even) return fits && f.mantissa_bits <= 9;
  const bool plain_nan = c.nan.negative == c.nan.positive || c.nan.negative == (c.nan.positive | c.sign_bit);
  return fits && f.mantissa_bits <= 4 && c.payload_mask == 0 && c.inf.positive == c.overflow.positive &&
         c.inf.negative == c.overflow.negative && positive == negative && plain_nan;
}

HALFULP_HD constexpr HalfRoute make_half_route(const Format& f, const Codec<u32>& c) {
  HalfRoute h{};
  h.scale = static_cast<u32>(f.bias - 15 + 127) << 23;
  h.unscale = static_cast<u32>(15 - f.bias + 127) << 23;
  h.sticky_mask = (u32{1} << (14 + f.mantissa_bits)) - 1;
  h.last_place = static_cast<u16>(1 << (10 - f.mantissa_bits));
  h.kept = static_cast<u16>(0x10000 - h.last_place);
  h.multiplier = static_cast<u16>(1 << (5 + f.mantissa_bits));
  h.overflow.positive = static_cast<u16>(overflow_magnitude(c.overflow.positive, 0, c.limit.positive));
  h.overflow.negative = static_cast<u16>(overflow_magnitude(c.overflow.negative, c.sign_bit, c.limit.negative));
  h.nan = static_cast<u16>(c.nan.positive);
  h.nan_sign = c.nan.negative == c.nan.positive ? u16{0} : u16{0xffff};
  h.sign_bit = static_cast<u16>(c.sign_bit);
  h.distinct_nan = c.nan.positive != c.overflow.positive || c.nan.negative != c.overflow.negative;
  h.unsigned_zero = c.unsigned_zero != 0;
  h.unsigned_zero_mask = static_cast<u16>(c.unsigned_zero);
  h.kind = increment_kind(c);
  h.conversion = directed_conversion(c);
  if (h.kind != Increment::nearest_even) {
    const BySign<u32> added = increments(c, h.last_place - u32{1});
    h.increment.positive = static_cast<u16>(added.positive - h.last_place / 2);
    h.increment.negative = static_cast<u16>(added.negative - h.last_place / 2);
    return h;
  }
  // The Inf of binary16 itself comes by rounding alone, and nothing but NaN lies beyond it. A minimum with the quiet
  // NaN then clears payloads, and NaN needs no select of its own.
  const bool own_inf = f.exponent_bits == 5 && c.overflow.positive == f.inf_magnitude();
  if (own_inf && c.nan.positive == f.nan_code() && c.nan.negative == (f.nan_code() | c.sign_bit)) {
    h.overflow = {h.nan, h.nan};
    h.distinct_nan = false;
  }
  return h;
}

}  // inline namespace HALFULP_TARGET

// How much a code's specials have in common with binary16's.
enum class HalfSpecials : u8 {
  same,     // the same fields mean the same
  one_nan,  // at most one magnitude, or the place of -0, is NaN; there is no Inf
  other,
};

// The way back: a code shifted into the fields of a binary16, which the hardware widens, times 2^(15 - bias).
struct HalfDecoder {
  u32 scale;  // binary32 bits of 2^(15 - bias)
  HalfSpecials specials;
  u16 magnitude_mask;
  u16 lift;      // moves the sign bit to bit 15
  u16 drop;      // and then the exponent's last bit to bit 10, dragging copies of the sign along
  u16 keep;      // which are not kept
  u16 nan_mask;  // one_nan: NaN is the code that equals nan_code under this mask
  u16 nan_code;
  u16 nan_sign;     // 0x8000 if NaN keeps its sign
  u16 nan_payload;  // mask of the payload in the binary16
  u16 last_number;  // magnitude codes beyond it are NaN, but for `inf`
  u16 inf;
};

HALFULP_HD constexpr bool has_half_decoder(const Format& f) {
  return fits_half_exponents(f) && f.mantissa_bits <= 10 && f.bits() <= 16;
}

HALFULP_HD constexpr HalfDecoder make_half_decoder(const Format& f) {
  HalfDecoder d{};
  d.scale = static_cast<u32>(15 - f.bias + 127) << 23;
  d.magnitude_mask = static_cast<u16>(f.magnitude_mask());
  d.lift = static_cast<u16>(15 - f.magnitude_bits());
  d.drop = static_cast<u16>(5 - f.exponent_bits);
  d.keep = static_cast<u16>((f.is_signed ? 0x8000 : 0) | (0x7fff >> d.drop));
  d.nan_sign = f.nan_has_sign() ? u16{0x8000} : u16{0};
  d.nan_mask = f.nan_has_sign() ? d.magnitude_mask : u16{0xffff};
  d.nan_code = f.has_nan() ? static_cast<u16>(f.nan_code()) : u16{0xffff};
  d.specials = f.has_inf() ? HalfSpecials::other : HalfSpecials::one_nan;
  if (f.specials == Specials::ieee && f.exponent_bits == 5 && f.is_signed) d.specials = HalfSpecials::same;
  const u64 payload = f.specials == Specials::ieee ? f.mantissa_mask() >> 1 : 0;
  d.nan_payload = static_cast<u16>(payload << (10 - f.mantissa_bits));
  d.last_number = static_cast<u16>(f.max_magnitude());
  d.inf = static_cast<u16>(f.inf_magnitude());
  return d;
}

inline namespace HALFULP_TARGET {

// The binary16 whose value, scaled, is the code's, if that is a number.
template <class V>
HALFULP_HD constexpr V half_of_number(V code, const HalfDecoder& d) {
  return sra_uniform(shl_uniform(code, V::set(d.lift)), V::set(d.drop)) & V::set(d.keep);
}

// Not 0 where the code is NaN or Inf (or, if there is no NaN, where it might be), for codes of a byte in 8-bit lanes.
template <HalfSpecials specials, class V>
HALFULP_HD constexpr V maybe_special(V code, const HalfDecoder& d) {
  if constexpr (specials == HalfSpecials::same) return V::set(0);
  const V nan = equal(code & V::set(d.nan_mask), V::set(d.nan_code));
  if constexpr (specials == HalfSpecials::one_nan) return nan;
  return nan | excess(code & V::set(d.magnitude_mask), V::set(d.last_number));
}

// The binary16 whose value, scaled, is the code's.
template <HalfSpecials specials, class V>
HALFULP_HD constexpr V half_of_code(V code, const HalfDecoder& d) {
  if constexpr (specials == HalfSpecials::same) return shl_uniform(code, V::set(d.lift));
  const V number = half_of_number(code, d);
  const V sign = number & V::set(0x8000);
  const V nan = V::set(0x7e00) | (sign & V::set(d.nan_sign));
  if constexpr (specials == HalfSpecials::one_nan) {
    return select(equal(code & V::set(d.nan_mask), V::set(d.nan_code)), nan, number);
  }
  const V magnitude = code & V::set(d.magnitude_mask);
  const V payload = number & V::set(d.nan_payload);
  const V zero_nan = equal(code, V::set(d.nan_code));  // P3109; any other NaN is beyond the last number
  const V is_nan = greater(magnitude, V::set(d.last_number)) | zero_nan;
  const V is_inf = equal(magnitude, V::set(d.inf));
  return select(is_inf, V::set(0x7c00) | sign, select(is_nan, nan | payload, number));
}

// The magnitude code of a truncated binary16's magnitude; `lost` is what the lanes say about the bits that went.
template <class V, class Lost>
HALFULP_HD constexpr V round_half(V magnitude, Lost lost, const HalfRoute& h) {
  const V biased = less_one_at_even(magnitude, V::set(h.last_place), lost);
  return min(multiply_rounding(biased, V::set(h.multiplier)), V::set(h.overflow.positive));
}

// The same for Increment::by_sign, but for Inf and NaN. `bits`: the binary16, sign included.
template <class V>
HALFULP_HD constexpr V round_half_by_sign(V bits, V magnitude, const HalfRoute& h) {
  const V biased = magnitude + select_by_sign(bits, V::set(h.increment.negative), V::set(h.increment.positive));
  const V overflow = select_by_sign(bits, V::set(h.overflow.negative), V::set(h.overflow.positive));
  return min(multiply_rounding(biased, V::set(h.multiplier)), overflow);
}

// And for to_odd, whose overflow is the same for both signs. `lost` is what the lanes say about the bits that were not
// kept.
template <class V, class Lost>
HALFULP_HD constexpr V round_half_to_odd(V kept, Lost lost, const HalfRoute& h) {
  return min(odd_where_lost(multiply_rounding(kept, V::set(h.multiplier)), lost), V::set(h.overflow.positive));
}

// The complete code of a number, from the magnitude code. V: lanes of 8 bits or 16. `negative` is a mask.
template <class V>
HALFULP_HD constexpr V finish_half_number(V magnitude, V negative, const HalfRoute& h) {
  const V unsigned_zero = equal(magnitude, V::set(0)) & V::set(h.unsigned_zero_mask);
  return magnitude | and_not(unsigned_zero, negative & V::set(h.sign_bit));
}

// The same of a number or NaN, for nearest even. `nan` is a mask.
template <bool distinct_nan, bool unsigned_zero, class V>
HALFULP_HD constexpr V finish_half(V magnitude, V negative, V nan, const HalfRoute& h) {
  V sign = negative & V::set(h.sign_bit);
  if constexpr (unsigned_zero) sign = and_not(equal(magnitude, V::set(0)), sign);
  if constexpr (!distinct_nan) return magnitude | sign;
  return select(nan, V::set(h.nan) | (sign & V::set(h.nan_sign)), magnitude | sign);
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
