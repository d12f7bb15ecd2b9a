// The operations of arithmetic on exact numbers, in integers only. No rounding happens here, settle.hpp does that.
//
// Operands are finite or infinite, never NaN. What has no value (IEEE 754-2019 clause 7.2) comes back as `invalid`.
#pragma once

#include "real.hpp"

namespace halfulp {
inline namespace HALFULP_TARGET {

// An exact result, sticky below its last bit, or the exception that there is none.
struct Exact {
  Real value;
  bool invalid;
  bool divide_by_zero;
};

HALFULP_HD constexpr Exact exactly(const Real& value) { return {value, false, false}; }
HALFULP_HD constexpr Exact invalid_operation() { return {quiet_nan(false), true, false}; }

// `negative_zero`: whether terms that cancel leave -0, as they do when rounding toward negative (clause 6.3).
HALFULP_HD constexpr Real add_finite(const Real& a, const Real& b, bool negative_zero) {
  if (a.is_zero() && b.is_zero()) return zero(a.negative == b.negative ? a.negative : negative_zero);
  if (a.is_zero()) return b;
  if (b.is_zero()) return a;
  const bool swapped = compare_magnitudes(a, b) < 0;
  const Real& large = swapped ? b : a;
  const Real& small = swapped ? a : b;
  const i64 distance = large.exponent - small.exponent;
  u64 aligned = 1;  // all of it sticky
  if (distance < 62) {
    const u64 lost = small.significand & ((u64{1} << distance) - 1);
    aligned = (small.significand >> distance) | (lost != 0 ? 1 : 0);
  }
  const i64 place = large.exponent - wide_hidden;
  if (a.negative == b.negative) return finite(a.negative, large.significand + aligned, place);
  const u64 rest = large.significand - aligned;
  return rest == 0 ? zero(negative_zero) : finite(large.negative, rest, place);
}

HALFULP_HD constexpr Exact add(const Real& a, const Real& b, bool negative_zero) {
  if (a.is_infinite() && b.is_infinite() && a.negative != b.negative) return invalid_operation();
  if (a.is_infinite()) return exactly(a);
  if (b.is_infinite()) return exactly(b);
  return exactly(add_finite(a, b, negative_zero));
}

HALFULP_HD constexpr Exact multiply(const Real& a, const Real& b) {
  const bool negative = a.negative != b.negative;
  if (a.is_infinite() || b.is_infinite()) {
    return a.is_zero() || b.is_zero() ? invalid_operation() : exactly(infinity(negative));
  }
  if (a.is_zero() || b.is_zero()) return exactly(zero(negative));
  // 24 bits of 32 are in use on each side, the leading one at 31.
  return exactly(finite(negative, (a.significand >> 30) * (b.significand >> 30), a.exponent + b.exponent - 62));
}

HALFULP_HD constexpr Exact divide(const Real& a, const Real& b) {
  const bool negative = a.negative != b.negative;
  if (a.is_infinite() || b.is_zero()) {
    if (a.is_infinite() ? b.is_infinite() : a.is_zero()) return invalid_operation();
    return {infinity(negative), false, a.is_finite()};
  }
  if (a.is_zero() || b.is_infinite()) return exactly(zero(negative));
  // 62 bits by 24 bits: a quotient of at least 38, and a sticky bit.
  const u64 divisor = b.significand >> 38;
  const u64 quotient = a.significand / divisor;
  const u64 sticky = a.significand % divisor != 0 ? 1 : 0;
  return exactly(finite(negative, (quotient << 1) | sticky, a.exponent - wide_hidden - (b.exponent - 23) - 1));
}

HALFULP_HD constexpr Exact square_root(const Real& a) {
  if (a.is_zero()) return exactly(a);
  if (a.negative) return invalid_operation();
  if (a.is_infinite()) return exactly(a);
  // An even power of two outside the root; 31 bits of root, one binary digit after another, and a sticky bit.
  const bool odd = ((a.exponent - wide_hidden) & 1) != 0;
  u64 rest = odd ? a.significand << 1 : a.significand;
  const i64 place = (a.exponent - wide_hidden - (odd ? 1 : 0)) / 2;
  u64 root = 0;
  for (u64 digit = u64{1} << 62; digit != 0; digit >>= 2) {
    const bool fits = rest >= root + digit;
    if (fits) rest -= root + digit;
    root = (root >> 1) + (fits ? digit : 0);
  }
  return exactly(finite(false, (root << 1) | (rest != 0 ? 1 : 0), place - 1));
}

// a * b + c. The product is exact in 48 bits; c loses bits only where it cannot cancel the product, nor the other way.
HALFULP_HD constexpr Exact multiply_add(const Real& a, const Real& b, const Real& c, bool negative_zero) {
  const Exact product = multiply(a, b);
  return product.invalid ? product : add(product.value, c, negative_zero);
}

// a - n * b with n = a / b rounded to the nearest even integer, or (`truncate`, C's fmod) toward zero. Always exact.
HALFULP_HD constexpr Exact remainder(const Real& a, const Real& b, bool truncate) {
  if (a.is_infinite() || b.is_zero()) return invalid_operation();
  if (a.is_zero() || b.is_infinite()) return exactly(a);
  constexpr int unused = 38;
  u64 x = a.significand >> unused;
  u64 y = b.significand >> unused;
  i64 shift = a.exponent - b.exponent;
  if (shift < -30) return exactly(a);  // less than half of b
  if (shift < 0) y <<= -shift;
  const i64 place = (shift < 0 ? a.exponent : b.exponent) - (wide_hidden - unused);
  // Modulo 2b, which tells whether n is odd.
  u64 rest = x % (2 * y);
  for (; shift > 0; shift -= 32) rest = (rest << (shift < 32 ? shift : 32)) % (2 * y);
  const bool odd = rest >= y;
  if (odd) rest -= y;
  const bool up = !truncate && (2 * rest > y || (2 * rest == y && odd));
  const bool negative = a.negative != (up && rest != 0);
  if (up) rest = y - rest;
  return exactly(rest == 0 ? zero(a.negative) : finite(negative, rest, place));
}

// -- integers

// A magnitude rounded to an integer; `huge` if it is 2^64 or more (the integer is then meaningless).
struct Integral {
  u64 magnitude;
  bool inexact;
  bool huge;
};

HALFULP_HD constexpr Integral to_integral(const Real& x, Rounding rounding) {
  if (x.exponent >= 64) return {0, false, true};
  if (x.exponent >= wide_hidden) return {x.significand << (x.exponent - wide_hidden), false, false};
  // In quarters: the integer, the half, and a sticky bit for what is below.
  u64 quarters = x.significand != 0 ? 1 : 0;
  if (x.exponent >= -2) {
    const i64 shift = wide_hidden - 2 - x.exponent;
    const u64 kept = shift <= 0 ? x.significand << -shift : x.significand >> shift;
    const bool lost = shift > 0 && (x.significand & ((u64{1} << shift) - 1)) != 0;
    quarters = kept | (lost ? 1 : 0);
  }
  const u64 whole = quarters >> 2;
  const u64 fraction = quarters & 3;
  bool up = false;
  switch (rounding) {
    case Rounding::nearest_even: up = fraction == 3 || (fraction == 2 && (whole & 1) != 0); break;
    case Rounding::nearest_away: up = fraction >= 2; break;
    case Rounding::toward_positive: up = fraction != 0 && !x.negative; break;
    case Rounding::toward_negative: up = fraction != 0 && x.negative; break;
    case Rounding::to_odd: up = fraction != 0 && (whole & 1) == 0; break;
    default: break;  // toward zero
  }
  return {whole + (up ? 1 : 0), fraction != 0, false};
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
