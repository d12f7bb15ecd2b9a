// Ufuncs that are no operation on codes.
#pragma once

#include "../overlap.hpp"
#include "dtype.hpp"

namespace halfulp::numpy {

// The loop of a ufunc of this name: one of ours, or NumPy's for doubles between a decoding and an encoding.
PyArrayMethod_StridedLoop* math_loop(const char* name);

// bits.cc: the loop of a ufunc of a format that only looks at bits and raises nothing, or null.
PyArrayMethod_StridedLoop* bits_loop(const Dtype& d, const char* ufunc);

}  // namespace halfulp::numpy
