// Philox4x32-10: random words as a function of a counter and a key (Salmon et al., SC'11; Random123).
#pragma once

#include "config.hpp"

namespace halfulp {
inline namespace HALFULP_TARGET {

// `lanes` counters side by side: word w of counter k is words[w][k].
template <int lanes>
struct Counters {
  u32 words[4][lanes];
};

struct Key {
  u32 words[2];
};

template <int lanes>
HALFULP_HD constexpr void philox_round(Counters<lanes>& c, Key key) {
  for (int k = 0; k < lanes; ++k) {
    const u64 first = u64{0xD2511F53} * c.words[0][k];
    const u64 third = u64{0xCD9E8D57} * c.words[2][k];
    c.words[0][k] = static_cast<u32>(third >> 32) ^ c.words[1][k] ^ key.words[0];
    c.words[1][k] = static_cast<u32>(third);
    c.words[2][k] = static_cast<u32>(first >> 32) ^ c.words[3][k] ^ key.words[1];
    c.words[3][k] = static_cast<u32>(first);
  }
}

template <int lanes>
HALFULP_HD constexpr Counters<lanes> philox(Counters<lanes> c, Key key) {
  for (int round = 0; round < 10; ++round) {
    philox_round(c, key);
    key.words[0] += 0x9E3779B9;  // the golden ratio
    key.words[1] += 0xBB67AE85;  // sqrt(3) - 1
  }
  return c;
}

// How a stream of words is numbered: word i is word i % 4 of counter (i / 4, stream), under the key `seed`.
template <int lanes>
HALFULP_HD constexpr Counters<lanes> stream_counters(u64 first, u64 stream) {
  Counters<lanes> c{};
  for (int k = 0; k < lanes; ++k) {
    c.words[0][k] = static_cast<u32>(first + static_cast<u64>(k));
    c.words[1][k] = static_cast<u32>((first + static_cast<u64>(k)) >> 32);
    c.words[2][k] = static_cast<u32>(stream);
    c.words[3][k] = static_cast<u32>(stream >> 32);
  }
  return c;
}
HALFULP_HD constexpr Key seed_key(u64 seed) { return {{static_cast<u32>(seed), static_cast<u32>(seed >> 32)}}; }

// The known answers of Random123, kat_vectors.
HALFULP_HD constexpr bool philox_gives(Counters<1> counter, Key key, Counters<1> answer) {
  const Counters<1> words = philox(counter, key);
  for (int w = 0; w < 4; ++w) {
    if (words.words[w][0] != answer.words[w][0]) return false;
  }
  return true;
}
static_assert(philox_gives({{{0}, {0}, {0}, {0}}}, {{0, 0}},
                           {{{0x6627e8d5}, {0xe169c58d}, {0xbc57ac4c}, {0x9b00dbd8}}}),
              "zeros");
static_assert(philox_gives({{{0xffffffff}, {0xffffffff}, {0xffffffff}, {0xffffffff}}}, {{0xffffffff, 0xffffffff}},
                           {{{0x408f276d}, {0x41c83b0e}, {0xa20bc7c6}, {0x6d5451fd}}}),
              "ones");
static_assert(philox_gives({{{0x243f6a88}, {0x85a308d3}, {0x13198a2e}, {0x03707344}}}, {{0xa4093822, 0x299f31d0}},
                           {{{0xd16cfe09}, {0x94fdcceb}, {0x5001e420}, {0x24126ea1}}}),
              "pi");

}  // inline namespace HALFULP_TARGET
}  // namespace halfulp
