// What every way of accumulating shares: a product of matrices made ready, and the operands of one of its elements.
#pragma once

#include <atomic>
#include <cstring>

#include "../halfulp/accumulator.hpp"
#include "accumulate.hpp"
#include "kernels.hpp"

namespace halfulp {

// Codes of any size, at any address.
inline u64 load_code(const char* from, int size) {
  u8 byte = 0;
  u16 half = 0;
  u32 word = 0;
  u64 whole = 0;
  switch (size) {
    case 1: std::memcpy(&byte, from, 1); return byte;
    case 2: std::memcpy(&half, from, 2); return half;
    case 4: std::memcpy(&word, from, 4); return word;
    default: std::memcpy(&whole, from, 8); return whole;
  }
}

inline void store_code(u64 code, char* to, int size) {
  const u8 byte = static_cast<u8>(code);
  const u16 half = static_cast<u16>(code);
  const u32 word = static_cast<u32>(code);
  switch (size) {
    case 1: std::memcpy(to, &byte, 1); return;
    case 2: std::memcpy(to, &half, 2); return;
    case 4: std::memcpy(to, &word, 4); return;
    default: std::memcpy(to, &code, 8); return;
  }
}

// The codes of one row or column.
struct Line {
  const char* codes;
  isize step;
};

// One side of the products. `stray` gathers the bits above the width that were met.
struct Side {
  Format format;
  TermReader reader;
  int code_size;

  Side(const Format& f, bool flush_input)
      : format(f), reader(make_term_reader(f, flush_input)), code_size(code_bytes(f)) {}
  u64 code(const Line& line, usize k) const {
    return load_code(line.codes + static_cast<isize>(k) * line.step, code_size);
  }
  u64 width_mask() const { return format.bits() == 64 ? ~u64{0} : (u64{1} << format.bits()) - 1; }
};

struct Job {
  const MatrixProduct& product;
  Side a;
  Side b;
  Rounder result;
  int result_size;
  std::atomic<bool> stray{false};

  explicit Job(const MatrixProduct& p);
  void saw(u64 a_codes, u64 b_codes) {
    if (((a_codes & ~a.width_mask()) | (b_codes & ~b.width_mask())) != 0) stray.store(true, std::memory_order_relaxed);
  }
};

// What a policy makes of a format's NaN: the canonical one, always positive.
NanRule canonical_nan(const Format& f, NanCode nan);
Rounder rounder_of(const Format& f, const MatrixProduct& p);

// Where the matrices of one batch start.
struct Batch {
  const char* a;
  const char* b;
  char* result;
  char* flags;
};

struct Tile {
  Batch batch;
  usize row;
  usize column;
  usize rows;
  usize columns;
};

inline Line row_of(const Job& job, const Batch& batch, usize i) {
  return {batch.a + static_cast<isize>(i) * job.product.a.row, job.product.a.column};
}
inline Line column_of(const Job& job, const Batch& batch, usize j) {
  return {batch.b + static_cast<isize>(j) * job.product.b.column, job.product.b.row};
}

inline void deliver(const Job& job, const Batch& batch, usize i, usize j, const Rounded& r) {
  const MatrixProduct& p = job.product;
  const isize row = static_cast<isize>(i);
  const isize column = static_cast<isize>(j);
  store_code(r.code, batch.result + row * p.result.row + column * p.result.column, job.result_size);
  store_code(r.flags, batch.flags + row * p.flags.row + column * p.flags.column, 1);
}

// Outputs of a tile, and how many lines of the operands are at hand at once while they are computed.
inline constexpr usize tile_lines = 64;

// The largest buffer an exact tile may want, in bytes, and its computation in one. (exact.cc)
usize exact_workspace(const Job& job);
void exact_tile(Job& job, const Tile& tile, char* workspace);

// The same with a rounding at every step. (steps.cc)
void stepwise_tile(Job& job, const Tile& tile);

}  // namespace halfulp
