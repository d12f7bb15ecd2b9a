// One function per topic, called by module.cc.
#pragma once

#include <pybind11/pybind11.h>

#include <string>

#include "../halfulp/codec.hpp"

namespace halfulp::bind {

void accumulate(pybind11::module_& m);
void formats(pybind11::module_& m);
void codebooks(pybind11::module_& m);
void codecs(pybind11::module_& m);
void dlpack(pybind11::module_& m);
void dtypes(pybind11::module_& m);
void machine(pybind11::module_& m);
void operations(pybind11::module_& m);
void packed(pybind11::module_& m);

// The value of an enum by its word, the words being in its order; throws ValueError.
template <class Enum, usize count>
Enum by_name(const char* argument, const char* const (&names)[count], const std::string& name) {
  std::string known;
  for (usize i = 0; i < count; ++i) {
    if (name == names[i]) return static_cast<Enum>(i);
    known += (i == 0 ? "'" : ", '") + std::string(names[i]) + "'";
  }
  throw pybind11::value_error(std::string(argument) + " must be one of " + known + ", not '" + name + "'");
}

template <usize count>
pybind11::tuple as_tuple(const char* const (&names)[count]) {
  pybind11::tuple result(count);
  for (usize i = 0; i < count; ++i) result[i] = names[i];
  return result;
}

// The words of a policy.
Rounding rounding_of(const std::string& name);
Overflow overflow_of(const std::string& name);
Subnormals subnormals_of(const std::string& name);

}  // namespace halfulp::bind
