// A codec: a format together with a conversion policy, boiled down to the shifts, masks and codes a kernel needs.
#pragma once

#include "format.hpp"

namespace halfulp {

enum class Rounding : u8 {
  nearest_even,
  nearest_away,
  toward_zero,
  toward_positive,
  toward_negative,
  to_odd,
  stochastic_a,  // P3109's StochasticA, B and C: a random integer decides
  stochastic_b,
  stochastic_c,
};

HALFULP_HD constexpr bool is_stochastic(Rounding r) {
  return r == Rounding::stochastic_a || r == Rounding::stochastic_b || r == Rounding::stochastic_c;
}

// What the increment that rounds depends on, beside the discarded bits.
enum class Increment : u8 {
  nearest_even,  // at a tie, the last place
  by_sign,       // at most the sign: nearest away, toward something
  to_odd,        // the last place
};

enum class Overflow : u8 {
  standard,           // "default": Inf, else NaN, else the largest finite
  saturate,           // the largest finite, for Inf too (P3109 SatFinite, CUDA .satfinite)
  saturate_keep_inf,  // the largest finite, Inf stays Inf (P3109 SatPropagate)
};

enum class Subnormals : u8 {
  gradual,
  flush_output,  // a result with a subnormal code becomes zero
  flush_tiny,    // a result that is below the smallest normal before rounding becomes zero
  flush_input,   // a source that is subnormal in its own type becomes zero
};

// What becomes of NaN: two codes, or the source's own payload between them and the quiet bit.
struct NanRule {
  u64 positive;
  u64 negative;
  bool keep_payload;
};

struct Policy {
  Rounding rounding;
  Overflow overflow;
  Subnormals subnormals;
  NanRule nan;
  int random_bits = 0;  // 1 to 32 in the stochastic modes
};

// NaN keeps its sign where the format has a sign for it; without NaN, the largest value, or 0 for integers.
HALFULP_HD constexpr NanRule default_nan(const Format& f) {
  if (!f.has_nan()) {
    const u64 code = f.is_integer() ? 0 : f.max_magnitude();
    return {code, code, false};
  }
  const u64 code = f.nan_code();
  return {code, f.nan_has_sign() ? code | f.sign_bit() : code, false};
}

// A value that may differ by the sign of the number being encoded.
template <class Word>
struct BySign {
  Word positive;
  Word negative;
};

// Everything encode and decode read, for words of 32 bits (binary32 sources) or 64 (all others).
//
// A significand enters with its hidden bit at `hidden_bit`; `shift` moves the last place of a normal number to bit 0:
//
//   hidden_bit          shift                    0
//   1 . T T T T T T T | d d d d d d d d d d d d d      T kept, d discarded
template <int width>
inline constexpr int hidden_bit = width == 32 ? 23 : 61;
// Shifting further changes nothing: everything is sticky below half of the last place. (Stochastic modes see further
// than that, so `raised` brings what is smaller within reach.)
template <int width>
inline constexpr int shift_limit = width - 1;

template <class Word>
struct Codec {
  Word emin;  // two's complement
  Word emax;  // two's complement; whatever has a larger exponent overflows
  Word mantissa_bits;
  Word shift;
  Word floor;          // code of the first binade: 2^mantissa_bits without a zero, else 0
  Word sign_position;  // shift from bit 0 to the sign bit
  Word sign_bit;       // 0 when unsigned or two's complement
  Word min_normal;     // magnitude code of the smallest normal

  // Rounding: the bits added below the last place are
  //   ((mask >> 1) + (lsb & even) + away) & nearest  |  mask & directed & (even_only ? lsb - 1 : ~0)
  Word nearest;
  Word tie_even;
  Word tie_away;
  BySign<Word> directed;
  Word odd;

  Word flush_output;  // all ones: subnormal codes become 0
  Word flush_tiny;    // all ones: values below 2^emin become 0

  BySign<Word> limit;     // largest magnitude code, two's complement (-1: not even zero)
  BySign<Word> overflow;  // complete codes, sign included
  BySign<Word> inf;
  BySign<Word> nan;
  Word payload_mask;  // bits of the NaN field that the source's payload fills

  Word twos_complement;  // all ones: negatives are negated rather than given a sign bit
  Word unsigned_zero;    // all ones: there is no -0, zero drops its sign
  Word code_mask;

  // In the stochastic modes a random integer R counts units of 2^-random_place of the last place: with N bits,
  //   A: R, N places      B and C: 2R + 1, N + 1 places; C takes off a trifle where R is odd
  Word random_place;
  Word random_half;  // B and C: 1
  Word random_even;  // C: 1
};

template <class Word>
HALFULP_HD constexpr BySign<Word> overflow_codes(const Format& f, Rounding r, Overflow o, bool of_inf) {
  const u64 limit = f.max_magnitude();
  const bool max_is_odd = (limit & 1) != 0;
  const u64 max_code = limit;
  const u64 min_code = f.is_integer() && f.is_signed ? f.sign_bit() : f.sign_bit() | limit;

  const bool saturates = o != Overflow::standard;
  u64 positive = max_code;
  u64 negative = f.is_signed ? min_code : 0;
  const bool keeps_inf = f.has_inf() && (o == Overflow::standard || (of_inf && o == Overflow::saturate_keep_inf));
  if (keeps_inf) {
    positive = f.inf_magnitude();
    negative = f.sign_bit() | f.inf_magnitude();
  } else if (!saturates && f.has_nan()) {
    positive = f.nan_code();
    negative = f.nan_has_sign() ? f.sign_bit() | f.nan_code() : f.nan_code();
  }
  if (!f.is_signed) {
    // A negative has no place in an unsigned format: NaN, or 0 where there is none or the policy saturates.
    negative = f.has_nan() && !saturates ? f.nan_code() : 0;
  }
  if (!of_inf) {
    const bool odd_stays = r == Rounding::to_odd && max_is_odd;
    if (r == Rounding::toward_zero || r == Rounding::toward_negative || odd_stays) positive = max_code;
    if (f.is_signed && (r == Rounding::toward_zero || r == Rounding::toward_positive || odd_stays)) {
      negative = min_code;
    }
  }
  return {static_cast<Word>(positive), static_cast<Word>(negative)};
}

template <class Word>
HALFULP_HD constexpr Codec<Word> make_codec(const Format& f, const Policy& p) {
  constexpr Word none = 0;
  constexpr Word all = ~none;
  Codec<Word> c{};
  c.emin = static_cast<Word>(f.emin());
  c.emax = static_cast<Word>(f.emax() > f.emin() ? f.emax() : f.emin());
  c.mantissa_bits = static_cast<Word>(f.mantissa_bits);
  c.shift = static_cast<Word>(hidden_bit<8 * sizeof(Word)> - f.mantissa_bits);
  c.floor = f.has_zero ? none : static_cast<Word>(Word{1} << f.mantissa_bits);
  c.sign_position = static_cast<Word>(f.magnitude_bits());
  c.sign_bit = f.is_integer() ? none : static_cast<Word>(f.sign_bit());
  const bool has_tiny = f.exponent_bits > 0 && f.has_zero;
  c.min_normal = has_tiny ? static_cast<Word>(Word{1} << f.mantissa_bits) : none;

  const Rounding r = p.rounding;
  c.nearest = r == Rounding::nearest_even || r == Rounding::nearest_away ? all : none;
  c.tie_even = r == Rounding::nearest_even ? Word{1} : none;
  c.tie_away = r == Rounding::nearest_away ? Word{1} : none;
  c.directed.positive = r == Rounding::toward_positive || r == Rounding::to_odd ? all : none;
  c.directed.negative = r == Rounding::toward_negative || r == Rounding::to_odd ? all : none;
  c.odd = r == Rounding::to_odd ? all : none;

  c.random_half = r == Rounding::stochastic_b || r == Rounding::stochastic_c ? Word{1} : none;
  c.random_even = r == Rounding::stochastic_c ? Word{1} : none;
  c.random_place = static_cast<Word>(p.random_bits) + c.random_half;

  c.flush_output = p.subnormals == Subnormals::flush_output && has_tiny ? all : none;
  c.flush_tiny = p.subnormals == Subnormals::flush_tiny && has_tiny ? all : none;

  c.limit.positive = static_cast<Word>(f.max_magnitude());
  c.limit.negative = f.has_zero ? static_cast<Word>(f.max_negative_magnitude()) : all;
  c.overflow = overflow_codes<Word>(f, r, p.overflow, false);
  c.inf = overflow_codes<Word>(f, r, p.overflow, true);
  c.nan = {static_cast<Word>(p.nan.positive), static_cast<Word>(p.nan.negative)};
  c.payload_mask = p.nan.keep_payload ? static_cast<Word>(f.mantissa_mask() >> 1) : none;

  c.twos_complement = f.is_integer() && f.is_signed ? all : none;
  c.unsigned_zero = f.has_negative_zero() ? none : all;
  c.code_mask = static_cast<Word>(f.magnitude_mask() | f.sign_bit());
  return c;
}

}  // namespace halfulp
