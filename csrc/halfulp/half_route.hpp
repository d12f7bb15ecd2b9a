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
#pragma once

#include "codec.hpp"
#include "scalar.hpp"

namespace halfulp {

struct HalfRoute {
  u32 scale;        // binary32 bits of 2^(bias - 15)
  u32 sticky_mask;  // the source bits that truncation may lose
  u16 last_place;   // bit 10 - mantissa_bits
  u16 multiplier;   // 2^15 over it
  u16 overflow;     // magnitude code: the limit itself or what follows it, so that a minimum is enough
  u16 nan;          // complete code
  u16 nan_sign;     // all ones: NaN keeps its sign
  u16 sign_bit;
  bool distinct_nan;   // NaN is not what overflow becomes
  bool unsigned_zero;  // there is no -0
};

// Whether binary16, scaled, has the format's exponents. The top one must not be finite when there are 5 exponent bits:
// binary16 has no room for it.
HALFULP_HD constexpr bool fits_half_exponents(const Format& f) {
  const bool room = f.exponent_bits < 5 || f.specials == Specials::ieee;
  return room && f.has_zero && f.exponent_bits >= 1 && f.exponent_bits <= 5 && f.bias >= -85 && f.bias <= 115;
}

// Whether the route gives the codes of `encode` for this codec, by its parameters alone.
HALFULP_HD constexpr bool has_half_route(const Format& f, const Codec<u32>& c) {
  const bool mirrored = (c.overflow.negative | c.sign_bit) == (c.overflow.positive | c.sign_bit);
  const bool plain_nan = c.nan.negative == c.nan.positive || c.nan.negative == (c.nan.positive | c.sign_bit);
  return fits_half_exponents(f) && f.mantissa_bits <= 4 && f.is_signed && c.tie_even == 1 && c.flush_output == 0 &&
         c.flush_tiny == 0 && c.payload_mask == 0 && c.inf.positive == c.overflow.positive &&
         c.inf.negative == c.overflow.negative && mirrored && plain_nan && c.overflow.positive - c.limit.positive <= 1;
}

HALFULP_HD constexpr HalfRoute make_half_route(const Format& f, const Codec<u32>& c) {
  HalfRoute h{};
  h.scale = static_cast<u32>(f.bias - 15 + 127) << 23;
  h.sticky_mask = (u32{1} << (14 + f.mantissa_bits)) - 1;
  h.last_place = static_cast<u16>(1 << (10 - f.mantissa_bits));
  h.multiplier = static_cast<u16>(1 << (5 + f.mantissa_bits));
  h.overflow = static_cast<u16>(c.overflow.positive);
  h.nan = static_cast<u16>(c.nan.positive);
  h.nan_sign = c.nan.negative == c.nan.positive ? u16{0} : u16{0xffff};
  h.sign_bit = static_cast<u16>(c.sign_bit);
  h.distinct_nan = c.nan.positive != c.overflow.positive || c.nan.negative != c.overflow.negative;
  h.unsigned_zero = c.unsigned_zero != 0;
  // The Inf of binary16 itself comes by rounding alone, and nothing but NaN lies beyond it. A minimum with the quiet
  // NaN then clears payloads, and NaN needs no select of its own.
  const bool own_inf = f.exponent_bits == 5 && c.overflow.positive == f.inf_magnitude();
  if (own_inf && c.nan.positive == f.nan_code() && c.nan.negative == (f.nan_code() | c.sign_bit)) {
    h.overflow = h.nan;
    h.distinct_nan = false;
  }
  return h;
}

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
  return min(multiply_rounding(biased, V::set(h.multiplier)), V::set(h.overflow));
}

// The complete code, from the magnitude code. V: lanes of 8 bits or 16. `negative` and `nan` are masks.
template <bool distinct_nan, bool unsigned_zero, class V>
HALFULP_HD constexpr V finish_half(V magnitude, V negative, V nan, const HalfRoute& h) {
  V sign = negative & V::set(h.sign_bit);
  if constexpr (unsigned_zero) sign = and_not(equal(magnitude, V::set(0)), sign);
  if constexpr (!distinct_nan) return magnitude | sign;
  return select(nan, V::set(h.nan) | (sign & V::set(h.nan_sign)), magnitude | sign);
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
