// The integer route: two's complement formats by the hardware's own rounding to integers.
#pragma once

#include "codec.hpp"

namespace halfulp {

// value * scale is rounded to an integer and clamped; what is no number becomes `nan`.
struct IntegerRoute {
  Rounding rounding;
  Rounding conversion;  // what the hardware does for it
  u32 scale;            // binary32 bits of 2^-lsb_exponent
  u32 unscale;          // and of 2^lsb_exponent
  i32 lowest;
  i32 highest;
  u32 nan;
  u32 code_mask;
  u32 sign_extension;  // from the code's width to 32 bits; 0 when unsigned
};

// Small enough for every scaled value within the range to be a normal binary32 number.
HALFULP_HD constexpr bool is_small_integer(const Format& f) {
  return f.is_integer() && f.bits() <= 16 && f.lsb_exponent() >= -64 && f.lsb_exponent() <= 64;
}

// The hardware's own modes, and two more that follow from them:
//   nearest_away  setting the lowest bit makes every tie more than one, and nearest even decides the rest alike
//   to_odd        down, and odd (in two's complement: that is up) where this changed the number
// Every overflow policy clamps. Scaling down would lose small numbers that the directed modes must see.
HALFULP_HD constexpr bool has_integer_route(const Format& f, const Policy& p) {
  return is_small_integer(f) && f.lsb_exponent() <= 0 && !is_stochastic(p.rounding) && p.nan.positive == p.nan.negative;
}

HALFULP_HD constexpr IntegerRoute make_integer_route(const Format& f, const Policy& p) {
  IntegerRoute r{};
  r.rounding = p.rounding;
  r.conversion = p.rounding == Rounding::nearest_away ? Rounding::nearest_even
                 : p.rounding == Rounding::to_odd     ? Rounding::toward_negative
                                                      : p.rounding;
  r.scale = static_cast<u32>(127 - f.lsb_exponent()) << 23;
  r.unscale = static_cast<u32>(127 + f.lsb_exponent()) << 23;
  r.highest = static_cast<i32>(f.max_magnitude());
  r.lowest = -static_cast<i32>(f.max_negative_magnitude());
  r.nan = static_cast<u32>(p.nan.positive);
  r.code_mask = static_cast<u32>(f.magnitude_mask() | f.sign_bit());
  r.sign_extension = f.is_signed ? static_cast<u32>(32 - f.bits()) : 0;
  return r;
}

}  // namespace halfulp
