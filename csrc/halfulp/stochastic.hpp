// Stochastic rounding: random integers as an operand of `encode`, exact in every place they reach.
//
// With v the discarded fraction of the last place kept, and R one of the integers 0 .. 2^N - 1, P3109 rounds away from
// zero iff
//   A: floor(v * 2^N) + R >= 2^N    B: floor(v * 2^(N+1)) + 2R+1 >= 2^(N+1)    C: RNE(v * 2^N) + R >= 2^N
// R and 2R + 1 are integers, so A is v * 2^N + R >= 2^N, and B is v * 2^N + R + 1/2 >= 2^N: an addition whose carry
// decides, like every other mode. C is B where R is even. Where R is odd so is 2^N - R, the tie below it goes to the
// even number under it, and >= becomes >.
//
//   1 . T T T T T T T | d d d d d d d d d d
//                     | R R R R R                  N = 5; v may end before R does, or after
#pragma once

#include "source.hpp"

namespace halfulp {
inline namespace HALFULP_TARGET {

// One random integer a lane, for significands that are exact down to the place below R's last one, where the sticky
// bit may be.
template <class V>
struct Random {
  V integer;
};

// The same for significands that lost bits which R reaches: `tail` has them and bit 0, from the top of a word down.
template <class V>
struct LongRandom {
  V integer;
  V tail;
};

template <class V, class Word>
HALFULP_HD constexpr V increment(const Unpacked<V>&, const Codec<Word>& c, V, V shift, const Random<V>& r) {
  const V place = V::set(c.random_place);
  const V units = shl(r.integer, V::set(c.random_half)) | V::set(c.random_half);
  // Two shifts of which one gives nothing: its amount is negative, and that is a very large one.
  const V up = shl(units, shift - place);
  const V down = shr(shr<1>(units), place - shift - V::set(1));
  // Further down, 2R + 1 loses its last bit: the sum is then never a tie.
  const V beyond_tie = greater(up, V::set(0)) & r.integer & V::set(c.random_even);
  return (up - beyond_tie) | down;
}

template <class V, class Word>
HALFULP_HD constexpr V increment(const Unpacked<V>& x, const Codec<Word>& c, V kept, V shift, const LongRandom<V>& r) {
  const V place = V::set(c.random_place);
  const V units = shl(r.integer, V::set(c.random_half)) | V::set(c.random_half);
  const V deep = place - shift;
  // The sum in two words: bits 1 and up of the significand, and the tail.
  const V in_tail = shl(units, V::set(V::width - 1) - deep) - (r.integer & V::set(c.random_even));
  const V top = shl<V::width - 1>(V::set(1));
  const V carry = greater(r.tail ^ top, (r.tail + in_tail) ^ top) & V::set(1);
  const V in_head = shr(shr<1>(units), deep) + carry;
  return select(greater(shift, place), increment(x, c, kept, shift, Random<V>{r.integer}), shl<1>(in_head));
}

// A number that the shift limit would keep from its last place, with what is too far below it in the sticky bit. R ends
// well above that: v * 2^(N+1) is at least two places from the end.
template <class V, class Word>
HALFULP_HD constexpr Unpacked<V> raised(Unpacked<V> x, const Codec<Word>& c) {
  const V lowest = V::set(c.emin + c.shift - static_cast<Word>(shift_limit<V::width>));
  const V lost = max(lowest - x.exponent, V::set(0));
  const V significand = shr(x.significand, lost);
  const V exact = equal(shl(significand, lost), x.significand);
  x.significand = significand | and_not(exact, V::set(1));
  x.exponent = x.exponent + lost;
  return x;
}

// Whether 32-bit lanes can do it from binary32: the integer fits, and ends above the sticky bit of `raised`.
HALFULP_HD constexpr bool is_random_narrow(const Codec<u32>& c) {
  return c.random_place < static_cast<u32>(shift_limit<32>);
}
// Also from binary32 that was rounded to odd: its last bit must lie below R's, in normals and in subnormals. What was
// beyond binary32 is its largest number then, which must exceed the format's last place for good.
HALFULP_HD constexpr bool is_random_narrow_from_odd(const Format& f, const Codec<u32>& c) {
  const int place = static_cast<int>(c.random_place);
  return place < hidden_bit<32> - f.mantissa_bits && f.lsb_exponent() - place > -149 && f.largest_exponent() < 127;
}
// Whether R reaches what the longest sources lose in a significand of 62 bits.
HALFULP_HD constexpr bool is_random_long(const Codec<u64>& c) { return c.random_place >= c.shift; }

// Bits 0 and below of the significand that `unpack_finite` makes of this magnitude.
HALFULP_HD constexpr u64 tail_of(u64 magnitude) {
  const int top = static_cast<int>(highest_bit(Wide{magnitude}).word);
  return top < wide_hidden ? 0 : magnitude << (63 - (top - wide_hidden));
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
