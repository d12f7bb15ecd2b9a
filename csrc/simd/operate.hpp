// Operations on strided arrays of codes.
#pragma once

#include "../halfulp/operators.hpp"
#include "kernels.hpp"

namespace halfulp {

// One operand or result: elements of 1, 2, 4 or 8 bytes, a stride in bytes. Integers may be signed.
struct Column {
  char* data;
  isize stride;
  int bytes;
  bool is_signed;
};

struct Columns {
  int operands;
  int results;
  Column in[3];
  Column out[2];
  Column flags;  // uint8 per element; no data: not wanted
};

// What a whole call raised, and the first operand, if any, that is no code: then nothing more was computed.
struct Raised {
  u8 flags;
  usize bad;  // index of its element; the number of elements if all are codes
  int operand;
};

struct OperationParameters {
  Format operands[3];
  Format result;
  Policy policy;
  bool flush_input;
  NanPropagation nan;
  Tininess tininess;
  Rounding integer_rounding;
  bool exact;
  bool signaling;
  int integer_bits;
  bool integer_signed;
  bool indefinite;
};

// The same by way of binary32, in vectors: decode, operate, encode.
struct FastOperation {
  bool usable;
  VectorOperation vector;
  int operands;
  ValueDecoder from[3];
  u32 flush_below[3];  // as binary32 bits
  Encoder encoder;
  ValueDecoder value;
  FlagRules rules;
  bool signals[3];      // the format has signalling NaN
  bool nan_by_operand;  // which NaN results depends on the operands
};

struct ArrayOperation {
  Operation definition;
  FastOperation fast;
};

ArrayOperation make_operation(const NamedOperator&, const OperationParameters&);

// n elements, on the threads that are set.
Raised operate(const ArrayOperation&, const Columns&, usize n);

// fast.cc: some elements of contiguous, aligned arrays of codes that have been checked. `flags` may be null: then what
// is in `seen` need not be found again.
FastOperation make_fast(const NamedOperator&, const OperationParameters&, const Operation&);
u8 operate_fast(const ArrayOperation&, const Kernels&, const void* const* codes, void* results, u8* flags, u8 seen,
                usize n);

}  // namespace halfulp
