// What IEEE 754-2019 asks of order and of signs: comparison, minima, totalOrder, classes, neighbours, negation.
#pragma once

#include "format.hpp"
#include "settle.hpp"

namespace halfulp {

// The result of a comparison (5.11).
namespace order {
inline constexpr int less = -1;
inline constexpr int equal = 0;
inline constexpr int greater = 1;
inline constexpr int unordered = 2;
}  // namespace order

// 5.7.2, in its order.
enum class Class : u8 {
  signaling_nan,
  quiet_nan,
  negative_infinity,
  negative_normal,
  negative_subnormal,
  negative_zero,
  positive_zero,
  positive_subnormal,
  positive_normal,
  positive_infinity,
};

// One of the twelve minima and maxima.
struct Extremum {
  bool maximum;
  bool by_magnitude;  // the sign decides only between equal magnitudes
  bool number;        // a number is preferred to a NaN
  bool of_2008;       // minNum and kin: but not to a signalling one
};

// What of a format decides about signs and neighbours of codes.
struct CodeLayout {
  u64 magnitude_mask;
  u64 sign_bit;  // two's complement's too
  u64 max_magnitude;
  u64 beyond_max;  // what follows the largest number upwards
  bool beyond_is_nan;
  u64 lower_end;  // what precedes the least code of an unsigned format
  u64 smallest;   // magnitude code of the smallest nonzero number
  u64 inf;        // magnitude; all ones if none
  i64 emin;
  bool is_signed;
  bool is_integer;
  bool has_negative_zero;
  bool nan_is_lowest;  // in totalOrder: NaN has no sign
};

HALFULP_HD constexpr CodeLayout make_code_layout(const Format& f, Overflow overflow) {
  CodeLayout l{};
  l.magnitude_mask = f.magnitude_mask();
  l.sign_bit = f.sign_bit();
  l.max_magnitude = f.max_magnitude();
  const bool keeps = overflow != Overflow::standard;
  l.beyond_max = keeps         ? f.max_magnitude()
                 : f.has_inf() ? f.inf_magnitude()
                 : f.has_nan() ? f.nan_code()
                               : l.max_magnitude;
  l.beyond_is_nan = !keeps && !f.has_inf() && f.has_nan();
  l.lower_end = f.has_nan() && !keeps ? f.nan_code() : 0;
  l.smallest = f.has_zero ? 1 : 0;
  l.inf = f.has_inf() ? f.inf_magnitude() : ~u64{0};
  l.emin = f.exponent_bits > 0 ? f.emin() : -40000;
  l.is_signed = f.is_signed;
  l.is_integer = f.is_integer();
  l.has_negative_zero = f.has_negative_zero();
  l.nan_is_lowest =
      f.has_nan() && (f.nan_is_negative_zero() || f.specials == Specials::p3109_e || f.specials == Specials::p3109_f);
  return l;
}

inline namespace HALFULP_TARGET {

HALFULP_HD constexpr int compare(const Real& a, const Real& b) {
  return a.is_nan() || b.is_nan() ? order::unordered : compare_values(a, b);
}

HALFULP_HD constexpr bool is_subnormal(const Real& x, const CodeLayout& l) {
  return x.is_finite() && !x.is_zero() && x.exponent < l.emin;
}

HALFULP_HD constexpr Class class_of(const Real& x, const CodeLayout& l) {
  if (x.is_nan()) return x.signaling ? Class::signaling_nan : Class::quiet_nan;
  const Class positive = x.is_infinite()      ? Class::positive_infinity
                         : x.is_zero()        ? Class::positive_zero
                         : is_subnormal(x, l) ? Class::positive_subnormal
                                              : Class::positive_normal;
  // The list is symmetric about the zeros.
  constexpr int mirror = static_cast<int>(Class::negative_zero) + static_cast<int>(Class::positive_zero);
  return x.negative ? static_cast<Class>(mirror - static_cast<int>(positive)) : positive;
}

// 9.6, and 5.3.1 of the 2008 edition, neither being NaN. -0 is less than +0.
HALFULP_HD constexpr Real extremum(const Real& a, const Real& b, const Extremum& e) {
  int comparison = e.by_magnitude ? compare_magnitudes(a, b) : 0;
  if (comparison == 0) comparison = compare_values(a, b);
  if (comparison == 0 && a.negative != b.negative) comparison = a.negative ? -1 : 1;
  const bool first = e.maximum ? comparison >= 0 : comparison <= 0;
  return first ? a : b;
}

// Where a code stands in totalOrder (5.10).
HALFULP_HD constexpr i64 total_rank(u64 code, const Real& x, const CodeLayout& l, bool by_magnitude) {
  if (x.is_nan() && l.nan_is_lowest) return -(i64{1} << 62);
  const u64 field = l.magnitude_mask | l.sign_bit;
  if (l.is_integer) {
    const i64 value = (code & l.sign_bit) != 0 ? static_cast<i64>(code | ~field) : static_cast<i64>(code);
    return by_magnitude && value < 0 ? -value : value;
  }
  const i64 magnitude = static_cast<i64>(code & l.magnitude_mask);
  return (code & l.sign_bit) != 0 && !by_magnitude ? -magnitude - 1 : magnitude;
}

// -- codes; x is what the code stands for, no NaN

HALFULP_HD constexpr u64 next_up(u64 code, const Real& x, const CodeLayout& l) {
  const u64 magnitude = code & l.magnitude_mask;
  if (l.is_integer) {
    if (code == l.max_magnitude) return code;
    return (code + 1) & (l.magnitude_mask | l.sign_bit);
  }
  if (!x.negative || x.is_zero()) {
    if (x.is_infinite()) return code;
    if (x.is_zero()) return l.smallest;
    return magnitude == l.max_magnitude ? l.beyond_max : magnitude + 1;
  }
  if (x.is_infinite()) return l.max_magnitude | l.sign_bit;
  if (magnitude == l.smallest && !l.has_negative_zero) return 0;
  return (magnitude - 1) | l.sign_bit;
}

HALFULP_HD constexpr u64 next_down(u64 code, const Real& x, const CodeLayout& l) {
  if (l.is_integer) {
    const u64 least = l.sign_bit;
    return code == least ? code : (code - 1) & (l.magnitude_mask | l.sign_bit);
  }
  const u64 magnitude = code & l.magnitude_mask;
  if (l.is_signed) {
    // -nextUp(-x); what has no negative here has none there.
    const bool plain_zero = x.is_zero() && !l.has_negative_zero;
    const u64 up = next_up(plain_zero ? code : code ^ l.sign_bit, negated(x), l);
    const bool nan = l.beyond_is_nan && up == l.beyond_max;
    const bool flips = (up != 0 || l.has_negative_zero) && !nan;
    return flips ? up ^ l.sign_bit : up;
  }
  if (x.is_infinite()) return l.max_magnitude;
  return magnitude == 0 ? l.lower_end : magnitude - 1;
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
