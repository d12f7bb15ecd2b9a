// Exact sums of products: in binary64 where no bit can be lost there, else in integers by exponent, then one rounding.
//
// A finite value is an integer times 2^lsb_exponent of its format. A tile of results takes its rows and columns in
// blocks of some terms, as such integers in binary64. All of a line's are multiples of 2^low and below 2^high. If
//
//   high_a + high_b - low_a - low_b + log2(terms of a block) <= 53
//
// then every sum of products within the block is a binary64 number: multiplying and adding is exact in any order,
// raises no flag, and no mode of the processor matters. Else products go to 64-bit integers, each for a few exponents,
// which a block cannot overflow. Either way the block's sum then enters the long accumulator.
#include "panels.hpp"

namespace halfulp {
namespace {

constexpr int most_bins = 160;

// Everything of a product of matrices that does not change from tile to tile.
struct Shape {
  usize a_width;
  usize b_width;
  int spare;  // bits below the last place, so that every significand can be aligned at its leading bit
  int words;
  i64 unit;
  int log2_bin;
  bool in_binary64;

  explicit Shape(const Job& job) {
    const Format& a = job.a.format;
    const Format& b = job.b.format;
    a_width = job.product.rows < group ? 1 : group;
    b_width = job.product.columns < group ? 1 : group;
    spare = a.precision() + b.precision() - 2;
    words = accumulator_words(a, b, spare);
    unit = i64{a.lsb_exponent()} + b.lsb_exponent() - spare;
    // A block of products, shifted by less than a bin's width, must fit into 63 bits.
    const int room = 63 - log2_block - a.precision() - b.precision();
    log2_bin = room >= 32 ? 5 : room >= 16 ? 4 : 3;
    in_binary64 = fixed_bits(a) + fixed_bits(b) + log2_block <= binary64_emax;
  }
  usize a_lines(const Job& job) const { return lines(job.product.rows, a_width); }
  usize b_lines(const Job& job) const { return lines(job.product.columns, b_width); }
  static usize lines(usize n, usize width) { return n >= tile_lines ? tile_lines : (n + width - 1) / width * width; }
};

// -- multiplying

// sums[i][j] += a[k][i] * b[k][j], all of them exact.
template <usize M, usize N>
void multiply_groups(const double* a, const double* b, usize n, double* sums) {
  double s[M][N] = {};
  for (usize k = 0; k < n; ++k) {
    for (usize i = 0; i < M; ++i) {
      for (usize j = 0; j < N; ++j) s[i][j] += a[k * M + i] * b[k * N + j];
    }
  }
  std::memcpy(sums, s, sizeof s);
}

template <>
void multiply_groups<1, 1>(const double* a, const double* b, usize n, double* sums) {
  constexpr usize parts = 8;
  double s[parts] = {};
  usize k = 0;
  for (; k + parts <= n; k += parts) {
    for (usize i = 0; i < parts; ++i) s[i] += a[k + i] * b[k + i];
  }
  for (; k < n; ++k) s[0] += a[k] * b[k];
  *sums = ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
}

// Adds an integer in binary64 to an accumulator.
void accumulate_binary64(double x, const Shape& shape, u64* words) {
  const u64 bits = bits_of(x);
  if ((bits << 1) == 0) return;
  const u64 significand = (bits & ((u64{1} << 52) - 1)) | (u64{1} << 52);
  const int place = static_cast<int>((bits >> 52) & 0x7ff) - binary64_emax - 52;
  const i64 magnitude = static_cast<i64>(place < 0 ? significand >> -place : significand);
  accumulate(words, shape.words, (bits >> 63) != 0 ? -magnitude : magnitude, shape.spare + (place < 0 ? 0 : place));
}

// The integers that take products by their exponents: zero before and after.
struct Bins {
  i64 even[most_bins] = {};
  i64 odd[most_bins] = {};

  // `first`, `last`: between which places the leading bits of products lie.
  void multiply(const Panel& a, usize i, const Panel& b, usize j, usize n, const Shape& shape, i32 first, i32 last,
                u64* words) {
    const i32* as = a.significands + i * block_depth;
    const i32* ap = a.places + i * block_depth;
    const i32* bs = b.significands + j * block_depth;
    const i32* bp = b.places + j * block_depth;
    const int log2_bin = shape.log2_bin;
    const i32 mask = (1 << log2_bin) - 1;
    const auto add = [&](i64* bins, usize k) {
      const i32 place = ap[k] + bp[k];
      const u64 product = static_cast<u64>(i64{as[k]} * bs[k]) << (place & mask);
      bins[place >> log2_bin] += static_cast<i64>(product);
    };
    usize k = 0;
    for (; k + 2 <= n; k += 2) {
      add(even, k);
      add(odd, k + 1);
    }
    if (k < n) add(even, k);
    for (i32 bin = first >> log2_bin; bin <= last >> log2_bin; ++bin) {
      const i64 sum = even[bin] + odd[bin];
      even[bin] = odd[bin] = 0;
      if (sum != 0) accumulate(words, shape.words, sum, bin << log2_bin);
    }
  }
};

struct Extent {
  i32 low;
  i32 high;
};

Extent extent_of(const Panel& panel, usize line) {
  Extent e{nowhere, 0};
  for (usize i = line; i < line + panel.width; ++i) {
    e.low = panel.low[i] < e.low ? panel.low[i] : e.low;
    e.high = panel.high[i] > e.high ? panel.high[i] : e.high;
  }
  return e;
}

// -- results

// The exact sum of products of which some operand is Inf or NaN. Whatever the order: NaN if an operand is, if Inf meets
// 0, or if infinities of both signs meet; invalid if an operand signals, for Inf * 0, and for the last without NaN.
Outcome sum_of_specials(const Job& job, const Line& row, const Line& column) {
  bool nan = false;
  bool is_invalid = false;
  bool infinite[2] = {false, false};
  for (usize k = 0; k < job.product.depth; ++k) {
    const Real x = job.a.at(row, k);
    const Real y = job.b.at(column, k);
    if (x.is_nan() || y.is_nan()) {
      nan = true;
      is_invalid |= x.signaling || y.signaling;
    } else if (x.is_infinite() || y.is_infinite()) {
      const bool meets_zero = x.is_zero() || y.is_zero();
      is_invalid |= meets_zero;
      if (!meets_zero) infinite[x.negative != y.negative ? 1 : 0] = true;
    }
  }
  is_invalid |= infinite[0] && infinite[1] && !nan;
  if (!nan && !is_invalid) return settle(infinity(infinite[1]), job.to);
  return {encode_real(quiet_nan(false), job.to), static_cast<u8>(is_invalid ? flag::invalid : 0)};
}

// The zero that finite products add up to: their own if all are zeros of one sign, +0 of none.
Real sum_of_zeros(const Job& job, const Line& row, const Line& column) {
  bool met[2] = {false, false};
  for (usize k = 0; k < job.product.depth && !(met[0] && met[1]); ++k) {
    const Real x = job.a.at(row, k);
    const Real y = job.b.at(column, k);
    if (!x.is_zero() && !y.is_zero()) return zero(job.to.negative_zero_sum);
    met[x.negative != y.negative ? 1 : 0] = true;
  }
  return zero(met[1] && (!met[0] || job.to.negative_zero_sum));
}

Outcome finished(const Job& job, const Shape& shape, const Line& row, const Line& column, u64* words) {
  const Real sum = accumulated(words, shape.words, shape.unit);
  return settle(sum.is_zero() ? sum_of_zeros(job, row, column) : sum, job.to);
}

// -- tiles

class ExactTile {
 public:
  ExactTile(Job& job, const Shape& shape, const Tile& tile, char* workspace, Share& share)
      : job_(job), shape_(shape), tile_(tile), share_(share) {
    a_lines_ = Shape::lines(tile.rows, shape.a_width);
    b_lines_ = Shape::lines(tile.columns, shape.b_width);
    lay_out(a_, shape.a_width, a_lines_, workspace);
    lay_out(b_, shape.b_width, b_lines_, workspace);
    words_ = reinterpret_cast<u64*>(workspace);
    const usize count = tile.rows * tile.columns * static_cast<usize>(shape.words);
    for (usize i = 0; i < count; ++i) words_[i] = 0;
    const bool one_row = shape.a_width == 1;
    const bool one_column = shape.b_width == 1;
    multiply_ = one_row ? (one_column ? multiply_groups<1, 1> : multiply_groups<1, group>)
                        : (one_column ? multiply_groups<group, 1> : multiply_groups<group, group>);
  }

  void run() {
    const usize depth = job_.product.depth;
    for (usize start = 0; start < depth; start += block_depth) {
      const usize n = depth - start < block_depth ? depth - start : block_depth;
      if (share_.stops(tile_.rows * tile_.columns * n / 16 + 1)) return;  // so many products take as long as a step
      // Where every block is the same, as of the ones that a sum multiplies by, the first serves all.
      if (start == 0 || job_.product.a.column != 0) fill(job_, tile_, true, start, n, a_lines_, a_);
      if (start == 0 || job_.product.b.row != 0) fill(job_, tile_, false, start, n, b_lines_, b_);
      for (usize i = 0; i < tile_.rows; i += a_.width) {
        for (usize j = 0; j < tile_.columns; j += b_.width) multiply_block(i, j, n);
      }
    }
    for (usize i = 0; i < tile_.rows; ++i) {
      for (usize j = 0; j < tile_.columns; ++j) {
        if (depth > Share::piece && share_.stops(depth / 64)) return;  // zeros and specials are read once more
        const Line row = row_of(job_, tile_.batch, tile_.row + i);
        const Line column = column_of(job_, tile_.batch, tile_.column + j);
        const bool special = a_.special[i] || b_.special[j];
        deliver(job_, tile_.batch, tile_.row + i, tile_.column + j,
                special ? sum_of_specials(job_, row, column) : finished(job_, shape_, row, column, words_of(i, j)));
      }
    }
  }

 private:
  static void lay_out(Panel& panel, usize width, usize lines, char*& workspace) {
    panel.width = width;
    panel.values = reinterpret_cast<double*>(workspace);
    workspace += lines * block_depth * sizeof(double);
    panel.significands = reinterpret_cast<i32*>(workspace);
    workspace += lines * block_depth * sizeof(i32);
    panel.places = reinterpret_cast<i32*>(workspace);
    workspace += lines * block_depth * sizeof(i32);
    for (bool& special : panel.special) special = false;
  }

  u64* words_of(usize i, usize j) { return words_ + (i * tile_.columns + j) * static_cast<usize>(shape_.words); }

  // The products of one group of rows and one of columns.
  void multiply_block(usize i, usize j, usize n) {
    const usize rows = tile_.rows - i < a_.width ? tile_.rows - i : a_.width;
    const usize columns = tile_.columns - j < b_.width ? tile_.columns - j : b_.width;
    const Extent a = extent_of(a_, i);
    const Extent b = extent_of(b_, j);
    if (a.high == 0 || b.high == 0) return;
    if (a.high + b.high - a.low - b.low + log2_block <= binary64_precision) {
      double sums[group * group];
      multiply_(a_.line(i), b_.line(j), n, sums);
      for (usize r = 0; r < rows; ++r) {
        for (usize c = 0; c < columns; ++c) {
          accumulate_binary64(sums[r * b_.width + c], shape_, words_of(i + r, j + c));
        }
      }
      return;
    }
    split(a_, job_.a.format, a_lines_, n);
    split(b_, job_.b.format, b_lines_, n);
    for (usize r = i; r < i + rows; ++r) {
      for (usize c = j; c < j + columns; ++c) {
        if (a_.high[r] == 0 || b_.high[c] == 0) continue;
        bins_.multiply(a_, r, b_, c, n, shape_, a_.low[r] + b_.low[c], a_.high[r] + b_.high[c] - 2, words_of(r, c));
      }
    }
  }

  Job& job_;
  const Shape& shape_;
  const Tile& tile_;
  Share& share_;
  usize a_lines_;
  usize b_lines_;
  Panel a_;
  Panel b_;
  Bins bins_;
  u64* words_;
  void (*multiply_)(const double*, const double*, usize, double*);
};

// Formats whose products binary64 has no exponents for: each product on its own.
Outcome sum_one_by_one(Job& job, const Shape& shape, const Line& row, const Line& column, Share& share) {
  u64 words[max_accumulator_words] = {};
  const int a_dropped = wide_hidden + 1 - job.a.format.precision();
  const int b_dropped = wide_hidden + 1 - job.b.format.precision();
  const i64 units = i64{job.a.format.lsb_exponent()} + job.b.format.lsb_exponent();
  bool special = false;
  for (usize k = 0; k < job.product.depth && !share.stops_at(k); ++k) {
    job.saw(job.a, load_code(row.codes + static_cast<isize>(k) * row.step, job.a.bytes));
    job.saw(job.b, load_code(column.codes + static_cast<isize>(k) * column.step, job.b.bytes));
    const Real x = job.a.at(row, k);
    const Real y = job.b.at(column, k);
    special |= !x.is_finite() || !y.is_finite();
    if (x.is_zero() || y.is_zero() || special) continue;
    const i64 product = static_cast<i64>((x.significand >> a_dropped) * (y.significand >> b_dropped));
    accumulate(words, shape.words, x.negative != y.negative ? -product : product,
               static_cast<int>(x.exponent + y.exponent - units));
  }
  return special ? sum_of_specials(job, row, column) : finished(job, shape, row, column, words);
}

}  // namespace

usize exact_workspace(const Job& job) {
  const Shape shape(job);
  const usize lines = shape.a_lines(job) + shape.b_lines(job);
  const usize results = shape.a_lines(job) * shape.b_lines(job);
  return lines * block_depth * (sizeof(double) + 2 * sizeof(i32)) + results * static_cast<usize>(shape.words) * 8;
}

void exact_tile(Job& job, const Tile& tile, char* workspace, Share& share) {
  const Shape shape(job);
  if (shape.in_binary64) return ExactTile(job, shape, tile, workspace, share).run();
  for (usize i = tile.row; i < tile.row + tile.rows; ++i) {
    for (usize j = tile.column; j < tile.column + tile.columns; ++j) {
      if (share.stops(job.product.depth % Share::piece + 1)) return;
      const Line row = row_of(job, tile.batch, i);
      const Line column = column_of(job, tile.batch, j);
      deliver(job, tile.batch, i, j, sum_one_by_one(job, shape, row, column, share));
    }
  }
}

}  // namespace halfulp
