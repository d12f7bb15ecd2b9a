// Operations on strided arrays of codes.
#pragma once

#include <atomic>

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

// The results for all operands, where those are few: made from the definition when so many have been asked for.
struct Table {
  int first_bits;  // of the first operand's codes; the second one's stand above
  u8* results;     // result_bytes each, `rest` likewise
  u8* rest;
  u8* flags;
};

// Where a table will be. Copies begin without.
class TableSlot {
 public:
  TableSlot() = default;
  TableSlot(const TableSlot&) {}
  TableSlot& operator=(const TableSlot&) = delete;
  ~TableSlot();

  // The table, if it exists or is worth making for n more elements; else null. Null too if there is no memory.
  const Table* get(const Operation&, const Columns&, const int* code_bits, usize n);

 private:
  std::atomic<const Table*> table_{nullptr};
  std::atomic<usize> asked_{0};
};

struct ArrayOperation {
  Operation definition;
  FastOperation fast;
  int code_bits[3];  // of the operands
  mutable TableSlot slot;
};

ArrayOperation make_operation(const NamedOperator&, const OperationParameters&);

// n elements, on the threads that are set.
Raised operate(const ArrayOperation&, const Columns&, usize n);

// How many operands are codes; those after them are integers.
int code_operands(const Operation&, int operands);

// tables.cc: the same as the definition.
Raised look_up(const Table&, const Operation&, const Columns&, usize start, usize n);

// fast.cc: at most `fast_block` elements of contiguous, aligned arrays of codes that have been checked. `flags` may be
// null: then what is in `seen` need not be found again.
FastOperation make_fast(const NamedOperator&, const OperationParameters&, const Operation&);
u8 operate_fast(const ArrayOperation&, const Kernels&, const void* const* codes, void* results, u8* flags, u8 seen,
                usize n);

// bytes.cc: not usable where the formats hold more than the tables.
ByteOperation make_byte_operation(const NamedOperator&, const OperationParameters&, const Operation&);

}  // namespace halfulp
