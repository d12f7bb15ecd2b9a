// Arrays of codes that say so: the dtypes of formats, and the number types that ml_dtypes registers with NumPy.
#pragma once

#include "types.hpp"

namespace halfulp::numpy {

// The decoder for the codes of this dtype, or null (no exception set) if it is no format's whose numbers
// binary32 holds, and not of ml_dtypes.
// Takes the GIL for granted; the answer is kept, so that loops may ask again without it.
const ValueDecoder* foreign_decoder(PyArray_Descr* descr);

}  // namespace halfulp::numpy
