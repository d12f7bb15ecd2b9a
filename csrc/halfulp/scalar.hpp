// One-lane vectors: the operations every lane type offers, defined for every operand.
#pragma once

#include "config.hpp"

namespace halfulp {
inline namespace HALFULP_TARGET {

// A mask is a word of all ones or all zeros. Comparisons are signed. A shift by the width or more gives 0.
template <class Word>
struct Lane {
  Word word;

  static constexpr int width = 8 * sizeof(Word);
  static constexpr int lanes = 1;
  using Value = Word;

  HALFULP_HD static constexpr Lane set(Word w) { return {w}; }

  HALFULP_HD friend constexpr Lane operator+(Lane a, Lane b) { return {static_cast<Word>(a.word + b.word)}; }
  HALFULP_HD friend constexpr Lane operator-(Lane a, Lane b) { return {static_cast<Word>(a.word - b.word)}; }
  HALFULP_HD friend constexpr Lane operator&(Lane a, Lane b) { return {a.word & b.word}; }
  HALFULP_HD friend constexpr Lane operator|(Lane a, Lane b) { return {a.word | b.word}; }
  HALFULP_HD friend constexpr Lane operator^(Lane a, Lane b) { return {a.word ^ b.word}; }
};

template <class Word>
HALFULP_HD constexpr Lane<Word> shl(Lane<Word> a, Lane<Word> n) {
  return {n.word < Lane<Word>::width ? static_cast<Word>(a.word << n.word) : Word{0}};
}
template <class Word>
HALFULP_HD constexpr Lane<Word> shr(Lane<Word> a, Lane<Word> n) {
  return {n.word < Lane<Word>::width ? static_cast<Word>(a.word >> n.word) : Word{0}};
}
// The same by an amount that is equal in every lane, which vectors without variable shifts can do too.
template <class Word>
HALFULP_HD constexpr Lane<Word> shr_uniform(Lane<Word> a, Lane<Word> n) {
  return shr(a, n);
}
// Shifts by a constant.
template <int N, class Word>
HALFULP_HD constexpr Lane<Word> shl(Lane<Word> a) {
  return {static_cast<Word>(a.word << N)};
}
template <int N, class Word>
HALFULP_HD constexpr Lane<Word> shr(Lane<Word> a) {
  return {static_cast<Word>(a.word >> N)};
}

// a > b as two's complement numbers.
template <class Word>
HALFULP_HD constexpr Lane<Word> greater(Lane<Word> a, Lane<Word> b) {
  constexpr Word top = Word{1} << (Lane<Word>::width - 1);
  return {(a.word ^ top) > (b.word ^ top) ? static_cast<Word>(~Word{0}) : Word{0}};
}
template <class Word>
HALFULP_HD constexpr Lane<Word> equal(Lane<Word> a, Lane<Word> b) {
  return {a.word == b.word ? static_cast<Word>(~Word{0}) : Word{0}};
}
template <class Word>
HALFULP_HD constexpr Lane<Word> select(Lane<Word> mask, Lane<Word> yes, Lane<Word> no) {
  return {(mask.word & yes.word) | (~mask.word & no.word)};
}
// Lanes of b where the mask is off.
template <class Word>
HALFULP_HD constexpr Lane<Word> and_not(Lane<Word> mask, Lane<Word> b) {
  return {~mask.word & b.word};
}
template <class Word>
HALFULP_HD constexpr Lane<Word> max(Lane<Word> a, Lane<Word> b) {
  return select(greater(a, b), a, b);
}
template <class Word>
HALFULP_HD constexpr Lane<Word> min(Lane<Word> a, Lane<Word> b) {
  return select(greater(a, b), b, a);
}

// Position of the highest set bit; -1 (all ones) for 0.
template <class Word>
HALFULP_HD constexpr Lane<Word> highest_bit(Lane<Word> a) {
#if defined(__GNUC__) && !defined(__CUDA_ARCH__)
  return {a.word == 0 ? static_cast<Word>(~Word{0}) : static_cast<Word>(63 - __builtin_clzll(a.word))};
#else
  Word position = static_cast<Word>(~Word{0});
  for (int step = Lane<Word>::width / 2; step > 0; step /= 2) {
    if ((a.word >> step) != 0) {
      a.word >>= step;
      position += step;
    }
  }
  return {static_cast<Word>(position + a.word)};
#endif
}

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
