// Real numpy.ufunc objects for operations on codes.
#pragma once

#include <string>

#include "../simd/operate.hpp"
#include "api.hpp"

namespace halfulp::numpy {

// Element sizes of a ufunc's operands and results, beside the operation.
struct OperationUfunc {
  std::string name;
  std::string doc;
  ArrayOperation operation;
  Operands operands;
  Results results;
  int operand_bytes[3];
  int code_bits[3];
  int result_bytes;
  bool flags;  // as a last result; else they are NumPy's floating-point errors
};

// Raises flags in the floating-point unit: NumPy looks there after a loop, and warns as np.errstate says.
void raise_floating_point(u8 flags);

// A new ufunc, or null with an exception set.
PyObject* make_ufunc(const OperationUfunc& parameters);

// What NumPy does about floating-point exceptions, as np.errstate says. Returns -1 with an exception set.
int give_floating_point_errors(const char* name, u8 flags);

}  // namespace halfulp::numpy
