// One operation on codes, from bits to bits and flags: the definition that every faster path is compared with.
#pragma once

#include "arithmetic.hpp"
#include "ordering.hpp"
#include "settle.hpp"

namespace halfulp {

enum class Operator : u8 {
  add,
  subtract,
  multiply,
  divide,
  remainder,
  fmod,
  fma,
  sqrt,
  convert,
  round_to_integral,
  scaleb,
  logb,
  next_up,
  next_down,
  extremum,
  compare,
  holds,  // a comparison as a truth value
  total_order,
  class_of,
  is,  // whether the class is one of some
  copy,
  negate,
  abs,
  copysign,
  to_integer,
  from_integer,
  augmented_add,
  augmented_subtract,
  augmented_multiply,
};

// What an operation reads: formats, policy and the operator's own parameters. Made once, plain data.
struct Operation {
  Operator op;
  Operand operands[3];
  Result result;
  Result rest;        // augmented: of the second result
  CodeLayout layout;  // of the (first) operand's format
  Rounding rounding;  // to integers
  Extremum extremum;
  u16 set;            // holds: bit 1 + the comparison; is: bit of a Class, 10: sign, 11: every code
  bool exact;         // rounding to an integer raises inexact
  bool signaling;     // a comparison that minds quiet NaN
  bool by_magnitude;  // total_order
  int integer_bits;   // of a source or result
  bool integer_signed;
  bool indefinite;  // x86: one integer stands for all that have none
};

inline constexpr int holds_sign = 10;
inline constexpr int holds_always = 11;

inline namespace HALFULP_TARGET {

HALFULP_HD constexpr Outcome settle_exact(const Exact& e, const Result& r) {
  if (e.invalid) return {encode_real(generated_nan(r), r), flag::invalid};
  Outcome o = settle(e.value, r);
  if (e.divide_by_zero) o.flags |= flag::divide_by_zero;
  return o;
}

HALFULP_HD constexpr Outcome settle_nan(const Real* operands, int n, const Result& r) {
  return {encode_real(propagated_nan(operands, n, r), r), flags_of_nans(operands, n)};
}

HALFULP_HD constexpr Exact binary(const Operation& o, const Real& a, const Real& b) {
  switch (o.op) {
    case Operator::add: return add(a, b, o.result.negative_zero_sum);
    case Operator::subtract: return add(a, negated(b), o.result.negative_zero_sum);
    case Operator::multiply: return multiply(a, b);
    case Operator::divide: return divide(a, b);
    default: return remainder(a, b, o.op == Operator::fmod);
  }
}

// Inf * 0 + NaN: x86 delivers the NaN and no exception, others see an invalid product first (7.2 allows both).
HALFULP_HD constexpr Outcome fused(const Operation& o, const Real& a, const Real& b, const Real& c) {
  if (!a.is_nan() && !b.is_nan() && !c.is_nan()) {
    return settle_exact(multiply_add(a, b, c, o.result.negative_zero_sum), o.result);
  }
  const bool product_is_invalid = (a.is_infinite() && b.is_zero()) || (a.is_zero() && b.is_infinite());
  const bool arm = o.result.nan == NanPropagation::arm;
  const Real order[3] = {arm ? c : a, arm ? a : b, arm ? b : c};
  if (product_is_invalid && o.result.nan != NanPropagation::x86 && !c.signaling) {
    return settle_exact(invalid_operation(), o.result);
  }
  return settle_nan(order, 3, o.result);
}

HALFULP_HD constexpr Outcome extremum(const Operation& o, const Real& a, const Real& b) {
  const Real both[2] = {a, b};
  if (!a.is_nan() && !b.is_nan()) return settle(extremum(a, b, o.extremum), o.result);
  const u8 flags = flags_of_nans(both, 2);
  const bool number = o.extremum.number && !(a.is_nan() && b.is_nan()) && !(o.extremum.of_2008 && flags != 0);
  if (!number) return settle_nan(both, 2, o.result);
  Outcome settled = settle(a.is_nan() ? b : a, o.result);
  settled.flags |= flags;
  return settled;
}

HALFULP_HD constexpr Outcome compare(const Operation& o, const Real& a, const Real& b) {
  const int found = compare(a, b);
  const bool invalid = a.signaling || b.signaling || (o.signaling && found == order::unordered);
  const u64 answer = o.op == Operator::compare ? static_cast<u64>(static_cast<i64>(found)) : (o.set >> (found + 1)) & 1;
  return {answer, static_cast<u8>(invalid ? flag::invalid : 0)};
}

// -- sign operations (5.5.1): on bits, without flags. What a format cannot express is an exception.

HALFULP_HD constexpr Outcome with_sign(const Operation& o, u64 code, bool negative) {
  const CodeLayout& l = o.layout;
  const Real x = read(code, o.operands[0]);
  if (x.is_nan() && l.nan_is_lowest) return {code, 0};
  if (l.is_integer || !l.is_signed) {
    if (x.is_nan() || x.negative == negative) return {code, 0};
    Real y = x;
    y.negative = negative;
    return settle(y, o.result);
  }
  const u64 magnitude = code & l.magnitude_mask;
  const bool drops = x.is_zero() && !l.has_negative_zero;
  return {negative && !drops ? magnitude | l.sign_bit : magnitude, 0};
}

// The sign of a code: of NaN its bit, of a zero without sign none.
HALFULP_HD constexpr bool sign_of(const Operation& o, u64 code, const Real& x) {
  if (x.is_nan()) return !o.layout.nan_is_lowest && (code & o.layout.sign_bit) != 0;
  return x.negative;
}

// -- integers

HALFULP_HD constexpr Outcome round_to_integral(const Operation& o, const Real& a) {
  if (a.is_infinite() || a.exponent >= wide_hidden) return settle(a, o.result);
  const Integral i = to_integral(a, o.rounding);
  Outcome settled = settle(i.magnitude == 0 ? zero(a.negative) : finite(a.negative, i.magnitude, 0), o.result);
  if (o.exact && i.inexact) settled.flags |= flag::inexact;
  return settled;
}

HALFULP_HD constexpr Outcome to_integer(const Operation& o, const Real& a) {
  const u64 top = u64{1} << (o.integer_bits - 1);
  const u64 largest = o.integer_signed ? top - 1 : top | (top - 1);
  const u64 least = o.integer_signed ? top : 0;  // magnitude of the smallest
  const Integral i = a.is_finite() ? to_integral(a, o.rounding) : Integral{0, false, true};
  if (!i.huge && i.magnitude <= (a.negative ? least : largest)) {
    const u64 bits = a.negative ? u64{0} - i.magnitude : i.magnitude;
    return {bits, static_cast<u8>(o.exact && i.inexact ? flag::inexact : 0)};
  }
  const u64 saturated = a.is_nan() ? 0 : a.negative ? u64{0} - least : largest;
  const u64 indefinite = o.integer_signed ? top : largest;
  return {o.indefinite ? indefinite : saturated, flag::invalid};
}

HALFULP_HD constexpr Outcome from_integer(const Operation& o, u64 bits) {
  const bool negative = o.integer_signed && (bits >> 63) != 0;
  return settle(finite(negative, negative ? u64{0} - bits : bits, 0), o.result);
}

HALFULP_HD constexpr Outcome logb(const Real& a) {
  constexpr u64 least = ~u64{0} << 31;
  if (a.is_infinite()) return {0x7fffffff, flag::invalid};
  if (a.is_nan() || a.is_zero()) return {least, flag::invalid};
  return {static_cast<u64>(a.exponent), 0};
}

HALFULP_HD constexpr Outcome scale(const Operation& o, const Real& a, i64 n) {
  constexpr i64 far = 100000;  // further than any format reaches
  Real x = a;
  if (x.is_finite() && !x.is_zero()) x.exponent += n < -far ? -far : n > far ? far : n;
  return settle(x, o.result);
}

// -- augmented operations (9.5): a sum or product and what its rounding left over

HALFULP_HD constexpr Outcome augmented(const Operation& o, const Real& a, const Real& second, u64* rest) {
  const Real both[2] = {a, second};
  if (a.is_nan() || second.is_nan()) {
    const Outcome nan = settle_nan(both, 2, o.result);
    *rest = nan.code;
    return nan;
  }
  const bool product = o.op == Operator::augmented_multiply;
  const Real b = o.op == Operator::augmented_subtract ? negated(second) : second;
  const Exact exact = product ? multiply(a, b) : add(a, b, o.result.negative_zero_sum);
  const Outcome first = settle_exact(exact, o.result);
  *rest = first.code;
  if (exact.invalid || !exact.value.is_finite() || (first.flags & (flag::overflow | flag::invalid)) != 0) return first;
  const Real rounded = value_of_code(first.code, o.result);
  // Of a sum, the larger term's part that is left meets the smaller term: so everything stays exact.
  const bool swapped = compare_magnitudes(a, b) < 0;
  Real left = product ? exact.value : swapped ? b : a;
  left = add_finite(left, negated(rounded), false);
  if (!product) left = add_finite(left, swapped ? a : b, false);
  if (left.is_zero()) left.negative = rounded.negative;
  const Outcome error = settle(left, o.rest);
  *rest = error.code;
  return {first.code, error.flags};
}

// -- all of them

HALFULP_HD constexpr Outcome apply_to_code(const Operation& o, u64 code) {
  const Real a = read(code, o.operands[0]);
  switch (o.op) {
    case Operator::class_of: return {static_cast<u64>(class_of(a, o.layout)), 0};
    case Operator::is: {
      const bool sign = (o.set >> holds_sign & 1) != 0 && sign_of(o, code, a);
      const bool member = (o.set >> static_cast<int>(class_of(a, o.layout)) & 1) != 0;
      return {sign || member || (o.set >> holds_always & 1) != 0 ? u64{1} : u64{0}, 0};
    }
    case Operator::copy: return {code, 0};
    case Operator::negate: return with_sign(o, code, !sign_of(o, code, a));
    case Operator::abs: return with_sign(o, code, false);
    case Operator::to_integer: return to_integer(o, a);
    case Operator::logb: return logb(a);
    default: break;
  }
  if (a.is_nan()) return settle_nan(&a, 1, o.result);
  switch (o.op) {
    case Operator::sqrt: return settle_exact(square_root(a), o.result);
    case Operator::round_to_integral: return round_to_integral(o, a);
    case Operator::next_up: return {next_up(code, a, o.layout), 0};
    case Operator::next_down: return {next_down(code, a, o.layout), 0};
    default: return settle(a, o.result);  // convert
  }
}

// Operands are codes, or integers sign-extended to 64 bits; results likewise. `rest`: the second of augmented results.
HALFULP_HD constexpr Outcome apply(const Operation& o, const u64* operands, u64* rest) {
  switch (o.op) {
    case Operator::sqrt:
    case Operator::convert:
    case Operator::round_to_integral:
    case Operator::logb:
    case Operator::next_up:
    case Operator::next_down:
    case Operator::class_of:
    case Operator::is:
    case Operator::copy:
    case Operator::negate:
    case Operator::abs:
    case Operator::to_integer: return apply_to_code(o, operands[0]);
    case Operator::from_integer: return from_integer(o, operands[0]);
    default: break;
  }
  const Real a = read(operands[0], o.operands[0]);
  if (o.op == Operator::scaleb) {
    return a.is_nan() ? settle_nan(&a, 1, o.result) : scale(o, a, static_cast<i64>(operands[1]));
  }
  const Real both[2] = {a, read(operands[1], o.operands[1])};
  const Real& b = both[1];
  switch (o.op) {
    case Operator::fma: return fused(o, a, b, read(operands[2], o.operands[2]));
    case Operator::extremum: return extremum(o, a, b);
    case Operator::compare:
    case Operator::holds: return compare(o, a, b);
    case Operator::total_order: {
      const i64 rank = total_rank(operands[0], a, o.layout, o.by_magnitude);
      return {rank <= total_rank(operands[1], b, o.layout, o.by_magnitude) ? u64{1} : u64{0}, 0};
    }
    case Operator::copysign: return with_sign(o, operands[0], sign_of(o, operands[1], b));
    case Operator::augmented_add:
    case Operator::augmented_subtract:
    case Operator::augmented_multiply: return augmented(o, a, b, rest);
    default: break;
  }
  if (a.is_nan() || b.is_nan()) return settle_nan(both, 2, o.result);
  return settle_exact(binary(o, a, b), o.result);
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
