// What the judges share, and the judge that computes in the machine's binary64.
#include "judge.hpp"

#include <cmath>
#include <cstring>

namespace exhaustive {

using halfulp::NanPropagation;
using halfulp::Operator;
using halfulp::Overflow;
using halfulp::Rounding;
using halfulp::Specials;
using halfulp::Subnormals;
using halfulp::Tininess;
using std::int64_t;
using std::size_t;
using std::uint32_t;
using std::uint64_t;
using std::uint8_t;

namespace {

// As TestFloat prints them.
constexpr uint8_t inexact = 1;
constexpr uint8_t underflow = 2;
constexpr uint8_t overflow = 4;
constexpr uint8_t by_zero = 8;
constexpr uint8_t invalid = 16;

constexpr int most_tabulated = 16;
constexpr double beyond_every_code = 0x1p40;

uint64_t bits_of(double x) {
  uint64_t bits = 0;
  std::memcpy(&bits, &x, 8);
  return bits;
}

double number_of(uint64_t bits) {
  double x = 0;
  std::memcpy(&x, &bits, 8);
  return x;
}

bool has_nan(const Row& r) { return r.specials != Specials::finite && r.specials != Specials::integer; }
bool nan_has_sign(const Row& r) { return r.is_signed && (r.specials == Specials::ieee || r.specials == Specials::fn); }
bool has_tiny(const Row& r) { return r.exponent_bits > 0 && r.has_zero; }

}  // namespace

int operand_count(Operator op) {
  switch (op) {
    case Operator::sqrt:
    case Operator::convert:
    case Operator::round_to_integral: return 1;
    case Operator::fma: return 3;
    default: return 2;
  }
}

const std::vector<Row>& wide_rows() {
  static const std::vector<Row> all = {
      {"float32", 8, 23, 127, Specials::ieee, true, true, true},
      {"fp24", 7, 16, 63, Specials::ieee, true, true, true},
      {"pxr24", 8, 15, 127, Specials::ieee, true, true, true},
  };
  return all;
}

const Row& binary32_row() { return wide_rows().front(); }

// -- operands

Reader::Reader(const Row& row, bool flush) : row_(row), flush_(flush) {
  if (exhaustive::bits_of(row) > most_tabulated) return;
  for (uint32_t code = 0; code < uint32_t{1} << exhaustive::bits_of(row); ++code) {
    values_.push_back(expected_value(row, code));
  }
}

Value Reader::read(uint32_t code) const {
  const uint64_t bits = values_.empty() ? expected_value(row_, code) : values_[code];
  Value v{number_of(bits), bits, false, false};
  v.nan = std::isnan(v.number);
  v.signaling = v.nan && row_.specials == Specials::ieee && (code >> (row_.mantissa_bits - 1) & 1) == 0;
  const bool subnormal = has_tiny(row_) && row_.mantissa_bits > 0 && std::fabs(v.number) < std::ldexp(1, emin_of(row_));
  if (flush_ && subnormal) v.number = std::copysign(0.0, v.number);
  return v;
}

// -- results without a number (clauses 6 and 7)

namespace {

Exact infinite_result(bool negative) { return {Exact::infinite, negative, false, false}; }
Exact zero_result(bool negative) { return {Exact::zero, negative, false, false}; }
constexpr Exact no_result = {Exact::invalid, false, false, false};
constexpr Exact computed = {Exact::number, false, false, false};

Exact sum(double a, double b) {
  if (std::isinf(a) && std::isinf(b) && std::signbit(a) != std::signbit(b)) return no_result;
  if (std::isinf(a) || std::isinf(b)) return infinite_result(std::signbit(std::isinf(a) ? a : b));
  if (a != 0 || b != 0) return computed;
  Exact zero = zero_result(std::signbit(a));
  zero.cancels = std::signbit(a) != std::signbit(b);
  return zero;
}

Exact product(double a, double b) {
  const bool negative = std::signbit(a) != std::signbit(b);
  if (std::isinf(a) || std::isinf(b)) return a == 0 || b == 0 ? no_result : infinite_result(negative);
  return a == 0 || b == 0 ? zero_result(negative) : computed;
}

Exact quotient(double a, double b) {
  const bool negative = std::signbit(a) != std::signbit(b);
  if (std::isinf(a)) return std::isinf(b) ? no_result : infinite_result(negative);
  if (std::isinf(b)) return zero_result(negative);
  if (b != 0) return a == 0 ? zero_result(negative) : computed;
  if (a == 0) return no_result;
  return {Exact::infinite, negative, true, false};
}

Exact root(double a) {
  if (a == 0) return zero_result(std::signbit(a));
  if (a < 0) return no_result;
  return std::isinf(a) ? infinite_result(false) : computed;
}

Exact itself(double a) {
  if (a == 0) return zero_result(std::signbit(a));
  return std::isinf(a) ? infinite_result(a < 0) : computed;
}

Exact fused(double a, double b, double c) {
  const Exact first = product(a, b);
  if (first.kind == Exact::invalid) return first;
  // A product of two numbers of 24 bits is one of 48.
  return sum(a * b, c);
}

}  // namespace

Exact exact_of(Operator op, const Value* v) {
  for (int i = 0; i < operand_count(op); ++i) {
    if (v[i].nan) return {Exact::nan_operand, false, false, false};
  }
  const double a = v[0].number;
  const double b = v[1].number;
  switch (op) {
    case Operator::add: return sum(a, b);
    case Operator::subtract: return sum(a, -b);
    case Operator::multiply: return product(a, b);
    case Operator::divide: return quotient(a, b);
    case Operator::fma: return fused(a, b, v[2].number);
    case Operator::sqrt: return root(a);
    case Operator::remainder:
    case Operator::fmod: return std::isinf(a) || b == 0 ? no_result : itself(a);
    default: return itself(a);
  }
}

Exact exact_zero(Operator op, const Value* v) {
  Exact zero = zero_result(std::signbit(v[0].number));
  zero.cancels = op == Operator::add || op == Operator::subtract || op == Operator::fma;
  return zero;
}

namespace {

// The NaN that an operand hands on: its sign, its payload aligned at the top, the quiet bit set.
uint32_t inherited(const Row& to, const Value& v) {
  const uint32_t code = nan_code(to, nan_has_sign(to) && (v.bits >> 63) != 0);
  if (to.specials != Specials::ieee) return code;
  const uint64_t fraction = v.bits & 0x0007ffffffffffff;
  return code | static_cast<uint32_t>(fraction >> (52 - to.mantissa_bits));
}

Verdict verdict_of_invalid(const Row& to, const Manner& m) {
  if (!has_nan(to)) return {code_of_nan_input(to, false), invalid};
  return {nan_code(to, m.nan == NanPropagation::x86 && nan_has_sign(to)), invalid};
}

Verdict verdict_of_nan(const Question& q, const Manner& m, const Value* v) {
  const int n = operand_count(q.op);
  bool signals = false;
  for (int i = 0; i < n; ++i) signals = signals || v[i].signaling;
  const bool x86 = m.nan == NanPropagation::x86 && has_nan(q.to);
  const bool arm = m.nan == NanPropagation::arm && has_nan(q.to);
  if (q.op == Operator::fma && !v[0].nan && !v[1].nan && !x86 && !signals) {
    if (product(v[0].number, v[1].number).kind == Exact::invalid) return verdict_of_invalid(q.to, m);
  }
  const uint8_t flags = signals ? invalid : 0;
  if (!x86 && !arm) return {has_nan(q.to) ? nan_code(q.to, false) : code_of_nan_input(q.to, false), flags};
  const Value* chosen = nullptr;
  for (int turn = 0; turn < n; ++turn) {
    const Value& candidate = v[arm && n == 3 ? (turn + 2) % 3 : turn];
    const bool better = chosen == nullptr || (arm && candidate.signaling && !chosen->signaling);
    if (candidate.nan && better) chosen = &candidate;
  }
  return {inherited(q.to, *chosen), flags};
}

}  // namespace

Verdict verdict_of_special(const Question& q, const Manner& m, const Exact& e, const Value* v) {
  const uint8_t divides = e.divides ? by_zero : 0;
  switch (e.kind) {
    case Exact::nan_operand: return verdict_of_nan(q, m, v);
    case Exact::invalid: return verdict_of_invalid(q.to, m);
    case Exact::infinite: {
      const uint32_t code = infinite(q.to, m.policy, e.negative);
      uint8_t flags = divides;
      // Below every number of an unsigned format: as for numbers.
      const bool is_nan = has_nan(q.to) && m.policy.overflow == Overflow::standard;
      if (e.negative && !q.to.is_signed) flags |= is_nan ? invalid : overflow | inexact;
      return {code, flags};
    }
    default: {
      const bool negative = e.cancels ? m.policy.rounding == Rounding::toward_negative : e.negative;
      const uint8_t flags = q.to.has_zero ? 0 : inexact | underflow;
      return {settled(q.to, m.policy, negative && q.to.is_signed, 0, 0), flags};
    }
  }
}

Verdict verdict_of_number(const Row& to, const Manner& m, bool negative, const Landing& l) {
  const bool tiny = to.exponent_bits > 0 && (m.tininess == Tininess::before ? l.tiny_before : l.tiny_after);
  const int64_t first_normal = int64_t{1} << to.mantissa_bits;
  const bool flush_tiny = m.policy.subnormals == Subnormals::flush_tiny && l.floor < first_normal;
  const bool flush_output = m.policy.subnormals == Subnormals::flush_output && l.rounded < first_normal;
  const bool flushed = has_tiny(to) && (flush_tiny || flush_output);
  const int64_t result = flushed ? 0 : l.rounded;
  const uint8_t small = inexact | (tiny || (to.exponent_bits > 0 && result == 0 && to.has_zero) ? underflow : 0);
  if (negative && !to.is_signed) {
    if (result == 0 && to.has_zero) return {0, small};
    const bool is_nan = has_nan(to) && m.policy.overflow == Overflow::standard;
    return {is_nan ? nan_code(to, false) : 0, is_nan ? invalid : uint8_t{overflow | inexact}};
  }
  if (l.below) return {0, small};
  const uint32_t code = settled(to, m.policy, negative, l.floor, l.rounded);
  const int64_t limit = last(to) + (negative && to.specials == Specials::integer ? 1 : 0);
  if (result > limit) return {code, overflow | inexact};
  return {code, l.exact && !flushed ? uint8_t{0} : small};
}

// -- binary64

namespace {

// Of s + error, s being the nearest number: s or its neighbour, the odd one.
double with_residual(double s, double error) {
  uint64_t bits = bits_of(s);
  if (error != 0 && bits % 2 == 0) bits += (error > 0) == (s > 0) ? 1 : ~uint64_t{0};
  return number_of(bits);
}

double odd_sum(double a, double b) {
  const double s = a + b;
  const double b_part = s - a;
  return with_residual(s, (a - (s - b_part)) + (b - b_part));  // TwoSum
}

double odd_quotient(double a, double b) {
  const double q = a / b;
  const double rest = std::fma(-q, b, a);
  return with_residual(q, std::signbit(b) ? -rest : rest);
}

double odd_root(double a) {
  const double s = std::sqrt(a);
  return with_residual(s, std::fma(-s, s, a));
}

double integral(double a, Rounding mode) {
  const double whole = std::floor(std::fabs(a));
  const double fraction = std::fabs(a) - whole;
  const Place place = fraction == 0 ? on : fraction < 0.5 ? lower_half : fraction == 0.5 ? middle : upper_half;
  if (place == on) return a;
  return std::copysign(static_cast<double>(rounded(mode, a < 0, static_cast<int64_t>(whole), place)), a);
}

// Rounded to odd, which never decides otherwise than the exact result does. Zero only if that is.
double compute(Operator op, const Value* v, Rounding mode) {
  const double a = v[0].number;
  const double b = v[1].number;
  switch (op) {
    case Operator::add: return odd_sum(a, b);
    case Operator::subtract: return odd_sum(a, -b);
    case Operator::multiply: return a * b;
    case Operator::divide: return odd_quotient(a, b);
    case Operator::remainder: return std::remainder(a, b);
    case Operator::fmod: return std::fmod(a, b);
    case Operator::fma: return odd_sum(a * b, v[2].number);
    case Operator::sqrt: return odd_root(a);
    case Operator::round_to_integral: return integral(a, mode);
    default: return a;
  }
}

// A magnitude in units of 2^unit: how many, and what is left.
struct Units {
  int64_t whole;
  Place place;
};

Units units_of(double magnitude, int unit) {
  const double scaled = std::fmin(std::ldexp(magnitude, -unit), beyond_every_code);
  const double whole = std::floor(scaled);
  const double rest = scaled - whole;
  const Place place = rest == 0 ? on : rest < 0.5 ? lower_half : rest == 0.5 ? middle : upper_half;
  return {static_cast<int64_t>(whole), place};
}

struct Position {
  Units grid;    // a code on the result's grid, and what lies above it
  Units finer;   // the same just below the smallest normal number, if exponents went on
  int exponent;  // above 0: normal; 0: within one binade of that
  bool below;
};

Position position_of(const Row& to, double magnitude) {
  const int m = to.mantissa_bits;
  if (to.exponent_bits == 0) return {units_of(magnitude, 1 - to.bias - m), {0, on}, 1, false};
  const int64_t binade = int64_t{1} << m;
  const int exponent = std::ilogb(magnitude) - emin_of(to);
  Position p{{0, lower_half}, {0, on}, exponent + 1, !to.has_zero && exponent < 0};
  if (!p.below) {
    p.grid = units_of(magnitude, emin_of(to) + (exponent > 0 ? exponent : 0) - m);
    p.grid.whole += (exponent > 0 ? exponent * binade : 0) - (to.has_zero ? 0 : binade);
  }
  if (exponent == -1) {
    // Codes there would go on downwards; some even number higher, so that parity is told by a positive one.
    p.finer = units_of(magnitude, emin_of(to) - 1 - m);
    p.finer.whole += (to.has_zero ? 3 : 2) * binade;
  }
  return p;
}

Landing landing_of(const Row& to, Rounding mode, bool negative, const Position& p) {
  Landing l{};
  l.floor = p.grid.whole;
  l.exact = p.grid.place == on && !p.below;
  l.below = p.below;
  l.rounded = p.below ? 0 : rounded(mode, negative, p.grid.whole, p.grid.place);
  l.tiny_before = p.exponent <= 0;
  l.tiny_after = l.tiny_before;
  if (p.exponent == 0) {
    const int64_t normal = (to.has_zero ? 5 : 4) * (int64_t{1} << to.mantissa_bits);
    l.tiny_after = rounded(mode, negative, p.finer.whole, p.finer.place) < normal;
  }
  return l;
}

}  // namespace

void judge_by_binary64(const Question& q, const std::vector<Manner>& manners, const Operands& operands, size_t start,
                       size_t n, Verdict* verdicts, size_t stride) {
  const Reader readers[3] = {{q.from[0], q.flush_input}, {q.from[1], q.flush_input}, {q.from[2], q.flush_input}};
  const bool by_mode = q.op == Operator::round_to_integral;
  for (size_t i = start; i < start + n; ++i) {
    Value v[3] = {};
    for (int k = 0; k < operand_count(q.op); ++k) v[k] = readers[k].read(operands.codes[k][i]);
    const Exact e = exact_of(q.op, v);
    double result = 0;
    Position position{};
    for (size_t m = 0; m < manners.size(); ++m) {
      const Manner& manner = manners[m];
      Verdict& verdict = verdicts[m * stride + i];
      if (e.kind != Exact::number) {
        verdict = verdict_of_special(q, manner, e, v);
        continue;
      }
      if (m == 0 || by_mode) {
        result = compute(q.op, v, manner.policy.rounding);
        if (result != 0) position = position_of(q.to, std::fabs(result));
      }
      if (result == 0) {
        verdict = verdict_of_special(q, manner, exact_zero(q.op, v), v);
      } else {
        const bool negative = std::signbit(result);
        verdict =
            verdict_of_number(q.to, manner, negative, landing_of(q.to, manner.policy.rounding, negative, position));
      }
      if (by_mode && manner.exact && result != v[0].number) verdict.flags |= inexact;
    }
  }
}

}  // namespace exhaustive
