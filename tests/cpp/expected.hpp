// What every binary32 input must become, by enumerating a format's values in binary64: no code of the product's.
#pragma once

#include <cstdint>
#include <vector>

#include "halfulp/codec.hpp"
#include "rows.hpp"

namespace exhaustive {

// The words for a policy are the product's; what they mean is written again in expected.cc.
struct Case {
  halfulp::Rounding rounding;
  halfulp::Overflow overflow;
  halfulp::Subnormals subnormals;
};

// From this magnitude of the input's bits on, the code is this one.
struct Step {
  std::uint32_t first;
  std::uint32_t code;
};

struct Expected {
  std::vector<Step> positive;
  std::vector<Step> negative;

  // The codes of n inputs whose bits ascend.
  template <class Code>
  void fill(const std::uint32_t* from, Code* codes, std::size_t n) const;
  // The inputs at every step and a power of two beside it, ascending, both signs.
  std::vector<std::uint32_t> edges() const;
};

Expected expected_codes(const Row&, const Case&);

// Where a number lies from one point of the grid to the next. The grid is that of magnitude codes if all of them were
// numbers and the exponent field had no end.
enum Place { on, lower_half, middle, upper_half };

// The magnitude code of the largest number.
std::int64_t last(const Row&);
std::int64_t rounded(halfulp::Rounding, bool negative, std::int64_t code, Place);
// The code of a number that lies at or above one point of the grid and was rounded to another.
std::uint32_t settled(const Row&, const Case&, bool negative, std::int64_t code, std::int64_t rounded);
std::uint32_t infinite(const Row&, const Case&, bool negative);
std::uint32_t nan_code(const Row&, bool negative);
// What a NaN becomes when nothing else was asked for.
std::uint32_t code_of_nan_input(const Row&, bool negative);

// What a code means, as binary64 bits with the NaN that decode promises.
std::uint64_t expected_value(const Row&, std::uint32_t code);

}  // namespace exhaustive
