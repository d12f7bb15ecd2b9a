// Loops over arrays that overlap: a result may be an operand of a later element.
#pragma once

#include "../halfulp/config.hpp"
#include "api.hpp"

namespace halfulp::numpy {

inline constexpr int most_operands = 6;

// Whether some result is an operand of a later element, as in reductions and accumulations.
inline bool depends_on_results(const PyArrayMethod_Context* context, char* const* data, npy_intp const* strides,
                               usize n) {
  const auto* ufunc = reinterpret_cast<PyUFuncObject*>(context->caller);
  const auto first = [&](int i) { return strides[i] < 0 ? data[i] + static_cast<isize>(n - 1) * strides[i] : data[i]; };
  const auto end = [&](int i) {
    const char* last = strides[i] < 0 ? data[i] : data[i] + static_cast<isize>(n - 1) * strides[i];
    return last + context->descriptors[i]->elsize;
  };
  for (int out = ufunc->nin; out < ufunc->nargs && n > 1; ++out) {
    for (int in = 0; in < ufunc->nin; ++in) {
      const bool in_place = data[in] == data[out] && strides[in] == strides[out] && strides[in] != 0;
      if (!in_place && first(in) < end(out) && first(out) < end(in)) return true;
    }
  }
  return false;
}

// Calls f(data, count) for all elements at once, or for one at a time where each needs the results before it.
template <class F>
void each_independent(const PyArrayMethod_Context* context, char* const* data, npy_intp const* strides, usize n,
                      F&& f) {
  if (!depends_on_results(context, data, strides, n)) return f(data, n);
  const auto* ufunc = reinterpret_cast<PyUFuncObject*>(context->caller);
  for (usize k = 0; k < n; ++k) {
    char* here[most_operands];
    for (int i = 0; i < ufunc->nargs; ++i) here[i] = data[i] + static_cast<isize>(k) * strides[i];
    f(here, 1);
  }
}

}  // namespace halfulp::numpy
