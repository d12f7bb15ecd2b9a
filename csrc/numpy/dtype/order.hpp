// The order of a format's values as that of unsigned integers: the key of a code.
#pragma once

#include "../../halfulp/decode.hpp"

namespace halfulp::numpy {

// Keys are as wide as codes: ascending with the values, equal for both zeros, and all ones for every NaN.
//
//   sign and magnitude      -max ... -0    +0 ... +max   NaN       `middle` is the key of both zeros
//                           0        m     m      2m     2m + 1
//   two's complement        the code with its sign bit flipped
struct Order {
  u64 code_mask;
  u64 sign;            // of a sign and a magnitude, else 0
  u64 magnitude_mask;  // the rest of the code
  u64 middle;
  u64 last_number;    // the largest magnitude that is no NaN
  u64 negative_zero;  // all ones: the sign alone is NaN
  bool by_magnitude;  // a code is a sign, if any, and a magnitude, of which those up to the last number are no NaN
  bool has_zero;
  bool has_nan;
};

inline Order make_order(const Format& f) {
  const Decoder<u64> d = make_decoder<u64>(f);
  Order o{};
  o.code_mask = ~u64{0} >> (64 - f.bits());
  o.sign = f.is_signed && !f.is_integer() ? f.sign_bit() : 0;
  o.magnitude_mask = o.code_mask & ~o.sign;
  o.middle = !f.is_signed ? 0 : f.is_integer() ? f.sign_bit() : o.magnitude_mask;
  o.last_number = d.first_nan - 1 < o.magnitude_mask ? d.first_nan - 1 : o.magnitude_mask;
  o.negative_zero = d.nan_at_negative_zero;
  o.by_magnitude = !(f.is_signed && f.is_integer()) && d.nan_at_negative_zero == 0 && f.bits() < 64;
  o.has_zero = f.has_zero;
  o.has_nan = f.has_nan();
  return o;
}

// Without branches, and in words as wide as the codes, so that a loop of it is one of vectors.
template <class Word>
Word key(const Order& o, Word bits) {
  const Word all = static_cast<Word>(o.code_mask);
  const Word sign = static_cast<Word>(o.sign);
  const Word code = static_cast<Word>(bits & all);
  const Word magnitude = static_cast<Word>(code & static_cast<Word>(o.magnitude_mask));
  const Word negative = static_cast<Word>(-static_cast<Word>((code & sign) != 0));
  const Word ordered = static_cast<Word>(static_cast<Word>(magnitude ^ negative) - negative + o.middle);
  const Word beyond = static_cast<Word>(-static_cast<Word>(magnitude > static_cast<Word>(o.last_number)));
  const Word alone = static_cast<Word>(-static_cast<Word>(code == sign) & o.negative_zero);
  return static_cast<Word>((ordered | beyond | alone) & all);
}

// The code of a key that is no NaN's; of zeros the positive one.
inline u64 code_of_key(const Order& o, u64 k) {
  if (k < o.middle && o.sign != 0) return o.sign | (o.middle - k);
  return (k - o.middle) & o.code_mask;
}

template <class Word>
bool is_zero(const Order& o, Word bits) {
  const Word magnitude = static_cast<Word>(bits & static_cast<Word>(o.magnitude_mask));
  const bool positive = (bits & static_cast<Word>(o.sign)) == 0;
  return magnitude == 0 && o.has_zero && (positive || o.negative_zero == 0);
}

}  // namespace halfulp::numpy
