// Exact sums of products: in binary64 where no bit can be lost there, else in integers by exponent, then one rounding.
//
// Finite values are integers v * 2^lsb_exponent. A tile of outputs takes its rows and columns in blocks of `depth`
// terms, as such integers in binary64. Of a row it knows that all v are multiples of 2^low below 2^high. If
//
//   high_a + high_b + log2(depth) - low_a - low_b <= 53
//
// then every sum of products within the block is a binary64 number, so multiplying and adding in binary64 is exact and
// no mode, flag or order of the processor matters. Otherwise products go to 64-bit integers, one for each few
// exponents, which cannot overflow within a block. Either way the block's sum is added to the long accumulator.
#include "sums.hpp"

namespace halfulp {
namespace {

constexpr usize block_depth = 128;
constexpr int block_bits = 7;
constexpr int group = 4;
constexpr int binary64_bits = 53;
constexpr int most_bins = 128;
constexpr int widest = 500;     // bits of a value as an integer: products stay within binary64's range
constexpr i32 no_low = 1 << 20;  // of a line of zeros

// A code as a panel needs it. Zeros and specials have high = 0; specials are told by low = 0 as well.
struct Entry {
  double value;
  i32 low;
  i32 high;
};

double power_of_two(int n) {
  const u64 bits = static_cast<u64>(1023 + n) << 52;
  double x = 0;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

u64 bits_of(double x) {
  u64 bits = 0;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

Entry entry_of(u64 code, const Side& side) {
  const Term t = term(code & side.width_mask(), side.reader);
  if (t.kind != Kind::finite) return {0, -1, 0};
  if (t.significand == 0) return {0, no_low, 0};
  const int bits = static_cast<int>(highest_bit(Wide{static_cast<u64>(side.format.max_magnitude())}).word);
  static_cast<void>(bits);
  return {static_cast<double>(static_cast<i32>(t.significand)) * power_of_two(t.place), t.place,
          t.place + significand_bits(side.format)};
}

}  // namespace
}  // namespace halfulp
