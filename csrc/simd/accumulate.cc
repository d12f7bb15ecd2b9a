// Products of matrices of codes: their outputs cut into tiles, and the tiles shared among threads.
#include "accumulate.hpp"

#include <memory>
#include <new>

#include "parallel.hpp"
#include "sums.hpp"

namespace halfulp {

NanRule canonical_nan(const Format& f, NanCode nan) {
  const u64 code = f.has_nan() ? f.nan_code() : nan == NanCode::max ? f.max_magnitude() : 0;
  return nan == NanCode::standard ? NanRule{default_nan(f).positive, default_nan(f).positive, false}
                                  : NanRule{code, code, false};
}

Rounder rounder_of(const Format& f, const MatrixProduct& p) {
  return make_rounder(f, {p.rounding, p.overflow, p.subnormals, canonical_nan(f, p.nan)}, p.tiny_before);
}

Job::Job(const MatrixProduct& p)
    : product(p),
      a(p.a_format, p.flush_input),
      b(p.b_format, p.flush_input),
      result(rounder_of(p.result_format, p)),
      result_size(code_bytes(p.result_format)) {}

namespace {

Batch batch_at(const MatrixProduct& p, usize index) {
  Batch batch{p.a.codes, p.b.codes, p.result.codes, p.flags.codes};
  for (int axis = p.batch_axes; axis-- > 0;) {
    const isize place = static_cast<isize>(index % p.batch_shape[axis]);
    index /= p.batch_shape[axis];
    batch.a += place * p.a.batch[axis];
    batch.b += place * p.b.batch[axis];
    batch.result += place * p.result.batch[axis];
    batch.flags += place * p.flags.batch[axis];
  }
  return batch;
}

usize tiles_along(usize lines) { return (lines + tile_lines - 1) / tile_lines; }

usize part_of(usize lines, usize start) { return lines - start < tile_lines ? lines - start : tile_lines; }

}  // namespace

Outcome multiply(const MatrixProduct& p) {
  usize tiles = tiles_along(p.rows) * tiles_along(p.columns);
  usize outputs = p.rows * p.columns;
  for (int axis = 0; axis < p.batch_axes; ++axis) {
    tiles *= p.batch_shape[axis];
    outputs *= p.batch_shape[axis];
  }
  if (outputs == 0) return Outcome::done;
  Job job(p);
  std::atomic<bool> no_memory{false};
  const auto run = [&](usize first, usize count) {
    std::unique_ptr<char[]> workspace;
    if (p.order == Accumulate::exact) {
      workspace.reset(new (std::nothrow) char[exact_workspace(job)]);
      if (!workspace) return no_memory.store(true, std::memory_order_relaxed);
    }
    for (usize index = first; index < first + count; ++index) {
      const usize columns = tiles_along(p.columns);
      const usize rows = tiles_along(p.rows);
      const usize row = index / columns % rows * tile_lines;
      const usize column = index % columns * tile_lines;
      const Batch batch = batch_at(p, index / columns / rows);
      const Tile tile = {batch, row, column, part_of(p.rows, row), part_of(p.columns, column)};
      if (p.order == Accumulate::exact) {
        exact_tile(job, tile, workspace.get());
      } else {
        stepwise_tile(job, tile);
      }
    }
  };
  // A tile counts for as many elements as a thread takes at once, if there is enough to do in all.
  if (outputs >= 4 * smallest_part / (p.depth + 1)) {
    in_parallel(tiles * smallest_part,
                [&](usize start, usize count) { run(start / smallest_part, count / smallest_part); });
  } else {
    run(0, tiles);
  }
  if (no_memory.load()) return Outcome::no_memory;
  return job.stray.load() ? Outcome::stray_bits : Outcome::done;
}

}  // namespace halfulp
