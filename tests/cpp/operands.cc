// Structured operands: the first one by itself, the others where the result decides something.
#include "operands.hpp"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <list>
#include <string>

namespace exhaustive {

using halfulp::Operator;
using halfulp::Specials;
using std::int64_t;
using std::size_t;
using std::uint32_t;
using std::uint64_t;

uint64_t mixed(uint64_t index) {  // splitmix64
  uint64_t z = (index + 1) * 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

namespace {

class Source {
 public:
  explicit Source(uint64_t seed) : state_(mixed(seed)) {}
  uint64_t bits() { return mixed(state_++); }
  // From low to high, both included.
  int between(int low, int high) {
    return low + static_cast<int>(bits() >> 8 & 0x7fffffff) % (high >= low ? high - low + 1 : 1);
  }
  bool one_in(int n) { return between(1, n) == 1; }

 private:
  uint64_t state_;
};

int emax_of(const Row& r) {
  const int64_t binade = int64_t{1} << r.mantissa_bits;
  return emin_of(r) + static_cast<int>(last(r) / binade) - (r.has_zero ? 1 : 0);
}

uint32_t mask_of(const Row& r) { return static_cast<uint32_t>((uint64_t{1} << bits_of(r)) - 1); }

// (-1)^negative * 1.fraction * 2^exponent, cut off below, the largest number above.
uint32_t code_of(const Row& r, bool negative, int exponent, uint64_t fraction) {
  const int64_t binade = int64_t{1} << r.mantissa_bits;
  int64_t code = binade | static_cast<int64_t>(fraction & static_cast<uint64_t>(binade - 1));
  const int emin = emin_of(r);
  if (exponent < emin) {
    code = emin - exponent < 60 ? code >> (emin - exponent) : 0;
  } else {
    code += (exponent - emin) * binade;
  }
  if (!r.has_zero) code = code < binade ? 0 : code - binade;
  if (code > last(r)) code = last(r);
  const uint32_t sign = negative && r.is_signed ? uint32_t{1} << (bits_of(r) - 1) : 0;
  return static_cast<uint32_t>(code) | sign;
}

// The nearest code toward zero.
uint32_t code_toward_zero(const Row& r, double x) {
  if (x == 0 || !std::isfinite(x)) return 0;
  const int exponent = std::ilogb(x);
  const double significand = std::ldexp(std::fabs(x), r.mantissa_bits - exponent);
  return code_of(r, std::signbit(x), exponent, static_cast<uint64_t>(significand));
}

// All kinds of fractions, `kept` bits of them at most.
uint64_t fraction(Source& s, int width, int kept) {
  const uint64_t mask = (uint64_t{1} << width) - 1;
  const uint64_t random = s.bits() >> 16;
  const int at = s.between(0, width);
  uint64_t f = 0;
  switch (s.between(0, 7)) {
    case 0: f = mask; break;
    case 1: f = random | ((uint64_t{1} << at) - 1); break;
    case 2: f = random >> at << at; break;
    case 3: f = uint64_t{1} << at; break;
    case 4: f = mask - (uint64_t{1} << at); break;
    case 5: f = 0; break;
    default: f = random;
  }
  return kept < width ? (f & mask) >> (width - kept) << (width - kept) : f & mask;
}

uint32_t any_code(Source& s, const Row& r) {
  const uint32_t code = static_cast<uint32_t>(s.bits() >> 13) & mask_of(r);
  if (!s.one_in(4)) return code;
  // Beside an end of the codes of magnitudes.
  const uint32_t near = static_cast<uint32_t>(s.between(-2, 2));
  const uint32_t sign = r.is_signed && s.one_in(2) ? uint32_t{1} << (bits_of(r) - 1) : 0;
  const uint32_t end = s.one_in(2) ? 0 : static_cast<uint32_t>(last(r) + 1);
  return ((end + near) ^ sign) & mask_of(r);
}

int any_exponent(Source& s, const Row& r) {
  const int emin = emin_of(r);
  switch (s.between(0, 3)) {
    case 0: return s.between(emin - r.mantissa_bits - 1, emin + 2);
    case 1: return s.between(emax_of(r) - 2, emax_of(r));
    default: return s.between(emin - r.mantissa_bits, emax_of(r));
  }
}

// Where a result is most in danger.
int target_exponent(Source& s, const Row& to) {
  switch (s.between(0, 3)) {
    case 0: return s.between(emin_of(to) - to.mantissa_bits - 3, emin_of(to) + 1);
    case 1: return s.between(emax_of(to) - 2, emax_of(to) + 1);
    default: return any_exponent(s, to);
  }
}

int exponent_of(double x) { return x == 0 || !std::isfinite(x) ? 0 : std::ilogb(x); }

double value_of(const Row& r, uint32_t code) {
  const uint64_t bits = expected_value(r, code);
  double x = 0;
  std::memcpy(&x, &bits, 8);
  return x;
}

// Pairs of integers of 24 bits whose products are 2^k + 1 or 2^k - 1: beside a power of two by the last bit of 38
// to 47.
constexpr uint32_t near_powers[][2] = {
    {523265, 525313},   {1572861, 174763},  {4529623, 121369},  {5941925, 185043},
    {10496005, 419021}, {6390531, 688213},  {4188889, 2099863}, {12189885, 1443179},
    {9995671, 3519961}, {8392705, 8384513}, {8388607, 8388609}, {10610063, 13264529},
};

// What must be added to an exact number for a sum just beside, or on, a number or midpoint of p bits.
double rest_beside_tie(double exact, int p) {
  const double unit = std::ldexp(1, exponent_of(exact) - p);
  return -std::fmod(exact, unit);
}

// The addend of a sum, beside another term of any size.
uint32_t addend(Source& s, const Row& r, const Row& to, double other) {
  const int e = exponent_of(other);
  const int p = to.mantissa_bits + 1;
  const bool negative = s.one_in(2);
  switch (s.between(0, 5)) {
    case 5: {
      const uint32_t code = code_toward_zero(r, rest_beside_tie(other, p));
      return (code + static_cast<uint32_t>(s.between(-1, 1))) & mask_of(r);
    }
    case 0: {  // all but cancels it
      const uint32_t code = code_toward_zero(r, s.one_in(8) ? other : -other);
      return (code + static_cast<uint32_t>(s.between(-2, 2))) & mask_of(r);
    }
    case 1: return code_of(r, negative, e + s.between(-p - 3, -p + 3), fraction(s, r.mantissa_bits, r.mantissa_bits));
    case 2: return code_of(r, negative, e + s.between(p - 3, p + 3), fraction(s, r.mantissa_bits, r.mantissa_bits));
    case 3: return code_of(r, negative, e + s.between(-3, 3), fraction(s, r.mantissa_bits, r.mantissa_bits));
    default: return code_of(r, negative, target_exponent(s, to), fraction(s, r.mantissa_bits, s.between(0, p)));
  }
}

uint32_t second_operand(Source& s, const Question& q, double a, int kept) {
  const Row& r = q.from[1];
  const int e = exponent_of(a);
  const bool negative = s.one_in(2);
  const uint64_t f = fraction(s, r.mantissa_bits, kept);
  switch (q.op) {
    case Operator::add:
    case Operator::subtract: return addend(s, r, q.to, q.op == Operator::add ? a : -a);
    case Operator::multiply: return code_of(r, negative, target_exponent(s, q.to) - e - s.between(0, 1), f);
    case Operator::fma: return code_of(r, negative, target_exponent(s, q.to) - e + s.between(-4, 4), f);
    case Operator::divide: return code_of(r, negative, e - target_exponent(s, q.to) - s.between(0, 1), f);
    default: return code_of(r, negative, e - s.between(-2, 40), f);  // remainders
  }
}

}  // namespace

void fill_operands(const Question& q, uint64_t seed, size_t n, uint32_t* const* codes) {
  Source s(seed);
  const int count = operand_count(q.op);
  const int p = q.to.mantissa_bits + 1;
  for (size_t i = 0; i < n; ++i) {
    const bool structured = !s.one_in(8);
    double a = 0;
    double b = 0;
    // Short fractions, so that products of p + 1 bits occur, which are ties.
    const int kept = s.one_in(2) ? s.between(0, p) : 64;
    const uint32_t* near = s.one_in(8) ? near_powers[s.between(0, 11)] : nullptr;
    for (int k = 0; k < count; ++k) {
      const Row& r = q.from[k];
      uint32_t code = any_code(s, r);
      if (structured && r.exponent_bits > 0) {
        if (k == 0) code = code_of(r, s.one_in(2), any_exponent(s, r), fraction(s, r.mantissa_bits, kept));
        if (k == 1) code = second_operand(s, q, a, kept > p ? 64 : p - kept);
        if (k < 2 && near != nullptr && r.mantissa_bits == 23) {
          // As its own exponent has it, in the same binade as before.
          const int exponent = exponent_of(value_of(r, code));
          code = code_toward_zero(r, std::ldexp(near[k], exponent - exponent_of(near[k])));
        }
        if (k == 2) code = addend(s, r, q.to, std::isfinite(a * b) ? a * b : 1);
      }
      codes[k][i] = code;
      (k == 0 ? a : b) = value_of(r, code);
    }
  }
}

std::vector<uint32_t> special_codes(const Row& r) {
  const uint32_t normal = uint32_t{1} << r.mantissa_bits;
  const uint32_t quiet = normal / 2;
  const auto largest = static_cast<uint32_t>(last(r));
  std::vector<uint32_t> all;
  for (const uint32_t sign : {uint32_t{0}, r.is_signed ? uint32_t{1} << (bits_of(r) - 1) : 0}) {
    for (const uint32_t code : {uint32_t{0}, uint32_t{1}, normal - 1, normal, code_of(r, false, 0, 0), largest,
                                largest + 1, largest + 2, largest + quiet + 1, largest + quiet + 3, largest + normal}) {
      all.push_back((code | sign) & mask_of(r));
    }
  }
  return all;
}

Row random_row(uint64_t seed) {
  static std::list<std::string> names;
  Source s(seed);
  for (;;) {
    const int e = s.between(0, 8);
    const int m = s.between(0, s.one_in(2) ? 4 : 23);
    const int bias = s.one_in(2) ? (e == 0 ? 1 - m : (1 << (e - 1)) - 1) : s.between(-120, 150);
    const bool has_zero = !s.one_in(8);
    const Row row = {"", e, m, bias, Specials(s.between(0, 6)), has_zero && !s.one_in(4), has_zero, false};
    const halfulp::Format f = product_format(row);
    if (halfulp::check(f) != halfulp::FormatError::none || !f.fits_binary32() || f.bits() > 32) continue;
    char name[80] = {};
    std::snprintf(name, sizeof(name), "e%dm%d:bias=%d:specials %d:%s%s", e, m, bias, static_cast<int>(row.specials),
                  row.is_signed ? "signed" : "unsigned", has_zero ? "" : ":no zero");
    names.emplace_back(name);
    Row named = row;
    named.name = names.back().c_str();
    return named;
  }
}

}  // namespace exhaustive
