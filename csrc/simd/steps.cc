// Sums of products with a rounding at every step: each step is one operation on codes, as operations.hpp defines it.
#include "../halfulp/operations.hpp"
#include "sums.hpp"

namespace halfulp {
namespace {

bool same(const Format& f, const Format& g) {
  return f.exponent_bits == g.exponent_bits && f.mantissa_bits == g.mantissa_bits && f.bias == g.bias &&
         f.specials == g.specials && f.is_signed == g.is_signed && f.has_zero == g.has_zero;
}

// The operations of one product of matrices.
struct Steps {
  const MatrixProduct& product;
  Operation step;       // what rounds to the accumulator's format
  Operation each;       // and to the products' format, if they have one
  Operation convert;    // and to the result's
  Operand accumulator;  // how codes of these formats are read
  Operand each_product;
  bool convert_last;

  explicit Steps(const MatrixProduct& p)
      : product(p),
        step{},
        each{},
        convert{},
        accumulator(make_operand(p.each_step.format, p.flush_input)),
        each_product(make_operand(p.each_product.format, p.flush_input)),
        convert_last(!same(p.each_step.format, p.to.format)) {
    step.result = result_of(p.each_step, p.tininess);
    each.op = Operator::multiply;
    each.result = result_of(p.each_product, p.tininess);
    convert.op = Operator::convert;
    convert.operands[0] = accumulator;
    convert.result = result_of(p.to, p.tininess);
  }
};

// One sum in the making. Values go from step to step as codes of the accumulator's format.
class Sum {
 public:
  Sum(Job& job, const Steps& steps, const Line& row, const Line& column, Share& share)
      : job_(job), steps_(steps), row_(row), column_(column), share_(share) {}

  Outcome run() {
    const usize depth = steps_.product.depth;
    if (depth == 0) return settle(zero(false), job_.to);
    u64 code = 0;
    switch (steps_.product.order) {
      case Accumulate::pairwise: code = pairwise(depth); break;
      case Accumulate::kahan: code = kahan(depth); break;
      default: code = sequential(depth); break;
    }
    if (!steps_.convert_last) return {code, flags_};
    code = noted(apply_to_code(steps_.convert, code));
    return {code, flags_};
  }

 private:
  u64 noted(const Outcome& o) {
    flags_ |= o.flags;
    return o.code;
  }

  Real value(u64 code) const { return read(code, steps_.accumulator); }

  // round(a * b)
  u64 multiplied(const Operation& o, const Real& a, const Real& b) {
    const Real both[2] = {a, b};
    if (a.is_nan() || b.is_nan()) return noted(settle_nan(both, 2, o.result));
    return noted(settle_exact(multiply(a, b), o.result));
  }

  // round(x + y)
  u64 added(const Real& x, const Real& y) {
    const Real both[2] = {x, y};
    const Result& to = steps_.step.result;
    if (x.is_nan() || y.is_nan()) return noted(settle_nan(both, 2, to));
    return noted(settle_exact(add(x, y, to.negative_zero_sum), to));
  }

  Real a(usize k) {
    job_.saw(job_.a, load_code(row_.codes + static_cast<isize>(k) * row_.step, job_.a.bytes));
    return job_.a.at(row_, k);
  }
  Real b(usize k) {
    job_.saw(job_.b, load_code(column_.codes + static_cast<isize>(k) * column_.step, job_.b.bytes));
    return job_.b.at(column_, k);
  }

  // The product at k in the products' own format.
  Real rounded_product(usize k) { return read(multiplied(steps_.each, a(k), b(k)), steps_.each_product); }

  // The product at k, rounded to the accumulator's format.
  u64 term(usize k) {
    if (!steps_.product.round_products) return multiplied(steps_.step, a(k), b(k));
    const Real x = rounded_product(k);
    return noted(x.is_nan() ? settle_nan(&x, 1, steps_.step.result) : settle(x, steps_.step.result));
  }

  // round(product at k + y), the product being exact unless it has a format.
  u64 term_plus(usize k, const Real& y) {
    if (!steps_.product.round_products) return noted(fused(steps_.step, a(k), b(k), y));
    return added(rounded_product(k), y);
  }

  u64 sequential(usize depth) {
    u64 sum = term(0);
    for (usize k = 1; k < depth && !share_.stops_at(k); ++k) sum = term_plus(k, value(sum));
    return sum;
  }

  // Complete trees wait until there are two of a size; those that are left join from the right.
  u64 pairwise(usize depth) {
    u64 trees[64];
    int waiting = 0;
    for (usize k = 0; k < depth && !share_.stops_at(k); ++k) {
      trees[waiting++] = term(k);
      for (usize ended = k + 1; ended % 2 == 0; ended /= 2) join(trees, waiting);
    }
    while (waiting > 1) join(trees, waiting);
    return trees[0];
  }

  void join(u64* trees, int& waiting) {
    --waiting;
    trees[waiting - 1] = added(value(trees[waiting - 1]), value(trees[waiting]));
  }

  u64 kahan(usize depth) {
    u64 sum = term(0);
    u64 lost = encode_real(zero(false), steps_.step.result);
    for (usize k = 1; k < depth && !share_.stops_at(k); ++k) {
      const u64 y = term_plus(k, negated(value(lost)));
      const u64 t = added(value(sum), value(y));
      const u64 gained = added(value(t), negated(value(sum)));
      lost = added(value(gained), negated(value(y)));
      sum = t;
    }
    return sum;
  }

  Job& job_;
  const Steps& steps_;
  const Line& row_;
  const Line& column_;
  Share& share_;
  u8 flags_ = 0;
};

}  // namespace

void stepwise_tile(Job& job, const Tile& tile, Share& share) {
  const Steps steps(job.product);
  for (usize i = tile.row; i < tile.row + tile.rows; ++i) {
    for (usize j = tile.column; j < tile.column + tile.columns; ++j) {
      if (share.stops(job.product.depth % Share::piece + 1)) return;
      const Line row = row_of(job, tile.batch, i);
      const Line column = column_of(job, tile.batch, j);
      deliver(job, tile.batch, i, j, Sum(job, steps, row, column, share).run());
    }
  }
}

}  // namespace halfulp
