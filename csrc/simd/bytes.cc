// The tables by which products and quotients of codes of a byte are looked up, made from the definitions.
#include "operate.hpp"

namespace halfulp {
namespace {

constexpr int codes_of_byte = 256;
constexpr int fractions = 8;
constexpr int top_exponent = 127;  // as an operand's table has it: two of them and a carry fit a byte

// What an operand contributes: 1.fff * 2^exponent, zero, or something that is left to the definition.
struct Contribution {
  bool special;
  bool zero;
  int fraction;  // in eighths
  int exponent;
};

Contribution contribution(u64 code, const Operand& operand, bool divisor) {
  if ((code & ~operand.code_mask) != 0) return {true, false, 0, 0};
  const Real x = read(code, operand);
  if (!x.is_finite() || (divisor && x.is_zero())) return {true, false, 0, 0};
  if (x.is_zero()) return {false, true, 0, 0};
  return {false, false, static_cast<int>(x.significand >> (wide_hidden - 3)) & 7, static_cast<int>(x.exponent)};
}

// Exponents of an operand count up to `top_exponent`, those of a divisor the other way round. Returns what was added.
int fill_operand(ByteOperation& o, int k, const Operand& operand, bool divisor) {
  const int sign = divisor ? -1 : 1;
  int most = -(1 << 20);
  for (u64 code = 0; code < codes_of_byte; ++code) {
    const Contribution c = contribution(code, operand, divisor);
    if (!c.special && !c.zero && sign * c.exponent > most) most = sign * c.exponent;
  }
  const int added = top_exponent - most;
  for (u64 code = 0; code < codes_of_byte; ++code) {
    const Contribution c = contribution(code, operand, divisor);
    const int exponent = c.special ? ByteOperation::special : c.zero ? 0 : sign * c.exponent + added;
    o.exponent[k][code] = static_cast<u8>(exponent);
    o.fraction[k][code] = static_cast<u8>(k == 0 ? fractions * c.fraction : c.fraction);
  }
  return added;
}

// 1.fff times or by 1.fff is 1.ffff * 2^carry and a sticky bit (times 1/2 if it is a quotient).
void fill_pairs(ByteOperation& o, bool divides) {
  for (int a = 0; a < fractions; ++a) {
    for (int b = 0; b < fractions; ++b) {
      const int x = fractions + a;
      const int y = fractions + b;
      const bool carry = divides ? x >= y : x * y >= 2 * fractions * fractions;
      // In sixteenths, from 16 to 31.
      const int dividend = divides ? 16 * x * (carry ? 1 : 2) : x * y;
      const int divisor = divides ? y : carry ? 8 : 4;
      const int sticky = dividend % divisor != 0 ? 1 : 0;
      o.carry[fractions * a + b] = carry ? 1 : 0;
      o.result_fraction[fractions * a + b] = static_cast<u8>(2 * (dividend / divisor - 16) + sticky);
    }
  }
}

// 1.ffff and a sticky bit in the lowest normal binade, and rounded so many bits further up below it: magnitudes.
void fill_rounded(ByteOperation& o, const Result& result, u64 sign_bit) {
  for (int i = 0; i < 2 * codes_of_byte; ++i) {
    const bool negative = i >= codes_of_byte;
    const int below = i % codes_of_byte / 32;
    const u64 significand = static_cast<u64>(32 + i % 32);
    const Real x = finite(negative, significand, static_cast<i64>(result.codec.emin) - 5 - below);
    o.rounded[negative ? 1 : 0][i % codes_of_byte] = static_cast<u8>(encode_real(x, result) & ~sign_bit);
  }
}

bool serves(const Format& f, int bits) {
  return f.bits() == bits && f.is_signed && f.has_zero && f.exponent_bits > 0 && f.exponent_bits <= 5 &&
         f.mantissa_bits <= 3;
}

}  // namespace

ByteOperation make_byte_operation(const NamedOperator& named, const OperationParameters& p, const Operation& d) {
  ByteOperation o{};
  const bool divides = named.op == Operator::divide;
  if (!divides && named.op != Operator::multiply) return o;
  const Format& to = p.result;
  const int bits = to.bits();
  if (bits > 8 || to.emax() <= to.emin()) return o;
  if (!serves(to, bits) || !serves(p.operands[0], bits) || !serves(p.operands[1], bits)) return o;
  const int added = fill_operand(o, 0, d.operands[0], false) + fill_operand(o, 1, d.operands[1], divides);
  const int least_normal = to.emin() + added + (divides ? 1 : 0);
  const int lowest_below = 5;  // binades: there nothing is left of a magnitude
  if (least_normal - ByteOperation::most_with_zero < lowest_below || least_normal > 255) return o;
  fill_pairs(o, divides);
  fill_rounded(o, d.result, to.sign_bit());
  o.least_normal = static_cast<u8>(least_normal);
  o.mantissa_bits = to.mantissa_bits;
  o.most_binades = static_cast<u8>(128 >> to.mantissa_bits);
  o.largest = static_cast<u8>(to.max_magnitude());
  o.sign_bit = static_cast<u8>(to.sign_bit());
  o.without_sign = to.has_negative_zero() ? 0xff : 0;
  const Rounding rounding = p.policy.rounding;
  const bool alike =
      rounding == Rounding::nearest_even || rounding == Rounding::nearest_away || rounding == Rounding::toward_zero;
  o.by_sign = !alike;
  o.usable = true;
  return o;
}

}  // namespace halfulp
