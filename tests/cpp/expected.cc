// A format's values and decisions from its parameters, in plain binary64 arithmetic, every operation of it exact.
#include "expected.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace exhaustive {
namespace {

using halfulp::Overflow;
using halfulp::Rounding;
using halfulp::Specials;
using halfulp::Subnormals;
using std::int64_t;
using std::uint32_t;
using std::uint64_t;

int64_t magnitudes(const Row& r) { return int64_t{1} << (r.exponent_bits + r.mantissa_bits); }
uint32_t sign_bit(const Row& r) { return r.is_signed ? static_cast<uint32_t>(magnitudes(r)) : 0; }
bool is_ieee_like(const Row& r) { return r.specials == Specials::ieee || r.specials == Specials::fn; }
bool is_p3109(const Row& r) { return r.specials == Specials::p3109_e || r.specials == Specials::p3109_f; }
bool has_inf(const Row& r) { return r.specials == Specials::ieee || r.specials == Specials::p3109_e; }
bool has_nan(const Row& r) { return r.specials != Specials::finite && r.specials != Specials::integer; }
bool has_minus_zero(const Row& r) { return r.is_signed && (is_ieee_like(r) || r.specials == Specials::finite); }
// Whether anything lies below the smallest normal number, be it only zero.
bool has_tiny(const Row& r) { return r.exponent_bits > 0 && r.has_zero; }

// The value of a magnitude code if all of them were numbers and the exponent field had no end.
double grid(const Row& r, int64_t code) {
  const int64_t field = r.exponent_bits == 0 ? 0 : code >> r.mantissa_bits;
  if (field == 0 && r.has_zero) return std::ldexp(static_cast<double>(code), 1 - r.bias - r.mantissa_bits);
  if (r.exponent_bits == 0) return std::ldexp(static_cast<double>(code), 1 - r.bias - r.mantissa_bits);
  const int64_t binade = int64_t{1} << r.mantissa_bits;
  return std::ldexp(static_cast<double>(binade + code % binade), static_cast<int>(field) - r.bias - r.mantissa_bits);
}

}  // namespace

int64_t last(const Row& r) {
  const int64_t top = magnitudes(r) - 1;
  switch (r.specials) {
    case Specials::ieee: return top - (int64_t{1} << r.mantissa_bits);
    case Specials::fn: return top - 1;
    case Specials::p3109_e: return r.is_signed ? top - 1 : top - 2;
    case Specials::p3109_f: return r.is_signed ? top : top - 1;
    default: return top;
  }
}

namespace {

uint32_t inf_code(const Row& r, bool negative) {
  return static_cast<uint32_t>(last(r) + 1) | (negative ? sign_bit(r) : 0);
}

}  // namespace

uint32_t nan_code(const Row& r, bool negative) {
  if (r.is_signed && (is_p3109(r) || r.specials == Specials::fnuz)) return sign_bit(r);
  const uint32_t top = static_cast<uint32_t>(magnitudes(r) - 1);
  const uint32_t quiet = r.specials == Specials::ieee ? top ^ ((uint32_t{1} << (r.mantissa_bits - 1)) - 1) : top;
  return quiet | (negative ? sign_bit(r) : 0);
}

uint32_t code_of_nan_input(const Row& r, bool negative) {
  if (has_nan(r)) return nan_code(r, negative);
  return r.specials == Specials::integer ? 0 : static_cast<uint32_t>(last(r));
}

namespace {

uint32_t number_code(const Row& r, bool negative, int64_t magnitude) {
  if (r.specials == Specials::integer) {
    const int64_t all = r.is_signed ? 2 * magnitudes(r) - 1 : magnitudes(r) - 1;
    return static_cast<uint32_t>((negative ? -magnitude : magnitude) & all);
  }
  const bool signs = negative && (magnitude != 0 || has_minus_zero(r));
  return static_cast<uint32_t>(magnitude) | (signs ? sign_bit(r) : 0);
}

uint32_t largest(const Row& r, bool negative) {
  if (negative && r.specials == Specials::integer) return sign_bit(r);
  return number_code(r, negative, last(r));
}

uint32_t below_unsigned(const Row& r, const Case& c) {
  return has_nan(r) && c.overflow == Overflow::standard ? nan_code(r, false) : 0;
}

}  // namespace

uint32_t infinite(const Row& r, const Case& c, bool negative) {
  if (negative && !r.is_signed) return below_unsigned(r, c);
  if (has_inf(r) && c.overflow != Overflow::saturate) return inf_code(r, negative);
  if (has_nan(r) && c.overflow == Overflow::standard) return nan_code(r, negative);
  return largest(r, negative);
}

namespace {

uint32_t beyond(const Row& r, const Case& c, bool negative) {
  const Rounding inward = negative ? Rounding::toward_positive : Rounding::toward_negative;
  const bool stays = c.rounding == Rounding::toward_zero || c.rounding == inward ||
                     (c.rounding == Rounding::to_odd && last(r) % 2 == 1);
  if (stays || c.overflow != Overflow::standard) return largest(r, negative);
  return infinite(r, c, negative);
}

}  // namespace

int64_t rounded(Rounding mode, bool negative, int64_t code, Place place) {
  if (place == on) return code;
  switch (mode) {
    case Rounding::nearest_even: return place == middle ? code + code % 2 : code + (place == upper_half);
    case Rounding::nearest_away: return place == lower_half ? code : code + 1;
    case Rounding::toward_zero: return code;
    case Rounding::toward_positive: return negative ? code : code + 1;
    case Rounding::toward_negative: return negative ? code + 1 : code;
    case Rounding::to_odd: return code % 2 == 1 ? code : code + 1;
    default: return -1;  // the stochastic modes have judges of their own
  }
}

uint32_t settled(const Row& r, const Case& c, bool negative, int64_t code, int64_t result) {
  const int64_t first_normal = int64_t{1} << r.mantissa_bits;
  if (has_tiny(r)) {
    if (c.subnormals == Subnormals::flush_tiny && code < first_normal) result = 0;
    if (c.subnormals == Subnormals::flush_output && result < first_normal) result = 0;
  }
  if (negative && !r.is_signed) return result == 0 && r.has_zero ? 0 : below_unsigned(r, c);
  const int64_t limit = negative && r.specials == Specials::integer ? last(r) + 1 : last(r);
  return result > limit ? beyond(r, c, negative) : number_code(r, negative, result);
}

namespace {

uint32_t settle(const Row& r, const Case& c, bool negative, int64_t code, Place place) {
  return settled(r, c, negative, code, rounded(c.rounding, negative, code, place));
}

// The bits of the first binary32 number that is at least (or, if not `including`, greater than) a positive one.
uint32_t first_at(double value, bool including) {
  float number = static_cast<float>(value);
  if (number < value || (number == value && !including)) number = std::nextafter(number, HUGE_VALF);
  uint32_t bits = 0;
  std::memcpy(&bits, &number, 4);
  return bits;
}

std::vector<Step> steps(const Row& r, const Case& c, bool negative) {
  constexpr uint32_t inf_bits = 0x7f800000;
  std::vector<Step> all;
  const auto from = [&all](uint32_t first, uint32_t code) {
    if (first >= inf_bits) return;
    if (!all.empty() && all.back().first == first) all.pop_back();  // no input lay in the step before
    if (all.empty() || all.back().code != code) all.push_back({first, code});
  };
  if (!r.has_zero) {  // everything below the first value is that value, or has no place
    from(0, number_code(r, false, 0));
    if (negative) from(1, below_unsigned(r, c));
  }
  const int64_t end = last(r) + (r.specials == Specials::integer ? 1 : 0);
  for (int64_t code = 0; code <= end; ++code) {
    const double low = grid(r, code);
    const double half = (low + grid(r, code + 1)) / 2;
    const uint32_t here = low == 0 ? 0 : first_at(low, true);
    from(here, settle(r, c, negative, code, on));
    from(low == 0 ? 1 : first_at(low, false), settle(r, c, negative, code, lower_half));
    from(first_at(half, true), settle(r, c, negative, code, middle));
    from(first_at(half, false), settle(r, c, negative, code, upper_half));
  }
  from(first_at(grid(r, end + 1), true), settle(r, c, negative, end + 1, on));
  all.push_back({inf_bits, infinite(r, c, negative)});
  all.push_back({inf_bits + 1, code_of_nan_input(r, negative)});
  return all;
}

}  // namespace

Expected expected_codes(const Row& r, const Case& c) { return {steps(r, c, false), steps(r, c, true)}; }

template <class Code>
void Expected::fill(const uint32_t* from, Code* codes, std::size_t n) const {
  for (std::size_t i = 0; i < n;) {
    const bool is_negative = from[i] >> 31 != 0;
    const std::vector<Step>& table = is_negative ? negative : positive;
    const uint32_t magnitude = from[i] & 0x7fffffff;
    const auto next =
        std::upper_bound(table.begin(), table.end(), magnitude, [](uint32_t m, const Step& s) { return m < s.first; });
    const uint32_t end_of_step = (next == table.end() ? 0x80000000 : next->first) - 1;
    const uint32_t last_input = end_of_step | (is_negative ? 0x80000000 : 0);
    const auto end = static_cast<std::size_t>(std::upper_bound(from + i, from + n, last_input) - from);
    std::fill(codes + i, codes + end, static_cast<Code>((next - 1)->code));
    i = end;
  }
}
template void Expected::fill(const uint32_t*, std::uint8_t*, std::size_t) const;
template void Expected::fill(const uint32_t*, std::uint16_t*, std::size_t) const;
template void Expected::fill(const uint32_t*, uint32_t*, std::size_t) const;

std::vector<uint32_t> Expected::edges() const {
  // A route that loses one bit of the source errs where that bit alone decides. Too many inputs for wide formats.
  const int bits = positive.size() < 4096 ? 24 : 2;
  std::vector<uint32_t> all;
  for (const uint32_t sign : {uint32_t{0}, uint32_t{0x80000000}}) {
    for (const Step& s : sign == 0 ? positive : negative) {
      all.push_back(s.first | sign);
      for (int bit = 0; bit < bits; ++bit) {
        const uint32_t distance = uint32_t{1} << bit;
        if (s.first >= distance) all.push_back((s.first - distance) | sign);
        all.push_back((s.first + distance) | sign);
      }
    }
    all.push_back(0x7fffffff | sign);
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

uint64_t expected_value(const Row& r, uint32_t code) {
  const uint32_t sign = code & sign_bit(r);
  const auto as_bits = [](double x) {
    uint64_t bits = 0;
    std::memcpy(&bits, &x, 8);
    return bits;
  };
  if (r.specials == Specials::integer) {
    return as_bits(static_cast<double>(int64_t{code} - (sign != 0 ? 2 * magnitudes(r) : 0)) * grid(r, 1));
  }
  const uint64_t sign64 = sign != 0 ? uint64_t{1} << 63 : 0;
  const int64_t magnitude = code & (magnitudes(r) - 1);
  const uint64_t quiet = 0x7ff8000000000000;
  if (sign != 0 && magnitude == 0 && !has_minus_zero(r)) return quiet;
  if (has_inf(r) && magnitude == last(r) + 1) return sign64 | 0x7ff0000000000000;
  if (magnitude <= last(r)) return as_bits(grid(r, magnitude)) | sign64;
  const uint64_t payload = r.specials == Specials::ieee ? uint64_t{code} << (52 - r.mantissa_bits) : 0;
  return sign64 | quiet | (payload & 0x0007ffffffffffff);
}

}  // namespace exhaustive
