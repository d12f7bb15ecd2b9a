// Products of matrices of codes: each element a sum of products, rounded once or at every step.
#pragma once

#include "../halfulp/codec.hpp"

namespace halfulp {

enum class Accumulate : u8 {
  exact,       // one rounding at the end
  sequential,  // s = round(a * b + s), left to right
  pairwise,    // a binary tree, split at the largest power of two below its size
  kahan,       // compensated summation
};

// Matrices of codes in one array: where the first starts, and how many bytes lead to the next row, the next column, and
// along each batch axis to the next matrix.
struct CodeMatrices {
  char* codes;
  isize row;
  isize column;
  const isize* batch;
};

// What becomes of NaN in formats without one.
enum class NanCode : u8 { standard, max, zero };

// result[batch, i, j] = sum over k of a[batch, i, k] * b[batch, k, j].
struct MatrixProduct {
  CodeMatrices a;
  CodeMatrices b;
  CodeMatrices result;
  CodeMatrices flags;  // a byte for each element of the result
  Format a_format;
  Format b_format;
  Format result_format;
  usize rows;
  usize columns;
  usize depth;
  int batch_axes;
  const usize* batch_shape;

  Accumulate order;
  Format accumulator;   // what each step rounds to, but for exact sums
  bool round_products;  // first, to `products`
  Format products;
  Rounding rounding;
  Overflow overflow;
  Subnormals subnormals;  // of results
  bool flush_input;       // subnormal operands are zero
  bool tiny_before;
  NanCode nan;
};

enum class Outcome : u8 { done, stray_bits, no_memory };

// `stray_bits`: some operand has bits above the width of its format, and what was written means nothing.
Outcome multiply(const MatrixProduct& product);

}  // namespace halfulp
