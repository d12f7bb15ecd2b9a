// Narrowing on every target, against a rounding to odd by way of nextafter.
#include "wide_sources.hpp"

#include <algorithm>
#include <cfloat>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "simd/kernels.hpp"

namespace exhaustive {
namespace {

using std::size_t;
using std::uint32_t;
using std::uint64_t;

constexpr size_t block = 8192;

uint32_t bits_of(float x) {
  uint32_t bits = 0;
  std::memcpy(&bits, &x, 4);
  return bits;
}

// Truncated, and odd if that lost anything; finite numbers stay finite; NaN is quieted, its payload truncated.
uint32_t rounded_to_odd(uint64_t bits) {
  double x = 0;
  std::memcpy(&x, &bits, 8);
  if (x != x) return static_cast<uint32_t>((bits >> 63 << 31) | 0x7fc00000 | ((bits >> 29) & 0x007fffff));
  if (std::isinf(x)) return bits_of(static_cast<float>(x));
  if (std::fabs(x) > double{FLT_MAX}) return bits_of(std::copysign(FLT_MAX, static_cast<float>(x)));
  float y = static_cast<float>(x);
  if (static_cast<double>(y) == x) return bits_of(y);
  if (std::fabs(static_cast<double>(y)) > std::fabs(x)) y = std::nextafter(y, 0.0F);
  return bits_of(y) | 1;
}

// A binary16 number is a binary32 number; NaN is quieted.
uint32_t widened(uint32_t half) {
  const uint32_t sign = half >> 15 << 31;
  const uint32_t field = (half >> 10) & 31;
  const uint32_t trailing = half & 1023;
  if (field == 31) return sign | 0x7f800000 | (trailing << 13) | (trailing != 0 ? 0x00400000 : 0);
  const int exponent = field == 0 ? -24 : static_cast<int>(field) - 25;
  const uint32_t significand = field == 0 ? trailing : trailing | 1024;
  return sign | bits_of(std::ldexp(static_cast<float>(significand), exponent));
}

struct Judge {
  Tally tally;
  std::vector<uint64_t> wrong = std::vector<uint64_t>(targets().size());
  std::vector<uint32_t> expected = std::vector<uint32_t>(block);

  template <class Word, class Meaning>
  void check(halfulp::Source source, const Word* from, size_t n, Meaning&& meaning) {
    for (size_t i = 0; i < n; ++i) expected[i] = meaning(from[i]);
    std::vector<uint32_t> actual(n);
    for (size_t t = 0; t < targets().size(); ++t) {
      targets()[t]->narrow(source, false, from, actual.data(), n);
      for (size_t i = 0; i < n; ++i) {
        if (actual[i] == expected[i]) continue;
        if (wrong[t]++ != 0) continue;
        std::printf("FAIL %s narrow: 0x%" PRIX64 " gives 0x%08" PRIX32 ", not 0x%08" PRIX32 "\n", targets()[t]->isa,
                    static_cast<uint64_t>(from[i]), actual[i], expected[i]);
      }
    }
    tally.inputs += n;
  }
};

// Every sign and exponent, with significands at and beside what binary32 keeps, halves, and loses.
std::vector<uint64_t> structured() {
  std::vector<uint64_t> significands;
  for (int bit = 0; bit <= 52; ++bit) {
    const uint64_t power = uint64_t{1} << bit;
    for (const uint64_t near : {power - 1, power, power + 1, (uint64_t{1} << 52) - power, power | uint64_t{1} << 29}) {
      significands.push_back(near & 0x000fffffffffffff);
    }
  }
  std::vector<uint64_t> all;
  for (uint64_t sign_exponent = 0; sign_exponent < 4096; ++sign_exponent) {
    for (const uint64_t s : significands) all.push_back(sign_exponent << 52 | s);
  }
  return all;
}

// splitmix64; half of the numbers get an exponent within binary32's range, subnormals included.
uint64_t random_bits(uint64_t index) {
  uint64_t z = (index + 1) * 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  z ^= z >> 31;
  if (index % 2 == 0) return z;
  const uint64_t field = 1023 - 152 + (z >> 52) % 282;
  return (z & 0x800fffffffffffff) | field << 52;
}

}  // namespace

Tally check_narrowing(uint64_t random) {
  Judge judge;
  std::vector<std::uint16_t> halves(65536);
  for (size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<std::uint16_t>(i);
  for (size_t i = 0; i < halves.size(); i += block) {
    judge.check(halfulp::Source::binary16, halves.data() + i, block, widened);
  }
  const std::vector<uint64_t> made = structured();
  for (size_t i = 0; i < made.size(); i += block) {
    judge.check(halfulp::Source::binary64, made.data() + i, std::min(block, made.size() - i), rounded_to_odd);
  }
  std::vector<uint64_t> from(block);
  for (uint64_t i = 0; i < random; i += block) {
    for (size_t j = 0; j < block; ++j) from[j] = random_bits(i + j);
    judge.check(halfulp::Source::binary64, from.data(), block, rounded_to_odd);
  }
  for (size_t t = 0; t < targets().size(); ++t) {
    (judge.wrong[t] == 0 ? judge.tally.passed : judge.tally.failed) += 1;
    if (judge.wrong[t] != 0) std::printf("FAIL %s narrow: %" PRIu64 " wrong\n", targets()[t]->isa, judge.wrong[t]);
  }
  return judge.tally;
}

}  // namespace exhaustive
