// Operations on strided arrays of codes.
#pragma once

#include "../halfulp/operators.hpp"

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

Operation make_operation(const NamedOperator&, const OperationParameters&);

// n elements, on the threads that are set.
Raised operate(const Operation&, const Columns&, usize n);

}  // namespace halfulp
