// Codes to integers: decoded to binary32 by the machine's kernels, then shifted; one by one where that does not serve.
#include "panels.hpp"

namespace halfulp {
namespace {

// An integer value as binary64 bits.
u64 integer_bits(const Real& x, const Format& f) {
  if (x.significand == 0) return 0;
  const u64 trailing = (x.significand & ((u64{1} << wide_hidden) - 1)) >> (wide_hidden - 52);
  const u64 field = static_cast<u64>(x.exponent - f.lsb_exponent() + binary64_emax);
  return (x.negative ? u64{1} << 63 : 0) | (field << 52) | trailing;
}

// One line, element by element: every format, subnormals and specials.
void read_line(const Side& side, const Line& from, usize n, Panel& panel, usize i) {
  double* to = panel.line(i);
  const i32 below = side.format.precision() - 1;
  for (usize k = 0; k < n; ++k) {
    const Real x = side.at(from, k);
    if (!x.is_finite()) panel.special[i] = true;
    const bool counts = x.is_finite() && x.significand != 0;
    to[k * panel.width] = binary64(counts ? integer_bits(x, side.format) : 0);
    if (!counts) continue;
    const i32 place = static_cast<i32>(x.exponent - side.format.lsb_exponent());
    const i32 low = place > below ? place - below : 0;
    if (low < panel.low[i]) panel.low[i] = low;
    if (place >= panel.high[i]) panel.high[i] = place + 1;
  }
}

// What the bits of a block's codes decode to, and how far the magnitudes reach.
struct Magnitudes {
  i32 least;  // of those that are not zero; the largest number if all are
  i32 most;
};

template <usize width>
Magnitudes to_integers(const u32* bits, usize n, int lsb_exponent, u32 flush_below, double* to) {
  const u64 bias = static_cast<u64>(static_cast<i64>(binary64_emax - 127 - lsb_exponent)) << 52;
  Magnitudes m{0x7fffffff, 0};
  for (usize k = 0; k < n; ++k) {
    const u32 all = bits[k] & 0x7fffffff;
    const u32 magnitude = all < flush_below ? 0 : all;
    const i32 reach = static_cast<i32>(magnitude);
    const i32 nonzero = reach == 0 ? 0x7fffffff : reach;
    m.most = reach > m.most ? reach : m.most;
    m.least = nonzero < m.least ? nonzero : m.least;
    const u64 sign = static_cast<u64>(bits[k] & 0x80000000) << 32;
    const u64 integer = magnitude == 0 ? 0 : ((u64{magnitude} << 29) + bias) | sign;
    to[k * width] = binary64(integer);
  }
  return m;
}

// The codes of a line in one piece, and noted if they have bits above the width.
const char* gathered(Job& job, const Side& side, const Line& line, usize n, char* buffer) {
  const usize size = static_cast<usize>(side.bytes);
  const char* codes = line.codes;
  if (line.step != side.bytes || reinterpret_cast<usize>(codes) % size != 0) {
    for (usize k = 0; k < n; ++k) {
      store_code(load_code(codes + static_cast<isize>(k) * line.step, side.bytes), buffer + k * size, side.bytes);
    }
    codes = buffer;
  }
  if (side.format.bits() != 8 * side.bytes) {
    // The words hold several codes: what is no code's bit in any place is looked for.
    const u64 seen = kernels().gather_bits(codes, n * size);
    const u64 every = side.bytes == 8 ? 1 : ~u64{0} / ((u64{1} << 8 * size) - 1);
    if ((seen & ~(side.operand.code_mask * every)) != 0) job.stray.store(true, std::memory_order_relaxed);
  }
  return codes;
}

void fill_line(Job& job, const Side& side, const Line& line, usize n, Panel& panel, usize i) {
  alignas(64) char buffer[8 * block_depth];
  const char* codes = gathered(job, side, line, n, buffer);
  panel.low[i] = nowhere;
  panel.high[i] = 0;
  const Line contiguous = {codes, side.bytes};
  if (!side.decoder.binary32) return read_line(side, contiguous, n, panel, i);
  alignas(64) u32 bits[block_depth];
  kernels().decode(side.decoder, codes, bits, n);
  const int unit = side.format.lsb_exponent();
  // Where subnormals of binary32 are to be flushed, they take the other way too.
  const u32 flush_below =
      side.flushes && side.format.emin() >= -126 ? static_cast<u32>(side.format.emin() + 127) << 23 : 0;
  const Magnitudes m = panel.width == 1 ? to_integers<1>(bits, n, unit, flush_below, panel.line(i))
                                        : to_integers<group>(bits, n, unit, flush_below, panel.line(i));
  if (m.most == 0) return;
  if (m.most >= 0x7f800000 || m.least < 0x00800000) return read_line(side, contiguous, n, panel, i);
  const i32 low = (m.least >> 23) - 127 - unit - (side.format.precision() - 1);
  panel.low[i] = low > 0 ? low : 0;
  panel.high[i] = (m.most >> 23) - 127 - unit + 1;
}

void clear_line(Panel& panel, usize i, usize n) {
  double* to = panel.line(i);
  for (usize k = 0; k < n; ++k) to[k * panel.width] = 0;
  panel.low[i] = nowhere;
  panel.high[i] = 0;
}

}  // namespace

void fill(Job& job, const Tile& tile, bool rows, usize start, usize n, usize lines, Panel& panel) {
  const Side& side = rows ? job.a : job.b;
  const usize first = rows ? tile.row : tile.column;
  const usize present = rows ? tile.rows : tile.columns;
  panel.is_split = false;
  for (usize i = 0; i < lines; ++i) {
    if (i >= present) {
      clear_line(panel, i, n);
      continue;
    }
    Line line = rows ? row_of(job, tile.batch, first + i) : column_of(job, tile.batch, first + i);
    line.codes += static_cast<isize>(start) * line.step;
    fill_line(job, side, line, n, panel, i);
  }
}

void split(Panel& panel, const Format& format, usize lines, usize n) {
  if (panel.is_split) return;
  panel.is_split = true;
  const int dropped = 53 - format.precision();
  for (usize i = 0; i < lines; ++i) {
    const double* from = panel.line(i);
    for (usize k = 0; k < n; ++k) {
      const u64 bits = bits_of(from[k * panel.width]);
      const u64 significand = ((bits & ((u64{1} << 52) - 1)) | (u64{1} << 52)) >> dropped;
      const i32 magnitude = bits == 0 ? 0 : static_cast<i32>(significand);
      panel.significands[i * block_depth + k] = (bits >> 63) != 0 ? -magnitude : magnitude;
      panel.places[i * block_depth + k] = bits == 0 ? 0 : static_cast<i32>((bits >> 52) & 0x7ff) - binary64_emax;
    }
  }
}

}  // namespace halfulp
