// One function per topic, called by module.cc.
#pragma once

#include <pybind11/pybind11.h>

#include <string>

#include "../halfulp/codec.hpp"

namespace halfulp::bind {

void formats(pybind11::module_& m);
void codebooks(pybind11::module_& m);
void codecs(pybind11::module_& m);
void machine(pybind11::module_& m);
void packed(pybind11::module_& m);

// A rounding mode by its name; throws ValueError.
Rounding rounding_of(const std::string& name);

}  // namespace halfulp::bind
