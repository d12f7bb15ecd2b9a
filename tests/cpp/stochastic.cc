// Stochastic rounding on every target, against P3109's formulas in binary64 arithmetic, which is exact for them here.
#include "stochastic.hpp"

#include <algorithm>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "halfulp/decode.hpp"
#include "simd/kernels.hpp"

namespace exhaustive {
namespace {

using halfulp::Encoder;
using halfulp::Format;
using halfulp::Rounding;
using halfulp::Source;
using std::size_t;
using std::uint32_t;
using std::uint64_t;

constexpr size_t block = 4096;

struct Numbers {
  std::vector<double> wide = std::vector<double>(block);
  std::vector<float> narrow = std::vector<float>(block);
  std::vector<uint32_t> random = std::vector<uint32_t>(block);
};

uint64_t mixed(uint64_t index) {  // splitmix64
  uint64_t z = (index + 1) * 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// Exponents from far below the smallest number to beyond the largest; many significands are short, so that ties occur.
void fill(Numbers& numbers, const Format& f, int bits, uint64_t start) {
  const int low = f.lsb_exponent() - 40;
  const int span = f.largest_exponent() + 3 - low;
  for (size_t i = 0; i < block; ++i) {
    const uint64_t z = mixed(start + 2 * i);
    const uint64_t other = mixed(start + 2 * i + 1);
    const int kept = static_cast<int>(other % 53);
    const uint64_t trailing = (z >> 12 >> kept << kept) | uint64_t{1} << 52;
    const double magnitude = std::ldexp(static_cast<double>(trailing),
                                        low + static_cast<int>((other >> 8) % static_cast<uint64_t>(span)) - 52);
    numbers.wide[i] = f.is_signed && (z & 1) != 0 ? -magnitude : magnitude;
    numbers.narrow[i] = static_cast<float>(numbers.wide[i]);
    if (std::isinf(numbers.narrow[i])) numbers.narrow[i] = 1;
    // A third at each end.
    const uint32_t mask = static_cast<uint32_t>((uint64_t{1} << bits) - 1);
    const uint32_t word = static_cast<uint32_t>(mixed(z) >> 32) & mask;
    numbers.random[i] = other >> 40 & 1 ? word : other >> 41 & 1 ? word & 3 : mask - (word & 3 & mask);
  }
}

bool goes_away(Rounding mode, double v, int bits, uint32_t r) {
  const double whole = std::ldexp(1.0, bits);
  if (mode == Rounding::stochastic_a) return std::floor(v * whole) + r >= whole;
  if (mode == Rounding::stochastic_b) return std::floor(v * 2 * whole) + 2.0 * r + 1 >= 2 * whole;
  return std::nearbyint(v * whole) + r >= whole;
}

// The value a number becomes; Inf for overflow.
double expected(const Format& f, Rounding mode, int bits, double x, uint32_t r) {
  const double magnitude = std::fabs(x);
  if (!f.has_zero && magnitude < std::ldexp(1.0, f.emin())) return std::ldexp(1.0, f.emin());
  if (magnitude == 0) return x;
  const int place = std::max(std::ilogb(magnitude), f.emin()) - f.mantissa_bits;
  const double scaled = std::ldexp(magnitude, -place);
  const double k = std::floor(scaled);
  const double rounded = std::ldexp(k + (goes_away(mode, scaled - k, bits, r) ? 1 : 0), place);
  const int top = f.exponent_bits == 0 ? f.lsb_exponent() : f.emax() - f.mantissa_bits;
  const uint64_t last = x < 0 ? f.max_negative_magnitude() : f.max_magnitude();
  const uint64_t trailing = f.exponent_bits == 0 ? last : (last & f.mantissa_mask()) | uint64_t{1} << f.mantissa_bits;
  const double limit = std::ldexp(static_cast<double>(trailing), top);
  return std::copysign(rounded > limit ? INFINITY : rounded, x);
}

class Judge {
 public:
  Judge(const Row& row, Rounding mode, int bits, Tally& tally)
      : row_(row), f_(product_format(row)), mode_(mode), bits_(bits), tally_(tally) {
    const halfulp::Policy policy = {mode, halfulp::Overflow::standard, halfulp::Subnormals::gradual,
                                    halfulp::default_nan(f_), bits};
    e_ = halfulp::make_encoder(f_, policy, false);
    decoder_ = halfulp::make_decoder<halfulp::u32>(f_);
  }

  void check(const Numbers& numbers) {
    std::vector<uint32_t> narrowed(block);
    for (const halfulp::Kernels* k : targets()) {
      k->encode_random(e_, Source::binary32, false, numbers.narrow.data(), numbers.random.data(), codes_, block);
      compare(k->isa, "binary32", numbers.narrow.data(), numbers.random);
      k->encode_random(e_, Source::binary64, false, numbers.wide.data(), numbers.random.data(), codes_, block);
      compare(k->isa, "binary64", numbers.wide.data(), numbers.random);
      if (!e_.random_narrow_from_odd) continue;
      k->narrow(Source::binary64, false, numbers.wide.data(), narrowed.data(), block);
      k->encode_random(e_, Source::binary32, false, narrowed.data(), numbers.random.data(), codes_, block);
      compare(k->isa, "binary64 by way of odd", numbers.wide.data(), numbers.random);
    }
    tally_.inputs += 2 * block;
  }

 private:
  uint32_t code(size_t i) const {
    const auto* bytes = reinterpret_cast<const unsigned char*>(codes_) + i * static_cast<size_t>(e_.code_bytes);
    uint32_t word = 0;
    std::memcpy(&word, bytes, static_cast<size_t>(e_.code_bytes));
    return word;
  }

  template <class Float>
  void compare(const char* isa, const char* what, const Float* from, const std::vector<uint32_t>& random) {
    uint64_t wrong = 0;
    for (size_t i = 0; i < block; ++i) {
      const double want = expected(f_, mode_, bits_, double{from[i]}, random[i]);
      const uint32_t got = code(i);
      const uint32_t bits = halfulp::decode(halfulp::Lane<halfulp::u32>{got}, decoder_).word;
      float value = 0;
      std::memcpy(&value, &bits, 4);
      const uint64_t overflow = want < 0 ? e_.wide.overflow.negative : e_.wide.overflow.positive;
      if (std::isinf(want) ? got == overflow : double{value} == want) continue;
      if (wrong++ == 0) {
        std::printf("FAIL %s %s %s mode %d, %d bits: %a with %" PRIu32 " gives 0x%" PRIX32 ", not %a\n", row_.name, isa,
                    what, static_cast<int>(mode_), bits_, double{from[i]}, random[i], got, want);
      }
    }
    (wrong == 0 ? tally_.passed : tally_.failed) += 1;
  }

  const Row& row_;
  Format f_;
  Rounding mode_;
  int bits_;
  Tally& tally_;
  Encoder e_;
  halfulp::Decoder<halfulp::u32> decoder_;
  alignas(64) uint32_t codes_[block];
};

}  // namespace

Tally check_stochastic(uint64_t random) {
  Tally tally;
  Numbers numbers;
  uint64_t start = 0;
  while (tally.inputs < 2 * random) {
    for (const Row& row : rows()) {
      if (!product_format(row).narrows_from_binary32()) continue;
      const uint64_t turn = start / block;
      const int bits = 1 + static_cast<int>(mixed(turn) % 32);
      const Rounding mode =
          static_cast<Rounding>(static_cast<int>(Rounding::stochastic_a) + static_cast<int>(turn % 3));
      fill(numbers, product_format(row), bits, start);
      Judge(row, mode, bits, tally).check(numbers);
      start += 2 * block + 1;
    }
  }
  return tally;
}

}  // namespace exhaustive
