// Products of matrices of codes: their elements cut into tiles, and the tiles shared among threads.
#include "accumulate.hpp"

#include <memory>
#include <new>

#include "parallel.hpp"
#include "sums.hpp"

namespace halfulp {

Job::Job(const MatrixProduct& p, const Interruption& i)
    : product(p),
      interruption(i),
      a(p.a_format, p.flush_input),
      b(p.b_format, p.flush_input),
      to(result_of(p.to, p.tininess)),
      result_bytes(code_bytes(p.to.format)) {}

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

usize lines_from(usize lines, usize start) { return lines - start < tile_lines ? lines - start : tile_lines; }

Tile tile_at(const MatrixProduct& p, usize index) {
  const usize columns = tiles_along(p.columns);
  const usize rows = tiles_along(p.rows);
  const usize row = index / columns % rows * tile_lines;
  const usize column = index % columns * tile_lines;
  return {batch_at(p, index / columns / rows), row, column, lines_from(p.rows, row), lines_from(p.columns, column)};
}

}  // namespace

Multiplied multiply(const MatrixProduct& p, const Interruption& interruption) {
  usize tiles = tiles_along(p.rows) * tiles_along(p.columns);
  usize elements = p.rows * p.columns;
  for (int axis = 0; axis < p.batch_axes; ++axis) {
    tiles *= p.batch_shape[axis];
    elements *= p.batch_shape[axis];
  }
  if (elements == 0) return {Multiplied::well, 0};
  Job job(p, interruption);
  std::atomic<bool> no_memory{false};
  const auto run = [&](usize first, usize count) {
    Share share(job);
    std::unique_ptr<char[]> workspace;
    if (p.order == Accumulate::exact) {
      workspace.reset(new (std::nothrow) char[exact_workspace(job)]);
      if (!workspace) return no_memory.store(true, std::memory_order_relaxed);
    }
    for (usize index = first; index < first + count && !job.stopped.load(std::memory_order_relaxed); ++index) {
      if (p.order == Accumulate::exact) {
        exact_tile(job, tile_at(p, index), workspace.get(), share);
      } else {
        stepwise_tile(job, tile_at(p, index), share);
      }
    }
  };
  // A tile counts for as many elements as a thread takes at once, if there is enough to do in all.
  const bool worth_sharing = elements >= 4 * smallest_part / (p.depth + 1);
  if (worth_sharing && tiles > 1) {
    in_parallel(tiles * smallest_part,
                [&](usize start, usize count) { run(start / smallest_part, count / smallest_part); });
  } else {
    run(0, tiles);
  }
  if (no_memory.load()) return {Multiplied::no_memory, 0};
  if (job.stopped.load()) return {Multiplied::interrupted, 0};
  return {job.stray.load() ? Multiplied::stray_bits : Multiplied::well, job.flags.load()};
}

}  // namespace halfulp
