// What an operation must give, from IEEE 754-2019 and a format's parameters: two judges, neither with code of the
// product's.
//
// Both find the exact result, one with MPFR, the other in the machine's binary64: there sums, products, quotients and
// roots of numbers of 24 bits are exact but for a residual, which is exact too and makes the last bit odd.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "expected.hpp"
#include "halfulp/operators.hpp"

namespace exhaustive {

// An operation on codes of some formats.
struct Question {
  halfulp::Operator op;
  Row from[3];
  Row to;
  bool flush_input;
};

// One way to settle its results.
struct Manner {
  Case policy;
  halfulp::Tininess tininess;
  halfulp::NanPropagation nan;
  bool exact;  // round_to_integral raises inexact
};

struct Verdict {
  std::uint32_t code;
  std::uint8_t flags;
};

int operand_count(halfulp::Operator);

// Formats too wide for rows().
const Row& binary32_row();
const std::vector<Row>& wide_rows();
inline int bits_of(const Row& r) { return r.exponent_bits + r.mantissa_bits + (r.is_signed ? 1 : 0); }
inline int emin_of(const Row& r) { return (r.has_zero ? 1 : 0) - r.bias; }

// The verdicts for elements [start, start + n) of the operands, in every manner: that of element i in manner m is
// verdicts[m * stride + i]. False from judge_by_mpfr where the program was built without.
struct Operands {
  const std::uint32_t* codes[3];
};
void judge_by_binary64(const Question&, const std::vector<Manner>&, const Operands&, std::size_t start, std::size_t n,
                       Verdict* verdicts, std::size_t stride);
bool judge_by_mpfr(const Question&, const std::vector<Manner>&, const Operands&, std::size_t start, std::size_t n,
                   Verdict* verdicts, std::size_t stride);

// -- what the judges share: everything but the exact result and its rounding

// An operand's value; of NaN its bits, in binary64's layout.
struct Value {
  double number;
  std::uint64_t bits;
  bool nan;
  bool signaling;
};

class Reader {
 public:
  Reader(const Row& row, bool flush);
  Value read(std::uint32_t code) const;

 private:
  Row row_;
  bool flush_;
  std::vector<std::uint64_t> values_;  // of all codes of at most 16 bits
};

// A result before anything is rounded.
struct Exact {
  enum Kind { nan_operand, invalid, infinite, zero, number } kind;
  bool negative;
  bool divides;  // by zero
  bool cancels;  // a zero whose sign depends on the mode
};

// What follows from the kinds of the operands; `number` if they have to be computed with.
Exact exact_of(halfulp::Operator, const Value* operands);
// The same for a computed result that is zero.
Exact exact_zero(halfulp::Operator, const Value* operands);

// A nonzero magnitude and what it was rounded to, as codes on the result's grid.
struct Landing {
  std::int64_t floor;
  std::int64_t rounded;
  bool exact;
  bool below;        // the least number of a format without zero
  bool tiny_before;  // rounding, and after
  bool tiny_after;
};

Verdict verdict_of_number(const Row& to, const Manner&, bool negative, const Landing&);
// Of everything that is no nonzero number.
Verdict verdict_of_special(const Question&, const Manner&, const Exact&, const Value* operands);

}  // namespace exhaustive
