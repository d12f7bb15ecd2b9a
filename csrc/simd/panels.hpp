// Blocks of rows or columns of codes as integers, the way exact sums multiply them.
#pragma once

#include "sums.hpp"

namespace halfulp {

inline constexpr usize block_depth = 128;
inline constexpr int log2_block = 7;
inline constexpr int binary64_precision = 53;
inline constexpr int binary64_emax = 1023;
inline constexpr usize group = 4;
inline constexpr i32 nowhere = 1 << 20;  // the lowest bit of a line of zeros

inline double binary64(u64 bits) {
  double x = 0;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

inline u64 bits_of(double x) {
  u64 bits = 0;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

// A block of lines of one side. `width` lines are interleaved: values[line / width][k][line % width].
struct Panel {
  double* values;
  i32* significands;  // [line][k], of so many bits as the format has, made when first needed
  i32* places;        // exponent of the significand's leading bit
  usize width;
  bool is_split;
  i32 low[tile_lines];
  i32 high[tile_lines];
  bool special[tile_lines];  // has met Inf or NaN in some block

  double* line(usize i) { return values + i / width * width * block_depth + i % width; }
};

// Fills a panel with terms [start, start + n) of a tile's rows or columns, and with zeros up to `lines`.
void fill(Job& job, const Tile& tile, bool rows, usize start, usize n, usize lines, Panel& panel);

// Makes its significands and places, if it has none yet.
void split(Panel& panel, const Format& format, usize lines, usize n);

}  // namespace halfulp
