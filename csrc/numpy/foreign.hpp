// The number types that ml_dtypes registers with NumPy: which of our formats their bytes are.
#pragma once

#include "types.hpp"

namespace halfulp::numpy {

// The decoder for the codes of this user-registered type, or null (no exception set) if it is no ml_dtypes type.
// Takes the GIL for granted; the answer is kept, so that loops may ask again without it.
const ValueDecoder* foreign_decoder(PyArray_Descr* descr);

}  // namespace halfulp::numpy
