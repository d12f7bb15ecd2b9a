// Puts a question to the product by every path of every target, and compares with a judge's verdicts.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "judge.hpp"

namespace exhaustive {

struct Count {
  std::uint64_t judged = 0;    // verdicts
  std::uint64_t compared = 0;  // results of the product, each code with its flags
  std::uint64_t failed = 0;

  Count& operator+=(const Count& other);
};

using JudgeFunction = std::function<void(const Question&, const std::vector<Manner>&, const Operands&,
                                         std::size_t start, std::size_t n, Verdict* verdicts, std::size_t stride)>;

// MPFR where the program has it.
const JudgeFunction& exact_judge();
bool has_mpfr();

struct Trial {
  Question question;
  std::vector<Manner> manners;
  std::size_t n;
  Operands operands;
  bool definition;  // also `apply`, element by element
};

std::string name(const Question&);
const char* name(halfulp::Operator);

// Failures are printed, the first few of them.
Count run(const Trial&, const JudgeFunction&, int threads);

// Whether two judges agree on each `every`-th operand.
Count compare_judges(const Trial&, const JudgeFunction&, const JudgeFunction&, std::size_t every);

}  // namespace exhaustive
