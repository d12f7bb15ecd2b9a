// Whether every value of one type is a value of another: what np.can_cast and promotion ask.
#include "../../halfulp/formats.hpp"
#include "dtype.hpp"

namespace halfulp::numpy {
namespace {

// The values of a type: multiples of 2^(max(exponent, emin) - mantissa_bits) in each binade, up to the largest.
struct Extent {
  int emin;
  int mantissa_bits;
  int lowest;       // exponent of the smallest positive number
  int emax;         // of the largest, and its significand, leading bit at 63
  u64 significand;  //
  bool more_below;  // two's complement: -2^(emax + 1) as well
  bool is_signed;
  bool has_zero;
  bool has_negative_zero;
  bool has_inf;
  bool has_nan;
};

constexpr u64 all_ones(int bits) { return ~u64{0} << (64 - bits); }

Extent extent(const Format& f) {
  const u64 largest = f.max_magnitude();
  const bool normal = f.exponent_bits > 0 && (!f.has_zero || largest >> f.mantissa_bits != 0);
  u64 significand = normal ? (largest & f.mantissa_mask()) | (u64{1} << f.mantissa_bits) : largest;
  while (significand >> 63 == 0) significand <<= 1;
  return {f.emin(),    f.mantissa_bits, f.has_zero ? f.lsb_exponent() : f.emin(),
          f.emax(),    significand,     f.is_integer() && f.is_signed,
          f.is_signed, f.has_zero,      f.has_negative_zero(),
          f.has_inf(), f.has_nan()};
}

Extent integers(int bits, bool is_signed) {
  const int magnitude = is_signed ? bits - 1 : bits;
  return {magnitude, magnitude, 0, magnitude - 1, all_ones(magnitude), is_signed, is_signed, true, false, false, false};
}

// The builtin real types. False for all others.
bool extent_of(int type_num, Extent* to) {
  if (type_num == NPY_BOOL) return *to = integers(1, false), true;
  if (type_num == NPY_HALF) return *to = extent(format("float16")), true;
  if (type_num == NPY_FLOAT) return *to = extent(format("float32")), true;
  if (type_num == NPY_DOUBLE) return *to = extent(format("float64")), true;
  if (type_num == NPY_LONGDOUBLE) {
    if (longdouble_source == Source::binary64) return *to = extent(format("float64")), true;
    const int trailing = longdouble_source == Source::x87 ? 63 : 112;
    *to = {-16382, trailing, -16382 - trailing, 16383, ~u64{0}, false, true, true, true, true, true};
    return true;
  }
  const ElementType* type = element_type(type_num);
  if (type == nullptr) return false;
  *to = integers(static_cast<int>(8 * source_bytes(type->source)), PyTypeNum_ISSIGNED(type_num));
  return true;
}

bool reaches(const Extent& wide, const Extent& narrow) {
  if (narrow.emax != wide.emax) return narrow.emax < wide.emax;
  return narrow.significand <= wide.significand;
}

// Whether the numbers of a binade are multiples of the other type's last place there.
bool binade_fits(const Extent& wide, const Extent& narrow, int exponent) {
  const auto last_place = [exponent](const Extent& x) {
    return (exponent > x.emin ? exponent : x.emin) - x.mantissa_bits;
  };
  const bool power_only = exponent == narrow.emax && narrow.significand == u64{1} << 63;
  return last_place(wide) <= (power_only ? exponent : last_place(narrow));
}

bool holds(const Extent& wide, const Extent& narrow) {
  const bool lacks = (narrow.is_signed && !wide.is_signed) || (narrow.has_zero && !wide.has_zero) ||
                     (narrow.has_negative_zero && !wide.has_negative_zero) || (narrow.has_inf && !wide.has_inf) ||
                     (narrow.has_nan && !wide.has_nan);
  if (lacks || narrow.lowest < wide.lowest || !reaches(wide, narrow)) return false;
  // -2^(emax + 1): there, or within the reach of a type that goes on.
  if (narrow.more_below && !(wide.emax > narrow.emax || (wide.more_below && wide.emax == narrow.emax))) return false;
  // The last places are piecewise linear in the exponent: their corners decide.
  for (const int corner : {narrow.lowest, narrow.emin, wide.emin, narrow.emax - 1, narrow.emax}) {
    if (corner >= narrow.lowest && corner <= narrow.emax && !binade_fits(wide, narrow, corner)) return false;
  }
  return true;
}

}  // namespace

bool holds(const Format& wide, const Format& narrow) { return holds(extent(wide), extent(narrow)); }

bool holds(const Format& wide, int type_num) {
  Extent narrow;
  return extent_of(type_num, &narrow) && holds(extent(wide), narrow);
}

bool is_held(const Format& narrow, int type_num) {
  Extent wide;
  return extent_of(type_num, &wide) && holds(wide, extent(narrow));
}

}  // namespace halfulp::numpy
