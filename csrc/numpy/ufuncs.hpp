// Real numpy.ufunc objects for one codec: encode, decode, round.
#pragma once

#include <string>

#include "../simd/kernels.hpp"
#include "api.hpp"

namespace halfulp::numpy {

enum class Verb { encode, decode, round };

// Imports the NumPy API tables. Returns -1 with an exception set on failure.
int import_api();

// A new ufunc, or null with an exception set. `name` is the dotted path under module halfulp by which pickle finds it;
// `owner` is kept alive by it.
PyObject* make_ufunc(Verb verb, const std::string& name, const std::string& doc, const Encoder& encoder,
                     const ValueDecoder& decoder, PyObject* owner);

}  // namespace halfulp::numpy
