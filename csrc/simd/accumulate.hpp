// Products of matrices of codes: each element a sum of products, rounded once or at every step.
#pragma once

#include "../halfulp/settle.hpp"

namespace halfulp {

enum class Accumulate : u8 {
  exact,       // one rounding at the end
  sequential,  // s = round(a * b + s), left to right
  pairwise,    // a binary tree, split at the largest power of two below its size
  kahan,       // compensated summation
};

// Matrices of codes in one array: where the first starts, and how many bytes lead to the next row, to the next column,
// and along each batch axis to the next matrix.
struct CodeMatrices {
  char* codes;
  isize row;
  isize column;
  const isize* batch;
};

// Where results are rounded: a format with a policy.
struct RoundingTo {
  Format format;
  Policy policy;
};

// result[batch, i, j] = sum over k of a[batch, i, k] * b[batch, k, j].
struct MatrixProduct {
  CodeMatrices a;
  CodeMatrices b;
  CodeMatrices result;
  CodeMatrices flags;  // a byte for each element of the result
  usize rows;
  usize columns;
  usize depth;
  int batch_axes;
  const usize* batch_shape;

  Format a_format;
  Format b_format;
  RoundingTo to;
  RoundingTo each_step;     // what each step rounds to, but for exact sums
  RoundingTo each_product;  // and before it each product, if `round_products`
  bool round_products;
  bool flush_input;  // subnormal operands are zero
  Tininess tininess;
  Accumulate order;
};

struct Multiplied {
  enum How : u8 {
    well,
    stray_bits,  // some operand has bits above the width of its format, and what was written means nothing
    no_memory,
    interrupted,  // and what was written means nothing
  };
  How how;
  u8 flags;  // those of all results or-ed together
};

// Asked now and then, on the thread that calls `multiply` only: whether to stop before all is done.
struct Interruption {
  bool (*asked)(void* context);
  void* context;
};

Multiplied multiply(const MatrixProduct& product, const Interruption& interruption);

}  // namespace halfulp
