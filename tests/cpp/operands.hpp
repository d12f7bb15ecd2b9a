// Operands that meet what an operation can get wrong: cancellation, ties, sticky bits, both ends of the range.
#pragma once

#include "judge.hpp"

namespace exhaustive {

std::uint64_t mixed(std::uint64_t index);

// n operands of each kind; the same for the same seed.
void fill_operands(const Question&, std::uint64_t seed, std::size_t n, std::uint32_t* const* codes);

// Zeros, both ends of subnormal and normal numbers, one, infinities, NaN of every kind.
std::vector<std::uint32_t> special_codes(const Row&);

// A format nobody named, of any parameters that binary32 holds the values of.
Row random_row(std::uint64_t seed);

}  // namespace exhaustive
