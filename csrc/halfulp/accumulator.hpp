// The long accumulator (Kulisch): sums of products of codes without any rounding, for one at the end.
//
// An accumulator is a two's complement integer of some 64-bit words, the lowest first, counting units of some 2^unit.
#pragma once

#include "real.hpp"

namespace halfulp {

// How many bits hold any finite magnitude of a format as an integer number of last places.
HALFULP_HD constexpr int fixed_bits(const Format& f) { return f.largest_exponent() - f.lsb_exponent() + 1; }

// How many words hold every sum of fewer than 2^63 products, with `spare` bits below the last place of a product.
HALFULP_HD constexpr int accumulator_words(const Format& a, const Format& b, int spare) {
  return (fixed_bits(a) + fixed_bits(b) + spare + 64) / 64 + 1;
}
inline constexpr int most_fixed_bits = 1024 + 1074;
inline constexpr int max_accumulator_words = (2 * (most_fixed_bits + max_precision_of_operands) + 64) / 64 + 1;

inline namespace HALFULP_TARGET {

// Adds value * 2^place, in units of the accumulator.
//
//   words:   ... | w[i+1]                          | w[i]                | ...        i = place / 64
//   value:   sss | sss...s + what the shift pushed | value << place % 64 |
HALFULP_HD constexpr void accumulate(u64* words, int count, i64 value, int place) {
  int i = place / 64;
  const int shift = place % 64;
  const u64 extension = value < 0 ? ~u64{0} : 0;
  const u64 low = static_cast<u64>(value) << shift;
  const u64 high = shift == 0 ? extension : (static_cast<u64>(value) >> (64 - shift)) | (extension << shift);
  words[i] += low;
  const u64 high_and_carry = high + (words[i] < low ? 1 : 0);
  if (++i >= count) return;
  words[i] += high_and_carry;
  const bool carry = words[i] < high_and_carry || high_and_carry < high;
  // What is left for the words above: the sign's extension and the carry, together -1, 0 or 1.
  if (value >= 0 && carry) {
    while (++i < count && ++words[i] == 0) {
    }
  } else if (value < 0 && !carry) {
    while (++i < count && words[i]-- == 0) {
    }
  }
}

// The sum, with what is below its leading 61 bits in a sticky bit. What is in the words is lost.
HALFULP_HD constexpr Real accumulated(u64* words, int count, i64 unit) {
  const bool negative = (words[count - 1] >> 63) != 0;
  bool carry = true;
  for (int i = 0; negative && i < count; ++i) {
    words[i] = ~words[i] + (carry ? 1 : 0);
    carry = carry && words[i] == 0;
  }
  int last = count - 1;
  while (last > 0 && words[last] == 0) --last;
  if (words[last] == 0) return zero(false);
  const int missing = 63 - static_cast<int>(highest_bit(Wide{words[last]}).word);
  u64 leading = words[last] << missing;
  bool sticky = false;
  if (last > 0) {
    if (missing > 0) leading |= words[last - 1] >> (64 - missing);
    sticky = words[last - 1] << missing != 0;
  }
  for (int i = last - 2; i >= 0 && !sticky; --i) sticky = words[i] != 0;
  return finite(negative, leading | (sticky ? 1 : 0), unit + 64 * i64{last} - missing);
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
