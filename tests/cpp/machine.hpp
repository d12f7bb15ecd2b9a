// The machine itself: its floating-point environment, and its binary32 instructions as a judge.
#pragma once

#include <string>

#include "judge.hpp"

namespace exhaustive {

// Each way a caller may have set rounding and flushing, with and without flags raised; 0 where that cannot be set.
int environment_count();

// Sets one and puts the former one back.
class CallersEnvironment {
 public:
  explicit CallersEnvironment(int number);
  // Puts it back. False if what was set has changed meanwhile.
  bool end();
  static std::string name(int number);

 private:
  std::uint64_t control_;
  std::uint64_t status_;
  std::uint64_t own_control_;
  std::uint64_t own_status_;
};

// What the machine's instructions do with binary32, or between binary32 and binary16: results and flags.
bool machine_answers(halfulp::Operator, const Row& from, const Row& to);
halfulp::Tininess machine_tininess();
halfulp::NanPropagation machine_nan();
void judge_by_machine(const Question&, const std::vector<Manner>&, const Operands&, std::size_t start, std::size_t n,
                      Verdict* verdicts, std::size_t stride);

}  // namespace exhaustive
