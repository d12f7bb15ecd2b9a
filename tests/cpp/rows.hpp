// The formats under test, their parameters written out a second time so that a slip in the table cannot hide.
#pragma once

#include <cstdint>
#include <vector>

#include "halfulp/format.hpp"

namespace exhaustive {

// As in halfulp::Format, field by field.
struct Row {
  const char* name;
  int exponent_bits;
  int mantissa_bits;
  int bias;
  halfulp::Specials specials;
  bool is_signed;
  bool has_zero;
  bool named;  // is a row of the product's table, too
};

const std::vector<Row>& rows();

// The product's own format for a row: of its table if it is named.
halfulp::Format product_format(const Row&);

// How many rows differ from the product's table, or are missing here although binary32 serves them in at most 19 bits.
// Each is reported on standard output.
int count_table_faults();

}  // namespace exhaustive
