// What every way of accumulating shares: a product of matrices made ready, and the operands of one of its elements.
#pragma once

#include <atomic>
#include <cstring>
#include <thread>

#include "../halfulp/accumulator.hpp"
#include "accumulate.hpp"
#include "kernels.hpp"

namespace halfulp {

// Codes of any size at any address.
inline u64 load_code(const char* from, int bytes) {
  u8 byte = 0;
  u16 half = 0;
  u32 word = 0;
  u64 whole = 0;
  switch (bytes) {
    case 1: std::memcpy(&byte, from, 1); return byte;
    case 2: std::memcpy(&half, from, 2); return half;
    case 4: std::memcpy(&word, from, 4); return word;
    default: std::memcpy(&whole, from, 8); return whole;
  }
}

inline void store_code(u64 code, char* to, int bytes) {
  const u8 byte = static_cast<u8>(code);
  const u16 half = static_cast<u16>(code);
  const u32 word = static_cast<u32>(code);
  switch (bytes) {
    case 1: std::memcpy(to, &byte, 1); return;
    case 2: std::memcpy(to, &half, 2); return;
    case 4: std::memcpy(to, &word, 4); return;
    default: std::memcpy(to, &code, 8); return;
  }
}

// The codes of a row or a column.
struct Line {
  const char* codes;
  isize step;
};

// The operands on one side of the products.
struct Side {
  Format format;
  Operand operand;
  ValueDecoder decoder;
  int bytes;
  bool flushes;

  Side(const Format& f, bool flush_input)
      : format(f),
        operand(make_operand(f, flush_input)),
        decoder(make_value_decoder(f)),
        bytes(code_bytes(f)),
        flushes(flush_input && f.has_subnormals()) {}
  Real at(const Line& line, usize k) const {
    return read(load_code(line.codes + static_cast<isize>(k) * line.step, bytes) & operand.code_mask, operand);
  }
};

struct Job {
  const MatrixProduct& product;
  const Interruption& interruption;
  Side a;
  Side b;
  Result to;
  int result_bytes;
  std::atomic<bool> stray{false};
  std::atomic<u8> flags{0};  // of all results
  std::atomic<bool> stopped{false};
  const std::thread::id caller = std::this_thread::get_id();

  Job(const MatrixProduct& p, const Interruption& i);
  // Codes that were read, or-ed together.
  void saw(const Side& side, u64 codes) {
    if ((codes & ~side.operand.code_mask) != 0) stray.store(true, std::memory_order_relaxed);
  }
};

// One thread's share of a job, which it leaves off if the job is to stop: asked after some hundred microseconds of
// work, so that asking costs nothing.
class Share {
 public:
  explicit Share(Job& job) : job_(job), asks_(std::this_thread::get_id() == job.caller) {}

  static constexpr usize piece = 1024;

  // Called before so much more work, in steps with a rounding each.
  bool stops(usize steps) {
    done_ += steps;
    return done_ >= patience && asked();
  }
  // Called before the step at k of many.
  bool stops_at(usize k) { return k % piece == piece - 1 && stops(piece); }

 private:
  static constexpr usize patience = 4096;

  bool asked() {
    if (job_.stopped.load(std::memory_order_relaxed)) return true;
    done_ = 0;
    if (!asks_ || !job_.interruption.asked(job_.interruption.context)) return false;
    job_.stopped.store(true, std::memory_order_relaxed);
    done_ = patience;
    return true;
  }

  Job& job_;
  usize done_ = 0;
  bool asks_;
};

inline Result result_of(const RoundingTo& to, Tininess tininess) {
  return make_result(to.format, to.policy, NanPropagation::canonical, tininess);
}

// The matrices of one place in the batch.
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

inline constexpr usize tile_lines = 64;

inline Line row_of(const Job& job, const Batch& batch, usize i) {
  return {batch.a + static_cast<isize>(i) * job.product.a.row, job.product.a.column};
}
inline Line column_of(const Job& job, const Batch& batch, usize j) {
  return {batch.b + static_cast<isize>(j) * job.product.b.column, job.product.b.row};
}

inline void deliver(Job& job, const Batch& batch, usize i, usize j, const Outcome& outcome) {
  const MatrixProduct& p = job.product;
  const isize row = static_cast<isize>(i);
  const isize column = static_cast<isize>(j);
  store_code(outcome.code, batch.result + row * p.result.row + column * p.result.column, job.result_bytes);
  if ((outcome.flags & ~job.flags.load(std::memory_order_relaxed)) != 0) job.flags.fetch_or(outcome.flags);
  store_code(outcome.flags, batch.flags + row * p.flags.row + column * p.flags.column, 1);
}

// Exact tiles, and how many bytes of memory one needs. (exact.cc)
usize exact_workspace(const Job& job);
void exact_tile(Job& job, const Tile& tile, char* workspace, Share& share);

// Tiles with a rounding at every step. (steps.cc)
void stepwise_tile(Job& job, const Tile& tile, Share& share);

}  // namespace halfulp
